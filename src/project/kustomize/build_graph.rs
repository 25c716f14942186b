//! The files of one or several kustomizations, and how images pass through them.
//!
//! Resources, patches and values bring images in; `images` entries and tests of JSON patches apply to them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry::Entry;
use super::evaluate::Moved;
use super::image_name::Pattern;
use super::image_scalars::{FieldSpec, ImageScalar, Source, Test};
use super::index::Index;
use super::kustomization::{Kustomization, Target};
use super::order::Order;
use crate::edit::Applicability;
use crate::file_type::is_kustomization;
use crate::finding::Finding;
use crate::project::{Members, Tree};
use crate::source::Span;

/// The files in this pass, with the layers, images, entries and tests in them.
#[derive(Default)]
pub(super) struct BuildGraph {
    pub(super) files: Vec<File>,
    pub(super) layers: Vec<Kustomization>,
    numbers: HashMap<PathBuf, usize>,
    pub(super) order: Order,
    /// Layers that no other one is built from.
    pub(super) roots: Vec<usize>,
    pub(super) stages: Vec<BuildStep>,
    pub(super) unseen: Unseen,
    pub(super) sources: Vec<Source>,
    pub(super) leaves: Vec<ImageScalar>,
    pub(super) tests: Vec<Test>,
    pub(super) overrides: Vec<Rewrite>,
}

/// Names that may come from bases or charts outside the tree. The last one stands for all names that no entry selects.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    pub(super) names: Vec<String>,
    /// For each layer, the indexes of the names that may come in there.
    pub(super) of_layer: Vec<Vec<usize>>,
}

pub(super) struct File {
    pub(super) path: Arc<Path>,
    pub(super) text: Arc<str>,
    /// `Err` with the reason if the run may not write it.
    pub(super) free: Result<(), Arc<str>>,
}

/// The steps of a layer, in the order in which Kustomize runs them.
#[derive(Debug, Default)]
pub(super) struct BuildStep {
    pub(super) inputs: Vec<Input>,
    pub(super) specs: Vec<FieldSpec>,
    /// Whether it has inputs that are not in the tree.
    pub(super) unseen: bool,
    /// Indexes of layers.
    pub(super) components: Vec<usize>,
    /// Leaves that patches add, and values that patches and replacements look for.
    pub(super) patches: Vec<usize>,
    pub(super) tests: Vec<usize>,
    /// Entries of `images`.
    pub(super) early: Entries,
    pub(super) has_replacements: bool,
    /// Entries of transformers.
    pub(super) late: Entries,
}

/// Entries that act one after the other.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) all: Vec<usize>,
    pub(super) index: Index,
}

