//! What a step would do or did, as data: row images and their difference, labels. Knows nothing of how it is done.

pub mod alike;
pub mod change;
pub mod compared;
pub mod hidden;
pub mod label;
pub mod reasons;
#[macro_use]
pub mod record;
pub mod job;
pub mod kept;
pub mod left;
pub mod matched;
