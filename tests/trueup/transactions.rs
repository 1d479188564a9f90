//! No transaction is held while an API thinks: a second writer gets its lock at once, in a plan and in an apply.

use super::servers::{Shop, block_on, mysql, postgres, request, said};
use std::sync::atomic::AtomicBool;
use tokio::sync::mpsc::unbounded_channel;
use trueup::{
    base::world::World,
    engine::drive::Stopped,
    journal::words::End,
    mock::Mock,
    ops,
    trial::bench::{On, Place},
};

/// A read of the API stands between two changes of the same row, and another one in the verification.
const PLAYBOOK: &str = r#"
trueup: v1
name: transactions/playbook
version: 1
title: Changes around slow calls
uses:
  shop: { read: [things], write: [things, audits] }
  crm: { methods: [GET, POST] }
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
  - id: before
    http: { api: crm, get: "/slow/{{ thing.name }}" }
steps:
  - id: first
    row: { of: thing, set: { count: 1 } }
  - id: between
    http: { api: crm, get: "/slow/{{ thing.id }}" }
  - id: told
    http: { api: crm, post: /slow, json: { id: 1 } }
    irreversible: a test
    repeatable: a test
  - id: second
    row: { of: thing, set: { flag: true } }
verification:
  - id: after
    http: { api: crm, get: /slow/after }
"#;

const ROWS: &str = "insert into things (id, name, state, created_at, updated_at) values (1, 'lamp', 0, '2024-01-01 00:00:00', '2024-01-01 00:00:00');";

/// Every answer takes so long that a lock that is held meanwhile makes the second writer fail.
const MOCK: &str = "trueup: v1\nmock: slow\nroutes:\n  - get: /**\n    answer: { json: { ok: true }, delay: 600ms }\n  - post: /**\n    answer: { json: { ok: true }, delay: 600ms }\n";

/// Changes the row without any patience: fails at once if somebody holds a lock.
#[expect(clippy::disallowed_methods, reason = "settings and statements of a second writer")]
async fn impatient(place: &Place, number: usize) -> Result<(), sqlx::Error> {
    use sqlx::{AssertSqlSafe, Connection, raw_sql};
    let update = format!("update things set note = 'writer {number}' where id = 1");
    match place {
        Place::File(path) => {
            let options =
                sqlx::sqlite::SqliteConnectOptions::new().filename(path).busy_timeout(std::time::Duration::ZERO);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
            raw_sql(AssertSqlSafe(update)).execute(&mut connection).await?;
            connection.close().await
        }
        Place::Server(url) => {
            let mut connection = sqlx::PgConnection::connect(url.reveal()).await?;
            raw_sql(AssertSqlSafe(format!("set lock_timeout = '50ms'; {update}"))).execute(&mut connection).await?;
            let open: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'trueup' and xact_start is not null",
            )
            .fetch_one(&mut connection)
            .await?;
            assert_eq!(open, 0, "a transaction is open during call {number}");
            connection.close().await
        }
        Place::MysqlServer(url) => {
            let mut connection = sqlx::MySqlConnection::connect(url.reveal()).await?;
            raw_sql(AssertSqlSafe(format!("set innodb_lock_wait_timeout = 0; {update}")))
                .execute(&mut connection)
                .await?;
            let open: i64 = sqlx::query_scalar(
                "select count(*) from information_schema.innodb_trx t join information_schema.processlist p \
                 on p.id = t.trx_mysql_thread_id where p.db = database() and p.id <> connection_id()",
            )
            .fetch_one(&mut connection)
            .await?;
            assert_eq!(open, 0, "a transaction is open during call {number}");
            connection.close().await
        }
    }
}

fn hold(on: &On) {
    block_on(async {
        let (sender, mut seen) = unbounded_channel();
        let running = Mock::from_yaml(MOCK).unwrap().start_with(World::real(), Some(sender), None).await.unwrap();
        let shop = Shop::open(on, &running.url(), |text| text).await;
        shop.sql(ROWS).await;
        let place = shop.place().clone();
        // The second writer changes the row as soon as a call has arrived, while its answer is still on the way.
        let writer = tokio::spawn(async move {
            let mut calls = 0;
            while let Some(call) = seen.recv().await {
                calls += 1;
                impatient(&place, calls).await.unwrap_or_else(|e| panic!("{}: {e}", call.call()));
            }
            calls
        });
        let prepared = shop.prepare(PLAYBOOK, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan =
            ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert!(plan.items[0].stop.is_none());
        let planned = running.log().len();
        assert!(planned >= 2, "{planned} calls");
        let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
        let pause = AtomicBool::new(false);
        let carried = ops::apply::apply(&shop.here, &record, &shop.opened, &prepared.setting, &plan, &|_| {}, &pause)
            .await
            .unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(running.log().len(), planned + 4);
        drop(running);
        assert_eq!(writer.await.unwrap(), planned + 4, "every call had its second writer");
        record.journal.close().await.unwrap();
        shop.close().await;
    });
}

#[test]
fn a_second_writer_gets_its_lock_during_every_call_on_sqlite() {
    hold(&On::Sqlite);
}

#[test]
fn a_second_writer_gets_its_lock_during_every_call_on_postgres() {
    hold(&On::Postgres(postgres()));
}

#[test]
fn a_second_writer_gets_its_lock_during_every_call_on_mysql() {
    hold(&On::Mysql(mysql()));
}
