//! A PostgreSQL connection serves one handle after the other, and nothing of the one reaches the next.

use super::{admin, ask, key, postgres, query};
use crate::connection::{fault::FaultKind, statement::SetTo};

const SETUP: &str = "create table t (id int primary key, n int); insert into t values (1, 1);
    create function odd() returns int language sql volatile as
      $$ select pg_advisory_lock(7); select set_config('search_path', 'nowhere', false); select 1 $$";
const PID: &str = "select pg_backend_pid() as pid";

#[tokio::test]
async fn one_connection_serves_a_plan_and_an_apply() {
    let place = postgres(SETUP).await;
    let database = place.database();
    database.expect_reading();
    database.expect_changing();
    let mut reading = database.reading().await.unwrap();
    let first = query(&mut reading, PID).await.unwrap();
    reading.close().await;
    let mut rehearsing = database.rehearsing().await.unwrap();
    assert_eq!(query(&mut rehearsing, PID).await.unwrap(), first);
    rehearsing.rollback().await.unwrap();
    let mut writing = database.writing().await.unwrap();
    assert_eq!(query(&mut writing, PID).await.unwrap(), first);
    let n = [("n".into(), SetTo::Value(5.into()))];
    writing.update_by_key("t", &key(&[("id", 1.into())]), &n).await.unwrap();
    writing.commit().await.unwrap();
    let mut reading = database.reading().await.unwrap();
    assert_eq!(query(&mut reading, PID).await.unwrap(), first);
    assert_eq!(query(&mut reading, "select n from t").await.unwrap(), "5");
    // Two at once are two connections, and both serve again.
    let mut second = database.reading().await.unwrap();
    let other = query(&mut second, PID).await.unwrap();
    assert_ne!(other, first);
    second.close().await;
    reading.close().await;
    let mut again = [database.reading().await.unwrap(), database.reading().await.unwrap()];
    let mut pids = [query(&mut again[0], PID).await.unwrap(), query(&mut again[1], PID).await.unwrap()];
    pids.sort();
    let mut known = [first, other];
    known.sort();
    assert_eq!(pids, known);
}

#[tokio::test]
async fn a_resting_connection_has_no_lock_no_setting_and_no_transaction() {
    let place = postgres(SETUP).await;
    let database = place.database();
    let mut writing = database.writing().await.unwrap();
    let first = query(&mut writing, PID).await.unwrap();
    // What a function of the database does to its session stays after COMMIT; the next handle must not see it.
    writing.execute(&ask("update t set n = odd() where id = 1")).await.unwrap();
    writing.commit().await.unwrap();
    let state = "select state || ' ' || (select count(*) from pg_locks l where l.pid = a.pid and locktype = 'advisory') \
                 from pg_stat_activity a where pid = ";
    assert_eq!(place.seen(&format!("{state}{first}")).await, "idle 0");
    let mut reading = database.reading().await.unwrap();
    assert_eq!(query(&mut reading, PID).await.unwrap(), first);
    assert_eq!(query(&mut reading, "select n from t").await.unwrap(), "1");
    assert_ne!(query(&mut reading, "select current_setting('search_path')").await.unwrap(), "nowhere");
}

#[tokio::test]
async fn a_handle_that_failed_or_was_dropped_leaves_no_connection_behind() {
    let place = postgres(SETUP).await;
    let database = place.database();
    let mut writing = database.writing().await.unwrap();
    let first = query(&mut writing, PID).await.unwrap();
    drop(writing);
    let mut writing = database.writing().await.unwrap();
    let second = query(&mut writing, PID).await.unwrap();
    assert_ne!(second, first);
    admin(place.url.as_deref().unwrap(), &format!("select pg_terminate_backend({second})")).await.unwrap();
    assert_eq!(query(&mut writing, PID).await.unwrap_err().kind, FaultKind::Lost);
    writing.rollback().await.unwrap();
    let mut writing = database.writing().await.unwrap();
    assert_ne!(query(&mut writing, PID).await.unwrap(), second);
}

#[tokio::test]
async fn a_connection_that_dies_while_it_rests_is_replaced_without_a_word() {
    let place = postgres(SETUP).await;
    let database = place.database();
    for _ in 0..5 {
        let mut reading = database.reading().await.unwrap();
        let pid = query(&mut reading, PID).await.unwrap();
        reading.close().await;
        let gone = format!("select pg_terminate_backend({pid}, 5000)");
        admin(place.url.as_deref().unwrap(), &gone).await.unwrap();
        let mut writing = database.writing().await.unwrap();
        assert_ne!(query(&mut writing, PID).await.unwrap(), pid);
        writing.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn two_roles_never_share_a_connection() {
    let mut place = postgres(SETUP).await;
    let url = place.url.clone().unwrap();
    place.settings = "read_url: env:URL, ".into();
    let database = place.at(&url);
    let mut reading = database.reading().await.unwrap();
    let first = query(&mut reading, PID).await.unwrap();
    reading.close().await;
    let mut writing = database.writing().await.unwrap();
    assert_ne!(query(&mut writing, PID).await.unwrap(), first);
}

#[tokio::test]
async fn a_table_that_is_altered_under_a_prepared_statement_is_seen_by_the_next_handle() {
    let place = postgres(SETUP).await;
    let database = place.database();
    let mut reading = database.reading().await.unwrap();
    assert_eq!(query(&mut reading, "select * from t").await.unwrap(), "1 1");
    reading.close().await;
    admin(place.url.as_deref().unwrap(), "alter table t add column m int default 7").await.unwrap();
    let mut writing = database.writing().await.unwrap();
    let fault = query(&mut writing, "select * from t").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Serialization, "{fault}");
    writing.rollback().await.unwrap();
    let mut writing = database.writing().await.unwrap();
    assert_eq!(query(&mut writing, "select * from t").await.unwrap(), "1 1 7");
}
