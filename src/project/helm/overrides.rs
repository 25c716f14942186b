//! Values added to a values file, in the file's own style, touching nothing else.
//!
//! Text and values in, edits out. What comes out is read again: a plan by which the file would not mean what it meant,
//! with the overrides over it, is given up.

pub(super) mod insert;
mod style;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::values::{self, Leaf, LeafKind, Origin, Spot, Step, Table, Value};
use crate::edit::{self, Applicability, Edit, Fix};
use crate::source::Span;

/// A value that is to be at a path of keys.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Override {
    pub path: Vec<String>,
    pub value: Value,
}

/// For each override the edits that bring it about, or why there are none. Overrides that meet at one location in the file
/// have the same edits there.
pub(super) fn plan(text: &str, at: &Spot, wanted: &[Override]) -> Vec<Result<Vec<Edit>, String>> {
    let before = match read(text, at) {
        Ok(before) => before,
        Err(error) => return vec![Err(format!("the values file {error}")); wanted.len()],
    };
    let mut refused: Vec<Option<String>> = vec![None; wanted.len()];
    // Together, and where that fails without those that fail alone.
    for alone in [false, true] {
        if alone {
            for (index, one) in wanted.iter().enumerate() {
                let single = insert::plan(text, at, &[(0, one)]);
                let holds = single.refused.is_empty() && holds(text, at, &before, &[one], &single);
                if refused[index].is_none() && !holds {
                    refused[index] = Some(NO_ROOM.to_owned());
                }
            }
        }
        let kept: Vec<(usize, &Override)> = wanted
            .iter()
            .enumerate()
            .filter(|(index, _)| refused[*index].is_none())
            .collect();
        let plan = insert::plan(text, at, &kept);
        for (index, reason) in &plan.refused {
            refused[*index] = Some(reason.clone());
        }
        let met: Vec<&Override> = kept
            .iter()
            .filter(|(index, _)| refused[*index].is_none())
            .map(|(_, one)| *one)
            .collect();
        if holds(text, at, &before, &met, &plan) {
            return (0..wanted.len())
                .map(|index| match refused[index].take() {
                    Some(reason) => Err(reason),
                    None => Ok(plan.of(index)),
                })
                .collect();
        }
    }
    vec![Err(NO_ROOM.to_owned()); wanted.len()]
}

/// The edits that add a name with its value to names and values as `--set` takes them: a list of those, or a table.
///
/// # Errors
/// Where they cannot be added; in words that say why.
pub(super) fn plan_pair(
    text: &str,
    at: &Spot,
    name: &str,
    value: &str,
) -> Result<Vec<Edit>, String> {
    let before = read(text, at)?;
    let leaf = |text: &str| {
        Value::Leaf(Leaf {
            text: text.into(),
            kind: LeafKind::Text,
            origin: Origin {
                file: 0,
                span: Span::new(0, 0),
            },
        })
    };
    let set_in = |at: &Spot, key: &str| {
        let (path, value) = (vec![key.to_owned()], leaf(value));
        plan(text, at, &[Override { path, value }]).remove(0)
    };
    let Value::List(items) = values::at(&before.documents[at.document], &at.steps) else {
        return set_in(at, name);
    };
    let has_name = |item: &Value| {
        let own = item.as_table().and_then(|item| item.get("name"));
        matches!(own, Some(Value::Leaf(own)) if *own.text == *name)
    };
    if let Some(index) = items.iter().rposition(has_name) {
        return set_in(&at.clone().item(index), "value");
    }
    let item = Value::table(Table::from([
        ("name".to_owned(), leaf(name)),
        ("value".to_owned(), leaf(value)),
    ]));
    let edit = insert::append(text, at, &item).ok_or(NO_ROOM)?;
    let items: Vec<Value> = items.iter().cloned().chain([item]).collect();
    // The list with the item in it is the override.
    let mut map = at.clone();
    let Some(Step::Key(key)) = map.steps.pop() else {
        return Err(NO_ROOM.to_owned());
    };
    let (path, value) = (vec![key], Value::List(items.into()));
    let wanted = Override { path, value };
    let plan = insert::Insertion {
        edits: vec![(edit.clone(), Vec::new())],
        ..insert::Insertion::default()
    };
    match holds(text, &map, &before, &[&wanted], &plan) {
        true => Ok(vec![edit]),
        false => Err(NO_ROOM.to_owned()),
    }
}

