//! What is known to happen besides when rows of a table are read or changed, and what is done where nothing is.

use std::sync::Arc;

use super::{Place, admin, ask, key, names, postgres, query, text};
use crate::{
    base::value::Value,
    connection::{
        fault::FaultKind,
        statement::{Limits, Select, SetTo},
    },
    table::{catalogue::Nature, condition::Condition},
};

const TABLES: &str = "
    create table alone (id bigserial primary key, n int not null default 1 check (n > 0), at timestamptz default now(),
      unique (n, at, id), kept int generated always as (n * 2) stored);
    create index on alone (lower(n::text));
    create table parent (id int primary key);
    create table child (id int primary key, parent int references parent, n int);
    create table dragged (id int primary key, parent int references parent on delete cascade);
    create table late (id int primary key, n int unique deferrable initially deferred);
    create function note() returns trigger language plpgsql as $$ begin update parent set id = id; return new; end $$;
    create table noted (id int primary key, n int);
    create trigger note after update on noted for each row execute function note();
    create function next_one() returns int language sql volatile as 'insert into parent values (99) returning 1';
    create table by_default (id int primary key, n int default next_one());
    create function fits(n int) returns boolean language sql immutable as 'select n > 0';
    create table by_check (id int primary key, n int check (fits(n)));
    create function low(n int) returns int language sql immutable as 'select n';
    create table by_index (id int primary key, n int);
    create index on by_index (low(n));
    create domain small as int check (fits(value));
    create table by_domain (id int primary key, n small);
    create table ruled (id int primary key, n int);
    create rule also as on update to ruled do also select 1;
    create table secured (id int primary key, n int);
    alter table secured enable row level security;
    create table whole (id int, n int) partition by range (id);
    create table part partition of whole for values from (0) to (10);
    create view seen as select id, n from child";

#[tokio::test]
async fn the_catalogue_tells_which_tables_are_alone() {
    let place = postgres(TABLES).await;
    let mut reading = place.database().reading().await.unwrap();
    let mut told = Vec::new();
    for table in [
        "alone",
        "child",
        "parent",
        "dragged",
        "late",
        "noted",
        "by_default",
        "by_check",
        "by_index",
        "by_domain",
        "ruled",
        "secured",
        "whole",
        "part",
        "seen",
        "nowhere",
    ] {
        told.push((table, reading.nature(table).await.unwrap()));
    }
    let those = |chosen: fn(&Nature) -> bool| -> Vec<&str> {
        told.iter().filter(|(_, nature)| chosen(nature)).map(|(table, _)| *table).collect()
    };
    // `parent` is not alone: to delete from it deletes from `dragged`.
    assert_eq!(those(|nature| nature.alone), ["alone", "child", "dragged"]);
    let plain =
        ["alone", "child", "parent", "dragged", "late", "noted", "by_default", "by_check", "by_index", "by_domain"];
    assert_eq!(those(|nature| nature.plain), plain);
}

#[tokio::test]
async fn the_row_that_a_change_gives_is_the_one_that_another_read_finds() {
    let place = postgres(&format!("{TABLES}; alter table alone add column tag int4range default '[1,3)'")).await;
    let mut writing = place.database().writing().await.unwrap();
    let n = |n: i64| [("n".into(), SetTo::Value(n.into())), ("at".into(), SetTo::DatabaseNow)];
    let new = writing.insert_whole("alone", &n(5)).await.unwrap();
    let id = [("id", new["id"].clone())];
    let read = async |writing: &mut crate::connection::handle::Writing| {
        let found = writing.lock_and_read("alone", &names(&["id"]), &[vec![id[0].1.clone()]]).await.unwrap();
        found.into_iter().next().flatten().unwrap()
    };
    assert_eq!(new, read(&mut writing).await);
    assert_eq!((new["kept"].as_int(), new["tag"].as_str()), (Some(10), Some("[1,3)")));
    let changed = writing.update_whole("alone", &key(&id), &n(6)).await.unwrap().unwrap();
    assert_eq!(changed, read(&mut writing).await);
    assert_eq!(changed["kept"].as_int(), Some(12));
    let missing = writing.update_whole("alone", &key(&[("id", 77.into())]), &n(6)).await.unwrap();
    assert_eq!(missing, None);
    // What is no key fits several rows, and then nothing goes on.
    let twin = [("n".into(), SetTo::Value(6.into()))];
    writing.insert_whole("alone", &twin).await.unwrap();
    let fault = writing.update_whole("alone", &key(&[("n", 6.into())]), &n(7)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Data, "{fault}");
    assert!(writing.commit().await.is_err());
    assert_eq!(place.seen("select count(*) from alone").await, "0");
}

/// A glance: the number in the row, and whether the session was in a transaction then.
async fn glance(
    reading: &mut crate::connection::handle::Reading,
    id: i64,
) -> Result<String, crate::connection::fault::Fault> {
    let conditions = [Condition::is(Arc::<str>::from("id"), Value::from(id))];
    reading.glance(&Select::whole("child", &conditions), Limits::USUAL).await.map(|rows| text(&rows))
}

