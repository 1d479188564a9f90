//! How a run stands with regard to undos of it, from the list of runs: pure.

use super::PURPOSE;
use crate::{
    base::identity::RunId,
    journal::{RunSummary, words::End},
};

/// Where a run stands.
#[derive(Clone, Debug)]
pub enum Standing<'a> {
    /// What it did stands.
    Stands,
    /// This run took it back.
    TakenBack(&'a RunSummary),
    /// It was taken back, and this run made it again.
    MadeAgain(&'a RunSummary),
    /// This run takes it back and is not over.
    UnderWay(&'a RunSummary),
}

/// Of one run, from all runs of its playbook, newest first. An undo that left something alone does not count: the rest can
/// still be taken back.
pub fn of(runs: &[RunSummary], run: RunId) -> Standing<'_> {
    let undos = || runs.iter().filter(|r| &*r.purpose == PURPOSE && r.about == Some(run));
    if let Some(open) = undos().find(|r| r.end.is_none()) {
        return Standing::UnderWay(open);
    }
    let Some(undo) = undos().find(|r| r.end == Some(End::Changed)) else { return Standing::Stands };
    match of(runs, undo.id) {
        Standing::Stands => Standing::TakenBack(undo),
        Standing::TakenBack(by) => Standing::MadeAgain(by),
        Standing::MadeAgain(by) => Standing::TakenBack(by),
        under_way => under_way,
    }
}
