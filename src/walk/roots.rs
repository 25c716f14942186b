//! The roots of a walk: which can be walked, and which are inside each other.
//!
//! Does not look into them.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{EntryKind, Overlay, Problem, without_dot};

/// The roots, each once, compared with links resolved.
#[derive(Debug)]
pub(super) struct Roots {
    roots: Vec<Root>,
    /// Roots that lie inside another root, and other folders to leave out. The walk of the outer root skips them.
    inner: HashSet<PathBuf>,
}

#[derive(Debug)]
pub(super) struct Root {
    /// The path as given.
    pub(super) path: PathBuf,
    pub(super) real: PathBuf,
    pub(super) folder: bool,
}

impl Roots {
    pub(super) fn resolve(
        paths: &[PathBuf],
        overlay: &Overlay,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut seen = HashSet::new();
        let mut roots = Vec::new();
        for path in paths {
            match Root::new(path, overlay) {
                Ok(root) if seen.insert(root.real.clone()) => roots.push(root),
                Ok(_) => {}
                Err(problem) => problems.push(problem),
            }
        }
        problems.sort();
        problems.dedup();
        let inner = inner(&roots);
        Self { roots, inner }
    }

    /// Leaves folders to other runs, unless they are roots themselves.
    pub(super) fn leave(&mut self, apart: &[PathBuf]) {
        let apart = apart.iter().map(|path| without_dot(path).to_owned());
        self.inner.extend(apart);
    }

    /// Removes roots, and returns how many.
    pub(super) fn drop_if(&mut self, excluded: impl Fn(&Path, bool) -> bool) -> usize {
        let before = self.roots.len();
        self.roots
            .retain(|root| !excluded(without_dot(&root.path), root.folder));
        before - self.roots.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter()
    }

    /// Whether a path under a root is skipped there, because it is a root itself or left to another run.
    pub(super) fn hold(&self, path: &Path) -> bool {
        !self.inner.is_empty() && self.inner.contains(path)
    }
}

impl Root {
    fn new(path: &Path, overlay: &Overlay) -> Result<Self, Problem> {
        if overlay.top_of(path).is_some() {
            let entry = overlay.entry(path);
            return Ok(Self::of_overlay(path, entry.unwrap_or(EntryKind::Folder)));
        }
        let metadata = match (fs::metadata(path), overlay.entry(path)) {
            (Ok(metadata), _) => metadata,
            (Err(_), Some(entry)) => return Ok(Self::of_overlay(path, entry)),
            (Err(error), None) => return Err(cause(path, &error)),
        };
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(Problem::special_root(path));
        }
        let real = path.canonicalize().map_err(|error| cause(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            real,
            folder: metadata.is_dir(),
        })
    }

    /// Returns a root that is not on the disk.
    fn of_overlay(path: &Path, entry: EntryKind) -> Self {
        Self {
            path: path.to_owned(),
            real: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            folder: entry == EntryKind::Folder,
        }
    }
}

fn cause(path: &Path, error: &io::Error) -> Problem {
    if error.kind() != io::ErrorKind::NotFound {
        return Problem::unreadable(path, error);
    }
    match fs::read_link(path) {
        Ok(target) => Problem::broken_link(path, &target),
        Err(_) => Problem::missing_root(path),
    }
}

/// Returns the paths at which a walk would find a root under another one.
fn inner(roots: &[Root]) -> HashSet<PathBuf> {
    let folders = roots.iter().filter(|root| root.folder);
    let folders: HashMap<&Path, &Path> = folders.map(|root| (&*root.real, &*root.path)).collect();
    let mut inner = HashSet::new();
    for root in roots {
        for above in root.real.ancestors().skip(1) {
            let (Some(outer), Ok(rest)) = (folders.get(above), root.real.strip_prefix(above))
            else {
                continue;
            };
            inner.insert(below(outer).join(rest));
        }
    }
    inner
}

/// Returns the beginning of all paths of a walk: empty if its root is the working directory.
pub(super) fn below(root: &Path) -> &Path {
    match without_dot(root) {
        here if here == Path::new(".") => Path::new(""),
        shown => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/c.yaml"), "").unwrap();
        folder
    }

    fn paths(roots: &Roots) -> Vec<&Path> {
        roots.iter().map(|root| root.path.as_path()).collect()
    }

    fn resolve(paths: &[PathBuf]) -> (Roots, Vec<Problem>) {
        let mut problems = Vec::new();
        let roots = Roots::resolve(paths, &Overlay::default(), &mut problems);
        (roots, problems)
    }

    #[test]
    fn each_root_is_walked_once_and_leaves_others_to_themselves() {
        let folder = tree();
        let at = |path: &str| folder.path().join(path);
        let (roots, problems) =
            resolve(&[at("a"), at("a/b/.."), at("a/b/c.yaml"), at("a"), at("a/b")]);
        assert_eq!(problems, []);
        assert_eq!(paths(&roots), [at("a"), at("a/b/c.yaml"), at("a/b")]);
        assert!(roots.hold(&at("a/b")));
        assert!(roots.hold(&at("a/b/c.yaml")));
        assert!(!roots.hold(&at("a")));
    }

    #[test]
    fn excluded_roots_go() {
        let folder = tree();
        let (mut roots, _) = resolve(&[folder.path().join("a"), folder.path().join("a/b/c.yaml")]);
        assert_eq!(roots.drop_if(|_, folder| !folder), 1);
        assert_eq!(roots.iter().count(), 1);
    }

    #[test]
    fn a_missing_root_is_reported_once_and_the_others_stay() {
        let folder = tree();
        let missing = folder.path().join("missing");
        let (roots, problems) =
            resolve(&[missing.clone(), folder.path().join("a"), missing.clone()]);
        assert_eq!(roots.iter().count(), 1);
        assert_eq!(problems, [Problem::missing_root(&missing)]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_what_they_lead_to() {
        use std::os::unix::fs::symlink;
        let folder = tree();
        let at = |path: &str| folder.path().join(path);
        symlink(at("a/b"), at("link")).unwrap();
        symlink("nowhere", at("broken")).unwrap();
        symlink("loop", at("loop")).unwrap();
        let (roots, problems) = resolve(&[at("a"), at("link"), at("broken"), at("loop")]);
        assert_eq!(paths(&roots), [at("a"), at("link")]);
        assert!(
            roots.hold(&at("a/b")),
            "shown as link/c.yaml, and not a second time"
        );
        assert_eq!(
            problems[0],
            Problem::broken_link(&at("broken"), Path::new("nowhere"))
        );
        assert!(
            problems[1].message.starts_with("cannot be read: "),
            "{}",
            problems[1]
        );
        assert_eq!(problems.len(), 2);
    }
}
