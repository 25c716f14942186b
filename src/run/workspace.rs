//! The files that projects read: those that the walk kept, and those that are looked up on demand.
//!
//! Reads only through `walk`, and shows nothing outside the repositories of the roots.

mod tops;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::outermost::Outermost;
use crate::file_type::{self, FileType};
use crate::parallel::lock;
use crate::project::{PathKind, Tree};
use crate::rules::prefilter::Prefilter;
use crate::source::{is_above_here, is_below, lexically_normal};
use crate::walk::{self, EntryKind, Identity, Overlay};
use tops::{holds_one, spelled, top};

pub use tops::with_charts;

pub(super) struct Workspace<'r> {
    prefilter: &'r Prefilter,
    /// Texts that are read instead of files.
    overlay: Arc<Overlay>,
    /// The working directory.
    here: PathBuf,
    /// Whether paths are absolute, like the roots.
    absolute: bool,
    roots: Vec<Root>,
    /// The absolute paths of the roots.
    given: Outermost,
    /// Existing roots, with links resolved.
    real_roots: Outermost,
    /// The folders of the repositories that the roots may be a part of.
    tops: Outermost,
    /// The same, with links resolved. Nothing outside of them is visible.
    boundaries: Outermost,
    /// Texts that need not be read again.
    known: HashMap<PathBuf, Arc<str>>,
    /// The files in which the walk found something, sorted.
    suspects: Vec<PathBuf>,
    /// Files with the beginning of a location, whose rest may be in another file, sorted.
    beginnings: Vec<PathBuf>,
    /// Unreadable files that make projects, and folders that may contain such files; the value is whether the walk reported
    /// them.
    unread: BTreeMap<PathBuf, bool>,
    /// Cache of folders with links resolved.
    real: Mutex<HashMap<PathBuf, Option<PathBuf>>>,
}

/// A root of the run.
struct Root {
    /// Absolute.
    path: PathBuf,
    /// The folder of the repository that it may be a part of.
    top: PathBuf,
}

impl<'r> Workspace<'r> {
    pub(super) fn new(walk: &walk::Options, prefilter: &'r Prefilter) -> Self {
        let (roots, overlay) = (&walk.roots, &walk.overlay);
        let here = walk::working_directory();
        let absolute = roots.iter().any(|root| root.is_absolute());
        let full = |root: &PathBuf| {
            let path = lexically_normal(&here.join(root));
            let top = top(&path, &here, overlay);
            Root { path, top }
        };
        let roots: Vec<Root> = roots.iter().map(full).collect();
        let given = roots.iter().map(|root| root.path.clone());
        let tops: Outermost = roots.iter().map(|root| root.top.clone()).collect();
        let real = |path: &PathBuf| overlay.real(path);
        Self {
            prefilter,
            overlay: Arc::clone(overlay),
            here,
            absolute,
            given: given.collect(),
            real_roots: roots.iter().filter_map(|root| real(&root.path)).collect(),
            boundaries: tops.paths().iter().filter_map(real).collect(),
            tops,
            roots,
            known: HashMap::new(),
            suspects: Vec::new(),
            beginnings: Vec::new(),
            unread: BTreeMap::new(),
            real: Mutex::default(),
        }
    }

    /// Notes a file that the walk read. Those with locations have to come in the order of paths.
    pub(super) fn note(
        &mut self,
        path: &Path,
        text: Option<Arc<str>>,
        suspect: bool,
        begins_name: bool,
    ) {
        if let Some(text) = text {
            self.known.insert(path.to_owned(), text);
        }
        if suspect {
            self.suspects.push(path.to_owned());
        }
        if begins_name {
            self.beginnings.push(path.to_owned());
        }
    }

    /// Notes an unreadable file or folder if it may make a project: which files it connects is unknown.
    pub(super) fn note_unread(&mut self, path: &Path, reported: bool) {
        let path = match self.overlay.is_folder(path) {
            Some(true) => path.join(file_type::KUSTOMIZATION_FILES[0]),
            _ => path.to_owned(),
        };
        if file_type::classify(&path).is_some_and(FileType::makes_project) {
            self.unread.insert(path, reported);
        }
    }

    /// Unreadable files that may make projects. A folder that could not be listed counts as a kustomization.
    pub(super) fn unread(&self) -> impl Iterator<Item = &PathBuf> {
        self.unread.keys()
    }

