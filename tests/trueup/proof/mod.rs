//! Proofs: the machine that tries to break the promises of `docs/guarantees.md`. Real processes, real signals, real
//! servers; each counts the faults that it really injected, and fails when there were none. `scripts/prove` runs them all
//! and prints their figures as one table; `docs/proof.md` says what each one proves.

mod calls;
mod commits;
mod crashes;
mod dice;
pub mod figures;
mod history;
mod judge;
mod mariadb;
pub mod process;
pub mod proxy;
mod procedures;
mod protocol;
mod restarts;
mod rivals;
pub mod server;
pub mod full_disk;
mod order;
mod cancelled;
mod stub;
mod undone;
mod world;
