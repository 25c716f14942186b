//! HCL, the language of Terraform, as a tree of spans like that of YAML, in the shape of Terraform's own JSON:
//! `{resource: {helm_release: {NAME: BODY}}}`.
//!
//! A block without labels is an item of a list, or at the root a map. Expressions are not evaluated: each is a list of the
//! values that it may have, as far as they are written out; a computed one is an empty list. Arguments of `jsonencode` and
//! similar functions are read instead of the call. Never fails: what it does not understand is left out.

mod calls;
mod computed;
mod expression;
mod layout;
mod scan;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;
use std::collections::HashMap;

use self::scan::{Kind, Token};
use self::text::{unescaped, unindented};
use crate::source::{self, Span};
use crate::syntax::yaml::{Entry, List, Map, Node, Parsed, Scalar, Style};

pub use calls::first_texts;
pub use computed::{Composed, Computed, computed};
pub use layout::{Insert, Items, block_after, object_like};
pub use scan::{Scan, scan};

/// The deepest nesting of blocks, lists, objects and calls that is read. Deeper ones are skipped.
const MOST_DEPTH: usize = 48;

/// The most labels of a block. No block of Terraform has more.
const MOST_LABELS: usize = 3;

/// Parses a text. `masked` is the text with the actions of its scan masked, and has the same length.
pub fn parse<'t>(masked: &'t str, scan: &Scan) -> Parsed<'t> {
    let mut reader = Reader {
        masked,
        tokens: &scan.tokens,
        at: 0,
        breaks_count: true,
    };
    let root = reader.body(Span::new(0, masked.len()), None, 0);
    Parsed {
        documents: vec![Node::Map(root)],
        comments: scan.comments.clone(),
        ..Parsed::default()
    }
}

struct Reader<'t, 's> {
    masked: &'t str,
    tokens: &'s [Token],
    at: usize,
    /// Whether the end of a line ends a value. It does not in brackets and parentheses.
    breaks_count: bool,
}

