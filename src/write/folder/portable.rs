//! Folders by path, with functions that the standard library has on every system. A link may appear between a check and the
//! operation that it is for.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{Access, in_order};

#[derive(Debug)]
pub(in crate::write) struct Folder(PathBuf);

impl Folder {
    pub(in crate::write) fn open_at(path: &Path) -> io::Result<Self> {
        Ok(Self(path.canonicalize()?))
    }

    pub(in crate::write) fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.clone()))
    }

    pub(in crate::write) fn child(&self, name: &OsStr) -> io::Result<Self> {
        let path = self.0.join(name);
        match fs::symlink_metadata(&path)?.is_dir() {
            true => Ok(Self(path)),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(in crate::write) fn open(&self, name: &OsStr) -> io::Result<File> {
        File::open(self.unlinked(name)?)
    }

    pub(in crate::write) fn open_writable(&self, name: &OsStr) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).open(self.unlinked(name)?)
    }

    pub(in crate::write) fn create(&self, name: &OsStr, _: Access) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create_new(true);
        options.open(self.0.join(name))
    }

    pub(in crate::write) fn clone_of(&self, _: &File, _: &OsStr) -> Option<File> {
        None
    }

    pub(in crate::write) fn rename(&self, from: &OsStr, to: &Self, name: &OsStr) -> io::Result<()> {
        fs::rename(self.0.join(from), to.0.join(name))
    }

    pub(in crate::write) fn link(&self, from: &OsStr, to: &Self, name: &OsStr) -> io::Result<()> {
        fs::hard_link(self.0.join(from), to.0.join(name))
    }

    pub(in crate::write) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    pub(in crate::write) fn make_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::create_dir(self.0.join(name))
    }

    pub(in crate::write) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_dir(self.0.join(name))
    }

    pub(in crate::write) fn has(&self, name: &OsStr) -> bool {
        fs::symlink_metadata(self.0.join(name)).is_ok()
    }

    pub(in crate::write) fn names(&self) -> io::Result<Vec<OsString>> {
        let entries = fs::read_dir(&self.0)?;
        let names = entries.map(|entry| Ok(entry?.file_name()));
        Ok(in_order(names.collect::<io::Result<_>>()?))
    }

    /// Does nothing, because the standard library cannot open a folder here.
    pub(in crate::write) fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// Fails, because the standard library does not know the number of a folder here.
    pub(in crate::write) fn number(&self) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn unlinked(&self, name: &OsStr) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        match fs::symlink_metadata(&path)?.is_symlink() {
            true => Err(io::ErrorKind::InvalidInput.into()),
            false => Ok(path),
        }
    }
}
