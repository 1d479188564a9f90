//! Questions to the journal: the events of a run, the runs, the open questions. Changes nothing.
//!
//! The events of a run are verified as they are read: nobody resumes, shows or takes back what was tampered with.

use super::{Journal, sqlite::of_sqlite, store::Held};
use crate::{
    base::{
        identity::RunId,
        seal::Sealer,
        time::Stamp,
        value::{Map, Value},
    },
    journal::{
        chain::{self, Hash},
        event::Event,
        failure::JournalError,
        words::{End, RunWord},
    },
};
use sqlx::{Row, sqlite::SqliteRow};

/// The chain of a run, for [`Link::read`]. The casts are for files that somebody put other types into: that is a finding,
/// not an error.
pub(super) const CHAIN: &str = "
    SELECT CAST(e.seq AS INTEGER), CAST(e.kind AS BLOB), CAST(e.at AS INTEGER), CAST(e.prev AS BLOB), CAST(e.hash AS BLOB),
           CAST(e.payload_hash AS BLOB), CAST(p.bytes AS BLOB)
    FROM events e LEFT JOIN payloads p ON p.run = e.run AND p.seq = e.seq WHERE e.run = ? ORDER BY e.seq";

/// An event with its place.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The run.
    pub run: RunId,
    /// Number within the run, from 1.
    pub seq: u64,
    /// When it was recorded, UTC.
    pub at: Stamp,
    /// Its hash: the head of the run up to here.
    pub hash: Hash,
    /// What happened.
    pub event: Event,
}

/// One line of the list of runs.
#[derive(Clone, Debug)]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// Name of its playbook.
    pub playbook: String,
    /// Version of its playbook.
    pub version: u32,
    /// Name of the environment.
    pub environment: String,
    /// `apply`, `undo`, …
    pub purpose: String,
    /// The run that it takes back.
    pub about: Option<RunId>,
    /// Who started it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: RunWord,
    /// How it ended, when it is closed.
    pub end: Option<End>,
    /// How many items ended how: `changed 3, failed 1`; empty before the end.
    pub counts: String,
    /// When it was made.
    pub started_at: Stamp,
    /// When something last happened in it.
    pub changed_at: Stamp,
    /// When it was closed.
    pub closed_at: Option<Stamp>,
    /// How many events it has.
    pub events: u64,
    /// Hash of the last one.
    pub head: Hash,
}

/// Which runs. What is not given does not matter.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Of this playbook.
    pub playbook: Option<String>,
    /// In this environment.
    pub environment: Option<String>,
    /// Started by.
    pub actor: Option<String>,
    /// Standing so.
    pub state: Option<RunWord>,
    /// Ended so.
    pub end: Option<End>,
    /// Not closed.
    pub unfinished: bool,
    /// Started at or after.
    pub since: Option<Stamp>,
}

/// A question that waits for a person.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The run.
    pub run: RunId,
    /// Name of its playbook.
    pub playbook: String,
    /// Name of the environment.
    pub environment: String,
    /// Path of the step.
    pub step: String,
    /// The items for which it is still open.
    pub items: Vec<String>,
    /// Who should answer.
    pub who: String,
    /// The question; unknown without the key if it names somebody.
    pub question: Value,
    /// The answer's fields.
    pub answer: Map,
    /// Since when.
    pub asked_at: Stamp,
}

impl Journal {
    /// All events of a run, in order, verified: a chain that does not hold is an error. Empty for an unknown run.
    pub async fn events(&self, run: RunId) -> Result<Vec<Stored>, JournalError> {
        self.connection().await?.events_of(run).await
    }

    /// Runs, newest first.
    pub async fn runs(&self, filter: &RunFilter, limit: u32) -> Result<Vec<RunSummary>, JournalError> {
        let mut held = self.connection().await?;
        let rows = sqlx::query(
            "SELECT * FROM runs
             WHERE (?1 IS NULL OR playbook = ?1) AND (?2 IS NULL OR environment = ?2) AND (?3 IS NULL OR actor = ?3)
               AND (?4 IS NULL OR state = ?4) AND (?5 IS NULL OR ended = ?5) AND (?6 = 0 OR state <> 'closed')
               AND (?7 IS NULL OR started_at >= ?7)
             ORDER BY started_at DESC, id DESC LIMIT ?8",
        )
        .bind(&filter.playbook)
        .bind(&filter.environment)
        .bind(&filter.actor)
        .bind(filter.state.map(RunWord::word))
        .bind(filter.end.map(End::word))
        .bind(filter.unfinished)
        .bind(filter.since.map(|since| since.micros))
        .bind(limit)
        .fetch_all(held.sql())
        .await
        .map_err(|e| of_sqlite(&self.path, e))?;
        rows.iter().map(|row| self.summary(row)).collect()
    }

    /// One run's line.
    pub async fn run(&self, run: RunId) -> Result<Option<RunSummary>, JournalError> {
        let mut held = self.connection().await?;
        let row = sqlx::query("SELECT * FROM runs WHERE id = ?").bind(run.to_string()).fetch_optional(held.sql()).await;
        row.map_err(|e| of_sqlite(&self.path, e))?.map(|row| self.summary(&row)).transpose()
    }

