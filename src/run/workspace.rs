//! The files that projects read: those that the walk kept, and those that are looked up on demand.
//!
//! Reads only through `walk`, and shows nothing outside the repositories of the roots.

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
    /// Texts that are read instead of files.
    overlay: Arc<Overlay>,
    /// The working directory.
    here: PathBuf,
    /// Whether paths are absolute, like the roots.
    absolute: bool,
    roots: Vec<Root>,
    /// Existing roots, with links resolved.
    real_roots: Vec<PathBuf>,
    /// Absolute paths of folders, with links resolved. Nothing outside of them is visible.
    boundaries: Vec<PathBuf>,
    /// Texts that need not be read again.
    known: HashMap<PathBuf, Arc<str>>,
    suspects: BTreeSet<PathBuf>,
    /// Files with the beginning of a location, whose rest may be in another file.
    beginnings: BTreeSet<PathBuf>,
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
        let full = lexically_normal(&self.here.join(path));
        let boundaries = self.roots.iter().map(|root| root.top.as_path());
        boundaries.filter(|top| full.starts_with(top)).min()
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
        &self.boundaries
    }

    /// Whether the real path is under a root.
    pub(super) fn is_really_under_roots(&self, path: &Path) -> bool {
        let of_new = || self.real_folder(path.parent()?);
        match self.real(path).or_else(of_new) {
            Some(real) => self.real_roots.iter().any(|root| real.starts_with(root)),
            // The file and its folder will be created, so no links are involved yet.
            None => self.overlay.entry(path).is_some() && self.is_under_roots(path),
        }
    }

    /// Whether a path is a root or under one.
    pub(super) fn is_under_roots(&self, path: &Path) -> bool {
        let full = lexically_normal(&self.here.join(path));
        self.roots.iter().any(|root| full.starts_with(&root.path))
    }

    /// The repositories of which the roots are only a part, and whose other files may belong to the same projects.
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
        self.boundaries.iter().any(|top| real.starts_with(top))
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

/// The paths that are in a folder or below it.
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

/// An absolute path, spelled like in the walk.
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

/// Whether a folder contains a file with one of the names.
fn holds_one(folder: &Path, names: &[&str], overlay: &Overlay) -> bool {
    names.iter().any(|name| overlay.is_file(&folder.join(name)))
}

/// The roots, and for each root that is a file the outermost chart that contains it.
pub fn with_charts(roots: &[PathBuf]) -> Vec<PathBuf> {
    let here = walk::working_directory();
    let chart_of = |root: &PathBuf| {
        let full = lexically_normal(&here.join(root));
        let top = top(&full, &here, &Overlay::default());
        let folders = full.ancestors().skip(1);
        let within = folders.take_while(|folder| folder.starts_with(&top));
        // Subcharts are part of the outermost chart.
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

/// The repository of a root. Outside of repositories: for a file below the working directory, that directory; for a
/// kustomization folder below it, the parent, where overlays would be; otherwise the folder.
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
