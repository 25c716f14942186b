//! Turns kustomizations into build steps. Reads each file that they name once for each way in which it is used.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build_graph::{BuildGraph, BuildStep, Entries, Input, Rewrite, Unseen};
use super::entry::Entry;
use super::evaluate;
use super::image_scalars::{self, Field, FieldSpec, ImageScalars, Text};
use super::kustomization::{Content, Kustomization, Target};
use crate::project::{Members, Tree};
use crate::rules::RuleSet;
use crate::source::Span;
use crate::syntax::yaml::Node;

impl BuildGraph {
    /// Reads all files that the layers name. Drops the findings at names that only select.
    pub(super) fn read(&mut self, tree: &dyn Tree, members: &mut Members, rules: &RuleSet) {
        let numbers = self.read_files(tree, members);
        let mut reader = StepReader::new(self, numbers, rules);
        reader.entries();
        reader.group().strip_names(members);
        let own = reader.group().find_sources(members);
        reader.leaves(own);
        self.roots = self.find_roots();
        self.unseen = Unseen::new(self, rules);
    }
}

/// Turns layers into stages: first their entries, then, when the sources are known, the rest.
pub(super) struct StepReader<'g> {
    group: &'g mut BuildGraph,
    rules: &'g RuleSet,
    numbers: HashMap<PathBuf, usize>,
    own: Vec<Vec<usize>>,
    /// The number of each entry by where it is written.
    entries: HashMap<(usize, Span), usize>,
    leaves: ImageScalars,
    /// Leaves that were read already: a file may be named by several layers.
    resources: HashMap<usize, Vec<usize>>,
    patches: HashMap<(usize, Option<Span>), Patch>,
}

/// The leaves and tests of a patch.
type Patch = (Vec<usize>, Vec<usize>);

impl<'g> StepReader<'g> {
    /// `numbers` are those of the group's files.
    pub(super) fn new(
        group: &'g mut BuildGraph,
        numbers: HashMap<PathBuf, usize>,
        rules: &'g RuleSet,
    ) -> Self {
        Self {
            group,
            rules,
            numbers,
            own: Vec::new(),
            entries: HashMap::new(),
            leaves: ImageScalars::default(),
            resources: HashMap::new(),
            patches: HashMap::new(),
        }
    }

    fn group(&mut self) -> &mut BuildGraph {
        self.group
    }

    /// Reads the entries of all layers, and the fields that they look at.
    fn entries(&mut self) {
        for index in 0..self.group.layers.len() {
            let layer = std::mem::take(&mut self.group.layers[index]);
            let mut stage = BuildStep::default();
            for file in self.files(&layer.configurations) {
                let text = &self.group.files[file].text;
                image_scalars::documents_of(text, None, |map| {
                    stage.specs.extend(FieldSpec::read(map.get("images")));
                });
            }
            self.leaves.specs.extend(stage.specs.iter().cloned());
            if let Some(own) = self.number(&layer.path) {
                for entry in &layer.entries {
                    self.rewrite((index, false), &mut stage.early, own, entry.clone(), None);
                }
                for content in self.contents(own, &layer.transformers) {
                    self.transformer(index, content, &mut stage);
                }
            }
            self.group.stages.push(stage);
            self.group.layers[index] = layer;
        }
    }

    fn number(&self, path: &Path) -> Option<usize> {
        self.numbers.get(path).copied()
    }

    fn files(&self, paths: &[PathBuf]) -> Vec<usize> {
        paths.iter().filter_map(|path| self.number(path)).collect()
    }

    /// Returns the files and regions that `contents` mean. Another kustomization stands for all its resources.
    fn contents(&self, own: usize, contents: &[Content]) -> Vec<(usize, Option<Span>)> {
        let mut found = Vec::new();
        let mut layers = HashSet::new();
        let mut open: Vec<Content> = contents.iter().rev().cloned().collect();
        while let Some(content) = open.pop() {
            match content {
                Content::File(path) => found.extend(self.number(&path).map(|file| (file, None))),
                Content::Inline(region) => found.push((own, Some(region))),
                Content::Layer(path) => {
                    let layer = self.group.number(&path);
                    let Some(layer) = layer.filter(|layer| layers.insert(*layer)) else {
                        continue;
                    };
                    let below = self.group.layers[layer].resources.iter().rev();
                    open.extend(below.map(|target| match target {
                        Target::File(path) => Content::File(path.clone()),
                        Target::Layer(path, _) => Content::Layer(path.clone()),
                    }));
                }
            }
        }
        found
    }

