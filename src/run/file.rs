//! One file through all steps: check, suppress, adjust, and fix until nothing changes any more.
//!
//! Text in, text and findings out. Knows no disk and no format.

use std::path::Path;

use crate::check;
use crate::config::Config;
use crate::edit::{self, Applicability};
use crate::finding::{Finding, Fixed, Problem};
use crate::kind::Kind;
use crate::project::kustomize::Selections;
use crate::rules::RuleSet;
use crate::rules::anchors::Anchors;
use crate::rules::select::Names;
use crate::source::LineIndex;
use crate::suppress;

/// A fix can make work for another rule, but not for ever: a user's rules may go round in a circle.
const MOST_PASSES: usize = 8;

/// What a run asks of every file.
#[derive(Debug)]
pub(super) struct Judge<'r> {
    pub rules: &'r RuleSet,
    pub anchors: &'r Anchors,
    pub config: &'r Config,
    /// What kustomizations select in files beside them.
    pub selections: Selections,
    /// The ids that an ignore comment may name.
    pub names: Names,
    /// Fixes trusted at least as far are applied. `None` where nothing is.
    pub fix: Option<Applicability>,
}

/// What a file came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// After the fixes; as it was where there were none.
    pub text: String,
    /// Those left, in `text`.
    pub left: Vec<Finding>,
    pub fixed: Vec<Fixed>,
    pub problems: Vec<Problem>,
    pub suppressed: usize,
}

impl Judge<'_> {
    /// Takes one file through all steps.
    pub(super) fn file(&self, path: &Path, text: String, kind: &Kind) -> Outcome {
        let mut outcome = Outcome {
            text,
            ..Outcome::default()
        };
        for pass in 0.. {
            let found = self.findings(path, &outcome.text, kind);
            outcome.left = found.left;
            outcome.problems = found.problems;
            outcome.suppressed = found.suppressed;
            let Some(limit) = self.fix.filter(|_| pass < MOST_PASSES) else {
                break;
            };
            if !outcome.fix(limit) {
                break;
            }
        }
        if let Some(limit) = self.fix {
            outcome.say_why_left(limit);
        }
        outcome
    }

    /// What there is to find in a file, with nothing fixed.
    pub(super) fn look(&self, path: &Path, text: &str, kind: &Kind) -> Outcome {
        Outcome {
            text: text.to_owned(),
            ..self.findings(path, text, kind)
        }
    }

    fn findings(&self, path: &Path, text: &str, kind: &Kind) -> Outcome {
        if !self.anchors.occur_in(text.as_bytes()) {
            return Outcome::default();
        }
        let hints = self.anchors.hints(text.as_bytes());
        let checked = check::check_near(path, text, kind, self.rules, Some(&hints));
        let lines = LineIndex::new(text);
        let kept = suppress::apply(
            text,
            &lines,
            &checked.comments,
            &self.names,
            checked.findings,
        );
        let mut left = kept.left;
        self.selections.hold_back(path, &mut left);
        let dropped = self.config.adjust(path, &mut left);
        Outcome {
            text: String::new(),
            left,
            fixed: Vec::new(),
            problems: checked.problems,
            suppressed: kept.suppressed.len() + dropped,
        }
    }
}

impl Outcome {
    /// Applies what is trusted far enough. `false` where nothing changed.
    fn fix(&mut self, limit: Applicability) -> bool {
        let fixes = self.left.iter().filter_map(|finding| finding.fix.as_ref());
        let applied = edit::apply(&self.text, fixes, limit);
        if applied.text == self.text {
            return false;
        }
        let lines = LineIndex::new(&self.text);
        let mut accepted = applied.accepted.into_iter();
        for finding in std::mem::take(&mut self.left) {
            if finding.fix.is_some() && accepted.next() == Some(true) {
                let position = lines.position(&self.text, finding.span().start);
                self.fixed.push(Fixed { finding, position });
            }
        }
        self.text = applied.text;
        true
    }

    /// A fix that is trusted far enough is left only where it is at odds with another.
    fn say_why_left(&mut self, limit: Applicability) {
        for finding in &mut self.left {
            if finding
                .fix
                .as_ref()
                .is_some_and(|fix| fix.applicability >= limit)
            {
                finding.reason = Some("another fix changes the same text".to_owned());
            }
        }
    }
}
