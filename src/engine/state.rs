//! Where a run stands: the fold of its events. Nothing here decides or does anything; the same fold serves the engine,
//! `show` and the inbox.

use super::{notices::Notice, recover, resource, trouble::Difference};
use crate::{
    base::{
        identity::{EffectId, RunId},
        time::Stamp,
        value::{Data, Map, Value},
    },
    effect::{
        change::{self, Deed, RowChange},
        left::{self, LeftAlone, Stays},
    },
    journal::{
        event::Event,
        payload::{
            Approval, ClosedItem, HumanAsked, HumanDecided, HumanNotified, ItemOutcome, RunCancelled, RunClosed,
            RunCreated,
        },
        words::{End, Outcome},
    },
};
use indexmap::IndexMap;
use std::{borrow::Cow, mem::take, sync::Arc};

/// A run.
#[derive(Clone, Debug, Default)]
pub struct RunState {
    /// How it was made.
    pub created: Option<RunCreated>,
    /// When.
    pub created_at: Option<Stamp>,
    /// The run that took it back, where whoever reads it has asked for that: no event of this run says so.
    pub taken_back_by: Option<RunId>,
    /// Who works on it at this moment, where whoever reads it has asked for that: what has no outcome yet is under way then.
    pub worked_on_by: Option<Arc<str>>,
    /// Its items, in the order in which they were begun.
    pub items: IndexMap<Arc<str>, ItemState>,
    /// Somebody asked it to end.
    pub cancelled: bool,
    /// Who, and why.
    pub cancelled_by: Option<RunCancelled>,
    /// It stopped between two steps, and why.
    pub paused: Option<String>,
    /// More of it was seen at this moment than the journal holds: nobody knows what it did since.
    pub behind: Option<Stamp>,
    /// Who agreed to it: before it was made, and while it waited.
    pub approvals: Vec<Approval>,
    /// How it ended.
    pub closed: Option<RunClosed>,
    /// When.
    pub closed_at: Option<Stamp>,
    /// How many events it is made of: the number of the last one.
    pub events: u64,
    /// Since when which machine has worked on it, as far as the events that are at hand say so.
    pub hosts: Vec<(Stamp, Arc<str>)>,
}

/// One item of a run.
#[derive(Clone, Debug, Default)]
pub struct ItemState {
    /// Its steps by path, in the order in which they were begun.
    pub steps: IndexMap<Arc<str>, StepState, foldhash::fast::RandomState>,
    /// Verification passed.
    pub verified: bool,
    /// How it ended.
    pub closed: Option<ClosedItem>,
    /// What was planned for it, where the run keeps it.
    pub plan: Option<Value>,
    /// Somebody had it done again.
    pub again: bool,
}

/// One step of an item.
#[derive(Clone, Debug, Default)]
pub struct StepState {
    /// What it read or found.
    pub value: Option<Value>,
    /// The statement or request, for people.
    pub shown: Option<String>,
    /// How often it was deliberately done again after it was done: part of its effect's name.
    pub generation: u32,
    /// Its effect, once intended.
    pub effect: Option<EffectId>,
    /// How a lost answer is resolved.
    pub class: Option<Arc<str>>,
    /// The connection that its effect goes through.
    pub connection: Option<Arc<str>>,
    /// The request as it was sent, enough to send the same bytes again.
    pub request: Option<Value>,
    /// Fingerprint of what is asked for: what the ledger of the target knows it by.
    pub request_hash: Option<Arc<str>>,
    /// How many attempts were made.
    pub attempts: u32,
    /// When the first attempt became durable: an idempotency key is as old as this.
    pub first_attempt: Option<Stamp>,
    /// When the latest attempt became durable.
    pub last_attempt: Option<Stamp>,
    /// Its row images are durable, even if there are none: without them no COMMIT was sent.
    pub imaged: bool,
    /// What it changed, whole rows.
    pub changes: Vec<RowChange>,
    /// Tables that were also touched.
    pub also: Vec<Arc<str>>,
    /// How many rows were added to each of these.
    pub also_added: Vec<u64>,
    /// An attempt before this one may have happened, and it is done again all the same, which does the same as once.
    pub perhaps_done: bool,
    /// What it changed before it was done again.
    pub earlier: Vec<RowChange>,
    /// How it ended.
    pub outcome: Option<ItemOutcome>,
    /// What looking showed when an earlier answer was lost and it had not happened.
    pub found_out: Option<String>,
    /// The version that the request was held to whose answer was lost: it may still arrive, and only one for the same version surely makes no
    /// second change of it.
    pub held_to: Option<Arc<str>>,
    /// The question to a person.
    pub asked: Option<Arc<HumanAsked>>,
    /// Since when it waits for an answer.
    pub asked_at: Option<Stamp>,
    /// Messages about it to people, as far as they were recorded.
    pub notices: Vec<Notice>,
    /// The latest decision of a person: an answer, or what became of a lost answer.
    pub decided: Option<Arc<HumanDecided>>,
    /// When it was begun.
    pub begun: Option<Stamp>,
    /// When something last happened in it.
    pub at: Option<Stamp>,
}

