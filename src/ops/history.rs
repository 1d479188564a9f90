//! `runs`, `show`, `inbox`: what the journal knows.

use super::{Failure, project::Opened, record::Record};
use crate::{
    base::{identity::RunId, value::Value},
    effect::change::TableName,
    engine::state::RunState,
    journal::{RunFilter, RunSummary, Waiting},
};

/// The newest runs.
pub async fn runs(record: &Record, filter: &RunFilter, limit: u32) -> Result<Vec<RunSummary>, Failure> {
    Ok(record.journal.runs(filter, limit).await?)
}

/// Open questions, oldest first.
pub async fn inbox(record: &Record) -> Result<Vec<Waiting>, Failure> {
    Ok(record.journal.waiting().await?)
}

/// One run, by its id or the beginning of it.
pub async fn show(record: &Record, given: &str) -> Result<(RunId, RunState), Failure> {
    let run = record.journal.find_run(given).await?;
    Ok((run, record.state(run).await?))
}

/// Enum names of stored values, by today's project file; for drawing.
pub fn named(opened: &Opened, table: &TableName, column: &str, value: Value) -> Value {
    opened.project.facts(table).map_or(value.clone(), |facts| facts.named(column, value))
}
