//! Problems of a walk, and their messages.
//!
//! Knows nothing of reports: it has only the messages, not where they are shown.

use std::io;
use std::path::{Path, PathBuf};

use crate::git;
use crate::printable;

/// Something that could not be done, or not as asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub path: PathBuf,
    /// Without the path.
    pub message: String,
    /// Whether something was not checked that should have been.
    pub fatal: bool,
    /// Whether it is one of many of its kind, which are counted and reported together.
    pub is_counted: bool,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", printable::path(&self.path), self.message)
    }
}

impl From<super::ReadError> for Problem {
    fn from(error: super::ReadError) -> Self {
        Self {
            path: error.path().to_owned(),
            message: error.reason(),
            fatal: error.is_fatal(),
            is_counted: false,
        }
    }
}

impl Problem {
    fn fatal(path: &Path, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            message: message.into(),
            fatal: true,
            is_counted: false,
        }
    }

    fn warning(path: &Path, message: impl Into<String>) -> Self {
        Self {
            fatal: false,
            ..Self::fatal(path, message)
        }
    }

    pub(super) fn missing_root(path: &Path) -> Self {
        let text = path.to_string_lossy();
        let advice = match () {
            () if text.contains(['*', '?', '[', '{']) => {
                "is this a glob? The shell left it as it is because nothing matches; name a folder to check all in it"
            }
            () if cfg!(not(windows)) && text.contains('\\') => {
                "write it with `/`: `\\` separates no folders on this system"
            }
            () => "check the spelling and the working directory",
        };
        Self::fatal(path, format!("no such file or folder; {advice}"))
    }

    pub(super) fn broken_link(path: &Path, target: &Path) -> Self {
        let target = printable::path(target);
        Self::fatal(
            path,
            format!(
                "a symbolic link to {target}, which does not exist; fix the link or exclude it"
            ),
        )
    }

    pub(super) fn special_root(path: &Path) -> Self {
        Self::fatal(
            path,
            "neither a file nor a folder; to check a stream, pass it on standard input",
        )
    }

    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::fatal(
            path,
            format!("cannot be read: {error}; make it readable, or exclude it"),
        )
    }

    /// A file of a revision, in a clone that does not have all of it.
    pub(super) fn absent(path: &Path) -> Self {
        Self {
            is_counted: true,
            ..Self::fatal(path, super::content::ABSENT)
        }
    }

    pub(super) fn vanished(path: &Path) -> Self {
        Self::warning(path, "disappeared before it could be read")
    }

    /// What an earlier run left in a folder. The message says what to do about it.
    pub fn unfinished(folder: &Path, message: String) -> Self {
        Self::fatal(folder, message)
    }

    pub(super) fn larger(path: &Path) -> Self {
        Self::fatal(
            path,
            "larger than 64 MiB: not analysed, although it may contain legacy references; split or exclude it",
        )
    }

    pub(super) fn panicked(path: &Path, words: &str) -> Self {
        Self::fatal(
            path,
            format!(
                "not analysed because of a bug in regfix; please report it with this message: {words}"
            ),
        )
    }

    pub(super) fn bad_glob(base: &Path, glob: &str, reason: &str) -> Self {
        Self::fatal(
            base,
            format!("exclude: {glob:?} is not a glob: {reason}; nothing was read"),
        )
    }

    /// An ignore file that is skipped. Only a warning for a link, because git does not follow it either.
    pub(super) fn unread_ignore_file(path: &Path, error: &io::Error) -> Self {
        let why = match error.kind() {
            io::ErrorKind::FileTooLarge => {
                "with those above it, it has more than 512 KiB".to_owned()
            }
            _ => error.to_string(),
        };
        let message = format!("this ignore file is skipped: {why}");
        match path.is_symlink() {
            true => Self::warning(path, message),
            false => Self::fatal(path, message),
        }
    }

    pub(super) fn bad_ignore_line(path: &Path, line: usize, why: &str) -> Self {
        Self::warning(
            path,
            format!("line {line}: {why}; this line of the ignore file is skipped"),
        )
    }

    pub(super) fn unknown_tracked(folder: &Path, error: &git::Error) -> Self {
        Self::warning(
            super::named(folder),
            format!("it is not known what git tracks, and what is ignored is left out: {error}"),
        )
    }
}
