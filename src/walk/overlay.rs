//! Overlays over the disk: texts that an editor has not saved yet, and revisions of repositories that are read without a
//! working tree.
//!
//! Reads through an overlay return its text in place of the file, whether there is such a file or not. A revision replaces a
//! whole folder: nothing that the disk has there is visible. Knows nothing of editors.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::content::{self, Cause, LIMIT};
use super::probe::{self, EntryKind};
use super::{FileId, ReadError, file_id, is_folder, is_read_only, real};
use crate::encoding::Encoding;
use crate::git::{Node, Snapshot, Unread};
use crate::open;
use crate::source::lexically_normal;

/// Texts and revisions by path. Paths of texts are spelled as in the walk: below the root as given.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    texts: BTreeMap<PathBuf, Arc<str>>,
    /// By the full path of the folder that each replaces. `None` for a revision that could not be read: nothing is there.
    snapshots: BTreeMap<PathBuf, Option<Arc<Snapshot>>>,
    /// The working directory. Set when there is a snapshot.
    here: PathBuf,
}

/// The identity of a file: two paths with the same identity lead to the same file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    OnDisk(FileId),
    /// Its path with links resolved.
    OfRevision(PathBuf),
}

/// A path in a folder that a revision replaces.
struct Inside<'o> {
    top: &'o Path,
    snapshot: Option<&'o Snapshot>,
    /// Relative to `top`.
    path: PathBuf,
}

impl Inside<'_> {
    fn node(&self) -> Option<Node> {
        self.snapshot?.node(&self.path)
    }

    fn real(&self) -> Option<PathBuf> {
        self.snapshot?.real(&self.path)
    }

    fn read(&self, limit: u64) -> Result<Vec<u8>, Unread> {
        let snapshot = self.snapshot.ok_or(Unread::NoFile)?;
        snapshot.read(&self.path, limit)
    }

    fn entry(&self) -> Option<EntryKind> {
        let to_folder = || {
            let real = self.real()?;
            Some(self.snapshot?.node(&real)? == Node::Folder)
        };
        match self.node()? {
            Node::Folder => Some(EntryKind::Folder),
            Node::File => Some(EntryKind::File),
            Node::Link => to_folder().map(|to_folder| EntryKind::Link { to_folder }),
            // Its folder is there, but is empty.
            Node::Submodule => Some(EntryKind::Folder),
        }
    }
}

impl Overlay {
    pub fn insert(&mut self, path: PathBuf, text: Arc<str>) {
        self.texts.insert(path, text);
    }

    /// Replaces a folder, which need not exist, by a revision.
    pub fn mount(&mut self, folder: &Path, snapshot: Option<Arc<Snapshot>>) {
        if self.here.as_os_str().is_empty() {
            self.here = probe::working_directory();
        }
        let full = lexically_normal(&self.here.join(folder));
        self.snapshots.insert(full, snapshot);
    }

    pub fn snapshots(&self) -> impl Iterator<Item = (&PathBuf, &Snapshot)> {
        let all = self.snapshots.iter();
        all.filter_map(|(top, snapshot)| Some((top, &**snapshot.as_ref()?)))
    }

