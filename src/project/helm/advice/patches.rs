//! Patches of objects that name charts: inline in a kustomization, or in files for which it gives a target.
//!
//! A file that names its object itself is read like any object (`named`). A value that a JSON patch adds has no room
//! for another key.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::given::Given as GivenAt;
use super::super::values::{self, Spot, Step, Table, Value};
use super::Advice;
use super::around::NamingFile;
use super::bases::{Kind, Said};
use super::given::Given;
use super::named::Named;
use super::places::{self, Place};
use super::ways::{self, Entry, Form, Way, dig, leaf, tables};
use crate::file_type;
use crate::source::Span;
use crate::syntax::json_pointer::unescaped;

/// The lists of patches in a kustomization, and in objects that contain one.
const LISTS: [&str; 5] = [
    "patches []",
    "patchesJson6902 []",
    "spec patches []",
    "spec patchesJson6902 []",
    "spec source kustomize patches []",
];
const TEXTS: &str = "patchesStrategicMerge";

type TextOf<'a> = &'a dyn Fn(&Path) -> Option<Arc<str>>;

/// The target of a patch, as declared in its list.
#[derive(Clone, Copy)]
struct Target<'v> {
    kind: Kind,
    /// `None` means every object of the kind.
    name: Option<&'v Arc<str>>,
    namespace: Option<&'v Arc<str>>,
}

impl<'v> Target<'v> {
    fn of(patch: &'v Table) -> Option<Self> {
        let target = dig(patch, "target")?.as_table()?;
        let kind = leaf(target, "kind")?;
        let group = leaf(target, "group");
        let mut kinds = ways::patched_kinds();
        Some(Self {
            kind: kinds.find(|(own, name)| {
                *kind.text == **name && group.is_none_or(|group| *group.text == **own)
            })?,
            name: leaf(target, "name").map(|leaf| &leaf.text),
            namespace: leaf(target, "namespace").map(|leaf| &leaf.text),
        })
    }
}

/// A patch, and its location.
struct Patch<'v> {
    file: PathBuf,
    /// For an inline patch: its location in the file, and its span there.
    at: Option<(Spot, Span)>,
    text: Arc<str>,
    target: Option<Target<'v>>,
}

impl Patch<'_> {
    /// Returns the location of the whole patch.
    fn whole(&self) -> GivenAt {
        let at = self.at.as_ref().map(|(at, _)| at.clone());
        GivenAt::at(self.file.clone(), at.unwrap_or_default())
    }
}

