//! The files of one revision, read on demand from the objects of a repository, without a work tree.
//!
//! In a partial clone some objects are missing. They are noted, and nothing is fetched. Links are resolved within the revision,
//! never to the disk. A submodule is another repository.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use gix_hash::ObjectId;
use gix_object::{FindExt, FindHeader};

use super::repository::{Repository, SharedObjects};
use super::tree::{Item, ItemKind};
use super::{Error, path as path_of, tree};
use crate::parallel::lock;
use crate::printable;

/// The most links that one path may lead through.
const MOST_LINKS: usize = 40;
/// The longest link target that is followed, in bytes.
const LONGEST_TARGET: u64 = 4096;

/// The kind of an entry in a folder of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    Folder,
    File,
    Link,
    /// Another repository: only its commit is known here.
    Submodule,
}

/// Why a file of a revision was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Its object is not in this clone.
    Absent,
    Larger,
    /// There is no such file in the revision.
    NoFile,
}

/// The files of a revision.
pub struct Snapshot {
    pub repository: Repository,
    /// The commit that the revision names.
    pub commit: String,
    objects: SharedObjects,
    /// The entries of each folder, sorted by name.
    folders: HashMap<PathBuf, Vec<(OsString, Entry)>>,
    absent: Mutex<BTreeSet<ObjectId>>,
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    Folder,
    Item(Item),
}

impl Entry {
    fn node(self) -> Node {
        match self {
            Self::Folder => Node::Folder,
            Self::Item(item) => match item.kind {
                ItemKind::File => Node::File,
                ItemKind::Link => Node::Link,
                ItemKind::Commit => Node::Submodule,
            },
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("repository", &self.repository)
            .field("commit", &self.commit)
            .finish_non_exhaustive()
    }
}

impl Repository {
    /// Opens the files of a revision. Folders whose objects are not in this clone are noted as absent.
    ///
    /// # Errors
    /// If the revision or its commit is not in this clone, or it has too many paths.
    pub fn snapshot(&self, revision: &str) -> Result<Snapshot, Error> {
        let objects = self.objects()?;
        let commit = self.commit(revision, &objects)?;
        let top = super::tree_of(commit, &objects)?;
        let listed = tree::folders(&objects, top)?;
        let folders = listed.folders.into_iter().map(|(folder, names)| {
            let named = names.into_iter().map(|(name, item)| {
                let entry = item.map_or(Entry::Folder, Entry::Item);
                (path_of(&name).into_os_string(), entry)
            });
            let mut named: Vec<_> = named.collect();
            named.sort_by(|(one, _), (other, _)| one.cmp(other));
            (path_of(&folder), named)
        });
        Ok(Snapshot {
            commit: commit.to_string(),
            objects: self.shared_objects()?,
            folders: folders.collect(),
            absent: Mutex::new(listed.absent),
            repository: self.clone(),
        })
    }
}

impl Snapshot {
    /// Returns what is at a path that starts at the top. A link in its last part is not followed.
    pub fn node(&self, path: &Path) -> Option<Node> {
        let real = self.follow(path, false)?;
        Some(self.entry(&real)?.node())
    }

    /// Resolves all links in a path. `None` if the result is not in the revision.
    pub fn real(&self, path: &Path) -> Option<PathBuf> {
        let real = self.follow(path, true)?;
        self.entry(&real).map(|_| real)
    }

    /// Returns the names in a folder. The path of the folder must not contain links.
    pub fn names(&self, folder: &Path) -> impl Iterator<Item = (&OsStr, Node)> {
        let names = self.folders.get(folder).into_iter().flatten();
        names.map(|(name, entry)| (name.as_os_str(), entry.node()))
    }

    /// Reads a file of at most `limit` bytes. Follows links.
    ///
    /// # Errors
    /// If there is no such file, it is larger, or its object is not in this clone. A missing object is noted.
    pub fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, Unread> {
        let real = self.follow(path, true).ok_or(Unread::NoFile)?;
        match self.entry(&real) {
            Some(Entry::Item(item)) if item.kind == ItemKind::File => self.blob(item.id, limit),
            _ => Err(Unread::NoFile),
        }
    }

    /// Returns how many objects were needed but are not in this clone.
    pub fn absent(&self) -> usize {
        self.absent_objects().len()
    }

    /// How to get the missing objects: the end of a message.
    pub fn how_to_get_it(&self) -> String {
        let folder = printable::path(self.repository.folder());
        format!(
            "nothing was fetched; `git -C {folder} fetch --refetch --no-filter` gets all of a partial clone"
        )
    }

    fn absent_objects(&self) -> MutexGuard<'_, BTreeSet<ObjectId>> {
        lock(&self.absent)
    }

    /// `path` must not contain links, `.` or `..`.
    fn entry(&self, path: &Path) -> Option<Entry> {
        let Some(name) = path.file_name() else {
            return Some(Entry::Folder);
        };
        let names = self.folders.get(path.parent()?)?;
        let at = names.binary_search_by(|(other, _)| other.as_os_str().cmp(name));
        Some(names[at.ok()?].1)
    }

    /// Resolves the links in a path, and a link in its last part only with `to_end`. `None` if the path leads out of the
    /// revision, does not exist there, or leads through too many links.
    fn follow(&self, path: &Path, to_end: bool) -> Option<PathBuf> {
        let steps = |path: &Path| -> Option<Vec<Option<OsString>>> {
            let parts = path.components().filter(|part| *part != Component::CurDir);
            let step = |part: Component<'_>| match part {
                Component::Normal(name) => Some(Some(name.to_owned())),
                Component::ParentDir => Some(None),
                _ => None,
            };
            parts.map(step).collect()
        };
        let mut rest: VecDeque<Option<OsString>> = steps(path)?.into();
        let mut done = PathBuf::new();
        let mut links = 0;
        while let Some(step) = rest.pop_front() {
            let Some(name) = step else {
                if !done.pop() {
                    return None;
                }
                continue;
            };
            done.push(name);
            match self.entry(&done) {
                Some(Entry::Item(item)) if item.kind == ItemKind::Link => {
                    if rest.is_empty() && !to_end {
                        break;
                    }
                    links += 1;
                    let target = self.blob(item.id, LONGEST_TARGET).ok()?;
                    if links > MOST_LINKS {
                        return None;
                    }
                    done.pop();
                    for step in steps(&path_of(&target))?.into_iter().rev() {
                        rest.push_front(step);
                    }
                }
                Some(_) => {}
                None => return None,
            }
        }
        Some(done)
    }

    fn blob(&self, id: ObjectId, limit: u64) -> Result<Vec<u8>, Unread> {
        let read = self.objects.with(|handle| {
            let header = handle.try_header(&id).ok().flatten();
            match header {
                Some(header) if header.size > limit => Err(Unread::Larger),
                Some(_) => {
                    let mut buffer = Vec::new();
                    let blob = handle.find_blob(&id, &mut buffer).map(drop);
                    blob.map(|()| buffer).map_err(|_| Unread::Absent)
                }
                None => Err(Unread::Absent),
            }
        });
        if read == Err(Unread::Absent) {
            self.absent_objects().insert(id);
        }
        read
    }
}
