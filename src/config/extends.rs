//! `extends`: a configuration that starts from another file.
//!
//! The file is in the same repository, or its path is absolute. A file of the repository is read from where the repository is
//! read, the working tree or a revision, and never from outside of it.

use std::path::{Path, PathBuf};

use super::catalogue::{self, Basis, ReadFile};
use super::error::Fault;
use super::find::is_configuration;
use super::{Config, decode, of_text};
use crate::open::{self, Links};
use crate::printable;
use crate::source::{Span, lexically_normal};

/// The longest chain of files that extend each other.
const DEPTH: usize = 8;

/// A file that is being read, and what is needed to read the files that it extends.
#[derive(Clone, Copy)]
pub(super) struct Reading<'r> {
    pub(super) path: &'r Path,
    /// The folder of the outermost file, where globs start.
    pub(super) folder: &'r Path,
    pub(super) basis: Basis<'r>,
    /// Reads a file of the repository.
    pub(super) file: &'r ReadFile<'r>,
    /// The file that extends this one, if any.
    pub(super) above: Option<&'r Reading<'r>>,
}

impl<'r> Reading<'r> {
    /// Iterates over this file and those that extend it, nearest first.
    fn chain(&'r self) -> impl Iterator<Item = &'r Reading<'r>> {
        std::iter::successors(Some(self), |reading| reading.above)
    }

    /// Reads the file that this one extends. `named` is its path as written, and `at` the span of that.
    pub(super) fn extended(&self, named: &str, at: Span) -> Result<Config, Fault> {
        let fault = |why: String| Fault::new(why).at(at);
        let target = Path::new(named);
        if !is_configuration(target) {
            let why = "expected the path of a file whose name ends in `.regfix.yaml`".to_owned();
            return Err(fault(why).help(
                "like `extends: ../shared.regfix.yaml`; the path starts in the folder of this file",
            ));
        }
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let path = lexically_normal(&folder.join(target));
        let shown = printable::line(named);
        if self
            .chain()
            .any(|reading| lexically_normal(reading.path) == path)
        {
            return Err(fault(format!(
                "`{shown}` extends itself through other files"
            )));
        }
        if self.chain().count() > DEPTH {
            return Err(fault(format!("more than {DEPTH} files extend each other")));
        }
        let on_disk = |path: &Path| {
            open::read(path, Links::Follow, super::LIMIT).map_err(|error| error.to_string())
        };
        let pinned_on_disk = |path: &Path| catalogue::read(path).map_err(|error| error.to_string());
        let is_absolute = target.is_absolute();
        let read: &ReadFile<'_> = if is_absolute { &on_disk } else { self.file };
        let bytes = read(&path).map_err(|why| fault(format!("`{shown}` is not read: {why}")))?;
        let text = decode(&path, bytes)?;
        let reading = Reading {
            path: &path,
            folder: self.folder,
            basis: match self.basis {
                Basis::Pinned(_) if is_absolute => Basis::Pinned(&pinned_on_disk),
                basis => basis,
            },
            file: if is_absolute { &on_disk } else { self.file },
            above: Some(self),
        };
        Ok(of_text(&text, &reading)?)
    }
}

/// A file that settings come from, and the keys that it sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    pub file: PathBuf,
    pub text: std::sync::Arc<str>,
    pub keys: Vec<String>,
}
