//! Adds a pair to a map beside another pair, in the same style: block style, flow style or JSON.
//!
//! Pairs that use anchors, or are spread over lines, are not edited.

use crate::source::{self, Span};
use crate::syntax::yaml::{Entry as Pair, Map, Scalar, Style};

/// The position of a pair, including quotes.
#[derive(Debug, Clone, Copy)]
pub struct PairLayout {
    pub key: Span,
    pub value: Span,
    /// The value without quotes.
    pub value_text: Span,
}

/// The reason why a pair cannot be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has anchors, aliases or tags.
    Aliased,
    /// It is on several lines.
    Spread,
}

/// The text around a value that is not known yet, and the span that it replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insertion {
    pub span: Span,
    pub before: String,
    pub after: String,
}

impl Insertion {
    /// Returns the text for the span, with the value in it.
    pub fn with(&self, value: &str) -> String {
        format!("{}{value}{}", self.before, self.after)
    }
}

/// Returns the insertion of a pair beside `like`, whose key is that of `like` with `from` replaced by `to`. If there is
/// already a pair `empty` with this key and without a value, the value is inserted there.
pub fn beside(
    text: &str,
    flow: bool,
    like: PairLayout,
    (from, to): (&str, &str),
    empty: Option<PairLayout>,
) -> Insertion {
    let gap = Span::new(like.key.end, like.value.start).of(text);
    let open = Span::new(like.value.start, like.value_text.start).of(text);
    let close = Span::new(like.value_text.end, like.value.end).of(text);
    if let Some(empty) = empty {
        return Insertion {
            span: Span::new(empty.key.end, empty.value.end),
            before: format!("{gap}{open}"),
            after: close.to_owned(),
        };
    }
    let at = match flow {
        true => like.value.end,
        false => end_of_line(text, like.value.end),
    };
    let separator = separator(text, flow, like);
    let key = like.key.of(text).replace(from, to);
    Insertion {
        span: Span::new(at, at),
        before: format!("{separator}{key}{gap}{open}"),
        after: close.to_owned(),
    }
}

/// Returns the text between a pair and the one before it.
fn separator(text: &str, flow: bool, like: PairLayout) -> String {
    let before = before_on_line(text, like.key.start).of(text);
    if !flow {
        let at = end_of_line(text, like.value.end);
        return format!("{}{}", line_end(text, at), before.replace('-', " "));
    }
    let at = like.value.end;
    let is_tight = text[at..].starts_with(',') && !text[at + 1..].starts_with([' ', '\n', '\r']);
    match before.trim().is_empty() {
        true => format!(",{}{before}", line_end(text, at)),
        false if is_tight => ",".to_owned(),
        false => ", ".to_owned(),
    }
}

/// Locates a key and its value, which must be on one line with nothing but a colon between them.
/// # Errors
/// If they are not.
pub fn layout_of(text: &str, map: &Map<'_>, pair: &Pair<'_>) -> Result<PairLayout, Fault> {
    let (Some(key), Some(value)) = (pair.key.as_scalar(), pair.value.as_scalar()) else {
        return Err(Fault::Spread);
    };
    let key_raw = quoted(key);
    let value_raw = match value.span.is_empty() && value.style == Style::Plain {
        // The value is not written. Its position depends on the parser.
        true => behind_colon(text, key_raw.end).ok_or(Fault::Spread)?,
        false => quoted(value),
    };
    if value_raw.start < key_raw.end || !map.span.covers(value.span) {
        return Err(Fault::Aliased);
    }
    let gap = Span::new(key_raw.end, value_raw.start).of(text);
    let shared = gap.contains(['&', '*', '!']);
    let plain = gap.trim() == ":" && !gap.contains('\n') && !value.is_block();
    match (plain && !value_raw.of(text).contains('\n'), shared) {
        (true, _) => Ok(PairLayout {
            key: key_raw,
            value: value_raw,
            value_text: match value_raw.covers(value.span) {
                true => value.span,
                false => value_raw,
            },
        }),
        (false, true) => Err(Fault::Aliased),
        (false, false) => Err(Fault::Spread),
    }
}

/// Returns the part of a line before an offset.
pub fn before_on_line(text: &str, at: usize) -> Span {
    Span::new(source::line_start(text, at), at)
}

pub fn end_of_line(text: &str, at: usize) -> usize {
    let line = text[at..].split('\n').next().unwrap_or_default();
    at + line.trim_end_matches('\r').len()
}

/// Returns the line break after an offset. On the last line, returns the first line break of the text.
pub fn line_end(text: &str, at: usize) -> &'static str {
    let newline = text[at..].find('\n').map(|newline| at + newline);
    match newline.or_else(|| text.find('\n')) {
        Some(newline) if text[..newline].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Returns the empty span after a key's colon, if nothing but the next entry or a comment follows.
fn behind_colon(text: &str, key_end: usize) -> Option<Span> {
    let gap = text[key_end..].find(|letter: char| !letter.is_ascii_whitespace())?;
    let rest = text[key_end + gap..].strip_prefix(':')?;
    let line = rest.lines().next().unwrap_or_default().trim_start();
    let at = key_end + gap + 1;
    let free = line.is_empty() || line.starts_with(['#', ',', '}']);
    free.then_some(Span::new(at, at))
}

/// Returns the span of a scalar with its quotes.
fn quoted(scalar: &Scalar<'_>) -> Span {
    match scalar.style {
        Style::Single | Style::Double => Span::new(scalar.span.start - 1, scalar.span.end + 1),
        _ => scalar.span,
    }
}