    fn inside(&self, path: &Path) -> Option<Inside<'_>> {
        if self.snapshots.is_empty() {
            return None;
        }
        let full = lexically_normal(&self.here.join(path));
        let mut above = full.ancestors();
        let (top, snapshot) = above.find_map(|above| self.snapshots.get_key_value(above))?;
        Some(Inside {
            top,
            snapshot: snapshot.as_deref(),
            path: full.strip_prefix(top).ok()?.to_owned(),
        })
    }

    /// Returns the full path of the folder that contains a path and that a revision replaces.
    pub fn top_of(&self, path: &Path) -> Option<&Path> {
        self.inside(path).map(|inside| inside.top)
    }

    /// Returns the revision that contains a path.
    pub fn snapshot_of(&self, path: &Path) -> Option<&Snapshot> {
        self.inside(path)?.snapshot
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.snapshots.is_empty()
    }

    pub fn text(&self, path: &Path) -> Option<&Arc<str>> {
        self.texts.get(path)
    }

    /// Returns what the overlay itself has at a path, such as a text, or a folder that contains one.
    pub fn entry(&self, path: &Path) -> Option<EntryKind> {
        if let Some(inside) = self.inside(path) {
            return inside.entry();
        }
        if self.texts.is_empty() {
            return None;
        }
        if self.texts.contains_key(path) {
            return Some(EntryKind::File);
        }
        let mut from = self.texts.range(path.to_owned()..);
        let first = from.next().map(|(first, _)| first);
        let is_below =
            |first: &PathBuf| first.starts_with(path) || is_here(path) && !first.is_absolute();
        first.is_some_and(is_below).then_some(EntryKind::Folder)
    }

    /// Returns the names that the overlay's texts give a folder, and whether each is a folder.
    pub fn names(&self, folder: &Path) -> BTreeSet<(OsString, bool)> {
        let from = self.texts.range(folder.to_owned()..);
        let below = from.map_while(|(path, _)| path.strip_prefix(folder).ok());
        let named = below.filter_map(|rest| {
            let mut steps = rest.components();
            match steps.next()? {
                Component::Normal(name) => Some((name.to_owned(), steps.next().is_some())),
                _ => None,
            }
        });
        named.collect()
    }

    /// Reads a file as text, like [`super::read`].
    pub fn read(&self, path: &Path) -> Result<(String, Encoding), ReadError> {
        match (self.text(path), self.inside(path)) {
            (Some(text), _) => Ok((text.to_string(), Encoding::Utf8)),
            (None, Some(_)) => content::text(path, self.read_bytes(path)?),
            (None, None) => content::read(path),
        }
    }

    /// Reads a file that may be binary.
    pub fn read_bytes(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        let unread = |why: Unread| match why {
            Unread::Absent => Cause::Absent.at(path),
            Unread::Larger => Cause::Larger.at(path),
            Unread::NoFile => Cause::Io(io::ErrorKind::NotFound.into()).at(path),
        };
        match (self.text(path), self.inside(path)) {
            (Some(text), _) => Ok(text.as_bytes().to_vec()),
            (None, Some(inside)) => inside.read(LIMIT as u64).map_err(unread),
            (None, None) => content::read_bytes(path),
        }
    }

    /// Reads a regular file that the user did not name, and that must be below a folder when links are resolved.
    ///
    /// # Errors
    /// As for [`open::read_below`].
    pub fn read_below(&self, top: &Path, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        let Some(inside) = self.inside(path) else {
            return open::read_below(top, path, limit);
        };
        inside.read(limit as u64).map_err(|why| match why {
            Unread::Absent => {
                let how = inside.snapshot.map(Snapshot::how_to_get_it);
                let how = how.unwrap_or_default();
                io::Error::other(format!("its object is not in this clone, and {how}"))
            }
            Unread::Larger => io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("is larger than {} MiB", limit >> 20),
            ),
            Unread::NoFile => io::Error::from(io::ErrorKind::NotFound),
        })
    }

    /// Returns the bytes that the overlay has at a path, or why they cannot be read. `None` if the path is left to the disk.
    pub(super) fn met(&self, path: &Path) -> Option<Result<Vec<u8>, Unread>> {
        match self.text(path) {
            Some(text) => Some(Ok(text.as_bytes().to_vec())),
            None => Some(self.inside(path)?.read(LIMIT as u64)),
        }
    }

    /// Returns what is at a path, like [`super::look`].
    pub fn look(&self, path: &Path) -> Option<EntryKind> {
        match self.inside(path) {
            Some(inside) => inside.entry(),
            None => probe::look(path),
        }
    }

    /// Whether there is something other than a folder, like [`open::is_there`].
    pub fn is_there(&self, path: &Path) -> bool {
        match self.inside(path) {
            Some(inside) => matches!(inside.node(), Some(Node::File | Node::Link)),
            None => open::is_there(path),
        }
    }

    pub fn is_file(&self, path: &Path) -> bool {
        match self.inside(path) {
            Some(_) => self.is_folder(path) == Some(false),
            None => probe::is_file(path),
        }
    }

    /// Whether a path is a folder. `None` if there is nothing.
    pub fn is_folder(&self, path: &Path) -> Option<bool> {
        if let Some(inside) = self.inside(path) {
            return match inside.entry()? {
                EntryKind::Link { to_folder } => Some(to_folder),
                entry => Some(entry == EntryKind::Folder),
            };
        }
        let own = || Some(self.entry(path)? == EntryKind::Folder);
        is_folder(path).or_else(own)
    }

    /// Returns the full path with its links resolved, if there is anything.
    pub fn real(&self, path: &Path) -> Option<PathBuf> {
        match self.inside(path) {
            Some(inside) => Some(inside.top.join(inside.real()?)),
            None => real(path),
        }
    }

    /// Returns the identity of a file, if it is known.
    pub fn identity(&self, path: &Path) -> Option<Identity> {
        match self.inside(path) {
            Some(inside) => Some(Identity::OfRevision(inside.top.join(inside.real()?))),
            None => file_id(path).map(Identity::OnDisk),
        }
    }

    /// Whether the permissions of a file forbid writing.
    pub fn is_read_only(&self, path: &Path) -> bool {
        self.inside(path).is_none() && is_read_only(path)
    }

    /// Returns the names in a folder of a revision, and what each is.
    pub(super) fn nodes(&self, folder: &Path) -> Vec<(OsString, Node)> {
        let Some(inside) = self.inside(folder) else {
            return Vec::new();
        };
        let names = inside.snapshot.map(|snapshot| snapshot.names(&inside.path));
        let names = names.into_iter().flatten();
        names.map(|(name, node)| (name.to_owned(), node)).collect()
    }

    /// Lists a folder, in the order of names.
    pub fn list(&self, folder: &Path) -> Vec<PathBuf> {
        if let Some(inside) = self.inside(folder) {
            let real = inside.real().unwrap_or_default();
            let names = inside.snapshot.map(|snapshot| snapshot.names(&real));
            let names = names.into_iter().flatten();
            return names.map(|(name, _)| folder.join(name)).collect();
        }
        let mut all = probe::list(folder);
        let own = self.names(folder);
        if !own.is_empty() {
            all.extend(own.into_iter().map(|(name, _)| folder.join(name)));
            all.sort();
            all.dedup();
        }
        all
    }
}

