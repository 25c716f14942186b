//! What git says of changed files. The only module that starts a process.
//!
//! Knows paths and revisions, and nothing of what stands in the files.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Which changes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since<'r> {
    /// Between a revision and the work tree. What happened on the revision's side since the two parted does not count;
    /// files that git does not know yet do, unless it ignores them.
    Revision(&'r str),
    /// Between the last commit and the index.
    Staged,
}

/// What changed in the repositories of some folders. Full paths, with no link in them down to the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that are new, different or gone; of a rename both names; of a submodule its folder.
    pub paths: BTreeSet<PathBuf>,
    /// Of those that are staged, the ones whose text in the work tree is another.
    pub staged_in_part: BTreeSet<PathBuf>,
    /// The text before the change, of files for which that was asked.
    pub before: BTreeMap<PathBuf, String>,
}

/// Why git could not tell.
#[derive(Debug)]
pub enum Error {
    /// There is no git to ask.
    NotStarted(io::Error),
    NoRepository {
        folder: PathBuf,
        said: String,
    },
    NoRevision {
        revision: String,
        shallow: bool,
    },
    /// Git ended with an error that it has words for.
    Refused {
        folder: PathBuf,
        said: String,
    },
}

/// Asks git in the repository of each path; of a file, in the repository that its folder is in. `wanted`: whether the text
/// before the change is asked for, too.
///
/// # Errors
/// Where git cannot be started, a path is in no repository, or one of them does not have the revision.
pub fn changes(
    paths: &[PathBuf],
    since: Since<'_>,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<Changes, Error> {
    let mut repositories = BTreeSet::new();
    // Where git runs regfix as a hook it may say itself which repository it is, and does so from its top.
    let told = std::env::var_os("GIT_DIR").is_some();
    let folders: BTreeSet<PathBuf> = match told {
        true => BTreeSet::from([PathBuf::from(".")]),
        false => paths.iter().map(|path| folder_of(path)).collect(),
    };
    for folder in folders {
        repositories.insert(Repository::around(&folder)?);
    }
    let mut changes = Changes::default();
    for repository in repositories {
        repository.add(since, wanted, &mut changes)?;
    }
    Ok(changes)
}

/// The nearest folder that is there: a path may be of a file that is gone.
fn folder_of(path: &Path) -> PathBuf {
    let folder = path.ancestors().find(|path| path.is_dir());
    let folder = folder.filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new(".")).to_owned()
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Repository {
    /// The folder of the work tree.
    top: PathBuf,
}

impl Repository {
    fn around(folder: &Path) -> Result<Self, Error> {
        let output = git(folder, ["rev-parse", "--show-toplevel"])?;
        let none = |said| Error::NoRepository {
            folder: folder.to_owned(),
            said,
        };
        if !output.status.success() {
            return Err(none(said(&output)));
        }
        let top = path(trimmed(&output.stdout));
        // The same spelling as of the files, which are made real before they are compared.
        let top = top
            .canonicalize()
            .map_err(|error| none(error.to_string()))?;
        Ok(Self { top })
    }

    fn add(
        &self,
        since: Since<'_>,
        wanted: &dyn Fn(&Path) -> bool,
        changes: &mut Changes,
    ) -> Result<(), Error> {
        let start = match since {
            Since::Revision(revision) => {
                let start = self.parting(&self.commit(revision)?)?;
                changes.paths.extend(self.diff(&[&start])?);
                changes.paths.extend(self.names(&[
                    "ls-files",
                    "-z",
                    "--others",
                    "--exclude-standard",
                ])?);
                start
            }
            Since::Staged => {
                let staged: BTreeSet<PathBuf> = self.diff(&["--cached"])?.into_iter().collect();
                let unstaged = self.diff(&[])?.into_iter();
                let in_part = unstaged.filter(|path| staged.contains(path));
                changes.staged_in_part.extend(in_part);
                changes.paths.extend(staged);
                "HEAD".to_owned()
            }
        };
        let ours = changes.paths.iter().filter_map(|path| {
            let name = path.strip_prefix(&self.top).ok()?;
            wanted(path).then_some((path, name))
        });
        for (path, name) in ours {
            if let Some(text) = self.text(&start, name)? {
                changes.before.insert(path.clone(), text);
            }
        }
        Ok(())
    }

