//! The results of a run over several repositories: one line for each, and a total. Does not access the disk.

use super::Summary;
use super::text::Color;
use crate::printable;

/// The result of one repository.
#[derive(Debug, Default, Clone)]
pub struct RepositorySummary {
    /// Its folder, relative to the working directory if it is below that. Empty for files outside of repositories.
    pub name: String,
    /// The commit that was checked, if there is one.
    pub commit: Option<String>,
    pub fixed: usize,
    /// Remaining findings of any severity.
    pub left: usize,
    /// Remaining findings that `--write` would fix, and those that need review.
    pub fixable: usize,
    pub unsafe_fixable: usize,
    /// Findings in its baseline.
    pub baselined: usize,
    pub failures: usize,
}

impl RepositorySummary {
    /// Takes the counts from the summary of its files.
    pub fn new(name: String, commit: Option<String>, files: &Summary) -> Self {
        Self {
            name,
            commit,
            fixed: files.fixed,
            left: files.errors + files.warnings + files.infos,
            fixable: files.fixable,
            unsafe_fixable: files.unsafe_fixable,
            baselined: files.baselined,
            failures: files.failures,
        }
    }

    fn is_clean(&self) -> bool {
        self.left + self.fixed + self.baselined + self.failures == 0
    }

    /// The result in a word or two.
    pub(super) fn state(&self) -> &'static str {
        match () {
            () if self.failures > 0 => "failed",
            () if self.left > 0 => "findings",
            () if self.fixed > 0 => "fixed",
            () if self.baselined > 0 => "known findings only",
            () => "clean",
        }
    }

    /// For example `2 fixed, 1 needs review, 3 known`.
    fn words(&self) -> String {
        let without = self.left.saturating_sub(self.fixable + self.unsafe_fixable);
        let counts = [
            (self.fixed, "fixed"),
            (self.fixable, "fixable"),
            (self.unsafe_fixable, needs_review(self.unsafe_fixable)),
            (without, "without a fix"),
            (self.baselined, "known"),
        ];
        let counts = counts.iter().filter(|(number, _)| *number > 0);
        let failed = (self.failures > 0).then(|| "failed".to_owned());
        let words = counts.map(|(number, word)| format!("{number} {word}"));
        let words: Vec<String> = failed.into_iter().chain(words).collect();
        match self.is_clean() {
            true => "clean".to_owned(),
            false => words.join(", "),
        }
    }
}

fn needs_review(number: usize) -> &'static str {
    match number {
        1 => "needs review",
        _ => "need review",
    }
}

/// One line per repository and one for the total. Empty unless there are several.
pub(super) fn lines(all: &[RepositorySummary], color: bool) -> Vec<String> {
    if all.len() < 2 {
        return Vec::new();
    }
    let name = |one: &RepositorySummary| match one.name.as_str() {
        "" => "(no repository)".to_owned(),
        name => printable::line(name).into_owned(),
    };
    let width = all.iter().map(|one| name(one).chars().count()).max();
    let width = width.unwrap_or_default();
    let mut lines: Vec<String> = all
        .iter()
        .map(|one| {
            let words = one.words();
            let words = match (one.failures, one.left) {
                (0, 0) => Color::Green.on(&words, color),
                (0, _) => Color::Yellow.on(&words, color),
                _ => Color::Red.on(&words, color),
            };
            format!("  {:<width$}  {words}", name(one))
        })
        .collect();
    let repositories = all.iter().filter(|one| !one.name.is_empty()).count();
    let with = |has: &dyn Fn(&RepositorySummary) -> bool| all.iter().filter(|one| has(one)).count();
    let counts = [
        (with(&|one| one.failures > 0), "failed"),
        (
            with(&|one| one.failures == 0 && one.left > 0),
            "with findings",
        ),
        (
            with(&|one| one.failures + one.left == 0 && one.fixed > 0),
            "fixed",
        ),
        (
            with(&|one| one.failures + one.left + one.fixed == 0 && one.baselined > 0),
            "with known findings only",
        ),
        (with(&RepositorySummary::is_clean), "clean"),
    ];
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let counts: Vec<String> = counts
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    let repositories = match repositories {
        1 => "1 repository".to_owned(),
        number => format!("{number} repositories"),
    };
    let loose = if all.iter().any(|one| one.name.is_empty()) {
        " and files outside"
    } else {
        ""
    };
    lines.insert(0, format!("{repositories}{loose} ({})", counts.join(", ")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> RepositorySummary {
        RepositorySummary {
            name: name.to_owned(),
            ..RepositorySummary::default()
        }
    }

    #[test]
    fn a_line_each_and_a_sum() {
        let mixed = RepositorySummary {
            fixed: 2,
            left: 4,
            fixable: 1,
            unsafe_fixable: 1,
            baselined: 5,
            ..named("apps/web")
        };
        let failed = RepositorySummary {
            failures: 1,
            ..named("b")
        };
        let known = RepositorySummary {
            baselined: 1,
            ..named("")
        };
        let all = [mixed, failed, named("c"), known];
        let expected = [
            "3 repositories and files outside (1 failed, 1 with findings, 1 with known findings only, 1 clean)",
            "  apps/web         2 fixed, 1 fixable, 1 needs review, 2 without a fix, 5 known",
            "  b                failed",
            "  c                clean",
            "  (no repository)  1 known",
        ];
        assert_eq!(lines(&all, false), expected);
        assert!(lines(&all[..1], false).is_empty());
    }
}
