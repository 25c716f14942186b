//! A chart's folder: the chart in it, and the files that a name is split over.
//!
//! Reads through `Tree`, and nothing beyond the folder; the cost is bounded.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::file_type;
use crate::project::helm::render::{Chart, Files};
use crate::project::{Members, PathKind, Tree};
use crate::rules::prefilter::{Beginnings, Prefilter};

const MOST_FILES: usize = 4000;
const MOST_BYTES: usize = 32 << 20;
const MOST_FOLDERS: usize = 24;

/// Loads the chart in a folder from the current texts of its files.
///
/// # Errors
/// If it cannot be loaded.
pub(super) fn chart(tree: &dyn Tree, folder: &Path, members: &Members) -> Result<Chart, String> {
    Chart::from_folder(files(tree, folder, members)?)
}

/// Returns the files that have the beginning or the rest of a legacy location, if a location may be split between two
/// of them. `layers` are values files that may be outside the folder.
pub(super) fn split_names(
    tree: &dyn Tree,
    prefilter: &Prefilter,
    folder: &Path,
    layers: &[&PathBuf],
) -> BTreeSet<PathBuf> {
    let mut begun: BTreeSet<PathBuf> = tree.beginnings(folder).into_iter().collect();
    let given = layers.iter().filter(|path| !path.starts_with(folder));
    begun.extend(given.flat_map(|path| tree.beginnings(path)));
    let mut beginnings = Beginnings::default();
    for text in begun.iter().filter_map(|path| tree.text(path)) {
        prefilter.begin(text.as_bytes(), &mut beginnings);
    }
    let Some(files) = (!begun.is_empty()).then(|| files(tree, folder, &Members::new())) else {
        return BTreeSet::new();
    };
    let own = files.unwrap_or_default();
    let is_read = |path: &Path| path.starts_with(folder) && !own.is_empty();
    let has_rest = |path: &Path| {
        let text = tree.text(path);
        text.is_some_and(|text| prefilter.has_rest(&beginnings, text.as_bytes()))
    };
    let given = layers.iter();
    let given = given.filter(|path| !is_read(path) && has_rest(path));
    let own = own.iter();
    let own = own.filter(|(_, bytes)| prefilter.has_rest(&beginnings, bytes));
    let rest: Vec<PathBuf> = own
        .map(|(name, _)| folder.join(name))
        .chain(given.map(|path| (*path).clone()))
        .collect();
    if rest.is_empty() {
        return BTreeSet::new();
    }
    begun.extend(rest);
    begun.retain(|path| file_type::classify(path).is_some());
    begun
}

/// Reads the files of the folder, by their paths in it.
fn files(tree: &dyn Tree, folder: &Path, members: &Members) -> Result<Files, String> {
    let mut reader = Reader {
        tree,
        members,
        folder,
        files: Files::new(),
        bytes: 0,
    };
    reader.folder(folder, 0)?;
    Ok(reader.files)
}

struct Reader<'r> {
    tree: &'r dyn Tree,
    members: &'r Members,
    folder: &'r Path,
    files: Files,
    bytes: usize,
}

impl Reader<'_> {
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), String> {
        if depth > MOST_FOLDERS {
            return Err("its folders are nested too deeply".to_owned());
        }
        for path in self.tree.list(folder) {
            match self.tree.place(&path) {
                PathKind::Folder => self.folder(&path, depth + 1)?,
                PathKind::File => self.file(&path)?,
                PathKind::Unreadable => {
                    return Err(format!("{} cannot be read", path.display()));
                }
                PathKind::Missing | PathKind::Outside => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), String> {
        let Ok(name) = path.strip_prefix(self.folder) else {
            return Ok(());
        };
        let bytes = match self.members.get(path) {
            Some(member) => member.text.as_bytes().to_vec(),
            None => self
                .tree
                .bytes(path)
                .ok_or_else(|| format!("{} cannot be read", path.display()))?,
        };
        self.bytes += bytes.len();
        if self.bytes > MOST_BYTES || self.files.len() >= MOST_FILES {
            return Err("it has too many files, or too large ones".to_owned());
        }
        let name = name.to_string_lossy().replace('\\', "/");
        self.files.insert(name, bytes);
        Ok(())
    }
}
