//! A run over many items: several are carried out at the same time, each by a driver of its own, under one lease. What comes
//! next is decided by [`pace`] and [`lanes`], which are pure; here it is done.

pub mod abreast;
pub mod coming;
mod handed;
pub mod lanes;
pub mod pace;
pub mod roll;
pub mod summary;
pub mod workers;

use super::{
    crew::Crew,
    drive::{Driver, Stopped, Unrecorded},
    outgoing::turns::Turns,
    sets::{
        Seat, built,
        chunk::{Chunk, Recorder, Went},
        fit::{self, Way},
        near::Near,
        size::{MOST, Size},
    },
    setting::{OneItem, Part, Setting},
    state::{ItemState, RunState},
    watch::{Standing, Tick, Watch},
};
use crate::{
    base::{identity::SINGLE_ITEM, time::Stamp, world::World},
    connection::set::{Gate, Known, Purpose},
    journal::{
        Claim, Journal,
        event::Event,
        failure::JournalError,
        payload::{ClosedItem, ItemClosed, RunCancelled, RunClosed, RunCreated, RunPaused, RunResumed},
        words::{End, RunWord},
    },
    plan::ItemPlan,
    targets::{limits, model::After},
    template::{Dialect, scope::Entry},
};
use futures_util::{StreamExt, future::BoxFuture, stream::BoxStream};
pub use handed::Handed;
use lanes::{InLane, Lanes, Pick};
use pace::{Before, Next, Pace, Rules};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use summary::{BEHIND, Summary};
use tokio::{
    runtime::Handle,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

/// So often somebody looks whether the run is to pause.
const LOOK: Duration = Duration::from_millis(100);
/// So often somebody looks whether it was cancelled, in microseconds.
const LOOK_AT_JOURNAL: i64 = 1_000_000;
/// The purpose of a run that a reconcile made.
pub const RECONCILE: &str = "reconcile";

/// So many items are closed in one event.
const TOGETHER: usize = 500;

/// An item that is to be carried out, from where it stands.
#[derive(Debug)]
pub struct Work {
    /// Its place in the list of all items.
    pub number: u32,
    /// What was planned.
    pub plan: ItemPlan,
    /// Where it stands.
    pub state: ItemState,
    /// It was under way before: it goes on, and does not begin.
    pub goes_on: bool,
    /// It never begins, and why: its source does not give it as it was planned.
    pub drifted: Option<String>,
}

impl Work {
    /// One that has not begun.
    pub fn new(number: u32, plan: ItemPlan) -> Work {
        Work { number, plan, state: ItemState::default(), goes_on: false, drifted: None }
    }

    /// What is done once for all items.
    pub fn of_once(plan: ItemPlan, state: ItemState) -> Work {
        Work { state, ..Work::new(0, plan) }
    }

    /// Something has happened in it.
    fn has_begun(&self) -> bool {
        self.goes_on || !self.state.steps.is_empty()
    }
}

impl InLane for Work {
    fn lane(&self) -> Option<&Arc<str>> {
        self.plan.lane.as_ref()
    }

    fn number(&self) -> u32 {
        self.number
    }
}

/// The items, one after the other.
pub type Items<'i> = BoxStream<'i, Result<Work, FleetError>>;

/// Makes the setting of one item. What it is made of may have to be read first.
pub type Make = Arc<
    dyn Fn(&ItemPlan, &Arc<Vec<(Arc<str>, Entry)>>) -> BoxFuture<'static, Result<Setting, JournalError>> + Send + Sync,
>;

/// The setting of an item of a playbook.
pub fn forward(setting: &Setting) -> Make {
    let mut setting = setting.about_many();
    if matches!(fit::way(&setting), Way::InSets { calls: true, .. }) {
        // Sets hold more items than may call at the same time.
        setting.turns = Some(Arc::new(Turns::new(abreast::at_once(&setting))));
    }
    setting.grounds = Some(Arc::default());
    Arc::new(move |item, once| {
        let own = setting.about(OneItem {
            key: item.key.clone(),
            value: item.item.clone(),
            once: once.clone(),
            part: Part::Each,
            counts: None,
        });
        Box::pin(std::future::ready(Ok(own)))
    })
}

/// One run over many items.
pub struct Fleet<'a> {
    /// The playbook and its surroundings.
    pub setting: &'a Setting,
    /// The setting of each item.
    pub make: Make,
    /// Where it is recorded.
    pub journal: &'a Journal,
    /// The right to work on it.
    pub claim: Claim,
    /// How the run was made.
    pub created: RunCreated,
    /// Who asked it to end, before.
    pub cancelled: Option<RunCancelled>,
    /// Who is told.
    pub watch: Watch<'a>,
    /// Set from outside to pause.
    pub pause: &'a AtomicBool,
    /// How many items there are.
    pub of: u64,
    /// How many of them come.
    pub to_come: u64,
    /// The part that is done once, if there is one.
    pub once: Option<Work>,
    /// What was over before.
    pub summary: Summary,
    /// Subjects of items that were over before and did not end as done: subject, place, key.
    pub spoilt: Vec<(Arc<str>, u32, Arc<str>)>,
    /// What was there of it before, for its limits.
    pub before: Before,
    /// What was handed over and nobody was told of.
    pub handed: Handed,
}

