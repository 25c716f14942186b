//! One repository on disk: where its files are, and access to its objects, references and index.
//!
//! Only a `.git` makes a repository. A folder that is merely shaped like a bare one does not count, because anybody can commit
//! one. The repository's configuration is read only for its object and reference formats.

use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix_hash::{Kind, ObjectId};
use gix_object::Find;
use gix_odb::Store;
use gix_ref::file::ReferenceExt;

use super::{Error, path};
use crate::open::{self, Links};
use crate::source::lexically_normal;

pub(super) type Objects = gix_odb::Handle;
pub(super) type References = gix_ref::file::Store;

/// Objects that many threads read, each through its own handle.
pub(super) struct SharedObjects(Arc<Store>);

impl SharedObjects {
    /// Calls `read` with this thread's handle. A thread keeps only the handle of the repository that it read last, because a
    /// handle takes 50 KB and a run may read thousands of repositories. An object that is missing is looked up again: git may
    /// have packed it in the meantime.
    pub(super) fn with<T>(&self, read: impl FnOnce(&gix_odb::HandleArc) -> T) -> T {
        thread_local! {
            static LATEST: Cell<Option<(Arc<Store>, gix_odb::HandleArc)>> = const { Cell::new(None) };
        }
        let latest = LATEST
            .take()
            .filter(|(store, _)| Arc::ptr_eq(store, &self.0));
        let new = || (Arc::clone(&self.0), self.0.to_cache_arc());
        let (store, handle) = latest.unwrap_or_else(new);
        let made = read(&handle);
        LATEST.set(Some((store, handle)));
        made
    }
}

/// The most memory that one piece of a repository may take.
const LIMIT: usize = 512 << 20;
/// The size limit for `.git`, `HEAD`, `commondir` and the configuration.
const SMALL: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// The folder of the work tree, links resolved.
    pub top: PathBuf,
    /// The folder with `HEAD` and the index of this work tree.
    own: PathBuf,
    /// The folder with the objects and references, which all work trees share.
    pub(super) common: PathBuf,
    index: PathBuf,
}

