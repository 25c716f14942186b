//! A text that places the references of a report at their lines and columns.
//!
//! Formats show locations in a text, but a report of an earlier run has only the locations and some of the references.
//! Everything else is blank.

use std::collections::BTreeMap;

use crate::report::json::v1::Range;
use crate::source::Span;

/// The maximum number of characters in a text. Locations beyond it are shown at the end of the text.
const ROOM: usize = 16 << 20;

/// The text of one file.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    /// The characters by line number, which counts from 1.
    lines: BTreeMap<usize, Vec<char>>,
    used: usize,
}

/// A finished text, with the offsets of its lines.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) text: String,
    starts: BTreeMap<usize, Start>,
}

#[derive(Debug, Clone, Copy)]
struct Start {
    offset: usize,
    is_ascii: bool,
}

impl Canvas {
    /// Makes room for a location.
    pub(super) fn reach(&mut self, line: usize, column: usize) {
        let chars = self.lines.entry(line).or_default();
        let more = (column - 1).saturating_sub(chars.len());
        if self.used + more <= ROOM {
            self.used += more;
            chars.resize(chars.len() + more, ' ');
        }
    }

    /// Makes room for a range and writes the text into it, cut to its length. A text that is too short is not written.
    pub(super) fn write(&mut self, range: &Range, text: Option<&str>) {
        self.reach(range.line, range.column);
        self.reach(range.end_line, range.end_column);
        if range.line != range.end_line {
            return;
        }
        let length = range.end_column - range.column;
        let chars = text.map(|text| text.chars().collect::<Vec<_>>());
        let chars = chars.filter(|chars| chars.len() >= length && !chars.contains(&'\n'));
        let line = self.lines.entry(range.line).or_default();
        let cells = line.iter_mut().skip(range.column - 1).take(length);
        for (at, cell) in cells.enumerate() {
            // Keep what is already written.
            if *cell == ' ' || *cell == '.' {
                *cell = chars.as_ref().map_or('.', |chars| chars[at]);
            }
        }
    }

    pub(super) fn drawn(self) -> Drawn {
        let mut text = String::new();
        let mut starts = BTreeMap::new();
        let mut next = 1;
        for (number, chars) in self.lines {
            text.extend(std::iter::repeat_n('\n', number - next));
            next = number;
            let start = Start {
                offset: text.len(),
                is_ascii: chars.iter().all(char::is_ascii),
            };
            starts.insert(number, start);
            text.extend(chars);
        }
        Drawn { text, starts }
    }
}

impl Drawn {
    /// The offset of a location; the end of the text if there was no room for it.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let Some(start) = self.starts.get(&line) else {
            return self.text.len();
        };
        let rest = &self.text[start.offset..];
        let before = column.saturating_sub(1);
        let bytes = match start.is_ascii {
            true => before,
            false => rest.chars().take(before).map(char::len_utf8).sum(),
        };
        (start.offset + bytes).min(self.text.len())
    }

    pub(super) fn span(&self, range: &Range) -> Span {
        let start = self.offset(range.line, range.column);
        let end = self.offset(range.end_line, range.end_column);
        Span::new(start, end.max(start))
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::MOST;
    use super::*;
    use crate::source::LineIndex;

    fn range(line: usize, column: usize, end_line: usize, end_column: usize) -> Range {
        let (start, end) = (0, 0);
        Range {
            start,
            end,
            line,
            column,
            end_line,
            end_column,
        }
    }

    #[test]
    fn places_are_where_they_are_named() {
        let mut canvas = Canvas::default();
        let (one, other) = (range(3, 8, 3, 11), range(3, 20, 5, 2));
        canvas.write(&one, Some("äb:"));
        canvas.write(&other, Some("x"));
        canvas.write(&range(1, 2, 1, 4), None);
        let drawn = canvas.drawn();
        assert_eq!(drawn.text, " ..\n\n       äb:         \n\n ");
        assert_eq!(drawn.span(&one).of(&drawn.text), "äb:");
        let lines = LineIndex::new(&drawn.text);
        let at = lines.position(drawn.span(&other).start);
        assert_eq!((at.line, at.column), (3, 20));
        let end = lines.position(drawn.span(&other).end);
        assert_eq!((end.line, end.column), (5, 2));
    }

    #[test]
    fn a_text_stays_small_whatever_is_named() {
        let mut canvas = Canvas::default();
        for line in 1..40 {
            canvas.write(&range(line, 1, line, MOST), Some("x"));
        }
        let drawn = canvas.drawn();
        assert!(drawn.text.len() < ROOM + 100);
        assert!(drawn.offset(39, MOST) <= drawn.text.len());
    }
}
