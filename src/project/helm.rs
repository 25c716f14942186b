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
mod overrides;
mod range;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::{Member, Members, Place, Project, Tree};
use crate::edit::{Applicability, FileEdit};
use crate::finding::{Finding, Problem, Related};
use crate::kind;
use crate::rules::RuleSet;
use crate::rules::anchors::Anchors;

use chart::{Dependency, DependencyFile, Metadata};
use defaults::Owned;
pub use defaults::SubchartImage;
use inflated::Inflated;
use load::{Loaded, Loader, is_vendored};
use values::Step;

/// All charts of a tree that the user owns, with what lies in their `charts/`.
pub struct Charts<'c> {
    rules: &'c RuleSet,
    anchors: &'c Anchors,
    roots: Vec<Root>,
    joined: Vec<Joined>,
    inflated: Vec<Inflated>,
}

/// Templates of a chart that join registries with its values.
struct Joined {
    values: PathBuf,
    templates: Vec<PathBuf>,
}

/// A chart that the user owns.
struct Root {
    chart: PathBuf,
    /// `requirements.yaml`, where the dependencies stand there.
    requirements: Option<PathBuf>,
    /// Whether there is such a file or not.
    values: PathBuf,
    /// `Chart.lock` or `requirements.lock`.
    lock: Option<String>,
    loaded: Loaded,
    /// Dependencies that are not in `charts/`, by their numbers.
    absent: Vec<usize>,
}

/// A chart that the walk met.
struct Met {
    chart: PathBuf,
    folder: PathBuf,
    metadata: Metadata,
}

const VENDORED: &str = "a tool puts this file back: `helm dependency update` brings the chart as its repository has it";