impl<'t> Reader<'t, '_> {
    fn peek(&mut self) -> Option<Token> {
        loop {
            let token = *self.tokens.get(self.at)?;
            if self.breaks_count || token.kind != Kind::Break {
                return Some(token);
            }
            self.at += 1;
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    fn peek_mark(&mut self) -> Option<u8> {
        match self.peek()?.kind {
            Kind::Mark(mark) => Some(mark),
            _ => None,
        }
    }

    fn take(&mut self, mark: u8) -> bool {
        let found = self.peek_mark() == Some(mark);
        self.at += usize::from(found);
        found
    }

    /// Returns where the previous token ends.
    fn end(&self) -> usize {
        let before = self.at.checked_sub(1).map(|at| self.tokens[at]);
        before.map_or(0, Token::end)
    }

    /// Skips to the end of what an opening mark opened.
    fn pass(&mut self, open: u8) {
        let mut depth = usize::from(matches!(open, b'{' | b'[' | b'('));
        while depth > 0 {
            match self.next().map(|token| token.kind) {
                Some(Kind::Mark(b'{' | b'[' | b'(')) => depth += 1,
                Some(Kind::Mark(b'}' | b']' | b')')) => depth -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    /// Reads something in which the ends of lines count, or do not.
    fn within<T>(&mut self, breaks_count: bool, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.breaks_count, breaks_count);
        let found = read(self);
        self.breaks_count = outer;
        found
    }

    /// Reads the attributes and blocks of a body, or the items of an object, up to its end.
    fn body(&mut self, opened: Span, close: Option<u8>, depth: usize) -> Map<'t> {
        let mut map = Map::new(opened, true, Vec::new());
        let mut lists = HashMap::new();
        while let Some(token) = self.next() {
            match token.kind {
                Kind::Mark(mark) if Some(mark) == close => break,
                Kind::Word if token.span.of(self.masked) == "for" && close.is_some() => {
                    self.pass_head_of_for();
                    let value = self.expression(depth);
                    let key = self.plain(token.span);
                    map.entries.push(Entry { key, value });
                }
                Kind::Word | Kind::Text => self.pair(token, &mut map, &mut lists, depth),
                Kind::Mark(b'(') => self.computed_pair(token, &mut map, depth),
                Kind::Mark(open) => self.pass(open),
                Kind::Lines | Kind::Break => {}
            }
        }
        if close.is_some() {
            map.span = Span::new(opened.start, self.end().max(opened.end));
        }
        map
    }

    /// Reads an attribute or a block. `lists` has the entries of blocks without labels, by their names.
    fn pair(
        &mut self,
        token: Token,
        map: &mut Map<'t>,
        lists: &mut HashMap<&'t str, usize>,
        depth: usize,
    ) {
        let key = self.key(token);
        if self.take(b'=') || self.take(b':') {
            let value = self.expression(depth);
            map.entries.push(Entry { key, value });
            return;
        }
        let mut labels = Vec::new();
        while let Some(label) = self.peek() {
            if !matches!(label.kind, Kind::Word | Kind::Text) {
                break;
            }
            self.at += 1;
            labels.push(label);
        }
        let open = self.peek();
        if !self.take(b'{') {
            return;
        }
        let opened = open.map_or(token.span, |open| open.span);
        if depth >= MOST_DEPTH || labels.len() > MOST_LABELS {
            self.pass(b'{');
            return;
        }
        let body = self.within(true, |reader| reader.body(opened, Some(b'}'), depth + 1));
        let end = body.span.end;
        let is_root = depth == 0;
        if labels.is_empty() && !is_root {
            let name = token.span.of(self.masked);
            let listed = lists.get(name).map(|index| &mut map.entries[*index].value);
            if let Some(Node::List(list)) = listed {
                list.span.end = end;
                list.items.push(Node::Map(body));
                return;
            }
            lists.insert(name, map.entries.len());
            let value = Node::List(List {
                span: body.span,
                flow: true,
                items: vec![Node::Map(body)],
            });
            map.entries.push(Entry { key, value });
            return;
        }
        let labelled = labels.into_iter().rev();
        let value = labelled.fold(Node::Map(body), |value, label| {
            let mut outer = Map::new(Span::new(label.span.start, end), true, Vec::new());
            let key = self.key(label);
            outer.entries.push(Entry { key, value });
            Node::Map(outer)
        });
        map.entries.push(Entry { key, value });
    }

    /// Reads `(EXPRESSION) = VALUE`.
    fn computed_pair(&mut self, token: Token, map: &mut Map<'t>, depth: usize) {
        self.pass(b'(');
        let key = self.plain(Span::new(token.span.start, self.end()));
        if self.take(b'=') || self.take(b':') {
            let value = self.expression(depth);
            map.entries.push(Entry { key, value });
        }
    }

    /// Skips `for NAME in VALUE : KEY => ITEM` up to the item.
    fn pass_head_of_for(&mut self) {
        self.pass_until(b':');
        let before = self.at;
        while let Some(mark) = self.peek().map(|token| token.kind) {
            match mark {
                Kind::Mark(b'}' | b']' | b',') | Kind::Break => break,
                Kind::Mark(b'>') => {
                    self.at += 1;
                    return;
                }
                Kind::Mark(open) => {
                    self.at += 1;
                    self.pass(open);
                }
                _ => self.at += 1,
            }
        }
        self.at = before;
    }

    /// Skips to the end of a mark on this level, or stops before what closes the level.
    fn pass_until(&mut self, mark: u8) {
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Mark(b'}' | b']' | b')') => return,
                Kind::Mark(found) => {
                    self.at += 1;
                    if found == mark {
                        return;
                    }
                    self.pass(found);
                }
                _ => self.at += 1,
            }
        }
    }

    fn list_from(&self, start: usize, items: Vec<Node<'t>>) -> Node<'t> {
        Node::List(List {
            span: Span::new(start, self.end().max(start)),
            flow: true,
            items,
        })
    }

    fn key(&self, token: Token) -> Node<'t> {
        match token.kind {
            Kind::Text => self.text(token.span),
            _ => self.plain(token.span),
        }
    }

    fn plain(&self, span: Span) -> Node<'t> {
        Node::Scalar(Scalar {
            span,
            style: Style::Plain,
            value: Cow::Borrowed(span.of(self.masked)),
        })
    }

    fn text(&self, span: Span) -> Node<'t> {
        Node::Scalar(Scalar {
            span,
            style: Style::Double,
            value: unescaped(span.of(self.masked)),
        })
    }

    /// Reads lines like a block scalar of YAML: without their indentation, and with a span that begins at the first letter.
    fn lines(&self, span: Span) -> Node<'t> {
        let text = span.of(self.masked);
        let lead = text.len() - text.trim_start().len();
        let line = source::line_start(text, lead);
        Node::Scalar(Scalar {
            span: Span::new(span.start + lead, span.end),
            style: Style::Literal,
            value: unindented(&text[line..]),
        })
    }
}
