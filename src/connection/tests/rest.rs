//! A connection serves one handle after the other, and nothing of the one reaches the next.

use super::{Dialect, Place, admin, ask, key, mysql, postgres, query, servers, sqlite};
use crate::base::identity::RunId;
use crate::connection::{
    database::Target,
    fault::FaultKind,
    statement::{Limits, SetTo, trusted},
};
use sqlx::{ConnectOptions, Executor, sqlite::SqliteConnectOptions};

const TABLE: &str = "create table t (id int primary key, n int); insert into t values (1, 1)";
const ODD: &str = "create table t (id int primary key, n int); insert into t values (1, 1);
    create function odd() returns int language sql volatile as
      $$ select pg_advisory_lock(7); select set_config('search_path', 'nowhere', false); select 1 $$";

impl Place {
    /// Asks a session for its number.
    fn pid(&self) -> &'static str {
        match self.dialect {
            Dialect::Mysql => "select connection_id() as pid",
            _ => "select pg_backend_pid() as pid",
        }
    }

    /// An administrator ends a session, and waits until it has gone.
    async fn end(&self, pid: &str) {
        let url = self.url.as_deref().unwrap();
        if self.is_postgres() {
            return admin(url, &format!("select pg_terminate_backend({pid}, 5000)")).await.unwrap();
        }
        admin(url, &format!("kill {pid}")).await.unwrap();
        while self.seen(&format!("select count(*) from information_schema.processlist where id = {pid}")).await != "0" {
        }
    }
}

#[tokio::test]
async fn one_connection_serves_a_plan_and_an_apply() {
    for place in servers(TABLE).await {
        let database = place.database();
        database.expect_reading();
        database.expect_changing();
        let mut reading = database.reading().await.unwrap();
        let first = query(&mut reading, place.pid()).await.unwrap();
        reading.close().await;
        let mut rehearsing = database.rehearsing().await.unwrap();
        assert_eq!(query(&mut rehearsing, place.pid()).await.unwrap(), first);
        rehearsing.rollback().await.unwrap();
        let mut writing = database.writing().await.unwrap();
        assert_eq!(query(&mut writing, place.pid()).await.unwrap(), first);
        let n = [("n".into(), SetTo::Value(5.into()))];
        writing.update_by_key("t", &key(&[("id", 1.into())]), &n).await.unwrap();
        writing.commit().await.unwrap();
        let mut reading = database.reading().await.unwrap();
        assert_eq!(query(&mut reading, place.pid()).await.unwrap(), first);
        assert_eq!(query(&mut reading, "select n from t").await.unwrap(), "5");
        // Two at once are two connections, and both serve again.
        let mut second = database.reading().await.unwrap();
        let other = query(&mut second, place.pid()).await.unwrap();
        assert_ne!(other, first);
        second.close().await;
        reading.close().await;
        let mut again = [database.reading().await.unwrap(), database.reading().await.unwrap()];
        let mut pids =
            [query(&mut again[0], place.pid()).await.unwrap(), query(&mut again[1], place.pid()).await.unwrap()];
        pids.sort();
        let mut known = [first, other];
        known.sort();
        assert_eq!(pids, known);
    }
}

#[tokio::test]
async fn a_resting_connection_has_no_lock_no_setting_and_no_transaction() {
    let place = postgres(ODD).await;
    let database = place.database();
    let mut writing = database.writing().await.unwrap();
    let first = query(&mut writing, place.pid()).await.unwrap();
    // What a function of the database does to its session stays after COMMIT; the next handle must not see it.
    writing.execute(&ask("update t set n = odd() where id = 1")).await.unwrap();
    writing.commit().await.unwrap();
    let state = "select state || ' ' || (select count(*) from pg_locks l where l.pid = a.pid and locktype = 'advisory') \
                 from pg_stat_activity a where pid = ";
    assert_eq!(place.seen(&format!("{state}{first}")).await, "idle 0");
    let mut reading = database.reading().await.unwrap();
    assert_eq!(query(&mut reading, place.pid()).await.unwrap(), first);
    assert_eq!(query(&mut reading, "select n from t").await.unwrap(), "1");
    assert_ne!(query(&mut reading, "select current_setting('search_path')").await.unwrap(), "nowhere");
}

