//! Which charts a tool put into the tree, and would restore.
//!
//! Decides by what charts say of their dependencies, and by the user's own list of folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::chart::{Dependency, Metadata};
use super::found_chart::FoundChart;
use crate::version::satisfies;

/// What the settings say of charts that a tool put into the tree.
#[derive(Clone, Copy)]
pub struct Vendored<'v> {
    /// Whether those in a folder are edited in place all the same.
    pub edit: &'v (dyn Fn(&Path) -> bool + Sync),
    /// Whether the user names the folder as one of a tool, though no dependency says.
    pub listed: &'v (dyn Fn(&Path) -> bool + Sync),
}

impl Vendored<'_> {
    /// Whether a chart in a folder is left to a tool by the user's own word.
    pub(super) fn lists(&self, folder: &Path) -> bool {
        !(self.edit)(folder) && (self.listed)(folder)
    }

    /// Whether a chart in the `charts/` of another is put back by a tool.
    pub(super) fn holds(&self, folder: &Path, chart: &Metadata, parent: &Metadata) -> bool {
        let remote = || asked_for(parent, chart).is_some_and(is_remote);
        !(self.edit)(folder) && (remote() || (self.listed)(folder))
    }

    /// Those of the charts that a tool puts back, by their folders.
    pub(super) fn among(&self, found: &[FoundChart]) -> BTreeSet<PathBuf> {
        let by_folder: BTreeMap<&Path, &Metadata> = found
            .iter()
            .map(|one| (one.folder.as_path(), &one.metadata))
            .collect();
        let parent = |folder: &Path| {
            let charts = folder.parent()?;
            let above = charts.parent()?;
            let parent = by_folder.get(above)?;
            (charts.file_name()? == "charts").then_some(*parent)
        };
        let is_held = |one: &&FoundChart| match parent(&one.folder) {
            Some(parent) => self.holds(&one.folder, &one.metadata, parent),
            None => self.lists(&one.folder),
        };
        let folders = found.iter().filter(is_held);
        folders.map(|one| one.folder.clone()).collect()
    }
}

/// The dependency that a chart in `charts/` is there for; one of another version is there for none.
pub(super) fn asked_for<'d>(parent: &'d Metadata, chart: &Metadata) -> Option<&'d Dependency> {
    let named = |one: &&Dependency| one.name == chart.name;
    let mut all = parent.dependencies.iter().flatten().filter(named);
    let exact = all
        .clone()
        .find(|one| satisfies(&chart.version, &one.version));
    exact.or_else(|| all.next())
}

/// Whether Helm fetches it. What has no repository was put in `charts/` by hand.
fn is_remote(dependency: &Dependency) -> bool {
    !dependency.repository.is_empty() && dependency.folder().is_none()
}
