//! Reads one image from several values.

use std::cell::Cell;

use super::super::context::Context;
use super::super::defaults::Names;
use super::super::document_type::DocumentType;
use super::super::image_use::{DigestSlot, ImageUse, OwnKey, Tag};
use super::super::input::{Inner, Input};
use super::super::parts::{Image, TagPart, Value};
use super::super::reference::{self, Reference};
use super::super::usage::Certainty;
use super::super::{defaults, scalar, words};
use super::Part;
use crate::detect::mirrored::mirrored;
use crate::source::Span;
use crate::syntax::beside::{self, Insertion};
use crate::syntax::decoded::Decoded;
use crate::syntax::yaml::{Entry, Map, Scalar, Style};

const BESIDE_REGISTRY: &str = "a registry next to it may be put before it";
const ONLY_VERSION: &str = "only a version beside it says that it is an image";

/// Reads the parts of one image.
pub(super) struct Reader<'r> {
    pub(super) context: &'r Context<'r>,
    pub(super) parts: &'r [Part<'r>],
    /// The map that contains the image, unless an alias led to it.
    pub(super) map: Option<&'r Map<'r>>,
    pub(super) image: &'r Image,
}

/// The spans of the parts in one text.
struct Spans {
    registry: Option<Span>,
    name: Span,
    tag: Option<Span>,
    digest: Option<Span>,
}

