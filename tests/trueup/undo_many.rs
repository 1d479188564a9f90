//! Taking back runs over many items: in sets and one by one alike, with conflicts among them, cut off anywhere, from a saved plan, and without
//! holding the run.

use super::{
    many::{Store, playbook},
    servers::{block_on, mysql, postgres, said},
    sets::{Go, STEPS, UP, batch, carried, items, on_a_thread_that_falls, rows, together},
    sets_own::{OPEN, THING, full_up},
};
use std::sync::{Mutex, atomic::AtomicBool};
use trueup::{
    base::{identity::RunId, moment::Cut},
    engine::drive::Stopped,
    journal::words::End,
    ops::{self, apply::Carried, undo::Wish},
    plan::Plan,
    trial::bench::On,
};

fn wish() -> Wish {
    Wish { actor: Some("anna".into()), ..Wish::default() }
}

/// Plans it, lets somebody do something meanwhile, and carries it out.
async fn taken_back(store: &Store, run: RunId, later: &str, one_by_one: bool) -> (RunId, Plan, Carried) {
    let (record, stop) = (store.record().await, AtomicBool::new(false));
    let (here, opened) = (&store.shop.here, &store.shop.opened);
    let ready = ops::undo::prepare(here, &record, opened, run, &wish()).await;
    let mut ready = ready.unwrap_or_else(|f| panic!("{}", said(&f)));
    ready.prepared.setting.one_by_one = one_by_one;
    let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    if !later.is_empty() {
        store.shop.sql(later).await;
    }
    let carried = ops::undo::undo(here, &record, &ready, &plan, &wish(), &|_| {}, &stop).await;
    record.journal.close().await.unwrap();
    (ready.prepared.setting.run.id, plan, carried.unwrap_or_else(|f| panic!("{}", said(&f))))
}

/// What somebody does between a run and its undo, and between the plan of the undo and its carrying out.
fn meddled(seed: u64, from: u64, to: u64) -> String {
    let one = |id: u64| match (id * 7 + seed) % 9 {
        0 => format!("update things set count = 900 where id = {id};"),
        1 => format!("update things set name = 'renamed {id}' where id = {id};"),
        2 => format!("update parts set name = 'by somebody' where thing_id = {id} and position = 1;"),
        3 => format!("delete from parts where thing_id = {id}; delete from things where id = {id};"),
        _ => String::new(),
    };
    (from..to).map(one).collect()
}

async fn both_ways(on: &On, seeds: std::ops::Range<u64>, size: u64) {
    let text = playbook(&[STEPS]).replace("write: [things, audits]", "write: [things, parts, audits]");
    let (sets, single) = (Store::open(on, 0).await, Store::open(on, 0).await);
    let (mut most, mut left, mut back, mut kept) = (0, 0, 0, 0);
    for seed in seeds {
        let (before, later) = batch(seed, size, false);
        let mut seen = Vec::new();
        for (store, one_by_one) in [(&sets, false), (&single, true)] {
            store.shop.sql(&before).await;
            let (run, _) = carried(store, &text, &later, Go::of(one_by_one)).await;
            store.shop.sql(&meddled(seed, 1, size / 2)).await;
            let meanwhile = meddled(seed, size / 2, size * 2 / 3);
            let (undo, plan, went) = taken_back(store, run, &meanwhile, one_by_one).await;
            let state = store.state(undo).await;
            let summary = &went.many.as_ref().unwrap().summary;
            if one_by_one {
                assert!(together(store, undo).await <= 1, "nothing may go together");
            } else {
                most = most.max(together(store, undo).await);
                left += summary.count(End::Drifted);
                back += summary.count(End::Changed);
            }
            // And the undo is taken back.
            let (again, ..) = taken_back(store, undo, "", one_by_one).await;
            let made = store.state(again).await;
            let tally = plan.tally();
            let told = tally.changing + tally.unchanged + tally.left + tally.ended();
            assert_eq!(told, tally.items, "an item is one of these");
            kept += tally.left;
            let planned = format!("{:?} {:?} {:?}", tally.left_alone, tally.left, tally.counts.rows);
            // The audit rows name the runs.
            let named = |lines: Vec<String>| -> Vec<String> {
                let ids = [run, undo, again].map(|run| run.short());
                lines.into_iter().map(|line| ids.iter().fold(line, |line, id| line.replace(id, "RUN"))).collect()
            };
            let found = [items(&state), items(&made), rows(&store.shop).await].map(named);
            seen.push((format!("{:?} {planned}", went.stopped), found));
        }
        let (in_sets, one_by_one) = (&seen[0], &seen[1]);
        let place = format!("{}, seed {seed}", on.word());
        assert_eq!(in_sets.0, one_by_one.0, "{place}");
        for (at, what) in ["items of the undo", "items of the undo of the undo", "rows"].into_iter().enumerate() {
            let only = |one: &[String], other: &[String]| -> String {
                one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>().join("\n")
            };
            let (left, right) = (&in_sets.1[at], &one_by_one.1[at]);
            let (more, less) = (only(left, right), only(right, left));
            assert!(more.is_empty() && less.is_empty(), "{place}: {what}\nin sets:\n{more}\none by one:\n{less}");
        }
    }
    assert!(most > 3, "{}: nothing went together", on.word());
    assert!(left > 2 && back > 3, "{}: {left} left alone, {back} taken back", on.word());
    assert!(kept > 0, "{}: no plan leaves all of an item alone", on.word());
    sets.shop.close().await;
    single.shop.close().await;
}

