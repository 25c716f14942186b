//! Kustomizations select images by name: a base that is renamed alone loses what an `images` entry does to it.
//!
//! This finds the files that each entry reaches, and holds back the fixes that would change what it selects. It does
//! not rename entries, and does not follow remote resources.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::edit::Applicability;
use crate::finding::Finding;
use crate::kind::KUSTOMIZATION_FILES;
use crate::project::{Members, Project, Tree};
use crate::source::Span;
use crate::syntax::yaml::{self, List, Map, Node};

/// For each file that a kustomization reaches, the names that its entries select by.
#[derive(Debug, Default)]
pub struct Selections {
    by_file: HashMap<PathBuf, HashSet<String>>,
}

/// What one kustomization says, as far as it matters here.
struct Kustomization {
    /// `images[].name`
    names: HashSet<String>,
    /// Files and folders that it is built from.
    targets: Vec<PathBuf>,
}

const RESOURCES: [&str; 5] = [
    "resources",
    "bases",
    "components",
    "patchesStrategicMerge",
    "crds",
];

impl Selections {
    /// Reads the kustomizations among the files that make projects.
    pub fn new(tree: &dyn Tree, makers: &[PathBuf]) -> Self {
        let texts: Vec<(&Path, Arc<str>)> = makers
            .iter()
            .filter(|path| {
                let name = path.file_name().and_then(|name| name.to_str());
                name.is_some_and(|name| KUSTOMIZATION_FILES.contains(&name))
            })
            .filter_map(|path| Some((path.as_path(), tree.text(path)?)))
            .collect();
        Self::of(texts.iter().map(|(path, text)| (*path, &**text)))
    }

    fn of<'t>(files: impl IntoIterator<Item = (&'t Path, &'t str)>) -> Self {
        let read = |(path, text): (&'t Path, &'t str)| {
            let folder = path.parent().unwrap_or(Path::new(""));
            (normal(folder), Kustomization::read(folder, text))
        };
        let all: HashMap<PathBuf, Kustomization> = files.into_iter().map(read).collect();
        let mut selections = Self::default();
        for (folder, kustomization) in all.iter().filter(|(_, one)| !one.names.is_empty()) {
            selections.spread(&kustomization.names, folder, &all);
        }
        selections
    }

    /// Notes the names for all files below a folder's kustomization.
    fn spread(
        &mut self,
        names: &HashSet<String>,
        folder: &Path,
        all: &HashMap<PathBuf, Kustomization>,
    ) {
        let mut seen: HashSet<&Path> = HashSet::from([folder]);
        let mut open: Vec<&Path> = vec![folder];
        while let Some(folder) = open.pop() {
            for target in all.get(folder).into_iter().flat_map(|one| &one.targets) {
                if all.contains_key(target) {
                    if seen.insert(target) {
                        open.push(target);
                    }
                } else {
                    let known = self.by_file.entry(target.clone()).or_default();
                    known.extend(names.iter().cloned());
                }
            }
        }
    }

    /// Lowers the trust of fixes that would change what an entry selects.
    pub fn hold_back(&self, path: &Path, findings: &mut [Finding]) {
        let Some(names) = self.by_file.get(&normal(path)) else {
            return;
        };
        for finding in findings {
            let selected = names.contains(without_tag(&finding.old));
            let will_be = finding
                .new
                .as_deref()
                .is_some_and(|new| names.contains(without_tag(new)));
            let (limit, reason) = match (selected, will_be) {
                (true, _) => (
                    Applicability::Display,
                    "an images entry of a kustomization selects it by this name",
                ),
                (false, true) => (
                    Applicability::Unsafe,
                    "an images entry of a kustomization would begin to select it",
                ),
                (false, false) => continue,
            };
            if let Some(fix) = finding.fix.as_mut().filter(|fix| fix.applicability > limit) {
                fix.applicability = limit;
                finding.reason = Some(reason.to_owned());
            }
        }
    }
}

impl Project for Selections {
    fn groups(&self) -> Vec<Vec<PathBuf>> {
        self.by_file.keys().map(|path| vec![path.clone()]).collect()
    }

    fn find(&self, _: &mut Members) {}

    fn settle(&self, members: &mut Members) {
        for (path, member) in members {
            self.hold_back(path, &mut member.findings);
        }
    }
}

impl Kustomization {
    fn read(folder: &Path, text: &str) -> Self {
        let parsed = yaml::parse(text, Span::new(0, text.len()));
        let root = parsed.documents.first().and_then(Node::as_map);
        let of = |key: &str| root.and_then(|root| root.get(key)).and_then(Node::as_list);
        let targets = RESOURCES.iter().filter_map(|key| of(key)).flat_map(texts);
        let patches = of("patches")
            .into_iter()
            .flat_map(maps)
            .filter_map(|patch| patch.text("path"));
        let names = of("images")
            .into_iter()
            .flat_map(maps)
            .filter_map(|image| image.text("name"));
        Self {
            names: names.map(str::to_owned).collect(),
            targets: targets
                .chain(patches)
                .map(|target| normal(&folder.join(target)))
                .collect(),
        }
    }
}

fn texts<'n>(list: &'n List<'n>) -> impl Iterator<Item = &'n str> {
    list.items
        .iter()
        .filter_map(|item| item.as_scalar().map(|scalar| scalar.value.as_ref()))
}

fn maps<'n>(list: &'n List<'n>) -> impl Iterator<Item = &'n Map<'n>> {
    list.items.iter().filter_map(Node::as_map)
}

/// A reference without its tag.
fn without_tag(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => reference,
    }
}

/// The path without `.`, and without `..` where words tell what it leaves.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_reach_through_layers() {
        let overlay =
            "resources: [../base, extra.yaml]\nimages: [{name: k8s.gcr.io/a, newTag: v1}]\n";
        let base = "resources:\n- deployment.yaml\n- ../base\n";
        let files = [
            (Path::new("app/overlay/kustomization.yaml"), overlay),
            (Path::new("app/base/kustomization.yaml"), base),
        ];
        let selections = Selections::of(files);
        let mut reached: Vec<_> = selections.by_file.keys().collect();
        reached.sort();
        assert_eq!(
            reached,
            [
                Path::new("app/base/deployment.yaml"),
                Path::new("app/overlay/extra.yaml")
            ]
        );
    }

    #[test]
    fn tags_are_left_out_of_names() {
        assert_eq!(without_tag("localhost:5000/a"), "localhost:5000/a");
        assert_eq!(without_tag("k8s.gcr.io/a:1"), "k8s.gcr.io/a");
    }
}
