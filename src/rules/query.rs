//! A query about a name, and the verdict of a rule.

use super::{Rule, Severity};
use crate::artifact::Artifact;
use crate::edit::Applicability;

/// The tag of a reference, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagState<'t> {
    /// Neither tag nor digest, so `latest` is pulled.
    None,
    Text(&'t str),
    /// A digest, but no tag.
    Digest,
    /// It is set elsewhere, such as by a template or a chart's default.
    Unknown,
    /// Any tag: the reference names the image as such and pulls nothing, as in a comment.
    Any,
}

impl<'t> TagState<'t> {
    /// Returns the tag that is pulled, if it is known.
    pub(super) fn pulled(self) -> Option<&'t str> {
        match self {
            Self::None => Some("latest"),
            Self::Text(tag) => Some(tag),
            Self::Digest | Self::Unknown | Self::Any => None,
        }
    }
}

/// A name in the form that rules match.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// Host and path in canonical spelling. If the image's name is missing, only what is written.
    pub segments: &'q [&'q str],
    /// The number of leading segments without a placeholder. A rule may cover only these.
    pub literal: usize,
    /// Whether the image's name is missing: `registry: k8s.gcr.io`.
    pub bare: bool,
    pub tag: TagState<'q>,
    pub digest: Option<&'q str>,
    pub artifact: Artifact,
    /// The chart that is fetched from a repository, if it is known.
    pub chart: Option<&'q str>,
}

/// The replacement of the first segments of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The number of canonical segments that are replaced.
    pub taken: usize,
    /// The new host and path, without a slash at the end.
    pub to: String,
    /// Whether the tag loses its leading `v`.
    pub strip_v: bool,
}

/// The result of a query.
#[derive(Debug)]
pub struct Verdict<'r> {
    pub rule: &'r Rule,
    pub summary: &'r str,
    pub severity: Severity,
    /// The new location, if there is one to show.
    pub target: Option<Move>,
    /// How far the rule trusts the move. The context in the file may lower it.
    pub applicability: Applicability,
    /// Why the fix is not as safe as the rule, or why there is none.
    pub reason: Option<String>,
    /// The answers of registries, if they were asked.
    pub verified: Option<Verified>,
    /// The digest that the fix adds to the tag, if that was requested.
    pub pin: Option<String>,
}

/// The answers of registries about a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub outcome: Availability,
    /// The digest of the image at the new location, if it exists.
    pub digest: Option<String>,
    /// A description for people, on one line.
    pub text: String,
}

/// The outcome of verifying a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Both locations have the same image.
    SameDigest,
    /// The new location has the image, but it is not known whether it is the same.
    Exists,
    /// Both locations have an image, but not the same one.
    OtherDigest,
    /// The new location does not have the image.
    Missing,
    /// A registry gave no clear answer.
    Undetermined,
}

impl Availability {
    const ALL: [Self; 5] = [
        Self::SameDigest,
        Self::Exists,
        Self::OtherDigest,
        Self::Missing,
        Self::Undetermined,
    ];

    /// Returns the outcome with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::SameDigest => "same-digest",
            Self::Exists => "exists",
            Self::OtherDigest => "other-digest",
            Self::Missing => "missing",
            Self::Undetermined => "undetermined",
        }
    }
}

/// Returns the complete name after the move.
pub(super) fn moved(target: &Move, query: &Query<'_>) -> String {
    let tail = &query.segments[target.taken.min(query.segments.len())..];
    std::iter::once(target.to.as_str())
        .chain(tail.iter().copied())
        .collect::<Vec<_>>()
        .join("/")
}

/// Lowers the applicability to `limit`. Keeps the reason for the lowest.
pub(super) fn cap_applicability(
    verdict: &mut Verdict<'_>,
    limit: Applicability,
    reason: impl FnOnce() -> String,
) {
    if verdict.applicability >= limit && (verdict.applicability > limit || verdict.reason.is_none())
    {
        verdict.applicability = limit;
        verdict.reason = Some(reason());
    }
}
