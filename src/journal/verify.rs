//! Is everything as it was written? Recomputes every hash of the file and says what is wrong, and what it cannot see.

use super::{
    Journal,
    append::APPROVED,
    read::{CHAIN, Link},
    sqlite::of_sqlite,
    store::Held,
};
use crate::{
    base::{identity::RunId, seal::Sealer, secret::Masks},
    journal::{
        chain::{self, Hash},
        failure::JournalError,
    },
};
use sqlx::{Row, sqlite::SqliteRow};
use std::{collections::HashMap, fmt};

/// A line of the journal's own chain that somebody kept elsewhere: what makes a cut or rewritten end visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Number of the entry, from 1.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An event, and what about it.
    Event(String),
    /// A run that the journal's own chain names is gone, or has fewer events than it had.
    Cut,
    /// A run that the journal's own chain does not name.
    Foreign,
    /// The list of runs says something else than the events.
    List,
    /// An entry of the journal's own chain, and what about it.
    Head(&'static str),
    /// Something is recorded under a name that is not the id of a run.
    Name(String),
    /// The anchor names an entry that is not there or has another hash.
    Anchor,
}

/// One thing that is wrong, the first of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The run; nothing when it is about the journal's own chain.
    pub run: Option<RunId>,
    /// The first event (or entry of the journal's own chain) that is wrong.
    pub seq: u64,
    /// What.
    pub what: What,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.run {
            Some(run) => write!(f, "run {run}, event {}: ", self.seq)?,
            None => write!(f, "journal chain, entry {}: ", self.seq)?,
        }
        match &self.what {
            What::Event(what) => f.write_str(what),
            What::Cut => f.write_str("events are missing at the end"),
            What::Foreign => f.write_str("the journal's own chain does not know this run"),
            What::List => f.write_str("the list of runs says something else than the events"),
            What::Head(what) => f.write_str(what),
            What::Name(name) => write!(f, "`{name}` is not the id of a run"),
            What::Anchor => f.write_str("the anchor names an entry that is not there, or another one"),
        }
    }
}

/// What was looked at and found.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many runs.
    pub runs: u64,
    /// How many events.
    pub events: u64,
    /// Empty when everything holds.
    pub findings: Vec<Finding>,
    /// The end of the journal's own chain: keep it elsewhere. Nothing in an empty journal.
    pub anchor: Option<Anchor>,
    /// What this could not see, one sentence each.
    pub blind: &'static [&'static str],
}

/// True of every chain that is looked at from inside.
const WITHOUT_ANCHOR: &[&str] = &[
    "events cut off the end of a run that is not closed, together with its line in the list of runs",
    "runs cut off the end of the journal together with their entries in its own chain",
    "an end that was cut off and written anew, and a journal that was rewritten as a whole: hashes need no key",
    LISTS,
];
const WITH_ANCHOR: &[&str] =
    &["changes after the anchor was taken, made by somebody who computes the hashes anew", LISTS];
const LISTS: &str = "names, states and reasons in the list of runs, open questions and used plans: they are made from the events, \
                     and a rebuild makes them again";

impl Journal {
    /// Reads the whole file and recomputes every hash. Personal values are not opened.
    pub async fn verify(&self, anchor: Option<Anchor>) -> Result<Report, JournalError> {
        let mut held = self.connection().await?;
        held.begin_reading().await?;
        let work = held.verify_inside(anchor).await;
        held.end(work).await
    }
}

/// Where a chain was when it was recorded elsewhere.
type Heads = HashMap<Vec<u8>, Vec<(u64, Vec<u8>)>>;

/// Every run that is named anywhere. Casts as in [`CHAIN`].
const RUNS: &str = "SELECT CAST(run AS BLOB) FROM events UNION SELECT CAST(run AS BLOB) FROM heads
                    UNION SELECT CAST(id AS BLOB) FROM runs ORDER BY 1";

