//! New values of single leaves, and the overrides that set them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::effective::Instance;
use super::super::merged_values::{MergedValues, ScalarSource};
use super::super::overrides::{self, Override};
use super::super::values::{Value, table_at};
use crate::edit::{self, Applicability, Edit, Fix};
use crate::finding::Finding;
use crate::source::Span;

/// The new texts of leaves, by where they were written.
pub(super) type Renames = BTreeMap<(usize, Span), String>;

pub(super) fn renames(found: &[Finding], document: &MergedValues) -> Renames {
    let mut edits: BTreeMap<(usize, Span), (&ScalarSource, BTreeSet<Edit>)> = BTreeMap::new();
    for edit in found
        .iter()
        .filter_map(|one| one.fix.as_ref())
        .flat_map(|fix| &fix.edits)
    {
        if let Some(placed) = document.leaf(edit.span) {
            let key = (placed.leaf.origin.file, placed.leaf.origin.span);
            let (_, of_leaf) = edits
                .entry(key)
                .or_insert_with(|| (placed, BTreeSet::new()));
            of_leaf.insert(Edit::new(
                Span::new(
                    edit.span.start - placed.span.start,
                    edit.span.end - placed.span.start,
                ),
                edit.text.clone(),
            ));
        }
    }
    let renamed = |(key, (placed, edits)): ((usize, Span), (&ScalarSource, BTreeSet<Edit>))| {
        let fix = Fix::here(edits.into_iter().collect(), Applicability::Safe);
        let text = placed.span.of(&document.text);
        let written = edit::apply(text, [&fix], Applicability::Safe);
        (key, placed.meaning(&written))
    };
    edits.into_iter().map(renamed).collect()
}

/// Returns the override that an owner's values need so that a leaf gets its new text.
pub(super) fn override_of(
    placed: &ScalarSource,
    instance: &Instance,
    renames: &Renames,
) -> Option<Override> {
    let path = instance.path.iter().chain(&placed.path).cloned().collect();
    let (last, tables) = placed.path.split_last()?;
    let table = table_at(&instance.values, tables.iter().map(String::as_str))?;
    Some(Override {
        path,
        value: rename(table.get(last)?, renames),
    })
}

/// Returns a value with all of its leaves renamed.
fn rename(value: &Value, renames: &Renames) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Leaf(leaf) => match renames.get(&(leaf.origin.file, leaf.origin.span)) {
            Some(text) => overrides::renamed(leaf, text),
            None => value.clone(),
        },
        Value::List(items) => Value::List(items.iter().map(|item| rename(item, renames)).collect()),
        Value::Table(table) => {
            let entries = table.iter();
            Value::table(
                entries
                    .map(|(key, value)| (key.clone(), rename(value, renames)))
                    .collect(),
            )
        }
    }
}
