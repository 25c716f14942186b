//! The base of paths in a report. Knows no formats and does not access the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::owners::Owners;
use crate::printable;
use crate::source::lexically_normal;

/// The working directory, and the repository that it is in.
#[derive(Debug, Clone, Default)]
pub struct PathBase {
    here: PathBuf,
    /// The root of the repository, or the working directory if there is none.
    root: PathBuf,
    /// Paths that the user named through a link, and their real paths.
    links: Vec<(PathBuf, PathBuf)>,
    owners: Arc<Owners>,
}

impl PathBase {
    /// Both paths are absolute.
    pub fn new(here: &Path, repository: Option<&Path>) -> Self {
        Self {
            here: here.to_owned(),
            root: repository.unwrap_or(here).to_owned(),
            links: Vec::new(),
            owners: Arc::default(),
        }
    }

    /// Returns the base with another root.
    #[must_use]
    pub fn rooted(&self, root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            ..self.clone()
        }
    }

    /// Returns the base with an absolute path that the user named and that leads to another location.
    #[must_use]
    pub fn linked(mut self, named: &Path, real: PathBuf) -> Self {
        self.links.push((lexically_normal(named), real));
        self
    }

    /// Returns the base with the owners of the repository's files.
    #[must_use]
    pub fn owned(self, owners: Owners) -> Self {
        Self {
            owners: Arc::new(owners),
            ..self
        }
    }

    /// The owners of a file, whose path is spelled as by [`Self::relative`].
    pub fn owners(&self, relative: &str) -> &[String] {
        self.owners.of(relative)
    }

    /// Returns a path relative to the root of the repository, with `/`, or the absolute path if the file is outside. For
    /// programs: see [`printable::name`].
    pub fn relative(&self, path: &Path) -> String {
        printable::name(&self.from_root(path))
    }

    /// Like [`Self::relative`], but as a path.
    pub fn from_root(&self, path: &Path) -> PathBuf {
        let absolute = lexically_normal(&self.here.join(path));
        let mut links = self.links.iter();
        let real =
            links.find_map(|(named, real)| Some(real.join(absolute.strip_prefix(named).ok()?)));
        let absolute = real.unwrap_or(absolute);
        let below = absolute.strip_prefix(&self.root).map(Path::to_owned);
        below.unwrap_or(absolute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_the_repository() {
        let base = PathBase::new(Path::new("/repo/sub"), Some(Path::new("/repo")));
        let alone = PathBase::new(Path::new("/tmp/x"), None);
        let linked = base
            .clone()
            .linked(Path::new("/link/./to"), "/repo/sub".into());
        for (base, path, relative) in [
            (&base, "a.yaml", "sub/a.yaml"),
            (&base, "./a/b.yaml", "sub/a/b.yaml"),
            (&base, "../a.yaml", "a.yaml"),
            (&base, "/repo/b/a.yaml", "b/a.yaml"),
            (&base, "../../else/a.yaml", "/else/a.yaml"),
            (&linked, "/link/to/a.yaml", "sub/a.yaml"),
            (&linked, "/link/a.yaml", "/link/a.yaml"),
            (&alone, "a.yaml", "a.yaml"),
            (&alone, "../a.yaml", "/tmp/a.yaml"),
        ] {
            assert_eq!(base.relative(Path::new(path)), relative);
        }
    }
}