impl Reader<'_> {
    pub(super) fn image_use(&self) -> Option<ImageUse> {
        let (image, context) = (self.image, self.context);
        if !image.is_described() {
            return None;
        }
        let mut found = match self.spans_as_written() {
            Some(spans) => self.read(context, &spans)?,
            None => {
                let (decoded, spans, certainty) = self.laid_out()?;
                let written = self.context.input.text;
                let whole = Span::new(0, written.len());
                let inner = Inner::new(context.input, decoded, whole);
                let input = inner.input(context.input);
                let mut found = self.read(&context.in_text(&input), &spans)?;
                found.usage = found.usage.at_most(certainty);
                found.written_in(inner.decoded())
            }
        };
        let limits = self.pieces().filter_map(|at| self.parts[at].limit);
        found.usage = limits.fold(found.usage, |usage, limit| usage.below(Some(limit)));
        found.by_alias = self.pieces().any(|at| self.parts[at].by_alias);
        if found.by_alias && found.decoded.is_none() {
            found.own_keys = self.own_keys();
        }
        Some(found)
    }

    /// Returns the room for the image's own pieces, in place of those that other maps may read too.
    fn own_keys(&self) -> Vec<OwnKey> {
        let Some(map) = self.map else {
            return Vec::new();
        };
        let names = [self.image.registry, Some(self.image.name)];
        let lent = names.into_iter().flatten().filter_map(|at| {
            let part = &self.parts[at];
            let piece = part.node.as_scalar()?.span;
            let insertion = match part.own {
                Some(index) => alias_of(self.context.input.text, &map.entries[index])?,
                None => self.beside_own(map, part.key)?,
            };
            Some(OwnKey { piece, insertion })
        });
        lent.collect()
    }

    /// Returns the insertion of a pair with the key, next to the name or else to the last entry that the map itself has.
    fn beside_own(&self, map: &Map<'_>, key: &str) -> Option<Insertion> {
        let text = self.context.input.text;
        let named = self.parts[self.image.name].own;
        let named = named.and_then(|index| map.entries.get(index));
        let mut entries = named.into_iter().chain(map.entries.iter().rev());
        entries.find_map(|entry| {
            let name = entry.name().filter(|name| *name != "<<")?;
            let like = beside::layout_of(text, map, entry).ok()?;
            Some(beside::beside(text, map.flow, like, (name, key), None))
        })
    }

    fn tag_at(&self) -> Option<usize> {
        match self.image.tag {
            TagPart::At(at) => Some(at),
            TagPart::None | TagPart::Unknown => None,
        }
    }

    fn pieces(&self) -> impl Iterator<Item = usize> {
        let Image {
            registry,
            folder,
            name,
            digest,
            ..
        } = *self.image;
        let pieces = [registry, folder, Some(name), self.tag_at(), digest];
        pieces.into_iter().flatten()
    }

    fn scalar(&self, at: usize) -> Option<&Scalar<'_>> {
        self.parts[at].node.as_scalar()
    }

    /// Returns the spans of the parts, if all of them are spelled verbatim.
    fn spans_as_written(&self) -> Option<Spans> {
        let input = self.context.input;
        let optional = |at: Option<usize>| match at.and_then(|at| self.scalar(at)) {
            None => Some(None),
            Some(scalar) => {
                let span = input.verbatim(scalar)?;
                defaults::expanded(input, span, Names::Dropped)
                    .is_none()
                    .then_some(Some(span))
            }
        };
        if self.image.folder.is_some() {
            return None;
        }
        Some(Spans {
            registry: optional(self.image.registry)?,
            name: optional(Some(self.image.name))??,
            tag: optional(self.tag_at())?,
            digest: optional(self.image.digest)?,
        })
    }

    /// Writes the parts one after the other into a separate text, with placeholders replaced by their defaults.
    fn laid_out(&self) -> Option<(Decoded, Spans, Certainty)> {
        let input = self.context.input;
        let mut text = Decoded::default();
        let least = Cell::new(Certainty::Certain);
        let add = |at: usize, text: &mut Decoded| -> Option<Span> {
            let scalar = self.scalar(at)?;
            let start = text.text.len();
            let span = input.verbatim(scalar);
            match (
                span,
                span.and_then(|span| defaults::expanded(input, span, Names::Dropped)),
            ) {
                (_, Some((expanded, certainty))) => {
                    text.append(&expanded);
                    least.set(least.get().min(certainty));
                }
                (Some(span), None) => text.push_exact(input.masked, span),
                (None, None) => text.append(&Decoded::of_scalar(input.masked, scalar)?),
            }
            let span = Span::new(start, text.text.len());
            Some(span)
        };
        let optional = |at: Option<usize>, text: &mut Decoded| {
            let span = at.and_then(|at| add(at, text));
            text.push_between("\n");
            span
        };
        let registry = optional(self.image.registry, &mut text);
        let folder = self.image.folder.map(|at| add(at, &mut text));
        if folder.is_some() {
            text.push_between("/");
        }
        let name = add(self.image.name, &mut text)?;
        text.push_between("\n");
        let name = match folder {
            Some(folder) => folder?.join(name),
            None => name,
        };
        let tag = optional(self.tag_at(), &mut text);
        let digest = optional(self.image.digest, &mut text);
        let spans = Spans {
            registry,
            name,
            tag,
            digest,
        };
        Some((text, spans, least.get()))
    }

    fn read(&self, context: &Context<'_>, spans: &Spans) -> Option<ImageUse> {
        let input = context.input;
        let whole = reference::read(input.masked, spans.name, input.actions)?;
        if whole.chart {
            return None;
        }
        let registry = match (self.image.registry, spans.registry) {
            (None, _) => None,
            (Some(at), span) => match registry_piece(input, self.parts[at].pair.value, span) {
                Registry::Empty => None,
                Registry::Known(span) => Some(span),
                // A template or an alias sets the registry, so only a name with its own host can be read.
                Registry::Unknown => {
                    return whole
                        .hosted
                        .then(|| self.joined(context, whole, None, spans));
                }
            },
        };
        let plausible = match (registry, whole.hosted) {
            (_, true) | (Some(_), false) => self.is_named(),
            (None, false) => self.is_docker_hub(context),
        };
        plausible.then(|| self.joined(context, whole, registry, spans))
    }

    /// Returns the slot between the quotes of an empty digest. Without quotes, the value need not be a string.
    fn digest_slot(&self, digest: Option<Span>) -> Option<DigestSlot> {
        let span = digest.filter(|span| span.is_empty())?;
        let at = self.image.digest?;
        let is_quoted = matches!(self.scalar(at)?.style, Style::Single | Style::Double);
        is_quoted.then(|| DigestSlot {
            span,
            takes_whole: self.parts[at].pair.key.ends_with("digest"),
        })
    }

    fn key(&self) -> &str {
        &self.parts[self.image.name].pair.key
    }

    fn is_named(&self) -> bool {
        let Image { tag, digest, .. } = self.image;
        let is_described = *tag != TagPart::None || digest.is_some();
        self.key() != "name" || self.image.around.is_image || is_described
    }

    /// Whether a name without a registry is an image of Docker Hub.
    fn is_docker_hub(&self, context: &Context<'_>) -> bool {
        let Image {
            tag,
            digest,
            registry,
            ..
        } = self.image;
        let is_described = *tag != TagPart::None || digest.is_some() || registry.is_some();
        let has = |says: fn(&str) -> bool| self.parts.iter().any(|part| says(&part.pair.key));
        let is_chart = context.key.contains("chart") && !context.key.contains("image");
        let keyed = words::is_image(self.key())
            || self.image.around.is_image
            || self.key() != "name" && !has(words::is_of_source)
            || scalar::is_in_image(context)
            || has(words::is_pull_policy);
        keyed && !is_chart && is_described && context.document.kind != DocumentType::Workflow
    }

    fn joined(
        &self,
        context: &Context<'_>,
        whole: Reference,
        registry: Option<Span>,
        spans: &Spans,
    ) -> ImageUse {
        let input = context.input;
        let key = self.key();
        let tag = match (whole.tag, self.image.tag) {
            (Tag::None, TagPart::At(at)) => match (self.parts[at].pair.value, spans.tag) {
                (Value::Text(_), Some(span)) => scalar::tag_at(input, span),
                _ => Tag::Elsewhere,
            },
            (Tag::None, TagPart::Unknown) => Tag::Elsewhere,
            // A chart's template uses its own version if no tag is given.
            (Tag::None, TagPart::None) => match key {
                "image" if registry.is_none() => Tag::None,
                _ => Tag::Elsewhere,
            },
            (tag, _) => tag,
        };
        let own = spans.digest.filter(|span| !span.is_empty());
        let digest = whole.digest.or(own);
        let form = match (registry, tag) {
            (Some(_), _) => "registry + repository",
            (None, Tag::At(span)) if span.start > whole.name.end + 1 => "repository + tag",
            _ => "repository",
        };
        let usage = context.pull().at_most(self.certainty(&whole, input));
        let may_be_folder = whole.hosted && self.image.tag == TagPart::None && digest.is_none();
        ImageUse {
            registry,
            tag,
            digest,
            digest_slot: self.digest_slot(spans.digest),
            may_be_folder: may_be_folder && !words::is_image_alone(key),
            other_registry: match whole.hosted {
                true => None,
                false => mirrored(self.context, self.map, registry),
            },
            ..whole.into_use(usage, form)
        }
    }

    fn certainty(&self, whole: &Reference, input: &Input<'_>) -> Certainty {
        let key = self.key();
        let beside = self.image.beside.map(|at| self.parts[at].pair.value);
        if let Some(Value::Text(registry)) = beside {
            let name = whole.name.of(input.masked);
            let same = name.starts_with(registry.trim_end_matches('/'));
            if !same && !whole.is_pinned() && words::is_repository(key) {
                return Certainty::Likely(BESIDE_REGISTRY);
            }
        }
        let tag = self.tag_at().map(|at| self.parts[at].pair.key.as_str());
        let is_weak = !whole.hosted
            && self.image.registry.is_none()
            && tag == Some("version")
            && !words::is_image(key)
            && !self.image.around.is_image;
        match is_weak {
            true => Certainty::Likely(ONLY_VERSION),
            false => Certainty::Certain,
        }
    }
}

