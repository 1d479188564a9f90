//! Calls of other playbooks over several commands: checked once, saved and voided by name, done again and taken back.

use super::servers::{Shop, block_on, postgres, request, root, said};
use std::sync::atomic::AtomicBool;
use trueup::{
    base::{identity::RunId, value::Value, world::World},
    engine::drive::Stopped,
    journal::words::End,
    mock::{Mock, server::Running},
    ops::{self, apply::Carried, retry::Wish as Again, undo::Wish},
    report::diagnostics,
    trial::bench::On,
};

const OUTER: &str = r#"
trueup: v1
name: t/outer
version: 1
title: It calls another one
risk: low
uses:
  shop: { read: [things], write: [things, audits] }
  crm: { methods: [POST, DELETE] }
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
  - id: first
    row: { of: thing, set: { note: first } }
  - id: sale
    for_each: { in: [a, b], as: letter }
    call: { playbook: t/sell, with: { letter: "{{ letter }}" } }
  - id: last
    row: { of: thing, set: { note: "{{ sale | map(attribute='number') | join(' ') }}" } }
"#;

const SELL: &str = r#"
trueup: v1
name: t/sell
version: 1
title: Sell
risk: low
params: { letter: { type: string } }
uses:
  shop: { read: [things], write: [things, audits] }
  crm: { methods: [POST, DELETE] }
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
  - id: ticket
    http: { api: crm, post: "/tickets/{{ params.letter }}" }
    undo: { http: { api: crm, delete: "/tickets/{{ params.letter }}/{{ ticket.body.number }}" } }
  - id: counted
    row: { of: thing, set: { count: "{{ thing.count + 1 }}" } }
returns: { number: "{{ ticket.body.number }}" }
"#;

