//! The repository that a file comes from, as reports name it. Looks at no disk.

use super::PathBase;
use crate::printable;

/// A repository.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its folder, from the working directory if it lies below that; of the working directory itself, the folder's name.
    pub repository: String,
    /// The commit that is checked out, if there is one.
    pub commit: Option<String>,
    /// Where the paths of the repository start, and who owns its files.
    pub base: PathBase,
}

/// What stands for the name of the repository in the name of a report's file.
pub const PLACEHOLDER: &str = "{repository}";

/// The name of a repository as a part of a file's name. Nothing in it leads to another folder.
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
