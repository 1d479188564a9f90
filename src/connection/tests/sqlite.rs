//! What SQLite does without a word: rows that stand in the way are deleted, a reference is looked at only by COMMIT, a value takes all the memory.

use super::*;
use crate::{
    base::value::Data,
    connection::{
        fault::FaultKind,
        rows::Touched,
        standing::{Unlike, unlike},
        statement::SetTo,
    },
};

fn to(column: &str, value: impl Into<Value>) -> (Arc<str>, SetTo) {
    (column.into(), SetTo::Value(value.into()))
}

#[tokio::test]
async fn a_row_that_stands_in_the_way_is_an_error_whatever_the_table_says() {
    for clause in ["replace", "ignore", "fail", "rollback", "abort", "REPLACE"] {
        let setup = format!(
            "create table t (id integer primary key on conflict {clause}, v text unique ON  /* x */ CONFLICT {clause}, \
               n text not null on conflict {clause} default 'given'); \
             create trigger g after delete on t begin select raise(abort, 'a row went'); end; \
             insert into t values (1, 'a', 'x'), (2, 'b', 'x')"
        );
        let place = sqlite(&setup).await;
        let mut handle = place.database().writing().await.unwrap();
        for table in ["t", "main.t"] {
            let place_to_go_back = handle.savepoint().await.unwrap();
            let one = key(&[("id", 1.into())]);
            let taken = handle.update_by_key(table, &one, &[to("v", "b")]).await.unwrap_err();
            assert_eq!(taken.kind, FaultKind::Constraint, "{clause}: {}", taken.message);
            handle.rollback_to(place_to_go_back).await.unwrap();
        }
        for values in [
            vec![to("id", 3), to("v", "b"), to("n", "y")],
            vec![to("id", 1), to("v", "c"), to("n", "y")],
            vec![to("id", 3), to("v", "c"), to("n", Value::NULL)],
        ] {
            let place_to_go_back = handle.savepoint().await.unwrap();
            let taken = handle.insert("t", &names(&["id"]), &values).await.unwrap_err();
            assert_eq!(taken.kind, FaultKind::Constraint, "{clause}: {}", taken.message);
            handle.rollback_to(place_to_go_back).await.unwrap();
            let place_to_go_back = handle.savepoint().await.unwrap();
            let taken = handle.insert_again("t", &names(&["id"]), &values).await.unwrap_err();
            assert_eq!(taken.kind, FaultKind::Constraint, "{clause}: {}", taken.message);
            handle.rollback_to(place_to_go_back).await.unwrap();
        }
        handle.commit().await.unwrap();
        assert_eq!(place.seen("select * from t order by id").await, "1 a x; 2 b x", "{clause}");
    }
}

#[tokio::test]
async fn what_a_trigger_says_of_conflicts_goes_on_to_count() {
    let setup = "create table t (id integer primary key, v text unique); create table tags (v text unique); \
         insert into t values (1, 'a'); insert into tags values ('b'); \
         create trigger g after update on t begin insert or ignore into tags values (new.v); end";
    let place = sqlite(setup).await;
    let mut handle = place.database().writing().await.unwrap();
    assert_eq!(handle.update_by_key("t", &key(&[("id", 1.into())]), &[to("v", "b")]).await.unwrap(), 1);
    handle.commit().await.unwrap();
    assert_eq!(place.seen("select t.v as a, tags.v as b from t, tags").await, "b b");
}

