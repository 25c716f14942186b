//! Every image that subcharts pull, legacy or not, for image lists.

pub(super) mod rendered;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::config_map::ConfigMaps;
use super::effective::{self, Instance};
use super::found_chart::{FoundChart, find_charts};
use super::load::{File, Loader};
use super::merged_values::MergedValues;
use super::owned_chart::absent;
use super::released_chart::{ReleaseContext, ReleasedChart, not_analysed};
use super::subchart_findings::Owned;
use super::vendored::Vendored;
use super::{absent_message, owned, released, used};
use crate::check::{self, Image};
use crate::file_type;
use crate::project::Tree;
use crate::rules::prefilter::Prefilter;
use crate::source::{LineIndex, Position};

/// The images that the subcharts of one chart pull, and the reasons why some could not be read.
#[derive(Debug)]
pub struct ChartImages {
    /// Its `Chart.yaml`, or the file that releases the chart.
    pub chart: PathBuf,
    pub images: Vec<SubchartImage>,
    /// Missing dependencies and unreadable archives, each with whether it is fatal.
    pub unseen: Vec<(String, bool)>,
}

/// Returns every image that the subcharts of the user's charts pull, and every image of the charts that `releases`
/// and kustomizations name, ordered by the path of the naming file.
pub fn images(
    tree: &dyn Tree,
    files: &[PathBuf],
    releases: &[PathBuf],
    prefilter: &Prefilter,
    vendored: Vendored<'_>,
) -> Vec<ChartImages> {
    let of_chart = |one: FoundChart| {
        let (folder, chart) = (one.folder.clone(), one.chart.clone());
        let mut loader = Loader::new(tree, prefilter, vendored);
        loader.every_template = true;
        let loaded = loader.load(&one.folder, &one.metadata);
        let text = |path: &Path| tree.text(path).unwrap_or_default();
        let requirements = tree.text(&folder.join("requirements.yaml"));
        let values = text(&folder.join("values.yaml"));
        let owned = Owned::new(&text(&chart), requirements.as_deref(), &values, &loaded);
        let dependencies = one.metadata.dependencies.as_deref().unwrap_or_default();
        let absent = absent(tree, &one, &loaded).into_iter();
        let absent = absent.map(|index| (absent_message(&dependencies[index]), false));
        let faults = loaded.faults.iter();
        let faults = faults.map(|fault| (fault.message(), fault.fatal));
        let mut unseen: Vec<(String, bool)> = absent.chain(faults).collect();
        let images = match &owned {
            Ok(owned) => owned.images(),
            Err(error) => {
                unseen.push((format!("{error}: its subcharts were not analysed"), false));
                Vec::new()
            }
        };
        ChartImages {
            chart,
            images,
            unseen,
        }
    };
    let context = ReleaseContext {
        tree,
        prefilter,
        vendored,
        config_maps: &ConfigMaps::new(tree),
        every_chart: true,
    };
    let (released, _) = released(context, releases);
    let used = used(context, files, releases, released);
    let asked_for = used.iter().map(|one| one.pulled(tree));
    let mut all: Vec<ChartImages> = owned(find_charts(tree, files), vendored, &used)
        .into_par_iter()
        .map(of_chart)
        .collect();
    all.extend(asked_for);
    all
}

impl ReleasedChart {
    /// Lists the images that the chart pulls, and the reasons why some could not be read.
    fn pulled(&self, tree: &dyn Tree) -> ChartImages {
        let paths = [&self.release.declared_in, &self.release.values]
            .into_iter()
            .chain(&self.release.below);
        let texts: BTreeMap<&Path, Arc<str>> = paths
            .filter_map(|path| Some((path.as_path(), tree.text(path)?)))
            .collect();
        let owned = self.owned(|path| texts.get(path).map(|text| &**text));
        let faults = self.loaded.faults.iter();
        let mut unseen: Vec<(String, bool)> =
            faults.map(|fault| (fault.message(), fault.fatal)).collect();
        let images = match owned {
            Ok(owned) => owned.images(),
            Err(why) => {
                unseen.push((not_analysed(&why), false));
                Vec::new()
            }
        };
        ChartImages {
            chart: self.release.declared_in.clone(),
            images,
            unseen,
        }
    }
}

/// An image that a subchart pulls, legacy or not.
#[derive(Debug, Clone)]
pub struct SubchartImage {
    /// Where its first piece was written, as in [`Related`](crate::finding::Related).
    pub place: String,
    pub position: Position,
    /// The keys that lead to the subchart, separated by `/`.
    pub chart: String,
    pub image: Image,
}

impl Owned<'_> {
    /// Lists the images of the subcharts, except those that one of the user's own files names alone.
    pub(super) fn images(&self) -> Vec<SubchartImage> {
        let mut found = Vec::new();
        for instance in effective::instances(&self.chart) {
            let document = MergedValues::new(&instance.values);
            let path = Path::new("values.yaml");
            for image in check::images(path, &document.text, file_type::standard_input()) {
                let pieces = document.leaves_in(image.extent);
                let Some(first) = document.leaf(image.span) else {
                    continue;
                };
                if !pieces
                    .iter()
                    .any(|placed| self.file(placed.leaf.origin).of_root)
                {
                    continue;
                }
                let origin = first.leaf.origin;
                let inner = match first.block {
                    None => image.span.start - first.span.start,
                    Some(_) => 0,
                };
                found.push(self.image_at(
                    self.file(origin),
                    origin.span.start + inner,
                    &instance,
                    image,
                ));
            }
            for (file, path, file_type) in self.templates(&instance) {
                for image in check::images(path, &file.text, file_type) {
                    let at = image.span.start;
                    found.push(self.image_at(file, at, &instance, image));
                }
            }
        }
        found
    }

    fn image_at(&self, file: &File, at: usize, instance: &Instance, image: Image) -> SubchartImage {
        SubchartImage {
            place: file.place.clone(),
            position: LineIndex::new(&file.text).position(at),
            chart: instance.path.join("/"),
            image,
        }
    }
}
