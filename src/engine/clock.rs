//! What a rehearsal wrote from the clock, or from the example of an answer, is still so when a later step of it reads the row again: such
//! values differ between plan and apply, and that is no drift.

use super::setting::Setting;
use crate::{
    base::value::{Map, Marks, Value},
    effect::change::{RowChange, TableName},
    plan::{Effect, StepPlan},
};

/// Marks the values in a row that earlier steps took from the clock or from an example.
pub fn mark(steps: &[StepPlan], table: &TableName, key: &Map, row: &mut Map) {
    let effects = steps.iter().flat_map(|step| &step.effects);
    let changes = effects.filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None });
    for change in changes.flatten().filter(|c| c.table == *table && c.key == *key) {
        for (column, was) in change.after.iter().flatten().filter(|(_, v)| v.marks.varies()) {
            if let Some(value) = row.get_mut(column).filter(|value| *value == was) {
                value.marks |= was.marks.among(Marks::VARYING);
            }
        }
    }
}

/// The same for the images of changes.
pub fn mark_changes(steps: &[StepPlan], changes: &mut [RowChange]) {
    for change in changes {
        let (table, key) = (change.table.clone(), change.key.clone());
        for row in [&mut change.before, &mut change.after].into_iter().flatten() {
            mark(steps, &table, &key, row);
        }
    }
}

/// The same for the result of a `find`: a row, or a list of rows, as playbooks see them.
pub fn mark_found(steps: &[StepPlan], table: &TableName, found: Value, setting: &Setting) -> Value {
    let Some(facts) = setting.facts_of(table) else { return found };
    let one = |value: &Value| {
        let Some(mut row) = value.as_map().cloned() else { return value.clone() };
        let stored = |c: &str, v: &Value| facts.stored(c, v.clone()).unwrap_or_else(|_| v.clone());
        let key = facts.key_columns().into_iter().filter_map(|c| Some((c.clone(), stored(&c, row.get(&c)?)))).collect();
        mark(steps, table, &key, &mut row);
        Value::from(row).marked(value.marks)
    };
    match found.as_list() {
        Some(rows) => Value::list(rows.iter().map(one)).marked(found.marks),
        None => one(&found),
    }
}
