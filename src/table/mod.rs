//! Facts about tables: what the project file says of them and what the database's catalogue says. Opens no connection.

pub mod audit;
pub mod catalogue;
pub mod condition;
pub mod facts;
pub mod rights;
