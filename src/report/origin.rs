//! The repository that a file comes from, as reports name it. Does not access the disk.

use super::PathBase;
use crate::printable;

/// A repository.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its folder, relative to the working directory if it is below that. For the working directory itself, the folder's name.
    pub repository: String,
    /// The commit that is checked out, if there is one.
    pub commit: Option<String>,
    /// The base of paths in the repository, with the owners of its files.
    pub base: PathBase,
}

/// Placeholder for the repository's name in the name of a report file.
pub const PLACEHOLDER: &str = "{repository}";

/// The name of a repository as a part of a file name. The result cannot lead to another folder.
pub fn file_name(repository: &str) -> String {
    let name = printable::line(repository);
    let name = name.trim_start_matches(['/', '.', '\\']);
    let name = name.replace(['/', '\\', ':'], "-");
    match name.is_empty() {
        true => "outside".to_owned(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_name_leads_to_no_other_folder() {
        for (name, expected) in [
            ("web", "web"),
            ("apps/web", "apps-web"),
            ("/srv/x", "srv-x"),
            ("../../x", "x"),
            ("", "outside"),
            ("..", "outside"),
        ] {
            assert_eq!(file_name(name), expected, "{name}");
        }
    }
}
