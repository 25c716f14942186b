//! The images that a chart of the tree renders, with where their pieces are written.
//!
//! Reads the chart's folder through `Tree`, and nothing beyond it; the cost is bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::compared::Compared;
use super::folder::chart;
use super::image::{Image, Part, Written};
use super::layer::Layer;
use crate::check;
use crate::file_type;
use crate::image::ImageRef;
use crate::project::helm::render::{
    Chart, EVERY_WAY, Exploration, File, ImageField, Origin, OriginKind, Release, Settled, Symbol,
    explore, explore_settled, render,
};
use crate::project::{Members, Tree};
use crate::rules::RuleSet;
use crate::source::Span;

/// The passes to make with settled values. An image that [`EVERY_WAY`] passes found is found again within these, if
/// it can still result.
const MOST_PASSES: usize = 4 * EVERY_WAY;

/// The result of rendering a chart with one set of values.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// The layer over the chart's own values, if there is one.
    pub layer: Option<Layer>,
    pub images: Vec<Image>,
    /// Other words that contain values and that a rule applies to.
    pub legacy_words: Vec<Image>,
    /// Values that templates compare.
    pub compared: Vec<Compared>,
    /// Whether a template could not be rendered, so that some images may be unknown.
    pub is_partial: bool,
}

/// Renders a chart with its own values, and once more with each of the layers over them.
///
/// # Errors
/// If it cannot be rendered with its own values.
pub(super) fn traces(
    tree: &dyn Tree,
    chart: &Chart,
    folder: &Path,
    layers: &[Layer],
    members: &Members,
    rules: &RuleSet,
) -> Result<Vec<Trace>, String> {
    let own = trace(chart, folder, None, EVERY_WAY, rules)?;
    let layers = files_of(tree, layers, members);
    // A file that only has the name of a values file may not even parse.
    let others = layers.iter();
    let others = others.filter_map(|layer| trace_with(chart, folder, layer, rules).ok());
    Ok(std::iter::once(own).chain(others).collect())
}

/// Reads the current files of the layers. A layer that cannot be read is left out.
pub(super) fn files_of(
    tree: &dyn Tree,
    layers: &[Layer],
    members: &Members,
) -> Vec<(Layer, Vec<File>)> {
    let read = |layer: &Layer| {
        let files = layer.given.iter().map(|given| {
            let bytes = match members.get(&given.file) {
                Some(member) => Some(member.text.as_bytes().to_vec()),
                None => tree.bytes(&given.file),
            };
            Some(File::given(given, bytes?))
        });
        let files: Option<Vec<File>> = files.collect();
        Some((layer.clone(), files?))
    };
    layers.iter().filter_map(read).collect()
}

/// Renders a chart with a layer over its values, following only the branches that these take.
///
/// # Errors
/// If it cannot be rendered.
pub(super) fn trace_with(
    chart: &Chart,
    folder: &Path,
    layer: &(Layer, Vec<File>),
    rules: &RuleSet,
) -> Result<Trace, String> {
    trace(chart, folder, Some(layer), 1, rules)
}

/// Returns the images that a chart renders with its own values.
///
/// # Errors
/// If it cannot be rendered.
pub(super) fn default_images(
    chart: &Chart,
    folder: &Path,
    rules: &RuleSet,
) -> Result<Vec<Image>, String> {
    default_trace(chart, folder, rules).map(|trace| trace.images)
}

/// Renders a chart with its own values, following only the branches that these take.
///
/// # Errors
/// If it cannot be rendered.
pub(super) fn default_trace(
    chart: &Chart,
    folder: &Path,
    rules: &RuleSet,
) -> Result<Trace, String> {
    // The first pass follows the values. If it yields no image, the others show whether the chart renders at all.
    let first = trace(chart, folder, None, 1, rules).ok();
    let mut trace = match first.filter(|trace| !trace.images.is_empty()) {
        Some(trace) => trace,
        None => trace(chart, folder, None, EVERY_WAY, rules)?,
    };
    trace.images.retain(|image| image.is_default);
    Ok(trace)
}

