//! Checks values against the schema of a chart, its `values.schema.json`.
//!
//! Checks what a changed string can break; everything else (`format`, counts of items, numbers) counts as valid. A
//! full validator would check all of it, but bounds neither the work nor the depth that a hostile schema asks for.
//! References to other files are not followed.

use regex::RegexBuilder;
use serde_json::{Map, Value as Json};

use super::values::{LeafKind, Table, Value};

pub(super) const FILE: &str = "values.schema.json";

/// More steps than any real chart needs.
const MOST_STEPS: usize = 200_000;
const DEEPEST: usize = 100;
const MOST_SHOWN: usize = 4;

/// A parsed schema.
#[derive(Debug)]
pub(super) struct Schema(Json);

/// A value that the schema refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The path to it: keys, and indexes of items.
    pub at: Vec<String>,
    /// The reason, phrased to follow the value's path.
    pub why: String,
}

/// The schema asks for too much work.
struct TooMuch;

type Outcome<T = ()> = Result<T, TooMuch>;

impl Schema {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    /// Returns the values that it refuses; `None` if the check takes too much work.
    pub(super) fn refuses(&self, values: &Table) -> Option<Vec<Refusal>> {
        let mut check = Check {
            root: &self.0,
            steps: 0,
            depth: 0,
            at: Vec::new(),
            found: Vec::new(),
        };
        let done = check.value(&self.0, &json_of_table(values));
        done.is_ok().then_some(check.found)
    }
}

fn json_of_table(table: &Table) -> Json {
    let entries = table.iter();
    Json::Object(
        entries
            .map(|(key, value)| (key.clone(), json(value)))
            .collect(),
    )
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Table(table) => json_of_table(table),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Leaf(leaf) => match leaf.kind {
            LeafKind::Bool(value) => value.into(),
            LeafKind::Plain => serde_json::from_str::<serde_json::Number>(&leaf.text)
                .map_or_else(|_| Json::from(&*leaf.text), Json::Number),
            LeafKind::Text => Json::from(&*leaf.text),
        },
    }
}

/// The state of one check.
struct Check<'s> {
    root: &'s Json,
    steps: usize,
    depth: usize,
    at: Vec<String>,
    found: Vec<Refusal>,
}

impl<'s> Check<'s> {
    fn value(&mut self, schema: &'s Json, value: &Json) -> Outcome {
        self.steps += 1;
        if self.steps > MOST_STEPS || self.depth > DEEPEST {
            return Err(TooMuch);
        }
        self.depth += 1;
        match schema {
            Json::Bool(false) => self.refuse("is not allowed".to_owned()),
            Json::Object(rules) => {
                for (keyword, rule) in rules {
                    self.keyword(rules, keyword, rule, value)?;
                }
            }
            _ => {}
        }
        self.depth -= 1;
        Ok(())
    }

    fn keyword(
        &mut self,
        rules: &'s Map<String, Json>,
        keyword: &str,
        rule: &'s Json,
        value: &Json,
    ) -> Outcome {
        match (keyword, rule) {
            ("$ref", Json::String(target)) => match target.strip_prefix('#') {
                Some(pointer) => match self.root.pointer(pointer) {
                    Some(target) => self.value(target, value),
                    None => Ok(()),
                },
                None => Ok(()),
            },
            ("allOf", Json::Array(all)) => all.iter().try_for_each(|one| self.value(one, value)),
            ("anyOf" | "oneOf", Json::Array(all)) => {
                let mut accepting = 0;
                for one in all {
                    accepting += usize::from(self.accepts(one, value)?);
                }
                if accepting == 0 || keyword == "oneOf" && accepting > 1 {
                    self.refuse(format!("matches no case of `{keyword}`"));
                }
                Ok(())
            }
            ("not", _) => {
                if self.accepts(rule, value)? {
                    self.refuse("is one of those that are excluded".to_owned());
                }
                Ok(())
            }
            ("if", _) => {
                let next = match self.accepts(rule, value)? {
                    true => rules.get("then"),
                    false => rules.get("else"),
                };
                next.map_or(Ok(()), |next| self.value(next, value))
            }
            _ => {
                self.of_any(keyword, rule, value);
                match value {
                    Json::Object(values) => self.of_object(rules, keyword, rule, values)?,
                    Json::Array(items) => self.of_array(rules, keyword, rule, items)?,
                    Json::String(text) => self.of_text(keyword, rule, text),
                    _ => {}
                }
                Ok(())
            }
        }
    }

