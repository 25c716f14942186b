//! Which files of a tree spell some names.
//!
//! Looks for text alone: what a file says of a name is judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Tree;
use crate::search::Search;

/// The files in which each of the names is.
pub(super) fn spelled(
    tree: &dyn Tree,
    names: &BTreeSet<String>,
) -> BTreeMap<String, BTreeSet<PathBuf>> {
    let mut spelled: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    if names.is_empty() {
        return spelled;
    }
    let names: Vec<&String> = names.iter().collect();
    // Too many to search for: then every file may have any of them.
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
