//! The right to work on a run, kept alive beside the work: a sign of life every few seconds, and how long the last one is
//! ago. What an older holder writes is refused by the journal itself; this only makes him stop in time.

use crate::{
    base::{time::Stamp, world::World},
    journal::{Claim, Journal, failure::JournalError},
};
use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    task::Poll,
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
    /// A sign of life is on its way into the journal.
    busy: AtomicBool,
    /// Time passes beside the work; under a clock that only pauses move it does not.
    timed: bool,
}

impl Lease {
    /// Of a claim that was made a moment ago.
    pub fn new(world: &World) -> Lease {
        Lease {
            renewed: AtomicI64::new(world.now().micros),
            taken: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            timed: world.has_beats(),
        }
    }

    /// Somebody else has the run now.
    pub fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    /// The last sign of life is so long ago that others may soon take the run.
    pub fn is_late(&self, now: Stamp) -> bool {
        let since = now.micros.saturating_sub(self.renewed.load(Ordering::Relaxed));
        self.timed && since > i64::try_from(LATE.as_micros()).unwrap_or(i64::MAX)
    }

    /// Does the work and gives signs of life beside it. One that is on its way when the work is done is given to its end, so
    /// that no lock of the journal is left behind.
    pub async fn beside<T>(&self, journal: &Journal, claim: &Claim, world: &World, work: impl Future<Output = T>) -> T {
        let mut keeping = pin!(self.keep(journal, claim, world));
        let mut work = pin!(work);
        let done = poll_fn(|context| {
            // The signs of life never end.
            let _ = keeping.as_mut().poll(context);
            work.as_mut().poll(context)
        })
        .await;
        poll_fn(|context| {
            if !self.busy.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            let _ = keeping.as_mut().poll(context);
            if self.busy.load(Ordering::Relaxed) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        done
    }

    async fn keep(&self, journal: &Journal, claim: &Claim, world: &World) {
        loop {
            world.beat(BEAT).await;
            self.busy.store(true, Ordering::Relaxed);
            let given = journal.beat(claim, CLAIM).await;
            self.busy.store(false, Ordering::Relaxed);
            match given {
                Ok(_) => self.renewed.store(world.now().micros, Ordering::Relaxed),
                Err(JournalError::ClaimLost { .. }) => {
                    self.taken.store(true, Ordering::Relaxed);
                    break;
                }
                // The next one is tried all the same; meanwhile the time runs.
                Err(_) => {}
            }
        }
        pending().await
    }
}
