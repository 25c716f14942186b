//! The lines of a file around a finding or an error in the settings, as source code for miette.
//!
//! Holds only those lines, cut to the terminal's width, so that a finding costs the same in a small file and in a large one.
//! Knows labels and lines, but no findings.

use std::collections::BTreeSet;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::super::text::{Places, boundary};
use super::clip::ClippedLine;
use crate::finding::Label;
use crate::printable;
use crate::source::{LineIndex, Span};

/// Lines shown before and after a line with a label.
const CONTEXT: usize = 1;
/// Gaps between shown lines are filled if the lines are at most this far apart.
const GAP: usize = 4;
/// The minimum width for the text of a line, in columns.
const ROOM: usize = 16;

/// Lines of a file, each with its number and cleaned text.
#[derive(Debug, Default)]
pub(crate) struct Snippet {
    name: String,
    text: String,
    lines: Vec<Line>,
    /// Labels with their columns in the file, which their offsets in `text` do not give.
    labels: Vec<(LabeledSpan, usize)>,
}

#[derive(Debug)]
struct Line {
    /// Counted from 0.
    number: usize,
    /// Start of its text in the text of the snippet.
    start: usize,
}

impl Snippet {
    /// The lines around `labels`, for a terminal of `width` columns.
    pub(crate) fn new(places: &mut Places<'_>, name: &str, labels: &[Label], width: usize) -> Self {
        let mut snippet = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        let mut marks: Vec<(usize, Span, &Label)> = labels
            .iter()
            .map(|label| on_one_line(places.lines, label))
            .collect();
        marks.sort_by_key(|(_, span, _)| *span);
        let shown = lines_around(places, marks.iter().map(|(line, ..)| *line));
        let digits = shown.last().map_or(1, |line| (line + 1).to_string().len());
        let room = width.saturating_sub(digits + 4).max(ROOM);
        for line in shown {
            let here = marks.iter().filter(|(at, ..)| *at == line);
            let of_line: Vec<(Span, &Label)> =
                here.map(|(_, span, label)| (*span, *label)).collect();
            snippet.push(places, line, &of_line, room);
        }
        snippet
    }

    /// The labels with their spans in this snippet.
    pub(crate) fn labels(&self) -> impl Iterator<Item = LabeledSpan> {
        self.labels.iter().map(|(label, _)| label.clone())
    }

    fn push(
        &mut self,
        places: &mut Places<'_>,
        number: usize,
        marks: &[(Span, &Label)],
        room: usize,
    ) {
        let whole = places.lines.span(number);
        let text = whole.of(places.lines.text());
        let mark = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let (start, text) = (whole.start + mark, &text[mark..]);
        let inner: Vec<Span> = marks
            .iter()
            .map(|(span, _)| within(*span, start, text.len()))
            .collect();
        let cut = ClippedLine::new(text, &inner, room);
        let at = self.text.len();
        for ((span, label), inner) in marks.iter().zip(&inner) {
            let shown = cut.place(*inner).shift(at);
            let words =
                Some(printable::line(&label.text).into_owned()).filter(|words| !words.is_empty());
            let labeled = LabeledSpan::new(words, shown.start, shown.len());
            self.labels.push((labeled, places.at(span.start).column));
        }
        self.lines.push(Line { number, start: at });
        self.text.push_str(&cut.text);
        self.text.push('\n');
    }

    /// The index of the line that holds an offset of the snippet's text.
    fn line_of(&self, offset: usize) -> usize {
        self.lines
            .partition_point(|line| line.start <= offset)
            .saturating_sub(1)
    }

    /// Whether the line after `index` in the snippet is also the next line of the file.
    fn goes_on(&self, index: usize) -> bool {
        let number = |index: usize| self.lines.get(index).map(|line| line.number);
        number(index + 1).is_some() && number(index + 1) == number(index).map(|line| line + 1)
    }
}

impl SourceCode for Snippet {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (mut first, mut last) = (
            self.line_of(span.offset()),
            self.line_of(span.offset() + span.len()),
        );
        if self.lines.is_empty() || (first..last).any(|line| !self.goes_on(line)) {
            return Err(MietteError::OutOfBounds);
        }
        // Show all lines: from miette's number of context lines, use only whether it is zero.
        while before > 0 && first > 0 && self.goes_on(first - 1) {
            first -= 1;
        }
        while after > 0 && self.goes_on(last) {
            last += 1;
        }
        // Without context lines, miette only wants the position for the header.
        let at = self
            .labels
            .iter()
            .find(|(label, _)| label.offset() == span.offset());
        let column = match at {
            Some((_, column)) if before == 0 && after == 0 => column - 1,
            _ => 0,
        };
        let start = self.lines[first].start;
        let end = self
            .lines
            .get(last + 1)
            .map_or(self.text.len(), |line| line.start);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            &self.text.as_bytes()[start..end],
            (start, end - start).into(),
            self.lines[first].number,
            column,
            last - first + 1,
        )))
    }
}

