//! Which charts a tool put into the tree and would restore.
//!
//! Decides by the dependencies that charts declare, and by the user's own list of folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::chart::{Dependency, Metadata};
use super::found_chart::FoundChart;
use crate::version::satisfies;

/// The settings about vendored charts.
#[derive(Clone, Copy)]
pub struct Vendored<'v> {
    /// Whether vendored charts in a folder are edited in place anyway.
    pub edit: &'v (dyn Fn(&Path) -> bool + Sync),
    /// Whether the user lists the folder as vendored.
    pub listed: &'v (dyn Fn(&Path) -> bool + Sync),
}

impl Vendored<'_> {
    /// Whether the user lists the folder as vendored, and it is not edited in place.
    pub(super) fn lists(&self, folder: &Path) -> bool {
        !(self.edit)(folder) && (self.listed)(folder)
    }

    /// Whether a chart in the `charts/` of another is vendored.
    pub(super) fn holds(&self, folder: &Path, chart: &Metadata, parent: &Metadata) -> bool {
        let remote = || asked_for(parent, chart).is_some_and(is_remote);
        !(self.edit)(folder) && (remote() || (self.listed)(folder))
    }

    /// Returns the folders of the vendored charts.
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

/// Returns the dependency that a chart in `charts/` satisfies, or else the first one with its name.
pub(super) fn asked_for<'d>(parent: &'d Metadata, chart: &Metadata) -> Option<&'d Dependency> {
    let named = |one: &&Dependency| one.name == chart.name;
    let mut all = parent.dependencies.iter().flatten().filter(named);
    let exact = all
        .clone()
        .find(|one| satisfies(&chart.version, &one.version));
    exact.or_else(|| all.next())
}

/// Whether Helm fetches it. A dependency without a repository was put in `charts/` by hand.
fn is_remote(dependency: &Dependency) -> bool {
    !dependency.repository.is_empty() && dependency.folder().is_none()
}
