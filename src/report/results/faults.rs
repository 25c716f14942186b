//! Checks of untrusted rows: their locations must be possible in a file.

use crate::report::json::v1::{At, File, Finding, Line, Problem, Range};

/// The maximum line and column; regfix does not check larger files.
pub(super) const MOST: usize = 64 << 20;

impl Range {
    /// Why the range is impossible in any file, if it is.
    pub(super) fn fault(&self) -> Option<String> {
        let (start, end) = ((self.line, self.column), (self.end_line, self.end_column));
        let numbers = [start.0, start.1, end.0, end.1];
        match () {
            () if numbers.iter().any(|number| *number == 0 || *number > MOST) => {
                Some("no file has a place with such a line or column".to_owned())
            }
            () if end < start => Some("a range ends before it begins".to_owned()),
            () => None,
        }
    }
}

impl Finding<'_> {
    /// All locations in the file.
    fn ranges(&self) -> impl Iterator<Item = &Range> {
        let edits = self.edits.iter().map(|edit| &edit.range);
        self.spans.iter().map(|span| &span.range).chain(edits)
    }
}

impl Problem<'_> {
    fn fault(&self) -> Option<String> {
        let (line, column) = self.line.zip(self.column)?;
        let range = Range {
            start: 0,
            end: 0,
            line,
            column,
            end_line: line,
            end_column: column,
        };
        range.fault()
    }
}

impl File<'static> {
    pub(super) fn new(at: At<'static>) -> Self {
        Self {
            at,
            findings: Vec::new(),
            fixed: Vec::new(),
            problems: Vec::new(),
            unjudged: Vec::new(),
        }
    }

    /// The first impossible location in the file, if any.
    pub(super) fn fault(&self) -> Option<String> {
        let ranges = self.findings.iter().flat_map(Finding::ranges);
        let mut ranges = ranges.chain(self.unjudged.iter().map(|one| &one.range));
        let in_problems = || self.problems.iter().find_map(Problem::fault);
        ranges.find_map(Range::fault).or_else(in_problems)
    }
}

impl Line<'_> {
    /// The impossible location in the row, if any.
    pub(super) fn fault(&self) -> Option<String> {
        match self {
            Self::Finding { finding, .. } => finding.ranges().find_map(Range::fault),
            Self::Problem { problem, .. } => problem.fault(),
            Self::Unjudged { unjudged, .. } => unjudged.range.fault(),
            Self::Fixed { .. } | Self::Summary { .. } => None,
        }
    }
}
