//! What an undo tells: nothing of what its run wrote hidden, whatever the project file says of the columns; what it could not take back, and
//! why; and after a retry what it really did.

use super::{
    hidden::{self, Desk},
    many::{Store, playbook},
    servers::{Shop, block_on, mysql, postgres, said},
};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};
use trueup::{
    base::{identity::RunId, value::Value, world::World},
    effect::change::TableName,
    engine::{drive::Stopped, watch::Tick},
    journal::words::End,
    mock::{Mock, server::Running},
    ops::{self, apply::Carried, retry::Wish as Again, undo::Wish},
    plan::Plan,
    report::{
        applied,
        look::{Look, View},
        plan as planned, plan_json, run as drawn, run_json,
    },
    trial::bench::{On, Place},
};

/// Letters that stand in no base64, so that nothing sealed holds them by chance.
const WHO: &str = "Zaphod~Beeble&brox";
const OTHER: &str = "Trillian~Mc&Millan";
const MAIL: &str = "marvin~7@hidden&place";

fn wish() -> Wish {
    Wish { actor: Some("anna".into()), ..Wish::default() }
}

/// Everything that came out.
#[derive(Default)]
struct Out(String);

impl Out {
    fn takes(&mut self, what: &str, text: &str) {
        self.0.push_str(&format!("\n=== {what}\n{text}"));
    }

    fn plan(&mut self, what: &str, shop: &Shop, plan: &Plan) {
        let facts = |table: &TableName| shop.opened.project.facts(table);
        self.takes(what, &planned::text(plan, &planned::About::default(), &view(&facts)));
        self.takes(what, &plan_json::document(plan, &facts));
    }

    async fn run(&mut self, what: &str, store: &Store, run: RunId) {
        let (state, facts) = (store.state(run).await, |table: &TableName| store.shop.opened.project.facts(table));
        self.takes(what, &drawn::text(run, &state, &view(&facts)));
        self.takes(what, &applied::text(run, &state, &view(&facts)));
        self.takes(what, &run_json::run(run, &state, &facts));
    }

    /// None of the canaries stands there, nor in any file but the database itself.
    fn holds_none(&mut self, shop: &Shop) {
        files(shop.folder.path(), shop.place(), &mut self.0);
        assert!(self.0.contains("step.images") && self.0.contains("(personal)"), "{}", self.0);
        for canary in [WHO, OTHER, MAIL] {
            for form in [canary.to_owned(), canary.to_uppercase()] {
                if let Some(at) = self.0.find(&form) {
                    let from = self.0.floor_char_boundary(at.saturating_sub(400));
                    let heading =
                        self.0[..at].rfind("\n=== ").map_or("", |at| self.0[at + 5..].lines().next().unwrap());
                    panic!("{form} in {heading}: …{}", &self.0[from..at + form.len()]);
                }
            }
        }
    }
}

fn view<'a>(facts: &'a (dyn Fn(&TableName) -> Option<&'a trueup::table::facts::Facts> + Sync)) -> View<'a> {
    View { look: Look { width: 400, unicode: true, ..Look::default() }, facts, draw: &|_, _, _| String::new() }
}

fn files(folder: &Path, place: &Place, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let own = matches!(place, Place::File(file) if path.starts_with(file) || path.to_string_lossy().starts_with(&*file.to_string_lossy()));
        if path.is_dir() {
            files(&path, place, into);
        } else if !own {
            into.push_str(&format!(
                "\n=== {}\n{}",
                path.display(),
                String::from_utf8_lossy(&std::fs::read(&path).unwrap())
            ));
        }
    }
}

