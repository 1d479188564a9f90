//! What becomes of an answer that was lost: by a process that died, and in one that lives. Every row of the table of
//! `docs/design/trust.md`, on SQLite and PostgreSQL, with the faults really injected and the effects counted.

mod answers;
mod calls;
mod command;
mod crash;
mod http;
pub(super) mod journal;
mod lost_commit;
mod people;
mod resources;
mod rows;

use super::servers::{Shop, block_on, postgres, request, said};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use trueup::{
    base::{identity::RunId, value::Value, world::World},
    engine::{drive::Stopped, watch::Tick},
    journal::{event::Event, words::End},
    mock::{Mock, server::Running},
    ops::{
        self, Failure, Surroundings,
        apply::Carried,
        record::Record,
        resolve::{Decision, Resolution},
    },
    trial::bench::On,
};

const ROWS: &str = "insert into things (id, name, state, count, created_at, updated_at) values (1, 'lamp', 0, 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00');";

/// A shop, its API and one run of it, of which the journal may end anywhere.
struct Scene {
    shop: Shop,
    crm: Running,
    run: RunId,
    events: Vec<Event>,
    ticks: Mutex<Vec<String>>,
}

/// One step in a playbook that reads the thing first.
fn playbook(step: &str) -> String {
    format!(
        "trueup: v1\nname: lost/answer\nversion: 1\ntitle: One effect\nuses:\n  shop: {{ read: [things, prices, notes], write: [things, prices, owners, notes, audits] }}\n  crm: {{ methods: [GET, POST, PUT] }}\n\
         preconditions:\n- id: thing\n  find: {{ table: shop.things, where: {{ id: 1 }}, expect: one }}\nsteps:\n{step}"
    )
}

/// A world in which pauses take no time.
fn hasty() -> World {
    World::real().with_pause(|_| std::future::ready(()))
}

/// A world in which pauses take no time, and the clock shows that they did; what all of them come to, in milliseconds.
fn passing() -> (World, Arc<AtomicU64>) {
    let waited = Arc::new(AtomicU64::new(0));
    let (clock, pause) = (waited.clone(), waited.clone());
    let world = World::real()
        .with_clock(move || {
            let now = World::real().now();
            let passed = i64::try_from(clock.load(Ordering::Relaxed)).unwrap() * 1000;
            trueup::base::time::Stamp { micros: now.micros + passed, ..now }
        })
        .with_pause(move |length| {
            pause.fetch_add(u64::try_from(length.as_millis()).unwrap(), Ordering::Relaxed);
            std::future::ready(())
        });
    (world, waited)
}

impl Scene {
    /// A shop with one row, and an API.
    async fn open(on: &On, mock: &str, project: impl FnOnce(String) -> String) -> Scene {
        let crm =
            Mock::from_yaml(mock).unwrap_or_else(|p| panic!("{:?}", p.sorted())).start(World::real()).await.unwrap();
        let mut shop = Shop::open(on, &crm.url(), project).await;
        shop.here.world = hasty();
        shop.sql(ROWS).await;
        let run = RunId(uuid::Uuid::nil());
        Scene { shop, crm, run, events: Vec::new(), ticks: Mutex::default() }
    }

    /// Applies a playbook as the first process.
    async fn apply(&mut self, text: &str) -> Result<Carried, Failure> {
        let here = self.shop.here.clone();
        self.apply_in(&here, text, &|_| {}).await
    }

    async fn apply_in(
        &mut self,
        here: &Surroundings,
        text: &str,
        also: &(dyn Fn(&Tick) + Send + Sync),
    ) -> Result<Carried, Failure> {
        let loaded = self.shop.playbook(text);
        let prepared = ops::plan::setting(here, &self.shop.opened, loaded, &request(&[])).await?;
        let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await?;
        assert!(plan.items[0].stop.is_none(), "{:?}", plan.items[0].stop);
        let record = ops::record::open(here, &self.shop.opened).await?;
        self.run = prepared.setting.run.id;
        let (stop, ticks) = (AtomicBool::new(false), &self.ticks);
        let watch = |tick: Tick| {
            also(&tick);
            heard(ticks, &tick);
        };
        let carried =
            ops::apply::apply(here, &record, &self.shop.opened, &prepared.setting, &plan, &watch, &stop).await;
        self.events = record.journal.events(self.run).await?.into_iter().map(|stored| stored.event).collect();
        record.journal.close().await.unwrap();
        carried
    }

    /// Applies it, and it must go through.
    async fn applied(&mut self, text: &str) {
        let carried = self.apply(text).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
    }

    /// The process died when the journal held no more than what stands before the first such event.
    async fn died_before(&self, is: impl Fn(&Event) -> bool) {
        let kept = self.events.iter().position(is).expect("the run has such an event");
        self.keep(&self.events[..kept]).await;
    }

