//! `retry`: what failed in a run is done again, from the failed step on, with what was read before. Everything that speaks
//! against it is said before anything is recorded.

use super::{
    Failure, Surroundings,
    apply::{Carried, carry, named},
    many,
    project::Opened,
    record::Record,
    resume::{known, setting_of},
    turn,
    undo::{has_item, is_over, runs_of, taken_apart_by},
};
use crate::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        suggest,
        value::Value,
    },
    engine::{
        outline::{Outline, Place},
        setting::Setting,
        state::{ItemState, REOPEN, RETRY, RunState, StepState},
        undo::standing::{self, Standing},
        watch::Watch,
    },
    journal::{
        event::Event,
        payload::{HumanDecided, RunCreated, RunResumed},
        words::{End, Outcome},
    },
    plan::Section,
    playbook::model::{RetryBy, RetryScope},
};
use std::sync::{Arc, atomic::AtomicBool};

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct Wish<'a> {
    /// Why, 1 to 500 characters.
    pub reason: Option<&'a str>,
    /// Who.
    pub actor: Option<&'a str>,
    /// From this step on, by name or path; else from the one that failed.
    pub from: Option<&'a str>,
    /// Only this item.
    pub item: Option<&'a str>,
}

/// Does it again.
pub async fn retry(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    wish: &Wish<'_>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let carried = again_of(surroundings, record, opened, run, wish, watch, pause).await?;
    super::trace::note(surroundings, run, &carried.state, carried.many.as_deref());
    Ok(carried)
}

async fn again_of(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    wish: &Wish<'_>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let (reason, actor) = named(wish.reason, wish.actor)?;
    let roll = record.roll(run).await?;
    let state = roll.standing(&record.journal).await?;
    let Some(created) = &state.created else {
        return Err(Failure::usage(format!("run {} has no beginning in the journal", run.short())));
    };
    known(run, &state)?;
    let (prepared, plan) = setting_of(surroundings, record, opened, run, &state).await?;
    turn::expect(record, &prepared.setting).await?;
    let many = many::carry::is_many(&prepared.setting);
    if many && record.worked_on_by(surroundings, run).await?.is_none() {
        many::carry::all_there(run, &roll)?;
    }
    if !many || state.closed.is_some() {
        is_over(surroundings, record, run, &state, "done again").await?;
    }
    allowed(run, &prepared.setting, created, wish, actor)?;
    has_item(record, run, &roll, wish.item).await?;
    if many {
        if state.cancelled {
            failed(run, &state)?;
        }
        if state.closed.is_some() {
            stands(record, run).await?;
        }
        let bad = roll.ended(&record.journal, many::retry::AGAIN).await?;
        let backward = many::undo::backward_of(record, &prepared.setting, created).await?;
        let redone = many::retry::chosen(run, &prepared.setting, backward.as_deref(), &bad, wish).await?;
        drop(bad);
        let claim = record.claim(surroundings, run, actor).await?;
        return many::retry::retry(record, &prepared.setting, claim, roll, redone, reason, actor, watch, pause).await;
    }
    failed(run, &state)?;
    stands(record, run).await?;
    let item = state.items.get(SINGLE_ITEM).cloned().unwrap_or_default();
    if item.was_never_shown() {
        return Err(Failure::usage(format!(
            "run {} cannot be done again: its plan shows nothing of what it would do",
            run.short()
        ))
        .help("plan it again"));
    }
    let again = again(run, &prepared.setting.outline, &item, wish.from)?;
    let decided = |again: &Again| again.decided(SINGLE_ITEM.into(), actor, reason);
    let mut events: Vec<Event> = again.iter().map(decided).collect();
    events.push(RunResumed { actor: actor.into(), reason: Some(reason.to_owned()) }.into());
    let claim = record.claim(surroundings, run, actor).await?;
    // Between looking and taking it somebody may have done the same.
    let now = record.state(run).await?;
    if now.closed.is_none() {
        record.journal.release(&claim).await?;
        return Err(Failure::usage(format!("run {} goes on again", run.short()))
            .help(format!("somebody was faster; `trueup show {}` tells where it stands", run.short())));
    }
    record.journal.append_claimed(&claim, &events).await?;
    carry(record, &prepared.setting, claim, plan.as_ref(), watch, pause).await
}

