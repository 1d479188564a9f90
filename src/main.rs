//! Arguments in, exit code out.

use std::process::ExitCode;

/// Values of many records are small and short-lived (docs/design/dependencies.md).
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    trueup::cli::main()
}
