//! The files around projects: what the walk kept, and what has to be looked up beside it.
//!
//! Reads through `walk` alone, and shows nothing that lies outside the repositories of the run's roots.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::file_type::{self, FileType};
use crate::parallel::lock;
use crate::project::{PathKind, Tree};
use crate::rules::prefilter::Prefilter;
use crate::source::{is_above_here, is_below, lexically_normal};
use crate::walk::{self, EntryKind, Identity, Overlay};

pub(super) struct Workspace<'r> {
    prefilter: &'r Prefilter,
    /// Texts that are read in place of files.
    overlay: Arc<Overlay>,
    /// The working directory.
    here: PathBuf,
    /// Whether paths are spelled in full, as the roots are.
    absolute: bool,
    roots: Vec<Root>,
    /// Those that are there, as they really are.
    real_roots: Vec<PathBuf>,
    /// The folders, in full and as they really are, beyond which nothing is seen.
    boundaries: Vec<PathBuf>,
    /// Texts that need not be read again.
    known: HashMap<PathBuf, Arc<str>>,
    suspects: BTreeSet<PathBuf>,
    /// Files with the beginning of a location, whose rest may be in another.
    beginnings: BTreeSet<PathBuf>,
    /// What makes projects, or holds files that do, and could not be read; whether the walk said so.
    unread: BTreeMap<PathBuf, bool>,
    /// Folders that were asked about, as they really are.
    real: Mutex<HashMap<PathBuf, Option<PathBuf>>>,
}

/// A root of the run.
struct Root {
    /// In full.
    path: PathBuf,
    /// What it may be a part of.
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
        let boundaries = roots.iter().filter_map(|root| overlay.real(&root.top));
        let boundaries = boundaries.collect();
        let real_roots = roots
            .iter()
            .filter_map(|root| overlay.real(&root.path))
            .collect();
        Self {
            prefilter,
            overlay: Arc::clone(overlay),
            here,
            absolute,
            roots,
            boundaries,
            real_roots,
            known: HashMap::new(),
            suspects: BTreeSet::new(),
            beginnings: BTreeSet::new(),
            unread: BTreeMap::new(),
            real: Mutex::default(),
        }
    }

    /// Notes a file that the walk read.
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
            self.suspects.insert(path.to_owned());
        }
        if begins_name {
            self.beginnings.insert(path.to_owned());
        }
    }

    /// Notes a file or folder that could not be read, where it may make a project: what it holds together is not known.
    pub(super) fn note_unread(&mut self, path: &Path, reported: bool) {
        let path = match self.overlay.is_folder(path) {
            Some(true) => path.join(file_type::KUSTOMIZATION_FILES[0]),
            _ => path.to_owned(),
        };
        if file_type::classify(&path).is_some_and(FileType::makes_project) {
            self.unread.insert(path, reported);
        }
    }

    /// Files that may make projects and could not be read. A folder that could not be listed counts as a kustomization.
    pub(super) fn unread(&self) -> impl Iterator<Item = &PathBuf> {
        self.unread.keys()
    }

    /// Whether a walk met a file that it could not read, and has a problem for it.
    pub(super) fn is_reported(&self, path: &Path) -> bool {
        self.unread.get(path) == Some(&true)
    }

    /// The folder beyond which nothing that has to do with a path is seen.
    pub(super) fn top_of(&self, path: &Path) -> Option<&Path> {
        let full = lexically_normal(&self.here.join(path));
        let boundaries = self.roots.iter().map(|root| root.top.as_path());
        boundaries.filter(|top| full.starts_with(top)).min()
    }

    /// What a file is known by, whatever it is called.
    pub(super) fn identity(&self, path: &Path) -> Option<Identity> {
        self.overlay.identity(path)
    }

    /// The files in which the walk found something.
    pub(super) fn all_suspects(&self) -> impl Iterator<Item = &PathBuf> {
        self.suspects.iter()
    }

    /// The folders, as they really are, beyond which nothing is seen.
    pub(super) fn boundaries(&self) -> &[PathBuf] {
        &self.boundaries
    }

    /// Whether what a path leads to lies under a root, links followed.
    pub(super) fn is_really_under_roots(&self, path: &Path) -> bool {
        let of_new = || self.real_folder(path.parent()?);
        match self.real(path).or_else(of_new) {
            Some(real) => self.real_roots.iter().any(|root| real.starts_with(root)),
            // It is to be written where nothing leads elsewhere yet.
            None => self.overlay.entry(path).is_some() && self.is_under_roots(path),
        }
    }

    /// Whether a path lies under a root, or is one.
    pub(super) fn is_under_roots(&self, path: &Path) -> bool {
        let full = lexically_normal(&self.here.join(path));
        self.roots.iter().any(|root| full.starts_with(&root.path))
    }

    /// Where files may lie that make one project with those of the roots: the repositories that are given in part only.
    pub(super) fn around(&self) -> Vec<PathBuf> {
        let mut around: Vec<PathBuf> = self
            .roots
            .iter()
            .filter(|root| self.is_in_project(root))
            .map(|root| root.top.as_path())
            .filter(|top| self.roots.iter().all(|root| root.path != *top))
            .map(|top| self.spelled(top))
            .collect();
        around.sort();
        around.dedup();
        around
    }

    /// Whether a root, or a folder above it, belongs to a chart or a kustomization.
    fn is_in_project(&self, root: &Root) -> bool {
        let below = |path: &&Path| path.starts_with(&root.top);
        let makes_one = |folder: &Path| {
            holds_one(folder, &file_type::CHART_FILES, &self.overlay)
                || holds_one(folder, &file_type::KUSTOMIZATION_FILES, &self.overlay)
        };
        self.known
            .keys()
            .any(|path| lexically_normal(&self.here.join(path)).starts_with(&root.path))
            || root.path.ancestors().take_while(below).any(makes_one)
    }

    fn spelled(&self, full: &Path) -> PathBuf {
        spelled(full, &self.here, self.absolute)
    }

    /// Whether something really lies where the run may look.
    fn sees(&self, path: &Path) -> bool {
        self.real(path)
            .is_some_and(|real| self.is_below_tops(&real))
    }

    /// What a path leads to.
    fn real(&self, path: &Path) -> Option<PathBuf> {
        match (self.overlay.look(path)?, path.parent(), path.file_name()) {
            (EntryKind::File, Some(folder), Some(name)) => {
                Some(self.real_folder(folder)?.join(name))
            }
            (EntryKind::Folder, ..) => self.real_folder(path),
            _ => self.overlay.real(path),
        }
    }

    /// The same of a folder, asked of the system once.
    fn sees_folder(&self, folder: &Path) -> bool {
        let real = self.real_folder(folder);
        real.is_some_and(|real| self.is_below_tops(&real))
    }

    fn is_below_tops(&self, real: &Path) -> bool {
        self.boundaries.iter().any(|top| real.starts_with(top))
    }

    /// A folder as it really is. Only the last step is asked of the system where the folder above is known: all steps of
    /// every folder would take long in deep trees.
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
        self.spelled(&lexically_normal(&self.here.join(path)))
    }

    fn place(&self, path: &Path) -> PathKind {
        let full = || lexically_normal(&self.here.join(path));
        let seen = |sees: bool, place: PathKind| if sees { place } else { PathKind::Outside };
        if self.unread.contains_key(path) {
            return PathKind::Unreadable;
        }
        match self.overlay.look(path) {
            Some(EntryKind::Unreadable)
                if self.boundaries.iter().any(|top| full().starts_with(top)) =>
            {
                PathKind::Unreadable
            }
            None if self.overlay.entry(path).is_some() && self.top_of(path).is_some() => {
                match self.overlay.entry(path) {
                    Some(EntryKind::Folder) => PathKind::Folder,
                    _ => PathKind::File,
                }
            }
            None if self.boundaries.iter().any(|top| full().starts_with(top)) => PathKind::Missing,
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
        self.suspects.contains(path)
            || !self.is_under_roots(path)
                && self
                    .bytes(path)
                    .is_some_and(|bytes| self.prefilter.occur_in(&bytes))
    }
}

