//! For an issue or a job summary: what was found by rule and by folder, what a fix leaves and why, and the places.
//!
//! An issue of GitHub holds 65,536 characters, so long lists are cut, and it is said how much is missing.

mod table;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::text::count;
use super::{Format, Gather, Look, Placed, Summary, Telling, Told};
use crate::edit::Applicability;
use crate::finding::{Finding, Severity};
use crate::rules::RuleSet;
use table::{Table, code, escaped};

struct Markdown;

pub static FORMAT: Format = Format {
    name: "markdown",
    about: "for an issue: by rule, by folder, what is left and why",
    is_document: true,
    has_keys: false,
    telling: Telling::Gathered(&Markdown),
};

/// As many rows as somebody reads.
const ROWS: usize = 30;
/// Places are for reference, and may be more.
const PLACES: usize = 200;

impl Gather for Markdown {
    fn document(&self, files: &[Told], summary: &Summary, look: &Look, rules: &RuleSet) -> String {
        let sections = [
            ("", opening(summary, look)),
            ("By rule", by_rule(files, rules)),
            ("By folder", by_folder(files)),
            ("Fixed", fixed(files)),
            (left_heading(look), left(files, look)),
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

/// Findings and the files they are in.
fn findings(files: &[Told]) -> impl Iterator<Item = (&Told, &Placed)> {
    let of_file = |file| std::iter::repeat(file);
    files
        .iter()
        .flat_map(move |file| of_file(file).zip(&file.findings))
}

fn opening(summary: &Summary, look: &Look) -> String {
    let counts = [
        (summary.errors, "error"),
        (summary.warnings, "warning"),
        (summary.infos, "hint"),
    ];
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let counts: Vec<String> = counts.map(|(number, noun)| count(*number, noun)).collect();
    let files = count(summary.files, "file");
    let mut lines = vec![match counts.is_empty() {
        true => format!("None in {files}."),
        false => format!(
            "{} in {} of {files}.",
            counts.join(", "),
            summary.files_with_findings
        ),
    }];
    let mut tell = |number: usize, text: &str| {
        if number > 0 {
            lines.push(format!("{number} {text}."));
        }
    };
    tell(summary.fixed, "fixed");
    let safe = if look.write {
        "with a safe fix could not be written"
    } else {
        "can be fixed with `regfix --write`"
    };
    tell(summary.fixable, safe);
    tell(
        summary.unsafe_fixable,
        "can be fixed with `regfix --write --unsafe-fixes`, to be reviewed",
    );
    tell(summary.suppressed, "suppressed");
    tell(summary.baselined, "in the baseline");
    tell(summary.stale, "stale in the baseline");
    tell(summary.not_analysed, "not analysed, or only in part");
    tell(summary.failures, "kept the job from being done");
    lines.join("\n") + "\n"
}

/// How many there are of each trust.
#[derive(Default)]
struct Counts {
    all: usize,
    safe: usize,
    open: usize,
}

impl Counts {
    fn add(&mut self, finding: &Finding) {
        self.all += 1;
        match trust(finding) {
            Some(Applicability::Safe) => self.safe += 1,
            Some(Applicability::Unsafe) => self.open += 1,
            _ => {}
        }
    }

    fn cells(&self) -> [String; 4] {
        let none = self.all - self.safe - self.open;
        [self.all, self.safe, self.open, none].map(|number| match number {
            0 => String::new(),
            number => number.to_string(),
        })
    }
}

fn trust(finding: &Finding) -> Option<Applicability> {
    finding.fix.as_ref().map(|fix| fix.applicability)
}

fn by_rule(files: &[Told], rules: &RuleSet) -> String {
    let mut counted: BTreeMap<&str, (Severity, Counts)> = BTreeMap::new();
    for (_, Placed { finding, .. }) in findings(files) {
        let (severity, counts) = counted
            .entry(&finding.rule)
            .or_insert_with(|| (finding.severity, Counts::default()));
        *severity = (*severity).max(finding.severity);
        counts.add(finding);
    }
    let mut counted: Vec<_> = counted.into_iter().collect();
    counted.sort_by_key(|(_, (severity, counts))| Reverse((*severity, counts.all)));
    let mut table = Table::new(&[
        "rule",
        "severity",
        "#findings",
        "#safe",
        "#review",
        "#no fix",
        "what",
    ]);
    for (id, (severity, counts)) in &counted {
        let rule = rules.rules().iter().find(|rule| rule.id == *id);
        let name = match rule.and_then(|rule| rule.url()) {
            Some(url) => format!("[{}](<{url}>)", code(id)),
            None => code(id),
        };
        let what = rule.map_or_else(String::new, |rule| escaped(&rule.summary));
        let mut row = vec![name, severity.name().to_owned()];
        row.extend(counts.cells());
        row.push(what);
        table.push(row);
    }
    table.text(usize::MAX, "rules")
}

/// Folders as deep as there are not too many of them.
fn by_folder(files: &[Told]) -> String {
    let mut counted: BTreeMap<&str, Counts> = BTreeMap::new();
    for depth in 1..=8 {
        let mut deeper: BTreeMap<&str, Counts> = BTreeMap::new();
        for (file, Placed { finding, .. }) in findings(files) {
            deeper
                .entry(folder(&file.path, depth))
                .or_default()
                .add(finding);
        }
        if depth > 1 && (deeper.len() > ROWS || deeper.len() == counted.len()) {
            break;
        }
        counted = deeper;
    }
    let mut counted: Vec<_> = counted.into_iter().collect();
    counted.sort_by(|(one, a), (other, b)| b.all.cmp(&a.all).then_with(|| one.cmp(other)));
    let mut table = Table::new(&["folder", "#findings", "#safe", "#review", "#no fix"]);
    for (folder, counts) in &counted {
        let mut row = vec![code(folder)];
        row.extend(counts.cells());
        table.push(row);
    }
    table.text(ROWS, "folders")
}

/// The first segments of a path, its file's name left out.
fn folder(path: &str, depth: usize) -> &str {
    let mut slashes = path
        .match_indices('/')
        .map(|(at, _)| at)
        .filter(|at| *at > 0);
    let mut end = None;
    for _ in 0..depth {
        end = slashes.next().or(end);
    }
    end.map_or(".", |end| &path[..end])
}

fn fixed(files: &[Told]) -> String {
    let mut counted: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for fixed in files.iter().flat_map(|file| &file.fixed) {
        let Finding { old, new, .. } = &fixed.finding;
        *counted
            .entry((old, new.as_deref().unwrap_or_default()))
            .or_default() += 1;
    }
    let mut counted: Vec<_> = counted.into_iter().collect();
    counted.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let mut table = Table::new(&["from", "to", "#places"]);
    for ((old, new), number) in counted {
        table.push(vec![code(old), code(new), number.to_string()]);
    }
    table.text(ROWS, "references")
}

fn left_heading(look: &Look) -> &'static str {
    if look.write {
        "What is left, and why"
    } else {
        "What a fix would leave, and why"
    }
}

/// Why no fix was or would be written, and for how many. Hints ask for none.
fn left(files: &[Told], look: &Look) -> String {
    let mut counted: BTreeMap<(String, &str), (usize, String)> = BTreeMap::new();
    for (file, Placed { finding, position }) in findings(files) {
        let written = !look.write && trust(finding) >= Some(look.limit);
        if finding.mention || written {
            continue;
        }
        let (number, _) = counted
            .entry((why(finding, look), &finding.rule))
            .or_insert_with(|| (0, format!("{}:{}", file.path, position.line)));
        *number += 1;
    }
    let mut counted: Vec<_> = counted.into_iter().collect();
    counted.sort_by(|one, other| other.1.0.cmp(&one.1.0).then_with(|| one.0.cmp(&other.0)));
    let mut table = Table::new(&["why", "rule", "#findings", "first of them"]);
    for ((why, rule), (number, first)) in counted {
        table.push(vec![
            escaped(&why),
            code(rule),
            number.to_string(),
            code(&first),
        ]);
    }
    table.text(ROWS, "reasons")
}

fn why(finding: &Finding, look: &Look) -> String {
    let marker = match trust(finding) {
        None => "no fix",
        Some(Applicability::Display) => "suggestion only",
        Some(Applicability::Unsafe) if look.limit > Applicability::Unsafe => "to be reviewed",
        Some(_) => "not written",
    };
    match &finding.reason {
        Some(reason) => format!("{marker}: {reason}"),
        None => marker.to_owned(),
    }
}

fn problems(files: &[Told]) -> String {
    let mut table = Table::new(&["place", "why"]);
    for file in files {
        for (position, problem) in &file.problems {
            let place = match position {
                Some(position) => format!("{}:{}", file.path, position.line),
                None => file.path.clone(),
            };
            table.push(vec![code(&place), escaped(&problem.message)]);
        }
    }
    table.text(ROWS, "places")
}

fn places(files: &[Told]) -> String {
    let mut table = Table::new(&["place", "reference", "new place", "fix"]);
    for (file, Placed { position, finding }) in findings(files) {
        let fix = match trust(finding) {
            _ if finding.mention => "only named",
            Some(Applicability::Safe) => "safe",
            Some(Applicability::Unsafe) => "review",
            Some(Applicability::Display) => "suggestion",
            None => "none",
        };
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
    use super::super::sample::{LOOK, Sample, make_mention, make_unsafe};
    use super::*;

    fn document(files: &[Told], look: &Look) -> String {
        let summary = Summary {
            files: 9,
            files_with_findings: files.len(),
            warnings: 3,
            fixable: 1,
            ..Summary::default()
        };
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        Markdown.document(files, &summary, look, &rules)
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
        let text = document(&[sample().told("x/a.yaml")], &LOOK);
        for line in [
            "3 warnings in 1 of 9 files.",
            "1 can be fixed with `regfix --write`.",
            "| [`k8s-gcr-io`](<https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/>) | warning | 3 | 1 | 1 | 1 | k8s.gcr.io is frozen; registry.k8s.io has the same images under the same paths |",
            "| `sub` | 3 | 1 | 1 | 1 |",
            "| to be reviewed: tags may differ | `k8s-gcr-io` | 1 | `sub/x/a.yaml:2` |",
            "| `sub/x/a.yaml:1` | `k8s.gcr.io/a` | `registry.k8s.io/a` | safe |",
            "| `sub/x/a.yaml:3` | `` k8s.gcr.io/`c\\|d` `` |  | only named |",
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
        let told = document(&[sample.told("a/b/c.yaml")], &LOOK);
        assert!(told.len() < 65_536, "{}", told.len());
        assert!(told.contains("4800 more findings"), "{told}");
    }

    #[test]
    fn folders_are_the_first_segments() {
        assert_eq!(folder("a.yaml", 1), ".");
        assert_eq!(folder("a/b/c.yaml", 1), "a");
        assert_eq!(folder("a/b/c.yaml", 2), "a/b");
        assert_eq!(folder("a/b/c.yaml", 9), "a/b");
        assert_eq!(folder("/a/b.yaml", 1), "/a");
    }
}
