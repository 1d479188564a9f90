//! `trueup apply`

use super::{arguments::Apply, output::Output, pause, plan};
use crate::{
    base::identity::RunId,
    engine::drive::Stopped,
    ops::{self, Failure, Surroundings, apply::Carried, project::Opened},
    report::{
        applied,
        exit::Exit,
        look::View,
        plan::{self as drawn, About},
        progress::Progress,
        run_json,
    },
};
use std::{
    io::{BufRead, IsTerminal, Write},
    path::Path,
};

pub async fn run(
    given: &Apply,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let loaded = ops::playbook::load(surroundings, &opened, &given.which.playbook)?;
    let request = plan::request(&given.which, surroundings)?;
    ops::apply::named(request.reason.as_deref(), request.actor.as_deref())?;
    let (name, environment) = opened.project.environment(request.environment.as_deref()).map_err(Failure::usage)?;
    if given.yes && environment.is_some_and(|e| e.protected == Some(true)) {
        return Err(Failure::usage(format!("`{name}` is protected: `--yes` is refused"))
            .help("run it without `--yes` and read the preview"));
    }
    let prepared = ops::plan::setting(surroundings, &opened, loaded, &request).await?;
    let setting = &prepared.setting;
    let made = ops::plan::plan(setting, &request, &|_| {}).await?;
    let about = About { who: request.actor.as_deref(), why: request.reason.as_deref(), apply: None };
    plan::draw(&opened, setting, output.look(), |view| {
        let text = drawn::text(&made, &about, view);
        if given.json { output.note(&text) } else { output.data(&text) }
    });
    if made.items.iter().any(|item| item.stop.is_some()) {
        return Ok(Exit::of_plan(&made, false));
    }
    if made.is_empty() {
        return Ok(Exit::Done);
    }
    if !given.yes && !confirmed(output, &format!("Apply this in {name}?"))? {
        output.note("Nothing was changed.\n");
        return Ok(Exit::Stopped);
    }
    let record = ops::record::open(surroundings, &opened).await?;
    let flag = pause::on_ctrl_c(output);
    let progress = progress(output);
    let carried =
        ops::apply::apply(surroundings, &record, &opened, setting, &made, &|tick| progress.tick(tick), &flag).await;
    progress.finish();
    finish(setting.run.id, carried?, &opened, output, given.json)
}

/// The display of a run that goes on: live on a terminal, lines through a pipe.
pub fn progress(output: &Output) -> Progress {
    if std::io::stderr().is_terminal() {
        Progress::live(
            indicatif::ProgressDrawTarget::stderr(),
            output.look(),
            output.coloured_notes(),
            output.masks().clone(),
        )
    } else {
        Progress::lines(Box::new(std::io::stderr()), output.masks().clone())
    }
}

/// The last word of a run, and its exit code.
pub fn finish(run: RunId, carried: Carried, opened: &Opened, output: &Output, json: bool) -> Result<Exit, Failure> {
    let facts = |table: &crate::effect::change::TableName| opened.project.facts(table);
    let view = View { look: output.look(), facts: &facts, draw: &|_, _, _| String::new() };
    if json {
        output.data(&run_json::run(run, &carried.state, &facts));
    } else {
        output.data(&applied::text(run, &carried.state, &view));
    }
    if let Stopped::InDoubt(path) = &carried.stopped {
        output.error(
            &format!("nobody knows whether `{path}` took effect"),
            &[format!(
                "look, then say what you found: `trueup resolve {} --done|--not-done|--abort --reason …`",
                run.short()
            )],
        );
    }
    Ok(exit(&carried.stopped))
}

fn exit(stopped: &Stopped) -> Exit {
    match stopped {
        Stopped::Closed(end) => Exit::of(*end),
        Stopped::Waits(_) | Stopped::Paused => Exit::Stopped,
        Stopped::InDoubt(_) => Exit::InDoubt,
    }
}

/// Asks on the terminal; without one, `--yes` is needed.
pub fn confirmed(output: &Output, question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("nobody is there to confirm the plan")
            .help("run it on a terminal, or give `--yes` when a machine runs it"));
    }
    output.note(&format!("{question} Type yes: "));
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    Ok(read.is_ok() && line.trim().eq_ignore_ascii_case("yes"))
}
