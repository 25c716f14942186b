//! The charts that a file names, and what the files around say of each.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::given::Given as GivenAt;
use super::super::values::{Leaf, Spot, Table, Value};
use super::Advice;
use super::around::Around;
use super::given::{self, Given};
use super::places;
use super::sources;
use super::terraform;
use super::ways::{self, Document, Entry, Repository, Way, dig, leaf};
use crate::file_type::{self, Holds};
use crate::project::PathKind;
use crate::source::Span;
use crate::syntax::yaml;
use crate::version::satisfies;

/// A chart that is named, with what is known of it.
pub(super) struct Named {
    pub(super) chart: String,
    /// Where its name is.
    pub(super) name_at: Span,
    /// Where its version is; where it has none, its name.
    pub(super) version_at: Span,
    /// All of the document that names it, or of the release in Terraform.
    pub(super) extent: Option<Span>,
    /// Its version as it is written: perhaps a range, and empty where there is none.
    pub(super) asked: String,
    /// What a lock makes of that.
    pub(super) locked: Option<String>,
    pub(super) repository: String,
    /// Another file that has the repository's URL.
    pub(super) source: Option<PathBuf>,
    /// Whether only its values are looked at. Nothing but the name says which repository it is (a copy of one, or one whose
    /// URL is not here), or the object that has its version is judged by itself.
    pub(super) has_values_only: bool,
    pub(super) given: Given,
    /// Where values of the chart are.
    pub(super) places: Vec<GivenAt>,
    /// Whether no key can be added to values in the same file.
    pub(super) has_no_room: bool,
    /// Where values of it are in the same file to which nothing can be added.
    pub(super) closed: Vec<Spot>,
    /// What is put into values, in the same file.
    pub(super) filled_from: Option<Spot>,
    /// Of a dependency the key of the parent's values under which it gets its own.
    pub(super) key: Option<String>,
    /// Whether a condition switches it off.
    pub(super) is_off: bool,
    /// Whether the chart itself is here, and was looked into.
    pub(super) is_here: bool,
}

impl Advice<'_> {
    /// Every chart that a file names in a known repository; its version, if it has one, is plain text.
    pub(super) fn named(
        &self,
        path: &Path,
        text: &str,
        text_of: &dyn Fn(&Path) -> Option<Arc<str>>,
    ) -> Vec<Named> {
        let Some(file_type) =
            file_type::classify(path).filter(|file_type| ways::may_name(file_type, text))
        else {
            return Vec::new();
        };
        let documents = ways::documents(file_type, text);
        let extents = match file_type.holds {
            Holds::Terraform => terraform::extents(text),
            _ => yaml::documents(text),
        };
        let around = Around {
            tree: self.tree,
            path,
            text: text_of,
            config_maps: &self.config_maps,
            read: RefCell::default(),
        };
        let numbered = documents.iter().enumerate();
        let entries = numbered.flat_map(|(number, root)| {
            let entries = ways::entries(number, root, file_type).into_iter();
            entries.map(move |entry| (root, entry))
        });
        let entries = entries.filter(|(_, entry)| {
            let version = entry
                .version
                .is_none_or(|version| given::is_plain(version, text));
            version && given::is_plain(entry.chart, text)
        });
        entries
            .filter_map(|(root, entry)| {
                let mut origin = self.origin(path, root, &documents, &entry)?;
                // Of most charts nothing is known.
                let is_known = |one: &Origin| {
                    let known = self.charts.of_chart(Some(&one.repository), &one.chart);
                    !known.is_empty()
                };
                let is_assumed = !is_known(&origin);
                if is_assumed {
                    let namesake = self.charts.namesake(&origin.repository, &origin.chart);
                    origin.repository = namesake?.to_owned();
                }
                let mut named = of_entry(&entry, origin, &around);
                let is_elsewhere = matches!(entry.way.repository, Repository::ChartObject(_));
                named.has_values_only = is_assumed || is_elsewhere;
                let mut extents = extents.iter();
                named.extent = extents.find(|all| all.covers(named.name_at)).copied();
                Some(named)
            })
            .collect()
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
        let origin = |repository: String, chart: &str| Origin {
            repository,
            chart: chart.to_owned(),
            source: None,
        };
        if name.starts_with("oci://") {
            let (_, last) = name.trim_end_matches('/').rsplit_once('/')?;
            return Some(origin(name.to_owned(), last));
        }
        match entry.way.repository {
            Repository::InName => None,
            Repository::Url(key) => {
                let url = leaf(entry.table, key)?.text.trim().to_owned();
                let (url, name) = of_url(with_scheme(url), name);
                Some(origin(url, name))
            }
            Repository::Object(key) => {
                let reference = dig(entry.table, key)?.as_table()?;
                let found = self
                    .sources
                    .find(path, document, reference, sources::REPOSITORY);
                match found {
                    Some(source) => Some(Origin {
                        source: Some(source.path.clone()),
                        ..origin(source.url.to_string(), name)
                    }),
                    None => Some(origin(leaf(reference, "name")?.text.to_string(), name)),
                }
            }
            Repository::ChartObject(key) => {
                let reference = dig(entry.table, key)?.as_table()?;
                let found = self
                    .sources
                    .find(path, document, reference, sources::CHART)?;
                let (_, last) = found.url.trim_end_matches('/').rsplit_once('/')?;
                Some(Origin {
                    source: Some(found.path.clone()),
                    ..origin(found.url.to_string(), last)
                })
            }
            Repository::Prefix(repositories) => {
                let (prefix, name) = name.split_once('/')?;
                let url = repository_called(prefix, documents, repositories).map(with_scheme);
                Some(origin(url.unwrap_or_else(|| prefix.to_owned()), name))
            }
        }
    }
}

