//! Waiting is a state: a run that asks a person ends its process, and another process goes on with it from the journal,
//! doing nothing twice.

use super::servers::{Shop, block_on, request, said, surroundings};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
use trueup::{
    base::{identity::RunId, value::Value, world::World},
    engine::{drive::Stopped, watch::Tick},
    journal::words::End,
    mock::{Mock, server::Running},
    ops::{self, Failure, apply::Carried},
    trial::bench::On,
};

const PLAYBOOK: &str = r#"
trueup: v1
name: waiting/playbook
version: 1
title: Before and after a question
uses:
  shop: { read: [things], write: [things, audits] }
  crm: { methods: [GET, POST] }
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
  - id: seen
    http: { api: crm, get: /number }
steps:
  - id: first
    row: { of: thing, only_if: { state: "{{ thing.state }}" }, set: { state: open } }
  - id: ticket
    http: { api: crm, post: /tickets, json: { thing: "{{ thing.id }}" } }
    irreversible: a test
  - tell: { who: clerk, message: "before {{ seen.body.number }}" }
  - id: worth
    ask: { who: boss, question: "What is it worth?", answer: { amount: { type: decimal } }, affects: [] }
  - id: second
    row: { of: thing, set: { amount: "{{ worth.amount }}", note: "{{ 'T' ~ ticket.body.number ~ ' ' ~ seen.body.number }}" } }
afterwards:
  - tell: { who: clerk, message: "after {{ worth.amount }}" }
"#;

const ROWS: &str = "insert into things (id, name, state, created_at, updated_at) values (1, 'lamp', 0, '2024-01-01 00:00:00', '2024-01-01 00:00:00');";
const MOCK: &str = "trueup: v1\nmock: crm\nroutes:\n  - get: /number\n    answer: { json: { number: N } }\n  - post: /tickets\n    answer: { status: 201, json: { number: \"{{ calls }}\" } }\n";

/// A shop, its API, and what people were told so far.
struct Office {
    shop: Shop,
    crm: Running,
    told: Mutex<Vec<String>>,
}

impl Office {
    async fn open() -> Office {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let shop = Shop::open(&On::Sqlite, &crm.url(), |text| text).await;
        shop.sql(ROWS).await;
        Office { shop, crm, told: Mutex::default() }
    }

    fn hear(&self, tick: Tick) {
        if let Tick::PassOn { text, .. } = tick {
            self.told.lock().unwrap().push(text);
        }
    }

    /// One process: plans, applies, and ends when the run is over, waits or pauses.
    async fn first(&self, pause: bool) -> (RunId, Carried) {
        let prepared = self.shop.prepare(PLAYBOOK, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan =
            ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let record = ops::record::open(&self.shop.here, &self.shop.opened).await.unwrap();
        let stop = AtomicBool::new(false);
        let watch = |tick: Tick| {
            // As Ctrl-C would, in the middle of the run.
            if pause && matches!(&tick, Tick::Over { path, .. } if &**path == "steps/first") {
                stop.store(true, Ordering::Relaxed);
            }
            self.hear(tick);
        };
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &watch, &stop).await.unwrap();
        record.journal.close().await.unwrap();
        (prepared.setting.run.id, carried)
    }

    /// Another process: everything is read again from the disk.
    async fn answer(&self, run: RunId, step: &str, given: &[(&str, &str)]) -> Result<Carried, Failure> {
        let here = surroundings(self.shop.folder.path(), &[("CRM_KEY", "key-of-the-crm")]);
        let opened = ops::project::open(&here, None).unwrap();
        let record = ops::record::open(&here, &opened).await.unwrap();
        let given: Vec<(String, Value)> = given.iter().map(|(n, v)| ((*n).to_owned(), Value::text(*v))).collect();
        let (watch, stop) = (|tick| self.hear(tick), AtomicBool::new(false));
        let carried =
            ops::answer::answer(&here, &record, &opened, run, step, None, &given, "boss", &watch, &stop).await;
        record.journal.close().await.unwrap();
        carried
    }

    async fn resume(&self, run: RunId) -> Result<Carried, Failure> {
        let here = surroundings(self.shop.folder.path(), &[("CRM_KEY", "key-of-the-crm")]);
        let opened = ops::project::open(&here, None).unwrap();
        let record = ops::record::open(&here, &opened).await.unwrap();
        let (watch, stop) = (|tick| self.hear(tick), AtomicBool::new(false));
        let carried = ops::resume::resume(&here, &record, &opened, run, "anna", &watch, &stop).await;
        record.journal.close().await.unwrap();
        carried
    }

