//! What becomes of values, those included that are switched off by default: every way through the templates is taken
//! once.
//!
//! No single run takes all ways, for the texts of two branches would run into each other. Each pass takes one way at each
//! decision, and another the next time.

use std::collections::BTreeSet;

use super::budget::Budget;
use super::chart::{Chart, File};
use super::context::Context;
use super::explore::Choices;
use super::reads::{Reads, Recorder, ValuesPath};
use super::text::{Origin, OriginKind, Pieces, Source};
use super::{Release, Rendered, on_large_stack, pass};

/// A value in a text that came out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    pub path: ValuesPath,
    /// The template that made the text, as Helm names it.
    pub template: String,
    /// The word that the value became a part of, between blanks, quotes and brackets.
    pub word: Vec<Symbol>,
}

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    /// `unknown` where the value is not set.
    pub text: String,
    /// Where it is written, if it is.
    pub origin: Option<Origin>,
    /// The values that it comes from: several where one scalar stands at several paths.
    pub paths: Vec<ValuesPath>,
}

/// All that was found.
#[derive(Debug, Clone, Default)]
pub struct Exploration {
    pub uses: BTreeSet<Use>,
    pub reads: Reads,
    /// Whether not all ways were taken: the chart is too large, or does not parse.
    pub is_partial: bool,
}

const MOST_PASSES: usize = 32;
const LONGEST_WORD: usize = 1024;

/// Renders a chart with every way of each decision taken at least once. Failures are passed over, and what is not set is
/// something unknown.
pub fn explore(chart: &Chart, values: &[File], release: &Release) -> Exploration {
    on_large_stack(|| {
        let mut found = Exploration::default();
        let mut choices = Some(Choices::default());
        let mut budget = Budget::of_exploring();
        for _ in 0..MOST_PASSES {
            let Some(present) = choices.take() else {
                return found;
            };
            let context = Context {
                choices: Some(present),
                budget,
                ..Context::default()
            };
            let mut rendered = Rendered::default();
            let Ok(machine) = pass(chart, values, release, context, &mut rendered) else {
                break;
            };
            let Context {
                choices: taken,
                recorder,
                budget: left,
                ..
            } = machine.into_context();
            budget = left;
            for manifest in &rendered.manifests {
                gather(&mut found, &recorder, &manifest.name, &manifest.text);
            }
            let reads = recorder.done();
            found.reads.paths.extend(reads.paths);
            found.reads.comparisons.extend(reads.comparisons);
            if rendered.errors.iter().any(|error| error.is_limit) {
                break;
            }
            choices = taken.and_then(Choices::next);
        }
        found.is_partial = choices.is_some() || found.reads.paths.is_empty();
        found
    })
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
        // A value of several words is in several contexts.
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
    let symbols = text.pieces_in(start, end).map(|(from, to, source)| {
        let origin = match source {
            Source::Written(origin) => Some(origin),
            _ => None,
        };
        let paths = match source {
            Source::Unknown(path) => vec![recorder.keys(path)],
            Source::Written(origin) if origin.kind == OriginKind::Value => {
                recorder.paths_of(origin)
            }
            _ => Vec::new(),
        };
        Symbol {
            text: String::from_utf8_lossy(&text.bytes[from..to]).into_owned(),
            origin,
            paths,
        }
    });
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

/// The word around a byte.
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
