//! Queries about a name, and the verdicts of rules.

use super::{Rule, Severity};
use crate::artifact::Artifact;
use crate::edit::Applicability;

/// What is known of the tag of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagState<'t> {
    /// Neither tag nor digest: `latest` is meant.
    None,
    Text(&'t str),
    /// There is no tag, but a digest.
    Digest,
    /// It is put in somewhere else: by a template, by a chart's default.
    Unknown,
    /// The image is named as such, whatever its tag: in a comment, nothing is pulled.
    Any,
}

impl<'t> TagState<'t> {
    /// The tag that is pulled, where it is known.
    pub(super) fn pulled(self) -> Option<&'t str> {
        match self {
            Self::None => Some("latest"),
            Self::Text(tag) => Some(tag),
            Self::Digest | Self::Unknown | Self::Any => None,
        }
    }
}

/// A name as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// Host and path in canonical spelling; of a location without an image name just what is there.
    pub segments: &'q [&'q str],
    /// The first segments that hold no placeholder. What a rule takes must lie in them.
    pub literal: usize,
    /// Whether the image's name is missing: `registry: k8s.gcr.io`.
    pub bare: bool,
    pub tag: TagState<'q>,
    pub digest: Option<&'q str>,
    pub artifact: Artifact,
    /// The chart that is fetched from a repository, where it is known.
    pub chart: Option<&'q str>,
}

/// The head of a name gives way to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// How many of the canonical segments give way.
    pub taken: usize,
    /// What they give way to: host and path, no slash at the end.
    pub to: String,
    /// Whether the tag loses its leading `v`.
    pub strip_v: bool,
}

/// What the rules say of a name.
#[derive(Debug)]
pub struct Verdict<'r> {
    pub rule: &'r Rule,
    pub summary: &'r str,
    pub severity: Severity,
    /// The new location, if there is one to show.
    pub target: Option<Move>,
    /// How far the rule trusts the move. Where it is in the file may lower it.
    pub applicability: Applicability,
    /// Why the fix is not as safe as the rule, or why there is none.
    pub reason: Option<String>,
    /// What registries answered, where they were asked.
    pub verified: Option<Verified>,
    /// The digest that the fix adds beside the tag, where that was asked for.
    pub pin: Option<String>,
}

/// What registries answered about a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub outcome: Availability,
    /// Of the image at the new location, where it exists.
    pub digest: Option<String>,
    /// For people, on one line.
    pub text: String,
}

/// How a move was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Both locations have the same image.
    SameDigest,
    /// The new location has the image; whether it is the same is not known.
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

    /// The one of a name.
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

/// The whole name after the move.
pub(super) fn moved(target: &Move, query: &Query<'_>) -> String {
    let tail = &query.segments[target.taken.min(query.segments.len())..];
    std::iter::once(target.to.as_str())
        .chain(tail.iter().copied())
        .collect::<Vec<_>>()
        .join("/")
}

/// Lowers the trust, and keeps the reason of the lowest.
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
