//! Files that are kept until the whole report can be written: findings and their locations, but no text.

use super::FileReport;
use super::text::Places;
use crate::finding::{Finding, Fixed, Problem};
use crate::printable;
use crate::source::Position;

/// A file without its text.
#[derive(Debug, Clone)]
pub struct ReportedFile {
    /// Relative to the root of the repository, safe to print.
    pub path: String,
    /// The repository; empty if there is none.
    pub repository: String,
    /// Owners from CODEOWNERS; empty if there is no such file.
    pub owners: Vec<String>,
    pub findings: Vec<LocatedFinding>,
    pub fixed: Vec<Fixed>,
    pub problems: Vec<(Option<Position>, Problem)>,
}

/// A finding and its location.
#[derive(Debug, Clone)]
pub struct LocatedFinding {
    pub position: Position,
    pub finding: Finding,
}

impl ReportedFile {
    pub fn new(report: &FileReport<'_>) -> Self {
        let mut places = Places::new(report);
        let findings = report.findings.iter().map(|finding| LocatedFinding {
            position: places.at(finding.span().start),
            finding: finding.clone(),
        });
        let findings = findings.collect();
        let problems = report
            .problems
            .iter()
            .map(|problem| (problem.offset.map(|at| places.at(at)), problem.clone()));
        let base = report.origin_base();
        let path = base.relative(report.path);
        let repository = report.origin.map(|origin| origin.repository.clone());
        Self {
            owners: base.owners(&path).to_vec(),
            repository: repository.unwrap_or_default(),
            path: printable::path(&report.base.from_root(report.path)),
            findings,
            fixed: report.fixed.to_vec(),
            problems: problems.collect(),
        }
    }
}