impl StepState {
    /// It is over: read, answered, done, or ended in some way.
    pub fn is_over(&self) -> bool {
        match &self.outcome {
            Some(outcome) => outcome.outcome != Outcome::InDoubt,
            None => self.value.is_some() && self.attempts == 0 && self.asked.is_none(),
        }
    }

    /// An attempt was made and nobody knows what became of it.
    pub fn is_in_doubt(&self) -> bool {
        match &self.outcome {
            Some(outcome) => outcome.outcome == Outcome::InDoubt,
            None => self.attempts > 0,
        }
    }

    /// It was looked into, and nobody could tell: a person has to decide.
    pub fn needs_a_person(&self) -> bool {
        self.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::InDoubt) && !self.is_aborted()
    }

    /// A person gave it up while nobody knew what became of it.
    pub fn is_aborted(&self) -> bool {
        self.decided.as_ref().is_some_and(|d| &*d.decision == ABORT)
    }

    /// The answer to its question.
    pub fn answered(&self) -> Option<&Arc<HumanDecided>> {
        self.decided.as_ref().filter(|d| &*d.decision == ANSWER)
    }

    /// It asks a person and has no answer yet.
    pub fn waits(&self) -> bool {
        let said = self.decided.as_ref().is_some_and(|d| matches!(&*d.decision, ANSWER | APPROVE | OVERDUE));
        self.asked.is_some() && !said && self.outcome.is_none()
    }

    /// It waits for an answer that would come too late.
    pub fn is_overdue(&self, now: Stamp) -> bool {
        let until = self.asked.as_ref().and_then(|asked| asked.until);
        self.waits() && until.is_some_and(|until| now.micros > until.micros)
    }

    /// Nobody has answered in time, and that was recorded.
    pub fn is_unanswered(&self) -> bool {
        self.decided.as_ref().is_some_and(|d| &*d.decision == OVERDUE)
    }

    /// It really changed something.
    pub fn changed(&self) -> bool {
        let done = self.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::Done) || self.stands();
        let rows = self.changes.iter().any(|c| c.deed() != Deed::Nothing) || !self.also.is_empty();
        done && self.attempts > 0 && (rows || !matches!(self.class.as_deref(), None | Some("rows" | "ledger")))
    }

    /// It is over, and may have been carried out: nobody has to find out.
    pub fn perhaps_sent(&self) -> bool {
        self.outcome.as_ref().is_some_and(perhaps)
    }

    /// What it changed in this run, also before it was done again: for whoever tells of the run.
    pub fn changes_of_run(&self) -> Cow<'_, [RowChange]> {
        let since = if self.changed() { &*self.changes } else { &[] };
        match (&*self.earlier, since) {
            ([], since) => Cow::Borrowed(since),
            (earlier, []) => Cow::Borrowed(earlier),
            (earlier, since) => Cow::Owned(change::of_both(earlier.to_vec(), since.to_vec())),
        }
    }

    /// It was written, although its step did not come to a good end: it never showed what was written, or never was ready.
    pub fn stands(&self) -> bool {
        let resource = self.class.as_deref().is_some_and(resource::is_class);
        resource && self.outcome.as_ref().is_some_and(written)
    }

    /// What was no longer as planned, when that is how it ended.
    pub fn drift(&self) -> Vec<Difference> {
        let value = self.outcome.as_ref().filter(|o| o.outcome == Outcome::Drifted).and_then(|o| o.value.as_ref());
        value.and_then(Value::as_list).into_iter().flatten().filter_map(Difference::load).collect()
    }

    /// The rows that it left alone, where it takes rows of another run back; or the jobs.
    pub fn left_alone(&self) -> Vec<LeftAlone> {
        let unchanged = self.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::Unchanged);
        let rows = match self.class.as_deref() {
            Some(class) => matches!(class, "rows" | "ledger" | "marker"),
            // A resource that was left alone was never written to.
            None => unchanged,
        };
        self.outcome.as_ref().and_then(|o| o.value.as_ref()).filter(|_| rows).map(left::load).unwrap_or_default()
    }

    /// Where its run takes another one back: what its rows took along, which stays.
    pub fn left_along(&self) -> Option<&str> {
        self.outcome.as_ref().and_then(|o| o.message.as_deref()).filter(|message| message.contains(ALONG))
    }

    /// Why it is not taken back, where its run takes another one back.
    pub fn stays(&self) -> Option<Stays> {
        let outcome = self.outcome.as_ref().filter(|o| o.outcome == Outcome::Skipped)?;
        Stays::load(outcome.value.as_ref()?)
    }

    /// The result under the step's name.
    pub fn result(&self) -> Option<&Value> {
        // What drifted has no result: what it found is kept in its place.
        let outcome = self.outcome.as_ref().filter(|o| o.outcome != Outcome::Drifted);
        outcome.and_then(|o| o.value.as_ref()).or(self.value.as_ref())
    }

    /// A message leaves, or what became of it.
    fn notified(&mut self, told: &HumanNotified, at: Stamp) {
        let same = |n: &&mut Notice| n.kind == told.kind && n.number == told.number && n.result.is_none();
        match (&told.result, self.notices.iter_mut().rfind(same)) {
            (Some(result), Some(notice)) => notice.result = Some(result.clone()),
            _ => self.notices.push(Notice {
                kind: told.kind.clone(),
                number: told.number,
                who: told.who.clone(),
                by: told.by.clone(),
                at,
                result: told.result.clone(),
            }),
        }
    }

    /// As if it had never been tried.
    fn forget(&mut self) {
        *self = StepState {
            shown: self.shown.take(),
            generation: self.generation,
            class: self.class.take(),
            connection: self.connection.take(),
            found_out: self.found_out.take(),
            earlier: std::mem::take(&mut self.earlier),
            decided: self.decided.take(),
            at: self.at,
            ..StepState::default()
        };
    }
}

