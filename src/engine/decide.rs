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
    /// The attempt at this place has no outcome, or one that says that nobody knows: it must be found out first.
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
/// 3. a step that a person gave up while in doubt closes the item as cancelled;
/// 4. a step that ended the item (stopped, failed, escalated, drifted, lost) closes it;
/// 5. an attempt without an outcome, or in doubt, is found out before anything else, also in a run that was cancelled;
/// 6. in a cancelled run no new step starts: the item is closed as cancelled;
/// 7. the first place that is neither over nor skipped with its block is next: done, or waited for if it is a question;
/// 8. when all verification places are over and nothing said otherwise, the item is verified, once;
/// 9. when no place is left the item is changed or unchanged.
pub fn decide(outline: &Outline, item: &ItemState, cancelled: bool) -> Next {
    if let Some(closed) = &item.closed {
        return Next::Over(closed.end);
    }
    if let Some((path, step)) = item.steps.get_key_value(APPROVAL)
        && step.waits()
        && !cancelled
    {
        return Next::Wait(path.clone());
    }
    let mut doubt = None;
    for (path, step) in &item.steps {
        if step.is_aborted() && step.is_in_doubt() {
            let reason = step.decided.as_ref().and_then(|d| d.reason.clone());
            return Next::Close(End::Cancelled, reason);
        }
        if let Some(outcome) = &step.outcome
            && let Some(end) = ends(outcome.outcome)
        {
            return Next::Close(end, outcome.message.clone());
        }
        if doubt.is_none() && step.is_in_doubt() {
            doubt = Some(path);
        }
    }
    if let Some(path) = doubt {
        return Next::FindOut(path.clone());
    }
    if cancelled {
        return Next::Close(End::Cancelled, Some("cancelled".into()));
    }
    // Places inside a block follow it directly, so one skipped block at a time is enough to remember.
    let mut skipped: Option<&Place> = None;
    for (index, place) in outline.places.iter().enumerate() {
        if skipped.is_some_and(|block| block.holds(&place.path)) {
            continue;
        }
        if place.section == Section::Afterwards && !item.verified {
            return Next::Verified;
        }
        let Some(step) = item.steps.get(&place.path) else { return Next::Do(index) };
        if place.gate && step.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::Skipped) {
            skipped = Some(place);
        }
        if !step.is_over() {
            // A question that was answered has a value and is closed by doing its place once more.
            return if step.waits() { Next::Wait(place.path.clone()) } else { Next::Do(index) };
        }
    }
    if !item.verified {
        return Next::Verified;
    }
    Next::Close(if item.changed() { End::Changed } else { End::Unchanged }, None)
}

/// Outcomes after which nothing more is done for the item.
pub(super) fn ends(outcome: Outcome) -> Option<End> {
    match outcome {
        Outcome::Done
        | Outcome::Unchanged
        | Outcome::Skipped
        | Outcome::NotDone
        | Outcome::Waiting
        | Outcome::InDoubt => None,
        Outcome::Stopped => Some(End::Stopped),
        Outcome::Failed => Some(End::Failed),
        Outcome::Escalated => Some(End::Escalated),
        Outcome::Drifted => Some(End::Drifted),
        Outcome::Lost => Some(End::InDoubt),
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
