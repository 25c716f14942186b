//! The files that git tracks, and the file with the ignore globs that a repository does not share.

use std::path::{Path, PathBuf};

use gix_object::bstr::{BStr, ByteSlice};

use super::{Error, Repository, name};
use crate::open::{self, Links};

/// The files that one repository tracks.
#[derive(Debug)]
pub struct Tracked {
    index: gix_index::File,
}

impl Tracked {
    /// Reads the index of the repository whose work tree is this folder. `None` if the folder is not a repository.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn of(top: &Path) -> Result<Option<Self>, Error> {
        match Repository::at(top) {
            Ok(repository) => repository.index().map(|index| Some(Self { index })),
            Err(Error::NoRepository { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a file, or anything below a folder, is tracked. The path starts at the top of the work tree.
    pub fn has(&self, path: &Path, is_folder: bool) -> bool {
        let name = name(path);
        let name: &BStr = name.as_bstr();
        match is_folder {
            // A submodule is a folder with its own entry.
            true => self.index.path_is_directory(name) || self.index.entry_by_path(name).is_some(),
            false => self.index.entry_range(name).is_some(),
        }
    }
}

/// Returns the file with the ignore globs that a repository does not share. The file may not exist.
pub fn exclude_file(top: &Path) -> Option<PathBuf> {
    let folder = top.join(".git");
    let common = match open::metadata(&folder, Links::Follow)?.is_dir() {
        true => folder,
        false => Repository::at(top).ok()?.common,
    };
    Some(common.join("info/exclude"))
}
