//! Values of HCL, and the values that expressions may have.

use super::scan::{Kind, Token};
use super::{MOST_DEPTH, Reader};
use crate::source::Span;
use crate::syntax::yaml::Node;

/// Functions that return their arguments in another form, merged or chosen; and those of types, which contain defaults.
const TRANSPARENT: [&str; 26] = [
    "base64encode",
    "base64gzip",
    "chomp",
    "coalesce",
    "coalescelist",
    "compact",
    "concat",
    "distinct",
    "flatten",
    "indent",
    "jsonencode",
    "list",
    "map",
    "merge",
    "nonsensitive",
    "object",
    "optional",
    "sensitive",
    "set",
    "templatefile",
    "tolist",
    "tomap",
    "toset",
    "trimspace",
    "try",
    "yamlencode",
];

impl<'t> Reader<'t, '_> {
    /// Reads a value, or the values that an expression may have.
    pub(super) fn expression(&mut self, depth: usize) -> Node<'t> {
        let start = self.peek().map_or(self.end(), |token| token.span.start);
        let mut choices = Vec::new();
        let mut is_choice = false;
        let mut term = Some(self.term(depth));
        while !self.is_at_end() {
            match self.peek_mark() {
                Some(b'?') => {
                    self.at += 1;
                    is_choice = true;
                    term = Some(self.term(depth));
                }
                Some(b':') if is_choice => {
                    self.at += 1;
                    choices.extend(term.take());
                    term = Some(self.term(depth));
                }
                // An operator or an index: the result is not known.
                mark => {
                    self.at += 1;
                    self.pass(mark.unwrap_or_default());
                    term = None;
                }
            }
        }
        match (choices.is_empty(), term) {
            (true, Some(only)) => only,
            (_, last) => {
                choices.extend(last);
                self.list_from(start, choices)
            }
        }
    }

    fn is_at_end(&mut self) -> bool {
        let token = self.peek();
        token.is_none_or(|token| {
            matches!(
                token.kind,
                Kind::Break | Kind::Mark(b',' | b'}' | b']' | b')')
            )
        })
    }

    /// Reads one operand. Skips nothing if there is none.
    fn term(&mut self, depth: usize) -> Node<'t> {
        if self.is_at_end() {
            return self.list_from(self.end(), Vec::new());
        }
        let Some(token) = self.next() else {
            return self.list_from(self.end(), Vec::new());
        };
        let start = token.span.start;
        match token.kind {
            Kind::Text => self.text(token.span),
            Kind::Lines => self.lines(token.span),
            Kind::Mark(open @ (b'{' | b'[' | b'(')) if depth >= MOST_DEPTH => {
                self.pass(open);
                self.list_from(start, Vec::new())
            }
            Kind::Mark(b'{') => {
                let body = self.within(true, |reader| {
                    reader.body(token.span, Some(b'}'), depth + 1)
                });
                Node::Map(body)
            }
            Kind::Mark(b'[') => {
                let items = self.items(b']', depth + 1);
                self.list_from(start, items)
            }
            Kind::Mark(b'(') => {
                let mut items = self.items(b')', depth + 1);
                match items.len() {
                    1 => items.remove(0),
                    _ => self.list_from(start, Vec::new()),
                }
            }
            Kind::Word => self.word(token.span, depth),
            Kind::Mark(_) | Kind::Break => self.list_from(start, Vec::new()),
        }
    }

    /// Reads what is between brackets or parentheses.
    fn items(&mut self, close: u8, depth: usize) -> Vec<Node<'t>> {
        self.within(false, |reader| {
            let first = reader.peek();
            let is_for =
                |token: Token| token.kind == Kind::Word && token.span.of(reader.masked) == "for";
            if first.is_some_and(is_for) {
                reader.pass_until(b':');
            }
            let mut items = Vec::new();
            loop {
                match reader.peek_mark() {
                    Some(mark) if mark == close => {
                        reader.at += 1;
                        break;
                    }
                    Some(b',') => reader.at += 1,
                    // It closes something further out.
                    Some(b'}' | b']' | b')') => break,
                    None if reader.peek().is_none() => break,
                    _ => items.push(reader.expression(depth)),
                }
            }
            items
        })
    }

    /// Reads a constant, a call, or a name whose value is not known here.
    fn word(&mut self, span: Span, depth: usize) -> Node<'t> {
        let word = span.of(self.masked);
        let called = self.tokens.get(self.at);
        if called.is_some_and(|token| token.kind == Kind::Mark(b'(')) {
            self.at += 1;
            let is_format = word == "format";
            let is_lookup = word == "lookup";
            let is_known = is_format || is_lookup || TRANSPARENT.contains(&word);
            if depth >= MOST_DEPTH || !is_known {
                self.pass(b'(');
                return self.list_from(span.start, Vec::new());
            }
            let mut arguments = self.items(b')', depth + 1);
            if is_format {
                arguments.truncate(1);
            }
            if is_lookup {
                // The map and the key come first.
                arguments.drain(..2.min(arguments.len()));
            }
            return match arguments.len() {
                1 => arguments.remove(0),
                _ => self.list_from(span.start, arguments),
            };
        }
        let is_number = word.starts_with(|letter: char| letter.is_ascii_digit());
        match is_number || matches!(word, "true" | "false" | "null") {
            true => self.plain(span),
            false => self.list_from(span.start, Vec::new()),
        }
    }
}
