//! Globs as in `.gitignore`, for the paths below one folder.
//!
//! Paths are already relative to that folder. Nothing here touches the disk.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::printable::excerpt;

/// Patterns that match files, and folders with everything below them.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    patterns: Vec<String>,
    /// For paths of files: the patterns without a slash at the end. They are not extended to what is below folders, because
    /// plain names then need no regular expression, which is slow to build.
    files: GlobSet,
    /// For paths of folders: all patterns.
    folders: GlobSet,
}

impl Globs {
    /// # Errors
    /// The index of the invalid pattern, and why it is invalid.
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, (usize, String)> {
        let mut files = GlobSetBuilder::new();
        let mut folders = GlobSetBuilder::new();
        let patterns: Vec<String> = patterns.into_iter().map(str::to_owned).collect();
        for (index, pattern) in patterns.iter().enumerate() {
            let name = name(pattern).map_err(|why| (index, why))?;
            let built = GlobBuilder::new(&name)
                .literal_separator(true)
                .backslash_escape(true)
                .build();
            let glob = built
                .map_err(|error| (index, format!("`{}`: {}", excerpt(pattern), error.kind())))?;
            if !pattern.ends_with('/') {
                files.add(glob.clone());
            }
            folders.add(glob);
        }
        let build = |builder: GlobSetBuilder| {
            let built = builder.build();
            built.map_err(|error| (0, format!("too many globs: {}", error.kind())))
        };
        Ok(Self {
            files: build(files)?,
            folders: build(folders)?,
            patterns,
        })
    }

    /// Joins two sets of globs.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn and(&self, others: &Self) -> Result<Self, String> {
        let patterns = self.patterns.iter().chain(&others.patterns);
        Self::new(patterns.map(String::as_str)).map_err(|(_, why)| why)
    }

    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    pub fn match_file(&self, path: &Path) -> bool {
        let above = path.parent();
        self.files.is_match(path) || above.is_some_and(|folder| self.match_folder(folder))
    }

    /// Whether the folder, and so everything below it, matches.
    pub fn match_folder(&self, path: &Path) -> bool {
        let mut folders = path.ancestors().filter(|path| !path.as_os_str().is_empty());
        folders.any(|folder| self.folders.is_match(folder))
    }
}

/// Converts a pattern of `.gitignore` to one that matches the whole path.
fn name(pattern: &str) -> Result<String, String> {
    if pattern.starts_with('!') {
        return Err(format!(
            "`{}`: globs that start with `!` are not supported",
            excerpt(pattern)
        ));
    }
    let core = pattern.strip_prefix("./").unwrap_or(pattern);
    let anchored = core.trim_end_matches('/').contains('/') || core.len() < pattern.len();
    let core = core.trim_matches('/');
    if core
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        return Err(format!(
            "`{}` matches nothing below this folder",
            excerpt(pattern)
        ));
    }
    match anchored {
        true => Ok(core.to_owned()),
        false => Ok(format!("**/{core}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, matched: &[&str], others: &[&str]) {
        let globs = Globs::new([pattern]).unwrap();
        for path in matched {
            assert!(
                globs.match_file(Path::new(path)),
                "{pattern} does not match {path}"
            );
        }
        for path in others {
            assert!(
                !globs.match_file(Path::new(path)),
                "{pattern} matches {path}"
            );
        }
    }

    #[test]
    fn globs_are_those_of_gitignore() {
        check(
            "vendor",
            &["vendor", "vendor/a.yaml", "x/vendor/y/a.yaml"],
            &["vendors/a.yaml", "x/vendor.yaml"],
        );
        check(
            "vendor/",
            &["vendor/a.yaml", "x/vendor/a.yaml"],
            &["vendor", "x/vendor"],
        );
        check("/vendor", &["vendor/a.yaml"], &["x/vendor/a.yaml"]);
        check("./vendor", &["vendor/a.yaml"], &["x/vendor/a.yaml"]);
        check(
            "a/vendor/",
            &["a/vendor/x.yaml"],
            &["b/a/vendor/x.yaml", "a/vendor"],
        );
        check("*.tpl", &["a.tpl", "x/.hidden.tpl"], &["a.tpl.yaml"]);
        check(
            "charts/*/values.yaml",
            &["charts/a/values.yaml"],
            &["charts/a/b/values.yaml", "charts/values.yaml"],
        );
        check(
            "charts/**/values.yaml",
            &["charts/a/b/values.yaml", "charts/values.yaml"],
            &["values.yaml"],
        );
        check("**/test", &["test/a", "a/b/test", "a/test/b"], &["tests"]);
        check("test/**", &["test/a", "test/a/b"], &["test", "x/test/a"]);
        check("**", &["a", "a/b/c"], &[]);
        check("{a,b}.y?ml", &["a.yaml", "x/b.yaml"], &["c.yaml", "a.yml"]);
        check("[a-c].yaml", &["b.yaml"], &["d.yaml"]);
        check("\\*.yaml", &["*.yaml"], &["a.yaml"]);
        check("häß lich", &["x/häß lich/a.yaml"], &["lich"]);
    }

    #[test]
    fn a_slash_at_the_end_matches_the_folder_itself() {
        let globs = Globs::new(["vendor/", "x/*.d/"]).unwrap();
        for (folder, matched) in [
            ("vendor", true),
            ("a/vendor", true),
            ("vendor/b", true),
            ("x/y.d", true),
            ("x", false),
        ] {
            assert_eq!(globs.match_folder(Path::new(folder)), matched, "{folder}");
        }
        assert!(!Globs::default().match_folder(Path::new("a")));
    }

    #[test]
    fn a_glob_that_is_none_says_why() {
        for (pattern, why) in [
            ("[a", "`[a`: unclosed character class"),
            ("!a", "start with `!`"),
            ("", "matches nothing"),
            ("/", "matches nothing"),
            (".", "matches nothing"),
            ("../a", "matches nothing"),
            ("a//b", "matches nothing"),
        ] {
            let (index, message) = Globs::new(["fine", pattern]).unwrap_err();
            assert!(index == 1 && message.contains(why), "{message}");
        }
    }
}
