//! What comes next for an item: a pure function of where it stands. Going on after a question, a pause or a crash is the
//! same call as going on after a step.

use super::{
    outline::{self, Kind, Node, Outline},
    state::{APPROVAL, ItemState, StepState},
};
use crate::{
    action::{kinds::Act, step::ARM},
    base::value::Value,
    journal::words::{End, Outcome},
    plan::Section,
};
use std::sync::Arc;

/// The next thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Do the place with this path, or enter it.
    Do(Arc<str>),
    /// All inside the place with this path is over: it is left.
    Leave(Arc<str>),
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
/// 6. in a cancelled run no new step starts: the item is closed as cancelled, unless nothing of it was left to do;
/// 7. the first place that is not over is next: done, entered, left when all inside it is over, or waited for if it is a
///    question; what stands in a skipped block is skipped with it;
/// 8. when all verification places are over and nothing said otherwise, the item is verified, once;
/// 9. when no place is left the item is changed or unchanged.
///
/// Inside a block with `rescue` or `always`, 3, 4 and 6 come at the block's end: after a failure its `rescue`, and after
/// whatever happened its `always`, which starts also in a cancelled run.
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
        if let Some(ended) = ended(path, step) {
            // What stands inside a block with an end of its own closes the item only after that.
            if !outline.place(path).is_some_and(|place| place.guarded) {
                return ended.close();
            }
        } else if doubt.is_none() && step.is_in_doubt() {
            doubt = Some(path);
        }
    }
    if let Some(path) = doubt {
        return Next::FindOut(path.clone());
    }
    match (Walk { outline, item }).all(cancelled) {
        Gone::Next(next) => next,
        // What was done at the end may have changed something too.
        Gone::Ended(ended) if ended.end == End::Unchanged && item.changed() => Next::Close(End::Changed, ended.reason),
        Gone::Ended(ended) => ended.close(),
        // Nothing of it is left to do: what it changed is told as such.
        Gone::Through if cancelled && !(item.changed() && item.steps.values().all(went)) => Ended::cancelled().close(),
        Gone::Through if !item.verified => Next::Verified,
        Gone::Through => Next::Close(if item.changed() { End::Changed } else { End::Unchanged }, None),
    }
}

/// It came to its end: nobody stopped it before.
fn went(step: &StepState) -> bool {
    step.outcome.as_ref().is_some_and(|outcome| outcome.outcome != Outcome::NotDone)
}

/// An end that something inside led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How the item ends because of it.
    pub end: End,
    /// It is a failure that a `rescue` is for.
    pub failed: bool,
    /// What is said.
    pub reason: Option<String>,
    /// The place; nothing where the run was cancelled between two.
    pub at: Option<Arc<str>>,
}

impl Ended {
    fn cancelled() -> Ended {
        Ended { end: End::Cancelled, failed: false, reason: Some("cancelled".into()), at: None }
    }

    fn close(self) -> Next {
        Next::Close(self.end, self.reason)
    }

    /// This, and then another one in what was to be done at the end (`what`).
    fn and(self, then: Ended, what: &str) -> Ended {
        let (first, second) = (self.reason.unwrap_or_default(), then.reason.unwrap_or_default());
        let reason = Some(format!("{first} Then its `{what}` did not go through: {second}").trim().to_owned());
        Ended { end: End::worst([self.end, then.end]), failed: self.failed || then.failed, reason, at: self.at }
    }
}

/// How a step ended the item, if it did.
fn ended(path: &Arc<str>, step: &StepState) -> Option<Ended> {
    if step.is_aborted() && step.is_in_doubt() {
        let reason = step.decided.as_ref().and_then(|d| d.reason.clone());
        return Some(Ended { end: End::Cancelled, failed: false, reason, at: Some(path.clone()) });
    }
    let outcome = step.outcome.as_ref()?;
    let end = outcome.ends.or_else(|| ends(outcome.outcome))?;
    let failed = outcome.outcome == Outcome::Failed;
    Some(Ended { end, failed, reason: outcome.message.clone(), at: Some(path.clone()) })
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

/// What went wrong in the steps of the block at `path`: what its `rescue` and its `always` are told.
pub fn trouble_in(outline: &Outline, item: &ItemState, path: &str) -> Option<Ended> {
    let walk = Walk { outline, item };
    let node = outline.node(path)?;
    match walk.list(node.part(None), path, true) {
        Gone::Ended(ended) => Some(ended),
        Gone::Through | Gone::Next(_) => None,
    }
}

/// Where a called playbook ended before its end because nothing (more) was to be done: the call is over, and has no result.
pub fn early_end(outline: &Outline, item: &ItemState, path: &str) -> Option<Ended> {
    let walk = Walk { outline, item };
    walk.call(outline.node(path)?, path, false).1
}

/// `done` and `skip`: nobody has to look at it.
fn is_early(end: End) -> bool {
    matches!(end, End::Changed | End::Unchanged | End::Skipped)
}

/// How far a list of places has come.
enum Gone {
    /// All of it is over.
    Through,
    /// This comes next.
    Next(Next),
    /// It ended before its end.
    Ended(Ended),
}

struct Walk<'a> {
    outline: &'a Outline,
    item: &'a ItemState,
}

