//! All images that values may lead to, including those that are switched off by default: every way through the
//! templates is taken once.
//!
//! One run cannot take all ways, because the texts of two branches would run into each other. Each pass takes one way
//! at each decision, and a later pass another one.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::budget::Budget;
use super::chart::{Chart, File};
use super::context::Context;
use super::explore::{Choices, Settled};
use super::reads::{Reads, Recorder, ValuesPath};
use super::scripts::Parsed;
use super::text::{Origin, OriginKind, Pieces, Source};
use super::{Release, RenderError, Rendered, images, on_large_stack, pass};
use crate::source::Span;

/// The use of a value in the output.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    pub path: ValuesPath,
    /// The template that produced the text, by its name in Helm.
    pub template: String,
    /// The word that contains the value, delimited by spaces, quotes and brackets.
    pub word: Vec<Symbol>,
}

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    /// `unknown` if the value is not set.
    pub text: String,
    /// Whether the text may differ for other runs or other users.
    pub is_unknown: bool,
    /// The location where it is written, if it is.
    pub origin: Option<Origin>,
    /// The values that it comes from: several if one scalar is at several paths.
    pub paths: Vec<ValuesPath>,
}

/// An image field in the output.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageField {
    /// The image's text, in pieces.
    pub symbols: Vec<Symbol>,
    /// The template that produced it, by its name in Helm.
    pub template: String,
    pub kind: String,
    pub name: String,
    pub container: Option<String>,
}

/// The result of an exploration.
#[derive(Debug, Clone, Default)]
pub struct Exploration {
    pub uses: BTreeSet<Use>,
    /// The images, each with whether the first pass produces it.
    pub images: BTreeMap<ImageField, bool>,
    pub reads: Reads,
    /// The reason why the chart does not render with its values: the first error of the first pass.
    pub error: Option<RenderError>,
    /// Templates that failed in every pass.
    pub failed: BTreeSet<String>,
    /// Whether some ways were not taken, because the chart is too large or does not parse.
    pub is_partial: bool,
}

/// The number of passes that take all ways of almost every chart.
pub const EVERY_WAY: usize = 32;
const LONGEST_WORD: usize = 1024;

/// Renders a chart until every way of each decision was taken at least once, or `most_passes` are used up. The first
/// pass follows the values. Errors are ignored, and unset values are unknown.
pub fn explore(
    chart: &Chart,
    values: &[File],
    release: &Release,
    most_passes: usize,
) -> Exploration {
    explore_settled(chart, values, release, most_passes, &Settled::new())
}

/// The same, but without ways that cannot be taken as long as the `settled` values keep their content.
pub fn explore_settled(
    chart: &Chart,
    values: &[File],
    release: &Release,
    most_passes: usize,
    settled: &Settled,
) -> Exploration {
    on_large_stack(|| {
        let mut found = Exploration::default();
        let mut made = BTreeSet::new();
        let mut choices = Some(Choices::of(settled));
        // State that all passes share.
        let mut recorder = Recorder::default();
        let mut budget = Budget::of_exploring();
        let mut regexes = RefCell::default();
        let parsed = Parsed::default();
        for number in 0..most_passes {
            let Some(present) = choices.take() else {
                break;
            };
            let context = Context {
                choices: Some(present),
                recorder,
                budget,
                regexes,
                parsed: parsed.clone(),
                ..Context::default()
            };
            let mut rendered = Rendered::default();
            let machine = match pass(chart, values, release, context, &mut rendered) {
                Ok(machine) => machine,
                Err(message) => {
                    found.error = Some(RenderError::of_chart(message));
                    found.is_partial = true;
                    return found;
                }
            };
            let context = machine.into_context();
            (recorder, budget, regexes) = (context.recorder, context.budget, context.regexes);
            recorder.forget_last();
            made.extend(rendered.manifests.iter().map(|one| one.name.clone()));
            let is_limit = rendered.errors.iter().any(|error| error.is_limit);
            found.add_pass(rendered, &recorder, number == 0);
            choices = context.choices.and_then(Choices::next);
            if is_limit {
                break;
            }
        }
        found.reads = recorder.done();
        found.failed.retain(|name| !made.contains(name));
        found.is_partial = choices.is_some() || found.reads.paths.is_empty();
        found
    })
}

