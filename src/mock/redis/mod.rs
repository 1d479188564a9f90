//! A stand-in for the Redis of a Sidekiq, for tests of playbooks: the commands that trueup sends, on a socket. Who takes jobs out of
//! it works through the same looks and the same script as at a real Redis.
//!
//! What it does not imitate: other commands and other scripts (each is refused by name), passwords, TLS, keys that expire,
//! persistence, replicas, and running out of memory. `wire` (the protocol) → `store` (keys).

mod store;
mod wire;

pub use store::Store;

use crate::base::world::World;
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

    /// Somebody else takes jobs away and brings others, at once. Gives the ids of those that were not there; then nothing is done.
    pub fn meddle(&self, delete: &[&str], add: Store) -> Vec<String> {
        let mut store = self.store.store();
        let mut rest = store.clone();
        let missing = delete.iter().filter(|jid| !rest.remove(jid)).map(|jid| (*jid).to_owned()).collect::<Vec<_>>();
        if missing.is_empty() {
            rest.take_in(add);
            *store = rest;
        }
        missing
    }

    /// `redis://127.0.0.1:PORT/0`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[cfg(test)]
mod tests;
