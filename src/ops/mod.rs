//! One file per thing a user can do; the same for the command line and, later, the web. Reads files, environment and
//! clock, puts a [`setting`](crate::engine::setting) together, and returns data: nothing here prints.

pub mod answer;
pub mod apply;
pub mod approve;
pub mod audit;
pub mod behind;
pub mod cancel;
pub mod check;
pub mod diagnose;
mod elsewhere;
pub mod failure;
pub mod fix;
pub mod fmt;
pub mod history;
pub mod included;
pub mod inspect;
pub mod lifecycle;
pub mod lint;
pub mod many;
pub mod mock;
pub mod notify;
pub mod over;
pub mod people;
pub mod names;
pub mod new;
pub mod plan;
pub mod playbook;
pub mod prepare;
pub mod project;
pub mod reconcile;
pub mod record;
pub mod resolve;
pub mod resume;
pub mod retry;
pub mod sandbox;
pub mod saved;
pub mod schedule;
pub mod secrets_again;
pub mod served;
pub mod since;
pub mod states;
pub mod surroundings;
pub mod tables;
mod taken_back;
pub mod test;
pub mod trace;
mod turn;
pub mod undo;
pub mod undo_file;
pub mod worker;
pub mod watch;
pub mod witness;

pub use failure::Failure;
pub use surroundings::Surroundings;

/// Every thread that plans or applies has a stack of this size: parsing and templates recurse as deep as their limits allow.
pub const STACK: usize = 64 * 1024 * 1024;
