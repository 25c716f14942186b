//! Makes one line of a file fit the terminal: replaces control characters, expands tabs, and cuts a long line, but not at a
//! label. Reads no more of a line than it shows.

use super::super::text::columns;
use crate::printable::stand_in;
use crate::source::Span;

/// The minimum number of columns between a label and a cut.
const MARGIN: usize = 4;

/// A cleaned and cut line, with a map from its original offsets.
pub(super) struct ClippedLine {
    pub(super) text: String,
    /// Offsets in the line and in `text`, including the ends of the kept parts.
    moved: Vec<(usize, usize)>,
}

impl ClippedLine {
    /// `room` is in columns.
    pub(super) fn new(line: &str, marks: &[Span], room: usize) -> Self {
        let mut cut = Self {
            text: String::new(),
            moved: Vec::new(),
        };
        let mut done = 0;
        let mut column = 0;
        for keep in kept(line, marks, room) {
            if keep.start > done {
                cut.text.push('…');
                column += 1;
            }
            for (at, char) in keep.of(line).char_indices() {
                cut.moved.push((keep.start + at, cut.text.len()));
                column += cut.push(char, column);
            }
            cut.moved.push((keep.end, cut.text.len()));
            done = keep.end;
        }
        if done < line.len() {
            cut.text.push('…');
        }
        cut
    }

    /// Appends a character as displayed at `column`. Returns its width in columns.
    fn push(&mut self, char: char, column: usize) -> usize {
        if char == '\t' {
            let wide = 4 - column % 4;
            self.text.extend(std::iter::repeat_n(' ', wide));
            return wide;
        }
        self.text.push(stand_in(char).unwrap_or(char));
        columns(char)
    }

    /// Maps a span of the line to the text, without the parts that were cut.
    pub(super) fn place(&self, span: Span) -> Span {
        let after = |offset: usize| {
            let index = self.moved.partition_point(|(at, _)| *at < offset);
            self.moved.get(index).map_or(self.text.len(), |(_, to)| *to)
        };
        let kept_end = |index: usize| self.moved.get(index).map_or(0, |(_, to)| *to);
        let start = after(span.start);
        let last = self.moved.partition_point(|(at, _)| *at <= span.end);
        Span::new(start, kept_end(last.saturating_sub(1)).max(start))
    }
}

/// The parts of a line to show in `room` columns: the whole line; or its beginning, if that contains all marks; or the
/// surroundings of each mark.
fn kept(line: &str, marks: &[Span], room: usize) -> Vec<Span> {
    if forward(line, 0, room) == line.len() {
        return vec![Span::new(0, line.len())];
    }
    let head = forward(line, 0, room - 1);
    if marks.iter().all(|mark| mark.end <= head) {
        return vec![Span::new(0, head)];
    }
    let each = (room / marks.len())
        .saturating_sub(2 * MARGIN + 2)
        .max(MARGIN);
    let wide = |mark: &Span| prefix_width(&line[mark.start..mark.end], room);
    let total: usize = marks.iter().map(wide).sum();
    let free = room.saturating_sub(total + marks.len() + 1) / (2 * marks.len());
    let (limit, margin) = if free < MARGIN {
        (each, MARGIN)
    } else {
        (room, free)
    };
    let mut parts: Vec<Span> = Vec::new();
    for mark in marks {
        let end = mark.end.min(forward(line, mark.start, limit));
        let part = Span::new(
            backward(line, mark.start, margin),
            forward(line, end, margin),
        );
        // Cutting a single character would save nothing.
        match parts.last_mut() {
            Some(last) if part.start <= last.end + 1 => *last = last.join(part),
            _ => parts.push(part),
        }
    }
    parts
}

/// The farthest offset at most `room` columns after `from`.
fn forward(line: &str, from: usize, room: usize) -> usize {
    let mut used = 0;
    let rest = line[from..].char_indices();
    let mut over = rest.skip_while(|(_, char)| {
        used += columns(*char);
        used <= room
    });
    over.next().map_or(line.len(), |(at, _)| from + at)
}

/// The farthest offset at most `room` columns before `from`.
fn backward(line: &str, from: usize, room: usize) -> usize {
    let mut used = 0;
    let rest = line[..from].char_indices().rev();
    let fitting = rest.take_while(|(_, char)| {
        used += columns(*char);
        used <= room
    });
    fitting.last().map_or(from, |(at, _)| at)
}

/// The width of a text in columns. Stops counting soon after `most`.
fn prefix_width(text: &str, most: usize) -> usize {
    text.chars().take(most + 1).map(columns).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, needles: &[&str], width: usize, expected: &str) {
        let span = |needle: &&str| {
            let start = line.find(needle).unwrap();
            Span::new(start, start + needle.len())
        };
        let marks: Vec<Span> = needles.iter().map(span).collect();
        let cut = ClippedLine::new(line, &marks, width);
        assert_eq!(cut.text, expected);
        assert!(cut.text.chars().count() <= width, "too wide");
        for (mark, needle) in marks.iter().zip(needles) {
            let shown = cut.place(*mark).of(&cut.text);
            assert!(
                needle.starts_with(shown) && !shown.is_empty(),
                "{shown} for {needle}"
            );
        }
    }

    #[test]
    fn long_lines_are_cut_around_their_labels() {
        let x = "x".repeat(60);
        check("a: first", &["first"], 40, "a: first");
        check(
            &format!("a: first {x}"),
            &["first"],
            40,
            &format!("a: first {}…", "x".repeat(30)),
        );
        let margin = "x".repeat(16);
        check(
            &format!("{x}first{x}"),
            &["first"],
            40,
            &format!("…{margin}first{margin}…"),
        );
        let both = format!("{x}first{x}second{x}");
        check(
            &both,
            &["first", "second"],
            40,
            "…xxxxxxfirstxxxxxx…xxxxxxsecondxxxxxx…",
        );
        check(
            &format!("{x}{}", "雪".repeat(60)),
            &["雪雪"],
            20,
            "…xxxxxxx雪雪雪雪雪…",
        );
        let long = format!("{x}{}{x}", "y".repeat(300));
        check(
            &long,
            &[&"y".repeat(300)],
            40,
            &format!("…xxxx{}…", "y".repeat(34)),
        );
        check(
            &format!("{x}äfirstä{x}"),
            &["first"],
            20,
            "…xxxxxäfirstäxxxxx…",
        );
    }
}
