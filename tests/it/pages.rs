//! The pages in `docs/rules/`, one per rule, generated from the catalogue. Findings link to them.
//!
//! `cargo xtask regenerate` writes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::common::{files, formats_but, outdated, run, stdout};
use regfix::artifact::Artifact;
use regfix::check;
use regfix::edit::Applicability;
use regfix::file_type;
use regfix::finding::{Finding, NOT_RULES};
use regfix::rules::{Facts, Rule, RuleSet, catalogue, description};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules")
}

/// Returns a document that contains the example of a rule, and the finding in it.
fn example(rule: &Rule, rules: &RuleSet) -> (String, Option<Finding>) {
    let key = match rule.artifact {
        Artifact::Image => "image",
        Artifact::Chart | Artifact::ChartRepository => "repository",
        Artifact::Url => "url",
    };
    let text = format!("{key}: {}\n", rule.example);
    let checked = check::check(
        Path::new("a.yaml"),
        &text,
        file_type::standard_input(),
        rules,
    );
    let mut findings = checked.findings.into_iter();
    let found = findings.find(|finding| *finding.rule == *rule.id);
    (text, found)
}

fn page(rule: &Rule, rules: &RuleSet) -> String {
    let mut page = format!("# {}\n\n{}.\n\n", rule.id, capital(&rule.summary));
    let severity = rule.severity.name();
    page += &format!("Severity {severity}. {}\n\n", description::safety(rule));
    page += "| old location | new location |\n|---|---|\n";
    for mapping in rule.mappings() {
        let below = if mapping.from.exact {
            ""
        } else {
            " and all below"
        };
        let to = mapping
            .to
            .as_ref()
            .map_or_else(|| "none".to_owned(), |to| format!("`{to}`"));
        page += &format!("| `{}`{below} | {to} |\n", mapping.from.as_str());
    }
    page += &section("What is not covered", description::scope(rule).iter());
    page += &format!("\n## Why\n\n{}\n", rule.why());
    page += &section("Since when", description::since(rule).iter());
    page += &format!("\n## Example\n\n{}", before_and_after(rule, rules));
    let evidence = description::evidence(rule).map(str::to_owned);
    page += &section("How safe it is", evidence.iter().chain(rule.cautions()));
    page += &chosen(rule);
    page += &section(
        "Sources",
        rule.sources().iter().map(|url| format!("<{url}>")),
    );
    let history = rule.history().iter();
    page += &section(
        "Changes of this rule",
        history.map(|one| format!("{}: {}", one.date, one.what)),
    );
    page += &suppression(&rule.id, example(rule, rules).0.trim_end());
    page
}

fn section(name: &str, lines: impl Iterator<Item = impl std::fmt::Display>) -> String {
    let lines: String = lines.map(|line| format!("- {line}\n")).collect();
    match lines.is_empty() {
        true => lines,
        false => format!("\n## {name}\n\n{lines}"),
    }
}

fn before_and_after(rule: &Rule, rules: &RuleSet) -> String {
    let (text, found) = example(rule, rules);
    let Some(finding) = found else {
        return format!("```yaml\n{text}```\n");
    };
    let how = match finding.fix.as_ref().map(|fix| fix.applicability) {
        Some(Applicability::Safe) => "`--write` applies it.",
        Some(Applicability::Unsafe) => "`--write --unsafe-fixes` applies it.",
        Some(Applicability::Display) => "It is a suggestion, and never written.",
        None => "There is no fix.",
    };
    let reason = finding
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(" {}.", capital(reason)));
    let after = finding.new.as_ref().map_or_else(String::new, |new| {
        format!("+{}\n", text.trim_end().replace(&finding.old, new))
    });
    let mark = if after.is_empty() { ' ' } else { '-' };
    format!("```diff\n{mark}{text}{after}```\n\n{how}{reason}\n")
}

/// Lists what public projects use instead of the image of the example.
fn chosen(rule: &Rule) -> String {
    let name = rule.example.split(':').next().unwrap_or_default();
    match Facts::EMBEDDED.alternatives.of_image(name) {
        None => String::new(),
        Some(others) => {
            let notes = others
                .notes()
                .into_iter()
                .map(|note| format!("{}.", capital(&note)));
            section(&format!("In place of `{name}`"), notes)
        }
    }
}

fn suppression(id: &str, line: &str) -> String {
    format!(
        "\n## How to suppress it\n\nIn one place, with a reason and a last day if you like:\n\n```yaml\n\
         {line} # regfix: ignore[{id}]\n```\n\nEverywhere, in `.regfix.yaml`:\n\n```yaml\nignore: [{id}]\n```\n"
    )
}

