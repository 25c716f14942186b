//! Texts that are laid over the disk: what an editor has not saved yet, or a tree that exists in memory only.
//!
//! Whoever reads through an overlay gets its text in place of the file, whether there is such a file or not. Knows
//! nothing of editors.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::look::{self, Entry};
use super::{ReadError, content, is_folder};
use crate::encoding::Encoding;

/// Texts by their paths, which are spelled as the walk spells them: below the root as it was given.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    texts: BTreeMap<PathBuf, Arc<str>>,
}

impl Overlay {
    pub fn insert(&mut self, path: PathBuf, text: Arc<str>) {
        self.texts.insert(path, text);
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.texts.keys()
    }

    pub fn text(&self, path: &Path) -> Option<&Arc<str>> {
        self.texts.get(path)
    }

    /// What the overlay itself has at a path: a text, or a folder that holds one.
    pub fn entry(&self, path: &Path) -> Option<Entry> {
        if self.texts.is_empty() {
            return None;
        }
        if self.texts.contains_key(path) {
            return Some(Entry::File);
        }
        let mut from = self.texts.range(path.to_owned()..);
        let first = from.next().map(|(first, _)| first);
        let is_below =
            |first: &PathBuf| first.starts_with(path) || is_here(path) && !first.is_absolute();
        first.is_some_and(is_below).then_some(Entry::Folder)
    }

    /// The names that the overlay has in a folder, and whether each is a folder.
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

    /// Reads a file as text, as [`super::read`] does.
    pub fn read(&self, path: &Path) -> Result<(String, Encoding), ReadError> {
        match self.text(path) {
            Some(text) => Ok((text.to_string(), Encoding::Utf8)),
            None => content::read(path),
        }
    }

    /// Reads a file that may be anything.
    pub fn read_bytes(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        match self.text(path) {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => content::read_bytes(path),
        }
    }

    /// Whether there is a folder or something else, if anything.
    pub fn is_folder(&self, path: &Path) -> Option<bool> {
        let own = || Some(self.entry(path)? == Entry::Folder);
        is_folder(path).or_else(own)
    }

    /// What lies in a folder, in the order of names.
    pub fn list(&self, folder: &Path) -> Vec<PathBuf> {
        let mut all = look::list(folder);
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
        assert_eq!(entry("/no/a.yaml"), Some(Entry::File));
        assert_eq!(entry("/no"), Some(Entry::Folder));
        assert_eq!(entry("/no/chart"), Some(Entry::Folder));
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
