//! Images that Skaffold, Tilt, Garden and similar tools build: where a manifest of the repository has such a name, the tool
//! inserts the image that it built. A manifest with another name would pull an image that nobody built.
//!
//! Only looks across files: `detect` judges uses in the file that builds the image.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::spelled::spelled;
use super::{Members, Plan, Project, Tree, folders_above};
use crate::check;
use crate::detect::Usage;
use crate::edit::Applicability;
use crate::file_type;
use crate::finding::Finding;
use crate::image::{self, name_of};
use crate::printable;
use crate::rules::RuleSet;
use crate::search::Search;
use crate::source::{self, LineIndex};

/// Words of which every file that defines builds contains at least one.
const WORDS: [&str; 8] = [
    "skaffold/",
    "build:",
    "dockerfile:",
    "docker_build",
    "custom_build",
    "kind: Build",
    "publishId",
    "localId",
];

static SEARCH: LazyLock<Option<Search>> = LazyLock::new(|| Search::new(WORDS.iter()).ok());

/// Whether a file may define builds, judged by its bytes.
pub fn may_build(bytes: &[u8]) -> bool {
    let search = SEARCH.as_ref();
    search.is_none_or(|search| search.occurs_in(bytes))
}

/// The names that are built in a run, and the files that contain them.
pub struct Builds {
    products: Vec<Product>,
}

/// An image name that files of a repository build.
struct Product {
    name: String,
    /// The files that build it, with the line in each.
    builders: BTreeMap<PathBuf, usize>,
    spelling: Vec<PathBuf>,
}

impl Builds {
    /// Reads the files that define builds.
    pub fn new(tree: &dyn Tree, files: &[PathBuf], rules: &RuleSet) -> Self {
        let mut builders: BTreeMap<(PathBuf, String), BTreeMap<PathBuf, usize>> = BTreeMap::new();
        for path in files {
            let own = path.parent().unwrap_or(Path::new(""));
            let top = folders_above(tree, own).last();
            let top = top.unwrap_or_else(|| own.to_owned());
            let built = tree.text(path).map(|text| built(path, &text, rules));
            for (name, line) in built.unwrap_or_default() {
                let of_name = builders.entry((top.clone(), name)).or_default();
                of_name.insert(path.clone(), line);
            }
        }
        // Values of charts may have the registry on another line.
        let paths = builders.keys().map(|(_, name)| path_of(name).to_owned());
        let spelled = spelled(tree, &paths.collect());
        let products = builders.into_iter().map(|((top, name), builders)| {
            let files = spelled.get(path_of(&name)).into_iter().flatten();
            let files = files.filter(|file| source::is_below(file, &top));
            let files = files.filter(|file| builder_but(&builders, file).is_some());
            Product {
                spelling: files.cloned().collect(),
                name,
                builders,
            }
        });
        Self {
            products: products.filter(|one| !one.spelling.is_empty()).collect(),
        }
    }
}

/// Returns the first builder that is not `file` itself, with its line.
fn builder_but<'b>(
    builders: &'b BTreeMap<PathBuf, usize>,
    file: &Path,
) -> Option<(&'b PathBuf, usize)> {
    let mut others = builders.iter().filter(|(path, _)| *path != file);
    others.next().map(|(path, line)| (path, *line))
}

/// Returns the files that contain a name that the text builds.
pub fn spelling(tree: &dyn Tree, path: &Path, text: &str, rules: &RuleSet) -> BTreeSet<PathBuf> {
    let built = built(path, text, rules).into_keys();
    let paths = built.map(|name| path_of(&name).to_owned());
    spelled(tree, &paths.collect())
        .into_values()
        .flatten()
        .collect()
}

/// The names that a text builds, with the line of each.
fn built(path: &Path, text: &str, rules: &RuleSet) -> BTreeMap<String, usize> {
    let Some(file_type) = file_type::classify(path).filter(|_| may_build(text.as_bytes())) else {
        return BTreeMap::new();
    };
    let index = LineIndex::new(text);
    let findings = check::check(path, text, file_type, rules).findings;
    let built = findings.iter().filter(|one| is_built(one));
    let built = built.map(|one| {
        let line = index.line(one.span().start) + 1;
        (name_of(&one.old).to_owned(), line)
    });
    built.collect()
}

fn path_of(name: &str) -> &str {
    image::split_host(name).1
}

fn is_built(finding: &Finding) -> bool {
    matches!(finding.usage, Some(Usage::Pushed(_))) && finding.old.contains('/')
}

impl Product {
    fn plan(&self, members: &mut Members) {
        for path in &self.spelling {
            let Some((member, (builder, line))) =
                members.get_mut(path).zip(builder_but(&self.builders, path))
            else {
                continue;
            };
            let is_it = |one: &&mut Finding| !one.mention && name_of(&one.old) == self.name;
            for finding in member.findings.iter_mut().filter(is_it) {
                let place = printable::path(builder);
                let reason =
                    format!("{place}:{line} says that an image of this name is built here");
                finding.limit(Applicability::Display, &reason);
            }
        }
    }
}

impl Project for Builds {
    fn groups(&self) -> Vec<Vec<PathBuf>> {
        let group = |product: &Product| {
            let builders = product.builders.keys();
            builders.chain(&product.spelling).cloned().collect()
        };
        self.products.iter().map(group).collect()
    }

    fn find(&self, _: &mut Members) -> Plan<'_> {
        Box::new(|members| {
            self.products
                .iter()
                .for_each(|product| product.plan(members));
        })
    }
}
