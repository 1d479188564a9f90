//! Carrying a run out: fold what happened, decide what comes next, do it, record it, again.
//!
//! The one ordering rule: no byte that can cause an effect leaves before its attempt is durable, and nothing is called
//! done before the target said so. Reads are recorded together with the next durable event: they have no effect.

mod recording;
mod shown;

use super::{
    claim::not_as_left,
    crew::Crew,
    decide::{Next, decide},
    endings,
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
    base::{
        identity::EffectId,
        value::{Marks, Value},
    },
    connection::{database::Database, handle::Reading},
    effect::change::RowChange,
    journal::{
        Beginning, Claim, Journal,
        event::Event,
        failure::JournalError,
        payload::*,
        words::{End, Outcome},
    },
    plan::ItemPlan,
    template::Scope,
};
use recording::Beside;
pub(super) use recording::Meant;
pub use recording::Unrecorded;
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

impl Halt {
    /// What a database says of it, without what is hidden in these values.
    pub(super) fn covered(self, scope: &Scope) -> Halt {
        self.covered_by(scope.values())
    }

    pub(super) fn covered_by<'v>(self, values: impl Iterator<Item = &'v Value>) -> Halt {
        match self {
            Halt::Trouble(trouble) => Halt::Trouble(trouble.covered(|cover| {
                values.for_each(|value| cover.add(value, Marks::NONE));
            })),
            other => other,
        }
    }
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
        // Also of one that goes on: what it did before must be seen.
        setting.written().for_each(Database::changes);
        // What is tried from now on is tried here.
        let mut state = state;
        state.hosts.push((setting.world.now(), claim.holder.host.as_str().into()));
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
                    match Box::pin(self.place(&place)).await.map_err(|halt| halt.covered(&self.scope)) {
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
                                self.crew.iter().for_each(|crew| crew.cuts_off());
                                return self.rest_undone(&place.path, &why).await;
                            }
                            if let Some(why) =
                                not_as_left(&trouble, self.heals()).filter(|_| self.did_nothing(&place.path))
                            {
                                return self.rest_undone(&place.path, &why).await;
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
        if !refused || self.heals() || self.state.cancelled || place.rescued || self.confirmed.contains_key(&place.path)
        {
            return None;
        }
        let nothing = self.did_nothing(&place.path);
        nothing.then(|| format!("{} cannot be reached", trouble.message().replacen(": ", " (", 1) + ")"))
    }

    /// A healing waits for nobody: what it could not do has failed, and the next one finds it again.
    fn heals(&self) -> bool {
        self.state.created.as_ref().is_some_and(|created| &*created.purpose == RECONCILE)
    }

    /// Of a step whose transaction could not be begun: without images it was not ended either.
    fn did_nothing(&self, path: &str) -> bool {
        self.standing(path).is_none_or(|step| {
            let of_rows = step.class.as_deref().is_some_and(recover::is_one_transaction);
            step.attempts == 0 || of_rows && !step.imaged
        })
    }

    /// Pauses the run before this step.
    async fn rest_undone(&mut self, path: &Arc<str>, why: &str) -> Result<Stopped, JournalError> {
        if self.was_attempted(path) {
            let message = Some(format!("Nothing was written: {}", endings::sentence(why)));
            self.outcome(path, Went { outcome: Outcome::NotDone, value: None, message, response: None }, 0);
        }
        self.rest(why).await
    }

    pub(super) async fn close_readers(&mut self) {
        for (_, reading) in self.readers.drain() {
            reading.close().await;
        }
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
}
