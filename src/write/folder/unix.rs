//! Folders by descriptor, with `openat` and similar calls.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags};

use super::{Access, in_order};

#[derive(Debug)]
pub(in crate::write) struct Folder(OwnedFd);

/// How a folder is opened. It need not be readable on systems that can open one without reading it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const STAND: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const STAND: OFlags = OFlags::RDONLY;

const FOLDER: OFlags = STAND.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// How a file is opened: without following a link, and without blocking if it is a pipe.
const FILE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

impl Folder {
    /// Opens a folder by its path; links in it are followed.
    pub(in crate::write) fn open_at(path: &Path) -> io::Result<Self> {
        Ok(Self(fs::openat(CWD, path, FOLDER, Mode::empty())?))
    }

    pub(in crate::write) fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    pub(in crate::write) fn child(&self, name: &OsStr) -> io::Result<Self> {
        let flags = FOLDER | OFlags::NOFOLLOW;
        Ok(Self(fs::openat(&self.0, name, flags, Mode::empty())?))
    }

    pub(in crate::write) fn open(&self, name: &OsStr) -> io::Result<File> {
        let flags = FILE | OFlags::RDONLY;
        Ok(fs::openat(&self.0, name, flags, Mode::empty())?.into())
    }

    /// Opens a file for reading, and checks that it may be written to, because a rename does not check that.
    pub(in crate::write) fn open_writable(&self, name: &OsStr) -> io::Result<File> {
        let flags = FILE | OFlags::RDWR;
        Ok(fs::openat(&self.0, name, flags, Mode::empty())?.into())
    }

    /// Creates a file. Fails if it exists.
    pub(in crate::write) fn create(&self, name: &OsStr, access: Access) -> io::Result<File> {
        let flags = FILE | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let mode = Mode::from_raw_mode(match access {
            Access::Own => 0o600,
            Access::Default => 0o666,
        });
        Ok(fs::openat(&self.0, name, flags, mode)?.into())
    }

    /// Makes an empty file with all metadata of another one, access lists included. `None` if the system cannot clone files.
    #[cfg(target_vendor = "apple")]
    pub(in crate::write) fn clone_of(&self, file: &File, name: &OsStr) -> Option<File> {
        fs::fclonefileat(file, &self.0, name, fs::CloneFlags::NOFOLLOW).ok()?;
        let copy = self.open_writable(name).ok();
        let copy = copy.filter(|copy| copy.set_len(0).is_ok());
        if copy.is_none() {
            let _ = self.remove(name);
        }
        copy
    }

    #[cfg(not(target_vendor = "apple"))]
    pub(in crate::write) fn clone_of(&self, _: &File, _: &OsStr) -> Option<File> {
        None
    }

    /// Renames an entry. Replaces what is there.
    pub(in crate::write) fn rename(&self, from: &OsStr, to: &Self, name: &OsStr) -> io::Result<()> {
        Ok(fs::renameat(&self.0, from, &to.0, name)?)
    }

    /// Gives a file one more name. Fails if there is something of that name.
    pub(in crate::write) fn link(&self, from: &OsStr, to: &Self, name: &OsStr) -> io::Result<()> {
        Ok(fs::linkat(&self.0, from, &to.0, name, AtFlags::empty())?)
    }

    pub(in crate::write) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Makes a folder that only the user can access.
    pub(in crate::write) fn make_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(fs::mkdirat(&self.0, name, Mode::from_raw_mode(0o700))?)
    }

    /// Removes an empty folder.
    pub(in crate::write) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    /// Whether there is an entry, even a broken link.
    pub(in crate::write) fn has(&self, name: &OsStr) -> bool {
        fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    pub(in crate::write) fn names(&self) -> io::Result<Vec<OsString>> {
        let entries = fs::Dir::read_from(self.readable()?)?;
        let names = entries.filter_map(|entry| {
            entry
                .map(|entry| {
                    let name = entry.file_name().to_bytes();
                    (name != b"." && name != b"..").then(|| OsStr::from_bytes(name).to_owned())
                })
                .map_err(io::Error::from)
                .transpose()
        });
        Ok(in_order(names.collect::<io::Result<_>>()?))
    }

    /// Makes sure that the names in it survive a power cut. Does nothing on file systems that do not support this.
    pub(in crate::write) fn sync(&self) -> io::Result<()> {
        match fs::fsync(self.readable()?) {
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::OPNOTSUPP) => Ok(()),
            synced => Ok(synced?),
        }
    }

    /// Returns its inode number, which distinguishes it from its copies.
    pub(in crate::write) fn number(&self) -> io::Result<u64> {
        #[allow(clippy::useless_conversion, reason = "it is narrower on some systems")]
        Ok(u64::from(fs::fstat(&self.0)?.st_ino))
    }

    fn readable(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(fs::openat(&self.0, ".", flags, Mode::empty())?)
    }
}
