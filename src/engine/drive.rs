//! Carrying a run out: fold what happened, decide what comes next, do it, record it, again.
//!
//! The one ordering rule: no byte that can cause an effect leaves before its attempt is durable, and nothing is called
//! done before the target said so. Reads are recorded together with the next durable event: they have no effect.

use super::{
    again, call,
    carry_out::{self, Carried},
    claim,
    decide::{Next, decide},
    drift, endings,
    lease::Lease,
    outline::{Back, Place, path},
    question, recover,
    rehearse::{not_so, text_of},
    setting::Setting,
    state::{ItemState, RunState, StepState},
    statement, tell,
    tries::Tries,
    trouble::{Difference, Ending, Missed, Trouble},
    undo,
    watch::{Tick, Watch},
};
use crate::{
    action::{
        deed::{Call, Deed, Message, Question},
        ends::Way,
        kinds::Act,
        resolve::{self, resolve},
        step::Step,
    },
    base::{
        identity::{EffectId, SINGLE_ITEM},
        moment,
        value::{Map, Value},
    },
    connection::{
        fault::{Fault, FaultKind},
        handle::{Changing, Reading, Writing},
        session::Session,
    },
    effect::{change::RowChange, left},
    journal::{
        Claim, Journal,
        event::Event,
        failure::JournalError,
        payload::*,
        words::{End, Outcome},
    },
    plan::{Effect, Foreseen, ItemPlan, Section, StepPlan},
    template::{Scope, scope::Entry},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How often a transaction that the database proved rolled back is tried again.
const MOST_RESTARTS: u32 = 5;

/// Where driving stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The run is over.
    Closed(End),
    /// It waits for the answer to this step.
    Waits(Arc<str>),
    /// The outcome of an attempt is not known.
    InDoubt(Arc<str>),
    /// Somebody asked it to pause.
    Paused,
}

/// Carries one run out until it is over, waits, or is asked to pause.
pub struct Driver<'a> {
    /// The playbook and its surroundings.
    pub setting: &'a Setting,
    /// Where it is recorded.
    pub journal: &'a Journal,
    /// The right to work on it.
    pub claim: Claim,
    /// What was planned, if the plan is at hand.
    pub plan: Option<&'a ItemPlan>,
    /// Who is told.
    pub watch: Watch<'a>,
    /// Set from outside to pause between two steps.
    pub pause: &'a AtomicBool,
    /// Where it stands.
    pub state: RunState,
    /// What is no longer as planned, when that is why it stopped.
    pub drift: Vec<Difference>,
    /// What was done and could not be recorded, when that is why it stopped.
    pub unrecorded: Option<Unrecorded>,
    pub(super) scope: Scope,
    /// The trouble after which the outcome of a step is not known.
    pub(super) doubt: Option<(Arc<str>, Trouble)>,
    /// How often a step was done again because it proved undone.
    pub(super) rounds: HashMap<Arc<str>, u32>,
    pending: Vec<Event>,
    readers: HashMap<Arc<str>, Reading>,
    /// Databases of which is known that they are those of the plan.
    met: HashSet<Arc<str>>,
    item: Arc<str>,
    lease: Arc<Lease>,
}

/// An effect that happened and that the journal does not know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrecorded {
    /// The step.
    pub path: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// In one line.
    pub summary: String,
}

/// How a step went.
pub(super) struct Went {
    pub(super) outcome: Outcome,
    pub(super) value: Option<Value>,
    pub(super) message: Option<String>,
    pub(super) response: Option<String>,
}

impl Went {
    pub(super) fn done(value: Value) -> Went {
        Went { outcome: Outcome::Done, value: Some(value), message: None, response: None }
    }
}

/// A transaction that was begun.
enum Begun {
    /// The change comes next.
    Open(Writing),
    /// It was done already, and is over.
    Over(Went),
}

/// What keeps a step from going on.
#[derive(Debug)]
pub(super) enum Halt {
    Trouble(Trouble),
    Journal(JournalError),
    /// Something was recorded that decides anew.
    Round,
    /// A connection leads to another database than planned: nothing was written, and the run can go on when it is right.
    Elsewhere(String),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Halt {
        Halt::Trouble(trouble)
    }
}
impl From<JournalError> for Halt {
    fn from(error: JournalError) -> Halt {
        Halt::Journal(error)
    }
}

