//! The files that a folder is built from, for other tools that apply the folder.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::kustomization::{Kustomization, Target, layer_in};
use crate::file_type::is_kustomization;
use crate::project::Tree;

/// The most kustomizations that are read for the objects of one.
const MOST_LAYERS: usize = 256;

/// Returns the files that a folder is built from: those that its kustomization names, directly or not. Without a
/// kustomization, these are all files in which something was found.
pub(in crate::project) fn files_of(tree: &dyn Tree, folder: &Path) -> Vec<PathBuf> {
    let Some(layer) = layer_in(tree, folder) else {
        return tree.suspects(folder);
    };
    let mut open = vec![layer];
    let mut found = BTreeSet::new();
    while let Some(path) = open.pop() {
        if !found.insert(path.clone()) || !is_kustomization(&path) {
            continue;
        }
        open.extend(named_in(tree, &path));
    }
    found.into_iter().collect()
}

/// Returns the files that kustomizations are built from, directly or not, each with the kustomizations that name it.
pub(in crate::project) fn named_by(
    tree: &dyn Tree,
    layers: impl Iterator<Item = PathBuf>,
) -> HashMap<PathBuf, Vec<PathBuf>> {
    let mut open: Vec<PathBuf> = layers.collect();
    let mut seen = HashSet::new();
    let mut named: HashMap<PathBuf, Vec<PathBuf>> = HashMap::new();
    while let Some(path) = open.pop() {
        if !is_kustomization(&path) || !seen.insert(path.clone()) {
            continue;
        }
        for file in named_in(tree, &path) {
            named.entry(file.clone()).or_default().push(path.clone());
            open.push(file);
        }
    }
    named
}

fn named_in(tree: &dyn Tree, layer: &Path) -> Vec<PathBuf> {
    let Some(text) = tree.text(layer) else {
        return Vec::new();
    };
    let layer = Kustomization::read(tree, layer, &text);
    layer.files().map(Path::to_owned).collect()
}

/// Returns the files of `resources`, `bases` and `components` of a kustomization, directly or not.
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
