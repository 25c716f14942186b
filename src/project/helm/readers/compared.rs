//! What templates compare values with: a fix that turns the outcome makes the chart render more than another image.
//!
//! Knows no chart, and no tree of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::RegexBuilder;

use super::image::Image;
use crate::edit::Edit;

/// The largest program that an expression may become.
const LARGEST: usize = 1 << 20;

/// A value that a template compares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Compared {
    /// Piece by piece. Its reader is the template, with the line of the call.
    pub value: Image,
    /// `eq`, `contains`, `regexMatch`, ...
    pub function: &'static str,
    /// Whether what is looked for comes first, as in `contains "a" .Values.b`, and the value is what is looked through.
    pub is_looked_through: bool,
    pub with: Vec<String>,
}

impl Compared {
    /// Whether edits of what the value is written in turn the outcome.
    pub(super) fn is_turned_by(&self, edits: &[(&Path, &Edit)]) -> bool {
        let before = self.value.text();
        match self.value.after(edits) {
            Some(after) => after != before && self.outcome(&after) != self.outcome(&before),
            // What cannot be foreseen is for the images to say.
            None => false,
        }
    }

    pub(super) fn reason(&self) -> String {
        format!(
            "{} compares this value with `{}`: the chart would render other things, too",
            self.value.reader,
            self.with.join("`, `")
        )
    }

    /// What the call gives for a text; `None` where that is not known.
    fn outcome(&self, text: &str) -> Option<String> {
        let with = || self.with.first().map(String::as_str);
        let is = match self.function {
            "eq" | "ne" => self.with.iter().any(|one| one == text),
            "contains" if self.is_looked_through => text.contains(with()?),
            "contains" => with()?.contains(text),
            "hasPrefix" if self.is_looked_through => text.starts_with(with()?),
            "hasPrefix" => with()?.starts_with(text),
            "hasSuffix" if self.is_looked_through => text.ends_with(with()?),
            "hasSuffix" => with()?.ends_with(text),
            "regexMatch" | "mustRegexMatch" | "regexFind" if self.is_looked_through => {
                let mut expression = RegexBuilder::new(with()?);
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

/// Why one rendering is more than another with other images: a comparison that both make has another outcome.
pub(super) fn turned(before: &[Compared], after: &[Compared]) -> Option<String> {
    let outcomes = |all: &[Compared]| {
        let mut outcomes: BTreeMap<_, BTreeSet<Option<String>>> = BTreeMap::new();
        for one in all {
            let call = (one.value.reader.clone(), one.function, one.with.clone());
            let outcome = one.outcome(&one.value.text());
            outcomes.entry(call).or_default().insert(outcome);
        }
        outcomes
    };
    let (earlier, later) = (outcomes(before), outcomes(after));
    let is_turned = |one: &&Compared| {
        let call = (one.value.reader.clone(), one.function, one.with.clone());
        later
            .get(&call)
            .is_some_and(|outcome| earlier.get(&call) != Some(outcome))
    };
    before.iter().find(is_turned).map(Compared::reason)
}