fn is_here(path: &Path) -> bool {
    path.as_os_str().is_empty() || path == Path::new(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(paths: &[&str]) -> Overlay {
        let mut overlay = Overlay::default();
        for path in paths {
            overlay.insert(PathBuf::from(path), Arc::from(*path));
        }
        overlay
    }

    #[test]
    fn an_overlay_has_folders_where_its_texts_are() {
        let overlay = overlay(&["/no/a.yaml", "/no/chart/values.yaml", "/no/chartx.yaml"]);
        let entry = |path: &str| overlay.entry(Path::new(path));
        assert_eq!(entry("/no/a.yaml"), Some(EntryKind::File));
        assert_eq!(entry("/no"), Some(EntryKind::Folder));
        assert_eq!(entry("/no/chart"), Some(EntryKind::Folder));
        assert_eq!(entry("/no/char"), None);
        assert_eq!(entry("/no/a.yaml/b"), None);
        let names = overlay.names(Path::new("/no"));
        let names: Vec<_> = names
            .iter()
            .map(|(name, folder)| (name.to_str(), *folder))
            .collect();
        assert_eq!(
            names,
            [
                (Some("a.yaml"), false),
                (Some("chart"), true),
                (Some("chartx.yaml"), false)
            ]
        );
        assert_eq!(Overlay::default().entry(Path::new("/")), None);
    }

    #[test]
    fn a_text_takes_the_place_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "disk").unwrap();
        let mut overlay = Overlay::default();
        assert_eq!(overlay.read(&path).unwrap().0, "disk");
        overlay.insert(path.clone(), Arc::from("memory"));
        overlay.insert(folder.path().join("new/b.yaml"), Arc::from("b"));
        assert_eq!(overlay.read(&path).unwrap().0, "memory");
        assert_eq!(overlay.read_bytes(&path).unwrap(), b"memory");
        assert_eq!(
            overlay.list(folder.path()),
            [path, folder.path().join("new")]
        );
        assert_eq!(overlay.is_folder(&folder.path().join("new")), Some(true));
    }
}
