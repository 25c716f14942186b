//! For programs: one JSON document, a finding a line. `docs/json.md` says what each field means.
//!
//! The structs here are the schema. They are apart from the inner types on purpose, so that those can
//! change while this stays.

use serde::Serialize;

use super::text::{Places, slashed};
use super::{FileReport, Format, Look, Summary};
use crate::edit::Edit;
use crate::finding::{Finding, Fixed, Label, Problem};
use crate::source::{Position, Span};

/// Grows when a field goes, or means something else; not when one is added.
const VERSION: u32 = 1;

/// One document, streamed: the files, then the summary.
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn is_document(&self) -> bool {
        true
    }

    fn start(&self) -> String {
        format!("{{\"version\":{VERSION},\"files\":[\n")
    }

    fn between(&self) -> &'static str {
        ",\n"
    }

    fn file(&self, report: &FileReport<'_>, _look: &Look) -> String {
        if report.findings.is_empty() && report.fixed.is_empty() && report.problems.is_empty() {
            return String::new();
        }
        let mut places = Places::new(report);
        let findings = report
            .findings
            .iter()
            .map(|finding| line(&FindingV1::new(finding, &mut places)));
        let findings = list(findings.collect());
        let fixed = report.fixed.iter().map(|fixed| line(&FixedV1::new(fixed)));
        let fixed = list(fixed.collect());
        let problems = report
            .problems
            .iter()
            .map(|problem| line(&ProblemV1::new(problem, &mut places)));
        let problems = list(problems.collect());
        let path = line(&slashed(report.path));
        format!(
            "{{\"path\":{path},\n \"findings\":{findings},\n \"fixed\":{fixed},\n \"problems\":{problems}}}"
        )
    }

    fn end(&self, summary: &Summary, _look: &Look) -> String {
        format!("\n],\"summary\":{}}}\n", line(&SummaryV1::new(summary)))
    }
}

/// Serialises what cannot fail: strings, numbers and lists of them.
fn line<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

fn list(items: Vec<String>) -> String {
    match items.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n  {}]", items.join(",\n  ")),
    }
}

#[derive(Serialize)]
struct FindingV1<'f> {
    rule: &'f str,
    severity: &'static str,
    message: &'f str,
    mention: bool,
    old: &'f str,
    new: Option<&'f str>,
    reason: Option<&'f str>,
    url: Option<&'f str>,
    applicability: Option<&'static str>,
    spans: Vec<SpanV1<'f>>,
    edits: Vec<EditV1<'f>>,
}

impl<'f> FindingV1<'f> {
    fn new(finding: &'f Finding, places: &mut Places<'_>) -> Self {
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        Self {
            rule: &finding.rule,
            severity: finding.severity.name(),
            message: &finding.message,
            mention: finding.mention,
            old: &finding.old,
            new: finding.new.as_deref(),
            reason: finding.reason.as_deref(),
            url: finding.url.as_deref(),
            applicability: applicability(finding),
            spans: finding
                .labels
                .iter()
                .map(|label| SpanV1::new(label, places))
                .collect(),
            edits: edits.map(|edit| EditV1::new(edit, places)).collect(),
        }
    }
}

/// Without spans and edits: the text that they belong to is gone.
#[derive(Serialize)]
struct FixedV1<'f> {
    rule: &'f str,
    severity: &'static str,
    message: &'f str,
    old: &'f str,
    new: Option<&'f str>,
    reason: Option<&'f str>,
    url: Option<&'f str>,
    applicability: Option<&'static str>,
    line: usize,
    column: usize,
}

impl<'f> FixedV1<'f> {
    fn new(fixed: &'f Fixed) -> Self {
        let Fixed { finding, position } = fixed;
        Self {
            rule: &finding.rule,
            severity: finding.severity.name(),
            message: &finding.message,
            old: &finding.old,
            new: finding.new.as_deref(),
            reason: finding.reason.as_deref(),
            url: finding.url.as_deref(),
            applicability: applicability(finding),
            line: position.line,
            column: position.column,
        }
    }
}

fn applicability(finding: &Finding) -> Option<&'static str> {
    finding.fix.as_ref().map(|fix| fix.applicability.name())
}

#[derive(Serialize)]
struct RangeV1 {
    start: usize,
    end: usize,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl RangeV1 {
    fn new(span: Span, places: &mut Places<'_>) -> Self {
        let Position { line, column } = places.at(span.start);
        let end = places.at(span.end);
        Self {
            start: span.start,
            end: span.end,
            line,
            column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}

#[derive(Serialize)]
struct SpanV1<'f> {
    label: Option<&'f str>,
    #[serde(flatten)]
    range: RangeV1,
}

impl<'f> SpanV1<'f> {
    fn new(label: &'f Label, places: &mut Places<'_>) -> Self {
        Self {
            label: Some(label.text.as_str()).filter(|text| !text.is_empty()),
            range: RangeV1::new(label.span, places),
        }
    }
}

#[derive(Serialize)]
struct EditV1<'f> {
    #[serde(flatten)]
    range: RangeV1,
    text: &'f str,
}

impl<'f> EditV1<'f> {
    fn new(edit: &'f Edit, places: &mut Places<'_>) -> Self {
        Self {
            range: RangeV1::new(edit.span, places),
            text: &edit.text,
        }
    }
}

#[derive(Serialize)]
struct ProblemV1<'f> {
    message: &'f str,
    fatal: bool,
    start: Option<usize>,
    line: Option<usize>,
    column: Option<usize>,
}

