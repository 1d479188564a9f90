//! Finding out by the rows themselves: locked, so that a lost session has ended first, and compared with the images that the
//! journal holds.

use super::{
    carry_out::Carried,
    drive::{Driver, Halt},
    outline::Place,
    recover::{Found, probe_of},
    setting::Setting,
    state::StepState,
    tries::Tries,
    trouble::Trouble,
    watch::Tick,
    write::rows_words,
};
use crate::{
    action::kinds::Act,
    base::value::{Map, Marks, Value},
    connection::{
        fault::{Fault, FaultKind},
        handle::Writing,
    },
    effect::change::{Deed, RowChange, TableName},
    table::facts::Facts,
};
use std::{collections::BTreeSet, sync::Arc};

/// What one row says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Says {
    /// It is as we left it.
    Ours,
    /// It is as we found it.
    Before,
    /// Neither, and what it holds instead.
    Neither(String),
}

/// Why there is no verdict yet.
enum Hindrance {
    Fault(Fault),
    /// Sessions that wrote to the table and have not ended.
    Writers(Vec<i64>, TableName),
    /// A row is locked, by one of these.
    Holders(Vec<i64>, TableName),
    /// It is another database.
    Halt(Halt),
}

impl From<Halt> for Hindrance {
    fn from(halt: Halt) -> Hindrance {
        match halt {
            Halt::Trouble(Trouble::Database { fault, .. }) => Hindrance::Fault(fault),
            halt => Hindrance::Halt(halt),
        }
    }
}

impl From<Fault> for Hindrance {
    fn from(fault: Fault) -> Hindrance {
        Hindrance::Fault(fault)
    }
}

impl Driver<'_> {
    /// Compares the rows; tries again within bounds while something is in the way.
    pub(super) async fn by_images(&mut self, place: &Place, step: &StepState) -> Result<Found, Halt> {
        let changes: Vec<&RowChange> = step.changes.iter().filter(|c| c.deed() != Deed::Nothing).collect();
        let connection = step.connection.clone().or_else(|| changes.first().map(|c| c.table.connection.clone()));
        let Some(connection) = connection.filter(|_| changes.iter().any(|c| !c.by_rule)) else {
            if probe_of(&place.step).is_some() {
                return self.by_probe(place, step).await;
            }
            return Ok(Found::InDoubt("none of the rows that it changed can be told by a key".into()));
        };
        let (mut tries, mut earlier) = (Tries::default(), None);
        loop {
            let why = match self.compared(&connection, &changes, &mut earlier).await {
                Ok(verdict) => return Ok(self.judged(place, step, verdict)),
                Err(Hindrance::Fault(fault)) if !passes(fault.kind) => {
                    return Ok(Found::InDoubt(format!("its rows cannot be looked at: `{connection}`: {fault}")));
                }
                Err(Hindrance::Halt(halt)) => return Err(halt),
                Err(Hindrance::Fault(fault)) => format!("`{connection}`: {fault}"),
                Err(Hindrance::Writers(pids, table)) => {
                    format!("a session that wrote to `{table}` has not ended{}", processes(&pids))
                }
                Err(Hindrance::Holders(pids, table)) => {
                    format!("another session still holds a row of `{table}`{}", processes(&pids))
                }
            };
            let Some(pause) = tries.next() else {
                return Ok(Found::InDoubt(format!("its rows cannot be looked at: {why}")));
            };
            (self.watch)(Tick::Again { path: place.path.clone(), why, pause });
            self.setting.world.pause(pause).await;
        }
    }

    async fn compared(
        &self,
        connection: &Arc<str>,
        changes: &[&RowChange],
        earlier: &mut Option<BTreeSet<i64>>,
    ) -> Result<Vec<(bool, Says)>, Hindrance> {
        let Some(database) = self.setting.database(connection) else {
            return Err(Fault::new(FaultKind::Settings, "it is not a database of this project").into());
        };
        let mut writing = database.writing().await?;
        let said = match self.same_database(&mut writing).await {
            Ok(()) => says(&mut writing, changes, earlier, self.setting).await,
            Err(halt) => Err(halt.into()),
        };
        // Only looked at: nothing is left behind, and no lock.
        let _ = writing.rollback().await;
        said
    }

    /// All rows together: one transaction made them, so they can only have become ours together.
    fn judged(&self, place: &Place, step: &StepState, says: Vec<(bool, Says)>) -> Found {
        let all = |rule: bool, what: &Says| says.iter().filter(|(r, _)| *r == rule).all(|(_, s)| s == what);
        let rules = says.iter().any(|(rule, _)| *rule);
        match (all(false, &Says::Ours), all(false, &Says::Before)) {
            (true, _) if all(true, &Says::Ours) => {
                let carried = Carried { changes: step.changes.clone(), ..Carried::default() };
                let single = matches!(place.step.act, Act::Row(_));
                let value = (!matches!(place.step.act, Act::Block(_)) && place.is_plain()).then(|| carried.result(single, self.setting));
                let response = Some(rows_words(&carried));
                Found::Done { why: "the rows show that it was done".into(), value, response }
            }
            (_, true) if all(true, &Says::Before) => Found::NotDone("the rows show that it was not done".into()),
            (true, _) if rules => Found::InDoubt(
                "the rows are as they should become, but this run's audit row is not there: somebody else may have done the same"
                    .into(),
            ),
            (_, true) if rules => Found::InDoubt(
                "the rows are as before, but this run's audit row is there: somebody may have taken the change back".into(),
            ),
            _ => {
                let odd = says.into_iter().find_map(|(_, s)| if let Says::Neither(what) = s { Some(what) } else { None });
                Found::InDoubt(odd.unwrap_or_else(|| "some of its rows are as before, others as they should become".into()))
            }
        }
    }
}

