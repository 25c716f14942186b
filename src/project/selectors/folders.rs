//! The folders of the tree that documents of Flux, Argo CD, kbld and kpt are applied to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::{GENERATORS, HELM_CHARTS, is_argo_source};
use crate::detect::{MATCHER, REPLACED};
use crate::file_type::{self, Parser};
use crate::project::{PathKind, Tree, kustomize, paths_at_root};
use crate::source::Span;
use crate::syntax::template::{self, Mask};
use crate::syntax::yaml::{self, Map, Node};

/// API groups whose documents are applied to the folder that they are in: `kbld -f .`, `kpt fn render`.
const OF_OWN_FOLDER: [&str; 4] = ["kbld.k14s.io", "imgpkg.carvel.dev", "kpt.dev", "fn.kpt.dev"];

/// The folder with the metadata of an imgpkg bundle.
const BUNDLE: &str = ".imgpkg";

/// The repository that a root belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    OfThisRepository,
    /// This repository or another one.
    Unknown,
}

/// The path of a Flux Kustomization that has none.
const HERE: &str = "./";

/// The name of the source that `flux bootstrap` creates for the repository it writes to.
const BOOTSTRAPPED: &str = "flux-system";

/// The folders of this tree that the documents of a file are applied to.
pub(super) fn applied_folders(tree: &dyn Tree, path: &Path) -> Vec<PathBuf> {
    let text = tree.text(path);
    text.map_or_else(Vec::new, |text| folders_of(tree, path, &text, true))
}

/// The folders that the documents of a file with this text may be applied to.
pub fn folders_applied_by(tree: &dyn Tree, path: &Path, text: &str) -> Vec<PathBuf> {
    folders_of(tree, path, text, false)
}

fn folders_of(tree: &dyn Tree, path: &Path, text: &str, is_meant: bool) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = match folder.ends_with(BUNDLE) {
        true => folder.parent().unwrap_or(folder),
        false => folder,
    };
    let text = &as_yaml(path, text);
    let named = named_folders(path, text);
    let folders = named
        .iter()
        .filter_map(|named| at_root(tree, folder, named, is_meant));
    folders.chain(charts_of(tree, folder, text)).collect()
}

/// Whether a file has documents that are applied to the folder that they are in, because they name none.
pub(super) fn names_none(path: &Path, text: &str) -> bool {
    let text = as_yaml(path, text);
    !is_argo_source(path) && named_folders(path, &text).iter().any(String::is_empty)
}

/// Returns the repository roots without a kustomization that documents of a file tell Flux to apply. Flux generates a
/// kustomization there, of all files below. `./` is often the root of another repository.
pub(super) fn generated_roots(tree: &dyn Tree, path: &Path, text: &str) -> Vec<(PathBuf, Root)> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let text = as_yaml(path, text);
    let applied = objects_in(&text, |map| {
        let spec = map.map("spec").filter(|_| is_flux_kustomization(map))?;
        let source = spec
            .map("sourceRef")
            .and_then(|source| source.text("name"))?;
        let root = Some(spec.text("path").unwrap_or(HERE)).filter(|path| is_root(path))?;
        let whose = match source {
            BOOTSTRAPPED => Root::OfThisRepository,
            _ => Root::Unknown,
        };
        Some((root.to_owned(), whose))
    });
    let roots = applied.into_iter().filter_map(|(named, whose)| {
        let root = at_root(tree, folder, &named, false)?;
        kustomize::layer_in(tree, &root)
            .is_none()
            .then_some((root, whose))
    });
    roots.collect()
}

/// Whether a file renders charts and selects nothing in them.
pub(super) fn only_renders(tree: &dyn Tree, path: &Path) -> bool {
    let text = tree.text(path).unwrap_or_default();
    text.contains(HELM_CHARTS) && !text.contains("images") && !text.contains("patch")
}

