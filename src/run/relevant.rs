//! Which file changes can affect a run: builds and version control write many other files.

use std::ffi::OsStr;
use std::path::Path;

use crate::file_type;
use crate::source::STORES;

/// Files that decide which other files are checked or found.
const SETTINGS: [&str; 3] = [".gitignore", ".ignore", ".helmignore"];

/// Whether a change of this file or folder can affect the findings. `all_text` is
/// [`Options::all_text`](super::Options::all_text).
pub fn matters(path: &Path, all_text: bool) -> bool {
    let is_one_of = |names: &[&str], name: &OsStr| names.iter().any(|one| name == *one);
    if path.iter().any(|step| is_one_of(&STORES, step)) {
        return false;
    }
    // A deleted folder has no extension.
    let extension = path.extension().and_then(OsStr::to_str);
    let is_of_chart = matches!(extension, None | Some("tgz" | "lock" | "txt"));
    let is_read = || all_text || file_type::classify(path).is_some();
    is_setting(path) || is_of_chart || is_read()
}

/// Whether a file decides which other files are checked or found.
pub(super) fn is_setting(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".regfix") || SETTINGS.iter().any(|one| name == *one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_builds_and_version_control_do_not_matter() {
        for (path, expected) in [
            ("/r/values.yaml", true),
            ("/r/charts/redis-1.0.0.tgz", true),
            ("/r/.regfix.yaml", true),
            ("/r/.regfix-baseline.json", true),
            ("/r/.gitignore", true),
            ("/r/chart", true),
            ("/r/.git/index", false),
            ("/r/target/debug/x.rlib", false),
            ("/r/src/main.rs", false),
        ] {
            assert_eq!(matters(Path::new(path), false), expected, "{path}");
        }
        assert!(matters(Path::new("/r/src/main.rs"), true));
        assert!(!matters(Path::new("/r/.git/config"), true));
    }
}
