//! Detects fixes that do not settle: a text repeats, or texts still change after many passes.
//!
//! Only compares texts, and does not look at the fixes.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{FileResult, MOST_PASSES};
use crate::edit::Applicability;
use crate::finding::{Finding, Problem};
use crate::printable;
use crate::project::Members;

/// The files that passes changed.
#[derive(Default)]
pub(super) struct Passes {
    files: BTreeMap<PathBuf, History>,
}

struct History {
    /// The text before all passes.
    text: Arc<str>,
    /// Hashes of all its texts so far, each with the number of fixes applied up to it.
    seen: Vec<(u64, usize)>,
}

/// Why the fixes do not settle.
pub(super) struct Unsettled {
    /// The file that does not settle.
    path: PathBuf,
    message: String,
    /// The references that change in a circle.
    references: BTreeSet<String>,
}

impl Passes {
    /// Sets the texts that a pass produced.
    ///
    /// # Errors
    /// If they do not settle.
    pub(super) fn pass(
        &mut self,
        members: &mut Members,
        changed: Vec<(PathBuf, String)>,
        outcomes: &BTreeMap<PathBuf, FileResult>,
    ) -> Result<(), Unsettled> {
        let mut unsettled = None;
        for (path, text) in changed {
            let Some(member) = members.get_mut(&path) else {
                continue;
            };
            let fixed = outcomes
                .get(&path)
                .map_or(&[][..], |outcome| &outcome.fixed);
            let now = hash(&text);
            let before = member.replace_text(text.into());
            let history = self.files.entry(path.clone()).or_insert_with(|| History {
                seen: vec![(hash(&before), 0)],
                text: before,
            });
            let known = history.seen.iter().find(|(text, _)| *text == now);
            let last = history
                .seen
                .last()
                .filter(|_| history.seen.len() > MOST_PASSES);
            if let Some((_, since)) = known.or(last) {
                let findings: Vec<&Finding> = fixed.iter().map(|one| &one.finding).collect();
                unsettled = Some(Unsettled::new(&path, &findings, *since, known.is_some()));
            }
            history.seen.push((now, fixed.len()));
        }
        unsettled.map_or(Ok(()), Err)
    }

    /// Restores the texts from before all passes.
    pub(super) fn undo(self, members: &mut Members) {
        for (path, history) in self.files {
            if let Some(member) = members.get_mut(&path) {
                member.replace_text(history.text);
            }
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Unsettled {
    /// `fixed` are all fixes of the file. Those from index `since` led back to an earlier text, or are from the last pass.
    fn new(path: &Path, fixed: &[&Finding], since: usize, is_circle: bool) -> Self {
        let round = fixed.get(since..).unwrap_or_default();
        let rules: BTreeSet<&str> = round.iter().map(|finding| &*finding.rule).collect();
        let rules: Vec<&str> = rules.into_iter().collect();
        let rules = match &*rules {
            [] => "the fixes of other files".to_owned(),
            [one] => format!("the fixes of the rule {one}"),
            [others @ .., last] => format!("the rules {} and {last}", others.join(", ")),
        };
        let references: BTreeSet<String> = round.iter().map(|one| one.old.clone()).collect();
        let what = match is_circle {
            true => format!("{rules} form a circle{}", way(fixed, &references)),
            false => format!("{rules} still change it after {MOST_PASSES} passes"),
        };
        Self {
            path: path.to_owned(),
            message: format!("{what}; nothing is fixed here"),
            references,
        }
    }

    /// Reports the problem in the file, and blocks all fixes of the files that are checked with it.
    pub(super) fn block_fixes(self, members: &mut Members) {
        for (path, member) in members {
            let is_cause = *path == self.path;
            if is_cause {
                let mut findings = member.findings.iter();
                let first = findings.find(|finding| self.references.contains(&finding.old));
                member.problems.push(Problem::new(
                    first.map(|finding| finding.span().start),
                    self.message.clone(),
                    true,
                ));
            }
            let reason = match is_cause {
                true => "the fixes of this file do not converge".to_owned(),
                false => format!(
                    "the fixes of {}, which belongs to it, do not converge",
                    printable::path(&self.path)
                ),
            };
            for finding in &mut member.findings {
                finding.limit(Applicability::Display, &reason);
            }
        }
    }
}

/// The moves of the first reference, back to where it started.
fn way(fixed: &[&Finding], references: &BTreeSet<String>) -> String {
    let mut way: Vec<&str> = Vec::new();
    for finding in fixed.iter().filter(|one| references.contains(&one.old)) {
        let Some(new) = &finding.new else { continue };
        if way.is_empty() {
            way.push(&finding.old);
        }
        if way.last() == Some(&finding.old.as_str()) {
            way.push(new);
        }
        if way.len() > 1 && way.first() == way.last() {
            return format!(" ({})", way.join(" → "));
        }
    }
    String::new()
}
