//! Loops, waits and the ends of blocks over several processes: paused, cancelled, failed and done again, taken back.

use super::servers::{Shop, block_on, mysql, postgres, request, said};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};
use trueup::{
    base::{identity::RunId, time::Stamp, value::Value, world::World},
    engine::{drive::Stopped, watch::Tick},
    journal::words::{End, Outcome},
    mock::{Mock, server::Running},
    ops::{self, apply::Carried, retry::Wish as Again, undo::Wish},
    plan::{Effect, stored as whole},
    trial::bench::On,
};

const HEAD: &str = r#"
trueup: v1
name: flow/playbook
version: 1
title: A playbook
uses:
  shop: { read: [things, prices], write: [things, prices, audits] }
  crm: { methods: [GET, POST, DELETE] }
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
"#;

const WAITS: &str = r#"
steps:
  - id: shut
    block:
      steps:
        - id: closed
          row: { of: thing, set: { note: shut } }
        - id: ready
          wait:
            read: { http: { api: crm, get: /ready } }
            until: ready.body.ready
            every: 10s
            at_most: 10m
          otherwise: { fail: "not ready" }
      rescue:
        - id: noted
          row: { of: thing, set: { count: 9 } }
      always:
        - id: opened
          row: { of: thing, set: { note: "{{ 'open ' ~ (error.text if error is not none else 'well') }}" } }
"#;

const LOOP: &str = r#"
steps:
  - id: each
    for_each: { in: [a, b, c], as: letter }
    block:
      steps:
        - id: ticket
          http: { api: crm, post: "/tickets/{{ letter }}" }
          undo: { http: { api: crm, delete: "/tickets/{{ letter }}/{{ ticket.body.number }}" } }
        - id: price
          row: { table: shop.prices, key: { code: "{{ letter }}", year: 2025 }, set: { amount: "{{ ticket.body.number }}" }, create: {} }
  - assert: ticket | map(attribute='body') | map(attribute='number') | list | length == 3
"#;

