//! Tokens of HCL, and the placeholders in its strings. Contains no grammar beyond that of a token.
//!
//! Reads every byte a bounded number of times, even if something is never closed.

use std::collections::HashMap;

use crate::source::Span;
use crate::syntax::template::{Action, ActionKind};

/// The result of a scan.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    pub(super) tokens: Vec<Token>,
    /// The placeholders in strings and here-documents: `${...}`, `%{...}`.
    pub actions: Vec<Action>,
    /// The comments, line by line, from the sign onwards.
    pub comments: Vec<Span>,
    /// The contents of here-documents, as whole lines.
    pub here_documents: Vec<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name including its dots and what follows them, a number or a keyword.
    Word,
    /// The content of a string, between its quotes.
    Text,
    /// The lines of a here-document.
    Lines,
    Mark(u8),
    /// The end of a line.
    Break,
}

impl Token {
    /// Returns where it begins, including the quote or the marker before a text.
    pub(super) fn start(self, text: &str) -> usize {
        let start = self.span.start;
        match self.kind {
            Kind::Text => start - 1,
            Kind::Lines => text[..start].rfind("<<").unwrap_or(start),
            _ => start,
        }
    }

    /// Returns where it ends, including the quote after a text.
    pub(super) fn end(self) -> usize {
        self.span.end + usize::from(self.kind == Kind::Text)
    }
}

/// The most placeholders that are never closed. Beyond that, the rest is not searched for their ends.
const MOST_UNCLOSED: usize = 32;

/// Splits a text into tokens. Never fails: what is never closed ends with its line or with the text.
pub fn scan(text: &str) -> Scan {
    let mut scanner = Scanner {
        text,
        at: 0,
        ends: None,
        unclosed: 0,
        found: Scan::default(),
    };
    while scanner.at < text.len() {
        scanner.token();
    }
    scanner.found
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// The lines that are one word, by that word: here-documents may end there. Computed when the first one begins.
    ends: Option<HashMap<&'t str, Vec<usize>>>,
    /// How many placeholders are never closed.
    unclosed: usize,
    found: Scan,
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || !byte.is_ascii()
}