/// Returns the span of the alias that is the value of an entry, to be replaced. `None` if the value is not an alias.
fn alias_of(text: &str, entry: &Entry<'_>) -> Option<Insertion> {
    let key = entry.key.span();
    if entry.value.span().start >= key.start {
        return None;
    }
    let rest = &text[key.end..];
    let value = rest
        .trim_start_matches(['"', '\'', ' ', '\t'])
        .strip_prefix(':')?;
    let value = value.trim_start_matches([' ', '\t']);
    let end = value.find([' ', '\t', '\r', '\n', ',', '}', ']']);
    let alias = &value[..end.unwrap_or(value.len())];
    let start = key.end + rest.len() - value.len();
    alias.starts_with('*').then(|| Insertion {
        span: Span::new(start, start + alias.len()),
        before: String::new(),
        after: String::new(),
    })
}

enum Registry {
    Empty,
    Known(Span),
    Unknown,
}

fn registry_piece(input: &Input<'_>, value: Value<'_>, span: Option<Span>) -> Registry {
    let span = match (value, span) {
        (Value::Empty, _) => return Registry::Empty,
        (Value::Text(_), Some(span)) => span,
        _ => return Registry::Unknown,
    };
    let trimmed = span.of(input.masked).trim_end_matches('/');
    let readable = reference::readable(input.masked, span, input.actions);
    let letters =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(letters);
    let plain = readable.holes.is_empty() && trimmed.split('/').all(is_part);
    match plain {
        true => Registry::Known(Span::new(span.start, span.start + trimmed.len())),
        false => Registry::Unknown,
    }
}
