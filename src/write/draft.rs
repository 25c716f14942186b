//! A new file that is there as a whole or not at all: a report, or a baseline.
//!
//! Knows nothing of what was there before but its permissions.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bounds::folder_of;
use super::folder::{Access, Folder, split};
use super::gate::Gate;
use super::temporary::{self, Temporary};
use super::{Cause, WriteError};

/// A file on its way. It appears under its name when it is finished; dropped before that, nothing is left of it.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// Beside the real path, links resolved.
    Beside(Beside),
    /// A device or a pipe, for which nothing can be put in its place.
    Open(BufWriter<File>),
}

#[derive(Debug)]
struct Beside {
    text: BufWriter<Temporary>,
    folder: Arc<Folder>,
    real: PathBuf,
    gate: Arc<Gate>,
    /// By which the gate knows it.
    id: u64,
}

impl Draft {
    /// Begins a file.
    ///
    /// # Errors
    /// Where no file can be made there.
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
    /// Where that fails. What was there before is there still.
    pub fn put(path: &Path, text: &str, gate: &Arc<Gate>) -> Result<(), WriteError> {
        let mut draft = Self::create(path, gate)?;
        draft.push(text)?;
        draft.finish()
    }

    /// Adds text.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn push(&mut self, text: &str) -> Result<(), WriteError> {
        let written = match &mut self.target {
            Target::Beside(beside) => beside.text.write_all(text.as_bytes()),
            Target::Open(file) => file.write_all(text.as_bytes()),
        };
        written.map_err(|error| self.failed(error))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Where that fails. What was there before is there still.
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
