//! The outside systems by name: the only way out. Databases: settings, three handles (`Reading`, `Rehearsing`,
//! `Writing`), lossless values, faults in plain words. Knows nothing of playbooks, plans or journals.

pub mod changing;
pub mod database;
pub mod fault;
pub mod handle;
mod link;
mod postgres;
pub mod reference;
pub mod rows;
pub mod session;
pub mod settings;
mod sql_lexer;
pub mod sql_rules;
mod sql_text;
mod sqlite;
pub mod statement;
