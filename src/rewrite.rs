//! Turns an image use and the new head of its name into edits of its pieces.
//!
//! A name may be spread over two scalars, and Docker Hub may be left out: the move replaces whole segments, and keeps the way
//! the user wrote the name. Does not decide which rule applies.

use crate::artifact::Artifact;
use crate::detect::{ImageUse, Tag};
use crate::edit::Edit;
use crate::image;
use crate::rules::{Move, TagState};
use crate::source::Span;

/// The name of an image use in canonical segments: the host first, Docker Hub and its `library` written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelled {
    segments: Vec<Segment>,
    /// How many of the written segments are in the registry's scalar.
    in_registry: usize,
    /// How many segments come before the first with a placeholder.
    pub literal: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    text: String,
    /// Its span. `None` if it is not written but implied.
    at: Option<Span>,
}

/// Spells out the name of an image use. `None` if its pieces are empty.
pub fn spell(site: &ImageUse, text: &str) -> Option<Spelled> {
    let mut written = site
        .registry
        .map_or(Vec::new(), |registry| segments(registry, text));
    let in_registry = written.len();
    if let Some(name) = site.name {
        written.extend(segments(without_scheme(site.artifact, name, text), text));
    }
    let url = matches!(site.artifact, Artifact::ChartRepository | Artifact::Url);
    let host = written.first()?.of(text);
    let hosted = url || image::is_registry_host(host) && (written.len() > 1 || site.name.is_none());
    let meant = |text: &str| Segment {
        text: text.to_owned(),
        at: None,
    };
    let mut spelled: Vec<Segment> = written
        .iter()
        .map(|span| Segment {
            text: span.of(text).to_owned(),
            at: Some(*span),
        })
        .collect();
    if hosted {
        spelled[0].text = image::canonical_host(Some(host)).into_owned();
    } else {
        spelled.insert(0, meant(image::DOCKER_HUB));
    }
    if spelled[0].text == image::DOCKER_HUB && site.name.is_some() && !url && spelled.len() == 2 {
        spelled.insert(1, meant("library"));
    }
    let touched = |segment: &Segment| {
        segment
            .at
            .is_some_and(|at| site.holes.iter().any(|hole| hole.overlaps(at)))
    };
    let literal = spelled.iter().position(touched).unwrap_or(spelled.len());
    Some(Spelled {
        segments: spelled,
        in_registry,
        literal,
    })
}

/// Returns the span of a name without the scheme of its URL.
fn without_scheme(kind: Artifact, name: Span, text: &str) -> Span {
    let slice = name.of(text);
    let scheme = match kind {
        Artifact::Image => 0,
        Artifact::Chart => slice
            .strip_prefix("oci://")
            .map_or(0, |rest| slice.len() - rest.len()),
        Artifact::ChartRepository | Artifact::Url => slice.find("://").map_or(0, |at| at + 3),
    };
    Span::new(name.start + scheme, name.end)
}

fn segments(piece: Span, text: &str) -> Vec<Span> {
    let mut at = piece.start;
    let mut spans = Vec::new();
    for part in piece.of(text).split('/') {
        if !part.is_empty() {
            spans.push(Span::new(at, at + part.len()));
        }
        at += part.len() + 1;
    }
    spans
}

/// Returns the tag of an image use as rules see it.
pub fn tag_state<'t>(site: &ImageUse, text: &'t str) -> TagState<'t> {
    match site.tag {
        Tag::At(span) => TagState::Text(span.of(text)),
        _ if site.digest.is_some() => TagState::Digest,
        Tag::Elsewhere => TagState::Unknown,
        Tag::Any => TagState::Any,
        Tag::None => TagState::None,
    }
}

impl Spelled {
    /// The canonical segments.
    pub fn names(&self) -> Vec<&str> {
        self.segments
            .iter()
            .map(|segment| segment.text.as_str())
            .collect()
    }

    fn written(&self) -> Vec<Span> {
        self.segments
            .iter()
            .filter_map(|segment| segment.at)
            .collect()
    }

    /// Returns the name as written, pieces joined.
    pub fn written_name(&self, text: &str) -> String {
        let parts: Vec<_> = self.written().iter().map(|span| span.of(text)).collect();
        parts.join("/")
    }

