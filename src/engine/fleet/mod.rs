//! A run over many items: several are carried out at the same time, each by a driver of its own, under one lease. What comes
//! next is decided by [`pace`] and [`lanes`], which are pure; here it is done.

pub mod abreast;
pub mod coming;
mod ending;
mod flow;
mod handed;
pub mod lanes;
pub mod pace;
pub mod roll;
pub mod summary;
mod together;
mod work;
pub mod workers;

use super::{
    crew::Crew,
    drive::{Stopped, Unrecorded},
    outgoing::turns::Turns,
    sets::{
        built,
        fit::{self, Way},
        near::Near,
    },
    setting::{OneItem, Part, Setting},
    watch::{Standing, Tick, Watch},
};
use crate::{
    base::time::Stamp,
    journal::{
        Claim, Journal,
        event::Event,
        failure::JournalError,
        payload::{ClosedItem, ItemClosed, RunCancelled, RunCreated, RunPaused, RunResumed},
        words::{End, RunWord},
    },
    plan::ItemPlan,
    targets::{limits, model::After},
    template::{Dialect, scope::Entry},
};
use flow::{Flow, Over};
use futures_util::{future::BoxFuture, stream::BoxStream};
pub use handed::Handed;
use lanes::{Lanes, Pick};
use pace::{Before, Next, Pace, Rules};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use summary::{BEHIND, Summary};
use together::SLOW_SETS;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};
pub use work::Work;
use work::{Gone, One};

/// So often somebody looks whether the run is to pause.
const LOOK: Duration = Duration::from_millis(100);
/// So often somebody looks whether it was cancelled, in microseconds: what begins meanwhile was begun before anybody knew of it.
const LOOK_AT_JOURNAL: i64 = 100_000;
/// The purpose of a run that a reconcile made.
pub const RECONCILE: &str = "reconcile";

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
}
