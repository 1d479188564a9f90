//! What is hidden, rests on an example or comes from the clock when it is written is so when it is read again.

use super::Ground;
use crate::{
    action::change::{Change, Pick, To, Wanted},
    base::{
        cover::Cover,
        value::{Map, Marks, Value},
    },
};
use indexmap::IndexMap;
use std::{collections::BTreeSet, sync::Arc};

/// The columns that are to hold something hidden, and those of a key that is hidden where it comes from.
pub(super) fn covered(change: &Change) -> BTreeSet<Arc<str>> {
    let key = if let Pick::Key(key) = &change.pick { Some(key) } else { None };
    let key = key.into_iter().flatten().filter(|(_, value)| value.all_marks().hidden());
    let mut covered: BTreeSet<Arc<str>> = key.map(|(column, _)| column.clone()).collect();
    let Wanted::Present { set, create } = &change.wanted else { return covered };
    let hides = |to: &To| match to {
        To::Value(value) | To::Merge(value) | To::Append(value) => value.all_marks().hidden(),
        To::Remove(_) => false,
    };
    let given = set.iter().chain(create.iter().flatten());
    covered.extend(given.filter(|(_, to)| hides(to)).map(|(column, _)| column.clone()));
    covered
}

impl Ground<'_> {
    /// What is hidden in the rows that are to be changed, in what they are to become, and in their keys.
    pub(super) fn cover(&self, change: &Change, rows: &[Map], cover: &mut Cover) {
        rows.iter().flat_map(|row| self.marked(row).into_iter().collect::<Vec<_>>()).for_each(|(_, value)| {
            cover.add(&value, Marks::NONE);
        });
        if let Pick::Key(key) = &change.pick {
            key.iter().for_each(|(column, value)| cover.add(value, self.marks(column)));
        }
        let Wanted::Present { set, create } = &change.wanted else { return };
        for (column, to) in set.iter().chain(create.iter().flatten()) {
            if let To::Value(value) | To::Merge(value) | To::Append(value) = to {
                cover.add(value, self.marks(column));
            }
        }
    }
}

/// The columns that get something hidden, whatever the project file says of them, or something that rests on an example.
pub(super) fn kept_marks(values: &Map) -> Vec<(Arc<str>, Marks)> {
    let of = |(column, value): (&Arc<str>, &Value)| {
        let marks = value.all_marks();
        let hidden = if marks.hidden() { Marks::PERSONAL } else { Marks::NONE };
        let kept = hidden | marks.among(Marks::EXAMPLE);
        (kept != Marks::NONE).then(|| (column.clone(), kept))
    };
    values.iter().filter_map(of).collect()
}

/// What was hidden when it was written is hidden when it is read again, although its column is not declared so; and what rested on an
/// example still does.
pub(super) fn still_marked(mut row: Map, kept: &[(Arc<str>, Marks)]) -> Map {
    for (column, marks) in kept {
        if let Some(value) = row.get_mut(column) {
            value.marks |= *marks;
        }
    }
    row
}

/// The columns that are as wanted, if the answer is as its example says.
pub(super) fn as_in_example(set: &IndexMap<Arc<str>, To>, mut row: Map) -> Map {
    for (column, to) in set {
        if let Some(value) = row.get_mut(column)
            && to.of(value).all_marks().has(Marks::EXAMPLE)
        {
            value.marks |= Marks::EXAMPLE;
        }
    }
    row
}

/// A row that the database gave back, with its marks.
pub(super) fn as_read(row: Map, ground: &Ground<'_>, clock: &[Arc<str>]) -> Map {
    let mut row = ground.marked(&row);
    for (column, value) in row.iter_mut() {
        if clock.contains(column) || ground.facts.stamp() == Some(column) {
            value.marks |= Marks::CLOCK;
        }
    }
    row
}
