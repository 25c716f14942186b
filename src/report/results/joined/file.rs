//! A file of a joined run, as formats show it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::canvas::{Canvas, Drawn};
use crate::edit::{Edit, FileEdit, Fix};
use crate::finding::{Finding, Fixed, Key, Label, Problem, Related, Unjudged};
use crate::printable;
use crate::report::json::v1::{self, Line};
use crate::report::{FileReport, Origin, Owners, PathBase};
use crate::rules::{Availability, Verified};
use crate::source::{LineIndex, Position, Span};

/// A file of a joined run.
#[derive(Debug)]
pub struct File(pub(super) v1::File<'static>);

impl File {
    pub fn repository(&self) -> &str {
        self.0.at.repository.as_deref().unwrap_or_default()
    }

    /// The file as an entry of the `json` report, as it was read.
    pub fn json(&self) -> String {
        printable::json(&self.0)
    }

    /// The file as lines of the `jsonl` report, as they were read.
    pub fn json_lines(&self) -> String {
        let row = &self.0;
        let at = || row.at.clone();
        let findings = row.findings.iter().map(|finding| Line::Finding {
            at: at(),
            finding: Box::new(finding.clone()),
        });
        let fixed = row.fixed.iter().map(|fixed| Line::Fixed {
            at: at(),
            fixed: fixed.clone(),
        });
        let problems = row.problems.iter().map(|problem| Line::Problem {
            at: at(),
            problem: problem.clone(),
        });
        let unjudged = row.unjudged.iter().map(|unjudged| Line::Unjudged {
            at: at(),
            unjudged: unjudged.clone(),
        });
        let lines = findings.chain(fixed).chain(problems).chain(unjudged);
        lines.map(|line| printable::json(&line) + "\n").collect()
    }

    /// Passes the file to a format.
    pub fn with_report<R>(&self, show: impl FnOnce(&FileReport<'_>) -> R) -> R {
        let row = &self.0;
        let drawn = self.drawn();
        let lines = LineIndex::new(&drawn.text);
        let findings = self.findings(&drawn);
        let key = |(finding, row): (&Finding, &v1::Finding<'_>)| Key {
            rule: Arc::clone(&finding.rule),
            image: finding.name().to_owned(),
            at: row.at.as_deref().unwrap_or_default().to_owned(),
        };
        let keys: Vec<Key> = findings.iter().zip(&row.findings).map(key).collect();
        let fixed: Vec<Fixed> = row.fixed.iter().map(fixed).collect();
        let problems = row.problems.iter().map(|problem| {
            Problem::new(
                problem
                    .line
                    .zip(problem.column)
                    .map(|(line, column)| drawn.offset(line, column)),
                problem.message.to_string(),
                problem.fatal,
            )
        });
        let problems: Vec<Problem> = problems.collect();
        let unjudged = row.unjudged.iter().map(|one| Unjudged {
            rule: Arc::from(""),
            span: drawn.span(&one.range),
            reason: one.reason.clone(),
        });
        let unjudged: Vec<Unjudged> = unjudged.collect();
        let base = PathBase::new(Path::new("/"), None);
        let origin = row
            .at
            .repository
            .as_ref()
            .map(|name| Arc::new(self.origin(name, &base)));
        show(&FileReport {
            path: Path::new(&*row.at.path),
            base: &base,
            origin: origin.as_ref(),
            lines: &lines,
            findings: &findings,
            keys: &keys,
            fixed: &fixed,
            problems: &problems,
            unjudged: &unjudged,
        })
    }

    /// The file's repository. A run in a repository names it after its folder, which is not part of its paths.
    fn origin(&self, name: &str, base: &PathBase) -> Origin {
        let path = Path::new(&*self.0.at.path);
        let root = match path.starts_with(name) {
            true => Path::new("/").join(name),
            false => PathBuf::from("/"),
        };
        let owners = Owners::parse(&format!("* {}", self.0.at.owners.join(" ")));
        Origin {
            repository: name.to_owned(),
            commit: self.0.at.commit.as_deref().map(str::to_owned),
            base: base.rooted(&root).owned(owners),
        }
    }

    pub(super) fn drawn(&self) -> Drawn {
        let mut canvas = Canvas::default();
        for finding in &self.0.findings {
            let whole = (finding.spans.len() == 1).then_some(&*finding.old);
            finding
                .spans
                .iter()
                .for_each(|span| canvas.write(&span.range, whole));
            finding
                .edits
                .iter()
                .for_each(|edit| canvas.write(&edit.range, None));
        }
        for one in &self.0.unjudged {
            canvas.write(&one.range, Some(&one.text));
        }
        for problem in &self.0.problems {
            if let Some((line, column)) = problem.line.zip(problem.column) {
                canvas.reach(line, column);
            }
        }
        canvas.drawn()
    }

    pub(super) fn findings(&self, drawn: &Drawn) -> Vec<Finding> {
        let rows = self.0.findings.iter();
        rows.map(|row| finding(row, drawn)).collect()
    }
}

fn finding(row: &v1::Finding<'_>, drawn: &Drawn) -> Finding {
    let labels = row.spans.iter().map(|span| {
        Label::new(
            drawn.span(&span.range),
            span.label.as_deref().unwrap_or_default().to_owned(),
        )
    });
    let edits = row
        .edits
        .iter()
        .map(|edit| Edit::new(drawn.span(&edit.range), edit.text.to_string()));
    let elsewhere = row.elsewhere.iter().map(|edit| FileEdit {
        path: Arc::from(Path::new(&edit.path)),
        edit: Edit::new(
            Span::new(edit.start.min(edit.end), edit.end),
            edit.text.to_string(),
        ),
    });
    let related = row.related.iter().map(|related| Related {
        place: related.place.to_string(),
        position: related
            .line
            .zip(related.column)
            .map(|(line, column)| Position { line, column }),
        text: related.text.to_string(),
    });
    Finding {
        new: row.new.as_deref().map(str::to_owned),
        fix: row
            .applicability
            .map(|applicability| Fix::across(edits.collect(), elsewhere.collect(), applicability)),
        reason: row.reason.as_deref().map(str::to_owned),
        related: related.collect(),
        notes: row.notes.to_vec(),
        verified: row.verified.as_ref().and_then(|verified| {
            Some(Verified {
                outcome: Availability::named(&verified.outcome)?,
                digest: verified.digest.as_deref().map(str::to_owned),
                text: verified.text.to_string(),
            })
        }),
        // Alternatives are also in the notes. Usage and object are only in JSON, which uses the rows as they were read.
        url: row.url.as_deref().map(str::to_owned),
        mention: row.mention,
        ..Finding::new(
            &row.rule,
            row.severity,
            row.message.to_string(),
            labels.collect(),
            row.old.to_string(),
        )
    }
}

fn fixed(row: &v1::Fixed<'_>) -> Fixed {
    Fixed {
        finding: Finding {
            new: row.new.as_deref().map(str::to_owned),
            fix: row
                .applicability
                .map(|applicability| Fix::here(Vec::new(), applicability)),
            reason: row.reason.as_deref().map(str::to_owned),
            url: row.url.as_deref().map(str::to_owned),
            ..Finding::new(
                &row.rule,
                row.severity,
                row.message.to_string(),
                Vec::new(),
                row.old.to_string(),
            )
        },
        position: Position {
            line: row.line,
            column: row.column,
        },
    }
}
