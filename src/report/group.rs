//! Findings by rule, by folder and by why they remain: the tables of reports for people. Knows no formats.

use std::cmp::Reverse;
use std::collections::BTreeMap;

pub(super) use super::statistics::Counts;
use super::{LocatedFinding, RenderOptions, ReportedFile, RuleCounts, Summary};
use crate::edit::Applicability;
use crate::finding::Finding;
use crate::rules::{Rule, RuleSet};

/// Findings that remain for the same reason.
pub(super) struct Left<'f> {
    pub(super) why: String,
    pub(super) rule: &'f str,
    pub(super) number: usize,
    /// Path and line of the first finding.
    pub(super) first: String,
}

/// All findings, each with its file.
pub(super) fn findings(
    files: &[ReportedFile],
) -> impl Iterator<Item = (&ReportedFile, &LocatedFinding)> {
    let of_file = |file| std::iter::repeat(file);
    files
        .iter()
        .flat_map(move |file| of_file(file).zip(&file.findings))
}

/// The kind of fix that a finding has, in a word or two.
pub(crate) fn fix(finding: &Finding) -> &'static str {
    match finding.applicability() {
        _ if finding.mention => "mention",
        Some(Applicability::Safe) => "safe",
        Some(Applicability::Unsafe) => "needs review",
        Some(Applicability::Display) => "suggestion",
        None => "none",
    }
}

/// The counts of each rule, with the rule. `None` for ids that are not rules of the catalogue or the configuration, such as
/// an unused ignore comment.
pub(super) fn by_rule<'s>(
    summary: &'s Summary,
    rules: &'s RuleSet,
) -> impl Iterator<Item = (&'s RuleCounts, Option<&'s Rule>)> {
    let rows = summary.by_rule.iter();
    rows.map(|row| (row, rules.rules().find(|rule| rule.id == row.rule)))
}

/// Counts by folder, at the greatest depth (up to 8) with at most `most` folders. Folders with the most findings come first.
pub(super) fn by_folder(files: &[ReportedFile], most: usize) -> Vec<(&str, Counts)> {
    let mut groups: BTreeMap<&str, Counts> = BTreeMap::new();
    for depth in 1..=8 {
        let mut deeper: BTreeMap<&str, Counts> = BTreeMap::new();
        for (file, LocatedFinding { finding, .. }) in findings(files) {
            let folder = folder(&file.path, depth);
            deeper.entry(folder).or_default().add(finding);
        }
        if depth > 1 && (deeper.len() > most || deeper.len() == groups.len()) {
            break;
        }
        groups = deeper;
    }
    most_first(groups)
}

/// Counts by repository; the name is empty for files outside of repositories. Empty unless there are several.
pub(super) fn by_repository(files: &[ReportedFile]) -> Vec<(&str, Counts)> {
    let mut groups: BTreeMap<&str, Counts> = BTreeMap::new();
    for (file, LocatedFinding { finding, .. }) in findings(files) {
        groups.entry(&file.repository).or_default().add(finding);
    }
    match groups.len() {
        0 | 1 => Vec::new(),
        _ => most_first(groups),
    }
}

/// Counts by owner of the file, from the repository's CODEOWNERS; the name is empty for files without an owner.
pub(super) fn by_owner(files: &[ReportedFile]) -> Vec<(&str, Counts)> {
    let mut groups: BTreeMap<&str, Counts> = BTreeMap::new();
    for (file, LocatedFinding { finding, .. }) in findings(files) {
        let nobody = file.owners.is_empty().then_some("");
        for owner in file.owners.iter().map(String::as_str).chain(nobody) {
            groups.entry(owner).or_default().add(finding);
        }
    }
    most_first(groups)
}

fn most_first(groups: BTreeMap<&str, Counts>) -> Vec<(&str, Counts)> {
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, counts)| Reverse(counts.all));
    groups
}

/// The first `depth` segments of a path, without the file name.
fn folder(path: &str, depth: usize) -> &str {
    let slashes = path.match_indices('/').map(|(at, _)| at);
    let end = slashes.filter(|at| *at > 0).take(depth).last();
    end.map_or(".", |end| &path[..end])
}

/// The moves and how often each was made, the most frequent first.
pub(super) fn fixed(files: &[ReportedFile]) -> Vec<(&str, &str, usize)> {
    let mut groups: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for fixed in files.iter().flat_map(|file| &file.fixed) {
        let Finding { old, new, .. } = &fixed.finding;
        let new = new.as_deref().unwrap_or_default();
        *groups.entry((old, new)).or_default() += 1;
    }
    let groups = groups.into_iter();
    let mut groups: Vec<_> = groups
        .map(|((old, new), number)| (old, new, number))
        .collect();
    groups.sort_by_key(|(.., number)| Reverse(*number));
    groups
}

pub(super) fn left_heading(render_options: &RenderOptions) -> &'static str {
    if render_options.write {
        "What is left, and why"
    } else {
        "What a fix would leave, and why"
    }
}

/// The reasons why findings remain unfixed, with counts. Leaves out mentions, which need no fix.
pub(super) fn left<'f>(files: &'f [ReportedFile], render_options: &RenderOptions) -> Vec<Left<'f>> {
    let mut groups: BTreeMap<(String, &str), (usize, String)> = BTreeMap::new();
    for (file, LocatedFinding { finding, position }) in findings(files) {
        let written =
            !render_options.write && finding.applicability() >= Some(render_options.limit);
        if finding.mention || written {
            continue;
        }
        let (number, _) = groups
            .entry((why(finding, render_options), &finding.rule))
            .or_insert_with(|| (0, format!("{}:{}", file.path, position.line)));
        *number += 1;
    }
    let groups = groups.into_iter();
    let mut groups: Vec<_> = groups
        .map(|((why, rule), (number, first))| Left {
            why,
            rule,
            number,
            first,
        })
        .collect();
    groups.sort_by_key(|left| Reverse(left.number));
    groups
}

fn why(finding: &Finding, render_options: &RenderOptions) -> String {
    let marker = match finding.applicability() {
        None => "no fix",
        Some(Applicability::Display) => "suggestion only",
        Some(Applicability::Unsafe) if render_options.limit > Applicability::Unsafe => {
            "needs review"
        }
        Some(_) => "not written",
    };
    match &finding.reason {
        Some(reason) => format!("{marker}: {reason}"),
        None => marker.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::folder;

    #[test]
    fn folders_are_the_first_segments() {
        assert_eq!(folder("a.yaml", 1), ".");
        assert_eq!(folder("a/b/c.yaml", 1), "a");
        assert_eq!(folder("a/b/c.yaml", 2), "a/b");
        assert_eq!(folder("a/b/c.yaml", 9), "a/b");
        assert_eq!(folder("/a/b.yaml", 1), "/a");
    }
}
