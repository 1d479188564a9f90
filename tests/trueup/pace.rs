//! What one of many items costs, one by one and in sets: how often the database is spoken to.

use super::servers::{Shop, block_on, postgres, request, said, surroundings};
use sqlx::Connection;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use trueup::{
    base::{time::Stamp, world::World},
    engine::drive::Stopped,
    journal::words::End,
    ops,
    trial::bench::{On, Place},
};

/// One item after the other, so that the figures are the same each time; what has a `rate` begins item by item.
const ONE_BY_ONE: &str = "trueup: v1
name: many/pace
version: 1
title: Many
uses: { shop: { write: [things, audits] } }
targets:
  from: { find: { table: shop.things, where: { state: open } } }
limits: { concurrency: 1, rate: 60000/min }
preconditions:
- id: thing
  find: { table: shop.things, where: { id: \"{{ item.id }}\" }, expect: one }
- assert: thing.state == 'open'
steps:
- id: sold
  row: { of: thing, only_if: { state: open }, set: { state: sold, count: 7 } }
verification:
- id: after
  find: { table: shop.things, where: { id: \"{{ item.id }}\" }, expect: one }
  is: after.state == 'sold'
";

/// What is made of a message to the server: SQL that somebody else gets done before it arrives.
pub(super) type Heard = Arc<dyn Fn(&[u8]) -> Option<String> + Send + Sync>;

/// Hears what is said to the server: each time an answer is waited for, once.
pub(super) async fn wire(direct: &str, heard: Heard) -> String {
    let mut url = url::Url::parse(direct).unwrap();
    let direct: Arc<str> = direct.into();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (mut server, heard, direct) =
                (TcpStream::connect(&server).await.unwrap(), heard.clone(), direct.clone());
            tokio::spawn(async move {
                let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
                loop {
                    tokio::select! {
                        n = client.read(&mut up) => {
                            let Ok(n @ 1..) = n else { return };
                            if let Some(sql) = heard(&up[..n]) {
                                let mut somebody = sqlx::PgConnection::connect(&direct).await.unwrap();
                                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut somebody).await.unwrap();
                                somebody.close().await.unwrap();
                            }
                            if server.write_all(&up[..n]).await.is_err() { return }
                        }
                        n = server.read(&mut down) => {
                            let Ok(n @ 1..) = n else { return };
                            if client.write_all(&down[..n]).await.is_err() { return }
                        }
                    }
                }
            });
        }
    });
    format!("{url}?sslmode=disable")
}

