//! Turns layers into stages: reads the files that they name, each once for each use that is made of it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::entry::{Entry, Piece};
use super::group::{Group, Input, Rewrite, Stage};
use super::layer::{Content, Layer, Target};
use super::leaf::{self, Field, FieldSpec, Leaves, Text};
use crate::source::Span;

/// Turns layers into stages.
pub(super) struct Reader<'g> {
    group: &'g mut Group,
    ids: HashMap<PathBuf, usize>,
    own: Vec<Vec<usize>>,
    leaves: Leaves,
    /// Leaves that were read already: a file may be named by several layers.
    resources: HashMap<usize, Vec<usize>>,
    patches: HashMap<(usize, Option<Span>), Patch>,
}

/// The leaves and tests of a patch.
type Patch = (Vec<usize>, Vec<usize>);

impl<'g> Reader<'g> {
    pub(super) fn new(
        group: &'g mut Group,
        ids: HashMap<PathBuf, usize>,
        own: Vec<Vec<usize>>,
    ) -> Self {
        Self {
            group,
            ids,
            own,
            leaves: Leaves::default(),
            resources: HashMap::new(),
            patches: HashMap::new(),
        }
    }

    /// Fills the stages of the group. Gives the leaves and tests that they tell of.
    pub(super) fn read(mut self) -> Leaves {
        self.specs();
        self.stages();
        self.leaves
    }

    /// The fields that configurations add, of each layer and of all.
    fn specs(&mut self) {
        for layer in 0..self.group.layers.len() {
            let mut specs = Vec::new();
            for path in &self.group.layers[layer].configurations {
                if let Some(file) = self.ids.get(path) {
                    let content = Content::File(path.clone());
                    leaf::documents_of(self.text(*file), &content, |map, _| {
                        specs.extend(FieldSpec::read(map.get("images")));
                    });
                }
            }
            self.leaves.specs.extend(specs.iter().cloned());
            self.group.stages.push(Stage {
                specs,
                ..Stage::default()
            });
        }
        for layer in 0..self.group.layers.len() {
            self.transformers(layer);
        }
    }

