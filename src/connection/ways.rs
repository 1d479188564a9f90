//! The ways to a server that cost no new connection: those that rest after an earlier handle, and one that was begun before it
//! was needed. What makes a connection fit to rest is each database's own business.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Handle, Id},
    task::JoinHandle,
};

/// A connection that rests longer is closed: by then a proxy may have cut it, or the tables may have changed under the
/// statements that it has prepared.
const REST: Duration = Duration::from_secs(5);

/// More than this many rest at no time: as many as one process works with at once, which is 64 changes, and what is read beside them.
const MOST: usize = 96;

/// A connection on its way. Dropping the handle lets the task end, and that closes the connection.
pub(super) type Connecting<C, E> = JoinHandle<Result<C, E>>;

/// The ways to one address, with one role. Handles of both roles share them when there is only one address.
#[derive(Debug)]
pub(super) struct Ways<C, E>(Arc<Mutex<Known<C, E>>>);

#[derive(Debug)]
struct Known<C, E> {
    /// Begun before it was needed: given away once.
    coming: Option<Connecting<C, E>>,
    /// Connections of earlier handles, the youngest last: their transactions ended, and the server said so. With the runtime that watches over them.
    resting: Vec<(C, Instant, Option<Id>)>,
    /// How many handles are open.
    out: usize,
}

impl<C, E> Clone for Ways<C, E> {
    fn clone(&self) -> Self {
        Ways(self.0.clone())
    }
}

impl<C, E> Default for Ways<C, E> {
    fn default() -> Self {
        Ways(Arc::new(Mutex::new(Known { coming: None, resting: Vec::new(), out: 0 })))
    }
}

impl<C, E> Ways<C, E> {
    /// Begins to connect, unless that is of no use: a handle that is open now gives its connection back before the expected
    /// one is needed.
    pub fn expect(&self, connect: impl FnOnce() -> Connecting<C, E>) {
        let mut known = self.known();
        if known.coming.is_none() && known.resting.is_empty() && known.out == 0 {
            known.coming = Some(connect());
        }
    }

    /// The youngest that rests, of this runtime: each answer to one of another would wake two threads.
    pub fn rested(&self) -> Option<C> {
        let here = here();
        let mut known = self.known();
        known.resting.retain(|(_, since, _)| since.elapsed() < REST);
        let youngest = known.resting.iter().rposition(|(.., of)| *of == here)?;
        Some(known.resting.remove(youngest).0)
    }

    /// The one that was begun ahead.
    pub fn coming(&self) -> Option<Connecting<C, E>> {
        self.known().coming.take()
    }

    /// A handle opens.
    pub fn guest(&self) -> Guest<C, E> {
        self.known().out += 1;
        Guest { ways: self.clone() }
    }

    fn known(&self) -> MutexGuard<'_, Known<C, E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn here() -> Option<Id> {
    Handle::try_current().ok().map(|handle| handle.id())
}

/// An open handle, as it is counted.
#[derive(Debug)]
pub(super) struct Guest<C, E> {
    ways: Ways<C, E>,
}

impl<C, E> Guest<C, E> {
    /// The connection stands outside every transaction and nothing of its handle is left: the next handle may have it.
    pub fn leave(self, connection: C) {
        let mut known = self.ways.known();
        if known.resting.len() < MOST {
            known.resting.push((connection, Instant::now(), here()));
        }
    }
}

impl<C, E> Drop for Guest<C, E> {
    fn drop(&mut self) {
        let mut known = self.ways.known();
        known.out = known.out.saturating_sub(1);
    }
}
