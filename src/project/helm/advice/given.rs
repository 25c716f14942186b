//! The values that the tree gives to a chart, and whether they replace the chart's default images.
//!
//! The defaults are not in the tree, so a value is recognised by its key alone: `repository`, `image`, `registry`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::given::{Written, read_pairs};
use super::super::overrides::renamed;
use super::super::refusal;
use super::super::values::{self, Leaf, LeafKind, Table, Value};
use super::alternatives;
use super::around::{Around, MOST_STEPS};
use super::places::{files_named, referenced};
use super::ways::{Entry, Form, dig, leaf, written};
use crate::image;
use crate::rules::Rule;

/// The layers of values that a chart gets, later ones over earlier ones.
#[derive(Debug, Default)]
pub(super) struct Given {
    layers: Vec<Arc<Table>>,
    /// Values files that have to be judged together with the file that names the chart.
    pub files: Vec<PathBuf>,
}

impl Given {
    pub(super) fn of(entry: &Entry<'_>, around: &Around<'_>) -> Self {
        let mut given = Self::default();
        for (path, form) in entry.way.values {
            match (form, dig(entry.table, path)) {
                (Form::Parent, _) => given.add_parent(entry, around),
                (_, None) => {}
                (Form::Values, Some(value)) => given.add_values(value),
                (Form::Pairs, Some(value)) => given.add_pairs(value),
                (Form::Assignments, Some(value)) => given.add_pairs(&assigned(value)),
                (Form::Files, Some(Value::List(items))) => {
                    items.iter().for_each(|item| given.add_file(item, around));
                }
                (Form::Files, Some(value)) => given.add_file(value, around),
                (Form::References, Some(value)) => given.add_references(value, around),
                (Form::List, Some(Value::List(items))) => items
                    .iter()
                    .for_each(|item| given.add_values_or_file(item, around)),
                (Form::List, Some(_)) => {}
            }
        }
        given
    }

    pub(super) fn of_values(values: Table) -> Self {
        Self {
            layers: vec![Arc::new(values)],
            files: Vec::new(),
        }
    }

    /// Whether it makes the chart accept images from other registries.
    pub(super) fn is_lifted(&self) -> bool {
        self.layers.iter().any(|layer| refusal::is_lifted(layer))
    }

    fn add_values(&mut self, value: &Value) {
        match value {
            Value::Table(table) => self.layers.push(Arc::clone(table)),
            Value::Leaf(leaf) => {
                let read = values::read(&leaf.text, 0).ok();
                self.layers.extend(read.map(Arc::new));
            }
            _ => {}
        }
    }

    fn add_values_or_file(&mut self, value: &Value, around: &Around<'_>) {
        match value {
            Value::Leaf(leaf) if !leaf.text.contains(['\n', ':']) => self.add_file(value, around),
            // The possible values of an HCL expression.
            Value::List(items) => items
                .iter()
                .for_each(|item| self.add_values_or_file(item, around)),
            _ => self.add_values(value),
        }
    }

    fn add_file(&mut self, value: &Value, around: &Around<'_>) {
        let Value::Leaf(leaf) = value else {
            return;
        };
        let text = around.written(leaf);
        if let Some(files) = alternatives::of(&text, around) {
            self.files.extend(files);
            return;
        }
        let candidates = files_named(&text, around);
        let last = candidates
            .iter()
            .rev()
            .find(|file| (around.text)(file).is_some());
        self.layers
            .extend(last.and_then(|file| around.values(file)));
        self.files.extend(candidates);
    }

    fn add_references(&mut self, value: &Value, around: &Around<'_>) {
        for place in referenced(value, around) {
            let values = match place.at.is_whole() {
                true => around.values(&place.file),
                false => {
                    let text = (around.text)(&place.file);
                    let read = text.and_then(|text| around.config_maps.read(&place, &text));
                    read.map(Arc::new)
                }
            };
            self.layers.extend(values);
            self.files.push(place.file);
        }
    }

    fn add_pairs(&mut self, value: &Value) {
        for (keys, value) in read_pairs(value, Written::Pairs).flatten() {
            let mut layer = Table::new();
            values::set(&mut layer, &keys, &value);
            self.layers.push(Arc::new(layer));
        }
    }

    /// Adds what a chart's dependency gets from the values of that chart, and of its parents, which win.
    fn add_parent(&mut self, entry: &Entry<'_>, around: &Around<'_>) {
        let key = leaf(entry.table, "alias").unwrap_or(entry.chart);
        let mut keys = vec![key.text.to_string()];
        let mut chart = around.path.parent();
        while let Some(folder) = chart.filter(|_| keys.len() < MOST_STEPS) {
            self.add_values_of(&folder.join("values.yaml"), &keys, around);
            let above = folder.parent().filter(|above| above.ends_with("charts"));
            chart = above.and_then(Path::parent);
            let name = folder.file_name().unwrap_or_default();
            keys.insert(0, name.to_string_lossy().into_owned());
        }
    }

    fn add_values_of(&mut self, file: &Path, keys: &[String], around: &Around<'_>) {
        self.files.push(file.to_owned());
        let Some(table) = around.values(file) else {
            return;
        };
        let globals = table.get("global").cloned();
        let globals = globals.map(|globals| Table::from([("global".to_owned(), globals)]));
        self.layers.extend(globals.map(Arc::new));
        let own = values::table_at(&table, keys.iter().map(String::as_str));
        self.layers.extend(own.map(|own| Arc::new(own.clone())));
    }

    /// Returns the value of a switch, if it is set.
    pub(super) fn switch(&self, path: &str) -> Option<bool> {
        let mut latest = self.layers.iter().rev();
        latest.find_map(|layer| switch_of(layer, path))
    }

