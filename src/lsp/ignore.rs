//! An ignore comment for one finding, which is tried before it is offered.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::edit::{Applicability, Fix};
use crate::file_type;
use crate::finding::Finding;
use crate::run::{Judged, Session};
use crate::suppress::insert::{self, Note, Wanted};
use crate::walk::Overlay;

/// Makes a comment that removes the finding, and no finding of another rule. `None` if that is not possible.
pub(super) fn comment(
    session: &Session<'_>,
    overlay: &Overlay,
    path: &Path,
    judged: &Judged,
    finding: &Finding,
) -> Option<Fix> {
    let wanted = Wanted {
        at: finding.span(),
        rule: &finding.rule,
    };
    let file_type = file_type::classify(path)?;
    let edits = insert::comments(path, &judged.text, file_type, &[wanted], &Note::default());
    if edits.is_empty() {
        return None;
    }
    let mut overlay = overlay.clone();
    let text = insert::applied(&judged.text, &edits);
    overlay.insert(path.to_owned(), Arc::from(text));
    let after = session.judge(path, &overlay).ok()?.remove(path)?;
    let ignores = ignores(&judged.findings, &after.findings, finding);
    ignores.then(|| Fix::here(edits, Applicability::Safe))
}

/// Whether the finding is gone, nothing new appeared, and only findings of the same rule went with it.
fn ignores(before: &[Finding], after: &[Finding], finding: &Finding) -> bool {
    let (before, after) = (counted(before), counted(after));
    let left = |key: &(&str, &str)| after.get(key).copied().unwrap_or_default();
    let known = known(finding);
    let is_less = left(&known) < before.get(&known).copied().unwrap_or_default();
    let is_left =
        |(key, count): (&(&str, &str), &usize)| left(key) == *count || *key.0 == *finding.rule;
    let is_new = after.keys().any(|key| !before.contains_key(key));
    is_less && before.iter().all(is_left) && !is_new
}

fn known(finding: &Finding) -> (&str, &str) {
    (&finding.rule, &finding.old)
}

fn counted(findings: &[Finding]) -> BTreeMap<(&str, &str), usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(known(finding)).or_default() += 1;
    }
    counts
}
