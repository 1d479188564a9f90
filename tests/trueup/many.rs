//! Playbooks with `targets:`: many items are planned, carried out at the same time, stopped, resumed after kills, done again
//! and taken back; sources are read whole before anything changes.

use super::servers::{Shop, block_on, postgres, request, said};
use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
};
use trueup::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        time,
        value::Value,
        world::World,
    },
    engine::{
        drive::Stopped,
        fleet::{Came, roll::Roll, summary::Summary},
        state::{ItemState, RunState},
        watch::Tick,
    },
    journal::{event::Event, words::End},
    ops::{self, Failure, apply::Carried, retry::Wish as Again, undo::Wish as Back},
    plan::Plan,
    report::run_json,
    trial::bench::{On, Place},
};

/// What stands before the targets of every playbook here.
const HEAD: &str = "trueup: v1\nname: many/playbook\nversion: 1\ntitle: Many\nuses:\n  shop: { read: [prices], write: [things, audits] }\n";
/// Counts the row of an item up by one, so that what is done twice shows.
const COUNT_UP: &str = "steps:\n- id: up\n  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, only_if: { state: open }, set: { state: sold, count: \"{{ item.count + 1 }}\" } }\n";
const OPEN: &str = "targets:\n  from: { find: { table: shop.things, where: { state: open } } }\n";
const PRICE: &str = "- id: price\n  find: { table: shop.prices, where: { code: a, year: 2025 }, expect: optional }\n";

pub(super) fn playbook(parts: &[&str]) -> String {
    // `uses` is exact: a playbook that reads no price may not say so.
    let text = parts.concat();
    let head = if text.contains("shop.prices") { HEAD.to_owned() } else { HEAD.replace("read: [prices], ", "") };
    format!("{head}{text}")
}

pub(super) struct Store {
    pub(super) shop: Shop,
}

impl Store {
    pub(super) async fn open(on: &On, things: u32) -> Store {
        let shop = Shop::open(on, "http://127.0.0.1:9", |text| text).await;
        let store = Store { shop };
        store.fill(things).await;
        store
    }

    /// An empty one whose API listens there.
    pub(super) async fn with_api(on: &On, api: &str) -> Store {
        Store { shop: Shop::open(on, api, |text| text).await }
    }

    async fn fill(&self, things: u32) {
        let row = |n: u32| format!("({n}, 'thing {n}', 1, 0, '2024-01-01 00:00:00', '2024-01-01 00:00:00')");
        let rows: Vec<String> = (1..=things).map(row).collect();
        if !rows.is_empty() {
            let rows = rows.join(", ");
            self.shop
                .sql(&format!("insert into things (id, name, state, count, created_at, updated_at) values {rows};"))
                .await;
        }
    }

    pub(super) async fn plan(
        &self,
        text: &str,
        params: &[(&str, Value)],
    ) -> Result<(ops::plan::Prepared, Plan), Failure> {
        let record = ops::record::open(&self.shop.here, &self.shop.opened).await?;
        let mut prepared = self.shop.prepare(text, params).await?;
        ops::record::seal_with(&mut prepared.setting, &record);
        record.journal.close().await?;
        let plan = ops::plan::plan(&prepared.setting, &request(params), &|_| {}).await?;
        Ok((prepared, plan))
    }

    async fn refused(&self, text: &str, params: &[(&str, Value)]) -> String {
        match self.plan(text, params).await {
            Ok((_, plan)) => panic!("planned: {:?}", plan.tally()),
            Err(failure) => said(&failure),
        }
    }

    pub(super) async fn apply(&self, text: &str, params: &[(&str, Value)]) -> (RunId, Carried) {
        let (prepared, plan) = self.plan(text, params).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let record = self.record().await;
        let stop = AtomicBool::new(false);
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await;
        record.journal.close().await.unwrap();
        (prepared.setting.run.id, carried.unwrap_or_else(|f| panic!("{}", said(&f))))
    }

    pub(super) async fn record(&self) -> ops::record::Record {
        ops::record::open(&self.shop.here, &self.shop.opened).await.unwrap()
    }

    pub(super) async fn resume(&self, run: RunId) -> Carried {
        let (record, stop) = (self.record().await, AtomicBool::new(false));
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let carried = ops::resume::resume(here, &record, opened, run, "anna", &|_| {}, &stop).await;
        record.journal.close().await.unwrap();
        carried.unwrap_or_else(|f| panic!("{}", said(&f)))
    }

    async fn retry(&self, run: RunId) -> Result<Carried, Failure> {
        let (record, stop) = (self.record().await, AtomicBool::new(false));
        let wish = Again { reason: Some("again"), actor: Some("anna"), ..Again::default() };
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let carried = ops::retry::retry(here, &record, opened, run, &wish, &|_| {}, &stop).await;
        record.journal.close().await.unwrap();
        carried
    }

    pub(super) async fn undo(&self, run: RunId, item: Option<&str>) -> Result<Carried, Failure> {
        let (record, stop) = (self.record().await, AtomicBool::new(false));
        let wish = Back { item: item.map(str::to_owned), actor: Some("anna".into()), ..Back::default() };
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let ready = ops::undo::prepare(here, &record, opened, run, &wish).await?;
        let plan = ops::undo::plan(&ready, &|_| {}).await?;
        let carried = ops::undo::undo(here, &record, &ready, &plan, &wish, &|_| {}, &stop).await;
        record.journal.close().await.unwrap();
        carried
    }

    pub(super) async fn state(&self, run: RunId) -> RunState {
        let record = self.record().await;
        let state = record.state(run).await.unwrap();
        let roll = record.roll(run).await.unwrap();
        agree(&record, &roll, &state).await;
        // The document that is written item by item is the one that would be made of all of them.
        let facts = |table: &trueup::effect::change::TableName| self.shop.opened.project.facts(table);
        let item = run_json::each_item(&roll.run, &facts);
        let (lines, found) = ops::history::items(&record, &roll, &item).await.unwrap();
        let once = roll.run.items.get(SINGLE_ITEM).map(|once| item(SINGLE_ITEM, once));
        let lines: Vec<String> = once.into_iter().chain(lines.each().map(Result::unwrap)).collect();
        let whole = run_json::begun(run, &found, roll.count() as u64) + &lines.join(run_json::COMMA) + run_json::ENDED;
        assert_eq!(whole, run_json::run(run, &state, &facts));
        record.journal.close().await.unwrap();
        state
    }