/// Plans the undo, and carries it out; with `pause` only up to the end of this step, and then on.
async fn back(store: &Store, run: RunId, later: &str, pause: Option<&str>, out: &mut Out) -> (RunId, Plan, Carried) {
    let (record, stop) = (store.record().await, AtomicBool::new(pause == Some("")));
    let (here, opened) = (&store.shop.here, &store.shop.opened);
    let ready = ops::undo::prepare(here, &record, opened, run, &wish()).await;
    let ready = ready.unwrap_or_else(|f| panic!("{}", said(&f)));
    let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    out.plan("the plan of an undo", &store.shop, &plan);
    if !later.is_empty() {
        store.shop.sql(later).await;
    }
    let watch = |tick: Tick| {
        if matches!(&tick, Tick::Over { path, .. } if Some(&**path) == pause) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let carried = ops::undo::undo(here, &record, &ready, &plan, &wish(), &watch, &stop).await;
    record.journal.close().await.unwrap();
    let (undo, mut carried) = (ready.prepared.setting.run.id, carried.unwrap_or_else(|f| panic!("{}", said(&f))));
    if pause.is_some() {
        assert!(!matches!(carried.stopped, Stopped::Closed(_)), "{:?}", carried.stopped);
        carried = store.resume(undo).await;
    }
    out.run("an undo", store, undo).await;
    (undo, plan, carried)
}

const PARAMS: &str = "params:\n  who: { type: string, personal: true, description: Whom it is for, example: Ada }\n";
const ONE: &str = r#"preconditions:
- id: thing
  find: { table: shop.things, where: { id: 1 } }
steps:
- id: mark
  row: { of: thing, set: { name: "{{ params.who }}", note: "{{ thing.email | upper }}" } }
- id: again
  find: { table: shop.things, where: { id: 1 } }
- id: sell
  row: { of: again, set: { state: sold } }
"#;
const EACH: &str = r#"targets:
  from: { find: { table: shop.things, where: { id: { at_least: 1 } }, columns: [id, email] } }
steps:
- id: mark
  row: { table: shop.things, key: { id: "{{ item.id }}" }, set: { name: "{{ params.who }} {{ item.id }}", note: "{{ item.email | upper }}" } }
- id: sell
  row: { table: shop.things, key: { id: "{{ item.id }}" }, set: { state: sold } }
"#;

async fn tells_nobody(on: &On, text: &str, things: u32, pause: &str) {
    let (store, mut out) = (Store::open(on, things).await, Out::default());
    store.shop.sql(&format!("update things set email = '{MAIL}'")).await;
    let params = [("who", Value::text(WHO))];
    let (run, done) = store.apply(text, &params).await;
    assert_eq!(done.stopped, Stopped::Closed(End::Changed), "{:?}", done.state.closed);
    out.run("the run", &store, run).await;
    // All is as wanted, and what is read to see that is not told either.
    let (second, done) = store.apply(text, &params).await;
    assert_eq!(done.stopped, Stopped::Closed(End::Unchanged), "{:?}", done.state.closed);
    out.run("the second run", &store, second).await;
    let (_, plan) = store.plan(text, &[("who", Value::text(OTHER))]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    out.plan("the plan for somebody else", &store.shop, &plan);
    // Back, made again with a pause in between, and back.
    let (undo, _, carried) = back(&store, run, "", None, &mut out).await;
    assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
    assert_eq!(store.column("name").await[0], "thing 1");
    let (again, _, carried) = back(&store, undo, "", Some(pause), &mut out).await;
    assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
    assert!(store.column("name").await[0].starts_with(WHO));
    // Somebody wrote another name meanwhile, before the undo is planned and after.
    let later = format!("update things set note = '{OTHER}' where id = 1");
    store.shop.sql(&format!("update things set name = '{OTHER}' where id = 1")).await;
    let (_, plan, carried) = back(&store, again, &later, None, &mut out).await;
    assert_eq!((plan.tally().left_alone, carried.stopped), (1, Stopped::Closed(End::Drifted)));
    out.holds_none(&store.shop);
    store.shop.close().await;
}

#[test]
fn an_undo_tells_nobody_what_its_run_wrote_hidden() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            tells_nobody(&on, &playbook(&[PARAMS, ONE]).replace("write:", "read: [things], write:"), 1, "steps/mark")
                .await;
            tells_nobody(&on, &playbook(&[PARAMS, EACH]).replace("write:", "read: [things], write:"), 12, "").await;
        }
    });
}

