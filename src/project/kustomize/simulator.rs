//! Simulates a build twice at once: with the files as they are, and as they would be after the planned fixes.
//!
//! Every text that may end up in an image field passes through the kustomizations separately, so what holds for each text
//! holds for the build. Does not use rules.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::rc::Rc;

use super::build_graph::{BuildGraph, BuildStep, Input};
use super::entry::Change;
use super::entry_effect::EntryEffect;
use super::image_scalars::FieldSpec;
use super::image_value::{Cause, ImageValue, Origin};
use super::index::Index;

/// The most steps of a simulation. Real trees need far fewer.
const MOST_STEPS: usize = 4_000_000;

/// The deepest nesting of components that is followed.
const DEEPEST: usize = 64;

/// The changes to simulate.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct PlannedChanges {
    /// Changes, by the entry's index in the group.
    pub(super) changes: Vec<Change>,
    /// New values of tests, by the test's index in the group.
    pub(super) tests: Vec<Option<String>>,
}

impl PlannedChanges {
    pub(super) fn nothing(group: &BuildGraph) -> Self {
        Self {
            changes: vec![Change::default(); group.overrides.len()],
            tests: vec![None; group.tests.len()],
        }
    }
}

/// The result of a simulation.
#[derive(Debug, Default)]
pub(super) struct Simulated {
    /// The values that reached each entry and that it may select under one of its names.
    pub(super) inputs: Vec<Vec<Rc<ImageValue>>>,
    /// The values that each test may look for, as they were at that step of the build.
    pub(super) tested: Vec<Vec<Rc<ImageValue>>>,
    /// The values that the root layers produced.
    pub(super) results: Vec<Rc<ImageValue>>,
    /// Whether the simulation exceeded a limit.
    pub(super) gave_up: bool,
}

/// A simulation of a build.
pub(super) struct Simulator<'g> {
    group: &'g BuildGraph,
    is_active: &'g dyn Fn(usize) -> bool,
    acts: Vec<EntryEffect<'g>>,
    /// The names that entries have after their changes, by layer and whether the entries are its transformers.
    names: HashMap<(usize, bool), Index>,
    built: Vec<Option<Rc<Build>>>,
    open: Vec<usize>,
    steps: usize,
    simulated: Simulated,
    seen: Vec<HashSet<Rc<ImageValue>>>,
}

/// The output of a layer.
#[derive(Debug, Default)]
struct Build {
    image_values: Vec<Rc<ImageValue>>,
    specs: Vec<FieldSpec>,
}

impl<'g> Simulator<'g> {
    pub(super) fn new(
        group: &'g BuildGraph,
        plan: &'g PlannedChanges,
        is_active: &'g dyn Fn(usize) -> bool,
    ) -> Self {
        let changes = plan.changes.iter().enumerate();
        let acts: Vec<EntryEffect<'_>> = changes
            .map(|(index, change)| EntryEffect::new(group, index, change, is_active))
            .collect();
        Self {
            group,
            is_active,
            names: names(group, &acts),
            acts,
            built: vec![None; group.stages.len()],
            open: Vec::new(),
            steps: 0,
            simulated: Simulated {
                inputs: vec![Vec::new(); group.overrides.len()],
                tested: vec![Vec::new(); group.tests.len()],
                ..Simulated::default()
            },
            seen: vec![HashSet::new(); group.overrides.len()],
        }
    }

    pub(super) fn play(mut self) -> Simulated {
        // The layers that a layer is built from come before it.
        for layer in &self.group.order.layers {
            let mut build = Build::default();
            self.accumulate(*layer, &mut build);
            self.built[*layer] = Some(Rc::new(build));
        }
        for root in &self.group.roots {
            let build = self.built[*root].iter();
            let image_values = build.flat_map(|build| build.image_values.iter().cloned());
            self.simulated.results.extend(image_values);
        }
        self.simulated
    }

    /// Adds a layer to what is in `build` already, and applies its changes to all of it, as components do.
    fn accumulate(&mut self, layer: usize, build: &mut Build) {
        self.steps += 1;
        self.simulated.gave_up |= self.steps > MOST_STEPS || self.open.len() >= DEEPEST;
        if self.open.contains(&layer) || self.simulated.gave_up {
            return;
        }
        self.open.push(layer);
        let stage = &self.group.stages[layer];
        for input in &stage.inputs {
            match input {
                Input::Leaf(leaf) => build.image_values.push(Rc::new(self.leaf(*leaf))),
                Input::Layer(below) => {
                    // A layer that leads back here adds nothing, because Kustomize refuses it.
                    if let Some(below) = &self.built[*below] {
                        build
                            .image_values
                            .extend(below.image_values.iter().cloned());
                        build.specs.extend(below.specs.iter().cloned());
                    }
                }
            }
        }
        build.specs.extend(stage.specs.iter().cloned());
        let unseen = self.group.unseen.of_layer[layer].iter();
        build
            .image_values
            .extend(unseen.map(|name| Rc::new(self.unseen(*name))));
        for component in &stage.components {
            self.accumulate(*component, build);
        }
        let patches = stage.patches.iter().map(|leaf| Rc::new(self.leaf(*leaf)));
        build.image_values.extend(patches);
        self.test(stage, build);
        self.rewrite(layer, false, build);
        if stage.has_replacements {
            // Replacements are not followed: from here on, any value may be in any field.
            let copies = build
                .image_values
                .iter()
                .filter(|image_value| !image_value.anywhere);
            let copies = copies.map(|image_value| ImageValue {
                anywhere: true,
                ..ImageValue::clone(image_value)
            });
            let copies: Vec<Rc<ImageValue>> = copies.map(Rc::new).collect();
            build.image_values.extend(copies);
        }
        self.rewrite(layer, true, build);
        dedup(&mut build.image_values);
        dedup(&mut build.specs);
        self.open.pop();
    }