    /// A column of every thing, by id.
    pub(super) async fn column(&self, column: &str) -> Vec<String> {
        let snapshot = self.shop.snapshot().await;
        let things = snapshot.tables.iter().find(|(t, _)| &*t.table == "things").unwrap().1;
        let mut rows: Vec<(i64, String)> =
            things.rows.values().map(|row| (row["id"].as_int().unwrap(), row[column].bare().into_owned())).collect();
        rows.sort();
        rows.into_iter().map(|(_, value)| value).collect()
    }

    pub(super) async fn audits(&self) -> usize {
        let snapshot = self.shop.snapshot().await;
        snapshot.tables.iter().find(|(t, _)| &*t.table == "audits").unwrap().1.rows.len()
    }

    fn write(&self, name: &str, text: &str) -> Value {
        std::fs::write(self.shop.folder.path().join(name), text).unwrap();
        Value::text(name)
    }
}

/// What is known of a run by looking through it is what all of its events say.
async fn agree(record: &ops::record::Record, roll: &Roll, state: &RunState) {
    let plain = |item: &ItemState| format!("{:?}", ItemState { plan: None, ..item.clone() });
    let items: Vec<_> = state.items.iter().filter(|(key, _)| &***key != SINGLE_ITEM).collect();
    assert_eq!((roll.count(), roll.run.events), (items.len(), state.events));
    assert_eq!(roll.open(), items.iter().filter(|(_, item)| item.closed.is_none()).count());
    let standing = roll.standing(&record.journal).await.unwrap();
    // Each one is a look through the whole run.
    for (key, item) in items.iter().take(30) {
        let found = roll.item(&record.journal, key).await.unwrap().unwrap();
        assert_eq!(plain(&found), plain(item), "item {key}");
        assert_eq!(roll.end_of(key), item.closed.as_ref().map(|closed| closed.end), "item {key}");
        let open = item.closed.is_none() && !item.steps.is_empty();
        assert_eq!(standing.items.get(*key).map(plain), open.then(|| plain(item)), "item {key}");
    }
    let once = |state: &RunState| state.items.get(SINGLE_ITEM).map(|item| format!("{item:?}"));
    assert_eq!(once(&roll.run), once(state));
    let run = |state: &RunState| RunState { items: Default::default(), ..state.clone() };
    assert_eq!(format!("{:?}", run(&roll.run)), format!("{:?}", run(state)));
    let (counted, whole) = (roll.sums(&record.journal, false).await.unwrap(), Summary::of(state));
    let sums = |summary: &Summary| {
        format!("{} {} {} {:?} {:?}", summary.of, summary.left, summary.open, summary.ends, summary.rows)
    };
    assert_eq!(sums(&counted), sums(&whole));
    same_reasons(&counted, &whole);
    let over = roll.summary();
    assert!(over.reasons.iter().all(|why| why.items > 0 && !why.first.is_empty()), "{:?}", over.reasons);
    let closed = |(end, _): &(End, u64)| !matches!(end, End::Waiting | End::InDoubt);
    assert_eq!(counts(&over), counts(&whole).into_iter().filter(closed).collect::<Vec<_>>());
}

/// Both count the same. Which items are named with a reason first is their own affair, and so is, where there are more reasons of a kind than are
/// told apart, which of them are counted under what they have in common: whoever comes first is named.
fn same_reasons(one: &Summary, other: &Summary) {
    let by_end = |summary: &Summary| {
        let mut sums = BTreeMap::new();
        summary.reasons.iter().for_each(|why| *sums.entry(why.end).or_insert(0) += why.items);
        sums
    };
    assert_eq!(by_end(one), by_end(other));
    let named = |summary: &Summary| -> BTreeMap<_, u64> {
        let named = summary.reasons.iter().filter(|why| why.reason != "other reasons" && !why.reason.contains('…'));
        named.map(|why| ((why.end, why.reason.clone()), why.items)).collect()
    };
    let (ours, theirs) = (named(one), named(other));
    if ours.len() == one.reasons.len() && theirs.len() == other.reasons.len() {
        assert_eq!(ours, theirs);
    }
    for (reason, items) in &ours {
        assert!(theirs.get(reason).is_none_or(|theirs| theirs == items), "{reason:?}: {items}, {theirs:?}");
    }
}

fn came(carried: &Carried) -> &Came {
    carried.many.as_ref().unwrap()
}

fn counts(summary: &Summary) -> Vec<(End, u64)> {
    summary.ends.iter().map(|(end, n)| (*end, *n)).collect()
}

fn on_both(test: impl AsyncFn(&On)) {
    block_on(async {
        test(&On::Sqlite).await;
        test(&On::Postgres(postgres())).await;
    });
}

#[test]
fn many_items_are_planned_carried_out_and_found_done_the_second_time() {
    on_both(async |on| {
        let things = if matches!(on, On::Sqlite) { 40 } else { 400 };
        let store = Store::open(on, things).await;
        let text = playbook(&[
            OPEN,
            "limits: { concurrency: 8, canary: [1, 10] }\npreconditions:\n",
            PRICE,
            "- assert: item.id != 7\n  otherwise: { skip: \"Seven is left alone.\" }\n",
            COUNT_UP,
        ]);
        let (_, plan) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let tally = plan.tally();
        assert_eq!((tally.items, tally.changing), (u64::from(things), u64::from(things) - 1));
        assert_eq!((tally.ends.get("skip"), tally.reasons[0].first[0].as_ref()), (Some(&1), "7"));
        assert!(plan.items.len() <= 201, "{} are held", plan.items.len());
        // A preview changes nothing.
        assert!(store.column("count").await.iter().all(|n| n == "0"));
        let (run, carried) = store.apply(&text, &[]).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        let expected = [(End::Changed, u64::from(things) - 1), (End::Skipped, 1)];
        assert_eq!(counts(&came(&carried).summary), expected);
        let column = store.column("count").await;
        assert_eq!(column.iter().filter(|n| *n == "1").count(), things as usize - 1);
        assert_eq!(column[6], "0");
        assert_eq!(store.audits().await, things as usize - 1);
        // What the journal tells is the same.
        let state = store.state(run).await;
        assert_eq!(counts(&Summary::of(&state)), expected);
        let closed = state.closed.unwrap();
        assert_eq!((closed.end, closed.counts.iter().map(|c| c.items).sum::<u64>()), (End::Changed, u64::from(things)));
        let (_, again) = store.plan(&text, &[]).await.unwrap();
        assert!(again.is_empty() && again.tally().items == 1);
        store.shop.close().await;
    });
}

