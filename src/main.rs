//! Arguments in, exit code out.

use std::process::ExitCode;

/// A third of the processor time of many items was that of the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    trueup::cli::main()
}
