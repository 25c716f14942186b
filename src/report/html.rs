//! One page for a browser: the counts, what to do first, and each finding by file.
//!
//! The page is a single file that loads nothing, which its policy enforces. It is readable without scripts; its only script
//! adds sorting and a filter. `maud` escapes all text.

mod history;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::group::{self, Counts};
use super::text::{catalogues, count};
use super::{
    Delivery, Format, Gather, LocatedFinding, RenderOptions, ReportedFile, RepositorySummary,
    Subject, Summary, statistics,
};
use crate::finding::{self, Finding, Problem, Severity};
use crate::printable;
use crate::rules::{Rule, RuleSet};
use crate::source::Position;

struct Html;

pub static FORMAT: Format = Format {
    name: "html",
    about: "one page for a browser: by rule, folder and owner",
    notes: "loads nothing; owners are those of CODEOWNERS; what to do first, each finding, and the history of several \
            merged runs; for light and dark screens and for paper",
    is_document: true,
    has_keys: false,
    delivery: Delivery::Gathered(&Html),
};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Forbids all external resources, forms and frames, and allows only the script with this hash.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
    script-src 'sha256-ADg3qreb8mycdwUM0Gfg+1gUdGsWduWD36MJ1J8i8I8='";

/// The number of findings that a browser shows without trouble.
const FINDINGS: usize = 5000;
/// The maximum number of repositories listed.
const REPOSITORIES: usize = 5000;
/// The maximum number of rows in other tables.
const ROWS: usize = 200;

