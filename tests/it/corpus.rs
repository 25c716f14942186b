//! The trees of public repositories that some tests run over, where they are unpacked.

use std::path::PathBuf;

/// The folder that `REGFIX_CORPUS` names; where it names none, says that something is skipped for it.
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("REGFIX_CORPUS").map(PathBuf::from);
    let folder = named.filter(|folder| folder.is_dir());
    if folder.is_none() {
        println!("skipped: REGFIX_CORPUS names no folder of trees");
    }
    folder
}