const MOCK: &str = r#"
trueup: v1
mock: crm
routes:
  - get: /ready
    answer: { json: { ready: false } }
  - post: /tickets/b
    answers: [{ status: 422 }, { status: 201, json: { number: 2 } }, { status: 201, json: { number: 22 } }]
  - post: "/tickets/{letter}"
    answer: { status: 201, json: { number: "{{ calls }}" } }
  - delete: /**
    answer: { status: 204 }
"#;

const ROWS: &str = "insert into things (id, name, state, created_at, updated_at) values (1, 'lamp', 0, '2024-01-01 00:00:00', '2024-01-01 00:00:00');";

struct Office {
    shop: Shop,
    crm: Running,
}

impl Office {
    async fn open(on: &On) -> Office {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let shop = Shop::open(on, &crm.url(), |text| text).await;
        shop.sql(ROWS).await;
        Office { shop, crm }
    }

    async fn record(&self) -> ops::record::Record {
        ops::record::open(&self.shop.here, &self.shop.opened).await.unwrap()
    }

    /// Applies it; `pause` is heard between two steps, and during a wait.
    async fn apply(&self, steps: &str, watch: &(dyn Fn(Tick) + Send + Sync), pause: &AtomicBool) -> (RunId, Carried) {
        let text = format!("{HEAD}{steps}");
        let prepared = self.shop.prepare(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan =
            ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let record = self.record().await;
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, watch, pause).await;
        record.journal.close().await.unwrap();
        (prepared.setting.run.id, carried.unwrap_or_else(|f| panic!("{}", said(&f))))
    }

    /// Applies it and pauses as soon as it waits.
    async fn waiting(&self) -> RunId {
        let pause = AtomicBool::new(false);
        let watch = |tick: Tick| {
            if matches!(&tick, Tick::Again { path, .. } if path.ends_with("/ready")) {
                pause.store(true, Ordering::Relaxed);
            }
        };
        let (run, carried) = self.apply(WAITS, &watch, &pause).await;
        assert_eq!(carried.stopped, Stopped::Paused, "{:?}", carried.state.closed);
        assert_eq!(self.thing("note").await, "shut");
        run
    }

    async fn thing(&self, column: &str) -> String {
        let snapshot = self.shop.snapshot().await;
        let shot = snapshot.tables.iter().find(|(t, _)| &*t.table == "things").unwrap().1;
        let row: Value = shot.rows.values().next().unwrap().clone().into();
        row.get(column).unwrap().bare().into_owned()
    }

    async fn prices(&self) -> Vec<String> {
        let snapshot = self.shop.snapshot().await;
        let shot = snapshot.tables.iter().find(|(t, _)| &*t.table == "prices").unwrap().1;
        let row = |row: &trueup::base::value::Map| {
            format!("{} {}", row["code"].bare(), row["amount"].bare().trim_end_matches(".00"))
        };
        let mut rows: Vec<String> = shot.rows.values().map(row).collect();
        rows.sort();
        rows
    }

    fn writes(&self) -> Vec<String> {
        self.crm.log().iter().map(|l| l.call()).filter(|call| !call.starts_with("GET")).collect()
    }
}

const RESCUED: &str = r#"
steps:
  - id: swap
    block:
      steps:
        - id: hidden
          row: { of: thing, set: { state: sold } }
        - id: price
          row: { table: shop.prices, key: { code: a, year: 2025 }, set: { amount: 2 }, create: {} }
        - id: never
          when: thing.name == 'desk'
          row: { of: thing, set: { count: 7 } }
        - id: ticket
          http: { api: crm, post: /tickets/a }
          irreversible: a test
      rescue:
        - undo: [hidden, price]
        - id: noted
          row: { of: thing, set: { note: "{{ 'was ' ~ thing.now.state }}" } }
        - id: asked
          http: { api: crm, get: /ready }
        - id: late
          row: { of: thing, set: { count: 3 } }
"#;

#[test]
fn a_preview_shows_what_a_rescue_would_do_for_each_step_that_may_fail() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let office = Office::open(&on).await;
            let prepared = office.shop.prepare(&format!("{HEAD}{RESCUED}"), &[]).await;
            let prepared = prepared.unwrap_or_else(|f| panic!("{}", said(&f)));
            let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await;
            let plan = plan.unwrap_or_else(|f| panic!("{}", said(&f)));
            let steps = &plan.items[0].steps;
            let rescue = steps.iter().find(|step| &*step.path == "steps/swap/block.rescue").unwrap();
            let guesses: Vec<_> = rescue
                .effects
                .iter()
                .filter_map(
                    |effect| if let Effect::IfFails { at, steps } = effect { Some((at.clone(), steps)) } else { None },
                )
                .collect();
            let names: Vec<&[String]> = guesses.iter().map(|(at, _)| at.as_slice()).collect();
            assert_eq!(names, [["hidden"], ["price"], ["ticket"]], "{names:?}");
            let rows = |steps: &[trueup::plan::StepPlan]| -> Vec<String> {
                let changes = steps.iter().flat_map(|step| &step.effects).filter_map(|effect| match effect {
                    Effect::Rows { changes, .. } => Some(changes),
                    _ => None,
                });
                let own = changes.flatten().filter(|change| !change.by_rule);
                let said = |change: &trueup::effect::change::RowChange| {
                    let columns = change.differing().into_iter().filter(|(name, ..)| !change.stamps.contains(name));
                    let columns = columns.map(|(name, old, new)| format!("{name} {} > {}", old.bare(), new.bare()));
                    format!("{} {:?} {}", change.table.table, change.deed(), columns.collect::<Vec<_>>().join(", "))
                };
                own.map(said).collect()
            };
            // Stored values of the enum: 0 is new, 2 is sold. What is put back is put back before the note is written.
            assert_eq!(rows(guesses[0].1), ["things Update note null > was new"]);
            assert_eq!(
                rows(guesses[1].1),
                ["things Update state 2 > 0", "things Update note null > was new"],
                "{:?}",
                on.word()
            );
            let third = rows(guesses[2].1);
            assert!(third[0].starts_with("prices Delete"), "{third:?}");
            assert_eq!(third[1..], ["things Update state 2 > 0", "things Update note null > was new"]);
            // Nothing is asked for the sake of a failure that may never come, and what comes after it is not shown.
            assert!(office.crm.log().is_empty());
            let last = guesses[2].1.last().unwrap();
            assert!(last.notes.iter().any(|note| note.contains("asks `crm`")), "{last:?}");
            assert!(!guesses.iter().any(|(_, steps)| steps.iter().any(|step| step.path.ends_with("/late"))));
            // The plan itself is what it would be without a rescue.
            assert_eq!((plan.tally().counts.rows, plan.tally().counts.requests), (2, 1));
            assert_eq!(office.thing("state").await, "0", "nothing of it stays");
            let kept = whole::of_whole(&whole::whole(&plan)).unwrap();
            let text = |items: &[trueup::plan::ItemPlan]| {
                format!("{:?}", items[0].steps.iter().find(|s| s.path == rescue.path))
            };
            assert_eq!(text(&kept), text(&plan.items), "a plan that is kept shows the same");
            office.shop.close().await;
        }
    });
}

fn again<'a>(from: Option<&'a str>) -> Again<'a> {
    Again { reason: Some("once more"), actor: Some("anna"), from, ..Again::default() }
}

fn cancelled_while_it_waits(on: &On) {
    block_on(async {
        let office = Office::open(on).await;
        let run = office.waiting().await;
        let record = office.record().await;
        let wish = ops::cancel::Wish { reason: Some("no longer wanted"), actor: Some("bea") };
        let (here, opened, pause) = (&office.shop.here, &office.shop.opened, AtomicBool::new(false));
        let done = ops::cancel::cancel(here, &record, opened, run, &wish, &|_| {}, &pause).await;
        let state = done.unwrap_or_else(|f| panic!("{}", said(&f))).state;
        assert_eq!(state.end(), End::Cancelled);
        let closed = state.closed.as_ref().unwrap();
        assert!(closed.reason.as_ref().unwrap().contains("bea"), "{closed:?}");
        // The end of the block is done, once; what is for a failure is not.
        assert_eq!(office.thing("note").await, "open cancelled");
        assert_eq!(office.thing("count").await, "null");
        let steps = &state.items["-"].steps;
        assert_eq!(steps["steps/shut/block.always/opened"].outcome.as_ref().unwrap().outcome, Outcome::Done);
        assert!(!steps.contains_key("steps/shut/block.rescue/noted"));
        record.journal.close().await.unwrap();
        office.shop.close().await;
    });
}

#[test]
fn a_run_that_is_cancelled_while_it_waits_does_what_is_to_be_done_at_the_end() {
    cancelled_while_it_waits(&On::Sqlite);
    cancelled_while_it_waits(&On::Postgres(postgres()));
}

#[test]
fn the_time_of_a_wait_goes_on_while_the_run_is_paused() {
    block_on(async {
        let mut office = Office::open(&On::Sqlite).await;
        let run = office.waiting().await;
        let asked = office.crm.log().len();
        // A quarter of an hour later another process goes on: it looks once more, and the time is over.
        let late = Arc::new(AtomicI64::new(15 * 60 * 1_000_000));
        let (shift, world) = (late.clone(), office.shop.here.world.clone());
        office.shop.here.world = office
            .shop
            .here
            .world
            .clone()
            .with_clock(move || Stamp { micros: world.now().micros + shift.load(Ordering::Relaxed), digits: 6 });
        let record = office.record().await;
        let (here, opened, pause) = (&office.shop.here, &office.shop.opened, AtomicBool::new(false));
        let carried = ops::resume::resume(here, &record, opened, run, "bea", &|_| {}, &pause).await;
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        assert_eq!(office.crm.log().len(), asked + 1, "it looked once more");
        // It failed, so the rescue came first, and then the end.
        assert_eq!((office.thing("count").await, office.thing("note").await), ("9".into(), "open not ready".into()));
        record.journal.close().await.unwrap();
        office.shop.close().await;
    });
}

fn a_loop_again(on: &On) {
    block_on(async {
        let office = Office::open(on).await;
        let (run, carried) = office.apply(LOOP, &|_| {}, &AtomicBool::new(false)).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        assert_eq!(office.writes(), ["POST /tickets/a", "POST /tickets/b"]);
        let record = office.record().await;
        let (here, opened, pause) = (&office.shop.here, &office.shop.opened, AtomicBool::new(false));
        let retry = async |from| ops::retry::retry(here, &record, opened, run, &again(from), &|_| {}, &pause).await;
        // Only the turn that failed is done again, and those behind it.
        let carried = retry(None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(office.writes()[2..], ["POST /tickets/b", "POST /tickets/c"]);
        assert_eq!(office.prices().await, ["a 1", "b 2", "c 2"]);
        // All of it is taken back, turn by turn, each with its own answer.
        let wish = Wish { actor: Some("bea".into()), ..Wish::default() };
        let ready =
            ops::undo::prepare(here, &record, opened, run, &wish).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let carried = ops::undo::undo(here, &record, &ready, &plan, &wish, &|_| {}, &pause).await;
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(office.writes()[4..], ["DELETE /tickets/c/2", "DELETE /tickets/b/2", "DELETE /tickets/a/1"]);
        assert_eq!(office.prices().await, Vec::<String>::new());
        record.journal.close().await.unwrap();
        office.shop.close().await;
    });
}

#[test]
fn a_retry_goes_on_inside_a_loop_and_an_undo_takes_its_turns_back_newest_first() {
    a_loop_again(&On::Sqlite);
    a_loop_again(&On::Postgres(postgres()));
}

#[test]
fn what_a_rescue_took_back_is_done_again_by_a_retry_and_taken_back_once_by_an_undo() {
    const STEPS: &str = r#"
steps:
  - id: both
    block:
      steps:
        - id: first
          row: { of: thing, set: { count: 5 } }
        - id: ticket
          http: { api: crm, post: /tickets/b }
          undo: none_needed
          because: a test
      rescue:
        - undo: [first]
      always:
        - id: seen
          row: { of: thing, set: { note: "{{ 'failed' if error is not none else 'well' }}" } }
"#;
    block_on(async {
        let office = Office::open(&On::Sqlite).await;
        let (run, carried) = office.apply(STEPS, &|_| {}, &AtomicBool::new(false)).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        assert_eq!((office.thing("count").await, office.thing("note").await), ("null".into(), "failed".into()));
        let record = office.record().await;
        let (here, opened, pause) = (&office.shop.here, &office.shop.opened, AtomicBool::new(false));
        let carried = ops::retry::retry(here, &record, opened, run, &again(None), &|_| {}, &pause).await;
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!((office.thing("count").await, office.thing("note").await), ("5".into(), "well".into()));
        let wish = Wish { actor: Some("bea".into()), ..Wish::default() };
        let ready =
            ops::undo::prepare(here, &record, opened, run, &wish).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let carried = ops::undo::undo(here, &record, &ready, &plan, &wish, &|_| {}, &pause).await;
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!((office.thing("count").await, office.thing("note").await), ("null".into(), "null".into()));
        record.journal.close().await.unwrap();
        office.shop.close().await;
    });
}
