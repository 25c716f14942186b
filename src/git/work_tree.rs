//! Compares the work tree with the index.
//!
//! If a file's metadata equals what git recorded in the index, the file counts as unchanged, as in git. Otherwise its text is
//! hashed. A filter, such as the one that decrypts files or gets them from large-file storage, is a program that git would run
//! first. It is never run here, and such a file counts as changed.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use gix_hash::ObjectId;
use gix_index::entry::Flags;
use gix_index::{State, entry};
use gix_object::Kind;

use super::path;
use super::repository::Repository;
use super::tree::{Item, ItemKind};
use crate::open::{self, Links};

/// Larger files count as changed without being read.
const LIMIT: usize = 64 << 20;

/// The state of an index entry in the work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Now {
    Gone,
    /// The same as in the index.
    Same,
    /// Something else, and the objects that git may make of it. Empty if that cannot be known.
    Other(Vec<Item>),
}

/// Compares the files of one work tree with the index.
pub(super) struct WorkTree<'r> {
    repository: &'r Repository,
    hash: gix_hash::Kind,
    index: &'r State,
    /// For each folder, whether it is reached without links.
    folders: HashMap<PathBuf, bool>,
}

impl<'r> WorkTree<'r> {
    pub(super) fn new(repository: &'r Repository, hash: gix_hash::Kind, index: &'r State) -> Self {
        Self {
            repository,
            hash,
            index,
            folders: HashMap::new(),
        }
    }

    pub(super) fn look(&mut self, entry: &gix_index::Entry) -> Now {
        let Some(item) = Item::of_entry(entry) else {
            return Now::Same;
        };
        let name = path(entry.path(self.index));
        let Some(metadata) = self.metadata(&name) else {
            // Git was told to leave this file out of the work tree.
            let left_out = entry.flags.contains(Flags::SKIP_WORKTREE);
            return if left_out { Now::Same } else { Now::Gone };
        };
        let full = self.repository.top.join(&name);
        match item.kind {
            ItemKind::Commit => submodule(&full, item),
            _ if metadata.is_dir() => Now::Gone,
            _ if self.is_as_noted(entry, &metadata) => Now::Same,
            _ => self.hashed(&full, item, metadata.is_symlink()),
        }
    }

    /// `None` if there is nothing, or a link leads there: git does not count what is behind a link as part of the work tree.
    fn metadata(&mut self, name: &Path) -> Option<gix_index::fs::Metadata> {
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        if !name.components().all(is_plain) || !self.is_real(name.parent()?) {
            return None;
        }
        let full = self.repository.top.join(name);
        gix_index::fs::Metadata::from_path_no_follow(&full).ok()
    }

    fn is_real(&mut self, folder: &Path) -> bool {
        if folder.as_os_str().is_empty() {
            return true;
        }
        if let Some(known) = self.folders.get(folder) {
            return *known;
        }
        let above = folder.parent().is_none_or(|above| self.is_real(above));
        let full = self.repository.top.join(folder);
        let real =
            above && open::metadata(&full, Links::Refuse).is_some_and(|found| found.is_dir());
        self.folders.insert(folder.to_owned(), real);
        real
    }

    /// Whether a file's metadata equals what git recorded when the file was the same as its object. Not if the record is so
    /// recent that the file may have changed in the same instant.
    fn is_as_noted(&self, entry: &gix_index::Entry, metadata: &gix_index::fs::Metadata) -> bool {
        let Ok(now) = entry::Stat::from_fs(metadata) else {
            return false;
        };
        let options = entry::stat::Options {
            use_nsec: true,
            ..Default::default()
        };
        let same_kind = (entry.mode == entry::Mode::SYMLINK) == metadata.is_symlink();
        same_kind
            && !entry.flags.contains(Flags::INTENT_TO_ADD)
            && entry.stat.matches(&now, options)
            && !entry.stat.is_racy(self.index.timestamp(), options)
    }

    fn hashed(&self, full: &Path, item: Item, is_link: bool) -> Now {
        let kind = if is_link {
            ItemKind::Link
        } else {
            ItemKind::File
        };
        let text = match is_link {
            true => open::target(full).map(link_text),
            false => open::read(full, Links::Refuse, LIMIT).ok(),
        };
        let Some(text) = text else {
            return Now::Other(Vec::new());
        };
        let object = |text: &[u8]| -> Option<ObjectId> {
            gix_object::compute_hash(self.hash, Kind::Blob, text).ok()
        };
        let unix = (kind == ItemKind::File)
            .then(|| with_unix_ends(&text))
            .flatten();
        let ids = [object(&text), unix.and_then(|unix| object(&unix))];
        let found: Vec<Item> = ids
            .into_iter()
            .flatten()
            .map(|id| Item { kind, id })
            .collect();
        // On Windows git may write a link as a file that holds the target.
        let is_same =
            |found: &Item| found.id == item.id && (found.kind == item.kind || cfg!(windows));
        match found.iter().any(is_same) {
            true => Now::Same,
            false => Now::Other(found),
        }
    }
}

/// Returns the text with `\n` line ends, which is how git stores it if configured to convert them. A file that differs only
/// in its line ends counts as unchanged. `None` if the text has no `\r\n`.
fn with_unix_ends(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(text, b"\r\n")?;
    let mut unix = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in memchr::memmem::find_iter(text, b"\r\n") {
        unix.extend_from_slice(&text[from..at]);
        from = at + 1;
    }
    unix.extend_from_slice(&text[from..]);
    Some(unix)
}

/// Compares only which commit is checked out. Changes inside a submodule belong to a run on that submodule.
fn submodule(full: &Path, item: Item) -> Now {
    let other = |items: Vec<Item>| Now::Other(items);
    if !open::metadata(full, Links::Refuse).is_some_and(|found| found.is_dir()) {
        return other(Vec::new());
    }
    // An empty folder: the submodule is not checked out.
    if !full.join(".git").exists() {
        return Now::Same;
    }
    let head = Repository::at(full).and_then(|repository| {
        let objects = repository.objects()?;
        repository.head(&objects)
    });
    match head {
        Ok(Some(id)) if id == item.id => Now::Same,
        Ok(Some(id)) => other(vec![Item { id, ..item }]),
        Ok(None) | Err(_) => other(Vec::new()),
    }
}

#[cfg(unix)]
fn link_text(target: PathBuf) -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt;
    target.into_os_string().into_vec()
}

#[cfg(not(unix))]
fn link_text(target: PathBuf) -> Vec<u8> {
    target.to_string_lossy().replace('\\', "/").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_of_windows_become_those_of_git() {
        let unix = |text: &str| with_unix_ends(text.as_bytes()).map(String::from_utf8);
        assert_eq!(unix("a\r\nb\r\n"), Some(Ok("a\nb\n".to_owned())));
        assert_eq!(unix("a\rb\n\r\n\r"), Some(Ok("a\rb\n\n\r".to_owned())));
        assert_eq!(unix("a\nb"), None);
    }
}