#[test]
fn a_canary_and_a_stop_rule_end_the_beginning_and_a_person_goes_on() {
    on_both(async |on| {
        let store = Store::open(on, 12).await;
        let check =
            "preconditions:\n- assert: item.id not in [1, 5, 6]\n  otherwise: { fail: \"{{ item.id }} is odd.\" }\n";
        let text =
            playbook(&[OPEN, "limits: { concurrency: 1, canary: [1], stop_after: { failed: 2 } }\n", check, COUNT_UP]);
        let (run, carried) = store.apply(&text, &[]).await;
        assert_eq!(carried.stopped, Stopped::Paused);
        assert!(came(&carried).why.as_ref().unwrap().contains("`canary`"), "{:?}", came(&carried).why);
        assert_eq!((counts(&came(&carried).summary), came(&carried).summary.left), (vec![(End::Failed, 1)], 11));
        let carried = store.resume(run).await;
        assert_eq!(carried.stopped, Stopped::Paused);
        assert!(came(&carried).why.as_ref().unwrap().contains("`stop_after` says 2"), "{:?}", came(&carried).why);
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 3), (End::Failed, 3)]);
        let carried = store.resume(run).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed));
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 9), (End::Failed, 3)]);
        store.shop.close().await;
    });
}

#[test]
fn a_retry_does_only_what_failed() {
    on_both(async |on| {
        let store = Store::open(on, 8).await;
        let check = "preconditions:\n- when: item.id >= 7\n  find: { table: shop.prices, where: { code: a, year: \"{{ item.count + 2025 }}\" }, expect: one }\n  otherwise: { fail: \"no price\" }\n";
        let text = playbook(&[OPEN, check, COUNT_UP]);
        let (run, carried) = store.apply(&text, &[]).await;
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 6), (End::Failed, 2)]);
        store.shop.sql("insert into prices (code, year, amount) values ('a', 2025, 1)").await;
        let carried = store.retry(run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 8)]);
        assert!(store.column("count").await.iter().all(|n| n == "1"));
        assert_eq!(store.audits().await, 8);
        let refused = store.retry(run).await.err().map(|f| said(&f)).unwrap();
        assert!(refused.contains("nothing to do again"), "{refused}");
        store.shop.close().await;
    });
}

#[test]
fn one_item_is_taken_back_and_then_the_others() {
    on_both(async |on| {
        let store = Store::open(on, 6).await;
        let (run, _) = store.apply(&playbook(&[OPEN, COUNT_UP]), &[]).await;
        let carried = store.undo(run, Some("3")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 1)]);
        assert_eq!(store.column("count").await, ["1", "1", "0", "1", "1", "1"]);
        // Somebody changes one meanwhile: it is left alone, and the others come back.
        store.shop.sql("update things set count = 40 where id = 4").await;
        let carried = store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{:?}", came(&carried).summary);
        assert_eq!(store.column("count").await, ["0", "0", "0", "40", "0", "0"]);
        assert_eq!(came(&carried).summary.count(End::Changed), 4);
        store.shop.close().await;
    });
}

#[test]
fn a_question_of_one_item_lets_the_others_go_on() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 5).await;
        let ask = "steps:\n- id: sure\n  when: item.id in [2, 4]\n  ask: { who: boss, question: \"Is {{ item.id }} right?\", answer: { yes: { type: bool } }, affects: [] }\n";
        let text = playbook(&[OPEN, ask, COUNT_UP.strip_prefix("steps:\n").unwrap()]);
        let (run, carried) = store.apply(&text, &[]).await;
        assert_eq!(carried.stopped, Stopped::Waits("steps/sure".into()));
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 3), (End::Waiting, 2)]);
        assert_eq!(store.column("count").await, ["1", "0", "1", "0", "1"]);
        let given = vec![("yes".to_owned(), Value::text("true"))];
        let answer = async |item: Option<&str>| {
            let (record, stop) = (store.record().await, AtomicBool::new(false));
            let (here, opened) = (&store.shop.here, &store.shop.opened);
            let carried =
                ops::answer::answer(here, &record, opened, run, "sure", item, &given, "boss", &|_| {}, &stop).await;
            record.journal.close().await.unwrap();
            carried
        };
        let which = answer(None).await.err().map(|f| said(&f)).unwrap();
        assert!(which.contains("several items") && which.contains("--item 2"), "{which}");
        let carried = answer(Some("4")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 4), (End::Waiting, 1)]);
        let carried = answer(None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert!(store.column("count").await.iter().all(|n| n == "1"));
        store.shop.close().await;
    });
}

#[test]
fn items_of_one_subject_come_in_order_and_stop_behind_one_that_is_not_done() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 6).await;
        store.shop.sql("update things set note = case when id % 2 = 0 then 'even' else 'odd' end").await;
        let targets = "targets:\n  from: { find: { table: shop.things, where: { state: open } } }\n  order_by: [\"-id\"]\n  subject: \"{{ item.note }}\"\n  after: previous_done\n";
        let check = "preconditions:\n- assert: item.id != 4\n  otherwise: { escalate: boss, say: \"Look at four.\" }\n";
        let text = playbook(&[targets, check, COUNT_UP]);
        let (run, carried) = store.apply(&text, &[]).await;
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 4), (End::Skipped, 1), (End::Escalated, 1)]);
        let state = store.state(run).await;
        assert_eq!(state.items["2"].closed.as_ref().unwrap().reason.as_deref(), Some("waits for 4"));
        let begun: Vec<&str> = state.items.keys().map(|key| &**key).collect();
        assert_eq!(begun, ["6", "5", "4", "3", "2", "1"]);
        store.shop.close().await;
    });
}

const CSV: &str = "params:\n  file: { type: file, format: csv, description: The list }\ntargets:\n  from: { csv: \"{{ params.file }}\", columns: { id: int, email: { type: string, personal: true, not_blank: true }, keep: { type: bool, truthy: [x], falsy: [\"\"] } } }\n";

