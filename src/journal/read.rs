//! Questions to the journal: the events of a run, the runs, the open questions. Changes nothing.
//!
//! The events of a run are verified as they are read: nobody resumes, shows or takes back what was tampered with.

use super::{
    chain::{self, Hash},
    compressed,
    decode::Decoding,
    event::Event,
    failure::JournalError,
    link::{Link, Payload},
    sql::Row,
    store::{Held, Journal},
    words::{End, RunWord},
};
use crate::base::{
    identity::RunId,
    time::Stamp,
    value::{Map, Value},
};
use std::{sync::atomic::Ordering, time::Duration};

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
    /// When its payloads were removed on purpose: from then on this line is what is left.
    pub purged_at: Option<Stamp>,
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
    /// Made for: `apply`, `undo`, `reconcile`.
    pub purpose: Option<String>,
    /// About this run: its undos.
    pub about: Option<RunId>,
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
    /// What the answer should rest on.
    pub evidence: Map,
    /// The last moment at which an answer is taken.
    pub until: Option<Stamp>,
    /// How often the person is reminded.
    pub remind: Option<Duration>,
    /// Since when.
    pub asked_at: Stamp,
}

impl Waiting {
    /// An answer would come too late.
    pub fn is_overdue(&self, now: Stamp) -> bool {
        self.until.is_some_and(|until| now.micros > until.micros)
    }
}

/// Columns of a line, for [`summary`].
macro_rules! runs {
    ($rest:literal) => {
        concat!(
            "SELECT id, playbook, version, environment, purpose, about, actor, reason, state, ended, counts, started_at, \
             changed_at, closed_at, seq, head, purged_at FROM runs ",
            $rest
        )
    };
}

impl Journal {
    /// All events of a run, in order, verified: a chain that does not hold is an error. Empty for an unknown run.
    pub async fn events(&self, run: RunId) -> Result<Vec<Stored>, JournalError> {
        self.connection().await?.events_of(run).await
    }

    /// Runs, newest first.
    pub async fn runs(&self, filter: &RunFilter, limit: u32) -> Result<Vec<RunSummary>, JournalError> {
        let mut held = self.connection().await?;
        let statement = runs!(
            "WHERE ($1 IS NULL OR playbook = $1) AND ($2 IS NULL OR environment = $2) AND ($3 IS NULL OR actor = $3)
               AND ($4 IS NULL OR state = $4) AND ($5 IS NULL OR ended = $5) AND ($6 = 0 OR state <> 'closed')
               AND ($7 IS NULL OR started_at >= $7) AND ($8 IS NULL OR purpose = $8)
               AND ($9 IS NULL OR about = $9)
             ORDER BY started_at DESC, id DESC LIMIT $10"
        );
        let about = filter.about.map(|run| run.to_string());
        let cells = [
            filter.playbook.as_deref().into(),
            filter.environment.as_deref().into(),
            filter.actor.as_deref().into(),
            filter.state.map(RunWord::word).into(),
            filter.end.map(End::word).into(),
            i64::from(filter.unfinished).into(),
            filter.since.map(|since| since.micros).into(),
            filter.purpose.as_deref().into(),
            about.as_deref().into(),
            limit.into(),
        ];
        held.rows(statement, &cells).await?.iter().map(|row| held.summary(row)).collect()
    }

