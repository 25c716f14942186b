//! A decoded text, and where each piece of it is written.
//!
//! Handles escapes, folded lines, quotes inside quotes and documents inside strings: what is found in the decoded text can
//! be shown, and often edited, where it is written. Independent of what the text is about.

use super::yaml::{Scalar, Style};
use crate::source::Span;

/// A decoded text, and where it is written in another text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    pub text: String,
    /// In order, without gaps in the text.
    runs: Vec<Run>,
}

/// A piece of the text, and where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// In the decoded text.
    span: Span,
    raw: Span,
    /// Whether it is written byte for byte.
    exact: bool,
}

impl Decoded {
    /// Decodes a scalar. `None` if its value cannot be aligned with what is written.
    pub fn of_scalar(text: &str, scalar: &Scalar<'_>) -> Option<Self> {
        let mut aligner = Aligner {
            raw: scalar.span.of(text),
            start: scalar.span.start,
            at: 0,
            rest: &scalar.value,
            decoded: Self::default(),
        };
        while aligner.at < aligner.raw.len() {
            aligner.step(scalar.style)?;
        }
        // A line break at the end of the value need not be written.
        let rest = aligner.rest;
        if !rest.trim().is_empty() {
            return None;
        }
        let end = Span::new(scalar.span.end, scalar.span.end);
        aligner.decoded.push(rest, end, rest.is_empty());
        Some(aligner.decoded)
    }

    /// Adds a piece that is written as it is.
    pub fn push_exact(&mut self, text: &str, raw: Span) {
        self.push(raw.of(text), raw, true);
    }

    /// Adds a piece that is not written at all.
    pub fn push_between(&mut self, piece: &str) {
        let end = self.runs.last().map_or(0, |run| run.raw.end);
        self.push(piece, Span::new(end, end), false);
    }

    /// Adds all of another text.
    pub fn append(&mut self, other: &Decoded) {
        for run in &other.runs {
            self.push(run.span.of(&other.text), run.raw, run.exact);
        }
    }

    fn push(&mut self, piece: &str, raw: Span, exact: bool) {
        if piece.is_empty() && raw.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(piece);
        let span = Span::new(start, self.text.len());
        match self.runs.last_mut() {
            Some(last) if exact && last.exact && last.raw.end == raw.start => {
                last.span.end = span.end;
                last.raw.end = raw.end;
            }
            _ => self.runs.push(Run { span, raw, exact }),
        }
    }

    /// Returns the runs that a span overlaps.
    fn runs_of(&self, span: Span) -> &[Run] {
        let first = self.runs.partition_point(|run| run.span.end <= span.start);
        let many = self.runs[first..].partition_point(|run| run.span.start < span.end);
        let least = usize::from(first < self.runs.len());
        &self.runs[first..first + many.max(least)]
    }

    /// Returns where something may be written so that it is decoded at `at`: never inside an escape, nor before an escaped
    /// quote after which a reference begins.
    fn insertion(&self, at: usize) -> Option<usize> {
        let first = self.runs.partition_point(|run| run.span.end < at);
        let mut touching = self.runs[first..]
            .iter()
            .take_while(|run| run.span.start <= at);
        if let Some(run) = touching.clone().find(|run| run.exact) {
            return Some(run.raw.start + at - run.span.start);
        }
        touching.find_map(|run| match run.span {
            span if span.end == at => Some(run.raw.end),
            span if span.start == at => Some(run.raw.start),
            _ => None,
        })
    }

