//! The JSON schema of the configuration, for editors. It is generated from the types of the reader and of rules, and tests
//! compare what it accepts with what the reader accepts.
//!
//! `cargo xtask regenerate` writes `docs/schema/config.json`.

use std::borrow::Cow;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::file::{File, RuleName};
use super::nodes::{Glob, Mapping, NonEmpty, OneOrMore, Spanned};
use crate::finding::NOT_RULES;
use crate::rules::RuleSet;

/// The known ids, and the form of others: ids of the user's own rules, and prefixes.
impl JsonSchema for RuleName {
    fn schema_name() -> Cow<'static, str> {
        "RuleName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let known = RuleSet::with_own(&[]).unwrap();
        let ids = known.iter().map(|rule| rule.id.as_str());
        let ids: Vec<&str> = ids
            .chain(NOT_RULES.map(|(id, _)| id))
            .chain(["all"])
            .collect();
        json_schema!({"anyOf": [
            {"enum": ids},
            {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*(-\\*)?$"},
        ]})
    }
}

/// The types of `nodes` are inlined in the schema.
macro_rules! inline {
    ([$($of:ident),*] $type:ty, $generator:ident => $schema:expr) => {
        impl<$($of: JsonSchema),*> JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

inline!([] Glob, _generator => json_schema!({"type": "string", "minLength": 0}));
inline!([T] Spanned<T>, generator => generator.subschema_for::<T>());
inline!([T] OneOrMore<T>, generator => {
    let item = generator.subschema_for::<T>();
    json_schema!({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}, {"type": "null"}]})
});
inline!([T] NonEmpty<T>, generator => {
    let item = generator.subschema_for::<T>();
    json_schema!({"type": ["array", "null"], "minItems": 1, "items": item})
});
inline!([K, V] Mapping<K, V>, generator => {
    let (names, values) = (generator.subschema_for::<K>(), generator.subschema_for::<V>());
    json_schema!({"type": ["object", "null"], "propertyNames": names, "additionalProperties": values})
});

/// Allows any scalar as a string: the reader needs no quotes for `1.10`.
fn widen(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let narrow = ["enum", "const", "pattern", "minLength"];
            let plain = !narrow.iter().any(|key| fields.contains_key(*key));
            match fields.get("type") {
                Some(Value::String(of)) if of == "string" && plain => {
                    fields.insert("type".to_owned(), json!(["string", "number", "boolean"]));
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

fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = "/$defs".into();
    });
    let mut whole = settings
        .into_generator()
        .into_root_schema_for::<File>()
        .to_value();
    widen(&mut whole);
    whole["$id"] = "urn:regfix:config:1".into();
    whole["title"] = "The configuration of regfix".into();
    whole["description"] = "docs/configuration.md says what each key does.".into();
    whole["type"] = json!(["object", "null"]);
    whole
}

/// The value that other YAML parsers read.
fn as_json(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn the_schema_is_of_what_the_reader_knows() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    crate::diff::assert_stored("docs/schema/config.json", &text);
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
        "rules: [{from: [a.io, b.io], requires-tag-in: index, also: [{from: c.io, requires-tag-in: [a]}], tag: strip-v, digest: choose}]\n",
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
        "exclude: 3\n",
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
        "rules: [{from: a.io, requires-tag-in: indx}]\n",
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
