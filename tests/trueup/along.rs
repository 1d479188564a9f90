//! What goes along with a change, and what stood in a row when it was read: between the preview and the lock somebody may have been there.

use super::{
    ledger::asked,
    many::Store,
    servers::{Shop, block_on, mysql, postgres, said},
    sets::{Go, carried},
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use trueup::{
    engine::{drive::Stopped, watch::Tick},
    journal::words::End,
    ops,
    trial::bench::On,
};

const TABLES: &str = "create table u (id int primary key, n int); create table k (id int primary key, u int, foreign key (u) references u (id) on delete cascade); insert into u values (1, 0), (2, 0), (3, 0), (4, 0); insert into k values (40, 4);";

async fn families(on: &On) -> Store {
    let declared = |text: String| text.replacen(r#""prices":{"#, r#""u":{"key":"id","audit":false},"prices":{"#, 1);
    let store = Store { shop: Shop::open(on, "http://127.0.0.1:9", declared).await };
    store.shop.sql(TABLES).await;
    store
}

fn text(steps: &str) -> String {
    format!(
        "trueup: v1\nname: many/playbook\nversion: 1\ntitle: Families\nuses:\n  shop: {{ read: [u], write: [u] }}\ntargets:\n  from: {{ find: {{ table: shop.u, where: {{}} }} }}\n  order_by: [id]\nsteps:\n{steps}"
    )
}

/// Rows that came after the preview would go with a row that was shown: that is another change than the one that was shown. Those that were there go.
#[test]
fn more_rows_that_would_go_along_than_the_plan_showed_are_drift() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            for go in [Go::InSets, Go::Apart, Go::Alone] {
                let store = families(&on).await;
                let gone = "- id: gone\n  row: { table: shop.u, key: { id: \"{{ item.id }}\" }, ensure: absent }\n";
                let (run, carried) = carried(&store, &text(gone), "insert into k values (10, 1), (11, 1)", go).await;
                let place = format!("{} {go:?}", on.word());
                assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{place}");
                assert_eq!(asked(&store.shop, "select id from u").await, "1", "{place}");
                assert_eq!(asked(&store.shop, "select id from k order by id").await, "10; 11", "{place}");
                let state = store.state(run).await;
                let ends: Vec<_> = state.items.values().filter_map(|item| item.closed.as_ref()).collect();
                let drifted: Vec<_> = ends.iter().filter(|closed| closed.end == End::Drifted).collect();
                assert_eq!((drifted.len(), ends.len()), (1, 4), "{place}");
                store.shop.close().await;
            }
        }
    });
}

/// A run that goes on in another process knows from its journal what was to go along.
#[test]
fn what_goes_along_is_compared_also_where_a_run_goes_on_in_another_process() {
    let head = "trueup: v1\nname: one/playbook\nversion: 1\ntitle: A family goes\nuses:\n  shop: { read: [u], write: [u] }\nsteps:\n";
    let steps = "- id: look\n  find: { table: shop.u, where: { id: 2 }, expect: one }\n- id: gone\n  row: { table: shop.u, key: { id: 4 }, ensure: absent }\n";
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            for (meanwhile, end, left) in [
                ("", End::Changed, ""),
                ("delete from k", End::Changed, ""),
                ("insert into k values (41, 4)", End::Drifted, "40; 41"),
            ] {
                let store = families(&on).await;
                let place = format!("{} {meanwhile}", on.word());
                let planned = store.plan(&format!("{head}{steps}"), &[]).await;
                let (prepared, plan) = planned.unwrap_or_else(|f| panic!("{place}: {}", said(&f)));
                let (record, stop) = (store.record().await, AtomicBool::new(false));
                let (here, opened) = (&store.shop.here, &store.shop.opened);
                let watch = |tick: Tick| {
                    if matches!(&tick, Tick::Begins { path, .. } if &**path == "steps/look") {
                        stop.store(true, Ordering::Relaxed);
                    }
                };
                let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &watch, &stop).await;
                record.journal.close().await.unwrap();
                let carried = carried.unwrap_or_else(|f| panic!("{place}: {}", said(&f)));
                assert_eq!(carried.stopped, Stopped::Paused, "{place}");
                store.shop.sql(meanwhile).await;
                let carried = store.resume(prepared.setting.run.id).await;
                assert_eq!(carried.stopped, Stopped::Closed(end), "{place}");
                assert_eq!(asked(&store.shop, "select id from k order by id").await, left, "{place}");
                store.shop.close().await;
            }
        }
    });
}

