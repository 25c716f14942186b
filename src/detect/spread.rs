//! Images that are spread over several values of a map, its merged maps, or a list of names and values.

mod reader;

use std::collections::HashSet;

use super::context::{Context, SchemaKeys};
use super::entries;
use super::form::Form;
use super::image_use::ImageUse;
use super::parts::{self, Around, Pair, Value};
use super::schema;
use super::siblings;
use super::usage::Usage;
use super::words;
use crate::syntax::yaml::{List, Map, Node};
use reader::Reader;

/// The maximum nesting of merge keys. Deeper merges are not analyzed.
const DEEPEST_MERGE: usize = 4;

/// A value that may be a part of an image.
struct Part<'p> {
    key: &'p str,
    pair: Pair<'p>,
    node: &'p Node<'p>,
    /// The index in the map or list. `None` if it is merged in.
    own: Option<usize>,
    /// Whether it was reached through an alias.
    by_alias: bool,
    /// The usage that its key implies, which limits the certainty of the pull.
    limit: Option<Usage>,
}

impl<'p> Part<'p> {
    fn new(key: &'p str, node: &'p Node<'p>, own: Option<usize>) -> Self {
        Self {
            key,
            pair: Pair::new(key, value(node)),
            node,
            own,
            by_alias: false,
            limit: None,
        }
    }
}

/// Finds the images of a map. Returns the indices of the entries that are part of one.
pub(super) fn of_map(
    context: &Context<'_>,
    map: &Map<'_>,
    out: &mut Vec<ImageUse>,
) -> HashSet<usize> {
    if context.is_no_pull() {
        return HashSet::new();
    }
    let mut parts = Vec::new();
    match context.schema {
        Some(SchemaKeys::Names) => defaults(map, &mut parts),
        Some(SchemaKeys::Keywords) => {}
        None => collect(context, map, DEEPEST_MERGE, &mut HashSet::new(), &mut parts),
    }
    parts.retain(|part| words::is_of_image(&part.pair.key));
    let is_more_than_name = |part: &Part<'_>| {
        words::goes_with_name(&part.pair.key) || words::is_repository(&part.pair.key)
    };
    if !parts.iter().any(is_more_than_name) {
        return HashSet::new();
    }
    // Values that a schema row describes are read by that row.
    parts.retain_mut(|part| {
        let value = context.value(map, part.key, &part.pair.key);
        let row = schema::row(&value);
        let is_name = row.is_none_or(|row| {
            matches!(row.form, Form::Name | Form::Entry | Form::Image)
                && row.usage(&value).is_pull()
        });
        let said = entries::usage_of(&value, part.node);
        let is_pull = said.is_none_or(Usage::is_pull);
        part.limit = said.filter(|_| is_pull && row.is_none());
        is_name && is_pull && !is_selector(map, part.key)
    });
    images(context, &parts, Some(map), out)
}

/// Finds the images of a list of names and values. Returns the indices of the items that are part of one.
pub(super) fn of_list(
    context: &Context<'_>,
    list: &List<'_>,
    out: &mut Vec<ImageUse>,
) -> HashSet<usize> {
    let mut parts = Vec::new();
    for (index, item) in list.items.iter().enumerate() {
        let Some(map) = item.as_map() else {
            continue;
        };
        let name = entries::NAMES.iter().find_map(|key| map.text(key));
        let value = ["value", "default", "Value", "ParameterValue"].iter();
        let value = value.filter_map(|key| map.get(key)).next();
        if let (Some(key), Some(node)) = (name, value)
            && !siblings::is_in_closed_list(map, node)
            && !is_whole(context, key)
        {
            parts.push(Part::new(key, node, Some(index)));
        }
    }
    if parts.len() < 2 || context.is_no_pull() {
        return HashSet::new();
    }
    images(context, &parts, None, out)
}

/// Whether a parameter is a complete image name, without a prefix.
fn is_whole(context: &Context<'_>, parameter: &str) -> bool {
    let is_name = words::repository_stem(&words::fold(parameter)).is_some();
    is_name && context.document.uses_alone(context.input.text, parameter)
}

