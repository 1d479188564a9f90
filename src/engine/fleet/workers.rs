//! Threads that carry sets of items out, beside the one on which everything else goes on. A set is taken apart, compared and recorded by
//! the processor more than it waits for its database, so one thread leaves half of a small machine idle.

use std::{
    future::pending,
    io,
    sync::{OnceLock, mpsc::sync_channel},
    thread::{Builder, available_parallelism},
};
use tokio::runtime::{self, Handle};

/// More were not faster on the machines at hand, and each takes memory.
const THREADS: usize = 2;

/// Where sets are carried out: by default on the thread that asks for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Workers {
    stack: Option<usize>,
}

impl Workers {
    /// On threads of the process, which begin when they are first needed and stay; each with a stack of so many bytes.
    pub fn of_process(stack: usize) -> Workers {
        Workers { stack: Some(stack) }
    }

    /// The threads; none where the machine has one processor, or does not give that many.
    pub fn threads(self) -> &'static [Handle] {
        static THREADS_OF_PROCESS: OnceLock<Vec<Handle>> = OnceLock::new();
        let enough = || available_parallelism().is_ok_and(|threads| threads.get() >= THREADS);
        match self.stack {
            Some(stack) if enough() => THREADS_OF_PROCESS.get_or_init(|| {
                let threads = if has_room(stack) { THREADS } else { 0 };
                (0..threads).map(|_| begin(stack)).collect::<io::Result<_>>().unwrap_or_default()
            }),
            _ => &[],
        }
    }
}

/// What the allocator may map for a thread of its own, and what has to be left for the run itself.
const ARENA: u64 = 64 << 20;
const LEFT: u64 = 64 << 20;

/// Under a limit of addresses the threads must not take what the run needs besides: they could be begun, and the next allocation ends the process.
#[cfg(unix)]
fn has_room(stack: usize) -> bool {
    use rustix::process::{Resource, getrlimit};
    let Some(most) = getrlimit(Resource::As).current else { return true };
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let used =
        status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    // Where the system does not tell, a thread that cannot be begun says it.
    used.is_none_or(|used: u64| {
        let wanted = THREADS as u64 * (stack as u64 + ARENA) + LEFT;
        most.saturating_sub(used * 1024) >= wanted
    })
}

#[cfg(not(unix))]
fn has_room(_: usize) -> bool {
    true
}

/// A thread that does what it is handed. Each is a runtime of its own: one for both would give every helper of theirs a stack as large, and
/// panics where the machine has no room for a thread. Never ended: a connection that rests belongs to the thread that opened it, whoever uses
/// it next.
fn begin(stack: usize) -> io::Result<Handle> {
    let (tell, begun) = sync_channel(1);
    // Made there: a runtime must not end, as where no thread is to be had, inside of another one.
    let work = move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let told = tell.send(runtime.as_ref().map(|runtime| runtime.handle().clone()).map_err(io::Error::kind));
        if let (Ok(runtime), Ok(())) = (runtime, told) {
            runtime.block_on(pending::<()>());
        }
    };
    Builder::new().name("sets".into()).stack_size(stack).spawn(work)?;
    Ok(begun.recv().map_err(io::Error::other)??)
}
