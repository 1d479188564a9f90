//! A journal that was restored from a copy is behind what this machine saw of it (A11): what its runs did since the copy was made
//! is done, and not recorded. Going on from there would do it twice.
//!
//! Beside the project's key stands `journal.seen`: the runs that are not over and the newest ones, each with how far it was when a
//! command, or an occurrence of a schedule, ended; and each that was taken since, with how far it was then, before its first effect. When
//! a journal knows less than that, its unfinished runs become in doubt and its schedules are paused; both are events, so every machine
//! sees them, and a person decides about each. A machine that comes later with an older memory touches only what nobody has touched since.
//!
//! Whoever has not said so writes nothing into the file that is less than it holds.

use super::{Failure, Surroundings, project::Opened, record::Record, schedule};
use crate::{
    base::{identity::RunId, time::Stamp},
    journal::{Appended, Journal, OnClaim, RunFilter, RunSummary, Stands, chain::Hash, payload::RunPaused},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The file's name.
const FILE: &str = "journal.seen";
/// So often the file is written anew where another process writes it at the same time.
const TRIES: usize = 3;
/// So often, and so long each time, the turn to write is waited for.
const TURNS: (usize, Duration) = (20, Duration::from_millis(1));
/// So many unfinished runs are remembered, and so many of the newest.
const UNFINISHED: u32 = 200;
const NEWEST: u32 = 20;
/// So long a journal is waited for at the end of a command.
const PATIENCE: Duration = Duration::from_secs(2);
/// Who marks them.
const ACTOR: &str = "trueup";

/// The journals that a command has opened, each with the key beside which what was seen of it is kept. Asleep where one process stands
/// for several machines, as in tests.
#[derive(Clone, Debug, Default)]
pub struct Witness(Option<Arc<Mutex<BTreeMap<PathBuf, Journal>>>>);

impl Witness {
    /// That of a process on a machine of its own.
    pub fn awake() -> Witness {
        Witness(Some(Arc::default()))
    }

    fn watch(&self, surroundings: &Surroundings, key: &Path, journal: &Journal) {
        if let Some(all) = &self.0 {
            all.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), journal.clone());
            let (memory, world, id) = (Memory::beside(key), surroundings.world.clone(), journal.id());
            journal.on_claim(OnClaim::new(move |run, end| memory.note(id, run, end, world.now())));
        }
    }
}

/// The file of what was seen of a journal.
struct Memory {
    key: PathBuf,
    file: PathBuf,
}

impl Memory {
    fn beside(key: &Path) -> Memory {
        Memory { key: key.to_owned(), file: key.with_file_name(FILE) }
    }

    /// Nothing where there is none.
    fn text(&self) -> Option<String> {
        fs::read_to_string(&self.file).ok()
    }

    /// The turn to read and write, among all processes, until it is dropped. The key is what stays where it is; nothing is waited for
    /// long, because nobody has it longer than a file takes to be written.
    fn turn(&self) -> Option<fs::File> {
        let file = fs::File::open(&self.key).ok()?;
        for _ in 0..TURNS.0 {
            match file.try_lock() {
                Ok(()) => return Some(file),
                Err(fs::TryLockError::WouldBlock) => std::thread::sleep(TURNS.1),
                Err(fs::TryLockError::Error(_)) => return None,
            }
        }
        None
    }

    /// Whole or not at all. Not synced: that would cost as much as the run's own first words, and only a power cut loses what it saves.
    fn write(&self, seen: &Seen) {
        static DRAFTS: AtomicU64 = AtomicU64::new(0);
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        let draft = self.file.with_file_name(format!(".{FILE}-{}-{number}", std::process::id()));
        if fs::write(&draft, seen.text()).and_then(|()| fs::rename(&draft, &self.file)).is_err() {
            let _ = fs::remove_file(&draft);
        }
    }

    /// A run was taken, and has this last event.
    fn note(&self, journal: uuid::Uuid, run: RunId, end: Appended, now: Stamp) {
        let _turn = self.turn();
        let before = self.text().and_then(|text| Seen::read(&text));
        let mut seen = before.unwrap_or_else(|| Seen { journal, at: now, runs: BTreeMap::new() });
        // What is said of another journal is for a command that opens this one to tell.
        if seen.journal == journal {
            // Where more of it was seen, the journal is behind, and nobody was told so yet.
            let known = seen.runs.entry(run.to_string()).or_insert((end.seq, end.head));
            if known.0 < end.seq {
                *known = (end.seq, end.head);
            }
            seen.at.micros = seen.at.micros.max(now.micros);
            self.write(&seen);
        }
    }

