//! The outside systems by name: the only way out. Settings of the project file, and what speaks to each kind of system:
//! databases (three handles, lossless values, faults in plain words) and HTTP APIs. Knows nothing of playbooks, plans or
//! journals.

pub mod changing;
mod copy;
pub mod database;
mod denied;
pub mod fault;
pub mod handle;
pub mod http;
pub mod ledger;
mod link;
pub mod mail;
mod mysql;
pub mod otlp;
mod postgres;
pub mod program;
pub use postgres::Address as PostgresAddress;
pub mod reference;
mod resolving;
pub mod rows;
pub mod sandbox;
pub mod seen;
pub mod session;
pub mod set;
pub mod settings;
pub mod sidekiq;
mod sql_lexer;
pub mod sql_rules;
mod sql_text;
mod sqlite;
pub mod standing;
pub mod statement;
pub mod survey;
pub mod taken_back;
mod waiting;
mod ways;
#[cfg(test)]
mod tests;
