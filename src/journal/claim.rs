//! Who works on a run: one process at a time, each with a number that grows, so that a late one can be told apart.
//!
//! A claim lasts a while, is renewed by the heartbeat of whoever holds it, and is then open to anybody.

use super::{
    append::Appended,
    event::Event,
    failure::JournalError,
    payload::RunClaimed,
    sql::Row,
    store::{Held, Journal},
    write::{Deed, Done},
};
use crate::base::{identity::RunId, time::Stamp};
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
        let beat = Deed::Beat { claim: claim.clone(), now: self.inner.world.now(), ttl };
        match self.write(beat).await? {
            Done::Beaten(claim) => Ok(claim),
            _ => Err(lost(claim.run, claim.fence)),
        }
    }

    /// Gives a run back. [`JournalError::ClaimLost`] if somebody else took it meanwhile.
    pub async fn release(&self, claim: &Claim) -> Result<(), JournalError> {
        let now = self.inner.world.now();
        self.write(Deed::Release { run: claim.run, fence: claim.fence, now }).await.map(drop)
    }

    /// Who works on the run now.
    pub async fn holder(&self, run: RunId) -> Result<Option<Claim>, JournalError> {
        let mut held = self.connection().await?;
        let now = self.inner.world.now();
        Ok(held.last_claim(run).await?.filter(|last| last.open(now)).map(|last| last.claim))
    }

    async fn take(&self, run: RunId, holder: Holder, ttl: Duration, seen: Option<u64>) -> Result<Claim, JournalError> {
        let take = Deed::Take { run, holder, since: self.inner.world.now(), ttl, seen };
        match self.write(take).await? {
            Done::Claimed(claim, _) => Ok(claim),
            _ => Err(lost(run, 0)),
        }
    }
}

pub(super) fn lost(run: RunId, fence: u64) -> JournalError {
    JournalError::ClaimLost { run, fence }
}

pub(super) fn after(now: Stamp, ttl: Duration) -> Stamp {
    stamp(now.micros.saturating_add(i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX)))
}

fn stamp(micros: i64) -> Stamp {
    Stamp { micros, digits: 6 }
}

/// The last claim on something.
pub(super) struct Last {
    pub(super) claim: Claim,
    released: Option<i64>,
}

impl Last {
    pub(super) fn open(&self, now: Stamp) -> bool {
        self.released.is_none() && self.claim.until > now
    }
}

impl Held<'_> {
    pub(super) async fn take_inside(
        &mut self,
        run: RunId,
        holder: &Holder,
        since: Stamp,
        ttl: Duration,
        seen: Option<u64>,
    ) -> Result<(Claim, Appended), JournalError> {
        let last = self.last_claim(run).await?;
        let fence = last.as_ref().map_or(1, |last| last.claim.fence + 1);
        if let Some(last) = last.filter(|last| last.open(since) && seen != Some(last.claim.fence)) {
            return Err(JournalError::Claimed { run, by: Box::new(last.claim) });
        }
        let claim = Claim { run, fence, holder: holder.clone(), since, until: after(since, ttl) };
        self.store_claim(&claim).await?;
        let event = Event::from(RunClaimed {
            holder: holder.name.as_str().into(),
            host: holder.host.as_str().into(),
            pid: holder.pid,
            fence,
        });
        let ready = self.inner.ready(&event, since)?;
        let end = self.extend(run, &[ready]).await?;
        Ok((claim, end))
    }

    pub(super) async fn beat_inside(
        &mut self,
        claim: &Claim,
        now: Stamp,
        ttl: Duration,
    ) -> Result<Claim, JournalError> {
        let until = after(now, ttl);
        let beaten = self
            .execute(
                "UPDATE claims SET beat_at = $1, until = $2 WHERE run = $3 AND fence = $4 AND released_at IS NULL",
                &[now.micros.into(), until.micros.into(), (&claim.run.to_string()).into(), claim.fence.into()],
            )
            .await?;
        if beaten == 0 { Err(lost(claim.run, claim.fence)) } else { Ok(Claim { until, ..claim.clone() }) }
    }

    pub(super) async fn store_claim(&mut self, claim: &Claim) -> Result<(), JournalError> {
        self.execute(
            "INSERT INTO claims (run, fence, holder, host, pid, since, beat_at, until, released_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6, $7, NULL)
             ON CONFLICT (run) DO UPDATE SET fence = $2, holder = $3, host = $4, pid = $5, since = $6, beat_at = $6,
                                             until = $7, released_at = NULL",
            &[
                (&claim.run.to_string()).into(),
                claim.fence.into(),
                (&claim.holder.name).into(),
                (&claim.holder.host).into(),
                claim.holder.pid.into(),
                claim.since.micros.into(),
                claim.until.micros.into(),
            ],
        )
        .await
        .map(drop)
    }

    pub(super) async fn last_claim(&mut self, run: RunId) -> Result<Option<Last>, JournalError> {
        let statement = "SELECT fence, holder, host, pid, since, until, released_at FROM claims WHERE run = $1";
        let row = self.row(statement, &[(&run.to_string()).into()]).await?;
        row.map(|row| last(run, &row)).transpose()
    }

    /// Inside a transaction: nobody has the run any more.
    pub(super) async fn give_back(&mut self, run: RunId, fence: u64, now: Stamp) -> Result<(), JournalError> {
        let released = self
            .execute(
                "UPDATE claims SET released_at = $1 WHERE run = $2 AND fence = $3 AND released_at IS NULL",
                &[now.micros.into(), (&run.to_string()).into(), fence.into()],
            )
            .await?;
        if released == 0 { Err(lost(run, fence)) } else { Ok(()) }
    }

    /// Whether exactly this was done before.
    pub(super) async fn gave_back(&mut self, run: RunId, fence: u64, now: Stamp) -> Result<bool, JournalError> {
        let last = self.last_claim(run).await?;
        Ok(last.is_some_and(|last| last.claim.fence == fence && last.released == Some(now.micros)))
    }
}

fn last(run: RunId, row: &Row) -> Result<Last, JournalError> {
    let claim = Claim {
        run,
        fence: row.int(0)?.unsigned_abs(),
        holder: Holder { name: row.text(1)?, host: row.text(2)?, pid: u32::try_from(row.int(3)?).unwrap_or(0) },
        since: stamp(row.int(4)?),
        until: stamp(row.int(5)?),
    };
    Ok(Last { claim, released: row.maybe_int(6)? })
}
