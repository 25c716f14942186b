//! Finds further names (hard links) of the files that are written, anywhere within the bounds.
//!
//! Looks for them once in a run, and only if a file has more names than the run knows of.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use walkdir::WalkDir;

use super::Change;
use super::bounds::Bounds;
use super::metadata::{self, FileId};
use super::staging;
use super::target::Target;

#[derive(Debug, Default)]
pub(super) struct Names(OnceLock<HashMap<FileId, Vec<PathBuf>>>);

impl Names {
    /// Adds the names of a file that are not known yet.
    pub(super) fn complete<'c>(&'c self, names: &mut Vec<Target<'c>>, bounds: &Bounds) {
        let Some(first) = names.first() else { return };
        let Some(id) = first.id().filter(|_| first.links() > names.len() as u64) else {
            return;
        };
        let change = first.change;
        let all = self.0.get_or_init(|| search(bounds));
        for path in all.get(&id).into_iter().flatten() {
            if names.iter().any(|known| known.spot.real == *path) {
                continue;
            }
            // The path may lead to another file by now.
            let change = Change { path, ..change };
            if let Ok(Some(target)) = Target::check(change, bounds)
                && target.id() == Some(id)
            {
                names.push(target);
            }
        }
    }
}

/// Returns all names within the bounds of files that have several names.
fn search(bounds: &Bounds) -> HashMap<FileId, Vec<PathBuf>> {
    let mut found: HashMap<FileId, Vec<PathBuf>> = HashMap::new();
    for root in bounds.roots() {
        // Another run keeps links to old texts there until it is done.
        let entries = WalkDir::new(root).into_iter();
        let entries = entries.filter_entry(|entry| entry.file_name() != staging::NAME);
        for entry in entries.flatten() {
            if !entry.file_type().is_file() {
                continue;
            }
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata::links(&metadata) > 1
                && let Some(id) = metadata::id(&metadata)
            {
                let names = found.entry(id).or_default();
                add(names, entry.path());
            }
        }
    }
    found
}

/// Adds a name once, even if it is found under several roots, which may be inside each other.
fn add(names: &mut Vec<PathBuf>, path: &Path) {
    if !names.iter().any(|known| known == path) {
        names.push(path.to_owned());
    }
}
