//! Carrying a fired occurrence out, under its claim: the reconcile, or going on with the run that a process left behind; and
//! recording what it came to. What is cut off is found by the next scheduler: the run's id stands in the journal before it
//! begins, so it is neither lost nor done twice.

use super::{Firing, allowed};
use crate::{
    base::identity::RunId,
    engine::lease::Lease,
    journal::{Claim, Deciding, Occurrence, failure::JournalError, occasion::OccurrenceEnded, words::RunWord},
    ops::{
        Failure, Surroundings,
        plan::Request,
        project::Opened,
        reconcile::{self, Wish},
        record::Record,
        resume,
    },
    playbook::schedules::Caps,
    report::{
        exit::Exit,
        reconciled::{Came, Reconciled, Verdict},
    },
};
use std::sync::atomic::{AtomicBool, Ordering};

/// So often it is tried to record the end.
const TRIES: usize = 20;

/// What an occurrence came to.
#[derive(Debug)]
pub enum Ended {
    /// Its report.
    Told(Box<Reconciled>),
    /// It could not be carried out, and why.
    Failed(String),
    /// Another process has it now, or will: this one was asked to stop.
    Left,
}

/// Carries it out and records its end.
pub async fn fire(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    firing: &Firing,
    pause: &AtomicBool,
) -> Result<Ended, Failure> {
    let lease = Lease::new(&surroundings.world);
    let work = Box::pin(work(surroundings, record, opened, firing, pause));
    let done = lease.beside(&record.journal, &firing.claim, &surroundings.world, work).await;
    if lease.is_taken() {
        return Ok(Ended::Left);
    }
    let found = match done {
        Ok(Some(found)) => found,
        Ok(None) => {
            record.journal.release(&firing.claim).await?;
            return Ok(Ended::Left);
        }
        Err(Failure::Journal(JournalError::OutOfOrder { .. })) => {
            // A process that was taken for dead has begun the run after all: whoever looks next goes on with it.
            record.journal.release(&firing.claim).await?;
            return Ok(Ended::Left);
        }
        Err(_) if pause.load(Ordering::Relaxed) => {
            record.journal.release(&firing.claim).await?;
            return Ok(Ended::Left);
        }
        Err(failure) => {
            return match failed(record, firing, failure.in_short()).await {
                // What was done and could not be recorded is told here, or nowhere.
                Ok(()) => Ok(Ended::Failed(failure.in_full())),
                Err(error) => Err(failure.help(format!("its end cannot be recorded: {}", error.in_short()))),
            };
        }
    };
    let line = record.journal.run(firing.run).await?;
    let paused = line.is_some_and(|line| matches!(line.state, RunWord::Paused | RunWord::Running));
    if paused && pause.load(Ordering::Relaxed) && !record.roll(firing.run).await?.is_stopped_by_limits() {
        record.journal.release(&firing.claim).await?;
        return Ok(Ended::Left);
    }
    ended(record, &firing.name, firing.occurrence, Over::of(&found), Some(&firing.claim)).await?;
    Ok(Ended::Told(Box::new(found)))
}

/// Records that it failed.
async fn failed(record: &Record, firing: &Firing, why: String) -> Result<(), Failure> {
    let run = record.journal.run(firing.run).await?.map(|line| line.id);
    let over = Over { word: Came::Failed.word(), why: Some(why), run, counts: [0; 3] };
    ended(record, &firing.name, firing.occurrence, over, Some(&firing.claim)).await.map(drop)
}

/// What an occurrence came to, as it is recorded.
struct Over {
    word: &'static str,
    why: Option<String>,
    run: Option<RunId>,
    counts: [u64; 3],
}

impl Over {
    fn of(found: &Reconciled) -> Over {
        let failed = found.items.iter().find(|item| item.verdict == Verdict::Failed);
        let failed = failed.and_then(|item| Some(format!("{}: {}", item.key, item.why.as_ref()?)));
        Over {
            word: found.word().word(),
            why: found.refused.clone().or_else(|| found.open.clone()).or(failed),
            run: Some(found.run),
            counts: [found.of, found.drifted, found.healed()],
        }
    }
}

/// Records what came of runs that were closed after their occurrences had ended: those were agreed to, answered, gone on with, cancelled or done again
/// since.
pub(super) async fn catch_up(record: &Record, name: &str) -> Result<(), Failure> {
    for one in record.journal.unfinished_occurrences(name).await? {
        if let Some(over) = over_since(record, &one).await? {
            ended(record, name, one.id, over, None).await?;
        }
    }
    Ok(())
}

/// What came of the run of an occurrence since that had ended.
async fn over_since(record: &Record, one: &Occurrence) -> Result<Option<Over>, Failure> {
    let Some(run) = one.run else { return Ok(None) };
    let line = record.journal.run(run).await?;
    if line.is_none_or(|line| line.state != RunWord::Closed || line.purged_at.is_some()) {
        return Ok(None);
    }
    // One that cannot be read keeps no other time from beginning; the metrics say that it cannot.
    Ok(reconcile::look(record, run).await.ok().map(|found| Over::of(&found)))
}

