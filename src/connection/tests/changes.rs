//! The change operations on both databases, and that a rehearsal leaves nothing behind.

use super::*;
use crate::{
    base::value::Data,
    connection::{
        fault::FaultKind,
        rows::Touched,
        statement::{Select, SetTo},
    },
    table::{
        catalogue::Kind,
        condition::{Condition, Order, Test},
    },
};

const PEOPLE: &str =
    "create table people (id integer primary key, name text not null unique, state integer, born date);
    insert into people values (1, 'Ada', 2, '1815-12-10'), (2, 'Alan', null, null), (3, 'Grace', 2, '1906-12-09');";

fn to(column: &str, value: impl Into<Value>) -> (Arc<str>, SetTo) {
    (column.into(), SetTo::Value(value.into()))
}

#[tokio::test]
async fn rows_come_back_in_the_order_of_their_keys_and_missing_ones_as_nothing() {
    for place in each(PEOPLE).await {
        let mut handle = place.database().rehearsing().await.unwrap();
        let keys: Vec<Vec<Value>> = [3, 99, 1, 3].into_iter().map(|n| vec![Value::from(n)]).collect();
        let rows = handle.lock_and_read("people", &names(&["id"]), &keys).await.unwrap();
        let shown: Vec<String> = rows.iter().map(|r| r.as_ref().map_or("-".into(), row_text)).collect();
        assert_eq!(shown, ["3 Grace 2 1906-12-09", "-", "1 Ada 2 1815-12-10", "3 Grace 2 1906-12-09"]);
        // A composite key with a null, and a key that is no key.
        let pair = names(&["name", "state"]);
        let rows = handle.lock_and_read("people", &pair, &[vec!["Alan".into(), Value::NULL]]).await.unwrap();
        assert_eq!(row_text(rows[0].as_ref().unwrap()), "2 Alan null null");
        let fault = handle.lock_and_read("people", &names(&["state"]), &[vec![2.into()]]).await.unwrap_err();
        assert_eq!(fault.message, "the key of `people` fits more than one row");
    }
}

#[tokio::test]
async fn a_rehearsal_changes_and_sees_everything_and_leaves_nothing() {
    for place in each(PEOPLE).await {
        let before = place.seen("select * from people order by id").await;
        let mut handle = place.database().rehearsing().await.unwrap();
        let one = key(&[("id", 1.into())]);
        assert_eq!(
            handle.update_by_key("people", &one, &[to("name", "Ada L."), to("state", Value::NULL)]).await.unwrap(),
            1
        );
        assert_eq!(handle.update_by_key("people", &key(&[("id", 77.into())]), &[to("name", "x")]).await.unwrap(), 0);
        let made = handle.insert("people", &names(&["id"]), &[to("id", 9), to("name", "Edsger")]).await.unwrap();
        assert_eq!(made, key(&[("id", 9.into())]));
        assert_eq!(handle.delete_by_key("people", &key(&[("id", 3.into())])).await.unwrap(), 1);
        let update = place.with("update people set state = state + 1 where id >= $1", [Value::from(1)]);
        assert_eq!(handle.execute(&update).await.unwrap(), 3);
        assert_eq!(
            query(&mut handle, "select id, name, state from people order by id").await.unwrap(),
            "1 Ada L. null; 2 Alan null; 9 Edsger null"
        );
        let touched = handle.touched().await.unwrap();
        assert_eq!(touched, [Touched { table: "people".into(), inserted: 1, updated: 4, deleted: 1 }]);
        handle.rollback().await.unwrap();
        assert_eq!(place.seen("select * from people order by id").await, before);
    }
}

#[tokio::test]
async fn a_dropped_rehearsal_leaves_nothing_and_a_commit_stays() {
    for place in each(PEOPLE).await {
        let one = key(&[("id", 1.into())]);
        let mut handle = place.database().rehearsing().await.unwrap();
        handle.update_by_key("people", &one, &[to("name", "gone")]).await.unwrap();
        drop(handle);
        // The write lock is free again: this waits for it, for no longer than the lock timeout.
        let mut handle = place.database().writing().await.unwrap();
        handle.update_by_key("people", &one, &[to("state", 5)]).await.unwrap();
        handle.commit().await.unwrap();
        let mut handle = place.database().writing().await.unwrap();
        handle.update_by_key("people", &one, &[to("state", 6)]).await.unwrap();
        handle.rollback().await.unwrap();
        assert_eq!(place.seen("select name, state from people where id = 1").await, "Ada 5");
    }
}

