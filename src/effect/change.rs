//! One row before and after: the unit of preview, drift check, audit and undo.

use crate::base::value::{Map, Value};
use std::{collections::HashMap, sync::Arc};

/// A table of a connection: `register.trainees`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// The connection's name in the project file.
    pub connection: Arc<str>,
    /// The table as the database calls it, with its schema where that is not the default one: `audit.events`.
    pub table: Arc<str>,
}

/// So many names of tables are shared by those who read them again.
const TABLES: usize = 8;

thread_local! {
    static LAST: std::cell::RefCell<Vec<TableName>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl TableName {
    /// From `connection.table`; nothing without a dot.
    pub fn parse(text: &str) -> Option<TableName> {
        let (connection, table) = text.split_once('.')?;
        (!connection.is_empty() && !table.is_empty()).then(|| TableName::known(connection, table))
    }

    /// The names of many rows are those of few tables: the last ones are shared.
    fn known(connection: &str, table: &str) -> TableName {
        LAST.with_borrow_mut(|last| {
            if let Some(known) = last.iter().find(|known| *known.table == *table && *known.connection == *connection) {
                return known.clone();
            }
            let name = TableName { connection: connection.into(), table: table.into() };
            if last.len() == TABLES {
                last.remove(0);
            }
            last.push(name.clone());
            name
        })
    }

    /// `connection.table`, in one piece: what is stored says it for every row.
    pub fn text(&self) -> String {
        [&*self.connection, ".", &*self.table].concat()
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.connection, self.table)
    }
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It was not there before.
    Insert,
    /// Columns differ.
    Update,
    /// It is not there any more.
    Delete,
    /// Nothing differs.
    Nothing,
}

/// One row, before and after. Values are as stored (enum columns hold their stored value, not its name), whole rows.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// Which table.
    pub table: TableName,
    /// Key columns and their values.
    pub key: Map,
    /// The row before; nothing when it was not there.
    pub before: Option<Map>,
    /// The row after; nothing when it is gone. Unknown values where only apply will show.
    pub after: Option<Map>,
    /// Written by a rule (audit row, ledger), not by the author: never taken back, never part of a guard.
    pub by_rule: bool,
    /// Columns that a rule stamps (`updated_at`): shown, but not counted as a change.
    pub stamps: Vec<Arc<str>>,
}

impl RowChange {
    /// What stands in both images.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.before.iter().chain(&self.after).flat_map(|row| row.values())
    }

    /// What happened, stamps left aside.
    pub fn deed(&self) -> Deed {
        match (&self.before, &self.after) {
            (None, None) => Deed::Nothing,
            (None, Some(_)) => Deed::Insert,
            (Some(_), None) => Deed::Delete,
            (Some(before), Some(after)) if unlike(before, after).all(|(column, ..)| self.stamps.contains(column)) => {
                Deed::Nothing
            }
            _ => Deed::Update,
        }
    }

    /// The columns that differ, with both values, in table order. For an insert the old value is null, for a delete
    /// the new one; an unknown differs from everything.
    pub fn differing(&self) -> Vec<(Arc<str>, Value, Value)> {
        let own = |value: Option<&Value>| value.cloned().unwrap_or(Value::NULL);
        let differ = |value: &&Value| **value != Value::NULL;
        match (&self.before, &self.after) {
            (None, None) => Vec::new(),
            (Some(before), Some(after)) => {
                unlike(before, after).map(|(name, old, new)| (name.clone(), own(old), own(new))).collect()
            }
            (None, Some(row)) => {
                let set = row.iter().filter(|(_, value)| differ(value));
                set.map(|(name, value)| (name.clone(), Value::NULL, value.clone())).collect()
            }
            (Some(row), None) => {
                let set = row.iter().filter(|(_, value)| differ(value));
                set.map(|(name, value)| (name.clone(), value.clone(), Value::NULL)).collect()
            }
        }
    }

    /// `id 4711`, `code 2N2, year 2024`.
    pub fn key_text(&self) -> String {
        self.key.iter().map(|(k, v)| format!("{k} {}", v.plain())).collect::<Vec<_>>().join(", ")
    }
}

/// The fields that differ, in the order of the row after. A field that is null and one that is not there are two things; of a
/// whole row every column is there. Two images of one row mostly share their list of columns, or have them in one order: then none is looked
/// for.
fn unlike<'r>(
    before: &'r Map,
    after: &'r Map,
) -> impl Iterator<Item = (&'r Arc<str>, Option<&'r Value>, Option<&'r Value>)> {
    let changed = after.iter().enumerate().filter_map(|(at, (name, new))| {
        let old = before.get_index(at).filter(|(same, _)| *same == name).map(|(_, old)| old);
        let old = old.or_else(|| before.get(name));
        let same = old.is_some_and(|old| old.is_stored_like(new));
        (!same).then_some((name, old, Some(new)))
    });
    let same = before.names().is(after.names());
    let gone = before.iter().take(if same { 0 } else { before.len() }).filter(|(name, _)| !after.contains_key(name));
    changed.chain(gone.map(|(name, old)| (name, Some(old), None)))
}

/// What two attempts changed, of which only the second surely happened: a row that both wrote was before what it was before the
/// first, if the second found it as the first leaves it.
pub fn of_both(mut all: Vec<RowChange>, second: Vec<RowChange>) -> Vec<RowChange> {
    let name = |change: &RowChange| (change.table.clone(), change.key_text());
    let first: HashMap<_, usize> = all.iter().enumerate().map(|(index, change)| (name(change), index)).collect();
    for mut change in second {
        match first.get(&name(&change)) {
            Some(index) => {
                if all[*index].after == change.before {
                    change.before = all[*index].before.take();
                }
                all[*index] = change;
            }
            None => all.push(change),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, i64)]) -> Map {
        entries.iter().map(|(k, v)| ((*k).into(), Value::from(*v))).collect()
    }

    #[test]
    fn a_change_of_nothing_but_stamps_is_no_change() {
        let table = TableName::parse("r.t").unwrap();
        let mut change = RowChange {
            table,
            key: map(&[("id", 1)]),
            before: Some(map(&[("a", 1), ("u", 1)])),
            after: Some(map(&[("a", 1), ("u", 2)])),
            by_rule: false,
            stamps: vec!["u".into()],
        };
        assert_eq!(change.deed(), Deed::Nothing);
        change.after = Some(map(&[("a", 2), ("u", 2)]));
        assert_eq!(change.deed(), Deed::Update);
        assert_eq!(change.differing().len(), 2);
        change.after = None;
        assert_eq!((change.deed(), change.differing().len()), (Deed::Delete, 2));
    }
}
