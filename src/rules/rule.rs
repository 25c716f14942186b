//! A compiled rule: its row with the defaults filled in, and its locations as patterns.

mod of_spec;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::Pattern;
use super::schema::{
    ChangeSpec, DateSpec, DigestPolicy, Evidence, OneOrMany, RuleSpec, Safety, Severity, TagList,
    TagPolicy, TagsSpec,
};
use crate::artifact::Artifact;

/// A rule that is ready to match.
#[derive(Debug, Clone)]
pub struct Rule {
    pub id: String,
    pub artifact: Artifact,
    pub safety: Safety,
    /// The severity on the day of the run.
    pub severity: Severity,
    pub summary: String,
    pub example: String,
    mappings: Vec<Mapping>,
    pub(super) except: Vec<Pattern>,
    /// Whether it comes from regfix or a catalogue, changed or not.
    pub(super) is_built_in: bool,
    /// The page that explains the rule, and its URL template with `{rule}` for the id.
    page: Option<String>,
    page_template: Option<Arc<str>>,
    /// The row that it was compiled from.
    spec: Arc<RuleSpec>,
}

/// One `from` of a rule, with its target and the keys that apply to it.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub from: Pattern,
    pub to: Option<String>,
    pub safety: Safety,
    pub severity: Severity,
    pub summary: Option<String>,
    pub(super) requires_tag_in: Option<TagList>,
    pub(super) tag: TagPolicy,
}

fn listed<T>(list: &Option<Vec<T>>) -> &[T] {
    list.as_deref().unwrap_or_default()
}

impl Rule {
    /// Returns the URL to read more: the page of the rule, or its first source.
    pub fn url(&self) -> Option<&str> {
        let source = || self.sources().first().map(String::as_str);
        self.page.as_deref().or_else(source)
    }

    /// Sets the page that [`Self::url`] returns. `{rule}` in the URL stands for the id.
    pub fn set_page(&mut self, template: &Arc<str>) {
        self.page = Some(template.replace("{rule}", &self.id));
        self.page_template = Some(Arc::clone(template));
    }

    /// Returns the page of another id, if rules have pages.
    pub fn page_of(&self, id: &str) -> Option<String> {
        let template = self.page_template.as_ref()?;
        Some(template.replace("{rule}", id))
    }

    /// Marks a built-in rule whose move the configuration changed. The rule's id vouches only for the original move, so its
    /// fixes need review.
    pub(super) fn distrust(&mut self) {
        let mark = |summary: &mut String| summary.push_str(" (rule changed by the configuration)");
        mark(&mut self.summary);
        self.safety = self.safety.min(Safety::Review);
        for mapping in &mut self.mappings {
            mapping.safety = mapping.safety.min(Safety::Review);
            mapping.summary.iter_mut().for_each(mark);
        }
    }

    /// Whether it comes from regfix or a catalogue. A user may have changed it.
    pub fn is_built_in(&self) -> bool {
        self.is_built_in
    }

    /// Returns the locations, in the order of the row: those of `from`, then those of `also`.
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// Returns what happened to the location, in a few words.
    pub fn state(&self) -> &str {
        self.spec.state.as_deref().unwrap_or_default()
    }

    pub fn since(&self) -> Option<&str> {
        self.spec.since.as_deref()
    }

    pub fn dates(&self) -> &[DateSpec] {
        listed(&self.spec.dates)
    }

    pub fn why(&self) -> &str {
        self.spec.why.as_deref().unwrap_or_default()
    }

    pub fn cautions(&self) -> &[String] {
        listed(&self.spec.cautions)
    }

    pub fn evidence(&self) -> Option<Evidence> {
        self.spec.evidence
    }

    pub fn sources(&self) -> &[String] {
        listed(&self.spec.sources)
    }

    /// Returns when the row was added to the catalogue, and its changes since.
    pub fn history(&self) -> &[ChangeSpec] {
        listed(&self.spec.history)
    }

    /// Whether the fix is as safe as the rule only for tags that are known to be at the new location.
    pub fn is_gated(&self) -> bool {
        self.spec.requires_tag_in.is_some()
    }

    /// Returns the charts that moved, for a chart repository.
    pub fn charts(&self) -> &[String] {
        listed(&self.spec.charts)
    }