impl<'a> Walk<'a> {
    fn all(&self, cancelled: bool) -> Gone {
        for node in self.outline.nodes.iter() {
            if node.section == Section::Afterwards && !self.item.verified && !cancelled {
                return Gone::Next(Next::Verified);
            }
            match self.one(node, &node.path(node.section.word()), cancelled) {
                Gone::Through => {}
                other => return other,
            }
        }
        Gone::Through
    }

    fn list(&self, nodes: &'a [Node], prefix: &str, cancelled: bool) -> Gone {
        for node in nodes {
            match self.one(node, &node.path(prefix), cancelled) {
                Gone::Through => {}
                other => return other,
            }
        }
        Gone::Through
    }

    /// A step that was not begun.
    fn begin(path: &Arc<str>, cancelled: bool) -> Gone {
        if cancelled { Gone::Ended(Ended::cancelled()) } else { Gone::Next(Next::Do(path.clone())) }
    }

    fn one(&self, node: &'a Node, path: &Arc<str>, cancelled: bool) -> Gone {
        if !node.loops() {
            return self.body(node, path, cancelled);
        }
        let Some(step) = self.item.steps.get(path) else { return Walk::begin(path, cancelled) };
        if let Some(ended) = ended(path, step) {
            return Gone::Ended(ended);
        }
        if step.outcome.is_some() {
            return Gone::Through;
        }
        if step.value.is_none() {
            return Walk::begin(path, cancelled);
        }
        for index in 0..outline::turns(self.item, path) {
            match self.body(node, &outline::turn(path, index), cancelled) {
                Gone::Through => {}
                other => return other,
            }
        }
        Gone::Next(Next::Leave(path.clone()))
    }

    fn body(&self, node: &'a Node, path: &Arc<str>, cancelled: bool) -> Gone {
        let Some(step) = self.item.steps.get(path) else { return Walk::begin(path, cancelled) };
        if let Some(ended) = ended(path, step) {
            return Gone::Ended(ended);
        }
        let outcome = step.outcome.as_ref().map(|o| o.outcome);
        match node.kind {
            Kind::Gate if outcome == Some(Outcome::Skipped) => Gone::Through,
            Kind::Gate if step.is_over() => self.list(node.part(None), path, cancelled),
            Kind::Frame if outcome.is_some() => Gone::Through,
            Kind::Frame if step.value.is_some() => self.frame(node, path, step, cancelled),
            Kind::Patient if outcome.is_some_and(|o| o != Outcome::InDoubt) => Gone::Through,
            Kind::Plain if step.is_over() => Gone::Through,
            // A question that was answered has a value and is closed by doing its place once more.
            _ if step.waits() && !cancelled => Gone::Next(Next::Wait(path.clone())),
            _ => Walk::begin(path, cancelled),
        }
    }

    /// A place that was entered and not left.
    fn frame(&self, node: &'a Node, path: &Arc<str>, step: &StepState, cancelled: bool) -> Gone {
        let gone = match &node.step.act {
            Act::Undo(_) => self.undone(node, path, cancelled),
            Act::Choose(_) => self.arms(node, path, step, cancelled),
            Act::Call(_) => self.call(node, path, cancelled).0,
            _ => return self.block(node, path, cancelled),
        };
        match gone {
            Gone::Through => Gone::Next(Next::Leave(path.clone())),
            other => other,
        }
    }

    /// The lists of a called playbook, one after the other. Where it finds that nothing is to be done it ends there, and what called it
    /// goes on.
    fn call(&self, node: &'a Node, path: &str, cancelled: bool) -> (Gone, Option<Ended>) {
        for part in &node.parts {
            match self.list(&part.nodes, &outline::inside(path, part.word.as_deref()), cancelled) {
                Gone::Through => {}
                Gone::Ended(early) if !early.failed && is_early(early.end) => {
                    return (Gone::Through, Some(early));
                }
                other => return (other, None),
            }
        }
        (Gone::Through, None)
    }

