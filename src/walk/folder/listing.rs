//! Lists a folder: on the disk, in an overlay, or in a revision.

use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use super::super::ignores::Holds;
use super::super::{Overlay, named};
use crate::git::Node;

/// A name in a folder.
pub(super) struct Entry {
    pub(super) name: OsString,
    pub(super) kind: What,
}

/// The kind of an entry in a folder; a link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Folder,
    File,
    Link,
    Special,
    /// Another repository, of which a revision has only the commit.
    Submodule,
}

impl From<FileType> for What {
    fn from(kind: FileType) -> Self {
        match () {
            () if kind.is_dir() => Self::Folder,
            () if kind.is_file() => Self::File,
            () if kind.is_symlink() => Self::Link,
            () => Self::Special,
        }
    }
}

impl Entry {
    #[cfg(not(windows))]
    pub(super) fn is_hidden(&self, _: &Path) -> bool {
        self.name.as_encoded_bytes().starts_with(b".")
    }

    #[cfg(windows)]
    pub(super) fn is_hidden(&self, path: &Path) -> bool {
        use std::os::windows::fs::MetadataExt;
        const HIDDEN: u32 = 2;
        let has_attribute =
            || fs::symlink_metadata(path).is_ok_and(|file| file.file_attributes() & HIDDEN != 0);
        self.name.as_encoded_bytes().starts_with(b".") || has_attribute()
    }
}

/// The entries of a folder, and the error if some may be missing.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) entries: Vec<Entry>,
    pub(super) holds: Holds,
    pub(super) error: Option<io::Error>,
}

impl Listing {
    /// Adds what only the overlay has, which may be the folder itself.
    fn add(&mut self, overlay: &Overlay, folder: &Path) {
        if overlay.is_empty() {
            return;
        }
        let names = overlay.names(folder);
        let is_missing = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            )
        };
        if !names.is_empty() && self.error.as_ref().is_some_and(is_missing) {
            self.error = None;
        }
        for (name, is_folder) in names {
            if self.entries.iter().all(|entry| entry.name != name) {
                self.holds.note(&name, is_folder);
                let kind = if is_folder { What::Folder } else { What::File };
                self.entries.push(Entry { name, kind });
            }
        }
    }
}

/// Lists a whole folder before any of it is visited, because an ignore file may come last.
pub(super) fn list(folder: &Path, overlay: &Overlay) -> Listing {
    let mut listing = Listing::default();
    if overlay.top_of(folder).is_some() {
        listing.entries = of_snapshot(folder, overlay);
        return listing;
    }
    let entries = fs::read_dir(named(folder)).and_then(|entries| {
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            listing.holds.note(&name, kind.is_dir());
            let kind = What::from(kind);
            listing.entries.push(Entry { name, kind });
        }
        Ok(())
    });
    listing.error = entries.err();
    listing.add(overlay, folder);
    listing
}

/// The names in a folder of a revision.
fn of_snapshot(folder: &Path, overlay: &Overlay) -> Vec<Entry> {
    let names = overlay.nodes(folder).into_iter();
    let entry = |(name, node): (OsString, Node)| Entry {
        name,
        kind: match node {
            Node::Folder => What::Folder,
            Node::File => What::File,
            Node::Link => What::Link,
            Node::Submodule => What::Submodule,
        },
    };
    names.map(entry).collect()
}
