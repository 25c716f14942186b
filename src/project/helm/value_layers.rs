//! Values files that override each other: if one sets the registry, it decides where the names in the others are pulled
//! from. For charts that cannot be rendered, because they are not in the tree.
//!
//! Files in other folders are only read for values whose names a safe fix would move.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::accounts;
use super::coalesce::read_whole;
use super::given::is_layer;
use super::nested_layers::{self, BASE, Bases};
use super::values::{self, Leaf, Table};
use crate::detect::GLOBAL_REGISTRIES;
use crate::finding::{Finding, Id};
use crate::image;
use crate::printable;
use crate::project::{Members, PathKind, Plan, Project, Tree, current_text};
use crate::source::{self, Span};
use crate::syntax::yaml::{self, Node};

/// The maximum number of files that override each other.
const MOST_LAYERS: usize = 64;

/// Keys of a registry next to a name.
const REGISTRIES: [&str; 2] = ["registry", "imageRegistry"];

/// Whether a file may contain values, judging by its name, its folder and its bytes.
pub fn may_be_layer(path: &Path, bytes: &[u8]) -> bool {
    let is_object = || memchr::memmem::find(bytes, b"apiVersion").is_some();
    is_layer(path) || is_base(path) || nested_layers::is_in_environment(path) && !is_object()
}

/// The values files of a run.
pub struct ValueLayers<'t> {
    tree: &'t dyn Tree,
    /// The files beside each file that are used together with it. Empty if there may be such files only in other folders.
    all: BTreeMap<PathBuf, Vec<Other>>,
}

struct Other {
    path: PathBuf,
    /// Whether its values override those of the first.
    is_over: bool,
}

impl<'t> ValueLayers<'t> {
    /// `files` are those with a legacy name, `releases` those that may list values files.
    pub fn new(tree: &'t dyn Tree, files: &[PathBuf], releases: &[PathBuf]) -> Self {
        let mut bases = Bases::new(tree);
        let around = |path: &PathBuf| {
            let folder = path.parent().unwrap_or(Path::new(""));
            let is = |name: &str, kind: PathKind| tree.place(&folder.join(name)) == kind;
            let is_over = is_base(path);
            let mut others = match is_over {
                true => tree.list(folder),
                false if is(BASE, PathKind::File) => vec![folder.join(BASE)],
                false => Vec::new(),
            };
            let has_others = bases.have_any(path, &others);
            others.retain(|other| other != path && (is_base(other) || is_layer(other)));
            others.truncate(MOST_LAYERS);
            // Such a chart is rendered to see the effect of its values.
            let is_chart = || is("Chart.yaml", PathKind::File) && is("templates", PathKind::Folder);
            if others.is_empty() || is_chart() {
                return has_others.then(|| (path.clone(), Vec::new()));
            }
            let others = others.into_iter().map(|path| Other { path, is_over });
            Some((path.clone(), others.collect()))
        };
        let listed = releases.iter().flat_map(|path| listed(tree, path));
        let mut all: BTreeMap<PathBuf, Vec<Other>> = BTreeMap::new();
        for (path, others) in files.iter().filter_map(around).chain(listed) {
            all.entry(path).or_default().extend(others);
        }
        Self { tree, all }
    }

    fn doubt(&self, path: &Path, others: &[Other], members: &mut Members) {
        let Some(member) = members.get(path) else {
            return;
        };
        let text = &member.text;
        let moved = member.findings.iter().filter_map(|one| Move::of(one, text));
        let moved: Vec<Move<'_>> = moved.collect();
        let is_safe = member.findings.iter().any(Finding::has_safe_fix);
        let own = is_safe.then(|| read_whole(text, 0).ok()).flatten();
        let Some(own) = own else {
            return;
        };
        let empty = accounts::beside_empty(member, &own);
        if moved.is_empty() && empty.is_empty() {
            return;
        }
        let mut doubts = Vec::new();
        let elsewhere = in_other_folders(self.tree, path);
        for other in others.iter().chain(&elsewhere) {
            let set = current_text(self.tree, members, &other.path);
            let Some(set) = set.and_then(|text| read_whole(&text, 0).ok()) else {
                continue;
            };
            let filled = empty.iter().filter(|one| one.is_filled_by(&set));
            doubts.extend(filled.map(|one| {
                let other = printable::path(&other.path);
                (one.id, format!("{other} {}", accounts::FILLED))
            }));
            for one in &moved {
                if sets_other_registry(&own, &set, one, other.is_over) {
                    let other = printable::path(&other.path);
                    doubts.push((one.id, format!("{other} {OTHER_REGISTRY}")));
                }
            }
        }
        let Some(member) = members.get_mut(path) else {
            return;
        };
        for (id, reason) in doubts {
            if let Some(finding) = member.findings.get_mut(id) {
                finding.doubt(&reason);
            }
        }
    }
}

