//! The files that a run reports if it only reports changes.
//!
//! All files are walked and read as usual, so that a run on the changes reports a part of what a full run reports. Does not
//! know where the list of changes comes from.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::groups::Group;
use crate::file_type::{self, Holds};
use crate::project::builds;
use crate::project::selectors::{folders_applied_by, lays_over};
use crate::project::{PathKind, Tree};
use crate::rules::RuleSet;
use crate::search::Search;
use crate::walk;

/// The changes.
#[derive(Debug, Clone)]
pub struct ChangedScope {
    /// Files, and folders in which anything may have changed: absolute paths with links resolved.
    changed: BTreeSet<PathBuf>,
    /// Texts of project files before the change.
    before: BTreeMap<PathBuf, String>,
    roots: Vec<PathBuf>,
    /// Changed paths below the roots, spelled like in the walk.
    spelled: HashSet<PathBuf>,
}

impl ChangedScope {
    /// Whether the text of a file before the change is needed.
    pub fn asks_for(path: &Path) -> bool {
        file_type::project_files().any(|name| named(path, &[name]))
    }

    pub fn new(
        changed: BTreeSet<PathBuf>,
        before: BTreeMap<PathBuf, String>,
        roots: &[PathBuf],
    ) -> Self {
        let changed: BTreeSet<PathBuf> = changed.into_iter().map(widen_ignore_file).collect();
        let mut all = HashSet::new();
        for root in roots {
            let Some(real) = walk::real(root) else {
                continue;
            };
            let rests = changed
                .iter()
                .filter_map(|path| path.strip_prefix(&real).ok());
            all.extend(rests.map(|rest| spelled(root, rest)));
            // A root can be inside a folder in which anything may have changed.
            if real.ancestors().any(|path| changed.contains(path)) {
                all.insert(spelled(root, Path::new("")));
            }
        }
        Self {
            changed,
            before,
            roots: roots.to_vec(),
            spelled: all,
        }
    }

    /// Adds everything that projects connect to the changes: the whole chart of a file, the files that its kustomization
    /// refers to, what project files said before, files that spell an image that was built, and files that refer to a deleted
    /// file. `project_files` make the projects of the run, `selectors` may select images in folders, and `releases` may give
    /// values to charts.
    pub(super) fn with_what_it_reaches(
        &self,
        tree: &dyn Tree,
        project_files: &[PathBuf],
        selectors: &[PathBuf],
        releases: &[PathBuf],
        rules: &RuleSet,
    ) -> Self {
        let mut reach = AffectedSet {
            tree,
            reached: self.changed.clone(),
            open: Vec::new(),
        };
        let mut spoken: HashSet<&Path> = self.changed.iter().map(PathBuf::as_path).collect();
        for path in self.changed.iter().filter(|path| Self::asks_for(path)) {
            let before = self.before.get(path).map(|text| Arc::from(text.as_str()));
            let texts = before.into_iter().chain(tree.text(path));
            reach.open.extend(texts.map(|text| (path.clone(), text)));
            if let Some(folder) = path.parent().filter(|_| !path.exists()) {
                // Projects are named by their folders, and everything below a chart was part of it.
                spoken.insert(folder);
                if named(path, &file_type::CHART_FILES) {
                    reach.reached.insert(folder.to_owned());
                }
            }
        }
        for path in self.changed.iter().filter(|path| !Self::asks_for(path)) {
            let before = self.before.get(path).map(|text| Arc::from(text.as_str()));
            if let Some(before) = &before {
                let spelling = builds::spelling(tree, path, before, rules);
                reach.reached.extend(spelling.iter().map(|file| real(file)));
            }
            for text in before.into_iter().chain(tree.text(path)) {
                reach.add_laid_over(path, &text);
            }
        }
        reach.add_projects(&spoken, project_files);
        reach.follow();
        reach.add_releases(&self.changed, releases);
        let selecting = selectors.iter().chain(releases).filter(|selector| {
            let text = tree.text(selector).unwrap_or_default();
            let folders = folders_applied_by(tree, selector, &text);
            let folders: Vec<PathBuf> = folders.iter().map(|folder| real(folder)).collect();
            let is_below = |path: &PathBuf| folders.iter().any(|folder| path.starts_with(folder));
            reach.reached.iter().any(is_below)
        });
        let selecting: Vec<PathBuf> = selecting.map(|selector| real(selector)).collect();
        reach.reached.extend(selecting);
        Self::new(reach.reached, BTreeMap::new(), &self.roots)
    }

    /// Whether a file of the walk changed.
    pub(super) fn has(&self, path: &Path) -> bool {
        // All paths below `.` start with the empty path.
        path.ancestors().any(|path| self.spelled.contains(path))
    }

    /// Whether a file changed, given any spelling of its path.
    pub(super) fn concerns(&self, path: &Path) -> bool {
        self.is_changed(&real(path))
    }

    /// Keeps the groups that a change can affect. `project_files` make the projects of the run.
    pub(super) fn keep(&self, groups: &mut Vec<Group>, project_files: &[PathBuf]) {
        let folders = project_files
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

/// The files affected by a change, collected through projects.
struct AffectedSet<'t> {
    tree: &'t dyn Tree,
    /// Absolute paths with links resolved.
    reached: BTreeSet<PathBuf>,
    /// Project files that may refer to more files, each with one of its texts.
    open: Vec<(PathBuf, Arc<str>)>,
}

impl AffectedSet<'_> {
    /// Adds the charts of releases that may take values from a change: from a file that they name, or from one next to them.
    fn add_releases(&mut self, changed: &BTreeSet<PathBuf>, releases: &[PathBuf]) {
        let names = changed.iter().filter_map(|path| path.file_name()?.to_str());
        // If there are too many names to search for, assume that every release has one.
        let search = Search::new(names).ok();
        let beside: HashSet<PathBuf> = self
            .reached
            .iter()
            .filter_map(|path| path.parent().map(Path::to_owned))
            .collect();
        for release in releases {
            let path = real(release);
            let Some(text) = self.tree.text(release) else {
                continue;
            };
            let is_beside = path.parent().is_some_and(|folder| beside.contains(folder));
            let has_name = |search: &Search| search.occurs_in(text.as_bytes());
            if is_beside || search.as_ref().is_none_or(has_name) {
                self.add_laid_over(&path, &text);
            }
        }
    }

