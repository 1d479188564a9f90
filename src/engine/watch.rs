//! What a run tells while it goes on: the seam between running and showing.

use crate::{journal::words::End, plan::Section};
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
    /// What a step did cannot be recorded: the journal, and only that, is tried again after a pause.
    Unrecorded {
        /// The step's path.
        path: Arc<str>,
        /// Why.
        why: String,
        /// How long it waits.
        pause: std::time::Duration,
    },
    /// Of a run over many items: one of them is over, or the run stands still.
    Items(Box<Standing>),
    /// A message that whoever runs this must pass on.
    PassOn {
        /// To whom.
        who: Arc<str>,
        /// What.
        text: String,
    },
}

/// How far a run over many items is.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The item that is over now, how it ended, and why.
    pub item: Option<(Arc<str>, End, Option<String>)>,
    /// Why it stands still, or goes on.
    pub word: Option<String>,
    /// How many are over.
    pub over: u64,
    /// How many there are.
    pub of: u64,
    /// How many did not end well, those in doubt among them, which are not over.
    pub bad: u64,
    /// How many were handed to a person: over, and neither well nor badly.
    pub escalated: u64,
    /// How many are under way.
    pub running: usize,
    /// How many were ended in a minute, lately.
    pub a_minute: Option<u64>,
}

/// Receives what a run tells. Called from the run itself: must not block for long.
pub type Watch<'a> = &'a (dyn Fn(Tick) + Send + Sync);