/// The class of a statement that is run again when its answer is lost, without looking.
pub const REPEATED: &str = "sql-repeatable";

/// How the outcome of a message begins that did not leave, or of which nobody knows whether it arrived.
pub const NOT_TOLD: &str = "not told: ";

/// The answer of a request that failed each time and may have been carried out all the same.
pub const PERHAPS: &str = "it may have been carried out, and doing it again does no harm";

/// Said by an undo of what triggers and cascades of its run did, which nobody takes back.
pub const ALONG: &str = "that went or changed along with its own (triggers, cascades) stay as the run left them";

/// The decision of a person who answered a question.
pub const ANSWER: &str = "answer";
/// That nobody has answered in time: no decision of a person, and kept in the same place.
pub const OVERDUE: &str = "overdue";
/// The decision that a lost answer was a yes.
pub const DONE: &str = "done";
/// The decision that nothing had happened.
pub const NOT_DONE: &str = "not_done";
/// The decision to give the item up without knowing.
pub const ABORT: &str = "abort";
/// The decision to do a step again; `generation` in its values names the effect anew.
pub const RETRY: &str = "retry";
/// In the values of that decision: only something inside is done again, and what was found when the place was entered stays.
pub const REOPEN: &str = "reopen";

impl ItemState {
    /// Something of the world was changed for this item.
    pub fn changed(&self) -> bool {
        self.steps.values().any(|step| step.changed() || !step.earlier.is_empty())
    }

    /// What it changed is as it was before: a rescue took it back. Audit rows stay.
    pub fn is_as_before(&self) -> bool {
        let changed = || self.steps.values().filter(|step| step.changed() || !step.earlier.is_empty());
        let of_rows =
            |step: &StepState| matches!(step.class.as_deref(), Some("rows" | "ledger")) && step.also.is_empty();
        !self.steps.values().any(StepState::perhaps_sent)
            && changed().all(of_rows)
            && self.rows_between().iter().all(|row| row.deed() == Deed::Nothing)
    }