const NO_ROOM: &str = "the override would change something else in the values file";

/// A file with values in it.
#[derive(Clone)]
struct Contents {
    documents: Vec<Value>,
    /// Those that are in a text, which is left out of the documents.
    inner: Option<Value>,
}

fn read(text: &str, at: &Spot) -> Result<Contents, String> {
    let mut documents = values::read_all(text, 0)?;
    if documents.len() <= at.document {
        documents.resize(at.document + 1, Value::Null);
    }
    let root = &mut documents[at.document];
    if !matches!(root, Value::Null | Value::Table(_)) {
        return Err("is not a map".to_owned());
    }
    let mut inner = None;
    if at.in_text
        && let Some((last, steps)) = at.steps.split_last()
        && let Step::Key(key) = last
    {
        // As the document yields it, and not as its lines stand there.
        let Value::Leaf(leaf) = values::at(root, &at.steps) else {
            return Err(NO_ROOM.to_owned());
        };
        inner = Some(Value::table(values::read(&leaf.text, 0)?));
        set_at(root, steps, std::slice::from_ref(key), &Value::Null);
    }
    Ok(Contents { documents, inner })
}

/// Whether the edits bring about the overrides, and nothing else.
fn holds(
    text: &str,
    at: &Spot,
    before: &Contents,
    wanted: &[&Override],
    plan: &insert::Insertion,
) -> bool {
    let edits: BTreeSet<Edit> = plan.edits.iter().map(|(edit, _)| edit.clone()).collect();
    let fix = Fix::here(edits.into_iter().collect(), Applicability::Safe);
    let after = edit::apply(text, [&fix], Applicability::Safe);
    let mut expected = before.clone();
    for one in wanted {
        match &mut expected.inner {
            Some(inner) => set_at(inner, &[], &one.path, &one.value),
            None => {
                let root = &mut expected.documents[at.document];
                set_at(root, &at.steps, &one.path, &one.value);
            }
        }
    }
    read(&after, at).is_ok_and(|after| after.same(&expected))
}

impl Contents {
    fn same(&self, other: &Self) -> bool {
        let all = |of: &Self| {
            let documents = of.documents.iter().chain(&of.inner);
            Value::List(documents.cloned().collect())
        };
        values::same(&all(self), &all(other))
    }
}

/// Puts a value at a path below a place of a document.
fn set_at(root: &mut Value, at: &[Step], path: &[String], value: &Value) {
    match at.split_first() {
        None => {
            if root.as_table().is_none() {
                *root = Value::table(Table::new());
            }
            if let Value::Table(table) = root {
                set(Arc::make_mut(table), path, value);
            }
        }
        Some((Step::Key(key), rest)) => {
            if matches!(root, Value::Null) {
                *root = Value::table(Table::new());
            }
            if let Value::Table(table) = root {
                let inner = Arc::make_mut(table).entry(key.clone());
                set_at(inner.or_insert(Value::Null), rest, path, value);
            }
        }
        Some((Step::Item(index), rest)) => {
            if let Value::List(items) = root
                && let Some(item) = Arc::make_mut(items).get_mut(*index)
            {
                set_at(item, rest, path, value);
            }
        }
    }
}

/// Puts a value at a path; what is no table on the way gives way to one.
pub(super) fn set(table: &mut Table, path: &[String], value: &Value) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        table.insert(key.clone(), value.clone());
        return;
    }
    let inner = table
        .entry(key.clone())
        .or_insert_with(|| Value::table(Table::new()));
    if inner.as_table().is_none() {
        *inner = Value::table(Table::new());
    }
    if let Value::Table(inner) = inner {
        set(Arc::make_mut(inner), rest, value);
    }
}

/// A leaf with another text.
pub(super) fn renamed(leaf: &Leaf, text: &str) -> Value {
    Value::Leaf(Leaf {
        text: text.into(),
        ..leaf.clone()
    })
}

#[cfg(test)]
mod tests;