    /// Runs of this purpose, what was recorded last first; of a playbook and in an environment, where they are named. The journal's own chain
    /// knows the order: a clock that was ahead for a moment makes no run the last one.
    pub async fn last_recorded(
        &self,
        purpose: &str,
        playbook: Option<&str>,
        environment: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RunSummary>, JournalError> {
        let mut held = self.connection().await?;
        let statement = runs!(
            "JOIN (SELECT run, number FROM heads WHERE seq = 1) AS made ON made.run = runs.id
             WHERE purpose = $1 AND ($2 IS NULL OR playbook = $2) AND ($3 IS NULL OR environment = $3)
             ORDER BY made.number DESC LIMIT $4"
        );
        let cells = [purpose.into(), playbook.into(), environment.into(), limit.into()];
        held.rows(statement, &cells).await?.iter().map(|row| held.summary(row)).collect()
    }

    /// The run of this purpose that was recorded last of each playbook in each environment, unless what it recorded was removed.
    pub async fn last_of_each(&self, purpose: &str) -> Result<Vec<RunSummary>, JournalError> {
        let mut held = self.connection().await?;
        let statement = runs!(
            "WHERE id IN (SELECT id FROM (
                 SELECT id, ROW_NUMBER() OVER (PARTITION BY playbook, environment ORDER BY number DESC) AS place
                 FROM runs JOIN (SELECT run, number FROM heads WHERE seq = 1) AS made ON made.run = runs.id
                 WHERE purpose = $1 AND purged_at IS NULL) AS placed WHERE place = 1)
             ORDER BY started_at DESC, id DESC"
        );
        held.rows(statement, &[purpose.into()]).await?.iter().map(|row| held.summary(row)).collect()
    }

    /// Runs of a playbook in an environment that are not over, other than this one, the oldest first; with `earlier` only those that
    /// were recorded before it. The journal's own chain knows the order: clocks and ids of several machines do not.
    pub async fn rivals(
        &self,
        run: RunId,
        playbook: &str,
        environment: &str,
        earlier: bool,
    ) -> Result<Vec<RunSummary>, JournalError> {
        let mut held = self.connection().await?;
        let statement = runs!(
            "WHERE playbook = $1 AND environment = $2 AND id <> $3 AND state <> 'closed'
               AND ($4 = 0 OR (SELECT MIN(number) FROM heads WHERE heads.run = runs.id)
                            < (SELECT MIN(number) FROM heads WHERE heads.run = $3))
             ORDER BY started_at, id"
        );
        let run = run.to_string();
        let cells = [playbook.into(), environment.into(), (&run).into(), i64::from(earlier).into()];
        held.rows(statement, &cells).await?.iter().map(|row| held.summary(row)).collect()
    }

    /// How many runs stand how.
    pub async fn run_counts(&self) -> Result<Vec<(String, u64)>, JournalError> {
        let mut held = self.connection().await?;
        let rows = held.rows("SELECT state, COUNT(*) FROM runs GROUP BY state ORDER BY state", &[]).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?.unsigned_abs()))).collect()
    }

    /// One run's line.
    pub async fn run(&self, run: RunId) -> Result<Option<RunSummary>, JournalError> {
        let mut held = self.connection().await?;
        let row = held.row(runs!("WHERE id = $1"), &[(&run.to_string()).into()]).await?;
        row.map(|row| held.summary(&row)).transpose()
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
        let rows = held
            .rows(
                "SELECT id FROM runs WHERE (id >= $1 AND id < $1 || 'g') OR (short >= $2 AND short < $2 || 'g')
                 ORDER BY started_at DESC, id DESC LIMIT 11",
                &[(&hyphened).into(), (&digits).into()],
            )
            .await?;
        let mut candidates = rows.iter().map(|row| held.run_id(&row.text(0)?)).collect::<Result<Vec<_>, _>>()?;
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
        let rows = held
            .rows(
                "SELECT q.run, q.step, q.item, q.seq, q.who, q.asked_at, r.playbook, r.environment, p.bytes
                 FROM questions q JOIN runs r ON r.id = q.run JOIN payloads p ON p.run = q.run AND p.seq = q.seq
                 ORDER BY q.asked_at, q.run, q.seq, q.item",
                &[],
            )
            .await?;
        let mut waiting: Vec<(i64, Waiting)> = Vec::new();
        for row in rows {
            let (run, seq, item) = (held.run_id(&row.text(0)?)?, row.int(3)?, row.text(2)?);
            match waiting.last_mut() {
                Some((last, open)) if *last == seq && open.run == run => open.items.push(item),
                _ => waiting.push((seq, held.question(&row, run, seq.unsigned_abs(), item)?)),
            }
        }
        Ok(waiting.into_iter().map(|(_, open)| open).collect())
    }

    /// The run that used the saved plan with this identity, and when.
    pub async fn plan_used(&self, plan: &str) -> Result<Option<(RunId, Stamp)>, JournalError> {
        let mut held = self.connection().await?;
        let row = held.row("SELECT run, at FROM plans_used WHERE plan = $1", &[plan.into()]).await?;
        row.map(|row| Ok((held.run_id(&row.text(0)?)?, stamp(row.int(1)?)))).transpose()
    }
}