/// The kustomizations above those files that render charts, with the folders of these charts.
pub(super) fn above_charts(
    tree: &dyn Tree,
    files: &[PathBuf],
    projects: &[PathBuf],
) -> Vec<(PathBuf, Vec<PathBuf>)> {
    let charts = files.iter().map(|path| {
        let folder = path.parent().unwrap_or(Path::new(""));
        let text = tree.text(path).unwrap_or_default();
        (path, charts_of(tree, folder, &text))
    });
    let charts = charts.filter(|(_, charts)| !charts.is_empty());
    let rendering: BTreeMap<&PathBuf, Vec<PathBuf>> = charts.collect();
    if rendering.is_empty() {
        return Vec::new();
    }
    let may_select = |path: &&PathBuf| {
        let text = tree.text(path).unwrap_or_default();
        text.contains("images") && !text.contains(HELM_CHARTS) && !rendering.contains_key(path)
    };
    let selecting: BTreeSet<&PathBuf> = projects.iter().filter(may_select).collect();
    let named = kustomize::named_by(tree, selecting.iter().copied().cloned());
    let mut above: BTreeMap<&PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for (path, charts) in &rendering {
        let mut open: Vec<&PathBuf> = vec![path];
        let mut seen = HashSet::new();
        while let Some(path) = open.pop() {
            for layer in named.get(path).into_iter().flatten() {
                if seen.insert(layer) {
                    open.push(layer);
                    above.entry(layer).or_default().extend_from_slice(charts);
                }
            }
        }
    }
    above.retain(|path, _| selecting.contains(path));
    let above = above.into_iter();
    above.map(|(path, charts)| (path.clone(), charts)).collect()
}

/// The charts that a kustomization renders, as far as they are in this tree.
fn charts_of(tree: &dyn Tree, folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let words = [HELM_CHARTS, GENERATORS, "releases:"];
    if !words.iter().any(|word| text.contains(word)) {
        return found;
    }
    let places = |chart: &Map<'_>, home: Option<&str>| {
        let text = |keys: [&str; 2]| keys.iter().find_map(|key| chart.text(key));
        let home = home.or_else(|| chart.text("chartHome")).unwrap_or("charts");
        let name = text(["name", "chartName"]).unwrap_or_default();
        let version = text(["version", "chartVersion"]).unwrap_or_default();
        [
            tree.resolve(folder, &format!("{home}/{name}")),
            tree.resolve(folder, &format!("{home}/{name}-{version}/{name}")),
        ]
    };
    for root in &yaml::parse(text, Span::new(0, text.len())).documents {
        let Some(map) = root.as_map() else { continue };
        let globals = map.map("helmGlobals");
        let home = globals.and_then(|globals| globals.text("chartHome"));
        for chart in maps_of(map, "helmCharts").chain(maps_of(map, "helmChartInflationGenerator")) {
            found.extend(places(chart, home));
        }
        for file in map.items(GENERATORS).iter().filter_map(Node::as_scalar) {
            let text = tree.text(&tree.resolve(folder, &file.value));
            let text = text.unwrap_or_default();
            let is_chart = |map: &&Map<'_>| map.text("kind") == Some("HelmChartInflationGenerator");
            for root in &yaml::parse(&text, Span::new(0, text.len())).documents {
                if let Some(chart) = root.as_map().filter(is_chart) {
                    found.extend(places(chart, None));
                }
            }
        }
        // Local charts whose output helmfile changes.
        let releases = maps_of(map, "releases").filter_map(|release| release.text("chart"));
        let local = releases.filter(|chart| chart.starts_with('.'));
        found.extend(local.map(|chart| tree.resolve(folder, chart)));
    }
    found.retain(|place| tree.place(place) == PathKind::Folder);
    found
}

/// The maps in a list of a map.
fn maps_of<'m>(map: &'m Map<'m>, key: &str) -> impl Iterator<Item = &'m Map<'m>> {
    map.items(key).iter().filter_map(Node::as_map)
}

/// The components that Kustomizations of Flux add to the folders that they apply, with these folders.
pub(super) fn components(tree: &dyn Tree, files: &[PathBuf]) -> Vec<(PathBuf, Vec<PathBuf>)> {
    let mut found = Vec::new();
    for path in files {
        let text = tree.text(path).unwrap_or_default();
        if !text.contains("components:") || !text.contains("kustomize.toolkit.fluxcd.io/") {
            continue;
        }
        for region in yaml::documents(&text) {
            for root in &yaml::parse(&text, region).documents {
                let spec = root.as_map().and_then(|map| map.map("spec"));
                let Some(spec) = spec else { continue };
                let above = path.parent().unwrap_or(Path::new(""));
                let folder = at_root(tree, above, spec.text("path").unwrap_or(HERE), false);
                let names = spec.items("components").iter().filter_map(Node::as_scalar);
                for (name, folder) in names.zip(std::iter::repeat(folder).flatten()) {
                    let component = tree.resolve(&folder, &name.value);
                    let layer = kustomize::layer_in(tree, &component);
                    found.extend(layer.map(|layer| (layer, vec![folder.clone()])));
                }
            }
        }
    }
    found
}

/// A text as YAML, with the actions of a template masked.
pub(super) fn as_yaml<'t>(path: &Path, text: &'t str) -> Cow<'t, str> {
    let parser = file_type::classify(path).map(|file_type| file_type.parser);
    match parser {
        Some(Parser::Template) => {
            let actions = template::actions(text);
            Cow::Owned(template::mask(text, &actions, Mask::Lines))
        }
        _ => Cow::Borrowed(text),
    }
}

