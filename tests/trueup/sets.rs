//! Many items in sets: what becomes of each is what would have become of it one by one. Random batches with all kinds of bad items among
//! them go both ways, on every database.

use super::{
    ledger::asked,
    many::{Store, playbook},
    servers::{Shop, block_on, mysql, postgres, said},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicBool},
};
use trueup::{
    base::{
        identity::{EffectId, RunId},
        moment::{Cut, with_cut},
        value::Map,
    },
    connection::ledger::{Claimed, Entry},
    engine::{
        drive::Stopped,
        fleet::workers::Workers,
        state::{RunState, StepState},
    },
    journal::{event::Event, words::End},
    ops::{self, apply::Carried},
    trial::bench::On,
};

pub(super) const STEPS: &str = r#"targets:
  from: { find: { table: shop.things, where: { state: open } } }
limits: { concurrency: 2 }
preconditions:
- id: thing
  find: { table: shop.things, where: { id: "{{ item.id }}" }, expect: one }
  otherwise: { escalate: boss, say: "Thing {{ item.id }} is not there." }
- assert: thing.weight is none or thing.weight < 10
  otherwise: { skip: "Too heavy." }
steps:
- id: up
  row: { of: thing, only_if: { flag: false }, set: { count: "{{ thing.count + 1 }}", amount: "12.50", day: "2025-02-03" } }
- id: named
  when: item.note is not none
  row: { of: thing, set: { uid: "{{ item.note }}" } }
- id: part
  when: item.id % 3 == 0
  row: { table: shop.parts, key: { thing_id: "{{ item.id }}", position: 1 }, set: { name: "part of {{ item.id }}" }, create: {} }
- id: both
  when: item.id % 4 == 0
  block:
    transaction: shop
    steps:
    - id: rest
      rows: { table: shop.parts, where: { thing_id: "{{ item.id }}", position: 7 }, ensure: absent, touches: 0..2 }
    - row: { of: thing, set: { email: "{{ item.id }}@example.org" } }
- id: sell
  when: item.price is not none
  row: { of: thing, set: { state: sold } }
verification:
- id: after
  find: { table: shop.things, where: { id: "{{ item.id }}" }, expect: one }
  is: after.count == item.count + 1
"#;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

const WHEN: &str = "'2024-01-01 00:00:00'";

/// The rows of a batch, and what somebody does to them between plan and apply.
pub(super) fn batch(seed: u64, items: u64, triggers: bool) -> (String, String) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (mut rows, mut parts, mut later) = (Vec::new(), Vec::new(), String::new());
    for id in 1..=items {
        let heavy = dice.below(11) == 0;
        let uid = |n: u64| format!("'00000000-0000-4000-8000-{n:012}'");
        let note = match dice.below(9) {
            0 => uid(id),
            // Another item wants the same.
            1 => uid(900),
            _ => "null".into(),
        };
        let price = if triggers && dice.below(6) == 0 { "5" } else { "null" };
        rows.push(format!(
            "({id}, 'thing {id}', 1, 0, {}, false, {note}, {price}, {WHEN}, {WHEN})",
            if heavy { "20" } else { "null" }
        ));
        if dice.below(3) == 0 {
            parts.push(format!("({id}, 'old', 7, {WHEN}, {WHEN})"));
        }
        later += &match dice.below(14) {
            0 => format!("update things set count = 70 where id = {id};"),
            1 => format!("update things set flag = true where id = {id};"),
            2 => format!("delete from parts where thing_id = {id}; delete from things where id = {id};"),
            3 => format!("update things set count = 1, amount = 12.50, day = '2025-02-03' where id = {id};"),
            4 => format!("update things set name = 'other {id}' where id = {id};"),
            5 => format!(
                "insert into parts (thing_id, name, position, created_at, updated_at) values ({id}, 'x', 1, {WHEN}, {WHEN});"
            ),
            6 => format!("update things set weight = 30 where id = {id};"),
            7 => format!(
                "insert into things (id, name, state, uid, created_at, updated_at) select 5000 + {id}, 'thief {id}', 9, {}, {WHEN}, {WHEN} from (select 1 as one) d where not exists (select 1 from things where uid = {});",
                uid(id),
                uid(id)
            ),
            _ => String::new(),
        };
    }
    let mut before = "delete from audits; delete from notes; delete from parts; delete from things;".to_owned();
    before += &format!(
        "insert into things (id, name, state, count, weight, flag, note, price, created_at, updated_at) values {};",
        rows.join(", ")
    );
    if !parts.is_empty() {
        let parts = parts.join(", ");
        before += &format!("insert into parts (thing_id, name, position, created_at, updated_at) values {parts};");
    }
    (before, later)
}