impl Held<'_> {
    fn question(&self, row: &Row, run: RunId, seq: u64, item: String) -> Result<Waiting, JournalError> {
        let bytes = row.bytes(8)?;
        let tampered = |what: &str| JournalError::Tampered { run, seq, what: what.to_owned() };
        let text = compressed::text(&bytes).map_err(tampered)?;
        let (_, event) =
            Event::decode(&text, &self.inner.sealer).map_err(|why| JournalError::Unreadable { run, seq, why })?;
        let Event::HumanAsked(asked) = event else {
            return Err(tampered("the list of questions names an event that is none"));
        };
        Ok(Waiting {
            run,
            playbook: row.text(6)?,
            environment: row.text(7)?,
            step: row.text(1)?,
            items: vec![item],
            who: row.text(4)?,
            question: asked.question,
            answer: asked.answer,
            evidence: asked.evidence.unwrap_or_default(),
            until: asked.until,
            remind: asked.remind.map(Duration::from_micros),
            asked_at: stamp(row.int(5)?),
        })
    }

    pub(super) fn summary(&self, row: &Row) -> Result<RunSummary, JournalError> {
        let odd = |what: &str| self.damaged(format!("the list of runs: {what}"));
        Ok(RunSummary {
            id: self.run_id(&row.text(0)?)?,
            playbook: row.text(1)?,
            version: u32::try_from(row.int(2)?).map_err(|_| odd("a version"))?,
            environment: row.text(3)?,
            purpose: row.text(4)?,
            about: row.maybe_text(5)?.map(|about| self.run_id(&about)).transpose()?,
            actor: row.text(6)?,
            reason: row.text(7)?,
            state: RunWord::of(&row.text(8)?).ok_or_else(|| odd("a state"))?,
            end: row.maybe_text(9)?.map(|word| End::of(&word).ok_or_else(|| odd("an end"))).transpose()?,
            counts: row.text(10)?,
            started_at: stamp(row.int(11)?),
            changed_at: stamp(row.int(12)?),
            closed_at: row.maybe_int(13)?.map(stamp),
            events: row.int(14)?.unsigned_abs(),
            head: Hash::from_slice(&row.bytes(15)?).ok_or_else(|| odd("a hash"))?,
            purged_at: row.maybe_int(16)?.map(stamp),
        })
    }

    pub(super) fn run_id(&self, text: &str) -> Result<RunId, JournalError> {
        text.parse().map_err(|_| self.damaged(format!("`{text}` names no run")))
    }

    /// Verified as they are read. A missing payload is looked at when the end is known: it may have been purged.
    pub(super) async fn events_of(&mut self, run: RunId) -> Result<Vec<Stored>, JournalError> {
        let mut decoding = Decoding::of(run, self.inner.sealer.clone());
        let (mut head, mut missing, mut seq) = (chain::genesis(self.inner.id, run), None, 0);
        let mut each = |link: &Link<'_>| {
            seq += 1;
            let tampered = |what: &str| JournalError::Tampered { run, seq, what: what.to_owned() };
            link.follows(run, seq, head).map_err(tampered)?;
            head = link.hash;
            match link.payload().map_err(tampered)? {
                Payload::Text(text) => decoding.add(seq, link, text.into_owned()),
                Payload::Missing => {
                    missing.get_or_insert(seq);
                }
            }
            Ok(())
        };
        self.all_links(run, 0, &mut each).await?;
        let events = decoding.finish().await?;
        self.inner.decoded.fetch_add(events.len() as u64, Ordering::Relaxed);
        match (missing, events.last()) {
            (None, _) => Ok(events),
            (Some(_), Some(Stored { at, event: Event::RunPurged(_), .. })) => {
                Err(JournalError::Purged { run, at: *at })
            }
            (Some(seq), _) => Err(JournalError::Tampered { run, seq, what: MISSING.to_owned() }),
        }
    }
}

/// Of an event without its payload.
pub(super) const MISSING: &str = "its payload is missing";

pub(super) fn stamp(micros: i64) -> Stamp {
    Stamp { micros, digits: 6 }
}