#[test]
fn what_is_found_in_place_of_something_hidden_is_not_told() {
    block_on(async {
        let (store, mut out) = (Store::open(&On::Sqlite, 1).await, Out::default());
        store.shop.sql(&format!("update things set email = '{MAIL}'")).await;
        let text = playbook(&[PARAMS, ONE]).replace("write:", "read: [things], write:");
        let (run, _) = store.apply(&text, &[("who", Value::text(WHO))]).await;
        out.run("the run", &store, run).await;
        let (prepared, plan) =
            store.plan(&text, &[("who", Value::text("Ford~Prefect"))]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        store.shop.sql(&format!("update things set name = '{OTHER}' where id = 1")).await;
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await;
        record.journal.close().await.unwrap();
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Drifted));
        out.takes("drift", &format!("{:?}", carried.drift));
        out.run("the run that drifted", &store, prepared.setting.run.id).await;
        out.holds_none(&store.shop);
        store.shop.close().await;
    });
}

const MOCK: &str = r#"
trueup: v1
mock: crm
routes:
  - post: /tickets
    answer: { status: 201, json: { number: "{{ calls }}" } }
  - delete: "/tickets/{number}"
    answers: [{ status: GONE }, { status: 204 }]
"#;
const UP: &str = "targets:\n  from: { find: { table: shop.things, where: { state: open } } }\nlimits: { stop_after: { failed: 100 } }\nsteps:\n- id: ticket\n  http: { api: crm, post: /tickets, json: { thing: \"{{ item.id }}\" } }\n  WAY\n- id: up\n  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { count: 1 } }\n";
const BY_ITEM: &str = "undo: { http: { api: crm, delete: \"/tickets/{{ item.id }}\" } }";

struct Office {
    store: Store,
    crm: Running,
}

impl Office {
    async fn open(gone: &str) -> Office {
        let crm = Mock::from_yaml(&MOCK.replace("GONE", gone)).unwrap().start(World::real()).await.unwrap();
        let store = Store::with_api(&On::Sqlite, &crm.url()).await;
        let row = |n: u32| format!("({n}, 'thing {n}', 1, 0, '2024-01-01 00:00:00', '2024-01-01 00:00:00')");
        let rows: Vec<String> = (1..=3).map(row).collect();
        let rows = rows.join(", ");
        let text = format!("insert into things (id, name, state, count, created_at, updated_at) values {rows};");
        store.shop.sql(&text).await;
        Office { store, crm }
    }

    /// A playbook that makes tickets, each taken back so.
    fn text(way: &str) -> String {
        let uses =
            "  crm: { methods: [METHODS] }\n".replace("METHODS", if way == BY_ITEM { "POST, DELETE" } else { "POST" });
        playbook(&[&uses, &UP.replace("WAY", way)])
    }

    fn writes(&self) -> Vec<String> {
        let mut calls: Vec<String> = self.crm.log().iter().map(|l| l.call()).collect();
        calls.sort();
        calls
    }
}

#[test]
fn the_item_is_known_in_an_undo_also_behind_a_pause_and_when_it_is_made_again() {
    block_on(async {
        for pause in [None, Some("")] {
            let (office, mut out) = (Office::open("204").await, Out::default());
            let (run, done) = office.store.apply(&Office::text(BY_ITEM), &[]).await;
            assert_eq!(done.stopped, Stopped::Closed(End::Changed));
            let (undo, plan, carried) = back(&office.store, run, "", pause, &mut out).await;
            assert_eq!((carried.stopped, plan.tally().counts.requests), (Stopped::Closed(End::Changed), 3));
            let deleted = ["DELETE /tickets/1", "DELETE /tickets/2", "DELETE /tickets/3"];
            assert_eq!(office.writes()[..3], deleted);
            back(&office.store, undo, "", pause, &mut out).await;
            assert_eq!(office.writes().iter().filter(|call| *call == "POST /tickets").count(), 6);
            assert_eq!(office.store.column("count").await, ["1", "1", "1"]);
            office.store.shop.close().await;
        }
    });
}