/// How far a fleet came.
#[derive(Debug)]
pub struct Came {
    /// Where it stopped.
    pub stopped: Stopped,
    /// What its items came to.
    pub summary: Summary,
    /// Why it stands still.
    pub why: Option<String>,
    /// It stands still because a database cannot be reached.
    pub cut_off: bool,
}

/// Why it could not go on.
#[derive(Debug)]
pub enum FleetError {
    /// The journal, and what was done and could not be recorded.
    Journal(JournalError, Vec<Unrecorded>),
    /// The items could not be read; a sentence.
    Items(String),
}

impl From<JournalError> for FleetError {
    fn from(error: JournalError) -> FleetError {
        FleetError::Journal(error, Vec::new())
    }
}

/// What became of one item.
struct Gone {
    number: u32,
    plan: ItemPlan,
    state: ItemState,
    stopped: Result<Stopped, JournalError>,
    unrecorded: Vec<Unrecorded>,
}

impl Gone {
    /// It never began: what it is done with cannot be read.
    fn without(work: Work, error: JournalError) -> Gone {
        Gone { number: work.number, plan: work.plan, state: work.state, stopped: Err(error), unrecorded: Vec::new() }
    }
}

/// What came of something that was under way.
enum Over {
    /// One item.
    One(Box<Gone>),
    /// A set of them, each of which was told already.
    Set {
        went: Went,
        /// On which thread.
        thread: Option<usize>,
        /// All of them waited for a call of one.
        slow: bool,
    },
}

/// How items go together.
struct Together {
    connection: Arc<str>,
    /// What its sets know of its tables.
    known: Known,
    size: Size,
    /// How many sets may be under way.
    at_once: usize,
    /// So many may be open at a time where they are everybody's own; one where nothing comes of that.
    transactions: usize,
    /// Where they are: so many of each thread.
    gates: Vec<Arc<Gate>>,
    under_way: usize,
    /// Where they are carried out, if not here, and how many each has.
    threads: Vec<(&'static Handle, usize)>,
    /// How many in a row waited long for a call.
    slow: u32,
}

impl Together {
    /// From here on transactions are everybody's own, if several of them may be open.
    fn goes_apart(&mut self) -> bool {
        if self.transactions > 1 && self.gates.is_empty() {
            self.gates = gates(self.transactions, self.threads.len());
        }
        self.transactions > 1
    }

    /// One more is under way, on the thread that has the fewest.
    fn begins(&mut self) -> Option<(usize, &'static Handle)> {
        self.under_way += 1;
        let (number, (thread, busy)) = self.threads.iter_mut().enumerate().min_by_key(|(_, (_, busy))| *busy)?;
        *busy += 1;
        Some((number, thread))
    }
}

/// On one thread, more than two sets at the same time only wait for each other.
const SETS_AT_ONCE: usize = 2;
/// On several threads, twice as many keep them busy, half as large: what is held in memory is the same.
const SETS_ON_THREADS: (usize, usize) = (2 * SETS_AT_ONCE, MOST / 2);

/// While some sets wait for their calls, the others work.
const CALLING_SETS: usize = 4;
/// After so many sets in a row that waited long for a call, the API is a slow one.
const SLOW_SETS: u32 = 3;

/// Of so many transactions that may be open at a time each thread has its share, at least one. They go in step, and record together what they did: a gate for
/// each set (half as many in step) was a fifth slower.
fn gates(at_once: usize, threads: usize) -> Vec<Arc<Gate>> {
    let threads = threads.max(1);
    (0..threads).map(|n| Arc::new(Gate::new(((at_once + n) / threads).max(1)))).collect()
}

/// The rules of a playbook for so many items.
pub fn rules(setting: &Setting, of: u64) -> Rules {
    let said = setting.playbook.limits.as_ref();
    let stages = said.map(|l| &l.canary).into_iter().flatten().scan(0, |all, stage| {
        *all += u64::from(stage.value);
        Some(*all)
    });
    Rules {
        at_once: abreast::at_once(setting),
        stages: stages.collect(),
        stop_at: said.and_then(|l| l.stop_after.as_ref()).map(|stop| stop.failed.of(of)),
        gap: said.and_then(|l| l.rate).map(limits::gap_micros),
    }
}

impl Fleet<'_> {
    /// Goes on until all items are over, or wait, or the run is to pause.
    pub async fn run(mut self, items: Items<'_>) -> Result<Came, FleetError> {
        let crew = Arc::new(Crew::new(&self.setting.world));
        if let Some(by) = self.cancelled.clone() {
            crew.cancel(by);
        }
        let (lease, journal) = (crew.lease.clone(), self.journal);
        let (claim, world) = (self.claim.clone(), self.setting.world.clone());
        lease.beside(journal, &claim, &world, self.go(&crew, items)).await
    }

