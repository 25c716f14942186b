//! Keys that are in one map twice: the last one counts, for Helm, `kubectl` and the parsers of JSON.
//!
//! Branches of a template may each write the same key. Then any of them may count.

use std::collections::HashSet;

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

/// A map split by which of its entries count.
pub(super) struct Split<'t> {
    pub(super) counting: Map<'t>,
    pub(super) overridden: Map<'t>,
}

/// Splits a map with keys that are there twice. `None` if all of its entries count.
pub(super) fn split<'t>(context: &Context<'_>, map: &Map<'t>) -> Option<Split<'t>> {
    if !has_twice(map) {
        return None;
    }
    let is_overridden = |at: usize, entry: &Entry<'t>| {
        let name = entry.name().filter(|name| *name != "<<");
        let later = &map.entries[at + 1..];
        let again = name.and_then(|name| later.iter().find(|one| one.name() == Some(name)));
        again.is_some_and(|again| {
            // Blocks of HCL with the same name are a list.
            let is_block = !has_colon(context.input, entry) || !has_colon(context.input, again);
            let between = Span::new(entry.key.span().start, again.key.span().start);
            !is_block && !has_condition(context.input, between)
        })
    };
    let (mut counting, mut overridden) = (Vec::new(), Vec::new());
    for (at, entry) in map.entries.iter().enumerate() {
        match is_overridden(at, entry) {
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

/// Whether something between two keys may decide which of them is written.
fn has_condition(input: &Input<'_>, between: Span) -> bool {
    let controls = |kind| !matches!(kind, ActionKind::Inline | ActionKind::Comment);
    let mut actions = input.actions_in(between).iter();
    let mut lines = between.of(input.text).lines();
    actions.any(|action| controls(action.kind))
        || lines.any(|line| {
            let line = line.trim_start();
            CONDITIONS.iter().any(|start| line.starts_with(start))
        })
}
