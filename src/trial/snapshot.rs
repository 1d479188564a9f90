//! Every row of every table, before and after: so that a change that nobody expected cannot hide.

use crate::{
    base::{
        json,
        value::{Map, Value},
    },
    connection::{
        database::Database,
        fault::Fault,
        ledger,
        statement::{Limits, Select},
    },
    effect::change::{RowChange, TableName},
    playbook::project::Project,
    table::{catalogue, facts::Facts},
};
use indexmap::IndexMap;
use std::{collections::HashMap, sync::Arc};

/// All tables of all databases.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// By name, sorted.
    pub tables: IndexMap<TableName, Shot>,
}

/// One table.
#[derive(Clone, Debug)]
pub struct Shot {
    /// Its key: the project file's, else the primary key; empty when it has none.
    pub key: Vec<Arc<str>>,
    /// Its columns.
    pub columns: catalogue::Table,
    /// Rows by the text of their key.
    pub rows: IndexMap<String, Map>,
}

/// Rows and bytes of one table that a test may have.
const LIMITS: Limits = Limits { rows: 100_000, bytes: 256 << 20 };

/// Reads everything, through the connections that a playbook reads with.
pub async fn take(databases: &HashMap<Arc<str>, Database>, project: &Project) -> Result<Snapshot, Fault> {
    let mut tables = Vec::new();
    for (connection, database) in databases {
        let mut reading = database.reading().await?;
        for (name, columns) in reading.catalogue(None).await? {
            // The ledger is a by-product of every change: no test expects its rows.
            if columns.view || &*name == ledger::TABLE {
                continue;
            }
            let table = TableName { connection: connection.clone(), table: name.clone() };
            let key = project.facts(&table).map_or_else(|| columns.primary_key.clone(), Facts::key_columns);
            let select = Select { table: &name, columns: &[], conditions: &[], order: &[], limit: None };
            let mut rows = IndexMap::new();
            for row in reading.select(&select, LIMITS).await?.rows {
                let mut text = key_text(&row, &key);
                while rows.contains_key(&text) {
                    text.push_str(" (again)");
                }
                rows.insert(text, row);
            }
            tables.push((table, Shot { key, columns, rows }));
        }
        reading.close().await;
    }
    tables.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Snapshot { tables: tables.into_iter().collect() })
}

/// The key as test files write it: several columns with `/` between them; without a key, the whole row.
fn key_text(row: &Map, key: &[Arc<str>]) -> String {
    if key.is_empty() {
        return json::encode(&row.clone().into());
    }
    key.iter().map(|c| row.get(c).map_or(std::borrow::Cow::Borrowed(""), Value::bare)).collect::<Vec<_>>().join("/")
}

impl Snapshot {
    /// The rows that differ from an earlier snapshot, in the order of tables and keys; byte for byte, so that `1.0` and
    /// `1.00` differ.
    pub fn since(&self, before: &Snapshot) -> Vec<RowChange> {
        let mut found = Vec::new();
        for (table, after) in &self.tables {
            let empty = IndexMap::new();
            let was = before.tables.get(table).map_or(&empty, |shot| &shot.rows);
            let mut keys: Vec<&String> =
                was.keys().chain(after.rows.keys().filter(|k| !was.contains_key(*k))).collect();
            keys.sort_by_key(|k| (k.parse::<i64>().unwrap_or(i64::MAX), (*k).clone()));
            for text in keys {
                let (old, new) = (was.get(text), after.rows.get(text));
                if let (Some(old), Some(new)) = (old, new)
                    && json::encode(&old.clone().into()) == json::encode(&new.clone().into())
                {
                    continue;
                }
                let row = new.or(old);
                let key = after.key.iter().filter_map(|c| Some((c.clone(), row?.get(c)?.clone()))).collect();
                found.push(RowChange {
                    table: table.clone(),
                    key,
                    before: old.cloned(),
                    after: new.cloned(),
                    by_rule: false,
                    stamps: Vec::new(),
                });
            }
        }
        found
    }

    /// The same where somebody else has made these changes: in the columns that changed, and in no others.
    pub fn with(&mut self, changes: &[RowChange]) {
        for change in changes {
            let Some(shot) = self.tables.get_mut(&change.table) else { continue };
            let row = change.after.as_ref().or(change.before.as_ref()).cloned().unwrap_or_default();
            let key = key_text(&row, &shot.key);
            match (&change.before, &change.after, shot.rows.get_mut(&key)) {
                (_, None, _) => drop(shot.rows.shift_remove(&key)),
                (Some(_), Some(_), Some(known)) => {
                    known.extend(differing(change).into_iter().map(|(column, _, new)| (column, new)));
                }
                (_, Some(new), _) => drop(shot.rows.insert(key, new.clone())),
            }
        }
    }

    /// A text that is equal exactly when every byte of every row is.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (table, shot) in &self.tables {
            let mut rows: Vec<String> = shot.rows.values().map(|row| json::encode(&row.clone().into())).collect();
            rows.sort();
            text.push_str(&format!("{table}\n{}\n", rows.join("\n")));
        }
        text
    }
}

/// The columns of a row that differ, byte for byte, with both values.
pub fn differing(change: &RowChange) -> Vec<(Arc<str>, Value, Value)> {
    let empty = Map::default();
    let (before, after) = (change.before.as_ref().unwrap_or(&empty), change.after.as_ref().unwrap_or(&empty));
    let names = after.keys().chain(before.keys().filter(|k| !after.contains_key(k)));
    names
        .filter_map(|name| {
            let value = |row: &Map| row.get(name).cloned().unwrap_or(Value::NULL);
            let (old, new) = (value(before), value(after));
            (json::encode(&old) != json::encode(&new)).then(|| (name.clone(), old, new))
        })
        .collect()
}

/// `register.trainees 1`: a row as test files name it.
pub fn row_name(change: &RowChange) -> String {
    let key: Vec<_> = change.key.values().map(|v| v.bare().into_owned()).collect();
    format!("{} {}", change.table, key.join("/"))
}
