//! Images that are spread over the entries of a map: `registry:`, `repository:`, `tag:`, and what people call them.

use super::keys;
use super::reference::{self, Reference};
use super::role::Role;
use super::tree::{Place, Walk};
use super::value::place_is_image;
use super::{Site, TagAt};
use crate::source::Span;
use crate::syntax::yaml::{Entry, Map, Node};

impl Walk<'_> {
    /// Finds images that are spread over the entries of a map. Gives the entries that are dealt with.
    pub(super) fn splits(
        &mut self,
        map: &Map<'_>,
        folded: &[String],
        place: Place<'_>,
    ) -> Vec<usize> {
        let mut used = Vec::new();
        if place.mention.is_some() {
            return used;
        }
        // A kustomization's `name` selects; what is pulled is `newName` with `newTag`.
        let selects =
            |key: &str| self.role == Role::Kustomization && place.key == "images" && key == "name";
        let mut names: Vec<_> = (0..folded.len())
            .filter(|index| !selects(&folded[*index]))
            .filter_map(|index| keys::repository_stem(&folded[index]).map(|stem| (stem, index)))
            .collect();
        names.sort_by_key(|(_, index)| (keys::repository_rank(&folded[*index]), *index));
        // `name:` beside `registry:` and `repository:` is not the image's path: the better key has the registry.
        let mut taken: Vec<(&str, usize)> = Vec::new();
        for (stem, index) in names {
            let parts = Parts::new(map, folded, index, stem, place);
            let registry = parts.registry_at.filter(|at| !taken.contains(&(stem, *at)));
            if registry.is_none() && parts.registry_at.is_some() || !parts.are_several() {
                continue;
            }
            if let Some(site) = self.split_site(&parts, place) {
                self.sites.push(site);
                used.push(index);
                used.extend(registry);
                taken.extend(registry.map(|at| (stem, at)));
            }
        }
        used
    }

    fn split_site(&self, parts: &Parts<'_>, place: Place<'_>) -> Option<Site> {
        let name = self.verbatim(parts.name.value.as_scalar()?)?;
        let whole = reference::read(self.masked, name, self.actions)?;
        if whole.chart {
            return None;
        }
        let registry = match parts.registry {
            None => None,
            Some(node) => match self.registry_piece(node) {
                Registry::Empty => None,
                Registry::Known(span) => Some(span),
                // A registry that a template or an alias puts in: only a name that has its own host can be read.
                Registry::Unknown => {
                    return whole.hosted.then(|| self.finish_split(parts, whole, None));
                }
            },
        };
        let named =
            parts.key != "name" || parts.in_image || parts.tag.is_some() || parts.digest.is_some();
        let plausible = match (registry, whole.hosted) {
            (_, true) | (Some(_), false) => named,
            (None, false) => {
                let described = parts.tag.is_some() || parts.digest.is_some();
                let keyed = keys::is_image_alone(parts.key) || place_is_image(place);
                keyed && (described || parts.registry.is_some()) && self.role != Role::Workflow
            }
        };
        plausible.then(|| self.finish_split(parts, whole, registry))
    }

    fn finish_split(&self, parts: &Parts<'_>, whole: Reference, registry: Option<Span>) -> Site {
        let tag = match (whole.tag, parts.tag) {
            (TagAt::None, Some(node)) => self.tag_piece(node),
            // A chart's template puts its own version where no tag is given.
            (TagAt::None, None) => match parts.key {
                "image" if registry.is_none() => TagAt::None,
                _ => TagAt::Elsewhere,
            },
            (tag, _) => tag,
        };
        let digest = whole.digest.or_else(|| {
            let scalar = parts.digest?.as_scalar()?;
            self.verbatim(scalar).filter(|span| !span.is_empty())
        });
        let shape = match (registry, tag) {
            (Some(_), _) => "registry + repository",
            (None, TagAt::At(span)) if span.start > whole.name.end + 1 => "repository + tag",
            _ => "repository",
        };
        let mut site = whole.into_site(self.pull(), shape);
        site.registry = registry;
        site.tag = tag;
        site.digest = digest;
        site
    }

    fn registry_piece(&self, node: &Node<'_>) -> Registry {
        let Some(scalar) = node.as_scalar() else {
            return Registry::Unknown;
        };
        if scalar.value.is_empty() || matches!(scalar.value.as_ref(), "~" | "null") {
            return Registry::Empty;
        }
        let Some(span) = self.verbatim(scalar) else {
            return Registry::Unknown;
        };
        let trimmed = span.of(self.masked).trim_end_matches('/');
        let readable = reference::readable(self.masked, span, self.actions);
        let plain = readable.holes.is_empty()
            && !trimmed.is_empty()
            && trimmed.split('/').all(|part| {
                let letters = |byte: u8| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':')
                };
                !part.is_empty() && part.bytes().all(letters)
            });
        if plain {
            Registry::Known(Span::new(span.start, span.start + trimmed.len()))
        } else {
            Registry::Unknown
        }
    }

    pub(super) fn tag_piece(&self, node: &Node<'_>) -> TagAt {
        let Some(scalar) = node.as_scalar() else {
            return TagAt::Elsewhere;
        };
        let Some(span) = self.verbatim(scalar) else {
            return TagAt::Elsewhere;
        };
        let holes = reference::readable(self.masked, span, self.actions).holes;
        let written = holes.is_empty() && crate::image::is_tag(span.of(self.masked));
        if written && !matches!(scalar.value.as_ref(), "~" | "null") {
            TagAt::At(span)
        } else {
            TagAt::Elsewhere
        }
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
        place: Place<'_>,
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
        let registry_at = beside(keys::is_registry_beside);
        Self {
            name: &map.entries[index],
            key,
            registry_at,
            registry: registry_at.map(value),
            tag: beside(keys::is_tag_beside).map(value),
            digest: beside(keys::is_digest_beside).map(value),
            in_image: keys::is_image(place.key) || keys::is_image(key),
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
