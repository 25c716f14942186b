//! Charts that a kustomization pulls and renders by `helmCharts`: the override of what they have by default goes into
//! `valuesInline`, or into the `valuesFile` that the user owns.
//!
//! Only what lies unpacked in `chartHome` is seen, and only with a repository to pull it from: without one it is the
//! user's own chart. Of `additionalValuesFiles` nothing is known.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chart::Metadata;
use super::coalesce::merge;
use super::defaults::Owned;
use super::load::{File, Loaded, Loader, shown};
use super::members::{hold_vendored, settle};
use super::values::{self, Step, Table, Value};

use crate::finding::Finding;
use crate::project::{Members, Place, Tree};
use crate::rules::RuleSet;
use crate::rules::anchors::Anchors;

/// One entry of `helmCharts`.
pub(super) struct Inflated {
    pub kustomization: PathBuf,
    /// The folder of the chart.
    pub folder: PathBuf,
    /// The file that overrides go into: the kustomization, or a values file.
    pub values: PathBuf,
    pub loaded: Loaded,
    /// The entry.
    entry: Vec<Step>,
    /// Where values stand in the file that overrides go into.
    at: Vec<Step>,
    /// A values file that `valuesInline` is laid over.
    below: Option<PathBuf>,
}

/// The charts that a kustomization pulls, as far as they are there and something could be told of them.
pub(super) fn of(tree: &dyn Tree, path: &Path, anchors: &Anchors) -> Vec<Inflated> {
    let read = || {
        let text = tree.text(path).filter(|text| text.contains("helmCharts"))?;
        values::read(&text, 0).ok()
    };
    let Some(root) = read() else {
        return Vec::new();
    };
    let globals = values::table_at(&root, ["helmGlobals"]);
    let home = globals.and_then(|globals| text(globals, "chartHome"));
    let folder = path.parent().unwrap_or(Path::new(""));
    let Some(Value::List(items)) = root.get("helmCharts") else {
        return Vec::new();
    };
    let entry = |(index, item): (usize, &Value)| {
        let entry = item.as_table()?;
        let name = text(entry, "name")?;
        text(entry, "repo")?;
        let version = text(entry, "version").unwrap_or_default();
        let chart = unpacked(tree, folder, home.as_deref(), &name, &version)?;
        let loaded = Loader::new(tree, anchors, false).load_one(&chart);
        let file = text(entry, "valuesFile").map(|file| tree.resolve(folder, &file));
        let file = file.filter(|file| tree.place(file) == Place::File && !file.starts_with(&chart));
        let steps = vec![Step::Key("helmCharts".to_owned()), Step::Item(index)];
        let inline = entry.contains_key("valuesInline") || file.is_none();
        let mut at = steps.clone();
        at.push(Step::Key("valuesInline".to_owned()));
        let known = loaded.suspect || !loaded.vendored.is_empty() || !loaded.faults.is_empty();
        known.then(|| Inflated {
            kustomization: path.to_owned(),
            folder: chart,
            values: match (&file, inline) {
                (Some(file), false) => file.clone(),
                _ => path.to_owned(),
            },
            loaded,
            entry: steps,
            at: if inline { at } else { Vec::new() },
            below: file.filter(|_| inline),
        })
    };
    items.iter().enumerate().filter_map(entry).collect()
}

/// The folder of a chart that a kustomization names, where it lies unpacked.
pub(in crate::project) fn unpacked(
    tree: &dyn Tree,
    folder: &Path,
    home: Option<&str>,
    name: &str,
    version: &str,
) -> Option<PathBuf> {
    let home = tree.resolve(folder, home.unwrap_or("charts"));
    let places = [
        home.join(format!("{name}-{version}")).join(name),
        home.join(name),
    ];
    let is_chart = |place: &PathBuf| tree.place(&place.join("Chart.yaml")) == Place::File;
    places.into_iter().find(is_chart)
}

fn text(table: &Table, key: &str) -> Option<String> {
    match table.get(key)? {
        Value::Leaf(leaf) if !leaf.text.is_empty() => Some(leaf.text.to_string()),
        _ => None,
    }
}

impl Inflated {
    /// Files that have to be judged together.
    pub(super) fn group(&self) -> Vec<PathBuf> {
        let own = [self.kustomization.clone(), self.values.clone()];
        let below = self.below.clone();
        let vendored = self.loaded.vendored.iter().cloned();
        own.into_iter().chain(below).chain(vendored).collect()
    }

    pub(super) fn find(&self, members: &mut Members, rules: &RuleSet, anchors: &Anchors) {
        hold_vendored(members, &self.loaded.vendored);
        let found = self.findings(members, rules, anchors).unwrap_or_default();
        if let Some(member) = members.get_mut(&self.kustomization) {
            member.findings.extend(found);
            member.findings.sort_by_key(Finding::span);
        }
    }

    fn findings(
        &self,
        members: &Members,
        rules: &RuleSet,
        anchors: &Anchors,
    ) -> Option<Vec<Finding>> {
        let text = |path: &Path| members.get(path).map(|member| member.text.as_str());
        let root = Value::table(values::read(text(&self.kustomization)?, 0).ok()?);
        let entry = values::at(&root, &self.entry).as_table()?;
        let Value::Leaf(name) = entry.get("name")? else {
            return None;
        };
        let written = text(&self.values)?;
        let mut set = values::read_at(written, 0, &self.at).ok()?;
        if let Some(below) = self.below.as_deref().and_then(text) {
            merge(&mut set, &values::read(below, 0).ok()?, true);
        }
        let about = Metadata {
            name_at: Some(name.origin.span),
            ..Metadata::default()
        };
        let file = File {
            place: shown(&self.values),
            text: Arc::from(written),
            of_root: false,
        };
        let owned = Owned::asked_for(about, set, file, &self.loaded);
        let mut found = owned.findings(rules, anchors);
        for one in &mut found {
            one.without_name();
            one.put_into(&self.values, &self.at, written, members.get(&self.values));
        }
        Some(found.into_iter().map(|one| one.finding).collect())
    }

    pub(super) fn settle(&self, members: &mut Members) {
        settle(members, &self.kustomization, &self.values, &self.at);
    }
}
