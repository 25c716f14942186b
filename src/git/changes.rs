//! Which files changed: between a revision and the work tree, or between the last commit and the index.

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

/// Names as git has them, from the top of the work tree.
type Names = BTreeSet<Vec<u8>>;

/// Which changes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since<'r> {
    /// Between a revision and the work tree. What happened on the revision's side since the two parted does not count;
    /// files that git does not know yet do, unless it ignores them.
    Revision(&'r str),
    /// Between the last commit and the index.
    Staged,
}

/// What changed in a repository. Full paths, with no link in them down to the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that are new, different or gone; of a rename both names; of a submodule its folder.
    pub paths: BTreeSet<PathBuf>,
    /// Of those that are staged, the ones whose text in the work tree is another.
    pub staged_in_part: BTreeSet<PathBuf>,
    /// The text before the change, of files for which that was asked.
    pub before: BTreeMap<PathBuf, String>,
}

/// Whether the text of a file before the change is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Unwanted,
    /// Only if it is there: a partial clone may not have it.
    IfThere,
    Needed,
}

/// What else the caller knows of files.
pub struct Asked<'a> {
    pub before: &'a dyn Fn(&Path) -> Before,
    /// All files below a folder that are not ignored, tracked or not.
    pub files: &'a dyn Fn(&Path) -> Vec<PathBuf>,
}

/// The repositories of some paths, and the paths that are in none; of a file, it is the one that its folder is in.
///
/// # Errors
/// Where a repository cannot be read.
pub fn repositories(paths: &[PathBuf]) -> Result<(BTreeSet<Repository>, Vec<PathBuf>), Error> {
    // Where git says itself which repository it is, that is the one.
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

/// What changed in a repository.
///
/// # Errors
/// Where it does not have the revision, or cannot be read.
pub fn changes(
    repository: &Repository,
    since: Since<'_>,
    asked: &Asked<'_>,
) -> Result<Changes, Error> {
    let mut changes = Changes::default();
    repository.add(since, asked, &mut changes)?;
    Ok(changes)
}

/// The nearest folder that is there: a path may be of a file that is gone.
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
                    Err(Error::Missing(_)) if before == Before::IfThere => None,
                    text => text?,
                };
                changes.before.extend(text.map(|text| (path.clone(), text)));
            }
            changes.paths.insert(path);
        }
        Ok(())
    }

    /// The commit that a revision means.
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

    /// Where the commit and what is checked out parted. The commit itself where that is not known, as in a shallow
    /// clone: then a change on its side counts too, which shows too much and misses nothing.
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

    /// Names of files whose text in the work tree is not the one of the tree.
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
        // What is not in the index any more, or only as a part of a folder that is not checked out.
        let rest = differences.keys().map(|name| name.to_vec());
        names.extend(rest.filter(|name| index.entry_range(name.as_bstr()).is_none()));
        Ok(names)
    }

    /// Names of files that are staged; and of those that changed again since.
    fn staged(&self, index: &Index, differences: &Differences) -> Result<(Names, Names), Error> {
        // What is only meant to be added is not staged yet; what is in conflict is, in a way.
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

    /// Names of entries of the index that pass, with what is in the work tree now.
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

    /// Names of files that the index does not have, nor a submodule.
    fn untracked(&self, index: &Index, asked: &Asked<'_>) -> Vec<Vec<u8>> {
        let files = (asked.files)(&self.top);
        let names = files.iter().filter_map(|file| {
            let name = name(file.strip_prefix(&self.top).ok()?);
            (!is_tracked(index, &name)).then_some(name)
        });
        names.collect()
    }

    fn full(&self, name: &[u8]) -> PathBuf {
        // Part for part: where paths are verbatim, as Windows has them, `/` does not separate.
        let parts = name.split(|byte| *byte == b'/');
        self.top.join(parts.map(path).collect::<PathBuf>())
    }
}

/// Whether the index has a file, or a submodule that holds it.
fn is_tracked(index: &Index, name: &[u8]) -> bool {
    let slashes = memchr::memchr_iter(b'/', name).map(|at| &name[..at]);
    let is_submodule = |folder: &[u8]| {
        let entry = index.entry_by_path(folder.as_bstr());
        entry.is_some_and(|entry| entry.mode.is_submodule())
    };
    index.entry_range(name.as_bstr()).is_some() || slashes.into_iter().any(is_submodule)
}