#[test]
fn what_an_undo_could_not_take_back_is_counted_and_said() {
    block_on(async {
        // What the author said beforehand is told.
        let (office, mut out) = (Office::open("204").await, Out::default());
        let (run, _) = office.store.apply(&Office::text("irreversible: A ticket stays"), &[]).await;
        let (undo, plan, carried) = back(&office.store, run, "", None, &mut out).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert_eq!(plan.tally().stays, [("ticket".to_owned(), Some("A ticket stays".to_owned()), 3)]);
        let came = carried.many.unwrap();
        assert_eq!(came.summary.stays.iter().map(|(step, n)| (&**step, *n)).collect::<Vec<_>>(), [("ticket", 3)]);
        let document = run_json::many(undo, &carried.state, &came);
        assert!(document.contains("\"not_taken_back\": {\n    \"ticket\": 3\n  }"), "{document}");
        assert!(out.0.contains("3 taken back, but for 3 steps that cannot be"), "{}", out.0);
        office.store.shop.close().await;

        // What should have been taken back and cannot be is left alone, and never called done.
        let (office, mut out) = (Office::open("204").await, Out::default());
        let way = "undo: { http: { api: crm, delete: \"/tickets/{{ ticket.body.nothere }}\" } }";
        let text = Office::text(way).replace("methods: [POST]", "methods: [POST, DELETE]");
        let (run, _) = office.store.apply(&text, &[]).await;
        let (undo, _, carried) = back(&office.store, run, "", None, &mut out).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Drifted));
        assert_eq!(carried.many.unwrap().summary.count(End::Drifted), 3);
        let reason = office.store.state(undo).await.items["1"].closed.as_ref().unwrap().reason.clone().unwrap();
        assert!(
            reason.starts_with("One step could not be taken back: `ticket`, its `http` cannot be made"),
            "{reason}"
        );
        assert_eq!(office.store.column("count").await, ["0", "0", "0"]);
        // Nothing of it failed: a retry would be refused, so it is not proposed.
        let next = format!("trueup undo {}", run.short());
        let proposed = out.0.lines().any(|l| l.contains("take back what can be then") && l.ends_with(&next));
        assert!(proposed && !out.0.contains("trueup retry"), "{}", out.0);
        office.store.shop.close().await;
    });
}

#[test]
fn an_undo_of_which_nothing_can_be_taken_back_says_why() {
    block_on(async {
        let (office, mut out) = (Office::open("204").await, Out::default());
        let text = Office::text("irreversible: A ticket stays")
            .replace("  shop: { write: [things, audits] }\n", "  shop: { read: [things] }\n");
        let text = text.split_inclusive("- id: up").next().unwrap().replace("- id: up", "");
        let (run, _) = office.store.apply(&text, &[]).await;
        let record = office.store.record().await;
        let (here, opened) = (&office.store.shop.here, &office.store.shop.opened);
        let ready =
            ops::undo::prepare(here, &record, opened, run, &wish()).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap();
        record.journal.close().await.unwrap();
        out.plan("the plan", &office.store.shop, &plan);
        let tally = plan.tally();
        assert_eq!((tally.left, tally.unchanged, plan.is_empty()), (3, 0, true));
        assert!(out.0.contains("are left alone") && !out.0.contains("as wanted"), "{}", out.0);
        assert!(
            out.0.contains("1 step cannot be taken back:") && out.0.contains("A ticket stays (3 times)"),
            "{}",
            out.0
        );
        office.store.shop.close().await;
    });
}

/// A row of the `errors` table that lets an item end early is no way to call its change taken back.
#[test]
fn an_undo_that_a_row_of_the_errors_table_ends_early_says_what_is_not_taken_back() {
    block_on(async {
        let (office, mut out) = (Office::open("404").await, Out::default());
        let errors = "errors:\n- { name: nobody there, status: 404, then: skip }\n- { otherwise: stop }\n";
        let text = format!("{}{errors}", Office::text(BY_ITEM));
        let (run, done) = office.store.apply(&text, &[]).await;
        assert_eq!(done.stopped, Stopped::Closed(End::Changed));
        let (undo, _, carried) = back(&office.store, run, "", None, &mut out).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Drifted));
        let summary = carried.many.unwrap().summary;
        assert_eq!((summary.count(End::Drifted), summary.count(End::Changed)), (1, 2));
        let state = office.store.state(undo).await;
        let reasons: Vec<&str> = state.items.values().filter_map(|i| i.closed.as_ref()?.reason.as_deref()).collect();
        assert!(reasons.iter().any(|why| why.ends_with("It ended there, so not taken back: `ticket`.")), "{reasons:?}");
        office.store.shop.close().await;
    });
}

