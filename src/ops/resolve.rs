//! `resolve`: a person has looked and says what became of an effect of which nobody could tell. Recorded with name and reason,
//! then the run goes on.

use super::{
    Failure, Surroundings,
    apply::{Carried, named},
    project::Opened,
    record::Record,
    resume::{go_on, open, setting_of},
};
use crate::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        suggest,
        value::Map,
    },
    engine::{
        state::{self, RunState},
        watch::Watch,
    },
    journal::{
        event::Event,
        payload::{HumanDecided, RunPaused, RunResumed},
    },
};
use std::sync::{Arc, atomic::AtomicBool};

/// What the person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It happened.
    Done,
    /// It did not happen, and cannot happen any more.
    NotDone,
    /// Nobody will know: the item ends here.
    Abort,
}

impl Decision {
    fn word(self) -> &'static str {
        match self {
            Decision::Done => state::DONE,
            Decision::NotDone => state::NOT_DONE,
            Decision::Abort => state::ABORT,
        }
    }
}

/// A decision about one effect.
#[derive(Clone, Debug)]
pub struct Resolution<'a> {
    /// The item; not needed where only one is in doubt.
    pub item: Option<&'a str>,
    /// The step, by name or path; not needed where only one is in doubt.
    pub step: Option<&'a str>,
    /// What became of it.
    pub decision: Decision,
    /// Why one thinks so.
    pub reason: Option<&'a str>,
    /// Who.
    pub actor: Option<&'a str>,
}

/// Records the decision. Then goes on with the run and gives how far it came, unless `only_record`.
#[allow(clippy::too_many_arguments, reason = "what the command line gives, one by one")]
pub async fn resolve(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    resolution: &Resolution<'_>,
    only_record: bool,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Option<Carried>, Failure> {
    let (reason, actor) = named(resolution.reason, resolution.actor)?;
    let roll = record.roll(run).await?;
    open(run, &roll.run)?;
    let mut state = roll.standing(&record.journal).await?;
    let (items, step) = match state.behind.take() {
        Some(_) => (Vec::new(), restored(run, resolution)?),
        None => doubt(run, &state, resolution).map(|(item, step)| (vec![item], step))?,
    };
    let kept = if only_record { None } else { Some(setting_of(surroundings, record, opened, run, &state).await?) };
    let claim = record.claim(surroundings, run, actor).await?;
    let decided: Event = HumanDecided {
        step,
        items,
        actor: actor.into(),
        decision: resolution.decision.word().into(),
        values: Map::default(),
        reason: Some(reason.to_owned()),
    }
    .into();
    let Some((prepared, plan)) = kept else {
        let paused = RunPaused { reason: format!("{actor} has decided what was in doubt"), until: None, behind: None };
        record.journal.append_claimed(&claim, &[decided, paused.into()]).await?;
        record.journal.release(&claim).await?;
        return Ok(None);
    };
    let resumed = RunResumed { actor: actor.into(), reason: Some("resolved".into()) };
    record.journal.append_claimed(&claim, &[decided, resumed.into()]).await?;
    go_on(record, &prepared.setting, claim, roll, plan.as_ref(), watch, pause).await.map(Some)
}

/// The decision is about all that a run did since the journal was copied; under this name it stands in the journal.
fn restored(run: RunId, wanted: &Resolution<'_>) -> Result<Arc<str>, Failure> {
    let short = run.short();
    if wanted.item.is_some() || wanted.step.is_some() {
        return Err(Failure::usage(format!("run {short} is in doubt as a whole, since the journal was restored"))
            .help(format!(
                "first `trueup resolve {short} --not-done --reason \"…\"`; then it looks at its steps one by one"
            )));
    }
    if wanted.decision == Decision::NotDone {
        return Ok("restored".into());
    }
    let message =
        format!("nobody can say of run {short} in one word that all it did since the journal was copied is done");
    Err(Failure::usage(message)
        .help(format!("`trueup cancel {short} --reason \"…\"` ends it; a new run finds what is done already"))
        .help("`--not-done` goes on from where the journal ends: only if nothing was done since"))
}

/// The one step that is meant. Refuses what was not looked into yet: often no person is needed.
fn doubt(run: RunId, state: &RunState, wanted: &Resolution<'_>) -> Result<(Arc<str>, Arc<str>), Failure> {
    let short = run.short();
    let all: Vec<_> = state.doubts().collect();
    if all.is_empty() {
        return Err(Failure::usage(format!("nothing is in doubt in run {short}"))
            .help(format!("`trueup show {short}` tells where it stands")));
    }
    let fits = |path: &str, step: &str| path == step || path.rsplit('/').next() == Some(step);
    let mut found: Vec<_> = all
        .iter()
        .filter(|(item, path, _)| {
            wanted.item.is_none_or(|i| *i == ***item) && wanted.step.is_none_or(|s| fits(path, s))
        })
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some((item, path, step)), true) if step.needs_a_person() => Ok(((*item).clone(), (*path).clone())),
        (Some((_, path, _)), true) => Err(Failure::usage(format!("nobody has looked yet what became of `{path}`"))
            .help(format!("`trueup resume {short}` looks, and asks for a decision only if that does not help"))),
        (Some(_), false) => {
            let failure = Failure::usage(format!("several steps of run {short} are in doubt; say which one"));
            Err(all.iter().take(10).fold(failure, |failure, (item, path, _)| {
                let item = if ***item == *SINGLE_ITEM { String::new() } else { format!(" {item}") };
                failure.help(format!("trueup resolve {short}{item} --step {path} …"))
            }))
        }
        (None, _) => {
            let steps = all.iter().filter_map(|(_, path, _)| path.rsplit('/').next());
            let what = wanted.step.or(wanted.item).unwrap_or_default();
            let failure = Failure::usage(format!("`{what}` is not in doubt in run {short}"));
            Err(match suggest::help(what, steps) {
                Some(help) => failure.help(help),
                None => failure.help(format!("`trueup show {short}` tells what is")),
            })
        }
    }
}
