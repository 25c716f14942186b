//! For programs that read line by line: the fields of the JSON report, one object per line, the summary last.

use super::json::v1::{At, Finding, Fixed, Line, Problem, Totals, Unjudged, VERSION};
use super::text::Places;
use super::{Delivery, FileReport, Format, RenderOptions, Stream, Summary};
use crate::printable;
use crate::rules::RuleSet;

struct JsonLines;

pub static FORMAT: Format = Format {
    name: "jsonl",
    about: "for programs: one object per line",
    notes: "the same fields; `type` is `finding`, `fixed`, `problem` or, in the last line, `summary`; `path` names \
            the file",
    is_document: true,
    has_keys: true,
    delivery: Delivery::Streamed(&JsonLines),
};

impl Stream for JsonLines {
    fn lists_unjudged(&self, _: &RenderOptions) -> bool {
        true
    }

    fn file(&self, report: &FileReport<'_>, _look: &RenderOptions) -> String {
        let path = printable::name(report.path);
        let origin = report.origin;
        let at = || At {
            path: path.as_str().into(),
            repository: origin.map(|origin| origin.repository.as_str().into()),
            commit: origin.and_then(|origin| Some(origin.commit.as_deref()?.into())),
            owners: report.owners().into(),
        };
        let mut places = Places::new(report);
        let mut out = String::new();
        let mut push = |row: &Line<'_>| {
            out += &printable::json(row);
            out.push('\n');
        };
        for (index, finding) in report.findings.iter().enumerate() {
            push(&Line::Finding {
                at: at(),
                finding: Box::new(Finding::new(finding, report.keys.get(index), &mut places)),
            });
        }
        for fixed in report.fixed {
            push(&Line::Fixed {
                at: at(),
                fixed: Fixed::new(fixed),
            });
        }
        for problem in report.problems {
            push(&Line::Problem {
                at: at(),
                problem: Problem::new(problem, &mut places),
            });
        }
        for one in report.unjudged {
            push(&Line::Unjudged {
                at: at(),
                unjudged: Unjudged::new(one, report.lines.text(), &mut places),
            });
        }
        out
    }

    fn end(&self, summary: &Summary, _: &RenderOptions, _: &RuleSet) -> String {
        let totals = Totals::new(summary);
        let version = VERSION;
        format!("{}\n", printable::json(&Line::Summary { version, totals }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::sample::{LOOK, Sample};
    use super::*;

    #[test]
    fn every_line_is_an_object_of_its_type() {
        let sample = Sample::new("a: k8s.gcr.io/a\nb: k8s.gcr.io/b\n")
            .finding("k8s.gcr.io/a")
            .fixed()
            .finding("k8s.gcr.io/b")
            .problem(Some(3), "no end\n", false)
            .unjudged("k8s.gcr.io/b");
        let rules = RuleSet::new(Vec::new());
        let text = sample.show(&JsonLines, "a.yaml", &LOOK)
            + &JsonLines.end(&Summary::default(), &LOOK, &rules);
        let rows: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let types: Vec<_> = rows
            .iter()
            .map(|row| row["type"].as_str().unwrap())
            .collect();
        assert_eq!(
            types,
            ["finding", "fixed", "problem", "unjudged", "summary"]
        );
        assert_eq!(rows[0]["path"], "a.yaml");
        assert_eq!(rows[0]["spans"][0]["line"], 2);
        assert_eq!(
            (&rows[1]["line"], &rows[2]["column"]),
            (&1.into(), &4.into())
        );
        assert_eq!(rows[3]["text"], "k8s.gcr.io/b");
        assert_eq!(rows[4]["version"], 1);
    }
}
