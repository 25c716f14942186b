//! Kustomizations select images by name: a base and the entries above it are renamed together, or not at all.
//!
//! Follows what each kustomization is built from, simulates the build with and without the fixes, and joins the fixes that
//! would break an entry if applied alone. Fetches nothing: the contents of remote bases and charts are unknown.

mod build_graph;
mod built;
mod entry;
mod entry_effect;
mod evaluate;
mod find;
mod findings;
mod fix_set;
mod fixes;
mod image_name;
mod image_scalars;
mod image_value;
mod index;
mod kustomization;
mod layout;
mod left_behind;
mod order;
mod plan;
mod reader;
mod simulator;
mod unreadable;
mod unseen;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::file_type::is_kustomization;
use crate::finding::Problem;
use crate::project::{self, Members, Project, Tree};
use crate::rules::RuleSet;

pub(super) use built::{files_of, named_by, objects_of};
pub(super) use kustomization::{layer_in, unpacked};

use build_graph::BuildGraph;
use entry::Entry;
use kustomization::{Kustomization, Target};

/// The kustomizations of a run, and how they are connected.
pub struct Trees<'t> {
    tree: &'t dyn Tree,
    rules: &'t RuleSet,
    /// Each kustomization file with the files that it names.
    layers: BTreeMap<PathBuf, Links>,
}

#[derive(Debug, Default)]
struct Links {
    files: Vec<PathBuf>,
    /// Whether it has problems or unseen inputs to report.
    reported: bool,
}

impl<'t> Trees<'t> {
    /// Reads the kustomizations among `makers`, and those that they are built from.
    pub fn new(tree: &'t dyn Tree, makers: &[PathBuf], rules: &'t RuleSet) -> Self {
        let mut open: Vec<PathBuf> = makers
            .iter()
            .filter(|path| is_kustomization(path))
            .cloned()
            .collect();
        let mut layers = BTreeMap::new();
        while let Some(path) = open.pop() {
            if layers.contains_key(&path) {
                continue;
            }
            let Some(text) = tree.text(&path) else {
                continue;
            };
            let layer = Kustomization::read(tree, &path, &text);
            let files: Vec<PathBuf> = layer.files().map(Path::to_owned).collect();
            open.extend(files.iter().filter(|path| is_kustomization(path)).cloned());
            let reported = !layer.problems.is_empty() || !layer.unseen.is_empty();
            layers.insert(path, Links { files, reported });
        }
        Self {
            tree,
            rules,
            layers,
        }
    }
}

impl Project for Trees<'_> {
    fn groups(&self) -> Vec<Vec<PathBuf>> {
        let mut groups = Vec::new();
        for group in self.connected() {
            let files: BTreeSet<&PathBuf> = group
                .iter()
                .flat_map(|layer| std::iter::once(*layer).chain(&self.layers[*layer].files))
                .collect();
            if files.iter().any(|path| self.tree.is_suspect(path)) {
                groups.push(files.into_iter().cloned().collect());
            } else {
                let reported = group
                    .into_iter()
                    .filter(|layer| self.layers[*layer].reported);
                groups.extend(reported.map(|layer| vec![layer.clone()]));
            }
        }
        groups
    }

    fn find(&self, members: &mut Members) -> project::Plan<'_> {
        let mut group = BuildGraph::layers(self.tree, members);
        report(&group, members);
        if !self.has_work(&group, members) {
            return Box::new(|_| {});
        }
        unreadable::block_fixes(&group, self.tree, members);
        group.read(self.tree, members, self.rules);
        find::find(&mut group, members, self.rules);
        Box::new(move |members| fixes::plan(&group, members))
    }
}

impl Trees<'_> {
    /// Groups the layers that name each other or the same file.
    fn connected(&self) -> Vec<Vec<&PathBuf>> {
        let mut by_file: BTreeMap<&PathBuf, Vec<&PathBuf>> = BTreeMap::new();
        for (layer, links) in &self.layers {
            for file in std::iter::once(layer).chain(&links.files) {
                by_file.entry(file).or_default().push(layer);
            }
        }
        let mut seen: BTreeSet<&PathBuf> = BTreeSet::new();
        let mut groups = Vec::new();
        for first in self.layers.keys() {
            let mut open = vec![first];
            let mut group = Vec::new();
            while let Some(layer) = open.pop() {
                if !seen.insert(layer) {
                    continue;
                }
                group.push(layer);
                for file in std::iter::once(layer).chain(&self.layers[layer].files) {
                    open.extend(by_file.remove(file).into_iter().flatten());
                }
            }
            if !group.is_empty() {
                group.sort();
                groups.push(group);
            }
        }
        groups
    }

    /// Whether the files have findings, or a legacy entry or a transformer may add some.
    fn has_work(&self, group: &BuildGraph, members: &Members) -> bool {
        let found = members.values().any(|member| !member.findings.is_empty());
        let is_legacy = |entry: &Entry| {
            entry.is_literal() && evaluate::of_name(&entry.name.text, self.rules).is_some()
        };
        let may_report = |layer: &Kustomization| {
            !layer.transformers.is_empty() || layer.entries.iter().any(is_legacy)
        };
        found || group.layers.iter().any(may_report)
    }
}

/// Reports the targets that could not be followed.
fn report(group: &BuildGraph, members: &mut Members) {
    for (number, layer) in group.layers.iter().enumerate() {
        let Some(member) = members.get_mut(&layer.path) else {
            continue;
        };
        member.problems.extend(layer.problems.iter().cloned());
        let of_problem: BTreeSet<Option<usize>> = layer
            .problems
            .iter()
            .map(|problem| problem.offset)
            .collect();
        for (span, what) in &layer.unseen {
            if !of_problem.contains(&Some(span.start)) {
                member.problems.push(Problem::new(
                    Some(span.start),
                    format!("{what} was not fetched: its images were not checked"),
                    false,
                ));
            }
        }
        for target in layer.resources.iter().chain(&layer.components) {
            if let Target::Layer(_, span) = target
                && group.is_circle(number, target)
            {
                member.problems.push(Problem::new(
                    Some(span.start),
                    "it includes itself; Kustomize does not allow that".to_owned(),
                    false,
                ));
            }
        }
        member.problems.sort_by_key(|problem| problem.offset);
    }
}
