//! Notes about a move: what else decides whether the new image can be pulled, and which image that is.

use crate::artifact::Artifact;
use crate::detect::{ImageUse, Tag};
use crate::edit::Applicability;
use crate::file_type::{self, FileType, Masks};
use crate::finding::Finding;
use crate::rules::Availability;
use crate::source::Span;
use crate::syntax::yaml::{Map, Node};

const NEVER: &str =
    "the pull policy is Never: load the new image onto the nodes before this is applied";
const NO_TAG: &str =
    "no tag is written here: if `latest` is pulled, it may be another image at the new location";
const LATEST: &str = "`latest` is pulled: it may be another image at the new location";
const PIN_STAYS: &str = "the pinned digest stays: the pull fails if the new location does not have it; `--verify` checks that";
const PIN_GOES: &str = "a digest is pinned here: pin the digest of the new image, too, because a tag can be pushed again";

/// Adds notes to the findings that move an image. `found` has the finding of each use, if there is one.
pub(super) fn add(
    uses: &[ImageUse],
    found: &mut [Option<Finding>],
    text: &str,
    file_type: &FileType,
) {
    for (one, finding) in uses.iter().zip(found.iter_mut()) {
        let moves = |finding: &&mut Finding| finding.new.is_some() && one.usage.is_pull();
        let Some(finding) = finding.as_mut().filter(moves) else {
            continue;
        };
        let note = match one.digest {
            Some(_) => of_pinned(finding),
            None => of_tag(one, text),
        };
        let verified = finding.verified.as_ref().map(|verified| verified.outcome);
        let is_open = one.artifact == Artifact::Image && verified != Some(Availability::SameDigest);
        finding
            .notes
            .extend(note.filter(|_| is_open).map(str::to_owned));
    }
    let moves = |finding: &Option<Finding>| {
        let finding = finding.as_ref();
        finding.is_some_and(|finding| finding.new.is_some() && !finding.mention)
    };
    if found.iter().any(moves) && may_say_never(text.as_bytes()) {
        pull_policies(found, text, file_type);
    }
}

/// Whether a text may have a pull policy `Never`, or `never`: closely behind `pull` or `Pull`.
fn may_say_never(text: &[u8]) -> bool {
    let mut found = memchr::memmem::find_iter(text, b"ever");
    found.any(|at| {
        let before = &text[at.saturating_sub(FAR_BEHIND)..at];
        matches!(before.last(), Some(b'N' | b'n')) && memchr::memmem::find(before, b"ull").is_some()
    })
}

/// The longest way from the key of a policy to its value.
const FAR_BEHIND: usize = 64;

fn of_tag(one: &ImageUse, text: &str) -> Option<&'static str> {
    match one.tag {
        Tag::None => Some(NO_TAG),
        Tag::At(span) if span.of(one.text(text)) == "latest" => Some(LATEST),
        _ => None,
    }
}

/// A safe move keeps digests, so it needs no note.
fn of_pinned(finding: &Finding) -> Option<&'static str> {
    match finding.applicability() {
        Some(Applicability::Safe) => None,
        Some(Applicability::Unsafe) => Some(PIN_STAYS),
        Some(Applicability::Display) | None => Some(PIN_GOES),
    }
}

fn pull_policies(found: &mut [Option<Finding>], text: &str, file_type: &FileType) {
    let masks = Masks::default();
    let reading = file_type::read(text, file_type.parser, None, &masks);
    let Some(layer) = reading.layers.first() else {
        return;
    };
    let moved = found
        .iter_mut()
        .flatten()
        .filter(|finding| finding.new.is_some());
    for finding in moved {
        let mut documents = layer.parsed.documents.iter();
        if documents.any(|document| is_never_pulled(document, finding.span())) {
            match finding.applicability() {
                Some(Applicability::Safe) => finding.doubt(NEVER),
                _ => finding.notes.push(NEVER.to_owned()),
            }
        }
    }
}

/// Whether the map that holds the image, or its pieces, sets the pull policy `Never`. So does the map around
/// `image: {repository: …}`.
fn is_never_pulled(node: &Node<'_>, at: Span) -> bool {
    let holds = |node: &Node<'_>| {
        let span = node.span();
        span.start <= at.start && at.end <= span.end
    };
    match node {
        Node::Map(map) => {
            let inside = map.entries.iter().find(|entry| holds(&entry.value));
            inside.is_some_and(|entry| match &entry.value {
                Node::Scalar(_) => says_never(map),
                inner => {
                    let key = entry.key.as_scalar().map_or("", |key| &key.value);
                    let is_image = key.to_ascii_lowercase().ends_with("image");
                    is_image && says_never(map) || is_never_pulled(inner, at)
                }
            })
        }
        Node::List(list) => list
            .items
            .iter()
            .any(|item| holds(item) && is_never_pulled(item, at)),
        Node::Scalar(_) | Node::Alias(_) => false,
    }
}

/// Keys of pull policies: of Kubernetes and charts, of Terraform, of Compose and GitLab, and of Ansible.
const POLICIES: [&str; 5] = [
    "imagePullPolicy",
    "pullPolicy",
    "image_pull_policy",
    "pull_policy",
    "pull",
];

fn is_never(value: &str) -> bool {
    value.eq_ignore_ascii_case("never")
}

fn says_never(map: &Map<'_>) -> bool {
    POLICIES.iter().any(|key| match map.get(key) {
        Some(Node::Scalar(value)) => is_never(&value.value),
        Some(Node::List(list)) => list.items.iter().all(|item| {
            let policy = item.as_scalar();
            policy.is_some_and(|policy| is_never(&policy.value))
        }),
        _ => false,
    })
}
