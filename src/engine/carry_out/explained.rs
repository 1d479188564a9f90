//! What a database counts beyond what the images of a change explain: what triggers and cascades touched besides.

use crate::{
    connection::rows::Touched,
    effect::change::{Deed, RowChange, TableName},
    plan::Also,
};
use std::collections::BTreeMap;

/// How many rows of each table the images explain: added, changed, gone.
#[derive(Debug, Default)]
pub struct Explained<'a>(BTreeMap<&'a str, (u64, u64, u64)>);

impl<'a> Explained<'a> {
    /// By changes that were carried out row by row: what is as wanted is not written.
    pub fn by_rows(changes: &'a [RowChange]) -> Explained<'a> {
        Explained::with(changes, false)
    }

    /// By a statement of the author's own, which also writes the rows that it leaves as they are.
    pub fn by_statement(changes: &'a [RowChange]) -> Explained<'a> {
        Explained::with(changes, true)
    }

    /// Rows that were written, and that a trigger made what they had been.
    pub fn written_in_vain(&mut self, table: &'a TableName, rows: u64) {
        self.0.entry(&table.table).or_default().1 += rows;
    }

    fn with(changes: &'a [RowChange], untouched: bool) -> Explained<'a> {
        let mut explained = Explained::default();
        for change in changes {
            let counts = explained.0.entry(&change.table.table).or_default();
            match change.deed() {
                Deed::Insert => counts.0 += 1,
                Deed::Delete => counts.2 += 1,
                Deed::Update => counts.1 += 1,
                Deed::Nothing => counts.1 += u64::from(untouched),
            }
        }
        explained
    }
}

/// Tables touched beyond what the images explain. What they explain of tables that SQLite does not name is among what it counts as `*`.
pub fn also(before: &[Touched], after: &[Touched], explained: &Explained<'_>, connection: &str) -> Vec<Also> {
    let mut found = Vec::new();
    let counted = |name: &str| {
        let of = |all: &[Touched]| all.iter().find(|t| *t.table == *name).map_or(0, Touched::rows);
        of(after).saturating_sub(of(before))
    };
    let unnamed = |(name, ours): (&&str, &(u64, u64, u64))| (ours.0 + ours.1 + ours.2).saturating_sub(counted(name));
    let unnamed: u64 = explained.0.iter().map(unnamed).sum();
    for table in after {
        let was = before.iter().find(|t| t.table == table.table);
        let (inserted, updated, deleted) = was.map_or((0, 0, 0), |t| (t.inserted, t.updated, t.deleted));
        let ours = explained.0.get(&*table.table).copied().unwrap_or_default();
        let more = |now: u64, was: u64, ours: u64| now.saturating_sub(was).saturating_sub(ours);
        let also = Also {
            table: format!("{connection}.{}", table.table),
            inserted: more(table.inserted, inserted, ours.0),
            updated: more(table.updated, updated, if table.is_unnamed() { unnamed } else { ours.1 }),
            deleted: more(table.deleted, deleted, ours.2),
        };
        if also.inserted + also.updated + also.deleted > 0 {
            found.push(also);
        }
    }
    found
}
