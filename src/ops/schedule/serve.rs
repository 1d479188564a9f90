//! `scheduler`: looks at all schedules again and again and carries out what is due, until it is asked to stop. `due`: once.

use super::{Ended, Firing, Unseen, fire, tick, without_the_unseen};
use crate::{
    ops::{
        Failure, Surroundings,
        project::{self, Opened},
        record::Record,
    },
    report::reconciled::Passed,
};
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// It is looked at least so often: a schedule that was changed, paused or left by another process is noticed then.
const LOOK: Duration = Duration::from_secs(10);
/// Somebody who wants it to stop is heard within this time.
const HEAR: Duration = Duration::from_millis(200);

/// What a scheduler is told.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The project file or its folder.
    pub project: Option<PathBuf>,
}

/// What a scheduler tells.
#[derive(Debug)]
pub enum Heard<'h> {
    /// It begins with an occurrence.
    Begins(&'h Firing),
    /// One is over.
    Over(&'h Firing, &'h Ended),
    /// Something was recorded, or could not be done.
    Word(&'h str),
    /// The schedules could not be looked at.
    Trouble(&'h Failure),
    /// One of them could not; the others go on.
    Unseen(&'h str, &'h Failure),
}

type Work = LocalBoxFuture<'static, (Firing, Result<Ended, Failure>)>;

/// What one look at all schedules came to.
#[derive(Debug, Default)]
pub struct Due {
    /// What was carried out.
    pub over: Vec<(Firing, Result<Ended, Failure>)>,
    /// What was due and was not begun.
    pub passed: Vec<Passed>,
    /// Schedules of which nobody could tell what is due, and why.
    pub unseen: Unseen,
}

/// Looks once, carries out what is due, and tells what it came to.
pub async fn due(
    surroundings: &Surroundings,
    record: &Arc<Record>,
    opened: &Opened,
    stop: &Arc<AtomicBool>,
    tell: &dyn Fn(Heard<'_>),
) -> Result<Due, Failure> {
    let mut under_way: FuturesUnordered<Work> = FuturesUnordered::new();
    let Seen { passed, unseen } = look(surroundings, record, opened, stop, tell, &mut under_way).await?;
    let mut over = Vec::new();
    while let Some((firing, ended)) = under_way.next().await {
        if let Ok(ended) = &ended {
            tell(Heard::Over(&firing, ended));
        }
        over.push((firing, ended));
    }
    Ok(Due { over, passed, unseen })
}

/// Goes on until `stop` is set; what is under way then reaches a safe point, and another scheduler goes on with it.
pub async fn serve(
    surroundings: &Surroundings,
    record: &Arc<Record>,
    options: &Options,
    stop: &Arc<AtomicBool>,
    tell: &dyn Fn(Heard<'_>),
) -> Result<(), Failure> {
    let mut under_way: FuturesUnordered<Work> = FuturesUnordered::new();
    let mut said = String::new();
    while !stop.load(Ordering::Relaxed) {
        match round(surroundings, record, options.project.as_deref(), stop, tell, &mut under_way).await {
            Ok(unseen) => {
                crate::ops::witness::keep(surroundings).await;
                let why: String = unseen.iter().map(|(name, why)| format!("{name}: {}\n", why.in_short())).collect();
                if why != said {
                    unseen.iter().for_each(|(name, failure)| tell(Heard::Unseen(name, failure)));
                    said = why;
                }
            }
            Err(failure) => {
                // The journal's server is away, or somebody is writing the project file: it is tried again, and told once.
                let why = failure.in_short();
                if why != said {
                    tell(Heard::Trouble(&failure));
                    said = why;
                }
            }
        }
        let mut waited = Duration::ZERO;
        while waited < LOOK && !stop.load(Ordering::Relaxed) {
            let pause = surroundings.world.pause(HEAR);
            if under_way.is_empty() {
                pause.await;
                waited += HEAR;
                continue;
            }
            tokio::select! {
                () = pause => waited += HEAR,
                over = under_way.next() => {
                    told(over, tell);
                    // Beside everything else: a collector that is away holds up nobody.
                    let traces = surroundings.clone();
                    tokio::spawn(async move { crate::ops::trace::flush(&traces).await });
                }
            }
        }
    }
    while let Some(over) = under_way.next().await {
        told(Some(over), tell);
    }
    Ok(())
}

fn told(over: Option<(Firing, Result<Ended, Failure>)>, tell: &dyn Fn(Heard<'_>)) {
    match over {
        Some((firing, Ok(ended))) => tell(Heard::Over(&firing, &ended)),
        Some((firing, Err(failure))) => {
            tell(Heard::Word(&format!("{}: its end cannot be recorded: {}", firing.name, failure.in_short())));
        }
        None => {}
    }
}

async fn round(
    surroundings: &Surroundings,
    record: &Arc<Record>,
    project: Option<&Path>,
    stop: &Arc<AtomicBool>,
    tell: &dyn Fn(Heard<'_>),
    under_way: &mut FuturesUnordered<Work>,
) -> Result<Unseen, Failure> {
    let opened = project::open(surroundings, project)?;
    Ok(look(surroundings, record, &opened, stop, tell, under_way).await?.unseen)
}

/// What a look saw beside what it began.
#[derive(Default)]
struct Seen {
    passed: Vec<Passed>,
    unseen: Unseen,
}

async fn look(
    surroundings: &Surroundings,
    record: &Arc<Record>,
    opened: &Opened,
    stop: &Arc<AtomicBool>,
    tell: &dyn Fn(Heard<'_>),
    under_way: &mut FuturesUnordered<Work>,
) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    for (name, schedule) in opened.project.schedules.iter() {
        // What is recorded of one may be unreadable, or refused: the nights of the others come all the same.
        let looked = match tick(surroundings, record, opened, name, schedule).await {
            Ok(looked) => looked,
            Err(failure) => {
                seen.unseen.push((name.into(), failure));
                continue;
            }
        };
        looked.told.iter().for_each(|word| tell(Heard::Word(word)));
        seen.passed.extend(looked.passed);
        for firing in looked.firings {
            tell(Heard::Begins(&firing));
            let (surroundings, record) = (surroundings.clone(), record.clone());
            let (opened, stop) = (opened.clone(), stop.clone());
            under_way.push(
                async move {
                    let ended = fire(&surroundings, &record, &opened, &firing, &stop).await;
                    (firing, ended)
                }
                .boxed_local(),
            );
        }
    }
    let unseen = without_the_unseen(seen.unseen, opened.project.schedules.entries.len())?;
    Ok(Seen { unseen, ..seen })
}
