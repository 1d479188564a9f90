//! What is measured, read from the journal and the project file: the same whichever scheduler is asked.

use super::{
    allowed,
    fire::by_now,
    standing::{comes_next, delay},
};
use crate::{
    base::time::Stamp,
    journal::Occurrence,
    ops::{
        Failure, Surroundings,
        apply::RECONCILE,
        over::{self, Kind},
        project::{self, Opened},
        reconcile,
        record::Record,
    },
    report::metrics::{self, GOOD, Last, Measured},
};
use std::{io::Write, path::Path};

/// Everything that is measured.
pub async fn gather(surroundings: &Surroundings, record: &Record, opened: &Opened) -> Result<Measured, Failure> {
    let now = surroundings.world.now();
    let mut measured = Measured {
        occurrences: record.journal.occurrence_counts().await?,
        runs: record.journal.run_counts().await?,
        questions: record.journal.waiting().await?.len() as u64,
        ..Measured::default()
    };
    for (name, schedule) in opened.project.schedules.iter() {
        let times = schedule.times(name);
        let begins = |at: Stamp| Stamp { micros: at.micros.saturating_add(delay(&times)), ..at };
        let next = comes_next(&times, schedule, now).map(|next| begins(next.at));
        let paused = match record.journal.schedule(name).await {
            Ok(kept) => kept.is_some_and(|kept| kept.paused.is_some()),
            Err(_) => {
                measured.unseen.push(name.to_owned());
                continue;
            }
        };
        let blocked = allowed(surroundings, opened, schedule, now).is_err();
        measured.schedules.push((name.to_owned(), next, paused, blocked));
        // What failed before it could look at anything has no numbers.
        let mut fired = record.journal.last_fired(name, &[], 20).await?;
        by_now(surroundings, record, name, &mut fired).await?;
        let looked = |one: &&Occurrence| one.ended.as_ref().is_some_and(|word| word != "failed" || one.counts[0] > 0);
        measured.looked.extend(fired.iter().find(looked).map(|one| (name.to_owned(), one.counts)));
        measured.succeeded.extend(succeeded(record, name, now).await?.map(|at| (name.to_owned(), at)));
    }
    for run in record.journal.last_of_each(RECONCILE).await? {
        // One that cannot be read hides no other number.
        let Ok(found) = reconcile::look(record, run.id).await else {
            measured.unseen_reconciles.push((run.playbook, run.environment));
            continue;
        };
        measured.reconciles.push(Last {
            counts: [found.of, found.drifted, found.healed()],
            at: found.at.min(now),
            word: found.word().word().to_owned(),
            playbook: run.playbook,
            environment: run.environment,
        });
    }
    Ok(measured)
}

/// When a schedule last did what it is for. By a clock that was ahead that may be later than now, and an alarm would wait until then.
async fn succeeded(record: &Record, name: &str, now: Stamp) -> Result<Option<Stamp>, Failure> {
    let last = record.journal.last_fired(name, GOOD, 1).await?;
    Ok(last.first().map(|one| one.ended_at.unwrap_or(one.settled_at).min(now)))
}

/// Writes them to a file for a collector of text files, whole or not at all: a collector never reads half of it.
pub async fn write_file(
    surroundings: &Surroundings,
    record: &Record,
    project: Option<&Path>,
    path: &Path,
) -> Result<(), Failure> {
    let opened = project::open(surroundings, project)?;
    let text = metrics::text(&gather(surroundings, record, &opened).await?);
    let path = over::place(surroundings, path, Kind::Metrics)?;
    let draft = path.with_file_name(format!(".trueup-{}.prom", surroundings.world.id().simple()));
    let write = || {
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(surroundings.masks.apply(&text).as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, &path)
    };
    let written = write();
    if written.is_err() {
        // The draft may not even be there; the first trouble is the one to tell.
        let _ = std::fs::remove_file(&draft);
    }
    written.map_err(|e| Failure::usage(format!("`{}` cannot be written: {e}", path.display())))
}
