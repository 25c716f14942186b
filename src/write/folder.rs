//! A folder that is held open, and the operations on its entries.
//!
//! A name is a single component. On Unix each operation starts from the open folder and follows no link, so it does not matter
//! if someone swaps a folder for a link meanwhile. On other systems the standard library has no such functions: paths are
//! resolved again for each operation, after a check for links.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

#[cfg(unix)]
#[path = "folder/unix.rs"]
mod system;
#[cfg(not(unix))]
#[path = "folder/portable.rs"]
mod system;

pub(super) use system::Folder;

/// Who may access a file that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Only the user, until it gets the permissions of another file.
    Own,
    /// The default for new files, limited by the user's umask.
    Default,
}

impl Folder {
    /// Opens a folder below this one, by its relative path.
    pub(super) fn below(&self, path: &Path) -> io::Result<Self> {
        let mut folder = self.again()?;
        for component in path.components() {
            match component {
                Component::Normal(name) => folder = folder.child(name)?,
                Component::CurDir => {}
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            }
        }
        Ok(folder)
    }

    /// Reads a regular file of at most `limit` bytes. Also returns its metadata.
    pub(super) fn read(&self, name: &OsStr, limit: u64) -> io::Result<(Vec<u8>, Metadata)> {
        let file = self.open(name)?;
        let metadata = regular(&file)?;
        let mut bytes =
            Vec::with_capacity(usize::try_from(metadata.len().min(limit)).unwrap_or(0) + 1);
        io::Read::read_to_end(&mut io::Read::take(file, limit + 1), &mut bytes)?;
        match bytes.len() as u64 > limit {
            true => Err(io::ErrorKind::FileTooLarge.into()),
            false => Ok((bytes, metadata)),
        }
    }
}

/// Returns the metadata of an open file. Fails if it is not a regular file.
pub(super) fn regular(file: &File) -> io::Result<Metadata> {
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok(metadata),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Whether an error may mean that the system or the file system does not support an operation.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::TooManyLinks
            | io::ErrorKind::CrossesDevices
    )
}

/// Splits the path of a file into its folder and its name.
pub(super) fn split(real: &Path) -> Option<(&Path, &OsStr)> {
    Some((real.parent()?, real.file_name()?))
}

pub(super) fn in_order(mut names: Vec<OsString>) -> Vec<OsString> {
    names.sort();
    names
}

/// Returns a path relative to the working directory `here`, if it is below it.
pub(super) fn relative_to<'p>(here: &Path, real: &'p Path) -> Option<&'p Path> {
    real.strip_prefix(here).ok()
}

/// Splits a path into its topmost folder and the rest.
pub(super) fn from_top(real: &Path) -> (PathBuf, PathBuf) {
    let is_top = |part: &Component<'_>| matches!(part, Component::Prefix(_) | Component::RootDir);
    let top = real.components().take_while(is_top).collect();
    let rest = real.components().skip_while(is_top).collect();
    (top, rest)
}