    /// Returns where a span is written, from its first byte to its last.
    pub fn raw(&self, span: Span) -> Span {
        if let Some(at) = self.insertion(span.start).filter(|_| span.is_empty()) {
            return Span::new(at, at);
        }
        let runs = self.runs_of(span);
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
            let end = self.runs.last().map_or(0, |run| run.raw.end);
            return Span::new(end, end);
        };
        let offset = |run: &Run, at: usize, otherwise: usize| match run.exact {
            true => run.raw.start + at.clamp(run.span.start, run.span.end) - run.span.start,
            false => otherwise,
        };
        let start = offset(first, span.start, first.raw.start);
        let end = match span.is_empty() {
            true => start,
            false => offset(last, span.end, last.raw.end),
        };
        Span::new(start, end.max(start))
    }

    /// Whether the text that is written for a span may be replaced: it is in one piece, and on one line.
    pub fn is_editable(&self, span: Span, written: &str) -> bool {
        if span.is_empty() {
            return self.insertion(span.start).is_some();
        }
        let runs = self.runs_of(span);
        let together = runs
            .windows(2)
            .all(|pair| pair[0].raw.end == pair[1].raw.start);
        !runs.is_empty() && together && !self.raw(span).of(written).contains(['\n', '\r'])
    }

    /// Whether plain text may be inserted at `at`: after a letter that is written as it is.
    pub fn has_room(&self, at: usize) -> bool {
        let mut runs = self.runs.iter();
        runs.any(|run| run.exact && run.span.start < at && at <= run.span.end)
    }

    /// Returns the position in the decoded text of the byte at `raw`, if that is written byte for byte.
    pub fn position(&self, raw: usize) -> Option<usize> {
        let holds = |run: &&Run| run.exact && run.raw.start <= raw && raw <= run.raw.end;
        let run = self.runs.iter().find(holds)?;
        Some(run.span.start + raw - run.raw.start)
    }

    /// Returns the same text, with the pieces that are written byte for byte taken from `other`. That must be as long as the
    /// text in which this one is written.
    #[must_use]
    pub fn of_other(&self, other: &str) -> Self {
        let mut text = String::with_capacity(self.text.len());
        for run in &self.runs {
            let piece = if run.exact {
                run.raw.of(other)
            } else {
                run.span.of(&self.text)
            };
            text.push_str(piece);
        }
        match text.len() == self.text.len() {
            true => Self {
                text,
                runs: self.runs.clone(),
            },
            false => self.clone(),
        }
    }

    /// Returns the same text, which is written in the text of `outer`, with the positions where `outer` is written.
    #[must_use]
    pub fn within(&self, outer: &Decoded) -> Self {
        let mut composed = Self::default();
        for run in &self.runs {
            let piece = run.span.of(&self.text);
            if !run.exact {
                composed.push(piece, outer.raw(run.raw), false);
                continue;
            }
            for part in outer.runs_of(run.raw) {
                let start = part.span.start.max(run.raw.start);
                let end = part.span.end.min(run.raw.end);
                if start >= end {
                    continue;
                }
                let inner = Span::new(start - run.raw.start, end - run.raw.start);
                let raw = outer.raw(Span::new(start, end));
                composed.push(inner.of(piece), raw, part.exact);
            }
        }
        composed
    }

    /// Moves all written positions by `by` bytes.
    pub fn shift(&mut self, by: usize) {
        for run in &mut self.runs {
            run.raw = run.raw.shift(by);
        }
    }
}

/// Aligns what is written with the decoded value.
struct Aligner<'a> {
    raw: &'a str,
    /// Where the raw text starts.
    start: usize,
    at: usize,
    /// The rest of the value, which is not aligned yet.
    rest: &'a str,
    decoded: Decoded,
}

