//! What would happen, as data: step by step, with row images, requests, labels, and a digest over what was promised.
//! Knows nothing of how it was found out.

pub mod digest;
pub mod file;
pub mod item;
pub mod stored;
mod whole;

pub use item::{Also, Effect, Foreseen, ItemPlan, Reversal, Section, StepPlan, Stop};

use crate::base::{time::Stamp, value::Map};
use std::sync::Arc;

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
    /// What would happen, item by item. A playbook without targets has one item, `-`.
    pub items: Vec<ItemPlan>,
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
    /// Nothing would change.
    pub fn is_empty(&self) -> bool {
        self.items.iter().all(|item| item.steps.iter().all(|s| !s.foreseen.acts()))
    }

    /// The counts over all items.
    pub fn counts(&self) -> Counts {
        use crate::effect::label::Label;
        let mut counts = Counts::default();
        for step in self.items.iter().flat_map(|i| &i.steps).filter(|s| s.foreseen.acts()) {
            counts.changes += 1;
            match step.label {
                Label::Exact => counts.exact += 1,
                Label::HasUnknowns => counts.unknown += 1,
                Label::NotPreviewable(_) => counts.not_previewable += 1,
                Label::Read => {}
            }
            for effect in &step.effects {
                match effect {
                    Effect::Rows { changes, .. } => {
                        counts.rows += changes
                            .iter()
                            .filter(|c| !c.by_rule && c.deed() != crate::effect::change::Deed::Nothing)
                            .count()
                    }
                    Effect::Jobs { jobs } => counts.jobs += jobs.len(),
                    Effect::Request { .. } => counts.requests += 1,
                    Effect::Question { .. } => counts.questions += 1,
                    Effect::Message { .. } | Effect::Answer { .. } | Effect::LeftAlone { .. } | Effect::Compared(_) => {
                    }
                }
            }
        }
        counts
    }
}
