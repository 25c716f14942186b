//! YAML and JSON as a tree of spans, by the events of `granit-parser`.
//!
//! A scalar's span covers its content without quotes. A document that breaks keeps what came before the
//! error, and the rest of it is listed in [`Parsed::unparsed`]; the next document is parsed again.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use crate::source::Span;

/// Collections nested deeper than this are a syntax error. Real manifests stay under a hundred levels; the walks
/// over the tree recurse, and this bounds their stack.
const DEEPEST: usize = 256;

/// What a text parsed to.
#[derive(Debug, Default)]
pub struct Parsed<'t> {
    pub documents: Vec<Node<'t>>,
    pub errors: Vec<SyntaxError>,
    /// Whether a scalar is named by an alias: then it counts at places where it does not stand.
    pub aliased: bool,
    /// Where an alias names a collection: its own span, and that of the collection.
    pub shared: Vec<(Span, Span)>,
    /// From an error to the next document: text that is in no tree.
    pub unparsed: Vec<Span>,
    /// Each from its `#` to the end of its line.
    pub comments: Vec<Span>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    pub offset: usize,
    pub message: String,
}

#[derive(Debug, Clone)]
pub enum Node<'t> {
    Scalar(Scalar<'t>),
    Map(Map<'t>),
    List(List<'t>),
    /// An alias of a collection, or of nothing. Aliases of scalars are resolved to the scalar.
    Alias(Span),
}

#[derive(Debug, Clone)]
pub struct Map<'t> {
    pub span: Span,
    pub flow: bool,
    pub entries: Vec<Entry<'t>>,
}

#[derive(Debug, Clone)]
pub struct Entry<'t> {
    pub key: Node<'t>,
    pub value: Node<'t>,
}

#[derive(Debug, Clone)]
pub struct List<'t> {
    pub span: Span,
    pub flow: bool,
    pub items: Vec<Node<'t>>,
}

#[derive(Debug, Clone)]
pub struct Scalar<'t> {
    /// The content, quotes left out. Of an aliased scalar, where the anchor's content stands.
    pub span: Span,
    pub style: Style,
    pub value: Cow<'t, str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Single,
    Double,
    Literal,
    Folded,
}

impl Scalar<'_> {
    /// Whether the text at the span is the value itself: no escape, no folding.
    pub fn is_verbatim(&self, text: &str) -> bool {
        self.span.of(text) == self.value
    }

    pub fn is_block(&self) -> bool {
        matches!(self.style, Style::Literal | Style::Folded)
    }
}

impl<'t> Node<'t> {
    /// Of a scalar its content, of an aliased one where the anchor's stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Scalar(scalar) => scalar.span,
            Self::Map(map) => map.span,
            Self::List(list) => list.span,
            Self::Alias(span) => *span,
        }
    }

    pub fn as_scalar(&self) -> Option<&Scalar<'t>> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map<'t>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&List<'t>> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }
}

impl<'t> Map<'t> {
    /// The value under a key. Of a duplicate key the last one, which is the one that counts.
    pub fn get(&self, key: &str) -> Option<&Node<'t>> {
        let mut entries = self.entries.iter().rev();
        entries
            .find(|entry| entry.name() == Some(key))
            .map(|entry| &entry.value)
    }

    /// The text under a key, where it is a scalar.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?
            .as_scalar()
            .map(|scalar| scalar.value.as_ref())
    }
}

impl Entry<'_> {
    /// The key, where it is a scalar.
    pub fn name(&self) -> Option<&str> {
        self.key.as_scalar().map(|scalar| scalar.value.as_ref())
    }
}

/// The documents of a text, by their `---` lines, which no scalar can hold. Each starts with its mark.
pub fn documents(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = 0;
    for at in memchr::memmem::find_iter(bytes, b"\n---") {
        let ends_mark = bytes
            .get(at + 4)
            .is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        if ends_mark {
            found.push(Span::new(start, at + 1));
            start = at + 1;
        }
    }
    found.push(Span::new(start, text.len()));
    found
}

