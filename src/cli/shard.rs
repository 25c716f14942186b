//! The repositories that a run checks: those of a list, and this run's share of them if there are several runs.
//!
//! A repository is in the same shard on every machine, because only its path as written decides.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::args::Scope;
use super::revision;
use crate::config;
use crate::git::Repository;
use crate::open;
use crate::printable;

/// The size limit of the list of repositories, in bytes.
const LIMIT: usize = 16 << 20;
/// How many levels below a folder are searched for repositories.
const DEPTH: usize = 6;

/// A part of the repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Starts at 0.
    index: u64,
    of: u64,
}

/// The variables in which CI systems and job controllers number parallel runs: index, total, and the first index.
const ENVIRONMENTS: [(&str, Option<&str>, u64); 6] = [
    ("JOB_COMPLETION_INDEX", None, 0),
    ("CI_NODE_INDEX", Some("CI_NODE_TOTAL"), 1),
    ("CIRCLE_NODE_INDEX", Some("CIRCLE_NODE_TOTAL"), 0),
    (
        "BUILDKITE_PARALLEL_JOB",
        Some("BUILDKITE_PARALLEL_JOB_COUNT"),
        0,
    ),
    (
        "AWS_BATCH_JOB_ARRAY_INDEX",
        Some("AWS_BATCH_JOB_ARRAY_SIZE"),
        0,
    ),
    ("CLOUD_RUN_TASK_INDEX", Some("CLOUD_RUN_TASK_COUNT"), 0),
];

/// Parses `2/8`, `auto`, or `auto/8`.
pub(super) fn parse(text: &str) -> Result<Shard, String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    shard(text, &variable)
}

