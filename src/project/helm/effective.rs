//! The values that each chart of a nest gets in the end.
//!
//! Follows Helm (`pkg/chart/v2/util/dependencies.go`): aliases, then conditions and tags, then `import-values`, then
//! the layers. A chart that is switched off gets the values that it would get if it were on.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::chart::Dependency;
use super::coalesce::{Layered, coalesce, merge};
use super::load::Chart;
use super::values::{LeafKind, Table, Value, table_at};
use crate::version::satisfies;

/// A chart in a layer, and the dependency that brings it.
#[derive(Debug, Clone)]
pub(super) struct ChartNode {
    pub chart: Arc<Chart>,
    /// The index of the parent's dependency that brings it.
    dependency: Option<usize>,
    pub dependencies: Option<Vec<Dependency>>,
}

/// A chart at its location in the nest.
#[derive(Debug)]
pub(super) struct Instance {
    /// The keys that lead to its values from the root's. Charts with the same name share one path.
    pub path: Vec<String>,
    pub charts: Vec<Arc<Chart>>,
    /// The index of the root's dependency that brings it.
    pub dependency: Option<usize>,
    /// Whether a condition or a tag switches it off.
    pub off: bool,
    /// Its own values, without those of its subcharts and without the globals that it inherits.
    pub values: Table,
}

/// Returns all charts of a nest with their values, the root first.
pub(super) fn instances(root: &Arc<Chart>) -> Vec<Instance> {
    let mut off = BTreeSet::new();
    let (nest, values) = process(root, Table::new(), Some(&mut off));
    let mut found = Vec::new();
    let switches = if off.is_empty() {
        None
    } else {
        Some(process(root, Table::new(), None))
    };
    let all = switches.as_ref().map_or(&nest, |(nest, _)| nest);
    let rendered = |path: &[String]| match &switches {
        Some((_, all)) if is_off(&off, path) => all,
        _ => &values,
    };
    let mut open: Vec<(Vec<String>, Option<usize>, &Layered<ChartNode>)> =
        vec![(Vec::new(), None, all)];
    while let Some((path, dependency, chart)) = open.pop() {
        for child in chart.children.iter().rev() {
            let mut inner = path.clone();
            inner.push(child.name.clone());
            let dependency = match path.is_empty() {
                true => child.of.dependency,
                false => dependency,
            };
            open.push((inner, dependency, child));
        }
        found.push(Instance {
            values: own_values(rendered(&path), &path, chart),
            charts: vec![Arc::clone(&chart.of.chart)],
            dependency,
            off: is_off(&off, &path),
            path,
        });
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found.dedup_by(|later, first| {
        let same = later.path == first.path;
        if same {
            first.charts.append(&mut later.charts);
            first.dependency = first.dependency.or(later.dependency);
            let both = |key: &String| later.values.contains_key(key);
            first.values.retain(|key, _| both(key));
        }
        same
    });
    found
}

fn is_off(off: &BTreeSet<Vec<String>>, path: &[String]) -> bool {
    (1..=path.len()).any(|length| off.contains(&path[..length]))
}

/// Returns the nest as Helm renders it, and the values of its root. If `off` is `None`, charts that are switched off
/// are left in.
fn process(
    root: &Arc<Chart>,
    over: Table,
    off: Option<&mut BTreeSet<Vec<String>>>,
) -> (Layered<ChartNode>, Table) {
    let mut nest = layered(root);
    switch(&mut nest, &over, &[], off);
    import(&mut nest);
    let values = coalesce(&nest, over, false);
    (nest, values)
}

/// Returns the nest as Helm renders it with the user's values, and the values of its root.
pub(super) fn rendered(root: &Arc<Chart>, over: Table) -> (Layered<ChartNode>, Table) {
    process(root, over, Some(&mut BTreeSet::new()))
}

fn layered(chart: &Arc<Chart>) -> Layered<ChartNode> {
    Layered {
        name: chart.metadata.name.clone(),
        values: chart.values.clone(),
        children: chart.children.iter().map(layered).collect(),
        of: ChartNode {
            chart: Arc::clone(chart),
            dependency: None,
            dependencies: chart.metadata.dependencies.clone(),
        },
    }
}

/// Applies aliases, and removes charts that are switched off.
fn switch(
    chart: &mut Layered<ChartNode>,
    above: &Table,
    path: &[String],
    mut off: Option<&mut BTreeSet<Vec<String>>>,
) {
    let Some(mut dependencies) = chart.of.dependencies.take() else {
        return;
    };
    let asks = |dependency: &Dependency, child: &Layered<ChartNode>| {
        dependency.name == child.name
            && satisfies(&child.of.chart.metadata.version, &dependency.version)
    };
    let present = std::mem::take(&mut chart.children);
    let unasked = |child: &&Layered<ChartNode>| !dependencies.iter().any(|one| asks(one, child));
    chart.children = present.iter().filter(unasked).cloned().collect();
    for (index, dependency) in dependencies.iter_mut().enumerate() {
        if let Some(child) = present.iter().find(|child| asks(dependency, child)) {
            let mut child = child.clone();
            dependency.key().clone_into(&mut child.name);
            child.of.dependency = Some(index);
            chart.children.push(child);
        }
        dependency.name = dependency.key().to_owned();
    }
    let values = coalesce(chart, above.clone(), false);
    if let Some(off) = off.as_deref_mut() {
        let gone: BTreeSet<String> = dependencies
            .iter()
            .filter(|dependency| !is_on(dependency, &values, path))
            .map(|dependency| dependency.name.clone())
            .collect();
        chart.children.retain(|child| !gone.contains(&child.name));
        dependencies.retain(|dependency| !gone.contains(&dependency.name));
        off.extend(gone.into_iter().map(|name| below(path, &name)));
    }
    for child in &mut chart.children {
        let inner = below(path, &child.name);
        switch(child, &values, &inner, off.as_deref_mut());
    }
    chart.of.dependencies = Some(dependencies);
}

fn below(path: &[String], name: &str) -> Vec<String> {
    let mut path = path.to_vec();
    path.push(name.to_owned());
    path
}

/// The first of its conditions that has a value decides, otherwise its tags.
fn is_on(dependency: &Dependency, values: &Table, path: &[String]) -> bool {
    for condition in dependency.condition.trim().split(',') {
        let keys: Vec<&str> = path
            .iter()
            .map(String::as_str)
            .chain(condition.split('.'))
            .collect();
        let (last, tables) = keys.split_last().unwrap_or((&"", &[]));
        let table = table_at(values, tables.iter().copied());
        if let Some(value) = table.and_then(|table| table.get(*last)).and_then(as_bool) {
            return value;
        }
    }
    let tags = values.get("tags").and_then(Value::as_table);
    let of_tag = |tag: &String| tags.and_then(|tags| tags.get(tag)).and_then(as_bool);
    let switches: Vec<bool> = dependency.tags.iter().filter_map(of_tag).collect();
    switches.is_empty() || switches.contains(&true)
}

fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Leaf(leaf) => match leaf.kind {
            LeafKind::Bool(value) => Some(value),
            LeafKind::Text | LeafKind::Plain => None,
        },
        _ => None,
    }
}

