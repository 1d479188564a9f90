//! Rows tell by themselves: locked, compared with their images, with the audit row as the witness.

use super::*;

const UPDATE: &str = "- id: change\n  row: { of: thing, set: { state: sold, count: 2 } }\n";
const STEP: &str = "steps/change";
/// As before the change, whatever it was.
const BACK: &str = "update things set state = 0, count = 1 where id = 1; delete from audits; delete from notes; delete from prices; delete from owners";

async fn scene(on: &On, step: &str) -> Scene {
    let mut scene = Scene::open(on, QUIET, |text| text).await;
    scene.applied(&playbook(step)).await;
    scene
}

#[test]
fn a_change_that_was_committed_is_taken_as_done_and_not_done_twice() {
    on_both(async |on| {
        let scene = scene(on, UPDATE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was done.");
        assert_eq!((scene.rows("audits").await.len(), scene.rows("notes").await.len()), (1, 1));
        assert!(scene.ticks().iter().any(|t| t.contains("Find out what became of `change`")), "{:?}", scene.ticks());
        scene.close().await;
    });
}

#[test]
fn its_result_comes_from_the_images_and_a_later_step_can_use_it() {
    on_both(async |on| {
        let more =
            format!("{UPDATE}- id: later\n  row: {{ of: thing, set: {{ note: \"{{{{ change.count }}}}\" }} }}\n");
        let scene = scene(on, &more).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql("update things set note = null where id = 1; delete from audits where id > (select min(id) from audits)").await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was done.");
        assert_eq!((scene.cell("things", "note").await, scene.rows("audits").await.len()), ("2".into(), 2));
        scene.close().await;
    });
}

#[test]
fn a_change_that_was_not_committed_is_done_once() {
    on_both(async |on| {
        let scene = scene(on, UPDATE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql(BACK).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was not done.");
        assert_eq!((scene.cell("things", "count").await, scene.rows("audits").await.len()), ("2".into(), 1));
        scene.close().await;
    });
}

#[test]
fn without_images_commit_was_never_sent() {
    on_both(async |on| {
        let scene = scene(on, UPDATE).await;
        scene.died_before(is_images).await;
        scene.shop.sql(BACK).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; it was never committed.");
        assert_eq!((scene.cell("things", "count").await, scene.rows("audits").await.len()), ("2".into(), 1));
        scene.close().await;
    });
}

#[test]
fn a_step_that_was_only_meant_is_simply_done() {
    on_both(async |on| {
        let scene = scene(on, UPDATE).await;
        scene.died_before(is_attempt).await;
        scene.shop.sql(BACK).await;
        assert_eq!(scene.found_out(STEP).await, "");
        assert_eq!(scene.rows("audits").await.len(), 1);
        scene.close().await;
    });
}

#[test]
fn rows_that_are_neither_are_in_doubt_with_what_they_hold() {
    on_both(async |on| {
        let scene = scene(on, UPDATE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql("update things set state = 9 where id = 1").await;
        assert_eq!(
            scene.stays_in_doubt(STEP).await,
            "Its answer was lost. `shop.things` id 1: `state` was new, should become sold, and is lost."
        );
        // Looked at again, it is still so; when somebody has put it right, it is found.
        scene.stays_in_doubt(STEP).await;
        scene.shop.sql("update things set state = 2 where id = 1").await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was done.");
        assert_eq!(scene.rows("audits").await.len(), 1);
        scene.close().await;
    });
}

#[test]
fn the_audit_row_says_whose_change_it_was() {
    on_both(async |on| {
        let scene = scene(on, UPDATE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql("delete from audits").await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(told.contains("this run's audit row is not there: somebody else may have done the same"), "{told}");
        scene.close().await;
        let scene = self::scene(on, UPDATE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql("update things set state = 0, count = 1 where id = 1").await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(told.contains("this run's audit row is there: somebody may have taken the change back"), "{told}");
        scene.close().await;
    });
}

#[test]
fn a_later_edit_of_other_columns_does_not_matter() {
    on_both(async |on| {
        let scene = scene(on, UPDATE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql("update things set note = 'by hand', updated_at = '2030-01-01 00:00:00' where id = 1").await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was done.");
        assert_eq!(scene.cell("things", "note").await, "by hand");
        scene.close().await;
    });
}

#[test]
fn a_new_row_is_found_by_its_key() {
    const CREATE: &str =
        "- id: change\n  row: { table: shop.prices, key: { code: A, year: 2024 }, create: { amount: \"1.50\" } }\n";
    on_both(async |on| {
        let scene = scene(on, CREATE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was done.");
        assert_eq!(scene.rows("prices").await.len(), 1);
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql(BACK).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was not done.");
        assert_eq!(scene.rows("prices").await.len(), 1);
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql("update prices set amount = '9.00'").await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(told.contains("`shop.prices` code A, year 2024: `amount` should become 1.50, and is 9.00"), "{told}");
        scene.close().await;
    });
}

#[test]
fn a_removed_row_is_missed() {
    const REMOVE: &str =
        "- id: change\n  rows: { table: shop.prices, where: { code: A }, touches: 1, ensure: absent }\n";
    on_both(async |on| {
        let mut scene = Scene::open(on, QUIET, |text| text).await;
        let row = "insert into prices (code, year, amount) values ('A', 2024, '1.50')";
        scene.shop.sql(row).await;
        scene.applied(&playbook(REMOVE)).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was done.");
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql(row).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was not done.");
        assert_eq!(scene.rows("prices").await.len(), 0);
        scene.close().await;
    });
}

#[test]
fn a_block_in_one_transaction_is_found_out_as_one() {
    const BLOCK: &str = "- id: change\n  block:\n    transaction: shop\n    steps:\n    - id: one\n      row: { of: thing, set: { count: 2 } }\n    - id: two\n      row: { table: shop.prices, key: { code: A, year: 2024 }, create: { amount: \"1.50\" } }\n- id: later\n  row: { of: thing, set: { note: \"{{ two.code }}\" } }\n";
    on_both(async |on| {
        let scene = scene(on, BLOCK).await;
        let undone =
            "update things set note = null where id = 1; delete from audits where id > (select min(id) from audits)";
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql(undone).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was done.");
        assert_eq!((scene.cell("things", "note").await, scene.rows("prices").await.len()), ("A".into(), 1));
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql(&format!("{undone}; {BACK}")).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was not done.");
        assert_eq!((scene.cell("things", "note").await, scene.rows("prices").await.len()), ("A".into(), 1));
        // One of its rows is as before, the other one is not: that cannot be.
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql("update things set note = null, count = 1 where id = 1").await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(told.contains("Some of its rows are as before, others as they should become"), "{told}");
        scene.close().await;
    });
}

const FREE: &str = "- id: change\n  sql: { db: shop, sql: \"insert into notes (thing_id, text) values (1, 'by hand')\", touches: 1 }\n  irreversible: a test\n  probe:\n    read: { query: { db: shop, sql: \"select count(*) as n from notes where text = 'by hand'\" } }\n    done: self.n > 0\n    not_done: self.n == 0\n";

#[test]
fn a_free_statement_is_asked_for_by_its_probe() {
    on_both(async |on| {
        let scene = scene(on, FREE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; its probe says that it was done.");
        assert_eq!(scene.rows("notes").await.len(), 1);
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql(BACK).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; its probe says that it was not done.");
        assert_eq!(scene.rows("notes").await.len(), 1);
        scene.died_before(is_images).await;
        scene.shop.sql(BACK).await;
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; it was never committed.");
        scene.close().await;
    });
}

#[test]
fn a_probe_without_not_done_proves_nothing_by_silence() {
    on_both(async |on| {
        let scene = scene(on, &FREE.replace("    not_done: self.n == 0\n", "")).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql(BACK).await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(told.contains("`done` does not hold, which proves nothing without `not_done`"), "{told}");
        scene.close().await;
    });
}

#[test]
fn a_repeatable_statement_is_run_again() {
    const SET: &str = "- id: change\n  sql: { db: shop, sql: \"update things set count = 5 where id = 1\", touches: 1 }\n  irreversible: a test\n  repeatable: it sets a fixed number\n";
    on_both(async |on| {
        let scene = scene(on, SET).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        assert!(scene.found_out(STEP).await.contains("run again, which does the same as once"));
        assert_eq!(scene.cell("things", "count").await, "5");
        scene.close().await;
    });
}

#[test]
fn what_a_statement_changed_before_it_was_run_again_is_taken_back() {
    const SET: &str = "- id: change\n  sql: { db: shop, sql: \"update things set count = 5 where id = 1\", touches: 1 }\n  undo: automatic\n  repeatable: it sets a fixed number\n";
    on_both(async |on| {
        for (committed, deaths) in [(true, 1), (false, 1), (true, 2)] {
            let scene = scene(on, SET).await;
            scene.died_before(|e| is_outcome(e, STEP)).await;
            if !committed {
                scene.shop.sql(BACK).await;
            }
            assert!(scene.found_out(STEP).await.contains("run again, which does the same as once"));
            if deaths == 2 {
                // The second attempt found it done and wrote nothing; that it ended so is lost, too.
                let record = scene.record().await;
                let all = record.journal.events(scene.run).await.unwrap();
                record.journal.close().await.unwrap();
                let all: Vec<Event> = all.into_iter().map(|stored| stored.event).collect();
                let last = all.iter().rposition(|e| is_outcome(e, STEP)).unwrap();
                scene.keep(&all[..last]).await;
                assert!(scene.found_out(STEP).await.contains("it was never committed"));
            }
            assert_eq!(scene.cell("things", "count").await, "5");
            let record = scene.record().await;
            let wish = ops::undo::Wish { actor: Some("bea".into()), ..ops::undo::Wish::default() };
            let ready = ops::undo::prepare(&scene.shop.here, &record, &scene.shop.opened, scene.run, &wish).await;
            let ready = ready.unwrap_or_else(|f| panic!("{}", said(&f)));
            let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap();
            let stop = AtomicBool::new(false);
            let undone = ops::undo::undo(&scene.shop.here, &record, &ready, &plan, &wish, &|_| {}, &stop).await;
            let undone = undone.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(undone.stopped, Stopped::Closed(End::Changed), "{}: committed {committed}, {deaths}", on.word());
            assert_eq!(scene.cell("things", "count").await, "1", "{}: committed {committed}, {deaths}", on.word());
            record.journal.close().await.unwrap();
            scene.close().await;
        }
    });
}

#[test]
fn a_lock_that_an_old_session_still_holds_is_waited_for_within_bounds() {
    block_on(async {
        let scene = scene(&On::Postgres(postgres()), UPDATE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        let held = held(&scene, "begin; select * from things where id = 1 for update").await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(
            told.contains("its rows cannot be looked at") || told.contains("Its rows cannot be looked at"),
            "{told}"
        );
        let named = "another session still holds a row of `shop.things` (process ";
        assert!(told.contains(named) && told.contains(" of the database)"), "{told}");
        assert_eq!(scene.ticks().iter().filter(|t| t.starts_with("steps/change again")).count(), 4);
        drop(held);
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was done.");
        scene.close().await;
    });
}

#[test]
fn an_old_session_that_may_still_insert_the_row_is_waited_for() {
    const CREATE: &str =
        "- id: change\n  row: { table: shop.prices, key: { code: A, year: 2024 }, create: { amount: \"1.50\" } }\n";
    block_on(async {
        let scene = scene(&On::Postgres(postgres()), CREATE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql(BACK).await;
        // The session of the dead process: its COMMIT is still on the way.
        let mut old = held(&scene, "begin; insert into prices (code, year, amount) values ('A', 2024, 1.50)").await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(told.contains("a session that wrote to `shop.prices` has not ended (process "), "{told}");
        assert_eq!(scene.rows("prices").await.len(), 0);
        sqlx::query("commit").execute(&mut old).await.unwrap();
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was done.");
        assert_eq!(scene.rows("prices").await.len(), 1);
        scene.close().await;
    });
}

/// A session of somebody else that stays open.
#[expect(clippy::disallowed_methods, reason = "statements of the test's own")]
async fn held(scene: &Scene, sql: &str) -> sqlx::PgConnection {
    use sqlx::{AssertSqlSafe, Connection, raw_sql};
    let trueup::trial::bench::Place::Server(url) = scene.shop.place() else { panic!() };
    let mut connection = sqlx::PgConnection::connect(url.reveal()).await.unwrap();
    raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection
}

#[test]
fn a_file_that_is_busy_is_tried_again() {
    block_on(async {
        let scene = scene(&On::Sqlite, UPDATE).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        let trueup::trial::bench::Place::File(path) = scene.shop.place().clone() else { panic!() };
        let lock = busy(&path).await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(told.contains("cannot be looked at"), "{told}");
        drop(lock);
        assert_eq!(scene.found_out(STEP).await, "Its answer was lost; the rows show that it was done.");
        scene.close().await;
    });
}

async fn busy(path: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::Connection;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    connection
}