#[tokio::test]
async fn whatever_isolation_a_database_is_set_to_each_handle_sees_what_is_committed() {
    let set = "do $$ begin execute format('alter database %I set default_transaction_isolation = serializable', \
               current_database()); end $$";
    let strict = "create function strict() returns text language sql volatile as \
                  $$ select set_config('default_transaction_isolation', 'serializable', false) $$";
    let place = postgres(&format!("{TABLE}; {set}; {strict}")).await;
    let database = place.database();
    let isolation = "select current_setting('transaction_isolation')";
    let mut writing = database.writing().await.unwrap();
    assert_eq!(query(&mut writing, isolation).await.unwrap(), "read committed");
    let first = query(&mut writing, place.pid()).await.unwrap();
    query(&mut writing, "select strict()").await.unwrap();
    writing.commit().await.unwrap();
    for _ in 0..2 {
        let mut writing = database.writing().await.unwrap();
        assert_eq!(query(&mut writing, place.pid()).await.unwrap(), first);
        assert_eq!(query(&mut writing, isolation).await.unwrap(), "read committed");
        writing.commit().await.unwrap();
    }
    let mut reading = database.reading().await.unwrap();
    assert_eq!(query(&mut reading, isolation).await.unwrap(), "read committed");
}

/// A database whose sessions begin with this.
async fn set_to(settings: &[(&str, &str)]) -> Place {
    let set = |(name, value): &(&str, &str)| {
        format!("execute format('alter database %I set {name} = {value}', current_database());")
    };
    let all: String = settings.iter().map(set).collect();
    postgres(&format!("{TABLE}; do $$ begin {all} end $$")).await
}

#[tokio::test]
async fn what_is_called_done_is_durable_whatever_a_role_is_set_to() {
    let shown = "select current_setting('synchronous_commit')";
    for (found, wanted) in [("off", "on"), ("local", "local"), ("remote_write", "remote_write"), ("on", "on")] {
        let place = set_to(&[("synchronous_commit", found)]).await;
        let database = place.database();
        let mut pids = Vec::new();
        for _ in 0..3 {
            let mut writing = database.writing().await.unwrap();
            assert_eq!(query(&mut writing, shown).await.unwrap(), wanted);
            let savepoint = writing.savepoint().await.unwrap();
            writing.rollback_to(savepoint).await.unwrap();
            assert_eq!(query(&mut writing, shown).await.unwrap(), wanted);
            pids.push(query(&mut writing, place.pid()).await.unwrap());
            writing.commit().await.unwrap();
        }
        assert!(pids.iter().all(|pid| *pid == pids[0]), "one session served them all: {pids:?}");
        // A transaction that begins with the message that ended the last one, and one that is told in the server's log.
        for traced in [false, true] {
            let database = place.database();
            let database = if traced { database.traced(RunId(uuid::Uuid::from_u128(7))) } else { database };
            let Target::Postgres(target) = &*database.target else { panic!("no server") };
            let mut link = target.changing().await.unwrap();
            for _ in 0..2 {
                assert!(link.commit(true).await.unwrap());
                let answer = link.run(&ask(shown), Limits::USUAL).await.unwrap();
                assert_eq!(answer.rows[0][0].bare(), wanted, "{found} {traced}");
            }
        }
    }
}

#[tokio::test]
async fn no_row_is_left_out_and_no_value_means_something_else_whatever_a_role_is_set_to() {
    let place = set_to(&[
        ("gin_fuzzy_search_limit", "5"),
        ("array_nulls", "off"),
        ("transform_null_equals", "on"),
        ("xmloption", "document"),
        ("quote_all_identifiers", "on"),
    ])
    .await;
    let words = "create table words (w tsvector); insert into words select 'one' from generate_series(1, 20000); \
                 create index on words using gin (w); analyze words";
    admin(place.url.as_deref().unwrap(), words).await.unwrap();
    let database = place.database();
    for _ in 0..2 {
        let mut reading = database.reading().await.unwrap();
        let found = "select count(*) from words where w @@ 'one'::tsquery";
        assert_eq!(query(&mut reading, found).await.unwrap(), "20000");
        assert_eq!(query(&mut reading, "select ('{NULL}'::text[])[1] is null").await.unwrap(), "true");
        assert_eq!(query(&mut reading, "select count(*) from t where n = null").await.unwrap(), "0");
        assert_eq!(query(&mut reading, "select 'a<b/>'::xml::text").await.unwrap(), "a<b/>");
        assert_eq!(query(&mut reading, "select quote_ident('t')").await.unwrap(), "t");
        reading.close().await;
    }
}

#[tokio::test]
async fn a_handle_that_failed_or_was_dropped_leaves_no_connection_behind() {
    for place in servers(TABLE).await {
        let database = place.database();
        let mut writing = database.writing().await.unwrap();
        let first = query(&mut writing, place.pid()).await.unwrap();
        drop(writing);
        let mut writing = database.writing().await.unwrap();
        let second = query(&mut writing, place.pid()).await.unwrap();
        assert_ne!(second, first);
        place.end(&second).await;
        assert_eq!(query(&mut writing, place.pid()).await.unwrap_err().kind, FaultKind::Lost);
        writing.rollback().await.unwrap();
        let mut writing = database.writing().await.unwrap();
        assert_ne!(query(&mut writing, place.pid()).await.unwrap(), second);
    }
}

