//! The globs of `exclude`: which paths they match, whatever folders the globs and the roots are relative to.
//!
//! Does not know what is done with excluded files.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::Problem;
use crate::source;

#[derive(Debug)]
pub(super) struct Exclude {
    globs: Gitignore,
    here: PathBuf,
    /// The folder that the globs are relative to, as it was spelled. `real` is the same with links resolved.
    base: PathBuf,
    real: PathBuf,
}

impl Exclude {
    pub(super) fn new(globs: &[String], base: &Path) -> Result<Self, Problem> {
        // A root of `.` leaves paths unchanged: they are made relative to the base here.
        let mut builder = GitignoreBuilder::new(".");
        builder.allow_unclosed_class(false);
        for glob in globs {
            let added = builder.add_line(None, glob);
            added.map_err(|error| Problem::bad_glob(base, glob, &error.to_string()))?;
        }
        let globs = builder
            .build()
            .map_err(|error| Problem::bad_glob(base, "", &error.to_string()))?;
        let here = std::env::current_dir().unwrap_or_default();
        let base = source::lexically_normal(&here.join(base));
        let real = base.canonicalize().unwrap_or_else(|_| base.clone());
        Ok(Self {
            globs,
            here,
            base,
            real,
        })
    }

    /// Whether a glob matches a path under a root. The folders above it must have been checked before.
    pub(super) fn has(&self, path: &Path, folder: bool) -> bool {
        !self.globs.is_empty() && self.globs.matched(self.relative(path), folder).is_ignore()
    }

    /// Whether a glob matches a root or, if it is in the base, a folder above it.
    pub(super) fn has_root(&self, path: &Path, folder: bool) -> bool {
        if self.globs.is_empty() {
            return false;
        }
        let path = self.relative(path);
        let levels = if path.has_root() { 1 } else { usize::MAX };
        let above = path
            .ancestors()
            .take(levels)
            .filter(|above| *above != Path::new(""));
        let mut matches = above
            .enumerate()
            .map(|(level, above)| self.globs.matched(above, folder || level > 0));
        matches
            .find(|found| !found.is_none())
            .is_some_and(|found: Match<_>| found.is_ignore())
    }

    /// Returns the path relative to the base. Outside of the base, this is the full path, which a glob without a slash can
    /// still match.
    fn relative<'p>(&self, path: &'p Path) -> Cow<'p, Path> {
        let plain = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if plain && self.base == self.here {
            return Cow::Borrowed(path);
        }
        let full = source::lexically_normal(&self.here.join(path));
        if let Ok(inside) = full.strip_prefix(&self.base) {
            return Cow::Owned(inside.to_owned());
        }
        let real = full.canonicalize().ok();
        let inside = real
            .as_deref()
            .and_then(|real| real.strip_prefix(&self.real).ok());
        Cow::Owned(inside.map(Path::to_owned).unwrap_or(full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exclude(globs: &[&str], base: &str) -> Exclude {
        let globs: Vec<_> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        Exclude::new(&globs, Path::new(base)).unwrap()
    }

    #[test]
    fn globs_are_those_of_gitignore() {
        let globs = exclude(
            &[
                "vendor/",
                "/top.yaml",
                "*.golden.yaml",
                "a/**/b.yaml",
                "!keep.golden.yaml",
            ],
            "",
        );
        for (path, folder, expected) in [
            ("vendor", true, true),
            ("x/vendor", true, true),
            ("vendor", false, false),
            ("top.yaml", false, true),
            ("x/top.yaml", false, false),
            ("x/y.golden.yaml", false, true),
            ("x/keep.golden.yaml", false, false),
            ("a/x/y/b.yaml", false, true),
            ("b.yaml", false, false),
        ] {
            assert_eq!(globs.has(Path::new(path), folder), expected, "{path}");
        }
    }

    #[test]
    fn globs_are_relative_to_their_base() {
        let here = std::env::current_dir().unwrap();
        let full = |path: &str| here.join(path);
        for base in ["conf", "./conf", "x/../conf"] {
            let globs = exclude(&["/a.yaml", "b/", "*.tpl"], base);
            assert!(globs.has(Path::new("conf/a.yaml"), false), "{base}");
            assert!(globs.has(Path::new("x/../conf/a.yaml"), false));
            assert!(globs.has(&full("conf/a.yaml"), false));
            assert!(globs.has(Path::new("conf/x/b"), true));
            assert!(!globs.has(Path::new("a.yaml"), false));
            assert!(!globs.has(Path::new("conf/x/a.yaml"), false));
            assert!(
                globs.has(Path::new("elsewhere/a.tpl"), false),
                "a name alone matches outside too"
            );
        }
        let up = exclude(&["/src/a.yaml"], here.to_str().unwrap());
        assert!(up.has(Path::new("src/a.yaml"), false));
        assert!(up.has(&full("src/a.yaml"), false));
    }

    #[test]
    fn a_root_is_in_its_folders() {
        let globs = exclude(&["vendor/", "!vendor/own.yaml"], "");
        assert!(globs.has_root(Path::new("vendor/x/a.yaml"), false));
        assert!(globs.has_root(Path::new("vendor"), true));
        assert!(!globs.has_root(Path::new("vendor/own.yaml"), false));
        assert!(!globs.has_root(Path::new("src/a.yaml"), false));
        assert!(
            !globs.has_root(Path::new("/vendor/a.yaml"), false),
            "folders above the base are nobody's business"
        );
        assert!(!exclude(&[], "").has_root(Path::new("."), true));
    }

    #[cfg(unix)]
    #[test]
    fn a_base_that_is_reached_by_a_link_is_the_same_base() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::fs::write(real.join("a.yaml"), "").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        for (base, root) in [(&real, &link), (&link, &real), (&link, &link)] {
            let globs = exclude(&["/a.yaml"], base.to_str().unwrap());
            assert!(globs.has(&root.join("a.yaml"), false), "{base:?} {root:?}");
            assert!(!globs.has(&root.join("b.yaml"), false));
        }
    }

    #[test]
    fn a_bad_glob_is_named() {
        let problem = Exclude::new(&["a[".to_owned()], Path::new("conf")).unwrap_err();
        assert!(problem.fatal);
        let said = problem.to_string();
        assert!(
            said.starts_with("conf: exclude: \"a[\" is not a glob: "),
            "{said}"
        );
    }
}
