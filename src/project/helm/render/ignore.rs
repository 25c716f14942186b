//! `.helmignore`: which files of a folder do not belong to its chart.

use globset::{GlobBuilder, GlobMatcher};

pub(super) struct Rules(Vec<Rule>);

struct Rule {
    glob: GlobMatcher,
    negates: bool,
    of_folders: bool,
    /// Whether the pattern matches the whole path, rather than the last name.
    whole: bool,
}

impl Rules {
    /// Invalid patterns are skipped; Helm would refuse the chart.
    pub(super) fn new(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().chain(["templates/.?*"]);
        Self(lines.filter_map(rule).collect())
    }

    /// Whether a file, or a folder that contains it, is ignored.
    pub(super) fn ignores(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        folders
            .into_iter()
            .any(|folder| self.ignores_one(folder, true))
            || self.ignores_one(path, false)
    }

    fn ignores_one(&self, path: &str, is_folder: bool) -> bool {
        for rule in &self.0 {
            let name = match rule.whole {
                true => path,
                false => path.rsplit('/').next().unwrap_or(path),
            };
            let matches = rule.glob.is_match(name);
            // A negated rule ignores everything that it does not match.
            let ignored = match rule.negates {
                true => rule.of_folders && !is_folder || !matches,
                false => matches && (is_folder || !rule.of_folders),
            };
            if ignored {
                return true;
            }
        }
        false
    }
}

fn rule(line: &str) -> Option<Rule> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') || line.contains("**") {
        return None;
    }
    let (negates, line) = match line.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (of_folders, line) = match line.strip_suffix('/') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let pattern = line.strip_prefix('/').unwrap_or(line);
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .ok()?;
    Some(Rule {
        glob: glob.compile_matcher(),
        negates,
        of_folders,
        whole: line.contains('/'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_helm() {
        let rules = Rules::new("# c\n*.bak\n/ci\ndocs/\na/*.txt\n");
        for path in [
            "x.bak",
            "d/x.bak",
            "ci/values.yaml",
            "docs/x",
            "b/docs/x",
            "a/b.txt",
            "templates/.x",
        ] {
            assert!(rules.ignores(path), "{path}");
        }
        for path in [
            "values.yaml",
            "b/ci",
            "a/b/c.txt",
            "docs",
            "templates/x.yaml",
        ] {
            assert!(!rules.ignores(path), "{path}");
        }
        assert!(Rules::new("!keep\n").ignores("other"));
    }
}
