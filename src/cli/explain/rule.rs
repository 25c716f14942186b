//! The page of a rule.

use crate::cli::text::Page;
use crate::report::Look;
use crate::rules::schema::{Evidence, TagsSpec};
use crate::rules::{Rule, RuleSet, Safety};

use super::image::judged;

pub(super) fn page(rule: &Rule, rules: &RuleSet, look: Look) -> String {
    let mut page = Page::new(look);
    page.title(&rule.id, &format!(" ({})", rule.severity.name()));
    page.paragraph(&rule.summary);
    page.heading("What");
    for mapping in rule.mappings() {
        let scope = if mapping.from.exact {
            ""
        } else {
            " and all below"
        };
        let to = mapping.to.as_ref().map(|to| format!(" → {to}"));
        page.paragraph(&format!(
            "{}{scope}{}",
            mapping.from.as_str(),
            to.unwrap_or_default()
        ));
    }
    scope(&mut page, rule);
    page.heading("Why");
    page.paragraph(rule.why());
    page.heading("Since");
    let since = rule.since().map(|since| format!("{since}: "));
    page.paragraph(&format!("{}{}", since.unwrap_or_default(), rule.state()));
    for date in rule.dates() {
        let severity = date.severity.map(|severity| {
            let severity = severity.name();
            format!(" (severity {severity} from then on)")
        });
        page.item(&format!(
            "{}: {}{}",
            date.when,
            date.what,
            severity.unwrap_or_default()
        ));
    }
    page.heading("Example");
    page.verbatim(&rule.example);
    // What a check makes of the rule's own example.
    if let Some((_, new)) = judged(&rule.example, rules).filter(|(id, _)| *id == rule.id) {
        new.iter().for_each(|line| page.verbatim(line));
    }
    page.heading("How safe");
    page.paragraph(safety(rule));
    if let Some(evidence) = rule.evidence() {
        page.paragraph(match evidence {
            Evidence::Authoritative => "Confirmed by the owner.",
            Evidence::Maintainer => "Confirmed by a maintainer.",
            Evidence::ThirdParty => "Known from third parties only.",
        });
    }
    rule.cautions()
        .iter()
        .for_each(|caution| page.item(caution));
    page.heading("Sources");
    rule.sources().iter().for_each(|url| page.verbatim(url));
    page.finish()
}

/// What the rule does not cover, of the locations that it names.
fn scope(page: &mut Page, rule: &Rule) {
    let list = |items: &[String]| items.join(", ");
    if !rule.except().is_empty() {
        page.paragraph(&format!("Except {}.", list(rule.except())));
    }
    if !rule.charts().is_empty() {
        page.paragraph(&format!("Only the charts {}.", list(rule.charts())));
    }
    if let Some(tags) = rule.tags() {
        page.paragraph(&tags_covered(tags));
    }
    if !rule.unavailable_tags().is_empty() {
        let unavailable = list(rule.unavailable_tags());
        page.paragraph(&format!(
            "Not at the new location: tags with {unavailable}."
        ));
    }
    if let Some(limit) = rule.tags_below() {
        page.paragraph(&format!("Only tags below {limit} are at the new location."));
    }
    if let Some(fallback) = rule.fallback() {
        page.paragraph(&format!("Other tags may be at {fallback}."));
    }
}

/// `Only the tags latest and none.`
pub(super) fn tags_covered(tags: &TagsSpec) -> String {
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

fn safety(rule: &Rule) -> &'static str {
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
            "No automatic fix: there is no replacement that is known to hold the same."
        }
    }
}