/// What the playbook says of retries.
fn allowed(run: RunId, setting: &Setting, created: &RunCreated, wish: &Wish<'_>, actor: &str) -> Result<(), Failure> {
    let name = &setting.playbook.name.text;
    if setting.playbook.lifecycle.is_some() && setting.playbook.operation.is_none() {
        return Err(Failure::usage("the records of a lifecycle go on by their state, not by a retry")
            .help(format!("put back what failed: `trueup lifecycle rewind {name} --reason …`"))
            .help(format!("then run the playbook again: `trueup apply {name} --reason …`")));
    }
    let Some(rule) = &setting.playbook.retry else { return Ok(()) };
    if rule.scope == Some(RetryScope::Run)
        && let Some(item) = wish.item
    {
        return Err(Failure::usage(format!(
            "`{name}` allows a retry of the whole run only, not of item `{item}` alone"
        ))
        .help("its `retry:` says `scope: run`; leave `--item` out"));
    }
    if rule.by != Some(RetryBy::Owner) || *created.actor == *actor {
        return Ok(());
    }
    let owner = setting.playbook.owner.as_ref().map(|owner| owner.as_str());
    if owner == Some(actor) {
        return Ok(());
    }
    let others = owner.map_or(String::new(), |owner| format!(" or {owner}, who looks after the playbook"));
    Err(Failure::usage(format!("run {} may be done again by {}{others}, not by {actor}", run.short(), created.actor))
        .help(format!("the `retry:` of `{name}` says `by: owner`")))
}

/// Only what went wrong can be done again.
fn failed(run: RunId, state: &RunState) -> Result<(), Failure> {
    let short = run.short();
    let Some(closed) = &state.closed else { return Ok(()) };
    let word = closed.end.word();
    match closed.end {
        End::Failed | End::Stopped | End::Escalated => Ok(()),
        End::Drifted if stopped_at(state).is_some() => Ok(()),
        // All of it was looked at; some was left alone.
        End::Drifted => {
            let about = state.created.as_ref().and_then(|c| c.about).map_or(short.clone(), RunId::short);
            Err(Failure::usage(format!("run {short} went through, and left something alone"))
                .help(format!("`trueup undo {about}` takes back what can be taken back by now")))
        }
        End::Cancelled => Err(Failure::usage(format!("run {short} was cancelled: nothing of it failed"))
            .help(format!("plan it again; `trueup undo {short}` takes back what it did"))),
        _ => Err(Failure::usage(format!("run {short} ended well ({word}): there is nothing to do again"))
            .help(format!("`trueup undo {short}` takes it back; `trueup apply` makes a new run"))),
    }
}

/// Refuses a run that was taken back, or is being taken back.
async fn stands(record: &Record, run: RunId) -> Result<(), Failure> {
    let runs = runs_of(record, run).await?;
    let (by, is) = match standing::of(&runs, run) {
        // An undo that left something alone, or broke off, has taken the rest back all the same.
        Standing::Stands => match taken_apart_by(record, &runs, run).await? {
            None => return Ok(()),
            Some(by) => (by, "has taken a part of it back"),
        },
        Standing::TakenBack(by) => (by, "took it back"),
        Standing::MadeAgain(by) => (by, "made it again after it had been taken back"),
        Standing::UnderWay(by) => (by, "takes it back"),
    };
    let undo = by.id.short();
    Err(Failure::usage(format!("run {} cannot be done again: run {undo} by {} {is}", run.short(), by.actor))
        .help("make a new run of it: `trueup plan`, then `trueup apply`"))
}

/// The step that the run ended at.
fn stopped_at(state: &RunState) -> Option<&Arc<str>> {
    let mut steps = state.items.values().flat_map(|item| &item.steps);
    steps.find(|(_, step)| ends(step)).map(|(path, _)| path)
}

pub(super) fn ends(step: &StepState) -> bool {
    use Outcome as O;
    let outcome = step.outcome.as_ref().map(|o| o.outcome);
    matches!(outcome, Some(O::Stopped | O::Failed | O::Escalated | O::Drifted | O::Lost))
}

/// A step that is done again.
pub(super) struct Again {
    pub(super) path: Arc<str>,
    /// The number that its effect will have.
    pub(super) generation: u32,
    /// It was entered and left, and only something inside is done again: what it found when it was entered stays.
    pub(super) reopen: bool,
}

impl Again {
    /// The decision to do it again, as it is recorded.
    pub(super) fn decided(&self, item: Arc<str>, actor: &str, reason: &str) -> Event {
        let values = [("generation".into(), Value::from(i64::from(self.generation)))];
        HumanDecided {
            step: self.path.clone(),
            items: vec![item],
            actor: actor.into(),
            decision: RETRY.into(),
            values: values.into_iter().chain(self.reopen.then(|| (REOPEN.into(), true.into()))).collect(),
            reason: Some(reason.to_owned()),
        }
        .into()
    }
}

