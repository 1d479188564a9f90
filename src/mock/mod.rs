//! APIs that play along: a YAML file in, an HTTP server on this machine out. For sandboxes, `trueup mock` and tests.
//!
//! `behind` (databases that an API stands in front of) is filled by whoever starts a mock.
//!
//! `model` (the file) → `check` → `play` (one call in, one reply out, no network) → `server` (sockets, faults). Knows
//! nothing of connections, playbooks or steps. `docs/mock.md` is the reference.

pub mod behind;
pub mod call;
pub mod check;
pub mod fault;
pub mod model;
pub mod play;
pub mod program;
pub mod record;
pub mod redis;
pub mod server;
pub mod worker;
mod token;

pub use behind::Behind;
pub use fault::Fault;
pub use model::{Credentials, Mock};
pub use record::Logged;
pub use server::{Running, StartError};

#[cfg(test)]
mod tests;
