//! Items one by one, several at a time: each has transactions of its own, and what they read and record is shared. What becomes of each is
//! what becomes of it alone.

use super::{
    ledger::asked,
    many::{Store, playbook},
    pace::{Heard, unnumbered, wire},
    servers::{Shop, block_on, mysql, postgres, said, surroundings},
    sets::{Go, UP, both, carried, cut_anywhere, meant_together, meant_together_in, pair, pair_with_ledger, together},
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::sync::oneshot;
use trueup::{
    effect::change::RowChange,
    engine::{drive::Stopped, watch::Tick},
    journal::words::End,
    ops,
    trial::bench::{On, Place},
};

#[test]
fn what_becomes_of_each_item_in_transactions_of_its_own_is_what_becomes_of_it_alone() {
    block_on(async {
        for on in [On::Postgres(postgres()), On::Mysql(mysql())] {
            both(&on, pair(&on).await, 1..5, 24, Go::Apart, false).await;
        }
        let on = On::Postgres(postgres());
        both(&on, pair_with_ledger(&on).await, 1..3, 24, Go::Apart, true).await;
        // What is known of the tables by then is used: rows are seen for many at a time, and changed with their audit rows.
        both(&on, (quick(&on).await, quick(&on).await), 1..4, 84, Go::Apart, false).await;
    });
}

/// A store in which nothing else happens when a thing is changed, and whose audit rows are not numbered.
async fn quick(on: &On) -> Store {
    let store = Store { shop: Shop::open(on, "http://127.0.0.1:9", unnumbered).await };
    store.shop.sql("drop trigger note_state on things").await;
    store
}

/// Numbers that several rows share are counted on by one at a time, whichever way the items go: there is none twice, and none is left out.
#[test]
fn numbers_that_many_rows_share_are_counted_on_by_one_at_a_time() {
    let shared = |text: String| {
        let own = r#""per":["record_type","record_id"]"#;
        assert!(text.contains(own), "{text}");
        text.replace(own, r#""per":["record_type"]"#)
    };
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            for go in [Go::InSets, Go::Apart] {
                let store = Store { shop: Shop::open(&on, "http://127.0.0.1:9", shared).await };
                let values: Vec<String> =
                    (1..=60).map(|n| format!("({n}, 'thing {n}', 1, 0, '{WHEN}', '{WHEN}')")).collect();
                let insert = "insert into things (id, name, state, count, created_at, updated_at) values";
                store.shop.sql(&format!("{insert} {};", values.join(", "))).await;
                let (_, carried) = carried(&store, &playbook(&[UP]), "", go).await;
                assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{}", on.word());
                let said = asked(&store.shop, "select count(*) as rows_there, count(distinct version) as numbers, max(version) as most from audits").await;
                let numbers: Vec<&str> = said.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).collect();
                assert_eq!(numbers, ["60", "60", "60"], "{}", on.word());
                store.shop.close().await;
            }
        }
    });
}

/// Rows that go along with one another: the items whose rows are gone by then are as wanted, as if all had gone one after the other.
#[test]
fn rows_that_a_row_of_the_same_set_takes_along_are_as_they_would_be_one_by_one() {
    let tree = |text: String| text.replacen(r#""prices":{"#, r#""tree":{"key":"id","audit":false},"prices":{"#, 1);
    let steps = r#"{ row: { table: shop.tree, key: { id: "{{ item.id }}" }, ensure: absent } }"#;
    let text = format!(
        "{{ trueup: v1, name: sets/playbook, version: 1, title: Trees, targets: {{ from: {{ find: {{ table: shop.tree, where: {{}} }} }}, order_by: [id] }},
           limits: {{ max_items: 1000 }}, uses: {{ shop: {{ read: [tree], write: [tree] }} }}, steps: [{steps}] }}"
    );
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let mut ends = Vec::new();
            for go in [Go::InSets, Go::Apart, Go::Alone] {
                let store = Store { shop: Shop::open(&on, "http://127.0.0.1:9", tree).await };
                store.shop.sql("create table tree (id int primary key, p int, foreign key (p) references tree (id) on delete cascade);").await;
                let rows: Vec<String> = (1..=12)
                    .map(|n| format!("({n}, {})", if n % 4 == 1 { "null".into() } else { (n - 1).to_string() }))
                    .collect();
                store.shop.sql(&format!("insert into tree values {};", rows.join(", "))).await;
                let (run, carried) = carried(&store, &text, "", go).await;
                assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{}", on.word());
                assert_eq!(asked(&store.shop, "select count(*) from tree").await.trim_matches([';', ' ', '\n']), "0");
                let state = store.state(run).await;
                let failed = state.items.iter().filter(|(_, item)| {
                    !item.closed.as_ref().is_some_and(|c| matches!(c.end, End::Changed | End::Unchanged))
                });
                ends.push(failed.count());
                store.shop.close().await;
            }
            assert_eq!(ends, [0, 0, 0], "{}", on.word());
        }
    });
}