/// The folders of a repository that the documents of a text are applied to. An empty one is that of the file itself.
fn named_folders(path: &Path, text: &str) -> Vec<String> {
    if is_argo_source(path) || text.contains(MATCHER) {
        return vec![String::new()];
    }
    let named = objects_in(text, |map| {
        let named = named_by(map).into_iter().filter_map(known_part);
        Some(Vec::from_iter(named.map(str::to_owned)))
    });
    named.into_iter().flatten().collect()
}

/// Reads something from each object of a text, including the items of lists.
fn objects_in<T>(text: &str, read: impl Fn(&Map<'_>) -> Option<T>) -> Vec<T> {
    let mut found = Vec::new();
    for region in yaml::documents(text) {
        for root in yaml::parse(text, region).documents {
            let Some(map) = root.as_map() else { continue };
            let objects = std::iter::once(map).chain(maps_of(map, "items"));
            found.extend(objects.filter_map(&read));
        }
    }
    found
}

/// Returns a path up to the folder above its first placeholder or wildcard. `None` if nothing is left.
fn known_part(path: &str) -> Option<&str> {
    match path.find(['{', '$', '*']) {
        Some(mark) => path[..mark].rfind('/').map(|end| &path[..end]),
        None => Some(path),
    }
}

fn group_of<'m>(map: &'m Map<'m>) -> &'m str {
    let version = map.text("apiVersion").unwrap_or_default();
    version.split('/').next().unwrap_or_default()
}

fn is_flux_kustomization(map: &Map<'_>) -> bool {
    group_of(map) == "kustomize.toolkit.fluxcd.io" && map.text("kind") == Some("Kustomization")
}

fn named_by<'m>(map: &'m Map<'m>) -> Vec<&'m str> {
    let group = group_of(map);
    let is_replacing = || {
        let data = map.map("data");
        data.is_some_and(|data| data.get(REPLACED).is_some())
    };
    if OF_OWN_FOLDER.contains(&group) || is_replacing() {
        return vec![""];
    }
    let Some(spec) = map.map("spec") else {
        return Vec::new();
    };
    match (group, map.text("kind").unwrap_or_default()) {
        _ if is_flux_kustomization(map) => vec![spec.text("path").unwrap_or(HERE)],
        ("helm.toolkit.fluxcd.io", "HelmRelease") => Vec::from_iter(chart_of(spec)),
        ("argoproj.io", "Application") => sources_of(spec),
        ("argoproj.io", "ApplicationSet") => {
            let template = spec.map("template");
            let inner = template
                .and_then(|map| map.get("spec"))
                .and_then(Node::as_map);
            let mut paths = inner.map(sources_of).unwrap_or_default();
            // Values that the generators may insert into the paths.
            if paths.iter().any(|path| path.contains("{{")) {
                let filled = spec.get("generators").into_iter().flat_map(Node::scalars);
                let filled = filled.filter(|scalar| scalar.value.contains('/'));
                paths.extend(filled.map(|scalar| &*scalar.value));
            }
            paths
        }
        _ => Vec::new(),
    }
}

/// The folder of a chart in a Git repository.
fn chart_of<'m>(spec: &'m Map<'m>) -> Option<&'m str> {
    let chart = spec.map("chart")?.map("spec")?;
    let source = chart.map("sourceRef")?;
    let is_git = source.text("kind") == Some("GitRepository");
    chart.text("chart").filter(|_| is_git)
}

fn sources_of<'m>(spec: &'m Map<'m>) -> Vec<&'m str> {
    let one = spec.map("source");
    let sources = one.into_iter().chain(maps_of(spec, "sources"));
    sources.filter_map(|source| source.text("path")).collect()
}

/// Resolves a path from the root of the repository to the outermost folder that exists. If `is_meant`, the root itself
/// counts only if it has a kustomization, because `./` is often the root of another repository.
fn at_root(tree: &dyn Tree, folder: &Path, named: &str, is_meant: bool) -> Option<PathBuf> {
    if named.is_empty() {
        return Some(folder.to_owned());
    }
    let mut folders = paths_at_root(tree, folder, named).into_iter();
    let folder = folders.find(|path| tree.place(path) == PathKind::Folder)?;
    let has_kustomization = || kustomize::layer_in(tree, &folder).is_some();
    (!is_meant || !is_root(named) || has_kustomization()).then_some(folder)
}

fn is_root(path: &str) -> bool {
    path.trim_matches(['.', '/']).is_empty()
}
