//! `trueup reconcile`

use super::{
    apply::{confirmed, progress},
    arguments::{Reconcile, ReconcileCommand, ReconcileReport},
    output::Output,
    pause, plan, schedule,
};
use crate::{
    base::shape::Placed,
    ops::{
        self, Failure, Surroundings,
        over::{self, Kind},
        plan::Request,
        project::Opened,
        reconcile::Wish,
        record::Record,
    },
    playbook::schedules::{Caps, Mode},
    report::{
        exit::Exit,
        reconciled::{self, Beside, Reconciled},
    },
    targets::limits::Share,
};
use std::{
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

pub async fn run(
    given: &Reconcile,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    if let Some(ReconcileCommand::Report(report)) = &given.command {
        let opened = ops::project::open(surroundings, project)?;
        return again(report, &opened, surroundings, output).await;
    }
    // Before anything is looked at, or healed.
    for (path, kind) in [(&given.html, Kind::Html), (&given.metrics_file, Kind::Metrics)] {
        path.iter().try_for_each(|path| over::place(surroundings, path, kind).map(drop))?;
    }
    let looked = look(given, project, surroundings, output).await;
    // Where nothing could be looked at, a page of yesterday would say that all is well.
    if let (Err(failure), Some(path)) = (&looked, &given.html) {
        let what = given.playbook.as_deref().unwrap_or(if given.due { "reconcile --due" } else { "reconcile --all" });
        let beside = Beside { failed: vec![(what.to_owned(), failure.in_short())], ..Beside::default() };
        match page(&[], &beside, path, surroundings, output) {
            Err(unwritten) if unwritten.in_short() != failure.in_short() => output.failure(&unwritten),
            _ => {}
        }
    }
    // The numbers say which schedules cannot be looked at, also where that is all of them.
    if let Some(path) = &given.metrics_file {
        match (numbers(path, project, surroundings).await, &looked) {
            (Err(unwritten), Err(failure)) if unwritten.in_short() != failure.in_short() => output.failure(&unwritten),
            (Err(unwritten), Ok(exit)) => {
                output.failure(&unwritten);
                return Ok(worst(&[], vec![*exit, unwritten.exit()]));
            }
            _ => {}
        }
    }
    looked
}

async fn numbers(path: &Path, project: Option<&Path>, surroundings: &Surroundings) -> Result<(), Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    ops::schedule::write_file(surroundings, &record, project, path).await
}

async fn look(
    given: &Reconcile,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    if given.due {
        due(given, &opened, surroundings, output).await
    } else {
        now(given, &opened, surroundings, output).await
    }
}

async fn again(
    given: &ReconcileReport,
    opened: &Opened,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let record = ops::record::open(surroundings, opened).await?;
    let run = match &given.run {
        Some(run) => record.journal.find_run(run).await?,
        None => ops::reconcile::last(&record, given.playbook.as_deref()).await?,
    };
    let found = ops::reconcile::look(&record, run).await?;
    if let Some(path) = &given.html {
        page(std::slice::from_ref(&found), &Beside::default(), path, surroundings, output)?;
    } else if given.json {
        output.data(&reconciled::json(&found));
    } else {
        output.data(&reconciled::text(&found, output.look()));
    }
    Ok(Exit::Done)
}

