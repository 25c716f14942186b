//! The verdict of the rules on single references: the rows of `vectors.tsv` and the examples of the rules.

use std::path::Path;

use crate::common::outdated;
use regfix::artifact::Artifact;
use regfix::check;
use regfix::edit::{self, Applicability};
use regfix::file_type;
use regfix::image::{self, ImageRef};
use regfix::rules::{RuleSet, catalogue};

/// The effect on a reference.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// `--write` changes it to this.
    Safe(&'static str),
    /// `--unsafe-fixes` changes it to this; `--write` alone does not change it.
    Review(&'static str),
    /// It is reported but never changed.
    Report,
    Nothing,
}

use Outcome::{Nothing, Report, Review, Safe};

fn rules() -> RuleSet {
    RuleSet::new(RuleSet::with_own(&[]).unwrap())
}

/// Checks `key: value`. Returns the rule, and the line after safe fixes and after all fixes.
fn run(line: &str, rules: &RuleSet) -> (Option<String>, String, String) {
    let text = format!("{line}\n");
    let file_type = file_type::classify(Path::new("values.yaml")).unwrap();
    let found = check::check(Path::new("values.yaml"), &text, file_type, rules);
    let fixes = || {
        found
            .findings
            .iter()
            .filter_map(|finding| finding.fix.as_ref())
    };
    let rule = found
        .findings
        .first()
        .map(|finding| finding.rule.to_string());
    let fixed = |limit| edit::apply(&text, fixes(), limit).trim_end().to_owned();
    (
        rule,
        fixed(Applicability::Safe),
        fixed(Applicability::Unsafe),
    )
}

fn value(line: &str) -> &str {
    line.split_once(": ").map_or(line, |(_, value)| value)
}

/// Whether two lines have the same reference. Names are compared in canonical form, because Docker Hub has several
/// spellings.
fn same(line: &str, expected: &str) -> bool {
    let canonical = |text: &str| match ImageRef::parse(text) {
        Some(image) => (
            image::canonical(image.host, image.path),
            image.tag.map(str::to_owned),
        ),
        None => (text.to_owned(), None),
    };
    let value = value(line);
    value == expected || canonical(value.trim_start_matches("oci://")) == canonical(expected)
}

/// A row of `vectors.tsv`.
struct Vector {
    rule: Option<&'static str>,
    outcome: Outcome,
    line: &'static str,
}

impl Vector {
    /// Describes how the result differs from the row; `None` if it does not.
    fn difference(&self, rules: &RuleSet) -> Option<String> {
        let (found, safe, all) = run(self.line, rules);
        let is_right = found.as_deref() == self.rule
            && match self.outcome {
                Safe(new) => same(&safe, new),
                // Without `--unsafe-fixes` nothing may be written.
                Review(new) => safe == self.line && same(&all, new),
                Report | Nothing => all == self.line,
            };
        let Self {
            rule,
            outcome,
            line,
        } = self;
        let wanted = format!("{line}: not {rule:?}, {outcome:?}");
        (!is_right).then(|| format!("{wanted}, but {found:?}: {safe} | {all}"))
    }
}

fn vectors() -> impl Iterator<Item = Vector> {
    let rows = include_str!("vectors.tsv").lines();
    rows.filter(|row| !row.starts_with('#')).map(|row| {
        let [rule, outcome, line, new] = *row.split('\t').collect::<Vec<_>>() else {
            panic!("not four columns: {row}");
        };
        let outcome = match (outcome, new) {
            ("report", "-") => Report,
            ("nothing", "-") => Nothing,
            ("safe", new) if new != "-" => Safe(new),
            ("review", new) if new != "-" => Review(new),
            _ => panic!("not an outcome and a reference that fit: {row}"),
        };
        Vector {
            rule: (rule != "-").then_some(rule),
            outcome,
            line,
        }
    })
}

#[test]
fn what_becomes_of_each_vector() {
    let rules = rules();
    let wrong: Vec<String> = vectors()
        .filter_map(|vector| vector.difference(&rules))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A rule was made from its example. A vector tests it with another line.
#[test]
fn every_rule_has_a_vector_beside_its_example() {
    let catalogue = catalogue();
    let without: Vec<&str> = catalogue
        .rules
        .iter()
        .filter(|spec| {
            let example = spec.example.as_deref().unwrap();
            !vectors()
                .any(|vector| vector.rule == spec.id.as_deref() && value(vector.line) != example)
        })
        .filter_map(|spec| spec.id.as_deref())
        .collect();
    assert!(
        without.is_empty(),
        "add a line to tests/it/vectors.tsv, which is not the example, for: {}",
        without.join(", ")
    );
}

/// Rules whose severity depends on the day, tested on the last day before a step and on its first day.
#[test]
fn severities_on_their_days() {
    let severity = |id: &str, day: &str| {
        let rules = RuleSet::with_own(&[]).unwrap();
        let rule = rules.into_iter().find(|rule| rule.id == id).unwrap();
        rule.on_day(day.parse().unwrap()).severity.name()
    };
    for (id, first) in [
        ("istio-gcr", "2026-12-01"),
        ("istio-registry-io", "2026-12-01"),
        ("istio-oci-charts", "2026-12-01"),
        ("istio-helm-repo", "2026-12-01"),
        ("istio-testing-gcr", "2026-12-01"),
        ("sealed-secrets-helm-repo", "2026-06-15"),
        ("onedr0p-containers", "2026-03-17"),
    ] {
        let day: jiff::civil::Date = first.parse().unwrap();
        let before = day.yesterday().unwrap().to_string();
        assert_eq!(severity(id, &before), "warning", "{id} on {before}");
        assert_eq!(severity(id, first), "error", "{id} on {first}");
    }
}

/// The files of `fixtures/rules` contain the example of each rule in a document of its kind.
#[test]
fn every_rule_has_a_fixture() {
    let mut images = "# one image a rule\nkind: List\nitems:\n".to_owned();
    let mut charts = "# one chart or chart repository a rule\n".to_owned();
    let mut downloads = "# one URL a rule\nsteps:\n".to_owned();
    for spec in catalogue().rules {
        let (id, example) = (spec.id.unwrap(), spec.example.unwrap());
        match spec.artifact.unwrap_or_default() {
            Artifact::Image => {
                images += &format!(
                    "  - kind: Pod\n    metadata: {{name: {id}}}\n    \
                     spec: {{containers: [{{name: a, image: '{example}'}}]}}\n"
                );
            }
            Artifact::Chart | Artifact::ChartRepository => {
                charts += &format!(
                    "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\n\
                     metadata:\n  name: {id}\nspec:\n  url: {example}\n"
                );
            }
            Artifact::Url if example.starts_with("deb ") => {
                downloads +=
                    &format!("  - run: echo '{example}' >/etc/apt/sources.list.d/a.list\n");
            }
            Artifact::Url => {
                downloads += &format!("  - run: curl -LO {example}\n    from: {example}\n");
            }
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules/in");
    for (name, text) in [
        ("images.yaml", images),
        ("charts.yaml", charts),
        ("downloads.yaml", downloads),
    ] {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap();
        let path = format!("fixtures/rules/in/{name}");
        assert!(stored == text, "{}", outdated(&path, &stored, &text));
    }
}

/// Rules that never write here: the new location has none of the tags, or only charts that the example does not name.
const SHOWN_ONLY: [&str; 5] = [
    "grafana-helm-repo",
    "cloudsql-proxy-v1",
    "opencost-quay",
    "google-samples-underscore",
    "jenkinsxio-gcr",
];

#[test]
fn every_rule_applies_to_its_example() {
    let rules = rules();
    for spec in catalogue().rules {
        let id = spec.id.unwrap();
        let example = spec.example.unwrap();
        let before = match spec.artifact.unwrap_or_default() {
            Artifact::Url => "run: wget ",
            Artifact::Chart | Artifact::ChartRepository => "url: ",
            Artifact::Image => "image: ",
        };
        let line = format!("{before}{example}");
        let (found, safe, all) = run(&line, &rules);
        assert_eq!(found.as_deref(), Some(id.as_str()), "{line}");
        let expected = match spec.safety.unwrap().name() {
            _ if SHOWN_ONLY.contains(&id.as_str()) => (false, false),
            "safe" => (true, true),
            "review" => (false, true),
            _ => (false, false),
        };
        assert_eq!(
            (safe != line, all != line),
            expected,
            "{id}: {line} -> {safe} -> {all}"
        );
    }
}
