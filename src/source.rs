//! Locations in a text: spans of bytes, lines and columns. Also the parts of paths.
//!
//! Knows nothing of what the text means.

use std::ffi::OsStr;
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

    /// The text at this span. Empty if the span is not in this text.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// A line and a column, counted from 1; columns are in characters. Made only when something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Returns the offset at which the line of `at` starts.
pub fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Folders of version control, which runs what is in them: nothing there is read or written.
pub const STORES: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

/// Returns the last part of a path; empty if there is none, or it is not Unicode.
pub fn file_name(path: &Path) -> &str {
    let name = path.file_name().and_then(OsStr::to_str);
    name.unwrap_or_default()
}

/// Whether a path of a walk is in a folder. Paths in `.` are written without it, and so are many in `..`.
pub fn is_below(path: &Path, folder: &Path) -> bool {
    match is_above_here(folder) {
        true => path.is_relative() && steps_up(path) <= steps_up(folder),
        false => path.starts_with(folder),
    }
}

/// Whether a folder is the working directory or above it, and is written only with dots.
pub fn is_above_here(folder: &Path) -> bool {
    let is_dots = |part| matches!(part, Component::CurDir | Component::ParentDir);
    !folder.as_os_str().is_empty() && folder.components().all(is_dots)
}

fn steps_up(path: &Path) -> usize {
    let parts = path.components();
    parts
        .take_while(|part| *part == Component::ParentDir)
        .count()
}

/// Splits a path at its separators. Used instead of [`Path::components`], which is slower, because this runs for every file.
pub fn parts(path: &Path) -> impl DoubleEndedIterator<Item = &[u8]> {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.split(|byte| std::path::is_separator(char::from(*byte)))
}

/// Returns a path without `.` and `..`. Does not look at the disk.
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
pub struct LineIndex<'t> {
    text: &'t str,
    /// How many lines end before each block of the text.
    before: Vec<usize>,
    count: usize,
}

/// Newlines are counted in blocks of this size, which takes a twentieth of the time of recording where each is.
const BLOCK: usize = 1024;

impl<'t> LineIndex<'t> {
    pub fn new(text: &'t str) -> Self {
        let mut count = 0;
        let blocks = text.as_bytes().chunks(BLOCK);
        let before = blocks.map(|block| {
            let before = count;
            count += newlines(block).count();
            before
        });
        Self {
            text,
            before: before.collect(),
            count: count + 1,
        }
    }

    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The line that holds `offset`, counted from 0.
    pub fn line(&self, offset: usize) -> usize {
        let upto = &self.text.as_bytes()[..offset.min(self.text.len())];
        let block = (upto.len() / BLOCK).min(self.before.len().saturating_sub(1));
        let before = self.before.get(block).copied().unwrap_or_default();
        before + newlines(&upto[block * BLOCK..]).count()
    }

    /// The span of a line counted from 0, without its line end.
    pub fn span(&self, line: usize) -> Span {
        let (start, next) = (self.start(line), self.start(line + 1));
        let content = self.text.get(start..next).unwrap_or_default();
        Span::new(start, start + content.trim_end_matches(['\n', '\r']).len())
    }

    /// The spans of all lines, in order.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        let mut start = 0;
        self.text.split('\n').map(move |line| {
            let span = Span::new(start, start + line.trim_end_matches('\r').len());
            start += line.len() + 1;
            span
        })
    }

    /// Returns the offset at which a line starts, or the end of the text if there is no such line. Does not look for the end of
    /// the line, which may be far away.
    pub fn start(&self, line: usize) -> usize {
        let Some(newline) = line.checked_sub(1) else {
            return 0;
        };
        let block = self.before.partition_point(|before| *before <= newline);
        let Some(block) = block.checked_sub(1) else {
            return self.text.len();
        };
        let mut later = newlines(&self.text.as_bytes()[block * BLOCK..]);
        let found = later.nth(newline - self.before[block]);
        found.map_or(self.text.len(), |at| block * BLOCK + at + 1)
    }

    /// The number of lines, including the empty one after a last newline.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Line and column of an offset. A byte order mark takes no column.
    pub fn position(&self, offset: usize) -> Position {
        let line = self.line(offset);
        let before = self.text.get(self.start(line)..offset).unwrap_or_default();
        let before = before.strip_prefix('\u{feff}').unwrap_or(before);
        Position {
            line: line + 1,
            column: before.chars().count() + 1,
        }
    }
}

fn newlines(bytes: &[u8]) -> memchr::Memchr<'_> {
    memchr::memchr_iter(b'\n', bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_leave_the_bom_out() {
        let text = "\u{feff}ä: b\r\nimage: x";
        let lines = LineIndex::new(text);
        let at = |needle: &str| lines.position(text.find(needle).unwrap());
        assert_eq!(at("b"), Position { line: 1, column: 4 });
        assert_eq!(at("x"), Position { line: 2, column: 8 });
        assert_eq!(lines.span(0).of(text), "\u{feff}ä: b");
        assert_eq!(lines.count(), 2);
    }

    #[test]
    fn lines_of_longer_texts_are_found_across_blocks() {
        for length in [0, 1, 7, 500] {
            let text = format!("{}\n", "x".repeat(length)).repeat(40) + "last";
            let lines = LineIndex::new(&text);
            assert_eq!(lines.count(), 41);
            for (line, content) in text.split('\n').enumerate() {
                let span = lines.span(line);
                assert_eq!(span.of(&text), content);
                assert_eq!((lines.line(span.start), lines.line(span.end)), (line, line));
                assert_eq!(lines.start(line), span.start);
                assert_eq!(lines.spans().nth(line), Some(span));
            }
            assert_eq!(lines.spans().count(), 41);
            assert_eq!(lines.span(41), Span::new(text.len(), text.len()));
        }
    }
}
