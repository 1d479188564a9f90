//! Carrying a run out: fold what happened, decide what comes next, do it, record it, again.
//!
//! The one ordering rule: no byte that can cause an effect leaves before its attempt is durable, and nothing is called
//! done before the target said so. Reads are recorded together with the next durable event: they have no effect.

use super::{
    crew::Crew,
    decide::{Next, decide},
    drift, endings,
    fleet::RECONCILE,
    lease::Lease,
    names,
    outline::{self, Back, Kind, Place},
    reached::Spot,
    recover,
    sets::Seat,
    setting::Setting,
    state::{ItemState, RunState, StepState},
    step::unknown_now,
    tries::Tries,
    trouble::{Difference, Trouble},
    undo,
    watch::{Tick, Watch},
};
use crate::{
    action::{
        kinds::Act,
        resolve,
        step::{ALWAYS, Step},
    },
    base::{identity::EffectId, value::Value},
    connection::handle::Reading,
    effect::change::RowChange,
    journal::{
        Appended, Appending, Beginning, Claim, Journal,
        event::Event,
        failure::JournalError,
        payload::*,
        words::{End, Outcome},
    },
    plan::{Effect, ItemPlan, Section, StepPlan},
    template::Scope,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Where driving stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The run is over; of one of many items: it is.
    Closed(End),
    /// What is done once before all items is done; the rest of it comes after them.
    Held,
    /// It waits for the answer to this step.
    Waits(Arc<str>),
    /// The outcome of an attempt is not known.
    InDoubt(Arc<str>),
    /// Somebody asked it to pause.
    Paused,
}

/// Carries one run out until it is over, waits, or is asked to pause.
pub struct Driver<'a> {
    /// The playbook and its surroundings; where it is in a call, those of the called playbook.
    pub setting: &'a Setting,
    /// The playbook of the run.
    pub(super) root: &'a Setting,
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
    /// Changes that happened, whatever becomes of their step: path, and how the thing was seen last.
    pub(super) confirmed: HashMap<Arc<str>, Value>,
    /// The turns of loops and the calls that it is in, each with what is known around it.
    pub(super) turns: Vec<(Arc<str>, Scope)>,
    /// What is done now is done at the end of a block, whatever happened.
    pub(super) always: bool,
    /// What is done now is done because something failed: the plan says nothing of it.
    pub(super) unplanned: bool,
    /// The trouble after which the outcome of a step is not known.
    pub(super) doubt: Option<(Arc<str>, Trouble)>,
    /// How often a step was done again because it proved undone.
    pub(super) rounds: HashMap<Arc<str>, u32>,
    /// What the `errors` table still allows of a step that was answered badly and proved undone.
    pub(super) budgets: HashMap<Arc<str>, super::outgoing::attempts::Attempts>,
    pub(super) pending: Vec<Event>,
    /// The first words of the run are on their way into the journal.
    beginning: Option<Beginning>,
    /// They did not get there: the run does not exist.
    pub unbegun: bool,
    /// What was done and is being recorded while only reads go on.
    beside: Option<Beside>,
    pub(super) readers: HashMap<Arc<str>, Reading>,
    /// Databases of which is known that they are those of the plan.
    pub(super) met: HashSet<Arc<str>>,
    pub(super) item: Arc<str>,
    lease: Arc<Lease>,
    /// The other items of the run, where it has many: they share lease, cancellation and what is known of the databases.
    pub(super) crew: Option<Arc<Crew>>,
    /// The items that it goes together with.
    seat: Option<Seat>,
    /// Nobody is told of single steps.
    pub(super) quiet: bool,
}

/// An effect that happened and that the journal does not know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrecorded {
    /// The item.
    pub item: Arc<str>,
    /// The step.
    pub path: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// In one line.
    pub summary: String,
}

impl Unrecorded {
    /// From what was to be recorded.
    pub(super) fn of(path: &Arc<str>, one: &ItemOutcome) -> Unrecorded {
        let summary = one.message.clone().or_else(|| one.response.clone()).unwrap_or_default();
        Unrecorded { item: one.item.clone(), path: path.clone(), outcome: one.outcome, summary }
    }
}

