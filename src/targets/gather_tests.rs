//! Rows that come in any order become items in theirs, each under its own key.

use super::*;
use crate::base::{
    diagnostic::Diagnostics,
    shape::{FromNode, Lowering},
    source::Source as YamlText,
    yaml,
};

fn targets(text: &str) -> Targets {
    let source = YamlText::new("t", text);
    let mut problems = Diagnostics::new(source.clone());
    let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
    Targets::from_node(&node, &mut Lowering::new(&mut problems)).unwrap_or_else(|| panic!("{problems:?}"))
}

fn row(id: i64, name: &str) -> Value {
    Value::map([("id", Value::from(id)), ("name", Value::from(name))])
}

/// Keys of the items, and what is wrong.
fn gathered(targets: &Targets, rows: impl IntoIterator<Item = Value>) -> (Vec<String>, Vec<String>) {
    let (scope, folder) = (Scope::new(), tempfile::tempdir().unwrap());
    let sealer = Sealer::passing(Default::default()).unwrap();
    let key = targets.key.as_ref().map(names).unwrap_or_default();
    let mut gathering = Gathering::new(targets, key, &scope, &sealer, folder.path()).unwrap();
    for (number, row) in (2_u64..).zip(rows) {
        gathering.add(row, Some(number)).unwrap();
    }
    let (listing, faults) = gathering.finish(None).unwrap();
    let items = listing.items(targets, &scope, &sealer).unwrap();
    let keys = items.map(|item| item.unwrap().key.to_string()).collect();
    (keys, faults.kept().iter().map(ToString::to_string).collect())
}

const CSV: &str = "from: { csv: f, columns: { id: int, name: string } }\n";

#[test]
fn items_come_by_the_columns_that_order_them() {
    let targets = targets(&format!("{CSV}key: id\norder_by: [name, \"-id\"]\n"));
    let rows = [row(1, "b"), row(2, "a"), row(3, "b"), row(4, "a")];
    assert_eq!(gathered(&targets, rows), (vec!["4".into(), "2".into(), "3".into(), "1".into()], vec![]));
}

#[test]
fn a_key_that_is_there_twice_is_found_among_a_hundred_thousand() {
    let targets = targets(&format!("{CSV}key: id\n"));
    let rows = (0..100_000).map(|n| row(if n == 99_998 { 17 } else { n }, "x"));
    let (keys, faults) = gathered(&targets, rows);
    assert_eq!((keys.len(), faults), (100_000, vec!["lines 19 and 100000: the same `id` 2 times".to_owned()]));
}

#[test]
fn keys_that_are_there_twice_are_told_in_the_order_of_their_first_lines() {
    let targets = targets(&format!("{CSV}key: id\n"));
    // 0 … 49 999, and then the same from the end on; 7 is there a third time.
    let rows = (0..50_000).chain((0..50_000).rev()).chain([7]).map(|n| row(n, "x"));
    let (keys, faults) = gathered(&targets, rows);
    assert_eq!((keys.len(), faults.len()), (100_001, 50_000));
    let told = |n: u64| format!("lines {} and {}: the same `id` 2 times", n + 2, 100_001 - n);
    for (n, fault) in (0..).zip(&faults) {
        let expected = if n == 7 { "lines 9, 99994 and 100002: the same `id` 3 times".to_owned() } else { told(n) };
        assert_eq!(*fault, expected);
    }
}

#[test]
fn rows_of_a_group_are_one_item_wherever_they_stand() {
    let targets = targets(&format!("{CSV}group_by: {{ key: name, fold: caseless }}\nlone_groups: skip\n"));
    let rows = [row(1, "Ann"), row(2, "bob"), row(3, "ANN"), row(4, "cy"), row(5, "Bob")];
    assert_eq!(gathered(&targets, rows), (vec!["ann".into(), "bob".into()], vec![]));
}