    /// Returns the edits that give the name its new head, and the new name. `None` if the pieces cannot hold it.
    pub fn relocate(
        &self,
        target: &Move,
        site: &ImageUse,
        text: &str,
    ) -> Option<(Vec<Edit>, String)> {
        let (scheme, to) = match target.to.split_once("://") {
            Some((scheme, to)) => (Some(scheme), to),
            None => (None, target.to.as_str()),
        };
        let new = self.renamed(to, target.taken, text);
        let written = self.written();
        let (registry, name) = written.split_at(self.in_registry);
        let mut edits = if registry.is_empty() || name.is_empty() {
            vec![replace(&written, &new, text)]
        } else {
            let cut = cut(&new, registry, name, text);
            if cut == 0 || cut >= new.len() {
                return None;
            }
            vec![
                replace(registry, &new[..cut], text),
                replace(name, &new[cut..], text),
            ]
        };
        edits.retain(|edit| edit.span.of(text) != edit.text);
        if let (Some(scheme), Some(name)) = (scheme, site.name)
            && let Some((written, _)) = name.of(text).split_once("://")
            && written != scheme
        {
            edits.push(Edit::new(
                Span::new(name.start, name.start + written.len()),
                scheme.to_owned(),
            ));
        }
        if let Tag::At(span) = site.tag
            && target.strip_v
            && span.of(text).starts_with('v')
        {
            edits.push(Edit::new(
                Span::new(span.start, span.start + 1),
                String::new(),
            ));
        }
        edits.sort();
        let scheme = scheme
            .map(|scheme| format!("{scheme}://"))
            .unwrap_or_default();
        (!edits.is_empty()).then(|| (edits, format!("{scheme}{}", new.join("/"))))
    }

    /// Returns the segments to write: the new head, then the unchanged tail. Docker Hub stays as the user wrote it, and is
    /// left out if it was left out before.
    fn renamed(&self, to: &str, taken: usize, text: &str) -> Vec<String> {
        let tail = self.segments.iter().skip(taken);
        let tail = tail.map(|segment| segment.at.map_or(segment.text.as_str(), |at| at.of(text)));
        let mut new: Vec<String> = to.split('/').chain(tail).map(str::to_owned).collect();
        let stays_on_hub =
            new[0] == image::DOCKER_HUB && self.segments[0].text == image::DOCKER_HUB;
        if stays_on_hub {
            match self.segments[0].at {
                Some(host) => new[0] = host.of(text).to_owned(),
                None => {
                    new.remove(0);
                }
            }
            let library_meant = self
                .segments
                .get(1)
                .is_some_and(|segment| segment.at.is_none());
            let library = new.len().checked_sub(2);
            if let Some(at) = library.filter(|at| library_meant && new[*at] == "library") {
                new.remove(at);
            }
        }
        new
    }
}

/// Returns how many of the new segments go into the registry's scalar.
fn cut(new: &[String], registry: &[Span], name: &[Span], text: &str) -> usize {
    let same =
        |new: &[String], old: &[Span]| new.iter().zip(old).all(|(new, old)| new == old.of(text));
    let head = new.len().saturating_sub(name.len());
    if new.len() > registry.len() && same(&new[..registry.len()], registry) {
        registry.len()
    } else if same(&new[head..], name) || registry.len() > 1 && head > 0 {
        head
    } else {
        1
    }
}

