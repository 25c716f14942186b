//! For programs: one JSON document, one finding per line. `docs/json.md` explains each field.
//!
//! The structs in `v1` are the schema; `docs/schema/report.json` is generated from them.

pub(super) mod v1;

pub(crate) use v1::Verified;

use super::text::Places;
use super::{Delivery, FileReport, Format, RenderOptions, Stream, Summary};
use crate::printable;
use crate::rules::RuleSet;
use v1::{Finding, Fixed, Problem, Totals, Unjudged, VERSION};

/// One document, streamed: the files, then the summary.
pub struct Json;

pub static FORMAT: Format = Format {
    name: "json",
    about: "for programs: one document",
    notes: "[json.md](json.md) and [schema/report.json](schema/report.json) describe it",
    is_document: true,
    has_keys: true,
    delivery: Delivery::Streamed(&Json),
};

impl Stream for Json {
    fn start(&self) -> String {
        format!("{{\"version\":{VERSION},\"files\":[\n")
    }

    fn lists_unjudged(&self, _: &RenderOptions) -> bool {
        true
    }

    fn between(&self) -> &'static str {
        ",\n"
    }

    fn file(&self, report: &FileReport<'_>, _look: &RenderOptions) -> String {
        let mut places = Places::new(report);
        let findings = report.findings.iter().enumerate();
        let findings = findings.map(|(index, finding)| {
            let key = report.keys.get(index);
            printable::json(&Finding::new(finding, key, &mut places))
        });
        let findings = list(findings.collect());
        let fixed = report
            .fixed
            .iter()
            .map(|fixed| printable::json(&Fixed::new(fixed)));
        let fixed = list(fixed.collect());
        let problems = report
            .problems
            .iter()
            .map(|problem| printable::json(&Problem::new(problem, &mut places)));
        let problems = list(problems.collect());
        let unjudged = report
            .unjudged
            .iter()
            .map(|one| printable::json(&Unjudged::new(one, report.lines.text(), &mut places)));
        let unjudged = list(unjudged.collect());
        let path = printable::json(&printable::name(report.path));
        let of = report.origin.map_or_else(String::new, |origin| {
            let repository = printable::json(&origin.repository);
            let commit = printable::json(&origin.commit);
            format!(",\"repository\":{repository},\"commit\":{commit}")
        });
        let owners = printable::json(report.owners());
        format!(
            "{{\"path\":{path}{of},\"owners\":{owners},\n \"findings\":{findings},\n \"fixed\":{fixed},\n \"problems\":{problems},\n \"unjudged\":{unjudged}}}"
        )
    }

    fn end(&self, summary: &Summary, _: &RenderOptions, _: &RuleSet) -> String {
        format!(
            "\n],\"summary\":{}}}\n",
            printable::json(&Totals::new(summary))
        )
    }
}

