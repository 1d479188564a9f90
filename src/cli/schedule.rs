//! `trueup schedule` and `trueup scheduler`

use super::{
    answer::actor,
    arguments::{ScheduleCommand, ScheduleNext, ScheduleOf, ScheduleRun, ScheduleWord, Scheduler},
    output::Output,
    pause,
};
use crate::{
    base::time::{self, Stamp},
    ops::{
        self, Failure, Surroundings,
        project::Opened,
        schedule::{Ended, Heard, Lasting, Listening, Options, Unseen},
    },
    report::{clock, exit::Exit, reconciled, schedules},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

pub async fn run(
    given: &ScheduleOf,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    match &given.command {
        ScheduleCommand::List(list) => {
            let record = ops::record::open(surroundings, &opened).await?;
            let (all, unseen) = ops::schedule::standings(surroundings, &record, &opened).await?;
            if list.json {
                output.data(&schedules::list_json(&all, &in_short(&unseen)));
            } else if !all.is_empty() || unseen.is_empty() {
                output.data(&schedules::list(&all, output.look()));
            }
            Ok(said_unseen(&unseen, output))
        }
        ScheduleCommand::Next(wish) => next(wish, &opened, surroundings, output).await,
        ScheduleCommand::Pause(word) => {
            let (record, actor, reason) = said(word, &opened, surroundings).await?;
            ops::schedule::pause(&record, &word.name, &actor, &reason).await?;
            let text = format!(
                "{} is paused: nothing of it begins. `trueup schedule resume {} --reason …` goes on.\n",
                word.name, word.name
            );
            output.note(&text);
            Ok(Exit::Done)
        }
        ScheduleCommand::Resume(word) => {
            let (record, actor, reason) = said(word, &opened, surroundings).await?;
            ops::schedule::resume(surroundings, &record, &word.name, &actor, &reason).await?;
            output.note(&format!("{} goes on, with the times that come from now on.\n", word.name));
            Ok(Exit::Done)
        }
        ScheduleCommand::Run(wish) => begin(wish, &opened, surroundings, output).await,
    }
}

async fn next(
    wish: &ScheduleNext,
    opened: &Opened,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let after = match &wish.after {
        None => None,
        Some(text) => Some(moment(text)?),
    };
    let record = ops::record::open(surroundings, opened).await?;
    let (all, unseen) =
        ops::schedule::next(surroundings, &record, opened, wish.name.as_deref(), wish.count.into(), after).await?;
    if wish.json {
        output.data(&schedules::coming_json(&all, &in_short(&unseen)));
    } else if !all.is_empty() || unseen.is_empty() {
        output.data(&schedules::coming(&all, output.look()));
    }
    Ok(said_unseen(&unseen, output))
}

/// Names those that could not be looked at, and why. What was asked for is not all there, so it is no success.
fn said_unseen(unseen: &Unseen, output: &Output) -> Exit {
    for (name, failure) in unseen {
        output.error(unseen_line(name, failure).trim_end(), &[]);
    }
    unseen.first().map_or(Exit::Done, |(_, failure)| failure.exit())
}

/// The line of one that could not be looked at.
pub fn unseen_line(name: &str, failure: &Failure) -> String {
    format!("{name}: cannot be looked at: {}\n", failure.in_short())
}

fn in_short(unseen: &Unseen) -> Vec<(String, String)> {
    unseen.iter().map(|(name, failure)| (name.to_string(), failure.in_short())).collect()
}

fn moment(text: &str) -> Result<Stamp, Failure> {
    let zoned: Option<Stamp> = time::instant(text).ok().or_else(|| text.parse().ok());
    zoned.filter(|at| at.is_finite()).ok_or_else(|| {
        Failure::usage(format!("`{text}` is not a moment")).help("write it in UTC: `--after 2027-03-28T00:00:00`")
    })
}

async fn said(
    word: &ScheduleWord,
    opened: &Opened,
    surroundings: &Surroundings,
) -> Result<(ops::record::Record, String, String), Failure> {
    ops::schedule::of_name(opened, &word.name)?;
    let actor = actor(word.actor.as_deref(), surroundings)?;
    let (reason, _) = ops::apply::named(word.reason.as_deref(), Some(&actor))?;
    let reason = reason.to_owned();
    Ok((ops::record::open(surroundings, opened).await?, actor, reason))
}

async fn begin(
    wish: &ScheduleRun,
    opened: &Opened,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let (record, actor, reason) = said(&wish.word, opened, surroundings).await?;
    let name = &wish.word.name;
    let schedule = ops::schedule::of_name(opened, name)?;
    let firing = ops::schedule::by_hand(surroundings, &record, opened, name, schedule, &actor, &reason).await?;
    let flag = pause::on_signal(output);
    match ops::schedule::fire(surroundings, &record, opened, &firing, &flag).await? {
        Ended::Told(found) => {
            output.data(&if wish.json { reconciled::json(&found) } else { reconciled::text(&found, output.look()) });
            Ok(found.exit())
        }
        Ended::Failed(why) => Err(Failure::refused(Exit::Failed, why)),
        Ended::Left => {
            output.note("It was stopped between two steps; the next scheduler goes on with it.\n");
            Ok(Exit::Stopped)
        }
    }
}

pub async fn scheduler(
    given: &Scheduler,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = Arc::new(Lasting::of(ops::record::open(surroundings, &opened).await?));
    let options = Options { project: project.map(Path::to_owned) };
    let stamped =
        |text: &str| output.note(&format!("{}Z {text}", clock::second(surroundings.world.now()).replace(" UTC", "")));
    // It may be long until it ends, and this is to be known now.
    surroundings.notes.take().iter().for_each(|note| stamped(&format!("{note}\n")));
    let listening = match given.metrics {
        None => None,
        Some(address) => Some(Listening::at(address, surroundings, &record, options.project.clone()).await?),
    };
    if let Some(listening) = &listening {
        stamped(&format!("metrics at http://{}/metrics\n", listening.address));
    }
    let count = opened.project.schedules.entries.len();
    stamped(&format!("looking after {count} {}\n", if count == 1 { "schedule" } else { "schedules" }));
    let stop = stop_on_signals();
    let tell = |heard: Heard<'_>| {
        stamped(&line(&heard));
        // As `trueup check` shows it, behind the line for those who read one line of a log.
        if let Heard::Trouble(failure @ Failure::Texts(_)) | Heard::Unseen(_, failure @ Failure::Texts(_)) = heard {
            output.failure(failure);
        }
    };
    ops::schedule::serve(surroundings, &record, &options, &stop, &tell).await?;
    stamped("stopped\n");
    Ok(Exit::Done)
}

