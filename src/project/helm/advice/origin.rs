//! The repository of a chart, as given by the file that names it or by a file that it refers to.

use std::path::{Path, PathBuf};

use super::super::values::{Table, Value};
use super::Advice;
use super::around::NamingFile;
use super::sources;
use super::ways::{self, Entry, Repository, dig, leaf};

impl Advice<'_> {
    /// Returns the origin of a chart that has advisories, and whether its repository was only guessed from the names.
    pub(super) fn known_origin(
        &self,
        file: &NamingFile<'_>,
        root: &Value,
        entry: &Entry<'_>,
    ) -> Option<(Origin, bool)> {
        let mut origin = self.origin(file.path, root, file.documents, entry)?;
        // Most charts have no advisories.
        let known = self
            .charts
            .of_chart(Some(&origin.repository), &origin.chart);
        let is_assumed = known.is_empty();
        if is_assumed {
            let namesake = self.charts.namesake(&origin.repository, &origin.chart);
            origin.repository = namesake?.to_owned();
        }
        Some((origin, is_assumed))
    }

    /// Returns the origin of a chart. If the URL of the repository is not in the tree, its name stands in for it.
    fn origin(
        &self,
        path: &Path,
        document: &Value,
        documents: &[Value],
        entry: &Entry<'_>,
    ) -> Option<Origin> {
        let name = entry.chart.text.trim();
        if name.starts_with("oci://") {
            let (_, last) = name.trim_end_matches('/').rsplit_once('/')?;
            return Some(Origin::of(name.to_owned(), last));
        }
        match entry.way.repository {
            Repository::InName => None,
            Repository::Base(kind) => {
                let table = document.as_table()?;
                let namespace = leaf(table, "metadata.namespace");
                let namespace = namespace.map(|leaf| &leaf.text);
                let said = self.base(path, kind, &entry.chart.text, namespace)?;
                let chart = said.chart?;
                Some(Origin {
                    bases: said.files,
                    ..Origin::of(chart.repository, &chart.chart)
                })
            }
            Repository::Url(key) => {
                let url = leaf(entry.table, key)?.text.trim().to_owned();
                let (url, name) = of_url(with_scheme(url), name);
                Some(Origin::of(url, name))
            }
            Repository::Object(key) => {
                let reference = dig(entry.table, key)?.as_table()?;
                self.of_repository(path, document, reference, name)
            }
            Repository::ChartObject(key) => {
                let reference = dig(entry.table, key)?.as_table()?;
                self.of_chart_object(path, document, reference)
            }
            Repository::Prefix(repositories) => {
                let (prefix, name) = name.split_once('/')?;
                let url = repository_called(prefix, documents, repositories).map(with_scheme);
                Some(Origin::of(url.unwrap_or_else(|| prefix.to_owned()), name))
            }
        }
    }

    /// Resolves a reference to an object that has the repository's URL, or uses the repository's name if the object
    /// is not in the tree.
    fn of_repository(
        &self,
        path: &Path,
        document: &Value,
        reference: &Table,
        name: &str,
    ) -> Option<Origin> {
        let found = self
            .sources
            .find(path, document, reference, sources::REPOSITORY);
        match found {
            Some(source) => Some(Origin {
                source: Some(source.path.clone()),
                ..Origin::of(source.url.to_string(), name)
            }),
            None => Some(Origin::of(leaf(reference, "name")?.text.to_string(), name)),
        }
    }

    /// Resolves a reference to an object that has the URL of the chart.
    fn of_chart_object(&self, path: &Path, document: &Value, reference: &Table) -> Option<Origin> {
        let found = self
            .sources
            .find(path, document, reference, sources::CHART)?;
        let (_, last) = found.url.trim_end_matches('/').rsplit_once('/')?;
        Some(Origin {
            source: Some(found.path.clone()),
            ..Origin::of(found.url.to_string(), last)
        })
    }
}

impl Origin {
    fn of(repository: String, chart: &str) -> Self {
        Self {
            repository,
            chart: chart.to_owned(),
            source: None,
            bases: Vec::new(),
        }
    }
}

/// The origin of a chart.
pub(super) struct Origin {
    pub(super) repository: String,
    /// The name of the chart in the repository.
    pub(super) chart: String,
    /// The file that has the URL, if it is another one.
    pub(super) source: Option<PathBuf>,
    /// For a patch: the files with the objects that it patches.
    pub(super) bases: Vec<PathBuf>,
}

/// Splits off the prefix of a chart's name: a folder of an OCI repository, or the alias of a repository whose URL is
/// known.
fn of_url(url: String, name: &str) -> (String, &str) {
    match name.rsplit_once('/') {
        Some((folder, name)) if url.starts_with("oci://") => {
            (format!("{}/{folder}", url.trim_end_matches('/')), name)
        }
        Some((_, name)) => (url, name),
        None => (url, name),
    }
}

/// Argo CD and helmfile omit the scheme of a registry.
fn with_scheme(url: String) -> String {
    match url.contains("://") {
        true => url,
        false => format!("oci://{url}"),
    }
}

/// Returns the URL of the repository with this name in the list at these steps.
fn repository_called(name: &str, documents: &[Value], steps: &str) -> Option<String> {
    let all = documents.iter();
    let mut all = all.flat_map(|root| ways::tables(0, root, steps));
    all.find_map(|(_, item)| {
        let is_it = leaf(item, "name").is_some_and(|own| &*own.text == name);
        is_it.then(|| leaf(item, "url").map(|url| url.text.to_string()))?
    })
}
