//! Checks single paths outside of a walk, even those that git ignores.
//!
//! Reads no files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Returns the working directory. If it is not known, it is empty, so that paths stay relative.
pub fn working_directory() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

/// Returns a path with its links resolved, if there is anything.
pub fn real(path: &Path) -> Option<PathBuf> {
    named(path).canonicalize().ok()
}

/// Returns `.` for an empty path, which the system does not accept as the working directory.
pub(super) fn named(path: &Path) -> &Path {
    match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    }
}

/// What is at a path. A link at its end is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    Folder,
    /// A file, a device, or anything else that is not a folder.
    File,
    Link {
        to_folder: bool,
    },
    /// The system does not say what is there.
    Unreadable,
}

/// Returns what is at a path. `None` if there is nothing, or a broken link.
pub fn look(path: &Path) -> Option<EntryKind> {
    let path = named(path);
    let found = fs::symlink_metadata(path).and_then(|metadata| {
        Ok(match metadata.is_symlink() {
            true => EntryKind::Link {
                to_folder: fs::metadata(path)?.is_dir(),
            },
            false if metadata.is_dir() => EntryKind::Folder,
            false => EntryKind::File,
        })
    });
    match found {
        Ok(entry) => Some(entry),
        Err(error) if is_missing(&error) => None,
        Err(_) => Some(EntryKind::Unreadable),
    }
}

/// Whether there is something at a path, even a broken link.
pub fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether an error means that there is nothing at a path. Other errors do not say what is there.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Whether a path is a folder. `None` if there is nothing.
pub fn is_folder(path: &Path) -> Option<bool> {
    let metadata = fs::metadata(path).ok()?;
    Some(metadata.is_dir())
}

/// The identity of a file, independent of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u64, u64);

/// Returns the identity of a file, with all links followed. `None` if there is nothing, or the system does not number files.
pub fn file_id(path: &Path) -> Option<FileId> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(path).ok()?;
        Some(FileId(metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// Whether the permissions of a file forbid writing.
pub fn is_read_only(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().readonly())
}

/// Lists a folder, in the order of names. Includes what is hidden or ignored.
pub fn list(folder: &Path) -> Vec<PathBuf> {
    // The working directory may have an empty path, as the parent of a file in it has.
    let is_here = folder.as_os_str().is_empty();
    let named = if is_here { Path::new(".") } else { folder };
    let entries = WalkDir::new(named).min_depth(1).max_depth(1);
    let entries = entries.sort_by_file_name().into_iter().flatten();
    let entries = entries.map(|entry| folder.join(entry.file_name()));
    entries.collect()
}
