//! The page of a rule.

use crate::cli::text::Page;
use crate::report::RenderOptions;
use crate::rules::{Evidence, Rule, RuleSet, description};

use super::image::judged;

pub(super) fn page(rule: &Rule, rules: &RuleSet, render_options: RenderOptions) -> String {
    let mut page = Page::new(render_options);
    page.title(&rule.id, &format!(" ({})", rule.severity.name()));
    page.paragraph(&rule.summary);
    page.heading("What");
    for mapping in rule.mappings() {
        let scope = if mapping.from.exact {
            ""
        } else {
            " and everything below"
        };
        let to = mapping.to.as_ref().map(|to| format!(" → {to}"));
        page.paragraph(&format!(
            "{}{scope}{}",
            mapping.from.as_str(),
            to.unwrap_or_default()
        ));
    }
    for sentence in description::scope(rule) {
        page.paragraph(&sentence);
    }
    // A user's own rule may have no reason and no dates.
    if !rule.why().is_empty() {
        page.heading("Why");
        page.paragraph(rule.why());
    }
    let mut since = description::since(rule)
        .into_iter()
        .filter(|line| !line.is_empty());
    if let Some(first) = since.next() {
        page.heading("Since");
        page.paragraph(&first);
    }
    since.for_each(|date| page.item(&date));
    page.heading("Example");
    page.verbatim(&rule.example);
    // The outcome of a check of the rule's own example.
    if let Some((_, new)) = judged(&rule.example, rules).filter(|(id, _)| *id == rule.id) {
        new.iter().for_each(|line| page.paragraph(line));
    }
    page.heading("How safe");
    page.paragraph(description::safety(rule));
    if let Some(evidence) = description::evidence(rule) {
        page.paragraph(evidence);
    }
    rule.cautions()
        .iter()
        .for_each(|caution| page.item(caution));
    if !rule.sources().is_empty() {
        page.heading(match rule.evidence() {
            Some(Evidence::ThirdParty) => "Sources (third parties)",
            _ => "Sources",
        });
    }
    rule.sources().iter().for_each(|url| page.verbatim(url));
    page.finish()
}
