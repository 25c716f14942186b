//! What all findings of charts have in common among the files of a group: vendored files are held, and overrides that
//! meet at one place share their edits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::overrides;
use super::values::Spot;
use crate::edit::{Applicability, Edit, FileEdit};
use crate::finding::{Finding, Problem};
use crate::project::{Member, Members};

/// Of default values in vendored folders only what the chart really gets is told. Those are `values.yaml`, and what else
/// `is_default`.
pub(super) fn drop_defaults(
    members: &mut Members,
    vendored: &[PathBuf],
    is_default: &dyn Fn(&Path) -> bool,
) {
    for path in vendored {
        let named = path.file_name().is_some_and(|name| name == "values.yaml");
        if let Some(member) = members.get_mut(path).filter(|_| named || is_default(path)) {
            member.findings.retain(|finding| finding.mention);
        }
    }
}

/// What stands in files is not changed there.
pub(super) fn hold(members: &mut Members, files: &[PathBuf], reason: &str) {
    for path in files {
        let findings = members.get_mut(path).map(|member| &mut member.findings);
        for finding in findings.into_iter().flatten() {
            if finding.fix.take().is_some() {
                finding.reason = Some(reason.to_owned());
            }
        }
    }
}

/// Findings whose overrides meet at one place of the values get the same edits there.
pub(super) fn settle(members: &mut Members, declares: &Path, path: &Path, at: &Spot) {
    let Some(values) = members.get(path).map(|member| member.text.clone()) else {
        return;
    };
    let Some(member) = members.get_mut(declares) else {
        return;
    };
    for degree in [Applicability::Safe, Applicability::Unsafe] {
        let mut own: Vec<&mut Finding> = member
            .findings
            .iter_mut()
            .filter(|finding| {
                finding.fix.as_ref().is_some_and(|fix| {
                    fix.applicability == degree
                        && fix.elsewhere.iter().any(|edit| *edit.path == *path)
                })
            })
            .collect();
        let wanted: Vec<_> = own
            .iter()
            .filter_map(|finding| finding.fix.as_ref())
            .map(|fix| overrides::made_by(&values, at, &fix.elsewhere))
            .collect();
        let all: Vec<_> = wanted.iter().flatten().cloned().collect();
        let mut planned = overrides::plan(&values, at, &all).into_iter();
        for (finding, wanted) in own.iter_mut().zip(&wanted) {
            let edits: Result<Vec<_>, String> = planned.by_ref().take(wanted.len()).collect();
            match edits {
                // Another project's.
                Ok(_) if wanted.is_empty() => {}
                Ok(edits) => {
                    let edits: BTreeSet<_> = edits.into_iter().flatten().collect();
                    if let Some(fix) = &mut finding.fix {
                        fix.elsewhere = elsewhere(path, edits);
                    }
                }
                Err(reason) => {
                    finding.fix = None;
                    finding.reason = Some(reason);
                }
            }
        }
    }
}

pub(super) fn elsewhere(path: &Path, edits: impl IntoIterator<Item = Edit>) -> Arc<[FileEdit]> {
    let path: Arc<Path> = Arc::from(path);
    let edits = edits.into_iter().map(|edit| FileEdit {
        path: Arc::clone(&path),
        edit,
    });
    edits.collect()
}

pub(super) fn note(
    member: Option<&mut Member>,
    offset: Option<usize>,
    message: String,
    fatal: bool,
) {
    if let Some(member) = member {
        member.problems.push(Problem {
            offset,
            message,
            fatal,
        });
    }
}
