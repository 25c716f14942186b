//! Tokens of a template.

use super::ParseError;
use crate::source::Span;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    LeftDelim,
    RightDelim,
    Space,
    /// `.name`
    Field,
    Dot,
    /// `$` or `$name`
    Variable,
    /// A word: a keyword, a boolean, `nil` or a function.
    Word,
    Number,
    Char,
    Quoted,
    Raw,
    Pipe,
    Declare,
    Assign,
    Comma,
    LeftParen,
    RightParen,
    End,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Span,
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    inside: bool,
    /// Whether the previous action trims the whitespace that follows it.
    trims: bool,
    parens: usize,
}

type Result<T> = std::result::Result<T, ParseError>;

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            inside: false,
            trims: false,
            parens: 0,
        }
    }

    pub(super) fn next(&mut self) -> Result<Token> {
        loop {
            if self.inside {
                return self.in_action();
            }
            if let Some(token) = self.outside()? {
                return Ok(token);
            }
        }
    }

    fn token(&self, kind: Kind, start: usize) -> Token {
        Token {
            kind,
            span: Span::new(start, self.at),
        }
    }

    fn error<T>(&self, offset: usize, message: impl Into<String>) -> Result<T> {
        Err(ParseError {
            offset,
            message: message.into(),
        })
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn sees(&self, what: &str) -> bool {
        self.bytes[self.at..].starts_with(what.as_bytes())
    }

    /// Reads text up to an action, or the beginning of an action. `None` for a comment and for empty text.
    fn outside(&mut self) -> Result<Option<Token>> {
        let mut start = self.at;
        let open = memchr::memmem::find(&self.bytes[start..], b"{{");
        let end = open.map_or(self.bytes.len(), |at| start + at);
        if std::mem::take(&mut self.trims) {
            start += blanks(&self.bytes[start..end]);
        }
        let trims = open.is_some() && has_trim_marker(&self.bytes[end + 2..]);
        let kept = match trims {
            true => start + self.text[start..end].trim_end_matches(BLANKS).len(),
            false => end,
        };
        self.at = end;
        if kept > start {
            return Ok(Some(Token {
                kind: Kind::Text,
                span: Span::new(start, kept),
            }));
        }
        if open.is_none() {
            return Ok(Some(self.token(Kind::End, end)));
        }
        self.at = end + 2;
        if trims {
            self.at += 1 + blanks(&self.bytes[self.at + 1..]);
        }
        if self.sees("/*") {
            self.comment(end)?;
            return Ok(None);
        }
        self.inside = true;
        self.parens = 0;
        Ok(Some(self.token(Kind::LeftDelim, end)))
    }

    fn comment(&mut self, start: usize) -> Result<()> {
        let Some(length) = memchr::memmem::find(&self.bytes[self.at + 2..], b"*/") else {
            return self.error(start, "unclosed comment");
        };
        self.at += length + 4;
        match self.at_right_delim() {
            Some(length) => {
                self.trims = length > 2;
                self.at += length;
                Ok(())
            }
            None => self.error(start, "comment ends before closing delimiter"),
        }
    }

    /// Returns the length of the closing delimiter that is here. `None` if there is none.
    fn at_right_delim(&self) -> Option<usize> {
        if self.sees("}}") {
            return Some(2);
        }
        let trims = is_blank(self.peek(0)) && self.bytes[self.at + 1..].starts_with(b"-}}");
        trims.then_some(4)
    }

    fn in_action(&mut self) -> Result<Token> {
        let start = self.at;
        if let Some(length) = self.at_right_delim() {
            if self.parens > 0 {
                return self.error(start, "unclosed left paren");
            }
            self.at += length;
            self.inside = false;
            self.trims = length > 2;
            return Ok(self.token(Kind::RightDelim, start));
        }
        let byte = self.peek(0);
        match byte {
            0 if start >= self.bytes.len() => self.error(start, "unclosed action"),
            _ if is_blank(byte) => Ok(self.space(start)),
            b'=' => Ok(self.sign(Kind::Assign, 1)),
            b':' if self.peek(1) == b'=' => Ok(self.sign(Kind::Declare, 2)),
            b':' => self.error(start, "expected :="),
            b'|' => Ok(self.sign(Kind::Pipe, 1)),
            b',' => Ok(self.sign(Kind::Comma, 1)),
            b'"' => self.quoted(start, b'"', Kind::Quoted),
            b'\'' => self.quoted(start, b'\'', Kind::Char),
            b'`' => self.raw(start),
            b'$' => self.name(start, Kind::Variable),
            b'.' if !self.peek(1).is_ascii_digit() => self.name(start, Kind::Field),
            b'+' | b'-' | b'.' | b'0'..=b'9' => self.number(start),
            b'(' => {
                self.parens += 1;
                Ok(self.sign(Kind::LeftParen, 1))
            }
            b')' if self.parens == 0 => self.error(start, "unexpected right paren"),
            b')' => {
                self.parens -= 1;
                Ok(self.sign(Kind::RightParen, 1))
            }
            _ if self.letter().is_some() => self.name(start, Kind::Word),
            _ => {
                let letter = self.text[start..].chars().next().unwrap_or('?');
                let code = u32::from(letter);
                let message = format!("unrecognized character in action: U+{code:04X} '{letter}'");
                self.error(start, message)
            }
        }
    }

    fn sign(&mut self, kind: Kind, length: usize) -> Token {
        let start = self.at;
        self.at += length;
        self.token(kind, start)
    }

    /// Reads whitespace, except for the character that belongs to a trim marker.
    fn space(&mut self, start: usize) -> Token {
        self.at += blanks(&self.bytes[start..]);
        let marker = self.bytes[self.at..].starts_with(b"-}}");
        if marker && self.at > start + 1 {
            self.at -= 1;
        }
        self.token(Kind::Space, start)
    }

    fn quoted(&mut self, start: usize, quote: u8, kind: Kind) -> Result<Token> {
        self.at += 1;
        loop {
            match self.peek(0) {
                b'\\' if self.at + 1 < self.bytes.len() && self.peek(1) != b'\n' => self.at += 2,
                byte if byte == quote => break,
                b'\n' | b'\\' | 0 => {
                    let what = match kind {
                        Kind::Char => "character constant",
                        _ => "quoted string",
                    };
                    return self.error(start, format!("unterminated {what}"));
                }
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Ok(self.token(kind, start))
    }

    fn raw(&mut self, start: usize) -> Result<Token> {
        match memchr::memchr(b'`', &self.bytes[start + 1..]) {
            Some(length) => {
                self.at = start + length + 2;
                Ok(self.token(Kind::Raw, start))
            }
            None => self.error(start, "unterminated raw quoted string"),
        }
    }

    /// Returns the length of the letter, digit or `_` that is here. `None` for other characters.
    fn letter(&self) -> Option<usize> {
        let letter = self.text[self.at..].chars().next()?;
        (letter == '_' || letter.is_alphanumeric()).then(|| letter.len_utf8())
    }

    /// Reads a word with or without a sign before it.
    fn name(&mut self, start: usize, kind: Kind) -> Result<Token> {
        if kind != Kind::Word {
            self.at += 1;
        }
        while let Some(length) = self.letter() {
            self.at += length;
        }
        let ends = match self.peek(0) {
            0 => self.at >= self.bytes.len(),
            b'.' | b',' | b'|' | b':' | b')' | b'(' => true,
            byte => is_blank(byte) || self.sees("}}"),
        };
        let is_dot = kind == Kind::Field && self.at == start + 1;
        let ends = ends || is_dot && self.peek(0) == b'=';
        if !ends {
            let letter = self.text[self.at..].chars().next().unwrap_or('?');
            let code = u32::from(letter);
            return self.error(self.at, format!("bad character U+{code:04X} '{letter}'"));
        }
        Ok(self.token(if is_dot { Kind::Dot } else { kind }, start))
    }

    fn number(&mut self, start: usize) -> Result<Token> {
        if matches!(self.peek(0), b'+' | b'-') {
            self.at += 1;
        }
        let hex = self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X');
        let mut before = b' ';
        loop {
            let byte = self.peek(0);
            let exponent = match hex {
                true => matches!(before, b'p' | b'P'),
                false => matches!(before, b'e' | b'E'),
            };
            let signed = matches!(byte, b'+' | b'-') && exponent;
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || signed) {
                break;
            }
            before = byte;
            self.at += 1;
        }
        let token = self.token(Kind::Number, start);
        match super::literal::number(token.span.of(self.text)) {
            Some(_) => Ok(token),
            None => {
                let shown = token.span.of(self.text);
                self.error(start, format!("bad number syntax: \"{shown}\""))
            }
        }
    }
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_blank(**byte)).count()
}

fn has_trim_marker(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'-') && bytes.get(1).is_some_and(|byte| is_blank(*byte))
}