impl Repository {
    /// Finds the repository that contains a folder.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub fn around(folder: &Path) -> Result<Self, Error> {
        let none = || Error::NoRepository {
            folder: folder.to_owned(),
        };
        let real = folder.canonicalize().map_err(|_| none())?;
        let mut found = real
            .ancestors()
            .find_map(|top| Some((top.to_owned(), git_folder(&top.join(".git"))?)));
        // When git runs regfix as a hook, it may name the repository in `GIT_DIR`, and runs the hook at the top of the work
        // tree.
        if let Some(reported) = std::env::var_os("GIT_DIR") {
            let own = PathBuf::from(reported).canonicalize().map_err(|_| none())?;
            let is_found = found.as_ref().is_some_and(|(_, found)| *found == own);
            if !is_found {
                let top = std::env::var_os("GIT_WORK_TREE").map_or(real, PathBuf::from);
                let top = top.canonicalize().map_err(|_| none())?;
                found = Some((top, own));
            }
        }
        let (top, own) = found.ok_or_else(none)?;
        Self::open(top, own)
    }

    /// Opens the repository whose work tree is exactly this folder.
    pub(super) fn at(top: &Path) -> Result<Self, Error> {
        let own = git_folder(&top.join(".git"));
        let own = own.ok_or_else(|| Error::NoRepository {
            folder: top.to_owned(),
        })?;
        Self::open(top.to_owned(), own)
    }

    /// Opens a repository that the user named: a bare one, or the one in the `.git` of the folder. Its top is the absolute path
    /// of what [`Self::top_of_named`] returns.
    ///
    /// # Errors
    /// If the folder is not a repository, or cannot be read.
    pub fn named(folder: &Path) -> Result<Self, Error> {
        let none = || Error::NotNamed {
            folder: folder.to_owned(),
        };
        let dot_git = folder.join(".git");
        let own = match dot_git.exists() {
            true => git_folder(&dot_git),
            false => bare_folder(folder),
        };
        let own = own.ok_or_else(none)?;
        let top = std::path::absolute(Self::top_of_named(folder)).map_err(|_| none())?;
        Self::open(lexically_normal(&top), own)
    }

    /// Returns where the files of a named repository would be: `a` for `a/.git`, and the folder itself otherwise.
    pub fn top_of_named(folder: &Path) -> &Path {
        match folder.file_name() {
            Some(name) if name == ".git" => match folder.parent() {
                Some(above) if !above.as_os_str().is_empty() => above,
                _ => Path::new("."),
            },
            _ => folder,
        }
    }

    /// Returns the git folder, which `git -C` accepts.
    pub fn folder(&self) -> &Path {
        &self.own
    }

    fn open(top: PathBuf, own: PathBuf) -> Result<Self, Error> {
        let common = common_folder(&own);
        let index = index_of(&top, &own);
        let repository = Self {
            top,
            own,
            common,
            index,
        };
        match repository.has_strange_files() {
            Some(path) => Err(Error::unreadable(&path, "not a regular file")),
            None => Ok(repository),
        }
    }

    /// Returns one of git's files that exists but is not a regular file, such as a pipe that would block the reader.
    fn has_strange_files(&self) -> Option<PathBuf> {
        let own = [self.own.join("HEAD"), self.index.clone()];
        let names = [
            "config",
            "packed-refs",
            "shallow",
            "objects/info/alternates",
        ];
        let shared = names.iter().map(|name| self.common.join(name));
        own.into_iter()
            .chain(shared)
            .find(|path| open::metadata(path, Links::Follow).is_some_and(|found| !found.is_file()))
    }

    /// Returns the hash function of the objects, and whether references are kept in files.
    fn formats(&self) -> Result<(Kind, bool), Error> {
        let path = self.common.join("config");
        let text = match open::read(&path, Links::Follow, SMALL) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::unreadable(&path, error)),
        };
        let text = String::from_utf8_lossy(&text);
        let format = extension(&text, "objectformat").unwrap_or_else(|| "sha1".to_owned());
        let kind = match format.as_str() {
            "sha1" => Kind::Sha1,
            "sha256" => Kind::Sha256,
            _ => {
                let why = format!("objects have {format} hashes, which regfix does not support");
                return Err(Error::unreadable(&path, why));
            }
        };
        let storage = extension(&text, "refstorage");
        let in_files = storage.is_none_or(|storage| storage == "files");
        Ok((kind, in_files))
    }

    pub(super) fn hash(&self) -> Result<Kind, Error> {
        self.formats().map(|(hash, _)| hash)
    }

    /// Opens the objects of this clone. Objects that are missing are never fetched: the libraries cannot do that.
    pub(super) fn objects(&self) -> Result<Objects, Error> {
        let mut handle = std::rc::Rc::new(self.store()?).to_cache();
        handle.refresh_never();
        Ok(handle)
    }

    /// Opens the objects for use by many threads.
    pub(super) fn shared_objects(&self) -> Result<SharedObjects, Error> {
        Ok(SharedObjects(Arc::new(self.store()?)))
    }

    fn store(&self) -> Result<Store, Error> {
        let path = self.common.join("objects");
        let options = gix_odb::store::init::Options {
            alloc_limit_bytes: Some(LIMIT),
            ..Default::default()
        };
        let store = Store::at_opts(path.clone(), self.hash()?, &mut std::iter::empty(), options);
        store.map_err(|error| Error::unreadable(&path, error))
    }

    /// `None` if references are not kept in files.
    pub(super) fn references(&self) -> Result<Option<References>, Error> {
        let (hash, in_files) = self.formats()?;
        let (own, common) = (self.own.clone(), self.common.clone());
        Ok(in_files.then(|| match own == common {
            true => References::at(own, hash),
            false => References::for_linked_worktree(own, common, hash),
        }))
    }

    /// Reads the index. It is empty if nothing was ever added.
    pub(super) fn index(&self) -> Result<gix_index::File, Error> {
        let options = gix_index::decode::Options {
            alloc_limit_bytes: Some(LIMIT),
            ..Default::default()
        };
        let index = gix_index::File::at_or_default(&self.index, self.hash()?, true, options);
        index.map_err(|error| Error::unreadable(&self.index, error))
    }

    /// Returns the commit that is checked out. `None` before the first commit.
    pub(super) fn head(&self, objects: &Objects) -> Result<Option<ObjectId>, Error> {
        let path = self.own.join("HEAD");
        let Some(references) = self.references()? else {
            return Err(Error::References(self.top.clone()));
        };
        let head = references.find("HEAD");
        let mut head = head.map_err(|error| Error::unreadable(&path, error))?;
        Ok(head.peel_to_id(&references, objects as &dyn Find).ok())
    }

    pub(super) fn is_shallow(&self) -> bool {
        let path = self.common.join("shallow");
        open::metadata(&path, Links::Follow).is_some_and(|found| found.len() > 0)
    }
}