#[tokio::test]
async fn savepoints_nest_and_heal_a_failed_statement() {
    for place in each(PEOPLE).await {
        let mut handle = place.database().writing().await.unwrap();
        let one = key(&[("id", 1.into())]);
        let outer = handle.savepoint().await.unwrap();
        handle.update_by_key("people", &one, &[to("state", 10)]).await.unwrap();
        let inner = handle.savepoint().await.unwrap();
        handle.update_by_key("people", &one, &[to("state", 11)]).await.unwrap();
        let fault = handle.update_by_key("people", &one, &[to("name", "Alan")]).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Constraint);
        let spoilt = handle.update_by_key("people", &one, &[to("state", 12)]).await.unwrap_err();
        assert!(spoilt.message.contains("can only be rolled back"));
        handle.rollback_to(inner).await.unwrap();
        assert_eq!(query(&mut handle, "select state from people where id = 1").await.unwrap(), "10");
        handle.release(outer).await.unwrap();
        handle.commit().await.unwrap();
        assert_eq!(place.seen("select state from people where id = 1").await, "10");
        // Without going back, a failed statement forbids the commit.
        let mut handle = place.database().writing().await.unwrap();
        handle.update_by_key("people", &one, &[to("state", 13)]).await.unwrap();
        handle.insert("people", &names(&["id"]), &[to("name", "Alan")]).await.unwrap_err();
        assert!(handle.commit().await.unwrap_err().message.contains("nothing was committed"));
        assert_eq!(place.seen("select state from people where id = 1").await, "10");
    }
}

#[tokio::test]
async fn an_outer_savepoint_takes_the_inner_ones_along() {
    for place in each(PEOPLE).await {
        let mut handle = place.database().rehearsing().await.unwrap();
        let one = key(&[("id", 1.into())]);
        let outer = handle.savepoint().await.unwrap();
        let inner = handle.savepoint().await.unwrap();
        handle.update_by_key("people", &one, &[to("state", 11)]).await.unwrap();
        handle.rollback_to(outer).await.unwrap();
        assert!(handle.release(inner).await.is_err());
        assert_eq!(query(&mut handle, "select state from people where id = 1").await.unwrap(), "2");
    }
}