impl<'a> Driver<'a> {
    /// Takes a run up where its events left it.
    pub fn new(
        setting: &'a Setting,
        journal: &'a Journal,
        claim: Claim,
        plan: Option<&'a ItemPlan>,
        watch: Watch<'a>,
        pause: &'a AtomicBool,
        state: RunState,
    ) -> Driver<'a> {
        let mut driver = Driver {
            setting,
            journal,
            claim,
            plan,
            watch,
            pause,
            state,
            drift: Vec::new(),
            unrecorded: None,
            scope: setting.beginning(),
            doubt: None,
            rounds: HashMap::new(),
            pending: Vec::new(),
            readers: HashMap::new(),
            met: HashSet::new(),
            item: SINGLE_ITEM.into(),
            lease: Arc::new(Lease::new(&setting.world)),
        };
        driver.recall();
        driver
    }

    /// The results of steps that are over, under their names: captured values are never computed again.
    pub(super) fn recall(&mut self) {
        let Some(item) = self.state.items.get(&self.item) else { return };
        for (path, step) in &item.steps {
            let Some(place) = self.setting.outline.place(path).filter(|p| p.is_plain()) else { continue };
            let Some(id) = place.id() else { continue };
            match (step.result(), &step.outcome) {
                (Some(value), _) => self.scope.insert(id, value.clone()),
                (None, Some(outcome)) if outcome.outcome == Outcome::Skipped => {
                    self.scope.insert_entry(id.into(), Entry::Skipped)
                }
                // It went on with a warning, and without a result.
                (None, Some(outcome)) if outcome.outcome == Outcome::Done => self.scope.insert(id, Value::NULL),
                _ => {}
            }
        }
        // The inner steps of a transaction block are recorded under their own paths.
        for (path, step) in &item.steps {
            if let (None, Some(value), Some(id)) =
                (self.setting.outline.place(path), step.result(), path.rsplit('/').next())
            {
                self.scope.insert(id, value.clone());
            }
        }
    }

    /// Goes on until the run is over, waits or pauses, with a sign of life to the others every few seconds.
    pub async fn run(&mut self) -> Result<Stopped, JournalError> {
        let (lease, journal, claim, world) =
            (self.lease.clone(), self.journal, self.claim.clone(), self.setting.world.clone());
        lease.beside(journal, &claim, &world, self.drive()).await
    }

    async fn drive(&mut self) -> Result<Stopped, JournalError> {
        if !self.state.items.contains_key(&self.item) {
            let item = StartedItem { item: self.item.clone(), key: None, plan: None };
            self.note(ItemStarted { items: vec![item] }.into());
        }
        loop {
            let empty = ItemState::default();
            let item = self.state.items.get(&self.item).unwrap_or(&empty);
            match decide(&self.setting.outline, item, self.state.cancelled) {
                Next::Do(index) => {
                    if let Some(why) = self.hindrance()? {
                        return self.rest(why).await;
                    }
                    let place = self.setting.outline.places[index].clone();
                    match self.place(&place).await {
                        Ok(()) | Err(Halt::Round) => {}
                        Err(Halt::Journal(error)) => return Err(error),
                        Err(Halt::Elsewhere(why)) => {
                            let message = Some(format!("Nothing was written: {}", endings::sentence(&why)));
                            let went = Went { outcome: Outcome::NotDone, value: None, message, response: None };
                            self.outcome(&place.path, went, 0);
                            return self.rest(&why).await;
                        }
                        Err(Halt::Trouble(trouble)) if trouble.in_doubt() && self.was_attempted(&place.path) => {
                            self.doubt = Some((place.path.clone(), trouble));
                        }
                        Err(Halt::Trouble(trouble)) => self.end(&place, trouble).await?,
                    }
                }
                Next::Verified => self.note(ItemVerified { items: vec![self.item.clone()] }.into()),
                Next::Wait(path) => {
                    self.flush().await?;
                    self.close_readers().await;
                    return Ok(Stopped::Waits(path));
                }
                Next::FindOut(path) => {
                    if let Some(stopped) = self.find_out(&path).await? {
                        return Ok(stopped);
                    }
                }
                Next::Close(end, reason) => {
                    self.close_readers().await;
                    let (end, reason) = undo::end(&self.setting.outline, &self.state, &self.item, end, reason);
                    let by = self.state.cancelled_by.as_ref().filter(|_| end == End::Cancelled && self.state.cancelled);
                    let reason = by.map(|by| format!("cancelled by {}: {}", by.actor, by.reason)).or(reason);
                    let item = ClosedItem { item: self.item.clone(), end, reason };
                    self.note(ItemClosed { items: vec![item] }.into());
                }
                Next::Over(end) => {
                    let reason = self.state.items.get(&self.item).and_then(|i| i.closed.as_ref()?.reason.clone());
                    self.note(RunClosed { end, reason, counts: vec![Count { end, items: 1 }] }.into());
                    self.flush().await?;
                    self.close_readers().await;
                    return Ok(Stopped::Closed(end));
                }
            }
        }
    }

    /// Why no new step may start now.
    fn hindrance(&self) -> Result<Option<&'static str>, JournalError> {
        if self.lease.is_taken() {
            return Err(JournalError::ClaimLost { run: self.claim.run, fence: self.claim.fence });
        }
        let late = self.lease.is_late(self.setting.world.now());
        let asked = self.pause.load(Ordering::Relaxed);
        Ok(if asked {
            Some("asked to pause")
        } else if late {
            Some("lease lost: no sign of life reached the journal for a while, as when a machine sleeps")
        } else {
            None
        })
    }

    /// Stops between two steps.
    pub(super) async fn rest(&mut self, why: &str) -> Result<Stopped, JournalError> {
        self.note(RunPaused { reason: why.to_owned(), until: None }.into());
        self.flush().await?;
        self.close_readers().await;
        Ok(Stopped::Paused)
    }

    fn was_attempted(&self, path: &str) -> bool {
        self.standing(path).is_some_and(|step| step.attempts > 0)
    }

    /// Takes an event into the state; it becomes durable with the next flush.
    pub(super) fn note(&mut self, event: Event) {
        self.state.apply(self.setting.world.now(), &event);
        self.pending.push(event);
    }

    /// Makes everything noted durable, in one transaction.
    pub(super) async fn flush(&mut self) -> Result<(), JournalError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let appended = self.journal.append_claimed(&self.claim, &self.pending).await?;
        self.pending.clear();
        if appended.seq != self.state.events {
            // Somebody else wrote as well: that needs no claim only where the run is to end.
            let events = self.journal.events(self.claim.run).await?;
            let now = RunState::of(events.into_iter().map(|stored| (stored.at, stored.event)));
            (self.state.cancelled, self.state.events) = (now.cancelled, now.events);
            self.state.cancelled_by = now.cancelled_by;
        }
        Ok(())
    }

    /// Records what an effect came to, and again within bounds: it happened, whatever becomes of the journal. What cannot be
    /// recorded is kept for whoever reads the end of this process.
    pub(super) async fn keep(&mut self, path: &Arc<str>, outcome: Outcome, summary: &str) -> Result<(), JournalError> {
        let mut tries = Tries::default();
        loop {
            let Err(error) = self.flush().await else { return Ok(()) };
            let Some(pause) = tries.next().filter(|_| error.may_pass()) else {
                let summary = summary.to_owned();
                self.unrecorded = Some(Unrecorded { path: path.clone(), outcome, summary });
                return Err(error);
            };
            (self.watch)(Tick::Again { path: path.clone(), why: error.to_string(), pause });
            self.setting.world.pause(pause).await;
        }
    }

    pub(super) async fn close_readers(&mut self) {
        for (_, reading) in self.readers.drain() {
            reading.close().await;
        }
    }

    /// What the plan rests on reads as it did. Looked at before a step is decided on, too: a fact that changed may make its
    /// `when` false, or its values impossible, and that is drift and no skip and no failure.
    fn facts_as_planned(&self, place: &Place) -> Result<(), Trouble> {
        let Some(plan) = self.plan.filter(|_| place.section == Section::Steps) else { return Ok(()) };
        let mut differences = drift::of_facts(plan, &self.scope, self.setting);
        drift::without_own(&mut differences, &self.own(), self.setting);
        if differences.is_empty() { Ok(()) } else { Err(Trouble::Drifted(differences)) }
    }

    async fn place(&mut self, place: &Place) -> Result<(), Halt> {
        self.facts_as_planned(place)?;
        let step = place.step.clone();
        if let Some(when) = &step.common.when {
            self.look_again(&step).await?;
            let judgement =
                resolve::judge(when, &self.scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?;
            match judgement.holds {
                Some(true) => {}
                Some(false) => {
                    self.skip(&place.path, &step);
                    return Ok(());
                }
                None => return Err(unknown_now(&step, judgement.unknown.as_deref()).into()),
            }
        }
        match &place.back {
            Some(Back::Left(why) | Back::Already(why)) => {
                let done = matches!(place.back, Some(Back::Already(_)));
                let outcome = if done { Outcome::Unchanged } else { Outcome::Skipped };
                let went = Went { outcome, value: None, message: Some(why.clone()), response: None };
                self.outcome(&place.path, went, 0);
                return Ok(());
            }
            Some(Back::Step(name, value)) => self.scope.insert(name.clone(), value.clone()),
            Some(Back::Rows(_)) | None => {}
        }
        if place.gate {
            self.outcome(&place.path, Went { outcome: Outcome::Done, value: None, message: None, response: None }, 0);
            return Ok(());
        }
        let title =
            step.common.title.as_ref().and_then(|t| t.preview(&self.scope).ok()).unwrap_or_else(|| step.label(0));
        (self.watch)(Tick::Begins { section: place.section, path: place.path.clone(), title });
        let started = self.setting.world.now();
        let went = match &step.act {
            Act::Block(block) if place.is_plain() => {
                self.transaction(place, block.transaction.as_ref().map_or("", |w| w.as_str())).await?
            }
            _ => self.patiently(place, &step).await?,
        };
        let Some(went) = went else { return Ok(()) };
        if let (Some(id), Some(value)) = (step.id(), &went.value) {
            self.scope.insert(id, value.clone());
        }
        let summary = went.message.clone().or_else(|| went.response.clone()).unwrap_or_default();
        let outcome = went.outcome;
        let micros = self.setting.world.now().micros - started.micros;
        self.outcome(&place.path, went, u64::try_from(micros).unwrap_or(0));
        // What the target confirmed is durable before anything else begins: a crash must not make it doubtful again.
        if self.was_attempted(&place.path) {
            self.keep(&place.path, outcome, &summary).await?;
        } else {
            self.flush().await?;
        }
        (self.watch)(Tick::Over { path: place.path.clone(), outcome, summary });
        Ok(())
    }

    fn skip(&mut self, path: &Arc<str>, step: &Step) {
        fn names(step: &Step, scope: &mut Scope) {
            if let Some(id) = step.id() {
                scope.insert_entry(id.into(), Entry::Skipped);
            }
            step.inner().iter().for_each(|inner| names(inner, scope));
        }
        names(step, &mut self.scope);
        let message = step.common.when.as_ref().map(|w| format!("only when {}", w.scalar().text.trim()));
        self.outcome(path, Went { outcome: Outcome::Skipped, value: None, message, response: None }, 0);
        (self.watch)(Tick::Over { path: path.clone(), outcome: Outcome::Skipped, summary: String::new() });
    }

    pub(super) fn outcome(&mut self, path: &Arc<str>, went: Went, micros: u64) {
        let one = ItemOutcome {
            item: self.item.clone(),
            generation: self.generation(path),
            outcome: went.outcome,
            value: went.value,
            message: went.message,
            response: went.response,
            micros,
        };
        self.note(StepOutcome { step: path.clone(), outcomes: vec![one] }.into());
    }

    /// A verification entry with `within` is looked at again until it holds or the time is over.
    async fn patiently(&mut self, place: &Place, step: &Step) -> Result<Option<Went>, Halt> {
        let (within, every) =
            (step.common.within.map(|l| l.0), step.common.every.map_or(Duration::from_secs(5), |l| l.0));
        let mut left = within.unwrap_or_default();
        loop {
            let halt = match self.step(place, step).await {
                Err(Halt::Trouble(trouble)) if matches!(trouble, Trouble::Missed(_) | Trouble::Call(_)) => trouble,
                other => return other,
            };
            if left.is_zero() {
                return Err(halt.into());
            }
            let pause = every.min(left);
            left -= pause;
            self.close_readers().await;
            self.flush().await?;
            (self.watch)(Tick::Again { path: place.path.clone(), why: halt.message(), pause });
            self.setting.world.pause(pause).await;
        }
    }

    /// Rows that the step wants as they are now.
    async fn look_again(&mut self, step: &Step) -> Result<(), Trouble> {
        for (name, find) in again::of_step(step, &self.scope, self.setting) {
            let setting = self.setting;
            let session = self.reader(&find.table.connection).await?;
            let row = again::read(session, &find, setting, step).await?;
            again::put(&mut self.scope, &name, row);
        }
        Ok(())
    }

    async fn step(&mut self, place: &Place, step: &Step) -> Result<Option<Went>, Halt> {
        if let Some(Back::Rows(rows)) = &place.back {
            return self.write(place, step, Deed::Restore(rows.clone())).await.map(Some);
        }
        self.look_again(step).await?;
        let resolved =
            resolve(step, &self.scope, self.setting).map_err(|t| Trouble::of_resolving(t, &self.setting.source))?;
        let Some(resolved) = resolved else { return Ok(None) };
        match resolved.deed {
            Deed::Question(question) => return self.ask(place, step, &question),
            Deed::Message(message) => return self.message(place, step, &message).await.map(Some),
            Deed::Change(_) | Deed::Statement(_) => return self.write(place, step, resolved.deed).await.map(Some),
            Deed::Call(call) if !call.is_read() => return self.send(place, step, call).await.map(Some),
            deed => {
                let (value, request) = self.read(place, step, deed).await?;
                // Before `is` is looked at: the text of its `otherwise` tells what was found.
                if let Some(id) = step.id() {
                    self.scope.insert(id, value.clone());
                }
                self.holds(step, &value)?;
                let summary = request.clone();
                let read = ReadValue { item: self.item.clone(), request, request_hash: None, value };
                self.note(StepRead { step: place.path.clone(), reads: vec![read] }.into());
                (self.watch)(Tick::Over { path: place.path.clone(), outcome: Outcome::Done, summary });
            }
        }
        Ok(None)
    }

    /// The `is` of a verification entry.
    fn holds(&self, step: &Step, value: &Value) -> Result<(), Trouble> {
        let Some(is) = &step.common.is else { return Ok(()) };
        let mut scope = self.scope.clone().with("self", value.clone());
        if let Some(id) = step.id() {
            scope.insert(id, value.clone());
        }
        let judgement = resolve::judge(is, &scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?;
        if judgement.holds == Some(true) { Ok(()) } else { Err(not_so(&judgement, step)) }
    }

    pub(super) async fn read(&mut self, place: &Place, step: &Step, deed: Deed) -> Result<(Value, String), Halt> {
        let setting = self.setting;
        match deed {
            Deed::Find(find) => {
                let session = self.reader(&find.table.connection).await?;
                let value = question::find(session, &find, setting, step.act_at).await?;
                Ok((value, format!("find {}", find.table)))
            }
            Deed::Query(query) => {
                let session = self.reader(&query.connection).await?;
                let value = question::query(session, &query, setting, step.act_at).await?;
                Ok((value, format!("query {}", query.connection)))
            }
            Deed::Call(call) => {
                // No transaction is held while an API thinks.
                self.close_readers().await;
                let line =
                    setting.api(&call.api).map_or_else(String::new, |api| call::line(&api.view(&call::request(&call))));
                let value = call::read(setting, step, &place.path, &call, self.watch)
                    .await
                    .map_err(|t| Trouble::Call(Box::new(t)))?;
                let line = format!("{line} → {}", call::summary(&value));
                Ok((value, line))
            }
            Deed::Judge(judgement) if judgement.holds == Some(true) => Ok((true.into(), "holds".into())),
            Deed::Judge(judgement) if judgement.holds.is_none() => {
                Err(unknown_now(step, judgement.unknown.as_deref()).into())
            }
            Deed::Judge(judgement) => Err(not_so(&judgement, step).into()),
            Deed::Give(value) => {
                let shown = value.shown();
                Ok((value, shown))
            }
            _ => Err(unknown_now(step, None).into()),
        }
    }

    async fn reader(&mut self, connection: &Arc<str>) -> Result<&mut Session, Trouble> {
        if !self.readers.contains_key(connection) {
            let database = self.setting.database(connection).ok_or_else(|| no_database(connection))?;
            let opened = database.reading().await.map_err(|f| Trouble::of_database(connection, f))?;
            self.readers.insert(connection.clone(), opened);
        }
        match self.readers.get_mut(connection) {
            Some(reading) => Ok(reading),
            None => Err(no_database(connection)),
        }
    }

    pub(super) fn effect(&self, path: &Arc<str>) -> EffectId {
        let generation = self.generation(path);
        EffectId { run: self.setting.run.id, item: self.item.clone(), step: path.clone(), generation }
    }

    /// Where a step stands.
    pub(super) fn standing(&self, path: &str) -> Option<&StepState> {
        self.state.items.get(&self.item)?.steps.get(path)
    }

    fn generation(&self, path: &str) -> u32 {
        self.standing(path).map_or(0, |step| step.generation)
    }

    /// What this run changed before somebody had it done again: the newest last.
    fn own(&self) -> Vec<RowChange> {
        let steps = self.state.items.get(&self.item).into_iter().flat_map(|item| item.steps.values());
        steps.flat_map(|step| &step.earlier).cloned().collect()
    }

    fn planned(&self, path: &str) -> Option<&'a StepPlan> {
        self.plan.and_then(|plan| plan.steps.iter().find(|s| &*s.path == path))
    }

    /// The planned row changes of a place and of what stands inside it.
    fn planned_rows(&self, path: &str) -> Vec<RowChange> {
        let inside = |p: &str| p == path || p.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        let steps = self.plan.iter().flat_map(|plan| &plan.steps).filter(|s| inside(&s.path));
        let rows = steps
            .flat_map(|s| &s.effects)
            .filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None });
        rows.flatten().cloned().collect()
    }

    /// Intent and attempt, durable before anything leaves.
    async fn intend(
        &mut self,
        place: &Place,
        class: &str,
        connection: Option<&Arc<str>>,
        shown: String,
        request: Option<Value>,
        request_hash: Option<Arc<str>>,
        attempt: u32,
    ) -> Result<(), Halt> {
        self.facts_as_planned(place)?;
        if attempt == 1 {
            let effect = self.effect(&place.path);
            let planned = self.planned_rows(&place.path);
            let intent = Intent { effect, shown, request, request_hash, planned };
            self.note(
                StepIntent {
                    step: place.path.clone(),
                    class: class.into(),
                    connection: connection.cloned(),
                    intents: vec![intent],
                }
                .into(),
            );
        }
        self.attempt(&place.path, attempt).await
    }

    /// The last durable word before a byte may leave.
    pub(super) async fn attempt(&mut self, path: &Arc<str>, attempt: u32) -> Result<(), Halt> {
        let effect = self.effect(path);
        let again = self.standing(path).is_some_and(StepState::is_in_doubt) && attempt > 1;
        self.note(
            StepAttempt { step: path.clone(), attempts: vec![Attempt { effect, attempt, deadline: None }] }.into(),
        );
        self.flush().await?;
        if self.state.cancelled && !again {
            // Somebody asked the run to end meanwhile, and nothing has left yet.
            let message = Some("The run was cancelled before anything was sent.".to_owned());
            self.outcome(path, Went { outcome: Outcome::NotDone, value: None, message, response: None }, 0);
            return Err(Halt::Round);
        }
        Ok(())
    }

    fn images(&mut self, path: &Arc<str>, carried: &Carried) {
        let effect = self.effect(path);
        let also_touched = carried.also.iter().map(|a| a.table.as_str().into()).collect();
        let images = Images { effect, changes: carried.changes.clone(), also_touched };
        self.note(StepImages { step: path.clone(), images: vec![images] }.into());
    }

    /// One step in its own transaction.
    async fn write(&mut self, place: &Place, step: &Step, deed: Deed) -> Result<Went, Halt> {
        let class = recover::class(step, &deed, self.setting);
        let (connection, shown) = match &deed {
            Deed::Change(change) => (change.table.connection.clone(), format!("{} {}", step.act.word(), change.table)),
            Deed::Statement(statement) => (statement.connection.clone(), statement.bound.sql.clone()),
            Deed::Restore(restore) => (restore.connection.clone(), undo::restore::words(restore)),
            _ => return Err(unknown_now(step, None).into()),
        };
        let hash = claim::keeps_ledger(self.setting, &connection).then(|| self.hash_of_deed(&deed));
        self.close_readers().await;
        self.intend(place, class, Some(&connection), shown, None, hash, 1).await?;
        let mut restarts = 0;
        loop {
            match self.write_once(place, step, &deed, &connection).await {
                Err(Halt::Trouble(Trouble::Database { fault, .. }))
                    if fault.kind == FaultKind::Serialization && restarts < MOST_RESTARTS =>
                {
                    restarts += 1
                }
                other => return other,
            }
        }
    }

    async fn write_once(
        &mut self,
        place: &Place,
        step: &Step,
        deed: &Deed,
        connection: &Arc<str>,
    ) -> Result<Went, Halt> {
        let setting = self.setting;
        let mut writing = match self.begin(place, connection).await? {
            Begun::Open(writing) => writing,
            Begun::Over(went) => return Ok(went),
        };
        let carried = self.carried(&mut writing, &place.path, step, deed).await;
        let carried = match carried {
            Ok(carried) => carried,
            Err(trouble) => {
                let _ = writing.rollback().await;
                return Err(trouble.into());
            }
        };
        let value = match deed {
            Deed::Restore(_) => left::store(&carried.left_alone),
            _ => carried.result(matches!(step.act, Act::Row(_)), setting),
        };
        let message = undo::left_words(&carried.left_alone);
        if carried.is_nothing() && carried.also.is_empty() {
            let _ = writing.rollback().await;
            return Ok(Went {
                outcome: Outcome::Unchanged,
                value: Some(value),
                message,
                response: Some("already as wanted".into()),
            });
        }
        self.images(&place.path, &carried);
        self.commit(writing, connection).await?;
        Ok(Went { message, response: Some(rows_words(&carried)), ..Went::done(value) })
    }

    /// Makes a change durable once its images are. A journal that does not take them takes the change back.
    async fn commit(&mut self, writing: Writing, connection: &Arc<str>) -> Result<(), Halt> {
        if let Err(error) = self.flush().await {
            let _ = writing.rollback().await;
            return Err(error.into());
        }
        writing.commit().await.map_err(|f| Trouble::of_database(connection, f).into())
    }

    async fn open(&self, connection: &Arc<str>) -> Result<Writing, Trouble> {
        let database = self.setting.database(connection).ok_or_else(|| no_database(connection))?;
        let opened = database.writing().await.map_err(|f| Trouble::of_database(connection, f));
        // What comes after the write reads again, on a connection of its own.
        database.expect_reading();
        opened
    }

    /// Opens a transaction up to where its change begins: it is the database that was planned against, and nobody has done
    /// this already.
    async fn begin(&mut self, place: &Place, connection: &Arc<str>) -> Result<Begun, Halt> {
        let mut writing = self.open(connection).await?;
        let first = async {
            if !self.met.contains(connection) {
                self.as_planned(&mut writing).await?;
            }
            self.claimed(&mut writing, place, connection).await
        };
        match first.await {
            Ok(None) => {
                self.met.insert(connection.clone());
                Ok(Begun::Open(writing))
            }
            Ok(Some(went)) => {
                let _ = writing.rollback().await;
                Ok(Begun::Over(went))
            }
            Err(halt) => {
                let _ = writing.rollback().await;
                Err(halt)
            }
        }
    }

    /// Carries out and compares with the plan, still inside the transaction.
    async fn carried(&self, changing: &mut Changing, path: &str, step: &Step, deed: &Deed) -> Result<Carried, Trouble> {
        let at = step.act_at;
        if let Deed::Restore(restore) = deed {
            // Each row is compared with what the other run left; the plan says which ones are meant.
            let shown = self.plan.filter(|_| undo::restore::not_rehearsed(restore, self.setting).is_none());
            let planned = shown.map(|_| self.planned(path).and_then(drift::planned_rows).unwrap_or_default());
            return undo::restore::restore(changing, restore, self.setting, planned.as_deref(), at).await;
        }
        let carried = match deed {
            Deed::Change(change) => match carry_out::carry_out(changing, change, self.setting, at).await {
                // It was not executed: to take that for a change would be a lie.
                Ok(carried) if carried.unknown => Err(unknown_now(step, why_unknown(&carried).as_deref())),
                other => other,
            },
            Deed::Statement(deed) if deed.bound.has_unknown() => {
                let why = deed.bound.binds.iter().find_map(Value::unknown_because);
                Err(unknown_now(step, why.as_deref()))
            }
            Deed::Statement(deed) => statement::run(changing, deed, self.setting, at).await,
            _ => Err(unknown_now(step, None)),
        };
        let planned = self.planned(path).and_then(drift::planned_rows);
        let Some(planned) = planned else { return carried };
        match carried {
            Ok(carried) if carried.is_nothing() => Ok(carried),
            Ok(carried) => {
                let rebased = drift::rebased(&planned, &self.own(), &carried.changes);
                let planned: Vec<&RowChange> = rebased.iter().collect();
                let differences = drift::of_rows(&planned, &carried.changes, self.setting);
                if differences.is_empty() { Ok(carried) } else { Err(Trouble::Drifted(differences)) }
            }
            // A guard that held in the plan and fails now is drift, with the columns by name.
            Err(Trouble::Missed(missed)) if !planned.is_empty() => {
                Err(Trouble::Drifted(vec![super::trouble::Difference {
                    subject: format!("{} {}", planned[0].table, planned[0].key_text()),
                    column: missed.seen.iter().map(|(column, _)| column.clone()).collect::<Vec<_>>().join(", "),
                    planned: "as previewed".into(),
                    found: missed.seen.first().map_or(missed.message.clone(), |(_, found)| found.clone()),
                }]))
            }
            Err(other) => Err(other),
        }
    }

    /// Several steps in one transaction: all of them happen, or none.
    async fn transaction(&mut self, place: &Place, connection: &str) -> Result<Option<Went>, Halt> {
        self.close_readers().await;
        let connection: Arc<str> = connection.into();
        let shown = format!("transaction on {connection}");
        let class = recover::of_rows(&connection, self.setting);
        let hash = claim::keeps_ledger(self.setting, &connection).then(|| self.hash_of_block(place));
        self.intend(place, class, Some(&connection), shown, None, hash, 1).await?;
        let mut restarts = 0;
        loop {
            let scope = self.scope.clone();
            let pending = self.pending.len();
            match self.transaction_once(place, &connection).await {
                Err(Halt::Trouble(Trouble::Database { fault, .. }))
                    if fault.kind == FaultKind::Serialization && restarts < MOST_RESTARTS =>
                {
                    restarts += 1;
                    self.scope = scope;
                    self.pending.truncate(pending);
                }
                other => return other.map(Some),
            }
        }
    }

    async fn transaction_once(&mut self, place: &Place, connection: &Arc<str>) -> Result<Went, Halt> {
        let mut writing = match self.begin(place, connection).await? {
            Begun::Open(writing) => writing,
            Begun::Over(went) => return Ok(went),
        };
        let mut all = Carried::default();
        let mut inner = Vec::new();
        let walked = self.inside(&mut writing, &place.path, place.step.inner(), &mut all, &mut inner).await;
        if let Err(halt) = walked {
            let _ = writing.rollback().await;
            return Err(halt);
        }
        if all.is_nothing() && all.also.is_empty() {
            let _ = writing.rollback().await;
            inner.into_iter().for_each(|event| self.note(event));
            return Ok(Went {
                outcome: Outcome::Unchanged,
                value: None,
                message: None,
                response: Some("already as wanted".into()),
            });
        }
        self.images(&place.path, &all);
        inner.into_iter().for_each(|event| self.note(event));
        self.commit(writing, connection).await?;
        Ok(Went { outcome: Outcome::Done, value: None, message: None, response: Some(rows_words(&all)) })
    }

    async fn inside(
        &mut self,
        writing: &mut Writing,
        prefix: &str,
        steps: &[Step],
        all: &mut Carried,
        events: &mut Vec<Event>,
    ) -> Result<(), Halt> {
        for (index, step) in steps.iter().enumerate() {
            let path = path(prefix, step, index);
            for (name, find) in again::of_step(step, &self.scope, self.setting) {
                let row = again::read(writing, &find, self.setting, step).await?;
                again::put(&mut self.scope, &name, row);
            }
            if let Some(when) = &step.common.when {
                let judgement =
                    resolve::judge(when, &self.scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?;
                if judgement.holds == Some(false) {
                    if let Some(id) = step.id() {
                        self.scope.insert_entry(id.into(), Entry::Skipped);
                    }
                    continue;
                }
            }
            if let Act::Block(block) = &step.act {
                Box::pin(self.inside(writing, &path, &block.steps, all, events)).await?;
                continue;
            }
            let resolved =
                resolve(step, &self.scope, self.setting).map_err(|t| Trouble::of_resolving(t, &self.setting.source))?;
            let Some(resolved) = resolved else { continue };
            let value = match resolved.deed {
                Deed::Find(find) => question::find(writing, &find, self.setting, step.act_at).await?,
                Deed::Query(query) => question::query(writing, &query, self.setting, step.act_at).await?,
                Deed::Judge(judgement) if judgement.holds == Some(true) => true.into(),
                Deed::Judge(judgement) => return Err(not_so(&judgement, step).into()),
                Deed::Give(value) => value,
                deed @ (Deed::Change(_) | Deed::Statement(_)) => {
                    let carried = self.carried(writing, &path, step, &deed).await?;
                    let value = carried.result(matches!(step.act, Act::Row(_)), self.setting);
                    all.changes.extend(carried.changes);
                    all.also.extend(carried.also);
                    value
                }
                // Check refuses calls, questions and messages inside a transaction.
                _ => return Err(unknown_now(step, None).into()),
            };
            self.holds(step, &value)?;
            if let Some(id) = step.id() {
                self.scope.insert(id, value.clone());
            }
            let read =
                ReadValue { item: self.item.clone(), request: step.act.word().to_owned(), request_hash: None, value };
            events.push(StepRead { step: path, reads: vec![read] }.into());
        }
        Ok(())
    }

    /// A call that changes something: once, and again only where that cannot become a second effect.
    async fn send(&mut self, place: &Place, step: &Step, call: Call) -> Result<Went, Halt> {
        self.close_readers().await;
        let setting = self.setting;
        let request = call::request(&call);
        let view = setting.api(&call.api).map(|api| api.view(&request));
        let shown = view.as_ref().map_or_else(String::new, call::line);
        // The key is derived from the effect: every attempt, also of another process, carries the same one.
        let keyed = setting.api(&call.api).is_some_and(|api| api.settings().idempotency_key.is_some());
        let key = keyed.then(|| self.effect(&place.path).idempotency_key().to_string());
        let class = recover::class(step, &Deed::Call(call.clone()), setting);
        let mut attempts = call::Attempts::default();
        let mut attempt = 1;
        loop {
            self.intend(place, class, Some(&call.api), shown.clone(), Some(call::stored(&call)), None, attempt).await?;
            moment::reached("before a request");
            let sent = call::once(setting, step, &call, key.clone()).await;
            moment::reached("after a request");
            let trouble = match sent {
                Ok(value) => return Ok(Went { response: Some(call::summary(&value)), ..Went::done(value) }),
                Err(trouble) => trouble,
            };
            // What may have been carried out is found out first; only what was refused or never left is sent anew.
            let retry = endings::retry(&setting.playbook.errors, step.id(), &trouble).filter(|_| !trouble.in_doubt);
            let Some(pause) = retry.and_then(|r| attempts.next(r, trouble.retry_after, &setting.world)) else {
                return Err(Trouble::Call(Box::new(trouble)).into());
            };
            (self.watch)(Tick::Again { path: place.path.clone(), why: trouble.message.clone(), pause });
            setting.world.pause(pause).await;
            attempt += 1;
        }
    }

    fn ask(&mut self, place: &Place, step: &Step, question: &Question) -> Result<Option<Went>, Halt> {
        if let Some(decided) = self.standing(&place.path).and_then(|s| s.answered()) {
            return Ok(Some(Went::done(Value::from(decided.values.clone()))));
        }
        let text = text_of(step, &self.scope).unwrap_or_else(|| question.text.plain().into_owned());
        let answer: Map = question
            .answer
            .iter()
            .map(|(name, field)| {
                let description = field.description.as_ref().map_or(Value::NULL, |d| Value::text(d.text.clone()));
                (
                    name.clone(),
                    Value::map([("type", Value::text(field.kind.text.clone())), ("description", description)]),
                )
            })
            .collect();
        let asked = HumanAsked {
            step: place.path.clone(),
            items: vec![self.item.clone()],
            who: question.who.clone(),
            question: Value::text(text),
            answer,
        };
        self.note(asked.into());
        Err(Halt::Round)
    }

    async fn message(&mut self, place: &Place, step: &Step, message: &Message) -> Result<Went, Halt> {
        let who = &message.who;
        if let Some(why) = message.text.unknown_because() {
            let message = Some(format!("not told: a part of the message is not known ({why})"));
            return Ok(Went { message, ..Went::done(Value::NULL) });
        }
        let text = text_of(step, &self.scope).unwrap_or_default();
        self.intend(place, "message-once", None, format!("to {who}: {text}"), None, None, 1).await?;
        moment::reached("before a message");
        let told = tell::tell(self.setting, who, &text, self.watch).await;
        moment::reached("after a message");
        match told {
            Ok(how) => Ok(Went { response: Some(how.into()), message: Some(text), ..Went::done(Value::NULL) }),
            // A message that was not sent is no reason to call the change failed: it is said, and the run goes on.
            Err(why) => Ok(Went { message: Some(format!("not told: {why}")), ..Went::done(Value::NULL) }),
        }
    }

    /// A precondition that held in the plan and does not hold now is drift, with what differs by name.
    fn unlike_planned(&self, place: &Place, trouble: Trouble) -> Trouble {
        let (Some(plan), Section::Preconditions) = (self.plan, place.section) else { return trouble };
        let missed = match &trouble {
            Trouble::Missed(missed) => Some(&missed.message),
            // An expression that has nothing to work with any more.
            Trouble::Step { .. } => None,
            _ => return trouble,
        };
        let mut differences = drift::of_facts(plan, &self.scope, self.setting);
        drift::without_own(&mut differences, &self.own(), self.setting);
        let held = self.planned(&place.path).is_some_and(|step| step.foreseen == Foreseen::Passes);
        if let Some(found) = missed.filter(|_| differences.is_empty() && held) {
            let (subject, column) = (place.path.to_string(), String::new());
            differences.push(Difference { subject, column, planned: "it held".into(), found: found.clone() });
        }
        if differences.is_empty() { trouble } else { Trouble::Drifted(differences) }
    }

    /// A step that did not go through: its ending, recorded.
    pub(super) async fn end(&mut self, place: &Place, trouble: Trouble) -> Result<(), JournalError> {
        self.close_readers().await;
        let step = place.step.clone();
        let trouble = self.unlike_planned(place, trouble);
        if let Trouble::Drifted(differences) = &trouble {
            self.drift = differences.clone();
        }
        let help = trouble.help();
        let (outcome, ending) = match &trouble {
            Trouble::Drifted(_) => (Outcome::Drifted, plain_ending(&trouble, &step)),
            _ if trouble.in_doubt() => (Outcome::InDoubt, plain_ending(&trouble, &step)),
            _ => {
                let ending = endings::ending(&step, &trouble, &self.scope, self.setting).in_section(place.section);
                (outcome_of(ending.way), ending)
            }
        };
        if let (Some(who), Some(text)) = (&ending.who, &ending.told) {
            (self.watch)(Tick::PassOn { who: who.clone(), text: text.clone() });
        }
        let mut message = ending.message.clone();
        if let Some(who) = &ending.who {
            message = format!("For {who}: {message}");
        }
        for line in help {
            message = format!("{message} {}", endings::sentence(&line));
        }
        if ending.way == Way::Warn
            && let Some(id) = step.id()
            && self.scope.get(id).is_none()
        {
            self.scope.insert(id, Value::NULL);
        }
        let value = match &trouble {
            Trouble::Drifted(differences) => Some(Value::list(differences.iter().map(Difference::store))),
            _ => None,
        };
        self.outcome(&place.path, Went { outcome, value, message: Some(message.clone()), response: None }, 0);
        (self.watch)(Tick::Over { path: place.path.clone(), outcome, summary: message.clone() });
        let changed = self.state.items.get(&self.item).is_some_and(ItemState::changed);
        let close = match ending.way {
            Way::Done if outcome == Outcome::Done => Some(if changed { End::Changed } else { End::Unchanged }),
            Way::Skip if outcome == Outcome::Skipped => Some(End::Skipped),
            _ => None,
        };
        if let Some(end) = close {
            let item = ClosedItem { item: self.item.clone(), end, reason: Some(message) };
            self.note(ItemClosed { items: vec![item] }.into());
        }
        self.flush().await
    }
}

