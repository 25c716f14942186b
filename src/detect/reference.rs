//! Reads a piece of text as a reference, with its placeholders.

use crate::image::{self, ImageRef};
use crate::source::Span;
use crate::syntax::placeholder;
use crate::syntax::template::Action;

use super::image_use::{ImageUse, Tag};
use super::usage::Usage;
use crate::artifact::Artifact;

/// A reference, and where its pieces are in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub name: Span,
    pub tag: Tag,
    pub digest: Option<Span>,
    pub holes: Vec<Span>,
    /// Whether it includes a registry.
    pub hosted: bool,
    /// Whether it is a chart (`oci://`).
    pub chart: bool,
    /// Whether a scheme marks it as an image (`docker://`).
    pub is_docker: bool,
}

impl Reference {
    /// Whether it has a tag or a digest, or a placeholder that may be one.
    pub(super) fn is_pinned(&self) -> bool {
        self.tag != Tag::None || self.digest.is_some()
    }

    pub(super) fn into_use(self, usage: Usage, form: &'static str) -> ImageUse {
        let artifact = match self.chart {
            true => Artifact::Chart,
            false => Artifact::Image,
        };
        ImageUse {
            name: Some(self.name),
            tag: self.tag,
            digest: self.digest,
            holes: self.holes,
            ..ImageUse::new(artifact, usage, form)
        }
    }
}

/// A text with its placeholders masked, and their spans in the file.
pub(super) struct Readable {
    pub text: String,
    pub holes: Vec<Span>,
}

/// Masks the remaining placeholders in a slice of the masked file, so that it can be parsed.
pub(super) fn readable(masked: &str, span: Span, actions: &[Action]) -> Readable {
    let slice = span.of(masked);
    let first = actions.partition_point(|action| action.span.end <= span.start);
    let within = actions[first..]
        .iter()
        .take_while(|action| action.span.start < span.end);
    let mut holes: Vec<Span> = within.map(|action| action.span).collect();
    let text = match placeholder::mask(slice) {
        Some(masked) => {
            holes.extend(masked.holes.iter().map(|hole| hole.shift(span.start)));
            masked.text
        }
        None => slice.to_owned(),
    };
    Readable { text, holes }
}

/// Returns the registry in the path of a mirror configuration of containerd: `/etc/containerd/certs.d/k8s.gcr.io/hosts.toml`.
pub(super) fn mirror_folder(masked: &str, span: Span) -> Option<Span> {
    const FOLDER: &str = "certs.d/";
    let path = span.of(masked);
    let at = path.find(FOLDER)? + FOLDER.len();
    let host = path[at..].split('/').next().unwrap_or_default();
    let start = span.start + at;
    image::is_registry_host(host).then(|| Span::new(start, start + host.len()))
}

/// Schemes that may precede a reference.
const SCHEMES: [&str; 4] = [
    "docker://",
    "docker-image://",
    "docker-pullable://",
    "oci://",
];

/// Reads the text at a span as one whole reference. `None` if it is not one.
pub(super) fn read(masked: &str, span: Span, actions: &[Action]) -> Option<Reference> {
    let slice = span.of(masked);
    if slice.len() > 4096 || slice.contains(['\n', '*', '^', '\\']) {
        return None;
    }
    let scheme = SCHEMES.iter().find(|scheme| slice.starts_with(**scheme));
    let scheme = scheme.copied().unwrap_or_default();
    let span = Span::new(span.start + scheme.len(), span.end);
    let readable = readable(masked, span, actions);
    let image = ImageRef::parse(&readable.text)?;
    let hosted = image.host.is_some_and(image::is_registry_host);
    // To the grammar `k8s.gcr.io` alone is a path, but people mean a registry.
    let lone_host = image.host.is_none() && image::is_registry_host(image.path);
    if image.host.is_some() && !hosted || lone_host {
        return None;
    }
    let name = image.name_span().shift(span.start);
    let touches = |piece: Span| readable.holes.iter().any(|hole| hole.overlaps(piece));
    let tag = match image.tag {
        Some(tag) => {
            let at = Span::new(name.end + 1, name.end + 1 + tag.len());
            if touches(at) {
                Tag::Elsewhere
            } else {
                Tag::At(at)
            }
        }
        None if readable.holes.iter().any(|hole| hole.end == name.end) => Tag::Elsewhere,
        None => Tag::None,
    };
    let digest = image
        .digest
        .map(|digest| Span::new(span.end - digest.len(), span.end));
    Some(Reference {
        name,
        tag,
        digest,
        holes: readable.holes,
        hosted,
        chart: scheme == "oci://",
        is_docker: !scheme.is_empty() && scheme != "oci://",
    })
}

/// Reads the text at a span as a registry: a host, perhaps with the beginning of a path. The returned span excludes a slash at
/// the end.
pub(super) fn read_registry(masked: &str, span: Span) -> Option<Span> {
    let slice = span.of(masked).trim_end_matches('/');
    let span = Span::new(span.start, span.start + slice.len());
    let host = slice.split('/').next().unwrap_or_default();
    let hosted =
        image::is_registry_host(host) && host.bytes().any(|byte| byte.is_ascii_alphabetic());
    let whole = hosted
        && (host == slice || ImageRef::parse(slice).is_some_and(|image| image.tag.is_none()));
    whole.then_some(span)
}
