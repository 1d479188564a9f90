//! `runs`, `show`, `inbox`: what the journal knows.

use super::{Failure, project::Opened, record::Record};
use crate::{
    base::{identity::RunId, time::Stamp, value::Value},
    effect::change::TableName,
    engine::{
        state::RunState,
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
    /// All of it.
    Whole(RunId, Box<RunState>),
    /// Its line in the list: the rest was purged, and when.
    Left(Box<RunSummary>, Stamp),
}

/// One run, by its id or the beginning of it.
pub async fn show(record: &Record, given: &str) -> Result<Shown, Failure> {
    let run = record.journal.find_run(given).await?;
    let mut state = match (record.state(run).await, record.journal.run(run).await?) {
        (Err(Failure::Journal(JournalError::Purged { at, .. })), Some(line)) => {
            return Ok(Shown::Left(Box::new(line), at));
        }
        (state, _) => state?,
    };
    let runs = super::undo::runs_of(record, &state).await?;
    if let Standing::TakenBack(by) = standing::of(&runs, run) {
        state.taken_back_by = Some(by.id);
    }
    Ok(Shown::Whole(run, Box::new(state)))
}

/// Refuses an item that the run does not have.
pub fn has_item(run: RunId, state: &RunState, item: &str) -> Result<(), Failure> {
    super::undo::has_item(run, state, Some(item))
}

/// Enum names of stored values, by today's project file; for drawing.
pub fn named(opened: &Opened, table: &TableName, column: &str, value: Value) -> Value {
    opened.project.facts(table).map_or(value.clone(), |facts| facts.named(column, value))
}
