//! Images that are spread over the entries of a map: `registry:`, `repository:`, `tag:`, and what people call them.

use super::context::Context;
use super::document::DocumentType;
use super::image_use::{ImageUse, Tag};
use super::input::Input;
use super::reference::{self, Reference};
use super::scalar::{is_in_image, tag_piece};
use super::words;
use crate::source::Span;
use crate::syntax::yaml::{Entry, Map, Node};

/// Finds images that are spread over the entries of a map. Gives the entries that are dealt with.
pub(super) fn uses(
    context: &Context<'_>,
    map: &Map<'_>,
    folded: &[String],
    out: &mut Vec<ImageUse>,
) -> Vec<usize> {
    let mut used = Vec::new();
    if context.mention.is_some() {
        return used;
    }
    // A kustomization's `name` selects; what is pulled is `newName` with `newTag`.
    let in_entry = context.document == DocumentType::Kustomization && context.key == "images";
    let mut names: Vec<_> = (0..folded.len())
        .filter(|index| !(in_entry && folded[*index] == "name"))
        .filter_map(|index| words::repository_stem(&folded[index]).map(|stem| (stem, index)))
        .collect();
    names.sort_by_key(|(_, index)| (words::repository_rank(&folded[*index]), *index));
    // `name:` beside `registry:` and `repository:` is not the image's path: the better key has the registry.
    let mut taken: Vec<(&str, usize)> = Vec::new();
    for (stem, index) in names {
        let parts = Parts::new(map, folded, index, stem, context);
        let registry = parts.registry_at.filter(|at| !taken.contains(&(stem, *at)));
        if registry.is_none() && parts.registry_at.is_some() || !parts.are_several() {
            continue;
        }
        if let Some(found) = of_parts(context, &parts) {
            out.push(found);
            used.push(index);
            used.extend(registry);
            taken.extend(registry.map(|at| (stem, at)));
        }
    }
    used
}

fn of_parts(context: &Context<'_>, parts: &Parts<'_>) -> Option<ImageUse> {
    let input = context.input;
    let name = input.verbatim(parts.name.value.as_scalar()?)?;
    let whole = reference::read(input.masked, name, input.actions)?;
    if whole.chart {
        return None;
    }
    let registry = match parts.registry.map(|node| registry_piece(input, node)) {
        None | Some(Registry::Empty) => None,
        Some(Registry::Known(span)) => Some(span),
        // A registry that a template or an alias puts in: only a name that has its own host can be read.
        Some(Registry::Unknown) => {
            return whole.hosted.then(|| joined(context, parts, whole, None));
        }
    };
    let named =
        parts.key != "name" || parts.in_image || parts.tag.is_some() || parts.digest.is_some();
    let plausible = match (registry, whole.hosted) {
        (_, true) | (Some(_), false) => named,
        (None, false) => {
            let described = parts.tag.is_some() || parts.digest.is_some();
            let keyed = words::is_image_alone(parts.key) || is_in_image(context);
            keyed
                && (described || parts.registry.is_some())
                && context.document != DocumentType::Workflow
        }
    };
    plausible.then(|| joined(context, parts, whole, registry))
}

fn joined(
    context: &Context<'_>,
    parts: &Parts<'_>,
    whole: Reference,
    registry: Option<Span>,
) -> ImageUse {
    let input = context.input;
    let tag = match (whole.tag, parts.tag) {
        (Tag::None, Some(node)) => tag_piece(input, node),
        // A chart's template puts its own version where no tag is given.
        (Tag::None, None) => match parts.key {
            "image" if registry.is_none() => Tag::None,
            _ => Tag::Elsewhere,
        },
        (tag, _) => tag,
    };
    let digest = whole.digest.or_else(|| {
        let scalar = parts.digest?.as_scalar()?;
        input.verbatim(scalar).filter(|span| !span.is_empty())
    });
    let form = match (registry, tag) {
        (Some(_), _) => "registry + repository",
        (None, Tag::At(span)) if span.start > whole.name.end + 1 => "repository + tag",
        _ => "repository",
    };
    ImageUse {
        registry,
        tag,
        digest,
        ..whole.into_use(context.pull(), form)
    }
}

fn registry_piece(input: &Input<'_>, node: &Node<'_>) -> Registry {
    let Some(scalar) = node.as_scalar() else {
        return Registry::Unknown;
    };
    if scalar.value.is_empty() || scalar.is_null() {
        return Registry::Empty;
    }
    let Some(span) = input.verbatim(scalar) else {
        return Registry::Unknown;
    };
    let trimmed = span.of(input.masked).trim_end_matches('/');
    let readable = reference::readable(input.masked, span, input.actions);
    let letters =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    let plain = readable.holes.is_empty()
        && !trimmed.is_empty()
        && trimmed
            .split('/')
            .all(|part| !part.is_empty() && part.bytes().all(letters));
    if plain {
        Registry::Known(Span::new(span.start, span.start + trimmed.len()))
    } else {
        Registry::Unknown
    }
}

/// The entries that together may spell an image.
struct Parts<'p> {
    name: &'p Entry<'p>,
    key: &'p str,
    registry_at: Option<usize>,
    registry: Option<&'p Node<'p>>,
    tag: Option<&'p Node<'p>>,
    digest: Option<&'p Node<'p>>,
    in_image: bool,
}

impl<'p> Parts<'p> {
    /// The name at `index`, and what stands beside it: companions of the same stem before those of none.
    fn new(
        map: &'p Map<'p>,
        folded: &'p [String],
        index: usize,
        stem: &str,
        context: &Context<'_>,
    ) -> Self {
        let key = folded[index].as_str();
        let beside = |wanted: fn(&str, &str) -> bool| {
            let fits = |other: &&String| other.as_str() != key && wanted(other, stem);
            let own = folded
                .iter()
                .position(|other| other.starts_with(stem) && fits(&other));
            own.or_else(|| folded.iter().position(|other| fits(&other)))
        };
        let value = |at: usize| &map.entries[at].value;
        let registry_at = beside(words::is_registry_beside);
        Self {
            name: &map.entries[index],
            key,
            registry_at,
            registry: registry_at.map(value),
            tag: beside(words::is_tag_beside).map(value),
            digest: beside(words::is_digest_beside).map(value),
            in_image: words::is_image(context.key) || words::is_image(key),
        }
    }

    fn are_several(&self) -> bool {
        self.registry.is_some() || self.tag.is_some() || self.digest.is_some()
    }
}

enum Registry {
    Empty,
    Known(Span),
    Unknown,
}