    /// The journal holds these events and nothing else.
    async fn keep(&self, events: &[Event]) {
        let path = self.shop.opened.journal();
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
        let record = self.record().await;
        record.journal.append(self.run, events).await.unwrap();
        record.journal.close().await.unwrap();
    }

    async fn record(&self) -> Record {
        ops::record::open(&self.shop.here, &self.shop.opened).await.unwrap()
    }

    /// Another process goes on.
    async fn resume(&self) -> Result<Carried, Failure> {
        self.resume_in(&self.shop.here).await
    }

    async fn resume_in(&self, here: &Surroundings) -> Result<Carried, Failure> {
        let opened = ops::project::open(here, None)?;
        let record = ops::record::open(here, &opened).await?;
        let stop = AtomicBool::new(false);
        let watch = |tick: Tick| heard(&self.ticks, &tick);
        let carried = ops::resume::resume(here, &record, &opened, self.run, "ben", &watch, &stop).await;
        record.journal.close().await.unwrap();
        carried
    }

    /// It goes on to its end, and this is what was found out about the step.
    async fn found_out(&self, path: &str) -> String {
        let carried = self.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?} {:?}", carried.state.closed, self.ticks());
        found(&carried, path)
    }

    /// It stays in doubt, and this is what a person reads.
    async fn stays_in_doubt(&self, path: &str) -> String {
        let carried = self.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        in_doubt(&carried, path)
    }

    async fn resolve(
        &self,
        decision: Decision,
        reason: Option<&str>,
        only_record: bool,
    ) -> Result<Option<Carried>, Failure> {
        let opened = ops::project::open(&self.shop.here, None)?;
        let record = ops::record::open(&self.shop.here, &opened).await?;
        let resolution = Resolution { item: None, step: None, decision, reason, actor: Some("ben") };
        let (stop, watch) = (AtomicBool::new(false), |_| {});
        let here = &self.shop.here;
        let done =
            ops::resolve::resolve(here, &record, &opened, self.run, &resolution, only_record, &watch, &stop).await;
        record.journal.close().await.unwrap();
        done
    }

    /// Rows of a table as the database has them.
    async fn rows(&self, table: &str) -> Vec<Value> {
        let snapshot = self.shop.snapshot().await;
        let shot = snapshot.tables.iter().find(|(t, _)| &*t.table == table).unwrap().1;
        shot.rows.values().cloned().map(Value::from).collect()
    }

    async fn cell(&self, table: &str, column: &str) -> String {
        self.rows(table).await[0].get(column).unwrap().bare().into_owned()
    }

    fn ticks(&self) -> Vec<String> {
        self.ticks.lock().unwrap().clone()
    }

    /// Requests that change something, in order.
    fn sent(&self) -> Vec<String> {
        self.crm.log().iter().filter(|l| l.method != "GET").map(|l| l.call()).collect()
    }

    async fn close(self) {
        self.shop.close().await;
    }
}

fn heard(ticks: &Mutex<Vec<String>>, tick: &Tick) {
    let line = match tick {
        Tick::Begins { path, title, .. } => format!("{path}: {title}"),
        Tick::Over { path, outcome, summary } => format!("{path} {}: {summary}", outcome.word()),
        Tick::Again { path, why, .. } => format!("{path} again: {why}"),
        Tick::Unrecorded { path, why, .. } => format!("{path} unrecorded: {why}"),
        Tick::PassOn { text, .. } => format!("told: {text}"),
        Tick::Items(far) => format!("{} of {}", far.over, far.of),
    };
    ticks.lock().unwrap().push(line);
}

/// What the state says of how a lost answer was found out.
fn found(carried: &Carried, path: &str) -> String {
    let step = &carried.state.items["-"].steps[path];
    let done = step.outcome.as_ref().and_then(|o| o.message.clone());
    step.found_out.clone().or(done).unwrap_or_default()
}

fn in_doubt(carried: &Carried, path: &str) -> String {
    assert_eq!(carried.stopped, Stopped::InDoubt(path.into()), "{:?}", carried.state.closed);
    assert_eq!(carried.state.end(), End::InDoubt);
    assert!(carried.state.items["-"].closed.is_none() && carried.state.closed.is_none(), "in doubt is not an end");
    let step = &carried.state.items["-"].steps[path];
    step.outcome.as_ref().and_then(|o| o.message.clone()).unwrap()
}

fn is_outcome(event: &Event, path: &str) -> bool {
    matches!(event, Event::StepOutcome(o) if &*o.step == path)
}

fn is_images(event: &Event) -> bool {
    matches!(event, Event::StepImages(_))
}

fn is_attempt(event: &Event) -> bool {
    matches!(event, Event::StepAttempt(_))
}

/// Both databases.
fn on_both(test: impl AsyncFn(&On)) {
    block_on(async {
        test(&On::Sqlite).await;
        test(&On::Postgres(postgres())).await;
    });
}

/// An API that takes everything.
const QUIET: &str = "trueup: v1\nmock: crm\nroutes:\n- post: /**\n  answer: { status: 201, json: { number: 7 } }\n";
