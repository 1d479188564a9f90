//! The outside systems by name: the only way out. Settings of the project file, and what speaks to each kind of system.

pub mod http;
pub mod reference;
pub mod rows;
pub mod session;
pub mod settings;
pub mod sql_rules;
mod sqlite;
pub mod statement;
