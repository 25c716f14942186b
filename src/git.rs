//! Reads the data of git repositories: which files git tracks, which of them changed, and their content at a revision.
//!
//! Uses only libraries that parse the files of `.git`. It never starts `git`, because that program runs what a
//! repository's own files ask for: filters, hooks, file system monitors, external diff programs, and helpers
//! that fetch what a partial clone lacks. It finds such settings in `.git/config`, and in any folder that is shaped like a
//! bare repository, which anybody can commit. Options can turn each of these off, but only those that we know of and that the
//! installed `git` supports. Here the problem does not arise: none of the crates that read repositories starts a
//! process or opens a connection. `tests/it/house.rs` checks that, and `tests/it/hostile.rs` tries what `git` would fall for.
//!
//! The costs: a file whose content depends on a filter counts as changed (see `work_tree`), references must be kept in
//! files, and only the revision syntax described in `revision` is understood.

mod changes;
mod repository;
mod revision;
mod snapshot;
mod tracked;
mod tree;
mod work_tree;

use std::fmt;
use std::path::{Path, PathBuf};

use gix_hash::ObjectId;
use gix_object::{FindExt, FindHeader};

use crate::encoding;
use crate::printable;
pub use changes::{Asked, Before, Changes, Since, changes, repositories};
use repository::Objects;
pub use repository::{Repository, is_bare};
pub use snapshot::{Node, Snapshot, Unread};
pub use tracked::{Tracked, exclude_file};
use tree::ItemKind;

/// The size of the largest file that is read, in bytes.
const LIMIT: u64 = 64 << 20;

/// Why git's data could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{}: not in a git repository; name a folder of a clone, or leave out the option that asks git",
        printable::path(folder)
    )]
    NoRepository { folder: PathBuf },
    /// The folder that the user named as a repository is not one.
    #[error(
        "{}: not a git repository: name a bare repository, or a folder that contains .git",
        printable::path(folder)
    )]
    NotNamed { folder: PathBuf },
    #[error("there is no revision {revision:?}; {}", way_to(revision, *shallow))]
    NoRevision { revision: String, shallow: bool },
    /// Git may know the revision, but regfix does not support its syntax.
    #[error(
        "the revision {0:?} is not understood: give a branch, a tag or a hash, with `~` or `^`; `git rev-parse {0}` prints the hash"
    )]
    NotUnderstood(String),
    /// The object is not in this clone.
    #[error(
        "the object {0} is not in this clone, and regfix fetches nothing; get it with `git cat-file -e {0}`"
    )]
    Missing(String),
    #[error("it is larger than 64 MiB")]
    Larger,
    /// The tree has more paths than are compared.
    #[error("the tree {0} has more than a million paths, which is too many")]
    TooLarge(String),
    /// The references of this repository are not kept in files.
    #[error(
        "{}: references are not kept in files (reftable), which regfix cannot read; give `--since` a full hash",
        printable::path(.0)
    )]
    References(PathBuf),
    #[error("{}: cannot be read: {why}", printable::path(path))]
    Unreadable { path: PathBuf, why: String },
}

/// Returns the commit that is checked out in a repository. `None` if there is none or it cannot be read.
pub fn checked_out(top: &Path) -> Option<String> {
    let repository = Repository::at(top).ok()?;
    let head = repository.head(&repository.objects().ok()?).ok()??;
    Some(head.to_string())
}

fn tree_of(commit: ObjectId, objects: &Objects) -> Result<ObjectId, Error> {
    let mut buffer = Vec::new();
    let commit_at = objects.find_commit(&commit, &mut buffer);
    Ok(commit_at.map_err(|_| Error::missing(commit))?.tree())
}

/// Reads a file of a tree. `None` if the tree does not have that file.
fn bytes_at(objects: &Objects, tree: ObjectId, name: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let Some(item) = tree::find(objects, tree, name)?.filter(|item| item.kind == ItemKind::File)
    else {
        return Ok(None);
    };
    blob(objects, item.id).map(Some)
}

fn blob(objects: &Objects, id: ObjectId) -> Result<Vec<u8>, Error> {
    let header = objects.try_header(&id);
    let size = header.ok().flatten().map(|header| header.size);
    match size {
        None => return Err(Error::missing(id)),
        Some(size) if size > LIMIT => return Err(Error::Larger),
        Some(_) => {}
    }
    let mut buffer = Vec::new();
    let blob = objects.find_blob(&id, &mut buffer);
    let blob = blob.map_err(|_| Error::missing(id))?;
    Ok(blob.data.to_owned())
}

/// Reads a file of a tree like [`bytes_at`]; also `None` if it is not text.
fn text_at(objects: &Objects, tree: ObjectId, name: &[u8]) -> Result<Option<String>, Error> {
    let bytes = bytes_at(objects, tree, name)?;
    let text = bytes.and_then(|bytes| encoding::decode(bytes).ok());
    Ok(text.map(|(text, _)| text))
}

impl Repository {
    /// Finds the first of these files that exists at a revision, and returns its path and its text then.
    ///
    /// # Errors
    /// If the revision is not in this clone, or the file is not a regular file with text.
    pub fn first_at(
        &self,
        revision: &str,
        paths: &[PathBuf],
    ) -> Result<Option<(PathBuf, String)>, Error> {
        let objects = self.objects()?;
        let tree = tree_of(self.commit(revision, &objects)?, &objects)?;
        for path in paths {
            let name = name(path.strip_prefix(&self.top).unwrap_or(path));
            if tree::find(&objects, tree, &name)?.is_none() {
                continue;
            }
            let why = match text_at(&objects, tree, &name) {
                Ok(Some(text)) => return Ok(Some((path.clone(), text))),
                Ok(None) => "is not a regular text file",
                Err(Error::Larger) => "is larger than 64 MiB",
                Err(error) => return Err(error),
            };
            return Err(Error::unreadable(path, format!("at {revision} it {why}")));
        }
        Ok(None)
    }

    /// Returns the id of the commit that a revision names.
    ///
    /// # Errors
    /// If the revision is not in this clone.
    pub fn commit_id(&self, revision: &str) -> Result<String, Error> {
        let commit = self.commit(revision, &self.objects()?)?;
        Ok(commit.to_string())
    }

    /// Returns the bytes of a regular file at a revision. `None` if there is no such file.
    ///
    /// # Errors
    /// If the revision is not in this clone, or the file is larger than `LIMIT`.
    pub fn file_at(&self, revision: &str, path: &Path) -> Result<Option<Vec<u8>>, Error> {
        let objects = self.objects()?;
        let tree = tree_of(self.commit(revision, &objects)?, &objects)?;
        bytes_at(
            &objects,
            tree,
            &name(path.strip_prefix(&self.top).unwrap_or(path)),
        )
    }
}

impl Error {
    fn unreadable(path: &Path, why: impl fmt::Display) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }

    fn missing(id: ObjectId) -> Self {
        Self::Missing(id.to_string())
    }
}

/// Converts git's name for a file to a path of the system.
#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// Git's names are UTF-8 on this system.
#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Returns git's name for a path that starts at the top: git uses `/` on every system.
#[cfg(unix)]
fn name(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(not(unix))]
fn name(path: &Path) -> Vec<u8> {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/").into_bytes()
}

/// How to get a missing revision: the end of an error message.
fn way_to(revision: &str, is_shallow: bool) -> String {
    match is_shallow {
        true => format!(
            "the clone is shallow: fetch it first, as with `git fetch --depth=1 origin {revision}`"
        ),
        false => "check the spelling, or fetch it".to_owned(),
    }
}