fn plain_ending(trouble: &Trouble, step: &Step) -> Ending {
    let at = trouble.at().unwrap_or(step.act_at);
    Ending {
        told: None,
        way: Way::Fail,
        message: endings::sentence(&trouble.message()),
        who: None,
        seen: Vec::new(),
        at,
    }
}

fn outcome_of(way: Way) -> Outcome {
    match way {
        Way::Stop => Outcome::Stopped,
        Way::Skip => Outcome::Skipped,
        Way::Done | Way::Warn => Outcome::Done,
        Way::Fail => Outcome::Failed,
        Way::Escalate => Outcome::Escalated,
    }
}

/// `1 row of register.trainees, 1 of register.audits`.
pub(super) fn rows_words(carried: &Carried) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for change in carried.changes.iter().filter(|c| c.deed() != crate::effect::change::Deed::Nothing) {
        let table = change.table.to_string();
        match counts.iter_mut().find(|(t, _)| *t == table) {
            Some((_, n)) => *n += 1,
            None => counts.push((table, 1)),
        }
    }
    let words: Vec<_> =
        counts.iter().map(|(table, n)| format!("{n} row{} of {table}", if *n == 1 { "" } else { "s" })).collect();
    words.join(", ")
}

fn no_database(connection: &str) -> Trouble {
    Trouble::of_database(connection, Fault::new(FaultKind::Settings, "it is not a database of this project"))
}

/// Why a value that a change needs is not known.
fn why_unknown(carried: &Carried) -> Option<Arc<str>> {
    let after = carried.changes.iter().filter_map(|change| change.after.as_ref());
    after.flat_map(|row| row.values()).find_map(Value::unknown_because)
}

/// Something is still unknown although nothing may be at apply.
fn unknown_now(step: &Step, why: Option<&str>) -> Trouble {
    let message = match why {
        Some(why) => format!("a value is still unknown at apply ({why})"),
        None => format!("`{}` cannot stand here", step.act.word()),
    };
    Trouble::Missed(Missed { message, seen: Vec::new(), at: step.act_at })
}
