//! Formats that expect files: each root is reported as a file `NAMESPACE/KIND/NAME` with one line per image.
//!
//! There is no text to edit, so fixes have no edits, only their applicability.

use crate::report::Tally;
use std::path::PathBuf;

use super::{Report, advice, git, remark};
use crate::cluster::inventory::Row;
use crate::finding::{Finding, Key, Label};
use crate::report::{self, FileReport, Format, PathBase, RenderOptions};
use crate::rules::RuleSet;
use crate::source::{LineIndex, Span};

pub(super) fn text(
    report: &Report<'_>,
    format: &'static Format,
    render_options: &RenderOptions,
    rules: &RuleSet,
) -> String {
    let mut whole = report::Report::new(format, *render_options);
    let mut text = whole.start();
    let base = PathBase::default();
    for rows in report.rows.chunk_by(|one, next| one.root == next.root) {
        let (lines, findings) = findings(rows);
        let keys: Vec<Key> = rows.iter().filter_map(key).collect();
        let index = LineIndex::new(&lines);
        let file = FileReport {
            path: &path(&rows[0]),
            base: &base,
            origin: None,
            lines: &index,
            findings: &findings,
            keys: &keys,
            fixed: &[],
            problems: &[],
            unjudged: &[],
        };
        text += &whole.add(format.chunk(&file, render_options));
    }
    text + &whole.end(&summary(report), rules)
}

fn path(row: &Row) -> PathBuf {
    // Names of objects contain neither `/`, `\` nor `..`; those in a forged dump may.
    let part = |text: &str| text.replace(['/', '\\'], "_").replace("..", "__");
    let root = &row.root;
    let parts = [&root.namespace, &root.kind, &root.name];
    parts
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| part(text))
        .collect()
}

/// Returns a line for each finding, and the findings with spans in these lines.
fn findings(rows: &[Row]) -> (String, Vec<Finding>) {
    let (mut text, mut findings) = (String::new(), Vec::new());
    for row in rows {
        let Some(judged) = &row.judged else { continue };
        let container = row.container.shown();
        text += &format!("{container}: ");
        let start = text.len();
        text += &row.image;
        let mut finding = Finding::clone(&judged.finding);
        finding.labels = vec![Label::new(Span::new(start, text.len()), container)];
        text.push('\n');
        if let Some(fix) = &mut finding.fix {
            fix.edits.clear();
        }
        finding.related.clear();
        finding
            .notes
            .push(format!("source: {}", row.origin.shown()));
        finding.notes.extend(advice(row));
        finding.notes.extend(remark(row));
        finding.notes.extend(git(row));
        findings.push(finding);
    }
    (text, findings)
}

/// Returns the key that identifies a finding from one run to the next.
fn key(row: &Row) -> Option<Key> {
    let finding = &row.judged.as_ref()?.finding;
    let container = row.container.shown();
    Some(Key {
        rule: finding.rule.clone(),
        image: row.image.clone(),
        at: format!("{}:{container}", row.root.shown()),
    })
}

/// Returns the summary in the form of a run over files.
fn summary(report: &Report<'_>) -> report::Summary {
    let own = &report.summary;
    let findings = report.rows.iter().filter_map(|row| row.judged.as_ref());
    let mut by_rule = Tally::default();
    findings.for_each(|judged| by_rule.add(&judged.finding));
    report::Summary {
        subject: report::Subject::Objects,
        files: own.objects,
        files_with_findings: own.roots,
        errors: own.errors,
        warnings: own.warnings,
        infos: own.infos,
        not_analysed: report.not_read.len(),
        by_rule: by_rule.rows(),
        ..report::Summary::default()
    }
}
