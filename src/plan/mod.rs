//! What would happen, as data: step by step, with row images, requests, labels, and a digest over what was promised.
//! Knows nothing of how it was found out.

pub mod digest;
pub mod file;
pub mod item;
pub mod many;
pub mod overlap;
pub mod stored;
pub mod tally;
mod tallied;
mod whole;

pub use many::Many;
pub use tally::Tally;

pub use item::{Also, Effect, Foreseen, ItemPlan, Reversal, Section, StepPlan, Stop};

use crate::{
    base::{time::Stamp, value::Map},
    effect::left,
};
use std::{borrow::Cow, sync::Arc};

/// What a run would do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the playbook.
    pub playbook: Arc<str>,
    /// Its version.
    pub version: u32,
    /// Its title.
    pub title: Arc<str>,
    /// SHA-256 of its text, as hexadecimal digits: a changed byte voids the plan.
    pub text_hash: String,
    /// Parameters, marked.
    pub params: Map,
    /// The environment.
    pub environment: Arc<str>,
    /// Which systems the plan was made against: connection → identity.
    pub targets: Vec<(Arc<str>, String)>,
    /// When it was made.
    pub at: Stamp,
    /// What would happen, item by item. A playbook without targets has one item, `-`; with targets that one is the part that
    /// is done once for the whole run, and of many items only the first ones are here ([`Many`]).
    pub items: Vec<ItemPlan>,
    /// Of a playbook with targets: what all items come to.
    pub many: Option<Box<Many>>,
}

/// How many of what a plan holds: for its summary and for approval rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps that would change something.
    pub changes: usize,
    /// Rows inserted, updated, deleted by the author's steps.
    pub rows: usize,
    /// Requests that would be sent and change something.
    pub requests: usize,
    /// Background jobs that would be enqueued, tried again, deleted.
    pub jobs: usize,
    /// Questions to people.
    pub questions: usize,
    /// Changing steps whose preview is exact.
    pub exact: usize,
    /// Changing steps with unknowns.
    pub unknown: usize,
    /// Changing steps that could not be tried out.
    pub not_previewable: usize,
}

impl Plan {
    /// What all items come to.
    pub fn tally(&self) -> Cow<'_, Tally> {
        match &self.many {
            Some(many) => Cow::Borrowed(&many.tally),
            None => Cow::Owned(Tally::of(&self.items)),
        }
    }

    /// What an undo leaves alone, in a word: `row`, `job`.
    pub fn left_noun(&self) -> &'static str {
        let effects = self.items.iter().flat_map(|item| &item.steps).flat_map(|step| &step.effects);
        left::noun(effects.flat_map(|effect| match effect {
            Effect::LeftAlone { rows } => rows.as_slice(),
            _ => &[],
        }))
    }

    /// Nothing would change.
    pub fn is_empty(&self) -> bool {
        self.tally().is_empty()
    }

    /// The counts over all items.
    pub fn counts(&self) -> Counts {
        self.tally().counts
    }
}
