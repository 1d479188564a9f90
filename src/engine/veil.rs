//! What an item's own steps wrote into columns that nobody declares as personal: what is read there again by a later step, or after a
//! resume, is hidden as well.

use super::setting::Setting;
use crate::{
    base::value::{Map, Value},
    effect::{
        change::{RowChange, TableName},
        hidden::Hidden,
    },
};
use std::sync::{Arc, Mutex, PoisonError};

/// The columns of rows in which something hidden was; shared by all who work on the same item.
#[derive(Clone, Debug, Default)]
pub struct Veil(Arc<Mutex<Hidden>>);

impl Veil {
    /// Takes in what was changed.
    pub fn note(&self, changes: &[RowChange], setting: &Setting) {
        let hides = |change: &RowChange| !crate::effect::hidden::columns_of(change).is_empty();
        for change in changes.iter().filter(|change| hides(change)) {
            let facts = setting.facts_of(&change.table);
            self.hidden(|hidden| hidden.note(change, |column| facts.is_some_and(|f| f.marks(column).hidden())));
        }
    }

    /// What is known by now.
    pub fn known(&self) -> Hidden {
        self.hidden(|hidden| hidden.clone())
    }

    /// Marks the images of changes.
    pub fn mark_changes(&self, changes: &mut [RowChange]) {
        self.hidden(|hidden| changes.iter_mut().for_each(|change| hidden.mark_change(change)));
    }

    /// Marks rows as playbooks see them. Without their whole key nobody knows which ones they are.
    pub fn mark_seen(&self, table: &TableName, rows: &mut [Map], setting: &Setting) {
        let Some(facts) = setting.facts_of(table) else { return };
        self.hidden(|hidden| {
            for row in rows.iter_mut().filter(|_| !hidden.is_empty()) {
                let stored =
                    |name: &str, value: &Value| facts.stored(name, value.clone()).unwrap_or_else(|_| value.clone());
                let key: Option<Map> = facts
                    .key_columns()
                    .into_iter()
                    .map(|name| Some((name.clone(), stored(&name, row.get(&name)?))))
                    .collect();
                if let Some(key) = key {
                    hidden.mark(table, &key, row);
                }
            }
        });
    }

    fn hidden<T>(&self, what: impl FnOnce(&mut Hidden) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
