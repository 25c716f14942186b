//! Comparisons in templates: a fix that changes the result of one would change more in the output than an image.
//!
//! Knows no chart, and no tree of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use regex::RegexBuilder;

use super::image::{Image, Part};
use crate::edit::{Edit, FileEdit};
use crate::image;

/// The size limit of a compiled regular expression, in bytes.
const LARGEST: usize = 1 << 20;

/// A value that a template compares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Compared {
    /// The value, in pieces. Its reader is the template, with the line of the call.
    pub value: Image,
    /// `eq`, `contains`, `regexMatch`, ...
    pub function: &'static str,
    /// Whether the value is the text that is searched, as in `contains "a" .Values.b`.
    pub is_looked_through: bool,
    /// The other arguments.
    pub with: Vec<Part>,
}

impl Compared {
    /// Whether edits of the arguments change the result.
    pub(super) fn is_turned_by(&self, edits: &[(&Path, &Edit)]) -> bool {
        let with = self.with.iter().map(|part| part.after(edits));
        let with: Option<Vec<String>> = with.collect();
        let after = self.value.after(edits).zip(with);
        match after {
            Some((value, with)) => self.outcome(&value, &with) != self.outcome_now(),
            // An unknown result is left to the check of the images.
            None => false,
        }
    }

    /// Returns the edit of a literal that keeps the result when the value is edited: `contains "k8s.gcr.io/app"
    /// .Values.image`. `None` if no literal of the call is a registry, alone or with a path, that the value begins
    /// with.
    pub(super) fn follow(&self, edits: &[(&Path, &Edit)]) -> Option<FileEdit> {
        let before = self.value.text();
        let after = self.value.after(edits)?;
        let named = |part: &&Part| {
            let registry = part.text.split('/').next().unwrap_or_default();
            image::is_registry_host(registry) && before.starts_with(&part.text)
        };
        let literal = self.with.iter().find(named)?;
        let at = literal.at.as_ref();
        let at = at.filter(|at| at.verbatim && !at.is_value)?;
        // The part of the value after the literal must stay.
        let text = after.strip_suffix(&before[literal.text.len()..])?;
        Some(FileEdit {
            path: Arc::clone(&at.path),
            edit: Edit::new(at.span, text),
        })
    }

    pub(super) fn reason(&self) -> String {
        format!(
            "{}: the chart would render other things, too",
            self.describe()
        )
    }

    /// Describes the comparison for people.
    pub(super) fn describe(&self) -> String {
        let with = self.texts().join("`, `");
        format!("{} compares this value with `{with}`", self.value.reader)
    }

    fn texts(&self) -> Vec<String> {
        self.with.iter().map(|part| part.text.clone()).collect()
    }

    fn outcome_now(&self) -> Option<String> {
        self.outcome(&self.value.text(), &self.texts())
    }

    /// Returns the result of the call for a text; `None` if it is not known.
    fn outcome(&self, text: &str, with: &[String]) -> Option<String> {
        let first = || with.first().map(String::as_str);
        let is = match self.function {
            "eq" | "ne" => with.iter().any(|one| one == text),
            "contains" | "replace" if self.is_looked_through => text.contains(first()?),
            "contains" => first()?.contains(text),
            "hasPrefix" | "trimPrefix" if self.is_looked_through => text.starts_with(first()?),
            "hasPrefix" => first()?.starts_with(text),
            "hasSuffix" | "trimSuffix" if self.is_looked_through => text.ends_with(first()?),
            "hasSuffix" => first()?.ends_with(text),
            "regexMatch" | "mustRegexMatch" | "regexFind" if self.is_looked_through => {
                let mut expression = RegexBuilder::new(first()?);
                let expression = expression.size_limit(LARGEST).build().ok()?;
                let found = expression.find(text);
                return Some(found.map_or_else(String::new, |found| match self.function {
                    "regexFind" => found.as_str().to_owned(),
                    _ => "matches".to_owned(),
                }));
            }
            _ => return None,
        };
        Some(is.to_string())
    }
}

/// Returns the reason if a comparison that both renderings make changes its result, so that more than images may
/// change.
pub(super) fn turned(before: &[Compared], after: &[Compared]) -> Option<String> {
    let call = |one: &Compared| (one.value.reader.clone(), one.function, one.texts());
    let outcomes = |all: &[Compared]| {
        let mut outcomes: BTreeMap<_, BTreeSet<Option<String>>> = BTreeMap::new();
        for one in all {
            let outcome = one.outcome_now();
            outcomes.entry(call(one)).or_default().insert(outcome);
        }
        outcomes
    };
    let (earlier, later) = (outcomes(before), outcomes(after));
    let is_turned = |one: &&Compared| {
        let call = call(one);
        later
            .get(&call)
            .is_some_and(|outcome| earlier.get(&call) != Some(outcome))
    };
    before.iter().find(is_turned).map(Compared::reason)
}
