//! Retention: the payloads of closed runs are removed on purpose. The chain keeps their hashes, so everything else still
//! verifies; the removal is an event of the run itself and taken into the journal's own chain.

use super::{
    append::Appended,
    event::Event,
    failure::JournalError,
    payload::RunPurged,
    read::{RunSummary, stamp},
    store::{Held, Journal},
    write::{Deed, Done},
};
use crate::base::{identity::RunId, time::Stamp};
use std::sync::Arc;

/// A closed run that could be purged.
#[derive(Clone, Debug)]
pub struct Purgeable {
    /// Its line.
    pub run: RunSummary,
    /// How many bytes its payloads have.
    pub bytes: u64,
}

/// An order to purge one run.
#[derive(Clone, Debug)]
pub(super) struct Purging {
    pub(super) run: RunId,
    actor: Arc<str>,
    closed_before: Stamp,
    at: Stamp,
}

impl Journal {
    /// Runs that were closed before this moment and still have their payloads, oldest first.
    pub async fn purgeable(&self, closed_before: Stamp) -> Result<Vec<Purgeable>, JournalError> {
        let mut held = self.connection().await?;
        let rows = held
            .rows(
                "SELECT id, playbook, version, environment, purpose, about, actor, reason, state, ended, counts, started_at,
                        changed_at, closed_at, seq, head, purged_at,
                        (SELECT COALESCE(CAST(SUM(LENGTH(p.bytes)) AS BIGINT), 0) FROM payloads p WHERE p.run = runs.id)
                 FROM runs WHERE state = 'closed' AND purged_at IS NULL AND closed_at < $1 ORDER BY closed_at, id",
                &[closed_before.micros.into()],
            )
            .await?;
        rows.iter().map(|row| Ok(Purgeable { run: held.summary(row)?, bytes: row.int(17)?.unsigned_abs() })).collect()
    }

    /// Removes the payloads of a run that was closed before this moment, and records that. Refused while the run is not
    /// closed, and where its chain does not hold: what was tampered with is kept as it is.
    pub async fn purge(&self, run: RunId, actor: &str, closed_before: Stamp) -> Result<Appended, JournalError> {
        let purging = Purging { run, actor: actor.into(), closed_before, at: self.inner.world.now() };
        match self.write(Deed::Purge(purging)).await? {
            Done::Appended(_, end) => Ok(end),
            _ => Err(JournalError::OutOfOrder { run, what: "it was taken for something else" }),
        }
    }

    /// Gives the space of what was purged back to the disk, as far as the store does that by itself. In a SQLite file the
    /// removed bytes are overwritten, and here the log that still holds them is emptied.
    pub async fn settle(&self) -> Result<(), JournalError> {
        let mut held = self.connection().await?;
        if held.is_server() {
            return Ok(());
        }
        held.rows("PRAGMA wal_checkpoint(TRUNCATE)", &[]).await.map(drop)
    }
}

impl Held<'_> {
    pub(super) async fn purge_inside(&mut self, purging: &Purging) -> Result<Appended, JournalError> {
        let (run, name) = (purging.run, purging.run.to_string());
        let row =
            self.row("SELECT state, closed_at, playbook, purged_at FROM runs WHERE id = $1", &[(&name).into()]).await?;
        let Some(row) = row else { return Err(JournalError::NoSuchRun { given: name }) };
        if let Some(at) = row.maybe_int(3)? {
            return Err(JournalError::Purged { run, at: stamp(at) });
        }
        if row.text(0)? != "closed" || row.maybe_int(1)?.is_none_or(|at| at >= purging.closed_before.micros) {
            return Err(JournalError::OutOfOrder { run, what: "it is not closed for so long: it cannot be purged" });
        }
        let events = self.events_of(run).await?;
        let through = events.last().map_or(0, |last| last.seq);
        drop(events);
        let bytes = self
            .row(
                "SELECT COALESCE(CAST(SUM(LENGTH(bytes)) AS BIGINT), 0) FROM payloads WHERE run = $1",
                &[(&name).into()],
            )
            .await?
            .map_or(Ok(0), |row| row.int(0))?;
        let event = Event::from(RunPurged {
            actor: purging.actor.clone(),
            through,
            bytes: bytes.unsigned_abs(),
            closed_before: purging.closed_before,
            playbook: row.text(2)?.into(),
        });
        let ready = self.inner.ready(&event, purging.at)?;
        // First the event: the store lets payloads go only from a run that says so.
        let end = self.extend(run, &[ready]).await?;
        self.execute("DELETE FROM payloads WHERE run = $1 AND seq <= $2", &[(&name).into(), through.into()]).await?;
        Ok(end)
    }
}