impl Held<'_> {
    async fn verify_inside(&mut self, anchor: Option<Anchor>) -> Result<Report, JournalError> {
        let mut findings = Vec::new();
        let (heads, end) = self.verify_heads(anchor, &mut findings).await?;
        let lists = self.listed().await?;
        let path = &self.journal.path;
        let runs: Vec<Vec<u8>> =
            sqlx::query_scalar(RUNS).fetch_all(&mut self.state.connection).await.map_err(|e| of_sqlite(path, e))?;
        let mut events = 0;
        for name in &runs {
            let Some(run) = std::str::from_utf8(name).ok().and_then(|name| name.parse::<RunId>().ok()) else {
                findings.push(Finding {
                    run: None,
                    seq: 0,
                    what: What::Name(String::from_utf8_lossy(name).into_owned()),
                });
                continue;
            };
            let known = heads.get(name).map_or(&[][..], Vec::as_slice);
            let (count, found) = self.verify_run(run, known, lists.get(name)).await?;
            events += count;
            findings.extend(found);
        }
        let blind = if anchor.is_some() { WITH_ANCHOR } else { WITHOUT_ANCHOR };
        Ok(Report { runs: runs.len() as u64, events, findings, anchor: end, blind })
    }

    /// The journal's own chain, and what it says about each run.
    async fn verify_heads(
        &mut self,
        anchor: Option<Anchor>,
        findings: &mut Vec<Finding>,
    ) -> Result<(Heads, Option<Anchor>), JournalError> {
        let path = &self.journal.path;
        let rows = sqlx::query(
            "SELECT CAST(number AS INTEGER), CAST(run AS BLOB), CAST(seq AS INTEGER), CAST(head AS BLOB), CAST(prev AS BLOB),
                    CAST(hash AS BLOB) FROM heads ORDER BY number",
        )
            .fetch_all(&mut self.state.connection)
            .await
            .map_err(|e| of_sqlite(path, e))?;
        let mut heads = Heads::new();
        let (mut prev, mut end, mut sound) = (chain::journal_genesis(self.journal.id), None, true);
        for (i, row) in rows.iter().enumerate() {
            let number = i as u64 + 1;
            let entry = Entry::read(row).map_err(|e| of_sqlite(path, e))?;
            if let (true, Err(what)) = (sound, entry.follows(number, prev)) {
                findings.push(Finding { run: None, seq: number, what: What::Head(what) });
                sound = false;
            }
            prev = entry.hash;
            end = Some(Anchor { number: entry.number.unsigned_abs(), hash: entry.hash });
            if anchor.is_some_and(|a| Some(a.number) == end.map(|e| e.number) && Some(a) != end) {
                findings.push(Finding { run: None, seq: number, what: What::Anchor });
            }
            heads.entry(entry.run).or_default().push((entry.seq.unsigned_abs(), entry.head));
        }
        if let Some(a) = anchor.filter(|a| end.is_none_or(|end| end.number < a.number)) {
            findings.push(Finding { run: None, seq: a.number, what: What::Anchor });
        }
        Ok((heads, end))
    }

    /// Last event and hash of every run as the list of runs has it.
    async fn listed(&mut self) -> Result<HashMap<Vec<u8>, (u64, Vec<u8>)>, JournalError> {
        let sqlite = |e| of_sqlite(&self.journal.path, e);
        let rows = sqlx::query("SELECT CAST(id AS BLOB), CAST(seq AS INTEGER), CAST(head AS BLOB) FROM runs")
            .fetch_all(&mut self.state.connection)
            .await
            .map_err(sqlite)?;
        let entry =
            |row: &SqliteRow| Ok((row.try_get(0)?, (row.try_get::<i64, _>(1)?.unsigned_abs(), row.try_get(2)?)));
        rows.iter().map(entry).collect::<Result<_, sqlx::Error>>().map_err(sqlite)
    }

    /// How many events, and the first thing that is wrong.
    async fn verify_run(
        &mut self,
        run: RunId,
        known: &[(u64, Vec<u8>)],
        listed: Option<&(u64, Vec<u8>)>,
    ) -> Result<(u64, Option<Finding>), JournalError> {
        let path = &self.journal.path;
        let rows = sqlx::query(CHAIN).bind(run.to_string()).fetch_all(&mut self.state.connection).await;
        let rows = rows.map_err(|e| of_sqlite(path, e))?;
        let found = |seq, what| Some(Finding { run: Some(run), seq, what });
        // Names and times are compared without the key: what is sealed does not matter for that.
        let keyless = Sealer::without_key(Masks::default());
        let mut head = chain::genesis(self.journal.id, run);
        for (i, row) in rows.iter().enumerate() {
            let (seq, link) = (i as u64 + 1, Link::read(row).map_err(|e| of_sqlite(path, e))?);
            let content = |()| {
                link.says_what_its_payload_says(link.payload.as_deref().ok_or("its payload is missing")?, &keyless)
            };
            if let Err(what) = link.follows(run, seq, head).and_then(content) {
                return Ok((rows.len() as u64, found(seq, What::Event(what.to_owned()))));
            }
            head = link.hash;
            if known.iter().any(|(at, hash)| *at == seq && hash != &head.0) {
                return Ok((
                    rows.len() as u64,
                    found(seq, What::Event("it is not the one that the journal's own chain names".into())),
                ));
            }
        }
        let count = rows.len() as u64;
        let of_plan = of_plan(&rows).map_err(|e| of_sqlite(path, e))?;
        let verdict = match known.iter().map(|(seq, _)| *seq).max() {
            None => found(count, What::Foreign),
            Some(last) if last > count => found(count + 1, What::Cut),
            Some(last) if of_plan && last < count => found(last + 1, What::Foreign),
            _ if of_plan => None,
            _ if listed != Some(&(count, head.0.to_vec())) => found(count, What::List),
            _ => None,
        };
        Ok((count, verdict))
    }
}

/// Approvals of a plan: the list of runs has no line for them, the journal's own chain has one for each.
fn of_plan(rows: &[SqliteRow]) -> Result<bool, sqlx::Error> {
    let kind = rows.last().map(|row| row.try_get::<Vec<u8>, _>(1)).transpose()?;
    Ok(kind.is_some_and(|kind| kind == APPROVED.as_bytes()))
}

/// One row of the journal's own chain as it stands in the file.
struct Entry {
    number: i64,
    run: Vec<u8>,
    seq: i64,
    head: Vec<u8>,
    prev: Vec<u8>,
    hash: Hash,
}

impl Entry {
    fn read(row: &SqliteRow) -> Result<Entry, sqlx::Error> {
        let hash: Vec<u8> = row.try_get(5)?;
        Ok(Entry {
            number: row.try_get(0)?,
            run: row.try_get(1)?,
            seq: row.try_get(2)?,
            head: row.try_get(3)?,
            prev: row.try_get(4)?,
            hash: Hash::from_slice(&hash).unwrap_or(Hash([0; 32])),
        })
    }

    fn follows(&self, number: u64, prev: Hash) -> Result<(), &'static str> {
        if u64::try_from(self.number) != Ok(number) {
            return Err("entries before it are missing");
        }
        if self.prev != prev.0 {
            return Err("it does not follow the entry before it");
        }
        let run = std::str::from_utf8(&self.run).ok().and_then(|run| run.parse().ok());
        let Some(run) = run else { return Err("it names a run that is none") };
        let Some(head) = Hash::from_slice(&self.head) else { return Err("its hash is not one") };
        if chain::journal_link(number, prev, run, self.seq.unsigned_abs(), head) != self.hash {
            return Err("its hash is not that of its content");
        }
        Ok(())
    }
}
