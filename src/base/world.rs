//! Clock and identifiers, injected: nothing below `ops` asks the machine for the time or for randomness.

use super::time::Stamp;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

type Pause = dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// What a run may ask of the machine it runs on.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Fn() -> Stamp + Send + Sync>,
    ids: Arc<dyn Fn() -> uuid::Uuid + Send + Sync>,
    pause: Arc<Pause>,
    beat: Option<Arc<Pause>>,
}

impl World {
    /// The machine's own clock and random identifiers (UUID version 7: they sort by time).
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine; everything else gets a World")]
    pub fn real() -> World {
        World {
            clock: Arc::new(|| Stamp { micros: jiff::Timestamp::now().as_microsecond(), digits: 6 }),
            ids: Arc::new(uuid::Uuid::now_v7),
            pause: Arc::new(|length| Box::pin(tokio::time::sleep(length))),
            beat: Some(Arc::new(|length| Box::pin(tokio::time::sleep(length)))),
        }
    }

    /// A clock that moves only while somebody waits, pauses that take no time, and identifiers that count: for tests.
    pub fn fixed(now: Stamp) -> World {
        let (next, clock) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicI64::new(now.micros)));
        let waited = clock.clone();
        World {
            clock: Arc::new(move || Stamp { micros: clock.load(Ordering::Relaxed), digits: 6 }),
            ids: Arc::new(move || uuid::Uuid::from_u128(FIRST_ID + u128::from(next.fetch_add(1, Ordering::Relaxed)))),
            pause: Arc::new(move |length| {
                waited.fetch_add(i64::try_from(length.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
                Box::pin(std::future::ready(()))
            }),
            beat: None,
        }
    }

    /// The same world with a clock of the test's own.
    pub fn with_clock(self, clock: impl Fn() -> Stamp + Send + Sync + 'static) -> World {
        World { clock: Arc::new(clock), ..self }
    }

    /// The same world in which something else happens during a pause.
    pub fn with_pause<P>(self, pause: impl Fn(Duration) -> P + Send + Sync + 'static) -> World
    where
        P: Future<Output = ()> + Send + 'static,
    {
        World { pause: Arc::new(move |length| Box::pin(pause(length))), ..self }
    }

    /// The same world in which what is done beside other work is done when the test says so.
    pub fn with_beat<P>(self, beat: impl Fn(Duration) -> P + Send + Sync + 'static) -> World
    where
        P: Future<Output = ()> + Send + 'static,
    {
        World { beat: Some(Arc::new(move |length| Box::pin(beat(length)))), ..self }
    }

    /// Waits; the pauses between two attempts go through here, so that tests need not.
    pub fn pause(&self, length: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        (self.pause)(length)
    }

    /// Until the next thing is due that is done beside other work, such as a sign of life. It never is where no time passes
    /// beside the work.
    pub fn beat(&self, length: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.beat.as_ref().map_or_else(|| Box::pin(std::future::pending()) as Pin<Box<_>>, |beat| beat(length))
    }

    /// Time passes beside the work; under a clock that only pauses move it does not.
    pub fn has_beats(&self) -> bool {
        self.beat.is_some()
    }

    /// Now, in UTC.
    pub fn now(&self) -> Stamp {
        (self.clock)()
    }

    /// A new identifier.
    pub fn id(&self) -> uuid::Uuid {
        (self.ids)()
    }
}

/// Looks like a UUID of version 7, so that it passes wherever one is expected.
const FIRST_ID: u128 = 0x0190_0000_0000_7000_8000_0000_0000_0000;

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}