/// Parses the text of `region` within `text`; all spans are of `text`.
pub fn parse(text: &str, region: Span) -> Parsed<'_> {
    let input = region.of(text);
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    let mut parser = Parser::new_from_str_with_options(input, options);
    let mut builder = Builder {
        base: region.start,
        ..Builder::default()
    };
    let mut parsed = Parsed::default();
    loop {
        let error = match parser.next_event() {
            None => break,
            Some(Ok((event, span))) => {
                if let Some(range) = span.byte_range() {
                    let done = builder.event(event, Span::new(range.start, range.end));
                    parsed.documents.extend(done);
                }
                continue;
            }
            Some(Err(error)) => error,
        };
        let offset = error.marker().byte_offset().unwrap_or(0).min(input.len());
        let offset = (0..=offset)
            .rev()
            .find(|at| input.is_char_boundary(*at))
            .unwrap_or(0);
        parsed.errors.push(SyntaxError {
            offset: region.start + offset,
            message: error.info().to_string(),
        });
        parsed.documents.extend(builder.abandon());
        let resumes = parser.proceed_next_document().unwrap_or(false);
        let end = if resumes {
            next_document(input, offset)
        } else {
            input.len()
        };
        let start = builder.seen.max(region.start);
        parsed
            .unparsed
            .push(Span::new(start, (region.start + end).max(start)));
        if !resumes {
            break;
        }
    }
    parsed.aliased = builder.aliased;
    parsed.shared = std::mem::take(&mut builder.shared);
    parsed.comments = comments(text, region, &builder.occupied, &parsed.unparsed);
    parsed
}

/// Where the first `---` line after `offset` starts.
fn next_document(input: &str, offset: usize) -> usize {
    let rest = &input[offset..];
    match rest.find("\n---") {
        Some(at) => offset + at + 1,
        None => input.len(),
    }
}

/// A `#` at the start of a line or after a blank, outside every scalar and every region that was not parsed.
fn comments(text: &str, region: Span, occupied: &[Span], unparsed: &[Span]) -> Vec<Span> {
    let mut taken: Vec<Span> = occupied.iter().chain(unparsed).copied().collect();
    taken.sort();
    taken.push(Span::new(region.end, region.end));
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = region.start;
    for span in taken {
        while at < span.start {
            let Some(hash) = bytes[at..span.start].iter().position(|byte| *byte == b'#') else {
                break;
            };
            let start = at + hash;
            let opens = start == region.start
                || matches!(bytes[start - 1], b' ' | b'\t' | b'\n' | b'\r')
                || bytes[..start].ends_with("\u{feff}".as_bytes());
            if !opens {
                at = start + 1;
                continue;
            }
            let end = bytes[start..region.end]
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r'))
                .map_or(region.end, |length| start + length);
            found.push(Span::new(start, end));
            at = end;
        }
        at = at.max(span.end);
    }
    found
}

#[derive(Default)]
struct Builder<'t> {
    base: usize,
    open: Vec<Open<'t>>,
    root: Option<Node<'t>>,
    anchors: HashMap<usize, Scalar<'t>>,
    /// Anchored collections that are complete.
    collections: HashMap<usize, Span>,
    shared: Vec<(Span, Span)>,
    /// Every scalar and alias, quotes included, in order.
    occupied: Vec<Span>,
    /// The end of what is in a tree.
    seen: usize,
    aliased: bool,
}

/// A collection that has begun, and its anchor; 0 where it has none.
enum Open<'t> {
    Map(Map<'t>, Option<Node<'t>>, usize),
    List(List<'t>, usize),
}

impl<'t> Builder<'t> {
    /// Takes one event; gives a document when it ends.
    fn event(&mut self, event: Event<'t>, span: Span) -> Option<Node<'t>> {
        let span = span.shift(self.base);
        match event {
            Event::Scalar(value, style, anchor, _) => {
                self.seen = span.end;
                self.occupied.push(span);
                let scalar = scalar(value, style, span);
                if anchor != 0 {
                    self.anchors.insert(anchor, scalar.clone());
                }
                self.place(Node::Scalar(scalar));
            }
            Event::Alias(anchor) => {
                self.occupied.push(span);
                self.aliased = true;
                let node = match self.anchors.get(&anchor) {
                    Some(scalar) => Node::Scalar(scalar.clone()),
                    None => Node::Alias(span),
                };
                let collection = self.collections.get(&anchor);
                self.shared.extend(collection.map(|target| (span, *target)));
                self.place(node);
            }
            Event::UnresolvedAlias(_) => {
                self.occupied.push(span);
                self.place(Node::Alias(span));
            }
            Event::MappingStart(style, anchor, _) => {
                let map = Map {
                    span,
                    flow: style == StructureStyle::Flow,
                    entries: Vec::new(),
                };
                self.open.push(Open::Map(map, None, anchor));
            }
            Event::SequenceStart(style, anchor, _) => {
                let list = List {
                    span,
                    flow: style == StructureStyle::Flow,
                    items: Vec::new(),
                };
                self.open.push(Open::List(list, anchor));
            }
            Event::MappingEnd | Event::SequenceEnd => self.close(span.end),
            Event::DocumentEnd => {
                self.anchors.clear();
                self.collections.clear();
                return self.root.take();
            }
            _ => {}
        }
        None
    }

    fn place(&mut self, node: Node<'t>) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(list, _)) => list.items.push(node),
            Some(Open::Map(map, key, _)) => match key.take() {
                None => *key = Some(node),
                Some(key) => map.entries.push(Entry { key, value: node }),
            },
        }
    }

