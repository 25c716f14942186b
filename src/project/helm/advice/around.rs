//! A file that may name charts, and the files that it refers to. Each values file is read once.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::coalesce::read_whole;
use super::super::config_map::ConfigMaps;
use super::super::values::{Leaf, Table, Value};
use super::ways::{self, Entry, Way};
use crate::file_type::FileType;
use crate::project::Tree;

/// The maximum length of a path of values.
pub(super) const MOST_STEPS: usize = 20;

/// A parsed file that may name charts.
pub(super) struct NamingFile<'f> {
    pub(super) path: &'f Path,
    pub(super) text: &'f str,
    pub(super) file_type: &'f FileType,
    pub(super) documents: &'f [Value],
    /// The entries that name a chart, for each of the documents.
    pub(super) entries: Vec<Vec<Entry<'f>>>,
}

impl<'f> NamingFile<'f> {
    /// `ways` are the possible ways in which the text names charts.
    pub(super) fn new(
        path: &'f Path,
        text: &'f str,
        file_type: &'f FileType,
        documents: &'f [Value],
        ways: &[&'static Way],
    ) -> Self {
        let numbered = documents.iter().enumerate();
        let entries = numbered.map(|(number, root)| ways::entries(number, root, file_type, ways));
        Self {
            path,
            text,
            file_type,
            documents,
            entries: entries.collect(),
        }
    }

    /// Returns each document with the entries that name a chart in it.
    pub(super) fn each(&self) -> impl Iterator<Item = (&'f Value, &[Entry<'f>])> {
        let entries = self.entries.iter().map(Vec::as_slice);
        self.documents.iter().zip(entries)
    }

    /// Whether it contains an object that patches another.
    pub(super) fn is_patch(&self) -> bool {
        let mut entries = self.entries.iter().flatten();
        entries.any(|entry| entry.way.base().is_some())
    }
}

/// Returns a path relative to the root of the repository if it starts there, as with `/` and with Argo CD's
/// `$values/`.
pub(super) fn rooted(path: &str) -> Option<&str> {
    match path.strip_prefix('$') {
        Some(rest) => rest.split_once('/').map(|(_, rest)| rest),
        None => path.strip_prefix('/'),
    }
}

/// Cached access to the files around a file that names a chart.
pub(super) struct Around<'a> {
    pub tree: &'a dyn Tree,
    pub path: &'a Path,
    /// Returns a file's text in this pass.
    pub text: &'a dyn Fn(&Path) -> Option<Arc<str>>,
    pub config_maps: &'a ConfigMaps<'a>,
    /// Values files that were read already, because many charts may share one.
    read: RefCell<HashMap<PathBuf, Option<Arc<Table>>>>,
    /// The files that may be meant, by the pattern of their names.
    pub alternatives: RefCell<HashMap<String, Vec<PathBuf>>>,
    lists: RefCell<HashMap<PathBuf, Arc<[PathBuf]>>>,
    /// The text of the file itself, read on first use.
    own: OnceCell<Option<Arc<str>>>,
}

impl<'a> Around<'a> {
    pub(super) fn new(
        tree: &'a dyn Tree,
        config_maps: &'a ConfigMaps<'a>,
        path: &'a Path,
        text: &'a dyn Fn(&Path) -> Option<Arc<str>>,
    ) -> Self {
        Self {
            tree,
            path,
            text,
            config_maps,
            read: RefCell::default(),
            alternatives: RefCell::default(),
            lists: RefCell::default(),
            own: OnceCell::new(),
        }
    }

    /// Lists a folder, sorted by name.
    pub(super) fn list(&self, folder: &Path) -> Arc<[PathBuf]> {
        let mut lists = self.lists.borrow_mut();
        let list = lists.entry(folder.to_owned());
        Arc::clone(list.or_insert_with(|| self.tree.list(folder).into()))
    }

    /// Returns a text as it is written in the file, including template actions.
    pub(super) fn written(&self, leaf: &Leaf) -> String {
        let own = self.own.get_or_init(|| (self.text)(self.path));
        let span = leaf.origin.span;
        let written = own.as_ref().and_then(|own| own.get(span.start..span.end));
        let written = written.filter(|text| text.contains("{{"));
        written.unwrap_or(&leaf.text).to_owned()
    }

    /// Returns the values of a file, if it exists and can be read.
    pub(super) fn values(&self, path: &Path) -> Option<Arc<Table>> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        let text = (self.text)(path);
        let read = text
            .and_then(|text| read_whole(&text, 0).ok())
            .map(Arc::new);
        self.read.borrow_mut().insert(path.to_owned(), read.clone());
        read
    }
}
