//! T14b: statements that try to do more than read, as the owner. Nothing may differ afterwards; most are refused by the
//! rules, and the second half shows that the later fences hold without the rules.

use super::*;
use crate::connection::{fault::FaultKind, statement::SetTo};

const POSTGRES: &str = "create table t (id int primary key, n int); insert into t values (1, 1); create sequence s;
    create function sneaky() returns int language plpgsql as $$ begin update t set n = 99; return 1; end $$;
    create procedure quit() language plpgsql as $$ begin commit; end $$;";
const SQLITE: &str = "create table t (id integer primary key, n integer); insert into t values (1, 1);";

/// What must not differ: rows, structure, sequences, settings of other sessions, locks.
const STATE: &str = "select (select string_agg(t::text, ',') from t) as t, (select is_called from s) as s, \
    (select count(*) from pg_class) as c, (select count(*) from pg_largeobject_metadata) as l, \
    (select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())) as a";

const ATTEMPTS: &[&str] = &[
    "commit",
    "end",
    "rollback",
    "commit and chain",
    "begin",
    "start transaction read write",
    "savepoint x",
    "release savepoint trueup",
    "prepare transaction 'x'",
    "set transaction read write",
    "set session characteristics as transaction read write",
    "set role postgres",
    "reset all",
    "discard all",
    "update t set n = 2",
    "insert into t values (2, 2)",
    "delete from t",
    "truncate t",
    "merge into t using (values (1)) v(id) on t.id = v.id when matched then update set n = 5",
    "with gone as (delete from t returning *) select * from gone",
    "with x as (update t set n = 3 returning n) select * from x",
    "select * into fresh from t",
    "create table fresh (id int)",
    "create temp table fresh as select 1",
    "drop table t",
    "alter table t add column x int",
    "select nextval('s')",
    "select \"nextval\"('s')",
    "select pg_catalog.setval('s', 9)",
    "select U&\"\\006eextval\"('s')",
    "select pg_advisory_lock(1)",
    "select pg_try_advisory_lock(1)",
    "select lo_create(0)",
    "select pg_notify('a', 'b')",
    "select pg_read_file('/etc/passwd')",
    "select pg_ls_dir('.')",
    "select pg_terminate_backend(pid) from pg_stat_activity",
    "select set_config('transaction_read_only', 'off', false)",
    "select pg_sleep(1)",
    "select query_to_xml('delete from t', true, true, '')",
    "select dblink('dbname=x', 'delete from t')",
    "select * from t for update",
    "select * from t for share",
    "copy t to '/tmp/trueup-escape'",
    "copy t to program 'touch /tmp/trueup-escape'",
    "do $$ begin update t set n = 7; end $$",
    "call quit()",
    "execute x",
    "declare c cursor for select 1",
    "lock table t",
    "listen x",
    "notify x",
    "vacuum",
    "analyze t",
    "explain analyze delete from t",
    "grant all on t to public",
    "select 1; delete from t",
    "select 1; commit; delete from t",
    "select 1 /* ; */ ; -- x\n delete from t",
    "select sneaky()",
];

#[tokio::test]
async fn no_statement_escapes_a_reading_postgres_handle() {
    let place = postgres(POSTGRES).await;
    let before = place.seen(STATE).await;
    for sql in ATTEMPTS {
        let mut handle = place.database().reading().await.unwrap();
        assert!(query(&mut handle, sql).await.is_err(), "{sql} was accepted");
        // The handle itself is either closed or as good as before.
        match query(&mut handle, "select n from t").await {
            Ok(n) => assert_eq!(n, "1", "{sql}"),
            Err(fault) => assert_eq!(fault.kind, FaultKind::Lost, "{sql}"),
        }
        handle.close().await;
        assert_eq!(place.seen(STATE).await, before, "{sql}");
    }
    assert!(!std::path::Path::new("/tmp/trueup-escape").exists());
}

#[tokio::test]
async fn no_read_in_a_rehearsal_changes_what_the_rehearsal_holds() {
    let place = postgres(POSTGRES).await;
    let before = place.seen(STATE).await;
    for sql in ATTEMPTS {
        let mut handle = place.database().rehearsing().await.unwrap();
        handle.update_by_key("t", &key(&[("id", 1.into())]), &[("n".into(), SetTo::Value(42.into()))]).await.unwrap();
        assert!(query(&mut handle, sql).await.is_err(), "{sql} was accepted");
        assert_eq!(query(&mut handle, "select n from t").await.unwrap(), "42", "{sql}");
        handle.rollback().await.unwrap();
        assert_eq!(place.seen(STATE).await, before, "{sql}");
    }
}

const SQLITE_ATTEMPTS: &[&str] = &[
    "commit",
    "end transaction",
    "rollback",
    "begin immediate",
    "savepoint x",
    "release trueup",
    "pragma query_only = off",
    "pragma writable_schema = on",
    "pragma journal_mode = delete",
    "pragma user_version = 5",
    "attach database '{new}' as n",
    "attach 'file:{new}?mode=rwc' as n",
    "detach main",
    "vacuum into '{new}'",
    "vacuum",
    "reindex",
    "analyze",
    "update t set n = 2",
    "insert into t values (2, 2)",
    "insert into t values (2, 2) returning id",
    "replace into t values (1, 5)",
    "delete from t",
    "with x as (select 1) delete from t",
    "with x as (select 1) update t set n = 3",
    "create table fresh (id)",
    "create temp table fresh as select * from t",
    "create view fresh as select 1",
    "create trigger fresh after insert on t begin select 1; end",
    "drop table t",
    "alter table t rename to u",
    "select load_extension('x')",
    "select writefile('{new}', 'x')",
    "select \"load_extension\"('x')",
    "select [load_extension]('x')",
    "explain delete from t",
    "select 1; delete from t",
    "select 1; commit; delete from t",
    "select 1; pragma query_only = off; delete from t",
    "select 1 -- ;\n; delete from t",
    "select 1 /* /* */ ; delete from t -- */",
];

