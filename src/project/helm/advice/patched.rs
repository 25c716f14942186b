//! The objects that a patch applies to: objects that name charts, and the facts in their values.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Advice;
use super::around::NamingFile;
use super::bases::{Base, Chart, Kind, Lifted, Said};
use super::given::Given;
use super::ways::{self, leaf};
use crate::file_type;

impl Advice<'_> {
    /// Returns the object that a patch in a file overrides.
    pub(super) fn base(
        &self,
        path: &Path,
        kind: Kind,
        name: &Arc<str>,
        namespace: Option<&Arc<str>>,
    ) -> Option<Said> {
        let reach = || self.reach.of(self.tree, path);
        self.bases.find(path, kind, name, namespace, reach)
    }

    /// Combines all objects of a kind that are built together with a file.
    pub(super) fn bases_of(&self, path: &Path, kind: Kind) -> Option<Said> {
        let files = self.reach.of(self.tree, path)?;
        self.bases.of_kind(kind, &files)
    }

    /// Returns the objects of a file that name charts and may be patched.
    pub(super) fn bases_in(&self, file: &NamingFile<'_>) -> Vec<Base> {
        let bases = file.each().filter_map(|(root, entries)| {
            let (kind, table) = ways::base_of(root, entries)?;
            let text = |path: &str| leaf(table, path).map(|leaf| Arc::clone(&leaf.text));
            let mut entries = entries.iter();
            let chart = entries.find_map(|entry| {
                let (origin, _) = self.known_origin(file, root, entry)?;
                let chart = Chart {
                    repository: origin.repository,
                    chart: origin.chart,
                };
                self.is_for_own_images(&chart.repository, &chart.chart)
                    .then_some(chart)
            });
            Some(Base {
                path: file.path.to_owned(),
                kind,
                name: text("metadata.name")?,
                namespace: text("metadata.namespace"),
                chart,
            })
        });
        bases.collect()
    }

    /// Whether the values of all objects with a name accept images from other registries.
    pub(super) fn are_lifted(
        &self,
        files: &[PathBuf],
        (kind, name): (Kind, &str),
        text_of: &dyn Fn(&Path) -> Option<Arc<str>>,
    ) -> bool {
        let is_lifted = |path: &PathBuf| {
            let known = text_of(path).map(|text| {
                self.lifted
                    .of(path, &text, || self.lifted_in(path, &text, text_of))
            });
            known.is_some_and(|known| known.get(&(kind, name.to_owned())) == Some(&true))
        };
        !files.is_empty() && files.iter().all(is_lifted)
    }

    fn lifted_in(
        &self,
        path: &Path,
        text: &str,
        text_of: &dyn Fn(&Path) -> Option<Arc<str>>,
    ) -> Lifted {
        let mut lifted = Lifted::new();
        let Some(file_type) = file_type::classify(path) else {
            return lifted;
        };
        let around = self.around(path, text_of);
        let documents = ways::documents(file_type, text);
        let ways = ways::possible(file_type, text);
        for (number, root) in documents.iter().enumerate() {
            let entries = ways::entries(number, root, file_type, &ways);
            let Some((kind, table)) = ways::base_of(root, &entries) else {
                continue;
            };
            let Some(name) = leaf(table, "metadata.name") else {
                continue;
            };
            let mut given = entries.iter().map(|entry| Given::of(entry, &around));
            let is_lifted = given.any(|given| given.is_lifted());
            let key = (kind, name.text.trim().to_owned());
            *lifted.entry(key).or_insert(true) &= is_lifted;
        }
        lifted
    }
}