/// A run of which one item was taken back is not taken back: the others can still be.
#[test]
fn a_run_is_told_as_taken_back_only_when_all_of_it_was() {
    block_on(async {
        let office = Office::open("204").await;
        let (run, _) = office.store.apply(&Office::text(BY_ITEM), &[]).await;
        for (item, whole) in [(Some("1"), false), (None, true)] {
            let carried = office.store.undo(run, item).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{item:?}");
            let record = office.store.record().await;
            let shown = ops::history::show(&office.store.shop.here, &record, &run.to_string()).await;
            let Ok(ops::history::Shown::Many(_, state, _)) = shown else { panic!("it is not a run of many") };
            assert_eq!(state.taken_back_by.is_some(), whole, "{item:?}");
            record.journal.close().await.unwrap();
        }
        office.store.shop.close().await;
    });
}

#[test]
fn a_retry_of_an_undo_goes_on_from_the_step_that_failed() {
    block_on(async {
        let (office, mut out) = (Office::open("404").await, Out::default());
        let (run, _) = office.store.apply(&Office::text(BY_ITEM), &[]).await;
        let (undo, _, carried) = back(&office.store, run, "", None, &mut out).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed));
        let (record, stop) = (office.store.record().await, AtomicBool::new(false));
        let again = Again { reason: Some("it is there now"), actor: Some("anna"), ..Again::default() };
        let (here, opened) = (&office.store.shop.here, &office.store.shop.opened);
        let carried = ops::retry::retry(here, &record, opened, undo, &again, &|_| {}, &stop).await;
        record.journal.close().await.unwrap();
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        // The row that was back is not put back once more, and counts.
        let rows = &carried.many.unwrap().summary.rows;
        assert_eq!(rows[&TableName::parse("shop.things").unwrap()], [0, 3, 0]);
        let state = office.store.state(undo).await;
        assert!(
            state.items.values().all(|item| item.steps["steps/up"].changed() && item.steps["steps/up"].generation == 0)
        );
        assert_eq!(office.store.column("count").await, ["0", "0", "0"]);
        office.store.shop.close().await;
    });
}

/// A lock is held, a right is missing, a trigger refuses: of an undo of which every item fails in its preview nothing is as it was before.
#[test]
fn an_undo_that_fails_for_every_item_is_not_told_as_done() {
    block_on(async {
        let (name, address) = hidden::database().await;
        let project = "connections: { shop: { postgres: { url: { secret: DBURL } }, tables: { t: { key: id, audit: false } } } }\n";
        let made = "uses: { shop: { read: [t], write: [t] } }\ntargets: { from: { list: \"{{ [{'id': 1}, {'id': 2}] }}\" }, key: id }\n\
                    steps:\n- { id: new, row: { table: shop.t, key: { id: \"{{ item.id }}\" }, create: { v: x } } }\n";
        hidden::sql(&address, "create table t (id int primary key, v text)").await;
        let mut desk = Desk::new(project, &[("DBURL", &address)], &[("made", made)]);
        desk.run(&["apply", "made", "--yes", "--reason", "a test"], 0).await;
        let runs: serde_json::Value = serde_json::from_str(&desk.run(&["runs", "--json"], 0).await.out).unwrap();
        let run = runs["runs"][0]["short"].as_str().unwrap().to_owned();
        let keep = "create function keep() returns trigger language plpgsql as $$ begin raise exception 'rows stay'; end $$; \
                    create trigger keep before delete on t for each row execute function keep()";
        hidden::sql(&address, keep).await;
        let refused = desk.run(&["undo", &run, "--yes", "--reason", "a test"], 5).await;
        assert!(refused.err.contains("nothing is taken back, and the reasons stand above"), "{}", refused.said());
        assert!(
            refused.out.contains("rows stay") && !refused.said().contains("as it was before"),
            "{}",
            refused.said()
        );
        // The same as a file: its plan says so, too.
        desk.run(&["undo", &run, "--plan", "--out", "back.plan", "--reason", "a test"], 0).await;
        let refused = desk.run(&["apply", "back.plan", "--yes"], 5).await;
        assert!(refused.err.contains("nothing is taken back, and the reasons stand above"), "{}", refused.said());
        hidden::sql(&address, "drop trigger keep on t").await;
        desk.run(&["undo", &run, "--yes", "--reason", "a test"], 0).await;
        hidden::sql(&address, "insert into t values (1, 'again'), (2, 'again')").await;
        hidden::clear(&name).await;
    });
}
