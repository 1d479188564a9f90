//! Columns that the steps of an item change, as far as that is known beforehand.

use crate::{
    action::row::Assign,
    base::shape::Named,
    template::{Datum, Tree},
};
use std::{collections::BTreeSet, sync::Arc};

/// Columns of a table.
pub enum Columns {
    /// These.
    These(BTreeSet<Arc<str>>),
    /// Which is not known beforehand.
    Any,
}

impl Columns {
    /// It is one of them.
    pub fn holds(&self, column: &str) -> bool {
        match self {
            Columns::These(these) => these.iter().any(|one| one.eq_ignore_ascii_case(column)),
            Columns::Any => true,
        }
    }
}

/// Those that a change sets or clears.
pub fn set_by(set: &Named<Assign>, clear: Option<&Datum>) -> Columns {
    let mut these: BTreeSet<Arc<str>> = set.iter().map(|(column, _)| column.into()).collect();
    let mut add = |tree: &Tree| match tree {
        Tree::Scalar(text) => {
            text.literal().and_then(|v| v.as_str()).map(|column| these.insert(column.into())).is_some()
        }
        _ => false,
    };
    let known = match clear.map(|datum| &datum.tree) {
        None => true,
        Some(Tree::List(columns)) => columns.iter().all(add),
        Some(tree) => add(tree),
    };
    if known { Columns::These(these) } else { Columns::Any }
}

/// Those of both.
pub fn joined(one: Columns, other: Columns) -> Columns {
    match (one, other) {
        (Columns::These(mut one), Columns::These(other)) => {
            one.extend(other);
            Columns::These(one)
        }
        _ => Columns::Any,
    }
}
