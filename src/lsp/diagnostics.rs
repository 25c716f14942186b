//! Findings as diagnostics.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag,
    Location, NumberOrString, Position, Range, Uri,
};

use super::client::Client;
use super::documents::Documents;
use super::position::Lines;
use crate::finding::{self, Finding, Problem, Related, Severity};
use crate::run::Judged;

/// The source that the editor shows.
const SOURCE: &str = "regfix";

/// Returns the diagnostics of a file. `all` are the files that were judged together with it.
pub(super) fn of_file(
    path: &Path,
    all: &BTreeMap<PathBuf, Judged>,
    documents: &Documents,
    client: &Client,
) -> Vec<Diagnostic> {
    let Some(judged) = all.get(path) else {
        return Vec::new();
    };
    let maker = Maker {
        lines: Lines::new(&judged.text, client.units),
        uri: documents.uri(path),
        all,
        documents,
        client,
    };
    let findings = judged.findings.iter();
    let findings = findings.map(|finding| maker.of_finding(finding));
    // Other problems appear only in reports: other servers show syntax errors in YAML.
    let problems = judged.problems.iter().filter(|problem| problem.fatal);
    findings
        .chain(problems.map(|problem| maker.of_problem(problem)))
        .collect()
}

struct Maker<'m> {
    lines: Lines<'m>,
    uri: Option<Uri>,
    all: &'m BTreeMap<PathBuf, Judged>,
    documents: &'m Documents,
    client: &'m Client,
}

impl Maker<'_> {
    fn of_finding(&self, finding: &Finding) -> Diagnostic {
        let is_supported = self.client.tags && !finding.mention;
        Diagnostic {
            range: self.lines.range(finding.span()),
            severity: Some(severity(finding)),
            code: Some(NumberOrString::String(finding.rule.to_string())),
            code_description: self.link(finding),
            source: Some(SOURCE.to_owned()),
            message: finding.with_remarks(),
            related_information: self.related(finding),
            tags: is_supported.then(|| vec![tag(finding)]),
            data: None,
        }
    }

    fn of_problem(&self, problem: &Problem) -> Diagnostic {
        let at = self.lines.position(problem.offset.unwrap_or_default());
        Diagnostic {
            range: Range::new(at, at),
            severity: Some(DiagnosticSeverity::WARNING),
            source: Some(SOURCE.to_owned()),
            message: problem.message.clone(),
            ..Diagnostic::default()
        }
    }

    fn link(&self, finding: &Finding) -> Option<CodeDescription> {
        let url = finding.url.as_ref().filter(|_| self.client.code_links)?;
        let href = Uri::from_str(url).ok()?;
        Some(CodeDescription { href })
    }

    /// Returns the other pieces of the reference, and related locations in other files.
    fn related(&self, finding: &Finding) -> Option<Vec<DiagnosticRelatedInformation>> {
        if !self.client.related_information {
            return None;
        }
        let pieces = finding.labels.iter().skip(1).filter_map(|label| {
            let range = self.lines.range(label.span);
            let location = Location::new(self.uri.clone()?, range);
            let message = label.text.clone();
            Some(DiagnosticRelatedInformation { location, message })
        });
        let elsewhere = finding.related.iter();
        let elsewhere = elsewhere.filter_map(|related| self.elsewhere(related));
        let all: Vec<_> = pieces.chain(elsewhere).collect();
        (!all.is_empty()).then_some(all)
    }

    fn elsewhere(&self, related: &Related) -> Option<DiagnosticRelatedInformation> {
        let archive = related.archive();
        let path = Path::new(archive.unwrap_or(&related.place));
        let path = std::path::absolute(path).ok()?;
        let judged = self.all.get(&path).filter(|_| archive.is_none());
        let at = match (judged, related.position) {
            (Some(judged), Some(at)) => {
                let lines = Lines::new(&judged.text, self.client.units);
                let line = u32::try_from(at.line.saturating_sub(1)).unwrap_or_default();
                let start = lines.offset(Position::new(line, 0));
                let column = at.column.saturating_sub(1);
                let before = judged.text[start..].chars().take(column);
                lines.position(start + before.map(char::len_utf8).sum::<usize>())
            }
            _ => Position::default(),
        };
        let message = match archive {
            Some(_) => format!("{}: {}", related.shown_place(), related.text),
            None => related.text.clone(),
        };
        let location = Location::new(self.documents.uri(&path)?, Range::new(at, at));
        Some(DiagnosticRelatedInformation { location, message })
    }
}

fn severity(finding: &Finding) -> DiagnosticSeverity {
    match finding.severity {
        _ if finding.mention => DiagnosticSeverity::HINT,
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
    }
}

fn tag(finding: &Finding) -> DiagnosticTag {
    match &*finding.rule {
        finding::IGNORE_UNUSED | finding::IGNORE_EXPIRED => DiagnosticTag::UNNECESSARY,
        _ => DiagnosticTag::DEPRECATED,
    }
}