/// Columns that are other ones each time.
fn without_clock(row: &Map) -> BTreeMap<String, String> {
    let kept = row.iter().filter(|(column, _)| {
        !matches!(&***column, "created_at" | "updated_at" | "request" | "id")
            || &***column == "id" && row.contains_key("state")
    });
    kept.map(|(column, value)| (column.to_string(), value.bare().into_owned())).collect()
}

/// Every row that a run may have touched, in words.
pub(super) async fn rows(shop: &Shop) -> Vec<String> {
    let snapshot = shop.snapshot().await;
    let mut all = Vec::new();
    for (table, rows) in &snapshot.tables {
        for row in rows.rows.values() {
            let stamped = row.get("updated_at").map(|at| !at.bare().starts_with("2024-01-01"));
            let mut kept = without_clock(row);
            // Numbers that the database gives are other ones after a rollback.
            if kept.get("record_type").is_some_and(|kind| kind == "Part") {
                kept.remove("record_id");
            }
            if kept.get("name").is_some_and(|name| name.starts_with("thief")) {
                kept.remove("id");
            }
            all.push(format!("{table} {kept:?} {stamped:?}"));
        }
    }
    all.sort();
    all
}

fn step(path: &str, step: &StepState) -> String {
    let outcome = step.outcome.as_ref().map(|o| (o.outcome, o.ends, o.message.clone(), o.response.clone()));
    let image = |row: &Option<Map>| {
        let mut kept = row.as_ref().map(without_clock)?;
        if kept.get("record_type").is_some_and(|kind| kind == "Part") {
            kept.remove("record_id");
        }
        Some(kept)
    };
    let changes: Vec<_> = step
        .changes
        .iter()
        .map(|c| (c.table.to_string(), c.by_rule, c.stamps.clone(), image(&c.before), image(&c.after)))
        .collect();
    let value = step.value.as_ref().map(|value| value.as_map().map(without_clock));
    format!(
        "{path} {outcome:?} value {value:?} shown {:?} class {:?} attempts {} imaged {} generation {} also {:?} changes {changes:?}",
        step.shown, step.class, step.attempts, step.imaged, step.generation, step.also
    )
}

/// Where each item stands, in words.
pub(super) fn items(state: &RunState) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (key, item) in &state.items {
        let closed = item.closed.as_ref().map(|closed| (closed.end, closed.reason.clone()));
        all.push(format!("{key}: {closed:?} verified {}", item.verified));
        all.extend(item.steps.iter().map(|(path, at)| format!("{key}: {}", step(path, at))));
    }
    let mut all: Vec<String> = all.iter().map(|line| without_numbers(line)).collect();
    all.sort();
    all
}