#[test]
fn a_file_is_read_whole_and_every_bad_line_is_told_before_anything_changes() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 4).await;
        let text = playbook(&[
            CSV,
            "  key: id\npreconditions:\n- id: thing\n  find: { table: shop.things, where: { id: \"{{ item.id }}\" }, expect: one }\n  otherwise: { skip: \"There is no {{ item.id }}.\" }\nsteps:\n- id: up\n  row: { of: thing, set: { email: \"{{ item.email }}\", count: 1 } }\n",
        ]);
        let file = store.write("bad.csv", "id,email,keep\n1,a@b.c,x\nx,a@b.c,\n3,,\n1,d@e.f,\n4\n");
        let told = store.refused(&text, &[("file", file)]).await;
        for line in [
            "line 3: `id` x: not a whole number",
            "line 4: `email` is blank",
            "line 6: 1 cell,",
            "lines 2 and 5: the same `id` 2 times",
        ] {
            assert!(told.contains(line), "{line} is not in\n{told}");
        }
        assert!(!told.contains("a@b.c"), "{told}");
        // Of very many bad lines some are told, and all are in a file that only its owner may read.
        let bad: String = (0..1_000).map(|n| format!("{n},a{n}@b.c,x\n=1+{n},a{n}@b.c,x\n")).collect();
        let file = store.write("worse.csv", &format!("id,email,keep\n{bad}"));
        let told = store.refused(&text, &[("file", file)]).await;
        let listed = store.shop.opened.journal().with_file_name("bad-rows.csv");
        assert!(told.contains("line 3: `id` =1+0: not a whole number") && told.contains("and 950 more"), "{told}");
        assert!(told.contains(&listed.display().to_string()), "{told}");
        let rows = std::fs::read_to_string(&listed).unwrap();
        let rows: Vec<&str> = rows.lines().collect();
        assert_eq!((rows.len(), rows[1_000]), (1_001, "2001,`id` =1+999: not a whole number"));
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&listed).unwrap()) & 0o777, 0o600);
        let file = store.write("good.csv", "\u{feff}id;email;keep\n1;a@b.c;x\n9;z@b.c;\n3;=cmd@b.c;\n");
        let (run, carried) = store.apply(&text, &[("file", file)]).await;
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 2), (End::Skipped, 1)]);
        assert_eq!(store.column("email").await, ["a@b.c", "null", "=cmd@b.c", "null"]);
        // The journal holds no address in clear, and the file's sum.
        let journal = store.shop.opened.journal();
        let bytes = std::fs::read(&journal).unwrap();
        let wal = std::fs::read(format!("{}-wal", journal.display())).unwrap_or_default();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).chain(wal.windows(needle.len())).any(|w| w == needle);
        assert!(!holds(b"a@b.c") && holds(b"good.csv"), "the journal");
        let export = trueup::report::many::csv(&store.state(run).await);
        // Its own row and the audit row: the column adds up to what the page says of all tables.
        assert!(export.starts_with("item,end,rows_changed,last_step,at,reason\n1,changed,2,"), "{export}");
        store.shop.close().await;
    });
}

#[test]
fn rows_of_a_file_are_grouped_checked_and_named_without_persons() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 6).await;
        let targets = "  group_by: { key: email, fold: caseless }\n  lone_groups: skip\n  check:\n  - unique: id\n  - each_group: item.rows | selectattr('keep') | list | length == 1\n    otherwise: { stop: \"exactly one row must have keep = x.\" }\n";
        let steps = "vars:\n  drop: \"{{ item.rows | rejectattr('keep') | map(attribute='id') | list }}\"\nsteps:\n- id: gone\n  rows: { table: shop.things, where: { id: \"{{ vars.drop }}\" }, set: { state: lost }, touches: 1..5 }\n";
        let text = playbook(&[CSV, targets, steps]);
        let bad =
            store.write("bad.csv", "id,email,keep\n1,a@b.c,x\n2,A@B.C,x\n3,c@d.e,\n4,C@d.e,\n5,lone@x.y,\n5,e@x.y,x\n");
        let told = store.refused(&text, &[("file", bad)]).await;
        for line in ["lines 2 and 3: exactly one row", "lines 4 and 5: exactly one row", "lines 6 and 7: the same `id`"]
        {
            assert!(told.contains(line), "{line} is not in\n{told}");
        }
        let good = store.write("good.csv", "id,email,keep\n1,a@b.c,x\n2,A@B.C,\n3,c@d.e,\n4,C@d.e,x\n5,lone@x.y,\n");
        let (run, carried) = store.apply(&text, &[("file", good)]).await;
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 2)]);
        assert_eq!(store.column("state").await, ["1", "9", "9", "1", "1", "1"]);
        let state = store.state(run).await;
        assert!(state.items.keys().all(|key| key.starts_with('~') && !key.contains('@')), "{:?}", state.items.keys());
        store.shop.close().await;
    });
}

#[test]
fn limits_refuse_before_the_first_item() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 5).await;
        let limited = |limits: &str, targets: &str| playbook(&[OPEN, targets, limits, COUNT_UP]);
        let told = store.plan(&limited("limits: { max_items: 4 }\n", ""), &[]).await.err().unwrap();
        assert!(format!("{told:?}").contains("5 items, and `max_items` allows 4"), "{told:?}");
        let (_, plan) = store.plan(&limited("limits: { max_items: 4 }\n", "  take: 3\n"), &[]).await.unwrap();
        assert_eq!((plan.tally().items, plan.many.as_ref().unwrap().of), (3, 5));
        store.shop.sql("update things set state = 2").await;
        let empty = store.plan(&limited("limits: { refuse_empty: true }\n", ""), &[]).await.err().unwrap();
        assert!(format!("{empty:?}").contains("no items"), "{empty:?}");
        // Two items that change one row.
        let twice = "targets:\n  from: { list: [1, 2] }\nsteps:\n- id: up\n  row: { table: shop.things, key: { id: 1 }, set: { count: \"{{ item }}\" } }\n";
        let told = store.plan(&playbook(&[twice]), &[]).await.err().unwrap();
        assert!(format!("{told:?}").contains("items 1 and 2 change the same row"), "{told:?}");
        // Two that make one row, by its key and by another one; a number of the database's own is nobody else's.
        let make = |key: &str| {
            format!(
                "targets:\n  from: {{ list: [1, 2] }}\nsteps:\n- id: up\n  row: {{ table: shop.things, key: {key}, set: {{ name: new, state: open }}, create: {{}} }}\n"
            )
        };
        for key in ["{ id: 77 }", "{ uid: 00000000-0000-4000-8000-000000000077 }"] {
            let told = store.refused(&playbook(&[&make(key)]), &[]).await;
            assert!(told.contains("items 1 and 2 change the same row"), "{key}: {told}");
        }
        let each = make("{ uid: \"00000000-0000-4000-8000-00000000000{{ item }}\" }");
        assert_eq!(store.plan(&playbook(&[&each]), &[]).await.unwrap().1.tally().counts.changes, 2);
        // Among so many that the plan stands in a file: the first two are named, and the file goes.
        let store = Store::open(&On::Sqlite, 250).await;
        let list: Vec<u32> = (1..=300).collect();
        let twice = format!("targets:\n  from: {{ list: {list:?} }}\n");
        let up = "steps:\n- id: up\n  row: { table: shop.things, key: { id: \"{{ (item - 1) % 250 + 1 }}\" }, set: { count: \"{{ item }}\" } }\n";
        let told = store.refused(&playbook(&[&twice, up]), &[]).await;
        assert!(told.contains("items 1 and 251 change the same row"), "{told}");
        let beside = store.shop.opened.journal();
        let left = std::fs::read_dir(beside.parent().unwrap()).unwrap().map(|file| file.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".trueup-")).collect();
        assert!(left.is_empty(), "{left:?}");
        let same = "targets:\n  from: { list: [1, 1] }\nsteps:\n- id: up\n  row: { table: shop.things, key: { id: \"{{ item }}\" }, set: { count: 1 } }\n";
        let told = store.refused(&playbook(&[same]), &[]).await;
        assert!(told.contains("the same `element` 2 times"), "{told}");
        store.shop.close().await;
    });
}