/// How often the database is spoken to while so many items are carried out.
async fn spoken(things: u32, change: &str, text: &str, ledger: bool) -> usize {
    let keep = |text: String| if ledger { text.replacen(r#""shop":{"#, r#""shop":{"ledger":true,"#, 1) } else { text };
    spoken_in(
        Shop::open(&On::Postgres(postgres()), "http://127.0.0.1:9", keep).await,
        things,
        change,
        text,
        ledger,
        false,
    )
    .await
    .often
}

/// However few rows there are, each is looked for by its key, and can be counted so. (What is forbidden is taken for dear, and would be compiled.)
const BY_KEY: &str = "do $$ begin
    execute format('alter database %I set jit = off', current_database());
    execute format('alter database %I set enable_seqscan = off', current_database());
    execute format('alter database %I set enable_hashjoin = off', current_database());
    execute format('alter database %I set enable_mergejoin = off', current_database());
end $$";

/// What a run cost the database.
struct Cost {
    /// It was spoken to so often.
    often: usize,
    /// A thing was looked for by its key so often.
    looked: i64,
}

/// So often things were looked for by a key up to now.
async fn looked_for(direct: &str) -> i64 {
    let mut somebody = sqlx::PgConnection::connect(direct).await.unwrap();
    // A session says what it has counted when it ends.
    let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query(end).execute(&mut somebody).await.unwrap();
    let looked = "select coalesce(sum(idx_scan), 0)::bigint from pg_stat_user_indexes where relname = 'things'";
    let looked = sqlx::query_scalar(looked).fetch_one(&mut somebody).await.unwrap();
    somebody.close().await.unwrap();
    looked
}

/// The audit rows have no running number.
pub(super) fn unnumbered(project: String) -> String {
    let without =
        project.replace(r#""version":{"next_of":"version","per":["record_type","record_id"]}"#, r#""version":1"#);
    assert_ne!(without, project);
    without
}

async fn spoken_in(mut shop: Shop, things: u32, change: &str, text: &str, ledger: bool, one_by_one: bool) -> Cost {
    if ledger {
        assert!(ops::prepare::prepare(&shop.here, &shop.opened, None, "shop").await.unwrap().ready.made);
    }
    let rows: Vec<String> = (1..=things).map(|n| format!("({n}, 'thing {n}', 1, now(), now())")).collect();
    shop.sql(&format!(
        "insert into things (id, name, state, created_at, updated_at) values {}; {change}; {BY_KEY}",
        rows.join(", ")
    ))
    .await;
    let (said_so_often, stop) = (Arc::new(AtomicUsize::new(0)), AtomicBool::new(false));
    let Place::Server(direct) = shop.place().clone() else { panic!() };
    let count = said_so_often.clone();
    let heard: Heard = Arc::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        None
    });
    let url = wire(direct.reveal(), heard).await;
    shop.here = surroundings(shop.folder.path(), &[("SHOP_URL", &url), ("CRM_KEY", "key-of-the-crm")]);
    let real = World::real();
    let clock = move || Stamp { micros: real.now().micros / 1000 * 1000, digits: 6 };
    shop.here.world = World::real().with_clock(clock);
    let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
    let mut prepared = shop.prepare(text, &[]).await.unwrap();
    ops::record::seal_with(&mut prepared.setting, &record);
    prepared.setting.one_by_one = one_by_one;
    let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap();
    let looked_before = looked_for(direct.reveal()).await;
    let before = said_so_often.load(Ordering::SeqCst);
    let carried = ops::apply::apply(&shop.here, &record, &shop.opened, &prepared.setting, &plan, &|_| {}, &stop).await;
    let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
    assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
    let often = said_so_often.load(Ordering::SeqCst) - before;
    record.journal.close().await.unwrap();
    let looked = looked_for(direct.reveal()).await - looked_before;
    let changed = shop.snapshot().await;
    let things_now = changed.tables.iter().find(|(table, _)| &*table.table == "things").unwrap().1;
    assert!(things_now.rows.values().all(|row| row["count"].as_int() == Some(7)));
    let audits = changed.tables.iter().find(|(table, _)| &*table.table == "audits").unwrap().1;
    assert_eq!(audits.rows.len(), things as usize);
    shop.close().await;
    Cost { often, looked }
}

#[test]
fn an_item_speaks_to_the_database_eight_times_and_more_often_where_something_may_run_besides() {
    block_on(async {
        // What comes once falls out of the difference: connecting, preparing, and the first questions to the catalogue.
        let each = async |change: &str| {
            (spoken(30, change, ONE_BY_ONE, false).await - spoken(10, change, ONE_BY_ONE, false).await) as f64 / 20.0
        };
        // The row before; BEGIN, lock, UPDATE, the audit row's running number, INSERT, COMMIT; the row after.
        assert_eq!(each("drop trigger note_state on things").await, 8.0);
        // With the trigger nobody takes the row from the change itself, nor is sure that nothing else was touched: what was
        // changed anywhere is asked before and after.
        assert_eq!(each("").await, 12.0);
    });
}

#[test]
fn a_set_speaks_to_the_database_so_often_however_many_items_it_has_and_asks_the_catalogue_no_more_than_the_first() {
    block_on(async {
        let in_sets = ONE_BY_ONE.replace(", rate: 60000/min", "").replace("state: sold, count", "count");
        let in_sets = in_sets.replace("after.state == 'sold'", "after.count == 7");
        let change = "drop trigger note_state on things";
        // The first set has 32 items, the second 64: what the second costs is the difference.
        let second = async |ledger: bool| {
            spoken(96, change, &in_sets, ledger).await - spoken(32, change, &in_sets, ledger).await
        };
        // The rows before: BEGIN, read, ROLLBACK. BEGIN, locks, UPDATE, the running numbers of the audit rows, INSERT, COMMIT. The rows after: three
        // again.
        assert_eq!(second(false).await, 3 + 6 + 3);
        // And all claims of the set.
        assert_eq!(second(true).await, 3 + 7 + 3);
    });
}

/// The changes are what it costs: BEGIN goes with the COMMIT before, and what is read before and after is read for all of a set.
#[test]
fn an_item_in_transactions_of_its_own_beside_others_speaks_to_the_database_four_times_or_two() {
    block_on(async {
        let apart = ONE_BY_ONE.replace(", rate: 60000/min", "").replace("state: sold, count", "count");
        let apart =
            apart.replace("after.state == 'sold'", "after.count == 7").replace("concurrency: 1", "concurrency: 2");
        // A moment is given back with fewer decimals than it was written with, where the last are noughts.
        let apart = apart.replace("count: 7 }", "count: 7, at: '{{ now() }}' }");
        let change = "drop trigger note_state on things";
        let same: fn(String) -> String = |project| project;
        let each = async |project: fn(String) -> String| {
            let often = async |things| {
                let shop = Shop::open(&On::Postgres(postgres()), "http://127.0.0.1:9", project).await;
                spoken_in(shop, things, change, &apart, false, true).await
            };
            // What the first sets learn of the tables falls out of the difference, up to one look more or less at what the database is.
            let (many, few) = (often(424).await, often(224).await);
            ((many.often - few.often) as f64 / 200.0, many.looked as f64 / 424.0)
        };
        // UPDATE, the audit row's running number, INSERT, COMMIT with the next BEGIN.
        let (numbered, looked) = each(same).await;
        assert!((3.9..4.5).contains(&numbered), "{numbered}");
        // The row before, the change of that version of it, the row after; and once more in the sets that go at the same time as the first.
        assert!((3.0..3.8).contains(&looked), "{looked}");
        // Both rows with one statement.
        let (plain, looked) = each(unnumbered).await;
        assert!((1.9..2.5).contains(&plain), "{plain}");
        assert!((3.0..3.8).contains(&looked), "{looked}");
    });
}
