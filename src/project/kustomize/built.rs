//! What a folder is built from, for what applies it from elsewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::kustomization::{Kustomization, is_layer};
use crate::file_type::KUSTOMIZATION_FILES;
use crate::project::{PathKind, Tree};

/// The files that a folder is built from: what its kustomization names, however far, or all in which something was found.
pub(in crate::project) fn files_of(tree: &dyn Tree, folder: &Path) -> Vec<PathBuf> {
    let mut names = KUSTOMIZATION_FILES.iter().map(|name| folder.join(name));
    let Some(layer) = names.find(|path| tree.place(path) == PathKind::File) else {
        return tree.suspects(folder);
    };
    let mut open = vec![layer];
    let mut found = BTreeSet::new();
    while let Some(path) = open.pop() {
        if !found.insert(path.clone()) || !is_layer(&path) {
            continue;
        }
        if let Some(text) = tree.text(&path) {
            let layer = Kustomization::read(tree, &path, &text);
            open.extend(layer.files().map(Path::to_owned));
        }
    }
    found.into_iter().collect()
}
