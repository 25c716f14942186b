//! One image (or chart, or URL) that a text names: where its pieces are, and how it is used.

use super::usage::Usage;
use crate::artifact::Artifact;
use crate::source::Span;

/// One image (or chart, or URL) and where its pieces are, perhaps in different scalars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    pub artifact: Artifact,
    /// The content of a scalar that holds a registry, with or without the beginning of a path. May be empty.
    pub registry: Option<Span>,
    /// Host and path, or path alone. `None` where only a registry is named. Of a URL, all of it.
    pub name: Option<Span>,
    pub tag: Tag,
    pub digest: Option<Span>,
    /// The chart that comes from a chart repository, where it is named.
    pub chart: Option<String>,
    /// Placeholders inside the pieces: a template's actions, `${VAR}`, `%s`.
    pub holes: Vec<Span>,
    pub usage: Usage,
    /// How the image is written, for people: `image`, `registry + repository`.
    pub form: &'static str,
}

/// Where the tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    None,
    At(Span),
    /// Put in by a template, a default, a sibling that is empty.
    Elsewhere,
    /// No tag is meant: the image is named, not pulled.
    Any,
}

impl ImageUse {
    /// From the first piece to the last.
    pub fn span(&self) -> Span {
        let tag = match self.tag {
            Tag::At(span) => Some(span),
            _ => None,
        };
        let pieces = [self.registry, self.name, tag, self.digest];
        pieces
            .into_iter()
            .flatten()
            .reduce(Span::join)
            .unwrap_or(Span { start: 0, end: 0 })
    }

    /// The piece that a person would look at first.
    pub fn primary_span(&self, text: &str) -> Span {
        let filled = |span: &Span| !span.is_empty() && !span.of(text).trim_matches('/').is_empty();
        self.registry
            .filter(filled)
            .or(self.name)
            .unwrap_or_else(|| self.span())
    }

    /// A registry that is named without an image.
    pub(super) fn of_registry(registry: Span, usage: Usage, form: &'static str) -> Self {
        Self {
            artifact: Artifact::Image,
            registry: Some(registry),
            name: None,
            tag: Tag::Elsewhere,
            digest: None,
            chart: None,
            holes: Vec::new(),
            usage,
            form,
        }
    }

    /// The same use in a text that has `by` more bytes before it.
    #[must_use]
    pub(super) fn shift(mut self, by: usize) -> Self {
        let moved = |span: Option<Span>| span.map(|span| span.shift(by));
        self.registry = moved(self.registry);
        self.name = moved(self.name);
        self.digest = moved(self.digest);
        if let Tag::At(span) = self.tag {
            self.tag = Tag::At(span.shift(by));
        }
        for hole in &mut self.holes {
            *hole = hole.shift(by);
        }
        self
    }
}

/// Sorts, and keeps the surest of several uses of the same pieces: an alias leads to the anchor's scalar again.
pub fn in_order(mut uses: Vec<ImageUse>) -> Vec<ImageUse> {
    let pieces = |one: &ImageUse| (one.registry, one.name);
    uses.sort_by(|one, other| {
        let by_start = one.span().start.cmp(&other.span().start);
        by_start
            .then_with(|| pieces(one).cmp(&pieces(other)))
            .then_with(|| other.usage.cmp(&one.usage))
    });
    uses.dedup_by(|later, first| pieces(later) == pieces(first));
    uses
}