    /// The rows that it changed, each from before the first change to behind the last one. Without those that rules add.
    fn rows_between(&self) -> Vec<RowChange> {
        let own = |step: &StepState| step.changes_of_run().iter().filter(|row| !row.by_rule).cloned().collect();
        self.steps.values().map(own).fold(Vec::new(), change::of_both)
    }

    /// It drifted where a step was reached of which its plan shows nothing.
    pub fn was_never_shown(&self) -> bool {
        self.steps.values().any(|step| step.drift().iter().any(Difference::is_unseen))
    }

    /// The steps of which nobody knows whether they took effect.
    pub fn doubts(&self) -> impl Iterator<Item = (&Arc<str>, &StepState)> {
        self.steps.iter().filter(|(_, step)| step.is_in_doubt())
    }

    /// Those among them that another run would do a second time: rows show by themselves whether they were changed, and what is declared repeatable may
    /// be repeated.
    pub fn unresolved(&self) -> impl Iterator<Item = (&Arc<str>, &StepState)> {
        let done_twice = |class: &str| {
            !(recover::is_one_transaction(class) || class.ends_with("-repeatable") || class == "message-once")
        };
        self.doubts().filter(move |(_, step)| step.class.as_deref().is_some_and(done_twice))
    }

    /// A step as if it had never been tried, and what stands inside it.
    fn forget(&mut self, path: &str) {
        self.steps.retain(|inner, _| !inside(path, inner));
        if let Some(step) = self.steps.get_mut(path) {
            step.forget();
        }
    }

    fn decided(&mut self, decided: &Arc<HumanDecided>, item: &Arc<str>, at: Stamp) {
        let step = self.step(&decided.step, at);
        step.decided = Some(decided.clone());
        match &*decided.decision {
            ANSWER => step.value = Some(answer(&decided.values)),
            DONE => step.outcome = Some(taken_as_done(decided, item, step.generation)),
            NOT_DONE => self.forget(&decided.step),
            RETRY if decided.values.get(REOPEN).and_then(Value::as_bool) == Some(true) => {
                self.step(&decided.step, at).outcome = None;
                (self.closed, self.verified, self.again) = (None, false, true);
            }
            RETRY => {
                let step = self.step(&decided.step, at);
                let mut earlier = std::mem::take(&mut step.earlier);
                if step.changed() {
                    earlier.append(&mut step.changes);
                }
                // What was done inside is named by a decision of its own, and what it had changed must not be lost.
                self.steps
                    .retain(|path, step| !inside(&decided.step, path) || step.attempts > 0 || step.generation > 0);
                self.step(&decided.step, at).forget();
                let generation = decided.values.get("generation").and_then(Value::as_int);
                if let Some(step) = self.steps.get_mut(&decided.step) {
                    (step.found_out, step.earlier) = (None, earlier);
                    step.generation = generation.and_then(|g| u32::try_from(g).ok()).unwrap_or(step.generation);
                }
                (self.closed, self.verified, self.again) = (None, false, true);
            }
            // An abort closes the item by `decide`; an approval is only kept.
            _ => {}
        }
    }

    fn step(&mut self, path: &Arc<str>, at: Stamp) -> &mut StepState {
        let step = self.steps.entry(path.clone()).or_default();
        step.begun.get_or_insert(at);
        step.at = Some(at);
        step
    }
}

/// An end of a resource's step that keeps what was seen of it: the change had been made.
pub(super) fn written(outcome: &ItemOutcome) -> bool {
    let bad = matches!(outcome.outcome, Outcome::Failed | Outcome::Stopped | Outcome::Escalated | Outcome::Skipped);
    bad && outcome.value.is_some()
}

/// An end of a request that may have been carried out all the same: sending it again was given up, and because twice is the same as once
/// nobody has to find out.
pub(super) fn perhaps(outcome: &ItemOutcome) -> bool {
    outcome.response.as_deref() == Some(PERHAPS)
}

/// Whether `path` stands inside the block at `block`.
fn inside(block: &str, path: &str) -> bool {
    path.strip_prefix(block).is_some_and(|rest| rest.starts_with(['/', '[']))
}

