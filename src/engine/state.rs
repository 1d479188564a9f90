//! Where a run stands: the fold of its events. Nothing here decides or does anything; the same fold serves the engine,
//! `show` and the inbox.

use super::trouble::Difference;
use crate::{
    base::{
        identity::EffectId,
        time::Stamp,
        value::{Map, Value},
    },
    effect::change::{Deed, RowChange},
    journal::{
        event::Event,
        payload::{Approval, ClosedItem, HumanAsked, HumanDecided, ItemOutcome, RunClosed, RunCreated},
        words::{End, Outcome},
    },
};
use indexmap::IndexMap;
use std::sync::Arc;

/// A run.
#[derive(Clone, Debug, Default)]
pub struct RunState {
    /// How it was made.
    pub created: Option<RunCreated>,
    /// When.
    pub created_at: Option<Stamp>,
    /// Its items, in the order in which they were begun.
    pub items: IndexMap<Arc<str>, ItemState>,
    /// Somebody asked it to end.
    pub cancelled: bool,
    /// It stopped between two steps, and why.
    pub paused: Option<String>,
    /// Who agreed to it: before it was made, and while it waited.
    pub approvals: Vec<Approval>,
    /// How it ended.
    pub closed: Option<RunClosed>,
    /// When.
    pub closed_at: Option<Stamp>,
}

/// One item of a run.
#[derive(Clone, Debug, Default)]
pub struct ItemState {
    /// Its steps by path, in the order in which they were begun.
    pub steps: IndexMap<Arc<str>, StepState>,
    /// Verification passed.
    pub verified: bool,
    /// How it ended.
    pub closed: Option<ClosedItem>,
    /// What was planned for it, where the run keeps it.
    pub plan: Option<Value>,
}

/// One step of an item.
#[derive(Clone, Debug, Default)]
pub struct StepState {
    /// What it read or found.
    pub value: Option<Value>,
    /// The statement or request, for people.
    pub shown: Option<String>,
    /// Its effect, once intended.
    pub effect: Option<EffectId>,
    /// How a lost answer is resolved.
    pub class: Option<Arc<str>>,
    /// How many attempts were made.
    pub attempts: u32,
    /// What it changed, whole rows.
    pub changes: Vec<RowChange>,
    /// Tables that were also touched.
    pub also: Vec<Arc<str>>,
    /// How it ended.
    pub outcome: Option<ItemOutcome>,
    /// The question to a person.
    pub asked: Option<HumanAsked>,
    /// The answer.
    pub decided: Option<HumanDecided>,
    /// When something last happened in it.
    pub at: Option<Stamp>,
}

impl StepState {
    /// It is over: read, answered, done, or ended in some way.
    pub fn is_over(&self) -> bool {
        self.outcome.is_some() || (self.value.is_some() && self.attempts == 0 && self.asked.is_none())
    }

    /// An attempt was made and nobody knows what became of it.
    pub fn is_in_doubt(&self) -> bool {
        match &self.outcome {
            Some(outcome) => outcome.outcome == Outcome::InDoubt,
            None => self.attempts > 0,
        }
    }

    /// It really changed something.
    pub fn changed(&self) -> bool {
        let done = self.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::Done);
        let rows = self.changes.iter().any(|c| c.deed() != Deed::Nothing) || !self.also.is_empty();
        done && self.attempts > 0 && (rows || self.class.as_deref().is_some_and(|c| c != "rows"))
    }

    /// What was no longer as planned, when that is how it ended.
    pub fn drift(&self) -> Vec<Difference> {
        let value = self.outcome.as_ref().filter(|o| o.outcome == Outcome::Drifted).and_then(|o| o.value.as_ref());
        value.and_then(Value::as_list).into_iter().flatten().filter_map(Difference::load).collect()
    }

    /// The result under the step's name.
    pub fn result(&self) -> Option<&Value> {
        // What drifted has no result: what it found is kept in its place.
        let outcome = self.outcome.as_ref().filter(|o| o.outcome != Outcome::Drifted);
        outcome.and_then(|o| o.value.as_ref()).or(self.value.as_ref())
    }
}

impl ItemState {
    /// Something of the world was changed for this item.
    pub fn changed(&self) -> bool {
        self.steps.values().any(StepState::changed)
    }
}

