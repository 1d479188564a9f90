//! What is MySQL's own: collations, its types, engines that keep nothing back, statements that commit by themselves.

use super::*;
use crate::{
    base::{
        time::{Date, Stamp, Time},
        value::Data,
    },
    connection::{database::Target, fault::FaultKind, ledger::Entry, rows::Touched, statement::SetTo},
    table::{
        catalogue::Kind,
        condition::{Condition, Test},
    },
};

fn to(column: &str, value: impl Into<Value>) -> (Arc<str>, SetTo) {
    (column.into(), SetTo::Value(value.into()))
}

const CODES: &str = "create table codes (code varchar(20) collate utf8mb4_general_ci primary key, n int, who varchar(20) character set latin1);
    insert into codes values ('Abc', 1, 'Zoë'), ('x ', 2, 'zoe'), ('5', 3, null)";

#[tokio::test]
async fn a_collation_makes_no_other_text_the_same() {
    let place = mysql(CODES).await;
    let mut handle = place.database().rehearsing().await.unwrap();
    let found = async |handle: &mut crate::connection::handle::Rehearsing, column: &str, test: Test| {
        let conditions = [Condition { column: column.into(), test }];
        let rows = handle.lock_where("codes", &names(&["n"]), &conditions, 9).await.unwrap();
        rows.iter().map(|row| row["n"].bare().into_owned()).collect::<Vec<_>>().join(" ")
    };
    for (column, test, expected) in [
        ("code", Test::Is("Abc".into()), "1"),
        ("code", Test::Is("abc".into()), ""),
        ("code", Test::Is("x".into()), ""),
        ("code", Test::Is("x ".into()), "2"),
        ("code", Test::IsNot("abc".into()), "1 2 3"),
        ("code", Test::IsNot("Abc".into()), "2 3"),
        ("code", Test::OneOf(vec!["abc".into(), "x ".into()]), "2"),
        ("code", Test::NoneOf(vec!["abc".into(), "x ".into()]), "1 3"),
        ("who", Test::Is("Zoë".into()), "1"),
        ("who", Test::OneOf(vec!["zoe".into(), Value::NULL]), "2 3"),
        // A text is no number, whatever it begins with.
        ("n", Test::Is("1x".into()), ""),
        ("n", Test::Is("1".into()), "1"),
    ] {
        assert_eq!(found(&mut handle, column, test.clone()).await, expected, "{column} {test:?}");
    }
    // A change by another spelling of a key changes nothing.
    assert_eq!(handle.update_by_key("codes", &key(&[("code", "ABC".into())]), &[to("n", 9)]).await.unwrap(), 0);
    assert_eq!(handle.delete_by_key("codes", &key(&[("code", "x".into())])).await.unwrap(), 0);
    // A row that has been found by another spelling is told, and nothing of the row's data with it.
    let fault = handle.lock_and_read("codes", &names(&["code"]), &[vec!["aBC".into()]]).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Data);
    assert!(fault.message.contains("`code` is written in another way") && fault.help().contains("exactly"), "{fault}");
    assert!(!format!("{fault:?}").contains("bc\""), "{fault:?}");
}

#[tokio::test]
async fn a_key_of_digits_finds_no_number_that_only_begins_like_it() {
    let place = mysql("create table t (id int primary key); insert into t values (5)").await;
    let mut handle = place.database().rehearsing().await.unwrap();
    let fault = handle.lock_and_read("t", &names(&["id"]), &[vec!["5x".into()]]).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Data, "{fault}");
    handle.rollback().await.unwrap();
    let mut handle = place.database().rehearsing().await.unwrap();
    assert!(handle.lock_and_read("t", &names(&["id"]), &[vec!["5".into()]]).await.unwrap()[0].is_some());
}

const TYPES: &str = "create table t (id bigint unsigned primary key auto_increment, flag tinyint(1), small tinyint unsigned, bit1 bit(1),
    bits bit(12), d decimal(40,10), f float, g double, doc json, note longtext, bin text collate utf8mb4_bin, u uuid, raw binary(16),
    day date, clock time(6), at datetime(6), moment timestamp(6) null, y year, e enum('sad','ha''ppy'), s set('a','b'), twice int as (small * 2) stored,
    touched datetime default current_timestamp on update current_timestamp, check (small < 200))";

