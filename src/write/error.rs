//! Why a file was not written, and what to do about it.
//!
//! Has only the messages: the writer finds out what is wrong.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::printable;

/// The error for a file that was not written. The file is unchanged, except after [`Cause::Half`].
#[derive(Debug, Error)]
#[error("{}: {cause}", printable::path(path))]
pub struct WriteError {
    path: PathBuf,
    #[source]
    pub(super) cause: Cause,
}

/// What happened and what to do, without the path.
#[derive(Debug, Error)]
pub enum Cause {
    #[error(
        "not written: it could not be read again: {0}; check that it exists, and run regfix again"
    )]
    Unreadable(#[source] io::Error),
    /// A link leads out of the roots, to this path.
    #[error("not written: it links to {}, outside of the given paths; pass that file to fix it", printable::path(.0))]
    Outside(PathBuf),
    /// A folder, a device, or something else that holds no text.
    #[error("not written: it is no longer a file; run regfix again")]
    NoFile,
    #[error("not written: it changed since it was read; run regfix again")]
    Changed,
    /// The file is read-only. Has the system's error if the permissions do not show that.
    #[error("not written: it is read-only{}; make it writable, and run regfix again", detail(.0.as_ref()))]
    ReadOnly(#[source] Option<io::Error>),
    /// No file can be made beside the one to replace.
    #[error(
        "not written: cannot create a file in {}: {error}; {}",
        printable::path(folder),
        room(error).unwrap_or("make that folder writable, and run regfix again")
    )]
    Folder {
        folder: PathBuf,
        #[source]
        error: io::Error,
    },
    /// The new file could not be given to the owner of the old one.
    #[error("not written: its owner or group could not be kept: {0}; run regfix as its owner")]
    Owner(#[source] io::Error),
    #[error("{}", failed(.0))]
    Failed(#[source] io::Error),
    /// A report cannot be written where it should go.
    #[error("{}", no_place(.0))]
    NoPlace(#[source] io::Error),
    /// An extended attribute of the old file, such as its access list, could not be given to the new one.
    #[error(
        "not written: its {} could not be kept: {error}; remove that, or run regfix as a user who may set it",
        attribute(name)
    )]
    Attribute {
        name: OsString,
        #[source]
        error: io::Error,
    },
    /// Another name of the file that would get a different text.
    #[error(
        "not written: {} is another name of the same file (hard link) and would get a different text; make them two files",
        printable::path(.0)
    )]
    AtOdds(PathBuf),
    /// An earlier run left something here that has to be repaired first.
    #[error("not written: {0}")]
    Unfinished(String),
    /// Some files of a group were written, and could not be put back.
    #[error(
        "{cause}; files that belong to it are already written: {}; run regfix --write again to finish, or restore them by hand",
        list(written)
    )]
    Half {
        #[source]
        cause: Box<Cause>,
        written: Vec<PathBuf>,
    },
}

impl WriteError {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds the files of the group that were written and could not be put back.
    pub(super) fn half(self, written: Vec<PathBuf>) -> Self {
        let cause = Box::new(self.cause);
        Cause::Half { cause, written }.at(&self.path)
    }
}

impl Cause {
    pub(crate) fn at(self, path: &Path) -> WriteError {
        WriteError {
            path: path.to_owned(),
            cause: self,
        }
    }
}

fn detail(error: Option<&io::Error>) -> String {
    error.map_or_else(String::new, |error| format!(" ({error})"))
}

fn failed(error: &io::Error) -> String {
    let advice = room(error).unwrap_or("the file is unchanged");
    format!("not written: {error}; {advice}")
}

fn no_place(error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => "create its folder first",
        io::ErrorKind::IsADirectory => "that is a folder: name a file in it",
        _ => "make its folder writable",
    };
    format!("cannot be written: {error}; {advice}")
}

fn attribute(name: &OsStr) -> String {
    match name.to_string_lossy() {
        name if name.starts_with("system.posix_acl") => "access list".to_owned(),
        name if name.is_empty() => "extended attributes".to_owned(),
        name => format!("extended attribute {name}"),
    }
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| printable::path(path)).collect();
    paths.join(", ")
}

/// Returns advice if an error is due to a full disk or quota.
fn room(error: &io::Error) -> Option<&'static str> {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    );
    full.then_some("the file is unchanged; free some disk space, and run regfix again")
}