/// Parts get their numbers from the database: other ones after a rollback.
fn without_numbers(line: &str) -> String {
    let mut parts = line.split("shop.parts id ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "shop.parts id " + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// How many items the largest event names.
pub(super) async fn together(store: &Store, run: RunId) -> usize {
    most_in_one(store, run, |event| if let Event::StepImages(images) = event { images.images.len() } else { 0 }).await
}

async fn most_in_one(store: &Store, run: RunId, count: impl Fn(&Event) -> usize) -> usize {
    in_each(store, run, count).await.into_iter().max().unwrap_or(0)
}

async fn in_each(store: &Store, run: RunId, count: impl Fn(&Event) -> usize) -> Vec<usize> {
    let record = store.record().await;
    let events = record.journal.events(run).await.unwrap();
    record.journal.close().await.unwrap();
    events.iter().map(|stored| count(&stored.event)).filter(|count| *count > 0).collect()
}

/// In how many items the most were recorded together before they began: also of those whose transactions are their own.
pub(super) async fn meant_together(store: &Store, run: RunId) -> usize {
    meant_together_in(store, run).await.into_iter().max().unwrap_or(0)
}

/// The same of each of these events.
pub(super) async fn meant_together_in(store: &Store, run: RunId) -> Vec<usize> {
    in_each(store, run, |event| if let Event::StepIntent(meant) = event { meant.intents.len() } else { 0 }).await
}

/// How the items of a run go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Go {
    /// In sets.
    InSets,
    /// In transactions of their own, several at a time, and share the rest.
    Apart,
    /// One after the other.
    Alone,
}

impl Go {
    pub(super) fn of(one_by_one: bool) -> Go {
        if one_by_one { Go::Alone } else { Go::InSets }
    }
}

pub(super) async fn carried(store: &Store, text: &str, later: &str, go: Go) -> (RunId, Carried) {
    // Of two items that want the same unique value the first one gets it: two at a time, nobody could say which that is.
    let text = if go == Go::Alone { text.replace("concurrency: 2", "concurrency: 1") } else { text.to_owned() };
    let (mut prepared, plan) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    if !later.is_empty() {
        store.shop.sql(later).await;
    }
    prepared.setting.one_by_one = go != Go::InSets;
    // Sets on threads of their own, as the program does it.
    prepared.setting.workers = if go == Go::Alone { Workers::default() } else { Workers::of_process(16 << 20) };
    let (record, stop) = (store.record().await, AtomicBool::new(false));
    let (here, opened) = (&store.shop.here, &store.shop.opened);
    let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await;
    record.journal.close().await.unwrap();
    (prepared.setting.run.id, carried.unwrap_or_else(|f| panic!("{}", said(&f))))
}

/// Two of the same, one for each way.
pub(super) async fn pair(on: &On) -> (Store, Store) {
    (Store::open(on, 0).await, Store::open(on, 0).await)
}

/// The same with a ledger, in which each change leaves its row.
pub(super) async fn pair_with_ledger(on: &On) -> (Store, Store) {
    let open = async || {
        let ledger = |text: String| text.replacen(r#""shop":{"#, r#""shop":{"ledger":true,"#, 1);
        let shop = Shop::open(on, "http://127.0.0.1:9", ledger).await;
        assert!(ops::prepare::prepare(&shop.here, &shop.opened, None, "shop").await.unwrap().ready.made);
        Store { shop }
    };
    (open().await, open().await)
}

/// What stands in the ledger of a run: which step of which item.
async fn in_ledger(store: &Store, run: RunId) -> Vec<String> {
    let effects = asked(&store.shop, "select effect from trueup_ledger order by effect").await;
    let rest = effects.split_whitespace().filter_map(|one| one.strip_prefix(&run.to_string()));
    let mut rest: Vec<String> = rest.map(|one| one.trim_matches([';', ',']).to_owned()).collect();
    rest.sort();
    rest
}

async fn both_ways(on: &On, seeds: std::ops::Range<u64>, size: u64) {
    both(on, pair(on).await, seeds, size, Go::InSets, false).await;
}

/// The same lines, in whatever order.
pub(super) fn alike(what: &str, in_sets: &[String], one_by_one: &[String]) {
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|line| !other.contains(line)).cloned().collect()
    };
    let (more, less) = (only(in_sets, one_by_one).join("\n"), only(one_by_one, in_sets).join("\n"));
    assert!(more.is_empty() && less.is_empty(), "{what} differ\nin sets:\n{more}\none by one:\n{less}");
}