/// A trigger once filled a table for a row that the run made: an undo takes as many rows along as it filled in, changed or deleted, and no more.
#[test]
fn an_undo_takes_no_more_rows_along_than_the_run_added_there() {
    let make = "- id: make\n  row: { table: shop.u, key: { id: \"{{ item.id + 10 }}\" }, create: { n: 1 } }\n";
    let fill = |on: &On| match on {
        On::Sqlite => "create trigger fill after insert on u begin insert into k values (new.id * 100, new.id); end",
        On::Postgres(_) => {
            "create function fill() returns trigger language plpgsql as $$ begin insert into k values (new.id * 100, new.id); return null; end $$; create trigger fill after insert on u for each row execute function fill()"
        }
        On::Mysql(_) => {
            "create trigger fill after insert on u for each row insert into k values (new.id * 100, new.id)"
        }
    };
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let store = families(&on).await;
            store.shop.sql("drop table k").await;
            store
                .shop
                .sql("create table k (id int primary key, u int, foreign key (u) references u (id) on delete set null)")
                .await;
            store.shop.sql(fill(&on)).await;
            let (run, carried) = carried(&store, &text(make), "", Go::Alone).await;
            assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{}", on.word());
            // Two more that somebody else hung on one of them.
            store.shop.sql("insert into k values (1, 11), (2, 11)").await;
            store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(asked(&store.shop, "select id from u where id > 10").await, "11", "{}", on.word());
            assert_eq!(
                asked(&store.shop, "select id from k where u is not null order by id").await,
                "1; 2; 1100",
                "{}",
                on.word()
            );
            store.shop.close().await;
        }
    });
}

/// What is put back by an update takes nobody along either: no row that somebody has hung on it since, and no column that the run did not touch.
#[test]
fn an_undo_of_a_change_leaves_others_alone_too() {
    const TABLES: &str = "create table u (id int primary key, n int unique, m int); create table k (id int primary key, n int, foreign key (n) references u (n) on update set null); create table o (id int primary key); insert into u values (1, 10, 1), (2, 20, 1), (3, 30, 1), (4, 40, 1); insert into o values (1)";
    let set =
        "- id: put\n  row: { table: shop.u, key: { id: \"{{ item.id }}\" }, set: { n: \"{{ item.id * 10 + 1 }}\" } }\n";
    // Of the second the trigger changes another column, of the third it empties another table.
    let trigger = |on: &On| match on {
        On::Sqlite => {
            "create trigger back after update of n on u begin update u set m = -1 where id = new.id and new.n = 20; delete from o where new.n = 30; end"
        }
        On::Postgres(_) => {
            "create function back() returns trigger language plpgsql as $$ begin if new.n = 20 then new.m = -1; end if; if new.n = 30 then delete from o; end if; return new; end $$; create trigger back before update on u for each row execute function back()"
        }
        On::Mysql(_) => {
            "create trigger back before update on u for each row begin if new.n = 20 then set new.m = -1; end if; if new.n = 30 then delete from o; end if; end"
        }
    };
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            for (go, triggers) in [(Go::InSets, false), (Go::Alone, false), (Go::InSets, true), (Go::Alone, true)] {
                let place = format!("{} {go:?} {triggers}", on.word());
                let declared =
                    |text: String| text.replacen(r#""prices":{"#, r#""u":{"key":"id","audit":false},"prices":{"#, 1);
                let store = Store { shop: Shop::open(&on, "http://127.0.0.1:9", declared).await };
                store.shop.sql(TABLES).await;
                let (run, carried) = carried(&store, &text(set), "", go).await;
                assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{place}");
                store.shop.sql("insert into k values (1, 11)").await;
                if triggers {
                    store.shop.sql(trigger(&on)).await;
                }
                let back = store.undo(run, None).await.unwrap_or_else(|f| panic!("{place}: {}", said(&f)));
                assert_eq!(back.stopped, Stopped::Closed(End::Drifted), "{place}");
                let left = if triggers { "11 1; 21 1; 31 1; 40 1" } else { "11 1; 20 1; 30 1; 40 1" };
                assert_eq!(asked(&store.shop, "select n, m from u order by id").await, left, "{place}");
                assert_eq!(asked(&store.shop, "select n from k").await, "11", "{place}");
                assert_eq!(asked(&store.shop, "select id from o").await, "1", "{place}");
                store.shop.close().await;
            }
        }
    });
}

