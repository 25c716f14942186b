//! Finds changed files: between a revision and the work tree, or between the last commit and the index.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gix_hash::ObjectId;
use gix_index::entry::{Flags, Stage};
use gix_index::{Entry, File as Index};
use gix_object::bstr::ByteSlice;
use gix_revision::Graph;
use rayon::prelude::*;

use super::repository::{Objects, Repository};
use super::revision::{self, Unknown};
use super::tree::{self, Differences, Item};
use super::work_tree::{Now, WorkTree};
use super::{Error, name, path, text_at, tree_of};

/// File names as git spells them, relative to the top of the work tree.
type Names = BTreeSet<Vec<u8>>;

/// The range of the changes to collect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since<'r> {
    /// Between the merge base of a revision and `HEAD`, and the work tree: changes on the revision's side do not count.
    /// Untracked files count unless git ignores them.
    Revision(&'r str),
    /// Between the last commit and the index.
    Staged,
}

/// The changes in a repository. Paths are absolute, with links resolved down to the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that are new, different or gone; both names of a rename; the folder of a submodule.
    pub paths: BTreeSet<PathBuf>,
    /// Staged files whose text in the work tree differs from the staged one.
    pub staged_in_part: BTreeSet<PathBuf>,
    /// The text before the change, for files for which it was requested.
    pub before: BTreeMap<PathBuf, String>,
}

/// Whether the caller needs the text of a file before the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Unwanted,
    /// Only if it is in this clone: a partial clone may lack it.
    IfThere,
    Needed,
}

/// The questions about files that [`changes`] asks its caller.
pub struct Asked<'a> {
    pub before: &'a dyn Fn(&Path) -> Before,
    /// All files below a folder that are not ignored, tracked or not.
    pub files: &'a dyn Fn(&Path) -> Vec<PathBuf>,
}

/// Returns the repositories of these paths, and the folders that are in none. A file belongs to the repository of its folder.
///
/// # Errors
/// If a repository cannot be read.
pub fn repositories(paths: &[PathBuf]) -> Result<(BTreeSet<Repository>, Vec<PathBuf>), Error> {
    // Git sets `GIT_DIR` for its hooks: then that is the only repository.
    let folders: BTreeSet<PathBuf> = match std::env::var_os("GIT_DIR") {
        Some(_) => BTreeSet::from([PathBuf::from(".")]),
        None => paths.iter().map(|path| folder_of(path)).collect(),
    };
    let (mut found, mut others) = (BTreeSet::new(), Vec::new());
    for folder in folders {
        match Repository::around(&folder) {
            Ok(repository) => {
                found.insert(repository);
            }
            Err(Error::NoRepository { .. }) => others.push(folder),
            Err(error) => return Err(error),
        }
    }
    Ok((found, others))
}

/// Returns what changed in a repository.
///
/// # Errors
/// If the repository does not have the revision, or cannot be read.
pub fn changes(
    repository: &Repository,
    since: Since<'_>,
    asked: &Asked<'_>,
) -> Result<Changes, Error> {
    let mut changes = Changes::default();
    repository.add(since, asked, &mut changes)?;
    Ok(changes)
}

/// Returns the nearest existing folder: the path may be of a deleted file.
fn folder_of(path: &Path) -> PathBuf {
    let folder = path.ancestors().find(|path| path.is_dir());
    let folder = folder.filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new(".")).to_owned()
}

impl Repository {
    fn add(&self, since: Since<'_>, asked: &Asked<'_>, changes: &mut Changes) -> Result<(), Error> {
        let objects = self.objects()?;
        let index = self.index()?;
        let start = match since {
            Since::Revision(revision) => {
                let commit = self.commit(revision, &objects)?;
                Some(self.parting(commit, &objects)?)
            }
            Since::Staged => self.head(&objects)?,
        };
        let tree = start.map(|start| tree_of(start, &objects)).transpose()?;
        let differences = tree::differences(&objects, tree, &index)?;
        let names = match since {
            Since::Revision(_) => {
                let mut names = self.changed(&index, &differences)?;
                names.extend(self.untracked(&index, asked));
                names
            }
            Since::Staged => {
                let (staged, in_part) = self.staged(&index, &differences)?;
                let full = in_part.iter().map(|name| self.full(name));
                changes.staged_in_part.extend(full);
                staged
            }
        };
        for name in names {
            let path = self.full(&name);
            let before = (asked.before)(&path);
            if let Some(tree) = tree.filter(|_| before != Before::Unwanted) {
                let text = match text_at(&objects, tree, &name) {
                    Err(Error::Larger) => None,
                    Err(Error::Missing(_)) if before == Before::IfThere => None,
                    text => text?,
                };
                changes.before.extend(text.map(|text| (path.clone(), text)));
            }
            changes.paths.insert(path);
        }
        Ok(())
    }

