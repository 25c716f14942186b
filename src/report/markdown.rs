//! For an issue or a job summary: findings by rule and by folder, what remains and why, and the locations.
//!
//! A GitHub issue holds 65,536 characters, so long lists are cut, with a note about how many rows are missing.

mod table;

use super::group::{self, Counts, findings};
use super::text::{catalogues, count, left_out};
use super::{Delivery, Format, Gather, LocatedFinding, RenderOptions, ReportedFile, Summary};
use crate::rules::{Rule, RuleSet};
use table::{Table, code, escaped};

struct Markdown;

pub static FORMAT: Format = Format {
    name: "markdown",
    about: "for an issue: by rule, by folder, what is left and why",
    notes: "long lists are cut so that they fit into an issue",
    is_document: true,
    has_keys: false,
    delivery: Delivery::Gathered(&Markdown),
};

/// The number of rows that people still read.
const ROWS: usize = 30;
/// Locations are for reference, so there may be more of them.
const PLACES: usize = 200;

impl Gather for Markdown {
    fn document(
        &self,
        files: &[ReportedFile],
        summary: &Summary,
        render_options: &RenderOptions,
        rules: &RuleSet,
    ) -> String {
        let sections = [
            ("", opening(summary, render_options)),
            ("By rule", by_rule(summary, rules)),
            (
                "By repository",
                by_name(&REPOSITORY, &group::by_repository(files)),
            ),
            (
                "By folder",
                by_name(&FOLDER, &group::by_folder(files, ROWS)),
            ),
            ("Fixed", fixed(files)),
            (
                group::left_heading(render_options),
                left(files, render_options),
            ),
            ("Not analysed", problems(files)),
            ("All findings", places(files)),
        ];
        let mut out = String::from("# Legacy registry references\n");
        for (heading, body) in sections.iter().filter(|(_, body)| !body.is_empty()) {
            if !heading.is_empty() {
                out += &format!("\n## {heading}\n");
            }
            out += &format!("\n{body}");
        }
        out
    }
}

fn opening(summary: &Summary, render_options: &RenderOptions) -> String {
    let counts = [
        (summary.errors, "error"),
        (summary.warnings, "warning"),
        (summary.infos, "info"),
    ];
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let counts: Vec<String> = counts.map(|(number, noun)| count(*number, noun)).collect();
    let files = count(summary.files, summary.subject.noun());
    let mut lines = vec![match counts.is_empty() {
        true if summary.files == 0 => "None.".to_owned(),
        true => format!("None in {files}."),
        false => format!(
            "{} in {} of {files}.",
            counts.join(", "),
            summary.files_with_findings
        ),
    }];
    let mut add = |number: usize, text: &str| {
        if number > 0 {
            lines.push(format!("{number} {text}."));
        }
    };
    add(summary.fixed, "fixed");
    let safe = if render_options.write {
        "with a safe fix could not be written"
    } else {
        "can be fixed with `regfix --write`"
    };
    add(summary.fixable, safe);
    add(
        summary.unsafe_fixable,
        "can be fixed with `regfix --write --unsafe-fixes` and need review",
    );
    add(summary.suppressed, "suppressed");
    add(summary.baselined, "in the baseline");
    add(summary.stale, "stale in the baseline");
    add(summary.not_analysed, "not fully analysed");
    add(summary.failures, "failed: the run is incomplete");
    lines.extend(catalogues(summary));
    lines.extend(
        left_out(summary).map(|counts| format!("Not checked: {counts} (a folder counts once).")),
    );
    lines.join("\n") + "\n"
}

fn cells(counts: &Counts) -> [String; 5] {
    let numbers = [
        counts.all,
        counts.safe,
        counts.review,
        counts.no_fix(),
        counts.mentions,
    ];
    numbers.map(|number| match number {
        0 => String::new(),
        number => number.to_string(),
    })
}

fn by_rule(summary: &Summary, rules: &RuleSet) -> String {
    let mut table = Table::new(&[
        "rule",
        "severity",
        "#findings",
        "#safe",
        "#needs review",
        "#no fix",
        "#mentions",
        "what",
    ]);
    for (counted, rule) in group::by_rule(summary, rules) {
        let name = match rule.and_then(Rule::url) {
            Some(url) => format!("[{}](<{url}>)", code(&counted.rule)),
            None => code(&counted.rule),
        };
        let what = rule.map_or_else(String::new, |rule| escaped(&rule.summary));
        let mut row = vec![name, counted.severity.name().to_owned()];
        row.extend(cells(&counted.counts));
        row.push(what);
        table.push(row);
    }
    table.text(usize::MAX, "rules")
}

const FOLDER: [&str; 6] = heads("folder");
const REPOSITORY: [&str; 6] = heads("repository");

const fn heads(name: &'static str) -> [&'static str; 6] {
    [
        name,
        "#findings",
        "#safe",
        "#needs review",
        "#no fix",
        "#mentions",
    ]
}