    /// Whether a walk already reported that this file is unreadable.
    pub(super) fn is_reported(&self, path: &Path) -> bool {
        self.unread.get(path) == Some(&true)
    }

    /// The folder outside of which nothing related to a path is visible.
    pub(super) fn top_of(&self, path: &Path) -> Option<&Path> {
        self.tops.above(&self.full(path))
    }

    /// Identifies a file independently of its path.
    pub(super) fn identity(&self, path: &Path) -> Option<Identity> {
        self.overlay.identity(path)
    }

    /// The files in which the walk found something.
    pub(super) fn all_suspects(&self) -> impl Iterator<Item = &PathBuf> {
        self.suspects.iter()
    }

    /// The folders outside of which nothing is visible, with links resolved.
    pub(super) fn boundaries(&self) -> &[PathBuf] {
        self.boundaries.paths()
    }

    /// Whether the real path is under a root.
    pub(super) fn is_really_under_roots(&self, path: &Path) -> bool {
        let of_new = || self.real_folder(path.parent()?);
        match self.real(path).or_else(of_new) {
            Some(real) => self.real_roots.contain(&real),
            // The file and its folder will be created, so no links are involved yet.
            None => self.overlay.entry(path).is_some() && self.is_under_roots(path),
        }
    }

    /// Whether a path is a root or under one.
    pub(super) fn is_under_roots(&self, path: &Path) -> bool {
        self.given.contain(&self.full(path))
    }

    /// The absolute path.
    fn full(&self, path: &Path) -> PathBuf {
        lexically_normal(&self.here.join(path))
    }

    /// The repositories of which the roots are only a part, and whose other files may belong to the same projects.
    pub(super) fn around(&self) -> Vec<PathBuf> {
        let given: HashSet<&Path> = self.roots.iter().map(|root| root.path.as_path()).collect();
        let parts = self.roots.iter().filter(|root| !given.contains(&*root.top));
        let parts: Vec<&Root> = parts.collect();
        if parts.is_empty() {
            return Vec::new();
        }
        let known: BTreeSet<PathBuf> = self.known.keys().map(|path| self.full(path)).collect();
        let mut seen = HashSet::new();
        let mut around = BTreeSet::new();
        for root in parts {
            if !around.contains(&*root.top) && self.is_in_project(root, &known, &mut seen) {
                around.insert(root.top.as_path());
            }
        }
        let mut around: Vec<PathBuf> = around.into_iter().map(|top| self.spelled(top)).collect();
        around.sort();
        around
    }

    /// Whether a root contains one of the files that projects read, or a folder from it up to its repository belongs to a
    /// chart or a kustomization. Does not look at folders that were `seen`.
    fn is_in_project<'p>(
        &self,
        root: &'p Root,
        known: &BTreeSet<PathBuf>,
        seen: &mut HashSet<&'p Path>,
    ) -> bool {
        let makes_one = |folder: &Path| {
            holds_one(folder, &file_type::CHART_FILES, &self.overlay)
                || holds_one(folder, &file_type::KUSTOMIZATION_FILES, &self.overlay)
        };
        let mut from = known.range(root.path.clone()..);
        if from.next().is_some_and(|path| path.starts_with(&root.path)) {
            return true;
        }
        let folders = root.path.ancestors();
        let mut folders =
            folders.take_while(|path| path.starts_with(&root.top) && seen.insert(path));
        folders.any(makes_one)
    }

    fn spelled(&self, full: &Path) -> PathBuf {
        spelled(full, &self.here, self.absolute)
    }

    /// Whether a path exists and leads to somewhere visible.
    fn sees(&self, path: &Path) -> bool {
        self.real(path)
            .is_some_and(|real| self.is_below_tops(&real))
    }

    /// Resolves the links of a path.
    fn real(&self, path: &Path) -> Option<PathBuf> {
        match (self.overlay.look(path)?, path.parent(), path.file_name()) {
            (EntryKind::File, Some(folder), Some(name)) => {
                Some(self.real_folder(folder)?.join(name))
            }
            (EntryKind::Folder, ..) => self.real_folder(path),
            _ => self.overlay.real(path),
        }
    }

    /// Like [`Self::sees`] for a folder, but cached.
    fn sees_folder(&self, folder: &Path) -> bool {
        let real = self.real_folder(folder);
        real.is_some_and(|real| self.is_below_tops(&real))
    }

    fn is_below_tops(&self, real: &Path) -> bool {
        self.boundaries.contain(real)
    }

    /// Resolves the links of a folder. If the parent is known, only asks the system about the last component: resolving all
    /// components of every folder would be slow in deep trees.
    fn real_folder(&self, folder: &Path) -> Option<PathBuf> {
        let mut known = lock(&self.real);
        let unknown = folder.ancestors();
        let unknown: Vec<&Path> = unknown
            .take_while(|folder| !known.contains_key(*folder))
            .collect();
        for folder in unknown.into_iter().rev() {
            let above = folder.parent().and_then(|above| known.get(above)).cloned();
            let is_step = matches!(self.overlay.look(folder), Some(EntryKind::Folder));
            let real = match (above.flatten(), folder.file_name()) {
                (Some(above), Some(name)) if is_step => Some(above.join(name)),
                _ => self.overlay.real(folder),
            };
            known.insert(folder.to_owned(), real);
        }
        known.get(folder).cloned().flatten()
    }
}