/// Returns the images that a chart can render if the values at these spans keep their current content. `None` if it
/// does not render.
pub(super) fn images_with(
    chart: &Chart,
    folder: &Path,
    values: &Path,
    spans: &[Span],
) -> Option<Vec<Image>> {
    let paths: Vec<Arc<Path>> = paths_of(chart, folder).collect();
    let number = paths.iter().position(|path| **path == *values)?;
    let number = u32::try_from(number).ok()?;
    let settled: Settled = spans.iter().map(|span| (number, *span)).collect();
    let found = explore_settled(chart, &[], &Release::default(), MOST_PASSES, &settled);
    let is_whole = found.error.is_none() && found.failed.is_empty();
    let images = found.images.iter();
    is_whole.then(|| {
        images
            .map(|(field, is_default)| image(field, *is_default, &paths))
            .collect()
    })
}

fn trace(
    chart: &Chart,
    folder: &Path,
    layer: Option<&(Layer, Vec<File>)>,
    passes: usize,
    rules: &RuleSet,
) -> Result<Trace, String> {
    let (layer, files) = match layer {
        Some((layer, files)) => (Some(layer), files.as_slice()),
        None => (None, &[][..]),
    };
    let found = explore(chart, files, &Release::default(), passes);
    if let Some(error) = found.error.as_ref().filter(|_| found.images.is_empty()) {
        return Err(error.to_string());
    }
    let paths: Vec<Arc<Path>> = paths_of(chart, folder)
        .chain(files.iter().map(|file| Arc::from(Path::new(&file.path))))
        .collect();
    Ok(Trace {
        is_partial: found.is_partial && layer.is_none() || !found.failed.is_empty(),
        images: found
            .images
            .iter()
            .map(|(field, is_default)| image(field, *is_default, &paths))
            .collect(),
        legacy_words: legacy_words(&found, &paths, rules),
        compared: compared(&found, chart, &paths),
        layer: layer.cloned(),
    })
}

/// The paths of a chart's files, by their numbers in origins.
fn paths_of(chart: &Chart, folder: &Path) -> impl Iterator<Item = Arc<Path>> {
    let files = chart.files().iter();
    files.map(|file| Arc::from(folder.join(&file.path)))
}

fn image(field: &ImageField, is_default: bool, paths: &[Arc<Path>]) -> Image {
    let template = field.template.split_once('/');
    let template = template.map_or(field.template.as_str(), |(_, template)| template);
    let object = format!("{} {}", field.kind, field.name);
    let reader = match object.trim() {
        "" => template.to_owned(),
        object => format!("{object} ({template})"),
    };
    Image {
        parts: field.symbols.iter().map(|one| part(one, paths)).collect(),
        reader,
        is_default,
    }
}

fn part(symbol: &Symbol, paths: &[Arc<Path>]) -> Part {
    Part {
        text: symbol.text.clone(),
        at: symbol.origin.and_then(|origin| written(origin, paths)),
        // `printf` writes `%!s(<nil>)` for a value that is not set.
        is_unknown: symbol.is_unknown || symbol.text.contains("%!"),
    }
}

fn written(origin: Origin, paths: &[Arc<Path>]) -> Option<Written> {
    Some(Written {
        path: Arc::clone(paths.get(origin.file as usize)?),
        span: origin.span(),
        verbatim: origin.verbatim,
        is_value: origin.kind == OriginKind::Value,
    })
}

fn compared(found: &Exploration, chart: &Chart, paths: &[Arc<Path>]) -> Vec<Compared> {
    let comparisons = found.reads.comparisons.iter();
    let compared = comparisons.filter_map(|one| {
        let (number, span) = one.at?;
        let file = chart.files().get(number)?;
        let before = file.bytes().get(..span.start)?;
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        let part = |(text, origin): &(String, Option<Origin>)| Part {
            text: text.clone(),
            at: origin.and_then(|origin| written(origin, paths)),
            is_unknown: false,
        };
        Some(Compared {
            value: Image {
                parts: one.what.iter().map(part).collect(),
                reader: format!("{}:{line}", file.path),
                is_default: true,
            },
            function: one.function,
            is_looked_through: one.argument > 0,
            with: one.with.iter().map(part).collect(),
        })
    });
    compared.collect()
}

