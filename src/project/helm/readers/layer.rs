//! Values that override those of a chart: of a file beside them, or of a release.

use std::path::{Path, PathBuf};

use crate::project::helm::given::{Given, ReleaseValues};

/// Values that override a chart's own: of a file beside them, or of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// The file that says that they are.
    pub(super) path: PathBuf,
    /// Where they are, the lowest first.
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

    /// The files that have some of the values, and the one that says so.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let given = self.given.iter().map(|given| &given.file);
        std::iter::once(&self.path).chain(given)
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        self.files().any(|file| file == path)
    }
}
