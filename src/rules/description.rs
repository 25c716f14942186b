//! Describes rules in words, for `regfix explain` and the pages in `docs/rules/`.

use super::schema::{Evidence, TagsSpec};
use super::{Rule, Safety};

/// Whether and when a fix is applied.
pub fn safety(rule: &Rule) -> &'static str {
    match (rule.safety, rule.is_gated()) {
        (Safety::Safe, true) => {
            "Safe for tags known to exist at the new location: `--write` applies the fix. Other tags need review; \
             `--write --unsafe-fixes` applies those."
        }
        (Safety::Safe, false) => {
            "Safe: the same images and tags are at the new location, so `--write` applies the fix."
        }
        (Safety::Review, true) => {
            "Needs review: applied only with `--write --unsafe-fixes`, and only for tags known to exist at the new \
             location."
        }
        (Safety::Review, false) => "Needs review: applied only with `--write --unsafe-fixes`.",
        (Safety::ReportOnly, _) => {
            "No automatic fix: no replacement with the same contents is known."
        }
    }
}

/// Describes how well the move is confirmed.
pub fn evidence(rule: &Rule) -> Option<&'static str> {
    Some(match rule.evidence()? {
        Evidence::Authoritative => "Confirmed by the owner.",
        Evidence::Maintainer => "Confirmed by a maintainer.",
        Evidence::ThirdParty => "Known from third parties only.",
    })
}

/// Returns the exceptions and limits of the rule, one sentence each.
pub fn scope(rule: &Rule) -> Vec<String> {
    let list = |items: &[String]| items.join(", ");
    let some = |items: &[String]| (!items.is_empty()).then(|| list(items));
    let parts = [
        some(rule.except()).map(|names| format!("Except {names}.")),
        some(rule.charts()).map(|charts| format!("Only the charts {charts}.")),
        rule.tags().map(tags_covered),
        some(rule.unavailable_tags())
            .map(|tags| format!("Not at the new location: tags with {tags}.")),
        rule.tags_below()
            .map(|limit| format!("Only tags below {limit} are at the new location.")),
        rule.fallback()
            .map(|fallback| format!("Other tags may be at {fallback}.")),
    ];
    parts.into_iter().flatten().collect()
}

/// Describes the tags: `Tags: only with latest, no tag.`
pub fn tags_covered(tags: &TagsSpec) -> String {
    let none = |tag: &String| match tag.as_str() {
        "none" => "no tag".to_owned(),
        tag => tag.to_owned(),
    };
    let list = |tags: &[String]| tags.iter().map(none).collect::<Vec<_>>().join(", ");
    let mut parts = Vec::new();
    if !tags.only.is_empty() {
        parts.push(format!("only with {}", list(&tags.only)));
    }
    if !tags.not.is_empty() {
        parts.push(format!("not with {}", list(&tags.not)));
    }
    if let Some(min) = &tags.min {
        parts.push(format!("from {min} on"));
    }
    format!("Tags: {}.", parts.join("; "))
}

/// Describes what happened to the location and what is announced, with dates, one line each.
pub fn since(rule: &Rule) -> Vec<String> {
    let began = rule.since().map(|since| format!("{since}: "));
    let began = format!("{}{}", began.unwrap_or_default(), rule.state());
    let dates = rule.dates().iter().map(|date| {
        let severity = date.severity.map(|severity| {
            let severity = severity.name();
            format!(" (severity {severity} from then on)")
        });
        format!(
            "{}: {}{}",
            date.when,
            date.what,
            severity.unwrap_or_default()
        )
    });
    std::iter::once(began).chain(dates).collect()
}