    async fn go(&mut self, crew: &Arc<Crew>, items: Items<'_>) -> Result<Came, FleetError> {
        let mut once = Arc::default();
        built::look(self.setting, self.is_back()).await;
        if let Some(work) = self.once.take() {
            let (stopped, state, entries) = self.once(crew, &work.plan, work.state, None).await?;
            self.once = Some(Work::of_once(work.plan, state));
            once = entries;
            match stopped {
                Stopped::Held => {}
                Stopped::Closed(end) if crew.cancelled().is_none() => {
                    self.summary.left += self.to_come;
                    return self.close(crew, Some(end)).await;
                }
                Stopped::Closed(_) => {}
                stopped => return self.stand(crew, Some(stopped)).await,
            }
        }
        let (tell_gone, gone) = unbounded_channel();
        let rules = rules(self.setting, self.of);
        let mut flow = Flow {
            items,
            gone,
            tell_gone,
            pace: Pace::after(&self.before, &rules),
            rules,
            together: self.together(),
            lanes: Lanes::new(self.after_done()),
            near: Near::new(self.setting.databases.values().any(|database| database.dialect() == Dialect::Mysql)),
            under_way: JoinSet::new(),
            over: false,
            came: 0,
            failed: None,
            unrecorded: Vec::new(),
            looked: self.setting.world.now().micros,
            started: self.setting.world.now(),
            ended: 0,
            waits: None,
            doubt: None,
            shut: false,
            stopped: false,
            resting: Vec::new(),
        };
        for (lane, number, key) in std::mem::take(&mut self.spoilt) {
            flow.lanes.is_spoilt(&lane, number, &key);
        }
        let (send, mut told) = unbounded_channel();
        while self.step(crew, &mut flow, &once, &send, &mut told).await? {}
        if crew.cancelled().is_some() {
            flow.waits = None;
            for work in std::mem::take(&mut flow.resting) {
                self.begin(crew, &mut flow, work, &once, &send);
            }
            while self.step(crew, &mut flow, &once, &send, &mut told).await? {}
        }
        for work in std::mem::take(&mut flow.resting) {
            self.summary.add(&work.plan.key, &work.state);
        }
        while let Ok(tick) = told.try_recv() {
            (self.watch)(tick);
        }
        if let Some(error) = flow.failed {
            return Err(match error {
                FleetError::Journal(error, _) => {
                    flow.unrecorded.extend(crew.unrecorded());
                    FleetError::Journal(error, flow.unrecorded)
                }
                other => other,
            });
        }
        if crew.cancelled().is_some() {
            self.cancel_rest(crew, &mut flow).await?;
        } else {
            self.summary.left += flow.lanes.left() as u64 + self.to_come.saturating_sub(flow.came);
        }
        let open = flow.waits.map(Stopped::Waits);
        let doubt = flow.doubt.map(Stopped::InDoubt);
        match doubt.or(open) {
            None if self.summary.left == 0 && self.summary.open == 0 => self.finish(crew).await,
            stopped => self.stand(crew, stopped).await,
        }
    }

    /// It takes another run back: rows are put back by their keys.
    fn is_back(&self) -> bool {
        &*self.created.purpose == super::undo::PURPOSE
    }

    /// How the items go in sets, if they do.
    fn together(&self) -> Option<Together> {
        let way = if self.is_back() { fit::way_back(self.setting) } else { fit::way(self.setting) };
        let at_once = rules(self.setting, self.of).at_once;
        let (connection, most, calls, apart) = match way {
            Way::InSets { connection, most, calls } => (connection, most, calls, false),
            Way::Apart { connection, .. } => (connection, MOST, false, true),
            Way::OneByOne(_) => return None,
        };
        // One after the other they are as well off here.
        let threads = if at_once > 1 { self.setting.workers.threads() } else { &[] };
        let (sets, most) = match threads {
            _ if calls => (CALLING_SETS, most),
            [] => (SETS_AT_ONCE, most),
            _ => SETS_ON_THREADS,
        };
        let transactions =
            if fit::takes_several(self.setting, &connection) && !calls && !self.is_back() { at_once } else { 1 };
        Some(Together {
            connection,
            known: Known::default(),
            size: Size::up_to(most),
            at_once: at_once.min(sets),
            transactions,
            gates: if apart { gates(at_once, threads.len()) } else { Vec::new() },
            under_way: 0,
            threads: threads.iter().map(|thread| (thread, 0)).collect(),
            slow: 0,
        })
    }

    fn after_done(&self) -> bool {
        self.setting.playbook.targets.as_ref().is_some_and(|targets| targets.after == Some(After::PreviousDone))
    }