impl Tree for Workspace<'_> {
    fn resolve(&self, folder: &Path, target: &str) -> PathBuf {
        let path = folder.join(target);
        self.spelled(&self.full(&path))
    }

    fn place(&self, path: &Path) -> PathKind {
        let is_below_tops = || self.is_below_tops(&self.full(path));
        let seen = |sees: bool, place: PathKind| if sees { place } else { PathKind::Outside };
        if self.unread.contains_key(path) {
            return PathKind::Unreadable;
        }
        match self.overlay.look(path) {
            Some(EntryKind::Unreadable) if is_below_tops() => PathKind::Unreadable,
            None if self.overlay.entry(path).is_some() && self.top_of(path).is_some() => {
                match self.overlay.entry(path) {
                    Some(EntryKind::Folder) => PathKind::Folder,
                    _ => PathKind::File,
                }
            }
            None if is_below_tops() => PathKind::Missing,
            None | Some(EntryKind::Unreadable) => PathKind::Outside,
            Some(EntryKind::Folder) => seen(self.sees_folder(path), PathKind::Folder),
            Some(EntryKind::File) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                seen(self.sees_folder(folder), PathKind::File)
            }
            Some(EntryKind::Link { to_folder: true }) => seen(self.sees(path), PathKind::Folder),
            Some(EntryKind::Link { to_folder: false }) => seen(self.sees(path), PathKind::File),
        }
    }

    fn text(&self, path: &Path) -> Option<Arc<str>> {
        if let Some(text) = self.known.get(path) {
            return Some(Arc::clone(text));
        }
        let text = (self.place(path) == PathKind::File).then(|| self.overlay.read(path).ok())?;
        text.map(|(text, _)| Arc::from(text))
    }

    fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        (self.place(path) == PathKind::File).then(|| self.overlay.read_bytes(path).ok())?
    }

    fn list(&self, folder: &Path) -> Vec<PathBuf> {
        match self.place(folder) {
            PathKind::Folder => self.overlay.list(folder),
            _ => Vec::new(),
        }
    }

    fn suspects(&self, folder: &Path) -> Vec<PathBuf> {
        below(folder, &self.suspects)
    }

    fn beginnings(&self, folder: &Path) -> Vec<PathBuf> {
        below(folder, &self.beginnings)
    }

    fn is_suspect(&self, path: &Path) -> bool {
        let suspects = &self.suspects;
        suspects
            .binary_search_by(|one| one.as_path().cmp(path))
            .is_ok()
            || !self.is_under_roots(path)
                && self
                    .bytes(path)
                    .is_some_and(|bytes| self.prefilter.occur_in(&bytes))
    }
}

/// The paths that are in a folder or below it.
fn below(folder: &Path, paths: &[PathBuf]) -> Vec<PathBuf> {
    if is_above_here(folder) {
        let below = paths.iter().filter(|path| is_below(path, folder));
        return below.cloned().collect();
    }
    let from = paths.partition_point(|path| path.as_path() < folder);
    let paths = paths[from..].iter();
    paths
        .take_while(|path| path.starts_with(folder))
        .cloned()
        .collect()
}
