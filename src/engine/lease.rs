//! The right to work on a run, kept alive beside the work: a sign of life every few seconds, and how long the last one is
//! ago. What an older holder writes is refused by the journal itself; this only makes him stop in time.

use crate::{
    base::{time::Stamp, world::World},
    journal::{Claim, Journal, failure::JournalError},
};
use std::{
    future::pending,
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::Duration,
};

/// How long a claim lasts without a sign of life; then others may take the run.
pub const CLAIM: Duration = Duration::from_secs(60);
/// How often a sign of life is given.
const BEAT: Duration = Duration::from_secs(15);
/// Without one for this long no new step starts: what is begun then still ends before others may come.
const LATE: Duration = Duration::from_secs(40);

/// The state of a claim while somebody works under it.
#[derive(Debug)]
pub struct Lease {
    renewed: AtomicI64,
    taken: AtomicBool,
}

impl Lease {
    /// Of a claim that was made a moment ago.
    pub fn new(now: Stamp) -> Lease {
        Lease { renewed: AtomicI64::new(now.micros), taken: AtomicBool::new(false) }
    }

    /// Somebody else has the run now.
    pub fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    /// The last sign of life is so long ago that others may soon take the run.
    pub fn is_late(&self, now: Stamp) -> bool {
        let since = now.micros.saturating_sub(self.renewed.load(Ordering::Relaxed));
        since > i64::try_from(LATE.as_micros()).unwrap_or(i64::MAX)
    }

    /// Gives signs of life for as long as it is polled. Never ends: it is dropped when the work is done.
    pub async fn keep(&self, journal: &Journal, claim: &Claim, world: &World) {
        loop {
            world.beat(BEAT).await;
            match journal.beat(claim, CLAIM).await {
                Ok(_) => self.renewed.store(world.now().micros, Ordering::Relaxed),
                Err(JournalError::ClaimLost { .. }) => {
                    self.taken.store(true, Ordering::Relaxed);
                    return pending().await;
                }
                // The next one is tried all the same; meanwhile the time runs.
                Err(_) => {}
            }
        }
    }
}
