//! Changes of rows, as data: which rows, under which guard, to what. Values are as stored; nothing is carried out here.

use crate::{
    base::{
        json::Json,
        source::Span,
        value::{Data, Map, Value},
    },
    effect::change::TableName,
    read::expect::Touches,
    table::condition::Condition,
};
use indexmap::IndexMap;
use std::sync::Arc;

/// A change of one or several rows of one table.
#[derive(Clone, Debug)]
pub struct Change {
    /// The table.
    pub table: TableName,
    /// Which rows.
    pub pick: Pick,
    /// Columns that must still hold these values.
    pub guard: Vec<Guard>,
    /// The guard is looked at also when the row is already as wanted.
    pub claim: bool,
    /// What the rows are to be.
    pub wanted: Wanted,
    /// How many rows are right.
    pub touches: Touches,
    /// Write the application's audit row, where the table has a rule.
    pub audit: bool,
    /// Set the table's `updated_at`, where it has one.
    pub stamp: bool,
}

/// Which rows.
#[derive(Clone, Debug)]
pub enum Pick {
    /// The one with this key.
    Key(Map),
    /// All that satisfy these tests.
    Where(Vec<Condition>),
}

/// One guard: a column and the value that it must still hold.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The column.
    pub column: Arc<str>,
    /// The value.
    pub value: Value,
    /// Where the author wrote it.
    pub at: Span,
}

/// What the rows are to be.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// These columns hold these values; a missing row is made of `create` or is an error.
    Present {
        /// Columns and what they become.
        set: IndexMap<Arc<str>, To>,
        /// Columns of a new row.
        create: Option<IndexMap<Arc<str>, To>>,
    },
    /// The rows are gone.
    Absent,
}

/// What a column becomes.
#[derive(Clone, Debug)]
pub enum To {
    /// This value.
    Value(Value),
    /// The JSON document with these keys set.
    Merge(Value),
    /// The JSON document without these keys.
    Remove(Vec<Arc<str>>),
    /// The text with this behind it.
    Append(Value),
}

impl To {
    /// Keys are set in a document, or where there is none, and in nothing else: what cannot be read as one would be lost as a whole.
    pub fn takes(&self, current: &Value) -> bool {
        match self {
            To::Merge(_) | To::Remove(_) => current.is_null() || current.is_unknown() || current.as_map().is_some(),
            To::Value(_) | To::Append(_) => true,
        }
    }

    /// The new value of a column that holds `current`.
    pub fn of(&self, current: &Value) -> Value {
        match self {
            To::Value(value) => value.clone(),
            To::Merge(Value { data: Data::Unknown(why), .. }) => Data::Unknown(why.clone()).into(),
            To::Merge(_) | To::Remove(_) if current.is_unknown() => current.clone(),
            // There is nothing to take away.
            To::Remove(_) if current.is_null() => current.clone(),
            To::Merge(keys) => {
                let mut tree = current.as_map().cloned().unwrap_or_default();
                for (key, value) in keys.as_map().into_iter().flatten() {
                    tree.insert(key.clone(), value.clone());
                }
                document(tree, current)
            }
            To::Remove(keys) => {
                let mut tree = current.as_map().cloned().unwrap_or_default();
                tree.retain(|key, _| !keys.contains(key));
                document(tree, current)
            }
            To::Append(Value { data: Data::Unknown(why), .. }) => Data::Unknown(why.clone()).into(),
            To::Append(more) => {
                let before = if current.is_null() { Default::default() } else { current.bare() };
                let mut value = Value::text(format!("{before}{}", more.bare()));
                value.marks = current.marks | more.marks;
                value
            }
        }
    }

    /// Something in it is only known after apply.
    pub fn is_unknown(&self) -> bool {
        match self {
            To::Value(value) | To::Merge(value) | To::Append(value) => value.is_unknown(),
            To::Remove(_) => false,
        }
    }
}

/// A document that differs in nothing keeps its text, byte for byte.
fn document(tree: Map, current: &Value) -> Value {
    let tree = Value::from(tree);
    if tree == *current {
        return current.clone();
    }
    Value { data: Data::Json(Arc::new(Json::of(tree))), marks: current.marks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_and_remove_change_their_keys_and_nothing_else() {
        let current = Value::from(Data::Json(Arc::new(Json::parse(r#"{"a": true, "b":  1.0}"#).unwrap())));
        let merged = To::Merge(Value::map([("a", Value::from(false))])).of(&current);
        assert_eq!(merged.bare(), r#"{"a":false,"b":1.0}"#);
        let same = To::Merge(Value::map([("a", Value::from(true))])).of(&current);
        assert_eq!(same.bare(), current.bare());
        assert_eq!(To::Remove(vec!["b".into()]).of(&current).bare(), r#"{"a":true}"#);
        let merge = To::Merge(Value::map([("a", Value::from(1))]));
        assert_eq!(merge.of(&Value::NULL).bare(), r#"{"a":1}"#);
        let remove = To::Remove(vec!["b".into()]);
        assert!(remove.of(&Value::NULL).is_null());
        assert!(merge.of(&Value::unknown()).is_unknown() && remove.of(&Value::unknown()).is_unknown());
        for to in [&merge, &remove] {
            assert!([&current, &Value::NULL, &Value::unknown()].into_iter().all(|current| to.takes(current)));
            let others = [Value::text(r#"{"a":1e400}"#), Value::from(1), Value::list([Value::from(1)])];
            assert!(!others.iter().any(|other| to.takes(other)));
        }
    }

    #[test]
    fn append_adds_to_a_text_and_begins_one_where_there_is_none() {
        let more = || To::Append(Value::text("\nmore"));
        assert_eq!(more().of(&Value::text("first")).bare(), "first\nmore");
        assert_eq!(more().of(&Value::NULL).bare(), "\nmore");
        assert!(To::Append(Value::unknown()).of(&Value::text("first")).is_unknown());
    }
}
