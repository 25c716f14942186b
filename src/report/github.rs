//! For GitHub Actions: workflow commands on standard output, which become annotations of lines.
//!
//! GitHub shows ten annotations of each severity per step, so use `sarif` or `markdown` as well.

use super::text::Places;
use super::{Delivery, FileReport, Format, RenderOptions, Stream, Summary, concise};
use crate::finding::{Finding, Severity};
use crate::printable;
use crate::rules::RuleSet;
use crate::source::Position;

struct Github;

pub static FORMAT: Format = Format {
    name: "github",
    about: "annotations for GitHub Actions",
    notes: "workflow commands; GitHub shows ten annotations of each severity per step",
    is_document: false,
    has_keys: false,
    delivery: Delivery::Streamed(&Github),
};

impl Stream for Github {
    fn file(&self, report: &FileReport<'_>, _look: &RenderOptions) -> String {
        let path = property(&printable::path(&report.base.from_root(report.path)));
        let mut places = Places::new(report);
        let mut out = String::new();
        for finding in report.findings {
            let span = finding.span();
            let (start, end) = (places.at(span.start), places.at(span.end));
            let title = property(&format!("regfix: {}", finding.rule));
            let level = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "notice",
            };
            let range = range(start, end);
            let text = data(&message(finding));
            out += &format!("::{level} file={path},{range},title={title}::{text}\n");
        }
        for problem in report.problems {
            let level = if problem.fatal { "error" } else { "notice" };
            let place = problem.offset.map(|offset| places.at(offset));
            let place = place.map_or_else(String::new, |Position { line, column }| {
                format!(",line={line},col={column}")
            });
            let text = data(&problem.message);
            out += &format!("::{level} file={path}{place},title=regfix%3A not analysed::{text}\n");
        }
        out
    }

    fn end(&self, summary: &Summary, render_options: &RenderOptions, _: &RuleSet) -> String {
        format!("regfix: {}", concise::counts(summary, render_options))
    }
}

/// Columns are only valid within one line.
fn range(start: Position, end: Position) -> String {
    let Position { line, column } = start;
    match line == end.line {
        true => format!(
            "line={line},endLine={line},col={column},endColumn={}",
            end.column
        ),
        false => format!("line={line},endLine={}", end.line),
    }
}

/// The message, the move, and why a fix is not safe.
fn message(finding: &Finding) -> String {
    let moved = match &finding.new {
        Some(new) => format!("\n{} → {new}", finding.old),
        None => finding
            .beside_message()
            .map_or_else(String::new, |old| format!("\n{old}")),
    };
    let remarks: String = finding
        .remarks()
        .iter()
        .map(|remark| format!("\n{remark}"))
        .collect();
    format!("{}{moved}{remarks}", finding.message)
}

/// Escapes the text of a command like `@actions/core`.
fn data(text: &str) -> String {
    let text = printable::lines(text);
    text.replace('%', "%25").replace('\n', "%0A")
}

/// Escapes a property of a command like `@actions/core`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::sample::{LOOK, Sample, make_mention, make_unsafe};
    use super::*;

    #[test]
    fn commands_stay_on_their_line_and_keep_their_properties() {
        let text = "a: k8s.gcr.io/a\nb: k8s.gcr.io/b\nc: k8s.gcr.io/%0A\n";
        let sample = Sample::new(text)
            .finding("k8s.gcr.io/a")
            .finding("k8s.gcr.io/b")
            .with(make_unsafe)
            .finding("k8s.gcr.io/%0A")
            .with(make_mention)
            .with(|finding| finding.old += "\r\n::error::x")
            .problem(Some(3), "no end\n::add-mask::", false)
            .problem(None, "no room: 100%", true);
        let expected = "\
::warning file=sub/x%2C%3A%25.yaml,line=1,endLine=1,col=4,endColumn=16,title=regfix%3A k8s-gcr-io::k8s.gcr.io is frozen; use registry.k8s.io%0Ak8s.gcr.io/a → registry.k8s.io/a
::warning file=sub/x%2C%3A%25.yaml,line=2,endLine=2,col=4,endColumn=16,title=regfix%3A k8s-gcr-io::k8s.gcr.io is frozen; use registry.k8s.io%0Ak8s.gcr.io/b → registry.k8s.io/b%0Atags may differ
::notice file=sub/x%2C%3A%25.yaml,line=3,endLine=3,col=4,endColumn=18,title=regfix%3A k8s-gcr-io::names a legacy location but does not pull from it: a link for readers%0Ak8s.gcr.io/%250A␍%0A::error::x
::notice file=sub/x%2C%3A%25.yaml,line=1,col=4,title=regfix%3A not analysed::no end%0A::add-mask::
::error file=sub/x%2C%3A%25.yaml,title=regfix%3A not analysed::no room: 100%25
";
        assert_eq!(sample.show(&Github, "x,:%.yaml", &LOOK), expected);
    }

    #[test]
    fn columns_are_left_out_where_a_finding_takes_several_lines() {
        let at = |line, column| Position { line, column };
        assert_eq!(range(at(1, 2), at(3, 1)), "line=1,endLine=3");
    }
}