/// Many at a time the one way, and one after the other.
pub(super) async fn both(
    on: &On,
    (sets, single): (Store, Store),
    seeds: std::ops::Range<u64>,
    size: u64,
    go: Go,
    ledger: bool,
) {
    let text = playbook(&[STEPS]).replace("write: [things, audits]", "write: [things, parts, audits]");
    let (mut most, mut bad) = (0, 0);
    for seed in seeds {
        // Every third batch fires triggers, which nobody can put down to one of many items.
        let (mut before, later) = batch(seed, size, seed % 3 == 2);
        if go == Go::Apart {
            // Of two that want the same unique value nobody could say which gets it.
            before = before.replace("'00000000-0000-4000-8000-000000000900'", "null");
        }
        let (mut seen, mut kept_both) = (Vec::new(), Vec::new());
        for (store, go) in [(&sets, go), (&single, Go::Alone)] {
            store.shop.sql(&before).await;
            let (run, carried) = carried(store, &text, &later, go).await;
            let state = store.state(run).await;
            if go == Go::Alone {
                assert!(meant_together(store, run).await <= 1, "nothing may go together");
            } else {
                most = most.max(match go {
                    Go::Apart => meant_together(store, run).await,
                    _ => together(store, run).await,
                });
                bad += carried.many.as_ref().unwrap().summary.reasons.len();
            }
            let kept = if ledger { in_ledger(store, run).await } else { Vec::new() };
            assert!(!ledger || kept.len() > 3, "{}, seed {seed}: hardly a row in the ledger", on.word());
            kept_both.push(kept);
            seen.push((format!("{:?}", carried.stopped), items(&state), rows(&store.shop).await));
        }
        assert_eq!(kept_both[0], kept_both[1], "{}, seed {seed}: the ledgers differ", on.word());
        let (in_sets, one_by_one) = (&seen[0], &seen[1]);
        assert_eq!(in_sets.0, one_by_one.0, "{}, seed {seed}", on.word());
        for (what, left, right) in [("items", &in_sets.1, &one_by_one.1), ("rows", &in_sets.2, &one_by_one.2)] {
            alike(&format!("{}, seed {seed}: {what}", on.word()), left, right);
        }
    }
    assert!(most > 3, "{}: nothing went together", on.word());
    assert!(bad > 3, "{}: hardly anything went wrong", on.word());
    sets.shop.close().await;
    single.shop.close().await;
}

#[test]
fn what_becomes_of_each_item_in_a_set_is_what_becomes_of_it_one_by_one() {
    block_on(async {
        both_ways(&On::Sqlite, 1..6, 24).await;
        both_ways(&On::Postgres(postgres()), 1..6, 24).await;
        both_ways(&On::Mysql(mysql()), 1..4, 16).await;
    });
}

