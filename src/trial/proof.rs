//! Proofs that the runner makes by itself, beside what a case expects.

use super::{
    report::Problem,
    snapshot::{differing, row_name},
};
use crate::{
    base::value::{Map, Marks, Value},
    effect::{
        change::{Deed, RowChange, TableName},
        label::Label,
    },
    plan::{Effect, Foreseen, Plan},
    playbook::project::Project,
};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// The rows that the preview shows against those that apply changed: table, key, before and after, value by value.
/// Left aside are values of the clock, and keys that the database gives to new rows.
pub fn preview_equals_apply(plan: &Plan, applied: &[RowChange]) -> Vec<Problem> {
    let vague = plan
        .items
        .iter()
        .flat_map(|i| &i.steps)
        .find(|s| matches!(s.foreseen, Foreseen::Changes | Foreseen::Undecided) && s.label != Label::Exact);
    if let Some(step) = vague {
        return vec![Problem::new(
            "preview_equals_apply",
            "a preview that knows every row",
            format!("{}: {}", step.path, step.label.words()),
        )];
    }
    let mut problems = Vec::new();
    let (previewed, inserted) = previewed(plan);
    let mut new: Vec<&RowChange> = Vec::new();
    let mut met = BTreeSet::new();
    let (besides, applied) = besides(plan, applied, &previewed, &inserted);
    problems.extend(besides);
    let mut whole = IndexMap::new();
    applied.into_iter().for_each(|change| goes_on(&mut whole, change));
    // What ends as it was is no change in the preview either.
    for change in whole.values().filter(|change| change.deed() == Deed::Insert || !differing(change).is_empty()) {
        if change.deed() == Deed::Insert {
            new.push(change);
            continue;
        }
        let name = row_name(change);
        match previewed.get(&name) {
            None => problems.push(Problem::new(
                format!("preview: {name}"),
                "in the preview, because apply changed it",
                "not there",
            )),
            Some(shown) => problems.extend(row(shown, change)),
        }
        met.insert(name);
    }
    // A row in which nothing but its time of change moves may find the clock where it was.
    let timeless = |shown: &RowChange| differing(shown).iter().any(|(column, _, new)| !free(shown, column, new));
    for (name, _) in previewed.iter().filter(|(name, shown)| !met.contains(*name) && timeless(shown)) {
        problems.push(Problem::new(format!("apply: {name}"), "changed, because the preview says so", "not changed"));
    }
    problems.extend(inserts(&inserted, &new));
    problems
}

/// What a run and its undo leave different from how it was before: nothing but by-products. Those are rows that rules and
/// triggers wrote (`also`: the tables that triggers touched), and columns that a rule stamps.
pub fn undo_restores(left: &[RowChange], project: &Project, also: &BTreeSet<String>) -> Vec<Problem> {
    let by_rule = |table: &TableName| {
        project.audits.iter().any(|(_, rule)| rule.table.text == table.table) || also.contains(&table.to_string())
    };
    let mut problems = Vec::new();
    for change in left {
        let name = format!("after the undo: {}", row_name(change));
        match change.deed() {
            Deed::Insert if by_rule(&change.table) => {}
            Deed::Insert => problems.push(Problem::new(name, "no row, as before", "it is there")),
            Deed::Delete => problems.push(Problem::new(name, "the row, as before", "it is gone")),
            Deed::Update | Deed::Nothing => {
                let stamp = project.facts(&change.table).and_then(|facts| facts.stamp());
                for (column, was, is) in differing(change).into_iter().filter(|(c, ..)| stamp != Some(&**c)) {
                    let name = format!("{name}, column {column}");
                    problems.push(Problem::new(name, format!("{}, as before", was.shown()), is.shown()));
                }
            }
        }
    }
    problems
}

/// Tables that triggers and cascades touch are shown with numbers of rows, not with the rows: those must be right. Gives
/// what is wrong with them, and the changes of all other tables.
fn besides<'a>(
    plan: &Plan,
    applied: &'a [RowChange],
    previewed: &IndexMap<String, RowChange>,
    inserted: &[RowChange],
) -> (Vec<Problem>, Vec<&'a RowChange>) {
    let also = plan.items.iter().flat_map(|i| &i.steps).flat_map(|s| &s.effects);
    let also = also.filter_map(|e| if let Effect::Rows { also, .. } = e { Some(also) } else { None }).flatten();
    let mut counts: IndexMap<&str, [u64; 3]> = IndexMap::new();
    for table in also {
        let count = counts.entry(&table.table).or_default();
        *count = [count[0] + table.inserted, count[1] + table.updated, count[2] + table.deleted];
    }
    let by_row = |table: &TableName| inserted.iter().chain(previewed.values()).any(|c| c.table == *table);
    let (besides, rest): (Vec<&RowChange>, Vec<&RowChange>) =
        applied.iter().partition(|c| counts.contains_key(&*c.table.to_string()) && !by_row(&c.table));
    let mut problems = Vec::new();
    for (table, shown) in counts.iter().filter(|(t, _)| besides.iter().any(|c| c.table.to_string() == **t)) {
        let count =
            |deed: Deed| besides.iter().filter(|c| c.table.to_string() == **table && c.deed() == deed).count() as u64;
        let found = [count(Deed::Insert), count(Deed::Update), count(Deed::Delete)];
        // A row that is updated twice is counted twice by the database, so only new and gone rows are exact.
        if found[0] != shown[0] || found[2] != shown[2] || found[1] > shown[1] {
            let words = |[a, b, c]: [u64; 3]| format!("{a} inserted, {b} updated, {c} deleted");
            problems.push(Problem::new(format!("also touched: {table}"), words(*shown), words(found)));
        }
    }
    (problems, rest)
}

