//! Quoted scalars over several lines whose further lines are not indented deeper than their key.
//!
//! The specification and the parser require them to be deeper. Kubernetes, Helm and Kustomize accept them anyway, and
//! generated resource definitions are full of them. This module finds the line breaks that must be hidden from the parser.
//! Does not know the tree.

use super::Style;
use crate::source::Span;

/// Replaces a line break, so that the parser reads it as whitespace in the scalar.
const STAND_IN: u8 = b'\t';

/// The text of a region with such line breaks replaced.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) text: String,
    /// The offsets of the breaks in the region, in order.
    breaks: Vec<usize>,
    /// How many of them are in scalars that were read already.
    seen: usize,
}

impl Joined {
    /// Replaces the breaks of a region. `None` if it has no such scalar.
    pub(super) fn of(region: &str) -> Option<Self> {
        let breaks = breaks(region);
        if breaks.is_empty() {
            return None;
        }
        let mut bytes = region.as_bytes().to_vec();
        for at in &breaks {
            bytes[*at] = STAND_IN;
            if *at > 0 && bytes[at - 1] == b'\r' {
                bytes[at - 1] = b' ';
            }
        }
        // Only ASCII was replaced, by ASCII.
        let text = String::from_utf8(bytes).ok()?;
        Some(Self {
            text,
            breaks,
            seen: 0,
        })
    }

    /// Returns the value of a scalar with its breaks restored. Must be called with all scalars, in order.
    pub(super) fn meant(&mut self, value: &str, style: Style, span: Span) -> String {
        let inside = self.breaks[self.seen..].partition_point(|at| *at < span.end);
        if inside == 0 || !matches!(style, Style::Single | Style::Double) {
            return value.to_owned();
        }
        self.seen += inside;
        let mut meant = String::with_capacity(value.len());
        let mut rest = value;
        while let Some(at) = rest.find(char::from(STAND_IN)) {
            let head = rest[..at].trim_end_matches(' ');
            let tail = rest[at..].trim_start_matches([' ', '\t']);
            let run = &rest[head.len()..rest.len() - tail.len()];
            let breaks = run.matches(char::from(STAND_IN)).count();
            meant.push_str(head);
            match breaks {
                1 => meant.push(' '),
                _ => meant.extend(std::iter::repeat_n('\n', breaks - 1)),
            }
            rest = tail;
        }
        meant.push_str(rest);
        meant
    }

    /// Whether each break was in a quoted scalar. If not, something else was mistaken for one.
    pub(super) fn holds(&self) -> bool {
        self.seen == self.breaks.len()
    }
}

fn breaks(region: &str) -> Vec<usize> {
    let bytes = region.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let line = Line::of(&region[at..end]);
        let value = at + line.value;
        at = match bytes.get(value).filter(|_| value < end) {
            Some(b'"' | b'\'') => match closing(bytes, value) {
                Some(close) if close > end => {
                    add_breaks(region, Span::new(value, close), line.depth, &mut found);
                    line_end(bytes, close)
                }
                Some(_) => end,
                None => break,
            },
            Some(b'|' | b'>') => block_end(region, end, line.depth),
            _ => end,
        } + 1;
    }
    found
}

/// The positions of the key and the value of a line.
struct Line {
    /// The column of the key, or of the dash if there is no key.
    depth: usize,
    /// Where the value starts.
    value: usize,
}

impl Line {
    fn of(line: &str) -> Self {
        let mut depth = line.len() - line.trim_start_matches(' ').len();
        let mut start = depth;
        while let Some(item) = line[start..].strip_prefix("- ") {
            depth = start;
            start = line.len() - item.trim_start_matches(' ').len();
        }
        let rest = &line[start..];
        let is_quoted = rest.starts_with(['"', '\'']);
        let key_end = match is_quoted {
            true => closing(rest.as_bytes(), 0).map(|close| close + 1),
            false => rest.find(": "),
        };
        let value = key_end.and_then(|end| rest[end..].strip_prefix(": "));
        match value {
            Some(value) => Self {
                depth: start,
                value: line.len() - value.trim_start_matches(' ').len(),
            },
            None => Self {
                depth,
                value: start,
            },
        }
    }
}

