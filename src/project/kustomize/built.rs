//! The files that a folder is built from, for other tools that apply the folder.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::kustomization::{Kustomization, Target, is_layer};
use crate::file_type::KUSTOMIZATION_FILES;
use crate::project::{PathKind, Tree};

/// More kustomizations below one are not read for their objects.
const MOST_LAYERS: usize = 256;

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

/// The files of `resources`, `bases` and `components` of a kustomization, however far.
pub(in crate::project) fn objects_of(tree: &dyn Tree, layer: &Path) -> HashSet<PathBuf> {
    let mut open = vec![layer.to_owned()];
    let mut layers = HashSet::new();
    let mut files = HashSet::new();
    while let Some(path) = open.pop() {
        if layers.len() == MOST_LAYERS || !layers.insert(path.clone()) {
            continue;
        }
        let Some(text) = tree.text(&path) else {
            continue;
        };
        let layer = Kustomization::read(tree, &path, &text);
        for target in layer.resources.into_iter().chain(layer.components) {
            match target {
                Target::File(path) => {
                    files.insert(path);
                }
                Target::Layer(path, _) => open.push(path),
            }
        }
    }
    files
}
