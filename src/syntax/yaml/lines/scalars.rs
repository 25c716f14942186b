//! Reads common scalars and flow collections.

use std::borrow::Cow;
use std::iter::repeat_n;

use super::{DEEPEST, LONGEST_KEY, Reader, Word};
use crate::source::Span;
use crate::syntax::yaml::Style;

impl<'t> Reader<'t> {
    /// Reads the plain or quoted scalar at `at`. It may continue on further lines if the `column` of its key or dash is given.
    pub(super) fn word(&mut self, at: usize, column: Option<usize>) -> Option<Word<'t>> {
        match self.bytes[..self.line.end].get(at)? {
            b'"' | b'\'' => self.quoted(at, column),
            _ => self.plain(at, column),
        }
    }

    fn quoted(&mut self, at: usize, column: Option<usize>) -> Option<Word<'t>> {
        let quote = self.bytes[at];
        let is_double = quote == b'"';
        let mut value = Cow::Borrowed("");
        let mut from = at + 1;
        loop {
            let line = &self.bytes[..self.line.end];
            let stop = match is_double {
                true => memchr::memchr2(quote, b'\\', &line[from..]),
                false => memchr::memchr(quote, &line[from..]),
            };
            let Some(stop) = stop.map(|length| from + length) else {
                let piece = &self.text[from..self.line.end];
                let (breaks, next) = self.next_piece(column?)?;
                if piece.ends_with('\t') || self.bytes[next] == b'\t' {
                    return None;
                }
                value += piece.trim_end_matches(' ');
                fold(value.to_mut(), breaks);
                from = next;
                continue;
            };
            value += &self.text[from..stop];
            let escaped = match (line[stop], line.get(stop + 1)) {
                (b'\\', next) => unescaped(*next?)?,
                (b'\'', Some(b'\'')) => '\'',
                _ => {
                    let style = if is_double {
                        Style::Double
                    } else {
                        Style::Single
                    };
                    let span = Span::new(at, stop + 1);
                    return Some(Word { value, style, span });
                }
            };
            value.to_mut().push(escaped);
            from = stop + 2;
        }
    }

    fn plain(&mut self, at: usize, column: Option<usize>) -> Option<Word<'t>> {
        let style = Style::Plain;
        let mut span = self.plain_on_line(at, false)?;
        let mut value = Cow::Borrowed(span.of(self.text));
        // A comment ends it, and so does the colon after a key.
        while let Some(column) = column
            && self.after_blanks(span.end) == self.line.end
            && self.goes_on(column)
        {
            let here = (self.line, self.next);
            let more = self.next_piece(column);
            let Some((breaks, from)) = more.filter(|(_, from)| self.bytes[*from] != b'#') else {
                (self.line, self.next) = here;
                break;
            };
            let piece = self.plain_from(from, false)?;
            fold(value.to_mut(), breaks);
            value += piece.of(self.text);
            span.end = piece.end;
        }
        Some(Word { value, style, span })
    }

    /// Whether the next line that is not empty is indented deeper than the column. It is not after most scalars, so this
    /// avoids reading it.
    fn goes_on(&self, column: usize) -> bool {
        let mut start = self.next;
        loop {
            let rest = self.bytes.get(start..).unwrap_or_default();
            let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
            match rest.get(blanks) {
                Some(b'\n') => start += blanks + 1,
                Some(_) => return blanks > column,
                None => return false,
            }
        }
    }

    /// Moves to the next line that is not empty. Returns the number of breaks before it, and where its content starts. `None`
    /// if that is not indented deeper than the column.
    fn next_piece(&mut self, column: usize) -> Option<(usize, usize)> {
        let mut breaks = 0;
        while self.read_line() {
            breaks += 1;
            let from = self.after_blanks(self.line.start);
            if from < self.line.end {
                return (from - self.line.start > column).then_some((breaks, from));
            }
        }
        None
    }

    fn plain_on_line(&self, at: usize, in_flow: bool) -> Option<Span> {
        let line = &self.bytes[..self.line.end];
        let may_begin = match line[at] {
            b'-' | b':' | b'?' => !matches!(
                line.get(at + 1),
                None | Some(b' ' | b',' | b'[' | b']' | b'{' | b'}')
            ),
            b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'%' | b'@' | b'`' | b'"' | b'\'' => false,
            byte => !is_punctuation(byte),
        };
        may_begin.then(|| self.plain_from(at, in_flow))?
    }

    /// Returns the part of a plain scalar on this line, from `at` onwards. In a flow collection, its punctuation ends it.
    fn plain_from(&self, at: usize, in_flow: bool) -> Option<Span> {
        let line = &self.bytes[..self.line.end];
        let mut stop = at;
        while let Some(byte) = line.get(stop) {
            let next = line.get(stop + 1);
            match byte {
                b'\t' => return None,
                b':' if matches!(next, None | Some(b' ' | b'\t')) => break,
                b':' if in_flow && next.is_some_and(|byte| is_punctuation(*byte)) => break,
                b'#' if stop > at && line[stop - 1] == b' ' => break,
                byte if in_flow && is_punctuation(*byte) => break,
                _ => stop += 1,
            }
        }
        let length = self.text[at..stop].trim_end_matches(' ').len();
        Some(Span::new(at, at + length))
    }

    /// Reads a flow collection that ends on its line. Returns its end.
    pub(super) fn flow(&mut self, at: usize, depth: usize) -> Option<usize> {
        if depth == DEEPEST {
            return None;
        }
        let is_map = self.bytes[at] == b'{';
        let closing = if is_map { b'}' } else { b']' };
        let start = Span::new(at, at + 1);
        match is_map {
            true => self.builder.begin_map(start, true, 0),
            false => self.builder.begin_list(start, true, 0),
        }
        let mut next = self.after_blanks(at + 1);
        let mut is_closed = self.in_line(next)? == closing;
        while !is_closed {
            if is_map {
                let colon = self.flow_word(next)?;
                if colon - next > LONGEST_KEY || !self.is_mark(b':', colon) {
                    return None;
                }
                next = self.after_blanks(colon + 1);
            }
            let end = match self.in_line(next)? {
                b'[' | b'{' => self.flow(next, depth + 1)?,
                _ => self.flow_word(next)?,
            };
            next = self.after_blanks(end);
            is_closed = match self.in_line(next)? {
                b',' => false,
                byte => (byte == closing).then_some(true)?,
            };
            if !is_closed {
                next = self.after_blanks(next + 1);
            }
        }
        self.builder.close(next + 1);
        Some(next + 1)
    }

    /// Reads a scalar in a flow collection. Returns its end.
    fn flow_word(&mut self, at: usize) -> Option<usize> {
        let word = match self.in_line(at)? {
            b'"' | b'\'' => self.quoted(at, None)?,
            _ => {
                let span = self.plain_on_line(at, true)?;
                let value = Cow::Borrowed(span.of(self.text));
                let style = Style::Plain;
                Word { value, style, span }
            }
        };
        let end = word.span.end;
        self.builder.scalar(word.value, word.style, word.span, 0);
        Some(end)
    }

    fn in_line(&self, at: usize) -> Option<u8> {
        self.bytes[..self.line.end].get(at).copied()
    }

    /// Reads a literal or folded scalar from its `|` or `>`, of a key or a dash in `column`.
    pub(super) fn block(&mut self, at: usize, column: usize) -> Option<()> {
        let style = match self.bytes[at] {
            b'>' => Style::Folded,
            _ => Style::Literal,
        };
        let chomping = self.in_line(at + 1).filter(|byte| *byte != b' ');
        let header = match chomping {
            None => at + 1,
            Some(b'-' | b'+') => at + 2,
            Some(_) => return None,
        };
        self.ends(header)?;
        let mut value = String::new();
        let mut blanks = 0;
        let start = loop {
            self.read_line().then_some(())?;
            let from = self.after_blanks(self.line.start);
            if from < self.line.end {
                break from;
            }
            blanks = blanks.max(self.line.len());
            value.push('\n');
        };
        let indent = start - self.line.start;
        // The spaces of an empty line may be an error if there are too many.
        if blanks > indent.min(column + 1) || self.bytes[start] == b'\t' {
            return None;
        }
        self.next = self.line.start;
        let mut end = start;
        if indent > column {
            end = self.block_lines(&mut value, indent, style)?;
        }
        let content = value.trim_end_matches('\n').len();
        match chomping {
            Some(b'-') => value.truncate(content),
            None => value.truncate(content + usize::from(content > 0)),
            Some(_) => {}
        }
        let span = Span::new(start, end);
        let value = Cow::Owned(value);
        self.place(Word { value, style, span });
        Some(())
    }

    /// Reads the lines of a block scalar, each with its break. Returns its end. Like in the full parser, that is after the
    /// spaces with which the next line starts.
    fn block_lines(&mut self, value: &mut String, indent: usize, style: Style) -> Option<usize> {
        let mut breaks = 0;
        while self.read_line() {
            let Span { start, end } = self.line;
            let from = self.after_blanks(start);
            if from < start + indent && from < end {
                self.next = start;
                value.extend(repeat_n('\n', breaks));
                return Some(from);
            }
            let piece = self.text.get(start + indent..end).unwrap_or_default();
            // Lines that are indented deeper are not folded.
            let is_further = style == Style::Folded && piece.starts_with([' ', '\t']);
            // A last line without a break is treated differently.
            if is_further || end == self.bytes.len() {
                return None;
            }
            if !piece.is_empty() {
                match style {
                    Style::Folded if breaks > 0 => fold(value, breaks),
                    _ => value.extend(repeat_n('\n', breaks)),
                }
                value.push_str(piece);
                breaks = 0;
            }
            breaks += 1;
        }
        value.extend(repeat_n('\n', breaks));
        Some(self.bytes.len())
    }
}

fn is_punctuation(byte: u8) -> bool {
    matches!(byte, b',' | b'[' | b']' | b'{' | b'}')
}

/// Adds what the breaks between two lines of folded text stand for.
fn fold(value: &mut String, breaks: usize) {
    match breaks {
        1 => value.push(' '),
        _ => value.extend(repeat_n('\n', breaks - 1)),
    }
}

/// Returns what a byte after a backslash stands for. `None` for rare escapes.
fn unescaped(byte: u8) -> Option<char> {
    match byte {
        b'"' | b'\\' | b'/' => Some(char::from(byte)),
        b'n' => Some('\n'),
        b't' => Some('\t'),
        b'r' => Some('\r'),
        _ => None,
    }
}