/// Adds the unescaped line breaks of a scalar, if one of its lines is too shallow.
fn add_breaks(region: &str, scalar: Span, depth: usize, found: &mut Vec<usize>) {
    let bytes = region.as_bytes();
    let is_double = bytes[scalar.start] == b'"';
    let mut is_shallow = false;
    let before = found.len();
    for at in memchr::memchr_iter(b'\n', scalar.of(region).as_bytes()) {
        let at = scalar.start + at;
        let line = &region[at + 1..scalar.end];
        let text = line.trim_start_matches(' ');
        is_shallow |= !text.starts_with(['\n', '\r']) && line.len() - text.len() <= depth;
        let head = bytes[..at].strip_suffix(b"\r").unwrap_or(&bytes[..at]);
        let escapes = head.iter().rev().take_while(|byte| **byte == b'\\').count();
        if !is_double || escapes % 2 == 0 {
            found.push(at);
        }
    }
    if !is_shallow {
        found.truncate(before);
    }
}

/// Returns where the closing quote of the scalar that starts at `start` is.
fn closing(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = bytes[start];
    let mut at = start + 1;
    while at < bytes.len() {
        at += match bytes[at] {
            b'\\' if quote == b'"' => 2,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => 2,
            byte if byte == quote => return Some(at),
            _ => 1,
        };
    }
    None
}

/// The end of the last line of the block scalar below a line that ends at `end`.
fn block_end(region: &str, end: usize, depth: usize) -> usize {
    let bytes = region.as_bytes();
    let mut last = end;
    while last < bytes.len() {
        let next = line_end(bytes, last + 1);
        let line = region.get(last + 1..next).unwrap_or_default();
        let text = line.trim_start_matches(' ');
        if !text.trim_end().is_empty() && line.len() - text.len() <= depth {
            break;
        }
        last = next;
    }
    last
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(bytes.len(), |length| at + length)
}

#[cfg(test)]
mod tests {
    use crate::source::Span;
    use crate::syntax::yaml::{self, Node};

    /// Checks the values of the top map. Its last key shows that everything was read.
    #[track_caller]
    fn read(text: &str, expected: &[&str]) {
        let parsed = yaml::parse(text, Span::new(0, text.len()));
        assert_eq!(parsed.errors, [], "{text}");
        assert!(parsed.unparsed.is_empty(), "{text}");
        let map = parsed.documents[0].as_map().unwrap();
        let values = map.entries.iter().map(|entry| match &entry.value {
            Node::Scalar(scalar) => scalar.value.as_ref(),
            Node::Map(inner) => inner.text("d").unwrap(),
            Node::List(list) => list.items[0].as_scalar().unwrap().value.as_ref(),
            Node::Alias(_) => "*",
        });
        assert_eq!(values.collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn further_lines_may_be_as_deep_as_their_key() {
        read("a:\n  d: 'one\n  two'\nz: 1\n", &["one two", "1"]);
        read(
            "a:\n  d: \"one  \n two\n\n\n three\"\nz: 1\n",
            &["one two\n\nthree", "1"],
        );
        read("a: 'one\ntwo'\nz: 1\n", &["one two", "1"]);
        read("a:\n- 'one\n- two'\nz: 1\n", &["one - two", "1"]);
        read("'a': 'it''s\r\ntwo'\r\nz: 1\r\n", &["it's two", "1"]);
        read(
            "a: \"one \\\n  two\nthree\"\nz: 1\n",
            &["one two three", "1"],
        );
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        read(
            "a: |\n  b: 'c\n  d\ne:\n  d: 'one\n  two'\nz: 1\n",
            &["b: 'c\nd\n", "one two", "1"],
        );
        let text = "a: x\n  b: 'c\nd: 'one\ntwo'\nz: ok\n";
        assert!(
            !yaml::parse(text, Span::new(0, text.len()))
                .errors
                .is_empty()
        );
    }
}
