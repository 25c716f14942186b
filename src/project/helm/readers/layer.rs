//! Values that override those of a chart, from a file next to them or from a release.

use std::path::{Path, PathBuf};

use crate::project::helm::given::{Given, ReleaseValues};

/// Values that override a chart's own, from a file next to them or from a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// The file that declares them.
    pub(super) path: PathBuf,
    /// The locations of the values, lowest layer first.
    pub(super) given: Vec<Given>,
    pub(super) is_release: bool,
}

impl Layer {
    pub(super) fn of_file(path: PathBuf) -> Self {
        Self {
            given: vec![Given::whole(path.clone())],
            path,
            is_release: false,
        }
    }

    pub(super) fn of_release(released: &ReleaseValues) -> Self {
        Self {
            path: released.declared_in.clone(),
            given: released.layers.clone(),
            is_release: true,
        }
    }

    /// Returns the declaring file, and the files that contain the values.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let given = self.given.iter().map(|given| &given.file);
        std::iter::once(&self.path).chain(given)
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        self.files().any(|file| file == path)
    }
}