#[tokio::test]
async fn a_connection_that_dies_while_it_rests_is_replaced_without_a_word() {
    for place in servers(TABLE).await {
        let database = place.database();
        for _ in 0..5 {
            let mut reading = database.reading().await.unwrap();
            let pid = query(&mut reading, place.pid()).await.unwrap();
            reading.close().await;
            place.end(&pid).await;
            let mut writing = database.writing().await.unwrap();
            assert_ne!(query(&mut writing, place.pid()).await.unwrap(), pid);
            writing.rollback().await.unwrap();
        }
    }
}

#[tokio::test]
async fn two_roles_never_share_a_connection() {
    for mut place in servers(TABLE).await {
        let url = place.url.clone().unwrap();
        place.settings = "read_url: env:URL, ".into();
        let database = place.at(&url);
        let mut reading = database.reading().await.unwrap();
        let first = query(&mut reading, place.pid()).await.unwrap();
        reading.close().await;
        let mut writing = database.writing().await.unwrap();
        assert_ne!(query(&mut writing, place.pid()).await.unwrap(), first);
    }
}

#[tokio::test]
async fn a_table_that_is_altered_under_a_prepared_statement_is_seen_by_the_next_handle() {
    let place = postgres(TABLE).await;
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

/// MySQL prepares such a statement again by itself.
#[tokio::test]
async fn a_table_that_is_altered_between_two_handles_is_seen_whole_by_the_next_one() {
    let place = mysql(TABLE).await;
    let database = place.database();
    let mut reading = database.reading().await.unwrap();
    let first = query(&mut reading, place.pid()).await.unwrap();
    assert_eq!(query(&mut reading, "select * from t").await.unwrap(), "1 1");
    reading.close().await;
    for (change, expected) in [
        ("alter table t add column m int default 7", "1 1 7"),
        ("alter table t modify n varchar(9)", "1 1 7"),
        ("alter table t drop column m", "1 1"),
        ("drop table t; create table t (word text, bits bit(1)); insert into t values ('a', 1)", "a true"),
    ] {
        admin(place.url.as_deref().unwrap(), change).await.unwrap();
        let mut writing = database.writing().await.unwrap();
        assert_eq!(query(&mut writing, "select * from t").await.unwrap(), expected, "{change}");
        assert_eq!(query(&mut writing, place.pid()).await.unwrap(), first);
        writing.rollback().await.unwrap();
    }
}

const ODD_ON_MYSQL: &str = "create table t (id int auto_increment primary key, n int); insert into t values (1, 1);
    create table marked (id int primary key, n int); insert into marked values (1, 1);
    create trigger mark before update on marked for each row set @mark = new.n;
    create function locks() returns int return get_lock('trueup_rest', 0);
    create function sets() returns int begin set session group_concat_max_len = 77; return 1; end;
    create function keeps() returns int begin set @kept = 5; return 1; end;
    create function selects() returns int begin select 5 into @kept; return 1; end;
    create function makes() returns int begin create temporary table if not exists own (id int); return 1; end;
    create function computes(n int) returns int begin declare m int default n; set m = m + 1; return m; end";

/// What is left in a session is taken back, or the session is not used again.
#[tokio::test]
async fn nothing_that_a_function_or_trigger_does_to_a_session_of_mysql_reaches_the_next_handle() {
    const STATE: &str = "select is_used_lock('trueup_rest') <=> null as free, @@group_concat_max_len <> 77 as unset, \
        @kept <=> null as nothing, @mark <=> null as unmarked, last_insert_id() = 0 as no_row, @@innodb_lock_wait_timeout as wait";
    let place = mysql(ODD_ON_MYSQL).await;
    for (sql, kept) in [
        ("update t set n = locks() where id = 1", true),
        ("update t set n = computes(n) where id = 1", true),
        ("insert into t (n) values (7)", true),
        ("update t set n = sets() where id = 1", false),
        ("update t set n = keeps() where id = 1", false),
        ("update t set n = selects() where id = 1", false),
        ("update t set n = makes() where id = 1", false),
        ("update marked set n = 3 where id = 1", false),
    ] {
        for commits in [true, false] {
            // Also when the connection has served handles before.
            let database = place.database();
            database.reading().await.unwrap().close().await;
            let mut writing = database.writing().await.unwrap();
            let first = query(&mut writing, place.pid()).await.unwrap();
            writing.execute(&ask(sql)).await.unwrap();
            if commits {
                writing.commit().await.unwrap();
            } else {
                writing.rollback().await.unwrap();
            }
            let open =
                format!("select count(*) from information_schema.innodb_trx where trx_mysql_thread_id = {first}");
            assert_eq!(place.seen(&open).await, "0", "{sql}: the session rests inside a transaction");
            let mut reading = database.reading().await.unwrap();
            let same = query(&mut reading, place.pid()).await.unwrap() == first;
            assert_eq!(same, kept, "{sql}, commits: {commits}");
            let state = reading.raw(&ask(STATE), Limits::USUAL).await.unwrap();
            let state: Vec<_> = state.rows[0].iter().map(|value| value.bare().into_owned()).collect();
            assert_eq!(state.join(" "), "1 1 1 1 1 2", "{sql}, commits: {commits}");
            assert!(reading.raw(&ask("select * from own"), Limits::USUAL).await.is_err(), "{sql}");
        }
    }
}

/// A session that only reads stays one that only reads, whatever it did for an earlier handle; and the other way round.
#[tokio::test]
async fn a_connection_that_wrote_reads_only_for_a_reading_handle() {
    let place = mysql(TABLE).await;
    let database = place.database();
    for n in 2..6 {
        let mut reading = database.reading().await.unwrap();
        let fault = reading.raw(&ask("update t set n = 99"), Limits::USUAL).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::ReadOnly, "{fault}");
        reading.close().await;
        let mut writing = database.writing().await.unwrap();
        let to = [("n".into(), SetTo::Value(n.into()))];
        assert_eq!(writing.update_by_key("t", &key(&[("id", 1.into())]), &to).await.unwrap(), 1);
        // Nothing of the earlier handles is counted along.
        assert_eq!(writing.touched().await.unwrap().iter().map(|t| t.updated).sum::<u64>(), 1);
        writing.commit().await.unwrap();
        assert_eq!(place.seen("select n from t").await, n.to_string());
    }
}

