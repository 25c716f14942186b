//! Finds the configuration of a folder. Only checks which files exist; reads none.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::printable;
use crate::source;

/// The usual name of a configuration.
pub const NAME: &str = ".regfix.yaml";

/// The names of a configuration; a folder may have only one of them. The second counts only at the top of a repository or in
/// the working directory, because a workflow or a manifest of regfix may have the same name elsewhere.
const FILES: [&str; 2] = [NAME, "regfix.yaml"];

/// Names that a user may choose by mistake, and wonder why they have no effect.
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

/// A configuration that was found, not named by the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// The repository that it must be in, links resolved. The folder itself if it is not in a repository.
    pub top: PathBuf,
}

/// Returns the paths where a configuration may be, from a folder up to the top of its repository, nearest first.
pub fn names_from(folder: &Path, top: &Path) -> Vec<PathBuf> {
    let folders = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(top));
    let paths = folders.flat_map(|folder| FILES.iter().map(|name| folder.join(name)));
    paths.collect()
}

/// Returns the nearest folder that contains `.git`, from this one upwards.
pub fn repository(folder: &Path) -> Option<&Path> {
    folder
        .ancestors()
        .find(|folder| folder.join(".git").exists())
}

/// Whether a file's name is that of a configuration, or of one that others extend.
pub fn is_configuration(path: &Path) -> bool {
    let name = source::file_name(path);
    FILES.contains(&name) || name.ends_with(FILES[0])
}

/// Whether a name in a folder can mean that the folder has a configuration or is the top of a repository.
pub fn is_of_use(name: &OsStr) -> bool {
    let begins = |path: &str| {
        let rest = path.as_bytes().strip_prefix(name.as_encoded_bytes());
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    };
    name == ".git" || FILES.iter().chain(&MISNAMED).any(|path| begins(path))
}

/// Returns the configuration in a folder. `is_top` is whether the folder is the top of the repository or the working directory:
/// only there, a file whose name has no leading dot counts. `is_there` is whether a file exists.
///
/// # Errors
/// If the folder has two, or one with a name that would not be read.
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
    use super::*;

    /// The configuration of a folder with these files.
    fn found(names: &[&str], is_top: bool) -> Result<Option<PathBuf>, String> {
        let is_there = |path: &Path| names.iter().any(|name| Path::new("a").join(name) == path);
        in_folder(Path::new("a"), is_top, &is_there)
    }

    #[test]
    fn a_folder_has_one_configuration_under_a_name_that_is_read() {
        let own = Ok(Some(PathBuf::from("a/.regfix.yaml")));
        assert_eq!(found(&[".regfix.yaml"], false), own);
        assert_eq!(found(&[".regfix.yaml", "regfix.yaml"], false), own);
        let plain = Ok(Some(PathBuf::from("a/regfix.yaml")));
        assert_eq!(found(&["regfix.yaml"], true), plain);
        assert_eq!(found(&["regfix.yaml"], false), Ok(None));
        assert_eq!(found(&["regfix.yml"], false), Ok(None));
        let both = found(&[".regfix.yaml", "regfix.yaml"], true).unwrap_err();
        assert_eq!(
            both,
            "a: there are both .regfix.yaml and regfix.yaml; keep one"
        );
        for misnamed in [".regfix.yml", ".github/regfix.yaml"] {
            let why = found(&[misnamed], true).unwrap_err();
            let read = "regfix does not read this name; rename it to a/.regfix.yaml";
            assert_eq!(why, format!("a/{misnamed}: {read}"));
        }
    }
}
