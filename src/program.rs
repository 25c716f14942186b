//! Finds the programs that a command of the user's needs: on `PATH`, in absolute folders alone.

use std::ffi::OsStr;
use std::path::PathBuf;

/// The program of a name. `.` on `PATH` would be whatever folder regfix runs in: such parts are passed over.
pub fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&file))
        .find(|program| program.is_file())
}

/// The same, on the `PATH` of this process.
pub fn here(name: &str) -> Option<PathBuf> {
    find(name, &std::env::var_os("PATH").unwrap_or_default())
}