/// SIGTERM, SIGHUP and Ctrl-C ask it to stop; a second one ends the process at once.
fn stop_on_signals() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    tokio::spawn(async move {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        let Ok(mut terminate) = terminate else { return };
        let mut hangup = super::pause::hangup();
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                Some(()) = async { hangup.as_mut()?.recv().await } => {}
                heard = tokio::signal::ctrl_c() => if heard.is_err() { return },
            }
            if set.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        }
    });
    flag
}

/// One line of a scheduler's log.
pub fn line(heard: &Heard<'_>) -> String {
    match heard {
        Heard::Word(word) => format!("{word}\n"),
        Heard::Trouble(failure) => format!("cannot look at the schedules: {}\n", failure.in_short()),
        Heard::Unseen(name, failure) => unseen_line(name, failure),
        Heard::Begins(firing) => {
            let again = if firing.taken_over { " (left by a process that is gone)" } else { "" };
            format!("{}: {} begins{again}\n", firing.name, firing.wall.replace('T', " "))
        }
        Heard::Over(firing, ended) => {
            let (name, wall) = (&firing.name, firing.wall.replace('T', " "));
            match ended {
                Ended::Told(found) => {
                    let word = found.word().word().replace('_', " ");
                    let healed =
                        if found.healed() > 0 { format!(", {} healed", found.healed()) } else { String::new() };
                    let untried = match found.untried {
                        0 => String::new(),
                        n => format!(", {n} could not be tried out"),
                    };
                    format!(
                        "{name}: {wall} {word}: {} of {} differ{untried}{healed} (run {})\n",
                        found.drifted,
                        found.of,
                        found.run.short()
                    )
                }
                Ended::Failed(why) => format!("{name}: {wall} failed: {why}\n"),
                Ended::Left => format!("{name}: {wall} is left to the next scheduler\n"),
            }
        }
    }
}