    /// Rows of a table, as the database has them.
    async fn rows(&self, table: &str) -> Vec<Value> {
        let snapshot = self.shop.snapshot().await;
        let shot = snapshot.tables.iter().find(|(t, _)| &*t.table == table).unwrap().1;
        shot.rows.values().cloned().map(Value::from).collect()
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    fn calls(&self) -> Vec<String> {
        self.crm.log().iter().map(|l| l.call()).collect()
    }
}

fn text(row: &Value, column: &str) -> String {
    row.get(column).unwrap().bare().into_owned()
}

#[test]
fn an_answer_in_another_process_goes_on_and_does_nothing_twice() {
    block_on(async {
        let world = Office::open().await;
        let (run, carried) = world.first(false).await;
        assert_eq!(carried.stopped, Stopped::Waits("steps/worth".into()));
        assert_eq!(carried.state.end(), End::Waiting);
        assert_eq!(world.told(), ["before N"]);
        assert_eq!(world.rows("audits").await.len(), 1);
        let carried =
            world.answer(run, "worth", &[("amount", "12.340")]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        // The plan's read, the run's read, the one ticket: what was captured is not asked for again.
        assert_eq!(world.calls(), ["GET /number", "GET /number", "POST /tickets"]);
        assert_eq!(world.told(), ["before N", "after 12.340"]);
        let things = world.rows("things").await;
        assert_eq!((text(&things[0], "amount"), text(&things[0], "note")), ("12.340".into(), "T1 N".into()));
        assert_eq!(world.rows("audits").await.len(), 2);
        assert_eq!(world.rows("notes").await.len(), 1, "the trigger saw one change of the state");
        world.shop.close().await;
    });
}

#[test]
fn an_answer_that_does_not_fit_is_refused_and_the_run_still_waits() {
    block_on(async {
        let world = Office::open().await;
        let (run, _) = world.first(false).await;
        let refused = async |step: &str, given: &[(&str, &str)]| match world.answer(run, step, given).await {
            Ok(_) => panic!("{step} {given:?} was taken"),
            Err(failure) => said(&failure),
        };
        let wrong_step = refused("wroth", &[("amount", "1")]).await;
        assert!(
            wrong_step.contains("no open question `wroth`") && wrong_step.contains("did you mean `worth`?"),
            "{wrong_step}"
        );
        let wrong_type = refused("worth", &[("amount", "much")]).await;
        assert!(wrong_type.contains("amount: much is not a decimal number"), "{wrong_type}");
        let missing = refused("worth", &[]).await;
        assert!(missing.contains("`amount` is missing") && missing.contains("--set amount="), "{missing}");
        let unknown = refused("worth", &[("amuont", "1"), ("amount", "1")]).await;
        assert!(unknown.contains("no part `amuont`") && unknown.contains("did you mean `amount`?"), "{unknown}");
        assert_eq!(world.rows("audits").await.len(), 1);
        world.answer(run, "worth", &[("amount", "1")]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let again = refused("worth", &[("amount", "2")]).await;
        assert!(again.contains("is over: changed"), "{again}");
        assert_eq!(text(&world.rows("things").await[0], "amount"), "1");
        world.shop.close().await;
    });
}

#[test]
fn a_run_carries_its_own_playbook_and_project() {
    block_on(async {
        let world = Office::open().await;
        let (run, _) = world.first(false).await;
        // Tomorrow's project file knows other people and calls the state otherwise.
        let path = world.shop.folder.path().join("trueup.yaml");
        let text_now = std::fs::read_to_string(&path).unwrap();
        assert!(text_now.contains("\"clerk\"") && text_now.contains("\"open\":1"));
        std::fs::write(&path, text_now.replace("\"clerk\"", "\"office\"").replace("\"open\":1", "\"open\":5")).unwrap();
        let carried = world.answer(run, "worth", &[("amount", "1")]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(world.told(), ["before N", "after 1"]);
        world.shop.close().await;
    });
}

#[test]
fn what_somebody_did_while_the_question_waited_is_not_overwritten() {
    block_on(async {
        let world = Office::open().await;
        let (run, _) = world.first(false).await;
        world.shop.sql("update things set note = 'by hand', amount = '5' where id = 1").await;
        let carried = world.answer(run, "worth", &[("amount", "1")]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        // Only the answer says what the columns become; what they were was planned.
        assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{:?}", carried.state.closed);
        let columns: Vec<&str> = carried.drift.iter().map(|d| d.column.as_str()).collect();
        assert_eq!(columns, ["amount", "note"]);
        assert_eq!(text(&world.rows("things").await[0], "note"), "by hand");
        world.shop.close().await;
        let world = Office::open().await;
        let (run, _) = world.first(false).await;
        world.shop.sql("delete from things where id = 1").await;
        let carried = world.answer(run, "worth", &[("amount", "1")]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{:?}", carried.state.closed);
        assert_eq!(world.told(), ["before N"]);
        world.shop.close().await;
    });
}

#[test]
fn a_paused_run_goes_on_where_it_stopped() {
    block_on(async {
        let world = Office::open().await;
        let (run, carried) = world.first(true).await;
        assert_eq!(carried.stopped, Stopped::Paused);
        assert_eq!(world.calls(), ["GET /number", "GET /number"]);
        let carried = world.resume(run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Waits("steps/worth".into()));
        assert_eq!(world.calls(), ["GET /number", "GET /number", "POST /tickets"]);
        assert_eq!(world.rows("audits").await.len(), 1);
        let carried =
            world.answer(run, "steps/worth", &[("amount", "1")]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        let over = world.resume(run).await;
        assert!(over.is_err_and(|f| said(&f).contains("is over: changed")));
        world.shop.close().await;
    });
}

#[test]
fn a_run_that_waits_for_an_answer_is_not_resumed_and_still_waits() {
    block_on(async {
        let world = Office::open().await;
        let (run, _) = world.first(false).await;
        let told = world.resume(run).await.err().map(|f| said(&f)).unwrap();
        assert!(told.contains("waits for the answer of boss to `worth`"), "{told}");
        assert!(told.contains(&format!("trueup answer {} worth --set amount=…", run.short())), "{told}");
        let record = ops::record::open(&world.shop.here, &world.shop.opened).await.unwrap();
        let runs = ops::history::runs(&record, &trueup::journal::RunFilter::default(), 9).await.unwrap();
        assert_eq!(runs[0].state, trueup::journal::words::RunWord::Waiting);
        record.journal.close().await.unwrap();
        world.shop.close().await;
    });
}
