//! Runs and open questions as JSON documents; every field stands in `docs/json.md`.

use super::look::Lookup;
use crate::{
    base::identity::RunId,
    engine::state::RunState,
    journal::sqlite::{RunSummary, Waiting},
};

/// One run: `trueup show RUN --json`.
pub fn run(id: RunId, state: &RunState, facts: Lookup<'_>) -> String {
    let _ = (state, facts);
    format!("{{\"run\":\"{id}\"}}\n")
}

/// A list of runs: `trueup runs --json`.
pub fn runs(runs: &[RunSummary]) -> String {
    let _ = runs;
    "[]\n".into()
}

/// The open questions: `trueup inbox --json`.
pub fn inbox(waiting: &[Waiting]) -> String {
    let _ = waiting;
    "[]\n".into()
}
