//! The paths of a commit, and how they differ from the index.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gix_hash::ObjectId;
use gix_index::extension::Tree as Cached;
use gix_index::{State, entry};
use gix_object::FindExt;
use gix_object::bstr::{BStr, BString, ByteSlice};
use gix_object::tree::EntryKind;

use super::Error;
use super::repository::Objects;

/// The most paths that are read. A tree that contains itself repeatedly can name more than fit in memory. Folders that the
/// index knows do not count.
const MOST_PATHS: usize = 1_000_000;

/// The file, link or submodule at a path. The executable bit is left out, because it does not affect the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) id: ObjectId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    File,
    Link,
    /// The commit of a submodule that should be checked out.
    Commit,
}

impl Item {
    /// Returns `None` for a folder.
    pub(super) fn of_entry(entry: &gix_index::Entry) -> Option<Self> {
        let kind = match entry.mode {
            entry::Mode::SYMLINK => ItemKind::Link,
            entry::Mode::COMMIT => ItemKind::Commit,
            entry::Mode::DIR => return None,
            _ => ItemKind::File,
        };
        Some(Self { kind, id: entry.id })
    }
}

/// The paths that differ, each with what the tree has there and what the index has.
pub(super) type Differences = BTreeMap<BString, (Option<Item>, Option<Item>)>;

/// Compares a tree, or an empty one, with the index. Does not read folders that are known to be equal.
pub(super) fn differences(
    objects: &Objects,
    tree: Option<ObjectId>,
    index: &State,
) -> Result<Differences, Error> {
    let known = known_trees(index);
    let mut old = Listing::new(objects, &known);
    if let Some(tree) = tree {
        old.add(tree)?;
    }
    let mut new = BTreeMap::new();
    let equal: Vec<&[u8]> = old.equal.iter().map(|folder| folder.as_slice()).collect();
    let none = HashMap::new();
    for entry in index.entries() {
        let path = entry.path(index);
        if is_below_one(path, &equal) {
            continue;
        }
        match Item::of_entry(entry) {
            Some(item) => {
                new.insert(path.to_owned(), item);
            }
            // A folder of a sparse checkout that differs and has no files in the work tree.
            None => {
                let mut listing = Listing::new(objects, &none);
                listing.prefix = path.to_owned();
                listing.add(entry.id)?;
                new.extend(listing.items);
            }
        }
    }
    let mut differences = Differences::new();
    for (path, old) in old.items {
        let new = new.remove(&path);
        if new != Some(old) {
            differences.insert(path, (Some(old), new));
        }
    }
    differences.extend(new.into_iter().map(|(path, new)| (path, (None, Some(new)))));
    Ok(differences)
}

/// Whether a path lies in one of the folders. They are sorted, and each ends with `/`, except the empty one, which means all.
fn is_below_one(path: &BStr, folders: &[&[u8]]) -> bool {
    let after = folders.partition_point(|folder| *folder <= path.as_bytes());
    // No folder in the list contains another, so only the nearest one before the path can contain it.
    after > 0 && path.starts_with(folders[after - 1])
}

/// Returns the folders whose tree id the index records.
fn known_trees(index: &State) -> HashMap<BString, ObjectId> {
    let mut known = HashMap::new();
    let mut open: Vec<(BString, &Cached)> = Vec::new();
    open.extend(index.tree().map(|tree| (BString::default(), tree)));
    while let Some((folder, tree)) = open.pop() {
        for child in &tree.children {
            let mut path = folder.clone();
            path.extend_from_slice(&child.name);
            path.push(b'/');
            open.push((path, child));
        }
        if tree.num_entries.is_some() {
            known.insert(folder, tree.id);
        }
    }
    let sparse = index
        .entries()
        .iter()
        .filter(|entry| entry.mode.is_sparse());
    known.extend(sparse.map(|entry| (entry.path(index).to_owned(), entry.id)));
    known
}

/// The paths of a tree.
struct Listing<'o> {
    objects: &'o Objects,
    known: &'o HashMap<BString, ObjectId>,
    prefix: BString,
    items: HashMap<BString, Item>,
    /// Folders that equal the known tree, with a `/` at the end, sorted.
    equal: Vec<BString>,
}

impl<'o> Listing<'o> {
    fn new(objects: &'o Objects, known: &'o HashMap<BString, ObjectId>) -> Self {
        Self {
            objects,
            known,
            prefix: BString::default(),
            items: HashMap::new(),
            equal: Vec::new(),
        }
    }