#[test]
fn a_check_that_is_done_once_stops_the_whole_before_the_first_item() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 3).await;
        let check = "preconditions:\n- id: price\n  find: { table: shop.prices, where: { code: a, year: 2025 }, expect: one }\n  otherwise: \"No price: nothing would be right.\"\n";
        let text = playbook(&[OPEN, check, COUNT_UP]);
        let (_, plan) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!((plan.items.len(), plan.tally().items, plan.is_empty()), (1, 0, true));
        assert!(plan.items[0].stop.as_ref().unwrap().message.contains("No price"));
        // It holds when planned, and not any more when carried out.
        store.shop.sql("insert into prices (code, year, amount) values ('a', 2025, 1)").await;
        let (prepared, plan) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        store.shop.sql("delete from prices").await;
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await.unwrap();
        record.journal.close().await.unwrap();
        assert!(matches!(carried.stopped, Stopped::Closed(End::Stopped | End::Drifted)), "{:?}", carried.stopped);
        assert!(store.column("count").await.iter().all(|n| n == "0"));
        store.shop.close().await;
    });
}

#[test]
fn a_saved_plan_of_many_items_is_carried_out_with_its_own_items_and_once() {
    block_on(async {
        let store = Store::open(&On::Postgres(postgres()), 450).await;
        let text = playbook(&[OPEN, "limits: { concurrency: 6 }\n", COUNT_UP]);
        std::fs::write(store.shop.folder.path().join("playbook.yaml"), &text).unwrap();
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let record = store.record().await;
        let mut prepared = store.shop.prepare(&text, &[]).await.unwrap();
        ops::record::seal_with(&mut prepared.setting, &record);
        let (asked, day) = (request(&[]), std::time::Duration::from_secs(86_400));
        let saved =
            ops::saved::save_many(here, opened, &record, &prepared.setting, &asked, "many.plan", day, &|_| {}).await;
        let saved = saved.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert!(saved.plan.items.len() <= 201 && saved.plan.tally().items == 450);
        let usable =
            ops::saved::usable(here, opened, &record, "many.plan").await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!((usable.saved.digest.clone(), usable.saved.plan.tally().items), (saved.digest, 450));
        let carried_by = ops::saved::setting(here, opened, &usable, "anna", "a test").await.unwrap();
        // What came meanwhile is not touched: it is no item of this plan. What changed is drift.
        store.shop.sql("insert into things (id, name, state, count, created_at, updated_at) values (999, 'new', 1, 0, now(), now()); update things set count = 5 where id = 17").await;
        let stop = AtomicBool::new(false);
        let basis = || ops::apply::Basis { saved: Some(&usable.saved), ..Default::default() };
        let setting = &carried_by.setting;
        let plan = &usable.saved.plan;
        let carried =
            ops::apply::apply_on(here, &record, opened, setting, plan, basis(), &|_| {}, &stop).await.unwrap();
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 449), (End::Drifted, 1)]);
        let column = store.column("count").await;
        assert_eq!((column[16].as_str(), column[450].as_str(), column[0].as_str()), ("5", "0", "1"));
        let again = ops::saved::usable(here, opened, &record, "many.plan").await.err().map(|f| said(&f)).unwrap();
        assert!(again.contains("was used already"), "{again}");
        record.journal.close().await.unwrap();
        store.shop.close().await;
    });
}

