//! What a folder is built from, for what applies it from elsewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::layer::{Layer, is_layer};
use crate::kind::KUSTOMIZATION_FILES;
use crate::project::{Place, Tree};

/// The files that a folder is built from: what its kustomization names, however far, or all in which something was found.
pub(in crate::project) fn files_of(tree: &dyn Tree, folder: &Path) -> Vec<PathBuf> {
    let mut names = KUSTOMIZATION_FILES.iter().map(|name| folder.join(name));
    let Some(layer) = names.find(|path| tree.place(path) == Place::File) else {
        return tree.suspects(folder);
    };
    let mut open = vec![layer];
    let mut found = BTreeSet::new();
    while let Some(path) = open.pop() {
        if !found.insert(path.clone()) || !is_layer(&path) {
            continue;
        }
        if let Some(text) = tree.text(&path) {
            let layer = Layer::read(tree, &path, &text);
            open.extend(layer.files().map(Path::to_owned));
        }
    }
    found.into_iter().collect()
}
