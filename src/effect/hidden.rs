//! Columns of rows that held something hidden, whatever the project file says of them. The mark belongs to a value, and what a database gives back
//! has none: where a run wrote something hidden, what is read there is treated as hidden for that row.

use super::change::{RowChange, TableName};
use crate::base::value::{Map, Marks};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Which columns of which rows.
#[derive(Clone, Debug, Default)]
pub struct Hidden(HashMap<TableName, HashMap<String, BTreeSet<Arc<str>>>>);

impl Hidden {
    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in what the images of a row hold; `declared` columns are hidden anyway.
    pub fn note(&mut self, change: &RowChange, declared: impl Fn(&str) -> bool) {
        for (column, value) in change.before.iter().chain(&change.after).flatten() {
            if value.all_marks().hidden() && !declared(column) {
                let rows = self.0.entry(change.table.clone()).or_default();
                rows.entry(name(&change.key)).or_default().insert(column.clone());
            }
        }
    }

    /// Marks these columns of the row, as it is stored or as playbooks see it.
    pub fn mark(&self, table: &TableName, key: &Map, row: &mut Map) {
        if let Some(columns) = self.0.get(table).and_then(|rows| rows.get(&name(key))) {
            hide(row, columns);
        }
    }

    /// The same in both images of a change, and in its key.
    pub fn mark_change(&self, change: &mut RowChange) {
        if !self.0.contains_key(&change.table) {
            return;
        }
        let key = change.key.clone();
        for row in [&mut change.before, &mut change.after].into_iter().flatten().chain([&mut change.key]) {
            self.mark(&change.table, &key, row);
        }
    }
}

/// Marks these columns of a row.
pub fn hide<'a>(row: &mut Map, columns: impl IntoIterator<Item = &'a Arc<str>>) {
    for column in columns {
        if let Some(value) = row.get_mut(column) {
            value.marks |= Marks::PERSONAL;
        }
    }
}

/// The columns of a change that hold something hidden in one of its images.
pub fn columns_of(change: &RowChange) -> BTreeSet<Arc<str>> {
    let images = change.before.iter().chain(&change.after).flatten();
    images.filter(|(_, value)| value.all_marks().hidden()).map(|(column, _)| column.clone()).collect()
}

/// The row among others of its table. Never shown.
fn name(key: &Map) -> String {
    key.iter().map(|(column, value)| format!("{column} {}", value.bare())).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::value::Value;

    #[test]
    fn what_was_hidden_in_one_image_of_a_row_is_hidden_in_all_of_them() {
        let row = |name: Value| Some(Map::from_iter([("id".into(), Value::from(1)), ("name".into(), name)]));
        let key: Map = [("id".into(), Value::from(1))].into_iter().collect();
        let table = TableName::parse("shop.things").unwrap();
        let ours = RowChange {
            table: table.clone(),
            key: key.clone(),
            before: row("lamp".into()),
            after: row(Value::from("Ada").marked(Marks::PERSONAL)),
            by_rule: false,
            stamps: Vec::new(),
        };
        let mut hidden = Hidden::default();
        hidden.note(&ours, |column| column == "name");
        assert!(hidden.is_empty());
        hidden.note(&ours, |_| false);
        let mut later = RowChange { before: row("Ada".into()), after: row("lamp".into()), ..ours.clone() };
        hidden.mark_change(&mut later);
        assert_eq!(columns_of(&later), BTreeSet::from([Arc::from("name")]));
        assert!(later.before.iter().chain(&later.after).all(|row| row["name"].marks.has(Marks::PERSONAL)));
        let mut other = RowChange { key: [("id".into(), Value::from(2))].into_iter().collect(), ..later };
        other.before = row("Bob".into());
        hidden.mark_change(&mut other);
        assert!(!other.before.unwrap()["name"].marks.hidden());
    }
}
