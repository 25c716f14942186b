//! Findings: a rule that matched an image use, with its location, its message and its fix.
//!
//! Plain data: formats render it, the writer applies it.

mod findings;

use std::borrow::Cow;
use std::sync::Arc;

pub use crate::detect::{Object, Usage};
use crate::edit::{Applicability, Edit, Fix};
pub use crate::rules::Severity;
pub use crate::rules::Verified;
use crate::rules::alternatives::Alternative;
use crate::source::{Position, Span};

pub use findings::{Findings, Id};

/// A rule that matched an image use.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Assigned by the [`Findings`] that hold it.
    pub id: Id,
    /// The rule's id, or one of [`NOT_RULES`].
    pub rule: Arc<str>,
    pub severity: Severity,
    /// One line, without the reference.
    pub message: String,
    /// Where to look, and what is there: one label per piece.
    pub labels: Vec<Label>,
    /// The reference as written, pieces joined.
    pub old: String,
    /// The reference after the move.
    pub new: Option<String>,
    pub fix: Option<Fix>,
    /// Why the fix is less than safe, or why there is none.
    pub reason: Option<String>,
    /// Other locations that it has to do with, such as the default of a subchart that comes from an archive.
    pub related: Vec<Related>,
    /// Additional notes, such as the version of a chart that is clean.
    pub notes: Vec<String>,
    /// What registries answered, if they were asked.
    pub verified: Option<Verified>,
    /// Images that others chose instead: suggestions for people, never written.
    pub alternatives: Vec<Alternative>,
    /// Where to read more.
    pub url: Option<String>,
    /// Whether the location only mentions the registry.
    pub mention: bool,
    /// How the reference is used. `None` for findings about ignore comments.
    pub usage: Option<Usage>,
    /// The live object that names it.
    pub object: Option<Arc<Object>>,
}

/// A legacy location whose usage is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjudged {
    /// The rule that would apply to the name.
    pub rule: Arc<str>,
    pub span: Span,
    pub reason: Cow<'static, str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

impl Label {
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { span, text }
    }
}

/// A location in another file, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// A path, which may lead into an archive: `charts/stack-1.0.0.tgz!stack/values.yaml`.
    pub place: String,
    pub position: Option<Position>,
    pub text: String,
}

impl Related {
    /// Returns the path of the archive, if the location is in one.
    pub fn archive(&self) -> Option<&str> {
        let (mark, suffix) = (".tgz!", 1);
        let end = self.place.find(mark)? + mark.len() - suffix;
        Some(&self.place[..end])
    }

    /// Returns the location as shown to people, with line and column if they are known.
    pub fn shown_place(&self) -> String {
        match self.position {
            Some(Position { line, column }) => format!("{}:{line}:{column}", self.place),
            None => self.place.clone(),
        }
    }
}

/// The id of findings about ignore comments that suppress nothing.
pub const IGNORE_UNUSED: &str = "unused-ignore";

/// The id of findings about ignore comments that have expired.
pub const IGNORE_EXPIRED: &str = "expired-ignore";

/// The id of findings about charts whose version has legacy defaults.
pub const LEGACY_CHART: &str = "legacy-chart-version";

/// Ids that are reported, selected, ignored and given a severity like rules but are not rules about images, with descriptions.
pub const NOT_RULES: [(&str, &str); 3] = [
    (
        IGNORE_EXPIRED,
        "An ignore comment has expired, and what it suppressed is reported again. Fix that, or give the comment \
         a later date.",
    ),
    (
        LEGACY_CHART,
        "This version of a chart pulls legacy images by default. Use the first clean version, or override the images \
         in the chart's values.",
    ),
    (
        IGNORE_UNUSED,
        "An ignore comment suppresses nothing or is not valid. Remove or correct it.",
    ),
];

const PINS: &str = "it adds the digest that was verified: the tag is no longer followed";

const NOT_PINNED: &str =
    "no digest is added: no template of the chart was seen to make `@sha256:` of it";

/// Returns the description of one of [`NOT_RULES`].
pub fn about(id: &str) -> Option<&'static str> {
    let mut all = NOT_RULES.iter();
    all.find_map(|(own, about)| (*own == id).then_some(*about))
}

impl Finding {
    /// Returns a finding without a fix or other details.
    pub fn new(
        rule: &str,
        severity: Severity,
        message: String,
        labels: Vec<Label>,
        old: String,
    ) -> Self {
        Self {
            id: Id::default(),
            rule: Arc::from(rule),
            severity,
            message,
            labels,
            old,
            new: None,
            fix: None,
            reason: None,
            related: Vec::new(),
            notes: Vec::new(),
            verified: None,
            alternatives: Vec::new(),
            url: None,
            mention: false,
            usage: None,
            object: None,
        }
    }

