//! YAML and JSON as a tree of spans.
//!
//! A scalar's span covers its content without quotes. A document with a syntax error keeps what came before the
//! error, and the rest of it is listed in [`Parsed::unparsed`]. Parsing continues with the next document.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::source::{self, Span};

mod build;
mod events;
mod lines;
mod shallow;

/// The result of parsing a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed<'t> {
    pub documents: Vec<Node<'t>>,
    pub errors: Vec<SyntaxError>,
    /// Whether an alias names an anchor. Then the anchored value also counts where the alias is.
    pub aliased: bool,
    /// The aliases of collections: the span of the alias, and that of the collection.
    pub shared: Vec<(Span, Span)>,
    /// The text from an error to the next document, which is in no tree.
    pub unparsed: Vec<Span>,
    /// The comments, each from its `#` to the end of its line.
    pub comments: Vec<Span>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    pub offset: usize,
    pub message: String,
    /// Whether the error only keeps a branch of a template out of the tree, and not the rest of the document.
    pub in_branch: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<'t> {
    Scalar(Scalar<'t>),
    Map(Map<'t>),
    List(List<'t>),
    /// An alias of a collection, or of nothing. Aliases of scalars are resolved to the scalar.
    Alias(Span),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map<'t> {
    pub span: Span,
    pub flow: bool,
    pub entries: Vec<Entry<'t>>,
    index: Index,
}

/// The positions of the keys of a wide map, computed when the first key is looked up.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::box_collection,
    reason = "almost no map has an index, and a million of them no room for one"
)]
struct Index(OnceLock<Box<HashMap<Box<str>, usize>>>);

/// Always equal, because the index follows from the entries.
impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Index {}

/// Maps with more entries get an index.
const NARROW: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'t> {
    pub key: Node<'t>,
    pub value: Node<'t>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<'t> {
    pub span: Span,
    pub flow: bool,
    pub items: Vec<Node<'t>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar<'t> {
    /// The content, without quotes. For an alias, where the content of the anchored scalar is.
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

    /// Whether the value is null, in any of its spellings.
    pub fn is_null(&self) -> bool {
        self.style == Style::Plain && is_null(&self.value)
    }

    pub fn is_block(&self) -> bool {
        matches!(self.style, Style::Literal | Style::Folded)
    }

    /// Whether nothing is before the content on its line.
    pub fn begins_line(&self, text: &str) -> bool {
        let start = source::line_start(text, self.span.start);
        text[start..self.span.start].trim().is_empty()
    }

    /// Returns the region to parse as a separate text: the content, with the indentation of its first line if it begins one.
    pub fn region(&self, text: &str) -> Span {
        match self.begins_line(text) {
            true => Span::new(source::line_start(text, self.span.start), self.span.end),
            false => self.span,
        }
    }
}

/// Whether a plain scalar is null, by the words of YAML 1.1 and of the core schema of 1.2.
pub fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

impl<'t> Node<'t> {
    /// Returns the span. For a scalar it is that of its content, for an alias of one that of the anchored content.
    pub fn span(&self) -> Span {
        match self {
            Self::Scalar(scalar) => scalar.span,
            Self::Map(map) => map.span,
            Self::List(list) => list.span,
            Self::Alias(span) => *span,
        }
    }

    /// The node and all nodes below it, without keys, in the order of the text.
    pub fn below(&self) -> impl Iterator<Item = &Self> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            let node = open.pop()?;
            match node {
                Self::Map(map) => open.extend(map.entries.iter().rev().map(|entry| &entry.value)),
                Self::List(list) => open.extend(list.items.iter().rev()),
                Self::Scalar(_) | Self::Alias(_) => {}
            }
            Some(node)
        })
    }

    /// The scalars in it, without keys.
    pub fn scalars(&self) -> impl Iterator<Item = &Scalar<'t>> {
        self.below().filter_map(Self::as_scalar)
    }

    /// The maps and lists in it, with their spans.
    pub fn collections(&self) -> impl Iterator<Item = (Span, &Self)> {
        let all = self.below();
        let all = all.filter(|node| matches!(node, Self::Map(_) | Self::List(_)));
        all.map(|node| (node.span(), node))
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
    pub(crate) fn new(span: Span, flow: bool, entries: Vec<Entry<'t>>) -> Self {
        Self {
            span,
            flow,
            entries,
            index: Index::default(),
        }
    }

    /// Returns the value under a key. The last one counts if a key is there twice. The entries must be complete.
    pub fn get(&self, key: &str) -> Option<&Node<'t>> {
        let entry = if self.entries.len() > NARROW {
            &self.entries[*self.indexed().get(key)?]
        } else {
            let mut entries = self.entries.iter().rev();
            entries.find(|entry| entry.name() == Some(key))?
        };
        Some(&entry.value)
    }

    fn indexed(&self) -> &HashMap<Box<str>, usize> {
        self.index.0.get_or_init(|| {
            let named = self.entries.iter().enumerate();
            let by_name = named.filter_map(|(index, entry)| Some((entry.name()?.into(), index)));
            Box::new(by_name.collect())
        })
    }

    /// The items of the list under a key. Empty if there is no list.
    pub fn items(&self, key: &str) -> &[Node<'t>] {
        let list = self.get(key).and_then(Node::as_list);
        list.map(|list| list.items.as_slice()).unwrap_or_default()
    }

    /// The map under a key, if there is one.
    pub fn map(&self, key: &str) -> Option<&Map<'t>> {
        self.get(key)?.as_map()
    }

    /// The text under a key, if it is a scalar.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?
            .as_scalar()
            .map(|scalar| scalar.value.as_ref())
    }
}