/// Between a plan and its run somebody changes what the items come from: those that are no longer there, or whose looked-at values are others, are
/// drifted before they begin, whatever the order in which the source gives the rest; what nobody looks at may change, and what is new is no item.
#[test]
fn an_item_that_its_source_no_longer_gives_as_planned_is_drifted_and_never_begins() {
    let from = "targets:\n  from: { query: { db: shop, sql: \"select id, code, year, amount from prices order by year, code\" } }\n  key: id\n";
    let note = "steps:\n- id: note\n  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { note: \"{{ item.code | upper }}\" } }\n";
    let text = format!("{HEAD}{from}{note}");
    block_on(async {
        let cases =
            [(On::Sqlite, "", false), (On::Postgres(postgres()), "", true), (On::Sqlite, "  take: 405\n", false)];
        for (on, taken, pauses) in cases {
            let store = Store::open(&on, 410).await;
            let text = text.replace("  key: id\n", &format!("  key: id\n{taken}"));
            let prices: Vec<String> = (1..=410).map(|n| format!("({n}, 'code{n}', 2000, 1)")).collect();
            store
                .shop
                .sql("drop table prices; create table prices (id int primary key, code text, year int, amount int)")
                .await;
            store.shop.sql(&format!("insert into prices values {}", prices.join(", "))).await;
            std::fs::write(store.shop.folder.path().join("playbook.yaml"), &text).unwrap();
            let (here, opened) = (&store.shop.here, &store.shop.opened);
            let record = store.record().await;
            let mut prepared = store.shop.prepare(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            ops::record::seal_with(&mut prepared.setting, &record);
            let (asked, day) = (request(&[]), std::time::Duration::from_secs(86_400));
            let saved =
                ops::saved::save_many(here, opened, &record, &prepared.setting, &asked, "many.plan", day, &|_| {})
                    .await;
            let planned = saved.unwrap_or_else(|f| panic!("{}", said(&f))).plan.tally().items;
            assert_eq!(planned, if taken.is_empty() { 410 } else { 405 });
            let usable =
                ops::saved::usable(here, opened, &record, "many.plan").await.unwrap_or_else(|f| panic!("{}", said(&f)));
            let by = ops::saved::setting(here, opened, &usable, "anna", "a test").await.unwrap();
            // 3 and 4 go, 7 and 8 say something else, of 9 what nobody looks at, and 1 comes last; a new one comes first.
            store.shop.sql("delete from prices where id in (3, 4); update prices set code = 'other' where id in (7, 8); update prices set amount = 2 where id = 9; update prices set year = 2001 where id = 1; insert into prices values (0, 'new', 1999, 1)").await;
            let stop = AtomicBool::new(pauses);
            let basis = ops::apply::Basis { saved: Some(&usable.saved), ..Default::default() };
            let carried =
                ops::apply::apply_on(here, &record, opened, &by.setting, &usable.saved.plan, basis, &|_| {}, &stop)
                    .await;
            let mut carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
            // What was known of it when the run was recorded is in the journal: whoever goes on does not ask its source.
            if stop.swap(false, Ordering::Relaxed) {
                assert!(matches!(carried.stopped, Stopped::Paused));
                assert!(counts(&came(&carried).summary).iter().all(|(end, _)| *end != End::Changed));
                let gone_on =
                    ops::resume::resume(here, &record, opened, by.setting.run.id, "anna", &|_| {}, &stop).await;
                carried = gone_on.unwrap_or_else(|f| panic!("{}", said(&f)));
            }
            let summary = &came(&carried).summary;
            assert_eq!(counts(summary), [(End::Changed, planned - 4), (End::Drifted, 4)], "{}", on.word());
            let mut reasons: Vec<String> =
                summary.reasons.iter().map(|why| format!("{} {} {:?}", why.items, why.reason, why.first)).collect();
            reasons.sort();
            assert_eq!(reasons.len(), 3, "{reasons:?}");
            assert!(reasons[0].contains("its source gives another `code`: planned code7, found other"), "{reasons:?}");
            assert!(reasons[2].contains("2 its source no longer gives it"), "{reasons:?}");
            let notes = store.column("note").await;
            let noted: Vec<usize> = (1..=410).filter(|n| notes[n - 1].starts_with("CODE")).collect();
            assert_eq!(noted.len() as u64, planned - 4, "{}", on.word());
            assert!(![3, 4, 7, 8].iter().any(|n| noted.contains(n)) && noted.contains(&1) && noted.contains(&9));
            // They never began, so there is nothing to do again; a new plan has what the source says.
            let run = by.setting.run.id;
            let wish = Again { reason: Some("again"), actor: Some("anna"), ..Again::default() };
            let again = ops::retry::retry(here, &record, opened, run, &wish, &|_| {}, &stop)
                .await
                .err()
                .map(|f| said(&f))
                .unwrap();
            assert!(again.contains("planned anew"), "{again}");
            record.journal.close().await.unwrap();
            store.shop.close().await;
        }
    });
}

/// Nothing that was planned is there any more: what is known only when all items are recorded is recorded of each of them.
#[test]
fn of_a_source_that_gives_nothing_any_more_every_item_is_drifted_whoever_goes_on() {
    let from = "targets:\n  from: { query: { db: shop, sql: \"select id, code, year, amount from prices order by id\" } }\n  key: id\n";
    let note = "steps:\n- id: note\n  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { note: \"{{ item.code | upper }}\" } }\n";
    let text = format!("{HEAD}{from}{note}");
    block_on(async {
        let store = Store::open(&On::Sqlite, 650).await;
        store
            .shop
            .sql("drop table prices; create table prices (id int primary key, code text, year int, amount int)")
            .await;
        let prices: Vec<String> = (1..=650).map(|n| format!("({n}, 'code{n}', 2000, 1)")).collect();
        store.shop.sql(&format!("insert into prices values {}", prices.join(", "))).await;
        std::fs::write(store.shop.folder.path().join("playbook.yaml"), &text).unwrap();
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let record = store.record().await;
        let mut prepared = store.shop.prepare(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        ops::record::seal_with(&mut prepared.setting, &record);
        let (asked, day) = (request(&[]), std::time::Duration::from_secs(86_400));
        let saved =
            ops::saved::save_many(here, opened, &record, &prepared.setting, &asked, "many.plan", day, &|_| {}).await;
        assert_eq!(saved.unwrap_or_else(|f| panic!("{}", said(&f))).plan.tally().items, 650);
        let usable =
            ops::saved::usable(here, opened, &record, "many.plan").await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let by = ops::saved::setting(here, opened, &usable, "anna", "a test").await.unwrap();
        store.shop.sql("delete from prices").await;
        let stop = AtomicBool::new(true);
        let basis = ops::apply::Basis { saved: Some(&usable.saved), ..Default::default() };
        let carried =
            ops::apply::apply_on(here, &record, opened, &by.setting, &usable.saved.plan, basis, &|_| {}, &stop).await;
        assert!(matches!(carried.unwrap_or_else(|f| panic!("{}", said(&f))).stopped, Stopped::Paused));
        let events = record.journal.events(by.setting.run.id).await.unwrap();
        let listed = |event: &Event| if let Event::ItemStarted(started) = event { started.items.len() } else { 0 };
        let listed: Vec<usize> = events.iter().map(|stored| listed(&stored.event)).filter(|n| *n > 0).collect();
        assert!(listed.iter().all(|n| *n <= 200) && listed.iter().sum::<usize>() > 650, "{listed:?}");
        stop.store(false, Ordering::Relaxed);
        let gone_on = ops::resume::resume(here, &record, opened, by.setting.run.id, "anna", &|_| {}, &stop).await;
        let carried = gone_on.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(counts(&came(&carried).summary), [(End::Drifted, 650)]);
        assert!(store.column("note").await.iter().all(|note| !note.starts_with("CODE")));
        record.journal.close().await.unwrap();
        store.shop.close().await;
    });
}

/// What drifts at its source counts for the limits when its turn comes, as what drifts by its row does.
#[test]
fn what_its_source_no_longer_gives_counts_for_canary_and_stop_after_in_its_turn() {
    let cases: [(&str, &str, &str, &[&str]); 5] = [
        ("{ concurrency: 1, canary: [2] }", "1", "1 of the first 2 items", &["1", "0", "0", "0", "0"]),
        ("{ concurrency: 1, canary: [2] }", "2", "1 of the first 2 items", &["1", "0", "0", "0", "0"]),
        ("{ concurrency: 1, rate: 60000/min, canary: [2] }", "2", "1 of the first 2 items", &["1", "0", "0", "0", "0"]),
        // The stage is over before its turn comes.
        ("{ concurrency: 1, canary: [2] }", "5", "its source no longer gives it", &["1", "1", "1", "1", "1"]),
        ("{ concurrency: 1, stop_after: { failed: 2 } }", "1, 2, 4", "`stop_after` says 2", &["0", "0", "0"]),
    ];
    block_on(async {
        for (limits, gone, says, after) in cases {
            let store = Store::open(&On::Sqlite, 6).await;
            let folder = store.shop.folder.path().to_owned();
            std::fs::write(folder.join("many.yaml"), playbook(&[OPEN, &format!("limits: {limits}\n"), COUNT_UP]))
                .unwrap();
            let planned = process(&folder, "", None, &["plan", "many.yaml", "--env", "test", "--out", "m.plan"]).await;
            assert_eq!(planned.0, Some(0), "{}", planned.1);
            store.shop.sql(&format!("delete from things where id in ({gone})")).await;
            let (found, words) = process(&folder, "", None, &["apply", "m.plan", "--reason", "r", "--yes"]).await;
            assert!(found == Some(5) && words.contains(says), "{limits}, {gone}: {found:?} {words}");
            assert_eq!(store.column("count").await, after, "{limits}, {gone}: {words}");
            // Whoever goes on has seen it.
            if words.contains("Paused") {
                let (found, words) = process(&folder, "", None, &["resume"]).await;
                assert_eq!(found, Some(5), "{limits}, {gone}: {words}");
                assert!(store.column("count").await.iter().all(|n| n == "1"), "{limits}, {gone}: {words}");
            }
            store.shop.close().await;
        }
    });
}

#[test]
fn an_item_that_did_not_end_as_done_holds_up_only_those_behind_it() {
    let targets = "targets:\n  from: { find: { table: shop.things, where: { state: open } } }\n  subject: \"{{ item.state }}\"\n  after: previous_done\n";
    block_on(async {
        let store = Store::open(&On::Sqlite, 3).await;
        let folder = store.shop.folder.path().to_owned();
        std::fs::write(folder.join("many.yaml"), playbook(&[targets, COUNT_UP])).unwrap();
        let (code, words) =
            process(&folder, "", None, &["plan", "many.yaml", "--env", "test", "--out", "m.plan"]).await;
        assert_eq!(code, Some(0), "{words}");
        store.shop.sql("delete from things where id = 2").await;
        let (code, words) = process(&folder, "", None, &["apply", "m.plan", "--reason", "r", "--yes"]).await;
        assert!(code == Some(5) && words.contains("waits for 2"), "{code:?} {words}");
        assert_eq!(store.column("count").await, ["1", "0"], "{words}");
        store.shop.close().await;

        // Those behind it stay skipped when it alone is done again, and do not hold it up.
        let store = Store::open(&On::Sqlite, 3).await;
        let check = "preconditions:\n- when: item.id == 1\n  find: { table: shop.prices, where: { code: a, year: \"{{ item.count + 2025 }}\" }, expect: one }\n  otherwise: { fail: \"no price\" }\n";
        let (run, carried) = store.apply(&playbook(&[targets, check, COUNT_UP]), &[]).await;
        assert_eq!(counts(&came(&carried).summary), [(End::Skipped, 2), (End::Failed, 1)]);
        store.shop.sql("insert into prices (code, year, amount) values ('a', 2025, 1)").await;
        let folder = store.shop.folder.path().to_owned();
        let again = ["retry", &run.short(), "--item", "1", "--reason", "again"];
        let (_, words) = process(&folder, "", None, &again).await;
        assert_eq!(store.column("count").await, ["1", "0", "0"], "{words}");
        store.state(run).await;
        store.shop.close().await;
    });
}

#[test]
fn a_window_is_waited_for_and_the_run_goes_on_by_itself() {
    block_on(async {
        let mut store = Store::open(&On::Sqlite, 3).await;
        store.shop.here.world = World::fixed(time::instant("2025-07-01T23:40:00Z").unwrap());
        let window = "limits: { window: { not: [\"00:30-02:00\"], zone: Europe/London, margin: 15m } }\n";
        let text = playbook(&[OPEN, window, COUNT_UP]);
        let (run, carried) = store.apply(&text, &[]).await;
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 3)]);
        assert!(store.shop.here.world.now() >= time::instant("2025-07-02T01:00:00Z").unwrap());
        let record = store.record().await;
        let events = record.journal.events(run).await.unwrap();
        let words: Vec<String> = events
            .iter()
            .filter_map(|stored| match &stored.event {
                trueup::journal::event::Event::RunPaused(paused) => Some(paused.reason.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(words, ["waits until 02:00 Europe/London, as `window` says"]);
        record.journal.close().await.unwrap();
        store.shop.close().await;
    });
}

#[test]
fn a_pause_leaves_the_rest_for_later_and_a_cancelled_run_ends_all_of_it() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 9).await;
        let text = playbook(&[OPEN, COUNT_UP]);
        let (mut prepared, plan) = store.plan(&text, &[]).await.unwrap();
        prepared.setting.one_by_one = true;
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        let watch = |tick: Tick| {
            if matches!(&tick, Tick::Items(far) if far.over == 4) {
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        };
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &watch, &stop).await.unwrap();
        assert_eq!((carried.stopped.clone(), came(&carried).summary.over()), (Stopped::Paused, 4));
        let run = prepared.setting.run.id;
        let wish = ops::cancel::Wish { reason: Some("enough"), actor: Some("boss") };
        let done = ops::cancel::cancel(here, &record, opened, run, &wish, &watch, &stop).await.unwrap();
        let summary = &done.many.as_ref().unwrap().summary;
        assert_eq!(counts(summary), [(End::Changed, 4), (End::Cancelled, 5)]);
        assert_eq!(summary.rows.values().map(|rows| rows[1]).sum::<u64>(), 4, "{:?}", summary.rows);
        assert_eq!(counts(&Summary::of(&store.state(run).await)), counts(summary), "the events say the same");
        assert_eq!(done.state.closed.unwrap().counts.iter().map(|c| c.items).sum::<u64>(), 9);
        record.journal.close().await.unwrap();
        assert_eq!(store.column("count").await.iter().filter(|n| *n == "1").count(), 4);
        store.shop.close().await;
    });
}