    fn text(&self, file: usize) -> Text<'_> {
        Text {
            file,
            text: &self.group.files[file].text,
            sources: &self.group.sources,
            own: &self.own[file],
        }
    }

    fn transformers(&mut self, layer: usize) {
        let Some(own) = self.ids.get(&self.group.layers[layer].path).copied() else {
            return;
        };
        let mut found = Vec::new();
        for content in &self.group.layers[layer].transformers {
            let file = match content {
                Content::File(path) => self.ids.get(path).copied(),
                Content::Inline(_) => Some(own),
            };
            let Some(file) = file else { continue };
            leaf::documents_of(self.text(file), content, |map, text| {
                let tag = map
                    .get("imageTag")
                    .filter(|_| map.text("kind") == Some("ImageTagTransformer"));
                if let Some(entry) = tag.and_then(|node| Entry::read(text, node, None)) {
                    found.push((file, entry, FieldSpec::read(map.get("fieldSpecs"))));
                }
            });
        }
        for (file, entry, specs) in found {
            self.leaves.specs.extend(specs.iter().cloned());
            let index = self.rewrite(file, entry, Some(specs));
            self.group.stages[layer].late.push(index);
        }
    }

    fn rewrite(&mut self, file: usize, entry: Entry, specs: Option<Vec<FieldSpec>>) -> usize {
        let named = |piece: &Option<Piece>| piece.as_ref().map(|piece| piece.span);
        let sources = named(&entry.new_name).map_or(Vec::new(), |span| {
            let mine = self.own[file].iter().copied();
            mine.filter(|at| span.overlaps(self.group.sources[*at].span))
                .collect()
        });
        self.group.overrides.push(Rewrite {
            file,
            entry,
            specs,
            sources,
        });
        self.group.overrides.len() - 1
    }

    fn stages(&mut self) {
        let by_path: BTreeMap<PathBuf, usize> = self
            .group
            .layers
            .iter()
            .enumerate()
            .map(|(index, layer)| (layer.path.clone(), index))
            .collect();
        for index in 0..self.group.layers.len() {
            let layer = std::mem::take(&mut self.group.layers[index]);
            if let Some(own) = self.ids.get(&layer.path).copied() {
                self.stage(index, own, &layer, &by_path);
            }
            self.group.layers[index] = layer;
        }
    }

    fn stage(
        &mut self,
        index: usize,
        own: usize,
        layer: &Layer,
        by_path: &BTreeMap<PathBuf, usize>,
    ) {
        let mut stage = std::mem::take(&mut self.group.stages[index]);
        for target in &layer.resources {
            match target {
                Target::File(path) => {
                    if let Some(file) = self.ids.get(path).copied() {
                        let leaves = self.resources_of(file);
                        stage.inputs.extend(leaves.into_iter().map(Input::Leaf));
                    }
                }
                Target::Layer(path, _) => {
                    stage
                        .inputs
                        .extend(by_path.get(path).copied().map(Input::Layer));
                }
            }
        }
        for region in &layer.inline_values {
            self.regions(own, Some(*region), &Field::Any, &mut stage);
        }
        for region in &layer.inline_data {
            self.regions(own, Some(*region), &Field::Elsewhere, &mut stage);
        }
        for (paths, field) in [(&layer.values, Field::Any), (&layer.data, Field::Elsewhere)] {
            for path in paths {
                if let Some(file) = self.ids.get(path).copied() {
                    self.regions(file, None, &field, &mut stage);
                }
            }
        }
        stage.unseen = !layer.unseen.is_empty();
        for content in &layer.generators {
            stage.unseen = true;
            let (file, region) = match content {
                Content::File(path) => (self.ids.get(path).copied(), None),
                Content::Inline(region) => (Some(own), Some(*region)),
            };
            if let Some(file) = file {
                self.regions(file, region, &Field::Any, &mut stage);
            }
        }
        for target in &layer.components {
            if let Target::Layer(path, _) = target {
                stage.components.extend(by_path.get(path).copied());
            }
        }
        for content in &layer.patches {
            let (file, region) = match content {
                Content::File(path) => (self.ids.get(path).copied(), None),
                Content::Inline(region) => (Some(own), Some(*region)),
            };
            if let Some(file) = file {
                let (leaves, tests) = self.patch_of(file, region);
                stage.patches.extend(leaves);
                stage.tests.extend(tests);
            }
        }
        for entry in &layer.entries {
            let entry = self.rewrite(own, entry.clone(), None);
            stage.early.push(entry);
        }
        stage.has_replacements = layer.has_replacements;
        self.group.stages[index] = stage;
    }

    fn resources_of(&mut self, file: usize) -> Vec<usize> {
        if let Some(known) = self.resources.get(&file) {
            return known.clone();
        }
        let mut leaves = std::mem::take(&mut self.leaves);
        let first = leaves.leaves.len();
        leaf::of_resources(self.text(file), &mut leaves);
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
        leaf::of_patch(self.text(file), region, &mut leaves);
        let found = (
            (first..leaves.leaves.len()).collect(),
            (first_test..leaves.tests.len()).collect(),
        );
        self.leaves = leaves;
        self.patches.insert((file, region), found);
        self.patches[&(file, region)].clone()
    }

    fn regions(&mut self, file: usize, region: Option<Span>, field: &Field, stage: &mut Stage) {
        let mut leaves = std::mem::take(&mut self.leaves);
        let first = leaves.leaves.len();
        leaf::of_region(self.text(file), region, field, &mut leaves);
        stage
            .inputs
            .extend((first..leaves.leaves.len()).map(Input::Leaf));
        self.leaves = leaves;
    }
}
