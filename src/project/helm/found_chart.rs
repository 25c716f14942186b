//! The charts that the walk found, by the content of their `Chart.yaml`.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::chart::{self, Metadata};
use crate::project::Tree;

/// A chart that the walk found.
pub(super) struct FoundChart {
    pub chart: PathBuf,
    pub folder: PathBuf,
    pub metadata: Metadata,
}

/// Returns the charts whose `Chart.yaml` is among the files.
pub(super) fn find_charts(tree: &dyn Tree, files: &[PathBuf]) -> Vec<FoundChart> {
    let charts = files
        .par_iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "Chart.yaml"));
    charts.filter_map(|path| read_chart(tree, path)).collect()
}

/// Reads the metadata of a chart. `None` if it does not parse: Helm does not accept it either.
pub(super) fn read_chart(tree: &dyn Tree, path: &Path) -> Option<FoundChart> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let text = tree.text(path)?;
    let requirements = tree.text(&folder.join("requirements.yaml"));
    let metadata = chart::metadata(&text, requirements.as_deref()).ok()?;
    Some(FoundChart {
        chart: path.to_owned(),
        folder,
        metadata,
    })
}
