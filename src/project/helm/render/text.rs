//! Text that knows the origin of its bytes.
//!
//! A text is a run of bytes and a table of pieces, sorted by their ends. Copying a part of a text copies its pieces;
//! text that a function creates is `Computed`.

use std::rc::Rc;

use crate::source::Span;

/// The id of a path in the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathId(pub(super) u32);

/// The source of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Created by a function, or by printing a value.
    Computed,
    /// Created by a function with unpredictable results: random values, dates, keys.
    Opaque,
    /// Only when exploring: the unset value at this path of the values.
    Unknown(PathId),
    Written(Origin),
}

impl Source {
    pub fn origin(self) -> Option<Origin> {
        match self {
            Self::Written(origin) => Some(origin),
            _ => None,
        }
    }
}

/// A location in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    pub kind: OriginKind,
    /// The index of the file in the chart's list of files.
    pub file: u32,
    start: u32,
    length: u32,
    /// Whether the bytes of the piece equal those of the span. Otherwise the piece as a whole comes from the span: a
    /// number, an escaped string, a folded block.
    pub verbatim: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginKind {
    /// Text of a template outside of its actions, or of a file that is included as it is.
    Template,
    /// A string literal in an action.
    Literal,
    /// A scalar of a values file or of `Chart.yaml`.
    Value,
}

impl Origin {
    pub fn new(kind: OriginKind, file: usize, span: Span, verbatim: bool) -> Self {
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            kind,
            file: small(file),
            start: small(span.start),
            length: small(span.len()),
            verbatim,
        }
    }

    pub fn span(&self) -> Span {
        let start = self.start as usize;
        Span::new(start, start + self.length as usize)
    }

    /// Returns the origin of a part of the piece.
    fn part(mut self, from: usize, length: usize) -> Self {
        if self.verbatim {
            self.start += from as u32;
            self.length = length as u32;
        }
        self
    }

    /// Whether `next` continues where this origin ends.
    fn continues_with(&self, next: &Self) -> bool {
        let alike = self.kind == next.kind && self.file == next.file;
        match self.verbatim && next.verbatim {
            true => alike && self.start + self.length == next.start,
            false => self == next,
        }
    }
}

impl Source {
    fn part(self, from: usize, length: usize) -> Self {
        match self {
            Self::Written(origin) => Self::Written(origin.part(from, length)),
            other => other,
        }
    }
}

/// A piece of a text, from the end of the previous piece to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub end: usize,
    pub source: Source,
}

/// A text under construction, or the content of a finished one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pieces {
    pub bytes: Vec<u8>,
    /// Sorted by their ends; the last one ends where the bytes end.
    pub pieces: Vec<Piece>,
}