/// ` (process 4711)`
fn processes(pids: &[i64]) -> String {
    match pids {
        [] => String::new(),
        [one] => format!(" (process {one} of the database)"),
        several => {
            let several: Vec<_> = several.iter().map(i64::to_string).collect();
            format!(" (one of the processes {} of the database)", several.join(", "))
        }
    }
}

/// Faults that may be over in a moment.
pub(super) fn passes(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Refused
            | FaultKind::Lost
            | FaultKind::LockTimeout
            | FaultKind::StatementTimeout
            | FaultKind::Busy
            | FaultKind::Serialization
    )
}

/// What each row says, in the order of `changes`, and whether a rule wrote it.
async fn says(
    writing: &mut Writing,
    changes: &[&RowChange],
    earlier: &mut Option<BTreeSet<i64>>,
    setting: &Setting,
) -> Result<Vec<(bool, Says)>, Hindrance> {
    // Rows that were there before: their locks are given only when the lost session has ended.
    let (old, new): (Vec<_>, Vec<_>) = changes.iter().enumerate().partition(|(_, c)| c.before.is_some());
    let mut said: Vec<Option<(bool, Says)>> = vec![None; changes.len()];
    let held = !old.is_empty();
    for (rows, inserted) in [(old, false), (new, true)] {
        for (index, change) in rows {
            if inserted && !held {
                ended(writing, &change.table, earlier).await?;
            }
            let names: Vec<Arc<str>> = change.key.keys().cloned().collect();
            let key = change.key.values().cloned().collect();
            let savepoint = writing.savepoint().await?;
            let found = match writing.lock_and_read(&change.table.table, &names, &[key]).await {
                Ok(found) => {
                    writing.release(savepoint).await?;
                    found.into_iter().next().flatten()
                }
                Err(fault) if fault.kind == FaultKind::LockTimeout => {
                    writing.rollback_to(savepoint).await?;
                    return Err(Hindrance::Holders(writing.holders(&change.table.table).await?, change.table.clone()));
                }
                Err(fault) => return Err(fault.into()),
            };
            if let Some(slot) = said.get_mut(index) {
                *slot = Some((change.by_rule, compare(change, found.as_ref(), &|table| setting.facts_of(table))));
            }
        }
    }
    Ok(said.into_iter().flatten().collect())
}

