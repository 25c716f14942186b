//! A new file that appears as a whole or not at all: a report, or a baseline.
//!
//! Knows nothing of what was there before, except its permissions.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bounds::folder_of;
use super::folder::{Access, Folder, split};
use super::gate::Gate;
use super::temporary::{self, Temporary};
use super::{Cause, WriteError};

/// A file that is being written. It appears under its name when it is finished. If it is dropped before, nothing is left of it.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// A temporary file beside the path, with links resolved.
    Beside(Beside),
    /// A device or a pipe, which cannot be replaced, so it is written to directly.
    Open(BufWriter<File>),
}

#[derive(Debug)]
struct Beside {
    text: BufWriter<Temporary>,
    folder: Arc<Folder>,
    real: PathBuf,
    gate: Arc<Gate>,
    /// Its id at the gate.
    id: u64,
}

impl Draft {
    ///
    /// # Errors
    /// Begins a file.
    ///
    /// # Errors
    /// If no file can be made there.
    pub fn create(path: &Path, gate: &Arc<Gate>) -> Result<Self, WriteError> {
        let no_place = |error| Cause::NoPlace(error).at(path);
        let beside = |real: &Path| Beside::new(real, gate).map_err(no_place);
        let target = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(no_place(io::ErrorKind::IsADirectory.into()));
            }
            Ok(metadata) if metadata.is_file() => {
                let real = path.canonicalize().map_err(no_place)?;
                if metadata.permissions().readonly() {
                    return Err(no_place(io::ErrorKind::PermissionDenied.into()));
                }
                let made = beside(&real)?;
                let file = made.text.get_ref().file();
                file.and_then(|file| file.set_permissions(metadata.permissions()))
                    .map_err(no_place)?;
                Target::Beside(made)
            }
            Ok(_) => {
                let file = File::options().write(true).open(path).map_err(no_place)?;
                Target::Open(BufWriter::new(file))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Target::Beside(beside(path)?),
            Err(error) => return Err(no_place(error)),
        };
        Ok(Self {
            path: path.to_owned(),
            target,
        })
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// If that fails. What was there before is still there.
    pub fn put(path: &Path, text: &str, gate: &Arc<Gate>) -> Result<(), WriteError> {
        let mut draft = Self::create(path, gate)?;
        draft.push(text)?;
        draft.finish()
    }

    /// Adds text.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn push(&mut self, text: &str) -> Result<(), WriteError> {
        let written = match &mut self.target {
            Target::Beside(beside) => beside.text.write_all(text.as_bytes()),
            Target::Open(file) => file.write_all(text.as_bytes()),
        };
        written.map_err(|error| self.failed(error))
    }

    ///
    /// # Errors
    /// Puts the file in its place.
    ///
    /// # Errors
    /// If that fails. What was there before is still there.
    pub fn finish(mut self) -> Result<(), WriteError> {
        let finished = match &mut self.target {
            Target::Beside(beside) => beside.text.flush(),
            Target::Open(file) => file.flush(),
        };
        finished.map_err(|error| self.failed(error))?;
        let placed = match self.target {
            Target::Beside(beside) => beside.replace(),
            Target::Open(_) => Ok(()),
        };
        placed.map_err(|error| Cause::Failed(error).at(&self.path))
    }

    fn failed(&self, error: io::Error) -> WriteError {
        Cause::Failed(error).at(&self.path)
    }
}

impl Beside {
    fn new(real: &Path, gate: &Arc<Gate>) -> io::Result<Self> {
        let _inside = gate.enter();
        let folder = Arc::new(Folder::open_at(folder_of(real))?);
        temporary::sweep(&folder);
        let file = Temporary::new(&folder, Access::Default, None)?;
        let id = gate.add_draft(&folder, file.name().to_owned());
        Ok(Self {
            text: BufWriter::new(file),
            folder,
            real: real.to_owned(),
            gate: Arc::clone(gate),
            id,
        })
    }

    fn replace(self) -> io::Result<()> {
        let gate = Arc::clone(&self.gate);
        let _inside = gate.enter();
        gate.drop_draft(self.id);
        let (_, name) = split(&self.real).ok_or(io::ErrorKind::IsADirectory)?;
        let (file, _) = self.text.into_parts();
        file.sync()?;
        file.replace(&self.folder, name)
    }
}
