//! Caches of what was read from files: by path, and by text for files that change between passes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::parallel::lock;

/// A text, and what was read from it.
type OfText<T> = (Arc<str>, Arc<T>);

/// The latest text of each file, and what was read from it.
#[derive(Debug)]
pub(super) struct ByText<T> {
    known: Mutex<HashMap<PathBuf, OfText<T>>>,
}

impl<T> Default for ByText<T> {
    fn default() -> Self {
        let known = Mutex::default();
        Self { known }
    }
}

/// What is known of each path. Threads that look up one path at the same time may both read it.
#[derive(Debug)]
pub(super) struct ByPath<T>(Mutex<HashMap<PathBuf, T>>);

impl<T> Default for ByPath<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> ByPath<T> {
    pub(super) fn of(&self, path: &Path, read: impl FnOnce() -> T) -> T {
        let known = || lock(&self.0);
        if let Some(known) = known().get(path) {
            return known.clone();
        }
        let found = read();
        known().insert(path.to_owned(), found.clone());
        found
    }
}

impl<T> ByText<T> {
    pub(super) fn of(&self, path: &Path, text: &Arc<str>, read: impl FnOnce() -> T) -> Arc<T> {
        let known = || lock(&self.known);
        if let Some((_, of_text)) = known().get(path).filter(|(own, _)| own == text) {
            return Arc::clone(of_text);
        }
        let of_text = Arc::new(read());
        let entry = (Arc::clone(text), Arc::clone(&of_text));
        known().insert(path.to_owned(), entry);
        of_text
    }
}
