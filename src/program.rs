//! Finds the programs that a command needs: on `PATH`, in absolute folders only.

use std::ffi::OsStr;
use std::path::PathBuf;

/// Returns the path of a program. Skips relative folders on `PATH`: `.` would be whatever folder regfix runs in.
pub fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&file))
        .find(|program| program.is_file())
}

/// Like [`find`], on the `PATH` of this process.
pub fn here(name: &str) -> Option<PathBuf> {
    find(name, &std::env::var_os("PATH").unwrap_or_default())
}