const WHEN: &str = "2024-01-01 00:00:00";

/// The value that the database makes of what is set is not the one that was set: the audit row says what it became.
#[test]
fn an_audit_row_says_what_the_database_made_of_a_value() {
    block_on(async {
        let store = quick(&On::Postgres(postgres())).await;
        let values: Vec<String> = (1..=200).map(|n| format!("({n}, 'thing {n}', 1, 0, 1, now(), now())")).collect();
        let insert = "insert into things (id, name, state, count, amount, created_at, updated_at) values";
        store.shop.sql(&format!("{insert} {};", values.join(", "))).await;
        let text = playbook(&[UP]).replace("note: seen", "amount: 12.505");
        let (run, carried) = carried(&store, &text, "", Go::Apart).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert!(store.column("amount").await.iter().all(|amount| amount == "12.51"));
        let said = asked(&store.shop, "select distinct changes->>'amount' from audits").await;
        assert!(said.contains("12.51") && !said.contains("12.505"), "{said}");
        assert_eq!(store.audits().await, 200);
        assert!(meant_together(&store, run).await > 30);
        store.shop.close().await;
    });
}

#[test]
fn a_run_whose_items_have_transactions_of_their_own_is_cut_off_anywhere_and_nothing_is_done_twice() {
    block_on(async {
        cut_anywhere(&On::Postgres(postgres()), 36, 9, Go::Apart).await;
        cut_anywhere(&On::Mysql(mysql()), 34, 11, Go::Apart).await;
    });
}

/// A trigger writes other rows: whose doing that was is known where each item has a transaction of its own.
#[test]
fn items_whose_triggers_change_other_rows_go_in_transactions_of_their_own_after_the_first_set() {
    block_on(async {
        for on in [On::Postgres(postgres()), On::Mysql(mysql())] {
            let store = Store::open(&on, 100).await;
            let text = playbook(&[UP]).replace("note: seen", "note: seen, state: sold");
            let (run, carried) = carried(&store, &text, "", Go::InSets).await;
            assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
            let state = store.state(run).await;
            assert_eq!(state.items.len(), 100);
            for (key, item) in &state.items {
                let also: Vec<&str> = item.steps["steps/up"].also.iter().map(|table| &**table).collect();
                assert!(also.len() == 1 && also[0].ends_with("notes"), "{}, {key}: {also:?}", on.word());
            }
            assert_eq!(asked(&store.shop, "select count(*) from notes").await.trim_matches([';', ' ', '\n']), "100");
            // Each is imaged by itself, and those of later sets were meant together.
            assert!(together(&store, run).await < 30, "{}", on.word());
            let meant = meant_together_in(&store, run).await;
            assert!(meant.iter().filter(|items| **items > 8).count() > 2, "{}: {meant:?}", on.word());
            store.shop.close().await;
        }
    });
}

