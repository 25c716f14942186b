//! For reviewdog: one document in its Diagnostic Format, with fixes as suggestions.
//!
//! Columns count bytes. reviewdog itself maps paths from the working directory to the repository.

use serde::Serialize;

use super::{Delivery, FileReport, Format, RenderOptions, Stream, Summary};
use crate::edit::Edit;
use crate::finding::{Finding, Severity};
use crate::printable;
use crate::rules::RuleSet;
use crate::source::Span;

struct Rdjson;

pub static FORMAT: Format = Format {
    name: "rdjson",
    about: "reviewdog, with suggestions",
    notes: "a suggestion if the fix is a single edit",
    is_document: true,
    has_keys: false,
    delivery: Delivery::Streamed(&Rdjson),
};

#[derive(Serialize)]
struct Diagnostic<'f> {
    message: String,
    location: Location<'f>,
    severity: &'static str,
    code: Code<'f>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion<'f>>,
}

#[derive(Serialize)]
struct Location<'f> {
    path: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Code<'f> {
    value: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'f str>,
}

#[derive(Serialize)]
struct Suggestion<'f> {
    range: Range,
    text: &'f str,
}

/// Half-open.
#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: usize,
    column: usize,
}

impl Stream for Rdjson {
    fn start(&self) -> String {
        "{\"source\":{\"name\":\"regfix\"},\"diagnostics\":[\n".to_owned()
    }

    fn between(&self) -> &'static str {
        ",\n"
    }

    fn file(&self, report: &FileReport<'_>, _look: &RenderOptions) -> String {
        let path = printable::name(report.path);
        let findings = report.findings.iter().map(|finding| {
            printable::json(&Diagnostic {
                message: finding.with_remarks(),
                location: Location {
                    path: &path,
                    range: Some(range(report, finding.span())),
                },
                severity: match finding.severity {
                    Severity::Error => "ERROR",
                    Severity::Warning => "WARNING",
                    Severity::Info => "INFO",
                },
                code: Code {
                    value: &finding.rule,
                    url: finding.url.as_deref(),
                },
                suggestions: suggestions(report, finding),
            })
        });
        let problems = report.problems.iter().map(|problem| {
            printable::json(&Diagnostic {
                message: problem.message.clone(),
                location: Location {
                    path: &path,
                    range: problem.offset.map(|at| range(report, Span::new(at, at))),
                },
                severity: if problem.fatal { "ERROR" } else { "INFO" },
                code: Code {
                    value: "not-analysed",
                    url: None,
                },
                suggestions: Vec::new(),
            })
        });
        findings.chain(problems).collect::<Vec<_>>().join(",\n")
    }

    fn end(&self, _: &Summary, _: &RenderOptions, _: &RuleSet) -> String {
        "\n]}\n".to_owned()
    }
}

/// A reviewer applies each suggestion alone, so it must be a whole fix: a single edit in one file.
fn suggestions<'f>(report: &FileReport<'_>, finding: &'f Finding) -> Vec<Suggestion<'f>> {
    let fix = finding.fix.as_ref();
    let fix = fix.filter(|fix| fix.applicability.is_written());
    match fix.map(|fix| (fix.edits.as_slice(), fix.elsewhere.is_empty())) {
        Some(([Edit { span, text }], true)) => vec![Suggestion {
            range: range(report, *span),
            text,
        }],
        _ => Vec::new(),
    }
}

fn range(report: &FileReport<'_>, span: Span) -> Range {
    Range {
        start: place(report, span.start),
        end: place(report, span.end),
    }
}

fn place(report: &FileReport<'_>, offset: usize) -> Position {
    let offset = offset.min(report.lines.text().len());
    let index = report.lines.line(offset);
    let start = report.lines.start(index);
    Position {
        line: index + 1,
        column: offset.saturating_sub(start) + 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::sample::{LOOK, Sample, finding, make_unsafe};
    use super::*;

    #[test]
    fn columns_are_bytes_and_a_suggestion_is_a_whole_fix() {
        let sample = Sample::new("ä: 雪 k8s.gcr.io/a\nb: k8s.gcr.io/b\n")
            .finding("k8s.gcr.io/a")
            .finding("k8s.gcr.io/b")
            .with(make_unsafe)
            .push(finding(&[(7, "k8s.gcr.io", "")], "k8s.gcr.io"))
            .with(|finding| {
                let fix = finding.fix.as_mut().unwrap();
                fix.edits.push(fix.edits[0].clone());
            })
            .problem(Some(3), "no end", false);
        let text = format!("[{}]", sample.show(&Rdjson, "a.yaml", &LOOK));
        let found: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found[0]["location"]["path"], "a.yaml");
        assert_eq!(found[0]["location"]["range"]["start"]["column"], 9);
        let suggestion = serde_json::json!([{
            "range": {"start": {"line": 1, "column": 9}, "end": {"line": 1, "column": 19}},
            "text": "registry.k8s.io",
        }]);
        assert_eq!(found[0]["suggestions"], suggestion);
        let message = found[1]["message"].as_str().unwrap();
        assert!(message.ends_with("(tags may differ)"), "{message}");
        assert_eq!(found[2]["suggestions"], Value::Null);
        assert_eq!(found[3]["code"]["value"], "not-analysed");
    }
}