    /// One turn: begins what may begin, or waits for something to happen. Whether there is another.
    async fn step(
        &mut self,
        crew: &Arc<Crew>,
        flow: &mut Flow<'_>,
        once: &Arc<Vec<(Arc<str>, Entry)>>,
        send: &UnboundedSender<Tick>,
        told: &mut UnboundedReceiver<Tick>,
    ) -> Result<bool, FleetError> {
        while let Ok(tick) = told.try_recv() {
            (self.watch)(tick);
        }
        if let Err(error) = self.look(crew, flow).await {
            flow.fails(crew, error);
        }
        let stopping = crew.is_pausing() || crew.cancelled().is_some() || flow.failed.is_some() || flow.stopped;
        let mut until = None;
        if !stopping {
            flow.fill().await;
            if !flow.lanes.is_empty() {
                match flow.next(self.setting.world.now().micros) {
                    Next::Begin => match flow.pick() {
                        Pick::Begin(Work { drifted: Some(why), number, plan, .. }) => {
                            self.is_over(crew, flow, (number, plan), why).await;
                            return Ok(true);
                        }
                        Pick::Begin(work) => {
                            match flow.together.as_ref().map(|together| together.size.most()) {
                                Some(most) if !work.has_begun() => {
                                    self.begin_set(crew, flow, work, most, once, send).await;
                                }
                                _ => self.begin(crew, flow, work, once, send),
                            }
                            return Ok(true);
                        }
                        Pick::Skip(work, before) => {
                            self.skip(crew, flow, work, &before).await;
                            return Ok(true);
                        }
                        // All that is at hand stands behind something that waits for a person.
                        Pick::Wait if flow.under_way.is_empty() => return Ok(false),
                        Pick::Wait => {}
                    },
                    Next::Stop(why) => {
                        crew.stops(&why);
                        flow.stopped = true;
                        return Ok(true);
                    }
                    Next::WaitUntil(moment) => until = Some(moment),
                    Next::WaitForEnd => {}
                }
            }
        }
        if flow.under_way.is_empty() && until.is_none() {
            return Ok(false);
        }
        let world = &self.setting.world;
        let pause = until.map_or(Duration::ZERO, |moment| {
            Duration::from_micros(u64::try_from(moment.saturating_sub(world.now().micros)).unwrap_or(0))
        });
        tokio::select! {
            biased;
            Some(gone) = flow.under_way.join_next() => match gone {
                Ok(over) => self.over(crew, flow, over),
                Err(error) => {
                    crew.pauses("an item broke off");
                    flow.failed.get_or_insert(FleetError::Items(format!("an item broke off: {error}")));
                }
            },
            Some(gone) = flow.gone.recv() => self.gone(crew, flow, gone),
            Some(tick) = told.recv() => (self.watch)(tick),
            () = world.pause(pause), if until.is_some() => {}
            () = world.beat(LOOK) => {}
        }
        Ok(true)
    }

    /// Whether the run is to pause or to end, or may not begin anything now.
    async fn look(&mut self, crew: &Arc<Crew>, flow: &mut Flow<'_>) -> Result<(), FleetError> {
        if self.pause.load(Ordering::Relaxed) {
            crew.pauses("asked to pause");
        }
        if crew.lease.is_taken() {
            let (run, fence) = (self.claim.run, self.claim.fence);
            crew.pauses("somebody else has the run");
            flow.failed.get_or_insert(JournalError::ClaimLost { run, fence }.into());
        }
        let now = self.setting.world.now();
        if crew.lease.is_late(now) {
            crew.pauses("lease lost: no sign of life reached the journal for a while, as when a machine sleeps");
        }
        if now.micros - flow.looked >= LOOK_AT_JOURNAL && crew.cancelled().is_none() {
            flow.looked = now.micros;
            if let Some(by) = self.asked_to_end().await {
                crew.cancel(by);
            }
        }
        self.window(crew, flow, now).await
    }

    /// Who asked the run to end meanwhile. A journal that cannot be read now is noticed by whoever writes next.
    async fn asked_to_end(&self) -> Option<RunCancelled> {
        let line = self.journal.run(self.claim.run).await.ok().flatten()?;
        if line.state != RunWord::Cancelled {
            return None;
        }
        match self.journal.latest(self.claim.run, "run.cancelled").await.ok()??.event {
            Event::RunCancelled(by) => Some(by),
            _ => None,
        }
    }

