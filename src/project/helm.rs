//! Charts: what their subcharts pull by default, and the override that changes it in the values that the user owns.
//!
//! Reads the charts in `charts/`, folders and archives alike, computes the values that each of them gets, and checks
//! those as if they were one file's. Renders no template, and fetches nothing.

mod archive;
mod chart;
mod coalesce;
mod defaults;
mod document;
mod effective;
mod inflated;
mod joined;
mod load;
mod members;
mod overrides;
mod pulled;
mod range;
mod released;
mod root;
mod templates;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Members, Place, Project, Tree};
use crate::kind;
use crate::rules::RuleSet;
use crate::rules::anchors::Anchors;

use chart::{Dependency, DependencyFile, Metadata};
use inflated::Inflated;
pub(super) use inflated::unpacked;
use load::{Loaded, Loader, is_vendored};
pub use pulled::{Pulled, SubchartImage, images};
pub use released::may_release;
use root::Root;
use templates::Joined;

/// All charts of a tree that the user owns, with what lies in their `charts/`.
pub struct Charts<'c> {
    rules: &'c RuleSet,
    anchors: &'c Anchors,
    roots: Vec<Root>,
    joined: Vec<Joined>,
    inflated: Vec<Inflated>,
}

/// A chart that the walk met.
struct Met {
    chart: PathBuf,
    folder: PathBuf,
    metadata: Metadata,
}

impl<'c> Charts<'c> {
    /// Reads the charts whose `Chart.yaml` is among the files, and those that `releases` name. Unpacked folders of remote
    /// dependencies belong to the tool that unpacked them, unless `edit_vendored`.
    pub fn new(
        tree: &dyn Tree,
        files: &[PathBuf],
        releases: &[PathBuf],
        rules: &'c RuleSet,
        anchors: &'c Anchors,
        edit_vendored: bool,
    ) -> Self {
        let pulled = files.par_iter().filter(|path| {
            !edit_vendored && kind::classify(path).is_some_and(|kind| kind.name == "kustomization")
        });
        let released = releases
            .par_iter()
            .flat_map_iter(|path| released::of(tree, path, anchors));
        let inflated: Vec<Inflated> = pulled
            .flat_map_iter(|path| inflated::of(tree, path, anchors))
            .chain(released)
            .collect();
        let mut owned = owned(tree, files, edit_vendored);
        let pulled = |one: &Met| {
            inflated
                .iter()
                .any(|other| one.folder.starts_with(&other.folder))
        };
        owned.retain(|one| !pulled(one));
        let mut charts = Self {
            rules,
            anchors,
            roots: Vec::new(),
            joined: owned
                .par_iter()
                .filter_map(|one| Joined::of(tree, &one.folder))
                .collect(),
            inflated,
        };
        let root = |one: Met| {
            let root = charts.root(tree, one, edit_vendored)?;
            charts.may_tell(&root, tree).then_some(root)
        };
        charts.roots = owned.into_par_iter().filter_map(root).collect();
        charts
    }

    fn root(&self, tree: &dyn Tree, one: Met, edit_vendored: bool) -> Option<Root> {
        let loader = Loader::new(tree, self.anchors, edit_vendored);
        let loaded = loader.load(&one.folder, &one.metadata);
        let dependencies = one.metadata.dependencies.as_deref().unwrap_or_default();
        if dependencies.is_empty() && loaded.children.is_empty() && loaded.faults.is_empty() {
            return None;
        }
        let requirements = dependencies
            .iter()
            .any(|one| one.file == DependencyFile::Requirements)
            .then(|| one.folder.join("requirements.yaml"));
        let lock = match requirements {
            Some(_) => "requirements.lock",
            None => "Chart.lock",
        };
        let lock = one.folder.join(lock);
        Some(Root {
            absent: absent(tree, &one, &loaded),
            lock: (tree.place(&lock) == Place::File).then(|| load::shown(&lock)),
            values: one.folder.join("values.yaml"),
            requirements,
            chart: one.chart,
            loaded,
        })
    }

    /// Whether there can be anything to tell of a chart as it is on disk.
    fn may_tell(&self, root: &Root, tree: &dyn Tree) -> bool {
        let loaded = &root.loaded;
        let known =
            !(root.absent.is_empty() && loaded.faults.is_empty() && loaded.vendored.is_empty());
        let moves = || root.lock.is_some() && tree.is_suspect(root.declares());
        // What is split between a subchart's defaults and what the user sets may have its stem in the latter.
        let set = || {
            let values = tree.text(&root.values).unwrap_or_default();
            !loaded.children.is_empty() && self.anchors.has_stem(values.as_bytes())
        };
        known || loaded.suspect || moves() || set()
    }
}

