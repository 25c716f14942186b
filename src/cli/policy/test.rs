//! `regfix policy test`: tests a policy with images that the rules are about and with others, in the program of its engine.
//!
//! Compares the verdicts of the program with those of the rules.

mod runner;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde_json::Value;

use super::super::{Exit, mirror};
use crate::edit::Applicability;
use crate::finding::Finding;
use crate::image::{ImageRef, canonical};
use crate::policy::{Action, Engine, Vector, images, vectors};
use crate::printable::{self, complain};
use crate::rules::{RuleSet, Severity};

use runner::Verdicts;

/// Tests the policy. The exit code is 1 if it differs from the rules.
pub(super) fn test(
    engine: &Engine,
    rules: &RuleSet,
    least: Severity,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let Ok(policy) = engine.policy(rules, least, Action::Deny) else {
        return super::unsupported(err);
    };
    let target = |image: &str| mirror::finding(image, rules)?.new;
    let vectors = vectors(&images(rules, &target));
    let differences = match runner::run(engine, &policy, &vectors) {
        Ok(Verdicts::Refused(refused)) => of_refusals(&vectors, &refused, rules, least),
        Ok(Verdicts::Changed(changed)) => of_changes(&vectors, &changed, rules, least),
        Err(why) => {
            complain(err, why)?;
            return Ok(Exit::Failed);
        }
    };
    for difference in &differences.found {
        writeln!(out, "{difference}")?;
    }
    let Differences { expected, found } = &differences;
    let count = vectors.len();
    let verb = match engine.mutates {
        true => "change",
        false => "refuse",
    };
    writeln!(
        out,
        "{count} objects, of which the rules {verb} {expected}: {} differences.",
        found.len()
    )?;
    out.flush()?;
    Ok(match found.is_empty() {
        true => Exit::Done,
        false => Exit::FindingsLeft,
    })
}

/// The differences between the policy and the rules.
#[derive(Default)]
struct Differences {
    /// How many objects the rules affect.
    expected: usize,
    found: Vec<String>,
}

impl Differences {
    fn add(&mut self, what: &str, vector: &Vector) {
        let image = printable::line(&vector.image);
        self.found
            .push(format!("{what}: {image} ({})", vector.kind));
    }
}

fn of_refusals(
    vectors: &[Vector],
    refused: &BTreeSet<String>,
    rules: &RuleSet,
    least: Severity,
) -> Differences {
    let mut differences = Differences::default();
    for vector in vectors {
        let finding = mirror::finding(&vector.image, rules);
        let finding = finding.filter(|finding| finding.severity >= least && !vector.is_controlled);
        differences.expected += usize::from(finding.is_some());
        match (finding, refused.contains(&vector.name)) {
            (Some(finding), false) => {
                let what = format!("admitted, although {} applies to it", finding.rule);
                differences.add(&what, vector);
            }
            (None, true) => differences.add("refused, although it should not be", vector),
            _ => {}
        }
    }
    differences
}

fn of_changes(
    vectors: &[Vector],
    changed: &BTreeMap<String, Value>,
    rules: &RuleSet,
    least: Severity,
) -> Differences {
    let mut differences = Differences::default();
    for vector in vectors {
        let finding = mirror::finding(&vector.image, rules).filter(|finding| {
            is_of_a_new_pod(vector) && is_replaced(finding, vector, rules, least)
        });
        differences.expected += usize::from(finding.is_some());
        let new = finding.as_ref().and_then(|finding| {
            // The digest stays, because it is in neither name.
            let new = finding.new.as_deref()?;
            Some(vector.image.replacen(&finding.old, new, 1))
        });
        let before = in_one_spelling(&vector.object);
        let after = changed.get(&vector.name).map(in_one_spelling);
        let after = after.as_ref().unwrap_or(&before);
        let expected = match new {
            Some(new) => in_one_spelling(&with_image(&vector.object, &vector.image, &new)),
            None => before.clone(),
        };
        match &finding {
            _ if is_part(&expected, after) => {}
            Some(finding) if is_part(&before, after) => {
                let what = format!("not replaced, although {} applies to it", finding.rule);
                differences.add(&what, vector);
            }
            Some(_) => differences.add("changed differently than the rules say", vector),
            None => differences.add("changed, although it should not be", vector),
        }
    }
    differences
}

/// Policies change pods, but not what creates pods.
fn is_of_a_new_pod(vector: &Vector) -> bool {
    vector.object["kind"] == "Pod"
}

/// Whether the move is safe for any tag, even one that does not exist.
fn is_replaced(finding: &Finding, vector: &Vector, rules: &RuleSet, least: Severity) -> bool {
    const NO_TAG: &str = "regfix-no-such-tag";
    let is_safe = |finding: &Finding| finding.applicability() == Some(Applicability::Safe);
    let image = &vector.image;
    let name = ImageRef::parse(image).map(|parsed| parsed.name_span().of(image).to_owned());
    let other = name.and_then(|name| mirror::finding(&format!("{name}:{NO_TAG}"), rules));
    finding.severity >= least
        && is_safe(finding)
        && other.is_some_and(|other| other.rule == finding.rule && is_safe(&other))
}

/// Returns the object with another image.
fn with_image(object: &Value, old: &str, new: &str) -> Value {
    with_images(object, |image| match image == old {
        true => new.to_owned(),
        false => image.to_owned(),
    })
}

/// Returns the object with its images in canonical form, which is the long one for Docker Hub.
fn in_one_spelling(object: &Value) -> Value {
    with_images(object, |image| match ImageRef::parse(image) {
        Some(parsed) => {
            let name = parsed.name_span().of(image);
            image.replacen(name, &canonical(parsed.host, parsed.path), 1)
        }
        None => image.to_owned(),
    })
}

fn with_images(object: &Value, change: impl Fn(&str) -> String) -> Value {
    let mut object = object.clone();
    for (list, image) in [
        ("/spec/containers", "/image"),
        ("/spec/initContainers", "/image"),
        ("/spec/volumes", "/image/reference"),
    ] {
        let all = object.pointer_mut(list).and_then(Value::as_array_mut);
        for one in all.into_iter().flatten() {
            if let Some(Value::String(image)) = one.pointer_mut(image) {
                *image = change(image);
            }
        }
    }
    object
}

/// Whether `whole` contains `part`. It may have more, because an API server fills in defaults.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|other| is_part(value, other))),
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len()
                && part
                    .iter()
                    .zip(whole)
                    .all(|(one, other)| is_part(one, other))
        }
        (part, whole) => part == whole,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_lacks_nothing() {
        let part = json!({"a": [{"b": 1}]});
        assert!(is_part(&part, &json!({"a": [{"b": 1, "c": 2}], "d": []})));
        for other in [
            json!({"a": []}),
            json!({"a": [{"b": 2}]}),
            json!({"a": [{"b": 1}, {}]}),
            json!([]),
        ] {
            assert!(!is_part(&part, &other), "{other}");
        }
    }
}
