//! Single looks at what lies beside the files of a walk, whatever git ignores.
//!
//! Reads no file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Where the process is; where that is not known, paths stay relative.
pub fn working_directory() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

/// A path with its links resolved, if there is anything.
pub fn real(path: &Path) -> Option<PathBuf> {
    named(path).canonicalize().ok()
}

/// An empty path is the working directory, to everyone but the system.
pub(super) fn named(path: &Path) -> &Path {
    match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    }
}

/// What is at a path, the last link of it not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    Folder,
    /// Or a device, or whatever else is no folder.
    File,
    Link {
        to_folder: bool,
    },
    /// The system does not say.
    Unreadable,
}

/// Looks at a path once, and a second time where it is a link. `None` where there is nothing, or a link to nothing.
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

/// Whether there is something at a path, be it a link to nothing.
pub fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether an error says that there is nothing at a path. All others leave open what is there.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Whether there is a folder or something else, if anything.
pub fn is_folder(path: &Path) -> Option<bool> {
    let metadata = fs::metadata(path).ok()?;
    Some(metadata.is_dir())
}

/// What a file is known by, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u64, u64);

/// What the file is at the end of all links, where the system numbers files.
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

/// Whether a file may not be written by its permissions.
pub fn is_read_only(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().readonly())
}

/// What lies in a folder, in the order of names, with what is hidden or ignored.
pub fn list(folder: &Path) -> Vec<PathBuf> {
    // The working directory may have an empty path, as the parent of a file in it has.
    let is_here = folder.as_os_str().is_empty();
    let named = if is_here { Path::new(".") } else { folder };
    let entries = WalkDir::new(named).min_depth(1).max_depth(1);
    let entries = entries.sort_by_file_name().into_iter().flatten();
    let entries = entries.map(|entry| folder.join(entry.file_name()));
    entries.collect()
}
