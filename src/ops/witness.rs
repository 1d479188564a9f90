//! A journal that was restored from a copy is behind what this machine saw of it (A11): what its runs did since the copy was made
//! is done, and not recorded. Going on from there would do it twice.
//!
//! Beside the project's key stands `journal.seen`: the runs that are not over and the newest ones, each with how far it was when a
//! command ended. When a journal knows less than that, its unfinished runs become in doubt and its schedules are paused; both are
//! events, so every machine sees them, and a person decides about each. A machine that comes later with an older memory touches only
//! what nobody has touched since.

use super::{Failure, Surroundings, project::Opened, record::Record, schedule};
use crate::{
    base::{identity::RunId, time::Stamp},
    journal::{Journal, RunFilter, RunSummary, chain::Hash, payload::RunPaused},
};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The file's name.
const FILE: &str = "journal.seen";
/// So many unfinished runs are remembered, and so many of the newest.
const UNFINISHED: u32 = 200;
const NEWEST: u32 = 20;
/// So long a journal is waited for at the end of a command.
const PATIENCE: Duration = Duration::from_secs(2);
/// Who marks them.
const ACTOR: &str = "trueup";

/// The journals that a command has opened, each with the file of what was seen of it. Asleep where one process stands for several
/// machines, as in tests.
#[derive(Clone, Debug, Default)]
pub struct Witness(Option<Arc<Mutex<BTreeMap<PathBuf, Journal>>>>);

impl Witness {
    /// That of a process on a machine of its own.
    pub fn awake() -> Witness {
        Witness(Some(Arc::default()))
    }

    fn watch(&self, file: PathBuf, journal: &Journal) {
        if let Some(all) = &self.0 {
            all.lock().unwrap_or_else(PoisonError::into_inner).insert(file, journal.clone());
        }
    }
}

/// What was seen of a journal.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    journal: uuid::Uuid,
    at: Stamp,
    /// How many events a run had, and the hash of the last one.
    runs: BTreeMap<String, (u64, Hash)>,
}

impl Seen {
    async fn look(journal: &Journal, now: Stamp) -> Result<Seen, Failure> {
        let unfinished = RunFilter { unfinished: true, ..RunFilter::default() };
        let mut lines = journal.runs(&unfinished, UNFINISHED).await?;
        lines.extend(journal.runs(&RunFilter::default(), NEWEST).await?);
        let runs = lines.into_iter().map(|line| (line.id.to_string(), (line.events, line.head))).collect();
        Ok(Seen { journal: journal.id(), at: now, runs })
    }

    fn text(&self) -> String {
        let mut text = format!("journal {} {}\n", self.journal, self.at.micros);
        for (run, (events, head)) in &self.runs {
            let _ = writeln!(text, "run {run} {events} {head}");
        }
        text
    }

    /// Nothing where it cannot be read: then nothing is known, and nothing is claimed.
    fn read(text: &str) -> Option<Seen> {
        let mut lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let first = lines.next()?;
        let ["journal", journal, at] = first.as_slice() else { return None };
        let at = Stamp { micros: at.parse().ok()?, digits: 6 };
        let mut seen = Seen { journal: journal.parse().ok()?, at, runs: BTreeMap::new() };
        for line in lines {
            let ["run", run, events, head] = line.as_slice() else { return None };
            seen.runs.insert((*run).to_owned(), (events.parse().ok()?, head.parse().ok()?));
        }
        Some(seen)
    }

    /// The runs of which the journal holds less now, or something else; and those that it does not hold at all.
    async fn lost(&self, journal: &Journal, now: &Seen) -> Result<(Vec<String>, Vec<String>), Failure> {
        let (mut shorter, mut missing) = (Vec::new(), Vec::new());
        for (run, (events, head)) in &self.runs {
            let found = match (now.runs.get(run), run.parse().map(RunId)) {
                (Some(found), _) => Some(*found),
                (None, Ok(id)) => journal.run(id).await?.map(|line| (line.events, line.head)),
                (None, Err(_)) => continue,
            };
            match found {
                None => missing.push(run.clone()),
                Some((known, other)) if known < *events || (known == *events && other != *head) => {
                    shorter.push(run.clone());
                }
                Some(_) => {}
            }
        }
        Ok((shorter, missing))
    }
}

/// Compares an opened journal with what this machine saw of it. Where it is behind, its unfinished runs become in doubt and its
/// schedules are paused, and a note says so.
pub async fn compare(surroundings: &Surroundings, opened: &Opened, record: &Record, key: &Path) -> Result<(), Failure> {
    if surroundings.witness.0.is_none() {
        return Ok(());
    }
    let file = key.with_file_name(FILE);
    surroundings.witness.watch(file.clone(), &record.journal);
    let before = fs::read_to_string(&file).ok().and_then(|text| Seen::read(&text));
    let Some(before) = before else { return Ok(()) };
    if before.journal != record.journal.id() {
        surroundings.notes.add(&another(&before));
        keep(surroundings).await;
        return Ok(());
    }
    let now = Seen::look(&record.journal, surroundings.world.now()).await?;
    let (shorter, missing) = before.lost(&record.journal, &now).await?;
    if shorter.is_empty() && missing.is_empty() {
        return Ok(());
    }
    let doubted = doubt(surroundings, record, before.at).await?;
    let paused = pause(opened, record, before.at).await?;
    surroundings.notes.add(&said(before.at, doubted, paused, &missing));
    keep(surroundings).await;
    Ok(())
}

