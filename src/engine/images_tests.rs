//! What one row says, by its images.

use super::*;
use crate::base::{json::Json, value::Data};

fn map(entries: &[(&str, i64)]) -> Map {
    entries.iter().map(|(k, v)| ((*k).into(), Value::from(*v))).collect()
}

fn change(before: Option<Map>, after: Option<Map>, by_rule: bool) -> RowChange {
    let table = TableName::parse("shop.things").unwrap();
    RowChange { table, key: map(&[("id", 1)]), before, after, by_rule, stamps: vec!["at".into()] }
}

/// As [`compare`], of a table that nothing is declared of.
fn said(change: &RowChange, now: Option<Map>) -> String {
    match compare(change, now.as_ref(), &|_| None) {
        Says::Ours => "ours".into(),
        Says::Before => "before".into(),
        Says::Neither(why) => why,
    }
}

#[test]
fn a_row_is_compared_in_the_columns_that_the_step_changed_and_not_in_its_stamps() {
    let (old, new) =
        (map(&[("id", 1), ("n", 1), ("m", 5), ("at", 1)]), map(&[("id", 1), ("n", 2), ("m", 5), ("at", 2)]));
    let update = change(Some(old.clone()), Some(new.clone()), false);
    assert_eq!(said(&update, Some(new)), "ours");
    assert_eq!(said(&update, Some(old)), "before");
    // Somebody else changed another column, and with it the stamp.
    assert_eq!(said(&update, Some(map(&[("id", 1), ("n", 2), ("m", 9), ("at", 7)]))), "ours");
    assert_eq!(said(&update, Some(map(&[("id", 1), ("n", 1), ("m", 9), ("at", 7)]))), "before");
    assert_eq!(
        said(&update, Some(map(&[("id", 1), ("n", 3), ("m", 5), ("at", 1)]))),
        "`shop.things` id 1: `n` was 1, should become 2, and is 3"
    );
    assert_eq!(said(&update, None), "`shop.things` id 1 is not there any more");
}

#[test]
fn the_document_null_is_told_from_nothing() {
    let with = |doc: Value| [("id".into(), Value::from(1)), ("doc".into(), doc)].into_iter().collect::<Map>();
    let document = || Value::from(Data::Json(Arc::new(Json::of(Value::NULL))));
    let update = change(Some(with(Value::NULL)), Some(with(document())), false);
    assert_eq!(update.deed(), Deed::Update);
    assert_eq!(said(&update, Some(with(Value::NULL))), "before");
    assert_eq!(said(&update, Some(with(document()))), "ours");
}

#[test]
fn a_new_row_is_told_by_its_key_and_a_removed_one_by_its_absence() {
    let row = map(&[("id", 1), ("n", 2), ("at", 2)]);
    let insert = change(None, Some(row.clone()), false);
    assert_eq!(said(&insert, None), "before");
    assert_eq!(said(&insert, Some(row.clone())), "ours");
    assert!(said(&insert, Some(map(&[("id", 1), ("n", 3), ("at", 2)]))).contains("should become 2, and is 3"));
    let delete = change(Some(row.clone()), None, false);
    assert_eq!(said(&delete, None), "ours");
    assert_eq!(said(&delete, Some(row)), "before");
    assert!(said(&delete, Some(map(&[("id", 1), ("n", 3), ("at", 2)]))).contains("was 2, should be gone, and is 3"));
}

#[test]
fn the_number_of_an_audit_row_may_belong_to_another_one_since() {
    let audit = change(None, Some(map(&[("id", 1), ("request", 77)])), true);
    assert_eq!(said(&audit, Some(map(&[("id", 1), ("request", 77)]))), "ours");
    assert_eq!(said(&audit, Some(map(&[("id", 1), ("request", 78)]))), "before");
    assert_eq!(said(&audit, None), "before");
}

#[test]
fn images_that_cannot_be_opened_prove_nothing() {
    let mut sealed = map(&[("id", 1), ("n", 2)]);
    sealed.insert("email".into(), Value::unknown());
    let insert = change(None, Some(sealed), false);
    assert!(said(&insert, Some(map(&[("id", 1), ("n", 2)]))).contains("sealed, and their key is not here"));
    assert!(said(&insert, None).contains("sealed"));
}
