//! The folder beside the files of a group that holds their new texts, and what a later run needs to finish the group if this
//! one is killed.
//!
//! Git never sees it, because it has a `.gitignore` for itself. Its `lock` is held by the run that made it, and has the number
//! and the change time of that `.gitignore`. Nobody can choose these two, so a folder that a run made here can be distinguished
//! from one that came with a repository, an archive or a copy.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::folder::{Access, Folder, regular};
use super::metadata;

/// The name of every staging folder.
pub const NAME: &str = ".regfix-journal";

pub(super) const JOURNAL: &str = "journal";
const LOCK: &str = "lock";
const IGNORE: &str = ".gitignore";
const IGNORED: &[u8] = b"*\n";

/// How many times to check whether a run that writes is done, before giving up.
const LOOKS: u32 = 500;
const PAUSE: Duration = Duration::from_millis(10);
/// The same for a run that has only begun to make its folder.
const LOOKS_AT_BEGUN: u32 = 100;

/// A staging folder that this run holds locked.
#[derive(Debug)]
pub(super) struct Staging {
    pub(super) parent: Arc<Folder>,
    pub(super) folder: Arc<Folder>,
    /// Whether a run of this user made it here.
    pub(super) is_ours: bool,
    lock: Option<File>,
}

/// Why a staging folder cannot be locked.
#[derive(Debug)]
pub(super) enum Busy {
    /// Another run holds it.
    Held,
    /// There is something that no run would make.
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
    /// `AlreadyExists` if it is there, or another run took it for that of a killed run and removed it.
    pub(super) fn make(parent: &Arc<Folder>) -> io::Result<Self> {
        let name = OsStr::new(NAME);
        parent.make_folder(name)?;
        super::steps::reached("folder-made");
        let made = parent.child(name).and_then(|folder| {
            let ignore = write(&folder, IGNORE, IGNORED)?;
            super::steps::reached("folder-ignored");
            let lock = folder.create(OsStr::new(LOCK), Access::Own)?;
            // Another run that examines the folder holds the lock for a moment. Not every file system can lock.
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
            // The folder is gone, or belongs to another run by now.
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

    /// Locks the staging folder of a folder, if there is one. Waits for a run that holds it, but not for long.
    pub(super) fn acquire(parent: &Arc<Folder>) -> Result<Option<Self>, Busy> {
        let mut looks = 0;
        loop {
            match Self::try_acquire(parent)? {
                Held::Nothing => return Ok(None),
                // It may have been removed meanwhile.
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

    /// Removes the folder with all that a run puts into it. Anything else in it stays, and so does the folder then.
    pub(super) fn remove(&self) -> io::Result<()> {
        empty(&self.folder)?;
        self.parent.remove_folder(OsStr::new(NAME))
    }

    /// Whether nothing would be lost with it, whoever made it: it has only the small files that a run makes first.
    pub(super) fn is_bare(&self) -> bool {
        let names = self.folder.names().unwrap_or_default();
        let is_small = |name: &OsString| {
            let known = name == LOCK || name == IGNORE;
            let metadata = self.folder.open(name).and_then(|file| regular(&file));
            known && metadata.is_ok_and(|found| found.len() < 64 && metadata::is_own(&found))
        };
        names.iter().all(is_small)
    }

    /// Puts a file into the folder, and syncs it.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write(&self.folder, name, bytes)?.sync_all()
    }
}

enum Held {
    Nothing,
    Locked(Staging),
    ByOthers,
    /// Nothing proves that a run made it: one has only begun to do so, or was killed then.
    Begun(Staging),
}

fn write(folder: &Folder, name: &str, bytes: &[u8]) -> io::Result<File> {
    let mut file = folder.create(OsStr::new(name), Access::Own)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Removes what a run puts into its staging folder. The files that prove that it is ours come last.
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

/// Returns what the lock says of the `.gitignore` of the folder.
fn proof(ignore: &File) -> io::Result<String> {
    let stamp = metadata::stamp(&ignore.metadata()?);
    // If files have no numbers, nothing can be proven, and nothing is repaired.
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
