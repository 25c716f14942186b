//! For editors, logs and `grep`: one finding per line.
//!
//! `path:line:col: severity rule message [old -> new]`, then `[*]` for a safe fix and `[~]` for one that needs review.

use super::text::{Color, Places, count, unjudged, written_in};
use super::{Delivery, FileReport, Format, RenderOptions, Stream, Summary, repositories};
use crate::edit::Applicability;
use crate::finding::{Finding, Problem, Related, Severity};
use crate::printable;
use crate::rules::RuleSet;
use crate::source::Position;

/// One line per finding, and a line of counts.
pub struct Concise;

pub static FORMAT: Format = Format {
    name: "concise",
    about: "one finding per line",
    notes: "for editors and `grep`; with `--verbose` also its related locations",
    is_document: false,
    has_keys: false,
    delivery: Delivery::Streamed(&Concise),
};

impl Stream for Concise {
    fn lists_unjudged(&self, render_options: &RenderOptions) -> bool {
        render_options.verbose
    }

    fn file(&self, report: &FileReport<'_>, render_options: &RenderOptions) -> String {
        let mut lines = Lines {
            path: printable::path(report.path),
            places: Places::new(report),
            render_options,
            out: String::new(),
        };
        for fixed in report.fixed {
            let word = Color::Green.on("fixed", render_options.color);
            lines.push(Some(fixed.position), &word, &done(&fixed.finding));
        }
        for finding in report.findings {
            let position = lines.places.at(finding.span().start);
            lines.push(
                Some(position),
                &severity(finding.severity, render_options),
                &left(finding),
            );
            if render_options.verbose {
                finding
                    .related
                    .iter()
                    .for_each(|related| lines.related(related));
                for note in &finding.notes {
                    lines.push(Some(position), "note:", &printable::line(note));
                }
            }
        }
        for problem in report.problems {
            lines.problem(problem);
        }
        if self.lists_unjudged(render_options) {
            for one in report.unjudged {
                let position = lines.places.at(one.span.start);
                let word = Color::Yellow.on("not judged", render_options.color);
                lines.push(
                    Some(position),
                    &format!("{word}:"),
                    &unjudged(report.lines.text(), one),
                );
            }
        }
        lines.out
    }

    fn end(&self, summary: &Summary, render_options: &RenderOptions, _: &RuleSet) -> String {
        counts(summary, render_options)
    }
}

/// The line of counts.
pub fn counts(summary: &Summary, render_options: &RenderOptions) -> String {
    let counts = [
        (summary.errors, "error"),
        (summary.warnings, "warning"),
        (summary.infos, "info"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| count(number, noun))
        .collect();
    let found = match counts.as_slice() {
        [] if summary.fixed > 0 => "nothing left".to_owned(),
        [] => "nothing found".to_owned(),
        counts => counts.join(", "),
    };
    let asides: String = asides(summary, render_options)
        .iter()
        .map(|aside| format!("; {aside}"))
        .collect();
    let repositories = repositories::lines(&summary.repositories, render_options.color);
    let repositories: String = repositories
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    let files = count(summary.files, "file");
    format!("{repositories}{found} in {files}{asides}\n")
}

struct Lines<'r> {
    path: String,
    places: Places<'r>,
    render_options: &'r RenderOptions,
    out: String,
}

impl Lines<'_> {
    fn push(&mut self, position: Option<Position>, word: &str, rest: &str) {
        let place = match position {
            Some(position) => format!("{}:{}:{}:", self.path, position.line, position.column),
            None => format!("{}:", self.path),
        };
        let place = Color::Bold.on(&place, self.render_options.color);
        self.out
            .push_str(format!("{place} {word} {rest}").trim_end());
        self.out.push('\n');
    }

    /// Writes another location related to the preceding finding.
    fn related(&mut self, related: &Related) {
        let place = Color::Bold.on(
            &format!("{}:", printable::line(&related.shown_place())),
            self.render_options.color,
        );
        self.out
            .push_str(&format!("{place} note: {}", printable::line(&related.text)));
        self.out.push('\n');
    }

    fn problem(&mut self, problem: &Problem) {
        let color = Color::of_problem(problem.fatal);
        let word = format!("{}:", color.on("problem", self.render_options.color));
        let position = problem.offset.map(|offset| self.places.at(offset));
        self.push(position, &word, &printable::line(&problem.message));
    }
}

fn severity(severity: Severity, render_options: &RenderOptions) -> String {
    Color::of(severity).on(severity.name(), render_options.color)
}

fn left(finding: &Finding) -> String {
    let mark = match finding.applicability() {
        Some(Applicability::Safe) => " [*]",
        Some(Applicability::Unsafe) => " [~]",
        Some(Applicability::Display) | None => "",
    };
    let message = printable::line(&finding.message);
    let verified = finding.verified.as_ref();
    let verified = verified.map_or_else(String::new, |verified| {
        format!(" ({})", printable::line(&verified.text))
    });
    format!(
        "{} {message}{}{mark}{verified}",
        printable::line(&finding.rule),
        reference(finding)
    )
}

fn done(finding: &Finding) -> String {
    let (rule, within) = (printable::line(&finding.rule), written_in(finding));
    format!("{rule}{}{within}", reference(finding))
}

