//! Charts: what their subcharts pull by default, and the override that changes it in the values that the user owns.
//!
//! Reads the charts in `charts/`, both folders and archives, computes the values that each of them gets, and checks
//! those values like one file. Fetches nothing.

mod accounts;
mod advice;
mod archive;
mod by_text;
mod changes;
mod chart;
mod chart_images;
mod coalesce;
mod config_map;
mod effective;
mod found_chart;
mod given;
mod guard;
mod load;
mod members;
mod merged_values;
mod nested_layers;
mod overrides;
mod owned_chart;
mod parents;
mod readers;
mod refusal;
mod released_chart;
mod releases;
pub mod render;
mod schema;
mod subchart_findings;
mod value_layers;
mod values;
mod vendored;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Members, Plan, Project, Tree};
use crate::file_type::is_kustomization;
use crate::finding::Unjudged;
use crate::printable;
use crate::rules::RuleSet;
use crate::rules::prefilter::Prefilter;

use advice::Advice;
pub use advice::{CHART_WORDS, RuleOf, is_fleet, may_name_chart};
use changes::Change;
use chart::{Dependency, DependencyFile};
pub use chart_images::rendered::{Rendered, images as rendered_images};
pub use chart_images::{ChartImages, SubchartImage, images};
use config_map::ConfigMaps;
use found_chart::{FoundChart, find_charts};
use given::ReleaseValues;
use load::Loader;
use owned_chart::{OwnedChart, absent};
use parents::Parents;
use readers::Readers;
use released_chart::{Release, ReleaseContext, ReleasedChart};
pub use releases::{RELEASE_WORDS, may_release};
pub use value_layers::{ValueLayers, may_be_layer};
pub use vendored::Vendored;

/// All charts of a tree that the user owns, with the contents of their `charts/`.
pub struct Charts<'c> {
    tree: &'c dyn Tree,
    rules: &'c RuleSet,
    prefilter: &'c Prefilter,
    roots: Vec<OwnedChart>,
    /// Charts that can be rendered to see how their values are used.
    readers: Vec<Readers<'c>>,
    /// For each of the roots: the reader that tries overrides of its subcharts' values.
    of_subcharts: Vec<Readers<'c>>,
    /// Indexes of the roots that have no entry in `readers`.
    unread: Vec<usize>,
    /// The values that releases give to charts, by chart folder.
    given: HashMap<PathBuf, Vec<ReleaseValues>>,
    used: Vec<ReleasedChart>,
    /// Files with possible findings in charts that `helm.vendored-charts` lists and that no release uses.
    unreleased: Vec<PathBuf>,
    advice: Advice<'c>,
}

/// The files of a tree that are related to charts.
#[derive(Clone, Copy)]
pub struct Files<'f> {
    /// Files that start a project, such as `Chart.yaml` and kustomizations.
    pub projects: &'f [PathBuf],
    /// Files that may release charts of the tree.
    pub releases: &'f [PathBuf],
    /// The same, outside the paths of the run.
    pub releases_around: &'f [PathBuf],
    /// Files that may name charts with a version, or the repositories they come from.
    pub naming: &'f [PathBuf],
}

const LISTED: &str = "`helm.vendored-charts` lists this chart, and no release in this tree uses it";

impl<'c> Charts<'c> {
    /// Reads the charts whose `Chart.yaml` is among the files, and the charts that other files release.
    pub fn new(
        tree: &'c dyn Tree,
        files: Files<'_>,
        rule_of: RuleOf<'c>,
        rules: &'c RuleSet,
        prefilter: &'c Prefilter,
        vendored: Vendored<'_>,
    ) -> Self {
        let releases = files.releases;
        let config_maps = ConfigMaps::new(tree);
        let context = ReleaseContext {
            tree,
            prefilter,
            vendored,
            config_maps: &config_maps,
            every_chart: false,
        };
        let (vendored_ones, released) = released(context, releases);
        let used = used(context, files.projects, releases, vendored_ones);
        let found = find_charts(tree, files.projects);
        let parents = Parents::new(tree, &found);
        let unreleased = unreleased(tree, &found, vendored, &used);
        let all: HashSet<PathBuf> = found.iter().map(|one| one.folder.clone()).collect();
        let owned = owned(found, vendored, &used);
        let around = match owned.is_empty() {
            true => Vec::new(),
            false => self::released(context, files.releases_around).1,
        };
        let all_releases = released.into_iter().chain(around);
        let given = ReleaseValues::by_folder(all_releases.filter_map(Release::release_values));
        let readers = owned.par_iter().filter_map(|one| {
            let own = given.get(&one.folder).map_or(&[][..], Vec::as_slice);
            let mut readers = Readers::of(tree, prefilter, &one.folder, own, releases)?;
            readers.below(&parents.values_for(&one.folder, &given));
            Some(readers)
        });
        let own: Vec<PathBuf> = owned.iter().map(|one| one.chart.clone()).collect();
        let known = rules.facts().charts;
        let foreign = foreign(all, &owned);
        let mut charts = Self {
            tree,
            rules,
            prefilter,
            roots: Vec::new(),
            of_subcharts: Vec::new(),
            unread: Vec::new(),
            readers: readers.collect(),
            given,
            used,
            unreleased,
            advice: Advice::new(tree, config_maps, rule_of, known, &own, &foreign, files),
        };
        charts.add_roots(owned, vendored);
        charts
    }