impl Entry<'_> {
    /// The key, if it is a scalar.
    pub fn name(&self) -> Option<&str> {
        self.key.as_scalar().map(|scalar| scalar.value.as_ref())
    }
}

/// Splits a text into documents at its `---` lines, which no scalar can contain. Each document starts with its mark.
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
    parse_near(text, region, None)
}

/// Like [`parse`]. If `hints` are given, only finds the comments on lines that contain one of these offsets, which must be
/// in order.
pub fn parse_near<'t>(text: &'t str, region: Span, hints: Option<&[usize]>) -> Parsed<'t> {
    let Some(mut builder) = lines::read(text, region) else {
        return by_events(text, region, hints);
    };
    let comments = comments(text, region, &builder.occupied, hints);
    Parsed {
        documents: builder.end_document().into_iter().collect(),
        comments,
        ..Parsed::default()
    }
}

/// Like [`parse`], but always with the full parser. Tests compare the fast path with it.
pub fn parse_by_events(text: &str, region: Span) -> Parsed<'_> {
    by_events(text, region, None)
}

fn by_events<'t>(text: &'t str, region: Span, hints: Option<&[usize]>) -> Parsed<'t> {
    let (mut parsed, mut taken) = events::read(text, region);
    taken.extend(&parsed.unparsed);
    taken.sort();
    parsed.comments = comments(text, region, &taken, hints);
    parsed
}

/// Finds comments: a `#` at the start of a line or after whitespace, outside of `taken`. That has the spans of scalars, and
/// of what was not parsed, in order.
fn comments(text: &str, region: Span, taken: &[Span], hints: Option<&[usize]>) -> Vec<Span> {
    let mut found = Vec::new();
    match hints {
        None => comments_in(text, region, region, taken, &mut found),
        Some(hints) => {
            for line in lines_of(text, region, hints) {
                let before = taken.partition_point(|span| span.end <= line.start);
                comments_in(text, region, line, &taken[before..], &mut found);
            }
        }
    }
    found
}

/// The lines of a region that have one of the offsets in them, each once.
fn lines_of<'h>(text: &'h str, region: Span, hints: &'h [usize]) -> impl Iterator<Item = Span> {
    let bytes = &text.as_bytes()[..region.end];
    let first = hints.partition_point(|hint| *hint < region.start);
    let mut end = region.start;
    hints[first..].iter().filter_map(move |hint| {
        if *hint < end || *hint >= region.end {
            return None;
        }
        let start =
            memchr::memrchr(b'\n', &bytes[end..*hint]).map_or(end, |newline| end + newline + 1);
        let length = memchr::memchr(b'\n', &bytes[*hint..]);
        end = length.map_or(region.end, |length| *hint + length + 1);
        Some(Span::new(start, end))
    })
}

/// Adds the comments that begin in a part of the region.
fn comments_in(text: &str, region: Span, part: Span, taken: &[Span], found: &mut Vec<Span>) {
    let mut taken = taken.iter().peekable();
    let bytes = &text.as_bytes()[..region.end];
    let opens = |start: usize| {
        start == region.start
            || matches!(bytes[start - 1], b' ' | b'\t' | b'\n' | b'\r')
            || bytes[..start].ends_with("\u{feff}".as_bytes())
    };
    let mut from = part.start;
    while let Some(hash) = memchr::memchr(b'#', &bytes[from.min(part.end)..part.end]) {
        let start = from + hash;
        while taken.next_if(|span| span.end <= start).is_some() {}
        from = match taken.peek().filter(|span| span.start <= start) {
            Some(span) => span.end,
            None if !opens(start) => start + 1,
            None => {
                let length = memchr::memchr2(b'\n', b'\r', &bytes[start..]);
                let end = length.map_or(region.end, |length| start + length);
                found.push(Span::new(start, end));
                end
            }
        };
    }
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
    fn comments_near_an_offset_are_those_of_its_line() {
        let text = "# one\na: 1 # two\nb: '# no' # three # more\nc: |\n  # no\nd: 2\n# four";
        let every = all(text).comments;
        assert_eq!(every.len(), 4);
        let line = |at: usize| text[..at].matches('\n').count();
        for at in 0..text.len() {
            let here = every.iter().filter(|span| line(span.start) == line(at));
            let here: Vec<Span> = here.copied().collect();
            let near =
                |hints: &[usize]| parse_near(text, Span::new(0, text.len()), Some(hints)).comments;
            assert_eq!(near(&[at]), here);
            assert_eq!(near(&[at, at]), here);
        }
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
