//! Which files git tracks, and where it keeps what it ignores for one repository alone.

use std::path::{Path, PathBuf};

use gix_object::bstr::{BStr, ByteSlice};

use super::{Error, Repository, name};
use crate::open::{self, Links};

/// What one repository tracks.
#[derive(Debug)]
pub struct Tracked {
    index: gix_index::File,
}

impl Tracked {
    /// Of the repository whose work tree is a folder; `None` where there is none.
    ///
    /// # Errors
    /// Where its index cannot be read.
    pub fn of(top: &Path) -> Result<Option<Self>, Error> {
        match Repository::at(top) {
            Ok(repository) => repository.index().map(|index| Some(Self { index })),
            Err(Error::NoRepository { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a file is tracked, or anything below a folder. The path starts at the top of the work tree.
    pub fn has(&self, path: &Path, is_folder: bool) -> bool {
        let name = name(path);
        let name: &BStr = name.as_bstr();
        match is_folder {
            // A submodule is a folder with an entry of its own.
            true => self.index.path_is_directory(name) || self.index.entry_by_path(name).is_some(),
            false => self.index.entry_range(name).is_some(),
        }
    }
}

/// Where a repository keeps globs that it ignores and does not share. The file need not be there.
pub fn exclude_file(top: &Path) -> Option<PathBuf> {
    let folder = top.join(".git");
    let common = match open::metadata(&folder, Links::Follow)?.is_dir() {
        true => folder,
        false => Repository::at(top).ok()?.common,
    };
    Some(common.join("info/exclude"))
}
