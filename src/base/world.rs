//! Clock and identifiers, injected: nothing below `ops` asks the machine for the time or for randomness.

use super::time::Stamp;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// What a run may ask of the machine it runs on.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Fn() -> Stamp + Send + Sync>,
    ids: Arc<dyn Fn() -> uuid::Uuid + Send + Sync>,
}

impl World {
    /// The machine's own clock and random identifiers (UUID version 7: they sort by time).
    pub fn real() -> World {
        World {
            clock: Arc::new(|| Stamp { micros: jiff::Timestamp::now().as_microsecond(), digits: 6 }),
            ids: Arc::new(uuid::Uuid::now_v7),
        }
    }

    /// A clock that stands still and identifiers that count: for tests and transcripts.
    pub fn fixed(now: Stamp) -> World {
        let next = Arc::new(AtomicU64::new(1));
        World {
            clock: Arc::new(move || now),
            ids: Arc::new(move || {
                uuid::Uuid::from_u128(
                    0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(next.fetch_add(1, Ordering::Relaxed)),
                )
            }),
        }
    }

    /// This clock and the machine's identifiers.
    pub fn at(clock: impl Fn() -> Stamp + Send + Sync + 'static) -> World {
        World { clock: Arc::new(clock), ..World::real() }
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

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}
