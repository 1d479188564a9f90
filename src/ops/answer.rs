//! `answer`: a person's answer to a question, recorded, and the run goes on.

use super::{
    Failure, Surroundings,
    apply::{Carried, carry},
    project::Opened,
    record::Record,
    resume::setting_of,
};
use crate::{
    action::ask::AnswerField,
    base::{
        identity::{RunId, SINGLE_ITEM},
        source::Source,
        suggest,
        value::{Map, Value},
    },
    engine::{
        state::{APPROVAL, RunState},
        watch::Watch,
    },
    journal::payload::{HumanAsked, HumanDecided, RunResumed},
    playbook::params::{accept, of_answer},
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
    given: &[(String, Value)],
    actor: &str,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let state = record.state(run).await?;
    let (path, asked) = question(&state, run, step)?;
    let values = accepted(&state, &path, given, opened)?;
    let (setting, plan) = setting_of(surroundings, record, opened, run, &state).await?;
    let claim = record.claim(surroundings, run, actor).await?;
    let decided = HumanDecided {
        step: path,
        items: asked.items,
        actor: actor.into(),
        decision: "answer".into(),
        values,
        reason: None,
    };
    let resumed = RunResumed { actor: actor.into(), reason: Some("answered".into()) };
    record.journal.append_claimed(&claim, &[decided.into(), resumed.into()]).await?;
    carry(record, &setting.setting, claim, plan.as_ref(), watch, pause).await
}

/// The open question of a step, by its name or path.
fn question(state: &RunState, run: RunId, step: &str) -> Result<(Arc<str>, HumanAsked), Failure> {
    let short = run.short();
    if let Some(closed) = &state.closed {
        return Err(Failure::usage(format!("run {short} is over: {}", closed.end.word())));
    }
    if step == APPROVAL {
        return Err(Failure::usage(format!("run {short} waits for approval, which is no answer"))
            .help(format!("`trueup approve {short} --reason \"…\"` agrees to it")));
    }
    let steps = state.items.get(SINGLE_ITEM).map(|i| &i.steps);
    let open: Vec<_> = steps.into_iter().flatten().filter(|(_, s)| s.waits()).collect();
    let found = open.iter().find(|(path, _)| ***path == *step || path.rsplit('/').next() == Some(step));
    if let Some((path, s)) = found
        && let Some(asked) = &s.asked
    {
        return Ok(((*path).clone(), HumanAsked::clone(asked)));
    }
    let all = state.items.get(SINGLE_ITEM).into_iter().flat_map(|i| &i.steps);
    let decided = all.filter(|(path, _)| ***path == *step || path.rsplit('/').next() == Some(step));
    if let Some(decided) = decided.filter_map(|(_, s)| s.answered()).next() {
        return Err(Failure::usage(format!("{} has answered `{step}` of run {short} already", decided.actor))
            .help(format!("`trueup show {short}` tells how the run goes on")));
    }
    let names: Vec<&str> = open.iter().filter_map(|(path, _)| path.rsplit('/').next()).collect();
    let failure = Failure::usage(format!("run {short} has no open question `{step}`"));
    Err(match suggest::help(step, names) {
        Some(help) => failure.help(help),
        None => failure.help("`trueup inbox` lists the questions that wait for an answer"),
    })
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
            failure = failure.help(match r.help {
                Some(help) => format!("{}: {message}; {}", r.param, help.replace("give it as `", "give it as `--set ")),
                None => format!("{}: {message}", r.param),
            });
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
    let outline = crate::engine::outline::Outline::of(&playbook);
    match &outline.place(path)?.step.act {
        crate::action::kinds::Act::Ask(ask) => {
            Some(ask.answer.entries.iter().map(|(w, f)| (w.text.clone(), f.clone())).collect())
        }
        _ => None,
    }
}
