//! Values in JSON documents: natural JSON, nothing hidden in clear.
//!
//! Decimals are numbers with their digits; texts, dates, times, uuids and bytes are texts; a personal or secret value is
//! `"(personal)"` or `"(secret)"`; an unknown is `{"unknown": "known after apply"}`.

use crate::{
    base::value::{Data, Map, Value},
    effect::change::{Deed, RowChange},
    table::facts::Facts,
};
use std::sync::Arc;

/// One value.
pub fn of(value: &Value) -> Value {
    if let Data::Unknown(why) = &value.data {
        return Value::map([("unknown", Value::text(why.clone()))]);
    }
    if value.marks.hidden() && !value.is_null() {
        return Value::text(value.plain());
    }
    match &value.data {
        Data::Json(json) => of(json.tree()),
        Data::List(values) => Value::list(values.iter().map(of)),
        Data::Map(entries) => of_map(entries),
        data => data.clone().into(),
    }
}

/// Named values.
pub fn of_map(entries: &Map) -> Value {
    Value::map(entries.iter().map(|(name, value)| (name.clone(), of(value))))
}

/// A text, or null.
pub fn maybe(text: Option<impl Into<Arc<str>>>) -> Value {
    text.map_or(Value::NULL, Value::text)
}

/// A number of things.
pub fn count(n: usize) -> Value {
    i64::try_from(n).unwrap_or(i64::MAX).into()
}

/// Texts.
pub fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Value {
    Value::list(texts.into_iter().map(|text| Value::text(text.as_ref())))
}

/// A row change: table, key, deed, the columns that differ with old and new, the whole row before and after.
pub fn row(change: &RowChange, facts: Option<&Facts>) -> Value {
    let named = |column: &str, value: &Value| {
        let value = facts.map_or_else(|| value.clone(), |f| f.named(column, value.clone()).marked(f.marks(column)));
        of(&value)
    };
    let all = |row: &Map| Value::map(row.iter().map(|(column, value)| (column.clone(), named(column, value))));
    let deed = match change.deed() {
        Deed::Insert => "insert",
        Deed::Update => "update",
        Deed::Delete => "delete",
        Deed::Nothing => "nothing",
    };
    let columns = change.differing().into_iter().map(|(column, old, new)| {
        // A field of a thing behind an API may be null, or not there at all.
        let there = |side: &Option<Map>| side.as_ref().is_none_or(|side| side.contains_key(&column));
        let sides = [("old", &old, there(&change.before)), ("new", &new, there(&change.after))];
        let sides =
            sides.into_iter().filter(|(.., there)| *there).map(|(side, value, _)| (side, named(&column, value)));
        (column.clone(), Value::map(sides))
    });
    Value::map([
        ("table", Value::text(change.table.to_string())),
        ("key", all(&change.key)),
        ("deed", deed.into()),
        ("by_rule", change.by_rule.into()),
        ("stamps", texts(&change.stamps)),
        ("columns", Value::map(columns)),
        ("before", change.before.as_ref().map_or(Value::NULL, all)),
        ("after", change.after.as_ref().map_or(Value::NULL, all)),
    ])
}