/// What a person's word makes of a lost answer. The answer itself stays unknown: an expression that needs it says so.
fn taken_as_done(decided: &HumanDecided, item: &Arc<str>, generation: u32) -> ItemOutcome {
    let why = format!("its answer was lost, and {} decided that it was done", decided.actor);
    let reason = decided.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    ItemOutcome {
        item: item.clone(),
        generation,
        outcome: Outcome::Done,
        value: Some(Data::Unknown(why.into()).into()),
        message: Some(format!("Its answer was lost; {} decided that it was done{reason}", decided.actor)),
        response: Some("taken as done".into()),
        micros: 0,
        ends: None,
        error: None,
    }
}

/// Of a run that was made so and of which so many items are recorded: how many there were to be, where these are not all.
pub fn broke_off(created: &RunCreated, recorded: u64) -> Option<u64> {
    let planned = created.plan_summary.as_ref()?.get("items")?.as_int()?;
    u64::try_from(planned).ok().filter(|planned| recorded < *planned)
}

impl RunState {
    /// From all events of a run.
    pub fn fold<'a>(events: impl IntoIterator<Item = (Stamp, &'a Event)>) -> RunState {
        RunState::of(events.into_iter().map(|(at, event)| (at, event.clone())))
    }

    /// From all events of a run, which are taken apart: nothing large is copied.
    pub fn of(events: impl IntoIterator<Item = (Stamp, Event)>) -> RunState {
        let mut state = RunState::default();
        for (at, event) in events {
            state.take(at, event);
        }
        state
    }

    /// The machine that worked on it at this moment.
    pub fn host_at(&self, at: Stamp) -> Option<&str> {
        let host = self.hosts.iter().rev().find(|(since, _)| since.micros <= at.micros);
        host.map(|(_, host)| &**host)
    }

    /// One event more.
    pub fn apply(&mut self, at: Stamp, event: &Event) {
        self.take(at, event.clone());
    }

    /// One event more, taken apart.
    pub(super) fn take(&mut self, at: Stamp, event: Event) {
        self.events += 1;
        match event {
            Event::RunCreated(created) => {
                self.approvals.clone_from(&created.approvals);
                self.created = Some(*created);
                self.created_at = Some(at);
            }
            Event::RunClaimed(claimed) => self.hosts.push((at, claimed.host)),
            // A purged run cannot be read, and approvals stand in chains of their own.
            Event::RunPurged(_)
            | Event::PlanApproved(_)
            | Event::DriftSeen(_)
            | Event::ScheduleKept(_)
            | Event::SchedulePaused(_)
            | Event::ScheduleResumed(_)
            | Event::OccurrenceSettled(_)
            | Event::OccurrenceTaken(_)
            | Event::OccurrenceEnded(_) => {}
            Event::ItemStarted(started) => {
                for item in started.items {
                    self.items.entry(item.item).or_default().plan = item.plan.map(|kept| kept.value().into_owned());
                }
            }
            Event::StepRead(read) => {
                for one in read.reads {
                    let step = self.step(&one.item, &read.step, at);
                    step.value = Some(one.value);
                    step.shown = Some(one.request);
                }
            }
            Event::StepIntent(intent) => {
                for one in intent.intents {
                    let step = self.step(&one.effect.item, &intent.step, at);
                    step.generation = one.effect.generation;
                    step.class = Some(intent.class.clone());
                    step.connection = intent.connection.clone();
                    step.shown = Some(one.shown);
                    step.request = one.request;
                    step.request_hash = one.request_hash;
                    step.effect = Some(one.effect);
                }
            }
            Event::StepAttempt(attempt) => {
                for one in attempt.attempts {
                    let step = self.step(&one.effect.item, &attempt.step, at);
                    step.attempts = one.attempt;
                    step.first_attempt.get_or_insert(at);
                    step.last_attempt = Some(at);
                }
            }
            Event::StepImages(images) => {
                for one in images.images {
                    let step = self.step(&one.effect.item, &images.step, at);
                    step.imaged = true;
                    step.changes = match step.perhaps_done {
                        true => change::of_both(std::mem::take(&mut step.changes), one.changes),
                        false => one.changes,
                    };
                    step.also = one.also_touched;
                    step.also_added = one.also_added;
                }
            }
            Event::StepOutcome(outcome) => {
                for one in outcome.outcomes {
                    self.ended(one, &outcome.step, at);
                }
            }
            Event::ItemVerified(verified) => {
                for item in verified.items {
                    self.items.entry(item).or_default().verified = true;
                }
            }
            Event::ItemClosed(closed) => {
                for item in closed.items {
                    let key = item.item.clone();
                    self.items.entry(key).or_default().closed = Some(item);
                }
            }
            Event::HumanAsked(asked) => {
                let asked = Arc::new(asked);
                for item in &asked.items {
                    let step = self.step(item, &asked.step, at);
                    (step.asked, step.asked_at) = (Some(asked.clone()), Some(at));
                    // An approval is asked for again as long as people are missing.
                    step.decided = None;
                }
            }
            Event::HumanNotified(told) => {
                for item in &told.items {
                    self.step(item, &told.step, at).notified(&told, at);
                }
            }
            Event::HumanDecided(decided) => self.decided(Arc::new(decided), at),
            Event::RunPaused(paused) => {
                self.behind = paused.behind.or(self.behind);
                self.paused = Some(paused.reason);
            }
            Event::RunResumed(_) => (self.paused, self.behind) = (None, None),
            Event::RunCancelled(by) => (self.cancelled, self.cancelled_by) = (true, Some(by)),
            Event::RunClosed(closed) => {
                self.closed = Some(closed);
                self.closed_at = Some(at);
            }
        }
    }

    fn ended(&mut self, one: ItemOutcome, path: &Arc<str>, at: Stamp) {
        let item = self.items.entry(one.item.clone()).or_default();
        if one.outcome == Outcome::NotDone {
            let step = item.step(path, at);
            step.found_out = one.message;
            // Nobody looked whether it had happened, this time or an earlier one: what it had changed then is not lost.
            if step.perhaps_done || step.imaged && step.class.as_deref() == Some(REPEATED) {
                let known = (true, take(&mut step.changes), take(&mut step.also), take(&mut step.also_added));
                item.forget(path);
                let step = item.step(path, at);
                (step.perhaps_done, step.changes, step.also, step.also_added) = known;
            } else {
                let step = item.step(path, at);
                let held_to = resource::held_to(step.class.as_deref(), step.request.as_ref());
                item.forget(path);
                item.step(path, at).held_to = held_to;
            }
            return;
        }
        item.step(path, at).outcome = Some(one);
    }

    fn decided(&mut self, decided: Arc<HumanDecided>, at: Stamp) {
        if &*decided.decision == APPROVE {
            self.approvals.push(approval(&decided, at));
        }
        for item in &decided.items {
            self.items.entry(item.clone()).or_default().decided(&decided, item, at);
        }
        if &*decided.decision == RETRY {
            (self.closed, self.closed_at) = (None, None);
            (self.cancelled, self.cancelled_by) = (false, None);
        }
    }

    fn step(&mut self, item: &Arc<str>, path: &Arc<str>, at: Stamp) -> &mut StepState {
        self.items.entry(item.clone()).or_default().step(path, at)
    }

    /// The kept plan of an item.
    pub fn plan_of(&self, item: &str) -> Option<Value> {
        self.items.get(item)?.plan.clone()
    }

    /// The steps of open items of which nobody knows whether they took effect, by item.
    pub fn doubts(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, &StepState)> {
        let open = self.items.iter().filter(|(_, item)| item.closed.is_none());
        open.flat_map(|(key, item)| item.doubts().map(move |(path, step)| (key, path, step)))
    }

    /// How many items were to be recorded, where these are not all of them: it broke off before its first change, or is being recorded.
    pub fn broke_off(&self, recorded: u64) -> Option<u64> {
        broke_off(self.created.as_ref()?, recorded)
    }

    /// It takes another run back.
    pub fn is_undo(&self) -> bool {
        self.created.as_ref().is_some_and(|created| &*created.purpose == super::undo::PURPOSE)
    }

    /// How it ended, or where it stands.
    pub fn end(&self) -> End {
        match &self.closed {
            Some(closed) => closed.end,
            None if self.behind.is_some() || self.doubts().next().is_some() => End::InDoubt,
            None => End::Waiting,
        }
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
