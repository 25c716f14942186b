//! Usages that siblings imply for a value: it is one of a closed list, part of a rule, or a row of a table.
//!
//! Looks only at the map that contains the value.

use super::context::{Context, Step};
use super::input::Input;
use super::usage::{self, BUILT, COMPARED, PUSHED, Usage};
use super::words;
use crate::image;
use crate::source::Span;
use crate::syntax::yaml::{Entry, Map, Node};

pub(super) const CLOSED: Usage = Usage::Compared("it is one of a closed list of values");
const RELABELLED: Usage = Usage::Mention("it becomes a label, nothing is pulled from it");
const ATTRIBUTE: Usage = Usage::likely("it becomes an attribute, which other programs read");
const REPLACES: Usage =
    Usage::likely("it replaces what the pattern next to it matches: check what reads both");
const NAMED_ANEW: Usage = Usage::likely(
    "the name of its copy is next to it: check whether something looks for this name",
);
pub(super) const BESIDE_ACCOUNT: Usage =
    Usage::likely("credentials are next to it: images may be pushed there, or pulled with them");
const BESIDE_PATTERN: Usage = Usage::must_agree("the pattern beside it names this location, too");
const BESIDE_CLOSED: Usage =
    Usage::must_agree("only the values of the closed list beside it are allowed");

/// Returns the usage of a value that its siblings show to be compared, listed or copied.
pub(super) fn usage_of(context: &Context<'_>, value: &Node<'_>) -> Option<Usage> {
    let (key, siblings) = (context.key, context.siblings?);
    let has = |key: &str| siblings.get(key).is_some();
    let is_plain = || value.as_scalar().is_some() || is_list_of_scalars(value);
    match () {
        () if is_closed_list(key, siblings) && is_list_of_scalars(value) => Some(CLOSED),
        () if key == "replacement" => of_replacement(siblings),
        () if matches!(context.step(), Step::Key("name")) && (has("newName") || has("newTag")) => {
            Some(Usage::Selector {
                reason: usage::MUST_MATCH,
                replaced: has("newName"),
            })
        }
        () if is_value(context) && is_operand(siblings) => Some(COMPARED),
        () if key == "params" && has("gate") && has("trigger") => Some(COMPARED),
        () if has("match_type") => Some(COMPARED),
        () if key == "match" && value.as_map().is_some() => Some(usage::MATCHED),
        () if is_value(context) && has("key") && is_inserted(siblings) => Some(ATTRIBUTE),
        () if is_plain() => of_rule(siblings),
        () => None,
    }
}

/// Returns the usage by siblings, for a key that implies none.
pub(super) fn limit_of(
    context: &Context<'_>,
    siblings: &Map<'_>,
    value: &Node<'_>,
) -> Option<Usage> {
    let key = context.key;
    match () {
        () if words::is_image_alone(key) && is_built(siblings) => Some(BUILT),
        () if is_in_closed_list(siblings, value) => Some(BESIDE_CLOSED),
        () if is_beside_pattern(siblings, value) => Some(BESIDE_PATTERN),
        () if value
            .as_scalar()
            .is_some_and(|scalar| is_of_account(context, siblings, &scalar.value)) =>
        {
            Some(BESIDE_ACCOUNT)
        }
        () if value.as_scalar().is_some() => of_table(key, siblings),
        () => None,
    }
}

/// Whether a small map contains a location and an account for it, but no image that is pulled: nothing has a tag.
fn is_of_account(context: &Context<'_>, siblings: &Map<'_>, value: &str) -> bool {
    const FIELDS: [&str; 4] = [
        "username",
        "password",
        "passwordsecret",
        "passwordsecretref",
    ];
    let is_filled = |entry: &Entry<'_>| {
        let name = entry.name();
        name.is_some_and(|name| FIELDS.iter().any(|field| words::is_folded(name, field)))
            && !is_empty(context.input, entry)
    };
    value.contains('.')
        && siblings.entries.len() <= words::LARGEST_ACCOUNT
        && !words::is_image_alone(context.key)
        && !image::is_tagged(value)
        && siblings.entries.iter().any(is_filled)
        && !has_key(siblings, &["tag", "digest", "imagetag", "version"])
}

/// Whether nothing is written as the value of a key, so that the key says nothing: `{}`, `[]`, `""`, null.
pub(super) fn is_empty(input: &Input<'_>, entry: &Entry<'_>) -> bool {
    let has_none = match &entry.value {
        Node::Scalar(scalar) => scalar.value.is_empty() || scalar.is_null(),
        Node::Map(map) => map.entries.is_empty(),
        Node::List(list) => list.items.is_empty(),
        Node::Alias(_) => false,
    };
    has_none && !is_templated(input, entry)
}

