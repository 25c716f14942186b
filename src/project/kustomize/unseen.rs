//! Images that may come from bases and charts that are not in the tree: the names that entries on their way select.

use std::collections::{BTreeMap, BTreeSet};

use super::build_graph::{BuildGraph, BuildStep, Rewrite, Unseen};
use super::evaluate;
use crate::rules::RuleSet;

impl Unseen {
    pub(super) fn new(group: &BuildGraph, rules: &RuleSet) -> Self {
        let mut of_layer = vec![Vec::new(); group.stages.len()];
        if !group.stages.iter().any(|stage| stage.unseen) {
            return Self {
                names: Vec::new(),
                of_layer,
            };
        }
        let is_of_interest = |rewrite: &&Rewrite| {
            let entry = &rewrite.entry;
            let is_legacy = || evaluate::of_name(&entry.name.text, rules).is_some();
            entry.is_literal() && (entry.new_name.is_some() || is_legacy())
        };
        let selected = group.overrides.iter().filter(is_of_interest);
        let selected: BTreeSet<&str> = selected.map(|one| one.entry.name.text.as_str()).collect();
        let numbers: BTreeMap<&str, usize> = selected.iter().copied().zip(0..).collect();
        let ways = Ways::new(group);
        for (layer, stage) in group.stages.iter().enumerate() {
            if !stage.unseen {
                continue;
            }
            let mut names = BTreeSet::from([selected.len()]);
            for stage in ways.above(layer).iter().map(|layer| &group.stages[*layer]) {
                let entries = stage.early.all.iter().chain(&stage.late.all);
                let entries = entries.map(|entry| &group.overrides[*entry].entry);
                let known = entries.filter_map(|entry| numbers.get(entry.name.text.as_str()));
                names.extend(known);
            }
            of_layer[layer] = names.into_iter().collect();
        }
        let names = selected.into_iter().map(str::to_owned);
        Self {
            names: names.chain([String::new()]).collect(),
            of_layer,
        }
    }
}

/// Layers, and for each the layers that are built from it.
struct Ways<'g> {
    stages: &'g [BuildStep],
    users: Vec<Vec<usize>>,
}

impl<'g> Ways<'g> {
    fn new(group: &'g BuildGraph) -> Self {
        let mut users = vec![Vec::new(); group.stages.len()];
        for (user, stage) in group.stages.iter().enumerate() {
            for layer in stage.layers() {
                users[layer].push(user);
            }
        }
        Self {
            stages: &group.stages,
            users,
        }
    }

    /// A layer, all layers that are built from it, and their components.
    fn above(&self, layer: usize) -> BTreeSet<usize> {
        let mut above = BTreeSet::new();
        let mut open = vec![layer];
        while let Some(layer) = open.pop() {
            if above.insert(layer) {
                open.extend(&self.users[layer]);
            }
        }
        let mut all = BTreeSet::new();
        open.extend(&above);
        while let Some(layer) = open.pop() {
            if all.insert(layer) {
                open.extend(&self.stages[layer].components);
            }
        }
        all
    }
}
