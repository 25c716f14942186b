//! Finds the files around documents of kbld, kpt and ytt that contain the names these documents select. Such a document
//! names no folder, and is often passed to the program together with a base from another folder.
//! The same for documents that Flux applies to the root of a repository without a kustomization.
//!
//! Only searches text: how a file uses a name is judged when all the files are judged together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::folders::{self, Root};
use crate::check;
use crate::detect::Usage;
use crate::file_type;
use crate::finding::Finding;
use crate::image::name_of;
use crate::project::spelled::spelled;
use crate::project::{Tree, folders_above};
use crate::rules::RuleSet;
use crate::source;

/// The most folders, from a document's own one up, that are searched for what it selects. Further up are other projects.
const MOST_FOLDERS: usize = 3;

/// The most documents, and the most files of a base, that change together. The work grows with both.
const MOST_TIED: usize = 32;

/// The names that a document selects, and those that it pulls itself.
#[derive(Default)]
struct Spoken {
    selected: BTreeSet<String>,
    pulled: BTreeSet<String>,
    /// Names that it both selects and pulls with the same tag, because its base is in the same file.
    own: BTreeSet<String>,
    /// The root that it is applied to, if it is the root of a repository.
    root: Option<(PathBuf, Root)>,
}

/// A name that a document selects and that nothing in its own folder has.
pub(super) struct Near {
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// The files of the nearest folder above that contain the name.
    pub(super) base: Vec<PathBuf>,
    /// Whether there is too much to change it together.
    pub(super) are_many: bool,
    /// The kind of root, if it is applied to the root of a repository.
    pub(super) root: Option<Root>,
}

/// A name, the files that contain it, and the kind of root in which it is selected.
type Based<'b> = (&'b String, Vec<&'b PathBuf>, Option<Root>);

/// Finds what documents select in the folders above them.
pub(super) fn bases(tree: &dyn Tree, files: &[PathBuf], rules: &RuleSet) -> Vec<Near> {
    let suspects = files.iter().filter(|path| tree.is_suspect(path));
    let spoken: BTreeMap<&PathBuf, Spoken> = suspects
        .filter_map(|path| Some((path, spoken(tree, path, rules)?)))
        .collect();
    let names = spoken.values().flat_map(|one| one.selected.iter().cloned());
    let mut spelled = spelled(tree, &names.collect());
    for (name, files) in &mut spelled {
        // A file that only selects a name is not a base.
        files.retain(|file| spoken.get(file).is_none_or(|own| own.pulled.contains(name)));
    }
    let mut selecting: BTreeMap<Based<'_>, Vec<&PathBuf>> = BTreeMap::new();
    for (path, spoken) in &spoken {
        let root = spoken.root.as_ref().map(|(_, whose)| *whose);
        for name in spoken.selected.difference(&spoken.own) {
            let files = spelled.get(name);
            let base = files.and_then(|files| match &spoken.root {
                Some((folder, _)) => below(folder, path, files),
                None => nearest(tree, path, files),
            });
            if let Some(base) = base {
                let selecting = selecting.entry((name, base, root));
                selecting.or_default().push(path);
            }
        }
    }
    let mut all = Vec::new();
    for ((name, base, root), mut paths) in selecting {
        let are_many = paths.len() > MOST_TIED || base.len() > MOST_TIED;
        if are_many {
            paths.truncate(1);
        }
        all.extend(paths.into_iter().map(|path| Near {
            path: path.clone(),
            name: name.clone(),
            base: base.iter().copied().cloned().collect(),
            are_many,
            root,
        }));
    }
    all
}

/// Returns the names in a file whose documents name no folder. `None` for other files.
fn spoken(tree: &dyn Tree, path: &Path, rules: &RuleSet) -> Option<Spoken> {
    let text = tree.text(path)?;
    let file_type = file_type::classify(path)?;
    let roots = folders::generated_roots(tree, path, &text);
    let root = roots.into_iter().max_by_key(|(_, whose)| *whose);
    let is_anywhere = root.is_some() || folders::names_none(path, &text);
    is_anywhere.then(|| {
        let findings = check::check(path, &text, file_type, rules).findings;
        let (selected, pulled): (Vec<Finding>, _) = findings.into_iter().partition(is_selector);
        let references: BTreeSet<&str> = pulled.iter().map(|one| one.old.as_str()).collect();
        let has_base = |one: &&Finding| references.contains(one.old.as_str());
        Spoken {
            own: names(selected.iter().filter(has_base)),
            selected: names(selected.iter()),
            pulled: names(pulled.iter()),
            root,
        }
    })
}

fn names<'f>(findings: impl Iterator<Item = &'f Finding>) -> BTreeSet<String> {
    findings.map(|one| name_of(&one.old).to_owned()).collect()
}

fn is_selector(finding: &Finding) -> bool {
    matches!(finding.usage, Some(Usage::Selector { .. }))
}

/// Returns the files below a folder, except the document itself. `None` if there are none.
fn below<'f>(folder: &Path, path: &Path, files: &'f BTreeSet<PathBuf>) -> Option<Vec<&'f PathBuf>> {
    let others = files.iter().filter(|file| file.as_path() != path);
    let below: Vec<&PathBuf> = others
        .filter(|file| source::is_below(file, folder))
        .collect();
    (!below.is_empty()).then_some(below)
}

/// Returns the files in the nearest folder above a document that has any of them. `None` if its own folder has any.
fn nearest<'f>(
    tree: &dyn Tree,
    path: &Path,
    files: &'f BTreeSet<PathBuf>,
) -> Option<Vec<&'f PathBuf>> {
    let own = path.parent().unwrap_or(Path::new(""));
    let above = folders_above(tree, own).take(MOST_FOLDERS);
    for (depth, folder) in above.enumerate() {
        if let Some(below) = below(&folder, path, files) {
            return (depth > 0).then_some(below);
        }
    }
    None
}
