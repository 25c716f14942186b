//! The changes that findings in charts want: values at paths of a values file.
//!
//! The changes of all remaining findings become edits together, so that values that meet at one key share their
//! edits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::overrides::{self, Override, Wanted};
use super::values::Spot;
use crate::edit::{Applicability, Edit, FileEdit};
use crate::finding::{Finding, Id};
use crate::project::Members;

/// The overrides that one finding wants.
pub(super) struct Change {
    /// The file that the finding is in, and its id there.
    pub finding: (PathBuf, Id),
    /// Where the overrides go.
    pub target: Target,
    pub overrides: Vec<Override>,
}

/// Values in a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub file: PathBuf,
    pub at: Spot,
}

impl Change {
    /// Returns the finding if it still exists and its fix has exactly this applicability.
    fn finding<'m>(
        &self,
        members: &'m mut Members,
        trust: Applicability,
    ) -> Option<&'m mut Finding> {
        let (path, id) = &self.finding;
        let finding = members.get_mut(path)?.findings.get_mut(*id)?;
        (finding.applicability() == Some(trust)).then_some(finding)
    }
}

/// Adds the edits of their changes, planned together, to the remaining findings.
pub(super) fn plan(changes: &[Change], members: &mut Members) {
    let mut by_target: BTreeMap<&Target, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        by_target.entry(&change.target).or_default().push(change);
    }
    for (target, changes) in by_target {
        // Safe fixes must also work without the unsafe ones.
        for trust in [Applicability::Safe, Applicability::Unsafe] {
            plan_at(target, &changes, trust, members);
        }
    }
}

fn plan_at(target: &Target, changes: &[&Change], trust: Applicability, members: &mut Members) {
    let Some(text) = members.get(&target.file).map(|member| member.text.clone()) else {
        return;
    };
    let left = changes.iter().filter_map(|change| {
        let span = change.finding(members, trust)?.span();
        Some((&change.finding.0, span, *change))
    });
    let mut left: Vec<_> = left.collect();
    left.sort_by_key(|(path, span, _)| (*path, *span));
    let all = left.iter().flat_map(|(.., change)| &change.overrides);
    let all: Vec<Wanted<'_>> = all.map(|one| Wanted::tree(&target.at, one)).collect();
    let mut planned = overrides::plan(&text, &all).into_iter();
    for (.., change) in left {
        let edits: Result<Vec<_>, String> = planned.by_ref().take(change.overrides.len()).collect();
        let Some(finding) = change.finding(members, trust) else {
            continue;
        };
        match edits {
            Ok(edits) => {
                let edits: BTreeSet<Edit> = edits.into_iter().flatten().collect();
                if let Some(fix) = &mut finding.fix {
                    fix.elsewhere = FileEdit::all(target.file.as_path(), &edits).collect();
                }
            }
            Err(reason) => finding.block(reason),
        }
    }
}