#[tokio::test]
async fn a_sealed_rehearsal_writes_no_more_until_its_savepoint_ends() {
    for place in each(PEOPLE).await {
        let mut handle = place.database().rehearsing().await.unwrap();
        let one = key(&[("id", 1.into())]);
        handle.update_by_key("people", &one, &[to("state", 7)]).await.unwrap();
        let step = handle.savepoint().await.unwrap();
        handle.set_read_only().await.unwrap();
        assert_eq!(query(&mut handle, "select state from people where id = 1").await.unwrap(), "7");
        let fault = handle.update_by_key("people", &one, &[to("state", 8)]).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::ReadOnly);
        handle.rollback_to(step).await.unwrap();
        handle.update_by_key("people", &one, &[to("state", 9)]).await.unwrap();
        handle.set_read_only().await.unwrap();
        assert_eq!(query(&mut handle, "select state from people where id = 1").await.unwrap(), "9");
        assert_eq!(handle.delete_by_key("people", &one).await.unwrap_err().kind, FaultKind::ReadOnly);
        handle.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn rows_are_locked_in_key_order_and_one_more_than_allowed_is_seen() {
    for place in each(PEOPLE).await {
        let mut handle = place.database().rehearsing().await.unwrap();
        let twos = [Condition::is("state", 2.into())];
        assert_eq!(handle.lock_where("people", &names(&["id"]), &twos, 1).await.unwrap().len(), 2);
        let rows = handle.lock_where("people", &names(&["name"]), &[], 10).await.unwrap();
        assert_eq!(rows.iter().map(row_text).collect::<Vec<_>>()[1], "2 Alan null null");
    }
}

#[tokio::test]
async fn conditions_are_null_safe_and_empty_lists_mean_what_they_say() {
    for place in each(PEOPLE).await {
        let mut handle = place.database().reading().await.unwrap();
        let found = async |handle: &mut crate::connection::handle::Reading, test: Test| {
            let conditions = [Condition { column: "state".into(), test }];
            let order = [Order { column: "id".into(), descending: true }];
            let columns = names(&["id"]);
            let select =
                Select { columns: &columns, order: &order, limit: Some(5), ..Select::whole("people", &conditions) };
            text(&handle.select(&select, Limits::USUAL).await.unwrap())
        };
        let (two, null) = (Value::from(2), Value::NULL);
        for (test, expected) in [
            (Test::Is(null.clone()), "2"),
            (Test::IsNot(null.clone()), "3; 1"),
            (Test::IsNot(two.clone()), "2"),
            (Test::OneOf(vec![]), ""),
            (Test::OneOf(vec![null.clone()]), "2"),
            (Test::OneOf(vec![two.clone(), null.clone()]), "3; 2; 1"),
            (Test::NoneOf(vec![]), "3; 2; 1"),
            (Test::NoneOf(vec![two.clone()]), "2"),
            (Test::NoneOf(vec![two.clone(), null.clone()]), ""),
            (Test::NoneOf(vec![null.clone()]), "3; 1"),
            (Test::AtMost(two.clone()), "3; 1"),
            (Test::Before(two.clone()), ""),
            (Test::AtLeast(two.clone()), "3; 1"),
            (Test::After(two.clone()), ""),
        ] {
            assert_eq!(found(&mut handle, test.clone()).await, expected, "{test:?} on {:?}", place.dialect);
        }
    }
}

#[tokio::test]
async fn numbers_count_up_within_their_group() {
    for place in each("create table a (id integer primary key, who text, version integer); insert into a values (1, 'x', 3), (2, 'y', 7)").await {
        let mut handle = place.database().rehearsing().await.unwrap();
        let per = |who: &str| vec![Condition::is("who", who.into())];
        assert_eq!(handle.next_of("a", "version", &per("x"), false).await.unwrap(), Value::from(4));
        assert_eq!(handle.next_of("a", "version", &per("nobody"), false).await.unwrap(), Value::from(1));
        assert!(handle.next_of("a", "who", &[], false).await.unwrap_err().message.contains("cannot be counted on"));
    }
}

#[tokio::test]
async fn generated_keys_and_the_databases_clock_come_back() {
    let serial = "create table t (id serial primary key, note text, a timestamp, b timestamptz, c date)";
    let place = postgres(serial).await;
    let mut handle = place.database().rehearsing().await.unwrap();
    let now = |c: &str| (Arc::<str>::from(c), SetTo::DatabaseNow);
    let made = handle.insert("t", &names(&["id"]), &[now("a"), now("b"), now("c")]).await.unwrap();
    assert_eq!(made, key(&[("id", 1.into())]));
    assert_eq!(handle.insert("t", &names(&["id"]), &[]).await.unwrap(), key(&[("id", 2.into())]));
    let same = "select a = now() at time zone 'UTC' and b = now() and c = current_date as same from t where id = 1";
    assert_eq!(query(&mut handle, same).await.unwrap(), "true");
}

#[tokio::test]
async fn sqlites_clock_is_written_in_the_columns_own_style() {
    let styles = [
        ("2021-10-01 09:12:33.456700", "????-??-?? ??:??:??.???000"),
        ("2021-10-01 09:12:33", "????-??-?? ??:??:??"),
        ("2021-10-01T09:12:33Z", "????-??-??T??:??:??Z"),
        ("2021-10-01T09:12:33.123Z", "????-??-??T??:??:??.???Z"),
        ("2021-10-01 09:12:33.123+00:00", "????-??-?? ??:??:??.???+00:00"),
        ("2021-10-01", "????-??-??"),
    ];
    let place = sqlite("create table t (id integer primary key, u datetime); create table e (id integer primary key, u datetime); create table n (id integer primary key, u integer)").await;
    for (n, (style, glob)) in (1_i64..).zip(styles) {
        let mut handle = place.database().rehearsing().await.unwrap();
        handle.insert("t", &names(&["id"]), &[to("id", n), to("u", style)]).await.unwrap();
        handle.update_by_key("t", &key(&[("id", n.into())]), &[("u".into(), SetTo::DatabaseNow)]).await.unwrap();
        handle.insert("t", &names(&["id"]), &[to("id", 100), ("u".into(), SetTo::DatabaseNow)]).await.unwrap();
        let fits = handle
            .query(
                &with("select min(u glob ?1), count(*), max(u > '2024'), min(u) from t", [glob.into()]),
                Limits::USUAL,
            )
            .await
            .unwrap();
        let shown = text(&fits);
        assert!(shown.starts_with("1 2 1 "), "{style} became {shown}");
    }
    let mut handle = place.database().rehearsing().await.unwrap();
    handle.insert("e", &names(&["id"]), &[("u".into(), SetTo::DatabaseNow)]).await.unwrap();
    assert_eq!(query(&mut handle, "select u glob '????-??-?? ??:??:??.???000' from e").await.unwrap(), "1");
    handle.insert("n", &names(&["id"]), &[to("u", 1_700_000_000_000)]).await.unwrap();
    handle.update_by_key("n", &key(&[("id", 1.into())]), &[("u".into(), SetTo::DatabaseNow)]).await.unwrap();
    assert_eq!(query(&mut handle, "select u > 1700000000000 and typeof(u) = 'integer' from n").await.unwrap(), "1");
}

#[tokio::test]
async fn what_triggers_and_cascades_touch_is_counted() {
    let setup = |trigger: &str| {
        format!(
            "create table p (id integer primary key, n integer); create table c (id integer primary key, p integer references p on delete cascade);
             create table log (id integer, what text); {trigger}
             insert into p values (1, 0), (2, 0); insert into c values (1, 1), (2, 1), (3, 2);"
        )
    };
    let postgres_trigger = "create function f() returns trigger language plpgsql as $$ begin insert into log values (new.id, 'up'); return new; end $$;
        create trigger t after update on p for each row execute function f();";
    let sqlite_trigger = "create trigger t after update on p begin insert into log values (new.id, 'up'); end;";
    let mysql_trigger = "create trigger t after update on p for each row insert into log values (new.id, 'up');";
    for place in [
        postgres(&setup(postgres_trigger)).await,
        sqlite(&setup(sqlite_trigger)).await,
        mysql(&setup(mysql_trigger).replace("references p on", "references p (id) on")).await,
    ] {
        let mut handle = place.database().rehearsing().await.unwrap();
        assert!(handle.touched().await.unwrap().is_empty());
        handle.update_by_key("p", &key(&[("id", 2.into())]), &[to("n", 1)]).await.unwrap();
        handle.delete_by_key("p", &key(&[("id", 1.into())])).await.unwrap();
        let shown: Vec<String> = handle
            .touched()
            .await
            .unwrap()
            .iter()
            .map(|t| format!("{} {}{}{}", t.table, t.inserted, t.updated, t.deleted))
            .collect();
        assert_eq!(shown, ["c 002", "log 100", "p 011"]);
    }
}

#[tokio::test]
async fn sqlite_counts_what_its_hook_does_not_see() {
    let place = sqlite("create table w (k text primary key) without rowid; insert into w values ('a'), ('b')").await;
    let mut handle = place.database().rehearsing().await.unwrap();
    handle.delete_by_key("w", &key(&[("k", "a".into())])).await.unwrap();
    assert_eq!(handle.touched().await.unwrap(), [Touched { table: "*".into(), inserted: 0, updated: 1, deleted: 0 }]);
}

#[tokio::test]
async fn deferred_constraints_are_checked_when_asked_and_stay_deferred() {
    let setup = "create table p (id integer primary key);
        create table c (id integer primary key, p integer references p (id) deferrable initially deferred)";
    // MySQL has no deferred constraints.
    let setup = setup.replace("deferrable initially deferred", "DEFERRABLE INITIALLY DEFERRED");
    for place in [postgres(&setup).await, sqlite(&setup).await] {
        let mut handle = place.database().rehearsing().await.unwrap();
        handle.insert("c", &names(&["id"]), &[to("id", 1), to("p", 5)]).await.unwrap();
        handle.insert("p", &names(&["id"]), &[to("id", 5)]).await.unwrap();
        handle.check_deferred().await.unwrap();
        handle.insert("c", &names(&["id"]), &[to("id", 2), to("p", 6)]).await.unwrap();
        assert_eq!(handle.check_deferred().await.unwrap_err().kind, FaultKind::Constraint);
    }
}

#[tokio::test]
async fn statements_are_prepared_without_running() {
    let place = postgres(PEOPLE).await;
    let mut handle = place.database().reading().await.unwrap();
    let prepared = handle
        .prepare(&ask("update people set name = $1 where id = $2 returning born, '1.2.3.4'::inet as ip"))
        .await
        .unwrap();
    let kinds: Vec<_> = prepared.parameters.iter().map(|s| (&*s.name, &*s.type_name)).collect();
    assert_eq!(kinds, [("$1", "text"), ("$2", "int4")]);
    let columns: Vec<_> = prepared.columns.iter().map(|s| (&*s.name, s.kind.clone(), s.unreadable)).collect();
    assert_eq!(columns, [("born", Kind::Date, false), ("ip", Kind::Other, true)]);
    let fault = handle.prepare(&ask("select idd\nfrom people")).await.unwrap_err();
    assert_eq!((fault.kind, fault.position), (FaultKind::NoColumn, Some(8)));
    assert!(handle.prepare(&ask("select 1 from people")).await.is_ok());

    let place = sqlite(PEOPLE).await;
    let mut handle = place.database().reading().await.unwrap();
    let prepared =
        handle.prepare(&ask("select born, id + 1 as n from people where id = ? and name = ?")).await.unwrap();
    assert_eq!(prepared.parameters.len(), 2);
    assert_eq!(prepared.columns.iter().map(|s| s.kind.clone()).collect::<Vec<_>>(), [Kind::Date, Kind::Other]);
    let fault = handle.prepare(&ask("select idd from people")).await.unwrap_err();
    assert_eq!((fault.kind, fault.position), (FaultKind::NoColumn, Some(8)));
}

#[tokio::test]
async fn the_catalogue_says_columns_keys_and_triggers() {
    let place = postgres(
        "create type mood as enum ('sad', 'happy'); create domain slug as varchar(24); create extension citext;
         create schema audit; create table audit.events (id bigint generated always as identity primary key);
         create table t (id serial primary key, code varchar(7) not null, n numeric(10,2), m mood default 'sad', s slug, e citext,
           tags text[], d int generated always as (length(code)) stored, at timestamp(3), unique (code, n));
         create unique index on t (s) where s is not null; create view v as select id from t;",
    )
    .await;
    let mut handle = place.database().reading().await.unwrap();
    let found = handle.catalogue(Some(&["t", "audit.events", "nothing", "v"])).await.unwrap();
    assert_eq!(found.keys().map(|k| &**k).collect::<Vec<_>>(), ["audit.events", "t", "v"]);
    let t = &found["t"];
    let shown: Vec<String> = t.columns.values().map(|c| format!("{} {}", c.name, c.type_name)).collect();
    assert_eq!(
        shown,
        [
            "id int4",
            "code varchar(7)",
            "n numeric(10,2)",
            "m mood",
            "s slug",
            "e citext",
            "tags text[]",
            "d int4",
            "at timestamp"
        ]
    );
    assert_eq!(t.columns["m"].kind, Kind::Enum(vec!["sad".into(), "happy".into()]));
    assert_eq!(t.columns["s"].kind, Kind::Text(Some(24)));
    assert_eq!(t.columns["n"].kind, Kind::Decimal(Some((10, 2))));
    assert!(
        t.columns["id"].has_default
            && !t.columns["code"].nullable
            && t.columns["d"].generated
            && t.columns["m"].has_default
    );
    assert_eq!((t.primary_key.clone(), t.unique.clone()), (names(&["id"]), vec![names(&["code", "n"])]));
    assert!(found["v"].view && found["audit.events"].columns["id"].generated);
    let all = handle.catalogue(None).await.unwrap();
    assert_eq!(all.keys().map(|k| &**k).collect::<Vec<_>>(), ["audit.events", "t", "v"]);

    let place = sqlite(
        "create table t (id integer primary key, code varchar(7) not null, n decimal(10,2), d int generated always as (length(code)) stored,
           at datetime(6) default current_timestamp, unique (code, n));
         create trigger after_t after update on t begin select 1; end; create view v as select id from t;",
    )
    .await;
    let mut handle = place.database().reading().await.unwrap();
    let found = handle.catalogue(Some(&["t", "nothing", "v"])).await.unwrap();
    let t = &found["t"];
    assert_eq!(
        (t.primary_key.clone(), t.unique.clone(), t.triggers.clone()),
        (names(&["id"]), vec![names(&["code", "n"])], vec!["after_t".to_owned()])
    );
    assert!(
        t.columns["id"].has_default
            && !t.columns["code"].nullable
            && t.columns["d"].generated
            && t.columns["at"].has_default
    );
    assert_eq!(t.columns["at"].kind, Kind::Timestamp);
    assert!(found["v"].view && found.len() == 2);
    assert_eq!(handle.catalogue(None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn columns_without_a_lossless_form_come_as_text_and_go_back_as_text() {
    let place = postgres(
        "create table t (id int primary key, ip inet, span interval, tags text[], price money, p int4range, x xml, b bit(3), v varbit(5), bs bit(3)[]);
        insert into t values (1, '10.0.0.1', '1 mon 2 days', '{a,NULL,\"b c\"}', 12.5, '[1,5)', '<a/>', '101', '0110', '{101,011}')",
    )
    .await;
    let mut handle = place.database().rehearsing().await.unwrap();
    let rows = handle.lock_and_read("t", &names(&["id"]), &[vec![1.into()]]).await.unwrap();
    let row = rows[0].clone().unwrap();
    assert_eq!(row_text(&row), "1 10.0.0.1/32 1 mon 2 days [\"a\",null,\"b c\"] $12.50 [1,5) <a/> 101 0110 {101,011}");
    assert_eq!(row_text(&handle.lock_where("t", &names(&["id"]), &[], 1).await.unwrap()[0]), row_text(&row));
    let select = Select::whole("t", &[]);
    assert_eq!(text(&handle.select(&select, Limits::USUAL).await.unwrap()), row_text(&row));
    let set: Vec<_> = row.iter().skip(1).map(|(c, v)| (c.clone(), SetTo::Value(v.clone()))).collect();
    let one = key(&[("id", 1.into())]);
    handle
        .update_by_key(
            "t",
            &one,
            &[to("ip", Value::NULL), to("span", Value::NULL), to("tags", Value::NULL), to("b", "000")],
        )
        .await
        .unwrap();
    handle.update_by_key("t", &one, &set).await.unwrap();
    let again = handle.lock_and_read("t", &names(&["id"]), &[vec![1.into()]]).await.unwrap();
    assert_eq!(again[0].as_ref(), Some(&row));
    for (bits, found) in [("101", 1), ("100", 0), ("1", 0)] {
        let rows = handle.lock_where("t", &names(&["id"]), &[Condition::is("b", bits.into())], 9).await.unwrap();
        assert_eq!(rows.len(), found, "{bits}");
    }
    let fault = handle.query(&ask("select ip from t"), Limits::USUAL).await.unwrap_err();
    assert!(fault.message.contains("`ip` has the type inet") && fault.help().contains("ip::text as ip"), "{fault:?}");
    assert_eq!(query(&mut handle, "select ip::text as ip from t").await.unwrap(), "10.0.0.1/32");
}

#[tokio::test]
async fn the_identity_names_the_real_database() {
    for place in each("create table t (id integer)").await {
        let mut handle = place.database().reading().await.unwrap();
        let identity = handle.identity().await.unwrap();
        let named = match place.dialect {
            Dialect::Postgres => "PostgreSQL 1",
            Dialect::Sqlite => "SQLite 3",
            Dialect::Mysql => "MariaDB 1",
        };
        assert!(identity.server.starts_with(named), "{identity:?}");
        assert!(!identity.database.is_empty() && identity.system.len() > 2 && !identity.replica);
        assert_eq!(handle.identity().await.unwrap(), identity);
        handle.close().await;
    }
}

#[tokio::test]
async fn values_reach_columns_of_their_type_from_texts_too() {
    let place = postgres("create type mood as enum ('sad', 'happy'); create table t (id int primary key, m mood, j jsonb, u uuid, d date, b boolean, a int[], y bytea, n numeric)").await;
    let mut handle = place.database().rehearsing().await.unwrap();
    let values = [
        to("id", "7"),
        to("m", "happy"),
        to("j", Value::map([("a", Value::list([1.into(), Data::Decimal("2.50".parse().unwrap()).into()]))])),
        to("u", "67e55044-10b1-426f-9247-bb680e5fe0c8"),
        to("d", "2024-02-29"),
        to("b", 1),
        to("a", Value::list([1.into(), Value::NULL])),
        to("y", "\\x00ff"),
        to("n", 5),
    ];
    handle.insert("t", &names(&["id"]), &values).await.unwrap();
    let sql = "select m, j, u, d, b, a, y, n from t where id = any($1)";
    let rows = handle.query(&with(sql, [Value::list([7.into(), 8.into()])]), Limits::USUAL).await.unwrap();
    assert_eq!(
        text(&rows),
        "happy {\"a\": [1, 2.50]} 67e55044-10b1-426f-9247-bb680e5fe0c8 2024-02-29 true [1,null] \\x00ff 5"
    );
    let fault =
        handle.query(&with("select 1 from t where d = $1", ["tomorrowish".into()]), Limits::USUAL).await.unwrap_err();
    assert_eq!(
        (fault.kind, &*fault.message),
        (FaultKind::Data, "`d` ($1) takes date and got a text, which is not a date (2024-03-31)")
    );
}
