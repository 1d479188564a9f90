//! What happened, append-only: events in a stored form that lasts, chained by hashes, in a SQLite file or on a PostgreSQL server.
//!
//! An event is durable before the effect that it announces (`docs/design/journal.md`). Knows nothing of how a step is
//! done and decides nothing: the fold of events into the state of a run is `engine`'s.

mod ahead;
mod append;
mod approve;
mod beginning;
pub mod chain;
mod claim;
mod compressed;
mod decode;
pub mod event;
pub mod failure;
mod link;
mod mention;
pub mod occasion;
pub mod payload;
mod postgres;
mod projection;
mod purge;
mod read;
#[cfg(test)]
mod samples;
mod schedules;
mod sift;
mod sql;
mod sqlite;
mod stands;
mod store;
#[cfg(test)]
mod tests;
mod verify;
pub mod words;
mod write;

pub use append::{Appended, Appending};
pub use approve::{Approved, Approving};
pub use beginning::Beginning;
pub use claim::{Claim, Holder};
pub use mention::Mention;
pub use purge::Purgeable;
pub use read::{RunFilter, RunSummary, Stored, Waiting};
pub use record::BadRecord;
pub use schedules::{Deciding, Kept, Occurrence, Taking, WENT_BACK, chain_of, occurrence_of};
pub use sift::Sifted;
pub use stands::{OnClaim, Stands};

use crate::effect::record;
pub use store::Journal;
pub use verify::{Anchor, Finding, Report, What};
