//! A stand-in for the Redis of a Sidekiq, for tests of playbooks: the commands that trueup sends, on a socket, and workers that
//! take jobs when the clock of the test says so.
//!
//! What it does not imitate: other commands and other scripts (each is refused by name), passwords, TLS, keys that expire,
//! persistence, replicas, and running out of memory. `wire` (the protocol) → `store` (keys) → `workers`.

mod store;
mod wire;
mod workers;

pub use store::{Held, Store};
pub use workers::{Deed, Fate, Worker};

use crate::base::{time::Stamp, world::World};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::{net::TcpListener, task::JoinHandle};

/// A stand-in that listens. Dropping it ends it.
#[derive(Debug)]
pub struct Queues {
    port: u16,
    store: Shared,
    server: JoinHandle<()>,
}

/// What it holds.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Mutex<Store>>);

impl Shared {
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Workers take what is theirs by now; gives what they do besides.
    pub fn work(&self, workers: &[Worker], now: Stamp) -> Vec<Deed> {
        workers::work(&mut self.store(), workers, now)
    }
}

impl Queues {
    /// Starts one that holds this. Needs a tokio runtime.
    pub async fn start(store: Store, world: World) -> std::io::Result<Queues> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let store = Shared(Arc::new(Mutex::new(store)));
        let server = tokio::spawn(wire::serve(listener, store.clone(), world));
        Ok(Queues { port, store, server })
    }

    /// `redis://127.0.0.1:PORT/0`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// What it holds.
    pub fn shared(&self) -> Shared {
        self.store.clone()
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[cfg(test)]
mod tests;