    fn transformer(
        &mut self,
        layer: usize,
        (file, region): (usize, Option<Span>),
        stage: &mut BuildStep,
    ) {
        let text = Arc::clone(&self.group.files[file].text);
        image_scalars::documents_of(&text, region, |map| {
            let tag = map
                .get("imageTag")
                .filter(|_| map.text("kind") == Some("ImageTagTransformer"));
            if let Some(entry) = tag.and_then(|node| Entry::read(&text, node, None)) {
                let specs = FieldSpec::read(map.get("fieldSpecs"));
                self.leaves.specs.extend(specs.iter().cloned());
                self.rewrite((layer, true), &mut stage.late, file, entry, Some(specs));
            }
        });
    }

    fn rewrite(
        &mut self,
        list: (usize, bool),
        entries: &mut Entries,
        file: usize,
        entry: Entry,
        specs: Option<Vec<FieldSpec>>,
    ) {
        // Several layers may name the file: the entry changes for all of them, or for none.
        let known = self.entries.get(&(file, entry.span)).copied();
        let number = known.unwrap_or_else(|| {
            let number = self.group.overrides.len();
            self.entries.insert((file, entry.span), number);
            let text = &self.group.files[file].text;
            self.group.overrides.push(Rewrite {
                file,
                list,
                specs,
                sources: Vec::new(),
                verdict: evaluate::of_entry(&entry, text, self.rules),
                moved: evaluate::moved(&entry, self.rules),
                entry,
                left_behind: None,
            });
            number
        });
        let rewrite = &self.group.overrides[number];
        let moved = rewrite.moved.as_ref().map(|moved| &moved.pattern);
        entries.add(number, [&rewrite.entry.pattern].into_iter().chain(moved));
    }

    /// Reads everything except the entries. `own` has the sources of each file.
    pub(super) fn leaves(mut self, own: Vec<Vec<usize>>) {
        self.own = own;
        for index in 0..self.group.overrides.len() {
            let rewrite = &self.group.overrides[index];
            let new_name = rewrite.entry.new_name.as_ref().map(|piece| piece.span);
            let sources = new_name.map(|span| self.text(rewrite.file).within(span).to_vec());
            self.group.overrides[index].sources = sources.unwrap_or_default();
        }
        for index in 0..self.group.layers.len() {
            let layer = std::mem::take(&mut self.group.layers[index]);
            if let Some(own) = self.number(&layer.path) {
                self.stage(index, own, &layer);
            }
            self.group.layers[index] = layer;
        }
        for test in self.leaves.tests.iter_mut().filter(|test| test.verbatim) {
            test.verdict = evaluate::of_reference(&test.value, self.rules);
        }
        self.group.leaves = self.leaves.leaves;
        self.group.tests = self.leaves.tests;
    }