/// Collects the words that are an image, or that end in one after a `=`.
fn legacy_words(found: &Exploration, paths: &[Arc<Path>], rules: &RuleSet) -> Vec<Image> {
    let mut words: BTreeMap<&Vec<Symbol>, &str> = BTreeMap::new();
    let images: BTreeSet<&Vec<Symbol>> = found.images.keys().map(|one| &one.symbols).collect();
    for one in found.uses.iter().filter(|one| !images.contains(&one.word)) {
        words.entry(&one.word).or_insert(&one.template);
    }
    let word = |(symbols, template): (&Vec<Symbol>, &str)| {
        let from = symbols.iter().rposition(|one| one.text.contains('='));
        let mut parts: Vec<Part> = symbols[from.unwrap_or(0)..]
            .iter()
            .map(|one| part(one, paths))
            .collect();
        if from.is_some() {
            behind_equals(parts.first_mut()?);
        }
        Some(Image {
            parts,
            reader: template.to_owned(),
            is_default: false,
        })
    };
    let words = words.into_iter().filter_map(word);
    words.filter(|word| word.judge(rules).is_some()).collect()
}

/// Cuts a part to the text after its last `=`.
fn behind_equals(part: &mut Part) {
    let Some(at) = part.text.rfind('=') else {
        return;
    };
    part.text.drain(..=at);
    if let Some(written) = part.at.as_mut().filter(|written| written.verbatim) {
        written.span.start += at + 1;
    }
}

/// An image that a chart renders, for lists.
pub(in crate::project::helm) struct RenderedImage {
    pub image: check::Image,
    /// Where its pieces are written, in order: at least one.
    pub written: Vec<(Arc<Path>, Span)>,
}

/// Returns the images that a chart renders with its own values, and those of containers that are switched off. Images
/// with an unknown part are left out.
pub(in crate::project::helm) fn rendered(
    tree: &dyn Tree,
    folder: &Path,
    rules: &RuleSet,
) -> Vec<RenderedImage> {
    let Ok(chart) = chart(tree, folder, &Members::new()) else {
        return Vec::new();
    };
    let mut found = in_manifests(&chart, folder);
    let traces = traces(tree, &chart, folder, &[], &Members::new(), rules);
    let own = traces.ok().and_then(|traces| traces.into_iter().next());
    let images = own.map(|trace| trace.images).unwrap_or_default();
    let known = images.into_iter().filter(Image::is_known);
    found.extend(known.filter_map(|image| {
        let text = image.text();
        let parts = image.parts.into_iter().filter(|part| !part.text.is_empty());
        let written = parts.filter_map(|part| part.at.map(|at| (at.path, at.span)));
        let written: Vec<_> = written.collect();
        let read = ImageRef::parse(&text).filter(|_| !written.is_empty())?;
        Some(RenderedImage {
            image: check::Image {
                span: Span::new(0, text.len()),
                extent: Span::new(0, text.len()),
                name: text[..read.name_span().end].to_owned(),
                tag: read.tag.map(str::to_owned),
                digest: read.digest.map(str::to_owned),
                shape: "rendered",
            },
            written,
        })
    }));
    found
}

/// Reads the manifests that a chart renders like any others: images are in arguments and variables, too.
fn in_manifests(chart: &Chart, folder: &Path) -> Vec<RenderedImage> {
    let made = render(chart, &[], &Release::default());
    if !made.errors.is_empty() {
        return Vec::new();
    }
    let paths: Vec<Arc<Path>> = paths_of(chart, folder).collect();
    let mut found = Vec::new();
    for manifest in &made.manifests {
        let Ok(text) = std::str::from_utf8(&manifest.text.bytes) else {
            continue;
        };
        let (_, template) = manifest.name.split_once('/').unwrap_or_default();
        for image in check::images(
            Path::new("manifest.yaml"),
            text,
            file_type::standard_input(),
        ) {
            let pieces = manifest
                .text
                .pieces_in(image.extent.start, image.extent.end);
            let origins = pieces.filter_map(|(.., source)| source.origin());
            let written = origins.filter_map(|origin| {
                let path = paths.get(origin.file as usize)?;
                Some((Arc::clone(path), origin.span()))
            });
            let mut written: Vec<_> = written.collect();
            if written.is_empty() {
                written.push((folder.join(template).into(), Span::new(0, 0)));
            }
            let image = check::Image {
                shape: "rendered",
                ..image
            };
            found.push(RenderedImage { image, written });
        }
    }
    found
}