#[tokio::test]
async fn every_type_goes_through_without_loss() {
    let place = mysql(TYPES).await;
    let mut handle = place.database().rehearsing().await.unwrap();
    let json = crate::base::json::Json::parse("{\"a\": [1, 2.50]}").unwrap();
    let uuid = uuid::Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
    let values: Vec<(&str, Value)> = vec![
        ("id", Data::Decimal("18446744073709551615".parse().unwrap()).into()),
        ("flag", true.into()),
        ("small", 7.into()),
        ("bit1", true.into()),
        ("bits", 2049.into()),
        ("d", Data::Decimal("123456789012345678901234567890.0123456789".parse().unwrap()).into()),
        ("f", Data::Float(1.1).into()),
        ("g", Data::Float(0.1 + 0.2).into()),
        ("doc", Data::Json(Arc::new(json)).into()),
        ("note", "{\"not\": \"json\"} é😀 \\ ' \" ".into()),
        ("bin", "Straße".into()),
        ("u", Data::Uuid(uuid).into()),
        ("raw", Data::Bytes(uuid.as_bytes().as_slice().into()).into()),
        ("day", Data::Date(Date(19_782)).into()),
        ("clock", Data::Time(Time(86_399_999_999)).into()),
        ("at", Data::Timestamp(Stamp::new(1_709_251_199_123_456)).into()),
        ("moment", Data::Instant(Stamp::new(1_709_251_199_000_001)).into()),
        ("y", 2026.into()),
        ("e", "ha'ppy".into()),
        ("s", "a,b".into()),
    ];
    let set: Vec<_> = values.iter().map(|(c, v)| ((*c).into(), SetTo::Value(v.clone()))).collect();
    let made = handle.insert("t", &names(&["id"]), &set).await.unwrap();
    assert_eq!(made["id"].bare(), "18446744073709551615");
    let rows = handle.lock_and_read("t", &names(&["id"]), &[vec![made["id"].clone()]]).await.unwrap();
    let row = rows[0].as_ref().unwrap();
    for (column, sent) in &values {
        assert_eq!(format!("{:?}", row[*column]), format!("{sent:?}"), "{column}");
    }
    assert_eq!((row["twice"].bare(), row["touched"].is_null()), ("14".into(), false));
    // An exact decimal is found by its digits, not by a floating-point number.
    let digits = [Condition::is("d", values[5].1.clone())];
    assert_eq!(handle.lock_where("t", &names(&["id"]), &digits, 2).await.unwrap().len(), 1);
    let near = Data::Decimal("123456789012345678901234567890.0123456788".parse().unwrap());
    let near = [Condition::is("d", near.into())];
    assert_eq!(handle.lock_where("t", &names(&["id"]), &near, 2).await.unwrap().len(), 0);
    // A length of time beyond a day, before zero, and a number in a flag stay what they are.
    let one = key(&[("id", made["id"].clone())]);
    handle.update_by_key("t", &one, &[to("clock", "-26:00:00.5"), to("flag", 2)]).await.unwrap();
    assert_eq!(query(&mut handle, "select clock, flag, small from t").await.unwrap(), "-26:00:00.500000 2 7");
}

