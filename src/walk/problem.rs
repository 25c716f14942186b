//! What can go wrong on a walk, each said in one place.
//!
//! Knows no report: the words are here, where they are shown is not.

use std::io;
use std::path::{Path, PathBuf};

use crate::printable;

/// Something that could not be done, or not as asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub path: PathBuf,
    /// Without the path.
    pub message: String,
    /// Whether something was not looked at that should have been.
    pub fatal: bool,
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
        }
    }
}

impl Problem {
    fn fatal(path: &Path, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            message: message.into(),
            fatal: true,
        }
    }

    fn warning(path: &Path, message: impl Into<String>) -> Self {
        Self {
            fatal: false,
            ..Self::fatal(path, message)
        }
    }

    pub(super) fn missing_root(path: &Path) -> Self {
        Self::fatal(
            path,
            "no such file or folder; check the spelling, and the folder regfix was started in",
        )
    }

    pub(super) fn broken_link(path: &Path, target: &Path) -> Self {
        let target = printable::path(target);
        Self::fatal(
            path,
            format!(
                "a symbolic link to {target}, which does not exist; mend the link or leave it out"
            ),
        )
    }

    pub(super) fn special_root(path: &Path) -> Self {
        Self::fatal(
            path,
            "neither a file nor a folder; to check a stream, give it on standard input",
        )
    }

    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::fatal(
            path,
            format!("cannot be read: {error}; make it readable, or exclude it"),
        )
    }

    pub(super) fn vanished(path: &Path) -> Self {
        Self::warning(path, "was gone before it could be read")
    }

    /// What an earlier run left in a folder; what to do about it.
    pub fn unfinished(folder: &Path, message: String) -> Self {
        Self::fatal(folder, message)
    }

    pub(super) fn larger(path: &Path) -> Self {
        Self::fatal(
            path,
            "larger than 64 MiB: not analysed, though it may hold what is looked for; split it, or exclude it",
        )
    }

    pub(super) fn panicked(path: &Path, words: &str) -> Self {
        Self::fatal(
            path,
            format!("not analysed, for a bug in regfix; please report it, with this: {words}"),
        )
    }

    pub(super) fn bad_glob(base: &Path, glob: &str, reason: &str) -> Self {
        Self::fatal(
            base,
            format!("exclude: {glob:?} is no glob: {reason}; nothing was read"),
        )
    }

    /// What the walker says: of a file or folder it could not list, or of lines in ignore files.
    pub(super) fn of_walk(error: &ignore::Error) -> Vec<Self> {
        match error {
            ignore::Error::Partial(errors) => errors.iter().flat_map(Self::of_walk).collect(),
            ignore::Error::WithDepth { err, .. } => Self::of_walk(err),
            ignore::Error::WithPath { path, err } => vec![Self::of_path(super::shown(path), err)],
            _ => vec![Self::of_path(Path::new("."), error)],
        }
    }

    fn of_path(path: &Path, error: &ignore::Error) -> Self {
        match error.io_error() {
            Some(error) if error.kind() == io::ErrorKind::NotFound => Self::vanished(path),
            Some(error) => Self::unreadable(path, error),
            None => Self::warning(
                path,
                format!("{error}; this line of the ignore file is not followed"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, err: ignore::Error) -> ignore::Error {
        ignore::Error::WithPath {
            path: path.into(),
            err: Box::new(err),
        }
    }

    #[test]
    fn the_walkers_errors_keep_their_path_and_weight() {
        let denied = at(
            "./dir",
            ignore::Error::Io(io::ErrorKind::PermissionDenied.into()),
        );
        let gone = at("gone", ignore::Error::Io(io::ErrorKind::NotFound.into()));
        let glob = ignore::Error::Glob {
            glob: Some("[".to_owned()),
            err: "unclosed".to_owned(),
        };
        let line = at(
            ".gitignore",
            ignore::Error::WithLineNumber {
                line: 3,
                err: Box::new(glob),
            },
        );
        let all = ignore::Error::Partial(vec![
            ignore::Error::WithDepth {
                depth: 1,
                err: Box::new(denied),
            },
            gone,
            line,
        ]);
        let said: Vec<_> = Problem::of_walk(&all)
            .iter()
            .map(|one| format!("{one} ({})", one.fatal))
            .collect();
        assert_eq!(
            said,
            [
                "dir: cannot be read: permission denied; make it readable, or exclude it (true)",
                "gone: was gone before it could be read (false)",
                ".gitignore: line 3: error parsing glob '[': unclosed; this line of the ignore file is not followed (false)",
            ]
        );
    }
}
