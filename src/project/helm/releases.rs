//! Charts of the tree that a Flux `HelmRelease`, an Argo CD `Application` or a helmfile releases.
//!
//! For vendored charts (archives, and folders that the settings list), overrides of the defaults go into the values
//! of the release. Any other chart in a folder is the user's own and edited there; the values of the release are used
//! to judge its images. If a release takes values from a source that cannot be read here, that source is named and
//! nothing is reported about the release.

mod layers;

use std::path::{Path, PathBuf};

use super::given::ReleaseValues;
use super::released_chart::{Release, ReleaseContext, is_archive};
use super::values::{self, Spot, Table, Value, table_at, text};
use crate::file_type::{FileType, Holds};
use crate::project::paths_at_root;

const FLUX_RELEASE: &str = "HelmRelease";
const ARGO: &str = "argoproj.io/";

/// A file that releases charts of the tree contains one of these words, unless it is a helmfile.
pub const RELEASE_WORDS: [&str; 2] = [FLUX_RELEASE, ARGO];

/// Whether a file may release a chart of the tree, judging by its bytes.
pub fn may_release(kind: &FileType, bytes: &[u8]) -> bool {
    let has = |needle: &str| memchr::memmem::find(bytes, needle.as_bytes()).is_some();
    match kind.holds {
        Holds::Helmfile => has("chart"),
        Holds::Yaml => {
            has(FLUX_RELEASE) && has("GitRepository") || names_argo(bytes) && has("path")
        }
        _ => false,
    }
}

/// Whether the API group occurs, other than as part of an annotation's name such as `argocd.argoproj.io/hook`.
fn names_argo(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, ARGO).any(|at| at == 0 || bytes[at - 1] != b'.')
}

/// Returns the releases of charts of the tree in a file.
pub(super) fn of(context: ReleaseContext<'_>, path: &Path) -> Vec<Release> {
    let documents = context
        .tree
        .text(path)
        .map(|text| values::read_all(&text, 0));
    let Some(Ok(documents)) = documents else {
        return Vec::new();
    };
    let file = ReleaseFile {
        context,
        path,
        folder: path.parent().unwrap_or(Path::new("")),
    };
    let tables = documents.iter().enumerate();
    tables
        .filter_map(|(number, root)| Some((number, root.as_table()?)))
        .flat_map(|(number, root)| file.document(number, root))
        .collect()
}

impl Release {
    /// Returns the values that override those of a chart that the user owns.
    pub(super) fn release_values(self) -> Option<ReleaseValues> {
        let layers = self.layers.filter(|layers| !layers.is_empty())?;
        Some(ReleaseValues {
            declared_in: self.declared_in,
            chart: self.chart,
            layers,
        })
    }
}

/// A file that may release charts.
struct ReleaseFile<'f> {
    context: ReleaseContext<'f>,
    path: &'f Path,
    folder: &'f Path,
}