/// What is named, or all of it.
async fn now(
    given: &Reconcile,
    opened: &Opened,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let request = request(given, surroundings)?;
    let (name, environment) = opened.project.environment(request.environment.as_deref()).map_err(Failure::usage)?;
    let protected = environment.is_some_and(|e| e.protected == Some(true));
    if given.heal {
        if given.yes && protected {
            return Err(Failure::usage(format!("`{name}` is protected: `--yes` is refused"))
                .help("run it without `--yes`, or let a schedule with `mode: heal` and `pin:` do it"));
        }
        ops::apply::named(given.reason.as_deref(), request.actor.as_deref())?;
        let what = given.playbook.as_deref().unwrap_or("everything that differs");
        if !given.yes && !confirmed(output, &format!("Look at {what} and heal what differs in {name}?"))? {
            output.note("Nothing was changed.\n");
            return Ok(Exit::Stopped);
        }
    }
    let record = ops::record::open(surroundings, opened).await?;
    let flag = pause::on_signal(output);
    let (mut found, mut beside) = (Vec::new(), Beside::default());
    let mut exits = Vec::new();
    if let Some(playbook) = &given.playbook {
        let wish = wish(given, playbook, request)?;
        found.push(one(&wish, opened, &record, surroundings, output, &flag).await?);
    } else {
        let candidates = ops::reconcile::candidates(surroundings, opened);
        if candidates.is_empty() {
            return Err(Failure::usage("no playbook of the project says `reconcile:`").help(
                "name one: `trueup reconcile PLAYBOOK`, or add `reconcile: {}` to those that say how things should be",
            ));
        }
        for candidate in candidates {
            let name = candidate.name;
            if flag.load(Ordering::Relaxed) {
                output.error(&format!("{name}: not looked at"), &[]);
                exits.push(Exit::Failed);
                beside.failed.push((name, "not looked at: the command was asked to stop".into()));
                continue;
            }
            let done = match candidate.loaded {
                Err(failure) => Err(failure),
                Ok(_) if !candidate.missing.is_empty() => Err(Failure::usage(format!(
                    "it needs parameters ({}); a schedule can give them",
                    candidate.missing.join(", ")
                ))),
                Ok(_) => {
                    let wish = wish(given, &name, request.clone())?;
                    one(&wish, opened, &record, surroundings, output, &flag).await
                }
            };
            match done {
                Ok(one) => found.push(one),
                Err(failure) => {
                    output.error(&format!("{name}: {}", failure.in_short()), &[]);
                    if let Failure::Texts(problems) = &failure {
                        output.problems(problems);
                    }
                    exits.push(failure.exit());
                    beside.failed.push((name, failure.in_short()));
                }
            }
        }
    }
    told(given, &found, &beside, exits, surroundings, output)
}

/// The worst of several: in doubt, failed, refused, drifted.
fn worst(found: &[Reconciled], others: Vec<Exit>) -> Exit {
    let weight = |exit: &Exit| match exit {
        Exit::InDoubt => 6,
        Exit::Failed => 5,
        Exit::Invalid => 4,
        Exit::Stopped => 3,
        Exit::Drifted => 2,
        Exit::Changes => 1,
        Exit::Done => 0,
    };
    found.iter().map(Reconciled::exit).chain(others).max_by_key(weight).unwrap_or(Exit::Done)
}

async fn one(
    wish: &Wish,
    opened: &Opened,
    record: &Record,
    surroundings: &Surroundings,
    output: &Output,
    flag: &Arc<AtomicBool>,
) -> Result<Reconciled, Failure> {
    let progress = progress(output);
    let watch = |tick| progress.tick(tick);
    let found = ops::reconcile::reconcile(surroundings, record, opened, wish, &watch, flag).await;
    progress.finish();
    found
}

async fn due(
    given: &Reconcile,
    opened: &Opened,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let record = Arc::new(ops::record::open(surroundings, opened).await?);
    let flag = pause::on_signal(output);
    let tell = |heard: ops::schedule::Heard<'_>| output.note(&schedule::line(&heard));
    let due = ops::schedule::due(surroundings, &record, opened, &flag, &tell).await?;
    // Where a newer time is begun instead, nothing is left for anybody to do about those before it.
    let mut exits: Vec<Exit> = due.passed.iter().filter(|one| !one.caught_up).map(|_| Exit::Stopped).collect();
    let (mut found, mut beside) = (Vec::new(), Beside { passed: due.passed, ..Beside::default() });
    let idle = due.over.is_empty();
    for (name, failure) in &due.unseen {
        output.error(schedule::unseen_line(name, failure).trim_end(), &[]);
        exits.push(failure.exit());
        beside.failed.push((name.to_string(), failure.in_short()));
    }
    let seen = due.unseen.is_empty();
    for (firing, ended) in due.over {
        match ended {
            Ok(ops::schedule::Ended::Told(report)) => found.push(*report),
            // Whoever looks next goes on with it.
            Ok(ops::schedule::Ended::Left) if flag.load(Ordering::Relaxed) => {
                exits.push(Exit::Stopped);
                beside.failed.push((firing.name.to_string(), "asked to stop; the next one goes on with it".into()));
            }
            // Another process has it.
            Ok(ops::schedule::Ended::Left) => {}
            Ok(ops::schedule::Ended::Failed(why)) => {
                exits.push(Exit::Failed);
                beside.failed.push((firing.name.to_string(), why));
            }
            Err(failure) => {
                output.failure(&failure);
                exits.push(failure.exit());
                beside.failed.push((firing.name.to_string(), failure.in_short()));
            }
        }
    }
    if idle && !given.json && (seen || !beside.passed.is_empty()) {
        let none = beside.passed.is_empty();
        output.note(if none { "Nothing is due.\n" } else { "Nothing was begun of what was due.\n" });
    }
    if idle && seen && beside.passed.is_empty() && !given.json {
        return Ok(Exit::Done);
    }
    told(given, &found, &beside, exits, surroundings, output)
}

