//! The locations that a chart gets its values from and where a key can be added.

use std::path::{Path, PathBuf};

use super::super::given::{Given as GivenAt, Written};
use super::super::values::{Spot, Value};
use super::alternatives;
use super::around::{Around, MOST_STEPS, rooted};
use super::ways::{Entry, Form, dig};

/// A location of values that a chart gets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub given: GivenAt,
    /// In a string that contains more than the values: the keys that lead to them.
    pub keys: Vec<String>,
}

/// Returns the locations of the values that a chart gets, in files and in the file that names the chart. Later ones
/// win.
pub(super) fn places(entry: &Entry<'_>, around: &Around<'_>) -> Vec<Place> {
    let place = |given| Place {
        given,
        keys: Vec::new(),
    };
    given(entry, around).into_iter().map(place).collect()
}

fn given(entry: &Entry<'_>, around: &Around<'_>) -> Vec<GivenAt> {
    let mut places = Vec::new();
    let files = |value: &Value| match value {
        Value::Leaf(leaf) => {
            let text = around.written(leaf);
            alternatives::of(&text, around).unwrap_or_else(|| files_named(&text, around))
        }
        _ => Vec::new(),
    };
    for (path, form) in entry.way.values {
        let here = || below(entry, path);
        let at = |spot: Spot| GivenAt::at(around.path.to_owned(), spot);
        match (form, dig(entry.table, path)) {
            (Form::Parent, _) => {
                places.push(GivenAt::whole(around.path.with_file_name("values.yaml")));
            }
            (Form::Values, Some(Value::Table(_))) => places.push(at(here())),
            (Form::Values, Some(Value::Leaf(_))) => places.push(at(here().in_text())),
            (Form::Files, Some(Value::List(items))) => {
                places.extend(items.iter().flat_map(files).map(GivenAt::whole));
            }
            (Form::Files, Some(value)) => {
                places.extend(files(value).into_iter().map(GivenAt::whole))
            }
            (Form::References, Some(value)) => places.extend(referenced(value, around)),
            (Form::List, Some(Value::List(items))) => {
                for (index, item) in items.iter().enumerate() {
                    match item {
                        Value::Table(_) => places.push(at(here().item(index))),
                        item => places.extend(files(item).into_iter().map(GivenAt::whole)),
                    }
                }
            }
            (Form::Pairs, Some(Value::List(_) | Value::Table(_))) => places.push(GivenAt {
                written: Written::Pairs,
                ..at(here())
            }),
            (
                Form::Values
                | Form::Files
                | Form::References
                | Form::List
                | Form::Pairs
                | Form::Assignments,
                _,
            ) => {}
        }
    }
    places
}

/// Returns locations of values in the file that names the chart to which nothing can be added.
pub(super) fn closed(entry: &Entry<'_>, around: &Around<'_>) -> Vec<GivenAt> {
    let values = entry.way.values.iter();
    let closed = values.filter(|(_, form)| *form == Form::Assignments);
    let closed = closed.map(|(path, _)| below(entry, path));
    closed
        .map(|at| GivenAt::at(around.path.to_owned(), at))
        .collect()
}

fn below(entry: &Entry<'_>, path: &str) -> Spot {
    let keys: Vec<&str> = path.split('.').collect();
    entry.at.clone().keys(&keys)
}

/// Returns the locations of values in the `ConfigMap` objects that a list refers to, if they are next to the file.
pub(super) fn referenced(value: &Value, around: &Around<'_>) -> Vec<GivenAt> {
    let Value::List(references) = value else {
        return Vec::new();
    };
    let folder = around.path.parent().unwrap_or(Path::new(""));
    let references = references.iter().filter_map(Value::as_table);
    let found = references.filter_map(|one| around.config_maps.values(folder, one));
    found.collect()
}

/// Returns the possible paths of a values file, whether they exist or not, the likeliest last: next to the file that
/// names it, or below the root of the repository, as with Argo CD's `$values/`.
pub(super) fn files_named(text: &str, around: &Around<'_>) -> Vec<PathBuf> {
    let folder = around.path.parent().unwrap_or(Path::new(""));
    match rooted(text) {
        _ if text.contains("{{") || text.is_empty() => Vec::new(),
        None => vec![around.tree.resolve(folder, text)],
        // The root of the repository is not known here, so the outermost folder comes last.
        Some(rooted) => {
            let above = folder.ancestors().take(MOST_STEPS);
            above
                .map(|above| around.tree.resolve(above, rooted))
                .collect()
        }
    }
}
