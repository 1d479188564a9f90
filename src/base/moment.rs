//! Named moments of the protocol at which a test may end or freeze the process, as a crash or a sleeping machine would.
//! Nothing in a release build.
//!
//! The only state of the house that belongs to the process: a crash belongs to a process as well.

use std::{
    fs::File,
    io::Write,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// What happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// SIGKILL: nothing is cleaned up, nothing is said, no other thread goes on.
    Kill,
    /// SIGSTOP: the process stands still until somebody sends SIGCONT.
    Freeze,
}

/// What a test wants of this process.
#[derive(Debug, Default)]
pub struct Plan {
    /// At the nth moment, from 1.
    pub at: Option<(u64, Deed)>,
    /// Gets a line with the name of each moment that is reached.
    pub names: Option<File>,
}

static PLAN: OnceLock<Plan> = OnceLock::new();
static REACHED: AtomicU64 = AtomicU64::new(0);

/// From now on moments count. Debug builds only; a release build has no such way. The first plan of a process stays.
pub fn arm(plan: Plan) {
    if cfg!(debug_assertions) {
        let _ = PLAN.set(plan);
    }
}

/// Called at each boundary of the protocol: before and after each durable write, and around each effect.
pub fn reached(name: &'static str) {
    if !cfg!(debug_assertions) {
        return;
    }
    let Some(plan) = PLAN.get() else { return };
    let count = REACHED.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(mut names) = plan.names.as_ref() {
        // One write, so that lines of two threads do not mix. A list that cannot be written is missed by the test itself.
        let _ = names.write_all(format!("{name}\n").as_bytes());
    }
    match plan.at {
        Some((at, deed)) if at == count => fall(deed),
        _ => {}
    }
}

/// One system call, not a program: other threads must not get further meanwhile. The signal is delivered before the call
/// returns.
#[cfg(unix)]
fn fall(deed: Deed) {
    use rustix::process::{Signal, getpid, kill_process};
    let signal = match deed {
        Deed::Kill => Signal::KILL,
        Deed::Freeze => Signal::STOP,
    };
    if kill_process(getpid(), signal).is_err() {
        std::process::abort();
    }
}

/// Without signals an abort is the nearest thing to a crash.
#[cfg(not(unix))]
fn fall(_deed: Deed) {
    std::process::abort();
}