/// What the steps do to each row together, and the new rows in their order.
fn previewed(plan: &Plan) -> (IndexMap<String, RowChange>, Vec<RowChange>) {
    let mut known: IndexMap<String, RowChange> = IndexMap::new();
    let rows = plan.items.iter().flat_map(|i| &i.steps).flat_map(|s| &s.effects);
    let rows = rows.filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None }).flatten();
    for change in rows.filter(|c| c.deed() != Deed::Nothing || !differing(c).is_empty()) {
        goes_on(&mut known, change);
    }
    // A row that one step makes and another takes away, or that ends as it was, is no change.
    let real = known.into_iter().filter(|(_, c)| !differing(c).is_empty());
    let (new, old): (Vec<_>, Vec<_>) = real.partition(|(_, c)| c.deed() == Deed::Insert);
    (old.into_iter().collect(), new.into_iter().map(|(_, c)| c).collect())
}

/// What is written several times was first what it was before the first time, and is in the end what it was left as.
fn goes_on(known: &mut IndexMap<String, RowChange>, change: &RowChange) {
    match known.get_mut(&row_name(change)) {
        Some(whole) => {
            whole.after = change.after.clone();
            whole.stamps.extend(change.stamps.iter().cloned());
        }
        None => drop(known.insert(row_name(change), change.clone())),
    }
}

/// The clock moves between preview and apply.
fn free(shown: &RowChange, column: &str, value: &Value) -> bool {
    value.all_marks().has(Marks::CLOCK) || shown.stamps.iter().any(|s| &**s == column)
}

fn row(shown: &RowChange, applied: &RowChange) -> Vec<Problem> {
    let mut problems = Vec::new();
    let name = row_name(applied);
    for (what, shown_row, applied_row) in
        [("before", &shown.before, &applied.before), ("after", &shown.after, &applied.after)]
    {
        match (shown_row, applied_row) {
            (Some(shown_row), Some(applied_row)) => {
                problems.extend(image(&format!("{name}, {what}"), shown, shown_row, applied_row, &[]))
            }
            (None, None) => {}
            (shown_row, _) => {
                let word = |there: bool| if there { "a row" } else { "no row" };
                let (expected, found) = (word(shown_row.is_some()), word(shown_row.is_none()));
                problems.push(Problem::new(format!("{name}, {what}"), format!("{expected}, as previewed"), found));
            }
        }
    }
    problems
}

fn image(name: &str, shown: &RowChange, previewed: &Map, applied: &Map, aside: &[&str]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (column, value) in applied {
        let was = previewed.get(column).cloned().unwrap_or(Value::NULL);
        if free(shown, column, &was) || aside.contains(&&**column) || was == *value {
            continue;
        }
        problems.push(Problem::new(
            format!("{name}: {column}"),
            format!("{}, as previewed", was.bare()),
            value.bare().into_owned(),
        ));
    }
    problems
}

/// New rows are matched table by table, whatever key the database gave them.
fn inserts(previewed: &[RowChange], applied: &[&RowChange]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let tables: BTreeSet<&TableName> =
        previewed.iter().map(|c| &c.table).chain(applied.iter().map(|c| &c.table)).collect();
    for table in tables {
        let mut free: Vec<&RowChange> = applied.iter().filter(|c| c.table == *table).copied().collect();
        for shown in previewed.iter().filter(|c| c.table == *table) {
            let unlike = |change: &RowChange| {
                let key: Vec<&str> = shown.key.keys().map(|k| &**k).collect();
                let (was, is) = (shown.after.clone().unwrap_or_default(), change.after.clone().unwrap_or_default());
                image(&format!("a new row of {table}"), shown, &was, &is, &key)
            };
            let nearest = (0..free.len()).min_by_key(|i| unlike(free[*i]).len());
            match nearest {
                Some(index) => problems.extend(unlike(free.remove(index))),
                None => problems.push(Problem::new(
                    format!("a new row of {table}"),
                    "inserted, because the preview says so",
                    "not inserted",
                )),
            }
        }
        for change in free {
            problems.push(Problem::new(
                format!("a new row of {table}"),
                "in the preview, because apply inserted it",
                row_name(change),
            ));
        }
    }
    problems
}