impl Aligner<'_> {
    fn step(&mut self, style: Style) -> Option<()> {
        let raw = &self.raw[self.at..];
        let blanks = raw.len() - raw.trim_start_matches([' ', '\t', '\r', '\n']).len();
        let breaks = raw[..blanks].matches('\n').count();
        let is_block = matches!(style, Style::Literal | Style::Folded);
        match raw.as_bytes()[0] {
            b'\\' if style == Style::Double => {
                let (length, meant) = self.escape(raw)?;
                self.take(length, meant, false)
            }
            b'\'' if style == Style::Single => {
                raw.starts_with("''").then(|| self.take(2, 1, false))?
            }
            _ if breaks > 0 && is_block => {
                let meant =
                    self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
                self.take(blanks, meant, false)
            }
            _ if breaks > 0 => self.take(blanks, breaks.saturating_sub(1).max(1), false),
            _ => {
                let length = raw.chars().next()?.len_utf8();
                let same = self.rest.as_bytes().get(..length) == raw.as_bytes().get(..length);
                same.then(|| self.take(length, length, true))?
            }
        }
    }

    /// Returns the length of an escape, and of what it stands for.
    fn escape(&self, raw: &str) -> Option<(usize, usize)> {
        let next = *raw.as_bytes().get(1)?;
        if matches!(next, b'\n' | b'\r') {
            let tail = &raw[1..];
            let blanks = tail.len() - tail.trim_start_matches([' ', '\t', '\r', '\n']).len();
            let breaks = tail[..blanks].matches('\n').count();
            return Some((1 + blanks, breaks.saturating_sub(1)));
        }
        let digits = match next {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        let meant = self.rest.chars().next()?;
        // JSON writes characters beyond 16 bits as two escapes.
        let pair = meant.len_utf8() == 4 && digits == 4;
        let length = if pair { 12 } else { 2 + digits };
        raw.is_char_boundary(length)
            .then_some((length, meant.len_utf8()))
    }

    fn take(&mut self, written: usize, meant: usize, exact: bool) -> Option<()> {
        let piece = self.rest.get(..meant)?;
        let start = self.start + self.at;
        if self.at + written > self.raw.len() {
            return None;
        }
        self.decoded
            .push(piece, Span::new(start, start + written), exact);
        self.at += written;
        self.rest = &self.rest[meant..];
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::yaml;

    /// Decodes the value under `a`. Returns what is written for the needle, and whether it may be edited.
    #[track_caller]
    fn written<'t>(text: &'t str, needle: &str) -> (&'t str, bool) {
        let parsed = yaml::parse(text, Span::new(0, text.len()));
        let map = parsed.documents[0].as_map().unwrap();
        let scalar = map.get("a").unwrap().as_scalar().unwrap();
        let decoded = Decoded::of_scalar(text, scalar).unwrap();
        assert_eq!(decoded.text, scalar.value);
        let at = decoded.text.find(needle).unwrap();
        let span = Span::new(at, at + needle.len());
        (decoded.raw(span).of(text), decoded.is_editable(span, text))
    }

    #[test]
    fn escapes_have_their_place() {
        assert_eq!(
            written(r#"a: "x k8s.gcr.io\/pause y""#, "k8s.gcr.io/pause"),
            (r"k8s.gcr.io\/pause", true)
        );
        assert_eq!(
            written(r#"a: "k8s\u002egcr.io/pause""#, "k8s.gcr.io"),
            (r"k8s\u002egcr.io", true)
        );
        assert_eq!(
            written(r#"a: "{\"i\": \"q.io/a\"}""#, "q.io/a"),
            ("q.io/a", true)
        );
        assert_eq!(written("a: 'it''s q.io/a'", "q.io/a"), ("q.io/a", true));
        assert_eq!(written(r#"a: "\ud83d\ude00 q.io""#, "q.io"), ("q.io", true));
    }

    #[test]
    fn what_is_inserted_stands_behind_an_escape() {
        #[track_caller]
        fn inserted(text: &str, before: &str) -> Option<String> {
            let parsed = yaml::parse(text, Span::new(0, text.len()));
            let map = parsed.documents[0].as_map().unwrap();
            let scalar = map.get("a").unwrap().as_scalar().unwrap();
            let decoded = Decoded::of_scalar(text, scalar).unwrap();
            let at = decoded.text.find(before).unwrap();
            let raw = decoded.raw(Span::new(at, at)).start;
            decoded
                .is_editable(Span::new(at, at), text)
                .then(|| format!("{}+{}", &text[..raw], &text[raw..]))
        }
        for (text, before, expected) in [
            (
                r#"a: "{\"i\": \"b/c\"}""#,
                "b/c",
                r#"a: "{\"i\": \"+b/c\"}""#,
            ),
            (
                r#"a: "{\"i\": \"b/c\"}""#,
                "\"}",
                r#"a: "{\"i\": \"b/c+\"}""#,
            ),
            ("a: \"\\\"\\\n  b/c\"", "b/c", "a: \"\\\"\\\n  +b/c\""),
            (r#"a: "\"\u0062/c\"""#, "b/c", r#"a: "\"+\u0062/c\"""#),
            ("a: 'i: ''b/c'''", "b/c", "a: 'i: ''+b/c'''"),
        ] {
            assert_eq!(inserted(text, before).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn folded_lines_have_their_place() {
        assert_eq!(
            written("a: \"k8s.\\\n   gcr.io/p\"", "k8s.gcr.io"),
            ("k8s.\\\n   gcr.io", false)
        );
        assert_eq!(
            written("a: \"one\n\n\n  q.io/b\"\n", "q.io"),
            ("q.io", true)
        );
        assert_eq!(
            written("a: one\n  q.io/b\n  c\n", "q.io/b"),
            ("q.io/b", true)
        );
        assert_eq!(
            written("a: >\n  one\n  q.io/b\n    more\n\n  last\n", "q.io/b"),
            ("q.io/b", true)
        );
        assert_eq!(
            written("a: >-\n  one\n\n  q.io/b\n", "one\nq.io/b"),
            ("one\n\n  q.io/b", false)
        );
        assert_eq!(
            written("a: |\n  one\n   q.io/b\nb: c\n", "q.io/b"),
            ("q.io/b", true)
        );
    }

    #[test]
    fn texts_in_texts() {
        let text = r#"a: "{\"b\": \"q.io\\/a\"}""#;
        let parsed = yaml::parse(text, Span::new(0, text.len()));
        let outer = parsed.documents[0]
            .as_map()
            .unwrap()
            .get("a")
            .unwrap()
            .as_scalar()
            .unwrap();
        let outer = Decoded::of_scalar(text, outer).unwrap();
        let parsed = yaml::parse(&outer.text, Span::new(0, outer.text.len()));
        let inner = parsed.documents[0]
            .as_map()
            .unwrap()
            .get("b")
            .unwrap()
            .as_scalar()
            .unwrap();
        let mut inner = Decoded::of_scalar(&outer.text, inner)
            .unwrap()
            .within(&outer);
        assert_eq!(inner.text, "q.io/a");
        assert_eq!(inner.raw(Span::new(0, 6)).of(text), r"q.io\\/a");
        assert_eq!(inner.raw(Span::new(5, 6)).of(text), "a");
        assert!(inner.is_editable(Span::new(0, 4), text));
        inner.shift(1);
        assert_eq!(inner.raw(Span::new(0, 4)).of(&format!(" {text}")), "q.io");
        assert_eq!(inner.position(text.find("q.io").unwrap() + 1), Some(0));
    }

    #[test]
    fn pieces_that_are_apart_cannot_be_edited_as_one() {
        let text = "${A:-k8s.gcr.io}/pause";
        let mut decoded = Decoded::default();
        decoded.push_exact(text, Span::new(5, 15));
        decoded.push_exact(text, Span::new(16, 22));
        assert_eq!(decoded.text, "k8s.gcr.io/pause");
        assert!(decoded.is_editable(Span::new(0, 10), text));
        assert!(!decoded.is_editable(Span::new(0, 11), text));
        assert_eq!(
            decoded.of_other(&text.replace('8', "9")).text,
            "k9s.gcr.io/pause"
        );
    }
}
