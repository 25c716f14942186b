//! Where text is: spans of bytes, lines and columns, and a file as it was read.
//!
//! Knows nothing of what the text means.

use std::path::{Component, Path, PathBuf};

/// A range of bytes, half open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end);
        Self { start, end }
    }

    pub fn len(self) -> usize {
        self.end - self.start
    }

    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether every byte of `other` is in `self`.
    pub fn covers(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the two share a byte.
    pub fn overlaps(self, other: Span) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The same range, `by` bytes further on.
    pub fn shift(self, by: usize) -> Self {
        Self::new(self.start + by, self.end + by)
    }

    /// The smallest span that covers both.
    pub fn join(self, other: Span) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// The text at this span. Empty where the span is not one of this text.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// Counted from 1; columns in characters. Made only when something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Where the line of an offset starts.
pub fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// What is between the separators of a path. Every file of a tree is asked for it, and [`Path::components`] takes longer.
pub fn parts(path: &Path) -> impl DoubleEndedIterator<Item = &[u8]> {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.split(|byte| std::path::is_separator(char::from(*byte)))
}

/// A path without `.` and `..`, by its words alone.
pub fn lexically_normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::with_capacity(path.as_os_str().len());
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// Finds the line of an offset without reading the text from its start each time.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    pub fn new(text: &str) -> Self {
        let newlines = memchr::memchr_iter(b'\n', text.as_bytes());
        let starts = std::iter::once(0).chain(newlines.map(|at| at + 1));
        Self {
            starts: starts.collect(),
        }
    }

    /// The line that holds `offset`, counted from 0.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }

    /// The span of a line counted from 0, its line end left out.
    pub fn span(&self, line: usize, text: &str) -> Span {
        let start = self.starts.get(line).copied().unwrap_or(text.len());
        let next = self.starts.get(line + 1).copied().unwrap_or(text.len());
        let content = text.get(start..next).unwrap_or_default();
        Span::new(start, start + content.trim_end_matches(['\n', '\r']).len())
    }

    /// How many lines there are; the empty one after a last newline is one.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// Line and column of an offset. A byte order mark takes no column.
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let line = self.line(offset);
        let before = text.get(self.starts[line]..offset).unwrap_or_default();
        let before = before.strip_prefix('\u{feff}').unwrap_or(before);
        Position {
            line: line + 1,
            column: before.chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_leave_the_bom_out() {
        let text = "\u{feff}ä: b\r\nimage: x";
        let lines = LineIndex::new(text);
        let at = |needle: &str| lines.position(text, text.find(needle).unwrap());
        assert_eq!(at("b"), Position { line: 1, column: 4 });
        assert_eq!(at("x"), Position { line: 2, column: 8 });
        assert_eq!(lines.span(0, text).of(text), "\u{feff}ä: b");
        assert_eq!(lines.count(), 2);
    }
}