    /// The run whose id begins so, or whose short id ([`RunId::short`]) does.
    pub async fn find_run(&self, given: &str) -> Result<RunId, JournalError> {
        let none = || JournalError::NoSuchRun { given: given.to_owned() };
        let digits: String = given.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
        if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(none());
        }
        let hyphened: String = digits
            .chars()
            .enumerate()
            .flat_map(|(i, c)| matches!(i, 8 | 12 | 16 | 20).then_some('-').into_iter().chain([c]))
            .collect();
        let mut held = self.connection().await?;
        // `g` comes after every digit, so these are the ids that begin so; ranges, because they use the indexes.
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM runs WHERE (id >= ?1 AND id < ?1 || 'g') OR (short >= ?2 AND short < ?2 || 'g')
             ORDER BY started_at DESC, id DESC LIMIT 11",
        )
        .bind(hyphened)
        .bind(&digits)
        .fetch_all(held.sql())
        .await
        .map_err(|e| of_sqlite(&self.path, e))?;
        let mut candidates = ids.iter().map(|id| self.run_id(id)).collect::<Result<Vec<_>, _>>()?;
        match candidates[..] {
            [] => Err(none()),
            [one] => Ok(one),
            _ => {
                candidates.truncate(10);
                Err(JournalError::Ambiguous { given: given.to_owned(), candidates })
            }
        }
    }

    /// The questions that wait for a person, oldest first.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, JournalError> {
        let mut held = self.connection().await?;
        let sqlite = |e| of_sqlite(&self.path, e);
        let rows = sqlx::query(
            "SELECT q.run, q.step, q.item, q.seq, q.who, q.asked_at, r.playbook, r.environment, p.bytes
             FROM questions q JOIN runs r ON r.id = q.run JOIN payloads p ON p.run = q.run AND p.seq = q.seq
             ORDER BY q.asked_at, q.run, q.seq, q.item",
        )
        .fetch_all(held.sql())
        .await
        .map_err(sqlite)?;
        let mut waiting: Vec<(i64, Waiting)> = Vec::new();
        for row in rows {
            let (run, seq) = (self.run_id(row.try_get(0).map_err(sqlite)?)?, row.try_get::<i64, _>(3).map_err(sqlite)?);
            let item: String = row.try_get(2).map_err(sqlite)?;
            match waiting.last_mut() {
                Some((last, open)) if *last == seq && open.run == run => open.items.push(item),
                _ => waiting.push((seq, self.question(&row, run, seq, item)?)),
            }
        }
        Ok(waiting.into_iter().map(|(_, open)| open).collect())
    }

    /// The run that used the saved plan with this identity, and when.
    pub async fn plan_used(&self, plan: &str) -> Result<Option<(RunId, Stamp)>, JournalError> {
        let mut held = self.connection().await?;
        let sqlite = |e| of_sqlite(&self.path, e);
        let row =
            sqlx::query("SELECT run, at FROM plans_used WHERE plan = ?").bind(plan).fetch_optional(held.sql()).await;
        let Some(row) = row.map_err(sqlite)? else { return Ok(None) };
        let run = self.run_id(row.try_get(0).map_err(sqlite)?)?;
        Ok(Some((run, stamp(row.try_get(1).map_err(sqlite)?))))
    }

    fn question(&self, row: &SqliteRow, run: RunId, seq: i64, item: String) -> Result<Waiting, JournalError> {
        let sqlite = |e| of_sqlite(&self.path, e);
        let stored = |why| JournalError::Unreadable { run, seq: seq.unsigned_abs(), why };
        let bytes: Vec<u8> = row.try_get(8).map_err(sqlite)?;
        let (_, event) = Event::decode(&String::from_utf8_lossy(&bytes), &self.sealer).map_err(stored)?;
        let Event::HumanAsked(asked) = event else {
            let what = "the list of questions names an event that is none".to_owned();
            return Err(JournalError::Tampered { run, seq: seq.unsigned_abs(), what });
        };
        Ok(Waiting {
            run,
            playbook: row.try_get(6).map_err(sqlite)?,
            environment: row.try_get(7).map_err(sqlite)?,
            step: row.try_get(1).map_err(sqlite)?,
            items: vec![item],
            who: row.try_get(4).map_err(sqlite)?,
            question: asked.question,
            answer: asked.answer,
            asked_at: stamp(row.try_get(5).map_err(sqlite)?),
        })
    }

    fn summary(&self, row: &SqliteRow) -> Result<RunSummary, JournalError> {
        let sqlite = |e| of_sqlite(&self.path, e);
        let text = |name: &str| row.try_get::<String, _>(name).map_err(sqlite);
        let number = |name: &str| row.try_get::<i64, _>(name).map_err(sqlite);
        let maybe = |name: &str| row.try_get::<Option<String>, _>(name).map_err(sqlite);
        let damaged =
            |what: &str| JournalError::Damaged { path: self.path.clone(), what: format!("the list of runs: {what}") };
        Ok(RunSummary {
            id: self.run_id(&text("id")?)?,
            playbook: text("playbook")?,
            version: u32::try_from(number("version")?).map_err(|_| damaged("a version"))?,
            environment: text("environment")?,
            purpose: text("purpose")?,
            about: maybe("about")?.map(|about| self.run_id(&about)).transpose()?,
            actor: text("actor")?,
            reason: text("reason")?,
            state: RunWord::of(&text("state")?).ok_or_else(|| damaged("a state"))?,
            end: maybe("ended")?.map(|word| End::of(&word).ok_or_else(|| damaged("an end"))).transpose()?,
            counts: text("counts")?,
            started_at: stamp(number("started_at")?),
            changed_at: stamp(number("changed_at")?),
            closed_at: row.try_get::<Option<i64>, _>("closed_at").map_err(sqlite)?.map(stamp),
            events: number("seq")?.unsigned_abs(),
            head: Hash::from_slice(row.try_get("head").map_err(sqlite)?).ok_or_else(|| damaged("a hash"))?,
        })
    }

    fn run_id(&self, text: &str) -> Result<RunId, JournalError> {
        let damaged = |_| JournalError::Damaged { path: self.path.clone(), what: format!("`{text}` names no run") };
        text.parse().map_err(damaged)
    }
}

