//! Findings, as programs that embed regfix get them.

use crate::edit::Applicability;
use crate::finding;
use crate::rules::Severity;
use crate::run::Judged;
use crate::source::LineIndex;

/// A reference that a rule applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The id of the rule, such as `k8s-gcr-io`.
    pub rule: String,
    pub severity: Severity,
    /// What is wrong, in one line, without the reference.
    pub message: String,
    /// The reference as it is written. Pieces that are written apart are joined.
    pub old: String,
    /// The reference that takes its place, if there is one.
    pub new: Option<String>,
    /// Of the name, without tag and digest; of a name in several pieces the first one.
    pub location: Location,
    /// How the reference is used: `pull`, `selector`, `compared`, `observed`, `pushed`, `mention` or `unknown`. The manual
    /// explains them in `docs/usages.md`. `None` for findings about ignore comments.
    pub usage: Option<&'static str>,
    pub safety: Safety,
    /// Why the fix needs review, or why there is none.
    pub reason: Option<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// Where to read more.
    pub url: Option<String>,
}

/// How far a fix can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Safety {
    /// What was pulled before is pulled after. `regfix --write` applies it.
    Safe,
    /// Applied only on request: `regfix --write --unsafe-fixes`.
    NeedsReview,
    /// There is no fix that could be applied.
    NoFix,
}

/// Where something is in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Location {
    /// The first byte, and the one after the last.
    pub start: usize,
    pub end: usize,
    /// Of the first byte, counted from 1; columns in characters.
    pub line: usize,
    pub column: usize,
}

impl Finding {
    pub(super) fn of(found: &finding::Finding, lines: &LineIndex) -> Self {
        let span = found.span();
        let position = lines.position(span.start);
        Self {
            rule: found.rule.to_string(),
            severity: found.severity,
            message: found.message.clone(),
            old: found.old.clone(),
            new: found.new.clone(),
            location: Location {
                start: span.start,
                end: span.end,
                line: position.line,
                column: position.column,
            },
            usage: found.usage.map(|usage| usage.name()),
            safety: match found.applicability() {
                Some(Applicability::Safe) => Safety::Safe,
                Some(Applicability::Unsafe) => Safety::NeedsReview,
                Some(Applicability::Display) | None => Safety::NoFix,
            },
            reason: found.reason.clone(),
            notes: found.notes.clone(),
            url: found.url.clone(),
        }
    }
}

/// Something in a file that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    pub message: String,
    /// Line and column, counted from 1, where they are known.
    pub position: Option<(usize, usize)>,
}

impl Problem {
    pub(super) fn all(judged: &Judged, lines: &LineIndex) -> Vec<Self> {
        let position = |offset: usize| {
            let position = lines.position(offset);
            (position.line, position.column)
        };
        let problems = judged.problems.iter();
        let all = problems.map(|problem| Self {
            message: problem.message.clone(),
            position: problem.offset.map(position),
        });
        all.collect()
    }
}
