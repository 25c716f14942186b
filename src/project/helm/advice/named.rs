//! The charts that a file names, and what other files add about each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::given::Given as GivenAt;
use super::super::values::{Leaf, Spot, Table, Value, items};
use super::Advice;
use super::around::{Around, NamingFile};
use super::bases::Chart;
use super::given::{self, Given};
use super::origin::Origin;
use super::places::{self, Place};
use super::terraform;
use super::ways::{self, Document, Entry, Repository, Way, leaf};
use crate::file_type::{self, Holds};
use crate::source::{Span, file_name};
use crate::syntax::yaml;
use crate::version::satisfies;

/// A chart that a file names, and the known facts about it.
pub(super) struct Named {
    pub(super) chart: String,
    /// The location of its name.
    pub(super) name_at: Span,
    /// The location of its version, or of its name if it has no version.
    pub(super) version_at: Span,
    /// The whole document that names it, or the release in Terraform.
    pub(super) extent: Option<Span>,
    /// The version as written: possibly a range, and empty if there is none.
    pub(super) asked: String,
    /// The version in the lock file.
    pub(super) locked: Option<String>,
    pub(super) repository: String,
    /// The other file that has the repository's URL, if there is one.
    pub(super) source: Option<PathBuf>,
    /// Whether only its values are checked: if only a name suggests which repository it is (a mirror, or a URL that
    /// is not in the tree), or if the object with its version is judged separately.
    pub(super) has_values_only: bool,
    pub(super) given: Given,
    /// For a patch: the files with the objects that it patches.
    pub(super) bases: Vec<PathBuf>,
    /// Whether values make the chart accept images from other registries.
    pub(super) is_lifted: bool,
    /// The locations of values of the chart.
    pub(super) places: Vec<Place>,
    /// Whether its values in the same file are written in HCL.
    pub(super) is_hcl: bool,
    /// Locations of values that nothing can be added to.
    pub(super) closed: Vec<GivenAt>,
    /// The location in the same file of the texts that are substituted into the values.
    pub(super) filled_from: Option<Spot>,
    /// For a dependency: the key of its values in the parent's values.
    pub(super) key: Option<String>,
    /// Whether a condition switches it off.
    pub(super) is_off: bool,
    /// Whether the chart itself is in the tree and was analysed.
    pub(super) is_here: bool,
}

impl Named {
    /// A chart of which only values are available.
    pub(super) fn of_values(chart: Chart, given: Given, at: Span) -> Self {
        Self {
            chart: chart.chart,
            name_at: at,
            version_at: at,
            extent: None,
            asked: String::new(),
            locked: None,
            repository: chart.repository,
            source: None,
            has_values_only: true,
            given,
            bases: Vec::new(),
            is_lifted: false,
            places: Vec::new(),
            is_hcl: false,
            closed: Vec::new(),
            filled_from: None,
            key: None,
            is_off: false,
            is_here: false,
        }
    }
}

