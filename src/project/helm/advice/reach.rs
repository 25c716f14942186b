//! Which files are built together: if several objects have the name that a patch gives, the patch applies to the one
//! that is built with it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::by_text::ByPath;
use crate::project::{Tree, kustomize};

/// How many folders above a patch are searched for the kustomization that lists it.
const MOST_FOLDERS: usize = 4;

/// The files that kustomizations are built from; each kustomization is read once.
#[derive(Debug, Default)]
pub(super) struct Reach {
    known: ByPath<Arc<HashSet<PathBuf>>>,
}

impl Reach {
    /// Returns the files that are built together with a patch or a kustomization.
    pub(super) fn of(&self, tree: &dyn Tree, path: &Path) -> Option<Arc<HashSet<PathBuf>>> {
        let mut folders = path.ancestors().skip(1).take(MOST_FOLDERS);
        let start = folders.find_map(|folder| kustomize::layer_in(tree, folder))?;
        let files = || Arc::new(kustomize::objects_of(tree, &start));
        Some(self.known.of(&start, files))
    }
}
