//! Decides whether ignore files leave out a path: `.ignore`, `.gitignore`, `.git/info/exclude` and the user's own, as
//! in ripgrep.
//!
//! The globs are those of the crate `ignore`. The files are read here, and not by its walker, because an ignore file in a
//! stranger's repository can be a link to a device, or a pipe that nobody writes to. It is opened without blocking, and used
//! only if it is a regular file of a reasonable size. A link is not followed, as in git.
//!
//! A file that git tracks is never ignored: otherwise a pull request could list its own files and would not be checked.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};

use super::Problem;
use crate::git;
use crate::open::{self, Links};

/// The most bytes that are used of the ignore files of a folder and all those above it. A set of globs takes hundreds of times
/// the memory of its text.
const LIMIT: usize = 512 << 10;

/// What ignore files say of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IgnoreRule {
    Nothing,
    Ignored,
    /// It is not to be ignored, even if it is hidden.
    Kept,
}

/// Which ignore files a folder has, and whether it may be a repository.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Holds {
    pub(super) ignore: bool,
    pub(super) gitignore: bool,
    pub(super) repository: bool,
}

impl Holds {
    /// Looks at a folder that was not listed.
    fn of(folder: &Path) -> Self {
        let mut holds = Self::default();
        for name in [".ignore", ".gitignore", ".git", ".jj"] {
            if let Ok(metadata) = folder.join(name).symlink_metadata() {
                holds.note(OsStr::new(name), metadata.is_dir());
            }
        }
        holds
    }

    /// Notes a name in a folder.
    pub(super) fn note(&mut self, name: &OsStr, is_folder: bool) {
        match name.as_encoded_bytes() {
            b".ignore" if !is_folder => self.ignore = true,
            b".gitignore" if !is_folder => self.gitignore = true,
            b".git" | b".jj" => self.repository = true,
            _ => {}
        }
    }
}

/// The ignore files of a folder, and of those above it.
#[derive(Debug)]
pub(super) struct Ignores {
    /// Spelled like the paths of the walk; in full for folders above the root of the walk.
    folder: PathBuf,
    above: Option<Arc<Ignores>>,
    is_above_root: bool,
    /// Whether there is a rule in a folder above the root of the walk.
    has_rules_above_root: bool,
    /// Whether the folder, or one above it, is a repository.
    in_repository: bool,
    /// How much of the limit is left.
    left: usize,
    ignore: Gitignore,
    gitignore: Gitignore,
    exclude: Gitignore,
    /// If a repository begins here, the files that it tracks, which are read when they are first needed.
    repository: Option<OnceLock<Option<git::Tracked>>>,
}

/// A path to check.
pub(super) struct Asked<'p> {
    /// As the walk spells it.
    pub(super) path: &'p Path,
    /// In full; needed only if there are rules, or a repository begins, above the root of the walk.
    pub(super) full: &'p dyn Fn() -> PathBuf,
    pub(super) is_folder: bool,
}

impl Ignores {
    /// Returns the state before any folder is entered.
    pub(super) fn none() -> Arc<Self> {
        Arc::new(Self {
            folder: PathBuf::new(),
            above: None,
            is_above_root: true,
            has_rules_above_root: false,
            in_repository: false,
            left: LIMIT,
            ignore: Gitignore::empty(),
            gitignore: Gitignore::empty(),
            exclude: Gitignore::empty(),
            repository: None,
        })
    }

    /// Reads the ignore files of the folders above the root of a walk. `root` has its links resolved.
    pub(super) fn above(root: &Path, problems: &mut Vec<Problem>) -> Arc<Self> {
        let mut ignores = Self::none();
        let mut folders: Vec<&Path> = root.ancestors().skip(1).collect();
        folders.reverse();
        for folder in folders {
            let holds = Holds::of(folder);
            ignores = ignores.with(folder, folder, holds, true, problems);
        }
        ignores
    }

    /// Adds the ignore files of a folder of the walk.
    pub(super) fn below(
        self: &Arc<Self>,
        folder: &Path,
        holds: Holds,
        problems: &mut Vec<Problem>,
    ) -> Arc<Self> {
        let on_disk = super::named(folder);
        self.with(folder, on_disk, holds, false, problems)
    }

    fn with(
        self: &Arc<Self>,
        folder: &Path,
        on_disk: &Path,
        holds: Holds,
        is_above_root: bool,
        problems: &mut Vec<Problem>,
    ) -> Arc<Self> {
        let is_repository =
            holds.repository && (on_disk.join(".git").exists() || on_disk.join(".jj").exists());
        if !holds.ignore && !holds.gitignore && !is_repository {
            return Arc::clone(self);
        }
        let mut left = self.left;
        let mut read = |there: bool, path: &dyn Fn() -> Option<PathBuf>| {
            let path = there.then(path).flatten();
            path.map_or_else(Gitignore::empty, |path| {
                globs(folder, &path, &mut left, problems)
            })
        };
        let ignore = read(holds.ignore, &|| Some(on_disk.join(".ignore")));
        let gitignore = read(holds.gitignore, &|| Some(on_disk.join(".gitignore")));
        let exclude = read(is_repository, &|| git::exclude_file(on_disk));
        let has_rules = [&ignore, &gitignore, &exclude]
            .iter()
            .any(|globs| !globs.is_empty());
        Arc::new(Self {
            folder: folder.to_owned(),
            above: Some(Arc::clone(self)),
            is_above_root,
            has_rules_above_root: self.has_rules_above_root || is_above_root && has_rules,
            in_repository: self.in_repository || is_repository,
            left,
            ignore,
            gitignore,
            exclude,
            repository: is_repository.then(OnceLock::new),
        })
    }