/// Where a chart comes from.
struct Origin {
    repository: String,
    /// Its name there.
    chart: String,
    /// The file that has the URL, if it is another one.
    source: Option<PathBuf>,
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

fn of_entry(entry: &Entry<'_>, origin: Origin, around: &Around<'_>) -> Named {
    let Origin {
        repository,
        chart,
        source,
    } = origin;
    let asked = entry.version.map_or("", |version| version.text.trim());
    let asked = asked.to_owned();
    let is_dependency = entry.way.is_dependency();
    let locked = is_dependency
        .then(|| locked(entry, &asked, around))
        .flatten();
    let exact = locked.as_ref().unwrap_or(&asked);
    let has_no_room = entry.way.document == Document::File(Holds::Terraform);
    let mut places = places::places(entry, around);
    places.retain(|place| !has_no_room || place.file != *around.path);
    Named {
        name_at: entry.chart.origin.span,
        version_at: entry.version.unwrap_or(entry.chart).origin.span,
        extent: None,
        is_off: is_dependency && is_off(entry, around),
        is_here: is_dependency && is_here(&chart, exact, around),
        given: Given::of(entry, around),
        places,
        has_no_room,
        closed: places::closed(entry),
        filled_from: entry.filled_from.clone(),
        key: is_dependency.then(|| {
            leaf(entry.table, "alias").map_or_else(|| chart.clone(), |key| key.text.to_string())
        }),
        asked,
        locked,
        repository,
        source,
        has_values_only: false,
        chart,
    }
}

impl Way {
    /// Whether it is a dependency of a chart: with a lock beside it, and `charts/`.
    fn is_dependency(&self) -> bool {
        let files = [
            Document::File(Holds::Chart),
            Document::File(Holds::Requirements),
        ];
        files.contains(&self.document)
    }
}

/// The version that the lock beside a chart has for a dependency, if it is one that was asked for.
fn locked(entry: &Entry<'_>, asked: &str, around: &Around<'_>) -> Option<String> {
    let lock = match around.path.file_stem()?.to_str()? {
        "requirements" => "requirements.lock",
        _ => "Chart.lock",
    };
    let table = around.values(&around.path.with_file_name(lock))?;
    let Some(Value::List(items)) = table.get("dependencies") else {
        return None;
    };
    let text = |table: &Table, key: &str| leaf(table, key).map(|leaf| leaf.text.to_string());
    let own = items.iter().filter_map(Value::as_table).filter(|item| {
        let same = |key: &str| text(item, key) == text(entry.table, key);
        same("name") && same("repository")
    });
    let mut versions = own.filter_map(|item| text(item, "version"));
    versions.find(|version| satisfies(version, asked))
}

fn is_off(entry: &Entry<'_>, around: &Around<'_>) -> bool {
    let Some(Leaf { text: paths, .. }) = leaf(entry.table, "condition") else {
        return false;
    };
    let table = around.values(&around.path.with_file_name("values.yaml"));
    table.is_some_and(|table| given::switch_of(&table, paths) == Some(false))
}

/// Whether a dependency is in `charts/`, packed or not.
fn is_here(chart: &str, version: &str, around: &Around<'_>) -> bool {
    let folder = around.path.with_file_name("charts");
    let is_archive = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        let packed = name.and_then(|name| name.strip_prefix(chart)?.strip_suffix(".tgz"));
        let packed = packed.and_then(|rest| rest.strip_prefix('-'));
        packed.is_some_and(|packed| satisfies(packed, version))
    };
    let unpacked = folder.join(chart).join("Chart.yaml");
    around.tree.place(&unpacked) == PathKind::File
        || around.tree.list(&folder).iter().any(is_archive)
}