    fn of_any(&mut self, keyword: &str, rule: &Json, value: &Json) {
        match (keyword, rule) {
            ("enum", Json::Array(all)) if !all.contains(value) => {
                let shown: Vec<String> = all.iter().take(MOST_SHOWN).map(shown).collect();
                let more = if all.len() > MOST_SHOWN { ", ..." } else { "" };
                self.refuse(format!("may only be {}{more}", shown.join(", ")));
            }
            ("const", _) if rule != value => {
                self.refuse(format!("may only be {}", shown(rule)));
            }
            ("type", _) if !is_type(rule, value) => self.refuse("has another type".to_owned()),
            _ => {}
        }
    }

    fn of_text(&mut self, keyword: &str, rule: &Json, text: &str) {
        let length = || u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        match (keyword, rule) {
            ("pattern", Json::String(pattern)) if matches(pattern, text) == Some(false) => {
                self.refuse(format!("must match `{}`", short(pattern)));
            }
            ("maxLength", Json::Number(most)) if most.as_u64().is_some_and(|it| length() > it) => {
                self.refuse(format!("must have at most {most} characters"));
            }
            ("minLength", Json::Number(least))
                if least.as_u64().is_some_and(|it| length() < it) =>
            {
                self.refuse(format!("must have at least {least} characters"));
            }
            _ => {}
        }
    }

