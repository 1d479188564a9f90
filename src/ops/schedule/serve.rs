//! `scheduler`: looks at all schedules again and again and carries out what is due, until it is asked to stop. `due`: once.

use super::{Ended, Firing, Lasting, Unseen, fire, tick, without_the_unseen};
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
    path::PathBuf,
    pin::pin,
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
    let Seen { passed, unseen, begun } = look(surroundings, record, opened, stop, tell).await?;
    let mut under_way: FuturesUnordered<Work> = begun.into_iter().collect();
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
    record: &Lasting,
    options: &Options,
    stop: &Arc<AtomicBool>,
    tell: &dyn Fn(Heard<'_>),
) -> Result<(), Failure> {
    let mut under_way: FuturesUnordered<Work> = FuturesUnordered::new();
    let mut said = String::new();
    while !stop.load(Ordering::Relaxed) {
        let round = async {
            let opened = project::open(surroundings, options.project.as_deref())?;
            // Before anything begins: what a restored copy does not know would begin once more.
            record.look(surroundings, &opened).await?.iter().for_each(|word| tell(Heard::Word(word)));
            let seen = look(surroundings, &record.now(), &opened, stop, tell).await?;
            crate::ops::witness::keep(surroundings).await;
            Ok::<_, Failure>(seen)
        };
        match beside(round, &mut under_way, |over| told(surroundings, over, tell)).await {
            Ok(Seen { unseen, begun, .. }) => {
                under_way.extend(begun);
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
                Some(over) = under_way.next() => told(surroundings, over, tell),
            }
        }
    }
    while let Some(over) = under_way.next().await {
        told(surroundings, over, tell);
    }
    Ok(())
}

/// Does this, and lets go on what is under way meanwhile. Whoever only waited for it would wait for ever: what is under way may stand in the line for the
/// journal before it, or have the journal in its hands, and is not looked at until it is over.
async fn beside<T, W: Future>(
    work: impl Future<Output = T>,
    under_way: &mut FuturesUnordered<W>,
    told: impl Fn(W::Output),
) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(over) = under_way.next() => told(over),
        }
    }
}

fn told(surroundings: &Surroundings, (firing, ended): (Firing, Result<Ended, Failure>), tell: &dyn Fn(Heard<'_>)) {
    match ended {
        Ok(ended) => tell(Heard::Over(&firing, &ended)),
        Err(failure) => {
            tell(Heard::Word(&format!("{}: {}", firing.name, failure.in_full())));
        }
    }
    // Beside everything else: a collector that is away holds up nobody.
    let traces = surroundings.clone();
    tokio::spawn(async move { crate::ops::trace::flush(&traces).await });
}

/// What a look saw, and what is to be begun.
#[derive(Default)]
struct Seen {
    passed: Vec<Passed>,
    unseen: Unseen,
    begun: Vec<Work>,
}

async fn look(
    surroundings: &Surroundings,
    record: &Arc<Record>,
    opened: &Opened,
    stop: &Arc<AtomicBool>,
    tell: &dyn Fn(Heard<'_>),
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
            seen.begun.push(
                async move {
                    let ended = fire(&surroundings, &record, &opened, &firing, &stop).await;
                    // A restore a moment later is noticed as well.
                    crate::ops::witness::keep(&surroundings).await;
                    (firing, ended)
                }
                .boxed_local(),
            );
        }
    }
    let unseen = without_the_unseen(seen.unseen, opened.project.schedules.entries.len())?;
    Ok(Seen { unseen, ..seen })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::sync::Mutex;

    /// What is under way has the journal in its hands and lets go of it only when it is looked at again.
    #[tokio::test]
    async fn a_look_does_not_wait_for_ever_for_what_only_goes_on_beside_it() {
        let journal = Arc::new(Mutex::new(0));
        let holds = journal.clone();
        let mut under_way: FuturesUnordered<_> = [async move {
            let mut held = holds.lock().await;
            tokio::task::yield_now().await;
            *held += 1;
        }]
        .into_iter()
        .collect();
        // It begins, takes it, and is left alone.
        assert!(under_way.next().now_or_never().is_none());
        assert!(journal.try_lock().is_err(), "nobody has it, so this proves nothing");
        let over = std::cell::Cell::new(0);
        let look = async { *journal.lock().await };
        assert_eq!(beside(look, &mut under_way, |()| over.set(over.get() + 1)).await, 1);
    }
}
