//! Values files with a placeholder in their names: `values/{{ .Environment.Name }}.yaml`.
//!
//! It is not known which file of the tree is used. So none of them decides what a chart gets, but each may be meant
//! for it.

use std::path::{Path, PathBuf};

use super::around::{Around, MOST_STEPS, rooted};
use crate::project::PathKind;
use crate::source::file_name;
use crate::syntax::placeholder::literal_pieces;

/// The most matching files; if there are more, none of them is used.
const MOST_FILES: usize = 64;

/// Returns the files that may be meant. `None` if the text has no placeholder.
pub(super) fn of(text: &str, around: &Around<'_>) -> Option<Vec<PathBuf>> {
    let pattern = pattern(text)?;
    if let Some(known) = around.alternatives.borrow().get(&pattern) {
        return Some(known.clone());
    }
    let folder = around.path.parent().unwrap_or(Path::new(""));
    let files = match rooted(&pattern) {
        None => matching(around, folder, &pattern),
        Some(rooted) => {
            let above = folder.ancestors().take(MOST_STEPS);
            let mut found = above.map(|above| matching(around, above, rooted));
            found.find(|files| !files.is_empty()).unwrap_or_default()
        }
    };
    let mut known = around.alternatives.borrow_mut();
    known.insert(pattern, files.clone());
    Some(files)
}

/// Replaces each placeholder in the text by `*`.
fn pattern(text: &str) -> Option<String> {
    if text.contains(['*', '\n']) {
        return None;
    }
    let pieces = literal_pieces(text)?;
    (pieces.len() > 1).then(|| pieces.join("*"))
}

fn matching(around: &Around<'_>, folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut steps: Vec<&str> = pattern.split('/').collect();
    let last = steps.pop().unwrap_or_default();
    // A name that is only a placeholder could match any file.
    if !last.contains('.') {
        return Vec::new();
    }
    let mut folders = vec![folder.to_owned()];
    for step in steps {
        folders = inside(around, &folders, step, PathKind::Folder);
    }
    inside(around, &folders, last, PathKind::File)
}

/// Returns the files or folders in `folders` that match a name with `*` in it.
fn inside(around: &Around<'_>, folders: &[PathBuf], pattern: &str, kind: PathKind) -> Vec<PathBuf> {
    let in_folder = |folder: &PathBuf| {
        let Some((first, _)) = pattern.split_once('*') else {
            return vec![around.tree.resolve(folder, pattern)];
        };
        let all = around.list(folder);
        let start = all.partition_point(|path| file_name(path) < first);
        let own = all[start..].iter();
        let own = own.take_while(|path| file_name(path).starts_with(first));
        let own = own.filter(|path| fits(file_name(path), pattern));
        own.cloned().collect()
    };
    let found = folders.iter().flat_map(in_folder);
    let found = found.filter(|path| around.tree.place(path) == kind);
    let found: Vec<PathBuf> = found.take(MOST_FILES + 1).collect();
    match found.len() > MOST_FILES {
        true => Vec::new(),
        false => found,
    }
}

fn fits(name: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let last = pieces.next_back().unwrap_or_default();
    let inner = name
        .strip_prefix(first)
        .and_then(|rest| rest.strip_suffix(last));
    let Some(mut rest) = inner else {
        return false;
    };
    pieces.all(|piece| match rest.find(piece) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_may_be_anything() {
        for (text, expected) in [
            ("values/{{ .Environment.Name }}.yaml", Some("values/*.yaml")),
            ("${var.env}-${lower(var.name)}.yaml", Some("*-*.yaml")),
            ("$values/{{env}}/redis.yaml", Some("$values/*/redis.yaml")),
            ("values.yaml", None),
            ("{{ open", None),
        ] {
            assert_eq!(pattern(text).as_deref(), expected, "{text}");
        }
        for (name, pattern, fitting) in [
            ("dev.yaml", "*.yaml", true),
            ("dev-redis.yaml", "*-redis.yaml", true),
            ("dev.yml", "*.yaml", false),
            ("a-b-c.yaml", "a-*-*.yaml", true),
            ("a-c.yaml", "a-*-*.yaml", false),
        ] {
            assert_eq!(fits(name, pattern), fitting, "{name}");
        }
    }
}