impl ReleaseFile<'_> {
    fn document(&self, number: usize, root: &Table) -> Vec<Release> {
        if let Some(Value::List(items)) = root.get("releases") {
            let releases = items.iter().enumerate().filter_map(|(index, item)| {
                let spot = Spot::at_keys(number, &["releases"]).item(index);
                self.of_helmfile(&spot, item.as_table()?)
            });
            return releases.collect();
        }
        let kind = text(root, "kind").unwrap_or_default();
        let group = text(root, "apiVersion").unwrap_or_default();
        match (group.split('/').next(), &*kind) {
            (Some("helm.toolkit.fluxcd.io"), "HelmRelease") => {
                Vec::from_iter(self.of_flux(number, root))
            }
            (Some("argoproj.io"), "Application") => self.of_argo(number, root, &["spec"], false),
            (Some("argoproj.io"), "ApplicationSet") => {
                self.of_argo(number, root, &["spec", "template", "spec"], true)
            }
            _ => Vec::new(),
        }
    }

    /// Returns the path if there is a chart.
    fn chart(&self, path: PathBuf) -> Option<PathBuf> {
        let is_file = |path: &Path| self.context.tree.is_file(path);
        let is_chart = match is_archive(&path) {
            true => is_file(&path),
            false => is_file(&path.join("Chart.yaml")),
        };
        is_chart.then_some(path)
    }

    /// Whether the chart is vendored.
    fn is_vendored(&self, chart: &Path) -> bool {
        is_archive(chart) || self.context.vendored.lists(chart)
    }

    fn chart_at_root(&self, named: &str) -> Option<PathBuf> {
        let mut paths = paths_at_root(self.context.tree, self.folder, named).into_iter();
        paths.find_map(|path| self.chart(path))
    }

    fn of_flux(&self, number: usize, root: &Table) -> Option<Release> {
        let spec = root.get("spec")?.as_table()?;
        let chart = table_at(spec, ["chart", "spec"])?;
        if text(chart.get("sourceRef")?.as_table()?, "kind")? != "GitRepository" {
            return None;
        }
        let elsewhere = [
            ("valuesFrom", spec),
            ("valuesFiles", chart),
            ("valuesFile", chart),
        ];
        let unseen = elsewhere
            .iter()
            .find(|(key, table)| table.contains_key(*key));
        let folder = self.chart_at_root(&text(chart, "chart")?)?;
        Some(Release {
            declared_in: self.path.to_owned(),
            is_vendored: self.is_vendored(&folder),
            layers: self.layers_of_flux(number, spec, chart),
            chart: folder,
            name: Spot::at_keys(number, &["spec", "chart", "spec", "chart"]),
            values: self.path.to_owned(),
            at: Spot::at_keys(number, &["spec", "values"]),
            below: Vec::new(),
            unseen: unseen.map(|(key, _)| *key),
        })
    }

    /// Reads an application, which has one source or several.
    fn of_argo(
        &self,
        number: usize,
        root: &Table,
        spec: &[&str],
        is_template: bool,
    ) -> Vec<Release> {
        let spot = Spot::at_keys(number, spec);
        let Some(spec) = table_at(root, spec.iter().copied()) else {
            return Vec::new();
        };
        let sources: Vec<(Spot, &Value)> = match (spec.get("sources"), spec.get("source")) {
            (Some(Value::List(items)), _) if !items.is_empty() => {
                let items = items.iter().enumerate();
                let spot = spot.keys(&["sources"]);
                items
                    .map(|(index, item)| (spot.clone().item(index), item))
                    .collect()
            }
            (_, Some(source)) => vec![(spot.keys(&["source"]), source)],
            _ => Vec::new(),
        };
        let tables = || sources.iter().filter_map(|(_, source)| source.as_table());
        let found = sources.iter().filter_map(|(spot, source)| {
            let source = source.as_table()?;
            // The names under which `valueFiles` refers to the other sources of the same repository.
            let repository = text(source, "repoURL");
            let same = tables().filter(|other| text(other, "repoURL") == repository);
            let names: Vec<String> = same.filter_map(|other| text(other, "ref")).collect();
            self.of_source(spot, source, &names, is_template)
        });
        found.collect()
    }

    /// Parameters win over `valuesObject`, which wins over `values`, which wins over the last of `valueFiles`.
    fn of_source(
        &self,
        spot: &Spot,
        source: &Table,
        names: &[String],
        is_template: bool,
    ) -> Option<Release> {
        let chart = self.chart_at_root(&text(source, "path")?)?;
        let none = Table::new();
        let helm = source.get("helm").and_then(Value::as_table);
        let helm = helm.unwrap_or(&none);
        let at = |key: &str| spot.clone().keys(&["helm", key]);
        let parameters = ["parameters", "fileParameters"];
        let has = |key: &str| !matches!(helm.get(key), None | Some(Value::Null));
        let mut unseen = parameters.into_iter().find(|key| has(key));
        let files = self.value_files(helm, &chart, names);
        let layers = self.layers_of_argo(spot, helm, files.clone(), is_template);
        let mut below = files.unwrap_or_else(|| {
            unseen = Some("valueFiles");
            Vec::new()
        });
        let in_text = text(helm, "values").filter(|_| !has("valuesObject"));
        if is_template && in_text.as_ref().is_some_and(|text| text.contains("{{")) {
            unseen = Some("values");
        }
        let file = match has("valuesObject") || in_text.is_some() {
            true => None,
            false => below.pop_if(|file| self.context.is_own(file, &chart)),
        };
        let (values, at) = match file {
            Some(file) => (file, Spot::default()),
            None if in_text.is_some() => (self.path.to_owned(), at("values").in_text()),
            None => (self.path.to_owned(), at("valuesObject")),
        };
        Some(Release {
            declared_in: self.path.to_owned(),
            is_vendored: self.is_vendored(&chart),
            layers,
            chart,
            name: spot.clone().keys(&["path"]),
            values,
            at,
            below,
            unseen,
        })
    }

    /// Returns the files of `valueFiles`, relative to the chart's folder or the root. `None` if one is not in this
    /// tree.
    fn value_files(&self, helm: &Table, chart: &Path, names: &[String]) -> Option<Vec<PathBuf>> {
        let items: &[Value] = match helm.get("valueFiles") {
            Some(Value::List(items)) => items,
            None | Some(Value::Null) => &[],
            _ => return None,
        };
        let may_miss = matches!(
            helm.get("ignoreMissingValueFiles"),
            Some(Value::Leaf(leaf)) if &*leaf.text == "true"
        );
        let mut files = Vec::new();
        for item in items {
            let leaf = item.as_leaf()?;
            // A template can expand to anything.
            if leaf.text.contains("{{") {
                return None;
            }
            // `$name/` refers to another source.
            let named = leaf.text.strip_prefix('$').map(|rest| rest.split_once('/'));
            let paths = match named {
                Some(Some((name, rest))) if names.iter().any(|own| own == name) => {
                    paths_at_root(self.context.tree, self.folder, rest)
                }
                Some(_) => return None,
                None if leaf.text.starts_with('/') => {
                    paths_at_root(self.context.tree, self.folder, &leaf.text)
                }
                None => vec![self.context.tree.resolve(chart, &leaf.text)],
            };
            let mut paths = paths.into_iter();
            match paths.find(|path| self.context.tree.is_file(path)) {
                Some(file) => files.push(file),
                None if may_miss => {}
                None => return None,
            }
        }
        Some(files)
    }

    /// Returns a values file that a helmfile names. `None` if it is not in this tree, or not plain YAML.
    fn values_file(&self, item: &Value) -> Option<PathBuf> {
        let leaf = item.as_leaf()?;
        let file = self.context.tree.resolve(self.folder, &leaf.text);
        let known = leaf.text.ends_with(".yaml") || leaf.text.ends_with(".yml");
        (known && self.context.tree.is_file(&file)).then_some(file)
    }

    /// Reads a release. helmfile resolves the chart's path from its own folder; of the values, the last win.
    fn of_helmfile(&self, spot: &Spot, release: &Table) -> Option<Release> {
        let chart = self.chart(
            self.context
                .tree
                .resolve(self.folder, &text(release, "chart")?),
        )?;
        // Other keys that supply values: `set` and its variants, and inherited templates.
        let elsewhere = [
            "set",
            "setString",
            "setTemplate",
            "inherit",
            "valuesTemplate",
        ];
        let mut unseen = elsewhere.into_iter().find(|key| release.contains_key(*key));
        let items: &[Value] = match release.get("values") {
            Some(Value::List(items)) => items,
            None | Some(Value::Null) => &[],
            _ => {
                unseen = Some("values");
                &[]
            }
        };
        let (inline, files) = match items.split_last() {
            Some((Value::Table(_), files)) => (true, files),
            _ => (false, items),
        };
        let below: Option<Vec<PathBuf>> = files.iter().map(|item| self.values_file(item)).collect();
        let mut below = below.unwrap_or_else(|| {
            unseen = Some("values");
            Vec::new()
        });
        let last = match inline {
            true => None,
            false => below.pop_if(|file| self.context.is_own(file, &chart)),
        };
        let (values, at) = match last {
            Some(last) => (last, Spot::default()),
            None => {
                // If the list of values does not end with a map, there is no room; the finding says so.
                let at = spot.clone().keys(&["values"]);
                (self.path.to_owned(), at.item(items.len().saturating_sub(1)))
            }
        };
        Some(Release {
            declared_in: self.path.to_owned(),
            is_vendored: self.is_vendored(&chart),
            layers: self.layers_of_helmfile(spot, release),
            chart,
            name: spot.clone().keys(&["chart"]),
            values,
            at,
            below,
            unseen,
        })
    }
}
