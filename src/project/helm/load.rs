//! Charts with the contents of their `charts/`: folders and archives, nested to any depth.
//!
//! Reads through `Tree`; the contents of archives stay in memory. Decides which charts the user owns. Knows no rules
//! except through the prefilter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::{self, Budget, Files};
use super::chart::{self, Dependency, Metadata};
use super::coalesce::read_whole;
use super::guard::Guard;
use super::values::Table;
use super::vendored::{Vendored, asked_for};
use crate::file_type;
use crate::printable;
use crate::project::{PathKind, Tree};
use crate::rules::prefilter::Prefilter;
use crate::version::satisfies;

/// A chart and its subcharts.
#[derive(Debug)]
pub(super) struct Chart {
    pub metadata: Metadata,
    pub values: Table,
    pub children: Vec<Arc<Chart>>,
    /// Indexes in [`Loaded::files`] of the templates and CRDs that a rule could apply to.
    pub templates: Vec<usize>,
    /// How its templates ask for consent to images from other registries.
    pub guard: Guard,
    /// Whether a tool would restore it, so that only the root's values can change its own.
    pub of_root: bool,
}

/// A file of a chart.
#[derive(Debug)]
pub(super) struct File {
    /// `charts/stack-1.0.0.tgz!stack/values.yaml`
    pub place: String,
    pub text: Arc<str>,
    /// Whether it can only be changed by an override in the root's values.
    pub of_root: bool,
}

/// A problem with a chart of the nest.
#[derive(Debug, Clone)]
pub(super) struct ChartProblem {
    /// The file or folder, as [`File::place`].
    pub place: String,
    why: String,
    pub fatal: bool,
}

impl ChartProblem {
    pub(super) fn message(&self) -> String {
        format!("{}: {}", self.place, self.why)
    }
}

const UNREAD: &str = "cannot be read, or is larger than 64 MiB";

/// The contents of the `charts/` of one chart that the user owns.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub children: Vec<Arc<Chart>>,
    /// The first is the root's own values file, whose text changes with every pass.
    pub files: Vec<File>,
    pub faults: Vec<ChartProblem>,
    /// Files in vendored folders that the walk covered and that may have findings.
    pub vendored: Vec<PathBuf>,
    /// Whether a rule could apply to anything in templates or default values.
    pub suspect: bool,
}

/// The most charts in one nest, since aliases of aliases multiply. No real chart has so many.
pub(super) const MOST_INSTANCES: usize = 1000;

pub(super) struct Loader<'l> {
    pub tree: &'l dyn Tree,
    pub prefilter: &'l Prefilter,
    pub vendored: Vendored<'l>,
    /// Whether to keep templates that no rule could apply to.
    pub every_template: bool,
    loaded: Loaded,
}

impl<'l> Loader<'l> {
    pub(super) fn new(
        tree: &'l dyn Tree,
        prefilter: &'l Prefilter,
        vendored: Vendored<'l>,
    ) -> Self {
        let own = File {
            place: "values.yaml".to_owned(),
            text: Arc::from(""),
            of_root: false,
        };
        Self {
            tree,
            prefilter,
            vendored,
            every_template: false,
            loaded: Loaded {
                files: vec![own],
                ..Loaded::default()
            },
        }
    }

    /// Reads everything in a folder's `charts/`.
    pub(super) fn load(mut self, folder: &Path, metadata: &Metadata) -> Loaded {
        self.loaded.files[0].place = printable::name(&folder.join("values.yaml"));
        let children = self.children_of_folder(folder, metadata);
        let dependencies = metadata.dependencies.as_deref();
        self.loaded.children = self.bounded(children, dependencies, &printable::name(folder));
        self.loaded
    }

    /// Reads one unpacked, vendored chart.
    pub(super) fn load_one(mut self, folder: &Path) -> Loaded {
        let mut files = Files::new();
        self.gather(folder, "", 0, &mut files);
        let chart = self.chart(
            files,
            &printable::name(folder),
            &mut Budget::default(),
            true,
        );
        let children = chart.into_iter().collect();
        self.loaded.children = self.bounded(children, None, &printable::name(folder));
        self.loaded
    }