/// Somebody changes a row between the moment at which it is seen, with those of the others, and its own transaction.
#[test]
fn a_row_that_is_no_longer_as_it_was_seen_is_locked_and_read_again() {
    block_on(async {
        let mut store = Store::open(&On::Postgres(postgres()), 200).await;
        store.shop.sql("drop trigger note_state on things").await;
        let Place::Server(direct) = store.shop.place().clone() else { panic!() };
        let meddled = Arc::new(AtomicUsize::new(0));
        let times = meddled.clone();
        // The words stand in the statement that changes a row only if it is as it was seen. All rows: some have been changed by then.
        let heard: Heard = Arc::new(move |message| {
            let says = message.windows(14).any(|part| part == b"xmin::text = $");
            let sql = "update things set name = name || ' of somebody' where count = 0";
            (says && times.fetch_add(1, Ordering::SeqCst) == 0).then(|| sql.to_owned())
        });
        let url = wire(direct.reveal(), heard).await;
        store.shop.here = surroundings(store.shop.folder.path(), &[("SHOP_URL", &url), ("CRM_KEY", "key-of-the-crm")]);
        let (run, carried) = carried(&store, &playbook(&[UP]), "", Go::Apart).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert!(meddled.load(Ordering::SeqCst) > 0, "nothing was changed by what was seen");
        assert!(store.column("count").await.iter().all(|n| n == "1"));
        let names = store.column("name").await;
        let theirs = |name: &str| name.ends_with(" of somebody");
        let kept = names.iter().filter(|name| theirs(name)).count();
        assert!(kept > 20, "{names:?}");
        // What was recorded is what was there, and so it can be taken back.
        let state = store.state(run).await;
        let images: Vec<_> = state.items.values().flat_map(|item| &item.steps["steps/up"].changes).collect();
        let before = |change: &RowChange| change.before.as_ref().unwrap()["name"].bare().into_owned();
        let imaged = images.iter().filter(|change| !change.by_rule && theirs(&before(change))).count();
        assert_eq!((images.len(), imaged), (400, kept));
        assert_eq!(store.audits().await, 200);
        let undone = store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(undone.stopped, Stopped::Closed(End::Changed));
        assert!(store.column("count").await.iter().all(|n| n == "0"));
        assert_eq!(store.column("name").await, names);
        store.shop.close().await;
    });
}

/// Somebody holds a row until all others are done: they do not wait for the one that waits.
#[test]
fn an_item_that_waits_for_somebodys_lock_holds_up_no_other() {
    block_on(async {
        let keep = |text: String| {
            text.replacen(r#""postgres":{"#, r#""postgres":{"lock_timeout":"60s","statement_timeout":"90s","#, 1)
        };
        let store = Store { shop: Shop::open(&On::Postgres(postgres()), "http://127.0.0.1:9", keep).await };
        let values: Vec<String> = (1..=40).map(|n| format!("({n}, 'thing {n}', 1, 0, now(), now())")).collect();
        let insert = "insert into things (id, name, state, count, created_at, updated_at) values";
        store.shop.sql(&format!("{insert} {};", values.join(", "))).await;
        let (mut prepared, plan) = store.plan(&playbook(&[UP]), &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        prepared.setting.one_by_one = true;
        let mut holder = prepared.setting.database("shop").unwrap().writing().await.unwrap();
        let locked = holder.lock_and_read("things", &["id".into()], &[vec![3.into()]]).await.unwrap();
        assert!(locked[0].is_some());
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        let (let_go, all_others) = oneshot::channel();
        let let_go = Mutex::new(Some(let_go));
        let watch = |tick: Tick| {
            if matches!(&tick, Tick::Items(far) if far.over == 39) {
                let_go.lock().unwrap().take().unwrap().send(()).unwrap();
            }
        };
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let run = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &watch, &stop);
        let hold = async {
            all_others.await.unwrap();
            holder.rollback().await.unwrap();
        };
        let (carried, ()) = tokio::join!(run, hold);
        record.journal.close().await.unwrap();
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert!(store.column("count").await.iter().all(|n| n == "1"));
        store.shop.close().await;
    });
}
