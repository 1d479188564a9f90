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
    base::{
        diagnostic::Diagnostics,
        identity::{RunId, SINGLE_ITEM},
        source::Source,
    },
    engine::{
        decide::{Next, decide},
        drive::Stopped,
        fleet::{Came, roll::Roll},
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
use std::sync::{Arc, atomic::AtomicBool};

/// So many items are closed in one event.
const TOGETHER: usize = 500;
/// So many events are recorded in one group.
const MOST: usize = 20;

/// How far it came.
pub struct Cancelled {
    /// Where the run stands now; of many items only what is done once for all of them.
    pub state: RunState,
    /// What its items came to, where it has many.
    pub many: Option<Box<Came>>,
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
    let roll = record.roll(run).await?;
    open(run, &roll.run)?;
    let state = roll.standing(&record.journal).await?;
    let short = run.short();
    let asked: Event = RunCancelled { actor: actor.into(), reason: reason.to_owned() }.into();
    if let Some(worker) = record.worked_on_by(surroundings, run).await? {
        if state.cancelled {
            let by = state.cancelled_by.as_ref().map_or(String::new(), |by| format!(", by {}", by.actor));
            return Err(Failure::usage(format!("run {short} was cancelled already{by}"))
                .help(format!("{}, and ends it after the step that it is at", super::undo::who(&worker))));
        }
        record.journal.append(run, &[asked]).await?;
        return Ok(Cancelled { state: record.roll(run).await?.run, many: None, worker: Some(worker) });
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
        let carried = Box::pin(go_on(record, &prepared.setting, claim, roll, plan.as_ref(), watch, pause)).await?;
        return Ok(Cancelled { state: carried.state, many: carried.many, worker: None });
    }
    let words: Arc<str> = format!("cancelled by {actor}: {reason}").into();
    let mut counts = roll.summary().counts();
    counts.retain(|count| count.end != End::Cancelled);
    let earlier = roll.summary().count(End::Cancelled);
    let mut events = vec![asked];
    let ended = end_items(record, &claim, &roll, &state, &words, &mut events).await?;
    counts.push(Count { end: End::Cancelled, items: ended + earlier });
    events.push(RunClosed { end: End::Cancelled, reason: Some(words.to_string()), counts }.into());
    record.journal.append_claimed(&claim, &events).await?;
    if roll.count() == 0 {
        return Ok(Cancelled { state: record.state(run).await?, many: None, worker: None });
    }
    let roll = record.roll(run).await?;
    let mut summary = roll.summary();
    summary.with_rows(&roll.rows(&record.journal).await?);
    let came = Came { stopped: Stopped::Closed(End::Cancelled), summary, why: None, cut_off: false };
    Ok(Cancelled { state: roll.run, many: Some(Box::new(came)), worker: None })
}

/// Closes the items that are not over; how many there are. What `events` holds is recorded with it: all in one group unless
/// there are very many. If this process dies between two groups, the run is cancelled and not over, and whoever goes on with
/// it closes the rest.
async fn end_items(
    record: &Record,
    claim: &Claim,
    roll: &Roll,
    state: &RunState,
    words: &Arc<str>,
    events: &mut Vec<Event>,
) -> Result<u64, Failure> {
    let close = |item: Arc<str>| ClosedItem { item, end: End::Cancelled, reason: Some(words.to_string()) };
    let once = state.items.get(SINGLE_ITEM).is_some_and(|item| item.closed.is_none());
    let mut together: Vec<ClosedItem> = once.then(|| close(SINGLE_ITEM.into())).into_iter().collect();
    let (mut ended, mut number) = (together.len() as u64, 0);
    while let Some(keys) = roll.open_keys(&record.journal, &mut number).await? {
        ended += keys.len() as u64;
        together.extend(keys.into_iter().map(close));
        if together.len() >= TOGETHER {
            events.push(ItemClosed { items: std::mem::take(&mut together) }.into());
        }
        if events.len() >= MOST {
            record.journal.append_claimed(claim, &std::mem::take(events)).await?;
        }
    }
    if !together.is_empty() {
        events.push(ItemClosed { items: together }.into());
    }
    Ok(ended)
}
