//! Builds a tree of spans from its scalars and the beginnings and ends of its collections, in order.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Entry, List, Map, Node, Scalar, Style};
use crate::source::Span;

#[derive(Default)]
pub(super) struct Builder<'t> {
    open: Vec<Open<'t>>,
    /// The entries of all open maps, those of outer maps first. So a closed map allocates only what its entries need.
    entries: Vec<Entry<'t>>,
    /// The items of all open lists, likewise.
    items: Vec<Node<'t>>,
    root: Option<Node<'t>>,
    anchors: HashMap<usize, Scalar<'t>>,
    /// Anchored collections that are complete.
    collections: HashMap<usize, Span>,
    /// The aliases of collections: the span of the alias, and that of the collection.
    pub(super) shared: Vec<(Span, Span)>,
    /// Every scalar and alias, quotes included, in order.
    pub(super) occupied: Vec<Span>,
    /// The end of the last scalar that is in a tree.
    pub(super) seen: usize,
    /// Whether an alias names an anchor.
    pub(super) aliased: bool,
}

/// An open collection.
struct Open<'t> {
    span: Span,
    flow: bool,
    /// 0 if it has none.
    anchor: usize,
    held: Held<'t>,
}

/// Where the collection's own entries or items begin, and the key whose value has not come yet.
enum Held<'t> {
    Map(usize, Option<Node<'t>>),
    List(usize),
}

/// `anchor` is 0 if there is none.
impl<'t> Builder<'t> {
    /// Adds a scalar. Its span includes quotes.
    pub(super) fn scalar(&mut self, value: Cow<'t, str>, style: Style, span: Span, anchor: usize) {
        self.seen = span.end;
        self.occupied.push(span);
        let span = match style {
            Style::Single | Style::Double => inside(span),
            Style::Plain | Style::Literal | Style::Folded => span,
        };
        let scalar = Scalar { span, style, value };
        if anchor != 0 {
            self.anchors.insert(anchor, scalar.clone());
        }
        self.place(Node::Scalar(scalar));
    }

    pub(super) fn alias(&mut self, anchor: usize, span: Span) {
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

    /// Adds an alias whose anchor does not exist.
    pub(super) fn unresolved(&mut self, span: Span) {
        self.occupied.push(span);
        self.place(Node::Alias(span));
    }

    pub(super) fn begin_map(&mut self, span: Span, flow: bool, anchor: usize) {
        self.begin(span, flow, anchor, Held::Map(self.entries.len(), None));
    }

    pub(super) fn begin_list(&mut self, span: Span, flow: bool, anchor: usize) {
        self.begin(span, flow, anchor, Held::List(self.items.len()));
    }

    fn begin(&mut self, span: Span, flow: bool, anchor: usize, held: Held<'t>) {
        self.open.push(Open {
            span,
            flow,
            anchor,
            held,
        });
    }

    /// Ends the innermost collection.
    pub(super) fn close(&mut self, end: usize) {
        let Some(Open {
            mut span,
            flow,
            anchor,
            held,
        }) = self.open.pop()
        else {
            return;
        };
        span.end = end.max(span.start).max(self.seen);
        let node = match held {
            Held::Map(first, _) => Node::Map(Map::new(span, flow, self.entries.split_off(first))),
            Held::List(first) => Node::List(List {
                span,
                flow,
                items: self.items.split_off(first),
            }),
        };
        if anchor != 0 {
            self.collections.insert(anchor, span);
        }
        self.place(node);
    }

    pub(super) fn has_root(&self) -> bool {
        self.root.is_some()
    }

    /// Returns the document that is complete, if there was any.
    pub(super) fn end_document(&mut self) -> Option<Node<'t>> {
        self.anchors.clear();
        self.collections.clear();
        self.root.take()
    }

    /// Closes what an error left open, so that what came before it is kept.
    pub(super) fn abandon(&mut self) -> Option<Node<'t>> {
        while !self.open.is_empty() {
            self.close(self.seen);
        }
        self.end_document()
    }

    fn place(&mut self, node: Node<'t>) {
        match self.open.last_mut().map(|open| &mut open.held) {
            None => self.root = Some(node),
            Some(Held::List(_)) => self.items.push(node),
            Some(Held::Map(_, key)) => match key.take() {
                None => *key = Some(node),
                Some(key) => self.entries.push(Entry { key, value: node }),
            },
        }
    }
}

fn inside(span: Span) -> Span {
    if span.len() < 2 {
        return span;
    }
    Span::new(span.start + 1, span.end - 1)
}