/// Two of the effects stand in the ledger already when the set claims them all: they are told apart, and the others go in.
#[test]
fn an_effect_that_the_ledger_holds_already_ends_its_item_in_a_set_as_it_does_alone() {
    block_on(async {
        let (sets, single) = pair_with_ledger(&On::Postgres(postgres())).await;
        let text = playbook(&[UP]);
        let mut seen = Vec::new();
        for (store, one_by_one) in [(&sets, false), (&single, true)] {
            let values: Vec<String> = (1..=12).map(|n| format!("({n}, 'thing {n}', 1, 0, now(), now())")).collect();
            let insert = "insert into things (id, name, state, count, created_at, updated_at) values";
            store.shop.sql(&format!("{insert} {};", values.join(", "))).await;
            let (mut prepared, plan) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            let run = prepared.setting.run.id;
            for item in ["5", "9"] {
                let effect = EffectId { run, item: item.into(), step: "steps/up".into(), generation: 0 };
                let row =
                    format!("('{effect}', '{run}', 1, 'another request', 'another journal', '2025-01-02 03:04:05Z')");
                store
                    .shop
                    .sql(&format!("insert into trueup_ledger (effect, run, fence, request, journal, at) values {row}"))
                    .await;
            }
            prepared.setting.one_by_one = one_by_one;
            let (record, stop) = (store.record().await, AtomicBool::new(false));
            let (here, opened) = (&store.shop.here, &store.shop.opened);
            let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await;
            record.journal.close().await.unwrap();
            let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
            let most = together(store, run).await;
            assert!(one_by_one || most == 10, "{most} went together");
            let state = store.state(run).await;
            let open: Vec<String> =
                items(&state).into_iter().map(|line| line.replace(&run.to_string(), "RUN")).collect();
            seen.push((format!("{:?}", carried.stopped), open, rows(&store.shop).await, in_ledger(store, run).await));
        }
        let (of_single, of_sets) = (seen.pop().unwrap(), seen.pop().unwrap());
        assert_eq!((&of_sets.0, &of_sets.3), (&of_single.0, &of_single.3));
        alike("items", &of_sets.1, &of_single.1);
        alike("rows", &of_sets.2, &of_single.2);
        assert!(of_sets.0.contains("InDoubt"), "{}", of_sets.0);
        let told = of_sets.1.iter().filter(|line| line.contains("shows that this step was committed"));
        assert_eq!(told.map(|line| line.matches("shows that").count()).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(of_sets.3.len(), 12 + 1, "{:?}", of_sets.3);
        sets.shop.close().await;
        single.shop.close().await;
    });
}

/// Somebody's open session has claimed one of the effects: that one item waits for it alone and in vain, and the others are done.
#[test]
fn who_waits_in_a_set_for_somebody_elses_claim_keeps_no_other_from_being_done() {
    block_on(async {
        let keep = |text: String| {
            let text = text.replacen(r#""shop":{"#, r#""shop":{"ledger":true,"#, 1);
            text.replacen(r#""postgres":{"#, r#""postgres":{"lock_timeout":"1s","statement_timeout":"2s","#, 1)
        };
        let store = Store { shop: Shop::open(&On::Postgres(postgres()), "http://127.0.0.1:9", keep).await };
        assert!(ops::prepare::prepare(&store.shop.here, &store.shop.opened, None, "shop").await.unwrap().ready.made);
        let values: Vec<String> = (1..=6).map(|n| format!("({n}, 'thing {n}', 1, 0, now(), now())")).collect();
        let insert = "insert into things (id, name, state, count, created_at, updated_at) values";
        store.shop.sql(&format!("{insert} {};", values.join(", "))).await;
        let (prepared, plan) = store.plan(&playbook(&[UP]), &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let run = prepared.setting.run.id;
        let effect = EffectId { run, item: "3".into(), step: "steps/up".into(), generation: 0 };
        let mut holder = prepared.setting.database("shop").unwrap().writing().await.unwrap();
        let effect = effect.to_string();
        let entry = Entry { effect, run: "other".into(), fence: 1, request: "other".into(), journal: "other".into() };
        assert_eq!(holder.claim(&entry).await.unwrap(), Claimed::Ours);
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await;
        record.journal.close().await.unwrap();
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        holder.rollback().await.unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed));
        let state = store.state(run).await;
        for (key, item) in &state.items {
            let closed = item.closed.as_ref().unwrap();
            let waits = closed.reason.as_deref().is_some_and(|why| why.contains("may still commit this effect"));
            let end = if &**key == "3" { End::Failed } else { End::Changed };
            assert_eq!((closed.end, waits), (end, &**key == "3"), "{key}: {closed:?}");
        }
        store.shop.close().await;
    });
}

pub(super) const UP: &str = "targets:\n  from: { find: { table: shop.things, where: { state: open } } }\nsteps:\n- id: up\n  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, only_if: { count: 0 }, set: { count: \"{{ item.count + 1 }}\", note: seen } }\nverification:\n- id: after\n  find: { table: shop.things, where: { id: \"{{ item.id }}\" }, expect: one }\n  is: after.count == 1\n";

/// Does the work on a thread that stands for a process, until it falls at the boundary that `cut` says.
pub(super) fn on_a_thread_that_falls(cut: &Arc<Cut>, work: impl Future<Output = ()> + Send) {
    std::thread::scope(|scope| {
        let process = || {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                with_cut(cut.clone(), || runtime.block_on(work));
                runtime.shutdown_background();
            }));
        };
        std::thread::Builder::new().stack_size(8 << 20).spawn_scoped(scope, process).unwrap().join().ok();
    });
}

