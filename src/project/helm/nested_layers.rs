//! Values files in folders below the values that they override: `ci/`, `envs/prod/values.yaml`, `environments/eu/prod.yaml`.
//!
//! Goes by names alone. Nothing says for certain that such files are used together.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::given::is_layer;
use crate::project::{PathKind, Tree};
use crate::source;

/// The name of the values that others override.
pub(super) const BASE: &str = "values.yaml";

/// Folders whose files are layers, whatever they are called.
const ENVIRONMENTS: [&str; 11] = [
    "ci",
    "clusters",
    "env",
    "environment",
    "environments",
    "envs",
    "overlays",
    "overrides",
    "profiles",
    "stages",
    "values",
];

/// Folders that contain what the folders beside them have in common.
const COMMON: [&str; 6] = ["_base", "base", "common", "default", "defaults", "shared"];

/// Folders of a chart, or of other programs, without layers.
const OTHERS: [&str; 6] = [
    "charts",
    "crds",
    "files",
    "node_modules",
    "templates",
    "testdata",
];

/// How deep layers are below what they override.
const DEEPEST: usize = 3;

/// The most folders that are listed, and the most files that are taken.
const MOST_FOLDERS: usize = 48;
const MOST_FILES: usize = 64;

/// Whether a file is in a folder of layers.
pub(super) fn is_in_environment(path: &Path) -> bool {
    let above = path.ancestors().skip(1).take(DEEPEST);
    is_data(path) && above.filter_map(Path::file_name).any(is_environment)
}

fn is_environment(name: &std::ffi::OsStr) -> bool {
    ENVIRONMENTS.iter().any(|one| name == *one)
}

fn is_data(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml" | "json"))
}

/// Whether a path is a folder that may contain layers.
fn may_hold(tree: &dyn Tree, path: &Path) -> bool {
    let name = source::file_name(path);
    // Names of files nearly always have a dot. Folders such as `v1.2` are no environments.
    !name.contains('.') && !OTHERS.contains(&name) && tree.place(path) == PathKind::Folder
}

/// Returns the files below a folder that may override the values there.
pub(super) fn below(tree: &dyn Tree, folder: &Path) -> Vec<PathBuf> {
    let mut search = Search {
        tree,
        left: MOST_FOLDERS,
        files: Vec::new(),
    };
    search.folders(&tree.list(folder), false, 1);
    search.files.truncate(MOST_FILES);
    search.files
}

struct Search<'t> {
    tree: &'t dyn Tree,
    left: usize,
    files: Vec<PathBuf>,
}

impl Search<'_> {
    fn folders(&mut self, entries: &[PathBuf], in_environment: bool, depth: usize) {
        for path in entries {
            if may_hold(self.tree, path) {
                let own = path.file_name().is_some_and(is_environment);
                self.folder(path, in_environment || own, depth);
            }
        }
    }

    fn folder(&mut self, folder: &Path, in_environment: bool, depth: usize) {
        if depth > DEEPEST || self.left == 0 || self.files.len() >= MOST_FILES {
            return;
        }
        self.left -= 1;
        let entries = self.tree.list(folder);
        let is_chart = |path: &PathBuf| source::file_name(path) == "Chart.yaml";
        if entries.iter().any(is_chart) {
            return;
        }
        let is_one = |path: &&PathBuf| {
            is_layer(path) || source::file_name(path) == BASE || in_environment && is_data(path)
        };
        self.files.extend(entries.iter().filter(is_one).cloned());
        self.folders(&entries, in_environment, depth + 1);
    }
}

/// Returns the folder whose layers override the values in `folder`: a folder of common values has them beside it.
pub(super) fn scope(folder: &Path) -> &Path {
    match (folder.file_name(), folder.parent()) {
        (Some(name), Some(above)) if COMMON.iter().any(|one| name == *one) => above,
        _ => folder,
    }
}

/// The values files that others below may override. Looks for those of a folder once.
pub(super) struct Bases<'t> {
    tree: &'t dyn Tree,
    known: HashMap<PathBuf, Vec<PathBuf>>,
}

impl<'t> Bases<'t> {
    pub(super) fn new(tree: &'t dyn Tree) -> Self {
        Self {
            tree,
            known: HashMap::new(),
        }
    }

    /// Whether a values file may have layers in other folders. `beside` are the entries of the folder of a base, and ignored
    /// for other files. Lists nothing.
    pub(super) fn have_any(&mut self, path: &Path, beside: &[PathBuf]) -> bool {
        let folder = path.parent().unwrap_or(Path::new(""));
        let is_base = source::file_name(path) == BASE;
        let has_below =
            || scope(folder) != folder || beside.iter().any(|one| may_hold(self.tree, one));
        is_base && has_below() || !self.above(path).is_empty()
    }

    /// Returns the values that those in a file below may override.
    pub(super) fn above(&mut self, path: &Path) -> Vec<PathBuf> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut found = Vec::new();
        for below in folder.ancestors().take(DEEPEST) {
            let is_chart = || self.tree.is_file(&below.join("Chart.yaml"));
            let Some(folder) = below.parent().filter(|_| !is_chart()) else {
                break;
            };
            let bases = self.in_folder(folder).iter();
            found.extend(bases.filter(|other| *other != path).cloned());
        }
        found
    }

    fn in_folder(&mut self, folder: &Path) -> &[PathBuf] {
        let tree = self.tree;
        self.known.entry(folder.to_owned()).or_insert_with(|| {
            let common = COMMON.iter().map(|name| folder.join(name).join(BASE));
            let all = std::iter::once(folder.join(BASE)).chain(common);
            all.filter(|path| tree.is_file(path)).collect()
        })
    }
}