impl Exploration {
    fn add_pass(&mut self, rendered: Rendered, recorder: &Recorder, is_first: bool) {
        for manifest in &rendered.manifests {
            gather(self, recorder, &manifest.name, &manifest.text);
        }
        gather_images(self, recorder, &rendered, is_first);
        let outermost = rendered
            .errors
            .iter()
            .filter_map(|error| error.frames.first());
        self.failed
            .extend(outermost.map(|frame| frame.file.clone()));
        if let Some(error) = rendered.errors.into_iter().next().filter(|_| is_first) {
            self.error = Some(error);
        }
    }
}

fn gather_images(
    found: &mut Exploration,
    recorder: &Recorder,
    rendered: &Rendered,
    is_default: bool,
) {
    for image in images(rendered) {
        let field = ImageField {
            symbols: {
                let manifest = &rendered.manifests[image.manifest].text;
                let symbol = |(span, source)| symbol(recorder, manifest, span, source);
                image.pieces.into_iter().map(symbol).collect()
            },
            template: rendered.manifests[image.manifest].name.clone(),
            kind: image.object.kind,
            name: image.object.name,
            container: image.container,
        };
        // The entry of the first pass is kept.
        found.images.entry(field).or_insert(is_default);
    }
}

fn symbol(recorder: &Recorder, text: &Pieces, span: Span, source: Source) -> Symbol {
    let origin = source.origin();
    let paths = match source {
        Source::Unknown(path) => vec![recorder.keys(path)],
        Source::Written(origin) if origin.kind == OriginKind::Value => recorder.paths_of(origin),
        _ => Vec::new(),
    };
    Symbol {
        text: String::from_utf8_lossy(&text.bytes[span.start..span.end]).into_owned(),
        is_unknown: matches!(source, Source::Unknown(_) | Source::Opaque),
        origin,
        paths,
    }
}

fn gather(found: &mut Exploration, recorder: &Recorder, template: &str, text: &Pieces) {
    let mut done = 0;
    let mut start = 0;
    for piece in &text.pieces {
        let (from, to) = (start, piece.end);
        start = to;
        let is_value = match piece.source {
            Source::Unknown(_) => true,
            Source::Written(origin) => origin.kind == OriginKind::Value,
            _ => false,
        };
        if !is_value || to <= done {
            continue;
        }
        // A value of several words has several contexts.
        let mut at = from.max(done);
        while at < to {
            let (begin, end) = word(&text.bytes, at);
            if end > begin {
                note(found, recorder, template, text, begin, end);
            }
            at = end.max(at) + 1;
            done = done.max(end);
        }
    }
}

fn note(
    found: &mut Exploration,
    recorder: &Recorder,
    template: &str,
    text: &Pieces,
    start: usize,
    end: usize,
) {
    let symbols = text
        .pieces_in(start, end)
        .map(|(from, to, source)| symbol(recorder, text, Span::new(from, to), source));
    let word: Vec<Symbol> = symbols.collect();
    let paths: BTreeSet<&ValuesPath> = word.iter().flat_map(|symbol| &symbol.paths).collect();
    let uses: Vec<Use> = paths
        .into_iter()
        .map(|path| Use {
            path: path.clone(),
            template: template.to_owned(),
            word: word.clone(),
        })
        .collect();
    found.uses.extend(uses);
}

/// Returns the range of the word around a byte.
fn word(bytes: &[u8], at: usize) -> (usize, usize) {
    let is_edge = |byte: &u8| byte.is_ascii_whitespace() || br#""'`,;()|<>[]{}"#.contains(byte);
    let from = at.saturating_sub(LONGEST_WORD);
    let to = bytes.len().min(at + LONGEST_WORD);
    let before = bytes[from..at].iter().rposition(is_edge);
    let after = bytes[at..to].iter().position(is_edge);
    (
        before.map_or(from, |found| from + found + 1),
        after.map_or(to, |found| at + found),
    )
}
