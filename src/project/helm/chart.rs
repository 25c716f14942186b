//! `Chart.yaml` and `requirements.yaml`: the name of a chart and its dependencies.
//!
//! Knows nothing of archives and folders.

use super::values::{self, LeafKind, Table, Value};
use crate::source::Span;

/// The metadata of a chart.
#[derive(Debug, Clone, Default)]
pub(super) struct Metadata {
    pub name: String,
    /// The location of the name.
    pub name_at: Option<Span>,
    pub version: String,
    /// `None` if there is no list at all: then Helm evaluates no conditions of subcharts below it either.
    pub dependencies: Option<Vec<Dependency>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dependency {
    pub name: String,
    pub alias: Option<String>,
    pub version: String,
    pub repository: String,
    /// Comma-separated paths to values that switch it on or off.
    pub condition: String,
    pub tags: Vec<String>,
    pub imports: Vec<Import>,
    /// The location of its name.
    pub at: Span,
    pub file: DependencyFile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DependencyFile {
    Chart,
    Requirements,
}

/// A table that a parent imports from a child. Paths are keys separated by dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    pub child: String,
    /// `.` means all of the parent's values.
    pub parent: String,
}

impl Dependency {
    /// The key of its values in the parent's values.
    pub(super) fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }

    /// The folder that it is packed from, if its repository is a `file://` path.
    pub(super) fn folder(&self) -> Option<&str> {
        self.repository.strip_prefix("file://")
    }
}

/// Reads the metadata of a chart. As in Helm, `requirements.yaml` replaces the dependencies in `Chart.yaml`.
///
/// # Errors
/// If one of the two files does not parse; the message names it.
pub(super) fn metadata(chart: &str, requirements: Option<&str>) -> Result<Metadata, String> {
    let table = values::read(chart, 0).map_err(|error| format!("its Chart.yaml {error}"))?;
    let mut metadata = Metadata {
        name: text(&table, "name").unwrap_or_default(),
        name_at: at(&table, "name"),
        version: text(&table, "version").unwrap_or_default(),
        dependencies: dependencies(&table, DependencyFile::Chart),
    };
    if let Some(requirements) = requirements {
        let table = values::read(requirements, 0)
            .map_err(|error| format!("its requirements.yaml {error}"))?;
        if let Some(dependencies) = dependencies(&table, DependencyFile::Requirements) {
            metadata.dependencies = Some(dependencies);
        }
    }
    Ok(metadata)
}

fn dependencies(table: &Table, file: DependencyFile) -> Option<Vec<Dependency>> {
    let Some(Value::List(items)) = table.get("dependencies") else {
        return None;
    };
    let read = |item: &Value| {
        let table = item.as_table()?;
        Some(Dependency {
            name: text(table, "name")?,
            at: at(table, "name")?,
            alias: text(table, "alias").filter(|alias| !alias.is_empty()),
            version: text(table, "version").unwrap_or_default(),
            repository: text(table, "repository").unwrap_or_default(),
            condition: text(table, "condition").unwrap_or_default(),
            tags: values::items(table, "tags")
                .iter()
                .filter_map(as_text)
                .collect(),
            imports: values::items(table, "import-values")
                .iter()
                .filter_map(import)
                .collect(),
            file,
        })
    };
    Some(items.iter().filter_map(read).collect())
}

fn import(value: &Value) -> Option<Import> {
    if let Some(name) = as_text(value) {
        return Some(Import {
            child: format!("exports.{name}"),
            parent: ".".to_owned(),
        });
    }
    let table = value.as_table()?;
    Some(Import {
        child: text(table, "child")?,
        parent: text(table, "parent")?,
    })
}

fn text(table: &Table, key: &str) -> Option<String> {
    table.get(key).and_then(as_text)
}

fn at(table: &Table, key: &str) -> Option<Span> {
    let leaf = table.get(key)?.as_leaf()?;
    Some(leaf.origin.span)
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Leaf(leaf) => Some(match leaf.kind {
            LeafKind::Bool(value) => value.to_string(),
            LeafKind::Text | LeafKind::Plain => leaf.text.to_string(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_replace_dependencies() {
        let chart = "name: a\nversion: 1.0.0\ndependencies:\n- name: old\n";
        let requirements = "dependencies:\n- name: b\n  version: 1.x\n  alias: c\n  repository: file://../b\n  \
            tags: [t]\n  import-values:\n  - data\n  - child: x.y\n    parent: z\n";
        let metadata = metadata(chart, Some(requirements)).unwrap();
        let dependencies = metadata.dependencies.unwrap();
        assert_eq!(dependencies.len(), 1);
        let one = &dependencies[0];
        assert_eq!((one.key(), one.folder()), ("c", Some("../b")));
        assert_eq!(one.at.of(requirements), "b");
        let imports: Vec<_> = one
            .imports
            .iter()
            .map(|import| (import.child.as_str(), import.parent.as_str()))
            .collect();
        assert_eq!(imports, [("exports.data", "."), ("x.y", "z")]);
        assert_eq!(metadata.name_at.map(|at| at.of(chart)), Some("a"));
    }
}
