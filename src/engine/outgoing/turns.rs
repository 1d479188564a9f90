//! Items that go in sets and call an API take turns: a run has more of them under way than may call at the same time.

use crate::base::world::World;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Semaphore;

/// Items that wait for one another's calls lose more by it than they share when one takes longer than this, in microseconds. The wait for its
/// turn does not count: meanwhile others call.
const LONG: i64 = 50_000;

/// The turns of a run, as the items of one set take them.
#[derive(Debug)]
pub struct Turns {
    free: Arc<Semaphore>,
    slow: AtomicBool,
}

impl Turns {
    /// So many calls at the same time.
    pub fn new(at_once: usize) -> Turns {
        Turns { free: Arc::new(Semaphore::new(at_once)), slow: AtomicBool::new(false) }
    }

    /// The same turns for another set, of which no call was slow so far.
    pub fn of_set(&self) -> Turns {
        Turns { free: self.free.clone(), slow: AtomicBool::new(false) }
    }

    /// Waits for its turn, and calls. Nothing else may be waited for meanwhile that others wait for.
    pub(super) async fn take<T>(&self, world: &World, call: impl Future<Output = T>) -> T {
        // It is never closed.
        let _turn = self.free.acquire().await;
        let began = world.now().micros;
        let came = call.await;
        if world.now().micros - began > LONG {
            self.is_slow();
        }
        came
    }

    /// All of a set wait for a call of one: it takes long, or is tried again after a pause.
    pub(super) fn is_slow(&self) {
        self.slow.store(true, Ordering::Relaxed);
    }

    /// All of the set waited for a call of one.
    pub fn were_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Stamp;
    use std::sync::atomic::AtomicI64;
    use tokio::sync::oneshot;

    /// A call of a set that takes so long by the clock, which the test sets; it waits until it may end.
    async fn call(turns: &Turns, world: &World, clock: &AtomicI64, millis: i64, may_end: oneshot::Receiver<()>) {
        let call = async {
            may_end.await.unwrap();
            clock.fetch_add(millis * 1_000, Ordering::SeqCst);
        };
        turns.take(world, call).await;
    }

    #[test]
    fn a_long_call_makes_its_set_a_slow_one_and_a_long_wait_for_a_turn_does_not() {
        let clock = Arc::new(AtomicI64::new(0));
        let now = clock.clone();
        let world = World::real().with_clock(move || Stamp { micros: now.load(Ordering::SeqCst), digits: 6 });
        let of_run = Turns::new(1);
        let (long, quick, again) = (of_run.of_set(), of_run.of_set(), of_run.of_set());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (end_long, long_may_end) = oneshot::channel();
            let (end_quick, quick_may_end) = oneshot::channel();
            let waits = async {
                // The first has the only turn by now, and the second stands behind it.
                tokio::task::yield_now().await;
                assert_eq!(of_run.free.available_permits(), 0);
                end_quick.send(()).unwrap();
                end_long.send(()).unwrap();
            };
            tokio::join!(
                call(&long, &world, &clock, 60, long_may_end),
                call(&quick, &world, &clock, 50, quick_may_end),
                waits
            );
        });
        again.is_slow();
        assert_eq!([&long, &quick, &again, &of_run].map(Turns::were_slow), [true, false, true, false]);
    }
}