    pub fn tags(&self) -> Option<&TagsSpec> {
        self.spec.tags.as_ref()
    }

    /// Repositories that the rule does not cover.
    pub fn except(&self) -> &[String] {
        listed(&self.spec.except)
    }

    /// Returns the repositories that the rule does not cover, as patterns.
    pub fn except_patterns(&self) -> &[Pattern] {
        &self.except
    }

    /// Whether the fix is safe for every tag and digest that the rule covers, and keeps the last segment and the tag.
    pub fn moves_any_tag(&self, mapping: &Mapping) -> bool {
        let keeps_tag = mapping.tag == TagPolicy::Keep && self.digest() == DigestPolicy::Keep;
        let any_tag = mapping.requires_tag_in.is_none()
            && self.unavailable_tags().is_empty()
            && self.tags_below().is_none();
        // A digest alone does not say whether its tag is one of those that moved.
        let any_digest = self.tags().is_none();
        mapping.safety == Safety::Safe
            && keeps_tag
            && any_tag
            && any_digest
            && self.rename().is_none()
    }

    pub fn unavailable_tags(&self) -> &[String] {
        listed(&self.spec.unavailable_tags)
    }

    pub fn tags_below(&self) -> Option<&str> {
        self.spec.tags_below.as_deref()
    }

    pub fn fallback(&self) -> Option<&str> {
        self.spec.fallback.as_deref()
    }

    pub(super) fn rename(&self) -> Option<&BTreeMap<String, String>> {
        self.spec.rename.as_ref().filter(|names| !names.is_empty())
    }

    pub(super) fn wildcard(&self, matched: &str) -> Option<&str> {
        let name = self.spec.wildcard.as_ref()?.get(matched)?;
        Some(name)
    }

    pub(super) fn digest(&self) -> DigestPolicy {
        self.spec.digest.unwrap_or_default()
    }

    /// Returns the only tags that the rule covers, if not all.
    pub(super) fn only_tags(&self) -> &[String] {
        self.tags()
            .map(|tags| tags.only.as_slice())
            .unwrap_or_default()
    }

    /// Returns the row with the defaults filled in and the severities of the day, for machine-readable output.
    pub fn described(&self) -> RuleSpec {
        let mut spec = (*self.spec).clone();
        let mut mappings = self.mappings.iter();
        if let (Some(from), Some(first)) = (&spec.from, mappings.next()) {
            let from = from.as_slice().to_vec();
            mappings.by_ref().take(from.len() - 1).for_each(drop);
            spec.from = Some(OneOrMany::Many(from));
            spec.exact = Some(first.from.exact);
            spec.tag = Some(first.tag);
        }
        for part in spec.also.iter_mut().flatten() {
            let from = part.from.as_ref().map(OneOrMany::as_slice);
            let from = from.unwrap_or_default().to_vec();
            let mut own = mappings.by_ref().take(from.len());
            if let Some(first) = own.next() {
                part.exact = Some(first.from.exact);
                part.safety = Some(first.safety);
                part.severity = Some(first.severity);
                part.requires_tag_in.clone_from(&first.requires_tag_in);
                part.tag = Some(first.tag);
            }
            own.for_each(drop);
            part.from = Some(OneOrMany::Many(from));
        }
        spec.id = Some(self.id.clone());
        spec.artifact = Some(self.artifact);
        spec.safety = Some(self.safety);
        spec.severity = Some(self.severity);
        spec.summary = Some(self.summary.clone());
        spec.example = Some(self.example.clone());
        spec
    }

    /// Sets the severity of the rule and of all its mappings.
    pub fn set_severity(&mut self, severity: Severity) {
        self.severity = severity;
        self.mappings
            .iter_mut()
            .for_each(|mapping| mapping.severity = severity);
    }

