//! Who works on a run: one process at a time, each with a number that grows, so that a late one can be told apart.
//!
//! A claim lasts a while and is then open to anybody. The heartbeat that extends it comes later; until then a claim is
//! given for as long as a run may take, and given back at its end.

use super::{Journal, read::stamp, sqlite::of_sqlite, store::Held};
use crate::{
    base::{identity::RunId, time::Stamp},
    journal::{event::Event, failure::JournalError, payload::RunClaimed},
};
use sqlx::{Row, sqlite::SqliteRow};
use std::time::Duration;

/// A process that works on runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who, as people know it: the actor.
    pub name: String,
    /// On which machine.
    pub host: String,
    /// In which process.
    pub pid: u32,
}

/// The right to work on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The run.
    pub run: RunId,
    /// Grows with every claim of this run, from 1.
    pub fence: u64,
    /// Whose it is.
    pub holder: Holder,
    /// Since when.
    pub since: Stamp,
    /// From then on others may have it.
    pub until: Stamp,
}

impl Journal {
    /// Takes a run, for at most this long, and records it. Refused with [`JournalError::Claimed`] while somebody has it.
    pub async fn claim(&self, run: RunId, holder: Holder, ttl: Duration) -> Result<Claim, JournalError> {
        self.take(run, holder, ttl, None).await
    }

    /// Takes a run from a holder who is known to be gone (his process is dead), although his time is not over: exactly
    /// the claim that was seen, not one that was made since.
    pub async fn seize(&self, seen: &Claim, holder: Holder, ttl: Duration) -> Result<Claim, JournalError> {
        self.take(seen.run, holder, ttl, Some(seen.fence)).await
    }

    /// Still at work: the claim lasts this much longer, from now. [`JournalError::ClaimLost`] if somebody took it over.
    pub async fn beat(&self, claim: &Claim, ttl: Duration) -> Result<Claim, JournalError> {
        let mut held = self.connection().await?;
        held.begin().await?;
        let now = self.world.now();
        let until = stamp(now.micros.saturating_add(i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX)));
        let work = held.beat_inside(claim, now, until).await;
        held.end(work).await
    }

    /// Gives a run back. [`JournalError::ClaimLost`] if somebody else took it meanwhile.
    pub async fn release(&self, claim: &Claim) -> Result<(), JournalError> {
        let mut held = self.connection().await?;
        held.begin().await?;
        let work = give_back(&mut held, claim.run, claim.fence, self.world.now()).await;
        held.end(work).await
    }

    /// Who works on the run now.
    pub async fn holder(&self, run: RunId) -> Result<Option<Claim>, JournalError> {
        let mut held = self.connection().await?;
        let now = self.world.now();
        Ok(held.last_claim(run).await?.filter(|last| last.open(now)).map(|last| last.claim))
    }

    async fn take(&self, run: RunId, holder: Holder, ttl: Duration, seen: Option<u64>) -> Result<Claim, JournalError> {
        let mut held = self.connection().await?;
        held.begin().await?;
        let work = held.take_inside(run, holder, ttl, seen).await;
        held.end(work).await
    }
}

struct Last {
    claim: Claim,
    released: bool,
}

impl Last {
    fn open(&self, now: Stamp) -> bool {
        !self.released && self.claim.until > now
    }
}