    fn add_roots(&mut self, owned: Vec<FoundChart>, vendored: Vendored<'_>) {
        let root = |one| {
            let root = self.root(one, vendored);
            root.filter(|root| self.may_report(root))
        };
        let roots: Vec<OwnedChart> = owned.into_par_iter().filter_map(root).collect();
        let readers = roots.par_iter().map(|root| {
            let folder = root.values.parent().unwrap_or(Path::new(""));
            let given = self.given.get(folder).map_or(&[][..], Vec::as_slice);
            Readers::of_subcharts(self.tree, &root.values, given)
        });
        self.of_subcharts = readers.collect();
        let read: HashSet<&Path> = self.readers.iter().map(Readers::values).collect();
        let is_unread = |at: &usize| !read.contains(&*roots[*at].values);
        self.unread = (0..roots.len()).filter(is_unread).collect();
        self.roots = roots;
    }

    fn root(&self, one: FoundChart, vendored: Vendored<'_>) -> Option<OwnedChart> {
        let loader = Loader::new(self.tree, self.prefilter, vendored);
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
        Some(OwnedChart {
            absent: absent(self.tree, &one, &loaded),
            lock: self.tree.is_file(&lock).then(|| printable::name(&lock)),
            values: one.folder.join("values.yaml"),
            requirements,
            chart: one.chart,
            loaded,
        })
    }

    /// Whether there may be anything to report about a chart as it is on disk.
    fn may_report(&self, root: &OwnedChart) -> bool {
        let loaded = &root.loaded;
        let known =
            !(root.absent.is_empty() && loaded.faults.is_empty() && loaded.vendored.is_empty());
        let moves = || root.lock.is_some() && self.tree.is_suspect(root.declares());
        // A location may be split between a subchart's defaults and the user's values, with its stem in the latter.
        let set = || {
            let values = self.tree.text(&root.values).unwrap_or_default();
            !loaded.children.is_empty() && self.prefilter.has_stem(values.as_bytes())
        };
        known || loaded.suspect || moves() || set()
    }
}

/// Returns the releases of charts of the tree: first those of vendored charts, then those of the user's own.
fn released(context: ReleaseContext<'_>, files: &[PathBuf]) -> (Vec<Release>, Vec<Release>) {
    let found = files.par_iter();
    found
        .flat_map_iter(|path| releases::of(context, path))
        .partition(|one| one.is_vendored)
}

/// Returns the vendored charts that kustomizations and releases use.
fn used(
    context: ReleaseContext<'_>,
    files: &[PathBuf],
    releases: &[PathBuf],
    released: Vec<Release>,
) -> Vec<ReleasedChart> {
    let is_asking = |path: &&PathBuf| is_kustomization(path);
    let pulled = files
        .par_iter()
        .filter(|path| !(context.vendored.edit)(path.parent().unwrap_or(path)) && is_asking(path))
        .flat_map_iter(|path| released_chart::of(context, path));
    let released = released.into_par_iter();
    let released = released.filter_map(|one| ReleasedChart::of(one, context));
    let mut all: Vec<ReleasedChart> = pulled.chain(released).collect();
    let declaring: Vec<&PathBuf> = files.iter().filter(is_asking).chain(releases).collect();
    released_chart::mark_shared(context.tree, &declaring, &mut all);
    all
}