/// Returns the folder that a `.git` leads to: itself, or the one that a `.git` file names.
fn git_folder(dot_git: &Path) -> Option<PathBuf> {
    let folder = match open::metadata(dot_git, Links::Follow)?.is_dir() {
        true => dot_git.to_owned(),
        false => {
            let text = open::read(dot_git, Links::Follow, SMALL).ok()?;
            let target = text.strip_prefix(b"gitdir:")?.trim_ascii();
            dot_git.parent()?.join(path(target))
        }
    };
    let folder = folder.canonicalize().ok()?;
    folder.join("HEAD").exists().then_some(folder)
}

/// Returns the real path of a folder that is a bare repository.
fn bare_folder(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    is_bare(&folder).then_some(folder)
}

/// Whether a folder is shaped like a repository without a work tree. Anybody can commit such a folder, so it counts only if
/// a person named it.
pub fn is_bare(folder: &Path) -> bool {
    let is_folder = |name: &str| folder.join(name).is_dir();
    folder.join("HEAD").exists() && is_folder("objects") && is_folder("refs")
}

/// Returns the folder that a linked work tree shares with the main one, or its own folder if it is the main one.
fn common_folder(own: &Path) -> PathBuf {
    let text = open::read(&own.join("commondir"), Links::Follow, SMALL);
    let common = text.map(|text| own.join(path(text.trim_ascii())));
    let common = common.and_then(|common| common.canonicalize());
    common.unwrap_or_else(|_| own.to_owned())
}

/// Returns the index. While git commits only some files, it uses a temporary index and names it to its hooks.
fn index_of(top: &Path, own: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let reported = std::env::var_os("GIT_INDEX_FILE").filter(|name| !name.is_empty());
    match (reported, here) {
        (Some(reported), Ok(here)) if here == top => here.join(reported),
        _ => own.join("index"),
    }
}

/// Reads a value from the section `[extensions]` of a configuration, in lower case.
fn extension(text: &str, name: &str) -> Option<String> {
    let mut inside = false;
    let mut value = None;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.split(']').next().unwrap_or_default();
            inside = section.eq_ignore_ascii_case("extensions");
        } else if let Some((key, rest)) = line.split_once('=')
            && inside
            && key.trim().eq_ignore_ascii_case(name)
        {
            value = Some(rest.trim().trim_matches('"').to_ascii_lowercase());
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_from_their_section_alone() {
        let text = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = SHA256\n\
                    [other \"extensions\"]\n\trefstorage = reftable\n";
        assert_eq!(extension(text, "objectformat").as_deref(), Some("sha256"));
        assert_eq!(extension(text, "refstorage"), None);
        let text = "[Extensions]\nrefStorage=\"reftable\"\n";
        assert_eq!(extension(text, "refstorage").as_deref(), Some("reftable"));
        assert_eq!(extension("", "refstorage"), None);
    }
}
