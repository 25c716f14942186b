//! Finds the files of a tree that contain given names.
//!
//! Only searches text: how a file uses a name is judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Tree;
use crate::search::Search;

/// Returns the files that contain each name.
pub(super) fn spelled(
    tree: &dyn Tree,
    names: &BTreeSet<String>,
) -> BTreeMap<String, BTreeSet<PathBuf>> {
    let mut spelled: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    if names.is_empty() {
        return spelled;
    }
    let names: Vec<&String> = names.iter().collect();
    // If there are too many names to search for, every file may contain any of them.
    let search = Search::new(names.iter()).ok();
    for path in tree.suspects(Path::new("")) {
        let Some(text) = tree.text(&path) else {
            continue;
        };
        let found: BTreeSet<usize> = match &search {
            Some(search) => search.find_iter(text.as_bytes()).map(|one| one.0).collect(),
            None => (0..names.len()).collect(),
        };
        for name in found.into_iter().filter_map(|one| names.get(one)) {
            let files = spelled.entry((*name).clone()).or_default();
            files.insert(path.clone());
        }
    }
    spelled
}
