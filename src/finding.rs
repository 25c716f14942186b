//! What a check finds: a rule that matched a site, with its place, its words and its fix.
//!
//! Plain data: formats render it, the writer applies it.

use std::sync::Arc;

use crate::edit::Fix;
pub use crate::rules::Severity;
use crate::source::{Position, Span};

/// A rule that matched a site.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule's id, or [`IGNORE_UNUSED`].
    pub rule: Arc<str>,
    pub severity: Severity,
    /// One line, without the reference.
    pub message: String,
    /// Where to look, and what stands there: one span a piece.
    pub labels: Vec<Label>,
    /// The reference as it stands, pieces joined.
    pub old: String,
    /// The reference after the move.
    pub new: Option<String>,
    pub fix: Option<Fix>,
    /// Why the fix is less than safe, or why there is none.
    pub reason: Option<String>,
    /// Other places that it has to do with, such as the default of a subchart that comes from an archive.
    pub related: Vec<Related>,
    /// Where to read more.
    pub url: Option<String>,
    /// The place only speaks about the registry.
    pub mention: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// A place in another file, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// A path, or the way through an archive: `charts/stack-1.0.0.tgz!stack/values.yaml`.
    pub place: String,
    pub position: Option<Position>,
    pub text: String,
}

/// What is said of an ignore comment that suppresses nothing.
pub const IGNORE_UNUSED: &str = "unused-ignore";

impl Finding {
    /// The first place.
    pub fn span(&self) -> Span {
        self.labels
            .first()
            .map_or(Span { start: 0, end: 0 }, |label| label.span)
    }
}

/// A finding whose fix was applied.
#[derive(Debug, Clone)]
pub struct Fixed {
    pub finding: Finding,
    /// Where it stood before.
    pub position: Position,
}

/// Something that kept part of the job from being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub offset: Option<usize>,
    pub message: String,
    /// Whether it makes the run fail (exit code 2), or is only counted.
    pub fatal: bool,
}
