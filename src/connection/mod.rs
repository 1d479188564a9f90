//! The outside systems by name. Databases: settings, three handles (`Reading`, `Rehearsing`, `Writing`), lossless values,
//! faults in plain words. Knows nothing of playbooks, plans or journals.

pub mod database;
pub mod fault;
pub mod handle;
mod postgres;
pub mod reference;
pub mod rows;
pub mod session;
pub mod settings;
pub mod sql_rules;
mod sqlite;
pub mod statement;
