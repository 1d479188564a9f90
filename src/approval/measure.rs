//! What a plan would do, as far as rules about approvals look at it.

use crate::{
    base::value::Value,
    effect::change::TableName,
    plan::{Counts, Plan},
    playbook::model::{Playbook, Risk},
};
use std::collections::BTreeSet;

/// The measured effect of a plan.
#[derive(Clone, Debug)]
pub struct Measured {
    /// How much harm a mistake of this playbook does.
    pub risk: Risk,
    /// Numbers.
    pub counts: Counts,
    /// Rows that the author's steps change, with those that triggers and cascades touch.
    pub rows: usize,
    /// Tables of these rows.
    pub tables: BTreeSet<TableName>,
    /// Tables that a step may change which could not be tried out.
    pub perhaps: BTreeSet<TableName>,
    /// Steps that could not be tried out: how many rows they change is not known.
    pub untried: usize,
    /// Names of the steps that cannot be taken back.
    pub irreversible: Vec<String>,
}

impl Measured {
    /// Of a plan of this playbook.
    pub fn of(plan: &Plan, playbook: &Playbook) -> Measured {
        let tally = plan.tally();
        let touched = usize::try_from(tally.touched).unwrap_or(usize::MAX);
        let writable = playbook.uses.iter().flat_map(|(connection, uses)| {
            uses.write.iter().map(|table| TableName { connection: connection.into(), table: table.text.clone() })
        });
        Measured {
            risk: playbook.risk(),
            counts: tally.counts,
            rows: tally.counts.rows.saturating_add(touched),
            tables: tally.tables.clone(),
            perhaps: if tally.untried > 0 { writable.collect() } else { BTreeSet::new() },
            untried: tally.untried,
            irreversible: tally.irreversible.iter().map(|(name, ..)| name.clone()).collect(),
        }
    }

    /// Why it changes more rows than so many, if it does.
    pub(super) fn more_rows_than(&self, most: u32) -> Option<String> {
        let rows = self.rows;
        if rows > most as usize {
            return Some(format!("it changes {rows} rows, more than {most}"));
        }
        (self.untried > 0).then(|| format!("how many rows it changes is not known, perhaps more than {most}"))
    }

    /// Why it changes rows of a table, if it does or may.
    pub(super) fn changes_table(&self, table: &str) -> Option<String> {
        let table = TableName::parse(table)?;
        if self.tables.contains(&table) {
            return Some(format!("it changes {table}"));
        }
        self.perhaps.contains(&table).then(|| format!("it may change {table}"))
    }

    /// Why it cannot be taken back, if it cannot.
    pub(super) fn cannot_be_taken_back(&self) -> Option<String> {
        match self.irreversible.as_slice() {
            [] => None,
            [one] => Some(format!("`{one}` cannot be taken back")),
            more => Some(format!("{} steps cannot be taken back", more.len())),
        }
    }

    /// What an approval records that it agreed to.
    pub fn record(&self) -> Value {
        let count = |n: usize| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
        let texts = |texts: Vec<String>| Value::list(texts.into_iter().map(Value::text));
        Value::map([
            ("risk", Value::from(self.risk.word())),
            ("changes", count(self.counts.changes)),
            ("rows", count(self.rows)),
            ("requests", count(self.counts.requests)),
            ("jobs", count(self.counts.jobs)),
            ("questions", count(self.counts.questions)),
            ("exact", count(self.counts.exact)),
            ("untried", count(self.untried)),
            ("tables", texts(self.tables.iter().map(TableName::to_string).collect())),
            ("irreversible", texts(self.irreversible.clone())),
        ])
    }
}
