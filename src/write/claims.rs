//! The folders in which groups of this run are being written: two groups with a folder in common are written one after the
//! other.
//!
//! Other runs are kept out by the lock in a [staging](super::staging) folder.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::parallel::lock;

#[derive(Debug, Default)]
pub(super) struct Claims {
    held: Mutex<HashSet<PathBuf>>,
    freed: Condvar,
}

/// Folders that are held until this is dropped.
pub(super) struct Claim<'c> {
    claims: &'c Claims,
    folders: BTreeSet<&'c Path>,
}

impl Claims {
    /// Waits until nobody holds any of these folders, and takes all at once: a group that waits holds nothing.
    pub(super) fn hold<'c>(&'c self, folders: BTreeSet<&'c Path>) -> Claim<'c> {
        let held = lock(&self.held);
        let is_held =
            |held: &mut HashSet<PathBuf>| folders.iter().any(|folder| held.contains(*folder));
        let free = self.freed.wait_while(held, is_held);
        let mut held = free.unwrap_or_else(PoisonError::into_inner);
        held.extend(folders.iter().map(|folder| folder.to_path_buf()));
        Claim {
            claims: self,
            folders,
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut held = lock(&self.claims.held);
        for folder in &self.folders {
            held.remove(*folder);
        }
        self.claims.freed.notify_all();
    }
}
