//! What comes next for an item: a pure function of where it stands. Going on after a question, a pause or a crash is the
//! same call as going on after a step.

use super::{
    outline::{Outline, Place},
    state::{APPROVAL, ItemState},
};
use crate::{
    journal::words::{End, Outcome},
    plan::Section,
};
use std::sync::Arc;

/// The next thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Do the place with this index.
    Do(usize),
    /// Verification is through: record it, then go on.
    Verified,
    /// A person has to answer the question of this place.
    Wait(Arc<str>),
    /// The attempt at this place has no outcome: it must be found out first.
    FindOut(Arc<str>),
    /// The item is over.
    Close(End, Option<String>),
    /// It was over already.
    Over(End),
}

/// The table of edges, first match wins:
///
/// 1. a closed item stays closed;
/// 2. people have to agree first, where the environment says so;
/// 3. a step that ended the item (stopped, failed, escalated, drifted, in doubt, lost) closes it;
/// 4. an attempt without an outcome is found out before anything else;
/// 5. the first place that is neither over nor skipped with its block is next: done, or waited for if it is a question;
/// 6. when all verification places are over and nothing said otherwise, the item is verified, once;
/// 7. when no place is left the item is changed or unchanged.
pub fn decide(outline: &Outline, item: &ItemState) -> Next {
    if let Some(closed) = &item.closed {
        return Next::Over(closed.end);
    }
    if let Some((path, step)) = item.steps.get_key_value(APPROVAL)
        && step.asked.is_some()
        && step.decided.is_none()
    {
        return Next::Wait(path.clone());
    }
    for step in item.steps.values() {
        if let Some(outcome) = &step.outcome
            && let Some(end) = ends(outcome.outcome)
        {
            return Next::Close(end, outcome.message.clone());
        }
    }
    if let Some((path, _)) = item.steps.iter().find(|(_, s)| s.is_in_doubt()) {
        return Next::FindOut(path.clone());
    }
    let mut skipped: Vec<&Place> = Vec::new();
    for (index, place) in outline.places.iter().enumerate() {
        if skipped.iter().any(|block| block.holds(&place.path)) {
            continue;
        }
        if place.section == Section::Afterwards && !item.verified {
            return Next::Verified;
        }
        let Some(step) = item.steps.get(&place.path) else { return Next::Do(index) };
        if place.gate && step.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::Skipped) {
            skipped.push(place);
        }
        if !step.is_over() {
            // A question that was answered has a value and is closed by doing its place once more.
            return if step.asked.is_some() && step.decided.is_none() {
                Next::Wait(place.path.clone())
            } else {
                Next::Do(index)
            };
        }
    }
    if !item.verified {
        return Next::Verified;
    }
    Next::Close(if item.changed() { End::Changed } else { End::Unchanged }, None)
}

/// Outcomes after which nothing more is done for the item.
fn ends(outcome: Outcome) -> Option<End> {
    match outcome {
        Outcome::Done | Outcome::Unchanged | Outcome::Skipped | Outcome::NotDone | Outcome::Waiting => None,
        Outcome::Stopped => Some(End::Stopped),
        Outcome::Failed => Some(End::Failed),
        Outcome::Escalated => Some(End::Escalated),
        Outcome::Drifted => Some(End::Drifted),
        Outcome::InDoubt | Outcome::Lost => Some(End::InDoubt),
    }
}
