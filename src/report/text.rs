//! Helpers shared by the formats: locations in a file, counted nouns and wrapped lines. Knows no formats.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{FileReport, Summary};
use crate::finding::{Finding, Severity, Unjudged};
use crate::printable;
use crate::source::{LineIndex, Position};

/// The style of a piece of text on a terminal.
#[derive(Clone, Copy)]
pub(crate) enum Color {
    Red,
    Green,
    Yellow,
    Cyan,
    Bold,
}

impl Color {
    pub(crate) fn of(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Cyan,
            Severity::Warning => Self::Yellow,
            Severity::Error => Self::Red,
        }
    }

    pub(crate) fn of_problem(is_fatal: bool) -> Self {
        match is_fatal {
            true => Self::Red,
            false => Self::Yellow,
        }
    }

    /// Returns `text` in this style, or unchanged without colour.
    pub(crate) fn on(self, text: &str, color: bool) -> String {
        let code = match self {
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Cyan => "36",
            Self::Bold => "1",
        };
        match color {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// The width of a character in columns, an upper estimate.
pub(super) fn columns(char: char) -> usize {
    match char {
        '\t' => 4,
        '\0'..='\u{10ff}' | '─'..='╿' | '→' | '…' => 1,
        _ => 2,
    }
}

/// Breaks a text into lines of at most `width` columns, only at spaces, so that references stay whole.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let wide: usize = word.chars().map(columns).sum();
        match lines.last_mut() {
            Some(line) if used + 1 + wide <= width => {
                line.push(' ');
                line.push_str(word);
                used += 1 + wide;
            }
            _ => {
                lines.push(word.to_owned());
                used = wide;
            }
        }
    }
    lines
}

/// ` in values.yaml`: the files that a fix edits, if it does not edit the finding's own file.
pub(super) fn written_in(finding: &Finding) -> String {
    let fix = finding.fix.as_ref().filter(|fix| fix.edits.is_empty());
    let edits = fix.iter().flat_map(|fix| fix.elsewhere.iter());
    let mut paths: Vec<String> = edits.map(|edit| printable::path(&edit.path)).collect();
    paths.sort();
    paths.dedup();
    match paths.is_empty() {
        true => String::new(),
        false => format!(" in {}", listed(&paths)),
    }
}

/// A legacy location that could not be judged, on one line, with the reason.
pub(super) fn unjudged(text: &str, one: &Unjudged) -> String {
    let written = one.span.of(text).lines().next().unwrap_or_default();
    format!("{} ({})", printable::line(written.trim_end()), one.reason)
}

/// Sorts by count, descending; equal counts stay in the order of their keys.
pub(crate) fn by_count<K: Ord>(counts: BTreeMap<K, usize>) -> Vec<(K, usize)> {
    let mut counts: Vec<(K, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// Counts of what was left out, by reason; `None` if nothing was.
pub(super) fn left_out(summary: &Summary) -> Option<String> {
    let counts = [
        (summary.excluded, "excluded"),
        (summary.ignored, "ignored"),
        (summary.hidden, "hidden"),
    ];
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let counts = counts.map(|(number, why)| format!("{number} {why}"));
    let reports = summary.reports;
    let reports = (reports > 0).then(|| count(reports, "report") + " of regfix");
    let counts: Vec<String> = counts.chain(reports).collect();
    (!counts.is_empty()).then(|| counts.join(", "))
}

/// The catalogues whose rules were used, unless it is only the built-in one.
pub(super) fn catalogues(summary: &Summary) -> Option<String> {
    let all = &summary.catalogues;
    let is_other = all.iter().any(|edition| edition.file.is_some());
    let names: Vec<String> = all.iter().map(|edition| edition.name()).collect();
    let noun = if all.len() == 1 {
        "catalogue"
    } else {
        "catalogues"
    };
    is_other.then(|| format!("Rules of the {noun} of {}.", listed(&names)))
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Converts offsets to lines and columns. Counts from the last offset asked for, so that offsets in rough order are cheap
/// even in a file with one long line.
pub(crate) struct Places<'r> {
    pub(super) lines: &'r LineIndex<'r>,
    last: Option<(usize, Position)>,
}

impl<'r> Places<'r> {
    pub(super) fn new(report: &FileReport<'r>) -> Self {
        Self::of(report.lines)
    }

    pub(crate) fn of(lines: &'r LineIndex<'r>) -> Self {
        Self { lines, last: None }
    }

    /// Like [`LineIndex::position`]. An offset inside a character gives the position of the character.
    pub(super) fn at(&mut self, offset: usize) -> Position {
        let offset = boundary(self.lines.text(), offset);
        let line = self.lines.line(offset);
        let (from, mut position) = match self.last {
            Some((from, position)) if position.line == line + 1 => (from, position),
            _ => self.line_start(line),
        };
        let (start, _) = self.line_start(line);
        let offset = offset.max(start);
        let between = &self.lines.text().as_bytes()[from.min(offset)..from.max(offset)];
        let chars = between
            .iter()
            .filter(|byte| !is_continuation(**byte))
            .count();
        match offset >= from {
            true => position.column += chars,
            false => position.column -= chars,
        }
        self.last = Some((offset, position));
        position
    }

    /// The offset and position where the columns of a line start: after a byte order mark.
    fn line_start(&self, line: usize) -> (usize, Position) {
        let start = self.lines.start(line);
        let rest = self.lines.text().get(start..).unwrap_or_default();
        let mark = if rest.starts_with('\u{feff}') { 3 } else { 0 };
        let first = Position {
            line: line + 1,
            column: 1,
        };
        (start + mark, first)
    }
}

/// Rounds an offset down to the start of its character.
pub(super) fn boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Whether the byte is not the first one of its character.
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_tears_no_word() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(
            wrap("a registry.k8s.io/pause b", 5),
            ["a", "registry.k8s.io/pause", "b"]
        );
        assert!(wrap("", 5).is_empty());
    }

    #[test]
    fn words_are_counted_and_listed() {
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(0, "file"), "0 files");
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&items[..1]), "a");
        assert_eq!(listed(&items[..2]), "a and b");
        assert_eq!(listed(&items), "a, b and c");
    }

    #[test]
    fn places_agree_with_the_index_in_any_order() {
        let text = "\u{feff}ä: b\r\nimage: 雪x\n\nlast";
        let lines = LineIndex::new(text);
        let mut places = Places::of(&lines);
        let offsets: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        let back = offsets.iter().rev();
        let jumps = offsets.iter().flat_map(|at| [at, &offsets[7], at]);
        for at in offsets.iter().chain(back).chain(jumps) {
            assert_eq!(places.at(*at), lines.position(*at), "at {at}");
        }
        assert_eq!(places.at(4), places.at(3), "inside a character");
        assert_eq!(places.at(999), lines.position(text.len()));
    }
}
