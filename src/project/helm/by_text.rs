//! A cache of what was read from files, by their texts: texts change between passes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A text, and what was read of it.
type OfText<T> = (Arc<str>, Arc<T>);

/// The latest text of each file, and what was read of it.
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

impl<T> ByText<T> {
    pub(super) fn of(&self, path: &Path, text: &Arc<str>, read: impl FnOnce() -> T) -> Arc<T> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, of_text)) = known().get(path).filter(|(own, _)| own == text) {
            return Arc::clone(of_text);
        }
        let of_text = Arc::new(read());
        let entry = (Arc::clone(text), Arc::clone(&of_text));
        known().insert(path.to_owned(), entry);
        of_text
    }
}