/// Somebody counts the same row on between the moment at which it is read and the one at which it is locked: what was made of the old number is no longer
/// what was shown, although the row has it by then.
#[test]
fn a_row_that_was_counted_on_by_somebody_else_is_not_as_wanted() {
    let head = "trueup: v1\nname: one/playbook\nversion: 1\ntitle: One more\nuses:\n  shop: { read: [u], write: [u] }\nsteps:\n";
    let seen = "- id: seen\n  find: { table: shop.u, where: { id: 1 }, expect: one }\n";
    let up = |set: &str| format!("- id: up\n  row: {{ of: seen, set: {{ n: {set} }} }}\n");
    let inside = |set: &str| {
        format!(
            "- id: up\n  block:\n    transaction: shop\n    steps:\n    - id: first\n      row: {{ table: shop.u, key: {{ id: 2 }}, set: {{ n: 5 }} }}\n    - id: second\n      row: {{ of: seen, set: {{ n: {set} }} }}\n"
        )
    };
    let counted = "\"{{ seen.n + 1 }}\"";
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            // Whoever does not look at what is there has nothing to go wrong.
            for (steps, end, left) in [
                (up(counted), End::Drifted, "1; 0"),
                (up("1"), End::Unchanged, "1; 0"),
                (inside(counted), End::Drifted, "1; 0"),
                (inside("1"), End::Changed, "1; 5"),
            ] {
                let store = families(&on).await;
                if matches!(on, On::Sqlite) {
                    // Otherwise nobody writes while somebody reads.
                    store.shop.sql("pragma journal_mode = wal").await;
                }
                let place = format!("{} {steps}", on.word());
                let planned = store.plan(&format!("{head}{seen}{steps}"), &[]).await;
                let (prepared, plan) = planned.unwrap_or_else(|f| panic!("{place}: {}", said(&f)));
                let (record, stop) = (store.record().await, AtomicBool::new(false));
                let (here, opened) = (&store.shop.here, &store.shop.opened);
                let struck = AtomicUsize::new(0);
                let watch = |tick: Tick| {
                    if matches!(&tick, Tick::Begins { path, .. } if &**path == "steps/up") {
                        struck.fetch_add(1, Ordering::Relaxed);
                        let other = || block_on(store.shop.sql("update u set n = n + 1 where id = 1"));
                        std::thread::scope(|scope| scope.spawn(other).join().unwrap());
                    }
                };
                let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &watch, &stop).await;
                record.journal.close().await.unwrap();
                let carried = carried.unwrap_or_else(|f| panic!("{place}: {}", said(&f)));
                assert_eq!(struck.load(Ordering::Relaxed), 1, "{place}: nobody was there in between");
                assert_eq!(carried.stopped, Stopped::Closed(end), "{place}");
                assert_eq!(asked(&store.shop, "select n from u where id < 3 order by id").await, left, "{place}");
                store.shop.close().await;
            }
        }
    });
}

