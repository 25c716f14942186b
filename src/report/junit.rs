//! For tools that show test results: one suite per file, one test case per finding.
//!
//! A finding of severity info is a skipped case. A clean run is one case that passes, because many tools treat an empty
//! report as an error.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Delivery, Format, Gather, LocatedFinding, RenderOptions, ReportedFile, Summary};
use crate::finding::{Finding, Problem, Severity};
use crate::printable;
use crate::rules::RuleSet;
use crate::source::Position;

struct Junit;

pub static FORMAT: Format = Format {
    name: "junit",
    about: "test results: one suite per file",
    notes: "one test case per finding; an `info` is a skipped case, and a clean run is one case that passes",
    is_document: true,
    has_keys: false,
    delivery: Delivery::Gathered(&Junit),
};

impl Gather for Junit {
    fn document(
        &self,
        files: &[ReportedFile],
        summary: &Summary,
        _: &RenderOptions,
        _: &RuleSet,
    ) -> String {
        let mut report = Report::new("regfix");
        let reported =
            |file: &&ReportedFile| !(file.findings.is_empty() && file.problems.is_empty());
        for file in files.iter().filter(reported) {
            report.add_test_suite(suite(file));
        }
        if summary.failures > 0 && report.errors == 0 {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message("standard error says why");
            report.add_test_suite(alone("the run is incomplete", status));
        } else if report.tests == 0 {
            let name = "no legacy registry references";
            report.add_test_suite(alone(name, TestCaseStatus::success()));
        }
        let mut xml = report.to_string().unwrap_or_default();
        if !xml.ends_with('\n') {
            xml.push('\n');
        }
        xml
    }
}

fn alone(name: &str, status: TestCaseStatus) -> TestSuite {
    let mut suite = TestSuite::new("regfix");
    suite.add_test_case(TestCase::new(name, status));
    suite
}

fn suite(file: &ReportedFile) -> TestSuite {
    let mut suite = TestSuite::new(file.path.as_str());
    for LocatedFinding { position, finding } in &file.findings {
        suite.add_test_case(of_finding(file, *position, finding));
    }
    for (position, problem) in &file.problems {
        suite.add_test_case(of_problem(file, *position, problem));
    }
    suite
}

fn of_finding(file: &ReportedFile, position: Position, finding: &Finding) -> TestCase {
    let mut status = match finding.severity {
        Severity::Info => TestCaseStatus::skipped(),
        Severity::Warning | Severity::Error => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    status.set_message(printable::lines(&finding.with_move()));
    status.set_type(finding.severity.name());
    let mut lines = vec![format!("{}: {}", place(file, Some(position)), finding.old)];
    lines.extend(finding.new.as_ref().map(|new| format!("move to {new}")));
    lines.extend(finding.remarks().iter().map(ToString::to_string));
    lines.extend(finding.url.clone());
    let about = |related: &crate::finding::Related| {
        format!("see {}: {}", related.shown_place(), related.text)
    };
    lines.extend(finding.related.iter().map(about));
    status.set_description(printable::lines(&lines.join("\n")));
    let Position { line, column } = position;
    case(file, format!("{} {line}:{column}", finding.rule), status)
}

fn of_problem(file: &ReportedFile, position: Option<Position>, problem: &Problem) -> TestCase {
    let mut status = match problem.fatal {
        true => TestCaseStatus::non_success(NonSuccessKind::Error),
        false => TestCaseStatus::skipped(),
    };
    status.set_message(printable::lines(&problem.message));
    let text = format!("{}: {}", place(file, position), problem.message);
    status.set_description(printable::lines(&text));
    let at = position.map_or_else(String::new, |Position { line, column }| {
        format!(" {line}:{column}")
    });
    case(file, format!("not analysed{at}"), status)
}

fn case(file: &ReportedFile, name: String, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(printable::line(&name), status);
    case.set_classname(file.path.as_str());
    case
}

fn place(file: &ReportedFile, position: Option<Position>) -> String {
    match position {
        Some(Position { line, column }) => format!("{}:{line}:{column}", file.path),
        None => file.path.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{LOOK, Sample, make_mention};
    use super::*;

    fn document(files: &[ReportedFile], summary: &Summary) -> String {
        Junit.document(files, summary, &LOOK, &RuleSet::new(Vec::new()))
    }

    #[test]
    fn totals_count_what_fails_and_what_is_skipped() {
        let sample = Sample::new("a: k8s.gcr.io/a\nb: k8s.gcr.io/<b>&\"\x1b\n")
            .finding("k8s.gcr.io/a")
            .finding("k8s.gcr.io/<b>&\"\x1b")
            .with(make_mention)
            .problem(None, "no room", true);
        let files = [sample.reported("a.yaml")];
        let text = document(&files, &Summary::default());
        let report = Report::deserialize_from_str(&text).unwrap();
        assert_eq!((report.tests, report.failures, report.errors), (3, 1, 1));
        let suite = &report.test_suites[0];
        assert_eq!(suite.name.as_str(), "sub/a.yaml");
        assert_eq!((suite.tests, suite.skipped), (3, 1));
        assert_eq!(suite.test_cases[0].name.as_str(), "k8s-gcr-io 1:4");
        assert!(
            text.contains("&lt;b&gt;&amp;") && !text.contains('\x1b'),
            "{text}"
        );
    }

    #[test]
    fn a_clean_run_is_a_case_that_passes_and_a_failed_one_is_not() {
        let clean = document(&[], &Summary::default());
        let clean = Report::deserialize_from_str(&clean).unwrap();
        assert_eq!((clean.tests, clean.failures, clean.errors), (1, 0, 0));
        let failed = Summary {
            failures: 1,
            ..Summary::default()
        };
        let failed = Report::deserialize_from_str(&document(&[], &failed)).unwrap();
        assert_eq!((failed.tests, failed.errors), (1, 1));
    }
}