    /// Says that the run stands still, and that it goes on. The items themselves wait before their next step.
    async fn window(&mut self, crew: &Crew, flow: &mut Flow<'_>, now: Stamp) -> Result<(), FleetError> {
        let limits = self.setting.playbook.limits.as_ref();
        let Some(window) = limits.and_then(|limits| limits.window.as_ref()) else { return Ok(()) };
        match (window.shut_until(now), flow.shut) {
            (Some(until), false) => {
                flow.shut = true;
                let reason = format!("waits until {}, as `window` says", window.clock(until));
                let mut events = vec![RunPaused { reason, until: Some(until), behind: None }.into()];
                crew.append(self.journal, &self.claim, &mut events).await?;
            }
            (None, true) => {
                flow.shut = false;
                let actor = self.setting.run.actor.clone();
                let mut events = vec![RunResumed { actor, reason: Some("the window is open".into()) }.into()];
                crew.append(self.journal, &self.claim, &mut events).await?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        crew: &Arc<Crew>,
        flow: &mut Flow<'_>,
        work: Work,
        once: &Arc<Vec<(Arc<str>, Entry)>>,
        send: &UnboundedSender<Tick>,
    ) {
        if work.has_begun() {
            flow.pace.resumed();
        } else {
            flow.pace.began(&flow.rules, self.setting.world.now().micros);
        }
        let (one, once) = (self.one(crew, send), once.clone());
        flow.under_way.spawn(async move {
            let gone = match (one.make)(&work.plan, &once).await {
                Ok(setting) => one.drive(setting, work, None).await,
                Err(error) => Gone::without(work, error),
            };
            Over::One(Box::new(gone))
        });
    }

    /// What each item needs.
    fn one(&self, crew: &Arc<Crew>, send: &UnboundedSender<Tick>) -> One {
        One {
            make: self.make.clone(),
            crew: crew.clone(),
            send: send.clone(),
            journal: self.journal.clone(),
            claim: self.claim.clone(),
            created: self.created.clone(),
            world: self.setting.world.clone(),
        }
    }

    /// Begins this item and those behind it that may begin now, together.
    async fn begin_set(
        &mut self,
        crew: &Arc<Crew>,
        flow: &mut Flow<'_>,
        first: Work,
        most: usize,
        once: &Arc<Vec<(Arc<str>, Entry)>>,
        send: &UnboundedSender<Tick>,
    ) {
        let shared = flow
            .together
            .as_ref()
            .and_then(|together| Some((self.setting.database(&together.connection)?.clone(), together)))
            .map(|(database, together)| (database, together.known.clone(), together.gates.clone()));
        let Some((database, known, gates)) = shared else {
            return self.begin(crew, flow, first, once, send);
        };
        let mut room = flow.pace.room(&flow.rules, most);
        let mut works = vec![first];
        while works.len() < room {
            flow.fill().await;
            match flow.pick() {
                Pick::Begin(Work { drifted: Some(why), number, plan, .. }) => {
                    self.is_over(crew, flow, (number, plan), why).await;
                    if flow.failed.is_some() {
                        return;
                    }
                    if flow.pace.is_enough(&flow.rules) {
                        break;
                    }
                    // It was one of its stage, and one that did not end well.
                    room = flow.pace.room(&flow.rules, most);
                }
                Pick::Begin(work) if !work.has_begun() => works.push(work),
                // It was begun before a crash: it goes on by itself.
                Pick::Begin(work) => {
                    flow.near.ended(&work.plan.key);
                    flow.lanes.put_back(work);
                    break;
                }
                Pick::Skip(..) | Pick::Wait => break,
            }
        }
        let now = self.setting.world.now().micros;
        works.iter().for_each(|_| flow.pace.began(&flow.rules, now));
        let thread = flow.together.as_mut().and_then(Together::begins);
        let gate = gates.get(thread.map_or(0, |(number, _)| number)).cloned();
        let (one, once, tell) = (self.one(crew, send), once.clone(), flow.tell_gone.clone());
        let set = async move {
            let mut made = Vec::with_capacity(works.len());
            let mut turns = None;
            for work in works {
                match (one.make)(&work.plan, &once).await {
                    Ok(mut setting) => {
                        if let Some(of_run) = &setting.turns {
                            setting.turns = Some(turns.get_or_insert_with(|| Arc::new(of_run.of_set())).clone());
                        }
                        made.push((setting, work));
                    }
                    Err(error) => drop(tell.send(Gone::without(work, error))),
                }
            }
            let chunk = match gate {
                Some(gate) => Chunk::apart(&database, made.len(), gate, &known),
                None => Chunk::new(&database, made.len(), Purpose::Apply, &known),
            };
            let mut items: Vec<std::pin::Pin<Box<dyn Future<Output = Gone> + Send + '_>>> = Vec::new();
            for (number, (mut setting, work)) in made.into_iter().enumerate() {
                let (seat, databases) = chunk.seat(number, &setting.databases);
                setting.databases = databases;
                items.push(Box::pin(one.drive(setting, work, Some(seat))));
            }
            let recorder = Recorder { crew: &one.crew, journal: &one.journal, claim: &one.claim, world: &one.world };
            let went = chunk.drive(items, Some(recorder), |gone| drop(tell.send(gone))).await;
            let slow = turns.is_some_and(|turns| turns.were_slow());
            Over::Set { went, thread: thread.map(|(number, _)| number), slow }
        };
        match thread {
            Some((_, thread)) => flow.under_way.spawn_on(set, thread),
            None => flow.under_way.spawn(set),
        };
    }

    fn over(&mut self, crew: &Crew, flow: &mut Flow<'_>, over: Over) {
        while let Ok(gone) = flow.gone.try_recv() {
            self.gone(crew, flow, gone);
        }
        match over {
            Over::One(gone) => self.gone(crew, flow, *gone),
            Over::Set { went, thread, slow } => {
                if let Some(together) = &mut flow.together {
                    together.under_way -= 1;
                    if let Some((_, busy)) = thread.and_then(|number| together.threads.get_mut(number)) {
                        *busy -= 1;
                    }
                    together.size = together.size.after(went.divided);
                    together.slow = if slow { together.slow + 1 } else { 0 };
                    if together.slow == SLOW_SETS || went.stirs && !together.goes_apart() {
                        flow.together = None;
                    }
                }
            }
        }
    }

    /// It waits for one that did not end as done, and so it never begins.
    async fn skip(&mut self, crew: &Crew, flow: &mut Flow<'_>, work: Work, before: &str) {
        self.unbegun(crew, flow, work.plan.key, End::Skipped, format!("{BEHIND}{before}")).await;
    }

    /// Its turn has come, and it never begins: its source does not give it as it was planned.
    async fn is_over(&mut self, crew: &Crew, flow: &mut Flow<'_>, (number, plan): (u32, ItemPlan), why: String) {
        flow.pace.was_over(&flow.rules, End::Drifted);
        flow.lanes.ended(plan.lane.as_ref(), number, &plan.key, Some(End::Drifted));
        if plan.lane.is_none() {
            flow.near.ended(&plan.key);
        }
        self.unbegun(crew, flow, plan.key, End::Drifted, why).await;
    }

    /// One is over that never began.
    async fn unbegun(&mut self, crew: &Crew, flow: &mut Flow<'_>, key: Arc<str>, end: End, why: String) {
        let closed = ClosedItem { item: key.clone(), end, reason: Some(why.clone()) };
        let mut events = vec![ItemClosed { items: vec![closed] }.into()];
        if !crew.later(&mut events)
            && let Err(error) = crew.append(self.journal, &self.claim, &mut events).await
        {
            return flow.fails(crew, error.into());
        }
        self.summary.of += 1;
        self.summary.ended(&key, end, Some(why.clone()));
        self.tell(flow, Some((key, end, Some(why))));
    }

    fn gone(&mut self, crew: &Crew, flow: &mut Flow<'_>, gone: Gone) {
        let Gone { number, plan, state, stopped, unrecorded } = gone;
        let key = plan.key.clone();
        let end = match &stopped {
            Ok(Stopped::Closed(end)) => Some(*end),
            Ok(Stopped::InDoubt(path)) => {
                flow.doubt.get_or_insert(path.clone());
                None
            }
            Ok(Stopped::Waits(path)) => {
                flow.waits.get_or_insert(path.clone());
                None
            }
            Ok(Stopped::Paused | Stopped::Held) => None,
            Err(error) => {
                flow.fails(crew, error.clone().into());
                flow.unrecorded.extend(unrecorded);
                None
            }
        };
        let in_doubt = matches!(&stopped, Ok(Stopped::InDoubt(_))).then_some(End::InDoubt);
        flow.pace.ended(end.or(in_doubt));
        flow.lanes.ended(plan.lane.as_ref(), number, &key, end);
        if plan.lane.is_none() {
            flow.near.ended(&key);
        }
        flow.ended += 1;
        let shown = summary::end_of(&state);
        let reason = summary::reason_of(&state);
        if matches!(stopped, Ok(Stopped::Waits(_))) {
            // If somebody ends the run, it ends with it.
            let plan = ItemPlan { key: key.clone(), ..plan };
            flow.resting.push(Work { state, goes_on: true, ..Work::new(number, plan) });
        } else {
            self.summary.add(&key, &state);
            self.handed.add(&key, &state);
        }
        self.tell(flow, shown.map(|end| (key, end, reason)));
    }

    fn tell(&self, flow: &Flow<'_>, item: Option<(Arc<str>, End, Option<String>)>) {
        let passed = self.setting.world.now().micros - flow.started.micros;
        let a_minute = (passed > 1_000_000).then(|| flow.ended.saturating_mul(60_000_000) / passed.unsigned_abs());
        (self.watch)(Tick::Items(Box::new(Standing {
            item,
            word: None,
            over: self.summary.over(),
            of: self.of,
            bad: self.summary.ends.iter().filter(|(end, _)| pace::is_bad(**end)).map(|(_, n)| n).sum(),
            escalated: self.summary.count(End::Escalated),
            running: flow.pace.running,
            a_minute,
        })));
    }

    /// What is done once, before all items or after them.
    async fn once(
        &mut self,
        crew: &Arc<Crew>,
        plan: &ItemPlan,
        state: ItemState,
        counts: Option<crate::base::value::Value>,
    ) -> Result<(Stopped, ItemState, Arc<Vec<(Arc<str>, Entry)>>), FleetError> {
        let setting = if self.is_back() {
            (self.make)(plan, &Arc::default()).await?
        } else {
            self.setting.about(OneItem { part: Part::Once, counts, ..OneItem::default() })
        };
        let mut whole = RunState { created: Some(self.created.clone()), ..RunState::default() };
        whole.items.insert(SINGLE_ITEM.into(), state);
        let (journal, claim) = (self.journal, self.claim.clone());
        let driver = Driver::new(&setting, journal, claim, Some(plan), self.watch, self.pause, whole);
        let mut driver = driver.in_crew(crew.clone());
        let stopped = match driver.drive().await {
            Ok(stopped) => stopped,
            Err(error) => return Err(FleetError::Journal(error, driver.take_unrecorded())),
        };
        let names = setting.outline.names();
        let found = names
            .into_iter()
            .filter_map(|name| driver.scope.entry(name).map(|(name, entry)| (name.clone(), entry.clone())));
        let entries = Arc::new(found.collect());
        let state = driver.state.items.swap_remove(SINGLE_ITEM).unwrap_or_default();
        Ok((stopped, state, entries))
    }

    /// Items that have not begun end with the run that was cancelled.
    async fn cancel_rest(&mut self, crew: &Crew, flow: &mut Flow<'_>) -> Result<(), FleetError> {
        let by = crew.cancelled();
        let reason = by.map(|by| format!("cancelled by {}: {}", by.actor, by.reason));
        let mut together: Vec<ClosedItem> = Vec::new();
        loop {
            flow.fill().await;
            let (Pick::Begin(work) | Pick::Skip(work, _)) = flow.lanes.pick() else { break };
            let key = work.plan.key.clone();
            flow.lanes.ended(work.plan.lane.as_ref(), work.number, &key, Some(End::Cancelled));
            if !work.state.steps.is_empty() && work.state.doubts().next().is_some() {
                // Nobody knows what became of it: a resume finds out.
                self.summary.add(&key, &work.state);
                flow.doubt.get_or_insert_with(|| "a step".into());
                continue;
            }
            self.summary.of += 1;
            self.summary.ended(&key, End::Cancelled, reason.clone());
            together.push(ClosedItem { item: key, end: End::Cancelled, reason: reason.clone() });
            if together.len() == TOGETHER {
                let mut events = vec![ItemClosed { items: std::mem::take(&mut together) }.into()];
                crew.append(self.journal, &self.claim, &mut events).await?;
            }
        }
        if !together.is_empty() {
            let mut events = vec![ItemClosed { items: together }.into()];
            crew.append(self.journal, &self.claim, &mut events).await?;
        }
        Ok(())
    }

    /// All items are over: what comes once after them, and the end of the run.
    async fn finish(&mut self, crew: &Arc<Crew>) -> Result<Came, FleetError> {
        crew.closes();
        let mut end = None;
        if let Some(work) = self.once.take() {
            let counts = Some(self.summary.value());
            let (stopped, state, _) = self.once(crew, &work.plan, work.state, counts).await?;
            self.once = Some(Work::of_once(work.plan, state));
            match stopped {
                Stopped::Closed(once) => end = Some(once).filter(|end| !matches!(end, End::Changed | End::Unchanged)),
                stopped => return self.stand(crew, Some(stopped)).await,
            }
        }
        self.close(crew, end).await
    }

    async fn close(&mut self, crew: &Crew, once: Option<End>) -> Result<Came, FleetError> {
        self.hand_over(crew).await?;
        let end = End::worst(self.summary.ends.keys().copied().chain(once));
        let closed = self.once.as_ref().and_then(|work| work.state.closed.as_ref());
        let reason = once.and_then(|_| closed?.reason.clone());
        let reason = reason.or_else(|| crew.cancelled().map(|by| format!("cancelled by {}: {}", by.actor, by.reason)));
        let mut events: Vec<Event> =
            vec![RunClosed { end, reason: reason.clone(), counts: self.summary.counts() }.into()];
        crew.append(self.journal, &self.claim, &mut events).await?;
        Ok(self.came(Stopped::Closed(end), reason))
    }

    /// The run stands still: somebody has to answer or decide, or it is to pause.
    async fn stand(&mut self, crew: &Crew, stopped: Option<Stopped>) -> Result<Came, FleetError> {
        self.hand_over(crew).await?;
        let why = crew.why();
        let mut events = Vec::new();
        if why.is_some() || stopped.is_none() {
            let reason = why.clone().unwrap_or_else(|| "items are left that wait for others".into());
            events.push(RunPaused { reason, until: None, behind: None }.into());
        }
        crew.append(self.journal, &self.claim, &mut events).await?;
        Ok(Came { cut_off: crew.is_cut_off(), ..self.came(stopped.unwrap_or(Stopped::Paused), why) })
    }

    fn came(&mut self, stopped: Stopped, why: Option<String>) -> Came {
        let mut summary = std::mem::take(&mut self.summary);
        summary.of = self.of;
        Came { stopped, summary, why, cut_off: false }
    }
}

/// What each of many items is carried out with.
struct One {
    make: Make,
    crew: Arc<Crew>,
    send: UnboundedSender<Tick>,
    journal: Journal,
    claim: Claim,
    created: RunCreated,
    world: World,
}

impl One {
    async fn drive(&self, setting: Setting, work: Work, seat: Option<Seat>) -> Gone {
        let Work { number, plan, state, .. } = work;
        let mut whole = RunState { created: Some(self.created.clone()), ..RunState::default() };
        whole.items.insert(plan.key.clone(), state);
        let watch = |tick: Tick| {
            // Steps that are rarely gone through (a recovery, one that failed) tell theirs all the same.
            if !matches!(tick, Tick::Begins { .. } | Tick::Over { .. }) {
                let _ = self.send.send(tick);
            }
        };
        let pause = AtomicBool::new(false);
        let driver = Driver::new(&setting, &self.journal, self.claim.clone(), Some(&plan), &watch, &pause, whole);
        let mut driver = driver.in_crew(self.crew.clone()).quietly();
        if let Some(seat) = seat {
            driver = driver.in_set(seat);
        }
        let stopped = driver.drive().await;
        let unrecorded = if stopped.is_err() { driver.take_unrecorded() } else { Vec::new() };
        let state = driver.state.items.swap_remove(&plan.key).unwrap_or_default();
        drop(driver);
        Gone { number, plan, state, stopped, unrecorded }
    }
}

/// What changes from turn to turn.
struct Flow<'i> {
    items: Items<'i>,
    rules: Rules,
    pace: Pace,
    /// How the items go in sets, if they do.
    together: Option<Together>,
    lanes: Lanes<Work>,
    /// The keys of what is under way.
    near: Near,
    under_way: JoinSet<Over>,
    /// Items of sets that are over, as soon as they are.
    gone: UnboundedReceiver<Gone>,
    tell_gone: UnboundedSender<Gone>,
    /// No more items come.
    over: bool,
    /// How many came.
    came: u64,
    failed: Option<FleetError>,
    /// What items did that the journal did not take.
    unrecorded: Vec<Unrecorded>,
    /// When the journal was looked at, in microseconds.
    looked: i64,
    started: Stamp,
    ended: u64,
    /// A step that waits for a person.
    waits: Option<Arc<str>>,
    /// A step in doubt.
    doubt: Option<Arc<str>>,
    /// The window is shut.
    shut: bool,
    /// A rule of the playbook ended the beginning of items.
    stopped: bool,
    /// Items that wait for a person.
    resting: Vec<Work>,
}

impl Flow<'_> {
    /// Nothing more begins; what is under way comes to its end, so that it is known what it did.
    fn fails(&mut self, crew: &Crew, error: FleetError) {
        crew.pauses("the journal cannot be written");
        self.failed.get_or_insert(error);
    }

