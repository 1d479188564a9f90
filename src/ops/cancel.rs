//! `cancel`: no new step of a run starts. A run that somebody works on ends between two steps, any other at once. What was
//! done stays done; what the playbook wants done at the end of a block (`always`) is done first.

use super::{
    Failure, Surroundings,
    apply::named,
    project::Opened,
    record::Record,
    resume::{go_on, open, setting_of},
};
use crate::{
    base::{diagnostic::Diagnostics, identity::RunId, source::Source},
    engine::{
        decide::{Next, decide},
        fleet::summary::Summary,
        outline::Outline,
        state::RunState,
        watch::Watch,
    },
    journal::{
        Claim,
        event::Event,
        payload::{ClosedItem, Count, ItemClosed, RunCancelled, RunClosed},
        words::End,
    },
    playbook::{called::Called, model::Playbook},
};
use std::sync::atomic::AtomicBool;

/// So many items are closed in one event.
const TOGETHER: usize = 500;

/// How far it came.
pub struct Cancelled {
    /// Where the run stands now.
    pub state: RunState,
    /// The process that ends it after the step that it is at; nothing when the run is over.
    pub worker: Option<Claim>,
}

/// What a person asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish<'a> {
    /// Why, 1 to 500 characters.
    pub reason: Option<&'a str>,
    /// Who.
    pub actor: Option<&'a str>,
}

/// A block that the run stands in has something to do at its end (`always`).
fn ends_first(state: &RunState) -> bool {
    let Some(created) = state.created.as_ref().filter(|_| !state.is_undo()) else { return false };
    let source = Source::new(created.playbook.to_string(), created.text.to_string());
    let Some(playbook) = Playbook::parse(&source, &mut Diagnostics::new(source.clone())) else { return false };
    let outline = Outline::of(&playbook, &Called::of_sound(&source).by_name(&playbook));
    let open = state.items.values().filter(|item| item.closed.is_none());
    open.into_iter().any(|item| !matches!(decide(&outline, item, true), Next::Close(..) | Next::Over(_)))
}

/// Records that a run is to end, and ends it where nobody works on it.
pub async fn cancel(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    wish: &Wish<'_>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Cancelled, Failure> {
    let Wish { reason, actor } = *wish;
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
    if ends_first(&state) {
        let plan = async {
            let setting = setting_of(surroundings, record, opened, run, &state).await?;
            record.journal.append_claimed(&claim, &[asked]).await?;
            Ok(setting)
        };
        // Rare and large: kept off the stack of those who only cancel.
        let (prepared, plan) = match Box::pin(plan).await {
            Ok(prepared) => prepared,
            Err(failure) => {
                record.journal.release(&claim).await?;
                return Err(failure);
            }
        };
        let carried = Box::pin(go_on(record, &prepared.setting, claim, plan.as_ref(), watch, pause)).await?;
        return Ok(Cancelled { state: carried.state, worker: None });
    }
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
