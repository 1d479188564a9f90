//! Appending: a group of events of one run, in one durable transaction.

use super::{Journal, claim, claim::Claim, projection, sqlite::of_sqlite, store::Held};
use crate::{
    base::{identity::RunId, time::Stamp},
    journal::{
        chain::{self, Hash},
        event::Event,
        failure::JournalError,
    },
};
use sqlx::Row;

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Number of the last event of the group within its run, from 1.
    pub seq: u64,
    /// Its hash: the head of the run.
    pub head: Hash,
}

/// An event on its way into the store.
pub(super) struct Ready<'a> {
    pub(super) event: &'a Event,
    pub(super) at: Stamp,
    payload: String,
}

impl Journal {
    /// Appends a group of events in one transaction and returns when it is synced. All of them are recorded or none.
    /// The first event of a run is `run.created`; its saved plan must not have been used.
    ///
    /// An error means that nothing was recorded, with one exception: after [`JournalError::Disk`] nobody knows.
    pub async fn append(&self, run: RunId, events: &[Event]) -> Result<Appended, JournalError> {
        self.append_at(run, None, events, self.world.now()).await
    }

    /// As [`Journal::append`], but refused when the claim was taken over or given back: what an executor uses. The end of
    /// the run gives the claim back.
    pub async fn append_claimed(&self, claim: &Claim, events: &[Event]) -> Result<Appended, JournalError> {
        self.append_at(claim.run, Some(claim.fence), events, self.world.now()).await
    }

    pub(super) async fn append_at(
        &self,
        run: RunId,
        fence: Option<u64>,
        events: &[Event],
        at: Stamp,
    ) -> Result<Appended, JournalError> {
        // Sealed and encoded before the lock is taken: other processes wait only for the disk.
        let ready = self.ready(events, at)?;
        let mut held = self.connection().await?;
        held.begin().await?;
        let work = held.write_inside(run, fence, &ready).await;
        held.end(work).await
    }

    pub(super) fn ready<'a>(&self, events: &'a [Event], at: Stamp) -> Result<Vec<Ready<'a>>, JournalError> {
        let encode = |event: &'a Event| {
            let unstorable = |why| JournalError::Unstorable { event: event.name(), why };
            Ok(Ready { event, at, payload: event.encode(at, &self.sealer).map_err(unstorable)? })
        };
        events.iter().map(encode).collect()
    }
}

/// Name of the event that a plan's chain is made of.
pub(super) const APPROVED: &str = "plan.approved";

/// The end of a chain.
struct End {
    place: Appended,
    of_plan: bool,
}

/// A run begins with its creation, once. A plan has approvals and nothing else. `of_plan`: what there is so far.
fn in_order(of_plan: Option<bool>, event: &Event) -> Result<(), &'static str> {
    match (of_plan, event) {
        (None | Some(true), Event::PlanApproved(_)) | (None, Event::RunCreated(_)) => Ok(()),
        (Some(true), _) => Err("this is the id of a plan that was approved, not of a run"),
        (Some(false), Event::PlanApproved(_)) => Err("this is the id of a run, not of a plan"),
        (Some(false), Event::RunCreated(_)) => Err("it was made before"),
        (None, _) => Err("there is no such run yet"),
        (Some(false), _) => Ok(()),
    }
}

/// The journal's own chain takes in the head of a chain at these events.
fn is_head(event: &Event) -> bool {
    matches!(event, Event::RunCreated(_) | Event::RunClosed(_) | Event::RunPurged(_) | Event::PlanApproved(_))
}

