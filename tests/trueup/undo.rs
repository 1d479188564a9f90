//! Taking back: whatever a playbook did to rows is what it was, later changes of others stay, and the undo of an undo makes
//! it again. Held against sequences of changes that nobody wrote by hand.

use super::{
    proof::figures::{Figures, size},
    servers::{Shop, block_on, dialect, mysql, postgres, request, said},
};
use indexmap::IndexMap;
use proptest::{
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value as Json, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicBool},
};
use trueup::{
    base::{
        identity::RunId,
        json as lossless,
        value::{Map, Value},
    },
    effect::{
        change::{RowChange, TableName},
        left::LeftAlone,
    },
    engine::{drive::Stopped, state::RunState, undo::left_alone},
    journal::words::End,
    ops::{
        self,
        apply::Carried,
        record::Record,
        undo::{Ready, Wish},
    },
    trial::{
        bench::On,
        snapshot::{Snapshot, differing, row_name},
    },
};

/// Sequences for each database; in every third somebody else changes rows before they are taken back.
const SEQUENCES: usize = 150;

/// Tables beside those of the world: a composite key with nulls, blobs and documents, and rows that hang on others.
const TABLES: [(&str, &str); 3] = [
    (
        "sqlite",
        "create table files (folder text not null, name text not null, content blob, meta json, size decimal text, seen timestamptz, primary key (folder, name));
         create table pages (id integer primary key autoincrement, folder text not null, name text not null, number integer not null, text text, foreign key (folder, name) references files on delete cascade);
         create table tickets (id integer primary key autoincrement, title text, shout text generated always as (upper(title)) stored, parent integer references tickets);",
    ),
    (
        "postgres",
        "create table files (folder text not null, name text not null, content bytea, meta json, size numeric, seen timestamptz, primary key (folder, name));
         create table pages (id bigserial primary key, folder text not null, name text not null, number integer not null, text text, foreign key (folder, name) references files on delete cascade);
         create table tickets (id bigint generated always as identity primary key, title text, shout text generated always as (upper(title)) stored, parent bigint references tickets);",
    ),
    (
        "mysql",
        "create table files (folder varchar(100) not null, name varchar(100) not null, content longblob, meta json, size decimal(40, 10) invisible, seen timestamp(6) null, primary key (folder, name));
         create table pages (id bigint auto_increment primary key, folder varchar(100) not null, name varchar(100) not null, number integer not null, text text, foreign key (folder, name) references files (folder, name) on delete cascade);
         create table tickets (id bigint auto_increment primary key, title varchar(255), shout varchar(255) generated always as (upper(title)) stored, parent bigint, foreign key (parent) references tickets (id));",
    ),
];