#[tokio::test]
async fn the_catalogue_says_what_the_types_mean() {
    let place = mysql(&format!("{TYPES}; create unique index one on t (y, e); create unique index part on t (bin(5)); create view v as select id from t;
        create trigger tr before update on t for each row set new.y = old.y")).await;
    let mut handle = place.database().reading().await.unwrap();
    let found = handle.catalogue(Some(&["t", "v", "nothing"])).await.unwrap();
    assert_eq!(found.keys().map(|k| &**k).collect::<Vec<_>>(), ["t", "v"]);
    let t = &found["t"];
    let kind = |column: &str| t.columns[column].kind.clone();
    assert_eq!(kind("id"), Kind::Int { min: 0, max: i64::MAX });
    assert_eq!((kind("flag"), kind("bit1")), (Kind::Bool, Kind::Bool));
    assert_eq!(kind("small"), Kind::Int { min: 0, max: 255 });
    assert_eq!(kind("d"), Kind::Decimal(Some((40, 10))));
    assert_eq!(
        (kind("doc"), kind("note"), kind("u"), kind("raw")),
        (Kind::Json, Kind::Text(None), Kind::Uuid, Kind::Bytes)
    );
    assert_eq!((kind("at"), kind("moment")), (Kind::Timestamp, Kind::Instant));
    assert_eq!(kind("e"), Kind::Enum(vec!["sad".into(), "ha'ppy".into()]));
    let column = |name: &str| &t.columns[name];
    assert!(
        column("id").has_default
            && !column("id").nullable
            && column("twice").generated
            && column("touched").has_default
    );
    assert!(!column("day").has_default && column("day").nullable && !column("touched").generated);
    assert_eq!(
        (t.primary_key.clone(), t.unique.clone(), t.triggers.clone()),
        (names(&["id"]), vec![names(&["y", "e"])], vec!["tr".to_owned()])
    );
    assert!(found["v"].view);
    assert_eq!(handle.catalogue(None).await.unwrap().len(), 2);
}

/// As Drupal's user 0: a row has the key that it was given, also where it was taken away and is put back.
#[tokio::test]
async fn a_key_that_is_nought_is_no_wish_for_the_next_number() {
    let place =
        mysql("create table t (id int auto_increment primary key, n int); insert into t (id, n) values (7, 7)").await;
    let mut handle = place.database().writing().await.unwrap();
    let set = [("id".into(), SetTo::Value(0.into())), ("n".into(), SetTo::Value(1.into()))];
    assert_eq!(handle.insert("t", &names(&["id"]), &set).await.unwrap(), key(&[("id", 0.into())]));
    let next = handle.insert("t", &names(&["id"]), &[("n".into(), SetTo::Value(2.into()))]).await.unwrap();
    assert_eq!(next, key(&[("id", 8.into())]));
    handle.commit().await.unwrap();
    let mut handle = place.database().reading().await.unwrap();
    assert_eq!(query(&mut handle, "select group_concat(id order by id) as ids from t").await.unwrap(), "0,7,8");
}

#[tokio::test]
async fn numbers_and_dates_that_do_not_fit_are_refused_and_zero_dates_are_told() {
    let place = mysql("create table t (id int primary key, n tinyint, c varchar(3), d date, e enum('a')); insert into t (id) values (1);
        set sql_mode = ''; insert into t (id, d) values (2, '0000-00-00')").await;
    for (column, value) in [
        ("n", Value::from(300)),
        ("c", "four".into()),
        ("d", "2024-02-30".into()),
        ("e", "b".into()),
        ("n", "x".into()),
    ] {
        let mut handle = place.database().rehearsing().await.unwrap();
        let fault = handle
            .update_by_key("t", &key(&[("id", 1.into())]), &[(column.into(), SetTo::Value(value.clone()))])
            .await
            .unwrap_err();
        assert_eq!(fault.kind, FaultKind::Data, "{column} {value}: {fault}");
        assert!(!fault.message.contains(&*value.bare()), "{fault}");
    }
    let mut handle = place.database().rehearsing().await.unwrap();
    let fault = handle.lock_and_read("t", &names(&["id"]), &[vec![2.into()]]).await.unwrap_err();
    assert_eq!(&*fault.message, "the column `d` holds a zero date (0000-00-00), which is no date");
    let mut handle = place.database().reading().await.unwrap();
    assert_eq!(query(&mut handle, "select cast(d as char) as d from t where id = 2").await.unwrap(), "0000-00-00");
}

#[tokio::test]
async fn a_table_that_keeps_nothing_back_and_a_view_are_refused() {
    let place = mysql("create table m (id int primary key) engine = MyISAM; create table t (id int primary key); create view v as select * from t;
        create table log (id int) engine = Aria; create table u (id int primary key); create trigger tr after insert on u for each row insert into log values (1)").await;
    for (table, word) in [("m", "MyISAM"), ("v", "view"), ("u", "Aria")] {
        let mut handle = place.database().rehearsing().await.unwrap();
        let fault = handle.insert(table, &names(&["id"]), &[to("id", 1)]).await.unwrap_err();
        assert!(fault.message.contains(word), "{fault}");
        handle.rollback().await.unwrap();
        let mut handle = place.database().writing().await.unwrap();
        assert!(handle.execute(&ask(&format!("insert into {table} values (2)"))).await.is_err());
    }
    assert_eq!(
        place
            .seen("select (select count(*) from m) + (select count(*) from t) + (select count(*) from log) as n")
            .await,
        "0"
    );
}

/// A procedure or function writes the table, of a trigger, of a statement, of a read, or one behind the other.
#[tokio::test]
async fn a_table_that_keeps_nothing_back_is_not_written_through_routines_either() {
    let place = mysql("create table m (id int) engine = MyISAM; create table t (id int primary key, n int); create table u (id int primary key); create table w (id int primary key); create table x (id int primary key);
        create procedure keep(n int) insert into m values (n); create procedure further(n int) call keep(n);
        create function kept(n int) returns int begin insert into m values (n); return n; end;
        create function harmless(n int) returns int return n + 1;
        create trigger tu after insert on u for each row call further(new.id);
        create trigger tw before insert on w for each row set new.id = kept(new.id);
        create trigger tx before insert on x for each row set new.id = harmless(new.id);
        insert into t values (1, 1)").await;
    let refused = [
        "insert into u values (1)",
        "insert into w values (1)",
        "update t set n = kept(2) where id = 1",
        "select kept(id) from t",
    ];
    for sql in refused {
        let mut handle = place.database().rehearsing().await.unwrap();
        let fault = handle.execute(&ask(sql)).await.unwrap_err();
        assert!(fault.message.contains("MyISAM"), "{sql}: {fault}");
        handle.rollback().await.unwrap();
    }
    let mut handle = place.database().reading().await.unwrap();
    let fault = query(&mut handle, "select kept(id) as n from t").await.unwrap_err();
    assert!(fault.message.contains("MyISAM"), "{fault}");
    let mut handle = place.database().rehearsing().await.unwrap();
    handle.execute(&ask("insert into x values (1)")).await.unwrap();
    assert_eq!(query(&mut handle, "select harmless(id) as n from x").await.unwrap(), "3");
    handle.rollback().await.unwrap();
    assert_eq!(place.seen("select count(*) as n from m").await, "0");
}

#[tokio::test]
async fn what_hangs_on_a_row_is_counted_by_what_the_server_tells() {
    let place = mysql("create table p (id int primary key, n int); create table c (id int primary key, p int, foreign key (p) references p (id) on delete set null on update cascade);
        create table a (id int auto_increment primary key, n int); create table b (id int auto_increment primary key, n int);
        create procedure q() insert into b (n) values (1);
        create trigger t1 after update on p for each row begin insert into a (n) values (1), (2); update b set n = n + 1; end;
        create trigger t2 after insert on p for each row call q();
        insert into p values (1, 0), (2, 0); insert into c values (1, 1), (2, 1), (3, 2)").await;
    let counts = async |sql: &str| {
        let mut handle = place.database().rehearsing().await.unwrap();
        handle.execute(&ask(sql)).await.unwrap();
        handle
            .touched()
            .await
            .unwrap()
            .into_iter()
            .filter(|t| t.inserted + t.updated + t.deleted > 0)
            .collect::<Vec<_>>()
    };
    let touched = |table: &str, inserted, updated, deleted| Touched { table: table.into(), inserted, updated, deleted };
    // `b` got a row from making p's rows (by a procedure), and one more for each of the two.
    assert_eq!(
        counts("update p set n = 1 where id = 1").await,
        [touched("a", 2, 0, 0), touched("b", 0, 2, 0), touched("p", 0, 1, 0)]
    );
    assert_eq!(counts("insert into p values (3, 0)").await, [touched("*", 1, 0, 0), touched("p", 1, 0, 0)]);
    assert_eq!(counts("delete from p where id = 1").await, [touched("c", 0, 2, 0), touched("p", 0, 0, 1)]);
    assert_eq!(
        counts("delete from p where n = 0 order by id limit 1").await,
        [touched("c", 0, 2, 0), touched("p", 0, 0, 1)]
    );
    let both = counts("insert into a (id, n) values (1, 1), (50, 1) on duplicate key update n = n + 1").await;
    assert_eq!(both, [touched("a", 2, 0, 0)]);
}

/// What a routine writes whose text the account does not see may be such a table, if there is one.
#[tokio::test]
async fn a_routine_whose_text_is_hidden_is_refused_where_a_table_keeps_nothing_back() {
    let place = mysql("create table m (id int) engine = MyISAM; create table t (id int primary key); create table u (id int primary key);
        create procedure kept(n int) insert into u values (n); create trigger tt after insert on t for each row call kept(new.id)").await;
    let url = place.url.as_ref().unwrap();
    let name = url::Url::parse(url).unwrap().path().trim_start_matches('/').to_owned();
    let user = format!("h{}", &name[name.len() - 12..]);
    let made = format!(
        "create user {user}@'%' identified by 'x'; grant select, insert, trigger, execute on {name}.* to {user}@'%'"
    );
    admin(url, &made).await.unwrap();
    let mut theirs = url::Url::parse(url).unwrap();
    theirs.set_username(&user).unwrap();
    theirs.set_password(Some("x")).unwrap();
    let limited = place.at(theirs.as_str());
    let insert = async || {
        let mut handle = limited.rehearsing().await.unwrap();
        let done = handle.execute(&ask("insert into t values (1)")).await.map(drop);
        handle.rollback().await.unwrap();
        done
    };
    let fault = insert().await.unwrap_err();
    assert!(fault.message.contains("what `kept` writes cannot be told") && fault.message.contains("`m`"), "{fault}");
    admin(url, "alter table m engine = InnoDB").await.unwrap();
    let done = insert().await;
    admin(url, &format!("drop user {user}@'%'")).await.unwrap();
    assert!(done.is_ok(), "{done:?}");
}

#[tokio::test]
async fn the_versions_that_a_table_keeps_are_no_rows_of_somebody_else() {
    // What MySQL, which has no such tables, takes for a comment.
    let made = "create table t (id int primary key, n int) /*M! with system versioning */; insert into t values (1, 1), (2, 2), (3, 3)";
    let place = mysql(made).await;
    let counts = async |sql: &str| {
        let mut handle = place.database().rehearsing().await.unwrap();
        handle.execute(&ask(sql)).await.unwrap();
        let touched = handle.touched().await.unwrap();
        let some = touched.into_iter().filter(|t| t.inserted + t.updated + t.deleted > 0);
        some.map(|t| (t.table.to_string(), t.inserted, t.updated, t.deleted)).collect::<Vec<_>>()
    };
    assert_eq!(counts("insert into t values (4, 4)").await, [("t".to_owned(), 1, 0, 0)]);
    assert_eq!(counts("update t set n = 9 where id < 3").await, [("t".to_owned(), 0, 2, 0)]);
    assert_eq!(counts("delete from t where id < 3").await, [("t".to_owned(), 0, 0, 2)]);
}

const ATTEMPTS: &[&str] = &[
    "commit",
    "rollback",
    "begin",
    "start transaction",
    "savepoint x",
    "release savepoint trueup",
    "rollback to trueup",
    "set autocommit = 1",
    "set session transaction read write",
    "set @a = 1",
    "set names latin1",
    "use mysql",
    "update t set n = 2",
    "insert into t values (2, 2)",
    "replace into t values (1, 5)",
    "delete from t",
    "truncate t",
    "delete t from t join t u on u.id = t.id",
    "update t join t u on u.id = t.id set u.n = 3",
    "create table fresh (id int)",
    "create temporary table fresh as select 1",
    "drop table t",
    "alter table t add column x int",
    "rename table t to u",
    "create trigger x after insert on t for each row set @a = 1",
    "lock tables t write",
    "unlock tables",
    "flush tables",
    "kill 1",
    "do sleep(1)",
    "call quit()",
    "handler t open",
    "load data infile '/etc/passwd' into table t",
    "select * from t into outfile '/tmp/trueup-escape'",
    "select 'x' into dumpfile '/tmp/trueup-escape'",
    "select 1 into @a",
    "select @a := 1",
    "select @@sql_mode",
    "select load_file('/etc/passwd')",
    "select sleep(1)",
    "select `sleep`(1)",
    "select benchmark(1000000, md5('a'))",
    "select get_lock('trueup', 0)",
    "select release_lock('trueup')",
    "select nextval(s)",
    "select next value for s",
    "select * from t for update",
    "select * from t lock in share mode",
    "xa start 'x'",
    "prepare p from 'delete from t'",
    "execute p",
    "explain delete from t",
    "analyze table t",
    "optimize table t",
    "grant all on *.* to trueup",
    "select 1; delete from t",
    "select 1; commit; delete from t",
    "select 1 # ; \n ; delete from t",
    "select /*! 1; */ 2",
    "/*!50000 delete */ /*! from t */",
    "select /*M! 1 */",
    "select /*+ SET_VAR(sql_mode='') */ 1",
    "select 1 --1\n; delete from t",
    "select 'a\\'; delete from t -- '",
    "select \"a\"",
    "insert ignore into t values (3, 'x')",
    "update ignore t set n = 1",
    "select sneaky()",
];

/// With a sequence, a function and a procedure that do more than they say.
const ESCAPES: &str = "create table t (id int primary key, n int); insert into t values (1, 1); create sequence s;
    create function sneaky() returns int begin update t set n = 99; return 1; end;
    create procedure quit() begin commit; end";

#[tokio::test]
async fn no_statement_escapes_a_reading_handle_or_changes_what_a_rehearsal_holds() {
    let place = mysql(ESCAPES).await;
    let state = "select (select group_concat(id, '=', n) from t) as t, (select count(*) from information_schema.tables where table_schema = database()) as c";
    let before = place.seen(state).await;
    for sql in ATTEMPTS {
        let mut handle = place.database().reading().await.unwrap();
        assert!(query(&mut handle, sql).await.is_err(), "{sql} was accepted");
        match query(&mut handle, "select n from t").await {
            Ok(n) => assert_eq!(n, "1", "{sql}"),
            Err(fault) => assert_eq!(fault.kind, FaultKind::Lost, "{sql}"),
        }
        let mut handle = place.database().rehearsing().await.unwrap();
        handle.update_by_key("t", &key(&[("id", 1.into())]), &[to("n", 42)]).await.unwrap();
        let done = query(&mut handle, sql).await;
        // A function of the team's own is let through here, and what it wrote is taken back.
        assert!(done.is_err() || *sql == "select sneaky()", "{sql} was accepted in a rehearsal");
        assert_eq!(query(&mut handle, "select n from t").await.unwrap(), "42", "{sql}");
        handle.rollback().await.unwrap();
        assert_eq!(place.seen(state).await, before, "{sql}");
    }
    assert!(!std::path::Path::new("/tmp/trueup-escape").exists());
    for sql in [
        "commit",
        "create table x (id int)",
        "truncate t",
        "update t set n = 1; commit",
        "call quit()",
        "replace into t values (1, 3)",
        "update ignore t set n = 'x'",
    ] {
        let mut handle = place.database().writing().await.unwrap();
        assert_eq!(handle.execute(&ask(sql)).await.unwrap_err().kind, FaultKind::Syntax, "{sql}");
    }
}

/// Without the rules: what commits by itself is noticed, and nothing after it becomes durable.
#[tokio::test]
async fn a_statement_that_commits_by_itself_is_noticed_and_ends_the_session() {
    let place = mysql(ESCAPES).await;
    for sql in ["commit", "rollback", "create table fresh (id int)", "call quit()", "update t set n = 5"] {
        let mut handle = place.database().reading().await.unwrap();
        let fault = handle.fenced(&ask(sql), Limits::USUAL).await.unwrap_err();
        let ended = fault.message.contains("ended the transaction");
        assert!(ended || fault.kind == FaultKind::ReadOnly, "{sql}: {fault}");
        if ended {
            assert_eq!(query(&mut handle, "select 1").await.unwrap_err().kind, FaultKind::Lost, "{sql}");
        }
    }
    assert_eq!(place.seen("select n from t").await, "1");
    // In a writing handle nobody knows then what became durable.
    let mut handle = place.database().writing().await.unwrap();
    let fault = handle.fenced(&ask("create table fresh (id int)"), Limits::USUAL).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::InDoubt, "{fault}");
    // Autocommit is off: what comes after an implicit commit is rolled back with the connection.
    let mut handle = place.database().writing().await.unwrap();
    handle.raw(&ask("create table fresh2 (id int)"), Limits::USUAL).await.unwrap();
    handle.raw(&ask("insert into t values (7, 7)"), Limits::USUAL).await.unwrap();
    drop(handle);
    assert_eq!(place.seen("select count(*) from t").await, "1");
}

#[tokio::test]
async fn the_session_is_set_by_us_whatever_the_server_says() {
    let place = mysql("create table t (id int)").await;
    let mut handle = place.database().reading().await.unwrap();
    let sql = "select @@sql_mode, @@time_zone, @@autocommit, @@tx_isolation, @@innodb_lock_wait_timeout, @@max_statement_time, @@character_set_connection";
    let answer = handle.fenced(&ask(sql), Limits::USUAL).await.unwrap();
    let shown = answer.rows[0].iter().map(|v| v.bare().into_owned()).collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains("STRICT_ALL_TABLES") && shown.contains("PIPES_AS_CONCAT") && !shown.contains("ANSI_QUOTES"),
        "{shown}"
    );
    assert!(shown.ends_with(" +00:00 0 READ-COMMITTED 2 15.0 utf8mb4"), "{shown}");
    assert_eq!(query(&mut handle, "select 'a' || 'b' as ab").await.unwrap(), "ab");
}

/// What a server, or its `init_connect`, may have set.
const ODD: &str = "set session sql_select_limit = 1, group_concat_max_len = 4, max_sort_length = 64, check_constraint_checks = 0, \
    foreign_key_checks = 0, unique_checks = 0, sql_auto_is_null = 1, completion_type = 2, lc_messages = 'de_DE', \
    max_recursive_iterations = 1, system_versioning_asof = '2020-01-01 00:00:00'";

#[tokio::test]
async fn no_row_and_no_check_is_left_out_whatever_the_session_was_set_to() {
    let place = mysql(
        "create table t (id int auto_increment primary key, n int check (n > 0)); insert into t (n) values (1), (2), (3); \
         create table v (n int) with system versioning; insert into v values (7); \
         create table words (w text); insert into words values (concat(repeat('x', 500), 'b')), (concat(repeat('x', 500), 'a'))",
    )
    .await;
    let database = place.database();
    let Target::Mysql(target) = &*database.target else { panic!("no server") };
    target.meets(ODD).await;
    let mut first = None;
    // The second handle goes through the same session, behind what makes it fit for the next.
    for _ in 0..2 {
        let mut reading = database.reading().await.unwrap();
        let this = query(&mut reading, "select connection_id()").await.unwrap();
        assert_eq!(first.get_or_insert(this.clone()), &this);
        assert_eq!(query(&mut reading, "select n from t order by n").await.unwrap(), "1; 2; 3");
        assert_eq!(query(&mut reading, "select n from v").await.unwrap(), "7");
        assert_eq!(reading.catalogue(Some(&["t"])).await.unwrap()["t"].columns.len(), 2);
        let joined = "select group_concat(n separator ', then ') from t";
        assert_eq!(query(&mut reading, joined).await.unwrap(), "1, then 2, then 3");
        let sorted = query(&mut reading, "select right(w, 1) from words order by w").await.unwrap();
        assert_eq!(sorted, "a; b");
        let counted =
            "with recursive c as (select 1 as n union all select n + 1 from c where n < 50) select count(*) from c";
        assert_eq!(query(&mut reading, counted).await.unwrap(), "50");
        let fault = query(&mut reading, "select nn from t").await.unwrap_err();
        assert!(fault.kind == FaultKind::NoColumn && fault.message.starts_with("Unknown column"), "{fault}");
        reading.close().await;
    }
    target.meets(ODD).await;
    let mut writing = database.rehearsing().await.unwrap();
    let forbidden = writing.insert("t", &names(&["id"]), &[to("n", -1)]).await.unwrap_err();
    assert_eq!(forbidden.kind, FaultKind::Constraint);
    writing.rollback().await.unwrap();
    target.meets(ODD).await;
    let mut writing = database.writing().await.unwrap();
    writing.insert("t", &names(&["id"]), &[to("n", 4)]).await.unwrap();
    assert_eq!(query(&mut writing, "select count(*) from t where id is null").await.unwrap(), "0");
    writing.commit().await.unwrap();
    assert_eq!(place.seen("select count(*) from t").await, "4");
}

#[tokio::test]
async fn locks_statements_and_deadlocks_end_in_words() {
    let mut place = mysql("create table t (id int primary key, n int); insert into t values (1, 1), (2, 2)").await;
    place.settings = "lock_timeout: 1s, statement_timeout: 400ms,".into();
    let keys = |n: i64| [vec![Value::from(n)]];
    let mut first = place.database().writing().await.unwrap();
    first.lock_and_read("t", &names(&["id"]), &keys(1)).await.unwrap();
    let mut reading = place.database().reading().await.unwrap();
    let long = "select count(*) from seq_1_to_100000 a join seq_1_to_100000 b on a.seq > b.seq";
    assert_eq!(query(&mut reading, long).await.unwrap_err().kind, FaultKind::StatementTimeout);
    assert_eq!(query(&mut reading, "select n from t where id = 1").await.unwrap(), "1");
    place.settings = "lock_timeout: 1s,".into();
    let mut second = place.database().writing().await.unwrap();
    let savepoint = second.savepoint().await.unwrap();
    let fault = second.lock_and_read("t", &names(&["id"]), &keys(1)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::LockTimeout);
    // Only the statement was rolled back: the savepoint is still there.
    second.rollback_to(savepoint).await.unwrap();
    second.lock_and_read("t", &names(&["id"]), &keys(2)).await.unwrap();
    let waits = tokio::spawn(async move {
        let done = first.lock_and_read("t", &names(&["id"]), &[vec![Value::from(2)]]).await.map(drop);
        (done, first)
    });
    while place.seen("select count(*) from information_schema.processlist where db = database() and command = 'Execute' and time_ms > 50 and info like '%trueup key%' and info not like '%processlist%'").await == "0" {}
    let other = second.lock_and_read("t", &names(&["id"]), &keys(1)).await.map(drop);
    let (done, first) = waits.await.unwrap();
    let (lost, mut loser) = if done.is_err() { (done, first) } else { (other, second) };
    assert_eq!(lost.unwrap_err().kind, FaultKind::Serialization);
    // The server has taken everything back, savepoints too: the handle answers nothing more.
    assert!(loser.update_by_key("t", &key(&[("id", 1.into())]), &[to("n", 5)]).await.is_err());
    assert!(loser.commit().await.is_err());
}

#[tokio::test]
async fn a_double_key_and_a_missing_right_are_told_without_data() {
    let place = mysql("create table t (id int primary key, mail varchar(40) unique); insert into t values (1, 'ada@secret.example'); create table hidden (id int)").await;
    let mut handle = place.database().rehearsing().await.unwrap();
    let fault =
        handle.insert("t", &names(&["id"]), &[to("id", 2), to("mail", "ada@secret.example")]).await.unwrap_err();
    assert_eq!((fault.kind, fault.constraint.as_deref()), (FaultKind::Constraint, Some("mail")));
    assert!(!format!("{fault:?}").contains("secret.example"), "{fault:?}");
    let url = place.url.as_ref().unwrap();
    let name = url::Url::parse(url).unwrap().path().trim_start_matches('/').to_owned();
    let user = format!("u{}", &name[name.len() - 12..]);
    admin(url, &format!("create user {user}@'%' identified by 'pass-of-user'; grant select, update (mail) on {name}.t to {user}@'%'; grant insert, delete on {name}.hidden to {user}@'%'")).await.unwrap();
    let mut theirs = url::Url::parse(url).unwrap();
    theirs.set_username(&user).unwrap();
    theirs.set_password(Some("pass-of-user")).unwrap();
    let limited = place.at(theirs.as_str());
    let survey = limited.survey(&["t", "hidden", "gone"]).await.unwrap();
    let mut reading = limited.reading().await.unwrap();
    let denied = query(&mut reading, "select * from hidden").await.unwrap_err();
    theirs.set_password(Some("wrong-s3cret")).unwrap();
    let wrong = place.at(theirs.as_str()).reading().await.unwrap_err();
    let nowhere = place.at(&with_database(url, "no_such_db")).reading().await.unwrap_err();
    admin(url, &format!("drop user {user}@'%'")).await.unwrap();
    let granted = format!("let an administrator run `grant select on {name}.hidden to '{user}'@'%'`");
    assert!(
        denied.help().replace("on hidden", &format!("on {name}.hidden")).starts_with(&granted),
        "{}",
        denied.help()
    );
    assert_eq!((denied.kind, wrong.kind, nowhere.kind), (FaultKind::Denied, FaultKind::Auth, FaultKind::NoDatabase));
    assert!(
        wrong.help().contains("the environment variable `URL`") && !format!("{wrong:?}").contains("s3cret"),
        "{wrong:?}"
    );
    let (t, hidden) = (&survey.rights["t"], &survey.rights["hidden"]);
    assert_eq!(
        (t.insert, t.delete, t.select, t.update.iter().map(|c| c.to_string()).collect::<Vec<_>>()),
        (false, false, true, vec!["mail".to_owned()])
    );
    assert_eq!((hidden.insert, hidden.delete, hidden.select), (true, true, false));
    assert!(!survey.rights.contains_key("gone") && survey.role.starts_with(&user));
}

#[tokio::test]
async fn an_unfinished_session_is_named_and_the_script_is_all_that_a_dba_needs() {
    let mut place = mysql("create table t (id int primary key, n int); insert into t values (1, 0)").await;
    let url = place.url.clone().unwrap();
    let name = url::Url::parse(&url).unwrap().path().trim_start_matches('/').to_owned();
    let user = format!("l{}", &name[name.len() - 12..]);
    admin(&url, &format!("create user {user}@'%' identified by 'x'; grant select, update on {name}.t to {user}@'%'"))
        .await
        .unwrap();
    let mut theirs = url::Url::parse(&url).unwrap();
    theirs.set_username(&user).unwrap();
    theirs.set_password(Some("x")).unwrap();
    place.settings = "lock_timeout: 1s, statement_timeout: 1s,".into();
    let limited = place.at(theirs.as_str());
    let denied = limited.prepare_ledger("id").await.unwrap_err();
    let script = crate::connection::ledger::script(limited.dialect(), &limited.roles(), "an id");
    admin(&url, &script).await.unwrap();
    let ready = limited.prepare_ledger("another").await;
    let entry =
        |fence| Entry { effect: "r/-/s/0".into(), run: "r".into(), fence, request: "q".into(), journal: "j".into() };
    let mut first = limited.writing().await.unwrap();
    let claimed = first.claim(&entry(1)).await;
    let mut second = place.database().writing().await.unwrap();
    let fault = second.claim(&entry(1)).await;
    drop(first);
    admin(&url, &format!("drop user {user}@'%'")).await.unwrap();
    assert_eq!(denied.kind, FaultKind::Denied);
    assert!(denied.help().contains("`trueup connection prepare db --print`"), "{}", denied.help());
    let ready = ready.unwrap();
    assert_eq!((ready.made, &*ready.id, ready.excess), (false, "an id", Vec::new()));
    assert_eq!(claimed.unwrap(), crate::connection::ledger::Claimed::Ours);
    let fault = fault.unwrap_err();
    assert_eq!(fault.kind, FaultKind::LockTimeout, "{fault}");
    assert!(fault.message.contains(&format!("({user}, sleep)")) && fault.help().contains("kill ID"), "{fault}");
    assert!(place.database().prepare_ledger("x").await.unwrap().excess.iter().any(|e| e.contains("SUPER")));
}

#[test]
fn addresses_that_would_change_what_a_session_reads_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let fault = |text: &str, url: &str| configure(text, url, folder.path()).unwrap_err();
    let clear = fault("mysql: { url: 'mysql://app:hunter22@db/x' }", "");
    assert!(clear.message.contains("clear text") && !format!("{clear:?}").contains("hunter22"));
    assert!(fault("mysql: { url: env:URL }", "postgres://u@h/x").message.contains("does not begin with `mysql://`"));
    assert!(fault("mysql: { url: env:URL }", "mysql://host/x").message.contains("user or database is missing"));
    for key in ["charset=latin1", "timezone=SYSTEM", "collation=utf8mb4_bin"] {
        assert!(fault("mysql: { url: env:URL }", &format!("mysql://u@h/x?{key}")).message.contains("is no part of it"));
    }
    assert!(configure("mysql: { url: 'mysql://app@db/x?ssl-mode=REQUIRED' }", "", folder.path()).is_ok());
}
