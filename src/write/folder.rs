//! A folder that is held open, and what is done to the entries of it.
//!
//! A name is a single component. On Unix each step is taken from the open folder, and follows no link: a folder that
//! someone swaps for a link meanwhile leads nowhere. The standard library gives no such thing elsewhere: there paths are
//! resolved again for each step, after a look for links.

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

/// Who may see a file that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Nobody else, until it gets the permissions of another.
    Own,
    /// As any new file, less what the user's mask takes away.
    Default,
}

impl Folder {
    /// A folder below this one, by its path from here.
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

    /// A regular file's text, if it is no longer than what is asked for, and what the system says of it.
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

/// What the system says of an open file, which must be a regular one.
pub(super) fn regular(file: &File) -> io::Result<Metadata> {
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok(metadata),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Whether an error says that the system or the file system has no such function.
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

/// The folder of a file and the name of it there.
pub(super) fn split(real: &Path) -> Option<(&Path, &OsStr)> {
    Some((real.parent()?, real.file_name()?))
}

/// The names in a folder, in order.
pub(super) fn in_order(mut names: Vec<OsString>) -> Vec<OsString> {
    names.sort();
    names
}

/// The working directory as it really is, and a path from it where the path lies below.
pub(super) fn relative_to<'p>(here: &Path, real: &'p Path) -> Option<&'p Path> {
    real.strip_prefix(here).ok()
}

/// The topmost folder of a path, and the rest of the path.
pub(super) fn from_top(real: &Path) -> (PathBuf, PathBuf) {
    let is_top = |part: &Component<'_>| matches!(part, Component::Prefix(_) | Component::RootDir);
    let top = real.components().take_while(is_top).collect();
    let rest = real.components().skip_while(is_top).collect();
    (top, rest)
}
