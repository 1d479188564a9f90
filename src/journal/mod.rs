//! What happened, append-only: events in a stored form that lasts, chained by hashes, in SQLite.
//!
//! An event is durable before the effect that it announces (`docs/design/journal.md`). Knows nothing of how a step is
//! done and decides nothing: the fold of events into the state of a run is `engine`'s.

#[macro_use]
mod record;
pub mod chain;
pub mod event;
pub mod failure;
pub mod payload;
#[cfg(test)]
mod samples;
pub mod sqlite;
pub mod words;

pub use record::BadRecord;
