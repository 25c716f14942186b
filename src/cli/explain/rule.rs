//! The page of a rule.

use crate::cli::text::Page;
use crate::report::Look;
use crate::rules::{Rule, RuleSet, words};

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
    for sentence in words::scope(rule) {
        page.paragraph(&sentence);
    }
    page.heading("Why");
    page.paragraph(rule.why());
    page.heading("Since");
    let mut since = words::since(rule).into_iter();
    page.paragraph(&since.next().unwrap_or_default());
    since.for_each(|date| page.item(&date));
    page.heading("Example");
    page.verbatim(&rule.example);
    // What a check makes of the rule's own example.
    if let Some((_, new)) = judged(&rule.example, rules).filter(|(id, _)| *id == rule.id) {
        new.iter().for_each(|line| page.verbatim(line));
    }
    page.heading("How safe");
    page.paragraph(words::safety(rule));
    if let Some(evidence) = words::evidence(rule) {
        page.paragraph(evidence);
    }
    rule.cautions()
        .iter()
        .for_each(|caution| page.item(caution));
    page.heading("Sources");
    rule.sources().iter().for_each(|url| page.verbatim(url));
    page.finish()
}
