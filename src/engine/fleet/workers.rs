//! Threads that carry sets of items out, beside the one on which everything else goes on. A set is taken apart, compared and recorded by
//! the processor more than it waits for its database, so one thread leaves half of a small machine idle.

use std::{sync::OnceLock, thread::available_parallelism};
use tokio::runtime::{Builder, Handle, Runtime};

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

    /// The threads; none where the machine has one processor, or gives no more threads.
    pub fn threads(self) -> Option<Handle> {
        static THREADS_OF_PROCESS: OnceLock<Option<Runtime>> = OnceLock::new();
        let stack = self.stack.filter(|_| available_parallelism().is_ok_and(|threads| threads.get() >= THREADS))?;
        let begin =
            || Builder::new_multi_thread().worker_threads(THREADS).thread_stack_size(stack).enable_all().build();
        // Never ended: a connection that rests belongs to the thread that opened it, whoever uses it next.
        THREADS_OF_PROCESS.get_or_init(|| begin().ok()).as_ref().map(|runtime| runtime.handle().clone())
    }
}
