//! Groups many findings by rule and message. A group shows the lines of its first finding and the folders of all.
//!
//! As long as there are few findings, the texts of the files are kept as they are.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::RenderOptions;
use super::statistics::Counts;
use super::text::{Color, by_count, count};
use crate::finding::Severity;
use crate::printable;

/// More findings than this are grouped.
pub(super) const MOST: usize = 50;
/// The maximum number of folders listed per group.
const FOLDERS: usize = 8;

/// The common properties of a group's findings. Its order decides between groups of the same size.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub severity: Reverse<Severity>,
    pub rule: String,
    pub message: String,
}

#[derive(Debug, Default)]
struct Group {
    counts: Counts,
    files: usize,
    /// The rendered first finding.
    shown: String,
    folders: BTreeMap<String, usize>,
}

/// Grouped findings of one or more files.
#[derive(Debug, Default)]
pub struct GroupedFindings {
    findings: usize,
    /// The texts of the files, kept while there are few findings.
    texts: Vec<String>,
    groups: BTreeMap<Key, Group>,
    /// Texts about anything other than findings: what was fixed, and what went wrong.
    others: Vec<String>,
}

/// Used by the full report, which needs the feature `cli`.
#[cfg(feature = "cli")]
impl GroupedFindings {
    /// Starts with one file. `text` may be empty if the file has too many findings; `others` is not about findings.
    pub(super) fn file(text: String, others: String) -> Self {
        Self {
            texts: vec![text],
            others: Some(others)
                .filter(|others| !others.is_empty())
                .into_iter()
                .collect(),
            ..Self::default()
        }
    }

    /// Adds a finding of the file, which is in `folder`. `show` is only called for the first finding of a group.
    pub(super) fn add(
        &mut self,
        key: Key,
        folder: &str,
        counts: &Counts,
        show: impl FnOnce() -> String,
    ) {
        self.findings += counts.all;
        let group = self.groups.entry(key).or_insert_with(|| Group {
            files: 1,
            shown: show(),
            ..Group::default()
        });
        group.counts.join(counts);
        *group.folders.entry(folder.to_owned()).or_default() += counts.all;
    }
}

impl GroupedFindings {
    /// Adds the next file, in the order of paths.
    pub fn join(&mut self, next: Self) {
        self.findings += next.findings;
        match self.findings > MOST {
            true => self.texts.clear(),
            false => self.texts.extend(next.texts),
        }
        self.others.extend(next.others);
        for (key, group) in next.groups {
            let known = self.groups.entry(key).or_insert_with(|| Group {
                shown: group.shown,
                ..Group::default()
            });
            known.counts.join(&group.counts);
            known.files += group.files;
            for (folder, number) in group.folders {
                *known.folders.entry(folder).or_default() += number;
            }
        }
    }

    /// Renders everything. Sorts groups by severity, then by size.
    pub fn text(self, render_options: &RenderOptions) -> String {
        if self.findings <= MOST {
            return self.texts.join("\n");
        }
        let mut groups: Vec<(Key, Group)> = self.groups.into_iter().collect();
        groups.sort_by_key(|(key, group)| (key.severity, Reverse(group.counts.all)));
        let groups = groups.iter().map(|(_, group)| group.text(render_options));
        let mut parts: Vec<String> = groups.collect();
        let hint = format!(
            "{} are shown by rule and message, with the first of each; --verbose shows all.\n",
            count(self.findings, "finding")
        );
        parts.push(hint);
        let others: String = self.others.concat();
        parts.extend(Some(others).filter(|others| !others.is_empty()));
        parts.join("\n")
    }
}

impl Group {
    fn text(&self, render_options: &RenderOptions) -> String {
        let more = self.counts.all - 1;
        if more == 0 {
            return self.shown.clone();
        }
        let fixes = [
            (self.counts.safe, "safe"),
            (self.counts.review, "to review"),
            (self.counts.no_fix(), "without a fix"),
        ];
        let fixes = fixes
            .iter()
            .filter(|(number, _)| *number > 0 && *number < self.counts.all);
        let fixes: String = fixes
            .map(|(number, sort)| format!(", {number} {sort}"))
            .collect();
        let files = count(self.files, "file");
        let head = format!("and {more} more: {} in {files}{fixes}", self.counts.all);
        let mut text = format!(
            "{}  {}\n",
            self.shown,
            Color::Bold.on(&head, render_options.color)
        );
        let folders = by_count(self.folders.clone());
        for (folder, number) in folders.iter().take(FOLDERS) {
            text += &format!("  {number:>6}  {}\n", printable::line(folder));
        }
        let rest: usize = folders.iter().skip(FOLDERS).map(|(_, number)| number).sum();
        if rest > 0 {
            let folders = count(folders.len() - FOLDERS, "more folder");
            text += &format!("  {rest:>6}  in {folders}\n");
        }
        text
    }
}
