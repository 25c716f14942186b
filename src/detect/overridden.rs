//! Keys that are in one map twice: the last one counts, for Helm, `kubectl` and the parsers of JSON.
//!
//! Branches of a template may each write the same key. Then any of them may count.

use std::collections::{HashMap, HashSet};

use super::context::Context;
use super::input::Input;
use super::usage::Usage;
use crate::source::Span;
use crate::syntax::template::ActionKind;
use crate::syntax::yaml::{Entry, Map};

pub(super) const OVERRIDDEN: Usage =
    Usage::Mention("the same key is in this map again, and the last one counts");

/// Beginnings of lines that decide which of the lines around them count: ytt, Jinja's line statements, the C preprocessor.
const CONDITIONS: [&str; 8] = [
    "#@", "#if", "#else", "#end", "# if ", "# else", "# end", "%",
];

/// The maximum size of a map that is split, in bytes times its depth: the parts are copies, and so are those of maps inside.
const MOST_COPIED: usize = 2 << 20;

/// A map split by which of its entries count.
pub(super) struct Split<'t> {
    pub(super) counting: Map<'t>,
    pub(super) overridden: Map<'t>,
}

/// Splits a map with keys that are there twice. `None` if all of its entries count.
pub(super) fn split<'t>(context: &Context<'_>, map: &Map<'t>) -> Option<Split<'t>> {
    let copied = || map.span.len() * (1 + context.upwards().count());
    if !has_twice(map) || copied() > MOST_COPIED {
        return None;
    }
    let conditions = Conditions::of(context.input, map);
    let mut next: HashMap<&str, &Entry<'t>> = HashMap::new();
    let mut are_overridden: Vec<bool> = Vec::with_capacity(map.entries.len());
    for entry in map.entries.iter().rev() {
        let name = entry.name().filter(|name| *name != "<<");
        let again = name.and_then(|name| next.insert(name, entry));
        are_overridden.push(again.is_some_and(|again| {
            // Blocks of HCL with the same name are a list.
            let is_block = !has_colon(context.input, entry) || !has_colon(context.input, again);
            !is_block && !conditions.any_between(entry, again)
        }));
    }
    let (mut counting, mut overridden) = (Vec::new(), Vec::new());
    for (entry, is_overridden) in map.entries.iter().zip(are_overridden.iter().rev()) {
        match is_overridden {
            true => overridden.push(entry.clone()),
            false => counting.push(entry.clone()),
        }
    }
    let part = |entries| Map::new(map.span, map.flow, entries);
    (!overridden.is_empty()).then(|| Split {
        counting: part(counting),
        overridden: part(overridden),
    })
}

/// Whether a key is written as in YAML or JSON, and not as in HCL.
fn has_colon(input: &Input<'_>, entry: &Entry<'_>) -> bool {
    let behind = input.text.get(entry.key.span().end..).unwrap_or_default();
    let behind = behind.strip_prefix(['"', '\'']).unwrap_or(behind);
    behind.trim_start().starts_with(':')
}

/// Few maps have many keys: comparing them all is cheaper than a set for each map.
const FEW: usize = 12;

fn has_twice(map: &Map<'_>) -> bool {
    let names = || map.entries.iter().filter_map(Entry::name);
    if map.entries.len() > FEW {
        let mut known = HashSet::with_capacity(map.entries.len());
        return names().any(|name| !known.insert(name));
    }
    let is_again = |(at, name): (usize, &str)| names().skip(at + 1).any(|other| other == name);
    names().enumerate().any(is_again)
}

/// What may decide which of the keys around it are written.
struct Conditions {
    /// Sorted offsets.
    at: Vec<usize>,
}

impl Conditions {
    /// Finds those between the keys of a map.
    fn of(input: &Input<'_>, map: &Map<'_>) -> Self {
        let (Some(first), Some(last)) = (map.entries.first(), map.entries.last()) else {
            return Self { at: Vec::new() };
        };
        let (start, end) = (first.key.span().start, last.key.span().start);
        let span = Span::new(start.min(end), end);
        let controls = |kind| !matches!(kind, ActionKind::Inline | ActionKind::Comment);
        let actions = input.actions_in(span).iter();
        let actions = actions.filter(|action| controls(action.kind));
        let mut line_start = span.start;
        let lines = span
            .of(input.text)
            .split_inclusive('\n')
            .filter_map(|line| {
                let content = line.trim_start();
                let at = line_start + (line.len() - content.len());
                line_start += line.len();
                let mut starts = CONDITIONS.iter();
                starts.any(|start| content.starts_with(start)).then_some(at)
            });
        let mut at: Vec<usize> = actions
            .map(|action| action.span.start)
            .chain(lines)
            .collect();
        at.sort_unstable();
        Self { at }
    }

    fn any_between(&self, one: &Entry<'_>, other: &Entry<'_>) -> bool {
        let before = |entry: &Entry<'_>| {
            let start = entry.key.span().start;
            self.at.partition_point(|at| *at < start)
        };
        before(one) < before(other)
    }
}
