//! `trueup plan`

use super::{
    arguments::{Plan, Which},
    output::Output,
};
use crate::{
    base::{diagnostic::Diagnostic, source::Span, value::Value},
    effect::change::TableName,
    engine::{setting::Setting, trouble},
    ops::{self, Failure, Surroundings, plan::Request, project::Opened},
    report::{
        diagnostics,
        exit::Exit,
        look::{Look, View},
        plan::{self, About},
        plan_json,
    },
    table::facts::Facts,
};
use std::path::Path;

pub async fn run(
    given: &Plan,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let loaded = ops::playbook::load(surroundings, &opened, &given.which.playbook)?;
    if !loaded.advice.is_empty() && !given.json {
        output.problems(std::slice::from_ref(&loaded.advice));
    }
    let mut request = request(&given.which, surroundings)?;
    request.answers = given.answers.iter().map(|text| answer(text)).collect::<Result<_, _>>()?;
    let prepared = ops::plan::setting(surroundings, &opened, loaded, &request).await?;
    let made = ops::plan::plan(&prepared.setting, &request, &|_| {}).await?;
    if given.json {
        output.data(&plan_json::document(&made, &|table| opened.project.facts(table)));
    } else {
        let apply = command(&given.which);
        let about = About { who: request.actor.as_deref(), why: request.reason.as_deref(), apply: Some(&apply) };
        draw(&opened, &prepared.setting, output.look(), |view| output.data(&plan::text(&made, &about, view)));
    }
    Ok(Exit::of_plan(&made, given.detailed_exitcode))
}

/// The command that would carry the plan out.
fn command(which: &Which) -> String {
    let mut words = vec!["trueup apply".to_owned(), which.playbook.clone()];
    words.extend(which.params.iter().map(|p| quoted(p)));
    words.extend(which.env.iter().map(|e| format!("--env {e}")));
    let reason = which.reason.as_deref().map_or("\"…\"".to_owned(), quoted);
    words.push(format!("--reason {reason}"));
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-=./:@".contains(c);
    if word.chars().all(plain) && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Gives a view with the project's facts and the caret drawing of this playbook.
pub fn draw(opened: &Opened, setting: &Setting, look: Look, show: impl FnOnce(&View<'_>)) {
    let facts = |table: &TableName| -> Option<&Facts> { opened.project.facts(table) };
    let drawing = |at: Span, message: &str, seen: &[(String, String)]| {
        let mut problem = Diagnostic::error(&trouble::AT_RUN_TIME, at, message.trim_end_matches('.'));
        problem.help = seen.iter().map(|(name, value)| format!("{name} is {value}")).collect();
        diagnostics::drawn(&problem, &setting.source, look.width)
    };
    show(&View { look, facts: &facts, draw: &drawing });
}

/// What was asked for on the command line.
pub fn request(which: &Which, surroundings: &Surroundings) -> Result<Request, Failure> {
    let params = which.params.iter().map(|text| pair(text)).collect::<Result<_, _>>()?;
    let actor = which.actor.clone().or_else(|| surroundings.actor());
    Ok(Request { params, environment: which.env.clone(), reason: which.reason.clone(), actor, answers: Vec::new() })
}

/// `name=value`
pub fn pair(text: &str) -> Result<(String, Value), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), Value::text(value))),
        _ => Err(Failure::usage(format!("`{text}` is not of the form name=value"))
            .help("parameters are written `slug=7xKq…`")),
    }
}

/// `step.name=value`
fn answer(text: &str) -> Result<(String, String, Value), Failure> {
    let (path, value) = pair(text)?;
    match path.split_once('.') {
        Some((step, name)) => Ok((step.to_owned(), name.to_owned(), value)),
        None => Err(Failure::usage(format!("`{text}` is not of the form STEP.NAME=VALUE"))
            .help("for example `--answer dqt_agreed.ticket=DQT-4711`")),
    }
}
