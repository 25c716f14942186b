//! A legacy default with the overrides that would fix it.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::changes::{Change, Target};
use super::super::overrides::{self, Override, Wanted};
use super::super::values::Origin;
use crate::edit::{Applicability, Edit, FileEdit, Fix};
use crate::finding::{Finding, Related};
use crate::printable;
use crate::project::Member;
use crate::source::LineIndex;

/// A finding, and the overrides that would fix it.
pub(in super::super) struct DefaultFinding {
    pub(in super::super) finding: Finding,
    pub(super) overrides: Vec<Override>,
    pub(super) applicability: Applicability,
    /// Where the pieces were written.
    pub(super) origins: Vec<Origin>,
}

impl DefaultFinding {
    /// Removes the chart's name from the overrides' paths, for values that belong to the chart itself.
    pub(in super::super) fn without_name(&mut self) {
        for one in &mut self.overrides {
            one.path.remove(0);
        }
    }

    /// Downgrades the override to "needs review", with the reason.
    pub(in super::super) fn doubt(&mut self, reason: &str) {
        if self.applicability > Applicability::Unsafe {
            self.applicability = Applicability::Unsafe;
            self.finding.reason = Some(reason.to_owned());
        }
    }

    /// Plans the overrides in the owner's values. The finding gets the edits, or the reason why there are none.
    pub(in super::super) fn put_into(
        &mut self,
        target: &Target,
        text: &str,
        member: Option<&Member>,
    ) {
        let Target { file: path, at } = target;
        let Some(first) = self.overrides.first() else {
            return;
        };
        let above = at
            .is_whole()
            .then(|| overrides::insert::deepest_key(text, &first.path));
        if let Some(span) = above.flatten() {
            let lines = LineIndex::new(text);
            self.finding.related.push(Related {
                place: printable::name(path),
                position: Some(lines.position(span.start)),
                text: "the override goes below this key".to_owned(),
            });
        }
        let locked = match member {
            None => Some("the configuration excludes the values.yaml of the chart"),
            Some(member) => member.locked.as_deref(),
        };
        let planned: Result<Vec<_>, String> = match locked {
            Some(reason) => Err(reason.to_owned()),
            None => {
                let wanted = self.overrides.iter().map(|one| Wanted::tree(at, one));
                let wanted: Vec<Wanted<'_>> = wanted.collect();
                overrides::plan(text, &wanted).into_iter().collect()
            }
        };
        match planned {
            Ok(edits) => {
                let edits: BTreeSet<Edit> = edits.into_iter().flatten().collect();
                let elsewhere = FileEdit::all(path.as_path(), &edits).collect();
                self.finding.fix = Some(Fix::across(Vec::new(), elsewhere, self.applicability));
            }
            Err(reason) => self.finding.reason = Some(reason),
        }
    }

    /// Adds the finding to those of the file that declares the chart. Returns the change that it wants, if it has a
    /// fix.
    pub(in super::super) fn add_to(
        self,
        path: &Path,
        member: &mut Member,
        target: &Target,
    ) -> Option<Change> {
        let is_fixed = self.finding.fix.is_some();
        let id = member.findings.add(self.finding);
        is_fixed.then(|| Change {
            finding: (path.to_owned(), id),
            target: target.clone(),
            overrides: self.overrides,
        })
    }
}
