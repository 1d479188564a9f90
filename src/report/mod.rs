//! Plan, run state and diagnostics → text, JSON and the like. Never asks the world, never prints.

pub mod applied;
pub mod approved;
pub mod audit;
pub mod catalogue;
pub mod clock;
pub(crate) mod columns;
pub mod compared;
pub mod diagnose;
pub mod diagnostics;
pub mod diff;
pub mod doubt;
pub mod exit;
pub mod graph;
pub mod explain;
pub mod inbox;
mod left;
pub mod lifecycle;
pub(crate) mod line;
pub mod look;
pub mod metrics;
pub mod letter;
pub mod many;
pub(crate) mod page;
mod plain_value;
pub mod drift;
pub mod plan;
pub mod plan_diff;
pub mod plan_json;
pub mod plan_summary;
pub mod prepared;
mod pretty;
pub mod procedure;
pub mod progress;
pub mod reconciled;
pub mod reference;
pub mod reminders;
pub mod rewritten;
mod request;
pub mod run;
pub mod run_json;
pub mod schedules;
pub mod runs;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod saved_tests;
#[cfg(test)]
mod sample_runs;
mod standing;
mod titles;
