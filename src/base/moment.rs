//! Named moments of the protocol at which something may be cut off. A test may end or freeze the process there, as a crash or a
//! sleeping machine would: nothing of that in a release build. And a thread that stands for a process may fall there
//! ([`Cut`]): tests of playbooks do that, in every build.
//!
//! The only state of the house that belongs to the process, or to a thread: so does a crash.

use std::{
    cell::RefCell,
    fs::File,
    io::Write,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
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
/// How many moments were reached. Held until the name is written and the deed is done: the last name of a process that was killed
/// is the moment at which it was, whatever its other threads do.
static REACHED: Mutex<u64> = Mutex::new(0);

/// From now on moments count. Debug builds only; a release build has no such way. The first plan of a process stays.
pub fn arm(plan: Plan) {
    if cfg!(debug_assertions) {
        let _ = PLAN.set(plan);
    }
}

/// Where a thread that stands for a process falls: nothing of what it has in memory is left, and everything that it has written
/// or sent stays. Everything that the thread does after that falls as well, so that nothing gets further.
#[derive(Debug, Default)]
pub struct Cut {
    /// At the nth boundary, from 1; 0: nowhere, they are only counted.
    at: u64,
    counts: AtomicBool,
    reached: AtomicU64,
    fallen: AtomicBool,
    names: Mutex<Vec<&'static str>>,
}

/// The moments between which something becomes durable or leaves. Whoever comes after a process cannot tell the others from
/// these: between them only memory changes, and what a database rolls back.
const BOUNDARIES: [&str; 5] =
    ["before the journal's COMMIT", "before a request", "before a message", "before COMMIT", "COMMIT sent"];

thread_local! {
    static CUT: RefCell<Option<Arc<Cut>>> = const { RefCell::new(None) };
}

impl Cut {
    /// At the nth boundary after [`Cut::count`].
    pub fn at(at: u64) -> Arc<Cut> {
        Arc::new(Cut { at, ..Cut::default() })
    }

    /// From now on boundaries count.
    pub fn count(&self) {
        self.counts.store(true, Ordering::SeqCst);
    }

    /// It has fallen.
    pub fn has_fallen(&self) -> bool {
        self.fallen.load(Ordering::SeqCst)
    }

    /// The boundaries that were reached, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reached(&self, name: &'static str) {
        if !self.has_fallen() {
            if !self.counts.load(Ordering::SeqCst) || !BOUNDARIES.contains(&name) {
                return;
            }
            self.names.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            if self.reached.fetch_add(1, Ordering::SeqCst) + 1 != self.at {
                return;
            }
            self.fallen.store(true, Ordering::SeqCst);
        }
        // Unwinding drops all that the thread holds. No hook is called: it is no mistake of anybody.
        if !std::thread::panicking() {
            std::panic::resume_unwind(Box::new("cut off by a test"));
        }
    }
}

/// Runs `work` on this thread with boundaries at which it may fall.
pub fn with_cut<T>(cut: Arc<Cut>, work: impl FnOnce() -> T) -> T {
    CUT.with(|place| *place.borrow_mut() = Some(cut));
    work()
}

/// This thread stands for a process: what it begins must not go on elsewhere when it falls.
pub fn stands_for_a_process() -> bool {
    CUT.with(|place| place.borrow().is_some())
}

/// Called at each boundary of the protocol: before and after each durable write, and around each effect.
pub fn reached(name: &'static str) {
    let cut = CUT.with(|place| place.borrow().clone());
    if let Some(cut) = cut {
        cut.reached(name);
    }
    if !cfg!(debug_assertions) {
        return;
    }
    let Some(plan) = PLAN.get() else { return };
    let mut count = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    *count += 1;
    if let Some(mut names) = plan.names.as_ref() {
        // A list that cannot be written is missed by the test itself.
        let _ = names.write_all(format!("{name}\n").as_bytes());
    }
    match plan.at {
        Some((at, deed)) if at == *count => fall(deed),
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
