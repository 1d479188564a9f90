//! `runs`, `show`, `inbox`: what the journal knows.

use super::{Failure, project::Opened, record::Record};
use crate::{
    base::{identity::RunId, time::Stamp, value::Value},
    effect::change::TableName,
    engine::{
        fleet::roll::Roll,
        state::{ItemState, RunState},
        undo::standing::{self, Standing},
    },
    journal::{RunFilter, RunSummary, Waiting, failure::JournalError, words::RunWord},
};

/// The newest runs.
pub async fn runs(record: &Record, filter: &RunFilter, limit: u32) -> Result<Vec<RunSummary>, Failure> {
    Ok(record.journal.runs(filter, limit).await?)
}

/// What waits for a person.
pub struct Inbox {
    /// Open questions, oldest first.
    pub questions: Vec<Waiting>,
    /// Runs in which something is in doubt, newest first, with where they stand.
    pub in_doubt: Vec<(RunSummary, RunState)>,
    /// When it was looked at: what is overdue.
    pub now: Stamp,
}

/// So many runs in doubt are shown at most.
const DOUBTS: u32 = 50;

/// Open questions, and what is in doubt.
pub async fn inbox(record: &Record, now: Stamp) -> Result<Inbox, Failure> {
    let questions = record.journal.waiting().await?;
    let filter = RunFilter { state: Some(RunWord::InDoubt), ..RunFilter::default() };
    let mut in_doubt = Vec::new();
    for run in record.journal.runs(&filter, DOUBTS).await? {
        let state = record.state(run.id).await?;
        in_doubt.push((run, state));
    }
    Ok(Inbox { questions, in_doubt, now })
}

/// What there is to show of a run.
pub enum Shown {
    /// All of it: a run about one record.
    Whole(RunId, Box<RunState>),
    /// A run over many items: what is done once for all of them, and the roll of the items.
    Many(RunId, Box<RunState>, Box<Roll>),
    /// Its line in the list: the rest was purged, and when.
    Left(Box<RunSummary>, Stamp),
}

/// One run, by its id or the beginning of it.
pub async fn show(record: &Record, given: &str) -> Result<Shown, Failure> {
    let run = record.journal.find_run(given).await?;
    let roll = match (record.roll(run).await, record.journal.run(run).await?) {
        (Err(Failure::Journal(JournalError::Purged { at, .. })), Some(line)) => {
            return Ok(Shown::Left(Box::new(line), at));
        }
        (roll, _) => roll?,
    };
    let mut state = roll.run.clone();
    let runs = super::undo::runs_of(record, &state).await?;
    if let Standing::TakenBack(by) = standing::of(&runs, run) {
        state.taken_back_by = Some(by.id);
    }
    let state = Box::new(state);
    Ok(if roll.count() == 0 { Shown::Whole(run, state) } else { Shown::Many(run, state, Box::new(roll)) })
}

/// One item of a run, as its events leave it. Refuses one that the run does not have.
pub async fn item(record: &Record, run: RunId, roll: &Roll, key: &str) -> Result<Option<ItemState>, Failure> {
    super::undo::has_item(record, run, roll, Some(key)).await?;
    Ok(roll.item(&record.journal, key).await?)
}

/// Every item of a run, as `line` makes it, in the order in which they are listed.
pub async fn items(record: &Record, roll: &Roll, line: fn(&str, &ItemState) -> String) -> Result<Vec<String>, Failure> {
    let mut lines = vec![String::new(); roll.count()];
    let not_begun = ItemState::default();
    roll.walk(&record.journal, |number, key, item| {
        if let Some(place) = lines.get_mut(number as usize) {
            *place = line(key, item.unwrap_or(&not_begun));
        }
    })
    .await?;
    Ok(lines)
}

/// Enum names of stored values, by today's project file; for drawing.
pub fn named(opened: &Opened, table: &TableName, column: &str, value: Value) -> Value {
    opened.project.facts(table).map_or(value.clone(), |facts| facts.named(column, value))
}
