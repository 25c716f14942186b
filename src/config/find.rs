//! Where the configuration of a folder is. Looks for files, and reads none.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::open;
use crate::printable;

/// The usual name of a configuration.
pub const NAME: &str = ".regfix.yaml";

/// The names of a configuration; one folder holds one of them. The second counts only where nothing else is called like
/// that: a workflow or a manifest of regfix may well be.
const FILES: [&str; 2] = [NAME, "regfix.yaml"];

/// Names that someone may well choose, and wonder why nothing happens.
const MISNAMED: [&str; 9] = [
    ".regfix",
    ".regfixrc",
    ".regfix.yml",
    ".regfix.toml",
    ".regfix.json",
    "regfix.yml",
    "regfix.toml",
    ".config/regfix.yaml",
    ".github/regfix.yaml",
];

/// A configuration that no one named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// The repository that it must lie in, links resolved; where there is none, the folder itself.
    pub top: PathBuf,
}

/// The nearest configuration: from `start` upwards to the folder that holds `.git`. Outside a repository, only
/// in `start`. Whether it can be read is not asked.
///
/// # Errors
/// Where a folder holds two, or one under a name that would not be read.
pub fn find(start: &Path) -> Result<Option<Found>, String> {
    let absolute = start
        .canonicalize()
        .map_err(|error| format!("{}: {error}", printable::path(start)))?;
    let root = repository(&absolute).unwrap_or(&absolute);
    for folder in absolute.ancestors() {
        let is_top = folder == absolute || folder == root;
        if let Some(path) = in_folder(folder, is_top, &open::is_there)? {
            let top = root.to_owned();
            return Ok(Some(Found { path, top }));
        }
        if folder == root {
            break;
        }
    }
    Ok(None)
}

/// The paths at which a configuration may be, from a folder upwards to the top of its repository, the nearest first.
pub fn names_from(folder: &Path, top: &Path) -> Vec<PathBuf> {
    let folders = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(top));
    let paths = folders.flat_map(|folder| FILES.iter().map(|name| folder.join(name)));
    paths.collect()
}

/// The nearest folder, from this one upwards, that holds `.git`.
pub fn repository(folder: &Path) -> Option<&Path> {
    folder
        .ancestors()
        .find(|folder| folder.join(".git").exists())
}

/// Whether a file is a configuration, or one that others extend, by its name.
pub fn is_configuration(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    name.is_some_and(|name| FILES.contains(&name) || name.ends_with(FILES[0]))
}

/// Whether a folder may have a configuration, or begin a repository, by a name in it.
pub fn is_of_use(name: &OsStr) -> bool {
    let begins = |path: &str| {
        let rest = path.as_bytes().strip_prefix(name.as_encoded_bytes());
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    };
    name == ".git" || FILES.iter().chain(&MISNAMED).any(|path| begins(path))
}

/// The configuration that lies in a folder. `is_top` says that the folder is one in which a file without a dot in its name
/// is a configuration, too: the one of the repository, or the working directory. `is_there` says whether there is a file.
///
/// # Errors
/// Where it holds two, or one under a name that would not be read.
pub fn in_folder(
    folder: &Path,
    is_top: bool,
    is_there: &dyn Fn(&Path) -> bool,
) -> Result<Option<PathBuf>, String> {
    let counts = |name: &&&str| is_top || name.starts_with(".regfix");
    let there = |name: &str| is_there(&folder.join(name));
    let mut names = FILES.iter().filter(counts).filter(|name| there(name));
    match (names.next(), names.next()) {
        (Some(first), Some(second)) => Err(format!(
            "{}: there are both {first} and {second}; keep one",
            printable::path(folder)
        )),
        (Some(name), None) => Ok(Some(folder.join(name))),
        _ => match MISNAMED.iter().filter(counts).find(|name| there(name)) {
            Some(name) => Err(format!(
                "{}: regfix does not read this name; rename it to {}",
                printable::path(&folder.join(name)),
                printable::path(&folder.join(FILES[0]))
            )),
            None => Ok(None),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn looks_upwards_to_the_root_of_the_repository() {
        let temporary = tempfile::tempdir().unwrap();
        let top = temporary.path().canonicalize().unwrap();
        let (repo, deep) = (top.join("repo"), top.join("repo/a/b"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(top.join(".regfix.yaml"), "").unwrap();
        let found = |path: PathBuf, top: &Path| {
            let top = top.to_owned();
            Some(Found { path, top })
        };
        // Outside a repository: just the folder itself.
        let alone = found(top.join(".regfix.yaml"), &top);
        assert_eq!(find(&top).unwrap(), alone);
        assert_eq!(find(&deep).unwrap(), None);
        fs::write(repo.join(".git"), "gitdir: elsewhere\n").unwrap();
        assert_eq!(find(&deep).unwrap(), None);
        fs::write(repo.join("regfix.yaml"), "").unwrap();
        let above = found(repo.join("regfix.yaml"), &repo);
        assert_eq!(find(&deep).unwrap(), above);
        fs::create_dir(repo.join("a/.regfix.yaml")).unwrap();
        assert_eq!(find(&deep).unwrap(), above);
        fs::write(repo.join(".regfix.yaml"), "").unwrap();
        let both = find(&deep).unwrap_err();
        assert!(
            both.contains("both .regfix.yaml and regfix.yaml; keep one") && both.contains("repo"),
            "{both}"
        );
        fs::write(deep.join(".regfix.yml"), "").unwrap();
        assert!(
            find(&deep)
                .unwrap_err()
                .contains("b/.regfix.yml: regfix does not read this name; rename it to ")
        );
        assert!(find(&top.join("none")).unwrap_err().contains("none"));
    }
}