/// Those of some paths that are in a folder or below it.
fn below(folder: &Path, paths: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    if is_above_here(folder) {
        let below = paths.iter().filter(|path| is_below(path, folder));
        return below.cloned().collect();
    }
    let from = paths.range(folder.to_owned()..);
    from.take_while(|path| path.starts_with(folder))
        .cloned()
        .collect()
}

/// A full path as the walk would spell it.
fn spelled(full: &Path, here: &Path, absolute: bool) -> PathBuf {
    if absolute {
        return full.to_owned();
    }
    let common = here
        .components()
        .zip(full.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = here.components().skip(common).map(|_| Component::ParentDir);
    let spelled: PathBuf = up.chain(full.components().skip(common)).collect();
    match spelled.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => spelled,
    }
}

/// Whether a folder holds a file of one of the names.
fn holds_one(folder: &Path, names: &[&str], overlay: &Overlay) -> bool {
    names.iter().any(|name| overlay.is_file(&folder.join(name)))
}

/// The roots, and the charts that those of them are part of which are files.
pub fn with_charts(roots: &[PathBuf]) -> Vec<PathBuf> {
    let here = walk::working_directory();
    let chart_of = |root: &PathBuf| {
        let full = lexically_normal(&here.join(root));
        let top = top(&full, &here, &Overlay::default());
        let folders = full.ancestors().skip(1);
        let within = folders.take_while(|folder| folder.starts_with(&top));
        // Subcharts are part of the outermost.
        let chart = within
            .filter(|folder| holds_one(folder, &file_type::CHART_FILES, &Overlay::default()))
            .last()?;
        Some(spelled(chart, &here, root.is_absolute()))
    };
    let files = roots.iter().filter(|root| walk::is_file(root));
    let mut all = roots.to_vec();
    all.extend(files.filter_map(chart_of));
    all.sort();
    all.dedup();
    all
}

/// The repository that a root lies in. Where there is none: of a file the working directory if it lies below that, of a
/// folder that is a kustomization the folder above, where its overlays would be, else the folder itself.
fn top(root: &Path, here: &Path, overlay: &Overlay) -> PathBuf {
    if let Some(top) = overlay.top_of(root) {
        return top.to_owned();
    }
    let is_folder = overlay.is_folder(root) == Some(true);
    let folder = match is_folder {
        true => root,
        false => root.parent().unwrap_or(root),
    };
    let repository = folder
        .ancestors()
        .find(|folder| walk::is_folder(&folder.join(".git")).is_some());
    let is_layer = || holds_one(folder, &file_type::KUSTOMIZATION_FILES, overlay);
    let below = folder.starts_with(here);
    match (repository, folder.parent()) {
        (Some(repository), _) => repository.to_owned(),
        (None, _) if !is_folder && below => here.to_owned(),
        (None, Some(above)) if is_folder && below && folder != here && is_layer() => {
            above.to_owned()
        }
        (None, _) => folder.to_owned(),
    }
}
