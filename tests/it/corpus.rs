//! The trees of public repositories that some tests run over, if they are unpacked here.

use std::path::PathBuf;

/// Returns the folder that `REGFIX_CORPUS` names. If it names none, prints that tests are skipped.
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("REGFIX_CORPUS").map(PathBuf::from);
    let folder = named.filter(|folder| folder.is_dir());
    if folder.is_none() {
        println!("skipped: REGFIX_CORPUS names no folder of trees");
    }
    folder
}