impl Held<'_> {
    async fn take_inside(
        &mut self,
        run: RunId,
        holder: Holder,
        ttl: Duration,
        seen: Option<u64>,
    ) -> Result<Claim, JournalError> {
        let since = self.journal.world.now();
        let last = self.last_claim(run).await?;
        let fence = last.as_ref().map_or(1, |last| last.claim.fence + 1);
        if let Some(last) = last.filter(|last| last.open(since) && seen != Some(last.claim.fence)) {
            return Err(JournalError::Claimed { run, by: Box::new(last.claim) });
        }
        let ttl = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
        let claim = Claim { run, fence, holder, since, until: stamp(since.micros.saturating_add(ttl)) };
        self.store_claim(&claim).await?;
        let event = Event::from(RunClaimed {
            holder: claim.holder.name.as_str().into(),
            host: claim.holder.host.as_str().into(),
            pid: claim.holder.pid,
            fence,
        });
        let ready = self.journal.ready(std::slice::from_ref(&event), since)?;
        self.extend(run, &ready).await?;
        Ok(claim)
    }

    async fn beat_inside(&mut self, claim: &Claim, now: Stamp, until: Stamp) -> Result<Claim, JournalError> {
        let beaten =
            sqlx::query("UPDATE claims SET beat_at = ?, until = ? WHERE run = ? AND fence = ? AND released_at IS NULL")
                .bind(now.micros)
                .bind(until.micros)
                .bind(claim.run.to_string())
                .bind(claim.fence as i64)
                .execute(&mut self.state.connection)
                .await
                .map_err(|e| of_sqlite(&self.journal.path, e))?;
        match beaten.rows_affected() {
            0 => Err(JournalError::ClaimLost { run: claim.run, fence: claim.fence }),
            _ => Ok(Claim { until, ..claim.clone() }),
        }
    }

    async fn store_claim(&mut self, claim: &Claim) -> Result<(), JournalError> {
        sqlx::query(
            "INSERT INTO claims (run, fence, holder, host, pid, since, beat_at, until, released_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, NULL)
             ON CONFLICT (run) DO UPDATE SET fence = ?2, holder = ?3, host = ?4, pid = ?5, since = ?6, beat_at = ?6,
                                             until = ?7, released_at = NULL",
        )
        .bind(claim.run.to_string())
        .bind(claim.fence as i64)
        .bind(&claim.holder.name)
        .bind(&claim.holder.host)
        .bind(claim.holder.pid)
        .bind(claim.since.micros)
        .bind(claim.until.micros)
        .execute(&mut self.state.connection)
        .await
        .map_err(|e| of_sqlite(&self.journal.path, e))?;
        Ok(())
    }

    async fn last_claim(&mut self, run: RunId) -> Result<Option<Last>, JournalError> {
        let row = sqlx::query("SELECT fence, holder, host, pid, since, until, released_at FROM claims WHERE run = ?")
            .bind(run.to_string())
            .fetch_optional(&mut self.state.connection)
            .await;
        let row = row.map_err(|e| of_sqlite(&self.journal.path, e))?;
        row.map(|row| last(run, &row)).transpose().map_err(|e| of_sqlite(&self.journal.path, e))
    }
}

fn last(run: RunId, row: &SqliteRow) -> Result<Last, sqlx::Error> {
    let claim = Claim {
        run,
        fence: row.try_get::<i64, _>(0)?.unsigned_abs(),
        holder: Holder { name: row.try_get(1)?, host: row.try_get(2)?, pid: row.try_get(3)? },
        since: stamp(row.try_get(4)?),
        until: stamp(row.try_get(5)?),
    };
    Ok(Last { claim, released: row.try_get::<Option<i64>, _>(6)?.is_some() })
}

/// Inside a transaction: nobody took the run since. The clock is not asked: as long as nobody else has it, finishing
/// is better than stopping.
pub(super) async fn still_holds(held: &mut Held<'_>, run: RunId, fence: u64) -> Result<(), JournalError> {
    match held.last_claim(run).await? {
        Some(last) if last.claim.fence == fence && !last.released => Ok(()),
        _ => Err(JournalError::ClaimLost { run, fence }),
    }
}

/// Inside a transaction: nobody has the run any more.
pub(super) async fn give_back(held: &mut Held<'_>, run: RunId, fence: u64, now: Stamp) -> Result<(), JournalError> {
    let released = sqlx::query("UPDATE claims SET released_at = ? WHERE run = ? AND fence = ? AND released_at IS NULL")
        .bind(now.micros)
        .bind(run.to_string())
        .bind(fence as i64)
        .execute(held.sql())
        .await
        .map_err(|e| of_sqlite(&held.journal.path, e))?;
    if released.rows_affected() == 0 { Err(JournalError::ClaimLost { run, fence }) } else { Ok(()) }
}
