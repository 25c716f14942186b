//! The folder beside the files of a group in which their new texts wait, and from which a later run takes up what an
//! earlier one was killed in.
//!
//! Git never sees it: it ignores itself. Its `lock` is held by the run that made it, and names the number of a file in it
//! and when that file was made. Nobody can choose the two, so a folder that came with a repository, an archive or a copy
//! is known from one that a run made here.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::folder::{Access, Folder, regular};
use super::metadata;

/// What the folder is called, everywhere.
pub const NAME: &str = ".regfix-journal";

pub(super) const JOURNAL: &str = "journal";
const LOCK: &str = "lock";
const IGNORE: &str = ".gitignore";
const IGNORED: &[u8] = b"*\n";

/// A run that writes is waited for as long as this many looks take.
const LOOKS: u32 = 500;
const PAUSE: Duration = Duration::from_millis(10);
/// A run that has only begun to make its folder is waited for less long.
const LOOKS_AT_BEGUN: u32 = 100;

/// A staging folder that this run holds locked.
#[derive(Debug)]
pub(super) struct Staging {
    pub(super) parent: Arc<Folder>,
    pub(super) folder: Arc<Folder>,
    /// Whether a run of this user made it, here.
    pub(super) is_ours: bool,
    lock: Option<File>,
}

/// What is in the way of holding a staging folder.
#[derive(Debug)]
pub(super) enum Busy {
    /// Another run holds it.
    Held,
    /// Something that no run makes.
    Odd(io::Error),
}

pub(super) fn new_text(index: usize) -> OsString {
    format!("{index}.new").into()
}

pub(super) fn old_text(index: usize) -> OsString {
    format!("{index}.old").into()
}

impl Staging {
    /// Makes the staging folder of a folder.
    ///
    /// # Errors
    /// `AlreadyExists` where it is there, or another run took it for what a killed one left and removed it.
    pub(super) fn make(parent: &Arc<Folder>) -> io::Result<Self> {
        let name = OsStr::new(NAME);
        parent.make_folder(name)?;
        super::steps::reached("folder-made");
        let made = parent.child(name).and_then(|folder| {
            let ignore = write(&folder, IGNORE, IGNORED)?;
            super::steps::reached("folder-ignored");
            let lock = folder.create(OsStr::new(LOCK), Access::Own)?;
            // Another run that looks what this is holds it for a moment. Not every file system can lock.
            let _ = lock.lock();
            super::steps::reached("folder-locked");
            (&lock).write_all(proof(&ignore)?.as_bytes())?;
            match folder.has(OsStr::new(LOCK)) {
                true => Ok((folder, lock)),
                false => Err(io::ErrorKind::NotFound.into()),
            }
        });
        match made {
            Ok((folder, lock)) => Ok(Self {
                parent: Arc::clone(parent),
                folder: Arc::new(folder),
                is_ours: true,
                lock: Some(lock),
            }),
            // It is gone, or another run's by now.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists
                ) =>
            {
                Err(io::ErrorKind::AlreadyExists.into())
            }
            Err(error) => {
                if let Ok(folder) = parent.child(name) {
                    let _ = empty(&folder);
                }
                let _ = parent.remove_folder(name);
                Err(error)
            }
        }
    }

    /// Holds a staging folder that is there, if one is. Waits for the run that holds it, if not for long.
    pub(super) fn acquire(parent: &Arc<Folder>) -> Result<Option<Self>, Busy> {
        let mut looks = 0;
        loop {
            match Self::try_acquire(parent)? {
                Held::Nothing => return Ok(None),
                // It may have gone while this was asked for.
                Held::Locked(staging) if staging.folder.has(OsStr::new(LOCK)) => {
                    return Ok(Some(staging));
                }
                Held::Begun(staging) if looks >= LOOKS_AT_BEGUN => return Ok(Some(staging)),
                Held::Locked(_) | Held::ByOthers | Held::Begun(_) => {}
            }
            looks += 1;
            if looks > LOOKS {
                return Err(Busy::Held);
            }
            thread::sleep(PAUSE);
        }
    }

    fn try_acquire(parent: &Arc<Folder>) -> Result<Held, Busy> {
        let folder = match parent.child(OsStr::new(NAME)) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::Nothing),
            Err(error) => return Err(Busy::Odd(error)),
        };
        let lock = match folder.open_writable(OsStr::new(LOCK)) {
            Ok(lock) => Some(lock),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Busy::Odd(error)),
        };
        if let Some(Err(TryLockError::WouldBlock)) = lock.as_ref().map(File::try_lock) {
            return Ok(Held::ByOthers);
        }
        let is_ours = lock.as_ref().is_some_and(|lock| is_proven(&folder, lock));
        let staging = Self {
            parent: Arc::clone(parent),
            folder: Arc::new(folder),
            is_ours,
            lock,
        };
        let has_begun = staging.lock.is_none() || (!is_ours && staging.is_bare());
        Ok(match has_begun {
            true => Held::Begun(staging),
            false => Held::Locked(staging),
        })
    }

    /// Removes the folder with all that a run puts into it. What else is in it stays, and so does the folder then.
    pub(super) fn remove(&self) -> io::Result<()> {
        empty(&self.folder)?;
        self.parent.remove_folder(OsStr::new(NAME))
    }

    /// Whether nothing would be lost with it, whatever made it: a run had only begun to make it.
    pub(super) fn is_bare(&self) -> bool {
        let names = self.folder.names().unwrap_or_default();
        let is_small = |name: &OsString| {
            let known = name == LOCK || name == IGNORE;
            let metadata = self.folder.open(name).and_then(|file| regular(&file));
            known && metadata.is_ok_and(|found| found.len() < 64 && metadata::is_own(&found))
        };
        names.iter().all(is_small)
    }

    /// Puts a file into the folder, on disk.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write(&self.folder, name, bytes)?.sync_all()
    }
}

