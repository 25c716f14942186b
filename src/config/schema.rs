//! The JSON schema of the configuration, for editors: made of the keys that the reader knows and of the types of rules,
//! and held to what the reader takes and refuses.
//!
//! `cargo xtask regenerate` writes `docs/schema/config.json`.

use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::read::{CATALOGUE_KEYS, HELM_KEYS, KEYS, OVERRIDE_KEYS};
use crate::finding::NOT_RULES;
use crate::rules::schema::FORMER_KEYS;
use crate::rules::{RuleSet, RuleSpec};

/// What a key takes, and what it does.
fn key(name: &str) -> Value {
    let (takes, about) = match name {
        "extends" => (
            "extended",
            "A file to start from: in the same repository, or absolute. Its name ends in `.regfix.yaml`.",
        ),
        "select" => ("rules", "Use only these rules. Default: all."),
        "ignore" => (
            "rules",
            "Do not use these rules, even if they are selected.",
        ),
        "exclude" => (
            "globs",
            "Do not check these files and folders. Globs work as in .gitignore.",
        ),
        "severity" => (
            "severities",
            "Severity of rules. An id takes precedence over a pattern.",
        ),
        "overrides" => (
            "overrides",
            "Different settings for some files. For the severity, the last override that matches wins.",
        ),
        "rules" => ("own", "Your own rules, and changes to built-in ones."),
        "helm" => ("helm", "Settings for charts."),
        "rule-url" => (
            "page",
            "Where the pages of the built-in rules are: a URL with `{rule}` for the id.",
        ),
        "vendored" => (
            "vendored",
            "Whether the unpacked chart of a remote dependency is overridden in your values, or edited in place.",
        ),
        "vendored-charts" => ("globs", "Folders of other charts that a tool manages."),
        "files" => ("globs", "The files that this override applies to."),
        "catalogue" => (
            "catalogue",
            "The catalogue of rules to use instead of the built-in one. Needs its checksum.",
        ),
        "file" => ("file", "Its path from the folder of this file."),
        "sha256" => ("sum", "The SHA-256 of the file, as `sha256sum` prints it."),
        other => panic!("the schema does not know the key {other}"),
    };
    json!({"$ref": format!("#/$defs/{takes}"), "description": about})
}

fn keys(names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), key(name)))
        .collect()
}

/// The reader takes any scalar for a text, for `1.10` needs no quotes there.
fn text() -> Value {
    json!({"type": ["string", "number", "boolean"]})
}

/// One, or a list that says something. Nothing at all counts as absent.
fn some(item: &Value) -> Value {
    json!({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}, {"type": "null"}]})
}

/// The ids that regfix has, and how others may look: those of a user's own rules, and the beginnings of several.
fn rule_names() -> Value {
    let known = RuleSet::with_own(&[]).unwrap();
    let ids = known.iter().map(|rule| rule.id.as_str());
    let ids: Vec<&str> = ids
        .chain(NOT_RULES.map(|(id, _)| id))
        .chain(["all"])
        .collect();
    json!({"anyOf": [
        {"enum": ids},
        {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*(-\\*)?$"},
    ]})
}

/// Widens texts, and lets objects of unknown names of the rules' types be.
fn widen(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let plain = fields.get("enum").is_none() && fields.get("const").is_none();
            match fields.get("type") {
                Some(Value::String(of)) if of == "string" && plain => {
                    fields.extend(text().as_object().unwrap().clone());
                }
                Some(Value::Array(of)) if of.contains(&json!("string")) && plain => {
                    fields.insert(
                        "type".to_owned(),
                        json!(["string", "number", "boolean", "null"]),
                    );
                }
                _ => {}
            }
            fields.values_mut().for_each(widen);
        }
        Value::Array(items) => items.iter_mut().for_each(widen),
        _ => {}
    }
}

/// Lets keys have their former names, and marks these as such.
fn allow_former_keys(schema: &mut Value) {
    let Some(properties) = schema["properties"].as_object_mut() else {
        return;
    };
    for (former, current) in FORMER_KEYS {
        if let Some(now) = properties.get(current) {
            let mut then = now.clone();
            then["deprecated"] = true.into();
            then["description"] = format!("The former name of `{current}`.").into();
            properties.insert(former.to_owned(), then);
        }
    }
}

fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = "/$defs".into();
    });
    let mut generator = settings.into_generator();
    let own = generator.subschema_for::<RuleSpec>();
    let mut definitions = Value::Object(generator.take_definitions(true));
    for name in ["RuleSpec", "AlsoSpec"] {
        allow_former_keys(&mut definitions[name]);
    }
    widen(&mut definitions);
    let names = rule_names();
    let severity = json!({"$ref": "#/$defs/Severity"});
    let mut whole = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "urn:regfix:config:1",
        "title": "The configuration of regfix",
        "description": "docs/configuration.md says what each key does.",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": keys(&KEYS),
        "$defs": {
            "name": names,
            "rules": some(&json!({"$ref": "#/$defs/name"})),
            "globs": some(&json!({"type": ["string", "number", "boolean"]})),
            "severities": {
                "type": ["object", "null"],
                "propertyNames": {"$ref": "#/$defs/name"},
                "additionalProperties": severity,
            },
            "overrides": {
                "type": ["array", "null"],
                "minItems": 1,
                "items": {"$ref": "#/$defs/override"},
            },
            "override": {
                "type": "object",
                "additionalProperties": false,
                "required": ["files"],
                "minProperties": 2,
                "properties": keys(&OVERRIDE_KEYS),
            },
            "helm": {
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": keys(&HELM_KEYS),
            },
            "catalogue": {
                "type": ["object", "null"],
                "additionalProperties": false,
                "required": ["sha256"],
                "properties": keys(&CATALOGUE_KEYS),
            },
            "extended": {"type": ["string", "null"], "pattern": "(^|/)(\\.?|.*\\.)regfix\\.yaml$"},
            "file": {"type": ["string", "null"], "pattern": "(^|/)regfix\\.catalogue\\.yaml$"},
            "sum": {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"},
            "page": {"type": ["string", "null"], "pattern": "^https?://\\S*\\{rule\\}\\S*$"},
            "vendored": {"enum": ["override", "edit", null]},
            "own": {"type": ["array", "null"], "minItems": 1, "items": own},
        },
    });
    let all = whole["$defs"].as_object_mut().unwrap();
    all.extend(definitions.as_object().unwrap().clone());
    whole
}

