//! Which files a run is about, where it is about those that changed.
//!
//! All are walked and read as ever, so that a run on what changed tells a part of what a run on everything tells. Does not
//! know who says what changed.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::groups::Group;
use crate::kind;
use crate::project::{Place, Tree};
use crate::walk;

/// What changed.
#[derive(Debug)]
pub struct Only {
    /// Files, and folders of which anything may have changed: full paths, as they really are.
    changed: BTreeSet<PathBuf>,
    roots: Vec<PathBuf>,
    /// What changed below the roots, as the walk spells it.
    spelled: HashSet<PathBuf>,
}

impl Only {
    pub fn new(changed: BTreeSet<PathBuf>, roots: &[PathBuf]) -> Self {
        let changed: BTreeSet<PathBuf> = changed.into_iter().map(widened).collect();
        let mut all = HashSet::new();
        for root in roots {
            let Some(real) = walk::real(root) else {
                continue;
            };
            let rests = changed
                .iter()
                .filter_map(|path| path.strip_prefix(&real).ok());
            all.extend(rests.map(|rest| spelled(root, rest)));
            // A root can lie in a folder of which anything may have changed.
            if real.ancestors().any(|path| changed.contains(path)) {
                all.insert(spelled(root, Path::new("")));
            }
        }
        Self {
            changed,
            roots: roots.to_vec(),
            spelled: all,
        }
    }

    /// The same with all that changed kustomizations reach: what they no longer select is found again. `None` where the
    /// change can affect anything.
    pub(super) fn with_what_it_reaches(&self, tree: &dyn Tree) -> Option<Self> {
        let (mut makers, gone): (Vec<PathBuf>, Vec<PathBuf>) = self
            .changed
            .iter()
            .filter(|path| makes_project(path))
            .cloned()
            .partition(|path| path.is_file());
        if !gone.is_empty() {
            return None;
        }
        let mut reached = self.changed.clone();
        while let Some(maker) = makers.pop() {
            let (Some(folder), Some(text)) = (maker.parent(), tree.text(&maker)) else {
                continue;
            };
            // Whatever it calls them, files and folders beside it are what it speaks about.
            let ends_word = |letter: char| letter.is_whitespace() || "\"',[]{}:".contains(letter);
            for word in text.split(ends_word).filter(|word| !word.is_empty()) {
                let target = tree.resolve(folder, word);
                match tree.place(&target) {
                    Place::Folder => {
                        let names = kind::KUSTOMIZATION_FILES.iter();
                        let inner = names.map(|name| target.join(name));
                        let inner = inner.filter(|path| tree.place(path) == Place::File);
                        makers.extend(inner.filter(|path| reached.insert(path.clone())));
                    }
                    Place::File => {
                        reached.insert(target);
                    }
                    Place::Missing | Place::Outside => {}
                }
            }
        }
        Some(Self::new(reached, &self.roots))
    }

    /// Whether a file changed that the walk came upon.
    pub(super) fn has(&self, path: &Path) -> bool {
        // All paths below `.` begin with nothing.
        path.ancestors().any(|path| self.spelled.contains(path))
    }

    /// Keeps the groups that a change can affect. `makers` are the files that make the projects of the run.
    pub(super) fn keep(&self, groups: &mut Vec<Group>, makers: &[PathBuf]) {
        let folders = makers
            .iter()
            .filter_map(|maker| real(maker).parent().map(Path::to_owned));
        let folders: HashSet<PathBuf> = folders.collect();
        let said = self.changed.iter().filter(|path| says_something(path));
        let touched: HashSet<&Path> = said.filter_map(|path| project(&folders, path)).collect();
        let concerns = |path: PathBuf| {
            self.is_changed(&path)
                || project(&folders, &path).is_some_and(|folder| touched.contains(folder))
        };
        groups.retain(|group| group.paths().map(|path| real(path)).any(concerns));
    }

    fn is_changed(&self, real: &Path) -> bool {
        real.ancestors().any(|path| self.changed.contains(path))
    }
}

/// The nearest folder above a path that is a project's.
fn project<'p>(folders: &HashSet<PathBuf>, path: &'p Path) -> Option<&'p Path> {
    let above = path.ancestors().skip(1);
    above.into_iter().find(|folder| folders.contains(*folder))
}

/// A path below a root in the way that the walk has it: below `.` without a `./`.
fn spelled(root: &Path, rest: &Path) -> PathBuf {
    let path = match rest.as_os_str().is_empty() {
        true => root.to_owned(),
        false => root.join(rest),
    };
    match path.strip_prefix(".") {
        Ok(rest) => rest.to_owned(),
        Err(_) => path,
    }
}

/// A path of the walk, as it really is; of a file that is not there, as its folder is.
fn real(path: &Path) -> PathBuf {
    let of_folder = || Some(walk::real(path.parent()?)?.join(path.file_name()?));
    let real = walk::real(path).or_else(of_folder);
    real.unwrap_or_else(|| walk::working_directory().join(path))
}

/// Files that say what is ignored speak of all that is in their folder.
fn widened(path: PathBuf) -> PathBuf {
    match path.parent() {
        Some(folder) if named(&path, &[".gitignore", ".ignore"]) => folder.to_owned(),
        _ => path,
    }
}

fn makes_project(path: &Path) -> bool {
    kind::project_files().any(|name| named(path, &[name]))
}

fn named(path: &Path, names: &[&str]) -> bool {
    path.file_name()
        .is_some_and(|file| names.iter().any(|name| file == *name))
}

/// Whether a file can have a part in what is found in the others of its project.
fn says_something(path: &Path) -> bool {
    let archive = path
        .extension()
        .is_some_and(|extension| extension == "tgz" || extension == "lock");
    archive || kind::classify(path).is_some() || !path.is_file()
}
