//! The only writer: replaces the texts of files that go together, or leaves them exactly as they were.
//!
//! Knows neither rules nor edits: what was read comes in, and what is to stand there instead.

use std::collections::HashSet;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tempfile::NamedTempFile;

mod draft;
mod error;

pub use draft::Draft;
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

    /// Lets one more file be written, which may not be there yet.
    pub fn allow(&mut self, path: &Path) {
        let real = path.canonicalize().ok();
        self.roots.extend(real.or_else(|| real_new(path)));
    }

    fn hold(&self, real: &Path) -> bool {
        real.ancestors().any(|above| self.roots.contains(above))
    }
}

/// What is to stand in a file instead of what was read there.
#[derive(Debug, Clone, Copy)]
pub struct Change<'c> {
    pub path: &'c Path,
    /// `None` where there is no such file yet.
    pub before: Option<&'c [u8]>,
    pub after: &'c [u8],
}

/// Puts `after` where `before` was read. See [`replace_all`].
///
/// # Errors
/// The file is as it was, except after [`WriteError::Torn`].
pub fn replace(
    path: &Path,
    before: &[u8],
    after: &[u8],
    bounds: &Bounds,
) -> Result<(), WriteError> {
    let before = Some(before);
    replace_all(
        &[Change {
            path,
            before,
            after,
        }],
        bounds,
    )
}

/// Makes all changes, or none.
///
/// A reader sees the one text of a file or the other, whatever happens in between; only a file with several hard links
/// is written in place, from a copy that is on disk by then. A link is followed, within the bounds. A file that holds
/// `after` already, as the second name of a file just written does, is left alone. All new texts are on disk before
/// the first file is touched; should one not be taken then, those before it are put back.
///
/// # Errors
/// The files are as they were, except after [`WriteError::Torn`] and [`WriteError::Half`].
pub fn replace_all(changes: &[Change<'_>], bounds: &Bounds) -> Result<(), WriteError> {
    // Most of the time goes to waiting for the disk.
    let staged = changes.par_iter();
    let staged = staged.map(|change| Staged::new(change, bounds));
    let staged: Vec<Result<Staged<'_>, WriteError>> = staged.collect();
    let staged = staged.into_iter().collect::<Result<Vec<_>, _>>()?;
    for (at, one) in staged.into_iter().enumerate() {
        if let Err(error) = one.commit() {
            return Err(put_back(&changes[..at], error, bounds));
        }
    }
    Ok(())
}

/// Undoes what was written before a change that failed. Gives the error to be told.
fn put_back(written: &[Change<'_>], error: WriteError, bounds: &Bounds) -> WriteError {
    let stays = |change: &&Change<'_>| match change.before {
        Some(before) => replace(change.path, change.after, before, bounds).is_err(),
        None => fs::remove_file(change.path).is_err(),
    };
    let stay: Vec<PathBuf> = written
        .iter()
        .filter(stays)
        .map(|change| change.path.to_owned())
        .collect();
    if stay.is_empty() {
        return error;
    }
    WriteError::Half {
        error: Box::new(error),
        written: stay,
    }
}

/// A new text on disk beside the file that it is for.
enum Staged<'c> {
    /// The file holds it already.
    There,
    New {
        path: &'c Path,
        copy: NamedTempFile,
    },
    Swap {
        target: Target<'c>,
        copy: NamedTempFile,
        before: &'c [u8],
    },
    Overwrite {
        target: Target<'c>,
        file: File,
        copy: NamedTempFile,
        before: &'c [u8],
        after: &'c [u8],
    },
}

impl<'c> Staged<'c> {
    fn new(change: &Change<'c>, bounds: &Bounds) -> Result<Self, WriteError> {
        let Change { path, after, .. } = *change;
        let Some(before) = change.before else {
            let copy = create(path, after, bounds)?;
            return Ok(Self::New { path, copy });
        };
        let target = Target::find(path, bounds)?;
        let now = target.read()?;
        if now == after {
            return Ok(Self::There);
        }
        if now != before {
            return Err(target.changed());
        }
        let file = target.open()?;
        if links(&target.metadata) > 1 {
            let copy = target.copy(after, |_| Ok(()))?;
            return Ok(Self::Overwrite {
                target,
                file,
                copy,
                before,
                after,
            });
        }
        // Windows renames over no file that is open.
        drop(file);
        let copy = target.copy(after, |copy| target.dress(copy))?;
        Ok(Self::Swap {
            target,
            copy,
            before,
        })
    }