    /// Returns the subcharts, or reports a fault if their aliases multiply beyond the limit.
    fn bounded(
        &mut self,
        children: Vec<Arc<Chart>>,
        dependencies: Option<&[Dependency]>,
        place: &str,
    ) -> Vec<Arc<Chart>> {
        if instances(&children, dependencies) <= MOST_INSTANCES {
            return children;
        }
        self.fault(
            place,
            format!("it has more than {MOST_INSTANCES} dependencies: they were not analysed"),
            true,
        );
        Vec::new()
    }

    /// Reads one packaged chart.
    pub(super) fn load_archive(mut self, path: &Path) -> Loaded {
        let place = printable::name(path);
        match self.tree.bytes(path) {
            Some(bytes) => {
                let all = |_: &Metadata, _: &Self| true;
                let chart = self.archive(&bytes, &place, &mut Budget::default(), &all);
                let children = chart.into_iter().collect();
                self.loaded.children = self.bounded(children, None, &place);
            }
            None => self.fault(&place, UNREAD, true),
        }
        self.loaded
    }

    fn fault(&mut self, place: &str, why: impl Into<String>, fatal: bool) {
        self.loaded.faults.push(ChartProblem {
            place: place.to_owned(),
            why: why.into(),
            fatal,
        });
    }

    fn children_of_folder(&mut self, folder: &Path, metadata: &Metadata) -> Vec<Arc<Chart>> {
        let mut children = Vec::new();
        for path in self.tree.list(&folder.join("charts")) {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if name.starts_with(['.', '_']) {
                continue;
            }
            match self.tree.place(&path) {
                PathKind::File if name.ends_with(".tgz") => {
                    let place = printable::name(&path);
                    let Some(bytes) = self.tree.bytes(&path) else {
                        self.fault(&place, UNREAD, true);
                        continue;
                    };
                    // A chart that is packed from a folder of this tree is fixed in that folder.
                    let of_root = |chart: &Metadata, loader: &Self| {
                        let source = asked_for(metadata, chart).and_then(Dependency::folder);
                        !source.is_some_and(|source| loader.is_chart(folder, source))
                    };
                    children.extend(self.archive(&bytes, &place, &mut Budget::default(), &of_root));
                }
                PathKind::Folder => children.extend(self.folder(&path, metadata)),
                _ => {}
            }
        }
        children
    }

    /// Reads a chart in a folder. If the user owns it, its subcharts are left out, because it is analysed as a root
    /// itself.
    fn folder(&mut self, path: &Path, parent: &Metadata) -> Option<Arc<Chart>> {
        let place = printable::name(path);
        let metadata = self.metadata_of_folder(path)?;
        if self.vendored.holds(path, &metadata, parent) {
            let mut files = Files::new();
            self.gather(path, "", 0, &mut files);
            return self.chart(files, &place, &mut Budget::default(), true);
        }
        let values = self.tree.text(&path.join("values.yaml"));
        let values = self.values(values.as_deref(), &place, false);
        Some(Arc::new(Chart {
            metadata,
            values,
            children: Vec::new(),
            templates: Vec::new(),
            guard: Guard::default(),
            of_root: false,
        }))
    }

    fn metadata_of_folder(&mut self, folder: &Path) -> Option<Metadata> {
        let chart = self.tree.text(&folder.join("Chart.yaml"))?;
        let requirements = self.tree.text(&folder.join("requirements.yaml"));
        match chart::metadata(&chart, requirements.as_deref()) {
            Ok(metadata) => Some(metadata),
            Err(error) => {
                self.fault(&printable::name(folder), error, false);
                None
            }
        }
    }