    fn undone(&self, node: &Node, path: &str, cancelled: bool) -> Gone {
        for (path, _) in self.outline.undone(node, path, self.item) {
            let Some(step) = self.item.steps.get(&path) else { return Walk::begin(&path, cancelled) };
            if let Some(ended) = ended(&path, step) {
                return Gone::Ended(ended);
            }
            if !step.is_over() {
                return Walk::begin(&path, cancelled);
            }
        }
        Gone::Through
    }

    /// The arm that was chosen, and those that it goes on with.
    fn arms(&self, node: &'a Node, path: &str, step: &StepState, cancelled: bool) -> Gone {
        let mut next = step.value.as_ref().and_then(|v| v.get("arm")).and_then(|v| v.as_str().map(str::to_owned));
        // More arms than there are would go round in a circle, which check refuses.
        for _ in 0..=node.parts.len() {
            let Some(arm) = next.take() else { break };
            let word = format!("{ARM}{arm}");
            let nodes = node.part(Some(&word));
            match self.list(nodes, &format!("{path}/{word}"), cancelled) {
                Gone::Through => {}
                other => return other,
            }
            let last = nodes.last().map(|node| (&node.step.act, node.path(&format!("{path}/{word}"))));
            if let Some((Act::Use(other), at)) = last
                && self
                    .item
                    .steps
                    .get(&at)
                    .is_some_and(|s| s.outcome.as_ref().is_none_or(|o| o.outcome != Outcome::Skipped))
            {
                next = Some(other.as_str().to_owned());
            }
        }
        Gone::Through
    }

    fn block(&self, node: &'a Node, path: &Arc<str>, cancelled: bool) -> Gone {
        let mut ended = match self.list(node.part(None), path, cancelled) {
            Gone::Next(next) => return Gone::Next(next),
            Gone::Through => None,
            Gone::Ended(ended) => Some(ended),
        };
        let mut rescued = false;
        let rescue = outline::rescue(node);
        if let Some(first) = ended.clone().filter(|first| first.failed && !rescue.is_empty()) {
            match self.list(rescue, &outline::inside(path, Some(crate::action::step::RESCUE)), cancelled) {
                Gone::Next(next) => return Gone::Next(next),
                Gone::Through => rescued = true,
                Gone::Ended(then) if then.end == End::Cancelled => {}
                // What the author wrote there is how it ends.
                Gone::Ended(then) if then.failed => ended = Some(first.and(then, "rescue")),
                Gone::Ended(then) => ended = Some(Ended { at: first.at, ..then }),
            }
        }
        match self.list(outline::always(node), &outline::inside(path, Some(crate::action::step::ALWAYS)), false) {
            Gone::Next(next) => return Gone::Next(next),
            Gone::Through => {}
            Gone::Ended(then) => {
                rescued = false;
                ended = Some(match ended {
                    Some(first) => first.and(then, "always"),
                    None => then,
                });
            }
        }
        let recovered = matches!(&node.step.act, Act::Block(block) if block.recovered == Some(true));
        match ended {
            Some(ended) if !(rescued && recovered) => Gone::Ended(self.with_left(ended, path)),
            _ => Gone::Next(Next::Leave(path.clone())),
        }
    }

    /// With the rows and jobs that an `undo:` in the rescue left alone.
    fn with_left(&self, mut ended: Ended, path: &str) -> Ended {
        let rescue = outline::inside(path, Some(crate::action::step::RESCUE));
        let inside = |p: &str| p.strip_prefix(&rescue).is_some_and(|rest| rest.starts_with('/'));
        for (_, step) in self.item.steps.iter().filter(|(p, _)| inside(p)) {
            let left = step.value.as_ref().is_some_and(Value::is_null) || !step.left_alone().is_empty();
            let alone = step.outcome.as_ref().filter(|_| left);
            if let Some(words) = alone.and_then(|o| o.message.as_ref()).filter(|_| !step.is_in_doubt()) {
                let reason = ended.reason.unwrap_or_default();
                ended.reason = Some(if reason.contains(words) { reason } else { format!("{reason} {words}") });
            }
        }
        ended
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "decide_flow_tests.rs"]
mod flow_tests;
