//! Where a chart comes from: the repository that a file, or another that it refers to, has for it.

use std::path::{Path, PathBuf};

use super::super::values::{Table, Value};
use super::Advice;
use super::around::NamingFile;
use super::sources;
use super::ways::{self, Entry, Repository, dig, leaf};

impl Advice<'_> {
    /// Where a chart comes from of which something is known, and whether only the name of its repository is.
    pub(super) fn known_origin(
        &self,
        file: &NamingFile<'_>,
        root: &Value,
        entry: &Entry<'_>,
    ) -> Option<(Origin, bool)> {
        let mut origin = self.origin(file.path, root, file.documents, entry)?;
        // Of most charts nothing is known.
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

    /// Where a chart comes from; of a repository whose URL is not here its name.
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

    /// By a reference to an object that has the URL; by its name where that is not here.
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

    /// By a reference to an object that has the URL of the chart.
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

/// Where a chart comes from.
pub(super) struct Origin {
    pub(super) repository: String,
    /// Its name there.
    pub(super) chart: String,
    /// The file that has the URL, if it is another one.
    pub(super) source: Option<PathBuf>,
    /// Of a patch the files that have what it patches.
    pub(super) bases: Vec<PathBuf>,
}

/// A repository and a chart whose name has a folder before it, or the name of the repository that has its URL beside it.
fn of_url(url: String, name: &str) -> (String, &str) {
    match name.rsplit_once('/') {
        Some((folder, name)) if url.starts_with("oci://") => {
            (format!("{}/{folder}", url.trim_end_matches('/')), name)
        }
        Some((_, name)) => (url, name),
        None => (url, name),
    }
}

/// Argo CD and helmfile leave the scheme of a registry out.
fn with_scheme(url: String) -> String {
    match url.contains("://") {
        true => url,
        false => format!("oci://{url}"),
    }
}

/// The URL of a repository among those that are explained at such steps.
fn repository_called(name: &str, documents: &[Value], steps: &str) -> Option<String> {
    let all = documents.iter();
    let mut all = all.flat_map(|root| ways::tables(0, root, steps));
    all.find_map(|(_, item)| {
        let is_it = leaf(item, "name").is_some_and(|own| &*own.text == name);
        is_it.then(|| leaf(item, "url").map(|url| url.text.to_string()))?
    })
}
