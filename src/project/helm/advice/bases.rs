//! Objects that name a chart, by their own names: a patch names its object but not its chart.
//!
//! The nearest objects in the tree are used, and only what all of them agree on. If they differ, the kustomization
//! that includes both the patch and one of them decides (`reach`).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The API group and the kind of an object.
pub(super) type Kind = (&'static str, &'static str);

/// The most files of objects with one name that are read for their values.
const MOST_FILES: usize = 16;

/// The most objects with one name that are searched for the ones built together with a patch.
const MOST_COMPARED: usize = 256;

/// An object that names a chart.
#[derive(Debug)]
pub(super) struct Base {
    pub path: PathBuf,
    pub kind: Kind,
    pub name: Arc<str>,
    pub namespace: Option<Arc<str>>,
    /// The chart, if it is made for the images of its owner.
    pub chart: Option<Chart>,
}

/// A repository and a chart in it.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    pub repository: String,
    pub chart: String,
}

/// The combined facts about all objects with one name.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// The chart of the first object; `None` if one of them is not made for its owner's images.
    pub chart: Option<Chart>,
    /// The files of the objects; empty if there are too many.
    pub files: Vec<PathBuf>,
    count: usize,
}

impl Said {
    fn add(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.chart = match (self.count, self.chart.take(), &other.chart) {
            (0, _, one) => one.clone(),
            (_, Some(one), Some(_)) => Some(one),
            _ => None,
        };
        self.count += other.count;
        match self.count > MOST_FILES {
            true => self.files.clear(),
            false => self.files.extend(other.files.iter().cloned()),
        }
    }
}

/// The objects with one name in a folder or below it.
#[derive(Debug, Default)]
struct Namesakes {
    all: Said,
    by_namespace: HashMap<Option<Arc<str>>, Said>,
}

impl Namesakes {
    /// A namespace that is not written comes from a kustomization, so it matches any.
    fn of(&self, namespace: Option<&Arc<str>>) -> Said {
        let Some(namespace) = namespace else {
            return self.all.clone();
        };
        let mut said = Said::default();
        for key in [Some(Arc::clone(namespace)), None] {
            if let Some(other) = self.by_namespace.get(&key) {
                said.add(other);
            }
        }
        said
    }
}

/// The objects with one name.
#[derive(Debug, Default)]
struct OfName {
    each: Vec<(Option<Arc<str>>, Said)>,
    /// The objects in and below each folder.
    by_folder: HashMap<PathBuf, Namesakes>,
}

/// The objects of a tree.
#[derive(Debug, Default)]
pub(super) struct Bases {
    by_name: HashMap<(Kind, Arc<str>), OfName>,
    /// The objects of each file.
    by_file: HashMap<(Kind, PathBuf), Said>,
}

impl Bases {
    pub(super) fn add(&mut self, base: Base) {
        let said = Said {
            chart: base.chart,
            files: vec![base.path.clone()],
            count: 1,
        };
        let of_file = self.by_file.entry((base.kind, base.path.clone()));
        of_file.or_default().add(&said);
        let own = self.by_name.entry((base.kind, base.name)).or_default();
        for folder in base.path.ancestors().skip(1) {
            let namesakes = own.by_folder.entry(folder.to_owned()).or_default();
            namesakes.all.add(&said);
            let of_namespace = namesakes.by_namespace.entry(base.namespace.clone());
            of_namespace.or_default().add(&said);
        }
        own.each.push((base.namespace, said));
    }

    /// Combines all objects of a kind in these files.
    pub(super) fn of_kind(&self, kind: Kind, files: &HashSet<PathBuf>) -> Option<Said> {
        let mut all = Said::default();
        for file in files {
            if let Some(said) = self.by_file.get(&(kind, file.clone())) {
                all.add(said);
            }
        }
        (all.count > 0).then_some(all)
    }

    /// Returns the facts about the objects with a name, as seen from a file. `reach` returns the files that are built
    /// together with that file.
    pub(super) fn find(
        &self,
        path: &Path,
        kind: Kind,
        name: &Arc<str>,
        namespace: Option<&Arc<str>>,
        reach: impl FnOnce() -> Option<Arc<HashSet<PathBuf>>>,
    ) -> Option<Said> {
        let of_name = self.by_name.get(&(kind, Arc::clone(name)))?;
        let above = path.ancestors().skip(1);
        let mut found = above.filter_map(|folder| of_name.by_folder.get(folder));
        let nearest = found.find_map(|namesakes| {
            let said = namesakes.of(namespace);
            (said.count > 0).then_some(said)
        })?;
        let is_clear = nearest.chart.is_some() || nearest.count == 1;
        if is_clear || of_name.each.len() > MOST_COMPARED {
            return Some(nearest);
        }
        let Some(files) = reach() else {
            return Some(nearest);
        };
        let mut reached = Said::default();
        for (own, said) in &of_name.each {
            let may_be = namespace.is_none() || own.is_none() || own.as_ref() == namespace;
            if may_be && said.files.iter().any(|file| files.contains(file)) {
                reached.add(said);
            }
        }
        Some(if reached.count > 0 { reached } else { nearest })
    }
}

/// Whether the values of each object of a file accept images from other registries.
pub(super) type Lifted = HashMap<(Kind, String), bool>;
