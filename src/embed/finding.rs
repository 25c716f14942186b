//! Findings, as the public interface of the library returns them.

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
    /// The reference as written. Pieces that are written separately are joined.
    pub old: String,
    /// The replacement, if there is one.
    pub new: Option<String>,
    /// The location of the name, without tag and digest. If the name is in several pieces, this is the first one.
    pub location: Location,
    /// How the reference is used: `pull`, `selector`, `compared`, `observed`, `pushed`, `mention` or `unknown`. The manual
    /// explains them in `docs/usages.md`. `None` for findings about ignore comments.
    pub usage: Option<&'static str>,
    pub safety: Safety,
    /// Why the fix needs review, or why there is none.
    pub reason: Option<String>,
    /// Additional notes.
    pub notes: Vec<String>,
    /// Where to read more.
    pub url: Option<String>,
}

/// How far a fix can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Safety {
    /// The same image is pulled after the fix. `regfix --write` applies it.
    Safe,
    /// Applied only on request: `regfix --write --unsafe-fixes`.
    NeedsReview,
    /// There is no fix that can be applied.
    NoFix,
}

/// A range of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Location {
    /// The offset of the first byte. `end` is the offset after the last one.
    pub start: usize,
    pub end: usize,
    /// The line of `start`, counted from 1. `column` is counted from 1 too, in characters.
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

/// A part of a file that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    pub message: String,
    /// Line and column, counted from 1, if they are known.
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
