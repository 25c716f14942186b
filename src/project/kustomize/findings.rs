//! Looks up findings by their spans, after ignore comments and settings removed some.

use crate::finding::{Findings, Id};
use crate::project::Members;
use crate::source::Span;

/// A finding, by the number of its file and its id there.
pub(super) type Location = (usize, Id);

/// The findings of a group's members as they are now, mentions left out.
pub(super) struct BySpan {
    /// For each file, in the order of their spans.
    files: Vec<Vec<(Span, Id)>>,
}

impl BySpan {
    pub(super) fn new(members: &Members) -> Self {
        let sorted = |findings: &Findings| {
            let findings = findings.iter().filter(|finding| !finding.mention);
            let spans = findings.map(|finding| (finding.span(), finding.id));
            let mut spans: Vec<(Span, Id)> = spans.collect();
            spans.sort();
            spans
        };
        let members = members.values();
        Self {
            files: members.map(|member| sorted(&member.findings)).collect(),
        }
    }

    /// Returns the findings that begin in a span.
    pub(super) fn within(&self, file: usize, span: Span) -> impl Iterator<Item = Location> + '_ {
        let all = self.files.get(file).map_or(&[][..], |all| all);
        let first = all.partition_point(|(at, _)| at.start < span.start);
        let inside = all[first..].iter();
        inside
            .take_while(move |(at, _)| at.start < span.end)
            .map(move |(_, id)| (file, *id))
    }
}