/// The charts that the user owns, of those whose `Chart.yaml` is among the files.
fn owned(tree: &dyn Tree, files: &[PathBuf], edit_vendored: bool) -> Vec<Met> {
    let charts = files
        .par_iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "Chart.yaml"));
    let mut met: Vec<Met> = charts.filter_map(|path| meet(tree, path)).collect();
    let vendored = vendored(&met, edit_vendored);
    met.retain(|one| {
        let mut folders = one.folder.ancestors();
        !folders.any(|folder| vendored.contains(folder))
    });
    met
}

/// The dependencies that are not in `charts/`, by their numbers.
fn absent(tree: &dyn Tree, one: &Met, loaded: &Loaded) -> Vec<usize> {
    let dependencies = one.metadata.dependencies.as_deref().unwrap_or_default();
    let is_absent = |index: &usize| {
        let dependency = &dependencies[*index];
        let name = &dependency.name;
        let there = loaded
            .children
            .iter()
            .any(|child| child.metadata.name == *name);
        // An archive that is broken is told as such.
        let broken = loaded
            .faults
            .iter()
            .any(|fault| fault.message.contains(&format!("charts/{name}-")));
        let source = dependency.folder().is_some_and(|source| {
            let folder = tree.resolve(&one.folder, source);
            tree.place(&folder.join("Chart.yaml")) == Place::File
        });
        !there && !broken && !source
    };
    (0..dependencies.len()).filter(is_absent).collect()
}

fn told_absent(dependency: &Dependency) -> String {
    let asked = format!("{} {}", dependency.name, dependency.version);
    format!(
        "{} is not in charts/: run `helm dependency build` to see inside",
        asked.trim_end()
    )
}

/// Reads what a chart says of itself. One that does not parse is no chart to Helm either.
fn meet(tree: &dyn Tree, path: &Path) -> Option<Met> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let text = tree.text(path)?;
    let requirements = tree.text(&folder.join("requirements.yaml"));
    let metadata = chart::metadata(&text, requirements.as_deref()).ok()?;
    Some(Met {
        chart: path.to_owned(),
        folder,
        metadata,
    })
}

/// The folders of charts that a tool puts back.
fn vendored(met: &[Met], edit_vendored: bool) -> BTreeSet<PathBuf> {
    let by_folder: BTreeMap<&Path, &Metadata> = met
        .iter()
        .map(|one| (one.folder.as_path(), &one.metadata))
        .collect();
    let parent = |folder: &Path| {
        let charts = folder.parent()?;
        let above = charts.parent()?;
        let parent = by_folder.get(above)?;
        (charts.file_name()? == "charts").then_some(*parent)
    };
    let is_vendored = |one: &&Met| {
        parent(&one.folder).is_some_and(|parent| is_vendored(parent, &one.metadata, edit_vendored))
    };
    let folders = met.iter().filter(is_vendored);
    folders.map(|one| one.folder.clone()).collect()
}

impl Project for Charts<'_> {
    fn groups(&self) -> Vec<Vec<PathBuf>> {
        let joined = self.joined.iter().map(|joined| {
            let templates = joined.templates.iter().cloned();
            templates.chain([joined.values.clone()]).collect()
        });
        let roots = self.roots.iter();
        roots
            .map(|root| {
                let own = [root.chart.clone(), root.values.clone()];
                let requirements = root.requirements.clone();
                let all = own.into_iter().chain(requirements);
                all.chain(root.loaded.vendored.iter().cloned()).collect()
            })
            .chain(joined)
            .chain(self.inflated.iter().map(Inflated::group))
            .collect()
    }

    fn find(&self, members: &mut Members) {
        for joined in &self.joined {
            joined.find(members, self.rules);
        }
        for one in &self.inflated {
            one.find(members, self.rules, self.anchors);
        }
        for root in &self.roots {
            if members.contains_key(&root.chart) {
                root.find(members, self.rules, self.anchors);
            }
        }
    }

    fn settle(&self, members: &mut Members) {
        for one in &self.inflated {
            one.settle(members);
        }
        for root in &self.roots {
            if members.contains_key(&root.chart) {
                root.settle(members);
            }
        }
    }
}

#[cfg(test)]
mod tests;
