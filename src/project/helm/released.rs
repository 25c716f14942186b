//! Packaged charts of the tree that a Flux `HelmRelease` or a helmfile releases: the override of what they have by default
//! goes into the values of the release.
//!
//! Only archives: a chart in a folder is the user's own, and edited there. Nothing is said of releases whose values come
//! from where they cannot be read here: `valuesFrom`, `valuesFiles`, templates.

use std::path::{Path, PathBuf};

use super::inflated::{Inflated, has_news, text};
use super::load::Loader;
use super::values::{self, Step, Table, Value, table_at};
use crate::kind::Kind;
use crate::project::{Place, Tree};
use crate::rules::anchors::Anchors;

const ARCHIVE: &str = ".tgz";

/// How far above a release the root of its source is looked for.
const MOST_FOLDERS: usize = 32;

/// Whether a file may release an archive, by a look at its bytes.
pub fn may_release(kind: &Kind, bytes: &[u8]) -> bool {
    let has = |needle: &str| memchr::memmem::find(bytes, needle.as_bytes()).is_some();
    match kind.name {
        "helmfile" => has(ARCHIVE),
        "yaml" => has(ARCHIVE) && has("HelmRelease"),
        _ => false,
    }
}

/// A release as its file tells of it.
struct Release {
    archive: PathBuf,
    name: Vec<Step>,
    values: PathBuf,
    at: Vec<Step>,
    below: Vec<PathBuf>,
}

/// The releases of archives that something could be told of.
pub(super) fn of(tree: &dyn Tree, path: &Path, anchors: &Anchors) -> Vec<Inflated> {
    let Some(root) = tree.text(path).and_then(|text| values::read(&text, 0).ok()) else {
        return Vec::new();
    };
    let releases = match root.get("releases") {
        Some(Value::List(items)) => items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| of_helmfile(tree, path, index, item.as_table()?))
            .collect(),
        _ => Vec::from_iter(of_flux(tree, path, &root)),
    };
    let inflated = |one: Release| {
        let loaded = Loader::new(tree, anchors, false).load_archive(&one.archive);
        has_news(&loaded).then(|| Inflated {
            asking: path.to_owned(),
            folder: one.archive,
            values: one.values,
            loaded,
            name: one.name,
            at: one.at,
            below: one.below,
        })
    };
    releases.into_iter().filter_map(inflated).collect()
}

/// Flux takes the path from the root of the source.
fn of_flux(tree: &dyn Tree, path: &Path, root: &Table) -> Option<Release> {
    let is_release = text(root, "kind")? == "HelmRelease"
        && text(root, "apiVersion")?.starts_with("helm.toolkit.fluxcd.io/");
    let spec = root.get("spec")?.as_table()?;
    let chart = table_at(spec, ["chart", "spec"])?;
    let source = text(chart.get("sourceRef")?.as_table()?, "kind")?;
    let hidden = spec.contains_key("valuesFrom")
        || chart.contains_key("valuesFiles")
        || chart.contains_key("valuesFile");
    if !is_release || source != "GitRepository" || hidden {
        return None;
    }
    let named = text(chart, "chart").filter(|chart| chart.ends_with(ARCHIVE))?;
    let named = named.trim_start_matches("./").trim_start_matches('/');
    let folder = path.parent()?;
    // Where the repository ends is not known here, only where nothing more may be seen: the outermost folder counts.
    let above = (0..MOST_FOLDERS).map(|depth| tree.resolve(folder, &"../".repeat(depth)));
    let seen = above.take_while(|folder| tree.place(folder) == Place::Folder);
    let archives = seen.map(|folder| tree.resolve(&folder, named));
    let archive = archives
        .filter(|archive| tree.place(archive) == Place::File)
        .last()?;
    Some(Release {
        archive,
        name: keys(&["spec", "chart", "spec", "chart"]),
        values: path.to_owned(),
        at: keys(&["spec", "values"]),
        below: Vec::new(),
    })
}

/// helmfile takes the path from its own folder; of the values, the last win.
fn of_helmfile(tree: &dyn Tree, path: &Path, index: usize, release: &Table) -> Option<Release> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let archive = text(release, "chart").filter(|chart| chart.ends_with(ARCHIVE))?;
    let archive = tree.resolve(folder, &archive);
    if tree.place(&archive) != Place::File {
        return None;
    }
    let steps = |key: &str| {
        let mut steps = keys(&["releases"]);
        steps.extend([Step::Item(index), Step::Key(key.to_owned())]);
        steps
    };
    // Other keys by which values come: `set`, and what a template lends.
    let hidden = [
        "set",
        "setString",
        "setTemplate",
        "inherit",
        "valuesTemplate",
    ];
    if hidden.iter().any(|key| release.contains_key(*key)) {
        return None;
    }
    let none = Vec::new();
    let items: &[Value] = match release.get("values") {
        Some(Value::List(items)) => items,
        None | Some(Value::Null) => &none,
        _ => return None,
    };
    let file = |item: &Value| match item {
        Value::Leaf(leaf) => {
            let file = tree.resolve(folder, &leaf.text);
            let known = leaf.text.ends_with(".yaml") || leaf.text.ends_with(".yml");
            (known && tree.place(&file) == Place::File).then_some(file)
        }
        _ => None,
    };
    let (inline, files) = match items.split_last() {
        Some((Value::Table(_), files)) => (true, files),
        _ => (false, items),
    };
    let mut below: Vec<PathBuf> = files.iter().map(file).collect::<Option<_>>()?;
    let last = if inline { None } else { below.pop() };
    let (values, at) = match last {
        Some(last) => (last, Vec::new()),
        None => {
            // Where there is no list of values yet, there is no room: the finding says so.
            let mut at = steps("values");
            at.push(Step::Item(items.len().saturating_sub(1)));
            (path.to_owned(), at)
        }
    };
    Some(Release {
        archive,
        name: steps("chart"),
        values,
        at,
        below,
    })
}

fn keys(path: &[&str]) -> Vec<Step> {
    path.iter()
        .map(|key| Step::Key((*key).to_owned()))
        .collect()
}