/// Marks the unfinished runs that nobody has touched since; gives their number.
async fn doubt(surroundings: &Surroundings, record: &Record, seen: Stamp) -> Result<usize, Failure> {
    let unfinished = RunFilter { unfinished: true, ..RunFilter::default() };
    let mut marked = 0;
    let untouched = |line: &RunSummary| line.changed_at.micros <= seen.micros;
    for line in record.journal.runs(&unfinished, u32::MAX >> 1).await?.into_iter().filter(untouched) {
        // One that a living process works on is not behind: that process has just written to it.
        let Ok(claim) = record.claim(surroundings, line.id, ACTOR).await else { continue };
        let reason = "the journal was restored from a copy".to_owned();
        let event = RunPaused { reason, until: None, behind: Some(seen) }.into();
        record.journal.append_claimed(&claim, &[event]).await?;
        record.journal.release(&claim).await?;
        marked += 1;
    }
    Ok(marked)
}

/// Pauses the schedules that nobody has looked at since; gives their number.
async fn pause(opened: &Opened, record: &Record, seen: Stamp) -> Result<usize, Failure> {
    let mut paused = 0;
    for name in opened.project.schedules.names() {
        let Some(kept) = record.journal.schedule(name).await? else { continue };
        if kept.paused.is_none() && kept.moment <= seen.micros {
            let why = format!("the journal was restored from a copy that is older than {seen}Z; look what ran since");
            schedule::pause(record, name, ACTOR, &why).await?;
            paused += 1;
        }
    }
    Ok(paused)
}

/// What was recorded in the other one is not here, and nobody else would say so.
fn another(before: &Seen) -> String {
    let runs = match before.runs.len() {
        0 => "no run".to_owned(),
        1 => "1 run, at least,".to_owned(),
        n => format!("{n} runs, at least,"),
    };
    format!(
        "this is not the journal that stood here until {}Z: that one is gone, or stands at another path, and with it {runs} that it recorded. \
         If it was moved, put it back; a plan that was made for it is refused here",
        before.at
    )
}

fn said(seen: Stamp, doubted: usize, paused: usize, missing: &[String]) -> String {
    let number = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    let mut text = format!(
        "the journal is behind what this machine saw of it until {seen}Z: it was restored from a copy. {} in doubt now \
         (`trueup inbox`), {} (`trueup schedule list`)",
        number(doubted, "unfinished run is", "unfinished runs are"),
        number(paused, "schedule is paused", "schedules are paused"),
    );
    if !missing.is_empty() {
        let short: Vec<String> =
            missing.iter().take(5).filter_map(|run| Some(RunId(run.parse().ok()?).short())).collect();
        let more = if missing.len() > 5 { format!(" and {} more", missing.len() - 5) } else { String::new() };
        let _ = write!(text, "; not in it at all, though they ran: {}{more}", short.join(", "));
    }
    text
}

/// Remembers how far the journals are that were opened. What cannot be remembered costs nobody a command: the next one tries again.
pub async fn keep(surroundings: &Surroundings) {
    let Some(all) = &surroundings.witness.0 else { return };
    let all = all.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for (file, journal) in all {
        // A journal whose server is away holds up nobody.
        let look = Seen::look(&journal, surroundings.world.now());
        let Ok(Ok(seen)) = tokio::time::timeout(PATIENCE, look).await else { continue };
        // Whole or not at all: of two commands that end at the same time one is remembered.
        let draft = file.with_file_name(format!(".{FILE}-{}", std::process::id()));
        if fs::write(&draft, seen.text()).and_then(|()| fs::rename(&draft, &file)).is_err() {
            let _ = fs::remove_file(&draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_read_as_it_was_written_and_nothing_else_is() {
        let id = uuid::Uuid::from_u128(7);
        let runs = BTreeMap::from([(uuid::Uuid::from_u128(9).to_string(), (12, Hash([3; 32])))]);
        let seen = Seen { journal: id, at: Stamp { micros: 5, digits: 6 }, runs };
        assert_eq!(Seen::read(&seen.text()), Some(seen));
        for odd in ["", "journal", "journal x 5\n", &format!("journal {id} 5\nrun x\n"), &format!("run {id} 5 aa\n")] {
            assert_eq!(Seen::read(odd), None, "{odd}");
        }
    }
}
