//! `audit verify`, `audit anchor`, `audit purge`: is the record whole, what to keep elsewhere so that a cut end shows, and
//! what may go.

use super::{Failure, Surroundings, project::Opened, record::Record};
use crate::{
    base::{shape::Length, time::Stamp},
    journal::{Anchor, Purgeable, Report},
};
use std::{fs, io::Write, path::Path, str::FromStr, time::Duration};

/// An anchor with the moment at which it was taken: one line of an anchor file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// The end of the journal's own chain.
    pub anchor: Anchor,
    /// When.
    pub at: Stamp,
}

/// Recomputes everything.
pub async fn verify(record: &Record, anchor: Option<Anchor>) -> Result<Report, Failure> {
    Ok(record.journal.verify(anchor).await?)
}

/// The end of the journal's own chain; nothing while no run is recorded.
pub async fn anchor(surroundings: &Surroundings, record: &Record) -> Result<Option<Anchored>, Failure> {
    let at = surroundings.world.now();
    Ok(record.journal.anchor().await?.map(|anchor| Anchored { anchor, at }))
}

/// `NUMBER:HASH`, or a file with lines `number hash time`, of which the one with the greatest number counts.
pub fn read_anchor(surroundings: &Surroundings, given: &str) -> Result<Anchor, Failure> {
    if let Ok(anchor) = Anchor::from_str(given) {
        return Ok(anchor);
    }
    let path = surroundings.folder.join(given);
    let text = fs::read_to_string(&path).map_err(|e| {
        Failure::usage(format!("`{given}` is neither NUMBER:HASH nor a file that can be read: {e}"))
            .help("`trueup audit anchor --append FILE` writes such a file")
    })?;
    let mut newest: Option<Anchor> = None;
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let anchor = of_line(line).ok_or_else(|| {
            Failure::usage(format!("line {} of `{given}` is not an anchor", i + 1))
                .help("each line is a number, a hash of 64 digits and a time, as `trueup audit anchor` prints them")
        })?;
        newest = newest.filter(|newest| newest.number > anchor.number).or(Some(anchor));
    }
    newest.ok_or_else(|| {
        Failure::usage(format!("`{given}` holds no anchor"))
            .help("`trueup audit anchor --append FILE` writes one, as soon as a run is recorded")
    })
}

fn of_line(line: &str) -> Option<Anchor> {
    let mut words = line.split_whitespace();
    let (number, hash) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Anchor { number, hash })
}

/// Adds a line to a file, synced: it is what one holds against the journal later.
pub fn append_anchor(surroundings: &Surroundings, file: &Path, line: &str) -> Result<(), Failure> {
    let path = surroundings.folder.join(file);
    let append = || {
        let mut out = fs::OpenOptions::new().create(true).append(true).open(&path)?;
        out.write_all(format!("{line}\n").as_bytes())?;
        out.sync_all()
    };
    append().map_err(|e| Failure::usage(format!("`{}` cannot be written: {e}", file.display())))
}

/// Runs were closed before this moment: as the command says, else as the project file does.
pub fn closed_before(
    surroundings: &Surroundings,
    opened: &Opened,
    older_than: Option<Length>,
) -> Result<Stamp, Failure> {
    let kept = opened.project.journal.as_ref().and_then(|place| place.keep);
    let Some(Length(age)) = older_than.or(kept) else {
        return Err(Failure::usage("it is not said how old a run must be to be purged")
            .help("give `--older-than 90d`, or write `journal: { keep: 90d }` in the project file"));
    };
    Ok(before(surroundings.world.now(), age))
}

fn before(now: Stamp, age: Duration) -> Stamp {
    let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    Stamp { micros: now.micros.saturating_sub(age), digits: 6 }
}

/// What would go.
pub async fn purgeable(record: &Record, closed_before: Stamp) -> Result<Vec<Purgeable>, Failure> {
    Ok(record.journal.purgeable(closed_before).await?)
}

/// Lets it go, run by run, each in a transaction of its own; what is done stays done if a later one is refused.
pub async fn purge(record: &Record, runs: &[Purgeable], actor: &str, closed_before: Stamp) -> Result<(), Failure> {
    for one in runs {
        record.journal.purge(one.run.id, actor, closed_before).await?;
    }
    Ok(record.journal.settle().await?)
}
