//! Finds findings again among those of their files, after ignore comments and settings took some away.

use super::group::Group;
use super::leaf::Source;
use crate::finding::Finding;
use crate::project::Members;
use crate::source::Span;

/// A finding, by the number of its file and its own there.
pub(super) type Location = (usize, usize);

/// The findings of a group's members as they are now, mentions left out.
pub(super) struct Findings {
    /// By file, in the order of their spans.
    files: Vec<Vec<(Span, usize)>>,
}

impl Findings {
    pub(super) fn new(members: &Members) -> Self {
        let sorted = |findings: &[Finding]| {
            let findings = findings.iter().enumerate();
            let findings = findings.filter(|(_, finding)| !finding.mention);
            let spans = findings.map(|(number, finding)| (finding.span(), number));
            let mut spans: Vec<(Span, usize)> = spans.collect();
            spans.sort();
            spans
        };
        let members = members.values();
        Self {
            files: members.map(|member| sorted(&member.findings)).collect(),
        }
    }

    /// Those that begin in a span.
    pub(super) fn within(&self, file: usize, span: Span) -> impl Iterator<Item = Location> + '_ {
        let all = self.files.get(file).map_or(&[][..], |all| all);
        let first = all.partition_point(|(at, _)| at.start < span.start);
        let inside = all[first..].iter();
        inside
            .take_while(move |(at, _)| at.start < span.end)
            .map(move |(_, number)| (file, *number))
    }

    /// The one that a source was made from, if it is still there.
    pub(super) fn of(&self, group: &Group, members: &Members, source: &Source) -> Option<Location> {
        let member = members.get(&*group.files[source.file].path)?;
        let mut found = self.within(source.file, source.span);
        found.find(|(_, number)| {
            let finding = &member.findings[*number];
            let same_edits = |fix: &crate::edit::Fix| fix.edits == source.edits;
            finding.old == source.old && finding.fix.as_ref().is_some_and(same_edits)
        })
    }
}
