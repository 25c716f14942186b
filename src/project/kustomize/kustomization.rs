//! One kustomization as it is written: what it is built from, what it changes, and where in its text that is.
//!
//! Does not follow targets: it only records the kind and path of each.

use std::path::{Path, PathBuf};

use super::entry::Entry;
use crate::file_type::{KUSTOMIZATION_FILES, is_kustomization};
use crate::finding::Problem;
use crate::image;
use crate::project::{PathKind, Tree};
use crate::source::Span;
use crate::syntax::yaml::{self, Map, Node, Scalar};

#[derive(Debug, Default)]
pub(super) struct Kustomization {
    pub(super) path: PathBuf,
    /// Whether it is a component, which changes what the kustomization that names it has so far.
    pub(super) is_component: bool,
    /// `resources` and `bases`, in order.
    pub(super) resources: Vec<Target>,
    pub(super) components: Vec<Target>,
    /// In the order in which they are applied.
    pub(super) patches: Vec<Content>,
    pub(super) entries: Vec<Entry>,
    /// `transformers`. Those that override images, patch or replace are read.
    pub(super) transformers: Vec<Content>,
    pub(super) generators: Vec<Content>,
    /// `configurations`, which may declare more fields with images.
    pub(super) configurations: Vec<PathBuf>,
    /// Values of charts: files, and regions of this one. Only Helm knows what a chart makes of them.
    pub(super) values: Vec<PathBuf>,
    pub(super) inline_values: Vec<Span>,
    /// Data of generated config maps and secrets: files, and regions of this one.
    pub(super) data: Vec<PathBuf>,
    pub(super) inline_data: Vec<Span>,
    /// Named files that are not read for images.
    pub(super) others: Vec<PathBuf>,
    pub(super) has_replacements: bool,
    /// Files of `replacements`. Inline replacements are in this file.
    pub(super) replacements: Vec<PathBuf>,
    /// Inputs that are not in the tree: where each is named, and a description.
    pub(super) unseen: Vec<(Span, String)>,
    pub(super) problems: Vec<Problem>,
}

/// The target of a path in `resources` or `components`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    File(PathBuf),
    /// The file of another kustomization.
    Layer(PathBuf, Span),
}

/// YAML in a file, in a scalar of this one, or in the resources of another kustomization.
#[derive(Debug, Clone)]
pub(super) enum Content {
    File(PathBuf),
    Inline(Span),
    Layer(PathBuf),
}

/// Reads one kustomization.
struct Reader<'r> {
    tree: &'r dyn Tree,
    folder: &'r Path,
    text: &'r str,
    layer: Kustomization,
}

impl Kustomization {
    pub(super) fn read(tree: &dyn Tree, path: &Path, text: &str) -> Self {
        let parsed = yaml::parse(text, Span::new(0, text.len()));
        let mut reader = Reader {
            tree,
            folder: path.parent().unwrap_or(Path::new("")),
            text,
            layer: Self {
                path: path.to_owned(),
                ..Self::default()
            },
        };
        if let Some(root) = parsed.documents.first().and_then(Node::as_map) {
            reader.root(root);
        }
        reader.layer
    }

    /// All files that it names, including those of other layers.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let targets = self.resources.iter().chain(&self.components);
        let targets = targets.map(|target| match target {
            Target::File(path) | Target::Layer(path, _) => path,
        });
        let contents = self.patches.iter().chain(&self.transformers);
        let contents = contents
            .chain(&self.generators)
            .filter_map(|content| match content {
                Content::File(path) | Content::Layer(path) => Some(path),
                Content::Inline(_) => None,
            });
        let plain = self.configurations.iter().chain(&self.values);
        let plain = plain.chain(&self.data).chain(&self.others);
        let plain = plain.chain(&self.replacements);
        targets.chain(contents).chain(plain).map(PathBuf::as_path)
    }

    /// The files of other kustomizations among the files that it names.
    pub(super) fn layers(&self) -> impl Iterator<Item = &Path> {
        self.files().filter(|path| is_kustomization(path))
    }
}