/// A row that was not there before has no lock to wait for: whoever wrote to the table when we first looked must have ended.
async fn ended(writing: &mut Writing, table: &TableName, earlier: &mut Option<BTreeSet<i64>>) -> Result<(), Hindrance> {
    let now: BTreeSet<i64> = writing.writers(&table.table).await?.into_iter().collect();
    let first = earlier.get_or_insert_with(|| now.clone());
    first.retain(|pid| now.contains(pid));
    if first.is_empty() { Ok(()) } else { Err(Hindrance::Writers(first.iter().copied().collect(), table.clone())) }
}

/// The facts of a table.
type Lookup<'a> = &'a dyn Fn(&TableName) -> Option<&'a Facts>;

/// One row as it is now, against its images.
fn compare(change: &RowChange, now: Option<&Map>, facts: Lookup<'_>) -> Says {
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    if before.into_iter().chain(after).flat_map(|row| row.values()).any(Value::is_unknown) {
        return Says::Neither(format!("the images of {} are sealed, and their key is not here", named(change)));
    }
    match (before, after, now) {
        (Some(_), None, None) => Says::Ours,
        (None, None, _) | (None, Some(_), None) => Says::Before,
        (Some(_), Some(_), None) => Says::Neither(format!("{} is not there any more", named(change))),
        (None, Some(after), Some(now)) => match differs(change, after.keys(), after, now) {
            None => Says::Ours,
            // The row that a rule wrote is told by all it holds: another one may have got its number since.
            Some(_) if change.by_rule => Says::Before,
            Some(column) => Says::Neither(unlike(change, &column, None, Some(after), now, facts)),
        },
        (Some(before), None, Some(now)) => match differs(change, before.keys(), before, now) {
            None => Says::Before,
            Some(column) => Says::Neither(unlike(change, &column, Some(before), None, now, facts)),
        },
        (Some(before), Some(after), Some(now)) => {
            let columns: Vec<Arc<str>> = change.differing().into_iter().map(|(column, ..)| column).collect();
            match (differs(change, columns.iter(), after, now), differs(change, columns.iter(), before, now)) {
                (None, _) => Says::Ours,
                (_, None) => Says::Before,
                (Some(column), _) => Says::Neither(unlike(change, &column, Some(before), Some(after), now, facts)),
            }
        }
    }
}

/// The first of these columns, stamps left aside, in which the row is not as in the image.
fn differs<'a>(
    change: &RowChange,
    columns: impl Iterator<Item = &'a Arc<str>>,
    image: &Map,
    now: &Map,
) -> Option<Arc<str>> {
    let mut columns = columns.filter(|column| !change.stamps.contains(column));
    let same = |column: &Arc<str>| match (image.get(column), now.get(column)) {
        (Some(image), Some(now)) => image.is_stored_like(now),
        (image, now) => image.is_none() && now.is_none(),
    };
    columns.find(|column| !same(column)).cloned()
}

fn named(change: &RowChange) -> String {
    format!("`{}` {}", change.table, change.key_text())
}

/// `shop.things` id 1: state was new, should become open, and is sold
fn unlike(
    change: &RowChange,
    column: &Arc<str>,
    before: Option<&Map>,
    after: Option<&Map>,
    now: &Map,
    facts: Lookup<'_>,
) -> String {
    let facts = facts(&change.table);
    // What was hidden in an image is hidden in what the database says of it now.
    let hidden = before.into_iter().chain(after).chain([now]).filter_map(|row| row.get(column));
    let hidden = hidden.fold(Marks::NONE, |marks, value| marks | value.all_marks()).among(Marks::HIDDEN);
    let shown = |row: &Map| {
        let value = row.get(column).cloned().unwrap_or(Value::NULL).marked(hidden);
        facts.map_or(value.shown(), |f| f.named(column, value.clone()).marked(f.marks(column)).shown())
    };
    let was = before.map(|row| format!("was {}, ", shown(row))).unwrap_or_default();
    let wanted = after.map_or_else(|| "should be gone".to_owned(), |row| format!("should become {}", shown(row)));
    format!("{}: `{column}` {was}{wanted}, and is {}", named(change), shown(now))
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
