//! Doing again what failed, ending what goes on, and taking back what an API did: with what was captured, nothing twice, and
//! every refusal before anything is recorded. The refusals are compared with `messages/retry-cancel-undo.txt`;
//! `TRUEUP_BLESS=1` writes it anew.

use super::servers::{Shop, block_on, request, root, said};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
use trueup::{
    base::{identity::RunId, time::Stamp, value::Value, world::World},
    engine::{drive::Stopped, state::RunState, undo::left_alone, watch::Tick},
    journal::words::End,
    mock::{Mock, server::Running},
    ops::{
        self, Failure,
        apply::Carried,
        resolve::{Decision, Resolution},
        retry::Wish as Again,
        undo::Wish,
    },
    report::{
        look::{Look, View},
        run as drawn,
    },
    trial::bench::On,
};

const PLAYBOOK: &str = r#"
trueup: v1
name: again/playbook
version: 1
title: A ticket for a thing
owner: boss
uses:
  shop: { read: [things], write: [things, audits] }
  crm: { methods: [GET, POST, DELETE] }
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
  - id: first
    row: { of: thing, set: { state: open, email: new@shop.example } }
  - id: ticket
    http: { api: crm, post: /tickets, json: { thing: "{{ thing.id }}" } }
    undo: { http: { api: crm, delete: "/tickets/{{ ticket.body.number }}" } }
  - id: last
    row: { of: thing, set: { note: "{{ 'T' ~ ticket.body.number }}" } }
verification:
  - id: good
    http: { api: crm, get: /good }
    is: good.body.good
  - assert: good.body.good
afterwards:
  - tell: { who: clerk, message: "ticket {{ ticket.body.number }}" }
"#;

const ROWS: &str = "insert into things (id, name, state, email, created_at, updated_at) values (1, 'lamp', 0, 'old@shop.example', '2024-01-01 00:00:00', '2024-01-01 00:00:00');";

/// The first ticket is refused. What is looked at in the end is not good when it is looked at for the first time in the
/// plan, nor in the first run that comes so far.
const MOCK: &str = r#"
trueup: v1
mock: crm
routes:
  - post: /tickets
    answers: [{ status: TICKET }, { status: 201, json: { number: "{{ calls }}" } }]
  - delete: "/tickets/{number}"
    answer: { status: 204 }
  - get: /late
    answers: [{ json: { good: false } }, { json: { good: false } }, { json: { good: false } }, { json: { good: true } }]
  - post: /done
    answer: { status: 201, json: {} }
  - get: /good
    answers: [{ json: { good: false } }, { json: { good: false } }, { json: { good: true } }]
"#;

struct Office {
    shop: Shop,
    crm: Running,
    told: Mutex<Vec<String>>,
}

impl Office {
    async fn open(ticket: &str) -> Office {
        let crm = Mock::from_yaml(&MOCK.replace("TICKET", ticket)).unwrap().start(World::real()).await.unwrap();
        let shop = Shop::open(&On::Sqlite, &crm.url(), |text| text).await;
        shop.sql(ROWS).await;
        Office { shop, crm, told: Mutex::default() }
    }

    fn hear(&self, tick: Tick) {
        if let Tick::PassOn { text, .. } = tick {
            self.told.lock().unwrap().push(text);
        }
    }

    async fn record(&self) -> ops::record::Record {
        ops::record::open(&self.shop.here, &self.shop.opened).await.unwrap()
    }

    async fn apply_with(&self, text: &str, watch: &(dyn Fn(Tick) + Send + Sync)) -> (RunId, Carried) {
        let prepared = self.shop.prepare(text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan =
            ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let (record, pause) = (self.record().await, AtomicBool::new(false));
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, watch, &pause).await;
        record.journal.close().await.unwrap();
        (prepared.setting.run.id, carried.unwrap_or_else(|f| panic!("{}", said(&f))))
    }

    async fn apply(&self, text: &str) -> (RunId, Carried) {
        self.apply_with(text, &|tick| self.hear(tick)).await
    }

    async fn retry(&self, run: RunId, wish: Again<'_>) -> Result<Carried, Failure> {
        let (record, pause) = (self.record().await, AtomicBool::new(false));
        let (here, opened, watch) = (&self.shop.here, &self.shop.opened, |tick| self.hear(tick));
        let carried = ops::retry::retry(here, &record, opened, run, &wish, &watch, &pause).await;
        record.journal.close().await.unwrap();
        carried
    }

