//! The owners of a file, from a CODEOWNERS file as GitHub and GitLab read it. Does not access the disk.

use std::collections::HashMap;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Patterns and their owners. The last matching pattern wins.
#[derive(Debug, Clone, Default)]
pub struct Owners {
    patterns: Option<Gitignore>,
    /// Line number and owners by pattern.
    owners: HashMap<String, (usize, Vec<String>)>,
}

impl Owners {
    /// Parses a file. Skips lines that are not valid patterns: owners are optional, so this is not worth an error.
    pub fn parse(text: &str) -> Self {
        let mut builder = GitignoreBuilder::new("");
        let mut owners = HashMap::new();
        let mut of_section: Vec<String> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with('[') || line.starts_with("^[") {
                let names = line.rsplit(']').next().unwrap_or_default();
                of_section = names.split_whitespace().map(str::to_owned).collect();
                continue;
            }
            let (pattern, names) = split(line);
            let named = names.split_whitespace();
            let named: Vec<String> = named
                .take_while(|name| !name.starts_with('#'))
                .map(str::to_owned)
                .collect();
            // `!` and `[ ]` have no meaning in CODEOWNERS files.
            if pattern.starts_with('!') || builder.add_line(None, pattern).is_err() {
                continue;
            }
            let named = match named.is_empty() {
                true => of_section.clone(),
                false => named,
            };
            owners.insert(pattern.to_owned(), (number, named));
        }
        Self {
            patterns: builder.build().ok(),
            owners,
        }
    }

    /// The owners of a file. `path` is relative to the root of the repository, with `/`.
    pub fn of(&self, path: &str) -> &[String] {
        let Some(patterns) = &self.patterns else {
            return &[];
        };
        if path.starts_with('/') || patterns.is_empty() {
            return &[];
        }
        // A pattern can match the file or one of its folders.
        let parts = Path::new(path).ancestors().enumerate();
        let matched = parts.filter_map(|(up, part)| {
            let matched = patterns.matched(part, up > 0);
            self.owners.get(matched.inner()?.original())
        });
        matched
            .max_by_key(|(line, _)| line)
            .map_or(&[], |(_, owners)| owners)
    }
}

/// Splits a line at its first unescaped whitespace into the pattern and the rest.
fn split(line: &str) -> (&str, &str) {
    let blank = line
        .char_indices()
        .find(|(at, char)| char.is_whitespace() && !line[..*at].ends_with('\\'));
    blank.map_or((line, ""), |(at, _)| line.split_at(at))
}

#[cfg(test)]
mod tests {
    use super::Owners;

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let owners = Owners::parse(
            "# all\n* @org/platform\n/apps/ @org/apps  # theirs\n*.tf @a @b\napps/free.yaml\nwith\\ blank/ @c\n\
             [Section][2] @org/section\ndocs/\nother/ @d\n",
        );
        for (path, expected) in [
            ("x/y.yaml", &["@org/platform"][..]),
            ("apps/a/b.yaml", &["@org/apps"]),
            ("apps/a/b.tf", &["@a", "@b"]),
            ("apps/free.yaml", &[]),
            ("with blank/a.yaml", &["@c"]),
            ("docs/a.yaml", &["@org/section"]),
            ("other/a.yaml", &["@d"]),
            ("/outside/a.yaml", &[]),
        ] {
            assert_eq!(owners.of(path), expected, "{path}");
        }
        assert!(Owners::default().of("a").is_empty());
        assert!(Owners::parse("").of("a").is_empty());
    }
}