    fn is_chart(&self, folder: &Path, target: &str) -> bool {
        let source = self.tree.resolve(folder, target);
        self.tree.is_file(&source.join("Chart.yaml"))
    }

    /// Reads the files of a vendored folder, even those that git ignores.
    fn gather(&mut self, folder: &Path, inner: &str, depth: usize, files: &mut Files) {
        if depth > 64 {
            return;
        }
        for path in self.tree.list(folder) {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let below = match inner {
                "" => name.to_owned(),
                _ => format!("{inner}/{name}"),
            };
            match self.tree.place(&path) {
                PathKind::Folder => self.gather(&path, &below, depth + 1, files),
                PathKind::File => {
                    let walked =
                        file_type::classify(&path).is_some() && self.tree.is_suspect(&path);
                    if walked {
                        self.loaded.vendored.push(path.clone());
                    }
                    // The walk already reports findings in the templates that it read.
                    if is_part(&below) && !(walked && is_template(&below)) {
                        files.extend(self.tree.bytes(&path).map(|bytes| (below, bytes)));
                    }
                }
                PathKind::Missing | PathKind::Unreadable | PathKind::Outside => {}
            }
        }
    }

    fn archive(
        &mut self,
        bytes: &[u8],
        place: &str,
        budget: &mut Budget,
        of_root: &dyn Fn(&Metadata, &Self) -> bool,
    ) -> Option<Arc<Chart>> {
        let unpacked = match archive::unpack(bytes, budget, is_part) {
            Ok(unpacked) => unpacked,
            Err(error) => {
                self.fault(place, error, true);
                return None;
            }
        };
        for fault in &unpacked.faults {
            self.fault(place, fault, true);
        }
        let inside = format!("{place}!{}", unpacked.top);
        let of_root = match metadata_of(&unpacked.files) {
            Some(Ok(metadata)) => of_root(&metadata, self),
            // The error is reported below.
            _ => false,
        };
        self.chart(unpacked.files, &inside, budget, of_root)
    }

    /// Builds a chart from files in memory.
    fn chart(
        &mut self,
        mut files: Files,
        place: &str,
        budget: &mut Budget,
        of_root: bool,
    ) -> Option<Arc<Chart>> {
        let metadata = match metadata_of(&files) {
            Some(Ok(metadata)) => metadata,
            Some(Err(error)) => {
                self.fault(place, error, false);
                return None;
            }
            None => {
                self.fault(place, "contains no Chart.yaml", false);
                return None;
            }
        };
        let values = files.remove("values.yaml");
        let values = values.as_deref().map(String::from_utf8_lossy);
        let values = self.values(values.as_deref(), place, of_root);
        let children = self.children_of_files(&mut files, place, budget, of_root);
        let own = files.iter().filter(|(path, _)| is_template(path));
        let guard = Guard::of(
            own.map(|(_, bytes)| bytes.as_slice()),
            children.iter().map(|child| &child.guard),
        );
        let mut templates = Vec::new();
        for (path, bytes) in files.iter().filter(|(path, _)| is_template(path)) {
            let known = file_type::classify(Path::new(path)).is_some();
            let suspect = known && self.prefilter.occur_in(bytes);
            if (suspect || known && self.every_template)
                && let Ok(text) = std::str::from_utf8(bytes)
            {
                self.loaded.suspect |= suspect;
                templates.push(self.loaded.files.len());
                self.loaded.files.push(File {
                    place: format!("{place}/{path}"),
                    text: Arc::from(text),
                    of_root,
                });
            }
        }
        Some(Arc::new(Chart {
            metadata,
            values,
            children,
            templates,
            guard,
            of_root,
        }))
    }

