//! Named moments of the protocol at which a test may end the process as a crash would. Nothing in a release build.
//!
//! The only state of the house that belongs to the process: a crash belongs to a process as well.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many moments are left until the end; 0 is never.
static LEFT: AtomicU64 = AtomicU64::new(0);

/// From now on the process ends itself at the `nth` moment (from 1), with SIGKILL: nothing is cleaned up, nothing is said.
/// Debug builds only; a release build has no such way.
pub fn arm(nth: u64) {
    LEFT.store(nth, Ordering::SeqCst);
}

/// Called at each boundary of the protocol: before and after each durable write, and around each effect.
pub fn reached(name: &'static str) {
    if cfg!(debug_assertions) && LEFT.load(Ordering::SeqCst) > 0 && LEFT.fetch_sub(1, Ordering::SeqCst) == 1 {
        die(name);
    }
}

/// SIGKILL cannot be caught, so this returns only where there is no `kill`; then the process aborts, which is a crash too.
fn die(_name: &'static str) {
    let this = std::process::id().to_string();
    let _ = std::process::Command::new("kill").args(["-KILL", &this]).status();
    std::process::abort();
}