    /// Whether all images of an advisory, separated by commas, are replaced by images that its rule does not apply
    /// to.
    pub(super) fn override_all(&self, images: &str, rule: &Rule) -> bool {
        let mut found = Images::default();
        self.layers
            .iter()
            .for_each(|layer| found.add(layer, true, 0));
        let images: Vec<String> = images
            .split(',')
            .map(|image| name_of(image.trim()))
            .collect();
        let is_moved = |name: &str| !applies(rule, name);
        let everywhere = |image: &String| {
            let moved = |host: &String| host_of(host) != host_of(image);
            found.of_all.iter().any(moved)
                || found.registries.len() >= images.len() && found.registries.iter().all(moved)
        };
        let named = |image: &String| {
            // An advisory for a whole organization may mean any image of it.
            let whole = image.starts_with("docker.io/") && image.matches('/').count() == 1;
            let same = |name: &&String| whole || last_segment(name) == last_segment(image);
            let mut own = found.names.iter().filter(same).peekable();
            own.peek().is_some() && own.all(|name| is_moved(name))
        };
        images.iter().all(|image| named(image) || everywhere(image))
    }
}

/// Converts assignments such as `name=value` to a list of names with values.
fn assigned(list: &Value) -> Value {
    let Value::List(items) = list else {
        return Value::Null;
    };
    let texts = items
        .iter()
        .filter_map(|item| leaf(item.as_table()?, "value"));
    let assignments = texts.flat_map(|leaf| {
        let pairs = leaf.text.split(',').filter_map(|one| one.split_once('='));
        let pair = |(name, value): (&str, &str)| {
            let pair = [("name", name), ("value", value)];
            let pair = pair.map(|(key, text)| (key.to_owned(), renamed(leaf, text)));
            Value::table(Table::from(pair))
        };
        pairs.map(pair).collect::<Vec<_>>()
    });
    Value::List(assignments.collect())
}

/// Returns the first boolean at the comma-separated paths, as Helm does for conditions.
pub(super) fn switch_of(table: &Table, paths: &str) -> Option<bool> {
    paths
        .split(',')
        .find_map(|path| match dig(table, path.trim())? {
            Value::Leaf(Leaf {
                kind: LeafKind::Bool(on),
                ..
            }) => Some(*on),
            Value::Leaf(leaf) => leaf.text.parse().ok(),
            _ => None,
        })
}

/// Images and registries that values name.
#[derive(Debug, Default)]
struct Images {
    /// Names, with the host that is set next to them if there is one.
    names: Vec<String>,
    /// Registries of single images.
    registries: Vec<String>,
    /// Registries that apply to all images.
    of_all: Vec<String>,
}

impl Images {
    fn add(&mut self, table: &Table, at_root: bool, depth: usize) {
        let text = |wanted: &dyn Fn(&str) -> bool| {
            table.iter().find_map(|(key, value)| match value {
                Value::Leaf(leaf) if wanted(&folded(key)) && !leaf.text.is_empty() => {
                    Some(&*leaf.text)
                }
                _ => None,
            })
        };
        let registry = text(&|key| key == "registry" || key.ends_with("imageregistry"));
        let repository = text(&|key| key.ends_with("repository"));
        let name = repository.or_else(|| text(&|key| key == "image" || key.ends_with("image")));
        match (registry, name) {
            (Some(registry), None) if at_root => self.of_all.push(registry.to_owned()),
            (Some(registry), None) => self.registries.push(registry.to_owned()),
            (registry, Some(name)) => self.names.push(match registry {
                Some(registry) if image::split_host(name).0.is_none() => {
                    format!("{}/{name}", registry.trim_end_matches('/'))
                }
                _ => name.to_owned(),
            }),
            (None, None) => {}
        }
        if depth < MOST_STEPS {
            for (key, value) in table {
                if let Value::Table(inner) = value {
                    self.add(inner, at_root && key == "global", depth + 1);
                }
            }
        }
    }
}

fn folded(key: &str) -> String {
    key.replace(['-', '_'], "").to_ascii_lowercase()
}

/// Returns a name without tag and digest, in the form that rules use. A bare organization keeps its form.
fn name_of(text: &str) -> String {
    let text = image::name_of(text);
    match image::split_host(text) {
        (Some(_), path) if !path.contains('/') => text.to_owned(),
        (host, path) => image::canonical(host, path),
    }
}

fn last_segment(name: &str) -> &str {
    image::name_of(name).rsplit('/').next().unwrap_or_default()
}

fn host_of(name: &str) -> String {
    let host = name.split('/').next().unwrap_or_default();
    image::canonical_host(Some(host)).into_owned()
}

fn applies(rule: &Rule, name: &str) -> bool {
    let name = name_of(name);
    let segments: Vec<&str> = name.split('/').collect();
    let mut mappings = rule.mappings().iter();
    mappings.any(|mapping| mapping.from.matches(&segments).is_some())
}

/// Returns the part of an image's name that a rule's location matches: `docker.io/bitnami`.
pub(super) fn location(image: &str, rule: &Rule) -> String {
    let name = name_of(image.trim());
    let segments: Vec<&str> = name.split('/').collect();
    let hits = rule.mappings().iter();
    let hits = hits.filter_map(|mapping| mapping.from.matches(&segments));
    let taken = hits.map(|hit| hit.taken).max().unwrap_or(1);
    segments[..taken.min(segments.len())].join("/")
}

/// Whether a scalar's text is written literally, without template actions.
pub(super) fn is_plain(leaf: &Leaf, text: &str) -> bool {
    written(text, leaf.origin.span).is_some()
}
