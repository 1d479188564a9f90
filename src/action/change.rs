//! Changes of rows, as data.
