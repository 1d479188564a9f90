//! Doing again what failed of a run over many items: only those items, each from its failed step on; then the rest goes on.

use crate::{
    base::identity::{RunId, SINGLE_ITEM},
    engine::{
        fleet::{
            roll::Roll,
            summary::{BEHIND, ITS_SOURCE, LEFT_TO},
        },
        setting::{OneItem, Part, Setting},
        state::{ItemState, RunState},
        watch::Watch,
    },
    journal::{Claim, event::Event, payload::RunResumed, words::End},
    ops::{
        Failure,
        apply::Carried,
        many::undo::Backward,
        record::Record,
        retry::{Again, Wish, again, ends},
    },
};
use std::sync::{Arc, atomic::AtomicBool};

/// So many decisions are recorded together.
const TOGETHER: usize = 500;

/// What is to be done again: item, step, and the number of its effect.
pub(in crate::ops) type Redone = Vec<(Arc<str>, Again)>;

/// The ends that may be followed by another try.
pub(in crate::ops) const AGAIN: &[End] = &[End::Failed, End::Stopped, End::Escalated, End::Drifted, End::Skipped];

/// The items that did not end well (`state` holds all of these), from their failed steps on; with them those that were skipped because they wait for one
/// of them. `backward`: of an undo, whose items have steps of their own, in another order.
pub(in crate::ops) async fn chosen(
    run: RunId,
    setting: &Setting,
    backward: Option<&Backward>,
    state: &RunState,
    wish: &Wish<'_>,
) -> Result<Redone, Failure> {
    let mut redone = Redone::new();
    for (key, item) in state.items.iter().filter(|(key, _)| wish.item.is_none_or(|wanted| ***key == *wanted)) {
        let Some(closed) = &item.closed else { continue };
        let part = if &**key == SINGLE_ITEM { Part::Once } else { Part::Each };
        let outline = match backward {
            Some(backward) => backward.of_item(key).await?.outline,
            None => setting.about(OneItem { key: key.clone(), part, ..OneItem::default() }).outline,
        };
        match closed.end {
            // Whatever it would do is in no preview.
            End::Drifted if item.was_never_shown() => {}
            End::Failed | End::Stopped | End::Escalated | End::Drifted if item.steps.values().any(ends) => {
                let steps = again(run, &outline, item, wish.from)?;
                redone.extend(steps.into_iter().map(|step| (key.clone(), step)));
            }
            End::Skipped if behind_another(item) => {
                let first = outline.all(item).first().map(|place| place.path.clone());
                redone.extend(first.map(|path| (key.clone(), Again { path, generation: 0, reopen: false })));
            }
            _ => {}
        }
    }
    if redone.is_empty() {
        let short = run.short();
        let of_source = |item: &ItemState| {
            let reason = item.closed.as_ref().and_then(|closed| closed.reason.as_ref());
            reason.is_some_and(|reason| reason.starts_with(ITS_SOURCE) || reason.starts_with(LEFT_TO))
        };
        let anew = |item: &ItemState| of_source(item) || item.was_never_shown();
        let anew = state.items.iter().any(|(key, item)| wish.item.is_none_or(|w| **key == *w) && anew(item));
        let failure = Failure::usage(match wish.item {
            Some(item) if anew => format!("item `{item}` of run {short} cannot be done again"),
            None if anew => format!("no item of run {short} can be done again"),
            Some(item) => format!("item `{item}` of run {short} did not fail: there is nothing to do again"),
            None => format!("no item of run {short} failed: there is nothing to do again"),
        });
        let failure = if anew {
            failure.help(
                "what its source no longer gives as it was planned, what was left to another run, and what nobody saw in the plan, is planned anew",
            )
        } else {
            failure
        };
        return Err(failure.help(format!("`trueup show {short}` tells how its items ended")));
    }
    Ok(redone)
}

/// It never began, because an item before it did not end as done.
fn behind_another(item: &ItemState) -> bool {
    item.steps.is_empty() && item.closed.as_ref().and_then(|c| c.reason.as_ref()).is_some_and(|r| r.starts_with(BEHIND))
}

/// Records what is done again, and lets the items go.
#[allow(clippy::too_many_arguments, reason = "what is recorded, one by one")]
pub(in crate::ops) async fn retry(
    record: &Record,
    setting: &Setting,
    claim: Claim,
    roll: Roll,
    redone: Redone,
    reason: &str,
    actor: &str,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let mut events: Vec<Event> = Vec::with_capacity(TOGETHER);
    for (item, step) in redone {
        events.push(step.decided(item, actor, reason));
        if events.len() == TOGETHER {
            record.journal.append_claimed(&claim, &std::mem::take(&mut events)).await?;
        }
    }
    events.push(RunResumed { actor: actor.into(), reason: Some(reason.to_owned()) }.into());
    record.journal.append_claimed(&claim, &events).await?;
    crate::ops::resume::go_on(record, setting, claim, roll, None, watch, pause).await
}
