//! Changes to the findings in files of vendored charts, and the problems of charts.

use std::path::{Path, PathBuf};

use crate::finding::Problem;
use crate::project::{Member, Members};

/// Of default values in vendored folders only what the chart really gets is reported. Those are `values.yaml`, and what else
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

/// What is in files is not changed there.
pub(super) fn block_fixes(members: &mut Members, files: &[PathBuf], reason: &str) {
    for path in files {
        let findings = members.get_mut(path).map(|member| &mut member.findings);
        for finding in findings.into_iter().flatten() {
            if finding.fix.is_some() {
                finding.block(reason.to_owned());
            }
        }
    }
}

pub(super) fn note(
    member: Option<&mut Member>,
    offset: Option<usize>,
    message: String,
    fatal: bool,
) {
    if let Some(member) = member {
        member.problems.push(Problem::new(offset, message, fatal));
    }
}
