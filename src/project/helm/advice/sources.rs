//! The repositories of charts that are named by reference: Flux `HelmRepository` and `OCIRepository` objects anywhere
//! in the tree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::values::{Table, Value};
use super::ways::{documents, is_object, leaf};
use crate::file_type;

/// The API group of Flux's sources.
const GROUP: &str = "source.toolkit.fluxcd.io";

/// The kinds of objects that have the URL of a repository, or of a single chart.
pub(super) const REPOSITORY: &str = "HelmRepository";
pub(super) const CHART: &str = "OCIRepository";

/// The repositories of a tree, in the order of their files.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Source>);

/// A repository object.
#[derive(Debug)]
pub(super) struct Source {
    pub path: PathBuf,
    kind: &'static str,
    name: Arc<str>,
    namespace: Option<Arc<str>>,
    pub url: Arc<str>,
}

impl Sources {
    /// Reads the repositories of a file.
    pub(super) fn of(path: &Path, text: &str) -> Self {
        // A release also contains the kind, but not the group.
        let kinds = [REPOSITORY, CHART];
        if !(kinds.iter().any(|kind| text.contains(kind)) && text.contains(GROUP)) {
            return Self::default();
        }
        let documents = file_type::classify(path).map_or(Vec::new(), |kind| documents(kind, text));
        let tables = documents.iter().filter_map(Value::as_table);
        let sources = tables.filter_map(|root| {
            let text = |path: &str| leaf(root, path).map(|leaf| Arc::clone(&leaf.text));
            Some(Source {
                path: path.to_owned(),
                kind: kinds
                    .into_iter()
                    .find(|kind| is_object(root, GROUP, kind))?,
                name: text("metadata.name")?,
                namespace: text("metadata.namespace"),
                url: text("spec.url")?,
            })
        });
        Self(sources.collect())
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Resolves a reference to an object of a kind, made in a document of a file. `None` if several objects with
    /// different URLs could be meant.
    ///
    /// A namespace that is not written comes from a kustomization, so it matches any.
    pub(super) fn find(
        &self,
        path: &Path,
        document: &Value,
        reference: &Table,
        kind: &str,
    ) -> Option<&Source> {
        if leaf(reference, "kind").is_some_and(|own| *own.text != *kind) {
            return None;
        }
        let name = leaf(reference, "name")?;
        let namespace = leaf(reference, "namespace")
            .or_else(|| leaf(document.as_table()?, "metadata.namespace"));
        let of_kind = self.0.iter().filter(|one| one.kind == kind);
        let named = of_kind.filter(|one| one.name == name.text);
        let may_be = named.filter(|one| match (&one.namespace, namespace) {
            (Some(own), Some(wanted)) => **own == *wanted.text,
            _ => true,
        });
        // Clusters in sibling folders each have their own.
        let shared = |one: &&Source| {
            let pairs = one.path.iter().zip(path.iter());
            pairs.take_while(|(one, other)| one == other).count()
        };
        let mut found: Vec<&Source> = may_be.collect();
        let nearest = found.iter().map(shared).max()?;
        found.retain(|one| shared(one) == nearest);
        let first = found.first()?;
        found
            .iter()
            .all(|one| one.url == first.url)
            .then_some(*first)
    }
}