enum Held {
    Nothing,
    Locked(Staging),
    ByOthers,
    /// Nothing proves that it is a run's: one has only begun to make it, or was killed there.
    Begun(Staging),
}

fn write(folder: &Folder, name: &str, bytes: &[u8]) -> io::Result<File> {
    let mut file = folder.create(OsStr::new(name), Access::Own)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Removes what a run puts into its staging folder. What proves that it is ours goes last.
fn empty(folder: &Folder) -> io::Result<()> {
    let names = folder.names()?;
    let is_text = |name: &OsString| {
        let name = name.to_str().and_then(|name| name.split_once('.'));
        name.is_some_and(|(index, end)| {
            index.parse::<usize>().is_ok() && ["new", "old"].contains(&end)
        })
    };
    let journal = names.iter().filter(|name| *name == JOURNAL);
    let texts = names.iter().filter(|name| is_text(name));
    let rest = [IGNORE, LOCK].map(OsString::from);
    let rest = rest.iter().filter(|name| names.contains(name));
    for name in journal.chain(texts).chain(rest) {
        folder.remove(name)?;
        super::steps::reached("removed");
    }
    Ok(())
}

/// What the lock says of the file that makes git ignore the folder.
fn proof(ignore: &File) -> io::Result<String> {
    let stamp = metadata::stamp(&ignore.metadata()?);
    // Where files have no numbers, nothing is proven, and nothing is taken up.
    Ok(stamp.map_or_else(String::new, |stamp| format!("regfix {stamp}\n")))
}

fn is_proven(folder: &Folder, lock: &File) -> bool {
    let own = |file: &File| regular(file).is_ok_and(|found| metadata::is_own(&found));
    let Ok(ignore) = folder.open(OsStr::new(IGNORE)) else {
        return false;
    };
    let mut said = String::new();
    let read = lock.take(256).read_to_string(&mut said);
    let proof = proof(&ignore).unwrap_or_default();
    read.is_ok() && own(&ignore) && own(lock) && !proof.is_empty() && said == proof
}