impl Held<'_> {
    async fn write_inside(
        &mut self,
        run: RunId,
        fence: Option<u64>,
        ready: &[Ready<'_>],
    ) -> Result<Appended, JournalError> {
        if let Some(fence) = fence {
            claim::still_holds(self, run, fence).await?;
        }
        let appended = self.extend(run, ready).await?;
        if let Some(fence) = fence
            && ready.iter().any(|one| matches!(one.event, Event::RunClosed(_)))
        {
            claim::give_back(self, run, fence, self.journal.world.now()).await?;
        }
        Ok(appended)
    }

    /// Inside a transaction: the events at the end of the run's chain.
    pub(super) async fn extend(&mut self, run: RunId, ready: &[Ready<'_>]) -> Result<Appended, JournalError> {
        let begun = self.head(run).await?;
        let (mut end, mut of_plan) = (begun.as_ref().map(|end| end.place), begun.map(|end| end.of_plan));
        for one in ready {
            in_order(of_plan, one.event).map_err(|what| JournalError::OutOfOrder { run, what })?;
            of_plan = Some(matches!(one.event, Event::PlanApproved(_)));
            let before = end.unwrap_or(Appended { seq: 0, head: chain::genesis(self.journal.id, run) });
            let now = self.insert(run, before, one).await?;
            projection::apply(self, run, now, one.at, one.event).await?;
            if is_head(one.event) {
                self.extend_heads(run, now).await?;
            }
            end = Some(now);
        }
        let (Some(end), Some(last)) = (end, ready.last()) else {
            return Err(JournalError::OutOfOrder { run, what: "there is nothing to append" });
        };
        if of_plan == Some(false) {
            projection::point(self, run, end, last.at).await?;
        }
        Ok(end)
    }

    /// The last event of a chain, compared with what the list of runs says (of a plan: the journal's own chain), so that
    /// an append never hides a cut.
    async fn head(&mut self, run: RunId) -> Result<Option<End>, JournalError> {
        let row = sqlx::query(
            "SELECT e.seq, e.hash, e.kind, COALESCE(r.seq, h.seq), COALESCE(r.head, h.head)
             FROM events e LEFT JOIN runs r ON r.id = e.run LEFT JOIN heads h ON h.run = e.run AND r.id IS NULL
             WHERE e.run = ? ORDER BY e.seq DESC, h.number DESC LIMIT 1",
        )
        .bind(run.to_string())
        .fetch_optional(self.sql())
        .await
        .map_err(|e| of_sqlite(&self.journal.path, e))?;
        let Some(row) = row else { return Ok(None) };
        let sqlite = |e| of_sqlite(&self.journal.path, e);
        let (seq, hash): (i64, Vec<u8>) = (row.try_get(0).map_err(sqlite)?, row.try_get(1).map_err(sqlite)?);
        let listed: (Option<i64>, Option<Vec<u8>>) = (row.try_get(3).map_err(sqlite)?, row.try_get(4).map_err(sqlite)?);
        let seq = seq.unsigned_abs();
        let tampered = |what: &str| JournalError::Tampered { run, seq, what: what.to_owned() };
        let head = Hash::from_slice(&hash).ok_or_else(|| tampered("its hash is not one"))?;
        if listed != (Some(seq as i64), Some(hash)) {
            return Err(tampered("the list of runs names another last event"));
        }
        let of_plan = row.try_get::<String, _>(2).map_err(sqlite)? == APPROVED;
        Ok(Some(End { place: Appended { seq, head }, of_plan }))
    }

    async fn insert(&mut self, run: RunId, before: Appended, one: &Ready<'_>) -> Result<Appended, JournalError> {
        let path = &self.journal.path;
        let seq = before.seq + 1;
        let payload_hash = Hash::of_payload(one.payload.as_bytes());
        let hash = chain::link(run, seq, before.head, payload_hash);
        let name = run.to_string();
        sqlx::query("INSERT INTO events (run, seq, kind, at, prev, hash, payload_hash) VALUES (?, ?, ?, ?, ?, ?, ?)")
            .bind(&name)
            .bind(seq as i64)
            .bind(one.event.name())
            .bind(one.at.micros)
            .bind(before.head.0.as_slice())
            .bind(hash.0.as_slice())
            .bind(payload_hash.0.as_slice())
            .execute(&mut self.state.connection)
            .await
            .map_err(|e| of_sqlite(path, e))?;
        sqlx::query("INSERT INTO payloads (run, seq, bytes) VALUES (?, ?, ?)")
            .bind(&name)
            .bind(seq as i64)
            .bind(one.payload.as_bytes())
            .execute(&mut self.state.connection)
            .await
            .map_err(|e| of_sqlite(path, e))?;
        Ok(Appended { seq, head: hash })
    }

    /// The journal's own chain.
    async fn extend_heads(&mut self, run: RunId, now: Appended) -> Result<(), JournalError> {
        let path = &self.journal.path;
        let last = sqlx::query("SELECT number, hash FROM heads ORDER BY number DESC LIMIT 1")
            .fetch_optional(&mut self.state.connection)
            .await
            .map_err(|e| of_sqlite(path, e))?;
        let (number, prev) = match last {
            None => (1, chain::journal_genesis(self.journal.id)),
            Some(row) => {
                let number: i64 = row.try_get(0).map_err(|e| of_sqlite(path, e))?;
                let hash: Vec<u8> = row.try_get(1).map_err(|e| of_sqlite(path, e))?;
                let damaged = || JournalError::Damaged {
                    path: path.clone(),
                    what: format!("entry {number} of its chain has no hash"),
                };
                (number + 1, Hash::from_slice(&hash).ok_or_else(damaged)?)
            }
        };
        let hash = chain::journal_link(number.unsigned_abs(), prev, run, now.seq, now.head);
        sqlx::query("INSERT INTO heads (number, run, seq, head, prev, hash) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(number)
            .bind(run.to_string())
            .bind(now.seq as i64)
            .bind(now.head.0.as_slice())
            .bind(prev.0.as_slice())
            .bind(hash.0.as_slice())
            .execute(&mut self.state.connection)
            .await
            .map_err(|e| of_sqlite(path, e))?;
        Ok(())
    }
}