/// The steps that are done again, each with the number that its effect will have: one more where it was done.
pub(super) fn again(
    run: RunId,
    outline: &Outline,
    item: &ItemState,
    from: Option<&str>,
) -> Result<Vec<Again>, Failure> {
    let places = &outline.all(item);
    let short = run.short();
    // The end that a block came to after its `always` stands behind the step that failed in it.
    let end = places.iter().position(|place| item.steps.get(&place.path).is_some_and(ends));
    let Some(end) = end else {
        return Err(Failure::usage(format!("no step of run {short} failed"))
            .help(format!("`trueup show {short}` tells how it ended")));
    };
    let first = match from {
        None => first_to_redo(places, end),
        Some(name) => {
            let first = named_place(short.as_str(), places, name)?;
            if first > end {
                let message = format!("run {short} ended at `{}` and did not come to `{name}`", places[end].path);
                return Err(Failure::usage(message).help("leave `--from` out, or name an earlier step"));
            }
            first
        }
    };
    let redone =
        places.iter().enumerate().filter(|(index, place)| *index >= first || undone(places, first, item, place));
    let redone = redone.filter_map(|(_, place)| {
        let step = item.steps.get(&place.path)?;
        let done = step.attempts > 0 && step.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::Done);
        Some(Again { path: place.path.clone(), generation: step.generation + u32::from(done), reopen: false })
    });
    let mut redone: Vec<_> = redone.collect();
    // A frame around what is done again is entered already, and was left: it is left once more.
    redone.extend(around(places, first, item));
    Ok(redone)
}

/// A step before the one that failed which a `rescue` has taken back: it is done again too.
fn undone(places: &[Place], first: usize, item: &ItemState, place: &Place) -> bool {
    let back = |p: &&Place| p.origin.as_ref() == Some(&place.path);
    places[first..].iter().filter(back).any(|p| item.steps.get(&p.path).is_some_and(StepState::changed))
}

/// The blocks and loops around the first step that is done again, where they were left.
fn around(places: &[Place], first: usize, item: &ItemState) -> Vec<Again> {
    let Some(at) = places.get(first) else { return Vec::new() };
    let holds =
        |p: &&Place| p.holds_places() && at.path.strip_prefix(&*p.path).is_some_and(|r| r.starts_with(['/', '[']));
    let left = |p: &&Place| item.steps.get(&p.path).is_some_and(|s| s.outcome.is_some() && s.value.is_some());
    places[..first]
        .iter()
        .filter(holds)
        .filter(left)
        .map(|p| Again { path: p.path.clone(), generation: 0, reopen: true })
        .collect()
}

/// Checks look at the world as it is: with one of them its whole list is read anew. (Before the first step nothing has been
/// changed, and behind the last one nothing is.)
fn first_to_redo(places: &[Place], end: usize) -> usize {
    let (list, call) = (places[end].list, places[end].call());
    if matches!(list, Section::Preconditions | Section::Verification) {
        places.iter().position(|place| place.list == list && place.call() == call).unwrap_or(end)
    } else {
        end
    }
}

fn named_place(run: &str, places: &[Place], name: &str) -> Result<usize, Failure> {
    let label = |place: &Place| place.name().to_owned();
    let of_path = places.iter().position(|place| *place.path == *name);
    // A step of the playbook itself is meant before one of a playbook that it calls.
    let own = || places.iter().position(|place| place.call().is_none() && label(place) == name);
    let inner = || places.iter().position(|place| label(place) == name);
    of_path.or_else(own).or_else(inner).ok_or_else(|| {
        // What stands inside a transaction is done with the whole of it.
        let block = places.iter().find(|place| has_inner(place, name));
        let failure = Failure::usage(format!("run {run} has no step `{name}`"));
        match block {
            Some(block) => failure.help(format!("it is a part of the transaction `{}`: name that one", block.path)),
            None => {
                let labels: Vec<String> = places.iter().map(label).collect();
                let help = suggest::help(name, labels.iter().map(String::as_str));
                failure.help(help.unwrap_or_else(|| format!("`trueup show {run}` lists its steps")))
            }
        }
    })
}

fn has_inner(place: &Place, name: &str) -> bool {
    fn within(steps: &[crate::action::step::Step], name: &str) -> bool {
        steps.iter().enumerate().any(|(index, step)| step.label(index) == name || within(step.inner(), name))
    }
    !place.holds_places() && within(place.step.inner(), name)
}