/// The line where a label starts, and the part of its span on that line.
fn on_one_line<'l>(lines: &LineIndex, label: &'l Label) -> (usize, Span, &'l Label) {
    let start = boundary(lines.text(), label.span.start);
    let line = lines.line(start);
    let whole = lines.span(line);
    let start = start.min(whole.end);
    let end = boundary(lines.text(), label.span.end).clamp(start, whole.end);
    (line, Span::new(start, end), label)
}

/// The given lines, their neighbours, and small gaps between them. Leaves out the empty line after a final newline.
fn lines_around(places: &Places<'_>, lines: impl Iterator<Item = usize>) -> BTreeSet<usize> {
    let mut last = places.lines.count().saturating_sub(1);
    if places.lines.text().ends_with('\n') {
        last = last.saturating_sub(1);
    }
    let mut shown: BTreeSet<usize> = lines
        .flat_map(|line| line.saturating_sub(CONTEXT)..=(line + CONTEXT).min(last.max(line)))
        .collect();
    let pairs = shown.iter().zip(shown.iter().skip(1));
    let near = pairs.filter(|(line, next)| *next - *line <= GAP);
    let between: Vec<usize> = near.flat_map(|(line, next)| line + 1..*next).collect();
    shown.extend(between);
    shown
}

/// Converts a span of the file to a span of a line's text.
fn within(span: Span, start: usize, len: usize) -> Span {
    let begin = span.start.saturating_sub(start).min(len);
    Span::new(begin, span.end.saturating_sub(start).clamp(begin, len))
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::Sample;
    use super::*;

    fn of_labels(text: &str, labels: &[Label], width: usize) -> Snippet {
        Sample::new(text).with_report("a", |report| {
            Snippet::new(&mut Places::new(report), "a", labels, width)
        })
    }

    fn snippet(text: &str, needles: &[&str], width: usize) -> Snippet {
        let label = |needle: &&str| {
            let start = text.find(needle).unwrap();
            Label::new(Span::new(start, start + needle.len()), "")
        };
        let labels: Vec<Label> = needles.iter().map(label).collect();
        of_labels(text, &labels, width)
    }

    fn numbers(snippet: &Snippet) -> Vec<usize> {
        snippet.lines.iter().map(|line| line.number + 1).collect()
    }

    /// The text under each label.
    fn labelled(snippet: &Snippet) -> Vec<&str> {
        let at = |label: LabeledSpan| &snippet.text[label.offset()..label.offset() + label.len()];
        snippet.labels().map(at).collect()
    }

    #[test]
    fn holds_the_lines_around_and_fills_small_gaps() {
        let text = "1\n2\n3\n4\n5 first\n6\n7\n8\n9\n10 second\n11\n12\n13\n14\n15\n16 third\n";
        assert_eq!(numbers(&snippet(text, &["first"], 80)), [4, 5, 6]);
        assert_eq!(
            numbers(&snippet(text, &["first", "second"], 80)),
            [4, 5, 6, 7, 8, 9, 10, 11]
        );
        let far = snippet(text, &["first", "third"], 80);
        assert_eq!(numbers(&far), [4, 5, 6, 15, 16]);
        assert_eq!(labelled(&far), ["first", "third"]);
        assert!(
            far.read_span(&(0, far.text.len() - 1).into(), 1, 1)
                .is_err(),
            "there is a gap"
        );
        let third = far.labels().last().unwrap();
        let read = far.read_span(third.inner(), 1, 1).unwrap();
        assert_eq!(
            (read.line(), read.line_count(), read.data()),
            (14, 2, "15\n16 third\n".as_bytes())
        );
        let place = far.read_span(third.inner(), 0, 0).unwrap();
        assert_eq!((place.line(), place.column()), (15, 3));
    }

    #[test]
    fn text_is_cleaned_and_labels_stay_on_theirs() {
        let text = "\u{feff}a:\t\x1b雪 first \x07\r\nb\r\n";
        let cleaned = snippet(text, &["first"], 80);
        assert_eq!(cleaned.text, "a:  ␛雪 first ␇\nb\n");
        assert_eq!(labelled(&cleaned), ["first"]);
        assert_eq!(cleaned.labels[0].1, 7);
        assert_eq!(snippet("last", &["last"], 80).text, "last\n");
    }

    #[test]
    fn a_label_over_several_lines_is_one_of_its_first() {
        let several = snippet("a: >\n  first\n  second\nb\n", &["first\n  second"], 80);
        assert_eq!(labelled(&several), ["first"]);
        assert_eq!(numbers(&several), [1, 2, 3]);
    }

    #[test]
    fn spans_that_are_not_of_the_text_do_no_harm() {
        let label = |start, end| Label::new(Span::new(start, end), "");
        let labels = [label(1, 99), label(50, 99), label(3, 3), label(2, 2)];
        let snippet = of_labels("aä\n", &labels, 80);
        assert!(labelled(&snippet).contains(&"ä"));
        assert_eq!(snippet.labels().count(), 4);
    }
}