async fn pid(place: &Place) -> String {
    let mut reading = place.database().reading().await.unwrap();
    query(&mut reading, "select pid from pg_stat_activity where query like '%\"child\"%' and pid <> pg_backend_pid()")
        .await
        .unwrap()
}

#[tokio::test]
async fn a_glance_needs_no_transaction_and_outlives_a_connection_that_died_resting() {
    let place = postgres(&format!("{TABLES}; insert into child values (1, null, 7)")).await;
    let database = place.database();
    database.reading().await.unwrap().close().await;
    let mut reading = database.glancing().await.unwrap();
    assert_eq!(glance(&mut reading, 1).await.unwrap(), "1 null 7");
    let state = "select state from pg_stat_activity where query like '%\"child\"%' and pid <> pg_backend_pid()";
    assert_eq!(place.seen(state).await, "idle");
    // What is no glance is read in a transaction that cannot write, and after a fault the handle goes on.
    assert_eq!(query(&mut reading, "select current_setting('transaction_read_only')").await.unwrap(), "on");
    assert!(query(&mut reading, "select 1 / 0").await.is_err());
    assert_eq!(glance(&mut reading, 1).await.unwrap(), "1 null 7");
    reading.close().await;
    for _ in 0..3 {
        let mut reading = database.glancing().await.unwrap();
        assert_eq!(glance(&mut reading, 1).await.unwrap(), "1 null 7");
        reading.close().await;
        let url = place.url.as_deref().unwrap();
        admin(url, &format!("select pg_terminate_backend({}, 5000)", pid(&place).await)).await.unwrap();
        let mut reading = database.glancing().await.unwrap();
        assert_eq!(glance(&mut reading, 1).await.unwrap(), "1 null 7");
        assert_eq!(reading.raw(&ask("select n from child"), Limits::USUAL).await.unwrap().rows.len(), 1);
        reading.close().await;
    }
}

/// What looks at other rows besides, wherever the database lets somebody write it down.
const JUDGES: &str = "
    create table rows_of (id int primary key, n int, state text);
    create function sold() returns bigint language sql stable as $$ select count(*) from rows_of where state = 'sold' $$;
    create function next_no() returns text language sql stable as $$ select 'N-' || count(*) from rows_of $$;
    create function plain_no() returns text language sql volatile as $$ select lower(gen_random_uuid()::text) $$;
    create function calm() returns trigger language plpgsql as $$ begin new.n := 1; return new; end $$;
    create function counts() returns trigger language plpgsql as $$ begin perform count(*) from rows_of; return new; end $$;
    create table by_policy (id int primary key, n int);
    alter table by_policy enable row level security;
    create policy cap on by_policy using (true) with check (sold() < 10);
    create table by_own_policy (id int primary key, owner text);
    alter table by_own_policy enable row level security;
    create policy mine on by_own_policy using (owner = current_user);
    create table by_default (id int primary key, n int, no text default next_no());
    create table by_plain_default (id int primary key, no text default plain_no(), at timestamptz default now(), k uuid default gen_random_uuid());
    create table by_when (id int primary key, n int);
    create trigger late before update on by_when for each row when (sold() >= 10) execute function calm();
    create table by_calm (id int primary key, n int);
    create trigger calm before update on by_calm for each row when (new.n > 1) execute function calm();
    create table by_rule (id int primary key, n int);
    create rule aside as on update to by_rule where new.n > 3 do instead nothing;
    create domain small as int check (value < sold());
    create table by_domain (id int primary key, n small);
    create table by_part (id int, n int) partition by range (id);
    create table part_of partition of by_part for values from (0) to (100);
    create trigger cap before update on part_of for each row execute function counts();
    create table behind (id int primary key, n int);
    create trigger cap before update on behind for each row execute function counts();
    create view by_view as select id, n from behind;
    create table at_peace (id int primary key, n int check (n > 0) unique, parent int references rows_of);";

#[tokio::test]
async fn whatever_judges_a_change_by_other_rows_is_told() {
    let place = postgres(JUDGES).await;
    let mut reading = place.database().reading().await.unwrap();
    let told = async |reading: &mut crate::connection::handle::Reading, tables: &[&str]| {
        let catalogue = reading.catalogue(Some(tables)).await.unwrap();
        let of = |name: &&str| {
            let mut what: Vec<String> = catalogue[*name].judges.iter().map(|judge| judge.what.clone()).collect();
            what.sort();
            what.join(", ")
        };
        tables.iter().map(of).collect::<Vec<_>>()
    };
    for (table, expected) in [
        ("by_policy", "the policy `cap`"),
        ("by_own_policy", ""),
        ("by_default", "the default of `no`"),
        ("by_plain_default", ""),
        ("by_when", "the trigger `late`"),
        ("by_calm", ""),
        ("by_rule", "the rule `aside`"),
        ("by_domain", "the constraint `small_check`"),
        ("by_part", "the trigger `cap`"),
        ("by_view", "the trigger `cap`"),
        ("at_peace", ""),
    ] {
        assert_eq!(told(&mut reading, &[table]).await, [expected], "{table}");
    }
    // One row under two names.
    let both = told(&mut reading, &["by_part", "part_of"]).await;
    assert_eq!(both, ["the part `part_of`, the trigger `cap`", "the trigger `cap`, the whole `by_part`"]);
}
