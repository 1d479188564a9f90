//! Constraints through which an item may be let through, or stopped, by what another one did: tried out together, it would be shown what it could
//! not do alone.

use super::own::{self, Written};
use crate::{
    engine::setting::Setting,
    table::catalogue::{Reference, Table},
};
use std::sync::Arc;

/// Whether rows that one item makes, changes or takes away may be what another one's changes need: the row that a foreign key points to, or a unique
/// value that becomes free. Where nothing is known of the tables they may.
pub fn are_coupled(setting: &Setting) -> bool {
    let Some(Ok(built)) = setting.built.get() else { return true };
    let written = own::written(setting);
    let table = |one: &Written| built.tables.get(&one.table.table);
    written.iter().any(|one| table(one).is_none_or(|table| by_value(one, table)))
        || built.references.iter().any(|reference| by_row(reference, &written))
}

/// One may free a value that another one takes.
fn by_value(one: &Written, table: &Table) -> bool {
    let sets = |key: &[Arc<str>]| key.iter().any(|column| one.columns.holds(column));
    std::iter::once(&table.primary_key).chain(&table.unique).any(|key| {
        let frees = one.removes || sets(key);
        let takes = one.adds || sets(key);
        frees && takes
    })
}

/// One may make or take away the row that another one's row points to, or give it another key.
fn by_row(reference: &Reference, written: &[Written]) -> bool {
    let of = |table: &Arc<str>| written.iter().find(|one| one.table.table == *table);
    let (Some(from), Some(to)) = (of(&reference.from), of(&reference.to)) else { return false };
    let points = from.adds || from.removes || reference.columns.iter().any(|column| from.columns.holds(column));
    points && (to.adds || to.removes || reference.keys.iter().any(|key| to.columns.holds(key)))
}
