//! Sites: where a file names an image, a chart or a URL, and how sure it is that something is pulled from there.
//!
//! Knows no rule and no edit. What a place means is decided here and nowhere else.

mod comment;
mod embedded;
mod keys;
mod literal;
mod reference;
mod role;
mod split;
mod text;
mod tree;
mod value;

use std::path::Path;

use crate::artifact::Artifact;
use crate::source::Span;
use crate::syntax::template::Action;
use crate::syntax::yaml::Node;

pub use text::{Prose, scan as scan_text};

/// One image (or chart, or URL) and where its pieces stand, perhaps in different scalars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub kind: Artifact,
    /// The content of a scalar that holds a registry, with or without the beginning of a path. May be empty.
    pub registry: Option<Span>,
    /// Host and path, or path alone. `None` where only a registry is named. Of a URL, all of it.
    pub name: Option<Span>,
    pub tag: TagAt,
    pub digest: Option<Span>,
    /// The chart that comes from a chart repository, where it is told.
    pub chart: Option<String>,
    /// Placeholders inside the pieces: a template's actions, `${VAR}`, `%s`.
    pub holes: Vec<Span>,
    pub trust: Trust,
    /// How the image is spelled, for people: `image`, `registry + repository`.
    pub shape: &'static str,
}

/// Where the tag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagAt {
    None,
    At(Span),
    /// Put in by a template, a default, a sibling that is empty.
    Elsewhere,
    /// No tag is meant: the image is named, not pulled.
    Any,
}

/// How sure it is that the place is one from which something is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// It is not: the reference is only spoken about.
    Mention(&'static str),
    /// It is, but rewriting it alone would be wrong.
    Shown(&'static str),
    /// Probably.
    Likely(&'static str),
    Pull,
}

impl Site {
    /// From the first piece to the last.
    pub fn span(&self) -> Span {
        let tag = match self.tag {
            TagAt::At(span) => Some(span),
            _ => None,
        };
        let pieces = [self.registry, self.name, tag, self.digest];
        pieces
            .into_iter()
            .flatten()
            .reduce(Span::join)
            .unwrap_or(Span { start: 0, end: 0 })
    }

    /// A registry that is named without an image.
    fn of_registry(registry: Span, trust: Trust, shape: &'static str) -> Self {
        Self {
            kind: Artifact::Image,
            registry: Some(registry),
            name: None,
            tag: TagAt::Elsewhere,
            digest: None,
            chart: None,
            holes: Vec::new(),
            trust,
            shape,
        }
    }

    /// The same site in a text that has `by` more bytes before it.
    #[must_use]
    fn shift(mut self, by: usize) -> Self {
        let moved = |span: Option<Span>| span.map(|span| span.shift(by));
        self.registry = moved(self.registry);
        self.name = moved(self.name);
        self.digest = moved(self.digest);
        if let TagAt::At(span) = self.tag {
            self.tag = TagAt::At(span.shift(by));
        }
        for hole in &mut self.holes {
            *hole = hole.shift(by);
        }
        self
    }

    /// The piece that a person would look at first.
    pub fn head(&self, text: &str) -> Span {
        let filled = |span: &Span| !span.is_empty() && !span.of(text).trim_matches('/').is_empty();
        self.registry
            .filter(filled)
            .or(self.name)
            .unwrap_or_else(|| self.span())
    }
}

/// A file as its kind parsed it.
#[derive(Debug)]
pub struct View<'v> {
    pub path: &'v Path,
    /// As it was read.
    pub text: &'v str,
    /// As long, with placeholders of templates masked.
    pub masked: &'v str,
    pub actions: &'v [Action],
    pub documents: &'v [Node<'v>],
    pub comments: &'v [Span],
    /// Regions that are in no tree.
    pub unparsed: &'v [Span],
    /// Offsets, in order, near which something of interest stands. `None`: anywhere.
    pub hints: Option<&'v [usize]>,
}

/// All sites of a file, in order, each set of pieces once.
pub fn sites(view: &View<'_>) -> Vec<Site> {
    let mut found = tree::sites(view);
    found.extend(literal::sites(view));
    for region in view.unparsed {
        found.extend(text::scan_lines(view, *region));
    }
    in_order(found)
}

/// Sorts, and keeps the surest of several sites at one place: an alias leads to the anchor's scalar again.
pub fn in_order(mut sites: Vec<Site>) -> Vec<Site> {
    let place = |site: &Site| (site.registry, site.name);
    sites.sort_by(|one, other| {
        let by_start = one.span().start.cmp(&other.span().start);
        by_start
            .then_with(|| place(one).cmp(&place(other)))
            .then_with(|| other.trust.cmp(&one.trust))
    });
    sites.dedup_by(|later, first| place(later) == place(first));
    sites
}