impl Entries {
    /// Adds an entry unless it is already there. Entries act in the order of their numbers.
    pub(super) fn add<'p>(&mut self, number: usize, patterns: impl Iterator<Item = &'p Pattern>) {
        if let Err(at) = self.all.binary_search(&number) {
            self.all.insert(at, number);
            patterns.for_each(|pattern| self.index.add(number, pattern));
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Input {
    Leaf(usize),
    Layer(usize),
}

/// An entry at its location in the build.
pub(super) struct Rewrite {
    pub(super) file: usize,
    /// The layer, and whether the entry is one of its transformers.
    pub(super) list: (usize, bool),
    pub(super) entry: Entry,
    /// The fields that it looks at, if it declares its own.
    pub(super) specs: Option<Vec<FieldSpec>>,
    /// Sources within its `newName`.
    pub(super) sources: Vec<usize>,
    /// The finding for the entry by itself.
    pub(super) verdict: Option<Finding>,
    /// Its name after the rules are applied.
    pub(super) moved: Option<Moved>,
    pub(super) left_behind: Option<LeftBehind>,
}

/// An entry that still has an old name although the images that it is for have the new one already.
pub(super) struct LeftBehind {
    pub(super) finding: Finding,
    /// How safe it is to let the entry follow.
    pub(super) trust: Applicability,
    /// Whether something outside the tree may still have the old name.
    pub(super) keep: bool,
}

const EXCLUDED: &str = "the configuration excludes it";
const VENDORED: &str = "a tool manages it";

/// Folders that tools fill: `vendir`, and `kustomize localize`.
const VENDOR_FOLDERS: [&str; 2] = ["vendor", "localized-files"];

/// Whether the finding has a fix that may be written.
pub(super) fn is_fixable(finding: &Finding) -> bool {
    let trusted = |fix: &crate::edit::Fix| fix.applicability.is_written();
    !finding.mention && finding.fix.as_ref().is_some_and(trusted) && finding.new.is_some()
}

impl BuildStep {
    /// The layers that it is built from, components included.
    pub(super) fn layers(&self) -> impl Iterator<Item = usize> {
        let inputs = self.inputs.iter().filter_map(|input| match input {
            Input::Layer(layer) => Some(*layer),
            Input::Leaf(_) => None,
        });
        inputs.chain(self.components.iter().copied())
    }

    pub(super) fn entries(&self, late: bool) -> &Entries {
        match late {
            false => &self.early,
            true => &self.late,
        }
    }
}

/// Layers, and the files that they name.
fn named(layers: &[Kustomization]) -> impl Iterator<Item = &Path> {
    let layers = layers.iter();
    layers.flat_map(|layer| std::iter::once(layer.path.as_path()).chain(layer.files()))
}

impl BuildGraph {
    /// Reads the layers only. The files that they name are not read yet.
    pub(super) fn layers(tree: &dyn Tree, members: &Members) -> Self {
        let mut group = Self::default();
        for path in members.keys().filter(|path| is_kustomization(path)) {
            group.layer(tree, path, &members[path].text);
        }
        // Layers that are not members are followed, too.
        let mut next = 0;
        while let Some(layer) = group.layers.get(next) {
            let below: Vec<PathBuf> = layer.layers().map(Path::to_owned).collect();
            for path in below {
                if !group.numbers.contains_key(&path)
                    && let Some(text) = tree.text(&path)
                {
                    group.layer(tree, &path, &text);
                }
            }
            next += 1;
        }
        let number = |path: &Path| group.number(path);
        let below = group.layers.iter();
        let below: Vec<Vec<usize>> = below
            .map(|layer| layer.layers().filter_map(number).collect())
            .collect();
        group.order = Order::new(&below);
        group
    }

    fn layer(&mut self, tree: &dyn Tree, path: &Path, text: &str) {
        self.numbers.insert(path.to_owned(), self.layers.len());
        self.layers.push(Kustomization::read(tree, path, text));
    }

    /// The number of the layer at a path.
    pub(super) fn number(&self, path: &Path) -> Option<usize> {
        self.numbers.get(path).copied()
    }

    /// Whether a target leads back to the layer that names it.
    pub(super) fn is_circle(&self, layer: usize, target: &Target) -> bool {
        match target {
            Target::Layer(below, _) => self
                .number(below)
                .is_some_and(|below| self.order.is_circle(layer, below)),
            Target::File(_) => false,
        }
    }

    /// Reads the members, then the named files that are not members. Returns the number of each file.
    pub(super) fn read_files(
        &mut self,
        tree: &dyn Tree,
        members: &Members,
    ) -> HashMap<PathBuf, usize> {
        let mut numbers: HashMap<PathBuf, usize> = HashMap::new();
        let read: HashSet<&Path> = named(&self.layers).collect();
        for (path, member) in members {
            let is_filled = |part| VENDOR_FOLDERS.iter().any(|folder| part == *folder);
            // Others in the group belong to a chart or a release, and are judged like any file.
            let vendored = read.contains(path.as_path()) && path.iter().any(is_filled);
            numbers.insert(path.clone(), self.files.len());
            self.files.push(File {
                path: Arc::from(path.as_path()),
                text: Arc::clone(&member.text),
                free: match &member.locked {
                    Some(why) => Err(Arc::clone(why)),
                    None if vendored => Err(Arc::from(VENDORED)),
                    None => Ok(()),
                },
            });
        }
        for path in named(&self.layers) {
            if !numbers.contains_key(path)
                && let Some(text) = tree.text(path)
            {
                numbers.insert(path.to_owned(), self.files.len());
                self.files.push(File {
                    path: Arc::from(path),
                    text,
                    free: Err(Arc::from(EXCLUDED)),
                });
            }
        }
        numbers
    }

    /// Drops the findings at the names of entries, because these only select.
    pub(super) fn strip_names(&self, members: &mut Members) {
        let mut names: Vec<BTreeSet<Span>> = vec![BTreeSet::new(); self.files.len()];
        for rewrite in &self.overrides {
            let name = rewrite.entry.name.span;
            if !name.is_empty() {
                names[rewrite.file].insert(name);
            }
        }
        for (names, member) in names.iter().zip(members.values_mut()) {
            member.findings.retain(|finding| {
                let span = finding.span();
                let before = names.range(..Span::new(span.end, span.end));
                !before.last().is_some_and(|name| name.overlaps(span))
            });
        }
    }

    /// Collects the findings that may be fixed, in files that may be written. Returns the sources of each file in order.
    pub(super) fn find_sources(&mut self, members: &Members) -> Vec<Vec<usize>> {
        let mut own = vec![Vec::new(); self.files.len()];
        for (file, member) in members.values().enumerate() {
            if self.files[file].free.is_err() {
                continue;
            }
            for finding in &member.findings {
                let Some(fix) = finding.fix.as_ref().filter(|_| is_fixable(finding)) else {
                    continue;
                };
                own[file].push(self.sources.len());
                self.sources.push(Source {
                    file,
                    finding: finding.id,
                    span: finding.span(),
                    edits: fix.edits.clone(),
                    old: finding.old.clone(),
                    new: finding.new.clone().unwrap_or_default(),
                });
            }
            own[file].sort_by_key(|at| self.sources[*at].span);
        }
        own
    }

    /// The finding that a source was made from, if it is still there.
    pub(super) fn finding<'m>(&self, source: &Source, members: &'m Members) -> Option<&'m Finding> {
        let member = members.get(&*self.files[source.file].path)?;
        member.findings.get(source.finding)
    }

    pub(super) fn find_roots(&self) -> Vec<usize> {
        let mut is_below = vec![false; self.stages.len()];
        for (index, stage) in self.stages.iter().enumerate() {
            for layer in stage.layers().filter(|layer| *layer != index) {
                is_below[layer] = true;
            }
        }
        let all = 0..self.stages.len();
        let roots: Vec<usize> = all.clone().filter(|layer| !is_below[*layer]).collect();
        match roots.is_empty() {
            true => all.collect(),
            false => roots,
        }
    }
}