    /// Writes how far the journal is now. Where it holds less than the file does, and nobody was told so yet, the file stays as it is.
    async fn renew(&self, journal: &Journal, now: impl Fn() -> Stamp, told: &Told) -> Result<(), Failure> {
        for _ in 0..TRIES {
            // First the file, then the journal: what is recorded in between is not missed.
            let before = self.text();
            if journal.stands().await? != Stands::Same {
                return Ok(());
            }
            let seen = Seen::look(journal, now()).await?;
            match before.as_deref().and_then(Seen::read) {
                Some(before) if before.journal != journal.id() && told.another != Some(before.journal) => return Ok(()),
                Some(before) if before.journal == journal.id() => {
                    let (shorter, missing) = before.lost(journal, &seen).await?;
                    if shorter.iter().chain(&missing).any(|run| !told.runs.contains(run)) {
                        return Ok(());
                    }
                }
                _ => {}
            }
            let turn = self.turn();
            if turn.is_some() && self.text() == before {
                self.write(&seen);
                return Ok(());
            }
        }
        // Others write it all the time; the end of the next command comes.
        Ok(())
    }
}

/// What a person was told that a journal does not hold.
#[derive(Default)]
struct Told {
    /// Runs.
    runs: BTreeSet<String>,
    /// Another journal, of which all was seen.
    another: Option<uuid::Uuid>,
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

/// Compares an open journal with what this machine saw of it. Where it is behind, its unfinished runs become in doubt and its
/// schedules are paused; gives the sentence that says so.
pub async fn compare(
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    key: &Path,
) -> Result<Option<String>, Failure> {
    if surroundings.witness.0.is_none() {
        return Ok(None);
    }
    surroundings.witness.watch(surroundings, key, &record.journal);
    let memory = Memory::beside(key);
    let Some(before) = memory.text().and_then(|text| Seen::read(&text)) else { return Ok(None) };
    if before.journal != record.journal.id() {
        renew(surroundings, &memory, &record.journal, &Told { another: Some(before.journal), ..Told::default() }).await;
        return Ok(Some(another(&before)));
    }
    let now = Seen::look(&record.journal, surroundings.world.now()).await?;
    let (shorter, missing) = before.lost(&record.journal, &now).await?;
    if shorter.is_empty() && missing.is_empty() {
        return Ok(None);
    }
    let doubted = doubt(surroundings, record, before.at).await?;
    let paused = pause(opened, record, before.at).await?;
    let sentence = said(before.at, doubted, paused, &missing);
    let told = Told { runs: shorter.into_iter().chain(missing).collect(), another: None };
    renew(surroundings, &memory, &record.journal, &told).await;
    Ok(Some(sentence))
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
        let kept = record.journal.schedule(name).await?;
        // Of one that the copy does not know yet nobody has decided anything since either.
        if kept.is_none_or(|kept| kept.paused.is_none() && kept.moment <= seen.micros) {
            let why = format!("the journal was restored from a copy that is older than {seen}Z; look what ran since");
            match schedule::pause(record, name, ACTOR, &why).await {
                // Another process noticed it at the same time.
                Err(Failure::Usage { .. }) => continue,
                done => done?,
            }
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
    for (key, journal) in all {
        renew(surroundings, &Memory::beside(&key), &journal, &Told::default()).await;
    }
}

/// A journal whose server is away holds up nobody.
async fn renew(surroundings: &Surroundings, memory: &Memory, journal: &Journal, told: &Told) {
    let _ = tokio::time::timeout(PATIENCE, memory.renew(journal, || surroundings.world.now(), told)).await;
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

    #[test]
    fn of_several_that_take_runs_at_once_each_is_remembered() {
        let home = tempfile::tempdir().unwrap();
        let key = home.path().join("seal.key");
        fs::write(&key, "a key").unwrap();
        let (journal, now) = (uuid::Uuid::from_u128(7), Stamp { micros: 5, digits: 6 });
        let run = |n: u32| RunId(uuid::Uuid::from_u128(n.into()));
        let end = Appended { seq: 2, head: Hash([3; 32]) };
        std::thread::scope(|threads| {
            for thread in 0..4 {
                let key = &key;
                threads.spawn(move || {
                    (0..5).for_each(|n| Memory::beside(key).note(journal, run(thread * 5 + n), end, now))
                });
            }
        });
        let memory = Memory::beside(&key);
        let seen = Seen::read(&memory.text().unwrap()).unwrap();
        assert_eq!(seen.runs.into_keys().collect::<Vec<_>>(), (0..20).map(|n| run(n).to_string()).collect::<Vec<_>>());
        // Of another journal nothing is mixed in, and no draft is left.
        let before = memory.text();
        memory.note(uuid::Uuid::from_u128(8), run(99), end, now);
        assert_eq!(memory.text(), before);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
    }
}