/// Whether a template may write a value that looks empty without its actions.
fn is_templated(input: &Input<'_>, entry: &Entry<'_>) -> bool {
    let start = entry.key.span().end;
    let rest = input.masked.get(start..).unwrap_or_default();
    let blank = |letter: char| letter.is_whitespace() || matches!(letter, ':' | '"' | '\'');
    let written = start + (rest.len() - rest.trim_start_matches(blank).len());
    let end = written.max(entry.value.span().end);
    !input.actions_in(Span::new(start, end)).is_empty()
}

/// Whether a map has the name of an image, with or without its tag.
pub(super) fn has_image(siblings: &Map<'_>) -> bool {
    is_one_image(siblings) || has_key(siblings, &["repository", "image"])
}

/// Whether a map has the name and the tag of one image.
pub(super) fn is_one_image(siblings: &Map<'_>) -> bool {
    has_key(siblings, &["repository", "name", "image"])
        && has_key(siblings, &["tag", "imagetag", "digest"])
}

/// Whether a map has one of some keys, given in folded form.
fn has_key(map: &Map<'_>, words: &[&str]) -> bool {
    let mut keys = map.entries.iter().filter_map(Entry::name);
    keys.any(|key| words.iter().any(|word| words::is_folded(key, word)))
}

/// Whether the key as written is `value` or `values`, whatever name a sibling gives it.
fn is_value(context: &Context<'_>) -> bool {
    matches!(context.step(), Step::Key("value" | "values"))
}

/// Whether a value is the operand of a comparison: a constraint of Nomad, a criterion of NeuVector, a match of
/// Kubernetes.
fn is_operand(siblings: &Map<'_>) -> bool {
    const CHANGES: [&str; 12] = [
        "add",
        "append",
        "copy",
        "delete",
        "move",
        "overwrite",
        "prepend",
        "remove",
        "replace",
        "set",
        "test",
        "update",
    ];
    let operator = ["operator", "op"].iter().find_map(|key| siblings.text(key));
    let compares =
        operator.is_some_and(|operator| !CHANGES.contains(&operator.to_lowercase().as_str()));
    compares || siblings.get("attribute").is_some()
}

/// Whether a processor of OpenTelemetry adds the value to what is observed.
fn is_inserted(siblings: &Map<'_>) -> bool {
    matches!(
        siblings.text("action"),
        Some("insert" | "update" | "upsert")
    )
}

/// Returns the usage of images beside the action of a rule that allows or denies.
fn of_rule(siblings: &Map<'_>) -> Option<Usage> {
    const KEYS: [&str; 6] = [
        "action",
        "effect",
        "decision",
        "verdict",
        "enforcement",
        "enforcementAction",
    ];
    const ALLOWING: [&str; 8] = [
        "accept", "allow", "exclude", "ignore", "pass", "permit", "skip", "trust",
    ];
    const DENYING: [&str; 9] = [
        "audit",
        "block",
        "deny",
        "drop",
        "dryrun",
        "enforce",
        "quarantine",
        "reject",
        "warn",
    ];
    let action = KEYS
        .iter()
        .find_map(|key| siblings.text(key))?
        .to_lowercase();
    match action.as_str() {
        action if ALLOWING.contains(&action) => Some(usage::ALLOWED),
        action if DENYING.contains(&action) => Some(usage::MATCHED),
        _ => None,
    }
}

/// Returns the usage of a column in a table of images that are copied or renamed.
fn of_table(key: &str, siblings: &Map<'_>) -> Option<Usage> {
    const COPIES: [(&str, &str); 9] = [
        ("from", "to"),
        ("src", "dst"),
        ("src", "dest"),
        ("sourceimage", "targetimage"),
        ("sourceimage", "destinationimage"),
        ("sourceregistry", "targetregistry"),
        ("sourceregistry", "destinationregistry"),
        ("sourcerepository", "targetrepository"),
        ("sourcerepository", "destinationrepository"),
    ];
    const RENAMES: [(&str, &str); 14] = [
        ("find", "replace"),
        ("image", "mirror"),
        ("image", "override"),
        ("image", "rewrite"),
        ("image", "target"),
        ("image", "with"),
        ("image", "newname"),
        ("image", "replacement"),
        ("image", "replacewith"),
        ("old", "new"),
        ("original", "mirror"),
        ("search", "replace"),
        ("sourceregistry", "targetrepository"),
        ("upstream", "local"),
    ];
    let keys = || siblings.entries.iter().filter_map(Entry::name);
    let has = |name: &str| keys().any(|key| words::is_folded(key, name));
    let is_left = |(from, to): &(&str, &str)| *from == key && has(to);
    let is_right = |(from, to): &(&str, &str)| *to == key && has(from);
    match () {
        () if COPIES.iter().chain(&RENAMES).any(is_left) => Some(NAMED_ANEW),
        () if COPIES.iter().any(is_right) => Some(PUSHED),
        () if key == "replace" && RENAMES.iter().any(is_right) => Some(REPLACES),
        () if key == "backup" && has("source") && has("target") => Some(PUSHED),
        () => None,
    }
}

