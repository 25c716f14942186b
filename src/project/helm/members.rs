//! Changes to findings in files of vendored charts, and notes about problems of charts.

use std::path::{Path, PathBuf};

use crate::finding::Problem;
use crate::project::{Member, Members};

/// Drops findings in default values of vendored folders, that is in `values.yaml` and in files for which `is_default`
/// holds: only the values that the chart really gets are reported.
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

/// Removes the fixes of findings in these files, giving a reason.
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
