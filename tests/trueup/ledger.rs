//! Runs on databases that keep a ledger, and on databases that are no longer those of the plan.

use super::servers::{Shop, block_on, mysql, postgres, said};
use std::sync::atomic::AtomicBool;
use trueup::{
    base::identity::RunId,
    connection::statement::Limits,
    engine::drive::Stopped,
    journal::words::End,
    ops::{self, Failure, apply::Carried, plan::Prepared},
    plan::{Effect, Foreseen, Plan},
    trial::bench::{On, Place},
};

const HEAD: &str = "
trueup: v1
name: ledger/playbook
version: 1
title: A change with a ledger
uses:
  shop: { read: [things], write: [things, audits, parts] }
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
";

const ONE: &str = "  - id: count\n    row: { of: thing, set: { count: 7 } }\n";

const BLOCK: &str = "  - id: together
    block:
      transaction: shop
      steps:
        - id: count
          row: { of: thing, set: { count: 7 } }
        - id: rename
          row: { of: thing, set: { name: desk } }
";

const FREE: &str = "  - id: free
    sql: { db: shop, sql: \"update things set count = count + 7 where id = 1\", touches: 1 }
    irreversible: a test
";

const ROWS: &str = "insert into things (id, name, state, count, created_at, updated_at) \
    values (1, 'lamp', 0, 0, '2024-01-01 00:00:00', '2024-01-01 00:00:00');";

/// A shop whose project file says `ledger: true`, with one thing in it. `change` may edit the project file.
async fn shop_of(on: &On, change: impl FnOnce(String) -> String) -> Shop {
    let ledger = |text: String| {
        assert!(text.contains(r#""shop":{"#), "{text}");
        change(text.replacen(r#""shop":{"#, r#""shop":{"ledger":true,"#, 1))
    };
    let shop = Shop::open(on, "http://127.0.0.1:9", ledger).await;
    shop.sql(ROWS).await;
    shop
}

async fn shop(on: &On) -> Shop {
    shop_of(on, |text| text).await
}

pub(super) async fn ready(on: &On) -> Shop {
    shop_with(on, |text| text, &[]).await
}

/// The same with another project file and more variables.
pub(super) async fn shop_with(on: &On, change: impl FnOnce(String) -> String, variables: &[(String, String)]) -> Shop {
    let mut shop = shop_of(on, change).await;
    shop.here = shop.here.with_variables(variables.to_vec());
    assert!(ops::prepare::prepare(&shop.here, &shop.opened, None, "shop").await.unwrap().ready.made);
    shop
}

pub(super) async fn planned(shop: &Shop, steps: &str) -> (Prepared, Plan) {
    let prepared = shop.prepare(&format!("{HEAD}{steps}"), &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    let request = super::servers::request(&[]);
    let plan = ops::plan::plan(&prepared.setting, &request, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    (prepared, plan)
}

async fn applied(shop: &Shop, prepared: &Prepared, plan: &Plan) -> Result<Carried, Failure> {
    let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
    let pause = AtomicBool::new(false);
    let carried = ops::apply::apply(&shop.here, &record, &shop.opened, &prepared.setting, plan, &|_| {}, &pause).await;
    record.journal.close().await.unwrap();
    carried
}

async fn resumed(shop: &Shop, run: RunId) -> Result<Carried, Failure> {
    let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
    let pause = AtomicBool::new(false);
    let carried = ops::resume::resume(&shop.here, &record, &shop.opened, run, "anna", &|_| {}, &pause).await;
    record.journal.close().await.unwrap();
    carried
}

/// What a query finds, as text.
pub(super) async fn asked(shop: &Shop, sql: &str) -> String {
    let mut reading = shop.databases["shop"].reading().await.unwrap();
    let statement = trueup::connection::statement::Statement::new(sql, Vec::new());
    let rows = reading.query(&statement, Limits::USUAL).await.unwrap();
    let text =
        |row: &trueup::base::value::Map| row.values().map(|v| v.bare().into_owned()).collect::<Vec<_>>().join(" ");
    let text = rows.rows.iter().map(text).collect::<Vec<_>>().join("; ");
    reading.close().await;
    text
}

async fn effects(shop: &Shop) -> String {
    let effect = match shop.place() {
        Place::MysqlServer(_) => "convert(effect using utf8mb4)",
        _ => "effect",
    };
    asked(shop, &format!("select {effect} as effect from trueup_ledger where effect <> 'trueup' order by effect")).await
}

fn on_both(test: impl AsyncFn(On)) {
    block_on(async {
        test(On::Sqlite).await;
        test(On::Postgres(postgres())).await;
    });
}

fn on_each(test: impl AsyncFn(On)) {
    block_on(async {
        test(On::Sqlite).await;
        test(On::Postgres(postgres())).await;
        test(On::Mysql(mysql())).await;
    });
}

#[test]
fn each_change_leaves_its_row_in_the_ledger_and_the_ledger_shows_nowhere_else() {
    on_each(async |on| {
        for (steps, step, count) in [(ONE, "count", "7"), (BLOCK, "together", "7"), (FREE, "free", "7")] {
            let shop = ready(&on).await;
            let (prepared, plan) = planned(&shop, steps).await;
            assert_eq!(effects(&shop).await, "", "a rehearsal writes no ledger");
            let carried = applied(&shop, &prepared, &plan).await.unwrap();
            assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
            let run = prepared.setting.run.id;
            assert_eq!(effects(&shop).await, format!("{run}; {run}/-/steps%2F{step}/0"), "{step}");
            assert_eq!(asked(&shop, "select count from things").await, count);
            let rows: Vec<_> = plan.items[0].steps.iter().flat_map(|s| &s.effects).collect();
            for effect in rows {
                let Effect::Rows { changes, also } = effect else { continue };
                assert!(changes.iter().all(|c| &*c.table.table != "trueup_ledger"));
                assert!(also.iter().all(|a| a.table != "shop.trueup_ledger" && a.table != "shop.*"), "{also:?}");
            }
            for step in carried.state.items["-"].steps.values() {
                assert!(step.changes.iter().all(|c| &*c.table.table != "trueup_ledger"));
                assert!(
                    step.also.iter().all(|also| !also.contains("trueup_ledger") && &**also != "shop.*"),
                    "{:?}",
                    step.also
                );
            }
            shop.close().await;
        }
    });
}

#[test]
fn a_second_run_changes_nothing_and_leaves_no_row() {
    on_each(async |on| {
        let shop = ready(&on).await;
        let (prepared, plan) = planned(&shop, ONE).await;
        // Somebody else does the same between plan and apply.
        shop.sql("update things set count = 7").await;
        let carried = applied(&shop, &prepared, &plan).await.unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Unchanged), "{:?}", carried.state.closed);
        assert_eq!(effects(&shop).await, "");
        shop.close().await;
    });
}

#[test]
fn a_step_that_drifted_leaves_no_row() {
    on_each(async |on| {
        let shop = ready(&on).await;
        let (prepared, plan) = planned(&shop, ONE).await;
        shop.sql("update things set count = 3").await;
        let carried = applied(&shop, &prepared, &plan).await.unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{:?}", carried.state.closed);
        assert_eq!(effects(&shop).await, "");
        shop.close().await;
    });
}

#[test]
fn without_its_table_a_plan_says_so_and_apply_changes_nothing() {
    on_each(async |on| {
        let shop = shop(&on).await;
        let (prepared, plan) = planned(&shop, ONE).await;
        let step = plan.items[0].steps.iter().find(|s| s.foreseen == Foreseen::Changes).unwrap();
        let note = "`shop` has no ledger table yet, and apply refuses until `trueup connection prepare shop` has run";
        assert!(step.notes.iter().any(|n| n == note), "{:?}", step.notes);
        let Err(failure) = applied(&shop, &prepared, &plan).await else { panic!("it was applied") };
        let said = said(&failure);
        assert!(said.contains("`shop` says `ledger: true`, and its ledger table is missing"), "{said}");
        assert!(said.contains("trueup connection prepare shop --env test"), "{said}");
        assert_eq!(asked(&shop, "select count from things").await, "0");
        let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
        assert!(record.journal.runs(&Default::default(), 5).await.unwrap().is_empty(), "no run was made");
        record.journal.close().await.unwrap();
        shop.close().await;
    });
}

#[test]
fn a_process_that_lost_its_run_to_another_one_writes_nothing() {
    on_each(async |on| {
        let shop = ready(&on).await;
        let (prepared, plan) = planned(&shop, ONE).await;
        // The other process has been at work under a later claim, which this one has not heard of.
        let run = prepared.setting.run.id;
        shop.sql(&format!(
            "insert into trueup_ledger (effect, run, fence, request, journal) values ('{run}', '{run}', 99, '', 'j')"
        ))
        .await;
        let Err(failure) = applied(&shop, &prepared, &plan).await else { panic!("it went on") };
        assert!(
            matches!(&failure, Failure::Halted { message, .. } if message.contains("was taken over")),
            "{failure:?}"
        );
        assert_eq!(asked(&shop, "select count from things").await, "0");
        assert_eq!(effects(&shop).await, run.to_string());
        shop.close().await;
    });
}

#[test]
fn a_row_of_another_journal_under_the_same_name_is_a_doubt_and_nothing_is_written() {
    on_each(async |on| {
        let shop = ready(&on).await;
        let (prepared, plan) = planned(&shop, ONE).await;
        let run = prepared.setting.run.id;
        shop.sql(&format!(
            "insert into trueup_ledger (effect, run, fence, request, journal) values ('{run}/-/steps%2Fcount/0', '{run}', 1, 'x', 'j')"
        ))
        .await;
        let carried = applied(&shop, &prepared, &plan).await.unwrap();
        assert_eq!(carried.stopped, Stopped::InDoubt("steps/count".into()));
        let step = &carried.state.items["-"].steps["steps/count"];
        let message = step.outcome.as_ref().unwrap().message.clone().unwrap();
        assert!(message.contains("by way of another journal (j)"), "{message}");
        assert_eq!(asked(&shop, "select count from things").await, "0");
        shop.close().await;
    });
}

#[test]
fn tables_that_were_rebuilt_between_plan_and_apply_are_drift_by_name() {
    on_each(async |on| {
        let both = [
            "alter table things add column extra text",
            "alter table things drop column weight",
            "alter table things rename column weight to mass",
        ];
        let postgres = [
            "alter table things alter column count set default 4",
            "alter table things alter column note set not null",
        ];
        let sqlite = ["create trigger more after update on things begin update parts set position = 1; end"];
        let mysql = [
            "alter table things alter column count set default 4",
            "create trigger more before update on things for each row set new.note = 'x'",
        ];
        let own: &[&str] = match on {
            On::Postgres(_) => &postgres,
            On::Sqlite => &sqlite,
            On::Mysql(_) => &mysql,
        };
        for sql in both.iter().chain(own) {
            let shop = ready(&on).await;
            shop.sql("update things set note = ''").await;
            let (mut prepared, plan) = planned(&shop, ONE).await;
            shop.sql(sql).await;
            // As another process: a connection that rests still holds statements prepared for the tables as they were.
            prepared.setting.databases = ops::plan::databases(&shop.here, &shop.opened, "test").unwrap().into();
            let carried = applied(&shop, &prepared, &plan).await.unwrap_or_else(|f| panic!("{sql}: {}", said(&f)));
            assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{sql}: {:?}", carried.state.closed);
            let subjects: Vec<&str> = carried.drift.iter().map(|d| d.subject.as_str()).collect();
            assert_eq!(subjects, ["shop.things"], "{sql}");
            assert_eq!(asked(&shop, "select count from things").await, "0", "{sql}");
            shop.close().await;
        }
    });
}

/// Puts a copy in the place of the database, or the original back.
async fn swapped(shop: &Shop, back: bool) {
    match shop.place() {
        Place::File(path) => {
            let original = path.with_extension("original");
            if back {
                std::fs::rename(original, path).unwrap();
            } else {
                std::fs::rename(path, &original).unwrap();
                std::fs::copy(original, path).unwrap();
            }
        }
        Place::MysqlServer(_) => panic!("a database of MySQL is told from its copy by its name alone"),
        Place::Server(url) => {
            let mut parsed = url::Url::parse(url.reveal()).unwrap();
            let name = parsed.path().trim_start_matches('/').to_owned();
            parsed.set_path("postgres");
            let mut server = <sqlx::PgConnection as sqlx::Connection>::connect(parsed.as_str()).await.unwrap();
            let steps = if back {
                vec![format!("drop database {name} with (force)"), format!("alter database {name}_o rename to {name}")]
            } else {
                let ended = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
                vec![
                    ended,
                    format!("alter database {name} rename to {name}_o"),
                    format!("create database {name} template {name}_o"),
                ]
            };
            for sql in steps {
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut server).await.unwrap();
            }
        }
    }
}

#[test]
fn a_copy_of_the_database_is_refused_in_words_and_the_run_goes_on_when_the_right_one_is_back() {
    // A database of MySQL has no number of its own: a copy that took its name on the same server cannot be told from it.
    on_both(async |on| {
        for with_ledger in [true, false] {
            let shop = if with_ledger {
                ready(&on).await
            } else {
                let shop = Shop::open(&on, "http://127.0.0.1:9", |text| text).await;
                shop.sql(ROWS).await;
                shop
            };
            let (prepared, plan) = planned(&shop, ONE).await;
            swapped(&shop, false).await;
            let carried = applied(&shop, &prepared, &plan).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(carried.stopped, Stopped::Paused, "{:?}", carried.state.closed);
            let why = carried.state.paused.clone().unwrap();
            assert!(
                why.starts_with("`shop` was planned against the ") && why.contains(", and is connected to the "),
                "{why}"
            );
            let exchanged = why.contains("The file was exchanged") && why.contains("`trueup cancel`");
            assert_eq!(exchanged, matches!(on, On::Sqlite), "{why}");
            assert_eq!(asked(&shop, "select count from things").await, "0");
            let run = prepared.setting.run.id;
            let again = resumed(&shop, run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(again.stopped, Stopped::Paused, "a resume looks again");
            drop(prepared);
            swapped(&shop, true).await;
            let carried = resumed(&shop, run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
            assert_eq!(asked(&shop, "select count from things").await, "7");
            shop.close().await;
        }
    });
}

#[test]
fn preparing_twice_changes_nothing_and_a_missing_connection_is_named() {
    on_each(async |on| {
        let shop = ready(&on).await;
        let again = ops::prepare::prepare(&shop.here, &shop.opened, Some("test"), "shop").await.unwrap();
        assert!(!again.ready.made && again.declared);
        let Err(failure) = ops::prepare::prepare(&shop.here, &shop.opened, None, "shopp").await else { panic!() };
        assert!(said(&failure).contains("did you mean `shop`?"), "{}", said(&failure));
        let Err(failure) = ops::prepare::prepare(&shop.here, &shop.opened, None, "crm").await else { panic!() };
        assert!(said(&failure).contains("the project file has no database `crm`"), "{}", said(&failure));
        let script = ops::prepare::script(&shop.here, &shop.opened, None, "shop").unwrap();
        assert!(script.contains("create table if not exists trueup_ledger"), "{script}");
        assert_eq!(
            script.contains("grant select, insert, update (fence, journal, at) on trueup_ledger to"),
            on.word() != "sqlite"
        );
        // What is printed is what is made: run by hand it changes nothing.
        shop.sql(&script).await;
        assert_eq!(asked(&shop, "select count(*) from trueup_ledger").await, "1");
        shop.close().await;
    });
}

#[test]
fn a_ledger_that_vanishes_after_the_plan_stops_the_step_before_its_change() {
    on_each(async |on| {
        let shop = ready(&on).await;
        let (prepared, plan) = planned(&shop, ONE).await;
        shop.sql("drop table trueup_ledger").await;
        let carried = applied(&shop, &prepared, &plan).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        let reason = carried.state.closed.unwrap().reason.unwrap();
        assert!(
            reason.contains("the ledger table is missing") && reason.contains("trueup connection prepare shop"),
            "{reason}"
        );
        assert_eq!(asked(&shop, "select count from things").await, "0");
        shop.close().await;
    });
}
