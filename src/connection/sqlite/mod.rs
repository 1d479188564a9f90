//! SQLite: how a session is opened, asked and left.
