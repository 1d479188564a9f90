//! `answer`: a person's answer to a question, recorded, and the run goes on.

use super::{
    Failure, Surroundings,
    apply::Carried,
    project::Opened,
    record::Record,
    resume::{go_on, known, setting_of},
};
use crate::{
    action::ask::AnswerField,
    base::{
        identity::RunId,
        source::Source,
        suggest,
        value::{Map, Value},
    },
    engine::{
        state::{APPROVAL, RunState},
        watch::Watch,
    },
    journal::payload::{HumanDecided, RunResumed},
    playbook::{
        called::Called,
        params::{Refused, accept, of_answer},
    },
    report::clock,
};
use std::sync::{Arc, atomic::AtomicBool};

/// Records the answer and goes on with the run.
#[allow(clippy::too_many_arguments, reason = "what the command line gives, one by one")]
pub async fn answer(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    step: &str,
    item: Option<&str>,
    given: &[(String, Value)],
    actor: &str,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let roll = record.roll(run).await?;
    over(run, &roll.run)?;
    super::undo::has_item(record, run, &roll, item).await?;
    let state = roll.standing(&record.journal).await?;
    let (path, item) = question(&state, run, step, item)?;
    in_time(&state, run, &path, &item, surroundings)?;
    let values = accepted(&state, &path, given, opened)?;
    known(run, &state)?;
    let (setting, plan) = setting_of(surroundings, record, opened, run, &state).await?;
    let claim = record.claim(surroundings, run, actor).await?;
    // Somebody else may have answered, or the time may have passed, before the run was taken.
    let state = record.state(run).await?;
    let open = question(&state, run, &path, Some(&item)).and_then(|_| in_time(&state, run, &path, &item, surroundings));
    if let Err(failure) = open {
        record.journal.release(&claim).await?;
        return Err(failure);
    }
    let decided = HumanDecided {
        step: path,
        items: vec![item],
        actor: actor.into(),
        decision: "answer".into(),
        values,
        reason: None,
    };
    let resumed = RunResumed { actor: actor.into(), reason: Some("answered".into()) };
    record.journal.append_claimed(&claim, &[decided.into(), resumed.into()]).await?;
    go_on(record, &setting.setting, claim, roll, plan.as_ref(), watch, pause).await
}

fn over(run: RunId, state: &RunState) -> Result<(), Failure> {
    let Some(closed) = &state.closed else { return Ok(()) };
    Err(Failure::usage(format!("run {} is over: {}", run.short(), closed.end.word())))
}

/// The open question of a step, by its name or path, and whose it is where several items ask it.
fn question(state: &RunState, run: RunId, step: &str, item: Option<&str>) -> Result<(Arc<str>, Arc<str>), Failure> {
    let short = run.short();
    if step == APPROVAL {
        return Err(Failure::usage(format!("run {short} waits for approval, which is no answer"))
            .help(format!("`trueup approve {short} --reason \"…\"` agrees to it")));
    }
    let steps = || {
        let items = state.items.iter().filter(|(key, _)| item.is_none_or(|item| ***key == *item));
        items.flat_map(|(key, item)| item.steps.iter().map(move |(path, step)| (key, path, step)))
    };
    let meant = |path: &str| *path == *step || path.rsplit('/').next() == Some(step);
    let open: Vec<_> = steps().filter(|(.., step)| step.waits()).collect();
    let mut found = open.iter().filter(|(_, path, _)| meant(path));
    if let Some((key, path, _)) = found.next() {
        if found.next().is_some() {
            let failure = Failure::usage(format!("several items of run {short} wait for an answer to `{step}`"));
            let first = open.iter().filter(|(_, path, _)| meant(path)).take(5);
            return Err(first.fold(failure, |failure, (key, ..)| {
                failure.help(format!("trueup answer {short} {step} --item {key} …"))
            }));
        }
        return Ok(((*path).clone(), (*key).clone()));
    }
    if steps().any(|(_, path, step)| meant(path) && step.is_unanswered()) {
        return Err(Failure::usage(format!("nobody answered `{step}` of run {short} in time, and the run went on"))
            .help(format!("`trueup show {short}` tells how it goes on")));
    }
    let decided = steps().filter(|(_, path, _)| meant(path));
    if let Some(decided) = decided.filter_map(|(.., s)| s.answered()).next() {
        return Err(Failure::usage(format!("{} has answered `{step}` of run {short} already", decided.actor))
            .help(format!("`trueup show {short}` tells how the run goes on")));
    }
    let names: Vec<&str> = open.iter().filter_map(|(_, path, _)| path.rsplit('/').next()).collect();
    let failure = Failure::usage(format!("run {short} has no open question `{step}`"));
    Err(match suggest::help(step, names) {
        Some(help) => failure.help(help),
        None => failure.help("`trueup inbox` lists the questions that wait for an answer"),
    })
}

/// Refuses an answer after the deadline of its question: how the step ends is then what its author wrote.
fn in_time(state: &RunState, run: RunId, path: &str, item: &str, surroundings: &Surroundings) -> Result<(), Failure> {
    let step = state.items.get(item).and_then(|item| item.steps.get(path));
    let Some(step) = step.filter(|step| step.is_overdue(surroundings.world.now())) else { return Ok(()) };
    let until = step.asked.as_ref().and_then(|asked| asked.until).map_or_else(String::new, clock::second);
    let (short, name) = (run.short(), path.rsplit('/').next().unwrap_or(path));
    Err(Failure::usage(format!("the answer to `{name}` of run {short} comes too late: it was due by {until}"))
        .help(format!("`trueup resume {short}` goes on without one, as the playbook says under `otherwise`")))
}

/// The answer's fields, typed and complete.
fn accepted(state: &RunState, path: &str, given: &[(String, Value)], opened: &Opened) -> Result<Map, Failure> {
    let Some(fields) = fields(state, path) else {
        return Err(Failure::usage("the run's playbook does not ask this question"));
    };
    let declared = of_answer(fields.iter().map(|(name, field)| (&**name, field)));
    accept(&declared, given, &opened.project).map_err(|refused| {
        let mut failure = Failure::usage("the answer is not complete or not of the kind that is asked for");
        for r in refused {
            let message = r.message.replace("the playbook has no parameter", "the question has no part");
            let help = r.help.map(|help| help.replace("give it as `", "give it as `--set "));
            failure = failure.help(Refused { message, help, ..r }.line());
        }
        failure
    })
}

/// The shape of the answer in the playbook that the run carries.
fn fields(state: &RunState, path: &str) -> Option<Vec<(Arc<str>, AnswerField)>> {
    let created = state.created.as_ref()?;
    let source = Source::new(created.playbook.to_string(), created.text.to_string());
    let mut quiet = crate::base::diagnostic::Diagnostics::new(source.clone());
    let playbook = crate::playbook::model::Playbook::parse(&source, &mut quiet)?;
    let outline = crate::engine::outline::Outline::of(&playbook, &Called::of_sound(&source).by_name(&playbook));
    match &outline.place(path)?.step.act {
        crate::action::kinds::Act::Ask(ask) => {
            Some(ask.answer.entries.iter().map(|(w, f)| (w.text.clone(), f.clone())).collect())
        }
        _ => None,
    }
}
