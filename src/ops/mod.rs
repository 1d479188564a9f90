//! One file per thing a user can do; the same for the command line and, later, the web. Reads files, environment and
//! clock, puts a [`setting`](crate::engine::setting) together, and returns data: nothing here prints.

pub mod answer;
pub mod apply;
pub mod approve;
pub mod audit;
pub mod cancel;
pub mod check;
pub mod diagnose;
pub mod failure;
pub mod history;
pub mod included;
pub mod inspect;
pub mod many;
pub mod mock;
pub mod plan;
pub mod playbook;
pub mod prepare;
pub mod project;
pub mod record;
pub mod resolve;
pub mod resume;
pub mod retry;
pub mod sandbox;
pub mod saved;
pub mod surroundings;
pub mod tables;
pub mod test;
pub mod undo;

pub use failure::Failure;
pub use surroundings::Surroundings;
