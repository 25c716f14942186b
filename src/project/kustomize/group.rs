//! The files of one or several kustomizations, read for what flows through them.
//!
//! Leaves come in by resources, patches and values; entries and tests stand in their way.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry::Entry;
use super::layer::{Layer, is_layer};
use super::leaf::{FieldSpec, Leaf, Source, Test};
use super::reader::Reader;
use crate::edit::Applicability;
use crate::finding::Finding;
use crate::project::{Members, Tree};

/// Files as they are in this pass, and all that is in them.
pub(super) struct Group {
    pub(super) files: Vec<File>,
    pub(super) layers: Vec<Layer>,
    pub(super) stages: Vec<Stage>,
    pub(super) sources: Vec<Source>,
    pub(super) leaves: Vec<Leaf>,
    pub(super) tests: Vec<Test>,
    pub(super) overrides: Vec<Rewrite>,
}

pub(super) struct File {
    pub(super) path: Arc<Path>,
    pub(super) text: Arc<str>,
    /// Whether the run may write it; why not.
    pub(super) free: Result<(), Arc<str>>,
}

/// What a layer does, in the order in which Kustomize does it.
#[derive(Debug, Default)]
pub(super) struct Stage {
    pub(super) inputs: Vec<Input>,
    pub(super) specs: Vec<FieldSpec>,
    /// Whether something comes in that is not here.
    pub(super) unseen: bool,
    /// Layers.
    pub(super) components: Vec<usize>,
    /// Leaves that patches put in, and values that they test.
    pub(super) patches: Vec<usize>,
    pub(super) tests: Vec<usize>,
    /// `images`.
    pub(super) early: Vec<usize>,
    pub(super) has_replacements: bool,
    /// Transformers.
    pub(super) late: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Input {
    Leaf(usize),
    Layer(usize),
}

/// An entry at its place in the build.
pub(super) struct Rewrite {
    pub(super) file: usize,
    pub(super) entry: Entry,
    /// The fields that it looks at, where they are its own.
    pub(super) specs: Option<Vec<FieldSpec>>,
    /// Of its `newName`.
    pub(super) sources: Vec<usize>,
}

const EXCLUDED: &str = "the settings leave it out";
const VENDORED: &str = "a tool puts it there";

/// Folders that tools fill: `vendir`, and `kustomize localize`.
const VENDOR_FOLDERS: [&str; 2] = ["vendor", "localized-files"];

/// Whether a fix of it may be written.
pub(super) fn is_fixable(finding: &Finding) -> bool {
    let trusted = |fix: &crate::edit::Fix| fix.applicability > Applicability::Display;
    !finding.mention && finding.fix.as_ref().is_some_and(trusted) && finding.new.is_some()
}

impl Group {
    /// The layers alone: what they name is not read yet.
    pub(super) fn layers(tree: &dyn Tree, members: &Members) -> Self {
        let mut group = Self {
            files: Vec::new(),
            layers: Vec::new(),
            stages: Vec::new(),
            sources: Vec::new(),
            leaves: Vec::new(),
            tests: Vec::new(),
            overrides: Vec::new(),
        };
        for (path, member) in members {
            let vendored = path
                .iter()
                .any(|part| VENDOR_FOLDERS.iter().any(|folder| part == *folder));
            group.files.push(File {
                path: Arc::from(path.as_path()),
                text: Arc::from(member.text.as_str()),
                free: match &member.locked {
                    Some(why) => Err(Arc::clone(why)),
                    None if vendored => Err(Arc::from(VENDORED)),
                    None => Ok(()),
                },
            });
        }
        for path in members.keys().filter(|path| is_layer(path)) {
            let text = &members[path].text;
            group.layers.push(Layer::read(tree, path, text));
        }
        // Layers that are no members are followed all the same.
        let mut known: HashSet<PathBuf> = group
            .layers
            .iter()
            .map(|layer| layer.path.clone())
            .collect();
        let mut next = 0;
        while let Some(layer) = group.layers.get(next) {
            let named: Vec<PathBuf> = layer.files().map(Path::to_owned).collect();
            for path in named.into_iter().filter(|path| is_layer(path)) {
                if known.insert(path.clone())
                    && let Some(text) = tree.text(&path)
                {
                    group.layers.push(Layer::read(tree, &path, &text));
                }
            }
            next += 1;
        }
        group
    }

    /// Reads all that the layers name.
    pub(super) fn read(&mut self, tree: &dyn Tree, members: &Members) {
        let mut ids: HashMap<PathBuf, usize> = HashMap::new();
        for (index, file) in self.files.iter().enumerate() {
            ids.insert(file.path.to_path_buf(), index);
        }
        let mut named: Vec<PathBuf> = Vec::new();
        for layer in &self.layers {
            named.push(layer.path.clone());
            named.extend(layer.files().map(Path::to_owned));
        }
        for path in named {
            if !ids.contains_key(&path)
                && let Some(text) = tree.text(&path)
            {
                ids.insert(path.clone(), self.files.len());
                self.files.push(File {
                    path: Arc::from(path.as_path()),
                    text,
                    free: Err(Arc::from(EXCLUDED)),
                });
            }
        }
        let own = self.find_sources(members);
        let leaves = Reader::new(self, ids, own).read();
        self.leaves = leaves.leaves;
        self.tests = leaves.tests;
    }

    /// Findings that may be fixed, in files that may be written.
    fn find_sources(&mut self, members: &Members) -> Vec<Vec<usize>> {
        let mut own = vec![Vec::new(); self.files.len()];
        for (file, member) in members.values().enumerate() {
            if self.files[file].free.is_err() {
                continue;
            }
            for (index, finding) in member.findings.iter().enumerate() {
                let Some(fix) = finding.fix.as_ref().filter(|_| is_fixable(finding)) else {
                    continue;
                };
                own[file].push(self.sources.len());
                self.sources.push(Source {
                    file,
                    finding: index,
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

    /// Layers that no other one is built from.
    pub(super) fn roots(&self) -> Vec<usize> {
        let mut below = HashSet::new();
        for (index, stage) in self.stages.iter().enumerate() {
            below.extend(stage.components.iter().copied());
            let layers = stage.inputs.iter().filter_map(|input| match input {
                Input::Layer(layer) if *layer != index => Some(*layer),
                _ => None,
            });
            below.extend(layers);
        }
        let all = 0..self.stages.len();
        let roots: Vec<usize> = all.clone().filter(|layer| !below.contains(layer)).collect();
        if roots.is_empty() {
            all.collect()
        } else {
            roots
        }
    }
}