    fn commit(self) -> Result<(), WriteError> {
        match self {
            Self::There => Ok(()),
            // Should there be a file by now, it is not ours.
            Self::New { path, copy } => match copy.persist_noclobber(path) {
                Ok(_) => Ok(()),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    Err(WriteError::Changed {
                        path: path.to_owned(),
                    })
                }
                Err(error) => Err(failed(path, error.error)),
            },
            Self::Swap {
                target,
                copy,
                before,
            } => {
                target.confirm(before)?;
                // The folder is not synced: after a crash the one text or the other is there, which is all that is
                // promised.
                match copy.persist(&target.real) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(failed(target.path, error.error)),
                }
            }
            Self::Overwrite {
                target,
                file,
                copy,
                before,
                after,
            } => {
                target.confirm(before)?;
                target.overwrite(file, copy, before, after)
            }
        }
    }
}

/// A file that is not there yet: its text, on disk, in the folder where it is to be.
fn create(path: &Path, text: &[u8], bounds: &Bounds) -> Result<NamedTempFile, WriteError> {
    let folder = folder(path);
    let Some(real) = real_new(path) else {
        return Err(WriteError::Folder {
            path: path.to_owned(),
            folder: folder.to_owned(),
            error: io::ErrorKind::NotFound.into(),
        });
    };
    if !bounds.hold(&real) {
        return Err(WriteError::Outside {
            path: path.to_owned(),
            real,
        });
    }
    copy(path, folder, text, |_| Ok(()))
}

/// The folder that a file is in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What a file that is to be made will really be called.
fn real_new(path: &Path) -> Option<PathBuf> {
    let folder = folder(path).canonicalize().ok()?;
    Some(folder.join(path.file_name()?))
}

/// The new text of the file at `path`, on disk, in `folder`. It goes when it is dropped.
fn copy(
    path: &Path,
    folder: &Path,
    text: &[u8],
    prepare: impl Fn(&File) -> Result<(), WriteError>,
) -> Result<NamedTempFile, WriteError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".regfix-");
    // As any new file, less what the user's mask takes away.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let made = builder.tempfile_in(folder);
    let mut copy = made.map_err(|error| WriteError::Folder {
        path: path.to_owned(),
        folder: folder.to_owned(),
        error,
    })?;
    copy.write_all(text).map_err(|error| failed(path, error))?;
    prepare(copy.as_file())?;
    copy.as_file()
        .sync_all()
        .map_err(|error| failed(path, error))?;
    Ok(copy)
}

fn failed(path: &Path, error: io::Error) -> WriteError {
    WriteError::Failed {
        path: path.to_owned(),
        error,
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

    /// Gives a new file the owner and the permissions of the old one.
    fn dress(&self, copy: &File) -> Result<(), WriteError> {
        own(copy, &self.metadata).map_err(|error| WriteError::Owner {
            path: self.path.to_owned(),
            error,
        })?;
        copy.set_permissions(self.metadata.permissions())
            .map_err(|error| failed(self.path, error))
    }

    fn copy(
        &self,
        text: &[u8],
        prepare: impl Fn(&File) -> Result<(), WriteError>,
    ) -> Result<NamedTempFile, WriteError> {
        copy(self.path, &self.folder, text, prepare)
    }

    /// Writes over the file, so that its other names still lead to it.
    ///
    /// The copy proves that there is room, and is what is left should the machine stop in between.
    fn overwrite(
        &self,
        mut file: File,
        mut copy: NamedTempFile,
        before: &[u8],
        after: &[u8],
    ) -> Result<(), WriteError> {
        let Err(error) = put(&mut file, after) else {
            return Ok(());
        };
        if put(&mut file, before).is_ok() {
            return Err(failed(self.path, error));
        }
        copy.disable_cleanup(true);
        Err(WriteError::Torn {
            path: self.path.to_owned(),
            copy: copy.path().to_owned(),
            error,
        })
    }

    /// The last look before the file is touched.
    fn confirm(&self, before: &[u8]) -> Result<(), WriteError> {
        let metadata = fs::symlink_metadata(&self.real).map_err(|_| self.changed())?;
        if !unchanged(&self.metadata, &metadata) || self.read()? != before {
            return Err(self.changed());
        }
        Ok(())
    }

    fn changed(&self) -> WriteError {
        WriteError::Changed {
            path: self.path.to_owned(),
        }
    }
}

/// Makes a text all that is in an open file, on disk.
fn put(file: &mut File, text: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(text)?;
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
