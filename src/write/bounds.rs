//! The folders that may be written to: the roots of the run, and other files that it allows.
//!
//! Resolves paths, but reads and writes no files.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder::{Folder, from_top, relative_to, split};
use super::{Cause, WriteError};

/// The files and folders that may be written to, and an open folder from which they are reached.
///
/// A path is resolved with its links, and compared with the roots. After that no link is followed: the folder is reached name
/// by name from one that has been open since the start of the run. So a folder that someone swaps for a link meanwhile is
/// refused, whatever the link leads to.
#[derive(Debug)]
pub(super) struct Bounds {
    /// With links resolved.
    roots: HashSet<PathBuf>,
    /// The working directory, with links resolved.
    here: Option<(PathBuf, Folder)>,
}

/// A file, which may not exist, by its folder and its name there.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) real: PathBuf,
    pub(super) folder: Arc<Folder>,
    pub(super) name: OsString,
}

impl Spot {
    /// Returns the path of the folder, with links resolved.
    pub(super) fn folder_path(&self) -> &Path {
        self.real.parent().unwrap_or(&self.real)
    }
}

impl Bounds {
    /// Returns the bounds for some roots. Roots that do not exist allow nothing.
    pub(super) fn new(roots: &[PathBuf]) -> Self {
        let here = Path::new(".").canonicalize().ok();
        let here = here.and_then(|path| {
            let folder = Folder::open_at(&path).ok()?;
            Some((path, folder))
        });
        let roots = roots.iter().filter_map(|root| root.canonicalize().ok());
        Self {
            roots: roots.collect(),
            here,
        }
    }

    /// Allows one more file to be written, which may not exist yet, if it is in one of some folders when links are resolved.
    pub(super) fn allow(&mut self, path: &Path, within: &[PathBuf]) {
        let real = path.canonicalize().ok().or_else(|| real_new(path));
        let real = real.filter(|real| within.iter().any(|folder| real.starts_with(folder)));
        self.roots.extend(real);
    }

    /// Returns the roots, with links resolved.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Path> {
        self.roots.iter().map(PathBuf::as_path)
    }

    pub(super) fn contain(&self, real: &Path) -> bool {
        real.ancestors().any(|above| self.roots.contains(above))
    }

    /// Finds a file that exists, with all links followed.
    pub(super) fn find(&self, path: &Path) -> Result<Spot, WriteError> {
        let unreadable = |error| Cause::Unreadable(error).at(path);
        let real = path.canonicalize().map_err(unreadable)?;
        self.within(path, &real)?;
        super::steps::reached("resolved");
        self.spot(real).map_err(|error| match is_swapped(&error) {
            true => Cause::Changed.at(path),
            false => unreadable(error),
        })
    }

    /// Finds the location of a file to create.
    pub(super) fn find_new(&self, path: &Path) -> Result<Spot, WriteError> {
        let folder = |error| {
            let folder = folder_of(path).to_owned();
            Cause::Folder { folder, error }.at(path)
        };
        let real = real_new(path).ok_or_else(|| folder(io::ErrorKind::NotFound.into()))?;
        self.within(path, &real)?;
        super::steps::reached("resolved");
        self.spot(real).map_err(folder)
    }

    fn within(&self, path: &Path, real: &Path) -> Result<(), WriteError> {
        match self.contain(real) {
            true => Ok(()),
            false => Err(Cause::Outside(real.to_owned()).at(path)),
        }
    }

    fn spot(&self, real: PathBuf) -> io::Result<Spot> {
        let (folder, name) = split(&real).ok_or(io::ErrorKind::IsADirectory)?;
        let (folder, name) = (Arc::new(self.folder(folder)?), name.to_owned());
        Ok(Spot { real, folder, name })
    }

    /// Opens a folder by its path, which must have its links resolved: no link is followed.
    pub(super) fn folder(&self, real: &Path) -> io::Result<Folder> {
        if let Some((here, folder)) = &self.here
            && let Some(below) = relative_to(here, real)
        {
            return folder.below(below);
        }
        let (top, below) = from_top(real);
        Folder::open_at(&top)?.below(&below)
    }
}

/// Whether an error means that a folder was replaced by a link, or by something else that is not a folder.
fn is_swapped(error: &io::Error) -> bool {
    let is_link = {
        #[cfg(unix)]
        {
            error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
        }
        #[cfg(not(unix))]
        {
            false
        }
    };
    is_link || error.kind() == io::ErrorKind::NotADirectory
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns the path of a file to create, with links resolved.
fn real_new(path: &Path) -> Option<PathBuf> {
    let folder = folder_of(path).canonicalize().ok()?;
    Some(folder.join(path.file_name()?))
}
