//! What is generated from the table of file types: the page of the manual and the pattern for pre-commit hooks.

use super::pattern::{DATA, Pattern, SNAPSHOT, TEMPLATED, is_yaml};
use super::{FILE_TYPES, FileType, TEXT};

/// Regular expressions for files that are not checked but belong to a chart: when one changes, the chart is checked.
const PARTS: [&str; 2] = [r"Chart\.lock", r"charts/[^/]+\.tgz"];

/// Renders the types as a Markdown table, in the order in which they are tried.
pub fn table() -> String {
    let mut table = String::from("| type | files | what it is |\n|---|---|---|\n");
    for FileType {
        name,
        patterns,
        about,
        ..
    } in FILE_TYPES.iter().chain([&TEXT])
    {
        let files: Vec<String> = patterns.iter().flat_map(Pattern::words).collect();
        table += &format!("| `{name}` | {} | {about} |\n", files.join(", "));
    }
    let templated = TEMPLATED.map(|extension| format!("`.{extension}`"));
    table += &format!("\nThe extensions of templates: {}.\n", templated.join(", "));
    table
}

/// Returns a regular expression for the paths of all files that have a type or belong to a project. It is valid in both
/// Python and Rust.
pub fn hook_pattern() -> String {
    let patterns = || FILE_TYPES.iter().flat_map(|file_type| file_type.patterns);
    let own = patterns().flat_map(|pattern| match pattern {
        Pattern::Extension(extension) => vec![*extension],
        Pattern::Yaml { .. } | Pattern::YamlBelow(_) => vec!["yaml", "yml"],
        Pattern::Named(_) | Pattern::Snapshot | Pattern::Templated => Vec::new(),
    });
    let mut extensions: Vec<&str> = own.collect();
    extensions.sort_unstable();
    extensions.dedup();
    let names = patterns().flat_map(Pattern::names);
    let others = names.filter(|name| {
        !extensions
            .iter()
            .any(|end| name.ends_with(&format!(".{end}")))
    });
    let others: Vec<&str> = others.copied().chain(PARTS).collect();
    let (folder, extension) = SNAPSHOT;
    format!(
        "(?x)\n(?i:\\.({}))$|\n(?i:\\.({})\\.({}))$|\n(^|/)({}|{folder}/.+\\.{extension})$\n",
        extensions.join("|"),
        DATA.join("|"),
        TEMPLATED.join("|"),
        others.join("|"),
    )
}

impl Pattern {
    /// Returns the pattern as the manual shows it.
    fn words(&self) -> Vec<String> {
        match self {
            Self::Named(names) => names.iter().map(|name| format!("`{name}`")).collect(),
            Self::Extension(extension) => vec![format!("`*.{extension}`")],
            Self::Yaml { prefix } => yaml(|extension| format!("`{prefix}*.{extension}`")),
            Self::YamlBelow(folder) => {
                yaml(|extension| format!("`*.{extension}` below `{folder}/`"))
            }
            Self::Snapshot => {
                let (folder, extension) = SNAPSHOT;
                vec![format!("`*.{extension}` below `{folder}/`")]
            }
            Self::Templated => {
                let words = |extension| format!("`*.{extension}` with the extension of a template");
                DATA.iter().map(words).collect()
            }
        }
    }
}

fn yaml(words: impl Fn(&str) -> String) -> Vec<String> {
    let extensions = DATA.iter().filter(|extension| is_yaml(extension));
    extensions.map(|extension| words(extension)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::file_type::classify;

    #[test]
    fn the_hooks_get_what_has_a_type_and_nothing_else() {
        let pattern = regex::Regex::new(&hook_pattern()).unwrap();
        for (path, has_type) in [
            ("a.yaml", true),
            ("a/B.YML", true),
            ("a.json5", true),
            ("main.tf", true),
            ("a/values.yaml.tftpl", true),
            ("a/values.YAML.Example", true),
            ("values.json.dist", true),
            ("x/Kustomization", true),
            ("_helpers.tpl", true),
            ("tests/__snapshot__/a_test.yaml.snap", true),
            ("tests/__snapshots__/a.test.js.snap", false),
            ("a.yaml.txt", false),
            ("README.md", false),
            ("x/kustomization", false),
            ("a.tgz", false),
            ("yaml", false),
        ] {
            assert_eq!(classify(Path::new(path)).is_some(), has_type, "{path}");
            assert_eq!(pattern.is_match(path), has_type, "{path}");
        }
        for part in ["c/Chart.lock", "c/charts/a-1.0.0.tgz"] {
            assert!(pattern.is_match(part), "{part}");
        }
    }
}