fn capital(text: &str) -> String {
    // Names of hosts and images are not capitalised.
    let first = text.split([' ', ';', ',']).next().unwrap_or_default();
    let is_name = first.contains(['.', '/', '-', '_']) || first.starts_with("bitnami");
    let mut letters = text.chars();
    match letters.next() {
        Some(letter) if !is_name => letter.to_uppercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

fn pages() -> BTreeMap<PathBuf, Vec<u8>> {
    let day: Date = catalogue().as_of.parse().unwrap();
    let known = RuleSet::with_own(&[]).unwrap().into_iter();
    let rules = RuleSet::new(known.map(|rule| rule.on_day(day)).collect());
    let of_rules = rules
        .rules()
        .map(|rule| (rule.id.as_str(), page(rule, &rules)));
    let others = NOT_RULES.map(|(id, about)| {
        let line = match id {
            regfix::finding::LEGACY_CHART => "version: 4.7.0",
            _ => "image: k8s.gcr.io/pause:3.9",
        };
        (id, format!("# {id}\n\n{about}\n{}", suppression(id, line)))
    });
    let all = of_rules.chain(others);
    all.map(|(id, text)| (PathBuf::from(format!("{id}.md")), text.into_bytes()))
        .collect()
}

#[test]
fn every_rule_has_its_page() {
    let pages = pages();
    if std::env::var_os("UPDATE").is_some() {
        let _ = fs::remove_dir_all(folder());
        crate::common::fill(&folder(), &pages);
    }
    let stored = files(&folder());
    let missing: Vec<_> = pages
        .keys()
        .filter(|name| !stored.contains_key(*name))
        .collect();
    let stale: Vec<_> = stored
        .keys()
        .filter(|name| !pages.contains_key(*name))
        .collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "docs/rules: missing {missing:?}, not wanted {stale:?}: `cargo xtask regenerate` writes them"
    );
    for (name, text) in &pages {
        let path = format!("docs/rules/{}", name.display());
        let read = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stored, made) = (read(&stored[name]), read(text));
        assert!(stored == made, "{}", outdated(&path, &stored, &made));
    }
}

#[test]
fn findings_link_to_the_pages_where_the_configuration_says_they_are() {
    let tree = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(tree.path().join(name), text).unwrap();
    write(
        "a.yaml",
        "image: k8s.gcr.io/pause:3.9\nb: 1 # regfix: ignore\n",
    );
    write(
        ".regfix.yaml",
        "rule-url: https://wiki.example.com/{rule}.html\n",
    );
    // These formats have no room for a link. A new format either shows the `url` of a finding or is added here.
    for format in formats_but(&["concise", "github", "gitlab"]) {
        let output = stdout(&run(tree.path(), &["--format", format]));
        let link = "https://wiki.example.com/k8s-gcr-io.html";
        assert!(
            output.contains(link),
            "{format} has no link to the rule: {output}"
        );
        let pages = fs::read_dir(folder()).unwrap().count();
        assert!(pages > 100);
    }
    for format in ["json", "sarif"] {
        let output = stdout(&run(tree.path(), &["--format", format]));
        assert!(
            output.contains("https://wiki.example.com/unused-ignore.html"),
            "{output}"
        );
    }
    write(".regfix.yaml", "rule-url: https://wiki.example.com/\n");
    let output = run(tree.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let reported = crate::common::stderr(&output);
    assert!(
        reported.contains("expected a URL with `{rule}` in it"),
        "{reported}"
    );
}

/// Lists the changes of the catalogue, the newest first, after the ones to come.
fn changes() -> String {
    let catalogue = catalogue();
    let rules = RuleSet::with_own(&[]).unwrap();
    let day: Date = catalogue.as_of.parse().unwrap();
    let link = |rule: &Rule| format!("[{0}](rules/{0}.md)", rule.id);
    let facts = Facts::EMBEDDED;
    let mut page = format!(
        "# Changes of the catalogue\n\n`cargo xtask regenerate` writes this page from the `history` and the `dates` of the rules.\n\n\
         The catalogue of {day} has {} rules, the legacy versions of {} charts, and {} images of registry.k8s.io.\n\
         `regfix rules --changed-since DATE` lists the same for the rules that you use.\n",
        rules.len(),
        facts.charts.count(),
        facts.index.count(),
    );
    let mut to_come: Vec<(Date, String)> = Vec::new();
    let mut past: BTreeMap<Date, Vec<String>> = BTreeMap::new();
    for rule in &rules {
        for change in rule.history() {
            let day = change.day().unwrap();
            let line = format!("- {}: {}\n", link(rule), change.what);
            past.entry(day).or_default().push(line);
        }
        for date in rule.dates() {
            if let (Some(when), Some(severity)) = (date.day(), date.severity) {
                let line = format!(
                    "- {when}: {} becomes {}: {}\n",
                    link(rule),
                    severity.name(),
                    date.what
                );
                to_come.extend((when > day).then_some((when, line)));
            }
        }
    }
    if !to_come.is_empty() {
        to_come.sort();
        page += "\n## Dates to come\n\n";
        page.extend(to_come.into_iter().map(|(_, line)| line));
    }
    for (day, lines) in past.iter().rev() {
        page += &format!("\n## {day}\n\n{}", lines.concat());
    }
    page
}

#[test]
fn the_changes_of_the_catalogue_are_listed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/catalogue-changes.md");
    let text = changes();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    let path = "docs/catalogue-changes.md";
    assert!(stored == text, "{}", outdated(path, &stored, &text));
}