    fn children_of_files(
        &mut self,
        files: &mut Files,
        place: &str,
        budget: &mut Budget,
        of_root: bool,
    ) -> Vec<Arc<Chart>> {
        let mut folders: BTreeMap<String, Files> = BTreeMap::new();
        let inner: Vec<String> = files
            .keys()
            .filter(|path| path.starts_with("charts/"))
            .cloned()
            .collect();
        let mut children = Vec::new();
        for path in inner {
            let Some(bytes) = files.remove(&path) else {
                continue;
            };
            match path["charts/".len()..].split_once('/') {
                Some((folder, rest)) => {
                    let files = folders.entry(folder.to_owned()).or_default();
                    files.insert(rest.to_owned(), bytes);
                }
                None => {
                    budget.depth = budget.depth.saturating_sub(1);
                    let place = format!("{place}/{path}");
                    children.extend(self.archive(&bytes, &place, budget, &|_, _| of_root));
                    budget.depth += 1;
                }
            }
        }
        for (folder, files) in folders {
            let place = format!("{place}/charts/{folder}");
            // `charts/` may also contain folders without a chart.
            if files.contains_key("Chart.yaml") {
                children.extend(self.chart(files, &place, budget, of_root));
            }
        }
        children
    }

    /// Reads default values and adds their file to the loaded files.
    fn values(&mut self, text: Option<&str>, place: &str, of_root: bool) -> Table {
        let Some(text) = text else {
            return Table::new();
        };
        let number = self.loaded.files.len();
        let place = format!("{place}/values.yaml");
        self.loaded.suspect |= of_root && self.prefilter.has_stem(text.as_bytes());
        let table = read_whole(text, number).unwrap_or_else(|error| {
            self.fault(&place, error, false);
            Table::new()
        });
        self.loaded.files.push(File {
            place,
            text: Arc::from(text),
            of_root,
        });
        table
    }
}

/// Counts the rendered instances of charts: one for each dependency that asks for a chart, at each location of its
/// parent.
pub(super) fn instances(children: &[Arc<Chart>], dependencies: Option<&[Dependency]>) -> usize {
    let of = |child: &Arc<Chart>| {
        let asks = |one: &&Dependency| {
            one.name == child.metadata.name && satisfies(&child.metadata.version, &one.version)
        };
        let asked = dependencies.into_iter().flatten().filter(asks).count();
        let below = instances(&child.children, child.metadata.dependencies.as_deref());
        asked.max(1).saturating_mul(below.saturating_add(1))
    };
    children.iter().map(of).fold(0, usize::saturating_add)
}

fn metadata_of(files: &Files) -> Option<Result<Metadata, String>> {
    let text = |name: &str| files.get(name).map(|bytes| String::from_utf8_lossy(bytes));
    let chart = text("Chart.yaml")?;
    Some(chart::metadata(
        &chart,
        text("requirements.yaml").as_deref(),
    ))
}

/// Whether a file of a chart can matter for images, by its path in the chart.
fn is_part(mut path: &str) -> bool {
    while let Some(rest) = path.strip_prefix("charts/") {
        if rest.starts_with(['.', '_']) {
            return false;
        }
        match rest.split_once('/') {
            Some((_, inner)) => path = inner,
            None => return rest.ends_with(".tgz"),
        }
    }
    matches!(path, "Chart.yaml" | "values.yaml" | "requirements.yaml") || is_template(path)
}

fn is_template(path: &str) -> bool {
    let own = path.rsplit_once("charts/").map_or(path, |(_, rest)| {
        rest.split_once('/').map_or(rest, |(_, rest)| rest)
    });
    own.starts_with("templates/") || own.starts_with("crds/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_chart() {
        for path in [
            "Chart.yaml",
            "values.yaml",
            "templates/a.yaml",
            "crds/a.yaml",
            "charts/a-1.0.0.tgz",
            "charts/a/charts/b/templates/x.tpl",
        ] {
            assert!(is_part(path), "{path}");
        }
        for path in [
            "README.md",
            "charts/README.md",
            "charts/_a/values.yaml",
            "ci/values.yaml",
        ] {
            assert!(!is_part(path), "{path}");
        }
        assert!(is_template("charts/a/crds/x.yaml") && !is_template("charts/a/values.yaml"));
    }
}