#[tokio::test]
async fn sql_of_an_author_deletes_no_rows_that_no_image_shows() {
    let setup = "create table r (id integer primary key, v text unique on conflict replace); \
         create table b (id integer primary key, v text unique on conflict rollback); \
         create table i (id integer primary key, v text unique on conflict ignore); \
         insert into r values (1, 'a'), (2, 'b'); insert into b values (1, 'a'), (2, 'b'); insert into i values (1, 'a'), (2, 'b')";
    let place = sqlite(setup).await;
    for (sql, word) in [
        ("update or replace i set v = 'b' where id = 1", "UPDATE OR REPLACE deletes rows that no image shows"),
        ("insert or replace into i values (1, 'b')", "INSERT OR REPLACE deletes rows that no image shows"),
        ("REPLACE INTO i values (1, 'b')", "REPLACE deletes rows that no image shows"),
        ("with x as (select 1) insert or replace into i select 1, 'b' from x", "deletes rows that no image shows"),
        ("with x as (select 1) replace into i select 1, 'b' from x", "deletes rows that no image shows"),
        ("update or rollback i set v = 'b' where id = 1", "OR ROLLBACK would end trueup's own transaction"),
        ("update R set v = 'b' where id = 1", "`r` is built with ON CONFLICT REPLACE, which deletes rows"),
        ("insert into \"r\" values (3, 'b')", "`r` is built with ON CONFLICT REPLACE"),
        ("insert into r values (1, 'b') on conflict (id) do update set v = 'b'", "is built with ON CONFLICT REPLACE"),
        ("update b set v = 'b' where id = 1", "`b` is built with ON CONFLICT ROLLBACK"),
    ] {
        for returning in [false, true] {
            let mut handle = place.database().rehearsing().await.unwrap();
            let fault = match returning {
                false => handle.execute(&ask(sql)).await.unwrap_err(),
                true => handle
                    .execute_returning(&ask(&format!("{sql} returning id")), Limits::USUAL)
                    .await
                    .map(|_| ())
                    .unwrap_err(),
            };
            assert!(fault.message.contains(word), "{sql}: {}", fault.message);
        }
    }
    let mut handle = place.database().rehearsing().await.unwrap();
    for (sql, rows) in [
        ("update or abort r set v = 'c' where id = 1", 1),
        ("delete from r where id = 2", 1),
        ("insert or ignore into i values (3, 'a')", 0),
        ("update i set v = replace(v, 'a', 'z') where id = 1 or replace(v, 'a', 'b') = 'c'", 1),
    ] {
        assert_eq!(handle.execute(&ask(sql)).await.unwrap(), rows, "{sql}");
    }
    let fault = handle.execute(&ask("insert or abort into r values (3, 'c')")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Constraint);
}