    /// Resolves a revision to a commit.
    pub(super) fn commit(&self, revision: &str, objects: &Objects) -> Result<ObjectId, Error> {
        let references = self.references()?;
        let commit = revision::commit(revision, objects, references.as_ref());
        commit.map_err(|unknown| match unknown {
            Unknown::NotUnderstood => Error::NotUnderstood(revision.to_owned()),
            Unknown::Nothing if references.is_none() => Error::References(self.top.clone()),
            Unknown::Nothing => Error::NoRevision {
                revision: revision.to_owned(),
                shallow: self.is_shallow(),
            },
        })
    }

    /// Returns the merge base of the commit and `HEAD`. If it is not known, as in a shallow clone, returns the commit itself:
    /// changes on its side then count too, which reports too much but misses nothing.
    fn parting(&self, commit: ObjectId, objects: &Objects) -> Result<ObjectId, Error> {
        let head = match self.head(objects) {
            Ok(Some(head)) => head,
            Ok(None) | Err(Error::References(_)) => return Ok(commit),
            Err(error) => return Err(error),
        };
        let mut graph = Graph::new(objects, None);
        let bases = gix_revision::merge_base(commit, &[head], &mut graph);
        Ok(bases.ok().flatten().map_or(commit, |bases| bases.head))
    }

    /// Returns the names of files whose work tree text differs from the tree.
    fn changed(&self, index: &Index, differences: &Differences) -> Result<Names, Error> {
        let is_changed = |entry: &Entry, now: Now| {
            let difference = differences.get(entry.path(index));
            let old = match difference {
                Some((old, _)) => *old,
                None => Item::of_entry(entry),
            };
            match now {
                _ if entry.stage() != Stage::Unconflicted => true,
                Now::Gone => old.is_some(),
                Now::Same => difference.is_some(),
                Now::Other(items) => old.is_none_or(|old| !items.contains(&old)),
            }
        };
        let mut names = self.entries_that(index, is_changed)?;
        // Names that are no longer in the index, or only as part of a folder that is not checked out.
        let rest = differences.keys().map(|name| name.to_vec());
        names.extend(rest.filter(|name| index.entry_range(name.as_bstr()).is_none()));
        Ok(names)
    }

    /// Returns the names of staged files, and of those among them that changed again since.
    fn staged(&self, index: &Index, differences: &Differences) -> Result<(Names, Names), Error> {
        // A file added with `--intent-to-add` is not staged yet; a file in conflict counts as staged.
        let with = |flag: fn(&Entry) -> bool| {
            let entries = index.entries().iter().filter(move |entry| flag(entry));
            entries.map(|entry| entry.path(index).to_vec())
        };
        let meant: Names = with(|entry| entry.flags.contains(Flags::INTENT_TO_ADD)).collect();
        let mut staged: Names = differences
            .keys()
            .map(|name| name.to_vec())
            .filter(|name| !meant.contains(name))
            .collect();
        staged.extend(with(|entry| entry.stage() != Stage::Unconflicted));
        let in_part = self.entries_that(index, |entry, now| {
            now != Now::Same && staged.contains(entry.path(index).as_bytes())
        })?;
        Ok((staged, in_part))
    }

    /// Returns the names of index entries that pass the test, which gets the entry and its state in the work tree.
    fn entries_that(
        &self,
        index: &Index,
        passes: impl Fn(&Entry, Now) -> bool + Sync,
    ) -> Result<Names, Error> {
        let hash = self.hash()?;
        let looker = || WorkTree::new(self, hash, index);
        let names = index
            .entries()
            .par_iter()
            .map_init(looker, |looker, entry| {
                let now = looker.look(entry);
                passes(entry, now).then(|| entry.path(index).to_vec())
            });
        Ok(names.flatten().collect())
    }

    /// Returns the names of files that are not in the index, nor in a submodule.
    fn untracked(&self, index: &Index, asked: &Asked<'_>) -> Vec<Vec<u8>> {
        let files = (asked.files)(&self.top);
        let names = files.iter().filter_map(|file| {
            let name = name(file.strip_prefix(&self.top).ok()?);
            (!is_tracked(index, &name)).then_some(name)
        });
        names.collect()
    }

    fn full(&self, name: &[u8]) -> PathBuf {
        // Joined part by part: in verbatim paths, as on Windows, `/` does not separate.
        let parts = name.split(|byte| *byte == b'/');
        self.top.join(parts.map(path).collect::<PathBuf>())
    }
}

/// Whether the index has this file, or the submodule that contains it.
fn is_tracked(index: &Index, name: &[u8]) -> bool {
    let slashes = memchr::memchr_iter(b'/', name).map(|at| &name[..at]);
    let is_submodule = |folder: &[u8]| {
        let entry = index.entry_by_path(folder.as_bstr());
        entry.is_some_and(|entry| entry.mode.is_submodule())
    };
    index.entry_range(name.as_bstr()).is_some() || slashes.into_iter().any(is_submodule)
}