#[test]
fn what_is_taken_back_in_sets_is_what_is_taken_back_one_by_one() {
    block_on(async {
        both_ways(&On::Sqlite, 1..5, 24).await;
        both_ways(&On::Postgres(postgres()), 1..5, 24).await;
        both_ways(&On::Mysql(mysql()), 1..3, 16).await;
    });
}

async fn amounts(store: &Store) -> Vec<String> {
    store.column("amount").await.iter().map(|amount| amount.trim_end_matches(".00").to_owned()).collect()
}

/// What a trigger that reads tables says to the way back of one item must be what it says behind those before it: each alone may go back (18), both may not (25).
#[test]
fn what_judges_a_change_by_other_rows_judges_each_way_back_by_itself() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let set = "steps:\n- id: change\n  row: { of: thing, set: { amount: \"{{ item.count }}\" } }\n";
            let text = playbook(&["limits: { concurrency: 1 }\n", OPEN, "preconditions:\n", THING, set]);
            let mut seen = Vec::new();
            for one_by_one in [false, true] {
                let store = Store::open(&on, 2).await;
                store.shop.sql("update things set amount = 11 + id, count = 4 + id").await;
                let (run, _) = carried(&store, &text, "", Go::of(one_by_one)).await;
                assert_eq!(amounts(&store).await, ["5", "6"]);
                store.shop.sql(full_up(&on)).await;
                let (undo, plan, _) = taken_back(&store, run, "", one_by_one).await;
                let goes = plan.many.as_ref().and_then(|many| many.goes.clone()).unwrap_or_default();
                assert_eq!(goes.starts_with("one by one: the trigger `full_up`"), !one_by_one, "{goes}");
                let found = items(&store.state(undo).await);
                assert_eq!(amounts(&store).await, ["5", "13"], "{} {one_by_one}: {found:?}", on.word());
                seen.push(found.into_iter().map(|line| line.replace(&run.short(), "RUN")).collect::<Vec<_>>());
                store.shop.close().await;
            }
            assert_eq!(seen[0], seen[1], "{}", on.word());
        }
    });
}

/// Takes back on a thread that stands for a process and falls at the nth boundary. Whether it fell, the undo's run, and where.
fn cut_off(store: &Store, run: RunId, at: u64) -> (bool, Option<RunId>, Vec<&'static str>) {
    let (cut, undo) = (Cut::at(at), Mutex::new(None));
    let work = async {
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let ready = ops::undo::prepare(here, &record, opened, run, &wish()).await;
        let ready = ready.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        *undo.lock().unwrap() = Some(ready.prepared.setting.run.id);
        cut.count();
        let carried = ops::undo::undo(here, &record, &ready, &plan, &wish(), &|_| {}, &stop).await;
        let closed = record.journal.close().await;
        assert!(cut.has_fallen() || carried.is_ok() && closed.is_ok());
    };
    on_a_thread_that_falls(&cut, work);
    (cut.has_fallen(), *undo.lock().unwrap(), cut.names())
}