/// Returns an edit that replaces segments by new ones, without those that are the same at both ends.
fn replace(spans: &[Span], new: &[String], text: &str) -> Edit {
    let old: Vec<&str> = spans.iter().map(|span| span.of(text)).collect();
    let most = old.len().min(new.len());
    let tail = (0..most)
        .take_while(|back| old[old.len() - 1 - back] == new[new.len() - 1 - back])
        .count();
    let head = (0..most - tail)
        .take_while(|index| old[*index] == new[*index])
        .count();
    let fresh = new[head..new.len() - tail].join("/");
    let gone = &spans[head..spans.len() - tail];
    let next = spans.get(head + gone.len());
    if gone.is_empty() && fresh.is_empty() {
        let at = spans.first().map_or(0, |span| span.start);
        return Edit::new(Span::new(at, at), fresh);
    }
    let (span, text) = match (gone.first(), gone.last(), next) {
        (Some(first), Some(last), _) if !fresh.is_empty() => (first.join(*last), fresh),
        // Segments are removed, with the slash that separates them.
        (Some(first), _, Some(next)) => (Span::new(first.start, next.start), fresh),
        (Some(_), Some(last), None) => (
            Span::new(spans[head.saturating_sub(1)].end.min(last.end), last.end),
            fresh,
        ),
        // Segments are added before the tail, or after the head.
        (_, _, Some(next)) => (Span::new(next.start, next.start), format!("{fresh}/")),
        _ => {
            let end = spans.last().map_or(0, |span| span.end);
            (Span::new(end, end), format!("/{fresh}"))
        }
    };
    Edit::new(span, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Usage;
    use crate::edit::{Applicability, Fix, apply};

    /// `text` is a registry and a name, separated by a space, or only a name.
    #[track_caller]
    fn check(text: &str, taken: usize, to: &str, expected: &str) {
        let (registry, name) = match text.split_once(' ') {
            Some((registry, _)) => (
                Some(Span::new(0, registry.len())),
                Some(Span::new(registry.len() + 1, text.len())),
            ),
            None => (None, Some(Span::new(0, text.len()))),
        };
        let artifact = match text.contains("://") {
            true => Artifact::ChartRepository,
            false => Artifact::Image,
        };
        let site = ImageUse {
            registry,
            name,
            tag: Tag::None,
            ..ImageUse::new(artifact, Usage::PULL, "image")
        };
        let target = Move {
            taken,
            to: to.to_owned(),
            strip_v: false,
        };
        let (edits, _) = spell(&site, text)
            .unwrap()
            .relocate(&target, &site, text)
            .unwrap();
        let fix = Fix::here(edits, Applicability::Safe);
        assert_eq!(apply(text, [&fix], Applicability::Safe), expected);
    }

    #[test]
    fn whole_names() {
        check(
            "k8s.gcr.io/pause",
            1,
            "registry.k8s.io",
            "registry.k8s.io/pause",
        );
        check(
            "gcr.io/google_containers/a",
            2,
            "registry.k8s.io",
            "registry.k8s.io/a",
        );
        check(
            "bitnami/redis",
            2,
            "docker.io/bitnamilegacy",
            "bitnamilegacy/redis",
        );
        check(
            "index.docker.io/bitnami/redis",
            2,
            "docker.io/bitnamilegacy",
            "index.docker.io/bitnamilegacy/redis",
        );
        check("vault", 3, "docker.io/hashicorp/vault", "hashicorp/vault");
        check(
            "docker.io/vault",
            3,
            "docker.io/hashicorp/vault",
            "docker.io/hashicorp/vault",
        );
        check("minio/minio", 2, "quay.io/minio", "quay.io/minio/minio");
        check(
            "nginx",
            1,
            "mirror.example.com",
            "mirror.example.com/library/nginx",
        );
        check(
            "quay.io/k8scsi/a",
            2,
            "registry.k8s.io/sig-storage",
            "registry.k8s.io/sig-storage/a",
        );
        check("q.io/a/b", 2, "q.io", "q.io/b");
    }

    #[test]
    fn names_in_two_scalars() {
        check(
            "k8s.gcr.io pause",
            1,
            "registry.k8s.io",
            "registry.k8s.io pause",
        );
        check(
            "k8s.gcr.io/ pause",
            1,
            "registry.k8s.io",
            "registry.k8s.io/ pause",
        );
        check(
            "us.gcr.io k8s-artifacts-prod/a/b",
            2,
            "registry.k8s.io",
            "registry.k8s.io a/b",
        );
        check(
            "gcr.io/google_containers pause",
            2,
            "registry.k8s.io",
            "registry.k8s.io pause",
        );
        check(
            "docker.io bitnami/etcd",
            2,
            "docker.io/bitnamilegacy",
            "docker.io bitnamilegacy/etcd",
        );
        check(
            "docker.io/bitnami etcd",
            2,
            "docker.io/bitnamilegacy",
            "docker.io/bitnamilegacy etcd",
        );
        check(
            "quay.io k8scsi/a",
            2,
            "registry.k8s.io/sig-storage",
            "registry.k8s.io sig-storage/a",
        );
        check(
            "docker.io minio/minio",
            2,
            "quay.io/minio",
            "quay.io minio/minio",
        );
        check(
            "bitnami redis",
            2,
            "docker.io/bitnamilegacy",
            "bitnamilegacy redis",
        );
        check(
            "quay.io coreos/p",
            2,
            "quay.io/prometheus-operator",
            "quay.io prometheus-operator/p",
        );
    }

    #[test]
    fn urls_keep_their_tail_and_get_the_new_scheme() {
        check("https://a.io/b/", 2, "https://c.io/d", "https://c.io/d/");
        check("http://a.io", 1, "https://c.io/d", "https://c.io/d");
        check("https://a.io/b/c", 2, "https://c.io", "https://c.io/c");
    }
}
