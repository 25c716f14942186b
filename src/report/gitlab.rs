//! For GitLab merge requests: a code quality report, which is a JSON list of issues.

use serde::Serialize;

use super::fingerprint::fingerprints;
use super::text::Places;
use super::{Delivery, FileReport, Format, RenderOptions, Stream, Summary};
use crate::finding::{Finding, Severity};
use crate::printable;
use crate::rules::RuleSet;

struct Gitlab;

pub static FORMAT: Format = Format {
    name: "gitlab",
    about: "a code quality report for GitLab",
    notes: "GitLab shows it in merge requests",
    is_document: true,
    has_keys: true,
    delivery: Delivery::Streamed(&Gitlab),
};

#[derive(Serialize)]
struct Issue<'f> {
    description: String,
    check_name: &'f str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'f>,
}

#[derive(Serialize)]
struct Location<'f> {
    path: &'f str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

impl Stream for Gitlab {
    fn start(&self) -> String {
        "[\n".to_owned()
    }

    fn between(&self) -> &'static str {
        ",\n"
    }

    fn file(&self, report: &FileReport<'_>, _look: &RenderOptions) -> String {
        let path = report.base.relative(report.path);
        let mut places = Places::new(report);
        let mut lines_of = |finding: &Finding| {
            let span = finding.span();
            Lines {
                begin: places.at(span.start).line,
                end: places.at(span.end).line,
            }
        };
        let findings = report.findings.iter().zip(fingerprints(report));
        let issues = findings.map(|(finding, fingerprint)| {
            printable::json(&Issue {
                description: finding.with_remarks(),
                check_name: &finding.rule,
                fingerprint,
                severity: match finding.severity {
                    Severity::Error => "major",
                    Severity::Warning => "minor",
                    Severity::Info => "info",
                },
                location: Location {
                    path: &path,
                    lines: lines_of(finding),
                },
            })
        });
        issues.collect::<Vec<_>>().join(",\n")
    }

    fn end(&self, _: &Summary, _: &RenderOptions, _: &RuleSet) -> String {
        "\n]\n".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::super::sample::{LOOK, Sample};
    use super::*;

    fn issues(sample: &Sample) -> Vec<Value> {
        let text = format!("[{}]", sample.show(&Gitlab, "a b.yaml", &LOOK));
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn fingerprints_stay_when_lines_shift_and_are_of_one_finding_each() {
        let sample = |lead: &str| {
            let text = format!("{lead}a: k8s.gcr.io/a\nb: k8s.gcr.io/b\n");
            Sample::new(&text)
                .finding("k8s.gcr.io/a")
                .finding("k8s.gcr.io/a")
                .finding("k8s.gcr.io/b")
        };
        let prints = |issues: &[Value]| -> Vec<String> {
            let print = |issue: &Value| issue["fingerprint"].as_str().unwrap().to_owned();
            issues.iter().map(print).collect()
        };
        let (before, after) = (issues(&sample("")), issues(&sample("# a\n# b\n")));
        assert_eq!(prints(&before), prints(&after));
        assert_eq!(prints(&before).iter().collect::<HashSet<_>>().len(), 3);
        assert_eq!(before[0]["location"]["path"], "sub/a b.yaml");
        assert_eq!(before[2]["location"]["lines"]["begin"], 2);
        assert_eq!(after[2]["location"]["lines"]["begin"], 4);
    }
}