async fn cut_anywhere(on: &On, things: u32, step: u64) {
    let store = Store::open(on, things).await;
    let text = playbook(&[UP]);
    let (mut fell, mut at, mut names) = (0, 1, Vec::new());
    loop {
        store.shop.sql("update things set count = 0, note = null; delete from audits").await;
        let (run, done) = store.apply(&text, &[]).await;
        assert_eq!(done.stopped, Stopped::Closed(End::Changed));
        // Of these the undo leaves one alone.
        store.shop.sql("update things set count = 50 where id = 5").await;
        let (fallen, undo, reached) = cut_off(&store, run, at);
        let (undo, place) = (undo.unwrap(), format!("{}: cut off at {at}, {:?}", on.word(), reached.last()));
        let record = store.record().await;
        let there = record.state(undo).await.is_ok_and(|state| state.created.is_some());
        record.free(run).await.unwrap();
        if there && fallen {
            record.free(undo).await.unwrap();
        }
        record.journal.close().await.unwrap();
        let values = |column: Vec<String>, other: &str| {
            column.iter().enumerate().all(|(i, n)| if i == 4 { n == "50" } else { n == other })
        };
        if !there {
            assert!(values(store.column("count").await, "1"), "{place}");
        } else {
            if fallen {
                let carried = store.resume(undo).await;
                assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{place}");
            }
            assert!(values(store.column("count").await, "0"), "{place}");
            // Each change and each taking back has its audit row, once.
            assert_eq!(store.audits().await, things as usize * 2 - 1, "{place}");
            let state = store.state(undo).await;
            let ends =
                |end: End| state.items.values().filter(|i| i.closed.as_ref().is_some_and(|c| c.end == end)).count();
            assert_eq!((ends(End::Changed), ends(End::Drifted)), (things as usize - 1, 1), "{place}");
        }
        if !fallen {
            assert!(together(&store, undo).await >= 8, "{place}: nothing went together");
            break;
        }
        fell += 1;
        names = reached;
        at += step;
    }
    let times = |name: &str| names.iter().filter(|n| **n == name).count();
    assert!(fell >= 4 && times("before COMMIT") >= 2, "{}: it fell {fell} times, {names:?}", on.word());
    store.shop.close().await;
}

#[test]
fn an_undo_in_sets_that_is_cut_off_anywhere_does_nothing_twice_and_loses_nothing() {
    block_on(async {
        cut_anywhere(&On::Sqlite, 36, 3).await;
        cut_anywhere(&On::Postgres(postgres()), 36, 3).await;
    });
}

#[test]
fn the_newest_is_taken_back_first_and_an_undo_of_an_undo_of_an_undo_ends_where_it_should() {
    block_on(async {
        // More than one part of ways back is made.
        let store = Store::open(&On::Sqlite, 300).await;
        let (run, _) = store.apply(&playbook(&[UP]), &[]).await;
        let (undo, plan, _) = taken_back(&store, run, "", false).await;
        assert_eq!((plan.tally().items, plan.tally().left_alone), (300, 0));
        let keys: Vec<&str> = plan.items.iter().skip(1).take(3).map(|item| &*item.key).collect();
        assert_eq!(keys, ["300", "299", "298"]);
        assert!(store.column("count").await.iter().all(|n| n == "0"));
        // Somebody changes one; it alone is left alone all the way.
        store.shop.sql("update things set count = 7 where id = 100").await;
        let (again, ..) = taken_back(&store, undo, "", false).await;
        let counts = store.column("count").await;
        assert!(counts.iter().enumerate().all(|(i, n)| if i == 99 { n == "7" } else { n == "1" }), "{counts:?}");
        let (_, plan, last) = taken_back(&store, again, "", false).await;
        assert_eq!((plan.tally().items, last.stopped), (299, Stopped::Closed(End::Changed)));
        let counts = store.column("count").await;
        assert!(counts.iter().enumerate().all(|(i, n)| if i == 99 { n == "7" } else { n == "0" }), "{counts:?}");
        store.shop.close().await;
    });
}