impl Scanner<'_> {
    fn token(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        match rest {
            [b'\n', ..] => self.push(Kind::Break, 1),
            [b'#', ..] | [b'/', b'/', ..] => self.comment(line_length(rest)),
            [b'/', b'*', ..] => {
                let end = memchr::memmem::find(&rest[2..], b"*/");
                self.comment(end.map_or(rest.len(), |end| end + 4));
            }
            [b'"', ..] => self.string(),
            [b'<', b'<', ..] if self.here_document() => {}
            [byte, ..] if in_word(*byte) => {
                let length = rest.iter().position(|byte| !in_word(*byte));
                self.push(Kind::Word, length.unwrap_or(rest.len()));
            }
            [byte, ..] if !byte.is_ascii_whitespace() => self.push(Kind::Mark(*byte), 1),
            _ => self.at += 1,
        }
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let span = Span::new(self.at, self.at + length);
        self.found.tokens.push(Token { kind, span });
        self.at = span.end;
    }

    /// A comment of several lines is listed line by line.
    fn comment(&mut self, length: usize) {
        let whole = Span::new(self.at, self.at + length);
        for line in whole.of(self.text).split_inclusive('\n') {
            let content = line.trim();
            let start = self.at + line.len() - line.trim_start().len();
            if !content.is_empty() {
                let span = Span::new(start, start + content.len());
                self.found.comments.push(span);
            }
            self.at += line.len();
        }
    }

    fn string(&mut self) {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        while at < bytes.len() && !matches!(bytes[at], b'"' | b'\n') {
            at = match bytes[at] {
                b'\\' if bytes.get(at + 1) != Some(&b'\n') => at + 2,
                b'$' | b'%' => match self.placeholder(at, bytes.len()) {
                    Some(next) => next,
                    None => at + self.length_of_unclosed(&bytes[at..]),
                },
                _ => at + 1,
            };
        }
        let end = at.min(bytes.len());
        let is_closed = bytes.get(end) == Some(&b'"');
        self.found.tokens.push(match is_closed {
            true => Token {
                kind: Kind::Text,
                span: Span::new(start, end),
            },
            // It is unknown where it would end, so it has no content.
            false => Token {
                kind: Kind::Mark(b'"'),
                span: Span::new(start - 1, end),
            },
        });
        self.at = end + usize::from(is_closed);
    }

    /// Returns where scanning continues after a `$` or `%`. `None` if what it opens is not closed before the limit.
    fn placeholder(&mut self, at: usize, limit: usize) -> Option<usize> {
        let bytes = &self.text.as_bytes()[..limit];
        let sign = bytes[at];
        match bytes.get(at + 1) {
            Some(b'{') => {
                let end = close(bytes, at + 2)?;
                self.action(Span::new(at, end));
                Some(end)
            }
            // `$${NAME}` is the text `${NAME}`, which another program replaces.
            Some(second) if *second == sign && bytes.get(at + 2) == Some(&b'{') => {
                let name = bytes[at + 3..].iter();
                let name = name.take_while(|byte| in_word(**byte)).count();
                let end = at + 3 + name;
                let is_name = bytes.get(end) == Some(&b'}') && sign == b'$';
                if is_name {
                    self.action(Span::new(at, end + 1));
                }
                Some(end + usize::from(is_name))
            }
            _ => Some(at + 1),
        }
    }

    /// Returns the length of a string that is not closed: up to the end of its line, or of the text if there are many.
    fn length_of_unclosed(&mut self, rest: &[u8]) -> usize {
        self.unclosed += 1;
        match self.unclosed > MOST_UNCLOSED {
            true => rest.len(),
            false => line_length(rest),
        }
    }

    fn action(&mut self, span: Span) {
        let inner = span.of(self.text).trim_start_matches(['$', '%', '{', '~']);
        let letter = |letter: char| !letter.is_ascii_alphabetic();
        let word = inner.trim_start().split(letter).next();
        let is_directive = self.text.as_bytes()[span.start] == b'%';
        let kind = match word.filter(|_| is_directive) {
            Some("if" | "for") => ActionKind::Open,
            Some("else") => ActionKind::Else,
            Some("endif" | "endfor") => ActionKind::End,
            _ => ActionKind::Inline,
        };
        self.found.actions.push(Action { span, kind });
    }

    /// Reads the lines between `<<WORD` and `WORD`. `false` if no such line follows.
    fn here_document(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        let word = self.at + 2 + usize::from(bytes.get(self.at + 2) == Some(&b'-'));
        let is_part = |byte: &&u8| in_word(**byte);
        let length = bytes[word.min(bytes.len())..].iter();
        let end = word + length.take_while(is_part).count();
        if end == word {
            return false;
        }
        let blanks = bytes[end..].iter();
        let blanks = blanks.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        let line_end = end + blanks.count();
        if bytes.get(line_end) != Some(&b'\n') {
            return false;
        }
        let start = line_end + 1;
        let text = self.text;
        let ends = self.ends.get_or_insert_with(|| lines_of_one_word(text));
        let ends = ends.get(&text[word..end]).map(Vec::as_slice);
        let ends = ends.unwrap_or_default();
        let last = ends.get(ends.partition_point(|line| *line < start));
        let Some(last) = last.copied() else {
            return false;
        };
        self.lines(Span::new(start, last));
        let rest = &text[last..];
        let indent = rest.len() - rest.trim_start().len();
        self.at = last + indent + end - word;
        true
    }

    fn lines(&mut self, content: Span) {
        let bytes = self.text.as_bytes();
        let mut at = content.start;
        while let Some(sign) = memchr::memchr2(b'$', b'%', &bytes[at..content.end]) {
            let sign = at + sign;
            let next = self.placeholder(sign, content.end);
            self.unclosed += usize::from(next.is_none());
            if self.unclosed > MOST_UNCLOSED {
                break;
            }
            at = next.unwrap_or(sign + 1).min(content.end);
        }
        self.found.here_documents.push(content);
        self.found.tokens.push(Token {
            kind: Kind::Lines,
            span: content,
        });
    }
}

fn line_length(rest: &[u8]) -> usize {
    memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

/// Returns where the lines begin that are one word, by that word, in order.
fn lines_of_one_word(text: &str) -> HashMap<&str, Vec<usize>> {
    let mut found: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let word = line.trim();
        if !word.is_empty() && word.bytes().all(in_word) {
            found.entry(word).or_default().push(at);
        }
        at += line.len();
    }
    found
}

/// Returns the offset after the `}` of what was opened before `at`. It may contain strings, and these may contain
/// placeholders.
fn close(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut open = vec![b'{'];
    while at < bytes.len() {
        match (open.last(), bytes[at]) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(b'"'), b'"') | (Some(b'{'), b'}') => {
                open.pop();
                if open.is_empty() {
                    return Some(at + 1);
                }
            }
            (Some(b'"'), b'\n') => return None,
            (Some(b'"'), sign @ (b'$' | b'%')) => match (bytes.get(at + 1), bytes.get(at + 2)) {
                (Some(b'{'), _) => {
                    open.push(b'{');
                    at += 1;
                }
                (Some(second), Some(b'{')) if *second == sign => at += 2,
                _ => {}
            },
            (Some(b'{'), mark @ (b'"' | b'{')) => open.push(mark),
            _ => {}
        }
        at += 1;
    }
    None
}
