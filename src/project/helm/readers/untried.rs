//! Values that override those of a chart, but are too many to be tried one by one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::given::{Given, ReleaseValues, is_layer};
use super::super::values;
use super::layer::Layer;
use crate::project::{Members, Tree};
use crate::source::Span;

/// The most values files next to a chart, and the most releases of it, that are tried one by one.
const MOST_LAYERS: usize = 64;

pub(super) const NOT_TRIED: &str =
    "the chart has more values files or releases than regfix tries, and not all of them were tried";

/// Splits the layers over a chart's values, from files next to it and from releases, into those that are tried and
/// the rest.
pub(super) fn all(
    tree: &dyn Tree,
    folder: &Path,
    released: &[ReleaseValues],
) -> (Vec<Layer>, Vec<Layer>) {
    let beside = tree.list(folder).into_iter();
    let beside = beside.filter(|path| is_layer(path)).map(Layer::of_file);
    let (mut layers, mut untried) = tried(tree, beside);
    let (releases, others) = tried(tree, released.iter().map(Layer::of_release));
    layers.extend(releases);
    untried.extend(others);
    (layers, untried)
}

/// Splits layers into those that are tried and the others. Those that a rule could apply to come first.
fn tried(tree: &dyn Tree, layers: impl Iterator<Item = Layer>) -> (Vec<Layer>, Vec<Layer>) {
    let mut layers: Vec<Layer> = layers.collect();
    layers
        .sort_by_cached_key(|layer| !layer.given.iter().any(|given| tree.is_suspect(&given.file)));
    let others = layers.split_off(layers.len().min(MOST_LAYERS));
    (layers, others)
}

/// Downgrades fixes in the layers that were not tried to "needs review".
pub(super) fn doubt(untried: &[Layer], members: &mut Members) {
    for (file, given) in by_file(untried.iter()) {
        let Some(member) = members.get_mut(file) else {
            continue;
        };
        let Ok(parsed) = values::File::parse(&member.text) else {
            continue;
        };
        let all = given.iter().filter_map(|given| parsed.covered(&given.at));
        let all: Vec<Span> = all.collect();
        for finding in &mut member.findings {
            let span = finding.span();
            if all.iter().any(|all| all.covers(span)) {
                finding.doubt(NOT_TRIED);
            }
        }
    }
}

/// Groups the locations of values by file.
pub(super) fn by_file<'l>(
    layers: impl Iterator<Item = &'l Layer>,
) -> BTreeMap<&'l PathBuf, Vec<&'l Given>> {
    let mut by_file: BTreeMap<&PathBuf, Vec<&Given>> = BTreeMap::new();
    for given in layers.flat_map(|layer| &layer.given) {
        by_file.entry(&given.file).or_default().push(given);
    }
    by_file
}