const MOCK: &str = r#"
trueup: v1
mock: crm
routes:
  - post: /tickets/b
    answers: [{ status: 422 }, { status: 201, json: { number: 22 } }, { status: 201, json: { number: 23 } }]
  - post: "/tickets/{letter}"
    answer: { status: 201, json: { number: 1 } }
  - delete: /**
    answer: { status: 204 }
"#;

const ROWS: &str = "insert into things (id, name, state, count, created_at, updated_at) values (1, 'lamp', 0, 0, '2024-01-01 00:00:00', '2024-01-01 00:00:00');";

struct Office {
    shop: Shop,
    crm: Running,
}

impl Office {
    async fn open(on: &On) -> Office {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let elsewhere = root().join("tests/cases/world").display().to_string();
        let shop = Shop::open(on, &crm.url(), |text| text.replace(&elsewhere, "playbooks")).await;
        shop.sql(ROWS).await;
        let office = Office { shop, crm };
        office.write("outer", OUTER);
        office.write("sell", SELL);
        office
    }

    fn write(&self, name: &str, text: &str) {
        let folder = self.shop.folder.path().join("playbooks/t");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.yaml")), text).unwrap();
    }

    async fn thing(&self, column: &str) -> String {
        let snapshot = self.shop.snapshot().await;
        let shot = snapshot.tables.iter().find(|(t, _)| &*t.table == "things").unwrap().1;
        let row: Value = shot.rows.values().next().unwrap().clone().into();
        row.get(column).unwrap().bare().into_owned()
    }

    fn sent(&self) -> Vec<String> {
        self.crm.log().iter().map(|l| l.call()).collect()
    }

    async fn setting(&self) -> ops::plan::Prepared {
        let loaded = ops::playbook::load(&self.shop.here, &self.shop.opened, "t/outer");
        let loaded = loaded.unwrap_or_else(|f| panic!("{}", said(&f)));
        let made = ops::plan::setting(&self.shop.here, &self.shop.opened, loaded, &request(&[])).await;
        made.unwrap_or_else(|f| panic!("{}", said(&f)))
    }

    async fn apply(&self) -> (RunId, Carried) {
        let prepared = self.setting().await;
        let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await;
        let plan = plan.unwrap_or_else(|f| panic!("{}", said(&f)));
        let record = ops::record::open(&self.shop.here, &self.shop.opened).await.unwrap();
        let (here, opened, pause) = (&self.shop.here, &self.shop.opened, AtomicBool::new(false));
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &pause).await;
        record.journal.close().await.unwrap();
        (prepared.setting.run.id, carried.unwrap_or_else(|f| panic!("{}", said(&f))))
    }
}

fn again_and_back(on: &On) {
    block_on(async {
        let office = Office::open(on).await;
        let (run, carried) = office.apply().await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        assert_eq!(office.sent(), ["POST /tickets/a", "POST /tickets/b"]);
        // Today's file is not what the run goes on with.
        office.write("sell", "trueup: v1\nname: t/sell\nversion: 9\ntitle: Another one\nsteps: []\n");
        let record = ops::record::open(&office.shop.here, &office.shop.opened).await.unwrap();
        let (here, opened, pause) = (&office.shop.here, &office.shop.opened, AtomicBool::new(false));
        let again = |from| Again { reason: Some("once more"), actor: Some("anna"), from, ..Again::default() };
        let carried = ops::retry::retry(here, &record, opened, run, &again(None), &|_| {}, &pause).await;
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(office.sent()[2..], ["POST /tickets/b"], "only the call that failed goes on, at its step");
        assert_eq!((office.thing("count").await, office.thing("note").await), ("2".into(), "1 22".into()));
        let steps = &carried.state.items["-"].steps;
        for path in ["steps/sale[0]/preconditions/thing", "steps/sale[1]/steps/ticket", "steps/sale[1]/steps/counted"] {
            assert!(steps.contains_key(path), "{path}: {:?}", steps.keys());
        }
        let wish = Wish { actor: Some("bea".into()), ..Wish::default() };
        let ready = ops::undo::prepare(here, &record, opened, run, &wish).await;
        let ready = ready.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let carried = ops::undo::undo(here, &record, &ready, &plan, &wish, &|_| {}, &pause).await;
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        // Each with the parameter of its own call.
        assert_eq!(office.sent()[3..], ["DELETE /tickets/b/22", "DELETE /tickets/a/1"]);
        assert_eq!((office.thing("count").await, office.thing("note").await), ("0".into(), "null".into()));
        record.journal.close().await.unwrap();
        office.shop.close().await;
    });
}

#[test]
fn a_retry_goes_on_inside_a_call_with_the_text_of_the_run_and_an_undo_takes_calls_back() {
    again_and_back(&On::Sqlite);
    again_and_back(&On::Postgres(postgres()));
}

#[test]
fn a_retry_from_a_step_in_a_left_loop_does_it_again_and_all_that_follows() {
    block_on(async {
        let office = Office::open(&On::Sqlite).await;
        let broken = OUTER.replace(
            "  - id: last\n",
            "  - http: { api: crm, post: /tickets/b }\n    irreversible: a test\n  - id: last\n",
        );
        // The first answer for `b` is a refusal: of the call in the loop, unless that is about something else.
        office.write("outer", &broken.replace("in: [a, b]", "in: [a, c]"));
        let (run, carried) = office.apply().await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        assert_eq!(office.sent(), ["POST /tickets/a", "POST /tickets/c", "POST /tickets/b"]);
        let record = ops::record::open(&office.shop.here, &office.shop.opened).await.unwrap();
        let (here, opened, pause) = (&office.shop.here, &office.shop.opened, AtomicBool::new(false));
        let from = Some("steps/sale[1]/steps/ticket");
        let wish = Again { reason: Some("once more"), actor: Some("anna"), from, ..Again::default() };
        let carried = ops::retry::retry(here, &record, opened, run, &wish, &|_| {}, &pause).await;
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        // The loop and the call around it are entered no second time; the first turn stays as it is.
        assert_eq!(office.sent()[3..], ["POST /tickets/c", "POST /tickets/b"]);
        assert_eq!(office.thing("note").await, "1 1");
        record.journal.close().await.unwrap();
        office.shop.close().await;
    });
}

#[test]
fn a_saved_plan_is_void_when_a_playbook_that_it_calls_is_another_one_and_names_it() {
    block_on(async {
        let office = Office::open(&On::Sqlite).await;
        let (here, opened) = (&office.shop.here, &office.shop.opened);
        let prepared = office.setting().await;
        let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap();
        let record = ops::record::open(here, opened).await.unwrap();
        let hours = std::time::Duration::from_secs(3600);
        let saved = ops::saved::save(here, opened, &record, &prepared.setting, &plan, Some("a test"), "a.plan", hours);
        saved.unwrap_or_else(|f| panic!("{}", said(&f)));
        let usable = async || ops::saved::usable(here, opened, &record, "a.plan").await.map(|_| ());
        usable().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        office.write("sell", &SELL.replace("version: 1", "version: 2"));
        let why = said(&usable().await.unwrap_err());
        assert!(why.contains("playbooks/t/sell.yaml, which the playbook uses, is not the one of the plan"), "{why}");
        assert!(why.contains("it was version 1, and is version 2 now"), "{why}");
        office.write("sell", &SELL.replace("title: Sell", "title: Sells"));
        let why = said(&usable().await.unwrap_err());
        assert!(why.contains("line 5 differs"), "{why}");
        std::fs::remove_file(office.shop.folder.path().join("playbooks/t/sell.yaml")).unwrap();
        let why = said(&usable().await.unwrap_err());
        assert!(why.contains("is gone: there is no playbooks/t/sell.yaml"), "{why}");
        office.write("sell", SELL);
        usable().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        record.journal.close().await.unwrap();
        office.shop.close().await;
    });
}

#[test]
fn a_problem_of_a_called_playbook_is_told_once_however_many_call_it() {
    block_on(async {
        let office = Office::open(&On::Sqlite).await;
        office.write("other", &OUTER.replace("t/outer", "t/other"));
        office.write("sell", &SELL.replace("thing.count + 1", "thing.count + one"));
        let check = async |paths: &[&str]| {
            let paths: Vec<_> = paths.iter().map(|path| office.shop.folder.path().join(path)).collect();
            let found = ops::check::check(&office.shop.here, &office.shop.opened, &paths, None).await;
            let found = found.unwrap_or_else(|f| panic!("{}", said(&f)));
            found.problems.iter().map(|problems| diagnostics::terminal(problems, 100)).collect::<String>()
        };
        let all = check(&[]).await;
        assert_eq!(all.matches("nothing is called `one`").count(), 1, "{all}");
        let callers = check(&["playbooks/t/outer.yaml", "playbooks/t/other.yaml"]).await;
        assert_eq!(callers.matches("nothing is called `one`").count(), 1, "{callers}");
        // It cannot be run all the same.
        let refused = ops::playbook::load(&office.shop.here, &office.shop.opened, "t/outer").err();
        assert!(said(&refused.unwrap()).contains("nothing is called `one`"));
        office.shop.close().await;
    });
}