    fn close(&mut self, end: usize) {
        let (node, span, anchor) = match self.open.pop() {
            None => return,
            Some(Open::Map(mut map, _, anchor)) => {
                map.span.end = end.max(map.span.start).max(self.seen);
                let span = map.span;
                (Node::Map(map), span, anchor)
            }
            Some(Open::List(mut list, anchor)) => {
                list.span.end = end.max(list.span.start).max(self.seen);
                let span = list.span;
                (Node::List(list), span, anchor)
            }
        };
        if anchor != 0 {
            self.collections.insert(anchor, span);
        }
        self.place(node);
    }

    /// Closes what an error left open, so that what came before it is kept.
    fn abandon(&mut self) -> Option<Node<'t>> {
        while !self.open.is_empty() {
            self.close(self.seen);
        }
        self.anchors.clear();
        self.collections.clear();
        self.root.take()
    }
}

fn scalar(value: Cow<'_, str>, style: ScalarStyle, span: Span) -> Scalar<'_> {
    let (style, span) = match style {
        ScalarStyle::SingleQuoted => (Style::Single, inside(span)),
        ScalarStyle::DoubleQuoted => (Style::Double, inside(span)),
        ScalarStyle::Literal => (Style::Literal, span),
        ScalarStyle::Folded => (Style::Folded, span),
        _ => (Style::Plain, span),
    };
    Scalar { span, style, value }
}

fn inside(span: Span) -> Span {
    if span.len() < 2 {
        return span;
    }
    Span::new(span.start + 1, span.end - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Parsed<'_> {
        parse(text, Span::new(0, text.len()))
    }

    fn values(node: &Node<'_>, out: &mut Vec<(Span, String)>) {
        match node {
            Node::Scalar(scalar) => out.push((scalar.span, scalar.value.to_string())),
            Node::Map(map) => map.entries.iter().for_each(|entry| {
                values(&entry.key, out);
                values(&entry.value, out);
            }),
            Node::List(list) => list.items.iter().for_each(|item| values(item, out)),
            Node::Alias(_) => {}
        }
    }

    fn listed(parsed: &Parsed<'_>) -> Vec<(Span, String)> {
        let mut out = Vec::new();
        parsed
            .documents
            .iter()
            .for_each(|node| values(node, &mut out));
        out
    }

    #[test]
    fn spans_are_bytes_of_the_content() {
        let text =
            "\u{feff}a: ä # no\r\nb: \"q\\u0041\"  \r\nc: 'it''s'\r\nd: |\r\n  x: 1\r\n  y\r\n";
        let parsed = all(text);
        let shown: Vec<_> = listed(&parsed)
            .iter()
            .map(|(span, _)| span.of(text).to_owned())
            .collect();
        assert_eq!(
            shown,
            [
                "a",
                "ä",
                "b",
                "q\\u0041",
                "c",
                "it''s",
                "d",
                "x: 1\r\n  y\r\n"
            ]
        );
        assert_eq!(
            parsed
                .comments
                .iter()
                .map(|span| span.of(text))
                .collect::<Vec<_>>(),
            ["# no"]
        );
    }

    #[test]
    fn a_broken_document_keeps_its_head_and_spares_the_others() {
        let text = "a: 1\nb: [1\n---\nc: 3\n---\n\"open\n";
        let parsed = all(text);
        let values: Vec<_> = listed(&parsed)
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        assert_eq!(values, ["a", "1", "b", "c", "3"]);
        assert_eq!(parsed.errors.len(), 2);
        assert!(
            parsed
                .unparsed
                .iter()
                .all(|span| !span.of(text).contains("c: 3")),
            "{:?}",
            parsed.unparsed
        );
    }

    #[test]
    fn aliases_of_scalars_point_at_the_anchor() {
        let text = "a: &r k8s.gcr.io\nb: *r\nc: *nothing\nd: &m {x: 1}\ne: *m\n";
        let parsed = all(text);
        let map = parsed.documents[0].as_map().unwrap();
        let alias = map.get("b").unwrap().as_scalar().unwrap();
        assert_eq!(alias.span.of(text), "k8s.gcr.io");
        assert!(matches!(map.get("c"), Some(Node::Alias(_))));
        assert!(matches!(map.get("e"), Some(Node::Alias(_))));
    }

    #[test]
    fn hostile_nesting_is_an_error_and_no_overflow() {
        for (open, count) in [("[", 100_000), ("- ", 100_000), ("{a: ", 50_000)] {
            let text = open.repeat(count);
            assert!(!all(&text).errors.is_empty());
        }
        let bomb: String = (1..30)
            .map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1))
            .collect();
        assert_eq!(all(&bomb).documents.len(), 1);
    }
}