#[tokio::test]
async fn what_commit_would_say_of_references_is_known_before() {
    for (reference, tail) in [
        ("references p (id) deferrable initially deferred", ""),
        ("REFERENCES P(ID) Deferrable\n  Initially /* at the end */ Deferred", ""),
        ("references \"p\" deferrable initially deferred", " without rowid"),
    ] {
        let setup = format!(
            "create table p (id text primary key, n integer){tail}; create table c (id text primary key, p text {reference}){tail}; \
             create table besides (id integer primary key); \
             insert into p values ('1', 1), ('2', 2); insert into c values ('1', '1'), ('2', '2')"
        );
        let place = sqlite(&setup).await;
        let (one, two) = (key(&[("id", "1".into())]), key(&[("id", "2".into())]));
        let mut handle = place.database().writing().await.unwrap();
        handle.update_by_key("p", &one, &[to("n", 3)]).await.unwrap();
        handle.check_deferred().await.unwrap();
        let back = handle.savepoint().await.unwrap();
        handle.delete_by_key("p", &one).await.unwrap();
        let fault = handle.check_deferred().await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Constraint, "{reference}");
        assert_eq!(fault.message, "a row of `c` would point to no row of `p`", "{reference}");
        handle.rollback_to(back).await.unwrap();
        // In whatever order.
        handle.delete_by_key("p", &two).await.unwrap();
        handle.delete_by_key("c", &two).await.unwrap();
        handle.check_deferred().await.unwrap();
        handle.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_row_that_pointed_to_nothing_before_is_in_nobodys_way() {
    let setup = "pragma foreign_keys = off; create table p (id integer primary key, n integer); \
         create table c (id integer primary key, p integer references p deferrable initially deferred, n integer); \
         insert into p values (1, 0); insert into c values (1, 99, 0), (2, 1, 0)";
    for wal in ["", "pragma journal_mode = wal; "] {
        let place = sqlite(&format!("{wal}{setup}")).await;
        let mut handle = place.database().writing().await.unwrap();
        handle.update_by_key("p", &key(&[("id", 1.into())]), &[to("n", 3)]).await.unwrap();
        handle.update_by_key("c", &key(&[("id", 1.into())]), &[to("n", 3)]).await.unwrap();
        handle.check_deferred().await.unwrap();
        let back = handle.savepoint().await.unwrap();
        handle.insert("c", &names(&["id"]), &[to("id", 3), to("p", 98)]).await.unwrap();
        assert_eq!(handle.check_deferred().await.unwrap_err().kind, FaultKind::Constraint);
        handle.rollback_to(back).await.unwrap();
        handle.commit().await.unwrap();
        assert_eq!(place.seen("select n from c order by id").await, "3; 0");
    }
}

#[tokio::test]
async fn a_trigger_belongs_to_its_table_however_that_was_written() {
    let setup = "create table things (id integer primary key, v text); create table many (v text); \
         create trigger one before update on THINGS when new.v in many begin select raise(abort, 'x'); end";
    let place = sqlite(setup).await;
    let mut handle = place.database().reading().await.unwrap();
    let found = handle.catalogue(Some(&["things"])).await.unwrap();
    assert_eq!(found["things"].triggers, ["one"]);
    assert_eq!(found["things"].judges.len(), 1);
}

#[tokio::test]
async fn a_reference_is_told_as_its_table_and_columns_are_called() {
    let setup = "create table things (id integer primary key, a text, b text, unique (a, b)); \
         create table parts (id integer primary key, x text, y text, n integer references THINGS, foreign key (X, Y) references Things (A, B))";
    let place = sqlite(setup).await;
    let mut handle = place.database().reading().await.unwrap();
    let found = handle.references(None).await.unwrap();
    let told: Vec<_> = found.iter().map(|r| (&*r.to, r.columns.join(" "), r.keys.join(" "))).collect();
    assert_eq!(told, [("things", "x y".to_owned(), "a b".to_owned()), ("things", "n".to_owned(), "id".to_owned())]);
}

#[tokio::test]
async fn what_is_not_named_is_counted_and_ones_own_rows_are_among_it() {
    let setup = "create table w (k text primary key, n integer) without rowid; insert into w values ('a', 1), ('b', 2)";
    let place = sqlite(setup).await;
    let mut handle = place.database().rehearsing().await.unwrap();
    handle.update_by_key("w", &key(&[("k", "a".into())]), &[to("n", 3)]).await.unwrap();
    let touched = handle.touched().await.unwrap();
    assert_eq!(touched, [Touched { table: "*".into(), inserted: 0, updated: 1, deleted: 0 }]);
    assert!(touched[0].is_unnamed() && touched[0].rows() == 1);
}

#[tokio::test]
async fn a_value_is_not_larger_than_what_this_process_can_hold() {
    let place = sqlite("create table t (id integer primary key)").await;
    let mut handle = place.database().reading().await.unwrap();
    for sql in [
        "select zeroblob(900000000) as z",
        "select randomblob(900000000) as z",
        "select replace(hex(zeroblob(100000000)), '0', 'xy') as z",
    ] {
        let fault = handle.query(&ask(sql), Limits::USUAL).await.map(|_| ()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Data, "{sql}: {}", fault.message);
        assert!(fault.message.contains("is larger than 272 MiB"), "{sql}: {}", fault.message);
    }
    // What is smaller than that is told before it is copied.
    let mut handle = place.database().reading().await.unwrap();
    let fault = handle.query(&ask("select zeroblob(20000000) as z"), Limits::USUAL).await.map(|_| ()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Data);
    assert_eq!(fault.message, "`z` is larger than the 16777216 bytes that an answer may have");
}

#[tokio::test]
async fn a_row_with_a_large_value_stays_changeable() {
    let place = sqlite(
        "create table t (id integer primary key, b blob, n integer); insert into t values (1, zeroblob(60000000), 0)",
    )
    .await;
    let mut handle = place.database().writing().await.unwrap();
    let found = handle.lock_and_read("t", &names(&["id"]), &[vec![1.into()]]).await.unwrap();
    assert!(matches!(&found[0].as_ref().unwrap()["b"].data, Data::Bytes(bytes) if bytes.len() == 60_000_000));
    handle.update_by_key("t", &key(&[("id", 1.into())]), &[to("n", 1)]).await.unwrap();
    handle.commit().await.unwrap();
    assert_eq!(place.seen("select n, length(b) from t").await, "1 60000000");
}

#[tokio::test]
async fn what_tables_the_database_has_is_nothing_for_a_query() {
    let place = sqlite("create table secrets (id integer primary key)").await;
    let mut handle = place.database().reading().await.unwrap();
    let sql = "select * from pragma_table_info('secrets')";
    let fault = handle.query(&ask(sql), Limits::USUAL).await.map(|_| ()).unwrap_err();
    assert!(
        fault.message.contains("pragma_table_info() looks at tables that need not be declared"),
        "{}",
        fault.message
    );
}

#[tokio::test]
async fn a_copy_in_the_place_of_a_file_is_another_file() {
    let place = sqlite("create table t (id integer primary key)").await;
    let file = place.folder.path().join("data.db");
    let standing = async || {
        let mut handle = place.database().reading().await.unwrap();
        handle.standing(&["t"], false).await.unwrap().text()
    };
    let planned = standing().await;
    assert_eq!(unlike(&planned, &standing().await), None);
    let copy = place.folder.path().join("copy.db");
    std::fs::copy(&file, &copy).unwrap();
    std::fs::remove_file(&file).unwrap();
    // On ext4 the new file gets the number of the old one.
    std::fs::copy(&copy, &file).unwrap();
    let found = unlike(&planned, &standing().await);
    assert!(matches!(found, Some(Unlike::Database { exchanged: true, .. })), "{found:?}");
}

#[tokio::test]
async fn a_file_that_was_put_in_the_place_of_a_runs_own_is_not_opened() {
    let place = sqlite("create table t (id integer primary key); insert into t values (1)").await;
    let path = place.folder.path().join("data.db");
    let (moved, copy) = (path.with_extension("moved"), path.with_extension("copy"));
    std::fs::copy(&path, &copy).unwrap();
    let database = place.database();
    let mut writing = database.writing().await.unwrap();
    let found = writing.standing(&[], false).await.unwrap();
    writing.rollback().await.unwrap();
    let swap = |away: &std::path::Path, here: &std::path::Path| {
        std::fs::rename(&path, away).unwrap();
        std::fs::rename(here, &path).unwrap();
    };
    swap(&moved, &copy);
    // Whoever has not looked at it opens what is there.
    place.database().writing().await.unwrap().rollback().await.unwrap();
    swap(&copy, &moved);
    database.stays_with(&found.identity);
    for _ in 0..2 {
        database.writing().await.unwrap().rollback().await.unwrap();
        database.reading().await.unwrap().close().await;
        swap(&moved, &copy);
        for fault in [database.writing().await.unwrap_err(), database.reading().await.unwrap_err()] {
            assert_eq!(fault.kind, FaultKind::Exchanged);
            assert!(fault.message.contains("data.db was exchanged for another file"), "{fault}");
        }
        swap(&copy, &moved);
    }
}

#[tokio::test]
async fn a_change_that_a_killed_program_left_half_done_is_told_with_the_way_out() {
    let place = sqlite("create table t (id integer primary key, v text)").await;
    let path = place.folder.path().join("data.db");
    let journal = place.folder.path().join("data.db-journal");
    let options = SqliteConnectOptions::new().filename(&path).journal_mode(sqlx::sqlite::SqliteJournalMode::Delete);
    let mut other = options.connect().await.unwrap();
    other.execute(trusted("insert into t values (1, 'before')")).await.unwrap();
    // So little room in memory that the file is written before COMMIT, as a large change does.
    other
        .execute(trusted(
            "pragma cache_spill = 1; pragma cache_size = 1; begin; update t set v = 'half'; \
             insert into t select value, hex(zeroblob(2000)) from (with recursive n(value) as \
               (select 2 union all select value + 1 from n where value < 200) select value from n)",
        ))
        .await
        .unwrap();
    // What a kill leaves behind: the file and its journal as they are, and nobody who has them open.
    let kept = [&path, &journal].map(|file| std::fs::read(file).unwrap());
    other.execute(trusted("rollback")).await.unwrap();
    sqlx::Connection::close(other).await.unwrap();
    for (file, bytes) in [&path, &journal].into_iter().zip(&kept) {
        std::fs::write(file, bytes).unwrap();
    }
    let fault = place.database().reading().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::ReadOnly);
    assert!(
        fault.message.starts_with("a program died in the middle of a change of ") && fault.message.contains("data.db"),
        "{fault}"
    );
    assert!(
        fault.help().contains(&format!("`sqlite3 '{}' 'begin immediate; rollback'`", path.display())),
        "{}",
        fault.help()
    );
    // A handle that may write does what the advice says.
    place.database().rehearsing().await.unwrap().rollback().await.unwrap();
    assert!(!journal.exists());
    assert_eq!(place.seen("select * from t").await, "1 before");
}
