//! Values in a `ConfigMap` of this tree, as the releases of Flux name them.
//!
//! Knows only what is written beside the release: an object, or a generator of a kustomization.

use std::path::{Path, PathBuf};

use super::given::Given;
use super::released_chart::text;
use super::values::{self, Spot, Table, Value, table_at};
use crate::project::{PathKind, Tree};

/// The key that is read where none is named.
pub(super) const DEFAULT_KEY: &str = "values.yaml";

/// Where the values under a key of a `ConfigMap` are that is written in a folder, or made by a kustomization there.
pub(super) fn values(tree: &dyn Tree, folder: &Path, name: &str, key: &str) -> Option<Given> {
    let beside = tree.list(folder).into_iter();
    let mut beside = beside.filter(|path| is_yaml(path) && tree.place(path) == PathKind::File);
    beside.find_map(|path| {
        let whole = tree.text(&path)?;
        if !whole.contains(name) {
            return None;
        }
        let documents = values::read_all(&whole, 0).ok()?;
        let mut tables = documents.iter().enumerate();
        tables.find_map(|(number, root)| {
            let root = root.as_table()?;
            match text(root, "kind").as_deref() == Some("ConfigMap") {
                true => {
                    let own = text(table_at(root, ["metadata"])?, "name");
                    let is_it = own.as_deref() == Some(name)
                        && text(table_at(root, ["data"])?, key).is_some();
                    let at = Spot::at_keys(number, &["data", key]).in_text();
                    is_it.then(|| Given::at(path.clone(), at))
                }
                false => generated(tree, folder, root, name, key).map(Given::whole),
            }
        })
    })
}

/// The file that a generator of a kustomization puts under a key: `files: [values.yaml=values-of-it.yaml]`.
fn generated(
    tree: &dyn Tree,
    folder: &Path,
    kustomization: &Table,
    name: &str,
    key: &str,
) -> Option<PathBuf> {
    let Value::List(generators) = kustomization.get("configMapGenerator")? else {
        return None;
    };
    let mut generators = generators.iter().filter_map(Value::as_table);
    let generator = generators.find(|one| text(one, "name").as_deref() == Some(name))?;
    let Value::List(files) = generator.get("files")? else {
        return None;
    };
    let path = files.iter().find_map(|file| {
        let Value::Leaf(file) = file else {
            return None;
        };
        let named = file.text.rsplit('/').next().unwrap_or_default();
        let (own, path) = file.text.split_once('=').unwrap_or((named, &file.text));
        (own == key).then(|| tree.resolve(folder, path))
    })?;
    (tree.place(&path) == PathKind::File).then_some(path)
}

/// Whether a file is one of values, by its name.
pub(super) fn is_yaml(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml"))
}
