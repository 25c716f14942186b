//! A file to write: its state before anything is touched, and its new text.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io::{self, Read, Write};
use std::sync::Arc;

use super::bounds::{Bounds, Spot};
use super::folder::{Access, Folder, regular};
use super::metadata::{self, FileId, Lost};
use super::temporary::Temporary;
use super::{Cause, Change, WriteError};

#[derive(Debug)]
pub(super) struct Target<'c> {
    pub(super) change: Change<'c>,
    pub(super) spot: Spot,
    /// The metadata that was found; `None` if the file is to be made.
    found: Option<Metadata>,
}

impl<'c> Target<'c> {
    /// Checks all that can be checked before anything is touched. `None` if the file already has the new text.
    pub(super) fn check(change: Change<'c>, bounds: &Bounds) -> Result<Option<Self>, WriteError> {
        let path = change.path;
        let Some(before) = change.before else {
            let spot = bounds.find_new(path)?;
            let found = None;
            return Ok(Some(Self {
                change,
                spot,
                found,
            }));
        };
        let spot = bounds.find(path)?;
        let (now, found) = read(&change, &spot)?;
        if now == change.after {
            return Ok(None);
        }
        let target = Self {
            change,
            spot,
            found: Some(found),
        };
        match now == before {
            true => Ok(Some(target)),
            false => Err(target.changed()),
        }
    }

    pub(super) fn id(&self) -> Option<FileId> {
        self.found.as_ref().and_then(metadata::id)
    }

    /// How many names the file has, here and elsewhere.
    pub(super) fn links(&self) -> u64 {
        self.found.as_ref().map_or(1, metadata::links)
    }

    pub(super) fn is_new(&self) -> bool {
        self.found.is_none()
    }

    /// Writes the new text to disk, with all metadata of the file.
    pub(super) fn stage(
        &self,
        folder: &Arc<Folder>,
        name: Option<OsString>,
    ) -> Result<Temporary, WriteError> {
        self.copy(folder, name, self.change.after)
    }

    /// Writes the old text to disk, for a file that cannot be kept by a link.
    pub(super) fn stage_old(
        &self,
        folder: &Arc<Folder>,
        name: OsString,
    ) -> Result<Temporary, WriteError> {
        self.copy(folder, Some(name), self.change.before.unwrap_or_default())
    }

    fn copy(
        &self,
        folder: &Arc<Folder>,
        name: Option<OsString>,
        text: &[u8],
    ) -> Result<Temporary, WriteError> {
        let Some(found) = &self.found else {
            let copy = self.make(folder, name, Access::Default, None)?;
            return self.fill(copy, text, |_| Ok(()));
        };
        let opened = self.spot.folder.open(&self.spot.name);
        let original = opened.map_err(|_| self.changed())?;
        let is_same = original
            .metadata()
            .is_ok_and(|now| metadata::unchanged(found, &now));
        if !is_same {
            return Err(self.changed());
        }
        let copy = self.make(folder, name, Access::Own, Some(&original))?;
        self.fill(copy, text, |file| {
            metadata::copy(&original, found, file).map_err(|lost| self.lost(lost))
        })
    }

    fn make(
        &self,
        folder: &Arc<Folder>,
        name: Option<OsString>,
        access: Access,
        like: Option<&std::fs::File>,
    ) -> Result<Temporary, WriteError> {
        let made = match name {
            Some(name) => Temporary::named(folder, name, access, like),
            None => Temporary::new(folder, access, like),
        };
        made.map_err(|error| self.no_file(error))
    }

    fn fill(
        &self,
        mut copy: Temporary,
        text: &[u8],
        dress: impl FnOnce(&std::fs::File) -> Result<(), WriteError>,
    ) -> Result<Temporary, WriteError> {
        copy.write_all(text).map_err(|error| self.failed(error))?;
        dress(copy.file().map_err(|error| self.failed(error))?)?;
        copy.sync().map_err(|error| self.failed(error))?;
        Ok(copy)
    }

    /// Checks a last time, before the file is touched, that it is unchanged.
    pub(super) fn confirm(&self) -> Result<(), WriteError> {
        let Some(found) = &self.found else {
            return match self.spot.folder.has(&self.spot.name) {
                true => Err(self.changed()),
                false => Ok(()),
            };
        };
        let limit = found.len();
        match self.spot.folder.read(&self.spot.name, limit) {
            Ok((bytes, now))
                if metadata::unchanged(found, &now)
                    && Some(bytes.as_slice()) == self.change.before =>
            {
                Ok(())
            }
            _ => Err(self.changed()),
        }
    }

    pub(super) fn changed(&self) -> WriteError {
        Cause::Changed.at(self.change.path)
    }

    pub(super) fn failed(&self, error: io::Error) -> WriteError {
        Cause::Failed(error).at(self.change.path)
    }

    pub(super) fn no_file(&self, error: io::Error) -> WriteError {
        let folder = self.spot.folder_path().to_owned();
        Cause::Folder { folder, error }.at(self.change.path)
    }

    fn lost(&self, lost: Lost) -> WriteError {
        let cause = match lost {
            Lost::Owner(error) => Cause::Owner(error),
            Lost::Attribute(name, error) => Cause::Attribute { name, error },
            Lost::Permissions(error) => Cause::Failed(error),
        };
        cause.at(self.change.path)
    }
}

/// Reads a file, and checks that it may be written.
fn read(change: &Change<'_>, spot: &Spot) -> Result<(Vec<u8>, Metadata), WriteError> {
    let unreadable = |error| Cause::Unreadable(error).at(change.path);
    let no_file = || Cause::NoFile.at(change.path);
    let opened = match spot.folder.open_writable(&spot.name) {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Err(no_file()),
        Err(error) => Err((spot.folder.open(&spot.name).map_err(unreadable)?, error)),
    };
    let file = match &opened {
        Ok(file) | Err((file, _)) => file,
    };
    let metadata = regular(file).map_err(|_| no_file())?;
    if let Err((_, error)) = opened {
        let said = Some(error).filter(|_| !metadata.permissions().readonly());
        return Err(Cause::ReadOnly(said).at(change.path));
    }
    if metadata.permissions().readonly() {
        return Err(Cause::ReadOnly(None).at(change.path));
    }
    let mut bytes = Vec::with_capacity(change.before.map_or(0, <[u8]>::len) + 1);
    let longest = change.before.map_or(0, <[u8]>::len).max(change.after.len());
    let read = file.take(longest as u64 + 1).read_to_end(&mut bytes);
    read.map_err(unreadable)?;
    Ok((bytes, metadata))
}
