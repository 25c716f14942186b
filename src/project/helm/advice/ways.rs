//! The ways in which a file names a chart.
//!
//! A row describes where in a document the chart, its repository, its version and its values are. Knows nothing about
//! individual charts.

mod rows;
mod tables;
mod words;

use std::path::Path;
use std::sync::LazyLock;

use super::super::values::{self, Leaf, Spot, Table, Value};
use super::bases::Kind;
use super::terraform;
use crate::file_type::{self, FileType, Holds, Masks};
use crate::search::Search;
use crate::source::{self, Span};
use rows::WAYS;
pub(super) use tables::at as tables;
use words::Present;

/// A way to name a chart.
#[derive(Debug)]
pub(super) struct Way {
    pub document: Document,
    /// The steps to the tables that each name a chart, in the syntax of [`tables::at`].
    pub entries: &'static [&'static str],
    pub chart: &'static str,
    pub repository: Repository,
    /// The first path that exists is used.
    version: &'static [&'static str],
    /// The paths of the chart's values. Later ones win.
    pub values: &'static [(&'static str, Form)],
}

/// The documents that a way applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    /// A Kubernetes object: its API group and its kind.
    Object(&'static str, &'static str),
    /// A file of this type.
    File(Holds),
    /// Any document that has the entries and is not a Kubernetes object.
    Any,
}

/// The way in which the repository is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repository {
    /// Its URL, at this path.
    Url(&'static str),
    /// A reference, at this path, to an object that has the URL.
    Object(&'static str),
    /// A reference, at this path, to an object that has the URL and the version of the chart itself.
    ChartObject(&'static str),
    /// An alias before the chart's name, which the tables at these steps define.
    Prefix(&'static str),
    /// The chart's own name is the URL.
    InName,
    /// None of its own: this object patches the one with this kind and the same name.
    Base(Kind),
}

/// The form in which values are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A table, or a string that contains one.
    Values,
    /// A list of tables, strings or files.
    List,
    /// One file, or a list of files.
    Files,
    /// A list of names with values, or a table of them, with names such as `image.repository`.
    Pairs,
    /// A list of tables that each have a string such as `value: image.repository=nginx`. Nothing can be added to it.
    Assignments,
    /// A list of references to `ConfigMap` objects.
    References,
    /// The values of the chart that has the dependency, under its alias or name.
    Parent,
}

/// Words, one of which occurs in every file that names a chart or has the URL of a repository.
pub const CHART_WORDS: [&str; 7] = [
    "HelmRelease",
    "HelmChart",
    "HelmRepository",
    "OCIRepository",
    "targetRevision",
    "releases:",
    terraform::WORD,
];

/// Words of rare ways. Only files that may contain something legacy, such as the name of a legacy repository, are
/// searched for them: each of the [`CHART_WORDS`] is searched for in every file, which slows down clean trees.
const RARE_WORDS: [&str; 10] = [
    "argoproj.io/",
    "chart_ref",
    "chartname",
    "chartName",
    "forProvider",
    "configsync.gke.io",
    "core.oam.dev",
    "deployments:",
    "HelmOp",
    "kubernetes:helm.sh",
];

static SEARCH: LazyLock<Option<Search>> = LazyLock::new(|| Search::new(CHART_WORDS.iter()).ok());
static RARE_SEARCH: LazyLock<Option<Search>> =
    LazyLock::new(|| Search::new(RARE_WORDS.iter()).ok());

/// The file types that may name a chart, besides those that start a project.
const NAMING: [Holds; 5] = [
    Holds::Yaml,
    Holds::Json,
    Holds::Template,
    Holds::Helmfile,
    Holds::Terraform,
];

/// Whether a file may name a chart with a version, or define a repository, judging by its bytes. `has_word`: it
/// contains one of the [`CHART_WORDS`]; `is_suspect`: it may contain something legacy.
pub fn may_name_chart(path: &Path, bytes: &[u8], has_word: bool, is_suspect: bool) -> bool {
    let has = |search: &LazyLock<Option<Search>>| {
        let words = search.as_ref().map(|search| search.find_iter(bytes));
        let mut words = words.into_iter().flatten();
        words.any(|(_, at)| !is_commented_out(bytes, at))
    };
    let is_named = |kind: &FileType| {
        // A Terraform module can give its arguments any name.
        let is_rare = || kind.holds == Holds::Terraform || has(&RARE_SEARCH);
        is_fleet(path) || has_word && has(&SEARCH) || is_suspect && is_rare()
    };
    let kind = file_type::classify(path).filter(|kind| NAMING.contains(&kind.holds));
    kind.is_some_and(is_named)
}

/// Whether the whole line is a comment. Values files explain their use with whole releases in comments.
fn is_commented_out(bytes: &[u8], at: usize) -> bool {
    let line = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |end| end + 1);
    bytes[line..at].trim_ascii_start().starts_with(b"#")
}

/// Whether a file belongs to Rancher Fleet, whose files contain none of the words.
pub fn is_fleet(path: &Path) -> bool {
    matches!(source::file_name(path), "fleet.yaml" | "fleet.yml")
}

/// A table of a document that names a chart.
#[derive(Debug)]
pub(super) struct Entry<'v> {
    pub way: &'static Way,
    pub table: &'v Table,
    /// The location of the table.
    pub at: Spot,
    /// The location of the texts that are substituted into its values, if there are any.
    pub filled_from: Option<Spot>,
    /// The name as written: in helmfile it includes the name of its repository.
    pub chart: &'v Leaf,
    pub version: Option<&'v Leaf>,
}

