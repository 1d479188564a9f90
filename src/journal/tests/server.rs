//! A journal on a PostgreSQL server: settings, rights, other schemas, and a server that goes away.

use super::*;
use crate::journal::store::Store;
use sqlx::{Connection, PgConnection, Row};
use std::{
    future::{Future, poll_fn},
    task::Poll,
};

impl Desk {
    fn url(&self) -> &str {
        self.url.as_deref().unwrap()
    }

    async fn raw(&self) -> PgConnection {
        let options: PgConnectOptions = self.url().parse().unwrap();
        options.options([("search_path", "trueup_journal")]).connect().await.unwrap()
    }

    async fn number(&self, sql: &str) -> i64 {
        let row = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.raw().await).await.unwrap();
        row.get(0)
    }
}

/// The process id of the session behind a journal.
async fn session(journal: &Journal) -> i64 {
    let mut held = journal.connection().await.unwrap();
    let row = held.row("SELECT pg_backend_pid()::bigint", &[]).await.unwrap().unwrap();
    row.int(0).unwrap()
}

#[tokio::test]
async fn every_commit_is_synced_and_the_tables_are_in_a_schema_of_their_own() {
    let desk = Desk::on_postgres().await;
    // The role's own default does not count.
    admin(desk.url(), "alter role current_user in database current_database() set synchronous_commit = off").await.ok();
    let journal = desk.open().await;
    let mut held = journal.connection().await.unwrap();
    let row = held.row("SELECT current_setting('synchronous_commit')", &[]).await.unwrap().unwrap();
    assert_eq!(row.text(0).unwrap(), "on");
    drop(held);
    let outside =
        "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = 'public'";
    assert_eq!(desk.number(outside).await, 0);
    assert_eq!(desk.number("select count(*) from meta").await, 1);
}

#[tokio::test]
async fn the_record_cannot_be_changed_by_a_slip() {
    let desk = Desk::on_postgres().await;
    desk.open().await.append(run(1), &[created()]).await.unwrap();
    for slip in [
        "UPDATE events SET at = 0",
        "DELETE FROM events",
        "TRUNCATE events CASCADE",
        "UPDATE payloads SET bytes = ''",
        "DELETE FROM payloads",
        "TRUNCATE payloads",
        "UPDATE heads SET seq = 9",
        "DELETE FROM heads",
        "TRUNCATE heads",
    ] {
        let error = admin(desk.url(), &format!("set search_path = trueup_journal; {slip}")).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{slip}: {error}");
    }
}

#[tokio::test]
async fn other_schemas_and_later_formats_are_refused_and_stay_as_they_are() {
    let desk = Desk::on_postgres().await;
    admin(desk.url(), "create schema trueup_journal; create table trueup_journal.letters (id int)").await.unwrap();
    let error = desk.try_to_open().await.unwrap_err();
    assert!(matches!(error, JournalError::NotAJournal { .. }), "{error}");
    assert!(error.to_string().contains("holds the tables of another program"), "{error}");
    assert_eq!(desk.number("select count(*) from pg_tables where schemaname = 'trueup_journal'").await, 1);
    admin(desk.url(), "drop table trueup_journal.letters").await.unwrap();
    // An empty schema was made by an administrator for us.
    desk.open().await.close().await.unwrap();
    admin(desk.url(), "update trueup_journal.meta set format = 9").await.unwrap();
    let error = desk.try_to_open().await.unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 9, known: 4, .. }), "{error}");
    admin(desk.url(), "delete from trueup_journal.meta").await.unwrap();
    assert!(desk.try_to_open().await.unwrap_err().to_string().contains("its description is missing"));
}

#[tokio::test]
async fn a_role_without_rights_and_a_server_that_is_not_there_are_told_apart() {
    let desk = Desk::on_postgres().await;
    let role = format!("{}_pleb", url::Url::parse(desk.url()).unwrap().path().trim_start_matches('/'));
    admin(desk.url(), &format!("create role {role} login password 'pleb'")).await.unwrap();
    let mut url = url::Url::parse(desk.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("pleb")).unwrap();
    let error = desk.connect(url.as_str()).await.unwrap_err();
    assert!(matches!(error, JournalError::Rights { .. }), "{error}");
    assert!(error.to_string().contains("CREATE SCHEMA trueup_journal AUTHORIZATION"), "{error}");
    // With a schema of its own it needs nothing else.
    admin(desk.url(), &format!("create schema trueup_journal authorization {role}")).await.unwrap();
    let journal = desk.connect(url.as_str()).await.unwrap();
    journal.append(run(1), &[created()]).await.unwrap();
    journal.close().await.unwrap();
    let read_only = format!("alter role {role} set default_transaction_read_only = on");
    admin(desk.url(), &read_only).await.unwrap();
    // Ours begins READ WRITE by name: a default is no right. A right is one:
    admin(desk.url(), &format!("revoke insert on trueup_journal.events from {role}")).await.unwrap();
    let journal = desk.connect(url.as_str()).await.unwrap();
    let error = journal.append(run(1), &[decided("a", "-")]).await.unwrap_err();
    assert!(matches!(error, JournalError::Rights { .. }), "{error}");
    assert_eq!(journal.events(run(1)).await.unwrap().len(), 1);
    journal.close().await.unwrap();
    url.set_password(Some("wrong")).unwrap();
    let error = desk.connect(url.as_str()).await.unwrap_err();
    assert!(matches!(error, JournalError::Away { .. }) && error.to_string().contains("password"), "{error}");
    url.set_port(Some(1)).unwrap();
    let error = desk.connect(url.as_str()).await.unwrap_err();
    assert!(error.to_string().contains("nobody listens there") && !error.to_string().contains("wrong"), "{error}");
    admin(desk.url(), &format!("drop owned by {role}; drop role {role}")).await.unwrap();
}

