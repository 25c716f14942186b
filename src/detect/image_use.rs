//! An image, a chart or a URL that a text names: the spans of its pieces, and how it is used.

use std::sync::Arc;

use super::usage::{Certainty, Usage};
use crate::artifact::Artifact;
use crate::source::Span;
use crate::syntax::beside::Insertion;
use crate::syntax::decoded::Decoded;

/// The location for a digest that is not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestSlot {
    pub span: Span,
    /// Whether the key is called `digest`, which takes a whole digest with `sha256:`. Under `sha`, some charts expect only
    /// the hex digits.
    pub takes_whole: bool,
}

/// An image, a chart or a URL, and the spans of its pieces, which may be in different scalars.
///
/// All spans refer to [`text`](Self::text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    pub artifact: Artifact,
    /// The content of a scalar with a registry, perhaps followed by the beginning of a path. May be empty.
    pub registry: Option<Span>,
    /// Host and path, or only a path. For a URL, all of it. `None` if only a registry is named.
    pub name: Option<Span>,
    pub tag: Tag,
    pub digest: Option<Span>,
    /// The empty span between the quotes of an empty digest, where a digest can be filled in.
    pub digest_slot: Option<DigestSlot>,
    /// The name of the chart, if the use is a chart repository and the chart is named.
    pub chart: Option<String>,
    /// Placeholders inside the pieces: template actions, `${VAR}`, `%s`.
    pub holes: Vec<Span>,
    pub usage: Usage,
    /// A description for people of how the image is written: `image`, `registry + repository`.
    pub form: &'static str,
    /// Whether the name may be a prefix of names: `imageRepository: gcr.io/google_containers`.
    pub may_be_folder: bool,
    /// Why another registry may stand before the same path, where only its registry may change.
    pub other_registry: Option<&'static str>,
    /// Whether the program that fetches a URL follows redirects.
    pub follows_redirects: Certainty,
    /// Whether the use was reached through an alias.
    pub by_alias: bool,
    /// For pieces from aliases and merge keys: where the image's own map has room for its own piece.
    pub own_keys: Vec<OwnKey>,
    /// The decoded text, if the file spells the pieces differently.
    pub decoded: Option<Arc<Decoded>>,
    /// For a selector: the insertion that gives a new name to what it selects. Its span is in the file.
    pub new_name: Option<Insertion>,
    /// A text that must be added together with the new name. Its span is in the file.
    pub companion: Option<Companion>,
    /// The live object that names the image.
    pub object: Option<Arc<Object>>,
}

/// A text that is added together with a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    pub insertion: Insertion,
    /// Whether the text contains the new name.
    pub has_name: bool,
}

impl Companion {
    /// Returns the text to insert.
    pub fn with(&self, name: &str) -> String {
        self.insertion.with(if self.has_name { name } else { "" })
    }

    /// Converts it to the outer text. `None` if it might have to be escaped there.
    fn written_in(mut self, outer: &Decoded) -> Option<Self> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || " ,.=-/".contains(letter);
        let Insertion {
            span,
            before,
            after,
        } = &mut self.insertion;
        let is_plain = before.chars().chain(after.chars()).all(plain);
        let fits = is_plain && span.is_empty() && outer.has_room(span.start);
        *span = outer.raw(*span);
        fits.then_some(self)
    }
}

/// Room for a piece in the image's own map, to replace a piece that others read too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKey {
    /// The shared piece.
    pub piece: Span,
    pub insertion: Insertion,
}

/// The location of the tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    None,
    At(Span),
    /// It is set elsewhere, such as by a template or a default. An empty tag counts, too.
    Elsewhere,
    /// No particular tag is meant: the image is named, not pulled.
    Any,
}

/// An object in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object {
    pub namespace: Option<String>,
    pub kind: String,
    pub name: String,
    pub container: Option<String>,
}

impl Object {
    /// Formats it for people: `shop/web-7f Pod, container p`.
    pub fn shown(&self) -> String {
        let namespace = self.namespace.as_ref().map(|name| format!("{name}/"));
        let container = self.container.as_ref();
        let container = container.map(|name| format!(", container {name}"));
        let (namespace, container) = (namespace.unwrap_or_default(), container.unwrap_or_default());
        format!("{namespace}{} {}{container}", self.name, self.kind)
    }
}

impl ImageUse {
    /// Creates a use without any pieces.
    pub fn new(artifact: Artifact, usage: Usage, form: &'static str) -> Self {
        Self {
            artifact,
            registry: None,
            name: None,
            tag: Tag::Elsewhere,
            digest: None,
            digest_slot: None,
            chart: None,
            holes: Vec::new(),
            usage,
            form,
            may_be_folder: false,
            other_registry: None,
            follows_redirects: Certainty::Certain,
            by_alias: false,
            own_keys: Vec::new(),
            decoded: None,
            new_name: None,
            companion: None,
            object: None,
        }
    }

    /// Creates a use of a registry without an image.
    pub fn of_registry(registry: Span, usage: Usage, form: &'static str) -> Self {
        Self {
            registry: Some(registry),
            ..Self::new(Artifact::Image, usage, form)
        }
    }

