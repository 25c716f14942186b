//! The table of rules.

use std::borrow::Cow;

use super::level;
use super::log::{Configuration, Help, Message, ReportingDescriptor, RuleProperties};
use crate::finding;
use crate::report::Summary;
use crate::rules::{Rule, RuleSet};

/// The rule id for a file that could not be analysed.
pub(super) const NOT_ANALYSED: &str = "not-analysed";

/// The rules with results, in the order of the catalogue.
pub(super) fn descriptors<'r>(
    summary: &'r Summary,
    rules: &'r RuleSet,
) -> Vec<ReportingDescriptor<'r>> {
    let reported = |id: &str| summary.by_rule.iter().any(|row| row.rule == id);
    let of_rules = rules.rules().filter(|rule| reported(&rule.id));
    let mut all: Vec<ReportingDescriptor<'r>> = of_rules.map(descriptor).collect();
    let known: Vec<&str> = all.iter().map(|one| one.id).collect();
    let others = summary.by_rule.iter().map(|row| row.rule.as_str());
    let others: Vec<&str> = others.filter(|id| !known.contains(id)).collect();
    all.extend(others.into_iter().map(|id| ReportingDescriptor {
        help_uri: rules.page_of(id).map(Cow::Owned),
        ..plain(id, about(id), "warning")
    }));
    all.push(plain(NOT_ANALYSED, about(NOT_ANALYSED), "note"));
    all
}

/// A description for an id that is not in the catalogue but has findings.
fn about(id: &str) -> &'static str {
    match id {
        NOT_ANALYSED => "A file was not fully analysed",
        id => finding::about(id).unwrap_or("See the message"),
    }
}

fn plain<'r>(id: &'r str, text: &'r str, level: &'static str) -> ReportingDescriptor<'r> {
    ReportingDescriptor {
        id,
        short_description: Message::new(text),
        full_description: Message::new(text),
        help_uri: None,
        help: Help {
            text: text.to_owned(),
            markdown: text.to_owned(),
        },
        default_configuration: Configuration { level },
        properties: RuleProperties::default(),
    }
}

fn descriptor(rule: &Rule) -> ReportingDescriptor<'_> {
    let why = if rule.why().is_empty() {
        &rule.summary
    } else {
        rule.why()
    };
    ReportingDescriptor {
        id: &rule.id,
        short_description: Message::new(rule.summary.as_str()),
        full_description: Message::new(why),
        help_uri: rule.url().map(Cow::Borrowed),
        help: Help {
            text: help(rule, why, ""),
            markdown: help(rule, why, "* "),
        },
        default_configuration: Configuration {
            level: level(rule.severity),
        },
        properties: RuleProperties {
            tags: vec!["container-registry", "deprecation"],
            state: Some(rule.state()).filter(|state| !state.is_empty()),
            safety: Some(rule.safety.name()),
        },
    }
}

/// The help of a rule: why, cautions and sources.
fn help(rule: &Rule, why: &str, bullet: &str) -> String {
    let mut parts = vec![why.to_owned()];
    let list = |items: &[String], open: &str, close: &str| -> String {
        let items = items
            .iter()
            .map(|item| format!("{bullet}{open}{item}{close}"));
        items.collect::<Vec<_>>().join("\n")
    };
    if !rule.cautions().is_empty() {
        parts.push(list(rule.cautions(), "", ""));
    }
    if !rule.sources().is_empty() {
        let (open, close) = if bullet.is_empty() {
            ("", "")
        } else {
            ("<", ">")
        };
        parts.push(list(rule.sources(), open, close));
    }
    parts.join("\n\n")
}
