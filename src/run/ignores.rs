//! `--add-ignores`: adds ignore comments for remaining findings, and the others to the baseline.
//!
//! `suppress` decides where a comment can be. Its effect is then checked like in any other text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Options;
use super::pipeline::FileResult;
use crate::baseline;
use crate::file_type::FileType;
use crate::finding::Finding;
use crate::project::Members;
use crate::suppress::insert::{self, Note, Wanted};

/// Checks, adds comments to the files that may be written, and checks again.
pub(super) fn add(
    options: &Options<'_>,
    note: &Note,
    members: &dyn Fn() -> Members,
    judge: &dyn Fn(Members) -> BTreeMap<PathBuf, FileResult>,
) -> BTreeMap<PathBuf, FileResult> {
    let outcomes = judge(members());
    let mut commented = members();
    let mut counts: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (path, outcome) in &outcomes {
        let free = commented.get_mut(path);
        let Some(member) = free.filter(|member| member.exists && member.locked.is_none()) else {
            continue;
        };
        let findings = unknown(options, path, member.file_type, outcome);
        let wanted: Vec<Wanted<'_>> = findings
            .iter()
            .map(|finding| Wanted {
                at: finding.span(),
                rule: &finding.rule,
            })
            .collect();
        let edits = insert::comments(path, &member.text, member.file_type, &wanted, note);
        if !edits.is_empty() {
            let commented = insert::applied(&member.text, &edits);
            member.replace_text(commented.into());
            counts.insert(path.clone(), edits.len());
        }
    }
    if counts.is_empty() {
        return outcomes;
    }
    let mut outcomes = judge(commented);
    for (path, count) in counts {
        outcomes.entry(path).or_default().comments_added = count;
    }
    outcomes
}

/// The findings of a file that can be ignored and are not in a baseline.
fn unknown(
    options: &Options<'_>,
    path: &Path,
    file_type: &FileType,
    outcome: &FileResult,
) -> Vec<Finding> {
    let findings = outcome.left.iter().filter(|finding| finding.is_ignorable());
    let mut findings: Vec<Finding> = findings.cloned().collect();
    let area = options.settings.of(path);
    if let Some(known) = area.as_ref().and_then(|area| area.baseline.as_ref()) {
        let keys = baseline::keys(&outcome.text, file_type, &findings);
        let mut known = known.known(path, &keys).into_iter();
        findings.retain(|_| known.next() != Some(true));
    }
    findings
}