#[tokio::test]
async fn personal_values_are_sealed_with_one_key_whoever_opens_it() {
    let desk = Desk::on_postgres().await;
    desk.open().await.close().await.unwrap();
    let mut other = Desk::on_sqlite();
    other.url = Some(desk.url().to_owned());
    let error = other.try_to_open().await.unwrap_err();
    other.url = None;
    assert!(matches!(error, JournalError::OtherKey { .. }), "{error}");
    assert!(error.to_string().contains("copy `.trueup/seal.key`"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_the_server_ends_is_opened_again_and_nothing_is_lost_or_doubled() {
    let desk = Desk::on_postgres().await;
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    for i in 0..10 {
        let pid = session(&journal).await;
        admin(desk.url(), &format!("select pg_terminate_backend({pid})")).await.unwrap();
        // A question is asked again, and so is a write of which nothing was sent.
        assert_eq!(journal.events(run(1)).await.unwrap().len(), 1 + i);
        let pid = session(&journal).await;
        admin(desk.url(), &format!("select pg_terminate_backend({pid})")).await.unwrap();
        assert_eq!(journal.append(run(1), &[decided(&i.to_string(), "-")]).await.unwrap().seq, 2 + i as u64);
    }
    assert!(journal.verify(None).await.unwrap().findings.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_end_at_any_moment_of_a_write_lose_and_double_nothing() {
    let desk = Desk::on_postgres().await;
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    let (url, stop) = (desk.url().to_owned(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let stopped = stop.clone();
    let killer = tokio::spawn(async move {
        let options: PgConnectOptions = url.parse().unwrap();
        let (mut connection, mut killed) = (options.connect().await.unwrap(), 0);
        // Each group is tried five times: on a busy machine an endless killer would let none through.
        while !stopped.load(Ordering::Relaxed) && killed < 60 {
            let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                        where datname = current_database() and application_name = 'trueup journal'";
            killed += sqlx::query_scalar::<_, i64>(kill).fetch_one(&mut connection).await.unwrap();
            tokio::task::yield_now().await;
        }
        killed
    });
    let mut recorded = 0;
    // Until the killer has had his fill: he may come late, and he may be fast.
    for i in 0..5000 {
        if i >= 25 && killer.is_finished() {
            break;
        }
        match journal.append(run(1), &[decided(&format!("{i}"), "-"), decided(&format!("{i}b"), "-")]).await {
            Ok(end) => {
                recorded += 1;
                assert_eq!(end.seq, 1 + 2 * recorded, "what was said to be recorded is there, once");
            }
            // Five tries in a row were cut off: then nothing of it may be there.
            Err(JournalError::Away { .. } | JournalError::Unsure { .. }) => {
                let there = desk.number("select count(*) from events").await as u64;
                assert!(there == 1 + 2 * recorded || there == 3 + 2 * recorded, "half a group");
                recorded = (there - 1) / 2;
            }
            Err(error) => panic!("{error}"),
        }
    }
    stop.store(true, Ordering::Relaxed);
    let killed = killer.await.unwrap();
    assert!(killed > 25 && recorded > 2, "{killed} sessions ended, {recorded} groups recorded");
    let report = journal.verify(None).await.unwrap();
    assert_eq!((report.events, report.findings.len()), (1 + 2 * recorded, 0));
}

#[tokio::test]
async fn a_caller_that_goes_away_in_a_question_leaves_a_connection_that_is_thrown_away() {
    let desk = Desk::on_postgres().await;
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    let mut other = desk.raw().await;
    for _ in 0..20 {
        // Nobody answers before the caller goes away.
        let mut lock = other.begin().await.unwrap();
        sqlx::query("LOCK TABLE events IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
        let mut verify = Box::pin(journal.verify(None));
        for _ in 0..3 {
            let through = poll_fn(|cx| Poll::Ready(verify.as_mut().poll(cx).is_ready())).await;
            assert!(!through, "the question was answered under the lock");
            tokio::task::yield_now().await;
        }
        drop(verify);
        lock.rollback().await.unwrap();
        assert_eq!(journal.events(run(1)).await.unwrap().len(), 1);
    }
    let open =
        "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in trans%'";
    let mut held = journal.connection().await.unwrap();
    let ended = held.row(open, &[]).await.unwrap().unwrap().int(0).unwrap();
    assert_eq!(ended, 0);
    assert!(matches!(&held.state.store, Store::Server(server) if server.connected()));
}

#[tokio::test]
async fn a_run_that_another_session_holds_is_said_to_be_locked() {
    let desk = Desk::on_postgres().await;
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    let mut other = desk.raw().await;
    let mut transaction = other.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM runs FOR UPDATE").execute(&mut *transaction).await.unwrap();
    journal.connection().await.unwrap().rows("SET lock_timeout = 50", &[]).await.unwrap();
    let error = journal.append(run(1), &[decided("a", "-")]).await.unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }), "{error}");
    // Another run is nobody's business.
    journal.append(run(2), &[created()]).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(journal.append(run(1), &[decided("a", "-")]).await.unwrap().seq, 2);
}