/// Returns every table of a document that names a chart in one of the ways. `number` is the index of the document.
pub(super) fn entries<'v>(
    number: usize,
    root: &'v Value,
    kind: &FileType,
    ways: &[&'static Way],
) -> Vec<Entry<'v>> {
    let object = root.as_table().and_then(object_of);
    let ways = ways.iter().filter(|way| way.document.is(object, kind));
    let entries = ways.flat_map(|way| {
        let way: &'static Way = way;
        let paths = way.entries.iter();
        let tables = paths.flat_map(move |path| tables::at(number, root, path));
        tables.filter_map(move |(at, table)| {
            let mut versions = way.version.iter();
            let named = match way.base() {
                Some(_) => root.as_table()?,
                None => table,
            };
            Some(Entry {
                way,
                table,
                at,
                filled_from: way.filled_from(number),
                chart: leaf(named, way.chart)?,
                version: versions.find_map(|path| leaf(table, path)),
            })
        })
    });
    let mut entries: Vec<Entry<'_>> = entries.collect();
    // An object that names its chart is not a patch.
    if entries.iter().any(|entry| entry.way.base().is_none()) || names_folder(root) {
        entries.retain(|entry| entry.way.base().is_none());
    }
    entries
}

/// Returns the kinds of objects that can be patched.
pub(super) fn patched_kinds() -> impl Iterator<Item = Kind> {
    WAYS.iter().filter_map(Way::base)
}

/// Returns the way in which an object of a kind is patched.
pub(super) fn patching((group, kind): Kind) -> Option<&'static Way> {
    let mut ways = WAYS.iter().filter(|way| way.base().is_some());
    ways.find(|way| way.document == Document::Object(group, kind))
}

/// Whether a text may contain patches of such objects, judging by its words.
pub(super) fn has_patches(text: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    has("patch") && patched_kinds().any(|(_, kind)| has(kind))
}

/// Whether a document is an Argo CD `Application` with a chart in a folder of a repository.
fn names_folder(root: &Value) -> bool {
    let root = root.as_table();
    root.is_some_and(|root| leaf(root, "spec.source.path").is_some())
}

/// Returns the object in a document, if its kind can be patched and it names a chart.
pub(super) fn base_of<'v>(root: &'v Value, entries: &[Entry<'_>]) -> Option<(Kind, &'v Table)> {
    let table = root.as_table()?;
    let object = object_of(table)?;
    let kind = patched_kinds().find(|kind| *kind == object)?;
    let is_base = entries.iter().any(|entry| entry.way.base().is_none()) || names_folder(root);
    is_base.then_some((kind, table))
}

impl Way {
    /// Returns the words that a text must contain to name a chart in this way, besides those of one of the entries.
    fn words(&self) -> impl Iterator<Item = &'static str> {
        let document = match self.document {
            Document::Object(_, name) => Some(name),
            Document::File(_) | Document::Any => None,
        };
        let repository = match self.repository {
            Repository::Url(path) | Repository::Object(path) | Repository::ChartObject(path) => {
                Some(path)
            }
            Repository::Prefix(_) | Repository::InName | Repository::Base(_) => None,
        };
        let paths = [Some(self.chart), repository].into_iter().flatten();
        let keys = paths.flat_map(|path| path.split('.'));
        document.into_iter().chain(keys)
    }

    /// Returns the kind of the object that this one patches, if it is a patch.
    pub(super) fn base(&self) -> Option<Kind> {
        match self.repository {
            Repository::Base(kind) => Some(kind),
            _ => None,
        }
    }

    /// Returns the location of the texts that are substituted into the values.
    fn filled_from(&self, number: usize) -> Option<Spot> {
        let is_set = matches!(self.document, Document::Object(_, "ApplicationSet"));
        is_set.then(|| Spot::at_keys(number, &["spec", "generators"]))
    }
}