/// Imports values from subcharts, the innermost first. The values are merged even if nothing is imported, because
/// that keeps the nulls that a chart sets for its subcharts.
fn import(chart: &mut Layered<ChartNode>) {
    chart.children.iter_mut().for_each(import);
    let Some(dependencies) = &chart.of.dependencies else {
        return;
    };
    let mut values = coalesce(chart, Table::new(), true);
    let mut imported = Table::new();
    for dependency in dependencies {
        for one in &dependency.imports {
            let path = std::iter::once(dependency.name.as_str()).chain(one.child.split('.'));
            if let Some(table) = table_at(&values, path) {
                merge(&mut imported, &wrapped(&one.parent, table.clone()), true);
            }
        }
    }
    merge(&mut values, &imported, true);
    chart.values = values;
}

fn wrapped(path: &str, table: Table) -> Table {
    if path == "." {
        return table;
    }
    path.rsplit('.').fold(table, |inner, key| {
        Table::from([(key.to_owned(), Value::table(inner))])
    })
}

/// Returns a chart's part of the root's values, without its subcharts' values and without inherited globals.
fn own_values(values: &Table, path: &[String], chart: &Layered<ChartNode>) -> Table {
    let keys = || path.iter().map(String::as_str);
    let mut own = table_at(values, keys()).cloned().unwrap_or_default();
    for child in &chart.children {
        own.remove(&child.name);
    }
    if let Some(above) = path.len().checked_sub(1)
        && let Some(parent) = table_at(values, keys().take(above))
        && let (Some(Value::Table(globals)), Some(Value::Table(inherited))) =
            (own.get_mut("global"), parent.get("global"))
    {
        drop_inherited(Arc::make_mut(globals), inherited);
    }
    own
}

/// Removes the leaves that are inherited.
fn drop_inherited(globals: &mut Table, inherited: &Table) {
    globals.retain(|key, value| match (value, inherited.get(key)) {
        (Value::Table(table), Some(Value::Table(inherited))) => {
            drop_inherited(Arc::make_mut(table), inherited);
            !table.is_empty()
        }
        (value, Some(inherited)) => value != inherited,
        (_, None) => true,
    });
}

/// Returns the values of the root as Helm passes them.
#[cfg(test)]
pub(super) fn of_root(root: &Arc<Chart>) -> Table {
    process(root, Table::new(), Some(&mut BTreeSet::new())).1
}