fn by_name(heads: &'static [&'static str], groups: &[(&str, Counts)]) -> String {
    let mut table = Table::new(heads);
    for (name, counts) in groups {
        let name = if name.is_empty() {
            "-".to_owned()
        } else {
            code(name)
        };
        let mut row = vec![name];
        row.extend(cells(counts));
        table.push(row);
    }
    table.text(ROWS, "rows")
}

fn fixed(files: &[ReportedFile]) -> String {
    let mut table = Table::new(&["from", "to", "#references"]);
    for (old, new, number) in group::fixed(files) {
        table.push(vec![code(old), code(new), number.to_string()]);
    }
    table.text(ROWS, "references")
}

fn left(files: &[ReportedFile], render_options: &RenderOptions) -> String {
    let mut table = Table::new(&["why", "rule", "#findings", "first of them"]);
    for left in group::left(files, render_options) {
        table.push(vec![
            escaped(&left.why),
            code(left.rule),
            left.number.to_string(),
            code(&left.first),
        ]);
    }
    table.text(ROWS, "reasons")
}

fn problems(files: &[ReportedFile]) -> String {
    let mut table = Table::new(&["location", "why"]);
    for file in files {
        for (position, problem) in &file.problems {
            let place = match position {
                Some(position) => format!("{}:{}", file.path, position.line),
                None => file.path.clone(),
            };
            table.push(vec![code(&place), escaped(&problem.message)]);
        }
    }
    table.text(ROWS, "locations")
}

fn places(files: &[ReportedFile]) -> String {
    let mut table = Table::new(&["location", "reference", "new reference", "fix"]);
    for (file, LocatedFinding { position, finding }) in findings(files) {
        let fix = group::fix(finding);
        let new = finding.new.as_deref().map_or_else(String::new, code);
        table.push(vec![
            code(&format!("{}:{}", file.path, position.line)),
            code(&finding.old),
            new,
            fix.to_owned(),
        ]);
    }
    let number = count(findings(files).count(), "finding");
    match table.text(PLACES, "findings") {
        text if text.is_empty() => text,
        text => format!("<details><summary>{number}</summary>\n\n{text}\n</details>\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{LOOK, Sample, by_rule_of, make_mention, make_unsafe};
    use super::*;

    fn document(files: &[ReportedFile], render_options: &RenderOptions) -> String {
        let summary = Summary {
            files: 9,
            files_with_findings: files.len(),
            warnings: 3,
            fixable: 1,
            by_rule: by_rule_of(files),
            ..Summary::default()
        };
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        Markdown.document(files, &summary, render_options, &rules)
    }

    fn sample() -> Sample {
        Sample::new("a: k8s.gcr.io/a\nb: k8s.gcr.io/b\nc: k8s.gcr.io/`c|d`\n")
            .finding("k8s.gcr.io/a")
            .finding("k8s.gcr.io/b")
            .with(make_unsafe)
            .finding("k8s.gcr.io/`c|d`")
            .with(make_mention)
    }

    #[test]
    fn counts_by_rule_and_folder_and_why_the_rest_is_left() {
        let text = document(&[sample().reported("x/a.yaml")], &LOOK);
        for line in [
            "3 warnings in 1 of 9 files.",
            "1 can be fixed with `regfix --write`.",
            "| [`k8s-gcr-io`](<https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/>) | warning | 3 | 1 | 1 |  | 1 | k8s.gcr.io is frozen; registry.k8s.io has the same images under the same paths |",
            "| `sub` | 3 | 1 | 1 |  | 1 |",
            "| needs review: tags may differ | `k8s-gcr-io` | 1 | `sub/x/a.yaml:2` |",
            "| `sub/x/a.yaml:1` | `k8s.gcr.io/a` | `registry.k8s.io/a` | safe |",
            "| `sub/x/a.yaml:3` | `` k8s.gcr.io/`c\\|d` `` |  | mention |",
        ] {
            assert!(text.contains(&format!("{line}\n")), "no {line} in\n{text}");
        }
        assert!(!text.contains("## Fixed") && !text.contains("## Not analysed"));
    }

    #[test]
    fn a_clean_run_has_no_tables() {
        let text = Markdown.document(
            &[],
            &Summary {
                files: 1,
                ..Summary::default()
            },
            &LOOK,
            &RuleSet::new(Vec::new()),
        );
        assert_eq!(text, "# Legacy registry references\n\nNone in 1 file.\n");
    }

    #[test]
    fn an_issue_holds_any_report() {
        let mut text = String::new();
        for index in 0..5000 {
            text += &format!("image: k8s.gcr.io/some/image-{index}\n");
        }
        let mut sample = Sample::new(&text);
        for index in 0..5000 {
            sample = sample.finding(&format!("k8s.gcr.io/some/image-{index}\n"));
        }
        let reported = document(&[sample.reported("a/b/c.yaml")], &LOOK);
        assert!(reported.len() < 65_536, "{}", reported.len());
        assert!(reported.contains("4800 more findings"), "{reported}");
    }
}