    fn of_object(
        &mut self,
        rules: &'s Map<String, Json>,
        keyword: &str,
        rule: &'s Json,
        values: &Map<String, Json>,
    ) -> Outcome {
        let named = |key: &str| rules.get("properties").and_then(|all| all.get(key));
        let patterns = || rules.get("patternProperties").and_then(Json::as_object);
        match (keyword, rule) {
            ("properties", Json::Object(all)) => {
                for (key, schema) in all {
                    if let Some(value) = values.get(key) {
                        self.below(key, schema, value)?;
                    }
                }
            }
            ("patternProperties", Json::Object(all)) => {
                for (pattern, schema) in all {
                    for (key, value) in values {
                        if matches(pattern, key) == Some(true) {
                            self.below(key, schema, value)?;
                        }
                    }
                }
            }
            ("additionalProperties", _) => {
                for (key, value) in values {
                    let mut patterns = patterns().into_iter().flatten();
                    let is_known = named(key).is_some()
                        || patterns.any(|(pattern, _)| matches(pattern, key) != Some(false));
                    if !is_known {
                        self.below(key, rule, value)?;
                    }
                }
            }
            ("required", Json::Array(keys)) => {
                let mut keys = keys.iter().filter_map(Json::as_str);
                if keys.any(|key| !values.contains_key(key)) {
                    self.refuse("lacks a key".to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn of_array(
        &mut self,
        rules: &'s Map<String, Json>,
        keyword: &str,
        rule: &'s Json,
        items: &[Json],
    ) -> Outcome {
        // Up to draft 2019-09, a list under `items` holds the schemas of the first items.
        let first = match rules.get("items") {
            Some(Json::Array(first)) => Some(first),
            _ => rules.get("prefixItems").and_then(Json::as_array),
        };
        let first = first.map_or(&[][..], Vec::as_slice);
        match (keyword, rule) {
            ("items" | "prefixItems", Json::Array(_)) => {
                for (index, (schema, item)) in first.iter().zip(items).enumerate() {
                    self.below(&index.to_string(), schema, item)?;
                }
            }
            ("items" | "additionalItems", _) => {
                for (index, item) in items.iter().enumerate().skip(first.len()) {
                    self.below(&index.to_string(), rule, item)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn below(&mut self, key: &str, schema: &'s Json, value: &Json) -> Outcome {
        self.at.push(key.to_owned());
        self.value(schema, value)?;
        self.at.pop();
        Ok(())
    }

    fn accepts(&mut self, schema: &'s Json, value: &Json) -> Outcome<bool> {
        let known = self.found.len();
        self.value(schema, value)?;
        let accepts = self.found.len() == known;
        self.found.truncate(known);
        Ok(accepts)
    }

    fn refuse(&mut self, why: String) {
        let at = self.at.clone();
        self.found.push(Refusal { at, why });
    }
}

fn is_type(wanted: &Json, value: &Json) -> bool {
    let is_one = |wanted: &Json| match (wanted.as_str(), value) {
        (Some("string"), Json::String(_))
        | (Some("boolean"), Json::Bool(_))
        | (Some("null"), Json::Null)
        | (Some("object"), Json::Object(_))
        | (Some("array"), Json::Array(_))
        | (Some("number"), Json::Number(_))
        | (None, _) => true,
        (Some("integer"), Json::Number(number)) => {
            number.as_f64().is_none_or(|number| number.fract() == 0.0)
        }
        _ => false,
    };
    match wanted {
        Json::Array(all) => all.iter().any(is_one),
        one => is_one(one),
    }
}

/// `None` if the pattern is not supported, for example because of lookaround.
fn matches(pattern: &str, text: &str) -> Option<bool> {
    let pattern = RegexBuilder::new(pattern).size_limit(1 << 20).build();
    pattern.ok().map(|pattern| pattern.is_match(text))
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => format!("`{}`", short(text)),
        other => short(&other.to_string()),
    }
}

fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::values;
    use super::*;

    fn refused(schema: &str, values: &str) -> Option<Vec<String>> {
        let schema = Schema::parse(schema.as_bytes()).unwrap();
        let values = values::read(values, 0).unwrap();
        let found = schema.refuses(&values)?;
        let shown = |one: &Refusal| format!("{} {}", one.at.join("."), one.why);
        Some(found.iter().map(shown).collect())
    }

    #[test]
    fn what_a_text_can_break() {
        let said = |schema: &str, text: &str| {
            let schema = format!(
                r##"{{"properties": {{"a": {schema}}}, "$defs": {{"x": {{"enum": ["x"]}}}}}}"##
            );
            let found = refused(&schema, &format!("a: {text}\n")).unwrap();
            found.first().cloned().unwrap_or_default()
        };
        assert_eq!(said(r#"{"enum": ["x", 1]}"#, "x"), "");
        assert_eq!(said(r#"{"enum": ["x", 1]}"#, "z"), "a may only be `x`, 1");
        assert_eq!(said(r#"{"const": "x"}"#, "z"), "a may only be `x`");
        assert_eq!(said(r#"{"pattern": "^x"}"#, "z"), "a must match `^x`");
        assert_eq!(said(r#"{"pattern": "^(?!z)"}"#, "z"), "");
        assert_eq!(
            said(r#"{"maxLength": 1}"#, "zz"),
            "a must have at most 1 characters"
        );
        assert_eq!(said(r##"{"$ref": "#/$defs/x"}"##, "z"), "a may only be `x`");
        assert_eq!(said(r#"{"$ref": "https://example.com/x.json"}"#, "z"), "");
        assert_eq!(
            said(r#"{"not": {"const": "z"}}"#, "z"),
            "a is one of those that are excluded"
        );
        assert_eq!(
            said(r#"{"anyOf": [{"type": "null"}, {"const": "z"}]}"#, "z"),
            ""
        );
        assert_eq!(
            said(r#"{"oneOf": [{"type": "null"}, {"const": "x"}]}"#, "z"),
            "a matches no case of `oneOf`"
        );
        assert_eq!(
            said(
                r#"{"if": {"type": "string"}, "then": {"minLength": 9}}"#,
                "z"
            ),
            "a must have at least 9 characters"
        );
        assert_eq!(
            said(r#"{"items": {"const": "x"}}"#, "[x, z]"),
            "a.1 may only be `x`"
        );
        assert_eq!(
            said(
                r#"{"patternProperties": {"^b": true}, "additionalProperties": {"const": "x"}}"#,
                "{b: z, c: z}"
            ),
            "a.c may only be `x`"
        );
    }

    #[test]
    fn hostile_schemas_come_to_an_end() {
        assert_eq!(refused(r##"{"$ref": "#"}"##, "a: 1\n"), None);
        let both = |name: &str| {
            format!(r##"[{{"$ref": "#/$defs/{name}"}}, {{"$ref": "#/$defs/{name}"}}]"##)
        };
        let levels = (0..40).map(|level| {
            format!(
                r#""{level}": {{"allOf": {}}}"#,
                both(&(level + 1).to_string())
            )
        });
        let levels: Vec<String> = levels.collect();
        let schema = format!(
            r##"{{"$ref": "#/$defs/0", "$defs": {{{}, "40": true}}}}"##,
            levels.join(",")
        );
        assert_eq!(refused(&schema, "a: 1\n"), None);
    }
}