/// Returns files with possible findings in charts that `helm.vendored-charts` lists and that no release uses.
fn unreleased(
    tree: &dyn Tree,
    found: &[FoundChart],
    vendored: Vendored<'_>,
    used: &[ReleasedChart],
) -> Vec<PathBuf> {
    let listed = found.iter().map(|one| one.folder.as_path());
    let listed = listed.filter(|folder| vendored.lists(folder) && !is_released(folder, used));
    listed.flat_map(|folder| tree.suspects(folder)).collect()
}

/// Returns the charts that the user owns.
fn owned(
    mut found: Vec<FoundChart>,
    vendored: Vendored<'_>,
    used: &[ReleasedChart],
) -> Vec<FoundChart> {
    let vendored = vendored.among(&found);
    found.retain(|one| {
        let mut folders = one.folder.ancestors();
        !folders.any(|folder| vendored.contains(folder)) && !is_released(&one.folder, used)
    });
    found
}

/// Returns the folders of the charts that the user does not own.
fn foreign(mut all: HashSet<PathBuf>, owned: &[FoundChart]) -> HashSet<PathBuf> {
    for one in owned {
        all.remove(&one.folder);
    }
    all
}

/// Whether a folder is in a chart that a kustomization or a release uses.
fn is_released(folder: &Path, used: &[ReleasedChart]) -> bool {
    used.iter()
        .any(|one| folder.starts_with(&one.release.chart))
}

fn absent_message(dependency: &Dependency) -> String {
    let asked = format!("{} {}", dependency.name, dependency.version);
    format!(
        "{} is not in charts/: run `helm dependency build` to check it",
        asked.trim_end()
    )
}

impl Charts<'_> {
    fn find_used(&self, members: &mut Members) -> Vec<Change> {
        let here = self.used.iter();
        let here = here.filter(|one| members.contains_key(&one.release.declared_in));
        let mut unjudged: Vec<(&Path, Vec<Unjudged>)> = Vec::new();
        let found: Vec<_> = here
            .map(|one| {
                let mut own = Vec::new();
                let found = one.findings(members, self.rules, self.prefilter, &mut own);
                unjudged.push((&one.release.declared_in, own));
                (one, found)
            })
            .collect();
        for (path, own) in unjudged {
            if let Some(member) = members.get_mut(path) {
                member.unjudged.extend(own);
            }
        }
        let unread = found.iter().filter(|(_, found)| found.is_err());
        let unread: BTreeSet<PathBuf> = unread.map(|(one, _)| one.release.chart.clone()).collect();
        let found = found.into_iter();
        let reported = found.flat_map(|(one, found)| {
            one.report(members, found, !unread.contains(&one.release.chart))
        });
        reported.collect()
    }
}

impl Charts<'_> {
    /// Adds consent to charts that would otherwise refuse the images that fixes of values bring.
    fn lift(&self, members: &mut Members) {
        let all = self.readers.iter().chain(self.unread());
        all.for_each(|readers| readers.lift(members));
    }

    /// The charts with subcharts that have no entry in `readers`.
    fn unread(&self) -> impl Iterator<Item = &Readers<'_>> {
        self.unread.iter().map(|at| &self.of_subcharts[*at])
    }
}

impl Project for Charts<'_> {
    fn groups(&self) -> Vec<Vec<PathBuf>> {
        let roots = self.roots.iter();
        roots
            .map(|root| {
                let own = [root.chart.clone(), root.values.clone()];
                let requirements = root.requirements.clone();
                let all = own.into_iter().chain(requirements);
                all.chain(root.loaded.vendored.iter().cloned()).collect()
            })
            .chain(self.readers.iter().map(Readers::group))
            .chain(self.used.iter().map(ReleasedChart::group))
            .chain(self.unreleased.iter().map(|path| vec![path.clone()]))
            .chain(self.advice.groups())
            .collect()
    }

    fn find(&self, members: &mut Members) -> Plan<'_> {
        for readers in &self.readers {
            readers.find(members, self.rules, self.prefilter);
        }
        members::block_fixes(members, &self.unreleased, LISTED);
        let mut changes = self.find_used(members);
        for (root, readers) in self.roots.iter().zip(&self.of_subcharts) {
            if members.contains_key(&root.chart) {
                changes.extend(root.find(members, self.rules, self.prefilter));
                readers.confirm(root.declares(), members, self.rules);
            }
        }
        self.lift(members);
        self.advice.find(members);
        Box::new(move |members| {
            changes::plan(&changes, members);
            for readers in &self.readers {
                readers.check_shared_values(members, self.rules);
            }
            self.unread()
                .for_each(|readers| readers.hold_refused_alone(members));
        })
    }
}

#[cfg(test)]
mod tests;
