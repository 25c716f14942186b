//! The binary: see `regfix::cli`.

use std::process::ExitCode;

/// Used only if the allocator of the system is slow.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(regfix::cli::main().code())
}