impl Pieces {
    pub(super) fn push(&mut self, bytes: &[u8], source: Source) {
        if bytes.is_empty() {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        self.mark(source);
    }

    /// Sets the source of the bytes after the last piece.
    fn mark(&mut self, source: Source) {
        let end = self.bytes.len();
        if let Some(last) = self.pieces.last_mut() {
            match (&mut last.source, source) {
                (Source::Written(before), Source::Written(origin))
                    if before.continues_with(&origin) =>
                {
                    if before.verbatim {
                        before.length += origin.length;
                    }
                    last.end = end;
                    return;
                }
                (before, source) if *before == source && !matches!(source, Source::Written(_)) => {
                    last.end = end;
                    return;
                }
                _ => {}
            }
        }
        self.pieces.push(Piece { end, source });
    }

    pub(super) fn push_text(&mut self, text: &Text) {
        self.push_part(text, 0, text.len());
    }

    pub(super) fn push_part(&mut self, text: &Text, start: usize, end: usize) {
        if start >= end {
            return;
        }
        self.bytes.reserve(end - start);
        for (from, to, source) in text.0.pieces_in(start, end) {
            self.bytes.extend_from_slice(&text.0.bytes[from..to]);
            self.mark(source);
        }
    }

    pub(super) fn computed(&mut self, text: &str) {
        self.push(text.as_bytes(), Source::Computed);
    }

    /// Returns the pieces that overlap a range, cut to it.
    pub fn pieces_in(
        &self,
        start: usize,
        end: usize,
    ) -> impl Iterator<Item = (usize, usize, Source)> {
        let first = self.pieces.partition_point(|piece| piece.end <= start);
        let mut begin = match first {
            0 => 0,
            _ => self.pieces[first - 1].end,
        };
        self.pieces[first..].iter().map_while(move |piece| {
            let (from, to) = (begin.max(start), piece.end.min(end));
            let source = piece.source.part(from - begin, to.saturating_sub(from));
            begin = piece.end;
            (from < to).then_some((from, to, source))
        })
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the text, with replacement characters for invalid bytes.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// A finished text; copies share it.
#[derive(Debug, Clone)]
pub(super) struct Text(Rc<Pieces>);

impl Text {
    pub(super) fn new(pieces: Pieces) -> Self {
        Self(Rc::new(pieces))
    }

    pub(super) fn from_source(bytes: &[u8], source: Source) -> Self {
        let mut pieces = Pieces::default();
        pieces.push(bytes, source);
        Self::new(pieces)
    }

    pub(super) fn computed(text: impl AsRef<[u8]>) -> Self {
        Self::from_source(text.as_ref(), Source::Computed)
    }

    pub(super) fn len(&self) -> usize {
        self.0.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.bytes.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    pub(super) fn pieces(&self) -> &Pieces {
        &self.0
    }

    pub(super) fn into_pieces(self) -> Pieces {
        Rc::try_unwrap(self.0).unwrap_or_else(|shared| Pieces::clone(&shared))
    }

    /// Returns the text, with replacement characters for invalid bytes.
    pub(super) fn to_str(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0.bytes)
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> Self {
        if start == 0 && end == self.len() {
            return self.clone();
        }
        let mut part = Pieces::default();
        part.push_part(self, start, end);
        Self::new(part)
    }

    /// Returns the source for text that is computed from this one.
    pub(super) fn taint(&self) -> Source {
        let opaque = |piece: &Piece| piece.source == Source::Opaque;
        match self.0.pieces.iter().any(opaque) {
            true => Source::Opaque,
            false => Source::Computed,
        }
    }

    /// Returns the result of a function on this text: with the same pieces if the bytes are unchanged.
    pub(super) fn made(&self, bytes: Vec<u8>) -> Self {
        match bytes == self.bytes() {
            true => self.clone(),
            false => Self::from_source(&bytes, self.taint()),
        }
    }

    /// Returns the locations in files that it comes from.
    pub(super) fn origins(&self) -> impl Iterator<Item = Origin> {
        self.0
            .pieces
            .iter()
            .filter_map(|piece| piece.source.origin())
    }

    /// Splits at a separator, or at every letter if it is empty, as Go does.
    pub(super) fn split(&self, separator: &[u8], most: usize) -> Vec<Self> {
        let bytes = self.bytes();
        let mut parts = Vec::new();
        let mut start = 0;
        if separator.is_empty() {
            let text = self.to_str();
            for letter in text.chars() {
                let end = match parts.len() + 1 == most {
                    true => self.len(),
                    false => start + letter.len_utf8(),
                };
                parts.push(self.slice(start, end.min(self.len())));
                start = end;
                if end >= self.len() {
                    break;
                }
            }
            return parts;
        }
        for at in memchr::memmem::find_iter(bytes, separator) {
            if parts.len() + 1 >= most {
                break;
            }
            parts.push(self.slice(start, at));
            start = at + separator.len();
        }
        parts.push(self.slice(start, self.len()));
        parts
    }

    /// Replaces every occurrence; the rest keeps its pieces.
    pub(super) fn replace(&self, old: &[u8], new: &Text) -> Self {
        if old.is_empty() {
            return self.replace_everywhere(new);
        }
        let mut out = Pieces::default();
        let mut start = 0;
        for at in memchr::memmem::find_iter(self.bytes(), old) {
            out.push_part(self, start, at);
            out.push_text(new);
            start = at + old.len();
        }
        if start == 0 {
            return self.clone();
        }
        out.push_part(self, start, self.len());
        Self::new(out)
    }

    /// Inserts a text before each letter and at the end, as Go does for an empty search text.
    fn replace_everywhere(&self, new: &Text) -> Self {
        let mut out = Pieces::default();
        let text = self.to_str();
        for (at, letter) in text.char_indices() {
            out.push_text(new);
            out.push_part(self, at, (at + letter.len_utf8()).min(self.len()));
        }
        out.push_text(new);
        Self::new(out)
    }

    /// Removes the letters at the start and end for which `is` holds.
    pub(super) fn trim(&self, is: impl Fn(char) -> bool + Copy, start: bool, end: bool) -> Self {
        let text = self.to_str();
        let mut from = 0;
        let mut to = text.len();
        if start {
            from = text.len() - text.trim_start_matches(is).len();
        }
        if end {
            to = text.trim_end_matches(is).len().max(from);
        }
        match text.len() == self.len() {
            true => self.slice(from, to),
            // Not UTF-8: the lengths differ.
            false => Self::from_source(&text.as_bytes()[from..to], self.taint()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, at: usize) -> Text {
        let span = Span::new(at, at + text.len());
        let origin = Origin::new(OriginKind::Value, 1, span, true);
        Text::from_source(text.as_bytes(), Source::Written(origin))
    }

    /// Returns each piece with the start of its origin.
    fn shown(text: &Text) -> Vec<(String, Option<usize>)> {
        let pieces = text.pieces().pieces_in(0, text.len());
        let show = |(from, to, source): (usize, usize, Source)| {
            let shown = String::from_utf8_lossy(&text.bytes()[from..to]).into_owned();
            match source {
                Source::Written(origin) => (shown, Some(origin.span().start)),
                _ => (shown, None),
            }
        };
        pieces.map(show).collect()
    }

    #[test]
    fn parts_keep_their_pieces() {
        let mut pieces = Pieces::default();
        pieces.push_text(&written("k8s.gcr.io", 10));
        pieces.computed("/");
        pieces.push_text(&written("pause:3.1", 40));
        let text = Text::new(pieces);
        let part = text.slice(4, 16);
        let expected = [("gcr.io", Some(14)), ("/", None), ("pause", Some(40))];
        let expected = expected.map(|(text, at)| (text.to_owned(), at));
        assert_eq!(shown(&part), expected);
        let replaced = text.replace(b"gcr.io", &Text::computed("x"));
        assert_eq!(shown(&replaced)[1], ("x/".to_owned(), None));
        let split = text.split(b"/", usize::MAX);
        assert_eq!(shown(&split[1]), [("pause:3.1".to_owned(), Some(40))]);
        let trimmed = text.trim(|letter| letter == 'k', true, true);
        assert_eq!(shown(&trimmed)[0], ("8s.gcr.io".to_owned(), Some(11)));
    }

    #[test]
    fn pieces_that_go_on_become_one() {
        let mut pieces = Pieces::default();
        pieces.push_text(&written("ab", 10));
        pieces.push_text(&written("cd", 12));
        pieces.push_text(&written("ef", 20));
        let expected = [("abcd".to_owned(), Some(10)), ("ef".to_owned(), Some(20))];
        assert_eq!(shown(&Text::new(pieces)), expected);
    }
}