const ROWS: &str = "
insert into owners (id, name) values (1, 'Ada'), (2, 'Bob');
insert into things (id, name, state, amount, price, count, weight, flag, day, at, moment, uid, email, note, doc, owner_id, created_at, updated_at) values
 (1, 'lamp', 0, '1.50', '1.500', 1, 0.5, true, '2024-02-29', '2024-02-29 12:00:00.000001', '2024-07-01 12:00:00+00', '6f1c1c5e-0000-4000-8000-000000000001', 'a@b.example', null, '{\"ready\": true, \"n\": 1}', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00'),
 (2, 'desk', 1, null, null, null, null, null, null, null, null, null, null, 'it''s', '{}', null, '2024-01-01 00:00:00', '2024-01-01 00:00:00'),
 (3, 'chair', 2, '-0.01', '123456789012345678901234567890.5', -5, 1e10, false, '0001-01-01', '9999-12-31 23:59:59.999999', '1970-01-01 00:00:00+00', null, null, '', null, 2, '2024-01-01 00:00:00', '2024-01-01 00:00:00');
insert into parts (id, thing_id, name, position, created_at, updated_at) values
 (1, 1, 'foot', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00'), (2, 1, 'arm', 2, '2024-01-01 00:00:00', '2024-01-01 00:00:00'),
 (3, 2, 'leg', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00'), (4, 3, 'eye', 7, '2024-01-01 00:00:00', '2024-01-01 00:00:00');
insert into prices (code, year, amount) values ('A', 2024, '1.00'), ('A', 2025, '2.00'), ('B', 2025, '3.30');
insert into tickets (title) values ('one');
insert into tickets (title, parent) values ('two', 1), ('three', 2), (null, null);
";
const BLOBS: [(&str, &str); 3] = [
    (
        "sqlite",
        "insert into files values ('a', 'x', x'00ff10', '{\"k\":  1.0}', '1.10', '2024-07-01 12:00:00+00'), ('a', 'y', null, null, null, null), ('', 'z', x'', '[1, 2]', '0', null);",
    ),
    (
        "postgres",
        "insert into files values ('a', 'x', '\\x00ff10', '{\"k\":  1.0}', '1.10', 'infinity'), ('a', 'y', null, null, null, null), ('', 'z', '\\x', '[1, 2]', 'NaN', '-infinity');",
    ),
    (
        "mysql",
        "insert into files (folder, name, content, meta, size, seen) values ('a', 'x', x'00ff10', '{\"k\":  1.0}', '1.10', '2024-07-01 12:00:00'), ('a', 'y', null, null, null, null), ('', 'z', x'', '[1, 2]', '0', null);",
    ),
];
const LINES: &str =
    "insert into pages (id, folder, name, number, text) values (1, 'a', 'x', 1, 'first'), (2, 'a', 'x', 2, null);";

/// The project knows the tables.
fn facts(text: String) -> String {
    let more = r#""files":{"key":["folder","name"],"audit":false},"pages":{"key":"id","audit":false},"tickets":{"key":"id","audit":false,"generated":["shout"]},"prices":{"#;
    assert!(text.contains(r#""prices":{"#), "{text}");
    text.replacen(r#""prices":{"#, more, 1)
}

/// The text for this kind of database.
fn of(on: &On, texts: [(&'static str, &'static str); 3]) -> &'static str {
    texts.into_iter().find(|(name, _)| *name == on.word()).unwrap().1
}

/// No row anywhere, and numbers from 1 on.
const EMPTY: [(&str, &str); 3] = [
    (
        "sqlite",
        "delete from pages; delete from files; update tickets set parent = null; delete from tickets; delete from prices; delete from parts; delete from things; delete from owners; delete from notes; delete from audits; delete from sqlite_sequence;",
    ),
    (
        "postgres",
        "truncate pages, files, tickets, prices, parts, things, owners, notes, audits restart identity cascade",
    ),
    (
        "mysql",
        "set foreign_key_checks = 0; truncate pages; truncate files; truncate tickets; truncate prices; truncate parts; truncate things; truncate owners; truncate notes; truncate audits;",
    ),
];

pub(super) async fn open(on: &On) -> Shop {
    let shop = Shop::open(on, "http://127.0.0.1:9", facts).await;
    for text in [of(on, TABLES), ROWS, of(on, BLOBS), LINES] {
        shop.sql(text).await;
    }
    shop
}

fn any_of(values: &[Json]) -> BoxedStrategy<Json> {
    select(values.to_vec()).boxed()
}

fn thing() -> impl Strategy<Value = Json> {
    let column = prop_oneof![
        any_of(&[json!("lamp"), json!("it's \"x\";--"), json!("ünïcode\n")]).prop_map(|v| ("name", v)),
        any_of(&[json!("new"), json!("open"), json!("sold")]).prop_map(|v| ("state", v)),
        any_of(&[json!(null), json!("1.5"), json!("7.25")]).prop_map(|v| ("amount", v)),
        any_of(&[json!(null), json!("0.000000001"), json!("1.500")]).prop_map(|v| ("price", v)),
        any_of(&[json!(null), json!(0), json!(-7)]).prop_map(|v| ("count", v)),
        any_of(&[json!(null), json!(true), json!(false)]).prop_map(|v| ("flag", v)),
        any_of(&[json!(null), json!("2024-03-31")]).prop_map(|v| ("day", v)),
        any_of(&[json!(null), json!("2024-03-31T09:30:00.5Z")]).prop_map(|v| ("moment", v)),
        any_of(&[json!(null), json!("x@y.example")]).prop_map(|v| ("email", v)),
        any_of(&[json!(null), json!(""), json!("note")]).prop_map(|v| ("note", v)),
        any_of(&[
            json!({ "merge": { "ready": false } }),
            json!({ "merge": { "n": [1, { "x": null }] } }),
            json!({ "remove": ["n"] })
        ])
        .prop_map(|v| ("doc", v)),
    ];
    (1..4_i64, prop::collection::vec(column, 1..5)).prop_map(|(id, set)| {
        let set: serde_json::Map<String, Json> = set.into_iter().map(|(c, v)| (c.to_owned(), v)).collect();
        json!({ "row": { "table": "shop.things", "key": { "id": id }, "set": set } })
    })
}

fn part() -> impl Strategy<Value = Json> {
    let name = any_of(&[json!("foot"), json!("x y"), json!("z")]);
    prop_oneof![
        (1..9_i64, name.clone(), 1..4_i64).prop_map(|(id, name, position)| {
            json!({ "row": { "table": "shop.parts", "key": { "id": id }, "set": { "name": name }, "create": { "thing_id": 3, "position": position + id * 10 } } })
        }),
        (1..9_i64).prop_map(|id| json!({ "row": { "table": "shop.parts", "key": { "id": id }, "ensure": "absent" } })),
        name.prop_map(|name| json!({ "rows": { "table": "shop.parts", "where": { "thing_id": [1, 3] }, "set": { "name": name }, "touches": "0..50" } })),
        (0..3_i64).prop_map(|at| json!({ "rows": { "table": "shop.parts", "where": { "position": { "at_least": at + 2 } }, "ensure": "absent", "touches": "0..50" } })),
    ]
}

/// Free statements of one declared table, taken back by their images.
fn statement() -> impl Strategy<Value = Json> {
    select(vec![
        "update prices set amount = amount + 1 where year >= 2025 -- some",
        "delete from prices where code = 'A'",
        "insert into prices (code, year, amount) values ('C', 2030, '5.00') on conflict (code, year) do update set amount = '6.00'",
        "update parts set position = position + 100 where thing_id = 1",
        "delete from tickets where title is not null",
        "insert into tickets (title) values ('made')",
        "update tickets set title = 'four' where title is null",
        "update tickets set parent = null where parent is not null",
        "update files set size = null, meta = '[]' where folder = 'a'",
        "insert into files (folder, name, content, meta) values ('b', 'n', null, '{\"a\": {\"b\": 1.50}}')",
    ])
    .prop_map(|sql| {
        // SQLite would count a decimal text as a float.
        let sql = sql.replace("amount + 1", "'8.80'");
        json!({ "sql": { "db": "shop", "sql": sql, "touches": "0..50" }, "undo": "automatic", "repeatable": "a test" })
    })
}

fn file() -> impl Strategy<Value = Json> {
    let key = select(vec![("a", "x"), ("a", "y"), ("", "z"), ("n", "ew")]);
    prop_oneof![
        (key.clone(), any_of(&[json!("1.1"), json!("1.100"), json!(null)])).prop_map(|((folder, name), size)| {
            json!({ "row": { "table": "shop.files", "key": { "folder": folder, "name": name }, "set": { "size": size }, "create": { "meta": [1, { "a": null }] } } })
        }),
        key.prop_map(|(folder, name)| json!({ "row": { "table": "shop.files", "key": { "folder": folder, "name": name }, "ensure": "absent" } })),
        any_of(&[json!("text"), json!(null)]).prop_map(|text| {
            json!({ "row": { "table": "shop.pages", "key": { "id": 9 }, "set": { "text": text }, "create": { "folder": "a", "name": "x", "number": 3 } } })
        }),
        Just(json!({ "rows": { "table": "shop.pages", "where": { "folder": "a" }, "ensure": "absent", "touches": "0..50" } })),
    ]
}

fn step() -> impl Strategy<Value = Json> {
    prop_oneof![3 => thing().boxed(), 3 => part().boxed(), 3 => statement().boxed(), 2 => file().boxed()]
}

/// A whole playbook. JSON, which is YAML.
fn playbook() -> impl Strategy<Value = String> {
    let list = prop::collection::vec(
        prop_oneof![
            4 => step().boxed(),
            1 => prop::collection::vec(step(), 1..4).prop_map(|steps| json!({ "block": { "transaction": "shop", "steps": steps } })).boxed(),
        ],
        1..6,
    );
    list.prop_map(|steps| {
        let tables = ["things", "parts", "prices", "files", "pages", "tickets", "audits", "owners"];
        json!({
            "trueup": "v1", "name": "undo/playbook", "version": 1, "title": "Some changes",
            "uses": { "shop": { "read": tables, "write": ["things", "parts", "prices", "files", "pages", "tickets", "audits"] } },
            "steps": steps,
        })
        .to_string()
    })
}

/// Applies a playbook; nothing when it is refused or has nothing to do.
pub(super) async fn applied(shop: &Shop, record: &Record, text: &str) -> Option<(RunId, Carried)> {
    let prepared = shop.prepare(text, &[]).await.unwrap_or_else(|f| panic!("{}\n{text}", said(&f)));
    let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.ok()?;
    if plan.items[0].stop.is_some() || plan.is_empty() {
        return None;
    }
    let pause = AtomicBool::new(false);
    let carried =
        ops::apply::apply(&shop.here, record, &shop.opened, &prepared.setting, &plan, &|_| {}, &pause).await.unwrap();
    // A row that the database numbers has another number than in the plan; a later step that meets it ends as drifted, and
    // what was done until then is taken back all the same.
    assert!(
        matches!(carried.stopped, Stopped::Closed(End::Changed | End::Drifted)),
        "{:?}\n{text}",
        carried.state.closed
    );
    if !carried.state.items["-"].changed() {
        return None;
    }
    Some((prepared.setting.run.id, carried))
}

fn wish() -> Wish {
    Wish { actor: Some("bea".into()), ..Wish::default() }
}

/// What came of an undo: its run, and the rows that were left alone.
pub(super) struct Undone {
    run: RunId,
    state: RunState,
    pub(super) left: Vec<LeftAlone>,
}

pub(super) async fn taken_back(shop: &Shop, record: &Record, run: RunId) -> Result<Undone, ops::Failure> {
    let ready: Ready = ops::undo::prepare(&shop.here, record, &shop.opened, run, &wish()).await?;
    let plan = ops::undo::plan(&ready, &|_| {}).await?;
    let pause = AtomicBool::new(false);
    let carried = ops::undo::undo(&shop.here, record, &ready, &plan, &wish(), &|_| {}, &pause).await?;
    let setting = &ready.prepared.setting;
    let left = left_alone(&setting.outline, &carried.state, "-");
    assert_eq!(ops::undo::left_alone(&plan), left.len(), "the plan shows what is left alone");
    Ok(Undone { run: setting.run.id, state: carried.state, left })
}

/// What differs, by-products apart: audit rows, what the trigger notes, the time of the last change.
/// Rows that cascades took along (`also`) are listed in the plan as not taken back.
fn rest(now: &Snapshot, then: &Snapshot, also: &[String]) -> Vec<String> {
    let besides =
        |table: &TableName| matches!(&*table.table, "audits" | "notes") || also.iter().any(|t| *t == table.to_string());
    let one = |change: RowChange| {
        let columns: Vec<String> = differing(&change)
            .into_iter()
            .filter(|(c, ..)| &**c != "updated_at" || change.before.is_none() || change.after.is_none())
            .map(|(c, old, new)| format!("{c}: {} → {}", old.bare(), new.bare()))
            .collect();
        (!columns.is_empty()).then(|| format!("{}: {}", row_name(&change), columns.join(", ")))
    };
    now.since(then).into_iter().filter(|c| !besides(&c.table)).filter_map(one).collect()
}

#[derive(Debug, Default)]
struct Tally {
    restored: usize,
    made_again: usize,
    drifted: usize,
    left: usize,
    kept: usize,
    refused: usize,
    cascades: usize,
}

async fn plain(shop: &Shop, record: &Record, text: &str, tally: &mut Tally) {
    let before = shop.snapshot().await;
    let Some((run, carried)) = applied(shop, record, text).await else {
        tally.refused += 1;
        return;
    };
    let steps = carried.state.items["-"].steps.values();
    let also: Vec<String> = steps.flat_map(|step| &step.also).map(|table| table.to_string()).collect();
    let after = shop.snapshot().await;
    let undone = taken_back(shop, record, run).await.unwrap_or_else(|f| panic!("{}\n{text}", said(&f)));
    let wrong = rest(&shop.snapshot().await, &before, &also);
    assert_eq!(undone.state.end(), End::Changed, "{:?}\n{text}", undone.state.closed);
    assert!(wrong.is_empty() && undone.left.is_empty(), "not as before\n{wrong:#?}\n{:#?}\n{text}", undone.left);
    tally.restored += 1;
    let twice = taken_back(shop, record, run).await.err().map(|f| said(&f)).unwrap_or_default();
    assert!(twice.contains("was taken back already, by bea"), "{twice}");
    if tally.restored.is_multiple_of(2) {
        let again = taken_back(shop, record, undone.run).await.unwrap_or_else(|f| panic!("{}\n{text}", said(&f)));
        let wrong = rest(&shop.snapshot().await, &after, &also);
        assert!(wrong.is_empty() && again.left.is_empty(), "not as after the run\n{wrong:#?}\n{text}");
        tally.made_again += 1;
        let last = taken_back(shop, record, again.run).await.unwrap_or_else(|f| panic!("{}\n{text}", said(&f)));
        assert!(rest(&shop.snapshot().await, &before, &also).is_empty() && last.left.is_empty(), "{text}");
    }
    if also.iter().any(|table| table == "shop.pages") {
        tally.cascades += 1;
        shop.sql(&format!("delete from pages; {LINES}")).await;
    }
}

/// What somebody else does to a row that the run changed, in SQL, where the row is there.
fn meddling(change: &RowChange, which: u8) -> Option<String> {
    let key: Vec<String> =
        change.key.iter().map(|(c, v)| format!("{c} = '{}'", v.bare().replace('\'', "''"))).collect();
    let set = match (&*change.table.table, which % 4) {
        ("things", 0) => "note = 'by somebody', count = 77",
        ("things", 1) => "price = '4.4'",
        ("things", 2) => "amount = '9.99', flag = null, state = 5",
        ("parts", 0 | 1) => "name = 'by somebody'",
        ("parts", 2) => "position = position + 1000",
        ("prices", _) => "amount = '9.99'",
        ("files", 0 | 1) => "size = '3'",
        ("files", 2) => "meta = '{\"by\": \"somebody\"}'",
        ("pages", _) => "number = number + 50",
        ("tickets", 0 | 1) => "title = 'by somebody'",
        _ => return None,
    };
    Some(format!("update {} set {set} where {};", change.table.table, key.join(" and ")))
}

/// The rows of a database as a model, on which an undo is played with pencil and paper.
struct Model(IndexMap<(String, String), Map>);

impl Model {
    fn of(snapshot: &Snapshot) -> Model {
        let rows = snapshot.tables.iter().flat_map(|(table, shot)| {
            shot.rows.values().map(|row| {
                (Model::name(table, &shot.key.iter().map(|c| row[c].clone()).collect::<Vec<_>>()), row.clone())
            })
        });
        Model(rows.collect())
    }

    fn name(table: &TableName, key: &[Value]) -> (String, String) {
        (table.to_string(), key.iter().map(|v| v.bare().into_owned()).collect::<Vec<_>>().join("/"))
    }

    /// Takes one change back; false when the row is not as the run left it.
    fn take_back(&mut self, change: &RowChange) -> bool {
        let name = Model::name(&change.table, &change.key.values().cloned().collect::<Vec<_>>());
        let besides = |c: &str| matches!(c, "updated_at" | "created_at" | "shout");
        let same = |a: &Map, b: &Map| a.iter().all(|(c, v)| besides(c) || b.get(c) == Some(v));
        let found = self.0.get(&name).cloned();
        match (&change.before, &change.after, found) {
            (None, Some(_), None) => true,
            (None, Some(ours), Some(found)) if same(ours, &found) => {
                // What hangs on a row goes with it, unless the run knows of it.
                let hanging = self.0.iter().any(|((table, _), row)| {
                    table == "shop.pages"
                        && name.0 == "shop.files"
                        && row.get("folder") == ours.get("folder")
                        && row.get("name") == ours.get("name")
                });
                if !hanging {
                    self.0.shift_remove(&name);
                }
                !hanging
            }
            (Some(before), Some(ours), Some(mut found)) => {
                let changed: Vec<&Arc<str>> =
                    before.keys().filter(|c| !besides(c) && bytes(&before[*c]) != bytes(&ours[*c])).collect();
                if changed.iter().any(|c| found[*c] != ours[*c] && found[*c] != before[*c]) {
                    return false;
                }
                changed.into_iter().for_each(|c| drop(found.insert(c.clone(), before[c].clone())));
                self.0.insert(name, found);
                true
            }
            (Some(before), None, None) => {
                self.0.insert(name, before.clone());
                true
            }
            (Some(before), None, Some(found)) => same(before, &found),
            _ => false,
        }
    }
}

fn bytes(value: &Value) -> String {
    lossless::encode(&Value::from(value.data.clone()))
}

/// Somebody changes rows after the run; then it is taken back.
async fn drifted(shop: &Shop, record: &Record, text: &str, dice: &[u8], tally: &mut Tally) {
    let start = shop.snapshot().await;
    let Some((run, carried)) = applied(shop, record, text).await else {
        tally.refused += 1;
        return;
    };
    let steps: Vec<Vec<RowChange>> = carried.state.items["-"]
        .steps
        .values()
        .map(|s| s.changes.iter().filter(|c| !c.by_rule).cloned().collect())
        .collect();
    let all: Vec<&RowChange> = steps.iter().flatten().collect();
    let mut sql = String::new();
    for (index, die) in dice.iter().enumerate() {
        let change = all[usize::from(*die) % all.len()];
        sql.push_str(&meddling(change, die.wrapping_add(index as u8)).unwrap_or_default());
    }
    shop.sql(&sql).await;
    let now = shop.snapshot().await;
    let mut model = Model::of(&now);
    let mut expected: Vec<String> = Vec::new();
    for step in steps.iter().rev() {
        for change in step.iter().rev().filter(|c| c.deed() != trueup::effect::change::Deed::Nothing) {
            if !model.take_back(change) {
                expected.push(format!("{} {}", change.table, change.key_text()));
            }
        }
    }
    let undone = taken_back(shop, record, run).await.unwrap_or_else(|f| panic!("{}\n{text}\n{sql}", said(&f)));
    let found: BTreeSet<String> = undone.left.iter().map(LeftAlone::subject).collect();
    let wanted: BTreeSet<String> = expected.iter().cloned().collect();
    assert_eq!(found, wanted, "left alone\n{text}\n{sql}\n{:#?}", undone.left);
    let end = shop.snapshot().await;
    for (table, shot) in &end.tables {
        for row in shot.rows.values() {
            let key: Vec<Value> = shot.key.iter().map(|c| row[c].clone()).collect();
            if matches!(&*table.table, "audits" | "notes") {
                continue;
            }
            let modelled =
                model.0.get(&Model::name(table, &key)).unwrap_or_else(|| panic!("{table} {key:?}\n{text}\n{sql}"));
            for (column, value) in row.iter().filter(|(c, _)| !matches!(&***c, "updated_at" | "shout")) {
                assert_eq!(bytes(value), bytes(&modelled[column]), "{table} {key:?} {column}\n{text}\n{sql}");
            }
        }
    }
    let rows = |s: &Snapshot| {
        s.tables
            .iter()
            .filter(|(t, _)| !matches!(&*t.table, "audits" | "notes"))
            .map(|(_, s)| s.rows.len())
            .sum::<usize>()
    };
    assert_eq!(
        rows(&end),
        model.0.keys().filter(|(t, _)| !matches!(&**t, "shop.audits" | "shop.notes")).count(),
        "{text}\n{sql}"
    );
    let foreseen = if wanted.is_empty() { End::Changed } else { End::Drifted };
    if undone.state.items["-"].changed() || !wanted.is_empty() {
        assert_eq!(undone.state.end(), foreseen, "{text}\n{sql}");
    }
    tally.drifted += 1;
    tally.left += usize::from(!wanted.is_empty());
    tally.kept += usize::from(wanted.is_empty() && now.text() != start.text() && !sql.is_empty());
}

/// The same sequences on every run and every database: a failure can be looked at again.
fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[26; 32]))
}

/// The sequences of one half.
fn hold(on: &On, half: usize, sequences: usize) {
    block_on(async {
        let (mut runner, mut tally) = (runner(), Tally::default());
        let strategy = (playbook(), prop::collection::vec(any::<u8>(), 1..4));
        let shop = open(on).await;
        let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
        for index in 0..sequences {
            let (text, dice) = strategy.new_tree(&mut runner).unwrap().current();
            let text = dialect(on, &text);
            if index * 2 / sequences != half {
                continue;
            }
            if index % 3 == 2 {
                drifted(&shop, &record, &text, &dice, &mut tally).await;
                // What others changed would be in the way of the next sequences.
                for text in [of(on, EMPTY), ROWS, of(on, BLOBS), LINES] {
                    shop.sql(text).await;
                }
            } else {
                plain(&shop, &record, &text, &mut tally).await;
            }
        }
        record.journal.close().await.unwrap();
        shop.close().await;
        // Sequences that are refused or do nothing prove little.
        assert!(tally.restored >= sequences / 6 && tally.made_again == tally.restored / 2, "{tally:?}");
        assert!(tally.left >= sequences / 24 && tally.kept >= sequences / 100, "{tally:?}");
        println!("{tally:?}");
        let mut figures = Figures::new("T26", format!("random changes are taken back and made again, {}", on.word()));
        (figures.faults, figures.points) = (tally.left + tally.kept, sequences / 2);
        figures.end(sequences / 24);
    });
}

/// What others hung on a row since it was made, and what took the key of a row that was removed, stays.
fn keeps_what_others_did(on: &On) {
    block_on(async {
        let shop = open(on).await;
        let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
        let text = r#"{ trueup: v1, name: undo/playbook, version: 1, title: Some changes,
            uses: { shop: { read: [files, prices, tickets], write: [files, prices, tickets] } },
            steps: [
              { row: { table: shop.files, key: { folder: n, name: ew }, create: { size: "1.10" } } },
              { row: { table: shop.files, key: { folder: n, name: o }, create: {} } },
              { row: { table: shop.prices, key: { code: A, year: 2024 }, ensure: absent } },
              { sql: { db: shop, sql: "delete from tickets where title is not null", touches: 3 }, undo: automatic, repeatable: a test } ] }"#;
        let (run, _) = applied(&shop, &record, &dialect(on, text)).await.unwrap();
        shop.sql("insert into pages (id, folder, name, number) values (70, 'n', 'ew', 1); insert into prices values ('A', 2024, '5.55');")
            .await;
        let ready = ops::undo::prepare(&shop.here, &record, &shop.opened, run, &wish()).await.unwrap();
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap();
        let effects = plan.items[0].steps.iter().flat_map(|step| &step.effects);
        let why: Vec<&str> = effects
            .filter_map(|e| if let trueup::plan::Effect::LeftAlone { rows } = e { Some(rows) } else { None })
            .flatten()
            .map(|row| row.why.as_str())
            .collect();
        assert_eq!(
            why,
            ["another row has its key now", "rows that hang on it would go or change with it: 1 of shop.pages",]
        );
        let undone = taken_back(&shop, &record, run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let left: Vec<String> = undone.left.iter().map(|row| format!("{}: {}", row.subject(), row.why)).collect();
        assert_eq!(
            left,
            [
                "shop.prices code A, year 2024: another row has its key now",
                "shop.files folder n, name ew: the plan leaves it alone: rows that hang on it would go or change with it: 1 of shop.pages",
            ]
        );
        let now = shop.snapshot().await;
        let rows = |name: &str| &now.tables.iter().find(|(table, _)| &*table.table == name).unwrap().1.rows;
        assert!(rows("files").contains_key("n/ew") && !rows("files").contains_key("n/o"));
        assert_eq!(
            (rows("pages").len(), rows("tickets").len()),
            (3, 4),
            "numbers and parents come again in their order"
        );
        assert_eq!(rows("prices")["A/2024"]["amount"].bare(), "5.55");
        record.journal.close().await.unwrap();
        shop.close().await;
    });
}

/// What a trigger added below a row goes with the row; what others have added there since keeps the row where it is.
fn takes_along_only_what_came_with_it(on: &On) {
    let trigger = match on {
        On::Sqlite => {
            "create trigger first_page after insert on files begin insert into pages (folder, name, number) values (new.folder, new.name, 1); end;"
        }
        On::Postgres(_) => {
            "select setval('pages_id_seq', 100); create function first_page() returns trigger language plpgsql as $$ begin insert into pages (folder, name, number) values (new.folder, new.name, 1); return null; end $$; create trigger first_page after insert on files for each row execute function first_page();"
        }
        On::Mysql(_) => {
            "create trigger first_page after insert on files for each row insert into pages (folder, name, number) values (new.folder, new.name, 1);"
        }
    };
    block_on(async {
        let shop = open(on).await;
        shop.sql(trigger).await;
        let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
        let text = r#"{ trueup: v1, name: undo/playbook, version: 1, title: Some files,
            uses: { shop: { read: [files], write: [files] } },
            steps: [
              { row: { table: shop.files, key: { folder: n, name: kept }, create: {} } },
              { row: { table: shop.files, key: { folder: n, name: gone }, create: {} } },
              { sql: { db: shop, sql: "insert into files (folder, name) values ('n', 'free')", touches: 1 }, undo: automatic, repeatable: a test },
              { sql: { db: shop, sql: "insert into files (folder, name) values ('n', 'freed')", touches: 1 }, undo: automatic, repeatable: a test } ] }"#;
        let (run, _) = applied(&shop, &record, &dialect(on, text)).await.unwrap();
        for name in ["kept", "free"] {
            shop.sql(&format!(
                "insert into pages (folder, name, number, text) values ('n', '{name}', 2, 'of somebody');"
            ))
            .await;
        }
        let undone = taken_back(&shop, &record, run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let left: Vec<String> = undone.left.iter().map(LeftAlone::subject).collect();
        let now = shop.snapshot().await;
        let rows = |name: &str| &now.tables.iter().find(|(table, _)| &*table.table == name).unwrap().1.rows;
        let of_somebody = rows("pages").values().filter(|page| page["text"].bare() == "of somebody");
        assert_eq!(of_somebody.count(), 2, "{}: {left:?}", on.word());
        let there =
            ["kept", "gone", "free", "freed"].map(|name| rows("files").contains_key(format!("n/{name}").as_str()));
        assert_eq!(there, [true, false, true, false], "{}: {left:?}", on.word());
        assert_eq!(left, ["shop.files folder n, name free", "shop.files folder n, name kept"], "{}", on.word());
        record.journal.close().await.unwrap();
        shop.close().await;
    });
}

#[test]
fn what_others_added_below_a_row_that_a_trigger_filled_stays_on_sqlite() {
    takes_along_only_what_came_with_it(&On::Sqlite);
}

#[test]
fn what_others_added_below_a_row_that_a_trigger_filled_stays_on_postgres() {
    takes_along_only_what_came_with_it(&On::Postgres(postgres()));
}

#[test]
fn what_others_added_below_a_row_that_a_trigger_filled_stays_on_mariadb() {
    takes_along_only_what_came_with_it(&On::Mysql(mysql()));
}

/// A row of which a trigger makes something else than it was is left as it is, and that is said; what is beside it goes back.
fn is_not_taken_back_by_halves(on: &On) {
    let trigger = match on {
        On::Sqlite => {
            "create trigger dearer after update on prices begin update prices set amount = printf('%.2f', amount + 1) where code = new.code and year = new.year; end;"
        }
        On::Postgres(_) => {
            "create function dearer() returns trigger language plpgsql as $$ begin new.amount := new.amount + 1; return new; end $$; create trigger dearer before update on prices for each row execute function dearer();"
        }
        On::Mysql(_) => "create trigger dearer before update on prices for each row set new.amount = new.amount + 1;",
    };
    block_on(async {
        let shop = open(on).await;
        shop.sql("insert into prices values ('T', 2024, '5.00');").await;
        shop.sql(trigger).await;
        let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
        let text = r#"{ trueup: v1, name: undo/playbook, version: 1, title: Some changes,
            uses: { shop: { read: [files, prices], write: [files, prices] } },
            steps: [
              { row: { table: shop.files, key: { folder: n, name: o }, create: {} } },
              { row: { table: shop.prices, key: { code: T, year: 2024 }, set: { amount: "8.00" } } } ] }"#;
        let (run, _) = applied(&shop, &record, &dialect(on, text)).await.unwrap();
        let ready = ops::undo::prepare(&shop.here, &record, &shop.opened, run, &wish()).await.unwrap();
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap();
        let effects = plan.items[0].steps.iter().flat_map(|step| &step.effects);
        let why: Vec<&str> = effects
            .filter_map(|e| if let trueup::plan::Effect::LeftAlone { rows } = e { Some(rows) } else { None })
            .flatten()
            .map(|row| row.why.as_str())
            .collect();
        assert_eq!(
            why,
            ["`amount` would become 6.00 instead of 5.00: a trigger, a rule or the type of the column changes it"]
        );
        let undone = taken_back(&shop, &record, run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(undone.left.len(), 1);
        let now = shop.snapshot().await;
        let rows = |name: &str| &now.tables.iter().find(|(table, _)| &*table.table == name).unwrap().1.rows;
        assert_eq!(rows("prices")["T/2024"]["amount"].bare(), "9.00");
        assert!(!rows("files").contains_key("n/o"));
        record.journal.close().await.unwrap();
        if !matches!(on, On::Sqlite) {
            shop.sql(if matches!(on, On::Mysql(_)) { "drop trigger dearer;" } else { "drop function dearer cascade;" })
                .await;
        }
        shop.close().await;
    });
}

#[test]
fn what_a_trigger_makes_something_else_of_is_not_taken_back_on_sqlite() {
    is_not_taken_back_by_halves(&On::Sqlite);
}

#[test]
fn what_a_trigger_makes_something_else_of_is_not_taken_back_on_postgres() {
    is_not_taken_back_by_halves(&On::Postgres(postgres()));
}

#[test]
fn what_a_trigger_makes_something_else_of_is_not_taken_back_on_mariadb() {
    is_not_taken_back_by_halves(&On::Mysql(mysql()));
}

#[test]
fn what_others_did_since_is_kept_on_sqlite() {
    keeps_what_others_did(&On::Sqlite);
}

#[test]
fn what_others_did_since_is_kept_on_postgres() {
    keeps_what_others_did(&On::Postgres(postgres()));
}

#[test]
fn what_each_of_seventy_five_runs_did_is_taken_back_and_made_again_on_sqlite() {
    hold(&On::Sqlite, 0, SEQUENCES);
}

#[test]
fn what_each_of_seventy_five_more_runs_did_is_taken_back_and_made_again_on_sqlite() {
    hold(&On::Sqlite, 1, SEQUENCES);
}

#[test]
fn what_each_of_seventy_five_runs_did_is_taken_back_and_made_again_on_postgres() {
    hold(&On::Postgres(postgres()), 0, SEQUENCES);
}

#[test]
fn what_each_of_seventy_five_more_runs_did_is_taken_back_and_made_again_on_postgres() {
    hold(&On::Postgres(postgres()), 1, SEQUENCES);
}

#[test]
fn what_others_did_since_is_kept_on_mariadb() {
    keeps_what_others_did(&On::Mysql(mysql()));
}

#[test]
fn what_each_of_many_runs_did_is_taken_back_and_made_again_on_mariadb() {
    hold(&On::Mysql(mysql()), 0, size(30, SEQUENCES));
}

#[test]
fn what_each_of_many_more_runs_did_is_taken_back_and_made_again_on_mariadb() {
    hold(&On::Mysql(mysql()), 1, size(30, SEQUENCES));
}
