//! `runs`, `show`, `inbox`: what the journal knows.

use super::{Failure, Surroundings, apply::RECONCILE, project::Opened, record::Record};
use crate::{
    base::{identity::RunId, time::Stamp, value::Value},
    effect::change::TableName,
    engine::{
        fleet::roll::Roll,
        state::{ItemState, RunState},
        undo::standing::{self, Standing},
    },
    journal::{RunFilter, RunSummary, Waiting, event::Event, failure::JournalError, words::RunWord},
    report::{exit::Exit, runs::PassedOver},
    targets::spool::{Place, Spool, SpoolError, Spooled},
};
use std::collections::HashMap;

/// The newest runs.
pub async fn runs(record: &Record, filter: &RunFilter, limit: u32) -> Result<Vec<RunSummary>, Failure> {
    Ok(record.journal.runs(filter, limit).await?)
}

/// Which of these runs were taken back as a whole, and by which. (An undo is younger than its run, so a list of the newest has both.)
pub async fn taken_back(record: &Record, found: &[RunSummary]) -> Result<HashMap<RunId, RunId>, Failure> {
    let mut taken = HashMap::new();
    for run in found {
        if matches!(standing::of(found, run.id), Standing::TakenBack(_))
            && let Some(by) = super::undo::taken_back_by(record, run.id).await?
        {
            taken.insert(run.id, by);
        }
    }
    Ok(taken)
}

/// What the reconciles among these runs did not take on, which is in no count of its run.
pub async fn passed_over(record: &Record, runs: &[RunSummary]) -> Result<HashMap<RunId, PassedOver>, Failure> {
    let mut passed = HashMap::new();
    for run in runs.iter().filter(|run| run.purpose == RECONCILE && run.purged_at.is_none()) {
        // The counts stand in each of these events.
        let Some(seen) = record.journal.latest(run.id, "drift.seen").await? else { continue };
        if let Event::DriftSeen(seen) = seen.event {
            let refused = (&*seen.mode == "heal").then(|| seen.drifted.saturating_sub(seen.healing));
            passed.insert(run.id, PassedOver { refused, not_tried: seen.failed });
        }
    }
    Ok(passed)
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
pub async fn show(surroundings: &Surroundings, record: &Record, given: &str) -> Result<Shown, Failure> {
    let run = record.journal.find_run(given).await?;
    let roll = match (record.roll(run).await, record.journal.run(run).await?) {
        (Err(Failure::Journal(JournalError::Purged { at, .. })), Some(line)) => {
            return Ok(Shown::Left(Box::new(line), at));
        }
        (roll, _) => roll?,
    };
    let mut state = roll.run.clone();
    state.taken_back_by = super::undo::taken_back_by(record, run).await?;
    state.worked_on_by = record.worked_on_by(surroundings, run).await?.map(|by| by.holder.name.into());
    let state = Box::new(state);
    Ok(if roll.count() == 0 { Shown::Whole(run, state) } else { Shown::Many(run, state, Box::new(roll)) })
}

/// One item of a run, as its events leave it. Refuses one that the run does not have.
pub async fn item(record: &Record, run: RunId, roll: &Roll, key: &str) -> Result<Option<ItemState>, Failure> {
    super::undo::has_item(record, run, roll, Some(key)).await?;
    Ok(roll.item(&record.journal, key).await?)
}

/// Every item of a run, as `line` makes it: put aside on the way, because they end in another order than they are listed in.
pub struct Lines {
    places: Vec<Option<Place>>,
    spooled: Spooled,
}

impl Lines {
    /// In the order in which the items are listed.
    pub fn each(&self) -> impl Iterator<Item = Result<String, Failure>> + '_ {
        self.places.iter().flatten().map(|place| {
            let line = self.spooled.at(*place).map_err(|error| bad(&error))?;
            Ok(line.as_str().unwrap_or_default().to_owned())
        })
    }
}

fn bad(error: &SpoolError) -> Failure {
    Failure::refused(Exit::Failed, format!("failed to {error}"))
}

/// The lines of all items, and the run with what is done once and those of its items in which something is in doubt or drifted. No
/// more of them is held at any time.
pub async fn items(
    record: &Record,
    roll: &Roll,
    line: &(dyn Fn(&str, &ItemState) -> String + Sync),
) -> Result<(Lines, RunState), Failure> {
    let mut spool = Spool::new(&record.aside, &record.sealer);
    let (mut places, mut failed, mut state) = (vec![None; roll.count()], None, roll.run.clone());
    roll.walk(&record.journal, |number, key, item| {
        let Some(place) = places.get_mut(number as usize).filter(|_| failed.is_none()) else { return };
        let Some(item) = item else {
            if place.is_none() {
                // Where nothing more is said of it, it was listed and no more.
                match spool.add(line(key, &ItemState::default()).into()) {
                    Ok(at) => *place = Some(at),
                    Err(error) => failed = Some(error),
                }
            }
            return;
        };
        if item.closed.is_none() && item.doubts().next().is_some()
            || item.steps.values().any(|step| !step.drift().is_empty())
        {
            state.items.insert(key.clone(), item.clone());
        }
        match spool.add(line(key, item).into()) {
            Ok(at) => *place = Some(at),
            Err(error) => failed = Some(error),
        }
    })
    .await?;
    // They were met in the order in which they ended.
    state.items.sort_by_cached_key(|key, _| roll.number_of(key));
    match failed {
        Some(error) => Err(bad(&error)),
        None => {
            let spooled = spool.done().map_err(|error| bad(&error))?;
            Ok((Lines { places, spooled }, state))
        }
    }
}

/// Enum names of stored values, by today's project file; for drawing.
pub fn named(opened: &Opened, table: &TableName, column: &str, value: Value) -> Value {
    opened.project.facts(table).map_or(value.clone(), |facts| facts.named(column, value))
}