    /// Returns the reference without its tag, so that a new tag does not make a new finding.
    pub fn name(&self) -> &str {
        let old = &self.old;
        if [IGNORE_UNUSED, IGNORE_EXPIRED].contains(&&*self.rule) {
            return old;
        }
        if *self.rule == *LEGACY_CHART {
            return old.split(' ').next().unwrap_or_default();
        }
        let last = old.rfind('/').map_or(0, |slash| slash + 1);
        let tag = old[last..].find(':');
        tag.map_or(old, |colon| &old[..last + colon])
    }

    /// How far its fix can be trusted, if there is one.
    pub fn applicability(&self) -> Option<Applicability> {
        self.fix.as_ref().map(|fix| fix.applicability)
    }

    /// Whether it is more than a mention, and its fix is safe.
    pub fn has_safe_fix(&self) -> bool {
        !self.mention && self.applicability() == Some(Applicability::Safe)
    }

    /// Whether an ignore comment for it makes sense: a mention is only for information, and a wrong ignore comment is not a
    /// reason for another one.
    pub fn is_ignorable(&self) -> bool {
        !self.mention && ![IGNORE_UNUSED, IGNORE_EXPIRED].contains(&&*self.rule)
    }

    /// The message and the reference, before and after.
    pub fn with_move(&self) -> String {
        let (message, old) = (&self.message, &self.old);
        match (&self.new, self.beside_message()) {
            (Some(new), _) => format!("{message}: {old} → {new}"),
            (None, None) => message.clone(),
            (None, Some(old)) => format!("{message}: {old}"),
        }
    }

    /// Returns the reference as written, if the message does not contain it.
    pub fn beside_message(&self) -> Option<&str> {
        let is_said = self.old.is_empty() || *self.rule == *LEGACY_CHART;
        (!is_said).then_some(&self.old)
    }

    /// The message, the reference, and the remarks in brackets.
    pub fn with_remarks(&self) -> String {
        match self.remarks().as_slice() {
            [] => self.with_move(),
            remarks => format!("{} ({})", self.with_move(), remarks.join("; ")),
        }
    }

    /// Returns what follows the message: the reason, the answers of registries and the notes, if there are any.
    pub fn remarks(&self) -> Vec<&str> {
        let reason = self.reason.as_deref().filter(|_| !self.mention);
        let verified = self
            .verified
            .as_ref()
            .map(|verified| verified.text.as_str());
        reason
            .into_iter()
            .chain(verified)
            .chain(self.notes.iter().map(String::as_str))
            .collect()
    }

    /// Adds the verified digest to the fix, which then needs review. If only a chart's templates can say how the digest is
    /// written, and they do not, adds a note instead.
    pub fn pin(&mut self) {
        let Some(fix) = &mut self.fix else {
            return;
        };
        let written = fix.applicability.is_written();
        let Some(pin) = fix.pin.take().filter(|_| written) else {
            return;
        };
        let text = pin.spellings.into_iter().next();
        let Some(text) = text.filter(|_| !pin.needs_proof) else {
            self.notes.push(NOT_PINNED.to_owned());
            return;
        };
        fix.edits.push(Edit::new(pin.span, text));
        if let Some(new) = &mut self.new {
            new.push('@');
            new.push_str(&pin.digest);
        }
        self.doubt(PINS);
    }

    /// Replaces the fix, but keeps the digest of the old one.
    pub fn replace_fix(&mut self, fix: Fix) {
        let pin = self.fix.take().and_then(|before| before.pin);
        self.fix = Some(Fix { pin, ..fix });
    }

    /// Removes the fix, and says why there is none.
    pub fn block(&mut self, reason: String) {
        self.fix = None;
        self.reason = Some(reason);
    }

    /// Marks a safe fix as in need of review, and says why.
    pub fn doubt(&mut self, reason: &str) {
        self.limit(Applicability::Unsafe, reason);
    }

    /// Lowers the trust in the fix, and says why.
    pub fn limit(&mut self, most: Applicability, reason: &str) {
        if let Some(fix) = self.fix.as_mut().filter(|fix| fix.applicability > most) {
            fix.applicability = most;
            self.reason = Some(reason.to_owned());
        }
    }

    /// The first location.
    pub fn span(&self) -> Span {
        self.labels
            .first()
            .map_or(Span { start: 0, end: 0 }, |label| label.span)
    }
}

/// The identity of a finding, which stays the same when the lines around it shift.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub rule: Arc<str>,
    /// The reference as written, without its tag.
    pub image: String,
    /// The location in the file's structure, such as `spec.containers[name=app].image`; empty if the text has no structure.
    pub at: String,
}

/// A finding whose fix was applied.
#[derive(Debug, Clone)]
pub struct Fixed {
    pub finding: Finding,
    /// The location before the fix.
    pub position: Position,
}

/// Why part of a file could not be checked or fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub offset: Option<usize>,
    pub message: String,
    /// Whether it makes the run fail (exit code 2), or is only counted.
    pub fatal: bool,
}

impl Problem {
    pub fn new(offset: Option<usize>, message: impl Into<String>, fatal: bool) -> Self {
        Self {
            offset,
            message: message.into(),
            fatal,
        }
    }
}
