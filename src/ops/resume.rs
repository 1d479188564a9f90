//! `resume`: a run that was paused, is in doubt, or was left by a process that is gone, goes on where its events say.
//!
//! Everything comes from the run itself: its playbook, project file, parameters, plan, captured values and answers.

use super::{
    Failure, Surroundings,
    apply::{Carried, RECONCILE, carry},
    many, notify,
    plan::{Prepared, assemble},
    playbook, project,
    project::Opened,
    reconcile,
    record::Record,
    saved::another_service,
    secrets_again, turn, undo,
};
use crate::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        source::Source,
        time::Stamp,
    },
    engine::{
        fleet::{self, roll::Roll},
        setting::{RunFacts, Setting},
        state::{APPROVAL, ItemState, RunState, StepState},
        watch::Watch,
    },
    journal::{
        Claim, RunFilter, RunSummary,
        event::Event,
        payload::{RunCreated, RunResumed, Target},
        words::RunWord,
    },
    plan::{ItemPlan, stored},
    playbook::schedules::Caps,
    report::exit::Exit,
};
use std::sync::atomic::AtomicBool;

/// Of so many unfinished runs one is looked for that can go on.
const LOOKED_AT: u32 = 200;

/// Goes on with a run.
pub async fn resume(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    actor: &str,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    within(surroundings, record, opened, run, actor, &Caps::none(), watch, pause).await
}

/// The same within the caps of the schedule that goes on with it.
#[allow(clippy::too_many_arguments, reason = "what a run goes on with, one by one")]
pub async fn within(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    actor: &str,
    caps: &Caps,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let roll = record.roll(run).await?;
    open(run, &roll.run)?;
    known(run, &roll.run)?;
    if let Err(failure) = answered(run, &roll, &roll.standing(&record.journal).await?, surroundings.world.now()) {
        // Nothing can be done but what is due: whoever is asked is told so.
        notify::one(surroundings, record, opened, run, actor, watch).await?;
        return Err(failure);
    }
    let (mut setting, plan) = setting_of(surroundings, record, opened, run, &roll.run).await?;
    turn::has_come(record, &setting.setting).await?;
    undo::still_whole_since(&setting.setting, run, &roll.run).await?;
    if roll.run.created.as_ref().is_some_and(|created| &*created.purpose == RECONCILE) {
        reconcile::stops(&mut setting.setting, caps, roll.count() as u64);
    }
    let claim = record.claim(surroundings, run, actor).await?;
    let resumed: Event = RunResumed { actor: actor.into(), reason: None }.into();
    record.journal.append_claimed(&claim, &[resumed]).await?;
    let carried = go_on(record, &setting.setting, claim, roll, plan.as_ref(), watch, pause).await?;
    super::trace::note(surroundings, run, &carried.state, carried.many.as_deref());
    Ok(carried)
}

/// Goes on with a run that was claimed: with its one record, or with all of its items that are not over.
#[allow(clippy::too_many_arguments, reason = "what a run goes on with, one by one")]
pub(super) async fn go_on(
    record: &Record,
    setting: &Setting,
    claim: Claim,
    roll: Roll,
    plan: Option<&ItemPlan>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    if !many::carry::is_many(setting) {
        return carry(record, setting, claim, plan, watch, pause).await;
    }
    let undo = match &roll.run.created {
        Some(created) => many::undo::of_run(record, setting, created).await?,
        None => None,
    };
    let make = undo.unwrap_or_else(|| fleet::forward(setting));
    many::carry::go_on(record, setting, make, claim, roll, watch, pause).await
}

/// Refuses a run that is over.
pub(super) fn open(run: RunId, state: &RunState) -> Result<(), Failure> {
    let Some(closed) = &state.closed else { return Ok(()) };
    let word = closed.end.word().replace('_', " ");
    Err(Failure::usage(format!("run {} is over: {word}", run.short()))
        .help(format!("`trueup show {}` tells what it did", run.short())))
}

/// Refuses a run of which the journal does not hold all that it did: going on from there would do things twice.
pub(super) fn known(run: RunId, state: &RunState) -> Result<(), Failure> {
    let Some(behind) = state.behind.filter(|_| state.closed.is_none()) else { return Ok(()) };
    let short = run.short();
    let message = format!(
        "run {short} is in doubt: the journal was restored from a copy, and what the run did until {behind}Z is not recorded"
    );
    let help = |failure: Failure, text: String| failure.help(text);
    let failure = Failure::refused(Exit::InDoubt, message);
    let failure =
        help(failure, format!("`trueup show {short}` tells what is recorded; look what of the rest was done"));
    let failure = help(failure, format!("nothing of it: `trueup resolve {short} --not-done --reason \"…\"` goes on"));
    Err(help(
        failure,
        format!("something of it: `trueup cancel {short} --reason \"…\"`, then a new run, which finds what is done"),
    ))
}

