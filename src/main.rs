//! The binary: see `regfix::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(regfix::cli::main().code())
}
