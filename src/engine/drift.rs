//! Is the world still as planned? Compared under the row lock, column by column, before anything is committed.

use super::{setting::Setting, trouble::Difference};
use crate::{
    action::resolve::Known,
    base::value::{Map, Marks, Value},
    effect::change::{Deed, RowChange},
    plan::{Effect, ItemPlan, StepPlan},
    template::{Path, Scope, Step},
};
use std::{collections::BTreeSet, sync::Arc};

/// Facts that the plan rests on and that read otherwise now. Only those that `scope` knows already are looked at.
pub fn of_facts(planned: &ItemPlan, scope: &Scope, setting: &Setting) -> Vec<Difference> {
    let mut found = Vec::new();
    for (path, was) in &planned.rests_on {
        let Some(now) = scope.get(path.root()).and_then(|root| path.look_up(root)) else { continue };
        if now.is_unknown() || now.marks.has(Marks::CLOCK) || now == *was {
            continue;
        }
        let (subject, column) = named(path, scope, setting).unwrap_or_else(|| (path.to_string(), String::new()));
        found.push(Difference { subject, column, planned: was.shown(), found: now.shown() });
    }
    found
}

/// `register.trainees id 1` and `state`, for a fact that is a column of a row that a `find` gave.
fn named(path: &Path, scope: &Scope, setting: &Setting) -> Option<(String, String)> {
    let [_, Step::Name(column), rest @ ..] = path.steps.as_slice() else { return None };
    let table = setting.found_in(path.root())?;
    let row = scope.get(path.root())?;
    let key = setting.facts_of(&table)?.key_columns().into_iter().map(|name| Some((row.get(&name)?, name)));
    let key: Vec<String> =
        key.map(|part| part.map(|(value, name)| format!("{name} {}", value.plain()))).collect::<Option<_>>()?;
    let inner = Path { steps: rest.to_vec() };
    let column = if rest.is_empty() { column.to_string() } else { format!("{column}.{inner}") };
    Some((format!("{table} {}", key.join(", ")), column))
}

/// The row changes of a planned step, the author's only; nothing when the step could not be tried out. Where values were
/// only known after apply, the images before are exact all the same: they are what must not have changed.
pub fn planned_rows(step: &StepPlan) -> Option<Vec<&RowChange>> {
    let mut rows = step
        .effects
        .iter()
        .filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None })
        .peekable();
    rows.peek()?;
    Some(rows.flatten().filter(|c| !c.by_rule).collect())
}

/// Leaves out what the run itself brought about before it was done again.
pub fn without_own(differences: &mut Vec<Difference>, own: &[RowChange], setting: &Setting) {
    let ours = |d: &Difference| {
        let last = own.iter().rev().find(|c| format!("{} {}", c.table, c.key_text()) == d.subject);
        let Some(change) = last else { return false };
        let value = value(&change.after, d.column.split('.').next().unwrap_or(&d.column));
        let facts = setting.facts_of(&change.table);
        let seen = facts.map_or(value.clone(), |f| f.named(&d.column, value).marked(f.marks(&d.column)));
        // Below a document only its whole is known.
        d.column.contains('.') || seen.shown() == d.found
    };
    differences.retain(|d| !ours(d));
}

/// The planned rows, where the run itself changed one before it was done again: what it left then is what must be there
/// now, and what it becomes is not foretold.
pub fn rebased(planned: &[&RowChange], own: &[RowChange], found: &[RowChange]) -> Vec<RowChange> {
    let one = |plan: &&RowChange| {
        let same = |c: &&RowChange| c.table == plan.table && c.key == plan.key;
        let (left, now) = (own.iter().rev().find(same), found.iter().find(same));
        match (left, now) {
            (Some(left), Some(now)) => {
                RowChange { before: left.after.clone(), after: now.after.clone(), ..(*plan).clone() }
            }
            _ => (*plan).clone(),
        }
    };
    planned.iter().map(one).collect()
}

/// How the rows now under our locks differ from those of the plan.
pub fn of_rows(planned: &[&RowChange], found: &[RowChange], setting: &Setting) -> Vec<Difference> {
    let ours: Vec<&RowChange> = found.iter().filter(|c| !c.by_rule).collect();
    let mut differences = Vec::new();
    for (index, plan) in planned.iter().enumerate() {
        // A row that the database numbers has another key in each rehearsal: inserts are matched by their order.
        let inserted = plan.before.is_none();
        let same = |c: &&&RowChange| c.table == plan.table && (c.key == plan.key || inserted && c.before.is_none());
        let now = if inserted { ours.get(index).filter(same) } else { ours.iter().find(same) };
        match now {
            Some(now) => differences.extend(of_row(plan, now, setting)),
            None => differences.push(whole(plan, "in the plan", "not there any more")),
        }
    }
    for now in ours.iter().filter(|c| c.before.is_some() && c.deed() != Deed::Nothing) {
        if !planned.iter().any(|p| p.table == now.table && p.key == now.key) {
            differences.push(whole(now, "not in the plan", "would change as well"));
        }
    }
    differences
}

fn whole(change: &RowChange, planned: &str, found: &str) -> Difference {
    let subject = format!("{} {}", change.table, change.key_text());
    Difference { subject, column: String::new(), planned: planned.into(), found: found.into() }
}

fn of_row(plan: &RowChange, now: &RowChange, setting: &Setting) -> Vec<Difference> {
    let columns: BTreeSet<Arc<str>> = match plan.deed() {
        Deed::Delete => plan.before.iter().flat_map(|row| row.keys().cloned()).collect(),
        _ => plan.differing().into_iter().map(|(c, ..)| c).filter(|c| !plan.stamps.contains(c)).collect(),
    };
    let facts = setting.facts_of(&plan.table);
    let shown = |column: &str, value: &Value| {
        facts.map_or(value.shown(), |f| f.named(column, value.clone()).marked(f.marks(column)).shown())
    };
    let mut differences = Vec::new();
    let mut compare = |was: &Option<Map>, is: &Option<Map>, column: &Arc<str>| {
        let (was, is) = (value(was, column), value(is, column));
        let free = was.marks.has(Marks::CLOCK) || is.marks.has(Marks::CLOCK) || was.is_unknown();
        if !free && was != is && !differences.iter().any(|d: &Difference| d.column == **column) {
            let subject = format!("{} {}", plan.table, now.key_text());
            differences.push(Difference {
                subject,
                column: column.to_string(),
                planned: shown(column, &was),
                found: shown(column, &is),
            });
        }
    };
    for column in &columns {
        compare(&plan.before, &now.before, column);
        let numbered = plan.before.is_none() && plan.key.contains_key(column);
        if now.deed() != Deed::Nothing && !numbered {
            compare(&plan.after, &now.after, column);
        }
    }
    differences
}

fn value(row: &Option<Map>, column: &str) -> Value {
    row.as_ref().and_then(|r| r.get(column)).cloned().unwrap_or(Value::NULL)
}