/// What the source said of a row, and what the row must have to be among the items at all, is compared under the lock as what a step read: between the preview
/// and the turn of an item somebody may have been there.
#[test]
fn what_the_source_said_of_the_row_of_an_item_is_compared_under_its_lock() {
    let head = "trueup: v1\nname: many/playbook\nversion: 1\ntitle: Rows\nuses:\n  shop: { read: [u], write: [u] }\ntargets:\n  from: { find: { table: shop.u, where: WHERE } }\n  order_by: [id]\nsteps:\n";
    let step = |set: &str| {
        format!("- id: put\n  row: {{ table: shop.u, key: {{ id: \"{{{{ item.id }}}}\" }}, set: {{ n: {set} }} }}\n")
    };
    let text = |of: &str, set: &str| head.replace("WHERE", of) + &step(set);
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            for go in [Go::InSets, Go::Apart, Go::Alone] {
                for (of, set, somebody, (drifted, unchanged), left) in [
                    ("{}", "\"{{ item.want }}\"", "update u set want = 8 where id = 2", (1, 0), "7; 0; 7; 7"),
                    ("{ kind: a }", "5", "update u set kind = 'b' where id = 2", (1, 0), "5; 0; 5; 5"),
                    // Nobody looks at it.
                    ("{ kind: a }", "5", "update u set want = 8 where id = 2", (0, 0), "5; 5; 5; 5"),
                    ("{ want: { at_least: 1 } }", "5", "update u set want = 8 where id = 2", (0, 0), "5; 5; 5; 5"),
                    // Somebody was quicker with just this, with something else, or counted on.
                    ("{ n: 0 }", "5", "update u set n = 5 where id = 2", (0, 1), "5; 5; 5; 5"),
                    ("{ n: 0 }", "5", "update u set n = 6 where id = 2", (1, 0), "5; 6; 5; 5"),
                    ("{ n: 0 }", "\"{{ item.n + 1 }}\"", "update u set n = 1 where id = 2", (1, 0), "1; 1; 1; 1"),
                ] {
                    let store = families(&on).await;
                    store.shop.sql("alter table u add want int; alter table u add kind varchar(9)").await;
                    store.shop.sql("update u set want = 7, kind = 'a'").await;
                    let place = format!("{} {go:?} {of} {set} {somebody}", on.word());
                    let (run, carried) = carried(&store, &text(of, set), somebody, go).await;
                    let state = store.state(run).await;
                    let ends: Vec<End> = state.items.values().filter_map(|i| Some(i.closed.as_ref()?.end)).collect();
                    let count = |end: End| ends.iter().filter(|one| **one == end).count();
                    assert_eq!(
                        (count(End::Drifted), count(End::Unchanged), count(End::Changed)),
                        (drifted, unchanged, 4 - drifted - unchanged),
                        "{place}: {:?}",
                        carried.stopped
                    );
                    assert_eq!(asked(&store.shop, "select n from u order by id").await, left, "{place}");
                    store.shop.close().await;
                }
            }
        }
    });
}

/// What the source said of a row before the run is no longer so because of the run: a way back that the author wrote goes on from what the run left.
#[test]
fn a_way_back_of_the_author_is_not_held_against_what_the_source_said_before_the_run() {
    let text = "trueup: v1\nname: many/playbook\nversion: 1\ntitle: Rows\nuses:\n  shop: { read: [u], write: [u] }\ntargets:\n  from: { find: { table: shop.u, where: { n: 0 } } }\n  order_by: [id]\nsteps:\n- id: put\n  row: { table: shop.u, key: { id: \"{{ item.id }}\" }, set: { n: 5 } }\n  undo:\n    row: { table: shop.u, key: { id: \"{{ item.id }}\" }, set: { n: \"{{ item.n }}\" } }\n";
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            for go in [Go::InSets, Go::Alone] {
                let store = families(&on).await;
                let place = format!("{} {go:?}", on.word());
                let (run, done) = carried(&store, text, "", go).await;
                assert_eq!(done.stopped, Stopped::Closed(End::Changed), "{place}");
                assert_eq!(asked(&store.shop, "select n from u order by id").await, "5; 5; 5; 5", "{place}");
                let back = store.undo(run, None).await.unwrap_or_else(|f| panic!("{place}: {}", said(&f)));
                assert_eq!(back.stopped, Stopped::Closed(End::Changed), "{place} {:?}", back.drift);
                assert_eq!(asked(&store.shop, "select n from u order by id").await, "0; 0; 0; 0", "{place}");
                store.shop.close().await;
            }
        }
    });
}
