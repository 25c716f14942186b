//! Values in `ConfigMap` objects of this tree, as Flux releases refer to them.
//!
//! Reads only objects and kustomization generators in the same folder as the release. Each folder is read once.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::by_text::{ByPath, ByText};
use super::given::Given;
use super::values::{self, Spot, Table, Value, table_at, text};
use crate::project::Tree;

/// The key that is read if none is given.
const DEFAULT_KEY: &str = "values.yaml";

/// The `ConfigMap` objects of a tree, folder by folder.
pub(super) struct ConfigMaps<'t> {
    tree: &'t dyn Tree,
    folders: ByPath<Arc<Folder>>,
    /// The parsed documents of each file.
    parsed: ByText<Option<Vec<Value>>>,
}

/// The locations of values, by the name of an object and the key in it.
type Folder = HashMap<(String, String), Given>;

impl<'t> ConfigMaps<'t> {
    pub(super) fn new(tree: &'t dyn Tree) -> Self {
        Self {
            tree,
            folders: ByPath::default(),
            parsed: ByText::default(),
        }
    }

    /// Locates the values that a `valuesFrom` item in a file of the folder refers to. `None` if it refers to another
    /// kind of object, sets a single value, or is not in this folder.
    pub(super) fn values(&self, folder: &Path, reference: &Table) -> Option<Given> {
        let is_single = !matches!(reference.get("targetPath"), None | Some(Value::Null));
        if is_single || text(reference, "kind")? != "ConfigMap" {
            return None;
        }
        let key = text(reference, "valuesKey").unwrap_or_else(|| DEFAULT_KEY.to_owned());
        let name = text(reference, "name")?;
        let read = || Arc::new(read(self.tree, folder));
        self.folders.of(folder, read).get(&(name, key)).cloned()
    }

    /// Reads the values at such a location from the file's text in this pass.
    pub(super) fn read(&self, given: &Given, text: &Arc<str>) -> Option<Table> {
        let read = || values::read_all(text, 0).ok();
        let documents = self.parsed.of(&given.file, text, read);
        given.values(documents.as_ref().as_ref()?).ok()
    }
}

/// Collects the values of a folder. The first entry with a name and a key wins.
fn read(tree: &dyn Tree, folder: &Path) -> Folder {
    let mut found = Folder::new();
    let beside = tree.list(folder).into_iter();
    for path in beside.filter(|path| is_yaml(path) && tree.is_file(path)) {
        let whole = tree.text(&path);
        let is_one = |text: &Arc<str>| text.contains("ConfigMap") || text.contains("configMap");
        let Some(Ok(documents)) = whole.filter(is_one).map(|text| values::read_all(&text, 0))
        else {
            continue;
        };
        let tables = documents.iter().enumerate();
        for (number, root) in tables.filter_map(|(number, root)| Some((number, root.as_table()?))) {
            match text(root, "kind").as_deref() == Some("ConfigMap") {
                true => add_object(&path, number, root, &mut found),
                false => add_generated(tree, folder, root, &mut found),
            }
        }
    }
    found
}

fn add_object(path: &Path, number: usize, root: &Table, found: &mut Folder) {
    let name = table_at(root, ["metadata"]).and_then(|own| text(own, "name"));
    let (Some(name), Some(data)) = (name, table_at(root, ["data"])) else {
        return;
    };
    for key in data.keys().filter(|key| text(data, key).is_some()) {
        let at = Spot::at_keys(number, &["data", key]).in_text();
        let given = Given::at(path.to_owned(), at);
        found.entry((name.clone(), key.clone())).or_insert(given);
    }
}

/// Adds the files that generators of a kustomization put under keys: `files: [values.yaml=values-of-it.yaml]`.
fn add_generated(tree: &dyn Tree, folder: &Path, kustomization: &Table, found: &mut Folder) {
    let generators = values::items(kustomization, "configMapGenerator");
    for generator in generators.iter().filter_map(Value::as_table) {
        let Some(name) = text(generator, "name") else {
            continue;
        };
        let files = values::items(generator, "files");
        for file in files.iter().filter_map(Value::as_leaf) {
            let named = file.text.rsplit('/').next().unwrap_or_default();
            let (key, path) = file.text.split_once('=').unwrap_or((named, &file.text));
            let path = tree.resolve(folder, path);
            if tree.is_file(&path) {
                let key = (name.clone(), key.to_owned());
                found.entry(key).or_insert_with(|| Given::whole(path));
            }
        }
    }
}

/// Whether a file is YAML by its name.
pub(super) fn is_yaml(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml"))
}