impl RunState {
    /// From all events of a run.
    pub fn fold<'a>(events: impl IntoIterator<Item = (Stamp, &'a Event)>) -> RunState {
        let mut state = RunState::default();
        for (at, event) in events {
            state.apply(at, event);
        }
        state
    }

    /// One event more.
    pub fn apply(&mut self, at: Stamp, event: &Event) {
        match event {
            Event::RunCreated(created) => {
                self.created = Some((**created).clone());
                self.created_at = Some(at);
                self.approvals.clone_from(&created.approvals);
            }
            // A purged run cannot be read, and approvals stand in chains of their own.
            Event::RunClaimed(_) | Event::RunPurged(_) | Event::PlanApproved(_) => {}
            Event::ItemStarted(started) => {
                for item in &started.items {
                    self.items.entry(item.item.clone()).or_default().plan = item.plan.clone();
                }
            }
            Event::StepRead(read) => {
                for one in &read.reads {
                    let step = self.step(&one.item, &read.step, at);
                    step.value = Some(one.value.clone());
                    step.shown = Some(one.request.clone());
                }
            }
            Event::StepIntent(intent) => {
                for one in &intent.intents {
                    let step = self.step(&one.effect.item.clone(), &intent.step, at);
                    step.effect = Some(one.effect.clone());
                    step.class = Some(intent.class.clone());
                    step.shown = Some(one.shown.clone());
                }
            }
            Event::StepAttempt(attempt) => {
                for one in &attempt.attempts {
                    self.step(&one.effect.item.clone(), &attempt.step, at).attempts = one.attempt;
                }
            }
            Event::StepImages(images) => {
                for one in &images.images {
                    let step = self.step(&one.effect.item.clone(), &images.step, at);
                    step.changes = one.changes.clone();
                    step.also = one.also_touched.clone();
                }
            }
            Event::StepOutcome(outcome) => {
                for one in &outcome.outcomes {
                    self.step(&one.item, &outcome.step, at).outcome = Some(one.clone());
                }
            }
            Event::ItemVerified(verified) => {
                for item in &verified.items {
                    self.items.entry(item.clone()).or_default().verified = true;
                }
            }
            Event::ItemClosed(closed) => {
                for item in &closed.items {
                    self.items.entry(item.item.clone()).or_default().closed = Some(item.clone());
                }
            }
            Event::HumanAsked(asked) => {
                for item in &asked.items {
                    let step = self.step(item, &asked.step, at);
                    step.asked = Some(asked.clone());
                    // An approval is asked for again as long as people are missing.
                    step.decided = None;
                }
            }
            Event::HumanDecided(decided) => {
                if &*decided.decision == APPROVE {
                    self.approvals.push(approval(decided, at));
                }
                for item in &decided.items {
                    let step = self.step(item, &decided.step, at);
                    step.decided = Some(decided.clone());
                    if &*decided.decision == "answer" {
                        step.value = Some(answer(&decided.values));
                    }
                }
            }
            Event::RunPaused(paused) => self.paused = Some(paused.reason.clone()),
            Event::RunResumed(_) => self.paused = None,
            Event::RunCancelled(_) => self.cancelled = true,
            Event::RunClosed(closed) => {
                self.closed = Some(closed.clone());
                self.closed_at = Some(at);
            }
        }
    }

    fn step(&mut self, item: &Arc<str>, path: &Arc<str>, at: Stamp) -> &mut StepState {
        let step = self.items.entry(item.clone()).or_default().steps.entry(path.clone()).or_default();
        step.at = Some(at);
        step
    }

    /// The kept plan of an item.
    pub fn plan_of(&self, item: &str) -> Option<Value> {
        self.items.get(item)?.plan.clone()
    }

    /// How it ended, or where it stands.
    pub fn end(&self) -> End {
        if let Some(closed) = &self.closed {
            return closed.end;
        }
        let in_doubt = self.items.values().any(|i| i.closed.is_none() && i.steps.values().any(StepState::is_in_doubt));
        if in_doubt { End::InDoubt } else { End::Waiting }
    }
}

/// The decision of somebody who agrees to a run that waits for approval.
pub const APPROVE: &str = "approve";

/// Where a run waits for approval: no step of its playbook, and before all of them.
pub const APPROVAL: &str = "approval";

fn approval(decided: &HumanDecided, at: Stamp) -> Approval {
    let digest = decided.values.get("digest").and_then(Value::as_str).unwrap_or_default();
    Approval { actor: decided.actor.clone(), at, note: decided.reason.clone(), digest: digest.into() }
}

/// An answer as the step's result.
pub fn answer(values: &Map) -> Value {
    Value::from(values.clone())
}