impl Advice<'_> {
    /// Returns every chart that a file names in a known repository, if its name and version are plain text.
    pub(super) fn named(
        &self,
        path: &Path,
        text: &str,
        text_of: &dyn Fn(&Path) -> Option<Arc<str>>,
    ) -> Vec<Named> {
        let Some(file_type) = file_type::classify(path) else {
            return Vec::new();
        };
        let ways = ways::possible(file_type, text);
        if ways.is_empty() && !ways::has_patches(text) {
            return Vec::new();
        }
        let documents = ways::documents(file_type, text);
        let file = NamingFile::new(path, text, file_type, &documents, &ways);
        self.named_in(&file, text_of)
    }

    /// The same for a file that was already parsed.
    pub(super) fn named_in(
        &self,
        file: &NamingFile<'_>,
        text_of: &dyn Fn(&Path) -> Option<Arc<str>>,
    ) -> Vec<Named> {
        let NamingFile { path, text, .. } = *file;
        let extents = match file.file_type.holds {
            Holds::Terraform => file.documents.iter().flat_map(terraform::extents).collect(),
            _ => yaml::documents(text),
        };
        let around = self.around(path, text_of);
        let entries = file.each();
        let entries =
            entries.flat_map(|(root, entries)| entries.iter().map(move |entry| (root, entry)));
        let entries = entries.filter(|(_, entry)| {
            let version = entry
                .version
                .is_none_or(|version| given::is_plain(version, text));
            version && given::is_plain(entry.chart, text)
        });
        let named = entries.filter_map(|(root, entry)| {
            let (origin, is_assumed) = self.known_origin(file, root, entry)?;
            let bases = origin.bases.clone();
            let mut named = of_entry(entry, origin, &around);
            let is_elsewhere = matches!(
                entry.way.repository,
                Repository::ChartObject(_) | Repository::Base(_)
            );
            named.has_values_only = is_assumed || is_elsewhere;
            let mut extents = extents.iter();
            named.extent = extents.find(|all| all.covers(named.name_at)).copied();
            named.is_lifted = named.given.is_lifted()
                || entry.way.base().is_some_and(|kind| {
                    self.are_lifted(&bases, (kind, entry.chart.text.trim()), text_of)
                });
            named.bases = bases;
            Some(named)
        });
        named.chain(self.patched(file, text_of)).collect()
    }

    pub(super) fn around<'a>(
        &'a self,
        path: &'a Path,
        text: &'a dyn Fn(&Path) -> Option<Arc<str>>,
    ) -> Around<'a> {
        Around::new(self.tree, &self.config_maps, path, text)
    }
}

fn of_entry(entry: &Entry<'_>, origin: Origin, around: &Around<'_>) -> Named {
    let Origin {
        repository,
        chart,
        source,
        ..
    } = origin;
    let asked = entry.version.map_or("", |version| version.text.trim());
    let asked = asked.to_owned();
    let is_dependency = entry.way.is_dependency();
    let locked = is_dependency
        .then(|| locked(entry, &asked, around))
        .flatten();
    let exact = locked.as_ref().unwrap_or(&asked);
    let is_hcl = entry.way.document == Document::File(Holds::Terraform);
    let mut places = places::places(entry, around);
    places.retain(|place| !is_hcl || place.given.file != *around.path);
    Named {
        name_at: entry.chart.origin.span,
        version_at: entry.version.unwrap_or(entry.chart).origin.span,
        extent: None,
        is_off: is_dependency && is_off(entry, around),
        is_here: is_dependency && is_here(&chart, exact, around),
        given: Given::of(entry, around),
        places,
        is_hcl,
        closed: places::closed(entry, around),
        filled_from: entry.filled_from.clone(),
        key: is_dependency.then(|| {
            leaf(entry.table, "alias").map_or_else(|| chart.clone(), |key| key.text.to_string())
        }),
        asked,
        locked,
        repository,
        source,
        has_values_only: false,
        bases: Vec::new(),
        is_lifted: false,
        chart,
    }
}

impl Way {
    /// Whether the way is a dependency of a chart, which has a lock file and `charts/` next to it.
    fn is_dependency(&self) -> bool {
        let files = [
            Document::File(Holds::Chart),
            Document::File(Holds::Requirements),
        ];
        files.contains(&self.document)
    }
}

/// Returns the version of a dependency in the lock file, if it satisfies the requested one.
fn locked(entry: &Entry<'_>, asked: &str, around: &Around<'_>) -> Option<String> {
    let lock = match around.path.file_stem()?.to_str()? {
        "requirements" => "requirements.lock",
        _ => "Chart.lock",
    };
    let table = around.values(&around.path.with_file_name(lock))?;
    let items = items(&table, "dependencies");
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

/// Whether a dependency is in `charts/`, packed or unpacked.
fn is_here(chart: &str, version: &str, around: &Around<'_>) -> bool {
    let folder = around.path.with_file_name("charts");
    let is_archive = |path: &PathBuf| {
        let packed = file_name(path).strip_prefix(chart);
        let packed = packed.and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".tgz"));
        packed.is_some_and(|packed| satisfies(packed, version))
    };
    let unpacked = folder.join(chart).join("Chart.yaml");
    around.tree.is_file(&unpacked) || around.tree.list(&folder).iter().any(is_archive)
}