    /// Returns the text that the spans refer to: the decoded text, or else that of the file.
    pub fn text<'t>(&'t self, file: &'t str) -> &'t str {
        self.decoded.as_ref().map_or(file, |decoded| &decoded.text)
    }

    /// Converts a span of [`text`](Self::text) to one of the file.
    pub fn in_file(&self, span: Span) -> Span {
        let decoded = self.decoded.as_ref();
        decoded.map_or(span, |decoded| decoded.raw(span))
    }

    /// Returns the spans of the pieces, in [`text`](Self::text).
    pub fn pieces(&self) -> impl Iterator<Item = Span> {
        let tag = match self.tag {
            Tag::At(span) => Some(span),
            _ => None,
        };
        let pieces = [self.registry, self.name, tag, self.digest];
        pieces.into_iter().flatten()
    }

    /// Returns the span from the first piece to the last, in [`text`](Self::text).
    pub fn span(&self) -> Span {
        let whole = self.pieces().reduce(Span::join);
        whole.unwrap_or(Span { start: 0, end: 0 })
    }

    /// Returns the span from the first piece to the last, in the file.
    pub fn extent(&self) -> Span {
        let pieces = self.pieces().map(|piece| self.in_file(piece));
        pieces
            .reduce(Span::join)
            .unwrap_or(Span { start: 0, end: 0 })
    }

    /// Returns the most telling piece, in [`text`](Self::text).
    pub fn primary_span(&self, text: &str) -> Span {
        let filled = |span: &Span| !span.is_empty() && !span.of(text).trim_matches('/').is_empty();
        self.registry
            .filter(filled)
            .or(self.name)
            .unwrap_or_else(|| self.span())
    }

    /// Moves the use to a text that has `by` more bytes before it.
    #[must_use]
    pub(super) fn shift(mut self, by: usize) -> Self {
        if let Some(insertion) = &mut self.new_name {
            insertion.span = insertion.span.shift(by);
        }
        for own in &mut self.own_keys {
            own.piece = own.piece.shift(by);
            own.insertion.span = own.insertion.span.shift(by);
        }
        if let Some(companion) = &mut self.companion {
            companion.insertion.span = companion.insertion.span.shift(by);
        }
        if let Some(decoded) = &mut self.decoded {
            Arc::make_mut(decoded).shift(by);
            return self;
        }
        let moved = |span: Option<Span>| span.map(|span| span.shift(by));
        self.registry = moved(self.registry);
        self.name = moved(self.name);
        self.digest = moved(self.digest);
        self.digest_slot = self.digest_slot.map(|slot| DigestSlot {
            span: slot.span.shift(by),
            ..slot
        });
        if let Tag::At(span) = self.tag {
            self.tag = Tag::At(span.shift(by));
        }
        for hole in &mut self.holes {
            *hole = hole.shift(by);
        }
        self
    }

    /// Moves the use from a decoded text to the text in which that is written.
    #[must_use]
    pub(super) fn written_in(mut self, outer: &Arc<Decoded>) -> Self {
        self.decoded = Some(match &self.decoded {
            None => Arc::clone(outer),
            Some(inner) => Arc::new(inner.within(outer)),
        });
        // An insertion is formatted for the file itself, not for a text in one of its scalars.
        self.new_name = None;
        self.own_keys = Vec::new();
        if let Some(companion) = self.companion.take() {
            self.companion = companion.written_in(outer);
            if self.companion.is_none() {
                self.usage = self.usage.at_most(Certainty::MustAgree(NO_ROOM));
            }
        }
        self
    }

    /// Distinguishes the use from others in the file.
    fn key(&self) -> (Option<Span>, Option<Span>) {
        let piece = |span: Option<Span>| span.map(|span| self.in_file(span));
        (piece(self.registry), piece(self.name))
    }
}

const NO_ROOM: &str = "the fix has to add a key, and the text around it has no room for that";

const READ_OTHERWISE: &str =
    "the same value is read elsewhere in this file, where it is not pulled";

/// Sorts the uses and keeps one per set of pieces, because an alias leads to the anchor's scalar again. The strongest usage
/// wins. If an alias is involved and another use is not a pull, the change must suit that one, too.
pub fn in_order(uses: Vec<ImageUse>) -> Vec<ImageUse> {
    let mut keyed: Vec<_> = uses
        .into_iter()
        .map(|one| (one.extent().start, one.key(), one))
        .collect();
    keyed.sort_by(|one, other| {
        let by_place = (one.0, one.1).cmp(&(other.0, other.1));
        by_place.then_with(|| other.2.usage.cmp(&one.2.usage))
    });
    let mut kept: Vec<(_, ImageUse)> = Vec::with_capacity(keyed.len());
    for (_, key, one) in keyed {
        match kept.last_mut().filter(|(last, _)| *last == key) {
            None => kept.push((key, one)),
            Some((_, first)) => {
                let differs = first.usage.is_pull()
                    && !one.usage.is_pull()
                    && !matches!(one.usage, Usage::Unknown(_));
                if differs && (first.by_alias || one.by_alias) {
                    first.usage = first.usage.at_most(Certainty::MustAgree(READ_OTHERWISE));
                }
                first.may_be_folder &= one.may_be_folder;
            }
        }
    }
    kept.into_iter().map(|(_, one)| one).collect()
}
