//! Values that parent charts give to subcharts which the user edits in place.
//!
//! Knows which chart is below which, in `charts/` or by `file://`, and where the values are. Renders nothing.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::by_text::ByPath;
use super::chart::Dependency;
use super::coalesce::read_whole;
use super::found_chart::{FoundChart, read_chart};
use super::given::{Given, ReleaseValues, Written, is_layer};
use super::values::{Table, Value};
use crate::project::Tree;

/// How many levels above a subchart are searched for parents.
const HIGHEST: usize = 8;

/// The most sets of values that are laid over one subchart.
const MOST: usize = 64;

/// Parent charts, by their subcharts.
pub(super) struct Parents<'t> {
    tree: &'t dyn Tree,
    /// For each subchart's folder: the folders of its parents, and the key of its values in each.
    by_child: HashMap<PathBuf, Vec<(PathBuf, String)>>,
    /// Values files that were read already: nested subcharts need the same ones.
    values: ByPath<Option<Arc<Table>>>,
    /// The files of a folder that are layers of its chart's values.
    layers: ByPath<Arc<[PathBuf]>>,
}

impl<'t> Parents<'t> {
    /// Collects the parents of the charts of a run, including parents outside the paths of the run.
    pub(super) fn new(tree: &'t dyn Tree, found: &[FoundChart]) -> Self {
        let mut known: HashSet<PathBuf> = found.iter().map(|one| one.folder.clone()).collect();
        let mut above: Vec<FoundChart> = Vec::new();
        for one in found {
            let mut next = parent_of(&one.folder).map(Path::to_owned);
            while let Some(parent) = next.take().filter(|parent| known.insert(parent.clone()))
                && let Some(found) = read_chart(tree, &parent.join("Chart.yaml"))
            {
                next = parent_of(&parent).map(Path::to_owned);
                above.push(found);
            }
        }
        let all = || found.iter().chain(&above);
        let by_folder: HashMap<&Path, &FoundChart> = all().map(|one| (&*one.folder, one)).collect();
        let mut parents = Self {
            tree,
            by_child: HashMap::new(),
            values: ByPath::default(),
            layers: ByPath::default(),
        };
        for one in all() {
            let parent = parent_of(&one.folder).and_then(|folder| by_folder.get(folder));
            if let Some(parent) = parent {
                parents.add_unpacked(one, parent);
            }
            parents.add_sources(one);
        }
        parents
    }

    /// Records the chart whose `charts/` contains another one.
    fn add_unpacked(&mut self, child: &FoundChart, parent: &FoundChart) {
        let name = &child.metadata.name;
        let all = parent.metadata.dependencies.iter().flatten();
        let listed = all.filter(|one| one.name == *name);
        let mut keys: Vec<&str> = listed.map(Dependency::key).collect();
        if keys.is_empty() {
            keys.push(name);
        }
        for key in keys {
            self.note(child.folder.clone(), &parent.folder, key);
        }
    }

    /// Records a chart as the parent of those that it takes from other folders.
    fn add_sources(&mut self, parent: &FoundChart) {
        for one in parent.metadata.dependencies.iter().flatten() {
            if let Some(source) = one.folder() {
                let child = self.tree.resolve(&parent.folder, source);
                self.note(child, &parent.folder, one.key());
            }
        }
    }

    fn note(&mut self, child: PathBuf, parent: &Path, key: &str) {
        let above = self.by_child.entry(child).or_default();
        above.push((parent.to_owned(), key.to_owned()));
    }

    /// Returns the values that parent charts give to a chart. `released` has the values that releases give to the
    /// parents.
    pub(super) fn values_for(
        &self,
        chart: &Path,
        released: &HashMap<PathBuf, Vec<ReleaseValues>>,
    ) -> Vec<ReleaseValues> {
        let stacks = self.stacks(chart, released, 0).into_iter();
        let stacks = stacks.filter_map(|layers| {
            Some(ReleaseValues {
                declared_in: layers.last()?.file.clone(),
                chart: chart.to_owned(),
                layers,
            })
        });
        stacks.take(MOST).collect()
    }

    /// Returns the stacks of values that give the chart anything, each with the lowest layer first.
    fn stacks(
        &self,
        chart: &Path,
        released: &HashMap<PathBuf, Vec<ReleaseValues>>,
        height: usize,
    ) -> Vec<Vec<Given>> {
        let mut stacks = Vec::new();
        let above = self.by_child.get(chart).map_or(&[][..], Vec::as_slice);
        for (parent, key) in above.iter().filter(|_| height < HIGHEST) {
            let given = |all: Vec<Given>| -> Vec<Given> {
                let all = all.into_iter().map(|given| given.of_subchart(key));
                all.filter(|given| self.has_values(given)).collect()
            };
            let own = given(vec![Given::whole(parent.join("values.yaml"))]);
            let beside = self.layers.of(parent, || {
                let files = self.tree.list(parent).into_iter();
                files.filter(|path| is_layer(path)).collect()
            });
            let beside = beside.iter().map(|path| vec![Given::whole(path.clone())]);
            let given_here = released.get(parent).into_iter().flatten();
            let over = beside.chain(given_here.map(|one| one.layers.clone()));
            let over = over.chain(self.stacks(parent, released, height + 1));
            let over = over.take(MOST).map(given).filter(|over| !over.is_empty());
            let over = over.map(|over| own.iter().cloned().chain(over).collect());
            stacks.extend(Some(own.clone()).filter(|own| !own.is_empty()));
            stacks.extend(over);
        }
        stacks
    }

    fn has_values(&self, given: &Given) -> bool {
        let values = match given.written {
            Written::Tree if given.at.is_whole() => {
                let all = self.values.of(&given.file, || {
                    let text = self.tree.text(&given.file)?;
                    read_whole(&text, 0).ok().map(Arc::new)
                });
                all.map(|all| given.for_subcharts(Table::clone(&all)))
            }
            _ => {
                let text = self.tree.text(&given.file);
                text.and_then(|text| given.read(&text, 0).ok())
            }
        };
        values.is_some_and(|values| values.values().any(holds_anything))
    }
}

/// Returns the folder of the chart whose `charts/` contains this one.
pub(super) fn parent_of(folder: &Path) -> Option<&Path> {
    let charts = folder.parent()?;
    charts.parent().filter(|_| charts.ends_with("charts"))
}

fn holds_anything(value: &Value) -> bool {
    match value {
        Value::Table(table) => table.values().any(holds_anything),
        _ => true,
    }
}