/// A text as other parsers of YAML see it.
fn as_json(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn the_schema_is_of_what_the_reader_knows() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema/config.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        stored, text,
        "docs/schema/config.json: cargo xtask regenerate writes it"
    );
}

#[test]
fn the_schema_and_the_reader_take_and_refuse_the_same() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let reads = |text: &str| super::parse(Path::new(".regfix.yaml"), text).is_ok();
    let example = include_str!("../../docs/example.regfix.yaml");
    for text in [
        example,
        "",
        "{}",
        "select:\nignore: ~\nrules:\n",
        "select: all\nignore: [bitnami-*, unused-ignore, expired-ignore]\n",
        "exclude: vendor/\n",
        "severity: {k8s-gcr-io: error, all: info}\n",
        "overrides: [{files: a, ignore: all}, {files: [a, b], severity: {all: info}}]\n",
        "rules: [{from: a.io, to: b.io, tags: {only: [1.10, none], min: 2}, requires-tag-in: [1.10]}]\n",
        "rules: [{from: [a.io, b.io], gate: index, also: [{from: c.io, gate: [a]}], tag: strip-v, digest: choose}]\n",
        "rules: [{from: a.io, also: [{from: b.io, safety: review}], rename: {a: b}}]\n",
        "rules: [{from: a.io, dates: [{when: 2027-01, what: gone, severity: error}]}]\n",
        "rules: [{id: k8s-gcr-io, severity: info}]\n",
        "rules: [{id: mine, from: a.io}]\nselect: [mine, k8s-gcr-io]\n",
        "helm: {vendored: edit}\n",
        "helm: {vendored: }\n",
        "rule-url: https://example.com/rules/{rule}.md\n",
        "rule-url: 'https://example.com/?rule={rule}'\n",
        "helm: {vendored-charts: [vendor/, third_party/*]}\n",
        "catalogue:\n",
        "catalogue: {sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF}\n",
        "catalogue: {file: a/regfix.catalogue.yaml, sha256: \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}\n",
    ] {
        assert!(reads(text), "the reader refuses {text}");
        let faults: Vec<_> = validator
            .iter_errors(&as_json(text))
            .map(|error| error.to_string())
            .collect();
        assert!(faults.is_empty(), "the schema refuses {text}: {faults:?}");
    }
    for text in [
        "all\n",
        "[all]\n",
        "selct: [all]\n",
        "select: []\n",
        "select: {a: b}\n",
        "select: [~]\n",
        "select: [[a]]\n",
        "select: [k8s.gcr.io]\n",
        "exclude: {a: b}\n",
        "severity: error\n",
        "severity: {all: warn}\n",
        "severity: {all: [error]}\n",
        "severity: {all: }\n",
        "severity: {k8s.gcr.io: error}\n",
        "overrides: a\n",
        "overrides: [a]\n",
        "overrides: [{ignore: all}]\n",
        "overrides: [{files: a}]\n",
        "overrides: [{files: a, exclude: b}]\n",
        "rules: {from: a.io}\n",
        "rules: [[a.io]]\n",
        "rules: [{from: a.io, form: b.io}]\n",
        "rules: [{from: {a: b}}]\n",
        "rules: [{from: a.io, exact: 'true'}]\n",
        "rules: [{from: a.io, to: [b.io]}]\n",
        "rules: [{from: a.io, safety: saef}]\n",
        "rules: [{from: a.io, also: [{from: b.io, safety: saef}]}]\n",
        "rules: [{from: a.io, dates: [{when: '2026'}]}]\n",
        "rules: [{from: a.io, dates: [{when: '2026', what: x, severity: high}]}]\n",
        "rules: [{from: a.io, gate: indx}]\n",
        "rules: [{from: a.io, rename: {a: {b: c}}}]\n",
        "rules: [{from: a.io, tags: {min: [1]}}]\n",
        "helm: edit\n",
        "helm: {vendored: patch}\n",
        "helm: {vendor: edit}\n",
        "rule-url: https://example.com/rules\n",
        "rule-url: example.com/{rule}\n",
        "rule-url: ['https://example.com/{rule}']\n",
        "catalogue: regfix.catalogue.yaml\n",
        "catalogue: {file: regfix.catalogue.yaml}\n",
        "catalogue: {sha256: 0123}\n",
        "catalogue: {file: a.yaml, sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}\n",
    ] {
        assert!(!reads(text), "the reader takes {text}");
        assert!(
            !validator.is_valid(&as_json(text)),
            "the schema takes {text}"
        );
    }
}