impl Advice<'_> {
    /// Returns the charts whose values a file patches.
    pub(super) fn patched(&self, file: &NamingFile<'_>, text_of: TextOf<'_>) -> Vec<Named> {
        if !ways::has_patches(file.text) {
            return Vec::new();
        }
        let documents = file.documents.iter().enumerate();
        let patches =
            documents.flat_map(|(number, root)| self.patches(file, number, root, text_of));
        let mut found: Vec<((Kind, String), Named)> = Vec::new();
        for patch in patches {
            let Ok(documents) = values::read_all(&patch.text, 0) else {
                continue;
            };
            let own = file_type::standard_input();
            let ways = ways::possible(own, &patch.text);
            let own = NamingFile::new(&patch.file, &patch.text, own, &documents, &ways);
            for (root, entries) in own.each() {
                found.extend(match root {
                    Value::List(operations) => {
                        self.of_operations(file, &patch, operations, text_of)
                    }
                    _ => self.of_merge(file, &patch, (root, entries, documents.len()), text_of),
                });
            }
        }
        // Patches of one object are applied together.
        let lifted = found.iter().filter(|(_, named)| named.is_lifted);
        let lifted: HashSet<(Kind, String)> = lifted.map(|(key, _)| key.clone()).collect();
        let named = found.into_iter().map(|(key, mut named)| {
            named.is_lifted |= lifted.contains(&key);
            named
        });
        named.collect()
    }

    fn patches<'v>(
        &self,
        file: &NamingFile<'_>,
        number: usize,
        root: &'v Value,
        text_of: TextOf<'_>,
    ) -> Vec<Patch<'v>> {
        let here = |at: Spot, leaf: &'v values::Leaf, target: Option<Target<'v>>| Patch {
            file: file.path.to_owned(),
            at: Some((at.in_text(), leaf.origin.span)),
            text: Arc::clone(&leaf.text),
            target,
        };
        let listed = LISTS.iter().flat_map(|steps| tables(number, root, steps));
        let mut found: Vec<Patch<'v>> = listed
            .filter_map(|(at, table)| {
                let target = Target::of(table);
                if let Some(leaf) = leaf(table, "patch") {
                    return Some(here(at.keys(&["patch"]), leaf, target));
                }
                let folder = file.path.parent().unwrap_or(Path::new(""));
                let path = self.tree.resolve(folder, &leaf(table, "path")?.text);
                Some(Patch {
                    target: Some(target?),
                    at: None,
                    text: text_of(&path)?,
                    file: path,
                })
            })
            .collect();
        if let Some(Value::List(items)) = root.as_table().and_then(|root| root.get(TEXTS)) {
            for (index, item) in items.iter().enumerate() {
                if let Value::Leaf(leaf) = item
                    && leaf.text.contains('\n')
                {
                    let at = Spot::at_keys(number, &[TEXTS]).item(index);
                    found.push(here(at, leaf, None));
                }
            }
        }
        found
    }

    /// Reads a document that patches an object by merging. `count` is the number of documents in its text.
    fn of_merge(
        &self,
        file: &NamingFile<'_>,
        patch: &Patch<'_>,
        (root, entries, count): (&Value, &[Entry<'_>], usize),
        text_of: TextOf<'_>,
    ) -> Vec<((Kind, String), Named)> {
        let around = self.around(&patch.file, text_of);
        let named = entries.iter().filter_map(|entry| {
            let kind = entry.way.base()?;
            let own = leaf(root.as_table()?, "metadata.namespace").map(|leaf| &leaf.text);
            let target = patch.target.unwrap_or(Target {
                kind,
                name: Some(&entry.chart.text),
                namespace: own,
            });
            let given = Given::of(entry, &around);
            let (places, closed) = match patch.at {
                None => (
                    places::places(entry, &around),
                    places::closed(entry, &around),
                ),
                Some(_) if count == 1 => in_text(entry, patch),
                Some(_) => (Vec::new(), vec![patch.whole()]),
            };
            self.of_patch(file, patch, target, given, text_of)
                .map(|(key, named)| {
                    let named = Named {
                        places,
                        closed,
                        ..named
                    };
                    (key, named)
                })
        });
        named.collect()
    }

    /// Reads the operations of a JSON patch on the values of its target.
    fn of_operations(
        &self,
        file: &NamingFile<'_>,
        patch: &Patch<'_>,
        operations: &[Value],
        text_of: TextOf<'_>,
    ) -> Vec<((Kind, String), Named)> {
        let Some(target) = patch.target else {
            return Vec::new();
        };
        let Some(way) = ways::patching(target.kind) else {
            return Vec::new();
        };
        let operations = operations.iter().filter_map(Value::as_table);
        let operations = operations.filter(|one| {
            let path = leaf(one, "path");
            path.is_some_and(|path| concerns_values(way, &path.text))
        });
        let operations: Vec<&Table> = operations.collect();
        if operations.is_empty() {
            return Vec::new();
        }
        let given = Given::of_values(added(way, &operations));
        let named = self.of_patch(file, patch, target, given, text_of);
        let named = named.map(|(key, named)| {
            let closed = vec![patch.whole()];
            (key, Named { closed, ..named })
        });
        Vec::from_iter(named)
    }

    fn of_patch(
        &self,
        file: &NamingFile<'_>,
        patch: &Patch<'_>,
        target: Target<'_>,
        mut given: Given,
        text_of: TextOf<'_>,
    ) -> Option<((Kind, String), Named)> {
        let Target {
            kind,
            name,
            namespace,
        } = target;
        let Said { chart, files, .. } = match name {
            Some(name) => self.base(file.path, kind, name, namespace)?,
            None => self.bases_of(file.path, kind)?,
        };
        let name = name.map_or("", |name| name.trim());
        let is_lifted = given.is_lifted() || self.are_lifted(&files, (kind, name), text_of);
        if patch.at.is_none() {
            given.files.push(patch.file.clone());
        }
        let extent = patch.at.as_ref().map(|(_, span)| *span);
        let named = Named {
            extent,
            is_lifted,
            bases: files,
            ..Named::of_values(chart?, given, extent.unwrap_or(Span::new(0, 0)))
        };
        Some(((kind, name.to_owned()), named))
    }
}

/// Returns the locations of values in a text that patches an object, and the locations that nothing can be added to.
fn in_text(entry: &Entry<'_>, patch: &Patch<'_>) -> (Vec<Place>, Vec<GivenAt>) {
    let (mut places, mut closed) = (Vec::new(), Vec::new());
    for (path, form) in entry.way.values {
        match (form, dig(entry.table, path)) {
            (_, None) => {}
            (Form::Values, Some(Value::Table(_))) => {
                let steps = entry.at.steps.iter().filter_map(|step| match step {
                    Step::Key(key) => Some(key.as_str()),
                    Step::Item(_) => None,
                });
                let keys = steps.chain(path.split('.')).map(str::to_owned);
                places.push(Place {
                    given: patch.whole(),
                    keys: keys.collect(),
                });
            }
            _ => closed.push(patch.whole()),
        }
    }
    (places, closed)
}

/// Returns the JSON pointers to the values of an object.
fn pointers(way: &'static Way) -> impl Iterator<Item = (String, Form)> {
    let above = way.entries.first().copied().unwrap_or_default();
    let values = way.values.iter();
    values.map(move |(path, form)| {
        let steps = above.split(' ').chain(path.split('.'));
        (steps.map(|step| format!("/{step}")).collect(), *form)
    })
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn concerns_values(way: &'static Way, path: &str) -> bool {
    let mut values = pointers(way);
    values.any(|(values, _)| is_below(path, &values) || is_below(&values, path))
}

/// Returns the values that the operations add.
fn added(way: &'static Way, operations: &[&Table]) -> Table {
    let mut table = Table::new();
    let pointers: Vec<(String, Form)> = pointers(way).collect();
    for one in operations {
        let Some(path) = leaf(one, "path") else {
            continue;
        };
        let mut own = pointers.iter().filter(|(_, form)| *form == Form::Values);
        let own = own.find_map(|(values, _)| path.text.strip_prefix(&format!("{values}/")));
        if let (Some(own), Some(value)) = (own, one.get("value")) {
            let keys: Vec<String> = own.split('/').map(unescaped).collect();
            values::set(&mut table, &keys, value);
        }
    }
    table
}