    fn text(&self, file: usize) -> Text<'_> {
        Text {
            file,
            text: &self.group.files[file].text,
            sources: &self.group.sources,
            own: &self.own[file],
        }
    }

    fn stage(&mut self, index: usize, own: usize, layer: &Kustomization) {
        let mut stage = std::mem::take(&mut self.group.stages[index]);
        for target in &layer.resources {
            match target {
                Target::File(path) => {
                    if let Some(file) = self.number(path) {
                        let leaves = self.resources_of(file);
                        stage.inputs.extend(leaves.into_iter().map(Input::Leaf));
                    }
                }
                Target::Layer(path, _) => {
                    let layer = self.group.number(path);
                    stage.inputs.extend(layer.map(Input::Layer));
                }
            }
        }
        for region in &layer.inline_values {
            self.regions(own, Some(*region), &Field::Any, &mut stage);
        }
        for region in &layer.inline_data {
            self.regions(own, Some(*region), &Field::Elsewhere, &mut stage);
        }
        for file in self.files(&layer.values) {
            self.regions(file, None, &Field::Any, &mut stage);
        }
        for file in self.files(&layer.data) {
            self.regions(file, None, &Field::Elsewhere, &mut stage);
        }
        stage.unseen = !layer.unseen.is_empty() || !layer.generators.is_empty();
        for (file, region) in self.contents(own, &layer.generators) {
            self.regions(file, region, &Field::Any, &mut stage);
        }
        for target in &layer.components {
            if let Target::Layer(path, _) = target {
                stage.components.extend(self.group.number(path));
            }
        }
        let patches = self.contents(own, &layer.patches);
        let patches = patches.into_iter().chain(self.plugin_patches(own, layer));
        for (file, region) in patches.collect::<Vec<_>>() {
            let (leaves, tests) = self.patch_of(file, region);
            stage.patches.extend(leaves);
            stage.tests.extend(tests);
        }
        stage.has_replacements = layer.has_replacements;
        stage.tests.extend(self.replaced(own, layer));
        self.group.stages[index] = stage;
    }

    /// Returns the patches that are written in the configuration of transformers.
    fn plugin_patches(&self, own: usize, layer: &Kustomization) -> Vec<(usize, Option<Span>)> {
        let mut found = Vec::new();
        for (file, region) in self.contents(own, &layer.transformers) {
            let text = &self.group.files[file].text;
            image_scalars::documents_of(text, region, |map| {
                let kind = map.text("kind").unwrap_or_default();
                if !kind.starts_with("Patch") || !kind.ends_with("Transformer") {
                    return;
                }
                let written = ["patch", "jsonOp", "patches"].into_iter();
                let written = written.filter_map(|key| map.get(key).and_then(Node::as_scalar));
                found.extend(written.map(|scalar| (file, Some(scalar.region(text)))));
            });
        }
        found
    }

    /// Reads what the replacements of a layer look for. Returns the range of the tests that it adds.
    fn replaced(&mut self, own: usize, layer: &Kustomization) -> std::ops::Range<usize> {
        let first = self.leaves.tests.len();
        let contents = self.contents(own, &layer.transformers);
        let files = [own].into_iter().chain(self.files(&layer.replacements));
        let all: Vec<_> = files.map(|file| (file, None)).chain(contents).collect();
        for (file, region) in all {
            let mut leaves = std::mem::take(&mut self.leaves);
            image_scalars::of_replacements(self.text(file), region, &mut leaves);
            self.leaves = leaves;
        }
        first..self.leaves.tests.len()
    }

    fn resources_of(&mut self, file: usize) -> Vec<usize> {
        if let Some(known) = self.resources.get(&file) {
            return known.clone();
        }
        let mut leaves = std::mem::take(&mut self.leaves);
        let first = leaves.leaves.len();
        image_scalars::of_resources(self.text(file), &mut leaves);
        let found: Vec<usize> = (first..leaves.leaves.len()).collect();
        self.leaves = leaves;
        self.resources.insert(file, found.clone());
        found
    }

    fn patch_of(&mut self, file: usize, region: Option<Span>) -> Patch {
        if let Some(known) = self.patches.get(&(file, region)) {
            return known.clone();
        }
        let mut leaves = std::mem::take(&mut self.leaves);
        let (first, first_test) = (leaves.leaves.len(), leaves.tests.len());
        image_scalars::of_patch(self.text(file), region, &mut leaves);
        let found = (
            (first..leaves.leaves.len()).collect(),
            (first_test..leaves.tests.len()).collect(),
        );
        self.leaves = leaves;
        self.patches.insert((file, region), found);
        self.patches[&(file, region)].clone()
    }

    fn regions(&mut self, file: usize, region: Option<Span>, field: &Field, stage: &mut BuildStep) {
        let mut leaves = std::mem::take(&mut self.leaves);
        let first = leaves.leaves.len();
        image_scalars::of_region(self.text(file), region, field, &mut leaves);
        stage
            .inputs
            .extend((first..leaves.leaves.len()).map(Input::Leaf));
        self.leaves = leaves;
    }
}