/// Applies on a thread that stands for a process and falls at the nth boundary. Whether it fell, and the run.
pub(super) fn cut_off(store: &Store, text: &str, at: u64, go: Go) -> (bool, Option<RunId>, Vec<&'static str>) {
    let (cut, run) = (Cut::at(at), Mutex::new(None));
    let work = async {
        let (mut prepared, plan) = store.plan(text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        prepared.setting.one_by_one = go != Go::InSets;
        *run.lock().unwrap() = Some(prepared.setting.run.id);
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        cut.count();
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await;
        let closed = record.journal.close().await;
        assert!(cut.has_fallen() || carried.is_ok() && closed.is_ok());
    };
    on_a_thread_that_falls(&cut, work);
    (cut.has_fallen(), *run.lock().unwrap(), cut.names())
}

pub(super) async fn cut_anywhere(on: &On, things: u32, step: usize, go: Go) {
    let store = Store::open(on, things).await;
    let text = playbook(&[UP]);
    let (mut fell, mut at, mut names) = (Vec::new(), 1, Vec::new());
    loop {
        store.shop.sql("update things set count = 0, note = null; delete from audits").await;
        let (fallen, run, reached) = cut_off(&store, &text, at, go);
        let run = run.unwrap();
        let record = store.record().await;
        let there = record.state(run).await.is_ok_and(|state| state.created.is_some());
        if there && fallen {
            record.free(run).await.unwrap();
        }
        record.journal.close().await.unwrap();
        let place = format!("{}: cut off at {at}, {:?}", on.word(), reached.last());
        if !there {
            assert!(store.column("count").await.iter().all(|n| n == "0"), "{place}");
        } else {
            if fallen {
                let carried = store.resume(run).await;
                assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{place}");
            }
            assert!(store.column("count").await.iter().all(|n| n == "1"), "{place}");
            assert_eq!(store.audits().await, things as usize, "{place}");
            let state = store.state(run).await;
            assert!(state.items.values().all(|item| item.closed.as_ref().is_some_and(|c| c.end == End::Changed)));
        }
        if !fallen {
            let most = if go == Go::Apart { meant_together(&store, run).await } else { together(&store, run).await };
            assert!(most >= 8, "{place}: nothing went together");
            // And all of it is taken back.
            store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert!(store.column("count").await.iter().all(|n| n == "0"), "{place}");
            assert!(store.column("note").await.iter().all(|n| n == "null"), "{place}");
            break;
        }
        fell.push(at);
        names = reached;
        at += step as u64;
    }
    let times = |name: &str| names.iter().filter(|n| **n == name).count();
    assert!(fell.len() >= 4, "{}: it fell {} times", on.word(), fell.len());
    assert!(times("before COMMIT") >= 2 && times("before the journal's COMMIT") >= 4, "{names:?}");
    store.shop.close().await;
}

#[test]
fn a_run_in_sets_that_is_cut_off_anywhere_does_nothing_twice_and_loses_nothing() {
    block_on(async {
        cut_anywhere(&On::Sqlite, 36, 2, Go::InSets).await;
        cut_anywhere(&On::Postgres(postgres()), 36, 2, Go::InSets).await;
        cut_anywhere(&On::Mysql(mysql()), 34, 3, Go::InSets).await;
    });
}

#[test]
fn each_change_of_a_set_leaves_the_rows_in_the_ledger_that_it_leaves_alone() {
    block_on(async {
        let on = On::Postgres(postgres());
        both(&on, pair_with_ledger(&on).await, 1..3, 24, Go::InSets, true).await;
    });
}