impl Held<'_> {
    pub(super) async fn events_of(&mut self, run: RunId) -> Result<Vec<Stored>, JournalError> {
        let path = &self.journal.path;
        let rows = sqlx::query(CHAIN).bind(run.to_string()).fetch_all(&mut self.state.connection).await;
        let rows = rows.map_err(|e| of_sqlite(path, e))?;
        let mut head = chain::genesis(self.journal.id, run);
        let mut events = Vec::with_capacity(rows.len());
        for (i, row) in rows.iter().enumerate() {
            let link = Link::read(row).map_err(|e| of_sqlite(path, e))?;
            let seq = i as u64 + 1;
            let tampered = |what: &str| JournalError::Tampered { run, seq, what: what.to_owned() };
            link.follows(run, seq, head).map_err(tampered)?;
            let bytes = link.payload.as_deref().ok_or_else(|| tampered("its payload is missing"))?;
            link.says_what_its_payload_says(bytes, &self.journal.sealer).map_err(tampered)?;
            let decoded = Event::decode(&String::from_utf8_lossy(bytes), &self.journal.sealer);
            let (at, event) = decoded.map_err(|why| JournalError::Unreadable { run, seq, why })?;
            head = link.hash;
            events.push(Stored { run, seq, at, hash: head, event });
        }
        Ok(events)
    }
}

/// One row of the chain as it stands in the file.
pub(super) struct Link {
    pub(super) seq: i64,
    kind: Vec<u8>,
    at: i64,
    prev: Vec<u8>,
    pub(super) hash: Hash,
    payload_hash: Vec<u8>,
    pub(super) payload: Option<Vec<u8>>,
}

impl Link {
    /// From a row of [`CHAIN`].
    pub(super) fn read(row: &SqliteRow) -> Result<Link, sqlx::Error> {
        let hash: Vec<u8> = row.try_get(4)?;
        Ok(Link {
            seq: row.try_get(0)?,
            kind: row.try_get(1)?,
            at: row.try_get(2)?,
            prev: row.try_get(3)?,
            // Not 32 bytes: a hash that fits nothing.
            hash: Hash::from_slice(&hash).unwrap_or(Hash([0; 32])),
            payload_hash: row.try_get(5)?,
            payload: row.try_get(6)?,
        })
    }

    /// It is event `seq` of `run` and comes after the event with the hash `head`.
    pub(super) fn follows(&self, run: RunId, seq: u64, head: Hash) -> Result<(), &'static str> {
        if u64::try_from(self.seq) != Ok(seq) {
            return Err("events before it are missing");
        }
        if self.prev != head.0 {
            return Err("it does not follow the event before it");
        }
        let Some(payload_hash) = Hash::from_slice(&self.payload_hash) else {
            return Err("its payload's hash is not one");
        };
        if chain::link(run, seq, head, payload_hash) != self.hash {
            return Err("its hash is not that of its content");
        }
        match &self.payload {
            Some(bytes) if Hash::of_payload(bytes) != payload_hash => Err("its payload was changed"),
            _ => Ok(()),
        }
    }

    /// The name and the time that its payload says are those of the row. An event of a later version passes: it is as it
    /// was written, even if this version cannot use it.
    pub(super) fn says_what_its_payload_says(&self, payload: &[u8], sealer: &Sealer) -> Result<(), &'static str> {
        let text = std::str::from_utf8(payload).map_err(|_| "its payload is not text")?;
        match Event::header(text, sealer) {
            Ok((at, name)) if name.as_bytes() != self.kind || at.micros != self.at => {
                Err("its name or time is not that of its payload")
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

pub(super) fn stamp(micros: i64) -> Stamp {
    Stamp { micros, digits: 6 }
}
