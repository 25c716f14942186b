//! Temporary files: new texts beside the files that they are for.
//!
//! The run that makes a temporary file keeps it locked. The name depends on the number of the folder that the file was made in,
//! so that what a killed run left can be distinguished from a copy of it, and from a user's file.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::folder::{Access, Folder, regular};
use super::metadata;
use crate::printable;

const PREFIX: &str = ".regfix-";

/// How many names are tried, if they are taken.
const TRIES: usize = 16;

/// A file that is removed when it is dropped, unless it was moved to its location before.
#[derive(Debug)]
pub(super) struct Temporary {
    folder: Arc<Folder>,
    name: OsString,
    file: Option<File>,
}

impl Temporary {
    /// Makes a file in a folder, with a name that is recognised later.
    pub(super) fn new(
        folder: &Arc<Folder>,
        access: Access,
        like: Option<&File>,
    ) -> io::Result<Self> {
        let number = folder.number().unwrap_or(0);
        for _ in 0..TRIES {
            match Self::named(folder, OsString::from(name(random(), number)), access, like) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made,
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Makes a file with a given name.
    pub(super) fn named(
        folder: &Arc<Folder>,
        name: OsString,
        access: Access,
        like: Option<&File>,
    ) -> io::Result<Self> {
        let cloned = like.and_then(|like| folder.clone_of(like, &name));
        let file = match cloned {
            Some(file) => file,
            None => folder.create(&name, access)?,
        };
        let made = Self {
            folder: Arc::clone(folder),
            name,
            file: Some(file),
        };
        match made.is_ours() {
            true => Ok(made),
            // Another run took it for the file of a killed run.
            false => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }

    fn is_ours(&self) -> bool {
        let Some(file) = &self.file else {
            return false;
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => false,
            // If files cannot be locked, none are swept.
            Err(TryLockError::Error(_)) => true,
            Ok(()) => file
                .metadata()
                .is_ok_and(|metadata| metadata::links(&metadata) > 0),
        }
    }

    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    pub(super) fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or(io::ErrorKind::NotFound.into())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file()?.sync_all()
    }

    /// Moves it to a name in a folder. Replaces a file there.
    pub(super) fn replace(mut self, to: &Folder, name: &OsStr) -> io::Result<()> {
        self.close();
        self.folder.rename(&self.name, to, name)?;
        self.name = OsString::new();
        Ok(())
    }

    /// Moves it to a name in a folder that nothing has.
    pub(super) fn place(mut self, to: &Folder, name: &OsStr) -> io::Result<()> {
        self.close();
        place(&self.folder, &self.name, to, name)
    }

    /// Leaves the file where it is. Returns its name.
    pub(super) fn keep(mut self) -> OsString {
        std::mem::take(&mut self.name)
    }

    /// Closes the file on systems that may not rename an open one.
    fn close(&mut self) {
        if cfg!(not(unix)) {
            self.file = None;
        }
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        self.close();
        if !self.name.is_empty() {
            let _ = self.folder.remove(&self.name);
        }
    }
}

/// Moves a file to a name that nothing has. Its old name may be left.
pub(super) fn place(from: &Folder, old: &OsStr, to: &Folder, new: &OsStr) -> io::Result<()> {
    match from.link(old, to, new) {
        Err(error) if super::folder::is_unsupported(&error) && !to.has(new) => {
            from.rename(old, to, new)
        }
        placed => placed,
    }
}

/// Removes the files that killed runs left in a folder: those with a name made for it that belong to the user and that no run
/// keeps locked.
pub(super) fn sweep(folder: &Folder) {
    let Ok(number) = folder.number() else {
        return;
    };
    for found in folder.names().unwrap_or_default() {
        // Locked until it is removed: otherwise a run that has only just made it could lock it in between, and keep it.
        if is_of(&found, number)
            && let Some(_locked) = dead(folder, &found)
        {
            let _ = folder.remove(&found);
        }
    }
}

/// Opens and locks a file, if it belongs to the user and no run keeps it locked.
fn dead(folder: &Folder, name: &OsStr) -> Option<File> {
    let file = folder.open(name).ok()?;
    let own = regular(&file).is_ok_and(|metadata| metadata::is_own(&metadata));
    (own && file.try_lock().is_ok()).then_some(file)
}

pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn name(nonce: u64, folder: u64) -> String {
    let digest = Sha256::digest(format!("regfix {nonce:016x} {folder}"));
    format!("{PREFIX}{nonce:016x}-{}", printable::hex(&digest[..8]))
}

/// Whether a name has the form of a temporary file's name.
pub fn is_temporary(name: &OsStr) -> bool {
    let number = |text: &str| text.len() == 16 && u64::from_str_radix(text, 16).is_ok();
    let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    let parts = rest.and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(nonce, check)| number(nonce) && number(check))
}

/// Whether a file with that name was made in the folder with that number.
fn is_of(found: &OsStr, folder: u64) -> bool {
    let nonce = found
        .to_str()
        .and_then(|found| found.strip_prefix(PREFIX))
        .and_then(|rest| rest.split_once('-'))
        .and_then(|(nonce, _)| u64::from_str_radix(nonce, 16).ok());
    nonce.is_some_and(|nonce| *found == *name(nonce, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_one_folder() {
        let found = OsString::from(name(7, 42));
        assert!(is_of(&found, 42));
        assert!(is_temporary(&found));
        assert!(!is_of(&found, 43));
        for other in [
            ".regfix-notes",
            ".regfix-0000000000000007-",
            ".regfix-0000000000000007-0123456789abcdef.yaml",
            ".regfix",
            "a.yaml",
        ] {
            assert!(!is_of(OsStr::new(other), 42), "{other}");
            assert!(!is_temporary(OsStr::new(other)), "{other}");
        }
    }

    #[test]
    fn what_is_swept_is_locked_until_it_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::open_at(place.path()).unwrap());
        let name = Temporary::new(&folder, Access::Own, None).unwrap().keep();
        let _locked = dead(&folder, &name).unwrap();
        let another = folder.open(&name).unwrap().try_lock();
        assert!(matches!(another, Err(TryLockError::WouldBlock)));
    }

    #[cfg(unix)]
    #[test]
    fn only_what_dead_runs_left_is_swept() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &OsStr| place.path().join(name);
        let folder = Arc::new(Folder::open_at(place.path()).unwrap());
        let make = || Temporary::new(&folder, Access::Own, None).unwrap();
        // Left by a killed run: nobody holds its lock.
        let dead = make().keep();
        let live = make();
        // A copy in another folder, and files that only look like it.
        let other = tempfile::tempdir().unwrap();
        std::fs::copy(at(&dead), other.path().join(&dead)).unwrap();
        let elsewhere = Folder::open_at(other.path()).unwrap();
        sweep(&elsewhere);
        assert_eq!(elsewhere.names().unwrap(), std::slice::from_ref(&dead));
        std::fs::write(at(OsStr::new(".regfix-notes")), "mine").unwrap();
        std::fs::create_dir(at(OsStr::new(&name(1, folder.number().unwrap())))).unwrap();
        let before = folder.names().unwrap();
        sweep(&folder);
        let mut expected = before;
        expected.retain(|name| *name != dead);
        assert_eq!(folder.names().unwrap(), expected);
        drop(live);
        assert_eq!(folder.names().unwrap().len(), expected.len() - 1);
    }
}