fn shard(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard, String> {
    let malformed = || "write it as I/N with I from 1 to N, like `2/8`, or as `auto`".to_owned();
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let (which, of) = match text.split_once('/') {
        Some((which, of)) => (which, Some(number(of).ok_or_else(malformed)?)),
        None => (text, None),
    };
    let (index, first, of) = match which {
        "auto" => {
            let found = ENVIRONMENTS
                .iter()
                .find_map(|(index, total, first)| Some((*index, variable(index)?, *total, *first)));
            let Some((name, index, total, first)) = found else {
                let names = ENVIRONMENTS.map(|(index, ..)| index).join(", ");
                return Err(format!(
                    "none of {names} is set: write it as I/N, like `2/8`"
                ));
            };
            let index = number(&index).ok_or_else(|| format!("{name} is not a number"))?;
            let total = || number(&variable(total?)?);
            let of = of.or_else(total).ok_or_else(|| {
                format!("{name} is set, but not of how many: write `auto/N`, like `auto/8`")
            })?;
            (index, first, of)
        }
        which => (
            number(which).ok_or_else(malformed)?,
            1,
            of.ok_or_else(malformed)?,
        ),
    };
    let index = index.checked_sub(first).ok_or_else(malformed)?;
    match index < of {
        true => Ok(Shard { index, of }),
        false => Err(malformed()),
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

impl Shard {
    /// Whether a repository is in this part.
    fn has(self, path: &Path) -> bool {
        let name = path.to_string_lossy().replace('\\', "/");
        let name = name.trim_start_matches("./").trim_end_matches('/');
        let digest = Sha256::digest(name.as_bytes());
        let head = digest
            .iter()
            .take(8)
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        head % self.of == self.index
    }
}

/// The files and folders that a run checks.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Files and folders.
    pub(super) roots: Vec<PathBuf>,
    /// Repositories below the roots that are in other shards, or are roots themselves.
    pub(super) apart: Vec<PathBuf>,
}

/// Returns the files and folders to check.
///
/// # Errors
/// If the list cannot be read.
pub(super) fn paths(scope: &Scope) -> Result<Paths, String> {
    let mut paths = match &scope.repositories {
        None if !scope.git_dir.is_empty() => Vec::new(),
        None => scope.paths.clone(),
        Some(list) => {
            let text = read(list)
                .map_err(|error| format!("--repositories: {}: {error}", printable::path(list)))?;
            let lines = text.lines().map(str::trim);
            let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            let typed = scope.paths.iter().filter(|_| !scope.names_no_path);
            lines.map(PathBuf::from).chain(typed.cloned()).collect()
        }
    };
    paths.extend(scope.git_dir.iter().cloned());
    if revision::is_asked(scope) {
        let tops = paths.iter().map(|path| Repository::top_of_named(path));
        paths = tops.map(Path::to_owned).collect();
    }
    let Some(shard) = scope.shard else {
        let roots = paths;
        return Ok(Paths {
            roots,
            ..Paths::default()
        });
    };
    let mut taken = Paths::default();
    for path in paths {
        let below = match revision::is_asked(scope) {
            true => Vec::new(),
            false => repositories(&path),
        };
        taken
            .roots
            .extend(below.iter().filter(|path| shard.has(path)).cloned());
        // The shard of a folder also checks what is in the folder besides repositories.
        if shard.has(&path) {
            taken.roots.push(path);
            taken.apart.extend(below);
        }
    }
    Ok(taken)
}

fn read(list: &Path) -> io::Result<String> {
    let bytes = match list == Path::new("-") {
        true => open::read_open(io::stdin(), LIMIT)?,
        false => open::read_named(list, LIMIT)?,
    };
    String::from_utf8(bytes).map_err(|_| io::Error::other("is not UTF-8"))
}

/// Returns the repositories below a folder, in order. None if the folder itself is in one.
fn repositories(path: &Path) -> Vec<PathBuf> {
    let full = std::path::absolute(path);
    if full.is_ok_and(|full| config::repository(&full).is_some()) {
        return Vec::new();
    }
    let is_repository = |folder: &Path| folder.join(".git").exists();
    let mut found = Vec::new();
    let mut walk = WalkDir::new(path)
        .max_depth(DEPTH)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = walk.next() {
        let Some(entry) = entry.ok().filter(|entry| entry.file_type().is_dir()) else {
            continue;
        };
        let is_hidden = entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
        if is_hidden {
            walk.skip_current_dir();
        } else if is_repository(entry.path()) {
            found.push(entry.into_path());
            walk.skip_current_dir();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_numbered_from_one_or_taken_from_the_environment() {
        let at = |text: &str, set: &[(&str, &str)]| {
            let variable = |name: &str| {
                let mut set = set.iter();
                set.find_map(|(key, value)| (*key == name).then(|| (*value).to_owned()))
            };
            shard(text, &variable).map(|shard| (shard.index, shard.of))
        };
        assert_eq!(at("1/8", &[]), Ok((0, 8)));
        assert_eq!(at("8/8", &[]), Ok((7, 8)));
        assert_eq!(at("auto/8", &[("JOB_COMPLETION_INDEX", "0")]), Ok((0, 8)));
        let gitlab = [("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "3")];
        assert_eq!(at("auto", &gitlab), Ok((2, 3)));
        for wrong in ["0/8", "9/8", "1", "a/b", "1/0", "", "-1/2"] {
            assert!(at(wrong, &[]).is_err(), "{wrong}");
        }
        let lacks = at("auto", &[("JOB_COMPLETION_INDEX", "0")]).unwrap_err();
        assert!(lacks.contains("auto/8"), "{lacks}");
        assert!(at("auto", &[]).unwrap_err().contains("CI_NODE_INDEX"));
        assert!(at("auto/2", &[("JOB_COMPLETION_INDEX", "2")]).is_err());
    }

    #[test]
    fn each_repository_is_in_one_shard() {
        let names: Vec<PathBuf> = (0..1000)
            .map(|index| format!("team/repo-{index}").into())
            .collect();
        let shards = (0..7).map(|index| Shard { index, of: 7 });
        let sizes: Vec<usize> = shards
            .map(|shard| names.iter().filter(|name| shard.has(name)).count())
            .collect();
        assert_eq!(sizes.iter().sum::<usize>(), names.len());
        assert!(
            sizes.iter().all(|size| (100..190).contains(size)),
            "{sizes:?}"
        );
        // The shard of a repository must not change from one version to the next.
        let fixed = (0..7).find(|index| {
            Shard {
                index: *index,
                of: 7,
            }
            .has(Path::new("./a/b/"))
        });
        assert_eq!(
            fixed,
            (0..7).find(|index| Shard {
                index: *index,
                of: 7
            }
            .has(Path::new("a/b")))
        );
    }
}