/// Refuses a run that waits for a person and for nothing else: going on would change nothing.
fn answered(run: RunId, roll: &Roll, state: &RunState, now: Stamp) -> Result<(), Failure> {
    let mut steps = state.items.values().flat_map(|item| &item.steps);
    // Where a deadline has passed the run goes on without an answer.
    if state.cancelled || state.doubts().next().is_some() || steps.clone().any(|(_, step)| step.is_overdue(now)) {
        return Ok(());
    }
    let waiting = |item: &ItemState| item.closed.is_none() && item.steps.values().any(StepState::waits);
    let waits_once = state.items.get(SINGLE_ITEM).is_some_and(waiting);
    let items = state.items.iter().filter(|(key, item)| &***key != SINGLE_ITEM && waiting(item)).count();
    if !waits_once && items < roll.open() {
        return Ok(());
    }
    let Some((path, Some(asked))) = steps.find(|(_, step)| step.waits()).map(|(path, step)| (path, &step.asked)) else {
        return Ok(());
    };
    let (short, name) = (run.short(), path.rsplit('/').next().unwrap_or(path));
    if name == APPROVAL {
        return Err(Failure::usage(format!(
            "run {short} waits for approval: nothing is changed before people have agreed"
        ))
        .help(format!("ask {} to run `trueup approve {short} --reason \"…\"`", asked.who)));
    }
    let parts: Vec<String> = asked.answer.keys().map(|part| format!(" --set {part}=…")).collect();
    Err(Failure::usage(format!("run {short} waits for the answer of {} to `{name}`", asked.who))
        .help(format!("`trueup answer {short} {name}{}` goes on", parts.concat())))
}

/// The only run that can go on: paused, in doubt, left by a process that is gone, or without an answer after its deadline. A
/// run that waits for an answer goes on with `answer`.
pub async fn only_one(surroundings: &Surroundings, record: &Record) -> Result<RunId, Failure> {
    let filter = RunFilter { unfinished: true, ..RunFilter::default() };
    let mut left: Vec<RunSummary> = Vec::new();
    let now = surroundings.world.now();
    let late: Vec<RunId> =
        record.journal.waiting().await?.iter().filter(|one| one.is_overdue(now)).map(|one| one.run).collect();
    for run in record.journal.runs(&filter, LOOKED_AT).await? {
        let can = run.state != RunWord::Waiting || late.contains(&run.id);
        if can && record.worked_on_by(surroundings, run.id).await?.is_none() {
            left.push(run);
        }
    }
    match left.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Failure::usage("no run is there that could go on")
            .help("`trueup runs --open` lists those that are not over, `trueup inbox` those that wait for an answer")),
        several => {
            let failure = Failure::usage(format!("{} runs could go on; say which one", several.len()));
            Err(several.iter().take(10).fold(failure, |failure, run| {
                let word = run.state.word().replace('_', " ");
                let (short, playbook, reason) = (run.id.short(), &run.playbook, run.reason.replace('\n', " "));
                failure.help(format!("trueup resume {short}  # {playbook}, {word}, by {}: {reason}", run.actor))
            }))
        }
    }
}

/// The setting of a run that exists, of which `state` knows at least what is done once: its own playbook, its own project file, its own parameters; of an undo also its own
/// outline.
pub(super) async fn setting_of(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    state: &RunState,
) -> Result<(Prepared, Option<ItemPlan>), Failure> {
    let Some(created) = &state.created else {
        return Err(Failure::usage(format!("run {} has no beginning in the journal", run.short())));
    };
    let facts =
        RunFacts { id: run, actor: created.actor.clone(), reason: created.reason.as_str().into(), now: created.now };
    let mut prepared = setting_as(surroundings, record, opened, run, created, facts).await?;
    prepared.setting.saved = created.plan_id.is_some();
    super::undo::complete(record, &mut prepared.setting, created).await?;
    Ok((prepared, kept_plan(state)))
}

/// Playbook, project file and parameters as run `of` carries them, for a run with these facts.
pub(super) async fn setting_as(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    of: RunId,
    created: &RunCreated,
    facts: RunFacts,
) -> Result<Prepared, Failure> {
    let source = Source::new("the run's project file", created.facts.to_string());
    let then = project::of_source(source, opened.root.clone())?;
    let text =
        Source::new(format!("{} (as run {} carries it)", created.playbook, of.short()), created.text.to_string());
    let loaded = playbook::of_run(text, &then)?;
    let (sealer, playbook) = (record.journal.sealer(), loaded.checked.playbook());
    let params = secrets_again::params(surroundings, sealer, playbook, &then.project, of, created)?;
    let prepared = assemble(surroundings, &then, loaded.checked, &created.environment, facts, params).await?;
    same_services(&prepared.setting, opened, of, created)?;
    Ok(prepared)
}

/// Refuses where a reference leads to another service than the one that the run was planned against: what is known of its calls says nothing
/// about that one. (A database is asked who it is before its first write.)
fn same_services(setting: &Setting, opened: &Opened, of: RunId, created: &RunCreated) -> Result<(), Failure> {
    let elsewhere = |target: &Target| {
        let name = &*target.connection;
        // A credential that was changed since must not bar the way back for good: today's project file may say that it is one.
        let today = opened.project.connections.get(name).and_then(|found| found.program_in(&created.environment));
        setting.leads_elsewhere(name, &target.identity, today).map(|elsewhere| (name.to_owned(), elsewhere))
    };
    match created.targets.iter().find_map(elsewhere) {
        None => Ok(()),
        Some((name, elsewhere)) => Err(another_service(&elsewhere, &name, &format!("run {} was made for", of.short()))
            .help("where the service itself moved, what the run did there is settled by hand; `trueup show` tells it")),
    }
}

/// The plan that the run keeps. Personal parts that cannot be opened are unknown, and an unknown is never compared.
fn kept_plan(state: &RunState) -> Option<ItemPlan> {
    stored::load(&state.plan_of(SINGLE_ITEM)?)
}
