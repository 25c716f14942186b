//! Charts that another file than a `Chart.yaml` asks for, and that are no one's to edit: the override of what they have
//! by default goes where that file gives them values. Here those of a kustomization's `helmCharts`, with `valuesInline`
//! or the `valuesFile` that the user owns; `released` has others.
//!
//! Only what lies unpacked in `chartHome` is seen, and only with a repository to pull it from: without one it is the
//! user's own chart, unless the settings say otherwise. Of `additionalValuesFiles` nothing is known.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chart::Metadata;
use super::coalesce::merge;
use super::defaults::Owned;
use super::load::{File, Loaded, Loader, shown};
use super::members::{hold, hold_vendored, note, settle};
use super::values::{self, Spot, Table, Value};
use super::vendored::Vendored;

use crate::finding::Finding;
use crate::project::{Members, Place, Tree};
use crate::rules::RuleSet;
use crate::rules::anchors::Anchors;
use crate::source::Span;

const UNPACKED: &str =
    "a tool puts this chart back: what it has by default is overridden where it is released";

/// One chart that is asked for.
pub(super) struct Inflated {
    /// The file that asks.
    pub asking: PathBuf,
    /// The folder of the chart, or its archive.
    pub folder: PathBuf,
    /// The file that overrides go into: the kustomization, or a values file.
    pub values: PathBuf,
    pub loaded: Loaded,
    /// Where the file names the chart.
    pub name: Spot,
    /// Where values stand in the file that overrides go into.
    pub at: Spot,
    /// Values files that those are laid over, the first below all others.
    pub below: Vec<PathBuf>,
    /// The key by which it has values that cannot be read here, if any: then nothing is told of it.
    pub unseen: Option<&'static str>,
}

/// The charts that a kustomization pulls, as far as they are there and something could be told of them.
pub(super) fn of(
    tree: &dyn Tree,
    path: &Path,
    anchors: &Anchors,
    vendored: Vendored<'_>,
) -> Vec<Inflated> {
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
        let version = text(entry, "version").unwrap_or_default();
        let chart = unpacked(tree, folder, home.as_deref(), &name, &version)?;
        if text(entry, "repo").is_none() && !vendored.lists(&chart) {
            return None;
        }
        let loaded = Loader::new(tree, anchors, vendored).load_one(&chart);
        let file = text(entry, "valuesFile").map(|file| tree.resolve(folder, &file));
        let file = file.filter(|file| tree.place(file) == Place::File && !file.starts_with(&chart));
        let spot = Spot::at_keys(0, &["helmCharts"]).item(index);
        let inline = entry.contains_key("valuesInline") || file.is_none();
        has_news(&loaded).then(|| Inflated {
            asking: path.to_owned(),
            folder: chart,
            values: match (&file, inline) {
                (Some(file), false) => file.clone(),
                _ => path.to_owned(),
            },
            loaded,
            name: spot.clone().keys(&["name"]),
            at: match inline {
                true => spot.keys(&["valuesInline"]),
                false => Spot::default(),
            },
            below: file.filter(|_| inline).into_iter().collect(),
            unseen: None,
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

/// Whether there can be anything to tell of a chart.
pub(super) fn has_news(loaded: &Loaded) -> bool {
    loaded.suspect || !loaded.vendored.is_empty() || !loaded.faults.is_empty()
}

pub(super) fn text(table: &Table, key: &str) -> Option<String> {
    match table.get(key)? {
        Value::Leaf(leaf) if !leaf.text.is_empty() => Some(leaf.text.to_string()),
        _ => None,
    }
}

impl Inflated {
    /// Files that have to be judged together.
    pub(super) fn group(&self) -> Vec<PathBuf> {
        let own = [self.asking.clone(), self.values.clone()];
        let below = self.below.iter().cloned();
        let vendored = self.loaded.vendored.iter().cloned();
        own.into_iter().chain(below).chain(vendored).collect()
    }

    pub(super) fn find(&self, members: &mut Members, rules: &RuleSet, anchors: &Anchors) {
        let found = match self.unseen {
            Some(key) => Err(format!("some of its values come by `{key}`")),
            None => self.findings(members, rules, anchors),
        };
        match found {
            Ok(found) => {
                hold_vendored(members, &self.loaded.vendored, UNPACKED);
                if let Some(member) = members.get_mut(&self.asking) {
                    member.findings.extend(found);
                    member.findings.sort_by_key(Finding::span);
                }
            }
            Err(why) => {
                // What stands in the chart is all that is told of it.
                hold(members, &self.loaded.vendored, UNPACKED);
                let asking = members.get_mut(&self.asking);
                let at = asking.as_ref().and_then(|asking| {
                    let name = self.name_in(&asking.text)?;
                    Some(name.start)
                });
                note(
                    asking,
                    at,
                    format!("{why}: the chart is not looked into"),
                    false,
                );
            }
        }
        for fault in &self.loaded.faults {
            let asking = members.get_mut(&self.asking);
            note(asking, None, fault.message(), fault.fatal);
        }
    }

    /// What is legacy in the values that the chart gets.
    ///
    /// # Errors
    /// Where those cannot be read.
    fn findings(
        &self,
        members: &Members,
        rules: &RuleSet,
        anchors: &Anchors,
    ) -> Result<Vec<Finding>, String> {
        let text = |path: &Path| {
            let member = members.get(path);
            let text = member.map(|member| member.text.as_str());
            text.ok_or_else(|| format!("{} cannot be read", shown(path)))
        };
        let unread = |path: &Path, error: String| format!("{} {error}", shown(path));
        let about = Metadata {
            name_at: self.name_in(text(&self.asking)?),
            ..Metadata::default()
        };
        let written = text(&self.values)?;
        let mut set =
            values::read_at(written, 0, &self.at).map_err(|error| unread(&self.values, error))?;
        let file = |path: &Path, text: &str| File {
            place: shown(path),
            text: Arc::from(text),
            of_root: path.starts_with(&self.folder),
        };
        let mut files = vec![file(&self.values, written)];
        for path in self.below.iter().rev() {
            let below = text(path)?;
            let number = Owned::number(&self.loaded, files.len());
            let under = values::read(below, number).map_err(|error| unread(path, error))?;
            merge(&mut set, &under, true);
            files.push(file(path, below));
        }
        let owned = Owned::asked_for(about, set, files, &self.loaded);
        let mut found = owned.findings(rules, anchors);
        for one in &mut found {
            one.without_name();
            one.put_into(&self.values, &self.at, written, members.get(&self.values));
        }
        Ok(found.into_iter().map(|one| one.finding).collect())
    }

    /// Where the chart is named in the file that asks for it.
    fn name_in(&self, text: &str) -> Option<Span> {
        let documents = values::read_all(text, 0).ok()?;
        match values::at(documents.get(self.name.document)?, &self.name.steps) {
            Value::Leaf(name) => Some(name.origin.span),
            _ => None,
        }
    }

    pub(super) fn settle(&self, members: &mut Members) {
        settle(members, &self.asking, &self.values, &self.at);
    }
}