    async fn cancel(&self, run: RunId, reason: Option<&str>) -> Result<ops::cancel::Cancelled, Failure> {
        let record = self.record().await;
        let done = ops::cancel::cancel(
            &self.shop.here,
            &record,
            &self.shop.opened,
            run,
            &ops::cancel::Wish { reason, actor: Some("bea") },
            &|_| {},
            &AtomicBool::new(false),
        )
        .await;
        record.journal.close().await.unwrap();
        done
    }

    async fn undo(
        &self,
        run: RunId,
        wish: Wish,
        pause_after: Option<&str>,
    ) -> Result<(RunId, Carried, usize), Failure> {
        let record = self.record().await;
        let ready = ops::undo::prepare(&self.shop.here, &record, &self.shop.opened, run, &wish).await?;
        let plan = ops::undo::plan(&ready, &|_| {}).await?;
        let pause = AtomicBool::new(false);
        let watch = |tick: Tick| {
            if matches!(&tick, Tick::Over { path, .. } if Some(&**path) == pause_after) {
                pause.store(true, Ordering::Relaxed);
            }
        };
        let carried = ops::undo::undo(&self.shop.here, &record, &ready, &plan, &wish, &watch, &pause).await?;
        record.journal.close().await.unwrap();
        let setting = &ready.prepared.setting;
        let left = left_alone(&setting.outline, &carried.state, "-").len();
        Ok((setting.run.id, carried, left))
    }

    async fn state(&self, run: RunId) -> RunState {
        let record = self.record().await;
        let state = record.state(run).await.unwrap();
        record.journal.close().await.unwrap();
        state
    }

    async fn thing(&self) -> Value {
        let snapshot = self.shop.snapshot().await;
        let shot = snapshot.tables.iter().find(|(t, _)| &*t.table == "things").unwrap().1;
        shot.rows.values().next().unwrap().clone().into()
    }

    async fn comments(&self) -> Vec<String> {
        let snapshot = self.shop.snapshot().await;
        let shot = snapshot.tables.iter().find(|(t, _)| &*t.table == "audits").unwrap().1;
        shot.rows.values().map(|row| row["comment"].bare().into_owned()).collect()
    }

    fn writes(&self) -> Vec<String> {
        self.crm.log().iter().map(|l| l.call()).filter(|call| !call.starts_with("GET")).collect()
    }
}

fn text(row: &Value, column: &str) -> String {
    row.get(column).unwrap().bare().into_owned()
}

fn because(reason: &str) -> Again<'_> {
    Again { reason: Some(reason), actor: Some("anna"), ..Again::default() }
}

fn by_bea() -> Wish {
    Wish { actor: Some("bea".into()), ..Wish::default() }
}