/// Returns the usage of the replacement for a match: a Prometheus label, or a part of a name that others read.
fn of_replacement(siblings: &Map<'_>) -> Option<Usage> {
    const OF_LABELS: [&str; 4] = [
        "source_labels",
        "sourceLabels",
        "target_label",
        "targetLabel",
    ];
    let has = |keys: &[&str]| keys.iter().any(|key| siblings.get(key).is_some());
    match () {
        () if has(&OF_LABELS) => Some(RELABELLED),
        () if has(&["regex", "regexp", "pattern", "match", "search"]) => Some(REPLACES),
        () => None,
    }
}

/// Whether a list has all allowed values, by its key or its siblings, as in Azure Pipelines and Rundeck.
fn is_closed_list(key: &str, siblings: &Map<'_>) -> bool {
    let is_parameter = || siblings.get("name").is_some() && siblings.get("default").is_some();
    words::is_closed_list(key) || key == "values" && (is_parameter() || is_enforced(siblings))
}

fn is_enforced(siblings: &Map<'_>) -> bool {
    siblings.text("enforced") == Some("true")
}

/// Whether a map describes how its image is built, as for DevSpace and Okteto, or in the matrix of a workflow.
fn is_built(siblings: &Map<'_>) -> bool {
    let is_here = |key: &str| {
        let folder = siblings.text(key);
        folder.is_some_and(|folder| folder == "." || folder.starts_with("./"))
    };
    let mut keys = siblings.entries.iter().filter_map(Entry::name);
    keys.any(|key| words::is_of_build(&words::fold(key))) || is_here("context")
}

/// Whether a pattern beside a default names the registry of the default.
fn is_beside_pattern(siblings: &Map<'_>, value: &Node<'_>) -> bool {
    let pattern = ["pattern", "AllowedPattern", "regexp", "regex"]
        .iter()
        .find_map(|key| siblings.text(key));
    let Some((pattern, scalar)) = pattern.zip(value.as_scalar()) else {
        return false;
    };
    let registry = scalar.value.split('/').next().unwrap_or_default();
    // `line: IMAGE=k8s.gcr.io/pause:3.1`
    let in_host =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | ':');
    let registry = registry
        .rsplit(|letter| !in_host(letter))
        .next()
        .unwrap_or_default();
    let plain: String = pattern
        .chars()
        .filter(|letter| !matches!(letter, '\\' | '[' | ']'))
        .collect();
    registry.contains('.') && plain.contains(registry)
}

/// Whether a default is one of a closed list of values beside it.
pub(super) fn is_in_closed_list(siblings: &Map<'_>, value: &Node<'_>) -> bool {
    let Some(scalar) = value.as_scalar() else {
        return false;
    };
    let holds = |key: &&str| {
        let mut scalars = siblings.items(key).iter().filter_map(Node::as_scalar);
        scalars.any(|item| item.value == scalar.value)
    };
    let keys = [
        "enum",
        "options",
        "choices",
        "allowedValues",
        "AllowedValues",
    ];
    keys.iter().any(holds) || is_closed_list("values", siblings) && holds(&"values")
}

/// The maximum number of values of a map that are examined.
const MOST_VALUES: usize = 64;

/// Whether all values of a map are images with tags, and at least one includes its registry.
pub(super) fn are_images(map: &Map<'_>) -> bool {
    let is_image = |value: &str| {
        let (name, tag) = value.rsplit_once(':').unwrap_or_default();
        name.contains('/') && !name.contains(':') && image::is_tag(tag)
    };
    let values = map.entries.iter().take(MOST_VALUES);
    let values: Option<Vec<&str>> = values
        .map(|entry| Some(&*entry.value.as_scalar()?.value))
        .collect();
    values.is_some_and(|values| {
        let mut hosts = values.iter().map(|value| image::split_host(value).0);
        values.iter().all(|value| is_image(value)) && hosts.any(|host| host.is_some())
    })
}

fn is_list_of_scalars(value: &Node<'_>) -> bool {
    let list = value.as_list();
    list.is_some_and(|list| list.items.iter().all(|item| item.as_scalar().is_some()))
}