impl Document {
    fn is(self, object: Option<(&str, &str)>, kind: &FileType) -> bool {
        match self {
            Self::Object(group, name) => object == Some((group, name)),
            Self::File(holds) => kind.holds == holds,
            Self::Any => is_any(kind) && object.is_none(),
        }
    }
}

/// Returns the ways in which a text could name a chart, judging by its keys.
pub(super) fn possible(kind: &FileType, text: &str) -> Vec<&'static Way> {
    let present = Present::of(text);
    let has_keys = |steps: &str| tables::keys(steps).all(|key| present.has(key));
    let is_possible = |way: &Way| {
        let is_of_type = match way.document {
            Document::Object(..) => true,
            Document::File(holds) => kind.holds == holds,
            Document::Any => is_any(kind),
        };
        is_of_type
            && way.words().all(|word| present.has(word))
            && way.entries.iter().any(|steps| has_keys(steps))
    };
    // The path of the releases does not occur in the text of a Terraform file.
    let is_terraform = kind.holds == Holds::Terraform;
    let ways = WAYS.iter();
    ways.filter(|way| is_terraform || is_possible(way))
        .collect()
}

/// Returns all words that [`possible`] searches for.
fn words() -> impl Iterator<Item = &'static str> {
    WAYS.iter().flat_map(|way| {
        let entries = way.entries.iter().flat_map(|steps| tables::keys(steps));
        way.words().chain(entries)
    })
}

fn is_any(kind: &FileType) -> bool {
    matches!(kind.holds, Holds::Yaml | Holds::Helmfile)
}

pub(super) fn is_object(root: &Table, group: &str, kind: &str) -> bool {
    object_of(root) == Some((group, kind))
}

/// Returns the API group and the kind of an object.
fn object_of(root: &Table) -> Option<(&str, &str)> {
    let group = leaf(root, "apiVersion")?.text.split('/').next()?;
    Some((group, &leaf(root, "kind")?.text))
}

/// Returns the value at a path of keys separated by dots.
pub(super) fn dig<'v>(table: &'v Table, path: &str) -> Option<&'v Value> {
    let (above, key) = match path.rsplit_once('.') {
        Some((above, key)) => (values::table_at(table, above.split('.'))?, key),
        None => (table, path),
    };
    above.get(key)
}

/// Returns the scalar at such a path, unless it is blank.
pub(super) fn leaf<'v>(table: &'v Table, path: &str) -> Option<&'v Leaf> {
    let leaf = dig(table, path)?.as_leaf()?;
    (!leaf.text.trim().is_empty()).then_some(leaf)
}

/// Reads the documents of a file, with templates masked. Empty if it does not parse.
pub(super) fn documents(kind: &FileType, text: &str) -> Vec<Value> {
    if kind.holds == Holds::Terraform {
        return vec![terraform::read(text)];
    }
    let masks = Masks::default();
    let reading = file_type::read(text, kind.parser, None, &masks);
    let layer = reading.layers.first();
    layer
        .map(|layer| values::of_parsed(&layer.parsed, text, 0))
        .unwrap_or_default()
}

/// Returns the text of a scalar as written; `None` if it contains a template action.
pub(super) fn written(text: &str, span: Span) -> Option<&str> {
    let written = text.get(span.start..span.end)?;
    let templated = ["{{", "{%", "${", "%{"].iter();
    let mut templated = templated.filter(|mark| written.contains(**mark));
    templated.next().is_none().then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_commented_out_names_no_chart() {
        let may_name =
            |text: &str| may_name_chart(Path::new("values.yaml"), text.as_bytes(), true, false);
        assert!(may_name("releases:\n- name: a\n"));
        assert!(may_name("# releases: of\n  releases: # charts\n"));
        assert!(may_name("a: '#' # HelmRelease\n"));
        assert!(!may_name("a: b\n  # releases:\n#\tkind: HelmRelease\n"));
    }
}