#[test]
fn a_retry_goes_on_from_the_step_that_failed_and_does_nothing_twice() {
    block_on(async {
        let office = Office::open("422").await;
        let (run, carried) = office.apply(PLAYBOOK).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        assert_eq!((office.writes().len(), office.comments().await.len()), (1, 1));
        // The ticket is made now, but what is looked at in the end is not good yet: the change stands, unconfirmed.
        let carried =
            office.retry(run, because("CRM knows the thing now")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        assert_eq!(office.writes(), ["POST /tickets", "POST /tickets"]);
        assert_eq!(office.comments().await.len(), 2);
        // Verification is looked at anew, as a whole; nothing else is done again.
        let carried = office.retry(run, because("look again")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(office.writes().len(), 2);
        assert_eq!(*office.told.lock().unwrap(), ["ticket 2"]);
        assert_eq!(
            (text(&office.thing().await, "state"), text(&office.thing().await, "note")),
            ("1".into(), "T2".into())
        );
        office.shop.close().await;
    });
}

#[test]
fn from_an_earlier_step_on_what_was_done_is_done_again_under_a_new_name() {
    block_on(async {
        let office = Office::open("201, json: { number: \"{{ calls }}\" }").await;
        let (run, carried) = office.apply(PLAYBOOK).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "verification: {:?}", carried.state.closed);
        let wish = Again { from: Some("ticket"), ..because("the ticket was lost") };
        let carried = office.retry(run, wish).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(office.writes(), ["POST /tickets", "POST /tickets"]);
        let ticket = &carried.state.items["-"].steps["steps/ticket"];
        assert_eq!(ticket.effect.as_ref().unwrap().generation, 1);
        // The row is compared with what the run itself left, not with what was planned at first.
        assert_eq!(text(&office.thing().await, "note"), "T2");
        // Both tickets are taken back, the newest first.
        let (_, carried, _) = office.undo(run, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        let deletes = office.writes().into_iter().filter(|call| call.starts_with("DELETE")).count();
        assert_eq!(deletes, 2, "{:?}", office.writes());
        assert_eq!(office.writes()[2..], ["DELETE /tickets/2", "DELETE /tickets/1"], "each with its own answer");
        assert_eq!(
            (text(&office.thing().await, "state"), text(&office.thing().await, "note")),
            ("0".into(), "null".into())
        );
        office.shop.close().await;
    });
}

/// Two turns of a loop and a block, all left, before a step that fails.
const LEFT: &str = r#"
trueup: v1
name: again/left
version: 1
title: Tickets for a thing
owner: boss
uses:
  shop: { read: [things], write: [things, audits] }
  crm: { methods: [GET, POST, DELETE] }
steps:
  - id: each
    for_each: { in: [a, b], as: letter }
    block:
      steps:
        - id: ticket
          http: { api: crm, post: /tickets, json: { thing: "{{ letter }}" } }
          undo: { http: { api: crm, delete: "/tickets/{{ ticket.body.number }}" } }
  - id: both
    block:
      steps:
        - id: seen
          row: { table: shop.things, key: { id: 1 }, set: { note: seen } }
        - id: sold
          row: { table: shop.things, key: { id: 1 }, set: { state: open } }
      always:
        - id: done
          http: { api: crm, post: /done, json: {} }
          undo: none_needed
          because: it is a mark
  - id: good
    http: { api: crm, get: /late, success_when: self.body.good }
"#;

#[test]
fn a_step_inside_of_a_loop_or_a_block_that_was_left_is_where_a_retry_begins() {
    block_on(async {
        let office = Office::open("201, json: { number: \"{{ calls }}\" }").await;
        let (run, carried) = office.apply(LEFT).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        assert_eq!(office.writes(), ["POST /tickets", "POST /tickets", "POST /done"]);
        // The second turn, and all that comes behind it.
        let wish = Again { from: Some("steps/each[1]/ticket"), ..because("the second ticket was lost") };
        let carried = office.retry(run, wish).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        assert_eq!(office.writes()[3..], ["POST /tickets", "POST /done"]);
        let generation = |carried: &Carried, path: &str| {
            carried.state.items["-"].steps[path].effect.as_ref().map(|effect| effect.generation)
        };
        assert_eq!(generation(&carried, "steps/each[0]/ticket"), Some(0), "the first turn stands");
        assert_eq!(generation(&carried, "steps/each[1]/ticket"), Some(1));
        // Inside of the block: its first step stands, its `always` is done again, and the last one goes through now.
        let wish = Again { from: Some("sold"), ..because("once more") };
        let carried = office.retry(run, wish).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(office.writes()[5..], ["POST /done"]);
        assert_eq!(generation(&carried, "steps/each[1]/ticket"), Some(1));
        // All three tickets are taken back, each with its own answer.
        let (_, carried, _) = office.undo(run, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert!(matches!(carried.stopped, Stopped::Closed(End::Changed | End::Drifted)), "{:?}", carried.state.closed);
        let mut deletes: Vec<String> = office.writes().into_iter().filter(|call| call.starts_with("DELETE")).collect();
        deletes.sort();
        assert_eq!(deletes, ["DELETE /tickets/1", "DELETE /tickets/2", "DELETE /tickets/3"]);
        assert_eq!(text(&office.thing().await, "note"), "null");
        office.shop.close().await;
    });
}

#[test]
fn a_row_that_somebody_changed_since_is_no_longer_as_planned() {
    block_on(async {
        let office = Office::open("422").await;
        let (run, _) = office.apply(PLAYBOOK).await;
        office.shop.sql("update things set note = 'by hand' where id = 1").await;
        let carried = office.retry(run, because("again")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{:?}", carried.state.closed);
        assert_eq!(text(&office.thing().await, "note"), "by hand");
        office.shop.close().await;
    });
}

#[test]
fn a_call_is_taken_back_with_what_it_answered_and_made_again_by_the_undo_of_the_undo() {
    block_on(async {
        let office = Office::open("422").await;
        let (run, _) = office.apply(PLAYBOOK).await;
        office.retry(run, because("again")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let before = office.thing().await;
        let (undo, carried, _) = office.undo(run, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(office.writes(), ["POST /tickets", "POST /tickets", "DELETE /tickets/2"]);
        let thing = office.thing().await;
        assert_eq!((text(&thing, "state"), text(&thing, "note")), ("0".into(), "null".into()));
        assert_eq!(text(&thing, "email"), "old@shop.example");
        let comments = office.comments().await;
        assert!(comments[2..].iter().all(|c| *c == format!("undo of run {} (a test)", run.short())), "{comments:?}");
        // Made again: a new ticket, because the old one is gone, and the rows as the run had left them.
        let (again, ..) = office.undo(undo, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(office.writes().last().unwrap(), "POST /tickets");
        let thing = office.thing().await;
        assert_eq!((text(&thing, "note"), text(&thing, "email")), (text(&before, "note"), text(&before, "email")));
        // And that is taken back with the answer of the new call.
        office.undo(again, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(office.writes().last().unwrap(), "DELETE /tickets/3");
        office.shop.close().await;
    });
}

#[test]
fn an_undo_that_was_made_while_the_clock_was_set_back_is_not_made_twice() {
    block_on(async {
        let mut office = Office::open("422").await;
        let (run, _) = office.apply(PLAYBOOK).await;
        office.retry(run, because("again")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let right = office.shop.here.world.clone();
        office.shop.here.world = World::real().with_clock(|| {
            let now = World::real().now();
            Stamp { micros: now.micros - 3 * 86_400_000_000, ..now }
        });
        let (undo, ..) = office.undo(run, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        office.shop.here.world = right;
        let writes = office.writes();
        assert_eq!(writes.last().unwrap(), "DELETE /tickets/2");
        // To the list it is older than the run that it takes back.
        let twice = office.undo(run, by_bea(), None).await.err().map(|f| said(&f)).unwrap_or_default();
        assert!(twice.contains("was taken back already, by bea in run"), "{twice}");
        let again = office.retry(run, because("again")).await.err().map(|f| said(&f)).unwrap_or_default();
        assert!(!again.is_empty() && office.writes() == writes, "{again}");
        // The undo of it knows where it belongs.
        office.undo(undo, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let made = office.undo(run, by_bea(), None).await.err().map(|f| said(&f)).unwrap_or_default();
        assert!(made.contains("made it again"), "{made}");
        office.shop.close().await;
    });
}

#[test]
fn an_undo_that_was_interrupted_goes_on_with_what_is_left() {
    block_on(async {
        let office = Office::open("422").await;
        let (run, _) = office.apply(PLAYBOOK).await;
        office.retry(run, because("again")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let (undo, carried, _) =
            office.undo(run, by_bea(), Some("steps/last")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Paused);
        assert_eq!(office.writes().len(), 2, "the ticket is still there");
        let twice = office.undo(run, by_bea(), None).await.err().map(|f| said(&f)).unwrap_or_default();
        assert!(twice.contains("takes run") && twice.contains("trueup resume"), "{twice}");
        let (record, pause) = (office.record().await, AtomicBool::new(false));
        let (here, opened) = (&office.shop.here, &office.shop.opened);
        let carried = ops::resume::resume(here, &record, opened, undo, "carl", &|_| {}, &pause).await.unwrap();
        record.journal.close().await.unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(office.writes().last().unwrap(), "DELETE /tickets/2");
        assert_eq!((text(&office.thing().await, "state"), office.comments().await.len()), ("0".into(), 4));
        office.shop.close().await;
    });
}

#[test]
fn a_conflict_shows_three_versions_and_no_person() {
    block_on(async {
        let office = Office::open("422").await;
        let (run, _) = office.apply(PLAYBOOK).await;
        office.shop.sql("update things set email = 'third@shop.example', count = 5 where id = 1").await;
        let strict = Wish { all_or_nothing: true, ..by_bea() };
        let (_, carried, left) = office.undo(run, strict, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!((carried.stopped, left), (Stopped::Closed(End::Drifted), 0), "all or nothing");
        assert_eq!(text(&office.thing().await, "state"), "1");
        let (undo, carried, left) = office.undo(run, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!((carried.stopped, left), (Stopped::Closed(End::Drifted), 1), "{:?}", carried.state.closed);
        assert_eq!(
            (text(&office.thing().await, "state"), text(&office.thing().await, "count")),
            ("1".into(), "5".into())
        );
        let facts = |table: &trueup::effect::change::TableName| office.shop.opened.project.facts(table);
        let view = View {
            look: Look { width: 100, unicode: true, ..Look::default() },
            facts: &facts,
            draw: &|_, _, _| String::new(),
        };
        let shown = drawn::text(undo, &office.state(undo).await, &view);
        assert!(shown.contains("left alone") && shown.contains("by the run"), "{shown}");
        assert!(!shown.contains("@shop.example"), "{shown}");
        // What is in the way gone, the same undo takes back the rest.
        office.shop.sql("update things set email = 'new@shop.example' where id = 1").await;
        let (_, carried, left) = office.undo(run, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!((carried.stopped, left), (Stopped::Closed(End::Changed), 0), "{:?}", carried.state.closed);
        assert_eq!(
            (text(&office.thing().await, "state"), text(&office.thing().await, "count")),
            ("0".into(), "5".into())
        );
        office.shop.close().await;
    });
}

#[test]
fn a_call_that_an_earlier_undo_made_is_not_made_again() {
    block_on(async {
        let office = Office::open("201, json: { number: \"{{ calls }}\" }").await;
        let (run, _) = office.apply(PLAYBOOK).await;
        office.shop.sql("update things set note = 'by hand' where id = 1").await;
        let (_, carried, left) = office.undo(run, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!((carried.stopped, left), (Stopped::Closed(End::Drifted), 1), "{:?}", carried.state.closed);
        assert_eq!(office.writes(), ["POST /tickets", "DELETE /tickets/1"]);
        office.shop.sql("update things set note = 'T1' where id = 1").await;
        let (undo, carried, left) = office.undo(run, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!((carried.stopped, left), (Stopped::Closed(End::Changed), 0), "{:?}", carried.state.closed);
        assert_eq!(office.writes(), ["POST /tickets", "DELETE /tickets/1"]);
        let state = office.state(undo).await;
        let message = state.items["-"].steps["steps/ticket"].outcome.as_ref().unwrap().message.clone().unwrap();
        assert!(message.starts_with("taken back already, by run"), "{message}");
        office.shop.close().await;
    });
}

#[test]
fn a_call_whose_answer_nobody_knows_is_left_with_the_reason_and_the_rest_is_taken_back() {
    block_on(async {
        let office = Office::open("500").await;
        let (run, carried) = office.apply(PLAYBOOK).await;
        assert!(matches!(carried.stopped, Stopped::InDoubt(_)), "{:?}", carried.stopped);
        let (record, pause) = (office.record().await, AtomicBool::new(false));
        let (here, opened) = (&office.shop.here, &office.shop.opened);
        let found = Resolution {
            item: None,
            step: None,
            decision: Decision::Done,
            reason: Some("the ticket is there"),
            actor: Some("bea"),
        };
        let carried = ops::resolve::resolve(here, &record, opened, run, &found, false, &|_| {}, &pause).await;
        record.journal.close().await.unwrap();
        // `last` needs the number of the ticket, and nobody knows it.
        assert_eq!(carried.unwrap_or_else(|f| panic!("{}", said(&f))).unwrap().stopped, Stopped::Closed(End::Failed));
        let (undo, carried, _) = office.undo(run, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{:?}", carried.state.closed);
        assert_eq!((office.writes().len(), text(&office.thing().await, "state")), (1, "0".into()));
        let state = office.state(undo).await;
        let message = state.items["-"].steps["steps/ticket"].outcome.as_ref().unwrap().message.clone().unwrap();
        assert!(message.contains("not taken back: a person decided that it happened"), "{message}");
        office.shop.close().await;
    });
}

#[test]
fn a_running_process_ends_a_cancelled_run_between_two_steps() {
    block_on(async {
        let office = Office::open("201, json: { number: \"{{ calls }}\" }").await;
        let found = Mutex::new(None);
        let watch = |tick: Tick| {
            let over = matches!(&tick, Tick::Over { path, .. } if &**path == "steps/first");
            if over && found.lock().unwrap().is_none() {
                // Another process: the run does not know of it but through the journal.
                let done = std::thread::scope(|scope| {
                    scope
                        .spawn(|| {
                            block_on(async {
                                let record = office.record().await;
                                let runs = record.journal.runs(&Default::default(), 1).await.unwrap();
                                let run = runs[0].id;
                                record.journal.close().await.unwrap();
                                office.cancel(run, Some("wrong thing")).await.map(|done| done.worker.is_some())
                            })
                        })
                        .join()
                        .unwrap()
                });
                *found.lock().unwrap() = Some(done.unwrap_or_else(|f| panic!("{}", said(&f))));
            }
        };
        let (run, carried) = office.apply_with(PLAYBOOK, &watch).await;
        assert_eq!(*found.lock().unwrap(), Some(true), "somebody worked on it");
        assert_eq!(carried.stopped, Stopped::Closed(End::Cancelled), "{:?}", carried.state.closed);
        assert_eq!(carried.state.closed.as_ref().unwrap().reason.as_deref(), Some("cancelled by bea: wrong thing"));
        assert!(office.writes().is_empty(), "{:?}", office.writes());
        assert_eq!(text(&office.thing().await, "state"), "1", "what was done stays done");
        office.undo(run, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(text(&office.thing().await, "state"), "0");
        office.shop.close().await;
    });
}

const ASKS: &str = r#"
trueup: v1
name: again/asks
version: 1
title: A question
uses: { shop: { read: [things], write: [things, audits] } }
retry: { scope: run, by: owner }
owner: boss
steps:
  - block:
      transaction: shop
      steps:
        - id: inner
          row: { table: shop.things, key: { id: 1 }, set: { state: open } }
  - id: worth
    ask: { who: boss, question: "What is it worth?", answer: { amount: { type: decimal } }, affects: [] }
  - assert: worth.amount > 1
    otherwise: { fail: "It is worth nothing." }
"#;

/// Every refusal of a list, run ids taken out; nothing may be recorded by any of them.
struct Refusals<'a> {
    office: &'a Office,
    text: String,
}

impl Refusals<'_> {
    async fn add(&mut self, name: &str, run: RunId, failure: Option<Failure>, events: usize) {
        let failure = failure.unwrap_or_else(|| panic!("{name}: it was not refused"));
        let record = self.office.record().await;
        assert_eq!(record.journal.events(run).await.unwrap().len(), events, "{name}: something was recorded");
        record.journal.close().await.unwrap();
        let mut said = said(&failure);
        for word in said.clone().split(|c: char| !c.is_ascii_hexdigit()).filter(|w| w.len() == 8) {
            said = said.replace(word, "RUN");
        }
        self.text.push_str(&format!("--- {name}\n{}\n\n", said.trim_end()));
    }

    async fn events(&self, run: RunId) -> usize {
        let record = self.office.record().await;
        let events = record.journal.events(run).await.unwrap().len();
        record.journal.close().await.unwrap();
        events
    }

    async fn retry(&mut self, name: &str, run: RunId, wish: Again<'_>) {
        let events = self.events(run).await;
        let failure = self.office.retry(run, wish).await.err();
        self.add(&format!("retry: {name}"), run, failure, events).await;
    }

    async fn cancel(&mut self, name: &str, run: RunId, reason: Option<&str>) {
        let events = self.events(run).await;
        let failure = self.office.cancel(run, reason).await.err();
        self.add(&format!("cancel: {name}"), run, failure, events).await;
    }

    async fn undo(&mut self, name: &str, run: RunId, wish: Wish) {
        let events = self.events(run).await;
        let failure = self.office.undo(run, wish, None).await.err();
        self.add(&format!("undo: {name}"), run, failure, events).await;
    }
}

#[test]
fn whatever_speaks_against_it_is_said_before_anything_is_recorded() {
    block_on(async {
        let office = Office::open("422").await;
        let mut refusals = Refusals { office: &office, text: String::new() };
        let (failed, _) = office.apply(PLAYBOOK).await;
        let long = "x".repeat(501);
        refusals.retry("without a reason", failed, Again { actor: Some("anna"), ..Again::default() }).await;
        refusals.retry("an empty reason", failed, because("  ")).await;
        refusals.retry("a reason that is too long", failed, because(&long)).await;
        refusals.retry("by nobody", failed, Again { reason: Some("again"), ..Again::default() }).await;
        refusals.retry("an unknown item", failed, Again { item: Some("4711"), ..because("again") }).await;
        refusals.retry("an unknown step", failed, Again { from: Some("tickets"), ..because("again") }).await;
        refusals.retry("a step behind the failed one", failed, Again { from: Some("last"), ..because("again") }).await;
        refusals.cancel("a run that is over", failed, Some("no")).await;
        refusals.undo("an unknown item", failed, Wish { item: Some("4711".into()), ..by_bea() }).await;
        refusals.undo("a reason that is too long", failed, Wish { reason: Some(long.clone()), ..by_bea() }).await;
        refusals.undo("by nobody", failed, Wish::default()).await;

        office.undo(failed, by_bea(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        refusals.retry("a run that was taken back", failed, because("again")).await;
        refusals.undo("a run that was taken back", failed, by_bea()).await;

        let (asks, carried) = office.apply(ASKS).await;
        assert_eq!(carried.stopped, Stopped::Waits("steps/worth".into()));
        refusals.retry("a run that waits", asks, because("again")).await;
        refusals.undo("a run that waits", asks, by_bea()).await;
        refusals.cancel("without a reason", asks, None).await;
        let (record, pause) = (office.record().await, AtomicBool::new(false));
        let given = [("amount".to_owned(), Value::from("1"))];
        let (here, opened) = (&office.shop.here, &office.shop.opened);
        let carried =
            ops::answer::answer(here, &record, opened, asks, "worth", None, &given, "boss", &|_| {}, &pause).await;
        record.journal.close().await.unwrap();
        assert_eq!(carried.unwrap_or_else(|f| panic!("{}", said(&f))).stopped, Stopped::Closed(End::Failed));
        refusals.retry("by somebody who may not", asks, Again { actor: Some("carl"), ..because("again") }).await;
        refusals.retry("one item where only the whole may", asks, Again { item: Some("-"), ..because("again") }).await;
        refusals.retry("a part of a transaction", asks, Again { from: Some("inner"), ..because("again") }).await;

        let (waits, _) = office.apply(&ASKS.replace("state: open", "state: sold")).await;
        let done = office.cancel(waits, Some("not needed")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert!(done.worker.is_none());
        assert_eq!(done.state.end(), End::Cancelled);
        let record = office.record().await;
        assert!(record.journal.waiting().await.unwrap().is_empty(), "nobody is asked any more");
        record.journal.close().await.unwrap();
        refusals.retry("a run that was cancelled", waits, because("again")).await;
        refusals.cancel("a run that was cancelled", waits, Some("twice")).await;

        let nothing = "trueup: v1\nname: again/nothing\nversion: 1\ntitle: Nothing\nuses: { shop: { read: [things] } }\nsteps:\n  - id: thing\n    find: { table: shop.things, where: { id: 1 }, expect: one }\n  - ask: { who: boss, question: Well?, answer: { ok: { type: string } }, affects: [] }\n";
        let (idle, _) = office.apply(nothing).await;
        office.cancel(idle, Some("enough")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        refusals.undo("a run that changed nothing", idle, by_bea()).await;

        let doubtful = Office::open("500").await;
        let (doubt, carried) = doubtful.apply(PLAYBOOK).await;
        assert!(matches!(carried.stopped, Stopped::InDoubt(_)), "{:?}", carried.stopped);
        let mut more = Refusals { office: &doubtful, text: std::mem::take(&mut refusals.text) };
        more.retry("a run in doubt", doubt, because("again")).await;
        more.undo("a run in doubt", doubt, by_bea()).await;
        more.cancel("a run in doubt", doubt, Some("no")).await;

        let path = root().join("tests/trueup/messages/retry-cancel-undo.txt");
        if std::env::var_os("TRUEUP_BLESS").is_some() {
            std::fs::write(&path, &more.text).unwrap();
        }
        assert_eq!(more.text, std::fs::read_to_string(&path).unwrap_or_default());
        doubtful.shop.close().await;
        office.shop.close().await;
    });
}