/// Returns the values files that helmfile releases list, each with the others of its list. Later files override earlier ones.
fn listed(tree: &dyn Tree, release: &Path) -> Vec<(PathBuf, Vec<Other>)> {
    let folder = release.parent().unwrap_or(Path::new(""));
    let text = tree.text(release).unwrap_or_default();
    let parsed = yaml::parse(&text, Span::new(0, text.len()));
    let roots = parsed.documents.iter().filter_map(Node::as_map);
    let releases = roots.flat_map(|root| root.items("releases"));
    let lists = releases.filter_map(|release| Some(release.as_map()?.items("values")));
    let mut all = Vec::new();
    for list in lists.filter(|list| list.len() <= MOST_LAYERS) {
        let files = list.iter().filter_map(Node::as_scalar);
        let files: Vec<PathBuf> = files
            .map(|file| tree.resolve(folder, &file.value))
            .collect();
        for (at, path) in files.iter().enumerate() {
            let others = files.iter().enumerate().filter(|(other, _)| *other != at);
            let others = others.map(|(other, path)| Other {
                path: path.clone(),
                is_over: other > at,
            });
            if files.len() > 1 && tree.is_suspect(path) {
                all.push((path.clone(), others.collect()));
            }
        }
    }
    all
}

const OTHER_REGISTRY: &str = "sets another registry, and the image may not have the new path there";

fn is_base(path: &Path) -> bool {
    source::file_name(path) == BASE
}

/// Returns the values files in folders below and above.
fn in_other_folders(tree: &dyn Tree, path: &Path) -> Vec<Other> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let scope = nested_layers::scope(folder);
    let mut below = match is_base(path) {
        true => nested_layers::below(tree, scope),
        false => Vec::new(),
    };
    below.retain(|other| other.parent() != Some(folder));
    let is_above = |other: &PathBuf| !below.contains(other);
    let above = Bases::new(tree).above(path);
    let above: Vec<PathBuf> = above.into_iter().filter(is_above).collect();
    let other = |is_over: bool| move |path: PathBuf| Other { path, is_over };
    let above = above.into_iter().map(other(false));
    below.into_iter().map(other(true)).chain(above).collect()
}

/// A safe fix that changes the path of a name without a host.
struct Move<'f> {
    id: Id,
    name: Span,
    /// The registry, if it is a separate value.
    registry: Option<Span>,
    /// The new registry, if the fix changes it or none is written.
    host: Option<&'f str>,
}

impl<'f> Move<'f> {
    fn of(finding: &'f Finding, text: &str) -> Option<Self> {
        let registry = registry_of(finding);
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        let is_kept = |span: Span| !edits.clone().any(|edit| span.covers(edit.span));
        let new = || image::split_host(finding.new.as_deref()?).0;
        Some(Self {
            id: finding.id,
            name: path_moved(finding, text)?,
            registry,
            host: match registry.is_some_and(is_kept) {
                true => None,
                false => Some(new().unwrap_or("docker.io")),
            },
        })
    }
}

/// Returns the name without a host whose path a safe fix changes.
fn path_moved(finding: &Finding, text: &str) -> Option<Span> {
    let fix = finding.fix.as_ref().filter(|_| finding.has_safe_fix())?;
    let name = finding.labels.last()?.span;
    let is_edited = fix.edits.iter().any(|edit| name.covers(edit.span));
    let is_path = image::split_host(name.of(text)).0.is_none();
    (is_edited && is_path).then_some(name)
}

/// Returns the span of the registry, if it is a separate value.
fn registry_of(finding: &Finding) -> Option<Span> {
    match finding.labels.as_slice() {
        [registry, _] => Some(registry.span),
        _ => None,
    }
}

/// Whether the values of another file set another registry for a name, and not another name. `is_over` says whether they
/// override the `own` ones.
fn sets_other_registry(own: &Table, set: &Table, moved: &Move<'_>, is_over: bool) -> bool {
    let Some(name) = values::path_to(own, moved.name) else {
        return false;
    };
    let registry = moved.registry.and_then(|span| values::path_to(own, span));
    let own_registry = registry.as_ref().and_then(|path| leaf_at(own, path));
    let kept = own_registry.map(|leaf| leaf.text.trim_end_matches('/'));
    let wanted = moved.host.or(kept);
    let is_other = |leaf: &Leaf| {
        let text = leaf.text.trim_end_matches('/');
        !text.is_empty() && wanted != Some(text)
    };
    let is_global = || {
        GLOBAL_REGISTRIES.iter().any(|(above, key)| {
            let path = [above, &[*key][..]].concat();
            leaf_at(set, &path).is_some_and(is_other)
        })
    };
    let (_, map) = name.split_last().unwrap_or((&"", &[]));
    let is_beside = match &registry {
        Some(path) => is_over && leaf_at(set, path).is_some_and(is_other),
        None => REGISTRIES.iter().any(|key| {
            let path = [map, &[*key]].concat();
            leaf_at(set, &path).is_some_and(is_other)
        }),
    };
    let has_own_name = is_over && leaf_at(set, &name).is_some();
    (is_beside || is_global()) && !has_own_name
}

fn leaf_at<'v>(table: &'v Table, path: &[&str]) -> Option<&'v Leaf> {
    let (last, map) = path.split_last()?;
    let map = values::table_at(table, map.iter().copied())?;
    map.get(*last)?.as_leaf()
}

impl Project for ValueLayers<'_> {
    fn groups(&self) -> Vec<Vec<PathBuf>> {
        let group = |(path, others): (&PathBuf, &Vec<Other>)| {
            let others = others.iter().map(|other| &other.path);
            std::iter::once(path).chain(others).cloned().collect()
        };
        self.all.iter().map(group).collect()
    }

    fn find(&self, _: &mut Members) -> Plan<'_> {
        Box::new(|members| {
            let own: Vec<_> = members
                .keys()
                .filter_map(|path| self.all.get_key_value(path))
                .collect();
            for (path, others) in own {
                self.doubt(path, others, members);
            }
        })
    }
}