/// Finds the images of the paths and values that command options set. Returns the indices of the pairs that are part of one.
pub(super) fn of_settings(
    context: &Context<'_>,
    pairs: &[(&str, Node<'_>)],
    out: &mut Vec<ImageUse>,
) -> HashSet<usize> {
    let numbered = pairs.iter().enumerate();
    let parts: Vec<Part<'_>> = numbered
        .map(|(index, (key, node))| Part::new(key, node, Some(index)))
        .collect();
    images(context, &parts, None, out)
}

/// Collects the entries of a map and of the maps merged into it.
fn collect<'p>(
    context: &Context<'p>,
    map: &'p Map<'p>,
    depth: usize,
    seen: &mut HashSet<&'p str>,
    parts: &mut Vec<Part<'p>>,
) {
    let is_own = depth == DEEPEST_MERGE;
    let mut merged: Vec<&'p Map<'p>> = Vec::new();
    let mut follow = |node: &'p Node<'p>| match node {
        Node::Map(map) => merged.push(map),
        Node::Alias(span) => {
            let target = context.document.aliases.follow(*span);
            merged.extend(target.and_then(Node::as_map));
        }
        Node::Scalar(_) | Node::List(_) => {}
    };
    for (index, entry) in map.entries.iter().enumerate() {
        let Some(key) = entry.name() else {
            continue;
        };
        if key == "<<" {
            match &entry.value {
                Node::List(list) => list.items.iter().for_each(&mut follow),
                node => follow(node),
            }
        } else if seen.insert(key) {
            let is_anchored = entry.value.span().start < entry.key.span().start;
            parts.push(Part {
                by_alias: !is_own || is_anchored || context.by_alias,
                ..Part::new(key, &entry.value, is_own.then_some(index))
            });
        }
    }
    if depth > 0 {
        for map in merged {
            collect(context, map, depth - 1, seen, parts);
        }
    }
}

/// Collects the defaults of the fields in a schema.
fn defaults<'p>(map: &'p Map<'p>, parts: &mut Vec<Part<'p>>) {
    for entry in &map.entries {
        let field = entry.value.as_map();
        let default = field.and_then(|field| field.get("default"));
        if let (Some(key), Some(node)) = (entry.name(), default)
            && !field.is_some_and(|field| siblings::is_in_closed_list(field, node))
        {
            parts.push(Part::new(key, node, None));
        }
    }
}

/// Whether the key is a `name` beside `newName` or `newTag`, which selects what these replace.
fn is_selector(map: &Map<'_>, key: &str) -> bool {
    let replaces = ["newName", "newTag"].iter();
    key == "name" && replaces.clone().any(|key| map.get(key).is_some())
}

fn images(
    context: &Context<'_>,
    parts: &[Part<'_>],
    map: Option<&Map<'_>>,
    out: &mut Vec<ImageUse>,
) -> HashSet<usize> {
    let pairs: Vec<&Pair<'_>> = parts.iter().map(|part| &part.pair).collect();
    let around = |prefix: &str| {
        let above = match prefix {
            "" => context.key.to_owned(),
            prefix => words::fold(prefix),
        };
        Around {
            is_image: words::is_image(&above),
            is_item: context.in_list,
        }
    };
    let mut used = HashSet::new();
    for image in parts::images(&pairs, around) {
        let reader = Reader {
            context,
            parts,
            map: map.filter(|_| !context.by_alias),
            image: &image,
        };
        if let Some(found) = reader.image_use() {
            out.push(found);
            let pieces = [Some(image.name), image.registry, image.folder];
            used.extend(pieces.into_iter().flatten().filter_map(|at| parts[at].own));
        }
    }
    used
}

fn value<'n>(node: &'n Node<'_>) -> Value<'n> {
    match node.as_scalar() {
        None => Value::Unknown,
        Some(scalar) if scalar.is_null() || scalar.value.is_empty() => Value::Empty,
        Some(scalar) => Value::Text(scalar.value.trim()),
    }
}
