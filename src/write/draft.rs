//! A new file that is there as a whole or not at all: a report, or a baseline.
//!
//! Knows nothing of what was there before but its permissions.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::WriteError;

/// A file on its way. It appears under its name when it is finished; dropped before that, nothing is left of it.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// Beside the real place, links resolved.
    Beside(BufWriter<NamedTempFile>, PathBuf),
    /// A device or a pipe, for which nothing can be put in its place.
    Open(BufWriter<File>),
}

impl Draft {
    /// Begins a file.
    ///
    /// # Errors
    /// Where no file can be made there.
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        let no_place = |error| WriteError::NoPlace {
            path: path.to_owned(),
            error,
        };
        let target = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(no_place(io::ErrorKind::IsADirectory.into()));
            }
            Ok(metadata) if metadata.is_file() => {
                let real = path.canonicalize().map_err(no_place)?;
                if metadata.permissions().readonly() {
                    return Err(no_place(io::ErrorKind::PermissionDenied.into()));
                }
                let file = beside(&real).map_err(no_place)?;
                file.as_file()
                    .set_permissions(metadata.permissions())
                    .map_err(no_place)?;
                Target::Beside(BufWriter::new(file), real)
            }
            Ok(_) => {
                let file = File::options().write(true).open(path).map_err(no_place)?;
                Target::Open(BufWriter::new(file))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = beside(path).map_err(no_place)?;
                Target::Beside(BufWriter::new(file), path.to_owned())
            }
            Err(error) => return Err(no_place(error)),
        };
        Ok(Self {
            path: path.to_owned(),
            target,
        })
    }

    /// Adds text.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn push(&mut self, text: &str) -> Result<(), WriteError> {
        let written = match &mut self.target {
            Target::Beside(file, _) => file.write_all(text.as_bytes()),
            Target::Open(file) => file.write_all(text.as_bytes()),
        };
        written.map_err(|error| self.failed(error))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Where that fails. What was there before is there still.
    pub fn finish(self) -> Result<(), WriteError> {
        let failed = |error| WriteError::Failed {
            path: self.path.clone(),
            error,
        };
        match self.target {
            Target::Beside(file, real) => {
                let file = file.into_inner().map_err(|error| failed(error.into()))?;
                file.as_file().sync_all().map_err(failed)?;
                let persisted = file.persist(real);
                persisted.map(drop).map_err(|error| failed(error.error))
            }
            Target::Open(mut file) => file.flush().map_err(failed),
        }
    }

    fn failed(&self, error: io::Error) -> WriteError {
        WriteError::Failed {
            path: self.path.clone(),
            error,
        }
    }
}

/// A temporary file with the permissions of any new file.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".regfix-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The process's mask takes away what nobody is to have.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
