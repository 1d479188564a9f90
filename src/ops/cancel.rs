//! `cancel`: no new step of a run starts. A run that somebody works on ends between two steps, any other at once. What was
//! done stays done.

use super::{Failure, Surroundings, apply::named, record::Record, resume::open};
use crate::{
    base::identity::RunId,
    engine::{fleet::summary::Summary, state::RunState},
    journal::{
        Claim,
        event::Event,
        payload::{ClosedItem, Count, ItemClosed, RunCancelled, RunClosed},
        words::End,
    },
};

/// So many items are closed in one event.
const TOGETHER: usize = 500;

/// How far it came.
pub struct Cancelled {
    /// Where the run stands now.
    pub state: RunState,
    /// The process that ends it after the step that it is at; nothing when the run is over.
    pub worker: Option<Claim>,
}

/// Records that a run is to end, and ends it where nobody works on it.
pub async fn cancel(
    surroundings: &Surroundings,
    record: &Record,
    run: RunId,
    reason: Option<&str>,
    actor: Option<&str>,
) -> Result<Cancelled, Failure> {
    let (reason, actor) = named(reason, actor)?;
    let state = record.state(run).await?;
    open(run, &state)?;
    let short = run.short();
    let asked: Event = RunCancelled { actor: actor.into(), reason: reason.to_owned() }.into();
    if let Some(worker) = record.worked_on_by(surroundings, run).await? {
        if state.cancelled {
            let by = state.cancelled_by.as_ref().map_or(String::new(), |by| format!(", by {}", by.actor));
            return Err(Failure::usage(format!("run {short} was cancelled already{by}"))
                .help(format!("{}, and ends it after the step that it is at", super::undo::who(&worker))));
        }
        record.journal.append(run, &[asked]).await?;
        return Ok(Cancelled { state: record.state(run).await?, worker: Some(worker) });
    }
    let doubt = state.doubts().next().map(|(_, path, step)| (path.clone(), step.needs_a_person()));
    if let Some((path, looked)) = doubt {
        let failure = Failure::usage(format!("run {short} is in doubt: nobody knows whether `{path}` happened"));
        return Err(if looked {
            failure.help(format!("decide that first: `trueup resolve {short} --done|--not-done|--abort --reason …`"))
        } else {
            failure.help(format!("`trueup resume {short}` finds out, and goes on; then it can be cancelled"))
        });
    }
    let claim = record.claim(surroundings, run, actor).await?;
    let words = format!("cancelled by {actor}: {reason}");
    let still = state.items.iter().filter(|(_, item)| item.closed.is_none());
    let items: Vec<ClosedItem> = still
        .map(|(key, _)| ClosedItem { item: key.clone(), end: End::Cancelled, reason: Some(words.clone()) })
        .collect();
    let mut counts = Summary::of(&state).counts();
    counts.retain(|count| !matches!(count.end, End::Waiting | End::InDoubt | End::Cancelled));
    counts.push(Count { end: End::Cancelled, items: items.len() as u64 });
    let closed = RunClosed { end: End::Cancelled, reason: Some(words), counts };
    let mut events = vec![asked];
    events.extend(items.chunks(TOGETHER).map(|items| ItemClosed { items: items.to_vec() }.into()));
    events.push(closed.into());
    record.journal.append_claimed(&claim, &events).await?;
    Ok(Cancelled { state: record.state(run).await?, worker: None })
}