impl<'f> ProblemV1<'f> {
    fn new(problem: &'f Problem, places: &mut Places<'_>) -> Self {
        let position = problem.offset.map(|offset| places.at(offset));
        Self {
            message: &problem.message,
            fatal: problem.fatal,
            start: problem.offset,
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
        }
    }
}

/// The time is left out: the same input gives the same document.
#[derive(Serialize)]
struct SummaryV1<'s> {
    files: usize,
    files_with_findings: usize,
    errors: usize,
    warnings: usize,
    infos: usize,
    fixable: usize,
    unsafe_fixable: usize,
    fixed: usize,
    fixed_files: usize,
    suppressed: usize,
    not_analysed: usize,
    failures: usize,
    by_rule: Vec<RuleCountV1<'s>>,
}

#[derive(Serialize)]
struct RuleCountV1<'s> {
    rule: &'s str,
    count: usize,
}

impl<'s> SummaryV1<'s> {
    fn new(summary: &'s Summary) -> Self {
        let by_rule = summary.by_rule.iter().map(|(rule, count)| RuleCountV1 {
            rule,
            count: *count,
        });
        Self {
            files: summary.files,
            files_with_findings: summary.files_with_findings,
            errors: summary.errors,
            warnings: summary.warnings,
            infos: summary.infos,
            fixable: summary.fixable,
            unsafe_fixable: summary.unsafe_fixable,
            fixed: summary.fixed,
            fixed_files: summary.fixed_files,
            suppressed: summary.suppressed,
            not_analysed: summary.not_analysed,
            failures: summary.failures,
            by_rule: by_rule.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::sample::{LOOK, Sample, finding, make_mention};
    use super::*;

    static MANUAL: &str = include_str!("../../docs/json.md");

    fn document(samples: &[(&str, &Sample)]) -> Value {
        let files = samples
            .iter()
            .map(|(path, sample)| sample.show(&Json, path, &LOOK));
        let files: Vec<String> = files.filter(|file| !file.is_empty()).collect();
        let summary = Summary {
            files: 7,
            by_rule: vec![("k8s-gcr-io".to_owned(), 2)],
            ..Summary::default()
        };
        let text = Json.start() + &files.join(Json.between()) + &Json.end(&summary, &LOOK);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
    }

    fn full() -> Sample {
        let pieces = [(6, "k8s.gcr.io", "registry"), (21, "ä", "path")];
        Sample::new("\u{feff}a: k8s.gcr.io\r\nb: ä\n\x1b\"\\")
            .push(finding(&pieces, "k8s.gcr.io/ä"))
            .fixed()
            .push(finding(&pieces, "k8s.gcr.io/\x1b\"\\"))
            .push(finding(&[(21, "ä", "")], "ä"))
            .with(make_mention)
            .problem(Some(21), "no end", false)
            .problem(None, "no room", true)
    }

    #[test]
    fn a_run_with_nothing_to_tell_is_a_document() {
        let value = document(&[("a", &Sample::new("a"))]);
        assert_eq!(value["version"], 1);
        assert_eq!(value["files"], Value::Array(Vec::new()));
        assert_eq!(value["summary"]["files"], 7);
        assert_eq!(document(&[])["summary"]["by_rule"][0]["count"], 2);
    }

    #[test]
    fn places_are_bytes_from_0_and_lines_and_columns_from_1() {
        let value = document(&[
            ("a/b.yaml", &full()),
            ("c", &Sample::new("c")),
            ("d", &full()),
        ]);
        assert_eq!(value["files"].as_array().map(Vec::len), Some(2));
        let file = &value["files"][0];
        assert_eq!(file["path"], "a/b.yaml");
        let finding = &file["findings"][0];
        assert_eq!(finding["old"], "k8s.gcr.io/\x1b\"\\");
        assert_eq!(finding["applicability"], "safe");
        let path = serde_json::json!({
            "label": "path", "start": 21, "end": 23,
            "line": 2, "column": 4, "end_line": 2, "end_column": 5,
        });
        assert_eq!(finding["spans"][1], path);
        let edit = serde_json::json!({
            "start": 6, "end": 16, "line": 1, "column": 4, "end_line": 1, "end_column": 14,
            "text": "registry.k8s.io",
        });
        assert_eq!(finding["edits"][0], edit);
        let mention = &file["findings"][1];
        assert_eq!(mention["mention"], true);
        assert_eq!(mention["applicability"], Value::Null);
        assert_eq!(mention["spans"][0]["label"], Value::Null);
        assert_eq!(file["fixed"][0]["column"], 4);
        assert_eq!(file["problems"][0]["line"], 2);
        assert_eq!(file["problems"][1]["line"], Value::Null);
    }

    #[test]
    fn the_manual_names_every_field() {
        fn keys(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) => {
                    for (key, value) in fields {
                        found.push(key.clone());
                        keys(value, found);
                    }
                }
                Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        keys(&document(&[("a", &full())]), &mut found);
        assert!(found.len() > 50);
        for key in found {
            assert!(
                MANUAL.contains(&format!("| `{key}` |")),
                "docs/json.md does not tell of {key}"
            );
        }
    }
}