fn reference(finding: &Finding) -> String {
    let old = printable::line(&finding.old);
    match &finding.new {
        Some(new) => format!(" [{old} -> {}]", printable::line(new)),
        None => finding
            .beside_message()
            .map_or_else(String::new, |old| format!(" [{}]", printable::line(old))),
    }
}

/// Counts besides the findings, the most useful first.
fn asides(summary: &Summary, render_options: &RenderOptions) -> Vec<String> {
    let mut asides = Vec::new();
    let mut add = |number: usize, words: &str| {
        if number > 0 {
            asides.push(format!("{number} {words}"));
        }
    };
    add(summary.fixed, "fixed");
    let fixable = if render_options.write {
        "not written"
    } else {
        "fixable with --write"
    };
    match render_options.limit {
        Applicability::Safe => {
            add(summary.fixable, fixable);
            let more = if summary.fixable > 0 {
                "more"
            } else {
                "fixable"
            };
            add(
                summary.unsafe_fixable,
                &format!("{more} with --write --unsafe-fixes"),
            );
        }
        _ if summary.unsafe_fixable > 0 && !render_options.write => add(
            summary.fixable + summary.unsafe_fixable,
            "fixable with --write --unsafe-fixes",
        ),
        _ => add(summary.fixable + summary.unsafe_fixable, fixable),
    }
    add(summary.suppressed, "suppressed");
    add(summary.baselined, "in the baseline");
    add(summary.stale, "stale in the baseline");
    add(summary.not_analysed, "not analysed");
    add(summary.unjudged, "not judged");
    add(summary.excluded, "excluded");
    add(summary.ignored, "ignored");
    add(summary.hidden, "hidden");
    if render_options.verbose {
        add(summary.unknown, "of no known type");
    }
    add(summary.reports, "left out as reports of regfix");
    add(summary.failures, "failed");
    asides
}

#[cfg(test)]
mod tests {
    use super::super::sample::{LOOK, Sample, make_mention, make_shared, make_unsafe};
    use super::*;

    #[test]
    fn a_finding_a_line_with_the_move_and_its_marker() {
        let text = "a: k8s.gcr.io/a\nb: k8s.gcr.io/b\nc: k8s.gcr.io/c\nd: k8s.gcr.io/\x1bd\n";
        let sample = Sample::new(text)
            .finding("k8s.gcr.io/a")
            .fixed()
            .finding("k8s.gcr.io/b")
            .finding("k8s.gcr.io/c")
            .with(make_unsafe)
            .finding("k8s.gcr.io/\x1bd")
            .with(make_mention)
            .problem(Some(3), "no end", false)
            .problem(None, "no room", true);
        let expected = "\
x/a.yaml:1:4: fixed k8s-gcr-io [k8s.gcr.io/a -> registry.k8s.io/a]
x/a.yaml:2:4: warning k8s-gcr-io k8s.gcr.io is frozen; use registry.k8s.io [k8s.gcr.io/b -> registry.k8s.io/b] [*]
x/a.yaml:3:4: warning k8s-gcr-io k8s.gcr.io is frozen; use registry.k8s.io [k8s.gcr.io/c -> registry.k8s.io/c] [~]
x/a.yaml:4:4: info k8s-gcr-io names a legacy location but does not pull from it: a link for readers [k8s.gcr.io/␛d]
x/a.yaml:1:4: problem: no end
x/a.yaml: problem: no room
";
        assert_eq!(sample.show(&Concise, "x/a.yaml", &LOOK), expected);
        assert_eq!(Sample::new("a").show(&Concise, "a", &LOOK), "");
    }

    #[test]
    fn related_places_follow_where_everything_is_shown() {
        let sample = Sample::new("a: k8s.gcr.io/a\n")
            .finding("k8s.gcr.io/a")
            .with(make_shared);
        let verbose = RenderOptions {
            verbose: true,
            ..LOOK
        };
        let line = "x-1.tgz!x/values.yaml:3:4: note: the default\n";
        assert!(sample.show(&Concise, "a", &verbose).ends_with(line));
        assert!(!sample.show(&Concise, "a", &LOOK).contains("note"));
    }

    #[test]
    fn colour_only_where_asked_for() {
        let sample = Sample::new("a: k8s.gcr.io/a\n").finding("k8s.gcr.io/a");
        let shown = sample.show(
            &Concise,
            "a",
            &RenderOptions {
                color: true,
                ..LOOK
            },
        );
        assert!(
            shown.starts_with("\x1b[1ma:1:4:\x1b[0m \x1b[33mwarning\x1b[0m k8s"),
            "{shown:?}"
        );
    }

    #[test]
    fn a_line_of_counts_closes() {
        let mut summary = Summary {
            files: 1,
            ..Summary::default()
        };
        assert_eq!(counts(&summary, &LOOK), "nothing found in 1 file\n");
        summary.errors = 1;
        summary.warnings = 2;
        summary.fixable = 2;
        summary.unsafe_fixable = 1;
        summary.not_analysed = 1;
        let expected = "1 error, 2 warnings in 1 file; 2 fixable with --write; 1 more with --write \
                        --unsafe-fixes; 1 not analysed\n";
        assert_eq!(counts(&summary, &LOOK), expected);
        let all = RenderOptions {
            limit: Applicability::Unsafe,
            ..LOOK
        };
        let expected = "1 error, 2 warnings in 1 file; 3 fixable with --write --unsafe-fixes; 1 not analysed\n";
        assert_eq!(counts(&summary, &all), expected);
    }
}
