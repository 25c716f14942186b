//! How an `images` entry is laid out in its file, and how a key or an entry is added in the same style.
//!
//! Handles block style, flow style and JSON. An entry that uses anchors or is spread over lines is not edited.

use super::image_scalars::edited;
use crate::edit::Edit;
use crate::source::Span;
use crate::syntax::beside::{
    Fault, PairLayout, before_on_line, beside, end_of_line, layout_of, line_end,
};
use crate::syntax::yaml::{List, Map};

/// The positions of an entry's pairs, including quotes, and how its list separates items.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pairs: Vec<PairLayout>,
    name: usize,
    /// The index of a `newName`, which may have no value.
    new_name: Option<usize>,
    flow: bool,
    /// The end of the map.
    end: usize,
    /// `None` if the entry is not an item of a list, so that a second one cannot be added.
    item: Option<Item>,
}

#[derive(Debug, Clone, Copy)]
enum Item {
    /// In block style, with the spaces and the dash before it.
    Block(Span),
    /// Within brackets, with its indentation if it has its own line.
    Flow(Option<Span>),
}

pub(super) const ALIASED: &str = "that entry uses anchors or merge keys";
pub(super) const SPREAD: &str = "that entry has a layout that cannot be edited";
pub(super) const ESCAPED: &str = "the name of that entry is written with escapes";
pub(super) const ALONE: &str = "a second entry cannot be added beside that entry";

impl Layout {
    pub(super) fn read(
        text: &str,
        map: &Map<'_>,
        list: Option<&List<'_>>,
    ) -> Result<Self, &'static str> {
        let layouts: Vec<PairLayout> = map
            .entries
            .iter()
            .map(|pair| layout_of(text, map, pair))
            .collect::<Result<_, _>>()
            .map_err(reason)?;
        let at = |key: &str| {
            let mut pairs = map.entries.iter();
            pairs.rposition(|pair| pair.name() == Some(key))
        };
        let name = at("name").ok_or(SPREAD)?;
        let first = layouts.first().ok_or(SPREAD)?.key.start;
        let start = if map.flow { map.span.start } else { first };
        let before = before_on_line(text, start);
        let item = match list {
            None => None,
            Some(list) if list.flow => {
                let own_line = before.of(text).trim().is_empty();
                Some(Item::Flow(own_line.then_some(before)))
            }
            Some(_) if is_dash(before.of(text)) => Some(Item::Block(before)),
            Some(_) => return Err(SPREAD),
        };
        if map.flow {
            let closed = map.span.of(text).starts_with('{') && map.span.of(text).ends_with('}');
            closed.then_some(()).ok_or(SPREAD)?;
        }
        Ok(Self {
            pairs: layouts,
            name,
            new_name: at("newName"),
            flow: map.flow,
            end: map.span.end,
            item,
        })
    }

    /// Adds `newName` beside `name`, in the same style, or fills one that has no value.
    pub(super) fn add_new_name(&self, text: &str, value: &str) -> Edit {
        let name = self.pairs[self.name];
        let empty = self.new_name.map(|at| self.pairs[at]);
        let insertion = beside(text, self.flow, name, ("name", "newName"), empty);
        Edit::new(insertion.span, insertion.with(value))
    }

    /// Returns where a second entry is inserted.
    pub(super) fn end(&self, text: &str) -> Span {
        let last = self.last();
        let at = match self.item {
            Some(Item::Block(_)) => end_of_line(text, last),
            _ => last,
        };
        Span::new(at, at)
    }

    /// The end of the entry.
    fn last(&self) -> usize {
        match self.pairs.last() {
            Some(pair) if !self.flow => pair.value.end,
            _ => self.end,
        }
    }

    /// Returns a copy of the entry with other names, after a separator. `None` if the entry is not an item of a list.
    pub(super) fn copy(&self, text: &str, start: usize, renames: &[Edit]) -> Option<String> {
        let replaced = |span: Span| edited(span.of(text), span, renames.iter());
        let whole = || Span::new(start, self.last());
        match self.item? {
            Item::Flow(Some(before)) => Some(format!(
                ",{}{}{}",
                line_end(text, self.last()),
                before.of(text),
                replaced(whole())
            )),
            Item::Flow(None) => Some(format!(", {}", replaced(whole()))),
            Item::Block(before) if self.flow => Some(format!(
                "{}{}{}",
                line_end(text, self.last()),
                before.of(text),
                replaced(whole())
            )),
            Item::Block(before) => {
                let indent = before.of(text).replace('-', " ");
                let lines = self.pairs.iter().enumerate().map(|(index, pair)| {
                    let lead = if index == 0 { before.of(text) } else { &indent };
                    format!("{lead}{}", replaced(pair.key.join(pair.value)))
                });
                let end = line_end(text, self.last());
                Some(lines.map(|line| format!("{end}{line}")).collect())
            }
        }
    }
}

/// Whether a text is a dash, with or without spaces around it.
fn is_dash(text: &str) -> bool {
    text.trim() == "-"
}

fn reason(fault: Fault) -> &'static str {
    match fault {
        Fault::Aliased => ALIASED,
        Fault::Spread => SPREAD,
    }
}
