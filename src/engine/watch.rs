//! What a run tells while it goes on: the seam between running and showing.

use crate::plan::Section;
use std::sync::Arc;

/// One thing that is worth showing.
#[derive(Clone, Debug)]
pub enum Tick {
    /// A step begins.
    Begins {
        /// Which list.
        section: Section,
        /// Its path.
        path: Arc<str>,
        /// Its heading, or its action.
        title: String,
    },
    /// A step is over.
    Over {
        /// Its path.
        path: Arc<str>,
        /// The word of its outcome.
        outcome: crate::journal::words::Outcome,
        /// One line.
        summary: String,
    },
    /// It tries again after a pause.
    Again {
        /// Its path.
        path: Arc<str>,
        /// Why.
        why: String,
        /// How long it waits.
        pause: std::time::Duration,
    },
    /// A message that whoever runs this must pass on.
    PassOn {
        /// To whom.
        who: Arc<str>,
        /// What.
        text: String,
    },
}

/// Receives what a run tells. Called from the run itself: must not block for long.
pub type Watch<'a> = &'a (dyn Fn(Tick) + Send + Sync);