    /// A file as it was at a revision, if it was there then.
    fn text(&self, revision: &str, name: &Path) -> Result<Option<String>, Error> {
        let mut object = OsString::from(format!("{revision}:"));
        // Git has `/` everywhere.
        for (at, part) in name.iter().enumerate() {
            object.push(if at > 0 { "/" } else { "" });
            object.push(part);
        }
        let output = git(
            &self.top,
            [OsStr::new("cat-file"), OsStr::new("blob"), &object],
        )?;
        let text = String::from_utf8(output.stdout).ok();
        Ok(text.filter(|_| output.status.success()))
    }

    /// The hash of the commit that a revision means.
    fn commit(&self, revision: &str) -> Result<String, Error> {
        let commit = format!("{revision}^{{commit}}");
        // What begins with a dash is a revision here, and no option.
        let output = self.git(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ])?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(trimmed(&output.stdout)).into_owned());
        }
        let shallow = self.git(&["rev-parse", "--is-shallow-repository"])?;
        Err(Error::NoRevision {
            revision: revision.to_owned(),
            shallow: trimmed(&shallow.stdout) == b"true",
        })
    }

    /// Where the commit and what is checked out parted. The commit itself where that is not known, as in a shallow
    /// clone: then a change on its side counts too, which shows too much and misses nothing.
    fn parting(&self, commit: &str) -> Result<String, Error> {
        let output = self.git(&["merge-base", commit, "HEAD"])?;
        if !output.status.success() {
            return Ok(commit.to_owned());
        }
        Ok(String::from_utf8_lossy(trimmed(&output.stdout)).into_owned())
    }

    fn diff(&self, more: &[&str]) -> Result<Vec<PathBuf>, Error> {
        let common = [
            "diff",
            "-z",
            "--name-only",
            // Both names of a rename: what the old one was part of has changed too.
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-relative",
        ];
        self.names(&[&common, more, &["--"]].concat())
    }

    /// Full paths, of a list of names that end with NUL.
    fn names(&self, arguments: &[&str]) -> Result<Vec<PathBuf>, Error> {
        let output = self.git(arguments)?;
        if !output.status.success() {
            return Err(Error::Refused {
                folder: self.top.clone(),
                said: said(&output),
            });
        }
        let names = output.stdout.split(|byte| *byte == 0);
        let names = names.filter(|name| !name.is_empty());
        // Part for part: where paths are verbatim, as Windows has them, `/` does not separate.
        let full = |name: &[u8]| {
            let parts = name.split(|byte| *byte == b'/');
            self.top.join(parts.map(path).collect::<PathBuf>())
        };
        Ok(names.map(full).collect())
    }

    fn git(&self, arguments: &[&str]) -> Result<Output, Error> {
        git(&self.top, arguments)
    }
}

fn git(
    folder: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<Output, Error> {
    Command::new("git")
        .arg("-C")
        .arg(folder)
        // No program that a repository's own settings name, and nothing written.
        .args(["-c", "core.fsmonitor=false"])
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(Error::NotStarted)
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// The first line of what git complains of.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().next().unwrap_or("no reason given");
    line.trim_start_matches("fatal: ").to_owned()
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Git's names are UTF-8 there.
#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(out, "git cannot be started: {error}"),
            Self::NoRepository { folder, said } => {
                write!(out, "{}: git says: {said}", folder.display())
            }
            Self::NoRevision { revision, shallow } => {
                write!(out, "git knows no revision {revision:?}")?;
                if *shallow {
                    write!(
                        out,
                        "; the clone is shallow: fetch it first, as with `git fetch --depth=1 origin {revision}`"
                    )?;
                }
                Ok(())
            }
            Self::Refused { folder, said } => write!(out, "{}: git says: {said}", folder.display()),
        }
    }
}

impl std::error::Error for Error {}