    /// Adds the folders that a text applies to: where it selects images, or charts that it gives values to.
    fn add_laid_over(&mut self, path: &Path, text: &str) {
        match file_type::classify(path).map(|file_type| file_type.holds) {
            Some(Holds::Yaml | Holds::Json | Holds::Kptfile) if lays_over(path, text) => {
                let folders = folders_applied_by(self.tree, path, text);
                let folders = folders.iter().map(|folder| real(folder));
                self.reached.extend(folders);
            }
            Some(Holds::Helmfile) => {
                let folder = path.parent().unwrap_or(path);
                let targets = words(text).map(|word| self.target(folder, word));
                let is_other =
                    |path: &PathBuf| path != folder && self.tree.place(path) == PathKind::Folder;
                let folders: Vec<PathBuf> = targets.filter(is_other).collect();
                self.reached.extend(folders);
            }
            _ => {}
        }
    }

    /// Adds the charts that contain one of the paths, and the kustomizations that refer to one.
    fn add_projects(&mut self, paths: &HashSet<&Path>, project_files: &[PathBuf]) {
        let names: HashSet<&OsStr> = paths.iter().filter_map(|path| path.file_name()).collect();
        // Looking up a word is expensive, so only words with a matching file name are looked up.
        let is_called = |word: &&str| {
            let name = Path::new(word).file_name();
            name.is_none_or(|name| names.contains(name))
        };
        for maker in project_files {
            let path = real(maker);
            let (Some(folder), Some(text)) = (path.parent(), self.tree.text(maker)) else {
                continue;
            };
            if named(&path, &file_type::CHART_FILES) {
                let mut inside = paths.iter().filter(|path| path.starts_with(folder));
                if inside.any(|path| says_something(path)) {
                    self.reached.insert(folder.to_owned());
                }
            } else if words(&text)
                .filter(is_called)
                .any(|word| paths.contains(self.target(folder, word).as_path()))
            {
                self.reached.insert(path.clone());
                self.open.push((path, text));
            }
        }
    }

    /// Adds the files that project files refer to, recursively through folders.
    fn follow(&mut self) {
        while let Some((maker, text)) = self.open.pop() {
            let folder = maker.parent().unwrap_or(&maker);
            // Kustomize looks for charts in `charts` unless another folder is set.
            for word in words(&text).chain(["charts"]) {
                let target = self.target(folder, word);
                match self.tree.place(&target) {
                    PathKind::Folder => self.enter(&target, folder),
                    PathKind::File => {
                        self.reached.insert(target);
                    }
                    PathKind::Missing | PathKind::Unreadable | PathKind::Outside => {}
                }
            }
        }
    }

    /// Enters a folder that a project file in another folder refers to: a kustomization, a chart, or a folder of charts.
    fn enter(&mut self, folder: &Path, from: &Path) {
        let names = file_type::KUSTOMIZATION_FILES.iter();
        let project_files = names.map(|name| folder.join(name));
        let maker = project_files
            .into_iter()
            .find(|path| self.tree.place(path) == PathKind::File);
        match maker {
            Some(maker) => {
                let text = self.tree.text(&maker);
                let text = text.filter(|_| self.reached.insert(maker.clone()));
                self.open.extend(text.map(|text| (maker, text)));
            }
            None if from.starts_with(folder) => {}
            None => {
                self.reached.insert(folder.to_owned());
            }
        }
    }

    fn target(&self, folder: &Path, word: &str) -> PathBuf {
        let path = word.strip_prefix("file://").unwrap_or(word);
        real(&self.tree.resolve(folder, path))
    }
}

/// The words of a text that may be names of files or folders, whatever field they are in.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let ends_word = |letter: char| letter.is_whitespace() || "\"',[]{}".contains(letter);
    text.split(ends_word).filter(|word| !word.is_empty())
}

/// The nearest folder above a path that has a project.
fn project<'p>(folders: &HashSet<PathBuf>, path: &'p Path) -> Option<&'p Path> {
    let above = path.ancestors().skip(1);
    above.into_iter().find(|folder| folders.contains(*folder))
}

/// A path below a root, spelled like in the walk: below `.` without `./`.
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

/// Resolves the links of a path. For a missing file, resolves those of its folder.
fn real(path: &Path) -> PathBuf {
    let of_folder = || Some(walk::real(path.parent()?)?.join(path.file_name()?));
    let real = walk::real(path).or_else(of_folder);
    real.unwrap_or_else(|| walk::working_directory().join(path))
}

/// A changed ignore file affects everything in its folder.
fn widen_ignore_file(path: PathBuf) -> PathBuf {
    match path.parent() {
        Some(folder) if named(&path, &[".gitignore", ".ignore"]) => folder.to_owned(),
        _ => path,
    }
}

fn named(path: &Path, names: &[&str]) -> bool {
    path.file_name()
        .is_some_and(|file| names.iter().any(|name| file == *name))
}

/// Whether a file can affect findings in other files of its project.
fn says_something(path: &Path) -> bool {
    let archive = path
        .extension()
        .is_some_and(|extension| extension == "tgz" || extension == "lock");
    archive || file_type::classify(path).is_some() || !path.is_file()
}
