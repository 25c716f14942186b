//! The only writer: replaces the text of one file, or leaves it exactly as it was.
//!
//! Knows neither rules nor edits: what was read comes in, and what is to stand there instead.

use std::collections::HashSet;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

mod error;

pub use error::WriteError;

/// The files and folders that may be written to.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// As they really are, links resolved.
    roots: HashSet<PathBuf>,
}

impl Bounds {
    /// Roots that do not exist allow nothing.
    pub fn new(roots: &[PathBuf]) -> Self {
        Self {
            roots: roots
                .iter()
                .filter_map(|root| root.canonicalize().ok())
                .collect(),
        }
    }

    fn hold(&self, real: &Path) -> bool {
        real.ancestors().any(|above| self.roots.contains(above))
    }
}

/// Puts `after` where `before` was read.
///
/// A reader sees the one text or the other, whatever happens in between; only a file with several hard links is written
/// in place, from a copy that is on disk by then. A link is followed, within the bounds. A file that holds `after`
/// already, as the second name of a file just written does, is left alone.
///
/// # Errors
/// The file is as it was, except after [`WriteError::Torn`].
pub fn replace(path: &Path, before: &str, after: &str, bounds: &Bounds) -> Result<(), WriteError> {
    let target = Target::find(path, bounds)?;
    let now = target.read()?;
    if now == after.as_bytes() {
        return Ok(());
    }
    if now != before.as_bytes() {
        return Err(target.changed());
    }
    let file = target.open()?;
    if links(&target.metadata) > 1 {
        target.overwrite(file, before, after)
    } else {
        // Windows renames over no file that is open.
        drop(file);
        target.swap(before, after)
    }
}

/// The file that is written: the one at the end of all links.
struct Target<'p> {
    path: &'p Path,
    real: PathBuf,
    folder: PathBuf,
    metadata: Metadata,
}

impl<'p> Target<'p> {
    fn find(path: &'p Path, bounds: &Bounds) -> Result<Self, WriteError> {
        let unreadable = |error| WriteError::Unreadable {
            path: path.to_owned(),
            error,
        };
        let real = path.canonicalize().map_err(unreadable)?;
        if !bounds.hold(&real) {
            return Err(WriteError::Outside {
                path: path.to_owned(),
                real,
            });
        }
        let metadata = fs::symlink_metadata(&real).map_err(unreadable)?;
        match real.parent() {
            Some(folder) if metadata.is_file() => Ok(Self {
                path,
                folder: folder.to_owned(),
                real,
                metadata,
            }),
            _ => Err(WriteError::NoFile {
                path: path.to_owned(),
            }),
        }
    }

    fn read(&self) -> Result<Vec<u8>, WriteError> {
        fs::read(&self.real).map_err(|error| WriteError::Unreadable {
            path: self.path.to_owned(),
            error,
        })
    }

    /// Opens the file to be written, if only to know that it may be: a rename would not ask.
    fn open(&self) -> Result<File, WriteError> {
        let read_only = |error| WriteError::ReadOnly {
            path: self.path.to_owned(),
            error,
        };
        if self.metadata.permissions().readonly() {
            return Err(read_only(None));
        }
        let opened = OpenOptions::new().write(true).open(&self.real);
        let file = opened.map_err(|error| read_only(Some(error)))?;
        match file.metadata() {
            Ok(metadata) if unchanged(&self.metadata, &metadata) => Ok(file),
            _ => Err(self.changed()),
        }
    }

    /// A new file with the old one's owner and permissions takes its place.
    fn swap(&self, before: &str, after: &str) -> Result<(), WriteError> {
        let copy = self.copy(after, |copy| {
            own(copy, &self.metadata).map_err(|error| WriteError::Owner {
                path: self.path.to_owned(),
                error,
            })?;
            let permissions = self.metadata.permissions();
            copy.set_permissions(permissions)
                .map_err(|error| self.failed(error))
        })?;
        self.confirm(before)?;
        // The folder is not synced: after a crash the one text or the other is there, which is all that is promised.
        copy.persist(&self.real)
            .map_err(|error| self.failed(error.error))?;
        Ok(())
    }

    /// Writes over the file, so that its other names still lead to it.
    ///
    /// The copy proves that there is room, and is what is left should the machine stop in between.
    fn overwrite(&self, mut file: File, before: &str, after: &str) -> Result<(), WriteError> {
        let mut copy = self.copy(after, |_| Ok(()))?;
        self.confirm(before)?;
        let Err(error) = put(&mut file, after) else {
            return Ok(());
        };
        if put(&mut file, before).is_ok() {
            return Err(self.failed(error));
        }
        copy.disable_cleanup(true);
        Err(WriteError::Torn {
            path: self.path.to_owned(),
            copy: copy.path().to_owned(),
            error,
        })
    }

    /// The new text on disk, beside the file. It goes when it is dropped.
    fn copy(
        &self,
        text: &str,
        prepare: impl Fn(&File) -> Result<(), WriteError>,
    ) -> Result<NamedTempFile, WriteError> {
        let made = tempfile::Builder::new()
            .prefix(".regfix-")
            .tempfile_in(&self.folder);
        let mut copy = made.map_err(|error| WriteError::Folder {
            path: self.path.to_owned(),
            folder: self.folder.clone(),
            error,
        })?;
        copy.write_all(text.as_bytes())
            .map_err(|error| self.failed(error))?;
        prepare(copy.as_file())?;
        copy.as_file()
            .sync_all()
            .map_err(|error| self.failed(error))?;
        Ok(copy)
    }

    /// The last look before the file is touched.
    fn confirm(&self, before: &str) -> Result<(), WriteError> {
        let metadata = fs::symlink_metadata(&self.real).map_err(|_| self.changed())?;
        if !unchanged(&self.metadata, &metadata) || self.read()? != before.as_bytes() {
            return Err(self.changed());
        }
        Ok(())
    }

    fn changed(&self) -> WriteError {
        WriteError::Changed {
            path: self.path.to_owned(),
        }
    }

    fn failed(&self, error: io::Error) -> WriteError {
        WriteError::Failed {
            path: self.path.to_owned(),
            error,
        }
    }
}

/// Makes a text all that is in an open file, on disk.
fn put(file: &mut File, text: &str) -> io::Result<()> {
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}

#[cfg(unix)]
fn links(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

/// The standard library does not tell elsewhere.
#[cfg(not(unix))]
fn links(_: &Metadata) -> u64 {
    1
}

/// Whether it is the same file, and nobody has touched it.
#[cfg(unix)]
fn unchanged(then: &Metadata, now: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let stamp = |of: &Metadata| {
        (
            of.dev(),
            of.ino(),
            of.len(),
            of.mtime(),
            of.mtime_nsec(),
            of.ctime(),
            of.ctime_nsec(),
        )
    };
    stamp(then) == stamp(now)
}

#[cfg(not(unix))]
fn unchanged(then: &Metadata, now: &Metadata) -> bool {
    now.is_file() && then.len() == now.len() && then.modified().ok() == now.modified().ok()
}

/// Gives a file the owner and group of another, where they differ.
#[cfg(unix)]
fn own(file: &File, like: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let made = file.metadata()?;
    let user = (made.uid() != like.uid()).then_some(like.uid());
    let group = (made.gid() != like.gid()).then_some(like.gid());
    if user.is_none() && group.is_none() {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, user, group)
}

#[cfg(not(unix))]
fn own(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
