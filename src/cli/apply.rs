//! `trueup apply`

use super::{arguments::Apply, output::Output, pause, plan, undo};
use crate::{
    base::identity::RunId,
    engine::drive::Stopped,
    journal::words::End,
    ops::{
        self, Failure, Surroundings,
        apply::{Basis, Carried},
        project::Opened,
    },
    plan::Plan,
    playbook::project::Environment,
    report::{
        applied,
        exit::Exit,
        look::View,
        many, page,
        plan::{self as drawn, About},
        plan_json,
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
    if ops::saved::is_plan(surroundings, &given.which.playbook).is_some() {
        return of_file(given, &opened, surroundings, output).await;
    }
    let loaded = ops::playbook::load(surroundings, &opened, &given.which.playbook)?;
    of_loaded(given, &opened, loaded, surroundings, output).await
}

/// Of a playbook that is at hand.
pub async fn of_loaded(
    given: &Apply,
    opened: &Opened,
    loaded: ops::playbook::Loaded,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let request = plan::request(&given.which, surroundings)?;
    ops::apply::named(request.reason.as_deref(), request.actor.as_deref())?;
    let (name, environment) = opened.project.environment(request.environment.as_deref()).map_err(Failure::usage)?;
    unprotected(given, name, environment)?;
    let mut prepared = ops::plan::setting(surroundings, opened, loaded, &request).await?;
    prepared.setting.one_by_one = given.one_by_one;
    let many = prepared.setting.playbook.targets.is_some();
    // Many items are put aside under the journal's key.
    let early = if many { Some(ops::record::open(surroundings, opened).await?) } else { None };
    early.iter().for_each(|record| ops::record::seal_with(&mut prepared.setting, record));
    let setting = &prepared.setting;
    // Where nobody is asked in between, the journal is opened beside the preview, which waits for the database. One that is not
    // there yet is made only when something is to be recorded.
    let ahead = async {
        if !many && given.yes && opened.journal().exists() {
            Some(ops::record::open(surroundings, opened).await)
        } else {
            None
        }
    };
    let shown = progress(output);
    let watch = |tick| {
        if many {
            shown.tick(tick)
        }
    };
    let (made, ahead) = futures_util::future::join(ops::plan::plan(setting, &request, &watch), ahead).await;
    shown.finish();
    let made = made?;
    let demands = ops::approve::demands(&opened.project, &setting.playbook, &made);
    let about =
        About { who: request.actor.as_deref(), why: request.reason.as_deref(), demands: &demands, ..About::default() };
    plan::draw(&setting.project, &setting.source, output.look(), |view| {
        let text = drawn::text(&made, &about, view);
        if given.json { output.note(&text) } else { output.data(&text) }
    });
    // Also where there is nothing to carry out, items may have ended badly.
    if ends_at_once(&made) || made.is_empty() {
        if given.json {
            // No run is made: what there is to tell is the plan.
            output.data(&plan_json::document(&made, &|table| setting.project.facts(table)));
        }
        return Ok(Exit::of_plan(&made, false));
    }
    let question = if demands.is_empty() {
        format!("Apply this in {name}?")
    } else {
        format!("Ask for approval of this in {name}?")
    };
    if !given.yes && !confirmed(output, &question)? {
        output.note("Nothing was changed.\n");
        return Ok(Exit::Stopped);
    }
    let record = match (early, ahead) {
        (Some(record), _) => record,
        (None, Some(record)) => record?,
        (None, None) => ops::record::open(surroundings, opened).await?,
    };
    let flag = pause::on_signal(output);
    let progress = progress(output);
    let basis = Basis { asks: ops::approve::asked(setting, &made), waited: !given.yes, ..Basis::default() };
    let watch = |tick| progress.tick(tick);
    let carried = ops::apply::apply_on(surroundings, &record, opened, setting, &made, basis, &watch, &flag).await;
    progress.finish();
    finish(setting.run.id, carried?, opened, output, given.json)
}

/// Nothing of it would be carried out: its only item ends early, or what is done once for all of them does.
pub(super) fn ends_at_once(plan: &Plan) -> bool {
    let count = if plan.many.is_some() { 1 } else { plan.items.len() };
    plan.items.iter().take(count).any(|item| item.ends_early().is_some())
}

fn unprotected(given: &Apply, name: &str, environment: Option<&Environment>) -> Result<(), Failure> {
    if given.yes && environment.is_some_and(|e| e.protected == Some(true)) {
        return Err(Failure::usage(format!("`{name}` is protected: `--yes` is refused"))
            .help("run it without `--yes` and read the preview"));
    }
    Ok(())
}

/// A saved plan: what it was made of is in it, and it is refused when it says nothing about today any more.
async fn of_file(
    given: &Apply,
    opened: &Opened,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let file = given.which.playbook.as_str();
    let record = ops::record::open(surroundings, opened).await?;
    let usable = ops::saved::usable(surroundings, opened, &record, file).await?;
    let asked = plan::request(&given.which, surroundings)?;
    ops::saved::nothing_else(&usable, &asked)?;
    let saved = &usable.saved;
    let own = asked.reason.as_deref();
    let reason = own.or(saved.header.reason.as_deref());
    let (reason, actor) = ops::apply::named(reason, asked.actor.as_deref())?;
    let (name, environment) = opened.project.environment(Some(&*saved.header.environment)).map_err(Failure::usage)?;
    unprotected(given, name, environment)?;
    let matter = ops::approve::of_plan(&record, opened, &usable).await?;
    let agreed = matter.names();
    let about = About { why: Some(reason), agreed: &agreed, ..plan::of_saved(saved, &matter.demands) };
    let say = |text: String| if given.json { output.note(&text) } else { output.data(&text) };
    if ends_at_once(&saved.plan) || saved.plan.is_empty() {
        plan::draw(&opened.project, usable.loaded.checked.source(), output.look(), |view| {
            say(drawn::text(&saved.plan, &about, view));
        });
        if given.json {
            output.data(&plan_json::document(&saved.plan, &|table| opened.project.facts(table)));
        }
        let said = saved.header.undo.as_ref().and_then(|of| {
            let then = format!("plan it anew: `trueup undo {} --plan --out FILE`", of.run.short());
            undo::not_begun(&saved.plan, &then, output)
        });
        return Ok(said.unwrap_or_else(|| Exit::of_plan(&saved.plan, false)));
    }
    say(drawn::brief(&saved.plan, &about, output.look()));
    ops::approve::enough(&matter, &page::quoted(file))?;
    let question = format!("Apply this in {name} (digest {})?", drawn::short_digest(&saved.digest));
    if let Some(undo) = &saved.header.undo {
        let said = (actor, own);
        let (mut ready, wish) = ops::undo_file::ready(surroundings, opened, &record, &usable, undo, said).await?;
        ready.prepared.setting.one_by_one = given.one_by_one;
        ops::saved::same_systems(&ready.prepared.setting, saved).await?;
        if !given.yes && !confirmed(output, &question)? {
            output.note("Nothing was changed.\n");
            return Ok(Exit::Stopped);
        }
        let (flag, progress) = (pause::on_signal(output), progress(output));
        let watch = |tick| progress.tick(tick);
        let approvals = matter.approvals.clone();
        let carried =
            ops::undo_file::apply(surroundings, &record, &ready, &wish, saved, approvals, &watch, &flag).await;
        progress.finish();
        return finish(ready.prepared.setting.run.id, carried?, opened, output, given.json);
    }
    let mut prepared = ops::saved::setting(surroundings, opened, &usable, actor, reason).await?;
    prepared.setting.one_by_one = given.one_by_one;
    ops::saved::same_systems(&prepared.setting, saved).await?;
    if !given.yes && !confirmed(output, &question)? {
        output.note("Nothing was changed.\n");
        return Ok(Exit::Stopped);
    }
    let flag = pause::on_signal(output);
    let progress = progress(output);
    let (watch, setting) = (|tick| progress.tick(tick), &prepared.setting);
    let approvals = matter.approvals.clone();
    let basis = Basis { saved: Some(saved), approvals, ..Basis::default() };
    let carried = ops::apply::apply_on(surroundings, &record, opened, setting, &saved.plan, basis, &watch, &flag).await;
    progress.finish();
    finish(setting.run.id, carried?, opened, output, given.json)
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
    if let Some(came) = &carried.many {
        output.data(&if json {
            run_json::many(run, &carried.state, came)
        } else {
            many::applied(run, &carried.state, came, output.look())
        });
        let end = End::worst(came.summary.ends.keys().copied());
        let exit = match Exit::of(end) {
            // What the run needs was not there: nobody asked it to pause.
            Exit::Done if came.cut_off && carried.stopped == Stopped::Paused => Exit::Failed,
            Exit::Done => exit(&carried.stopped),
            other => other,
        };
        return Ok(exit);
    }
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

/// The same of a run that was gone on with, perhaps without something that it does not keep.
pub fn gone_on(
    run: RunId,
    carried: Carried,
    opened: &Opened,
    surroundings: &Surroundings,
    output: &Output,
    json: bool,
) -> Result<Exit, Failure> {
    let is_over = matches!(carried.stopped, Stopped::Closed(_));
    let without = ops::secrets_again::without(surroundings, run, &carried.state).filter(|_| is_over);
    let exit = finish(run, carried, opened, output, json)?;
    without.iter().filter(|_| exit != Exit::Done).for_each(|sentence| surroundings.notes.add(sentence));
    Ok(exit)
}

fn exit(stopped: &Stopped) -> Exit {
    match stopped {
        Stopped::Closed(end) => Exit::of(*end),
        Stopped::Waits(_) | Stopped::Paused | Stopped::Held => Exit::Stopped,
        Stopped::InDoubt(_) => Exit::InDoubt,
    }
}

/// Asks on the terminal; without one, `--yes` is needed.
pub fn confirmed(output: &Output, question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("nobody is there to confirm the plan")
            .help("run it on a terminal; where the environment is not protected, `--yes` stands for the answer"));
    }
    output.note(&format!("{question} Type yes: "));
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    Ok(read.is_ok() && line.trim().eq_ignore_ascii_case("yes"))
}