    /// Raises the severity of the rule and of its mappings to that of the latest date that has come. Returns the same rule if
    /// nothing changes.
    #[must_use]
    pub fn on_day(mut self: Arc<Self>, today: Date) -> Arc<Self> {
        let due = self.dates().iter().filter_map(|date| {
            let day = date.day().filter(|day| *day <= today)?;
            Some((day, date.severity?))
        });
        let Some((_, due)) = due.max() else {
            return self;
        };
        let mut mappings = self.mappings.iter();
        if self.severity < due || mappings.any(|mapping| mapping.severity < due) {
            let rule = Arc::make_mut(&mut self);
            rule.severity = rule.severity.max(due);
            for mapping in &mut rule.mappings {
                mapping.severity = mapping.severity.max(due);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> RuleSpec {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn severity_grows_with_the_dates_that_have_come() {
        let spec: RuleSpec = serde_yaml::from_str(
            "from: a.io\nseverity: info\nalso: [{from: b.io, severity: error}]\ndates:\n\
             - {when: 2027-03, what: switched off, severity: error}\n\
             - {when: 2026-12-31, what: read-only, severity: warning}\n\
             - {when: v1.2, what: last release}\n",
        )
        .unwrap();
        for (day, whole, also) in [
            ("2026-12-30", Severity::Info, Severity::Error),
            ("2026-12-31", Severity::Warning, Severity::Error),
            ("2027-02-28", Severity::Warning, Severity::Error),
            ("2027-03-01", Severity::Error, Severity::Error),
        ] {
            let rule = Arc::new(Rule::new(spec.clone()).unwrap());
            let rule = rule.on_day(day.parse().unwrap());
            let mappings: Vec<Severity> = rule
                .mappings
                .iter()
                .map(|mapping| mapping.severity)
                .collect();
            assert_eq!(
                (rule.severity, mappings),
                (whole, vec![whole, also]),
                "{day}"
            );
        }
    }

    #[test]
    fn a_rule_that_cannot_be_used_says_why() {
        for (text, part) in [
            ("{id: x}", "`from`"),
            ("{from: a.io, id: Not_Kebab}", "kebab-case"),
            ("{from: 'a b'}", "a b"),
            ("{from: 'a.io/b:1'}", "without a tag"),
            ("{from: 'a:latest'}", "without a tag"),
            ("{from: 'a.io:5000/b:1', artifact: chart}", "without a tag"),
            ("{from: a.io/*/*}", "one `*`"),
            ("{from: a.io, to: 'b.io/x:1'}", "without a tag"),
            ("{from: a.io, to: team}", "with its host"),
            ("{from: a.io/x, to: a.io/x/y}", "never end"),
            (
                "{from: a.io, dates: [{when: soon, what: x, severity: error}]}",
                "`soon` is not a date",
            ),
        ] {
            let spec: RuleSpec = serde_yaml::from_str(text).unwrap();
            let why = Rule::new(spec).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn a_described_rule_is_the_same_rule() {
        for spec in crate::rules::catalogue().rules {
            let rule = Rule::new(spec).unwrap();
            let described = rule.described();
            let text = serde_json::to_string(&described).unwrap();
            let again = Rule::new(serde_json::from_str::<RuleSpec>(&text).unwrap()).unwrap();
            assert_eq!(
                format!("{:?}", again.mappings),
                format!("{:?}", rule.mappings),
                "{text}"
            );
            assert_eq!(again.except, rule.except, "{text}");
            assert_eq!(serde_json::to_string(&again.described()).unwrap(), text);
        }
        let rule = Arc::new(
            Rule::new(spec(
                "{from: a.io, exact: true, to: b.io/x, requires-tag-in: [v1], severity: info,\n\
             also: [{from: [c.io, d.io], to: e.io/y}, {from: f.io, severity: warning}],\n\
             dates: [{when: 2026-01, what: gone, severity: warning}]}",
            ))
            .unwrap(),
        )
        .on_day("2026-02-01".parse().unwrap());
        let described = serde_json::to_value(rule.described()).unwrap();
        assert_eq!(described["severity"], "warning");
        assert_eq!(described["from"], serde_json::json!(["a.io"]));
        assert_eq!(
            described["also"],
            serde_json::json!([
                {"from": ["c.io", "d.io"], "exact": true, "to": "e.io/y", "safety": "safe",
                 "severity": "warning", "requires-tag-in": ["v1"], "tag": "keep"},
                {"from": ["f.io"], "exact": true, "safety": "report-only",
                 "severity": "warning", "requires-tag-in": ["v1"], "tag": "keep"},
            ])
        );
    }
}