impl Gather for Html {
    fn document(
        &self,
        files: &[ReportedFile],
        summary: &Summary,
        render_options: &RenderOptions,
        rules: &RuleSet,
    ) -> String {
        let (by_place, place) = match summary.subject {
            Subject::Files => ("By folder", "folder"),
            Subject::Objects => ("By namespace and kind", "namespace/kind"),
        };
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { "Legacy registry references" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    (opening(summary, render_options))
                    (history::burn_down(summary))
                    (by_rule(summary, rules))
                    (by_repository(files, summary))
                    (by_name(by_place, place, "nowhere", &group::by_folder(files, ROWS)))
                    @if files.iter().any(|file| !file.owners.is_empty()) {
                        (by_name("By owner", "owner", "nobody", &group::by_owner(files)))
                    }
                    (fixed(files))
                    (left(files, render_options))
                    (problems(files))
                    (findings(files))
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string() + "\n"
    }
}

fn opening(summary: &Summary, render_options: &RenderOptions) -> Markup {
    let looked_at = count(summary.files, summary.subject.noun());
    let counts = statistics::total(&summary.by_rule);
    let cards = [
        (summary.errors, "errors"),
        (summary.warnings, "warnings"),
        (summary.infos, "info"),
        (summary.fixed, "fixed"),
        (summary.baselined, "in the baseline"),
        (summary.suppressed, "suppressed"),
        (
            summary.not_analysed,
            match summary.subject {
                Subject::Files => "files not analysed",
                Subject::Objects => "kinds not read",
            },
        ),
        (summary.excluded, "excluded"),
        (summary.ignored, "in ignore files"),
        (summary.hidden, "hidden"),
        (summary.reports, "reports of regfix"),
        (summary.failures, "failures"),
    ];
    html! {
        h1 { "Legacy registry references" }
        @if counts.all == 0 {
            p { "None in " (looked_at) "." }
        } @else {
            p { (count(counts.all, "finding")) " in " (summary.files_with_findings) " of " (looked_at) "." }
        }
        @if let Some(catalogues) = catalogues(summary) { p { (catalogues) } }
        ul.cards {
            @for (number, noun) in cards {
                @if number > 0 { li { b { (number) } (noun) } }
            }
        }
        @if counts.all > 0 {
            (bar(&counts, counts.all))
            p.soft {
                @for (number, class, meaning) in [
                    (counts.safe, "safe", "with a safe fix"),
                    (counts.review, "review", "with a fix that needs review"),
                    (counts.no_fix(), "none", "without a fix"),
                    (counts.mentions, "mention", "mentions"),
                ] {
                    @if number > 0 { span class={ "key " (class) } {} (number) " " (meaning) " " }
                }
            }
        }
        (commands(&counts, summary, render_options))
    }
}

fn commands(counts: &Counts, summary: &Summary, render_options: &RenderOptions) -> Markup {
    let commands = statistics::next_commands(counts, summary.subject, render_options);
    html! {
        @if !commands.is_empty() {
            h2 { "What to do first" }
            div.commands {
                @for (command, what) in &commands {
                    p { code { (command) } span { (what) "." } }
                }
            }
        }
    }
}

/// A bar with the share of each kind of fix. Its full length stands for `most` findings.
fn bar(counts: &Counts, most: usize) -> Markup {
    let parts = [
        (counts.safe, "safe"),
        (counts.review, "review"),
        (counts.no_fix(), "none"),
        (counts.mentions, "mention"),
    ];
    let share = |number: usize| format!("width:{:.2}%", percent(number, most));
    let label = format!(
        "{} safe, {} need review, {} without a fix, {} mentions",
        counts.safe,
        counts.review,
        counts.no_fix(),
        counts.mentions
    );
    html! {
        div.bar role="img" aria-label=(label) title=(label) {
            @for (number, class) in parts {
                @if number > 0 { i class=(class) style=(share(number)) {} }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a width on a screen")]
fn percent(number: usize, all: usize) -> f64 {
    number as f64 * 100.0 / all.max(1) as f64
}

/// The headings of the number columns.
fn number_heads() -> Markup {
    html! {
        th.number { "findings" } th.number { "safe" } th.number { "needs review" } th.number { "no fix" }
        th.number { "mentions" }
    }
}

fn numbers(counts: &Counts) -> Markup {
    html! {
        @for number in [counts.all, counts.safe, counts.review, counts.no_fix(), counts.mentions] {
            td.number { @if number > 0 { (number) } }
        }
    }
}

/// The summary of a rule; for an id that is not a rule, the first sentence about it.
fn what<'r>(rule: Option<&'r Rule>, id: &str) -> &'r str {
    let about = || finding::about(id)?.split_once(". ").map(|(first, _)| first);
    rule.map_or_else(|| about().unwrap_or_default(), |rule| &rule.summary)
}

fn by_rule(summary: &Summary, rules: &RuleSet) -> Markup {
    let most = summary.by_rule.iter().map(|row| row.counts.all).max();
    html! {
        @if let Some(most) = most {
            h2 { "By rule" }
            div.scroll { table.sorted {
                thead { tr { th { "rule" } th { "severity" } (number_heads()) th { "share" } th { "what" } } }
                tbody { @for (row, rule) in group::by_rule(summary, rules) {
                    tr {
                        td { (link(rule.and_then(Rule::url), &row.rule)) }
                        td data-value=(rank(row.severity)) { (row.severity.name()) }
                        (numbers(&row.counts))
                        td data-value=(row.counts.all) { (bar(&row.counts, most)) }
                        td { (what(rule, &row.rule)) }
                    }
                } }
            } }
        }
    }
}

/// The sort key of a severity.
fn rank(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "1",
        Severity::Warning => "2",
        Severity::Error => "3",
    }
}

/// A name in code; a link if a browser may follow the URL.
fn link(url: Option<&str>, name: &str) -> Markup {
    let url = url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    html! {
        @match url {
            Some(url) => { a href=(printable::line(url)) rel="noreferrer" { code { (printable::line(name)) } } }
            None => { code { (printable::line(name)) } }
        }
    }
}

fn by_name(heading: &str, column: &str, nameless: &str, groups: &[(&str, Counts)]) -> Markup {
    let most = groups.iter().map(|(_, counts)| counts.all).max();
    html! {
        @if let Some(most) = most {
            h2 { (heading) }
            div.scroll { table.sorted {
                thead { tr { th { (column) } (number_heads()) th { "share" } } }
                tbody { @for (name, counts) in groups.iter().take(ROWS) {
                    tr {
                        td { @if name.is_empty() { span.soft { (nameless) } } @else { code { (printable::line(name)) } } }
                        (numbers(counts))
                        td data-value=(counts.all) { (bar(counts, most)) }
                    }
                } }
            } }
            (more(groups.len(), ROWS, column))
        }
    }
}

/// One row per repository, including those without findings. Empty unless there are several.
fn by_repository(files: &[ReportedFile], summary: &Summary) -> Markup {
    let counts: BTreeMap<&str, Counts> = group::by_repository(files).into_iter().collect();
    let of = |one: &RepositorySummary| counts.get(one.name.as_str()).copied().unwrap_or_default();
    let mut all: Vec<&RepositorySummary> = summary.repositories.iter().collect();
    all.sort_by_key(|one| (Reverse(one.failures.min(1)), Reverse(one.left), &one.name));
    let most = all.iter().map(|one| one.left).max().unwrap_or_default();
    html! {
        @if all.len() > 1 {
            h2 { "By repository" }
            div.scroll { table.sorted {
                thead { tr {
                    th { "repository" } th { "commit" } (number_heads()) th.number { "fixed" } th.number { "known" }
                    th { "state" } th { "share" }
                } }
                tbody { @for one in all.iter().take(REPOSITORIES) {
                    tr {
                        td { @if one.name.is_empty() { span.soft { "outside of repositories" } } @else { code { (printable::line(&one.name)) } } }
                        td.commit { @if let Some(commit) = &one.commit { code { (printable::line(&commit.chars().take(10).collect::<String>())) } } }
                        (numbers(&of(one)))
                        td.number { @if one.fixed > 0 { (one.fixed) } }
                        td.number { @if one.baselined > 0 { (one.baselined) } }
                        td { (one.state()) }
                        td data-value=(one.left) { (bar(&of(one), most)) }
                    }
                } }
            } }
            (more(all.len(), REPOSITORIES, "repository"))
        }
    }
}

/// States how many rows are left out, so that a cut table is not taken for the whole.
fn more(all: usize, shown: usize, noun: &str) -> Markup {
    html! {
        @if all > shown { p.soft { "... and " (count(all - shown, &format!("more {noun}"))) "." } }
    }
}

fn fixed(files: &[ReportedFile]) -> Markup {
    let groups = group::fixed(files);
    html! {
        @if !groups.is_empty() {
            h2 { "Fixed" }
            div.scroll { table.sorted {
                thead { tr { th { "from" } th { "to" } th.number { "references" } } }
                tbody { @for (old, new, number) in groups.iter().take(ROWS) {
                    tr {
                        td { code { (printable::line(old)) } }
                        td { code { (printable::line(new)) } }
                        td.number { (number) }
                    }
                } }
            } }
            (more(groups.len(), ROWS, "row"))
        }
    }
}

fn left(files: &[ReportedFile], render_options: &RenderOptions) -> Markup {
    let groups = group::left(files, render_options);
    html! {
        @if !groups.is_empty() {
            h2 { (group::left_heading(render_options)) }
            div.scroll { table.sorted {
                thead { tr { th { "why" } th { "rule" } th.number { "findings" } th { "first of them" } } }
                tbody { @for left in groups.iter().take(ROWS) {
                    tr {
                        td { (printable::line(&left.why)) }
                        td.id { code { (printable::line(left.rule)) } }
                        td.number { (left.number) }
                        td { code { (printable::line(&left.first)) } }
                    }
                } }
            } }
            (more(groups.len(), ROWS, "reason"))
        }
    }
}

fn problems(files: &[ReportedFile]) -> Markup {
    let of_file = |file| std::iter::repeat(file);
    let problems: Vec<(&ReportedFile, &(Option<Position>, Problem))> = files
        .iter()
        .flat_map(|file| of_file(file).zip(&file.problems))
        .collect();
    html! {
        @if !problems.is_empty() {
            h2 { "Not analysed" }
            div.scroll { table.list {
                thead { tr { th { "where" } th { "why" } } }
                tbody { @for (file, (position, problem)) in problems.iter().take(ROWS) {
                    tr {
                        td { code { (printable::line(&file.path)) @if let Some(at) = position { ":" (at.line) } } }
                        td { (printable::line(&problem.message)) }
                    }
                } }
            } }
            (more(problems.len(), ROWS, "location"))
        }
    }
}

fn findings(files: &[ReportedFile]) -> Markup {
    let all = group::findings(files).count();
    let mut room = FINDINGS;
    let mut shown = Vec::new();
    for file in files.iter().filter(|file| !file.findings.is_empty()) {
        let part = &file.findings[..file.findings.len().min(room)];
        room -= part.len();
        if !part.is_empty() {
            shown.push((file, part));
        }
    }
    // Few findings are shown expanded.
    let is_open = all <= 50;
    html! {
        @if all > 0 {
            section #findings {
                h2 { "All findings" }
                @for (file, part) in shown {
                    details open[is_open] {
                        summary {
                            code { (printable::line(&file.path)) }
                            span.soft {
                                " " (count(file.findings.len(), "finding"))
                                @for owner in &file.owners { " " (printable::line(owner)) }
                            }
                        }
                        table.list {
                            thead { tr { th { "line" } th { "reference" } th { "fix" } th { "what" } } }
                            tbody { @for placed in part { (row(placed)) } }
                        }
                    }
                }
            }
            (more(all, FINDINGS, "finding"))
        }
    }
}

fn row(placed: &LocatedFinding) -> Markup {
    let LocatedFinding { position, finding } = placed;
    let Finding { old, new, .. } = finding;
    html! {
        tr {
            td.number { (position.line) ":" (position.column) }
            td {
                code { (printable::line(old)) }
                @if let Some(new) = new { br; "→ " code { (printable::line(new)) } }
            }
            td { (group::fix(finding)) }
            td {
                (finding.severity.name()) " " (link(finding.url.as_deref(), &finding.rule)) ": "
                (printable::line(&finding.message))
                @if let Some(reason) = &finding.reason { br; span.soft { (printable::line(reason)) } }
                @for related in &finding.related {
                    br; span.soft { "see " code { (printable::line(&related.shown_place())) } ": " (printable::line(&related.text)) }
                }
                @if let Some(verified) = &finding.verified { br; span.soft { (printable::line(&verified.text)) } }
                @for note in &finding.notes { br; span.soft { (printable::line(note)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use sha2::{Digest, Sha256};

    use super::super::sample::{LOOK, Sample, by_rule_of, make_mention, make_unsafe};
    use super::*;

    fn page(files: &[ReportedFile]) -> String {
        let summary = Summary {
            files: 9,
            files_with_findings: files.len(),
            warnings: 2,
            by_rule: by_rule_of(files),
            ..Summary::default()
        };
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        Html.document(files, &summary, &LOOK, &rules)
    }

    #[test]
    fn the_policy_admits_the_script_of_the_page_and_no_other() {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(SCRIPT));
        let source = format!("'sha256-{hash}'");
        assert!(
            POLICY.ends_with(&source),
            "put {source} at the end of POLICY"
        );
    }

    #[test]
    fn nothing_of_a_file_becomes_markup() {
        let hostile = "k8s.gcr.io/</script><img/src=x>";
        let sample = Sample::new(&format!("a: {hostile}\n")).finding(hostile);
        let sample = sample.with(|finding| {
            finding.url = Some("javascript:alert(1)".to_owned());
            finding.message = "<b>&\"'\u{202e}".to_owned();
            finding.reason = Some("<!--".to_owned());
        });
        let mut reported = sample.reported("\"><script>.yaml");
        reported.owners = vec!["@<i>".to_owned()];
        let text = page(&[reported]);
        for markup in [
            "<img",
            "<b>&",
            "<!--",
            "<i>",
            "javascript:",
            "\u{202e}",
            "\"><script>.",
        ] {
            assert!(!text.contains(markup), "{markup} in\n{text}");
        }
        assert_eq!(text.matches("<script").count(), 1);
        assert!(text.contains("k8s.gcr.io/&lt;/script&gt;&lt;img/src=x&gt;"));
    }

    #[test]
    fn findings_are_counted_by_rule_folder_and_owner() {
        let sample = Sample::new("a: k8s.gcr.io/a\nb: k8s.gcr.io/b\nc: k8s.gcr.io/c\n")
            .finding("k8s.gcr.io/a")
            .finding("k8s.gcr.io/b")
            .with(make_unsafe)
            .finding("k8s.gcr.io/c")
            .with(make_mention);
        let mut reported = sample.reported("x/a.yaml");
        reported.owners = vec!["@org/x".to_owned()];
        let text = page(&[reported]);
        let numbers = "<td class=\"number\">3</td><td class=\"number\">1</td><td class=\"number\">1</td>\
            <td class=\"number\"></td><td class=\"number\">1</td>";
        for part in [
            "3 findings in 1 of 9 files.",
            &format!("<td><code>sub</code></td>{numbers}"),
            &format!("<td><code>@org/x</code></td>{numbers}"),
            &format!("<td data-value=\"2\">warning</td>{numbers}"),
            "needs review: tags may differ",
            "<code>sub/x/a.yaml</code>",
            "1 safe, 1 need review, 0 without a fix, 1 mentions",
        ] {
            assert!(text.contains(part), "no {part} in\n{text}");
        }
        assert!(!text.contains("Not analysed") && !text.contains("By owner</h2><p>"));
    }

    #[test]
    fn what_no_rule_of_the_catalogue_finds_is_explained_too() {
        let chart = |finding: &mut Finding| finding.rule = finding::LEGACY_CHART.into();
        let sample = Sample::new("k8s.gcr.io/a").finding("k8s.gcr.io/a");
        let text = page(&[sample.with(chart).reported("a.yaml")]);
        let about = "<td>This version of a chart pulls legacy images by default</td>";
        assert!(text.contains(about), "{text}");
    }

    #[test]
    fn a_clean_run_has_no_tables() {
        let text = page(&[]);
        assert!(
            text.contains("None in 9 files.") && !text.contains("<table"),
            "{text}"
        );
    }

    #[test]
    fn what_is_cut_is_counted() {
        let lines =
            (0..FINDINGS + 7).map(|index| format!("image: k8s.gcr.io/some/image-{index}\n"));
        let text: String = lines.collect();
        let mut sample = Sample::new(&text);
        for index in 0..FINDINGS + 7 {
            sample = sample.finding(&format!("k8s.gcr.io/some/image-{index}\n"));
        }
        let text = page(&[sample.reported("a/b.yaml")]);
        assert!(text.contains("... and 7 more findings."));
    }
}