impl<'c> Charts<'c> {
    /// Reads the charts whose `Chart.yaml` is among the files. Unpacked folders of remote dependencies belong to the
    /// tool that unpacked them, unless `edit_vendored`.
    pub fn new(
        tree: &dyn Tree,
        files: &[PathBuf],
        rules: &'c RuleSet,
        anchors: &'c Anchors,
        edit_vendored: bool,
    ) -> Self {
        let inflated: Vec<Inflated> = match edit_vendored {
            true => Vec::new(),
            false => files
                .par_iter()
                .filter(|path| {
                    kind::classify(path).is_some_and(|kind| kind.name == "kustomization")
                })
                .flat_map_iter(|path| inflated::of(tree, path, anchors))
                .collect(),
        };
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

/// What the subcharts of one chart pull, and what keeps some of it from being seen.
#[derive(Debug)]
pub struct Pulled {
    /// Its `Chart.yaml`.
    pub chart: PathBuf,
    pub images: Vec<SubchartImage>,
    /// Dependencies that are not there, archives that cannot be read; fatal or not.
    pub unseen: Vec<(String, bool)>,
}

/// Every image that the subcharts of the user's charts pull, by the charts' paths.
pub fn images(
    tree: &dyn Tree,
    files: &[PathBuf],
    anchors: &Anchors,
    edit_vendored: bool,
) -> Vec<Pulled> {
    let of_chart = |one: Met| {
        let (folder, chart) = (one.folder.clone(), one.chart.clone());
        let mut loader = Loader::new(tree, anchors, edit_vendored);
        loader.every_template = true;
        let loaded = loader.load(&one.folder, &one.metadata);
        let text = |path: &Path| tree.text(path).unwrap_or_default();
        let requirements = tree.text(&folder.join("requirements.yaml"));
        let values = text(&folder.join("values.yaml"));
        let owned = Owned::new(&text(&chart), requirements.as_deref(), &values, &loaded);
        let dependencies = one.metadata.dependencies.as_deref().unwrap_or_default();
        let absent = absent(tree, &one, &loaded).into_iter();
        let absent = absent.map(|index| (told_absent(&dependencies[index]), false));
        let faults = loaded.faults.iter();
        let faults = faults.map(|fault| (fault.message.clone(), fault.fatal));
        let mut unseen: Vec<(String, bool)> = absent.chain(faults).collect();
        let images = match &owned {
            Ok(owned) => owned.images(),
            Err(error) => {
                unseen.push((format!("{error}: its subcharts are not looked into"), false));
                Vec::new()
            }
        };
        Pulled {
            chart,
            images,
            unseen,
        }
    };
    owned(tree, files, edit_vendored)
        .into_par_iter()
        .map(of_chart)
        .collect()
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

impl Joined {
    /// The templates of a chart in which, or in whose values, a rule could speak about something.
    fn of(tree: &dyn Tree, folder: &Path) -> Option<Self> {
        let values = folder.join("values.yaml");
        let templates = folder.join("templates");
        let mut templates = match tree.is_suspect(&values) {
            true => templates_in(tree, &templates, 0),
            false => tree.suspects(&templates),
        };
        templates.retain(|path| {
            let text = tree.text(path).filter(|_| kind::classify(path).is_some());
            text.is_some_and(|text| !joined::joins(&text).is_empty())
        });
        if templates.is_empty() {
            return None;
        }
        let there = tree.place(&values) == Place::File;
        there.then_some(Self { values, templates })
    }

    fn find(&self, members: &mut Members, rules: &RuleSet) {
        let Some(member) = members.get(&self.values) else {
            return;
        };
        let text = member.text.clone();
        let Ok(values) = values::read(&text, 0) else {
            return;
        };
        let mut names = BTreeSet::new();
        for path in &self.templates {
            let Some(member) = members.get_mut(path) else {
                continue;
            };
            let scene = joined::Scene {
                template: &member.text,
                values_path: &self.values,
                values_text: &text,
                values: &values,
            };
            let mut found = Vec::new();
            let mut heads = Vec::new();
            for join in joined::joins(scene.template) {
                if let Some(judged) = joined::judge(&join, &scene, rules) {
                    names.extend(joined::leaf(&values, &join.name).map(|leaf| leaf.origin.span));
                    found.extend(judged);
                    heads.push(join.head);
                }
            }
            // The parts say less than the whole.
            member.findings.retain(|finding| {
                let labels = &finding.labels;
                !labels
                    .iter()
                    .any(|label| heads.iter().any(|head| head.overlaps(label.span)))
            });
            member.findings.extend(found);
            member.findings.sort_by_key(Finding::span);
        }
        if let Some(member) = members.get_mut(&self.values) {
            let is_joined = |finding: &Finding| {
                let mut labels = finding.labels.iter();
                labels.all(|label| names.iter().any(|name| name.overlaps(label.span)))
            };
            member.findings.retain(|finding| !is_joined(finding));
        }
    }
}

fn templates_in(tree: &dyn Tree, folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in tree.list(folder) {
        match tree.place(&path) {
            Place::Folder if depth < 16 => found.extend(templates_in(tree, &path, depth + 1)),
            Place::File => found.push(path),
            _ => {}
        }
    }
    found
}

impl Root {
    /// The file that the dependencies stand in.
    fn declares(&self) -> &Path {
        self.requirements.as_deref().unwrap_or(&self.chart)
    }

    fn find(&self, members: &mut Members, rules: &RuleSet, anchors: &Anchors) {
        hold_vendored(members, &self.loaded.vendored);
        let text = |path: &Path| members.get(path).map(|member| member.text.as_str());
        let Some(chart) = text(&self.chart) else {
            return;
        };
        let requirements = self.requirements.as_deref().and_then(text);
        let values = text(&self.values).unwrap_or_default();
        let owned = match Owned::new(chart, requirements, values, &self.loaded) {
            Ok(owned) => owned,
            Err(error) => {
                let member = members.get_mut(&self.chart);
                return note(
                    member,
                    None,
                    format!("{error}: its subcharts are not looked into"),
                    false,
                );
            }
        };
        let mut found = owned.findings(rules, anchors);
        for finding in &mut found {
            finding.put_into(&self.values, &[], values, members.get(&self.values));
        }
        let dependencies = owned.dependencies().to_vec();
        let declares = members.get_mut(self.declares());
        let Some(member) = declares else {
            return;
        };
        self.note_lock(member);
        member
            .findings
            .extend(found.into_iter().map(|one| one.finding));
        member.findings.sort_by_key(Finding::span);
        for dependency in self
            .absent
            .iter()
            .filter_map(|index| dependencies.get(*index))
        {
            let message = told_absent(dependency);
            note(Some(member), Some(dependency.at.start), message, false);
        }
        for fault in &self.loaded.faults {
            note(Some(member), None, fault.message.clone(), fault.fatal);
        }
    }

    /// A lock names repositories by a digest.
    fn note_lock(&self, member: &mut Member) {
        let Some(lock) = &self.lock else {
            return;
        };
        let moves = |finding: &&mut Finding| {
            let chart = ["https://", "http://", "oci://"];
            finding.fix.is_some() && chart.iter().any(|scheme| finding.old.starts_with(scheme))
        };
        for finding in member.findings.iter_mut().filter(moves) {
            finding.related.push(Related {
                place: lock.clone(),
                position: None,
                text: "its digest is stale after that: run `helm dependency update`".to_owned(),
            });
        }
    }

    fn settle(&self, members: &mut Members) {
        settle(members, self.declares(), &self.values, &[]);
    }
}

/// What stands in a vendored folder is not changed there.
fn hold_vendored(members: &mut Members, vendored: &[PathBuf]) {
    for path in vendored {
        let Some(member) = members.get_mut(path) else {
            continue;
        };
        // Of default values only what the chart really gets is told.
        if path.file_name().is_some_and(|name| name == "values.yaml") {
            member.findings.retain(|finding| finding.mention);
        }
        for finding in &mut member.findings {
            if finding.fix.take().is_some() {
                finding.reason = Some(VENDORED.to_owned());
            }
        }
    }
}

/// Findings whose overrides meet at one place of the values get the same edits there.
fn settle(members: &mut Members, declares: &Path, path: &Path, at: &[Step]) {
    let Some(values) = members.get(path).map(|member| member.text.clone()) else {
        return;
    };
    let Some(member) = members.get_mut(declares) else {
        return;
    };
    for degree in [Applicability::Safe, Applicability::Unsafe] {
        let mut own: Vec<&mut Finding> = member
            .findings
            .iter_mut()
            .filter(|finding| {
                finding.fix.as_ref().is_some_and(|fix| {
                    fix.applicability == degree
                        && fix.elsewhere.iter().any(|edit| *edit.path == *path)
                })
            })
            .collect();
        let wanted: Vec<_> = own
            .iter()
            .filter_map(|finding| finding.fix.as_ref())
            .map(|fix| overrides::made_by(&values, at, &fix.elsewhere))
            .collect();
        let all: Vec<_> = wanted.iter().flatten().cloned().collect();
        let mut planned = overrides::plan(&values, at, &all).into_iter();
        for (finding, wanted) in own.iter_mut().zip(&wanted) {
            let edits: Result<Vec<_>, String> = planned.by_ref().take(wanted.len()).collect();
            match edits {
                // Another project's.
                Ok(_) if wanted.is_empty() => {}
                Ok(edits) => {
                    let edits: BTreeSet<_> = edits.into_iter().flatten().collect();
                    if let Some(fix) = &mut finding.fix {
                        fix.elsewhere = elsewhere(path, edits);
                    }
                }
                Err(reason) => {
                    finding.fix = None;
                    finding.reason = Some(reason);
                }
            }
        }
    }
}

fn elsewhere(path: &Path, edits: impl IntoIterator<Item = crate::edit::Edit>) -> Arc<[FileEdit]> {
    let path: Arc<Path> = Arc::from(path);
    let edits = edits.into_iter().map(|edit| FileEdit {
        path: Arc::clone(&path),
        edit,
    });
    edits.collect()
}

fn note(member: Option<&mut Member>, offset: Option<usize>, message: String, fatal: bool) {
    if let Some(member) = member {
        member.problems.push(Problem {
            offset,
            message,
            fatal,
        });
    }
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