    fn leaf(&self, index: usize) -> ImageValue {
        let leaf = &self.group.leaves[index];
        let (after, sources) = leaf.moved(&self.group.sources, self.is_active);
        ImageValue {
            origin: Origin::Leaf(index),
            anywhere: false,
            causes: match after == leaf.value {
                true => Vec::new(),
                false => sources.into_iter().map(Cause::Source).collect(),
            },
            before: leaf.value.clone(),
            after,
            named_by: None,
            put: None,
        }
    }

    fn unseen(&self, name: usize) -> ImageValue {
        let text = &self.group.unseen.names[name];
        ImageValue {
            origin: Origin::Unseen(name),
            anywhere: true,
            before: text.clone(),
            after: text.clone(),
            causes: Vec::new(),
            named_by: None,
            put: None,
        }
    }

    fn test(&mut self, stage: &BuildStep, build: &Build) {
        if stage.tests.is_empty() {
            return;
        }
        let mut by_text: HashMap<&str, Vec<&Rc<ImageValue>>> = HashMap::new();
        for image_value in &build.image_values {
            by_text
                .entry(&image_value.before)
                .or_default()
                .push(image_value);
        }
        for index in &stage.tests {
            let test = &self.group.tests[*index];
            let texts = std::iter::once(test.value.as_str()).chain(test.moved());
            let image_values = texts.filter_map(|text| by_text.get(text));
            self.simulated.tested[*index].extend(
                image_values
                    .flatten()
                    .map(|image_value| Rc::clone(image_value)),
            );
        }
    }

    /// Applies the entries of a layer to each value, one after the other: those of `images`, or of its transformers if `late`.
    fn rewrite(&mut self, layer: usize, late: bool, build: &mut Build) {
        let group = self.group;
        let entries = group.stages[layer].entries(late);
        self.steps += build.image_values.len();
        if entries.all.is_empty() {
            return;
        }
        let Build {
            image_values,
            specs,
        } = build;
        for image_value in image_values {
            let mut from = 0;
            while let Some(entry) = self.next(layer, late, image_value, from) {
                from = entry + 1;
                self.steps += 1;
                if self.steps > MOST_STEPS {
                    self.simulated.gave_up = true;
                    return;
                }
                let specs = group.overrides[entry].specs.as_ref().unwrap_or(specs);
                if !is_seen(group, image_value, specs) {
                    continue;
                }
                if self.seen[entry].insert(Rc::clone(image_value)) {
                    self.simulated.inputs[entry].push(Rc::clone(image_value));
                }
                if let Some(next) = self.acts[entry].on(image_value) {
                    *image_value = Rc::new(next);
                }
            }
        }
    }

    /// Returns the next entry that may affect a value.
    fn next(
        &self,
        layer: usize,
        late: bool,
        image_value: &ImageValue,
        from: usize,
    ) -> Option<usize> {
        let index = &self.group.stages[layer].entries(late).index;
        let before = index.next(&image_value.before, from);
        let after = match image_value.after == image_value.before {
            true => None,
            false => index.next(&image_value.after, from),
        };
        let names = self.names.get(&(layer, late));
        let other = names.and_then(|names| names.next(&image_value.after, from));
        before.into_iter().chain(after).chain(other).min()
    }
}

fn names(group: &BuildGraph, acts: &[EntryEffect<'_>]) -> HashMap<(usize, bool), Index> {
    let mut names: HashMap<(usize, bool), Index> = HashMap::new();
    for (layer, stage) in group.stages.iter().enumerate() {
        for late in [false, true] {
            for entry in &stage.entries(late).all {
                for pattern in acts[*entry].names() {
                    let index = names.entry((layer, late)).or_default();
                    index.add(*entry, pattern);
                }
            }
        }
    }
    names
}

fn is_seen(group: &BuildGraph, image_value: &ImageValue, specs: &[FieldSpec]) -> bool {
    match image_value.origin {
        _ if image_value.anywhere => true,
        Origin::Leaf(leaf) => group.leaves[leaf].field.is_seen(specs),
        Origin::Unseen(_) => true,
    }
}

/// Removes duplicates and keeps the order.
fn dedup<T: Clone + Eq + Hash>(list: &mut Vec<T>) {
    let mut seen = HashSet::new();
    list.retain(|one| seen.insert(one.clone()));
}
