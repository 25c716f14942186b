//! Constraints that a schema puts on its default: patterns, constants, closed lists and rules that name its registry. A
//! default that violates them breaks the schema, so both must change together.
//!
//! Evaluates no pattern and no rule: it is enough that one of them names the registry.

use super::context::{Context, Step};
use super::usage::Usage;
use crate::image;
use crate::syntax::yaml::{Map, Node, Scalar};

const BESIDE: Usage = Usage::must_agree("the schema of this default names this location, too");

/// Keywords that can reject values.
const REFUSING: [&str; 5] = ["pattern", "const", "enum", "rule", "regexp"];
/// Keywords for people.
const PROSE: [&str; 6] = [
    "default",
    "description",
    "title",
    "example",
    "examples",
    "$comment",
];
/// Validation rules for everything in a schema.
const RULES: &str = "x-kubernetes-validations";

/// The maximum number of values of a schema, and of schemas around it, that are examined.
const MOST_VALUES: usize = 256;
const MOST_SCHEMAS: usize = 16;
const MOST_REGISTRIES: usize = 4;
/// The maximum number of characters of a pattern that are examined.
const LONGEST: usize = 1 << 10;

/// Returns the limit on a default by its own schema, and by the rules of the schemas around it.
pub(super) fn limit_of(context: &Context<'_>, schema: &Map<'_>, value: &Node<'_>) -> Option<Usage> {
    if context.step() != Step::Key("default") {
        return None;
    }
    let values = value.below().take(MOST_VALUES);
    let registries = values.filter_map(Node::as_scalar).filter_map(registry_of);
    let registries: Vec<&str> = registries.take(MOST_REGISTRIES).collect();
    if registries.is_empty() {
        return None;
    }
    let names = |text: &str| {
        let in_pattern = |letter: &char| matches!(letter, '\\' | '[' | ']');
        let letters = text.chars().take(LONGEST);
        let plain: String = letters.filter(|letter| !in_pattern(letter)).collect();
        registries.iter().any(|registry| plain.contains(registry))
    };
    let mut left = MOST_VALUES;
    let around = context.upwards().take(MOST_SCHEMAS);
    let mut rules = around.filter_map(|place| place.siblings?.get(RULES));
    let is_beside = is_refused(schema, &names, &mut left)
        || rules.any(|rules| holds(rules, &names, false, &mut left));
    is_beside.then_some(BESIDE)
}

/// Returns the registry that a scalar is or begins with.
fn registry_of<'v>(scalar: &'v Scalar<'_>) -> Option<&'v str> {
    let host = image::split_host(&scalar.value).0;
    let host = host.or_else(|| Some(&*scalar.value).filter(|value| !value.contains(['/', ' '])));
    host.filter(|host| host.contains('.'))
}

/// Whether a schema, or one inside it, has a constraint that names a registry.
fn is_refused(schema: &Map<'_>, names: &dyn Fn(&str) -> bool, left: &mut usize) -> bool {
    schema.entries.iter().any(|entry| {
        let key = entry.name().unwrap_or_default();
        !PROSE.contains(&key) && holds(&entry.value, names, REFUSING.contains(&key), left)
    })
}

fn holds(node: &Node<'_>, names: &dyn Fn(&str) -> bool, refuses: bool, left: &mut usize) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    match node {
        Node::Scalar(scalar) => refuses && names(&scalar.value),
        Node::List(list) => list
            .items
            .iter()
            .any(|item| holds(item, names, refuses, left)),
        Node::Map(map) => is_refused(map, names, left),
        Node::Alias(_) => false,
    }
}
