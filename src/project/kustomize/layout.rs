//! How an `images` entry is laid out in its file, and what is added to it in the same style.
//!
//! Blocks, flow style and JSON. What is put together from anchors, or spread over lines, is left to people.

use super::leaf::edited;
use crate::edit::Edit;
use crate::source::Span;
use crate::syntax::yaml::{Entry as Pair, List, Map, Scalar, Style};

/// Where the pairs stand, quotes included, and what goes before and between them.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pairs: Vec<Laid>,
    name: usize,
    /// A `newName` that may be there without a value.
    new_name: Option<usize>,
    flow: bool,
    /// Of the map.
    end: usize,
    /// `None` where it is no item of a list, and so cannot have a second one beside it.
    item: Option<Item>,
}

#[derive(Debug, Clone, Copy)]
struct Laid {
    key: Span,
    value: Span,
    value_text: Span,
}

#[derive(Debug, Clone, Copy)]
enum Item {
    /// What stands before it on its line: blanks, and the dash.
    Block(Span),
    /// Within brackets, after a line's blanks where it has its own line.
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
        let laid: Vec<Laid> = map
            .entries
            .iter()
            .map(|pair| lay(text, map, pair))
            .collect::<Result<_, _>>()?;
        let at = |key: &str| {
            let mut pairs = map.entries.iter();
            pairs.rposition(|pair| pair.name() == Some(key))
        };
        let name = at("name").ok_or(SPREAD)?;
        let first = laid.first().ok_or(SPREAD)?.key.start;
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
            pairs: laid,
            name,
            new_name: at("newName"),
            flow: map.flow,
            end: map.span.end,
            item,
        })
    }

    /// `newName` beside `name`, spelled as that is, or in the place of one without a value.
    pub(super) fn add_new_name(&self, text: &str, value: &str) -> Edit {
        let name = self.pairs[self.name];
        let key = name.key.of(text).replace("name", "newName");
        let gap = Span::new(name.key.end, name.value.start).of(text);
        let around = |outer: Span, inner: Span| {
            (
                Span::new(outer.start, inner.start).of(text),
                Span::new(inner.end, outer.end).of(text),
            )
        };
        let (open, close) = around(name.value, name.value_text);
        if let Some(empty) = self.new_name.map(|at| self.pairs[at]) {
            return Edit {
                span: Span::new(empty.key.end, empty.value.end),
                text: format!("{gap}{open}{value}{close}"),
            };
        }
        let pair = format!("{key}{gap}{open}{value}{close}");
        let before = before_on_line(text, name.key.start);
        if !self.flow {
            let at = end_of_line(text, name.value.end);
            let indent: String = before
                .of(text)
                .chars()
                .map(|letter| if letter == '-' { ' ' } else { letter })
                .collect();
            return insert(at, format!("{}{indent}{pair}", line_end(text, at)));
        }
        let at = name.value.end;
        let separator = if before.of(text).trim().is_empty() {
            format!(",{}{}", line_end(text, at), before.of(text))
        } else if text[at..].starts_with(',') && !text[at + 1..].starts_with([' ', '\n', '\r']) {
            ",".to_owned()
        } else {
            ", ".to_owned()
        };
        insert(at, format!("{separator}{pair}"))
    }

    /// Where a second entry goes.
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

    /// The entry with other names, and what sets it apart from the one before it.
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

/// A key and its value on one line, with nothing but a colon between them.
fn lay(text: &str, map: &Map<'_>, pair: &Pair<'_>) -> Result<Laid, &'static str> {
    let (Some(key), Some(value)) = (pair.key.as_scalar(), pair.value.as_scalar()) else {
        return Err(SPREAD);
    };
    let key_raw = quoted(key);
    let value_raw = match value.span.is_empty() && value.style == Style::Plain {
        // Nothing is written: where that is depends on the parser.
        true => behind_colon(text, key_raw.end).ok_or(SPREAD)?,
        false => quoted(value),
    };
    if value_raw.start < key_raw.end || !map.span.covers(value.span) {
        return Err(ALIASED);
    }
    let gap = Span::new(key_raw.end, value_raw.start).of(text);
    let shared = gap.contains(['&', '*', '!']);
    let plain = gap.trim() == ":" && !gap.contains('\n') && !value.is_block();
    match (plain && !value_raw.of(text).contains('\n'), shared) {
        (true, _) => Ok(Laid {
            key: key_raw,
            value: value_raw,
            value_text: match value_raw.covers(value.span) {
                true => value.span,
                false => value_raw,
            },
        }),
        (false, true) => Err(ALIASED),
        (false, false) => Err(SPREAD),
    }
}

fn insert(at: usize, text: String) -> Edit {
    Edit {
        span: Span::new(at, at),
        text,
    }
}

/// What stands before an offset on its line.
fn before_on_line(text: &str, at: usize) -> Span {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    Span::new(start, at)
}

/// Blanks, one dash, blanks.
fn is_dash(text: &str) -> bool {
    text.trim() == "-"
}

fn end_of_line(text: &str, at: usize) -> usize {
    let line = text[at..].split('\n').next().unwrap_or_default();
    at + line.trim_end_matches('\r').len()
}

/// How the line of an offset ends, or the first one where it is the last.
fn line_end(text: &str, at: usize) -> &'static str {
    let newline = text[at..].find('\n').map(|newline| at + newline);
    match newline.or_else(|| text.find('\n')) {
        Some(newline) if text[..newline].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The empty span behind a key's colon, where nothing but the next entry or a comment follows.
fn behind_colon(text: &str, key_end: usize) -> Option<Span> {
    let gap = text[key_end..].find(|letter: char| !letter.is_ascii_whitespace())?;
    let rest = text[key_end + gap..].strip_prefix(':')?;
    let line = rest.lines().next().unwrap_or_default().trim_start();
    let at = key_end + gap + 1;
    let free = line.is_empty() || line.starts_with(['#', ',', '}']);
    free.then_some(Span::new(at, at))
}

/// With its quotes.
fn quoted(scalar: &Scalar<'_>) -> Span {
    match scalar.style {
        Style::Single | Style::Double => Span::new(scalar.span.start - 1, scalar.span.end + 1),
        _ => scalar.span,
    }
}