#[tokio::test]
async fn no_statement_escapes_a_sqlite_handle() {
    let place = sqlite(SQLITE).await;
    let new = place.folder.path().join("new.db");
    let bytes = || std::fs::read(place.folder.path().join("data.db")).unwrap();
    let before = bytes();
    for attempt in SQLITE_ATTEMPTS {
        let sql = attempt.replace("{new}", &new.display().to_string());
        let mut handle = place.database().reading().await.unwrap();
        assert!(query(&mut handle, &sql).await.is_err(), "{sql} was accepted");
        assert_eq!(query(&mut handle, "select n from t").await.unwrap(), "1", "{sql}");
        handle.close().await;
        let mut handle = place.database().rehearsing().await.unwrap();
        assert!(query(&mut handle, &sql).await.is_err(), "{sql} was accepted in a rehearsal");
        handle.rollback().await.unwrap();
        assert!(!new.exists(), "{sql}");
        assert!(bytes() == before, "{sql} changed the file");
    }
}

#[tokio::test]
async fn writes_stay_within_their_transaction_too() {
    for place in [postgres(POSTGRES).await, sqlite(SQLITE).await] {
        for sql in [
            "commit",
            "rollback",
            "select 1; commit",
            "update t set n = 1; commit",
            "create table x (id int)",
            "begin",
            "savepoint a",
        ] {
            let mut handle = place.database().writing().await.unwrap();
            assert_eq!(handle.execute(&ask(sql)).await.unwrap_err().kind, FaultKind::Syntax, "{sql}");
            assert_eq!(handle.execute(&ask("update t set n = 8 where id = 1")).await.unwrap(), 1);
            handle.rollback().await.unwrap();
        }
        assert_eq!(place.seen("select n from t").await, "1");
    }
}

#[tokio::test]
async fn without_the_rules_the_transaction_still_holds_or_the_session_is_closed() {
    let place = postgres(POSTGRES).await;
    let before = place.seen(STATE).await;
    for sql in [
        "commit",
        "rollback",
        "commit and chain",
        "update t set n = 2",
        "select sneaky()",
        "select nextval('s')",
        "call quit()",
        "create table x (id int)",
    ] {
        let mut handle = place.database().reading().await.unwrap();
        let fault = handle.fenced(&ask(sql), Limits::USUAL).await.unwrap_err();
        if ["commit", "rollback", "commit and chain"].contains(&sql) {
            assert!(fault.message.contains("ended the transaction"), "{sql}: {fault}");
            assert_eq!(query(&mut handle, "select 1").await.unwrap_err().kind, FaultKind::Lost);
        }
        assert_eq!(place.seen(STATE).await, before, "{sql}");
    }
    let mut handle = place.database().rehearsing().await.unwrap();
    for sql in
        ["update t set n = 2", "select sneaky()", "select 1; delete from t", "select 1 / 0", "select nextval('s')"]
    {
        assert!(handle.fenced(&ask(sql), Limits::USUAL).await.is_err(), "{sql}");
    }
    assert_eq!(query(&mut handle, "select n from t").await.unwrap(), "1");
    handle.rollback().await.unwrap();
    let place = sqlite(SQLITE).await;
    for sql in ["commit", "rollback"] {
        let mut handle = place.database().reading().await.unwrap();
        assert!(
            handle.fenced(&ask(sql), Limits::USUAL).await.unwrap_err().message.contains("ended the transaction"),
            "{sql}"
        );
    }
    let mut handle = place.database().rehearsing().await.unwrap();
    for sql in ["update t set n = 2", "create table x (id int)", "pragma user_version = 5"] {
        assert!(handle.fenced(&ask(sql), Limits::USUAL).await.is_err(), "{sql}");
    }
    assert_eq!(query(&mut handle, "select n from t").await.unwrap(), "1");
}

/// The role that the documentation advises: SELECT on named tables and nothing else. It holds without any of our rules.
#[tokio::test]
async fn the_least_role_holds_without_any_rule() {
    let role = format!("trueup_least_{}", std::process::id());
    let place = postgres(POSTGRES).await;
    let owner = place.url.clone().unwrap();
    let make = format!(
        "create role {role} login password 'least-of-all'; alter role {role} set default_transaction_read_only = on;
         revoke all on schema public from public; grant usage on schema public to {role}; grant select on t to {role}"
    );
    admin(&owner, &make).await.unwrap();
    let before = place.seen(STATE).await;
    let mut url = url::Url::parse(&owner).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("least-of-all")).unwrap();
    let database = place.at(url.as_str());
    let mut held = Vec::new();
    for sql in ATTEMPTS.iter().filter(|sql| !sql.contains("pg_sleep")) {
        let mut handle = database.reading().await.unwrap();
        let done = handle.fenced(&ask(sql), Limits::USUAL).await;
        handle.close().await;
        let after = place.seen(STATE).await;
        held.push((sql, done.is_err(), after == before));
    }
    admin(&owner, &format!("drop owned by {role}; drop role {role}")).await.unwrap();
    assert!(held.iter().all(|(_, _, same)| *same), "{:?}", held.iter().filter(|(.., same)| !same).collect::<Vec<_>>());
    assert!(held.iter().filter(|(_, refused, _)| *refused).count() > 40);
}
