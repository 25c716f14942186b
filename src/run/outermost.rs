//! The outermost of some files and folders. Thousands of files may be named as roots, and every path is compared with them.
//!
//! Compares paths as they are written, and does not look at the disk.

use std::path::{Path, PathBuf};

/// Paths of which none is inside another, sorted.
#[derive(Debug)]
pub(super) struct Outermost(Vec<PathBuf>);

impl FromIterator<PathBuf> for Outermost {
    fn from_iter<I: IntoIterator<Item = PathBuf>>(paths: I) -> Self {
        let mut paths: Vec<PathBuf> = paths.into_iter().collect();
        paths.sort();
        // A folder is followed by everything inside it.
        paths.dedup_by(|path, before| path.starts_with(before));
        Self(paths)
    }
}

impl Outermost {
    /// Returns the one that is this path, or above it.
    pub(super) fn above(&self, path: &Path) -> Option<&Path> {
        let after = self.0.partition_point(|one| one.as_path() <= path);
        let last = self.0[..after].last()?;
        path.starts_with(last).then_some(last)
    }

    pub(super) fn contain(&self, path: &Path) -> bool {
        self.above(path).is_some()
    }

    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_another_is_left_out() {
        let paths = ["b/c", "a-b", "b", "a", "b/c/d", "b-c", "a"].map(PathBuf::from);
        let all: Outermost = paths.into_iter().collect();
        assert_eq!(all.paths(), ["a", "a-b", "b", "b-c"].map(PathBuf::from));
        for (path, above) in [
            ("a/x", Some("a")),
            ("a-b", Some("a-b")),
            ("b/c/d/e", Some("b")),
            ("b-d", None),
            ("", None),
        ] {
            assert_eq!(all.above(Path::new(path)), above.map(Path::new), "{path}");
        }
    }
}
