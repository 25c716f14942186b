//! Adds values to a values file in the file's own style, changing nothing else.
//!
//! Text and values in, edits out. The result is parsed again: a plan is dropped if the file then means anything but
//! its old values with the overrides over them.

pub(super) mod insert;
mod style;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::given::Written;
use super::values::{self, Leaf, LeafKind, Spot, Step, Table, Value};
use crate::edit::{self, Applicability, Edit, Fix};

/// A value to set at a path of keys.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Override {
    pub path: Vec<String>,
    pub value: Value,
}

/// An override of the values at a spot of a file.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'w> {
    pub at: &'w Spot,
    pub written: Written,
    pub override_: &'w Override,
}

impl<'w> Wanted<'w> {
    /// An override of values that are written as nested tables.
    pub(super) fn tree(at: &'w Spot, override_: &'w Override) -> Self {
        let written = Written::Tree;
        Self {
            at,
            written,
            override_,
        }
    }
}

/// How an override is applied: values at a spot are set, or a list gets one more item.
#[derive(Debug, Clone)]
struct Aim {
    at: Spot,
    override_: Override,
    /// The new item, if the override extends a list.
    item: Option<Value>,
}

/// The most overrides that are tried one by one after they failed together: each try parses the file again.
const MOST_ALONE: usize = 64;