/// An outcome on its way into the journal.
struct Beside {
    appending: Appending,
    /// The events, in case they have to be recorded once more.
    events: Vec<Event>,
    /// The number that the last of them gets if nobody else writes.
    seq: u64,
    done: Unrecorded,
}

/// What will be tried.
pub(super) struct Meant<'a> {
    /// How a lost answer will be resolved.
    pub(super) class: &'static str,
    pub(super) connection: Option<&'a Arc<str>>,
    /// For people.
    pub(super) shown: String,
    /// Enough to send the same bytes again.
    pub(super) request: Option<Value>,
    /// What the ledger will hold of it.
    pub(super) request_hash: Option<Arc<str>>,
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

/// What keeps a step from going on.
#[derive(Debug)]
pub(super) enum Halt {
    Trouble(Trouble),
    Journal(JournalError),
    /// Something was recorded that decides anew.
    Round,
    /// Somebody asked to pause in the middle of a wait.
    Rest(&'static str),
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
            root: setting,
            journal,
            claim,
            plan,
            watch,
            pause,
            state,
            drift: Vec::new(),
            unrecorded: None,
            scope: setting.beginning(),
            confirmed: HashMap::new(),
            turns: Vec::new(),
            always: false,
            unplanned: false,
            doubt: None,
            rounds: HashMap::new(),
            budgets: HashMap::new(),
            pending: Vec::new(),
            beginning: None,
            unbegun: false,
            beside: None,
            readers: HashMap::new(),
            met: HashSet::new(),
            item: setting.about.key.clone(),
            lease: Arc::new(Lease::new(&setting.world)),
            crew: None,
            seat: None,
            quiet: false,
        };
        if let Some(item) = driver.state.items.get(&driver.item) {
            let steps = item.steps.values();
            steps.for_each(|step| setting.veil.note(&step.changes, setting));
        }
        driver.recall();
        driver
    }

    /// Of a run whose first words are on their way: it reads meanwhile, and nothing has an effect before they are durable.
    pub fn beginning(mut self, beginning: Option<Beginning>) -> Driver<'a> {
        self.beginning = beginning;
        self
    }

    /// As one of many items: the run itself is somebody else's business.
    pub fn in_crew(mut self, crew: Arc<Crew>) -> Driver<'a> {
        self.lease = crew.lease.clone();
        self.crew = Some(crew);
        self
    }

    /// Together with others: their handles go through one transaction, and what they record through one commit.
    pub fn in_set(mut self, seat: Seat) -> Driver<'a> {
        self.seat = Some(seat);
        self
    }

    /// Nobody is told of single steps: those of many items at the same time would only be noise.
    pub fn quietly(mut self) -> Driver<'a> {
        self.quiet = true;
        self
    }

    /// The seat, as long as it does not go alone.
    pub(super) fn together(&self) -> Option<&Seat> {
        self.seat.as_ref().filter(|seat| !seat.is_alone())
    }

    /// The results of steps that are over, under their names: captured values are never computed again.
    pub(super) fn recall(&mut self) {
        self.turns.clear();
        self.setting = self.root;
        let Some(item) = self.state.items.get(&self.item) else { return };
        if self.root.outline.scope.is_some() {
            return names::recall_undo(&self.root.outline, item, &mut self.scope);
        }
        names::recall(&self.root.playbook, item, &mut self.scope);
    }

    /// Something is as if it had never been done: what is known is put together anew.
    pub(super) fn anew(&mut self) {
        self.scope = self.root.beginning();
        self.recall();
    }

    /// Goes on until the run is over, waits or pauses, with a sign of life to the others every few seconds.
    pub async fn run(&mut self) -> Result<Stopped, JournalError> {
        let (lease, journal, claim, world) =
            (self.lease.clone(), self.journal, self.claim.clone(), self.setting.world.clone());
        let went = lease.beside(journal, &claim, &world, self.go_on()).await;
        self.left_beside(went)
    }

    /// The same without a sign of life: whoever drives the other items gives it.
    pub(super) async fn drive(&mut self) -> Result<Stopped, JournalError> {
        let went = self.go_on().await;
        self.left_beside(went)
    }

    /// What was on its way into a journal that failed may have been recorded all the same; whoever goes on finds out.
    fn left_beside(&mut self, went: Result<Stopped, JournalError>) -> Result<Stopped, JournalError> {
        if let (Err(_), Some(beside)) = (&went, self.beside.take()) {
            self.unrecorded.get_or_insert(beside.done);
        }
        went
    }

    async fn go_on(&mut self) -> Result<Stopped, JournalError> {
        if !self.state.items.contains_key(&self.item) {
            let item = StartedItem { item: self.item.clone(), key: None, plan: None, drifted: None };
            self.note(ItemStarted { items: vec![item] }.into());
        } else if self.crew.is_none()
            && !self.state.cancelled
            && let Some(why) = Box::pin(self.still_there()).await?
        {
            return self.rest(&why).await;
        }
        loop {
            if let Some(by) = self.crew.as_ref().and_then(|crew| crew.cancelled()) {
                (self.state.cancelled, self.state.cancelled_by) = (true, Some(by));
            }
            let empty = ItemState::default();
            let item = self.state.items.get(&self.item).unwrap_or(&empty);
            match decide(&self.root.outline, item, self.state.cancelled) {
                Next::Leave(path) => {
                    if let Some((place, trouble)) = self.leave(&path) {
                        Box::pin(self.end(&place, trouble)).await?;
                    }
                }
                Next::Do(path) => {
                    if self.root.playbook.limits.as_ref().is_some_and(|limits| limits.window.is_some()) {
                        Box::pin(self.window()).await?;
                    }
                    if let Some(why) = self.hindrance()? {
                        return self.rest(why).await;
                    }
                    let Some(place) = self.place_of(&path) else {
                        return self.rest(&format!("this version of trueup does not know the step `{path}`")).await;
                    };
                    self.always = path.split('/').any(|part| part == ALWAYS);
                    match Box::pin(self.place(&place)).await {
                        Ok(()) | Err(Halt::Round) => {}
                        Err(Halt::Journal(error)) => return Err(error),
                        Err(Halt::Rest(why)) => return self.rest(why).await,
                        Err(Halt::Elsewhere(why)) => {
                            let message = Some(format!("Nothing was written: {}", endings::sentence(&why)));
                            let went = Went { outcome: Outcome::NotDone, value: None, message, response: None };
                            self.outcome(&place.path, went, 0);
                            return self.rest(&why).await;
                        }
                        Err(Halt::Trouble(trouble)) if trouble.in_doubt() && self.was_attempted(&place.path) => {
                            self.doubt = Some((place.path.clone(), trouble));
                        }
                        Err(Halt::Trouble(trouble)) => {
                            if let Some(why) = self.unreachable(&place, &trouble) {
                                return self.rest_unreachable(&place.path, &why).await;
                            }
                            if !Box::pin(self.repairs(&place, &trouble)).await? {
                                Box::pin(self.end(&place, trouble)).await?;
                            }
                        }
                    }
                }
                // What is done once for all items comes to its end after the last of them.
                Next::Verified | Next::Close(..)
                    if self.crew.as_ref().is_some_and(|crew| crew.holds(&self.item, item)) =>
                {
                    if let Some((place, trouble)) = self.told_otherwise() {
                        Box::pin(self.end(&place, trouble)).await?;
                        continue;
                    }
                    self.flush().await?;
                    self.close_readers().await;
                    return Ok(Stopped::Held);
                }
                Next::Verified => self.note(ItemVerified { items: vec![self.item.clone()] }.into()),
                Next::Wait(path) if self.standing(&path).is_some_and(|s| s.is_overdue(self.setting.world.now())) => {
                    self.note_overdue(path);
                }
                Next::Wait(path) => {
                    self.flush().await?;
                    self.close_readers().await;
                    return Ok(Stopped::Waits(path));
                }
                Next::FindOut(path) => {
                    // Each looks for itself.
                    self.seat.iter().for_each(Seat::leave);
                    // Very large, and rarely needed: it must not make room for itself in every item under way.
                    if let Some(stopped) = Box::pin(self.find_out(&path)).await? {
                        return Ok(stopped);
                    }
                }
                Next::Close(end, reason) => {
                    self.close_readers().await;
                    let (end, reason) = undo::end(&self.root.outline, &self.state, &self.item, end, reason);
                    let by = self.state.cancelled_by.as_ref().filter(|_| end == End::Cancelled && self.state.cancelled);
                    let reason = by.map(|by| format!("cancelled by {}: {}", by.actor, by.reason)).or(reason);
                    let item = ClosedItem { item: self.item.clone(), end, reason };
                    self.note(ItemClosed { items: vec![item] }.into());
                }
                Next::Over(end) if self.crew.is_some() => {
                    self.close_readers().await;
                    self.hand_over().await?;
                    return Ok(Stopped::Closed(end));
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
    pub(super) fn hindrance(&self) -> Result<Option<&'static str>, JournalError> {
        if self.lease.is_taken() {
            return Err(JournalError::ClaimLost { run: self.claim.run, fence: self.claim.fence });
        }
        let late = self.lease.is_late(self.setting.world.now());
        let asked = self.pause.load(Ordering::Relaxed) || self.crew.as_ref().is_some_and(|crew| crew.is_pausing());
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
        if let Some(crew) = &self.crew {
            // The run pauses as a whole, once.
            crew.pauses(why);
            self.flush().await?;
            self.close_readers().await;
            return Ok(Stopped::Paused);
        }
        self.note(RunPaused { reason: why.to_owned(), until: None, behind: None }.into());
        self.flush().await?;
        self.close_readers().await;
        Ok(Stopped::Paused)
    }

    /// Of one of many items: why the run pauses, where a database cannot be reached. The step surely did nothing, and those of all the items
    /// behind it would fail in the same way. What a `rescue` is there for is its business, and a healing waits for nobody: what failed is found
    /// again by the next reconcile.
    fn unreachable(&self, place: &Place, trouble: &Trouble) -> Option<String> {
        let Trouble::Database { fault, .. } = trouble else { return None };
        let refused = fault.is_outage() && self.crew.is_some();
        let heals = self.state.created.as_ref().is_some_and(|created| &*created.purpose == RECONCILE);
        if !refused || heals || self.state.cancelled || place.rescued || self.confirmed.contains_key(&place.path) {
            return None;
        }
        // A transaction could not be begun: without images it was not ended either.
        let nothing = self.standing(&place.path).is_none_or(|step| {
            let of_rows = step.class.as_deref().is_some_and(recover::is_one_transaction);
            step.attempts == 0 || of_rows && !step.imaged
        });
        nothing.then(|| format!("{} cannot be reached", trouble.message().replacen(": ", " (", 1) + ")"))
    }

    /// Pauses the run before this step.
    async fn rest_unreachable(&mut self, path: &Arc<str>, why: &str) -> Result<Stopped, JournalError> {
        if self.was_attempted(path) {
            let message = Some(format!("Nothing was written: {}", endings::sentence(why)));
            self.outcome(path, Went { outcome: Outcome::NotDone, value: None, message, response: None }, 0);
        }
        self.crew.iter().for_each(|crew| crew.cuts_off());
        self.rest(why).await
    }

    /// The last words of one of many items: durable with whatever is recorded next.
    async fn hand_over(&mut self) -> Result<(), JournalError> {
        self.join().await?;
        let Some(crew) = self.crew.clone() else { return Ok(()) };
        // The next item of the subject may change the same row: what this one did must not look like nobody's.
        if let Some(seat) = self.seat.clone().filter(|seat| !seat.is_alone()) {
            seat.leaves(&mut self.pending);
            return Ok(());
        }
        let alone = self.plan.is_none_or(|plan| plan.lane.is_none());
        if alone && crew.later(&mut self.pending) { Ok(()) } else { self.flush_all(&crew).await }
    }

    async fn flush_all(&mut self, crew: &Crew) -> Result<(), JournalError> {
        if let Some(seat) = self.together().cloned() {
            return seat.record(&mut self.pending).await;
        }
        crew.append(self.journal, &self.claim, &mut self.pending).await
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
        if let Some(crew) = self.crew.clone() {
            // The journal takes them in this order: what is on its way is durable no later than these.
            let first = if self.pending.is_empty() { Ok(()) } else { self.flush_all(&crew).await };
            // That happened already: where it cannot be recorded it is tried again, and these with it.
            self.join().await?;
            if !self.pending.is_empty() {
                return first;
            }
            if let Some(by) = crew.cancelled() {
                (self.state.cancelled, self.state.cancelled_by) = (true, Some(by));
            }
            return Ok(());
        }
        self.join().await?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let appended = Box::pin(self.journal.append_claimed(&self.claim, &self.pending)).await?;
        self.pending.clear();
        self.numbered(appended, self.state.events).await
    }

    /// Compares the number of the last recorded event with the one that it has when nobody else writes.
    async fn numbered(&mut self, appended: Appended, alone: u64) -> Result<(), JournalError> {
        if appended.seq != alone {
            Box::pin(self.catch_up()).await?;
        }
        Ok(())
    }

    /// Somebody else wrote as well: that needs no claim only where the run is to end.
    pub(super) async fn catch_up(&mut self) -> Result<(), JournalError> {
        let events = self.journal.events(self.claim.run).await?;
        let now = RunState::of(events.into_iter().map(|stored| (stored.at, stored.event)));
        (self.state.cancelled, self.state.events) = (now.cancelled, now.events);
        self.state.cancelled_by = now.cancelled_by;
        Ok(())
    }

    /// Records what an effect came to, and again within bounds: it happened, whatever becomes of the journal. What cannot be
    /// recorded is kept for whoever reads the end of this process.
    pub(super) async fn keep(&mut self, path: &Arc<str>, outcome: Outcome, summary: &str) -> Result<(), JournalError> {
        let first = self.flush().await;
        if first.is_ok() {
            return Ok(());
        }
        let done = Unrecorded { item: self.item.clone(), path: path.clone(), outcome, summary: summary.to_owned() };
        Box::pin(self.keep_on(first, done)).await
    }

    /// The same, while the run goes on with what has no effect: whoever remembers the effect (its rows, the ledger, the other side) tells
    /// what became of it if this process dies meanwhile. Every flush waits for it first.
    async fn keep_beside(&mut self, path: &Arc<str>, outcome: Outcome, summary: &str) -> Result<(), JournalError> {
        self.join().await?;
        let done = Unrecorded { item: self.item.clone(), path: path.clone(), outcome, summary: summary.to_owned() };
        match self.journal.append_beside(&self.claim, &self.pending) {
            Ok(appending) => {
                let events = std::mem::take(&mut self.pending);
                self.beside = Some(Beside { appending, events, seq: self.state.events, done });
                Ok(())
            }
            Err(error) => Box::pin(self.keep_on(Err(error), done)).await,
        }
    }

    /// Waits for what is recorded beside the work.
    async fn join(&mut self) -> Result<(), JournalError> {
        if let Some(beginning) = self.beginning.take() {
            let begun = Box::pin(beginning.durable()).await;
            self.unbegun = begun.is_err();
            begun?;
        }
        let Some(Beside { appending, mut events, seq, done }) = self.beside.take() else { return Ok(()) };
        let first = match Box::pin(appending.durable()).await {
            // Of many items the others write as well.
            Ok(_) if self.crew.is_some() => Ok(()),
            Ok(appended) => self.numbered(appended, seq).await,
            Err(error) => {
                events.append(&mut self.pending);
                self.pending = events;
                Err(error)
            }
        };
        if first.is_ok() {
            return Ok(());
        }
        Box::pin(self.keep_on(first, done)).await
    }

    async fn keep_on(&mut self, first: Result<(), JournalError>, done: Unrecorded) -> Result<(), JournalError> {
        let (mut tries, mut last) = (Tries::default(), first);
        loop {
            let Err(error) = last else { return Ok(()) };
            // Where nobody knows whether it was recorded it is recorded once more: an outcome that stands there twice is one.
            let again = error.may_pass() || matches!(error, JournalError::Unsure { .. });
            let Some(pause) = tries.next().filter(|_| again) else {
                self.unrecorded = Some(done);
                return Err(error);
            };
            (self.watch)(Tick::Unrecorded { path: done.path.clone(), why: error.to_string(), pause });
            self.setting.world.pause(pause).await;
            last = Box::pin(self.flush()).await;
        }
    }

    /// What happened and the journal does not know of, where it cannot be written.
    pub fn take_unrecorded(&mut self) -> Vec<Unrecorded> {
        let mut all: Vec<Unrecorded> = self.unrecorded.take().into_iter().collect();
        let outcomes = self.pending.iter().filter_map(|event| match event {
            Event::StepOutcome(outcome) if self.was_attempted(&outcome.step) => Some(outcome),
            _ => None,
        });
        for outcome in outcomes {
            let ended = outcome.outcomes.iter().filter(|one| one.outcome != Outcome::NotDone);
            for one in ended.map(|one| Unrecorded::of(&outcome.step, one)) {
                if !all.iter().any(|known| (&known.item, &known.path) == (&one.item, &one.path)) {
                    all.push(one);
                }
            }
        }
        all
    }

    pub(super) async fn close_readers(&mut self) {
        for (_, reading) in self.readers.drain() {
            reading.close().await;
        }
    }

    /// What the plan rests on reads as it did. Looked at before a step is decided on, too: a fact that changed may make its
    /// `when` false, or its values impossible, and that is drift and no skip and no failure.
    pub(super) fn facts_hold(&self, place: &Place) -> Result<(), Trouble> {
        let Some(plan) = self.plan.filter(|_| place.section == Section::Steps) else { return Ok(()) };
        // In a turn of a loop a name may stand for something else than around it.
        let scope = self.turns.first().map_or(&self.scope, |(_, around)| around);
        let mut differences = drift::of_facts(plan, None, scope, self.root);
        if place.list == Section::Steps {
            differences.extend(self.facts_of_call(place));
        }
        drift::without_own(&mut differences, &self.own(), self.setting);
        if differences.is_empty() { Ok(()) } else { Err(Trouble::Drifted(differences)) }
    }

    /// What was read once for all items, and what is said behind the last of them rests on, reads otherwise than planned. It is looked at before the first
    /// one: behind them nothing could be left alone any more.
    fn told_otherwise(&self) -> Option<(Place, Trouble)> {
        let (plan, outline) = (self.plan?, &self.root.outline);
        let before = outline.nodes.iter().filter(|node| node.section == Section::Preconditions);
        before.filter_map(|node| Some((node.step.id()?, &node.at))).find_map(|(name, path)| {
            let of_it = plan.rests_on.iter().filter(|(path, _)| path.root() == name).cloned().collect();
            let of_it = ItemPlan { rests_on: of_it, steps: Vec::new(), ..plan.clone() };
            let differences = drift::of_facts(&of_it, None, &self.scope, self.root);
            if differences.is_empty() { None } else { Some((outline.place(path)?, Trouble::Drifted(differences))) }
        })
    }

    async fn place(&mut self, place: &Place) -> Result<(), Halt> {
        self.facts_hold(place)?;
        let step = place.step.clone();
        if self.is_idle_repair(place) {
            self.skip(&place.path, &step);
            return Ok(());
        }
        // A plain step looks again when it is resolved; here it is about whether it is done at all, which way it goes, and what is inside.
        let before = step.common.when.is_some() || place.kind != Kind::Plain || matches!(step.act, Act::End(_));
        if before && place.back.is_none() {
            self.look_again(&step).await?;
        }
        if place.kind == Kind::Loop {
            return self.make_list(place);
        }
        if let Some(when) = &step.common.when {
            let judgement =
                resolve::judge(when, &self.scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?;
            if let Some(holds) = judgement.holds {
                self.setting.reached.note(Spot::When(step.act_at.start, holds));
            }
            match judgement.holds {
                Some(true) => {}
                Some(false) => {
                    self.may_be_left_out(&place.path)?;
                    self.skip(&place.path, &step);
                    return Ok(());
                }
                None => return Err(unknown_now(&step, judgement.unknown.as_deref()).into()),
            }
        }
        if place.back.is_none() {
            self.setting.reached.note(Spot::Step(step.act_at.start));
        }
        match &place.back {
            Some(Back::Left(stays)) => {
                let (value, message) = (Some(stays.store()), Some(stays.words()));
                self.outcome(&place.path, Went { outcome: Outcome::Skipped, value, message, response: None }, 0);
                return Ok(());
            }
            Some(Back::Already(why)) => {
                let went =
                    Went { outcome: Outcome::Unchanged, value: None, message: Some(why.clone()), response: None };
                self.outcome(&place.path, went, 0);
                return Ok(());
            }
            Some(Back::Step(name, value)) => self.scope.insert(name.clone(), value.clone()),
            Some(Back::Rows(_) | Back::Resource(_) | Back::Jobs(_)) | None => {}
        }
        if place.kind == Kind::Frame {
            return Box::pin(self.enter(place)).await;
        }
        if place.kind == Kind::Gate {
            self.outcome(&place.path, Went { outcome: Outcome::Done, value: None, message: None, response: None }, 0);
            // What comes later may ask whether it ran.
            self.name_result(place);
            return Ok(());
        }
        if !self.quiet {
            self.begins(place, &step);
        }
        let started = self.setting.world.now();
        let went = match &step.act {
            Act::Block(block) if place.is_plain() => {
                Box::pin(self.transaction(place, block.transaction.as_ref().map_or("", |w| w.as_str()))).await?
            }
            Act::Wait(spec) => Some(Box::pin(self.wait(place, spec)).await?),
            Act::End(otherwise) => {
                return Ok(Box::pin(self.author_ends(place, otherwise, "the playbook ends here".into())).await?);
            }
            Act::Use(_) => Some(Went { outcome: Outcome::Done, value: None, message: None, response: None }),
            _ => self.patiently(place, &step).await?,
        };
        let Some(went) = went else { return Ok(()) };
        if let (Some(id), Some(value)) = (step.id(), &went.value) {
            self.scope.insert(id, value.clone());
        }
        let summary = went.message.clone().or_else(|| went.response.clone()).unwrap_or_default();
        let outcome = went.outcome;
        let micros = self.setting.world.now().micros - started.micros;
        let nameless = went.value.is_none();
        self.outcome(&place.path, went, u64::try_from(micros).unwrap_or(0));
        if nameless {
            self.name_result(place);
        }
        // What the target confirmed is durable before anything else with an effect begins: a crash must not make it doubtful
        // again.
        if self.was_attempted(&place.path) {
            match self.standing(&place.path).and_then(|step| step.class.as_deref()) {
                // Of many items the next words are near: this one goes with them.
                Some("rows" | "ledger") if self.crew.is_some() => {}
                Some("rows" | "ledger") => self.keep_beside(&place.path, outcome, &summary).await?,
                // Others are at work meanwhile: this one reads on, and waits before anything with an effect.
                _ if self.crew.is_some() && self.together().is_none() => {
                    self.keep_beside(&place.path, outcome, &summary).await?;
                }
                _ => self.keep(&place.path, outcome, &summary).await?,
            }
        } else if self.crew.is_none() {
            self.flush().await?;
        }
        if !self.quiet {
            (self.watch)(Tick::Over { path: place.path.clone(), outcome, summary });
        }
        Ok(())
    }

    /// Says which step comes now.
    fn begins(&self, place: &Place, step: &Step) {
        let name =
            || place.path.rsplit('/').next().and_then(|last| last.split('[').next()).unwrap_or_default().to_owned();
        let title = step.common.title.as_ref().and_then(|t| t.preview(&self.scope).ok()).unwrap_or_else(name);
        let title = format!("{}{title}", outline::around(&place.path));
        (self.watch)(Tick::Begins { section: place.section, path: place.path.clone(), title });
    }

    pub(super) fn outcome(&mut self, path: &Arc<str>, went: Went, micros: u64) {
        self.outcome_with(path, went, micros, None, None);
    }

    /// An outcome that ends the item, or that a `rescue` has to know of.
    pub(super) fn outcome_with(
        &mut self,
        path: &Arc<str>,
        went: Went,
        micros: u64,
        ends: Option<End>,
        error: Option<Value>,
    ) {
        let one = ItemOutcome {
            item: self.item.clone(),
            generation: self.generation(path),
            outcome: went.outcome,
            value: went.value,
            message: went.message,
            response: went.response,
            micros,
            ends,
            error,
        };
        self.note(StepOutcome { step: path.clone(), outcomes: vec![one] }.into());
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

    /// What this run changed before somebody had it done again, and since: the newest last.
    pub(super) fn own(&self) -> Vec<RowChange> {
        let steps = || self.state.items.get(&self.item).into_iter().flat_map(|item| item.steps.values());
        let since = steps().filter(|step| step.generation > 0 && step.changed()).flat_map(|step| &step.changes);
        steps().flat_map(|step| &step.earlier).chain(since).cloned().collect()
    }

    pub(super) fn planned(&self, path: &str) -> Option<&'a StepPlan> {
        self.plan.filter(|_| !self.unplanned).and_then(|plan| plan.steps.iter().find(|s| &*s.path == path))
    }

    /// An effect at this path that nobody saw: the plan leaves it out, or the item was to end before it. What somebody has done again is not held
    /// against its plan, and what is done at the end of a block is in none.
    pub(super) fn was_shown(&self, path: &str) -> Result<(), Trouble> {
        let Some(plan) = self.held_against() else { return Ok(()) };
        let inside =
            |outer: &str| path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let left_out = plan.steps.iter().any(|step| step.is_left_out() && inside(&step.path));
        let planned = match &plan.stop {
            _ if left_out => "to be left out".to_owned(),
            Some(stop) if *stop.step == *path || !plan.steps.iter().any(|step| &*step.path == path) => {
                format!("to end before it ({})", stop.message.trim())
            }
            _ => return Ok(()),
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let subject = format!("the step `{name}`");
        Err(Trouble::Drifted(vec![Difference { subject, column: String::new(), planned, found: "reached".into() }]))
    }

    /// A step whose `when` does not hold: the plan shows nothing that it, or what stands inside it, would surely do.
    pub(super) fn may_be_left_out(&self, path: &str) -> Result<(), Trouble> {
        let Some(plan) = self.held_against() else { return Ok(()) };
        let inside =
            |inner: &str| inner.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !plan.steps.iter().any(|step| inside(&step.path) && step.surely_acts()) {
            return Ok(());
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let (subject, planned) = (format!("the step `{name}`"), "to be carried out".to_owned());
        let found = "to be left out: its `when` does not hold any more".to_owned();
        Err(Trouble::Drifted(vec![Difference { subject, column: String::new(), planned, found }]))
    }

    /// A decision table goes the way that the plan shows.
    pub(super) fn goes_as_shown(&self, path: &str, arm: &str) -> Result<(), Trouble> {
        let step = self.held_against().and_then(|plan| plan.steps.iter().find(|step| &*step.path == path));
        let Some(way) = step.and_then(StepPlan::way) else { return Ok(()) };
        if way.ends_with(&format!(" → {arm}")) {
            return Ok(());
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let (subject, column) = (format!("the way of `{name}`"), String::new());
        Err(Trouble::Drifted(vec![Difference { subject, column, planned: way.to_owned(), found: arm.to_owned() }]))
    }

    /// The plan, where what is done now must stand in it.
    fn held_against(&self) -> Option<&'a ItemPlan> {
        let again = self.state.items.get(&self.item).is_some_and(|item| item.again);
        self.plan.filter(|_| !self.unplanned && !self.always && !again)
    }

    /// The planned row changes of a place and of what stands inside it.
    pub(super) fn planned_rows(&self, path: &str) -> Vec<RowChange> {
        let inside = |p: &str| p == path || p.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        let steps = self.plan.iter().flat_map(|plan| &plan.steps).filter(|s| inside(&s.path));
        let rows = steps
            .flat_map(|s| &s.effects)
            .filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None });
        rows.flatten().cloned().collect()
    }

    /// Intent and attempt, durable before anything leaves.
    pub(super) async fn intend(&mut self, place: &Place, meant: Meant<'_>, attempt: u32) -> Result<(), Halt> {
        self.facts_hold(place)?;
        if attempt == 1 {
            let Meant { class, connection, shown, request, request_hash } = meant;
            let effect = self.effect(&place.path);
            // Of many items each one's plan stands in the list of them.
            let planned = if self.crew.is_some() { Vec::new() } else { self.planned_rows(&place.path) };
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
        // What is done at the end of a block is done all the same.
        if self.state.cancelled && !again && !self.always {
            // Somebody asked the run to end meanwhile, and nothing has left yet.
            let message = Some("The run was cancelled before anything was sent.".to_owned());
            self.outcome(path, Went { outcome: Outcome::NotDone, value: None, message, response: None }, 0);
            return Err(Halt::Round);
        }
        Ok(())
    }
}
