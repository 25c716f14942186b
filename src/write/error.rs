//! Why a file was not written, and what to do about it.
//!
//! Only words: what leads to them is for the writer to find out.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::printable;

/// The file is as it was, except after [`WriteError::Half`].
#[derive(Debug)]
pub enum WriteError {
    Unreadable {
        path: PathBuf,
        error: io::Error,
    },
    /// A link leads out of the roots.
    Outside {
        path: PathBuf,
        real: PathBuf,
    },
    /// A folder, a device, or something else that holds no text.
    NoFile {
        path: PathBuf,
    },
    Changed {
        path: PathBuf,
    },
    ReadOnly {
        path: PathBuf,
        /// What the system says, where it is not plain from the permissions.
        error: Option<io::Error>,
    },
    /// No file can be made beside the one to be replaced.
    Folder {
        path: PathBuf,
        folder: PathBuf,
        error: io::Error,
    },
    /// The new file could not be given to the owner of the old one.
    Owner {
        path: PathBuf,
        error: io::Error,
    },
    Failed {
        path: PathBuf,
        error: io::Error,
    },
    /// A report cannot be written where it should go.
    NoPlace {
        path: PathBuf,
        error: io::Error,
    },
    /// An extended attribute of the old file, such as its access list, could not be given to the new one.
    Attribute {
        path: PathBuf,
        name: OsString,
        error: io::Error,
    },
    /// Two names of one file that would get different texts.
    AtOdds {
        path: PathBuf,
        other: PathBuf,
    },
    /// An earlier run left something here that has to be repaired first.
    Unfinished {
        path: PathBuf,
        reason: String,
    },
    /// Of files that belong together some were written, and could not be put back.
    Half {
        error: Box<WriteError>,
        written: Vec<PathBuf>,
    },
}

impl WriteError {
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. }
            | Self::Outside { path, .. }
            | Self::NoFile { path }
            | Self::Changed { path }
            | Self::ReadOnly { path, .. }
            | Self::Folder { path, .. }
            | Self::Owner { path, .. }
            | Self::Failed { path, .. }
            | Self::NoPlace { path, .. }
            | Self::Attribute { path, .. }
            | Self::AtOdds { path, .. }
            | Self::Unfinished { path, .. } => path,
            Self::Half { error, .. } => error.path(),
        }
    }

    /// What happened and what to do, without the path.
    pub fn reason(&self) -> String {
        match self {
            Self::Unreadable { error, .. } => {
                format!(
                    "not written: it could not be read again: {error}; check that it exists, and run regfix again"
                )
            }
            Self::Outside { real, .. } => format!(
                "not written: it links to {}, outside of the given paths; pass that file to fix it",
                printable::path(real)
            ),
            Self::NoFile { .. } => {
                "not written: it is no longer a file; run regfix again".to_owned()
            }
            Self::Changed { .. } => {
                "not written: it changed since it was read; run regfix again".to_owned()
            }
            Self::ReadOnly { error, .. } => {
                let detail = error
                    .as_ref()
                    .map(|error| format!(" ({error})"))
                    .unwrap_or_default();
                format!(
                    "not written: it is read-only{detail}; make it writable, and run regfix again"
                )
            }
            Self::Folder { folder, error, .. } => {
                let advice =
                    room(error).unwrap_or("make that folder writable, and run regfix again");
                format!(
                    "not written: cannot create a file in {}: {error}; {advice}",
                    printable::path(folder)
                )
            }
            Self::Owner { error, .. } => {
                format!(
                    "not written: its owner or group could not be kept: {error}; run regfix as its owner"
                )
            }
            Self::Failed { error, .. } => {
                let advice = room(error).unwrap_or("the file is unchanged");
                format!("not written: {error}; {advice}")
            }
            Self::NoPlace { error, .. } => {
                let advice = match error.kind() {
                    io::ErrorKind::NotFound => "create its folder first",
                    io::ErrorKind::IsADirectory => "that is a folder: name a file in it",
                    _ => "make its folder writable",
                };
                format!("cannot be written: {error}; {advice}")
            }
            Self::Half { error, written } => {
                let written: Vec<_> = written.iter().map(|path| printable::path(path)).collect();
                format!(
                    "{}; files that belong to it are already written: {}; run regfix --write again to finish, or restore them by hand",
                    error.reason(),
                    written.join(", ")
                )
            }
            Self::Attribute { name, error, .. } => {
                let what = match name.to_string_lossy() {
                    name if name.starts_with("system.posix_acl") => "access list".to_owned(),
                    name if name.is_empty() => "extended attributes".to_owned(),
                    name => format!("extended attribute {name}"),
                };
                format!(
                    "not written: its {what} could not be kept: {error}; remove that, or run regfix as a user who may set it"
                )
            }
            Self::AtOdds { other, .. } => {
                format!(
                    "not written: {} is another name of the same file (hard link) and would get a different text; make them two files",
                    printable::path(other)
                )
            }
            Self::Unfinished { reason, .. } => format!("not written: {reason}"),
        }
    }
}

/// What to do about an error that more room would cure.
fn room(error: &io::Error) -> Option<&'static str> {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    );
    full.then_some("the file is unchanged; free some disk space, and run regfix again")
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", printable::path(self.path()), self.reason())
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { error, .. }
            | Self::Folder { error, .. }
            | Self::Owner { error, .. }
            | Self::Failed { error, .. }
            | Self::NoPlace { error, .. }
            | Self::Attribute { error, .. } => Some(error),
            Self::ReadOnly { error, .. } => error.as_ref().map(|error| error as _),
            Self::Half { error, .. } => Some(error),
            Self::Outside { .. }
            | Self::NoFile { .. }
            | Self::Changed { .. }
            | Self::AtOdds { .. }
            | Self::Unfinished { .. } => None,
        }
    }
}
