//! Converts between the protocol's positions (a line and a count of code units) and byte offsets.
//!
//! As in the protocol, a line ends with `\n`, `\r\n` or `\r`.

use lsp_types::{Position, PositionEncodingKind, Range};

use crate::source::Span;

/// The code unit of positions within a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Units {
    Utf8,
    Utf16,
    Utf32,
}

impl Units {
    /// Picks the cheapest encoding that the client supports. UTF-16 if the client names none.
    pub(super) fn of(offered: Option<&[PositionEncodingKind]>) -> Self {
        let offered = offered.unwrap_or_default();
        let known = [Self::Utf8, Self::Utf32];
        let mut known = known.into_iter();
        known
            .find(|units| offered.contains(&units.kind()))
            .unwrap_or(Self::Utf16)
    }

    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    fn len(self, letter: char) -> usize {
        match self {
            Self::Utf8 => letter.len_utf8(),
            Self::Utf16 => letter.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// The start of each line of a text.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    text: &'t str,
    units: Units,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str, units: Units) -> Self {
        let bytes = text.as_bytes();
        let ends = memchr::memchr2_iter(b'\n', b'\r', bytes);
        let ends = ends.filter(|at| bytes[*at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'));
        let starts = std::iter::once(0).chain(ends.map(|at| at + 1));
        Self {
            text,
            units,
            starts: starts.collect(),
        }
    }

    /// Returns the offset of a position. Clamps it to the end of its line, or to the end of the text.
    pub(super) fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line).copied() else {
            return self.text.len();
        };
        let end = self.starts.get(line + 1).copied();
        let content = &self.text[start..end.unwrap_or(self.text.len())];
        let content = content.trim_end_matches(['\n', '\r']);
        let wanted = position.character as usize;
        let mut counted = 0;
        for (at, letter) in content.char_indices() {
            counted += self.units.len(letter);
            // A position inside a character is moved to the start of that character.
            if counted > wanted {
                return start + at;
            }
        }
        start + content.len()
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let before = &self.text[self.starts[line]..offset];
        let character: usize = match self.units {
            Units::Utf8 => before.len(),
            units => before.chars().map(|letter| units.len(letter)).sum(),
        };
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position::new(number(line), number(character))
    }

    pub(super) fn range(&self, span: Span) -> Range {
        Range::new(self.position(span.start), self.position(span.end))
    }

    pub(super) fn span(&self, range: Range) -> Span {
        let (one, other) = (self.offset(range.start), self.offset(range.end));
        Span::new(one.min(other), one.max(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "aä𝒳z\r\nb\rc\n";

    #[test]
    fn positions_count_in_the_units_of_the_client() {
        for (units, z) in [(Units::Utf8, 7), (Units::Utf16, 4), (Units::Utf32, 3)] {
            let lines = Lines::new(TEXT, units);
            let offset = TEXT.find('z').unwrap();
            assert_eq!(lines.position(offset), Position::new(0, z));
            for (offset, _) in TEXT.char_indices() {
                // No position falls between the `\r` and `\n` of a line end.
                let is_half = TEXT[..offset].ends_with('\r') && TEXT[offset..].starts_with('\n');
                let back = lines.offset(lines.position(offset));
                assert!(back == offset || is_half, "{offset} {back}");
            }
        }
    }

    #[test]
    fn positions_beyond_the_text_are_brought_back() {
        let lines = Lines::new(TEXT, Units::Utf16);
        let at = |line, character| lines.offset(Position::new(line, character));
        assert_eq!(at(0, 99), TEXT.find('\r').unwrap());
        assert_eq!(at(0, 3), TEXT.find('𝒳').unwrap(), "the middle of a pair");
        assert_eq!(at(2, 0), TEXT.find('c').unwrap(), "a lone \\r ends a line");
        assert_eq!(at(3, 0), TEXT.len());
        assert_eq!(at(u32::MAX, 5), TEXT.len());
        assert_eq!(lines.position(9999), Position::new(3, 0));
    }

    #[test]
    fn utf_8_is_taken_where_it_is_offered() {
        let [one, two] = [PositionEncodingKind::UTF16, PositionEncodingKind::UTF32];
        assert_eq!(Units::of(None), Units::Utf16);
        assert_eq!(Units::of(Some(std::slice::from_ref(&one))), Units::Utf16);
        assert_eq!(Units::of(Some(&[one.clone(), two])), Units::Utf32);
        assert_eq!(
            Units::of(Some(&[one, PositionEncodingKind::UTF8])),
            Units::Utf8
        );
    }
}