/// Shows it. A page that cannot be written hides no worse code.
fn told(
    given: &Reconcile,
    found: &[Reconciled],
    beside: &Beside,
    mut exits: Vec<Exit>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    if let Err(unwritten) = shown(given, found, beside, surroundings, output) {
        output.failure(&unwritten);
        exits.push(unwritten.exit());
    }
    Ok(worst(found, exits))
}

fn shown(
    given: &Reconcile,
    found: &[Reconciled],
    beside: &Beside,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<(), Failure> {
    match (found, given.json) {
        ([one], true) if beside.failed.is_empty() && given.playbook.is_some() => output.data(&reconciled::json(one)),
        (all, true) => output.data(&reconciled::several(all, beside)),
        (all, false) => {
            let texts: Vec<String> = all.iter().map(|one| reconciled::text(one, output.look())).collect();
            output.data(&texts.join("\n"));
        }
    }
    match &given.html {
        // Nothing was due: what the page says is still the last that is known.
        Some(_) if found.is_empty() && beside.failed.is_empty() && beside.passed.is_empty() => Ok(()),
        Some(path) => page(found, beside, path, surroundings, output),
        None => Ok(()),
    }
}

fn page(
    found: &[Reconciled],
    beside: &Beside,
    path: &Path,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<(), Failure> {
    let page = reconciled::html(found, beside, surroundings.world.now());
    let text = output.masks().apply(&page);
    let path = over::place(surroundings, path, Kind::Html)?;
    let write = || std::fs::File::create(&path)?.write_all(text.as_bytes());
    write().map_err(|e| Failure::usage(format!("`{}` cannot be written: {e}", path.display())))?;
    output.note(&format!("The report is in {}\n", path.display()));
    Ok(())
}

/// Without a reason a report says what it is.
fn request(given: &Reconcile, surroundings: &Surroundings) -> Result<Request, Failure> {
    let (params, from_env) = plan::params(&given.params, &given.param_from_env, surroundings)?;
    let reason = given.reason.clone().or_else(|| (!given.heal).then(|| "compared, nothing changed".to_owned()));
    let actor = given.actor.clone().or_else(|| surroundings.actor());
    Ok(Request { params, from_env, environment: given.env.clone(), reason, actor, ..Request::default() })
}

fn wish(given: &Reconcile, playbook: &str, request: Request) -> Result<Wish, Failure> {
    let share = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => Share::parse(text).map(Some).ok_or_else(|| {
            Failure::usage(format!("`--{name} {text}` is not a number of items")).help("write `3` or `5%`")
        }),
    };
    if given.most == Some(0) {
        return Err(Failure::usage("with `--most 0` nothing could be healed").help("leave `--heal` out to look only"));
    }
    let caps = Caps {
        most: given.most.map(|value| Placed { value, at: Default::default() }),
        share: share("share", &given.share)?,
        stop_after: share("stop-after", &given.stop_after)?,
        ..Caps::none()
    };
    Ok(Wish {
        playbook: playbook.to_owned(),
        request,
        mode: if given.heal { Mode::Heal } else { Mode::Report },
        caps,
        run: None,
        schedule: None,
    })
}