/// Returns for each override its edits, or the reason why there are none. Overrides that meet at one location in the
/// file share the edits there.
pub(super) fn plan(text: &str, wanted: &[Wanted<'_>]) -> Vec<Result<Vec<Edit>, String>> {
    let spots: BTreeSet<&Spot> = wanted.iter().map(|one| one.at).collect();
    let before = values::File::parse(text).and_then(|file| {
        let contents = Contents::of(&file, &spots)?;
        Ok((contents, file))
    });
    let (before, file) = match before {
        Ok(read) => read,
        Err(error) => return vec![Err(format!("the values file {error}")); wanted.len()],
    };
    let aims = wanted.iter().map(|one| before.aim(one));
    let mut aims: Vec<Result<Aim, String>> = aims.collect();
    let mut tried = 0;
    // Try all together first; if that fails, drop those that fail alone.
    for alone in [false, true] {
        for aim in aims.iter_mut().filter(|_| alone) {
            let Ok(own) = &*aim else {
                continue;
            };
            tried += 1;
            if tried > MOST_ALONE {
                *aim = Err(NOT_TRIED.to_owned());
                continue;
            }
            let single = insert::plan(&file, &[(0, own)]);
            let has_room = single.refused.is_empty();
            if !has_room || !before.becomes_by(&single.edits, &[own], &file, &spots) {
                *aim = Err(NO_ROOM.to_owned());
            }
        }
        let numbered = aims.iter().enumerate();
        let kept = numbered.filter_map(|(index, aim)| Some((index, aim.as_ref().ok()?)));
        let kept: Vec<(usize, &Aim)> = kept.collect();
        let mut plan = insert::plan(&file, &kept);
        for (index, reason) in std::mem::take(&mut plan.refused) {
            aims[index] = Err(reason);
        }
        let reached: Vec<&Aim> = aims.iter().filter_map(|aim| aim.as_ref().ok()).collect();
        if before.becomes_by(&plan.edits, &reached, &file, &spots) {
            let mut edits = plan.by_override(wanted.len()).into_iter();
            let edits_of = |aim: Result<Aim, String>| {
                let own = edits.next().unwrap_or_default();
                aim.map(|_| own)
            };
            return aims.into_iter().map(edits_of).collect();
        }
    }
    vec![Err(NO_ROOM.to_owned()); wanted.len()]
}

const NO_ROOM: &str = "the override would change something else in the values file";
const NOT_TRIED: &str = "too many overrides of the values file cannot be applied together";

/// A parsed file with its values.
#[derive(Clone)]
struct Contents {
    documents: Vec<Value>,
    /// Values written inside strings, which are removed from the documents.
    inner: BTreeMap<Spot, Result<Value, String>>,
}

impl Contents {
    /// Reads a file that has values at these spots.
    fn of(file: &values::File<'_>, spots: &BTreeSet<&Spot>) -> Result<Self, String> {
        let mut read = Self {
            documents: file.values(0)?,
            inner: BTreeMap::new(),
        };
        let last = spots.iter().map(|at| at.document).max();
        let least = last.map_or(0, |last| last + 1);
        let count = read.documents.len().max(least);
        read.documents.resize(count, Value::Null);
        for at in spots.iter().filter(|at| at.in_text) {
            let inner = read.take_inner(at);
            read.inner.insert((*at).clone(), inner);
        }
        Ok(read)
    }

    /// Takes the values out of a string, parsed from the string's value and not from its source lines.
    fn take_inner(&mut self, at: &Spot) -> Result<Value, String> {
        let root = &mut self.documents[at.document];
        let Value::Leaf(leaf) = values::at(root, &at.steps) else {
            return Err(NO_ROOM.to_owned());
        };
        let inner = Value::table(values::read(&leaf.text, 0)?);
        clear(root, &at.steps);
        Ok(inner)
    }

    fn aim(&self, wanted: &Wanted<'_>) -> Result<Aim, String> {
        let root = &self.documents[wanted.at.document];
        let is_way = matches!(root, Value::List(_)) && !wanted.at.steps.is_empty();
        if !is_way && !matches!(root, Value::Null | Value::Table(_)) {
            return Err("the values file is not a map".to_owned());
        }
        if let Some(Err(error)) = self.inner.get(wanted.at) {
            return Err(format!("the values file {error}"));
        }
        match wanted.written {
            Written::Tree => Ok(Aim {
                at: wanted.at.clone(),
                override_: wanted.override_.clone(),
                item: None,
            }),
            Written::Pairs | Written::TextPairs => pair(root, wanted.at, wanted.override_),
        }
    }

    /// Whether the edits make exactly these overrides and nothing else.
    fn becomes_by(
        &self,
        edits: &[(Edit, Vec<usize>)],
        aims: &[&Aim],
        file: &values::File<'_>,
        spots: &BTreeSet<&Spot>,
    ) -> bool {
        let edits: BTreeSet<Edit> = edits.iter().map(|(edit, _)| edit.clone()).collect();
        let fix = Fix::here(edits.into_iter().collect(), Applicability::Safe);
        let after = edit::apply(file.text, [&fix], Applicability::Safe);
        let mut expected = self.clone();
        for Aim { at, override_, .. } in aims {
            let Override { path, value } = override_;
            match expected.inner.get_mut(at) {
                Some(Ok(inner)) => set_at(inner, &[], path, value),
                Some(Err(_)) => return false,
                None => set_at(&mut expected.documents[at.document], &at.steps, path, value),
            }
        }
        let after = values::File::parse(&after).and_then(|file| Self::of(&file, spots));
        after.is_ok_and(|after| after.same(&expected))
    }

    fn same(&self, other: &Self) -> bool {
        let is_same_text = |(one, other): (&Result<_, _>, &Result<_, _>)| match (one, other) {
            (Ok(one), Ok(other)) => values::same(one, other),
            (one, other) => one == other,
        };
        let texts = self.inner.values().zip(other.inner.values());
        self.documents.len() == other.documents.len()
            && std::iter::zip(&self.documents, &other.documents)
                .all(|(one, other)| values::same(one, other))
            && { texts }.all(is_same_text)
    }
}

/// Aims an override at `--set`-style names and values, in a list or a table.
fn pair(root: &Value, at: &Spot, override_: &Override) -> Result<Aim, String> {
    let Value::Leaf(value) = &override_.value else {
        return Err(NO_ROOM.to_owned());
    };
    let leaf = |text: &str| {
        Value::Leaf(Leaf {
            text: text.into(),
            kind: LeafKind::Text,
            origin: value.origin,
        })
    };
    let name = override_.path.join(".");
    let aim = |at: Spot, key: String, value: Value, item: Option<Value>| {
        let path = vec![key];
        let override_ = Override { path, value };
        Aim {
            at,
            override_,
            item,
        }
    };
    let Value::List(items) = values::at(root, &at.steps) else {
        return Ok(aim(at.clone(), name, leaf(&value.text), None));
    };
    let has_name = |item: &Value| {
        let own = item.as_table().and_then(|item| item.get("name"));
        matches!(own, Some(Value::Leaf(own)) if *own.text == *name)
    };
    if let Some(index) = items.iter().rposition(has_name) {
        let (at, key) = (at.clone().item(index), "value".to_owned());
        return Ok(aim(at, key, leaf(&value.text), None));
    }
    let item = Value::table(Table::from([
        ("name".to_owned(), leaf(&name)),
        ("value".to_owned(), leaf(&value.text)),
    ]));
    let items = items.iter().cloned().chain([item.clone()]);
    let mut map = at.clone();
    match map.steps.pop() {
        Some(Step::Key(key)) => Ok(aim(map, key, Value::List(items.collect()), Some(item))),
        _ => Err(NO_ROOM.to_owned()),
    }
}

/// Sets a value at a path below a spot of a document.
fn set_at(root: &mut Value, at: &[Step], path: &[String], value: &Value) {
    match at.split_first() {
        None => {
            if root.as_table().is_none() {
                *root = Value::table(Table::new());
            }
            if let Value::Table(table) = root {
                values::set(Arc::make_mut(table), path, value);
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

/// Replaces the value at a spot of a document with null.
fn clear(root: &mut Value, at: &[Step]) {
    let inner = match (at.split_first(), root) {
        (None, root) => {
            *root = Value::Null;
            return;
        }
        (Some((Step::Key(key), rest)), Value::Table(table)) => {
            let inner = Arc::make_mut(table).get_mut(key);
            inner.map(|inner| (inner, rest))
        }
        (Some((Step::Item(index), rest)), Value::List(items)) => {
            let inner = Arc::make_mut(items).get_mut(*index);
            inner.map(|inner| (inner, rest))
        }
        _ => None,
    };
    if let Some((inner, rest)) = inner {
        clear(inner, rest);
    }
}

/// Returns a leaf with another text.
pub(super) fn renamed(leaf: &Leaf, text: &str) -> Value {
    Value::Leaf(Leaf {
        text: text.into(),
        ..leaf.clone()
    })
}

#[cfg(test)]
mod tests;