#[test]
fn a_run_that_goes_on_between_the_plan_of_its_undo_and_the_undo_is_left_alone() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 4).await;
        let check = "preconditions:\n- when: item.id == 4\n  find: { table: shop.prices, where: { code: a, year: 2025 }, expect: one }\n  otherwise: { fail: \"no price\" }\n";
        let up = "steps:\n- id: up\n  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { count: 1 } }\n";
        let text =
            playbook(&["targets:\n  from: { find: { table: shop.things, where: { state: open } } }\n", check, up]);
        let (run, done) = store.apply(&text, &[]).await;
        assert_eq!(done.stopped, Stopped::Closed(End::Failed));
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let ready =
            ops::undo::prepare(here, &record, opened, run, &wish()).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap();
        store.shop.sql("insert into prices (code, year, amount) values ('a', 2025, 1)").await;
        let again = ops::retry::Wish { reason: Some("again"), actor: Some("anna"), ..Default::default() };
        ops::retry::retry(here, &record, opened, run, &again, &|_| {}, &stop)
            .await
            .unwrap_or_else(|f| panic!("{}", said(&f)));
        let refused =
            ops::undo::undo(here, &record, &ready, &plan, &wish(), &|_| {}, &stop).await.err().map(|f| said(&f));
        assert!(refused.as_ref().is_some_and(|said| said.contains("went on since it was looked at")), "{refused:?}");
        assert_eq!(store.column("count").await, ["1", "1", "1", "1"]);
        record.journal.close().await.unwrap();
        store.shop.close().await;
    });
}

/// What was done once for all items comes first in the undo. A message cannot be taken back: that is said before anybody agrees, and in the run.
#[test]
fn what_was_done_once_is_told_first_and_the_items_are_taken_back_behind_it() {
    const OPEN: &str = "targets:\n  from: { find: { table: shop.things, where: { state: open } } }\n";
    const ONCE: &str = "steps:\n- id: up\n  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { count: 1 } }\nafterwards:\n- id: told\n  title: The clerk hears of it\n  tell: { who: clerk, message: \"{{ run.items.changed }} are up\" }\n";
    block_on(async {
        let store = Store::open(&On::Sqlite, 3).await;
        let (run, done) = store.apply(&playbook(&[OPEN, ONCE]), &[]).await;
        assert_eq!(done.stopped, Stopped::Closed(End::Changed));
        let (undo, plan, carried) = taken_back(&store, run, "", false).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        let (once, others) = plan.items.split_first().unwrap();
        let notes = &once.steps[0].notes;
        assert_eq!((once.steps.len(), others.len(), plan.tally().counts.rows), (1, 3, 3));
        assert!(notes[0].contains("a message to clerk cannot be taken back"), "{notes:?}");
        let state = store.state(undo).await;
        let order: Vec<&str> = state.items.keys().map(|key| &**key).collect();
        assert_eq!(order, ["-", "3", "2", "1"]);
        let told = &state.items["-"];
        let message = told.steps["afterwards/told"].outcome.as_ref().unwrap().message.clone().unwrap();
        assert!(message.contains("cannot be taken back"), "{message}");
        assert_eq!(told.closed.as_ref().map(|closed| closed.end), Some(End::Unchanged));
        assert!(store.column("count").await.iter().all(|n| n == "0"));
        // Nobody is told once more when the undo is taken back, and one item alone leaves out what was done once.
        let (again, plan, _) = taken_back(&store, undo, "", false).await;
        assert!(plan.items[0].steps.is_empty() && plan.items.len() == 4);
        assert!(!store.state(again).await.items.contains_key("-"));
        let alone = store.undo(again, Some("2")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(alone.stopped, Stopped::Closed(End::Changed));
        assert_eq!(store.column("count").await, ["1", "0", "1"]);
        store.shop.close().await;

        // Wherever the process dies, the part that is done once is over once.
        let store = Store::open(&On::Sqlite, 2).await;
        let mut fell = 0;
        for at in (1..).step_by(4) {
            store.shop.sql("update things set count = 0").await;
            let (run, _) = store.apply(&playbook(&[OPEN, ONCE]), &[]).await;
            let (fallen, undo, _) = cut_off(&store, run, at);
            let (undo, record) = (undo.unwrap(), store.record().await);
            record.free(run).await.unwrap();
            let there = record.state(undo).await.is_ok_and(|state| state.created.is_some());
            if there && fallen {
                record.free(undo).await.unwrap();
            }
            record.journal.close().await.unwrap();
            if there {
                if fallen {
                    assert_eq!(store.resume(undo).await.stopped, Stopped::Closed(End::Changed), "{at}");
                }
                assert_eq!(store.state(undo).await.items["-"].steps.len(), 1, "{at}");
                assert!(store.column("count").await.iter().all(|n| n == "0"), "{at}");
            }
            if !fallen {
                break;
            }
            fell += 1;
        }
        assert!(fell >= 3, "it fell {fell} times");
        store.shop.close().await;
    });
}
