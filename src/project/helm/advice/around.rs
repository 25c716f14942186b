//! A file that may name charts, and what is read around it: each file of values once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::config_map::ConfigMaps;
use super::super::values::{self, Table, Value};
use crate::file_type::FileType;
use crate::project::Tree;

/// No path of values is longer.
pub(super) const MOST_STEPS: usize = 20;

/// A file that may name charts, as it was read.
pub(super) struct NamingFile<'f> {
    pub(super) path: &'f Path,
    pub(super) text: &'f str,
    pub(super) file_type: &'f FileType,
    pub(super) documents: &'f [Value],
}

/// What is read around a file that names a chart.
pub(super) struct Around<'a> {
    pub tree: &'a dyn Tree,
    pub path: &'a Path,
    /// A file's text, as it is in this pass.
    pub text: &'a dyn Fn(&Path) -> Option<Arc<str>>,
    pub config_maps: &'a ConfigMaps<'a>,
    /// Files of values that were read already: many charts may get the same.
    pub read: RefCell<HashMap<PathBuf, Option<Arc<Table>>>>,
}

impl Around<'_> {
    /// The values of a file, if it is there and can be read.
    pub(super) fn values(&self, path: &Path) -> Option<Arc<Table>> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        let text = (self.text)(path);
        let read = text
            .and_then(|text| values::read(&text, 0).ok())
            .map(Arc::new);
        self.read.borrow_mut().insert(path.to_owned(), read.clone());
        read
    }
}