    /// What the rules say comes next. Of sets they count the sets.
    fn next(&self, now: i64) -> Next {
        let comes = |rules: &Rules| match self.lanes.first() {
            Some(work) if work.goes_on => self.pace.go_on(rules),
            _ => self.pace.next(rules, now),
        };
        let next = match &self.together {
            None => comes(&self.rules),
            Some(together) => match comes(&Rules { at_once: usize::MAX, ..self.rules.clone() }) {
                // What was begun before a crash goes on by itself, beside them.
                Next::Begin
                    if together.under_way >= together.at_once || self.under_way.len() >= self.rules.at_once.max(1) =>
                {
                    Next::WaitForEnd
                }
                next => next,
            },
        };
        match next {
            // Another one of its subject has to end before it goes on.
            Next::Stop(_) if !self.under_way.is_empty() && self.lanes.at_hand().any(|work| work.goes_on) => {
                Next::WaitForEnd
            }
            next => next,
        }
    }

    /// The next item that may begin. One whose key may be the same, for a database, as that of one that is under way waits for its end, and so do
    /// those behind it.
    fn pick(&mut self) -> Pick<Work> {
        match self.lanes.pick() {
            Pick::Begin(work) if work.plan.lane.is_none() && !self.near.takes(&work.plan.key) => {
                self.lanes.put_back(work);
                Pick::Wait
            }
            picked => picked,
        }
    }

    /// Items up to what is looked at ahead. Without subjects one is enough.
    async fn fill(&mut self) {
        while !self.over && self.failed.is_none() && self.lanes.has_room() {
            match self.items.next().await {
                None => self.over = true,
                Some(Err(why)) => self.failed = Some(why),
                Some(Ok(work)) => {
                    self.came += 1;
                    let alone = work.plan.lane.is_none();
                    self.lanes.add(work);
                    if alone {
                        break;
                    }
                }
            }
        }
    }
}