    fn add(&mut self, tree: ObjectId) -> Result<(), Error> {
        let mut open = vec![(std::mem::take(&mut self.prefix), tree)];
        let mut paths = 0;
        let mut buffer = Vec::new();
        while let Some((folder, id)) = open.pop() {
            if self.known.get(&folder) == Some(&id) {
                self.equal.push(folder);
                continue;
            }
            let tree = self.objects.find_tree(&id, &mut buffer);
            let tree = tree.map_err(|_| Error::missing(id))?;
            for entry in &tree.entries {
                paths += 1;
                if paths > MOST_PATHS {
                    return Err(Error::TooLarge(id.to_string()));
                }
                let mut path = folder.clone();
                path.extend_from_slice(entry.filename);
                let id = entry.oid.to_owned();
                if let Some(kind) = kind_of(entry.mode) {
                    self.items.insert(path, Item { kind, id });
                } else {
                    path.push(b'/');
                    open.push((path, id));
                }
            }
        }
        self.equal.sort();
        Ok(())
    }
}

/// Returns the kind of a tree entry. `None` for a folder.
fn kind_of(mode: gix_object::tree::EntryMode) -> Option<ItemKind> {
    match mode.kind() {
        EntryKind::Tree => None,
        EntryKind::Blob | EntryKind::BlobExecutable => Some(ItemKind::File),
        EntryKind::Link => Some(ItemKind::Link),
        EntryKind::Commit => Some(ItemKind::Commit),
    }
}

/// The folders of a tree.
pub(super) struct Folders {
    /// By path from the top, without a `/` at the end: the entries of each folder. `None` stands for a subfolder.
    pub(super) folders: HashMap<BString, Vec<(BString, Option<Item>)>>,
    /// Trees that are not in this clone.
    pub(super) absent: BTreeSet<ObjectId>,
}

/// Lists the folders of a tree. Leaves out names that a file cannot have.
pub(super) fn folders(objects: &Objects, tree: ObjectId) -> Result<Folders, Error> {
    let mut found = Folders {
        folders: HashMap::new(),
        absent: BTreeSet::new(),
    };
    let mut open = vec![(BString::default(), tree)];
    let mut paths = 0;
    let mut buffer = Vec::new();
    while let Some((folder, id)) = open.pop() {
        let Ok(tree) = objects.find_tree(&id, &mut buffer) else {
            found.absent.insert(id);
            continue;
        };
        let mut names = Vec::with_capacity(tree.entries.len());
        for entry in &tree.entries {
            paths += 1;
            if paths > MOST_PATHS {
                return Err(Error::TooLarge(id.to_string()));
            }
            if !is_plain(entry.filename) {
                continue;
            }
            let id = entry.oid.to_owned();
            let item = kind_of(entry.mode).map(|kind| Item { kind, id });
            if item.is_none() {
                let mut path = folder.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(entry.filename);
                open.push((path, id));
            }
            names.push((entry.filename.to_owned(), item));
        }
        found.folders.insert(folder, names);
    }
    Ok(found)
}

/// Whether a file can have this name.
fn is_plain(name: &BStr) -> bool {
    let is_other = |byte: &u8| matches!(byte, b'/' | b'\0') || cfg!(windows) && *byte == b'\\';
    !name.is_empty()
        && *name != "."
        && *name != ".."
        && !name.eq_ignore_ascii_case(b".git")
        && !name.iter().any(is_other)
}

/// Finds the entry of a tree at a path whose parts are separated by `/`.
pub(super) fn find(objects: &Objects, tree: ObjectId, path: &[u8]) -> Result<Option<Item>, Error> {
    let mut tree = tree;
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    let mut buffer = Vec::new();
    while let Some(part) = parts.next() {
        let entries = objects.find_tree(&tree, &mut buffer);
        let entries = entries.map_err(|_| Error::missing(tree))?.entries;
        let Some(entry) = entries.iter().find(|entry| *entry.filename == *part) else {
            return Ok(None);
        };
        let id = entry.oid.to_owned();
        let kind = match entry.mode.kind() {
            EntryKind::Tree if parts.peek().is_some() => {
                tree = id;
                continue;
            }
            EntryKind::Tree => return Ok(None),
            EntryKind::Blob | EntryKind::BlobExecutable => ItemKind::File,
            EntryKind::Link => ItemKind::Link,
            EntryKind::Commit => ItemKind::Commit,
        };
        let is_last = parts.peek().is_none();
        return Ok(is_last.then_some(Item { kind, id }));
    }
    Ok(None)
}
