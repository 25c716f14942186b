//! What a kustomization is built from, as far as it tells apart which of several objects a patch is for.
//!
//! Follows `resources`, `bases` and `components`, and nothing that changes them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::values::{self, Value};
use crate::file_type::KUSTOMIZATION_FILES;
use crate::project::{PathKind, Tree};

const PARTS: [&str; 3] = ["resources", "bases", "components"];

/// More kustomizations below one are not read.
const MOST_LAYERS: usize = 256;

/// How far above a patch the kustomization is looked for that lists it.
const MOST_FOLDERS: usize = 4;

/// The files that kustomizations are built from, each followed once.
#[derive(Debug, Default)]
pub(super) struct Reach {
    known: Mutex<HashMap<PathBuf, Arc<HashSet<PathBuf>>>>,
}

impl Reach {
    /// The files that are built together with a patch, or with a kustomization.
    pub(super) fn of(&self, tree: &dyn Tree, path: &Path) -> Option<Arc<HashSet<PathBuf>>> {
        let mut folders = path.ancestors().skip(1).take(MOST_FOLDERS);
        let start = folders.find_map(|folder| layer_in(tree, folder))?;
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(files) = known().get(&start) {
            return Some(Arc::clone(files));
        }
        let files = Arc::new(follow(tree, &start));
        known().insert(start, Arc::clone(&files));
        Some(files)
    }
}

fn layer_in(tree: &dyn Tree, folder: &Path) -> Option<PathBuf> {
    let files = KUSTOMIZATION_FILES.iter();
    let mut files = files.map(|name| tree.resolve(folder, name));
    files.find(|path| tree.place(path) == PathKind::File)
}

fn follow(tree: &dyn Tree, start: &Path) -> HashSet<PathBuf> {
    let mut open = vec![start.to_owned()];
    let mut layers = HashSet::new();
    let mut files = HashSet::new();
    while let Some(layer) = open.pop() {
        if layers.len() == MOST_LAYERS || !layers.insert(layer.clone()) {
            continue;
        }
        let read = tree
            .text(&layer)
            .and_then(|text| values::read(&text, 0).ok());
        let Some(table) = read else {
            continue;
        };
        let folder = layer.parent().unwrap_or(Path::new(""));
        let lists = PARTS.iter().filter_map(|key| table.get(*key));
        for item in lists.flat_map(|list| match list {
            Value::List(items) => items.to_vec(),
            _ => Vec::new(),
        }) {
            let Value::Leaf(leaf) = item else {
                continue;
            };
            let path = tree.resolve(folder, &leaf.text);
            match tree.place(&path) {
                PathKind::File => {
                    files.insert(path);
                }
                PathKind::Folder => open.extend(layer_in(tree, &path)),
                PathKind::Missing | PathKind::Unreadable | PathKind::Outside => {}
            }
        }
    }
    files
}