    /// Returns what the files say of a path. Nearer files take precedence over farther ones, `.ignore` over `.gitignore`, and
    /// all of them over `own`, the user's own globs. A repository does not inherit the `.gitignore` of another one around it.
    pub(super) fn rule_for(&self, asked: &Asked<'_>, own: &Own) -> IgnoreRule {
        let full = self.has_rules_above_root.then(asked.full);
        let (mut ignore, mut git) = (Match::None, [Match::None, Match::None]);
        let mut in_this_repository = self.in_repository;
        for ignores in self.chain() {
            let path = match &full {
                Some(full) if ignores.is_above_root => full,
                _ if ignores.is_above_root => continue,
                _ => asked.path,
            };
            first(&mut ignore, &ignores.ignore, path, asked.is_folder);
            if in_this_repository {
                first(&mut git[0], &ignores.gitignore, path, asked.is_folder);
                first(&mut git[1], &ignores.exclude, path, asked.is_folder);
            }
            in_this_repository &= ignores.repository.is_none();
        }
        let [gitignore, exclude] = git;
        let mut said = ignore.or(gitignore).or(exclude);
        if said.is_none() && self.in_repository {
            said = own.globs().matched(asked.path, asked.is_folder);
        }
        match said {
            Match::None => IgnoreRule::Nothing,
            Match::Ignore(_) => IgnoreRule::Ignored,
            Match::Whitelist(_) => IgnoreRule::Kept,
        }
    }

    /// Whether the repository around it tracks a file, or something below a folder.
    pub(super) fn tracks(&self, asked: &Asked<'_>, problems: &mut Vec<Problem>) -> bool {
        let holder = self.chain().find(|ignores| ignores.repository.is_some());
        let Some((holder, repository)) =
            holder.and_then(|holder| Some((holder, holder.repository.as_ref()?)))
        else {
            return false;
        };
        let tracked = repository.get_or_init(|| {
            let tracked = git::Tracked::of(super::named(&holder.folder));
            tracked.unwrap_or_else(|error| {
                problems.push(Problem::unknown_tracked(&holder.folder, &error));
                None
            })
        });
        let full;
        let path = match holder.is_above_root {
            true => {
                full = (asked.full)();
                full.as_path()
            }
            false => asked.path,
        };
        let name = path.strip_prefix(&holder.folder).unwrap_or(path);
        tracked
            .as_ref()
            .is_some_and(|tracked| tracked.has(name, asked.is_folder))
    }

    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |ignores| ignores.above.as_deref())
    }
}

/// Looks for a match in some globs, unless there is one already: the first counts.
fn first<'g>(said: &mut Match<&'g Glob>, globs: &'g Gitignore, path: &Path, is_folder: bool) {
    if said.is_none() && !globs.is_empty() {
        *said = globs.matched(path, is_folder);
    }
}

/// The globs that the user's own git settings name (`core.excludesFile`), read when they are first needed.
#[derive(Debug, Default)]
pub(super) struct Own(OnceLock<Gitignore>);

impl Own {
    fn globs(&self) -> &Gitignore {
        self.0.get_or_init(|| {
            let here = super::working_directory();
            GitignoreBuilder::new(here).build_global().0
        })
    }
}

/// Reads the globs of one file. A line that is not a glob is reported and left out.
fn globs(folder: &Path, path: &Path, left: &mut usize, problems: &mut Vec<Problem>) -> Gitignore {
    let bytes = match open::read(path, Links::Refuse, *left) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Gitignore::empty(),
        Err(error) => {
            problems.push(Problem::unread_ignore_file(
                super::without_dot(path),
                &error,
            ));
            return Gitignore::empty();
        }
    };
    *left -= bytes.len();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut builder = GitignoreBuilder::new(folder);
    let mut report = |number: usize, why: &str| {
        let path = super::without_dot(path);
        problems.push(Problem::bad_ignore_line(path, number, why));
    };
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        match std::str::from_utf8(line) {
            Ok(line) => {
                if let Err(error) = builder.add_line(None, line) {
                    report(at + 1, &error.to_string());
                }
            }
            Err(_) => report(at + 1, "is not UTF-8"),
        }
    }
    builder.build().unwrap_or_else(|error| {
        let error = io::Error::other(error);
        problems.push(Problem::unread_ignore_file(
            super::without_dot(path),
            &error,
        ));
        Gitignore::empty()
    })
}
