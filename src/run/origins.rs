//! The repository of each file. Each repository is read once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::owners;
use crate::git;
use crate::parallel::lock;
use crate::report::{Origin, PathBase};
use crate::walk::Overlay;

/// The repositories of a run, by folder.
#[derive(Debug, Default)]
pub(super) struct Origins(Mutex<HashMap<PathBuf, Arc<Origin>>>);

impl Origins {
    /// Returns a repository. Its commit is `None` if it cannot be read.
    pub(super) fn of(
        &self,
        top: &Path,
        name: &str,
        base: &PathBase,
        files: &Overlay,
    ) -> Arc<Origin> {
        let mut known = lock(&self.0);
        if let Some(origin) = known.get(top) {
            return Arc::clone(origin);
        }
        let origin = Arc::new(Origin {
            repository: name.to_owned(),
            commit: match files.snapshot_of(top) {
                Some(snapshot) => Some(snapshot.commit.clone()),
                None => git::checked_out(top),
            },
            base: base.rooted(top).owned(owners::find(top, files)),
        });
        known.insert(top.to_owned(), Arc::clone(&origin));
        origin
    }
}