fn list(items: Vec<String>) -> String {
    match items.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n  {}]", items.join(",\n  ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::sample::{LOOK, Sample, finding, make_mention, make_shared};
    use super::*;

    static MANUAL: &str = include_str!("../../docs/json.md");

    fn document(samples: &[(&str, &Sample)]) -> Value {
        let files = samples
            .iter()
            .map(|(path, sample)| sample.show(&Json, path, &LOOK));
        let files: Vec<String> = files.filter(|file| !file.is_empty()).collect();
        let mut by_rule = crate::report::Tally::default();
        for _ in 0..2 {
            by_rule.add(&finding(&[(0, "k8s.gcr.io/a", "")], "k8s.gcr.io/a"));
        }
        let summary = Summary {
            files: 7,
            by_rule: by_rule.rows(),
            ..Summary::default()
        };
        let rules = RuleSet::new(Vec::new());
        let end = Json.end(&summary, &LOOK, &rules);
        let text = Json.start() + &files.join(Json.between()) + &end;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
    }

    fn full() -> Sample {
        let pieces = [(6, "k8s.gcr.io", "registry"), (21, "ä", "path")];
        Sample::new("\u{feff}a: k8s.gcr.io\r\nb: ä\n\x1b\"\\")
            .push(finding(&pieces, "k8s.gcr.io/ä"))
            .fixed()
            .push(finding(&pieces, "k8s.gcr.io/\x1b\"\\"))
            .with(make_shared)
            .push(finding(&[(21, "ä", "")], "ä"))
            .with(make_mention)
            .problem(Some(21), "no end", false)
            .problem(None, "no room", true)
            .unjudged("k8s.gcr.io")
    }

    #[test]
    fn a_run_with_nothing_to_report_is_a_document() {
        let value = document(&[("a", &Sample::new("a"))]);
        assert_eq!(value["version"], 1);
        assert_eq!(value["files"], Value::Array(Vec::new()));
        assert_eq!(value["summary"]["files"], 7);
        assert_eq!(document(&[])["summary"]["by_rule"][0]["count"], 2);
    }

    #[test]
    fn places_are_bytes_from_0_and_lines_and_columns_from_1() {
        let value = document(&[
            ("a/b.yaml", &full()),
            ("c", &Sample::new("c")),
            ("d", &full()),
        ]);
        assert_eq!(value["files"].as_array().map(Vec::len), Some(2));
        let file = &value["files"][0];
        assert_eq!(file["path"], "a/b.yaml");
        let finding = &file["findings"][0];
        assert_eq!(finding["old"], "k8s.gcr.io/\x1b\"\\");
        assert_eq!(finding["applicability"], "safe");
        let path = serde_json::json!({
            "label": "path", "start": 21, "end": 23,
            "line": 2, "column": 4, "end_line": 2, "end_column": 5,
        });
        assert_eq!(finding["spans"][1], path);
        let edit = serde_json::json!({
            "start": 6, "end": 16, "line": 1, "column": 4, "end_line": 1, "end_column": 14,
            "text": "registry.k8s.io",
        });
        assert_eq!(finding["edits"][0], edit);
        let elsewhere =
            serde_json::json!([{"path": "../b.yaml", "start": 1, "end": 5, "text": "new"}]);
        assert_eq!(finding["elsewhere"], elsewhere);
        assert_eq!(finding["related"][0]["line"], 3);
        let mention = &file["findings"][1];
        assert_eq!(mention["mention"], true);
        assert_eq!(mention["applicability"], Value::Null);
        assert_eq!(mention["spans"][0]["label"], Value::Null);
        assert_eq!(file["fixed"][0]["column"], 4);
        assert_eq!(file["problems"][0]["line"], 2);
        assert_eq!(file["problems"][1]["line"], Value::Null);
        assert_eq!(file["unjudged"][0]["text"], "k8s.gcr.io");
        assert_eq!(file["unjudged"][0]["column"], 4);
    }

    /// `cargo xtask regenerate` writes the schema.
    #[test]
    fn the_schema_is_of_these_structs_and_of_what_is_written() {
        // Written documents have all fields; defaults are only for reading.
        let no_default =
            schemars::transform::RecursiveTransform(|schema: &mut schemars::Schema| {
                schema.remove("default");
            });
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let settings = settings.with_transform(no_default);
        let mut schema = settings
            .into_generator()
            .into_root_schema_for::<v1::Document<'_>>();
        schema.insert("$id".to_owned(), "urn:regfix:report:1".into());
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        crate::diff::assert_stored("docs/schema/report.json", &text);
        let schema = serde_json::from_str(&text).unwrap();
        let mut value = document(&[("a", &full()), ("b", &full())]);
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&value));
        value["files"][0]["findings"][0]["old"].take();
        assert!(!validator.is_valid(&value), "it would let anything pass");
    }

    #[test]
    fn the_manual_names_every_field() {
        fn keys(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) => {
                    for (key, value) in fields {
                        found.push(key.clone());
                        keys(value, found);
                    }
                }
                Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        keys(&document(&[("a", &full())]), &mut found);
        assert!(found.len() > 50);
        for key in found {
            assert!(
                MANUAL.contains(&format!("| `{key}` |")),
                "docs/json.md does not describe {key}"
            );
        }
    }
}