impl Reader<'_> {
    fn root(&mut self, root: &Map<'_>) {
        self.layer.is_component = root.text("kind") == Some("Component");
        for key in ["resources", "bases"] {
            for scalar in scalars(root.get(key)) {
                let target = self.target(&scalar);
                self.layer.resources.extend(target);
            }
        }
        for scalar in scalars(root.get("components")) {
            let target = self.target(&scalar);
            self.layer.components.extend(target);
        }
        for key in ["patchesStrategicMerge", "patches", "patchesJson6902"] {
            for node in items(root.get(key)) {
                let content = match node {
                    Node::Map(map) => match map.get("patch").and_then(Node::as_scalar) {
                        Some(scalar) => self.content(scalar),
                        None => self.file_of(map).map(Content::File),
                    },
                    Node::Scalar(scalar) => self.content(scalar),
                    _ => None,
                };
                self.layer.patches.extend(content);
            }
        }
        for key in ["images", "imageTags"] {
            let Some(list) = root.get(key).and_then(Node::as_list) else {
                let aliased = root.get(key).filter(|node| matches!(node, Node::Alias(_)));
                let entry = aliased.and_then(|node| Entry::read(self.text, node, None));
                self.layer.entries.extend(entry);
                continue;
            };
            let entries = list.items.iter();
            let entries = entries.filter_map(|node| Entry::read(self.text, node, Some(list)));
            self.layer.entries.extend(entries);
        }
        for scalar in scalars(root.get("configurations")) {
            let file = self.file(&scalar);
            self.layer.configurations.extend(file);
        }
        self.plugins(root);
        self.charts(root);
        self.generated(root);
        for key in ["crds", "validators"] {
            for scalar in scalars(root.get(key)) {
                if !is_inline(&scalar) {
                    let file = self.file(&scalar);
                    self.layer.others.extend(file);
                }
            }
        }
        for map in items(root.get("replacements")).filter_map(Node::as_map) {
            self.layer.has_replacements = true;
            let file = self.file_of(map);
            self.layer.replacements.extend(file);
        }
    }

    /// `generators` and `transformers`: files, folders or YAML.
    fn plugins(&mut self, root: &Map<'_>) {
        for (key, generates) in [("generators", true), ("transformers", false)] {
            for scalar in scalars(root.get(key)) {
                let Some(content) = self.content(&scalar) else {
                    continue;
                };
                match generates {
                    true => self.layer.generators.push(content),
                    false => self.layer.transformers.push(content),
                }
            }
        }
    }

    fn charts(&mut self, root: &Map<'_>) {
        let globals = root.map("helmGlobals");
        let home = globals.and_then(|globals| globals.text("chartHome"));
        for key in ["helmCharts", "helmChartInflationGenerator"] {
            for map in items(root.get(key)).filter_map(Node::as_map) {
                self.chart(map, home);
            }
        }
    }

    fn chart(&mut self, map: &Map<'_>, home: Option<&str>) {
        let name = map.text("name").or_else(|| map.text("chartName"));
        let name = name.unwrap_or("without a name");
        let version = map.text("version").unwrap_or_default();
        if unpacked(self.tree, self.folder, home, name, version).is_none() {
            self.layer
                .unseen
                .push((map.span, format!("the chart {name}")));
        }
        if let Some(Node::Map(values)) = map.get("valuesInline") {
            self.layer.inline_values.push(values.span);
        }
        let more = scalars(map.get("additionalValuesFiles"));
        let own = map.get("valuesFile").or_else(|| map.get("values"));
        let own = own.and_then(Node::as_scalar).cloned();
        for scalar in own.into_iter().chain(more) {
            let file = self.file(&scalar);
            self.layer.values.extend(file);
        }
    }

    fn generated(&mut self, root: &Map<'_>) {
        for key in ["configMapGenerator", "secretGenerator"] {
            for map in items(root.get(key)).filter_map(Node::as_map) {
                self.layer.inline_data.push(map.span);
                let one = map.get("env").and_then(Node::as_scalar).cloned();
                let several = ["files", "envs"].into_iter();
                let several = several.flat_map(|key| scalars(map.get(key)));
                for scalar in one.into_iter().chain(several) {
                    // `key=path`, or a path alone.
                    let path = match scalar.value.split_once('=') {
                        Some((_, path)) => path,
                        None => &scalar.value,
                    };
                    let path = self.tree.resolve(self.folder, path);
                    match self.tree.place(&path) {
                        PathKind::File | PathKind::Unreadable => self.layer.data.push(path),
                        place => self.missing(&scalar, place),
                    }
                }
            }
        }
    }

    /// Returns the YAML in the scalar itself, or the target that it names.
    fn content(&mut self, scalar: &Scalar<'_>) -> Option<Content> {
        if is_inline(scalar) {
            return Some(Content::Inline(scalar.region(self.text)));
        }
        Some(match self.target(scalar)? {
            Target::File(path) => Content::File(path),
            Target::Layer(path, _) => Content::Layer(path),
        })
    }

    fn file_of(&mut self, map: &Map<'_>) -> Option<PathBuf> {
        let scalar = map.get("path").and_then(Node::as_scalar)?;
        self.file(scalar)
    }

    fn file(&mut self, scalar: &Scalar<'_>) -> Option<PathBuf> {
        match self.target(scalar)? {
            Target::File(path) => Some(path),
            Target::Layer(..) => None,
        }
    }

    /// Resolves a path. Records a remote target as unseen, and a missing one as unseen and as a problem.
    fn target(&mut self, scalar: &Scalar<'_>) -> Option<Target> {
        let value = scalar.value.as_ref();
        if value.is_empty() || value.contains(['\n', '\0']) {
            return None;
        }
        let path = self.tree.resolve(self.folder, value);
        match self.tree.place(&path) {
            PathKind::File | PathKind::Unreadable => return Some(Target::File(path)),
            PathKind::Folder => match layer_in(self.tree, &path) {
                Some(layer) => return Some(Target::Layer(layer, scalar.span)),
                None => self.problem(scalar, format!("{value} contains no kustomization")),
            },
            _ if is_remote(value) => {
                let base = (scalar.span, format!("the remote base {value}"));
                self.layer.unseen.push(base);
            }
            place => self.missing(scalar, place),
        }
        None
    }

    fn missing(&mut self, scalar: &Scalar<'_>, place: PathKind) {
        let value = &scalar.value;
        let message = match place {
            PathKind::Outside => format!("{value} is outside of what may be read"),
            _ => format!("there is no {value}"),
        };
        self.layer.unseen.push((scalar.span, message.clone()));
        self.problem(scalar, message);
    }

    fn problem(&mut self, scalar: &Scalar<'_>, message: String) {
        self.layer.problems.push(Problem::new(
            Some(scalar.span.start),
            format!("{message}; it is not known what it selects or what selects it"),
            false,
        ));
    }
}

