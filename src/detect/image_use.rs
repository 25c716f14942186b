//! One image (or chart, or URL) that a text names: where its pieces are, and how it is used.

use std::sync::Arc;

use super::usage::{Certainty, Usage};
use crate::artifact::Artifact;
use crate::source::Span;
use crate::syntax::beside::Insertion;
use crate::syntax::decoded::Decoded;

/// Where a digest can go that is not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestSlot {
    pub span: Span,
    /// Whether the key is called `digest`, which takes a whole one, `sha256:` included. Under `sha`, some charts want the digits
    /// alone.
    pub takes_whole: bool,
}

/// One image (or chart, or URL) and where its pieces are, perhaps in different scalars.
///
/// All spans are of [`text`](Self::text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    pub artifact: Artifact,
    /// The content of a scalar that holds a registry, with or without the beginning of a path. May be empty.
    pub registry: Option<Span>,
    /// Host and path, or path alone. `None` where only a registry is named. Of a URL, all of it.
    pub name: Option<Span>,
    pub tag: Tag,
    pub digest: Option<Span>,
    /// Between the quotes of a digest that is empty: what reads the pieces takes one there.
    pub digest_slot: Option<DigestSlot>,
    /// The chart that comes from a chart repository, where it is named.
    pub chart: Option<String>,
    /// Placeholders inside the pieces: a template's actions, `${VAR}`, `%s`.
    pub holes: Vec<Span>,
    pub usage: Usage,
    /// How the image is written, for people: `image`, `registry + repository`.
    pub form: &'static str,
    /// Whether the name may be the beginning of names: `imageRepository: gcr.io/google_containers`.
    pub may_be_folder: bool,
    /// Whether what fetches a URL follows redirects.
    pub follows_redirects: Certainty,
    /// Whether an alias led here.
    pub by_alias: bool,
    /// Of pieces from aliases and merge keys: where the map has room for one of its own.
    pub own_keys: Vec<OwnKey>,
    /// What the pieces mean, where the file spells them otherwise.
    pub decoded: Option<Arc<Decoded>>,
    /// Of a selector: what gives what it selects the new name.
    pub new_name: Option<Insertion>,
    /// What has to be written with the new name for it to be pulled; of the file, as `new_name` is.
    pub companion: Option<Companion>,
    /// The live object that names it.
    pub object: Option<Arc<Object>>,
}

/// A text that a change brings along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    pub insertion: Insertion,
    /// Whether the new name is a part of it.
    pub has_name: bool,
}

impl Companion {
    /// What is written at the insertion's span.
    pub fn with(&self, name: &str) -> String {
        self.insertion.with(if self.has_name { name } else { "" })
    }

    /// The same in the text that its own is written in. `None` where it may have to be written otherwise there.
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

/// Room for a piece in the map of the image itself, in place of one that others read, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKey {
    /// The piece from the alias.
    pub piece: Span,
    pub insertion: Insertion,
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

/// An object as a cluster has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object {
    pub namespace: Option<String>,
    pub kind: String,
    pub name: String,
    pub container: Option<String>,
}

impl Object {
    /// For people: `shop/web-7f Pod, container p`.
    pub fn shown(&self) -> String {
        let namespace = self.namespace.as_ref().map(|name| format!("{name}/"));
        let container = self.container.as_ref();
        let container = container.map(|name| format!(", container {name}"));
        let (namespace, container) = (namespace.unwrap_or_default(), container.unwrap_or_default());
        format!("{namespace}{} {}{container}", self.name, self.kind)
    }
}

impl ImageUse {
    /// Without any piece.
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
            follows_redirects: Certainty::Certain,
            by_alias: false,
            own_keys: Vec::new(),
            decoded: None,
            new_name: None,
            companion: None,
            object: None,
        }
    }

    /// A registry that is named without an image.
    pub fn of_registry(registry: Span, usage: Usage, form: &'static str) -> Self {
        Self {
            registry: Some(registry),
            ..Self::new(Artifact::Image, usage, form)
        }
    }

    /// The text that the spans are of: that of the file, or what it means.
    pub fn text<'t>(&'t self, file: &'t str) -> &'t str {
        self.decoded.as_ref().map_or(file, |decoded| &decoded.text)
    }

    /// Where a span of the text is in the file.
    pub fn in_file(&self, span: Span) -> Span {
        let decoded = self.decoded.as_ref();
        decoded.map_or(span, |decoded| decoded.raw(span))
    }

    /// The pieces, in the text.
    pub fn pieces(&self) -> impl Iterator<Item = Span> {
        let tag = match self.tag {
            Tag::At(span) => Some(span),
            _ => None,
        };
        let pieces = [self.registry, self.name, tag, self.digest];
        pieces.into_iter().flatten()
    }

    /// From the first piece to the last, in the text.
    pub fn span(&self) -> Span {
        let whole = self.pieces().reduce(Span::join);
        whole.unwrap_or(Span { start: 0, end: 0 })
    }

    /// From the first piece to the last, in the file.
    pub fn extent(&self) -> Span {
        let pieces = self.pieces().map(|piece| self.in_file(piece));
        pieces
            .reduce(Span::join)
            .unwrap_or(Span { start: 0, end: 0 })
    }

    /// The piece that a person would look at first, in the text.
    pub fn primary_span(&self, text: &str) -> Span {
        let filled = |span: &Span| !span.is_empty() && !span.of(text).trim_matches('/').is_empty();
        self.registry
            .filter(filled)
            .or(self.name)
            .unwrap_or_else(|| self.span())
    }

    /// The same use in a text that has `by` more bytes before it.
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

    /// The same use in the text that the one it was found in is written in.
    #[must_use]
    pub(super) fn written_in(mut self, outer: &Arc<Decoded>) -> Self {
        self.decoded = Some(match &self.decoded {
            None => Arc::clone(outer),
            Some(inner) => Arc::new(inner.within(outer)),
        });
        // An insertion is a text of the file, in the file's own style.
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

    /// What says it from other uses in the file.
    fn key(&self) -> (Option<Span>, Option<Span>) {
        let piece = |span: Option<Span>| span.map(|span| self.in_file(span));
        (piece(self.registry), piece(self.name))
    }
}

const NO_ROOM: &str = "the fix has to add a key, and the text around it has no room for that";

const READ_OTHERWISE: &str =
    "the same value is read elsewhere in this file, where it is not pulled";

/// Sorts, and keeps one of several uses of the same pieces: an alias leads to the anchor's scalar again. The surest
/// counts; but where an alias is not pulled, the value must stay as that needs it.
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
