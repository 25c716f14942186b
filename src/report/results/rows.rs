//! The fields of JSON reports as they are read back. `json::v1` writes them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::edit::Applicability;
use crate::rules::Severity;

/// A file of more lines, or with a longer line, is not checked.
pub(super) const MOST: usize = 64 << 20;

/// A legacy reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FindingRow {
    pub rule: String,
    pub severity: Severity,
    pub message: String,
    #[serde(default)]
    pub mention: bool,
    pub old: String,
    #[serde(default)]
    pub new: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub applicability: Option<Applicability>,
    pub spans: Vec<SpanRow>,
    #[serde(default)]
    pub edits: Vec<EditRow>,
    #[serde(default)]
    pub elsewhere: Vec<ElsewhereRow>,
    #[serde(default)]
    pub related: Vec<RelatedRow>,
    #[serde(default)]
    pub notes: Vec<String>,
    #[serde(default)]
    pub verified: Option<VerifiedRow>,
    #[serde(default)]
    pub alternatives: Vec<Value>,
    #[serde(default)]
    pub usage: Option<String>,
    #[serde(default)]
    pub at: Option<String>,
    #[serde(default)]
    pub object: Option<Value>,
}

/// Where something is: bytes, and lines and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Range {
    pub start: usize,
    pub end: usize,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

impl Range {
    /// Why no file can have it, if so.
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

impl FindingRow {
    /// All locations in the file.
    fn ranges(&self) -> impl Iterator<Item = &Range> {
        let edits = self.edits.iter().map(|edit| &edit.range);
        self.spans.iter().map(|span| &span.range).chain(edits)
    }
}

impl ProblemRow {
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

impl FileRow {
    pub(super) fn new(at: At) -> Self {
        Self {
            at,
            findings: Vec::new(),
            fixed: Vec::new(),
            problems: Vec::new(),
            unjudged: Vec::new(),
        }
    }

    /// What no file can have, if there is such a thing.
    pub(super) fn fault(&self) -> Option<String> {
        let ranges = self.findings.iter().flat_map(FindingRow::ranges);
        let mut ranges = ranges.chain(self.unjudged.iter().map(|one| &one.range));
        let in_problems = || self.problems.iter().find_map(ProblemRow::fault);
        ranges.find_map(Range::fault).or_else(in_problems)
    }
}

impl Line {
    /// The same of a line.
    pub(super) fn fault(&self) -> Option<String> {
        match self {
            Self::Finding { finding, .. } => finding.ranges().find_map(Range::fault),
            Self::Problem { problem, .. } => problem.fault(),
            Self::Unjudged { unjudged, .. } => unjudged.range.fault(),
            Self::Fixed { .. } | Self::Summary { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SpanRow {
    pub label: Option<String>,
    #[serde(flatten)]
    pub range: Range,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EditRow {
    #[serde(flatten)]
    pub range: Range,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ElsewhereRow {
    pub path: String,
    pub start: usize,
    pub end: usize,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RelatedRow {
    pub place: String,
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VerifiedRow {
    pub outcome: String,
    pub digest: Option<String>,
    pub text: String,
}

/// What was fixed. Its text is gone, and so are its spans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FixedRow {
    pub rule: String,
    pub severity: Severity,
    pub message: String,
    pub old: String,
    #[serde(default)]
    pub new: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub applicability: Option<Applicability>,
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProblemRow {
    pub message: String,
    pub fatal: bool,
    pub start: Option<usize>,
    pub line: Option<usize>,
    pub column: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnjudgedRow {
    pub text: String,
    pub reason: String,
    #[serde(flatten)]
    pub range: Range,
}

/// The file that a line is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct At {
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(default)]
    pub owners: Vec<String>,
}

/// A file of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FileRow {
    #[serde(flatten)]
    pub at: At,
    #[serde(default)]
    pub findings: Vec<FindingRow>,
    #[serde(default)]
    pub fixed: Vec<FixedRow>,
    #[serde(default)]
    pub problems: Vec<ProblemRow>,
    #[serde(default)]
    pub unjudged: Vec<UnjudgedRow>,
}

/// A line of JSON lines.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Line {
    Finding {
        #[serde(flatten)]
        at: At,
        #[serde(flatten)]
        finding: Box<FindingRow>,
    },
    Fixed {
        #[serde(flatten)]
        at: At,
        #[serde(flatten)]
        fixed: FixedRow,
    },
    Problem {
        #[serde(flatten)]
        at: At,
        #[serde(flatten)]
        problem: ProblemRow,
    },
    Unjudged {
        #[serde(flatten)]
        at: At,
        #[serde(flatten)]
        unjudged: UnjudgedRow,
    },
    Summary {
        version: u32,
        #[serde(flatten)]
        totals: TotalsRow,
    },
}

/// A whole document.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub version: u32,
    pub files: Vec<FileRow>,
    pub summary: TotalsRow,
}

/// Counts that cannot be had from the rows, and what the run was.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TotalsRow {
    pub files: usize,
    #[serde(default)]
    pub fixed_files: usize,
    #[serde(default)]
    pub suppressed: usize,
    #[serde(default)]
    pub baselined: usize,
    #[serde(default)]
    pub stale: usize,
    #[serde(default)]
    pub not_analysed: usize,
    #[serde(default)]
    pub excluded: usize,
    #[serde(default)]
    pub ignored: usize,
    #[serde(default)]
    pub hidden: usize,
    #[serde(default)]
    pub unknown: usize,
    #[serde(default)]
    pub reports: usize,
    #[serde(default)]
    pub failures: usize,
    #[serde(default)]
    pub repositories: Vec<RepositoryRow>,
    #[serde(default)]
    pub catalogues: Vec<CatalogueRow>,
    #[serde(default)]
    pub regfix: Option<String>,
    #[serde(default)]
    pub as_of: Option<String>,
    #[serde(default)]
    pub shard: Option<String>,
    #[serde(default)]
    pub history: Vec<crate::report::Moment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RepositoryRow {
    pub repository: String,
    #[serde(default)]
    pub commit: Option<String>,
    #[serde(default)]
    pub baselined: usize,
    #[serde(default)]
    pub failures: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CatalogueRow {
    pub as_of: String,
    #[serde(default)]
    pub file: Option<String>,
}