/// The kustomization of a folder.
pub(in crate::project) fn layer_in(tree: &dyn Tree, folder: &Path) -> Option<PathBuf> {
    KUSTOMIZATION_FILES
        .iter()
        .map(|name| tree.resolve(folder, name))
        .find(|path| matches!(tree.place(path), PathKind::File | PathKind::Unreadable))
}

/// Returns the folder of a chart that a kustomization names, if the chart is there unpacked.
pub(in crate::project) fn unpacked(
    tree: &dyn Tree,
    folder: &Path,
    home: Option<&str>,
    name: &str,
    version: &str,
) -> Option<PathBuf> {
    let home = tree.resolve(folder, home.unwrap_or("charts"));
    let places = [
        home.join(format!("{name}-{version}")).join(name),
        home.join(name),
    ];
    let is_chart = |place: &PathBuf| tree.is_file(&place.join("Chart.yaml"));
    places.into_iter().find(is_chart)
}

/// Whether Kustomize would fetch a value: a URL, or one of the short forms of a git repository.
fn is_remote(value: &str) -> bool {
    let starts = ["git::", "git@", "gh:", "file://", "ssh:"];
    let host = value.split(['/', ':']).next().unwrap_or_default();
    let domain = host.rsplit('.').next().unwrap_or_default();
    let named = domain.len() > 1 && domain.bytes().all(|byte| byte.is_ascii_alphabetic());
    let hosted = named && value.contains('/') && image::is_registry_host(host);
    let yaml = value.ends_with(".yaml") || value.ends_with(".yml");
    value.contains("://")
        || starts.iter().any(|start| value.starts_with(start))
        || value.contains("?ref=")
        || value.contains(".git/")
        || value.ends_with(".git")
        || hosted && !yaml
}

/// Whether a scalar is YAML or JSON instead of a path.
fn is_inline(scalar: &Scalar<'_>) -> bool {
    scalar.is_block() || scalar.value.contains('\n') || scalar.value.starts_with(['{', '['])
}

fn items<'n>(node: Option<&'n Node<'n>>) -> impl Iterator<Item = &'n Node<'n>> {
    let list = node.and_then(Node::as_list);
    list.into_iter().flat_map(|list| &list.items)
}

fn scalars<'n>(node: Option<&'n Node<'n>>) -> Vec<Scalar<'n>> {
    let scalars = items(node).filter_map(Node::as_scalar);
    scalars.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_bases_are_distinguished_from_paths() {
        for remote in [
            "https://github.com/org/repo//config?ref=v1",
            "github.com/org/repo/config?ref=v1",
            "github.com/org/repo",
            "git::https://example.com/repo",
            "git@github.com:org/repo",
            "ssh://git@example.com/repo.git",
            "https://example.com/release.yaml",
        ] {
            assert!(is_remote(remote), "{remote}");
        }
        for local in [
            "../base",
            "base",
            "deploy.d/web.yaml",
            "v1.2/base",
            "./x.yaml",
        ] {
            assert!(!is_remote(local), "{local}");
        }
    }
}