#[tokio::test]
async fn a_file_stays_open_for_the_next_handle_which_sees_nothing_of_the_last_one() {
    let place = sqlite(
        "create table w (k text primary key, n int) without rowid; insert into w values ('a', 1), ('b', 2);
         create table t (id int primary key, n int); insert into t values (1, 1)",
    )
    .await;
    let database = place.database();
    let mut writing = database.writing().await.unwrap();
    writing.delete_by_key("w", &key(&[("k", "a".into())])).await.unwrap();
    let n = [("n".into(), SetTo::Value(5.into()))];
    writing.update_by_key("t", &key(&[("id", 1.into())]), &n).await.unwrap();
    writing.commit().await.unwrap();
    for _ in 0..2 {
        let mut writing = database.writing().await.unwrap();
        assert_eq!(query(&mut writing, "select total_changes()").await.unwrap(), "2", "the same connection");
        assert_eq!(writing.touched().await.unwrap(), []);
        writing.rollback().await.unwrap();
    }
    let mut reading = database.reading().await.unwrap();
    assert_eq!(query(&mut reading, "select n from t").await.unwrap(), "5");
    reading.close().await;
    // Read-only it was, and a writer is not; nobody else waits for it.
    let mut writing = database.writing().await.unwrap();
    writing.update_by_key("t", &key(&[("id", 1.into())]), &n).await.unwrap();
    writing.commit().await.unwrap();
    admin_of_file(&place, "alter table t add column d date; update t set d = '2026-01-02'").await;
    let mut reading = database.reading().await.unwrap();
    assert_eq!(query(&mut reading, "select d from t").await.unwrap(), "2026-01-02");
    reading.close().await;
}

#[tokio::test]
async fn another_file_in_the_place_of_one_that_rests_is_opened() {
    let place = sqlite("create table t (id int primary key, n int); insert into t values (1, 1)").await;
    let database = place.database();
    database.reading().await.unwrap().close().await;
    database.writing().await.unwrap().rollback().await.unwrap();
    let other = sqlite("create table t (id int primary key, n int); insert into t values (1, 7)").await;
    std::fs::rename(other.folder.path().join("data.db"), place.folder.path().join("data.db")).unwrap();
    let mut reading = database.reading().await.unwrap();
    assert_eq!(query(&mut reading, "select n from t").await.unwrap(), "7");
    let mut writing = database.writing().await.unwrap();
    assert_eq!(query(&mut writing, "select n from t").await.unwrap(), "7");
}

#[tokio::test]
async fn a_file_in_which_something_temporary_was_left_is_closed() {
    let place = sqlite("create table t (id int primary key, n int); insert into t values (1, 1)").await;
    let database = place.database();
    let mut writing = database.writing().await.unwrap();
    // No text of a playbook gets through here.
    writing.batch("create temp table t as select 1 as id, 9 as n").await.unwrap();
    assert_eq!(query(&mut writing, "select n from t").await.unwrap(), "9");
    writing.commit().await.unwrap();
    let mut writing = database.writing().await.unwrap();
    assert_eq!(query(&mut writing, "select n from t").await.unwrap(), "1");
}

async fn admin_of_file(place: &Place, sql: &str) {
    let options = SqliteConnectOptions::new().filename(place.folder.path().join("data.db"));
    options.connect().await.unwrap().execute(trusted(sql)).await.unwrap();
}