/// `trueup` in the shop's folder; with `at` it kills itself at that moment of the protocol.
pub(super) async fn process(folder: &Path, url: &str, at: Option<u64>, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.args(arguments).current_dir(folder).env("TRUEUP_ACTOR", "anna").env("SHOP_URL", url).env("CRM_KEY", "k");
    if let Some(at) = at {
        command.env("TRUEUP_CRASH_AT", at.to_string());
    }
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

#[test]
fn a_fleet_that_is_killed_at_any_moment_does_nothing_twice_and_loses_nothing() {
    on_both(async |on| {
        let things = 12;
        let store = Store::open(on, things).await;
        let folder = store.shop.folder.path().to_owned();
        let url = if let Place::Server(url) = store.shop.place() { url.reveal().to_owned() } else { String::new() };
        std::fs::write(folder.join("many.yaml"), playbook(&[OPEN, "limits: { concurrency: 4 }\n", COUNT_UP])).unwrap();
        let apply = ["apply", "many.yaml", "--env", "test", "--reason", "r", "--yes"];
        let (mut killed, mut moment) = (0, 3_u64);
        // Moments spread over the whole run; beyond its last one it goes through.
        for round in 0..6 {
            store.shop.sql("update things set state = 1, count = 0; delete from audits").await;
            let (code, first) = process(&folder, &url, Some(moment), &apply).await;
            let mut said = first;
            if code.is_none() {
                killed += 1;
                // The second process may die as well.
                for at in [Some(moment / 2 + 5), None] {
                    let record = store.record().await;
                    let filter = trueup::journal::RunFilter { unfinished: true, ..Default::default() };
                    let open = record.journal.runs(&filter, 5).await.unwrap();
                    record.journal.close().await.unwrap();
                    let Some(run) = open.first() else { break };
                    let (_, more) = process(&folder, &url, at, &["resume", &run.id.short()]).await;
                    said.push_str(&more);
                }
            }
            let column = store.column("count").await;
            // Killed before the run was recorded: nothing happened, and nothing is open.
            let done = column.iter().filter(|n| *n == "1").count();
            assert!(done == things as usize || done == 0, "round {round}, moment {moment}: {column:?}\n{said}");
            assert_eq!(store.audits().await, done, "round {round}, moment {moment}\n{said}");
            moment = moment * 2 + 3 + round;
        }
        assert!(killed >= 3, "only {killed} processes were killed");
        store.shop.close().await;
    });
}

#[test]
fn before_its_first_change_a_killed_run_takes_apart_only_what_that_change_needs() {
    block_on(async {
        let things = 120;
        let store = Store::open(&On::Sqlite, things).await;
        let folder = store.shop.folder.path().to_owned();
        std::fs::write(folder.join("many.yaml"), playbook(&[OPEN, COUNT_UP])).unwrap();
        let apply = ["apply", "many.yaml", "--env", "test", "--reason", "r", "--yes", "--one-by-one"];
        let (code, words) = process(&folder, "", Some(350), &apply).await;
        assert_eq!(code, None, "it was not killed: {words}");
        let done = store.column("count").await.iter().filter(|n| *n == "1").count();
        assert!((20..110).contains(&done), "{done} items were done before the kill");

        let (record, stop) = (store.record().await, AtomicBool::new(false));
        let filter = trueup::journal::RunFilter { unfinished: true, ..Default::default() };
        let run = record.journal.runs(&filter, 5).await.unwrap()[0].id;
        let all = record.journal.events(run).await.unwrap().len() as u64;
        let before = record.journal.decoded();
        let first = std::sync::OnceLock::new();
        let watch = |tick: Tick| {
            if let Tick::Items(far) = &tick
                && let Some((_, End::Changed, _)) = &far.item
            {
                first.get_or_init(|| record.journal.decoded() - before);
            }
        };
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let carried = ops::resume::resume(here, &record, opened, run, "anna", &watch, &stop).await;
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
        let (taken_apart, summary) = (*first.get().expect("no item was changed"), &came(&carried).summary);
        // The head of the run, who took it, the items under way, and one list of items; nothing grows with what was done.
        assert!(taken_apart <= 25, "{taken_apart} of {all} events before the first change");
        assert!(all > 120, "{all} events are in the journal");
        assert_eq!(counts(summary), [(End::Changed, u64::from(things))]);
        assert_eq!(summary.rows.values().map(|rows| rows[1]).sum::<u64>(), u64::from(things), "{:?}", summary.rows);
        record.journal.close().await.unwrap();
        assert!(store.column("count").await.iter().all(|n| n == "1"));
        store.state(run).await;
        store.shop.close().await;
    });
}

#[test]
fn a_run_goes_on_although_one_of_its_items_waits_for_a_person() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 6).await;
        let ask = "steps:\n- id: sure\n  when: \"item.id == 2\"\n  ask: { who: boss, question: \"Really?\", answer: { sure: { type: bool } }, affects: [] }\n";
        let text = playbook(&[OPEN, &COUNT_UP.replace("steps:\n", ask)]);
        let (prepared, plan) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        let watch = |tick: Tick| {
            if matches!(&tick, Tick::Items(far) if far.over == 2) {
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        };
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &watch, &stop).await.unwrap();
        let run = prepared.setting.run.id;
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 2), (End::Waiting, 1)]);
        record.journal.close().await.unwrap();
        store.state(run).await;
        let carried = store.resume(run).await;
        assert_eq!(counts(&came(&carried).summary), [(End::Changed, 5), (End::Waiting, 1)]);
        // Now nothing else is left.
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        let refused = ops::resume::resume(here, &record, opened, run, "anna", &|_| {}, &stop).await.err().unwrap();
        assert!(said(&refused).contains("waits for the answer of boss"), "{}", said(&refused));
        record.journal.close().await.unwrap();
        store.state(run).await;
        store.shop.close().await;
    });
}

#[test]
fn rows_that_were_put_aside_leave_no_file_behind() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 2).await;
        let list: Vec<Value> = (0..2_500).map(Value::from).collect();
        let text = playbook(&[
            "params: { ids: { type: list, of: int } }\ntargets:\n  from: { list: \"{{ params.ids }}\" }\n  take: 2\nsteps:\n- id: up\n  row: { table: shop.things, key: { id: \"{{ item + 1 }}\" }, set: { count: 1 } }\n",
        ]);
        let (_, plan) =
            store.plan(&text, &[("ids", Value::list(list))]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!((plan.tally().items, plan.many.as_ref().unwrap().of), (2, 2_500));
        let left = std::fs::read_dir(store.shop.opened.journal().parent().unwrap()).unwrap();
        let left: Vec<String> = left.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        assert!(!left.iter().any(|name| name.contains("rows") || name.contains("plan")), "{left:?}");
        store.shop.close().await;
    });
}
