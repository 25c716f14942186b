//! Layers values over defaults as Helm does.
//!
//! Follows Helm 4 (`pkg/chart/common/util/coalesce.go`): tables are merged, everything else is replaced as a whole,
//! and null deletes a default. `keep` is what Helm calls merging: nulls are kept for a later step.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::values::{self, Spot, Table, Value};

pub(super) const GLOBAL: &str = "global";

/// The values of a chart and its subcharts, and other data about the chart.
#[derive(Debug, Clone)]
pub(super) struct Layered<T> {
    /// The key of its values in the parent's values: the alias, or else the name.
    pub name: String,
    pub values: Table,
    pub children: Vec<Layered<T>>,
    pub of: T,
}

/// Lays `over` over the defaults of the chart and of all its subcharts.
pub(super) fn coalesce<T>(chart: &Layered<T>, mut over: Table, keep: bool) -> Table {
    lay_over(chart, &mut over, true, keep);
    over
}

fn lay_over<T>(chart: &Layered<T>, over: &mut Table, top: bool, keep: bool) {
    lay_own(chart, over, top, keep);
    for child in &chart.children {
        // Helm fails if it is null; people leave it empty to fill it in later.
        let place = over
            .entry(child.name.clone())
            .or_insert_with(|| Value::table(Table::new()));
        if place.is_null() {
            *place = Value::table(Table::new());
        }
        let Value::Table(inner) = place else {
            continue;
        };
        let mut inner = std::mem::take(Arc::make_mut(inner));
        lay_globals(&mut inner, over);
        lay_over(child, &mut inner, false, keep);
        over.insert(child.name.clone(), Value::table(inner));
    }
}

/// Lays what is set over the chart's own defaults.
fn lay_own<T>(chart: &Layered<T>, over: &mut Table, top: bool, keep: bool) {
    for (key, default) in &chart.values {
        match over.get_mut(key) {
            None => {
                let mut default = default.clone();
                if !keep && !top {
                    if default.is_null() {
                        continue;
                    }
                    drop_nulls(&mut default);
                }
                over.insert(key.clone(), default);
            }
            Some(Value::Null) if !keep => {
                over.remove(key);
            }
            Some(Value::Table(table)) => {
                if let Value::Table(_) = default {
                    let mut default = default.clone();
                    let child = chart.children.iter().any(|child| child.name == *key);
                    let keep = keep || child;
                    if !keep && !top {
                        drop_nulls(&mut default);
                    }
                    if let Value::Table(default) = default {
                        merge(Arc::make_mut(table), &default, keep);
                    }
                }
            }
            Some(_) => {}
        }
    }
}

/// Passes the globals of a parent down to a subchart; they win over the subchart's own.
fn lay_globals(into: &mut Table, from: &Table) {
    let mut globals = match into.remove(GLOBAL) {
        None => Table::new(),
        Some(Value::Table(table)) => Arc::unwrap_or_clone(table),
        Some(other) => {
            into.insert(GLOBAL.to_owned(), other);
            return;
        }
    };
    let above = match from.get(GLOBAL) {
        None => None,
        Some(Value::Table(table)) => Some(table),
        Some(_) => {
            into.insert(GLOBAL.to_owned(), Value::table(globals));
            return;
        }
    };
    for (key, value) in above.into_iter().flat_map(|table| table.iter()) {
        match (value, globals.get_mut(key)) {
            (Value::Table(table), Some(Value::Table(below))) => {
                let mut merged = Arc::clone(table);
                merge(Arc::make_mut(&mut merged), below, true);
                globals.insert(key.clone(), Value::Table(merged));
            }
            (Value::Table(_), Some(_)) | (_, Some(Value::Table(_))) => {}
            (value, _) => {
                globals.insert(key.clone(), value.clone());
            }
        }
    }
    into.insert(GLOBAL.to_owned(), Value::table(globals));
}

/// Returns the values that a chart passes to the subchart whose values are under `key`, globals included.
pub(super) fn given_to(key: &str, mut values: Table) -> Table {
    let mut inner = match values.remove(key) {
        Some(Value::Table(table)) => Arc::unwrap_or_clone(table),
        _ => Table::new(),
    };
    lay_globals(&mut inner, &values);
    inner
}

/// Merges `from` under `into`.
pub(super) fn merge(into: &mut Table, from: &Table, keep: bool) {
    let mut deleted = BTreeSet::new();
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (None, value) => {
                into.insert(key.clone(), value.clone());
            }
            (Some(Value::Null), value) => {
                if !keep && !value.is_null() {
                    deleted.insert(key);
                }
            }
            (Some(Value::Table(into)), Value::Table(from)) => {
                merge(Arc::make_mut(into), from, keep);
            }
            (Some(_), _) => {}
        }
    }
    if !deleted.is_empty() {
        into.retain(|key, _| !deleted.contains(key));
    }
}

fn drop_nulls(value: &mut Value) {
    if let Value::Table(table) = value
        && table.values().any(has_nulls)
    {
        let table = Arc::make_mut(table);
        table.retain(|_, value| !value.is_null());
        table.values_mut().for_each(drop_nulls);
    }
}

fn has_nulls(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Table(table) => table.values().any(has_nulls),
        Value::Leaf(_) | Value::List(_) => false,
    }
}

/// Reads a values file. As in Helm, later documents override earlier ones.
///
/// # Errors
/// If a document is not a map or does not parse.
pub(super) fn read_whole(text: &str, number: usize) -> Result<Table, String> {
    whole(&values::read_all(text, number)?)
}

/// The same for the documents of a values file.
///
/// # Errors
/// If one of them is not a map.
pub(super) fn whole(documents: &[Value]) -> Result<Table, String> {
    let mut all = Table::new();
    for document in documents {
        match document {
            Value::Null => {}
            Value::Table(table) => {
                let mut table = Table::clone(table);
                merge(&mut table, &all, true);
                all = table;
            }
            _ => return Err("is not a map".to_owned()),
        }
    }
    Ok(all)
}

/// Reads the values at a location, which may be a whole values file.
///
/// # Errors
/// As [`read_whole`], and if the location holds something else.
pub(super) fn read_at(text: &str, number: usize, spot: &Spot) -> Result<Table, String> {
    match spot.is_whole() {
        true => read_whole(text, number),
        false => values::read_at(text, number, spot),
    }
}