/// The same for who only looks: what came of these by now, although no scheduler has recorded it yet.
pub(super) async fn by_now(
    surroundings: &Surroundings,
    record: &Record,
    name: &str,
    recent: &mut [Occurrence],
) -> Result<(), Failure> {
    let unfinished = record.journal.unfinished_occurrences(name).await?;
    for one in recent {
        let open = one.is_open();
        if !open && unfinished.iter().all(|other| other.id != one.id) {
            continue;
        }
        if let Some(over) = over_since(record, one).await? {
            (one.ended, one.why, one.counts) = (Some(over.word.to_owned()), over.why, over.counts);
        } else if open && is_left(surroundings, record, one).await? {
            one.why = Some("left by a process that is gone: the next scheduler goes on with it".into());
        }
    }
    Ok(())
}

/// Nobody carries it out any more.
async fn is_left(surroundings: &Surroundings, record: &Record, one: &Occurrence) -> Result<bool, Failure> {
    let last = record.journal.last_holder(one.id).await?;
    Ok(last.is_some_and(|(claim, open)| !open || record.is_gone(surroundings, &claim)))
}

/// Nothing where somebody else goes on with its run.
async fn work(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    firing: &Firing,
    pause: &AtomicBool,
) -> Result<Option<Reconciled>, Failure> {
    let schedule = &firing.schedule;
    if let Some(line) = record.journal.run(firing.run).await? {
        // One that waits for a person waits on; so does one that its limits stopped: to go on with it says that somebody has seen what did not end well.
        let goes_on = match line.state {
            RunWord::Created | RunWord::Running | RunWord::InDoubt => true,
            RunWord::Paused => !record.roll(firing.run).await?.is_stopped_by_limits(),
            _ => false,
        };
        if goes_on {
            // What may not begin does not go on by itself either.
            let may = allowed(surroundings, opened, schedule, surroundings.world.now());
            may.map_err(|why| blocked(&format!("{why}; `trueup resume {}` goes on with it", firing.run.short())))?;
            let owner = schedule.owner.as_str();
            let caps = schedule.caps.clone().unwrap_or_else(Caps::none);
            let gone_on = resume::within(surroundings, record, opened, firing.run, owner, &caps, &|_| {}, pause).await;
            if let Err(failure) = gone_on {
                if record.is_held_by_another(surroundings, firing.run).await? {
                    return Ok(None);
                }
                let line = record.journal.run(firing.run).await?;
                // Whoever went on with it meanwhile has come to its end.
                if line.is_none_or(|line| line.state != RunWord::Closed) {
                    return Err(failure);
                }
            }
        }
        return reconcile::look(record, firing.run).await.map(Some);
    }
    let loaded = allowed(surroundings, opened, schedule, surroundings.world.now()).map_err(|why| blocked(&why))?;
    let name = &firing.name;
    let (actor, reason) = match &firing.by_hand {
        Some((actor, reason)) => (actor.clone(), reason.clone()),
        None => {
            let why = schedule.reason.as_ref().map_or_else(|| format!("schedule {name}"), |why| why.text.to_string());
            (schedule.owner.text.to_string(), why)
        }
    };
    let request = Request {
        params: schedule.params.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
        environment: Some(schedule.env.text.to_string()),
        reason: Some(reason),
        actor: Some(actor),
        ..Request::default()
    };
    let wish = Wish {
        playbook: schedule.playbook.text.to_string(),
        request,
        mode: schedule.mode(),
        caps: schedule.caps.clone().unwrap_or_else(Caps::none),
        run: Some(firing.run),
        schedule: Some(name.clone()),
    };
    reconcile::loaded_one(surroundings, record, opened, loaded, &wish, &|_| {}, pause).await.map(Some)
}

fn blocked(why: &str) -> Failure {
    Failure::refused(Exit::Stopped, format!("blocked: {why}"))
}

async fn ended(
    record: &Record,
    name: &str,
    occurrence: RunId,
    over: Over,
    give: Option<&Claim>,
) -> Result<(), Failure> {
    let Over { word, why, run, counts: [of, drifted, healed] } = over;
    for _ in 0..TRIES {
        let Some(kept) = record.journal.schedule(name).await? else { break };
        let (schedule, word, why) = (name.into(), word.into(), why.clone());
        let event = OccurrenceEnded { schedule, occurrence, word, why, run, of, drifted, healed };
        let deciding = Deciding { schedule: name, seen: kept.seq, events: vec![event.into()], take: None, give };
        match record.journal.decide(deciding).await {
            Err(JournalError::Overtaken) => {}
            // Another process took it over meanwhile, and records the end.
            Err(JournalError::ClaimLost { .. }) => return Ok(()),
            other => return Ok(other.map(drop)?),
        }
    }
    Err(JournalError::Overtaken.into())
}
