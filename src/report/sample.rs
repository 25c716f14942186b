//! Findings for the tests of the formats.

use std::path::Path;
use std::sync::Arc;

use super::{FileReport, PathBase, RenderOptions, ReportedFile, RuleCounts, Stream, Tally, group};
use crate::edit::{Applicability, Edit, FileEdit, Fix};
use crate::finding::{Finding, Fixed, Key, Label, Problem, Related, Severity, Unjudged};
use crate::source::{LineIndex, Position, Span};

/// A terminal of 80 columns without colour.
pub(super) const LOOK: RenderOptions = RenderOptions::PLAIN;

/// The result of a file.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) text: String,
    pub(super) findings: Vec<Finding>,
    pub(super) fixed: Vec<Fixed>,
    pub(super) problems: Vec<Problem>,
    pub(super) unjudged: Vec<Unjudged>,
}

impl Sample {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }

    /// Adds a finding at the first `old`, with a safe fix of its host.
    pub(super) fn finding(mut self, old: &str) -> Self {
        let at = self.text.find(old).unwrap();
        let finding = finding(&[(at, old, "")], old);
        self.findings.push(finding);
        self
    }

    pub(super) fn push(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }

    /// Changes the last finding.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Finding)) -> Self {
        change(self.findings.last_mut().unwrap());
        self
    }

    /// Marks the findings so far as fixed.
    pub(super) fn fixed(mut self) -> Self {
        let lines = LineIndex::new(&self.text);
        let findings = std::mem::take(&mut self.findings).into_iter();
        self.fixed.extend(findings.map(|finding| Fixed {
            position: lines.position(finding.span().start),
            finding,
        }));
        self
    }

    pub(super) fn problem(mut self, offset: Option<usize>, message: &str, fatal: bool) -> Self {
        self.problems.push(Problem::new(offset, message, fatal));
        self
    }

    /// Adds a legacy location that could not be judged, at the first `name`.
    pub(super) fn unjudged(mut self, name: &str) -> Self {
        let start = self.text.find(name).unwrap();
        self.unjudged.push(Unjudged {
            rule: Arc::from("k8s-gcr-io"),
            span: Span::new(start, start + name.len()),
            reason: "nothing says what reads it".into(),
        });
        self
    }

    pub(super) fn show(
        &self,
        format: &dyn Stream,
        path: &str,
        render_options: &RenderOptions,
    ) -> String {
        let is_listed = |report: &FileReport<'_>| {
            format.lists_unjudged(render_options) && !report.unjudged.is_empty()
        };
        self.with_report(path, |report| {
            match report.is_empty() && !is_listed(report) {
                true => String::new(),
                false => format.file(report, render_options),
            }
        })
    }

    pub(super) fn reported(&self, path: &str) -> ReportedFile {
        self.with_report(path, ReportedFile::new)
    }

    /// Builds a report as if regfix ran in `sub/` of a repository.
    pub(super) fn with_report<T>(&self, path: &str, read: impl FnOnce(&FileReport<'_>) -> T) -> T {
        let lines = LineIndex::new(&self.text);
        let key = |finding: &Finding| Key {
            rule: Arc::clone(&finding.rule),
            image: finding.old.clone(),
            at: "spec.image".to_owned(),
        };
        let keys: Vec<Key> = self.findings.iter().map(key).collect();
        read(&FileReport {
            path: Path::new(path),
            base: &PathBase::new(Path::new("/repo/sub"), Some(Path::new("/repo"))),
            origin: None,
            lines: &lines,
            findings: &self.findings,
            keys: &keys,
            fixed: &self.fixed,
            problems: &self.problems,
            unjudged: &self.unjudged,
        })
    }
}

/// A finding with a label for each piece: its offset, text and label text.
pub(super) fn finding(pieces: &[(usize, &str, &str)], old: &str) -> Finding {
    let label = |(at, piece, name): &(usize, &str, &str)| {
        Label::new(Span::new(*at, at + piece.len()), *name)
    };
    let host = Span::new(
        pieces[0].0,
        pieces[0].0 + "k8s.gcr.io".len().min(pieces[0].1.len()),
    );
    Finding {
        new: Some(old.replacen("k8s.gcr.io", "registry.k8s.io", 1)),
        fix: Some(Fix::here(
            vec![Edit::new(host, "registry.k8s.io")],
            Applicability::Safe,
        )),
        url: Some("https://example.com/freeze".to_owned()),
        ..Finding::new(
            "k8s-gcr-io",
            Severity::Warning,
            "k8s.gcr.io is frozen; use registry.k8s.io".to_owned(),
            pieces.iter().map(label).collect(),
            old.to_owned(),
        )
    }
}

/// Turns a safe fix into one that needs review, with a reason.
pub(super) fn make_unsafe(finding: &mut Finding) {
    finding.reason = Some("tags may differ".to_owned());
    if let Some(fix) = &mut finding.fix {
        fix.applicability = Applicability::Unsafe;
    }
}

/// Turns a finding into a mention.
pub(super) fn make_mention(finding: &mut Finding) {
    finding.severity = Severity::Info;
    finding.message =
        "names a legacy location but does not pull from it: a link for readers".to_owned();
    finding.new = None;
    finding.fix = None;
    finding.reason = Some("a link for readers".to_owned());
    finding.mention = true;
}

/// Turns a fix into one that also changes another file, because of a value in an archive.
pub(super) fn make_shared(finding: &mut Finding) {
    finding.related = vec![Related {
        place: "x-1.tgz!x/values.yaml".to_owned(),
        position: Some(Position { line: 3, column: 4 }),
        text: "the default".to_owned(),
    }];
    if let Some(fix) = &mut finding.fix {
        fix.elsewhere = Arc::from([FileEdit {
            path: Arc::from(Path::new("../b.yaml")),
            edit: Edit::new(Span::new(1, 5), "new"),
        }]);
    }
}

/// The counts by rule of a run over the files.
pub(super) fn by_rule_of(files: &[ReportedFile]) -> Vec<RuleCounts> {
    let mut tally = Tally::default();
    group::findings(files).for_each(|(_, placed)| tally.add(&placed.finding));
    tally.rows()
}
