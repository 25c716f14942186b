//! Checks the rules against each other: no rule hides another, and no target is legacy itself.
//!
//! For tests and for authors of the catalogue. Not used by a run.

use super::{Mapping, Query, Rule, RuleSet, TagState};
use crate::artifact::Artifact;

/// Returns the faults of the rules as a set, one line each.
pub fn faults(rules: &RuleSet) -> Vec<String> {
    let mut faults = Vec::new();
    for rule in rules.rules() {
        faults.extend(faults_of_text(rule));
        for mapping in rule.mappings() {
            let probe = Probe::new(rule, mapping);
            faults.extend(hidden_by(rules, rule, mapping, &probe));
            faults.extend(leads_to(rules, rule, mapping));
        }
    }
    faults
}

/// A sample reference that a mapping should match.
struct Probe {
    segments: Vec<String>,
    /// `None` if the reference has neither tag nor digest.
    tag: Option<String>,
}

impl Probe {
    fn new(rule: &Rule, mapping: &Mapping) -> Self {
        let mut segments: Vec<String> = mapping.from.sample();
        if !mapping.from.exact && matches!(rule.artifact, Artifact::Image | Artifact::Chart) {
            segments.push("sample".to_owned());
        }
        let only = rule.only_tags().first().map(String::as_str);
        let min = rule.tags().and_then(|tags| tags.min.as_deref());
        let tag = match only.or(min).unwrap_or("1.0.0-sample") {
            "none" => None,
            tag => Some(tag.replace('*', "sample")),
        };
        Self { segments, tag }
    }

    fn with<T>(&self, rule: &Rule, ask: impl FnOnce(&Query<'_>) -> T) -> T {
        let segments: Vec<&str> = self.segments.iter().map(String::as_str).collect();
        ask(&Query {
            segments: &segments,
            literal: segments.len(),
            bare: false,
            tag: self.tag.as_deref().map_or(TagState::None, TagState::Text),
            digest: None,
            artifact: rule.artifact,
            chart: rule.charts().first().map(String::as_str),
        })
    }
}

/// Reports the mappings that win, or tie, over the given one where it should apply.
fn hidden_by(rules: &RuleSet, rule: &Rule, mapping: &Mapping, probe: &Probe) -> Vec<String> {
    let name = probe.segments.join("/");
    probe.with(rule, |query| {
        let matching: Vec<(&Rule, &Mapping)> = rules.matching(query).collect();
        if !matching.iter().any(|(_, one)| std::ptr::eq(*one, mapping)) {
            return vec![format!("{}: does not match its own `{name}`", rule.id)];
        }
        let rank = |rule: &Rule, mapping: &Mapping| RuleSet::rank(rule, mapping, query);
        let own = rank(rule, mapping);
        let stronger = matching
            .iter()
            .filter(|(other, one)| !std::ptr::eq(*one, mapping) && rank(other, one) >= own);
        stronger
            .map(|(other, one)| {
                let from = one.from.as_str();
                format!("{}: `{from}` of {} hides `{name}`", rule.id, other.id)
            })
            .collect()
    })
}

/// Reports a target that another rule would move again.
fn leads_to(rules: &RuleSet, rule: &Rule, mapping: &Mapping) -> Option<String> {
    let to = mapping.to.as_deref()?;
    let probe = Probe::new(rule, mapping);
    let verdict = |probe: &Probe| {
        probe.with(rule, |query| {
            let verdict = rules.verdict(query)?;
            let moves = verdict.target.is_some() && verdict.applicability.is_written();
            moves.then(|| verdict.rule.id.clone())
        })
    };
    let moved = probe.with(rule, |query| rules.verdict(query)?.target);
    let moved = moved?;
    let head = moved.to.split('/').map(str::to_owned);
    let head: Vec<String> = head.filter(|segment| !segment.is_empty()).collect();
    let scheme = usize::from(head.first().is_some_and(|first| first.ends_with(':')));
    let tail = probe.segments[moved.taken.min(probe.segments.len())..].iter();
    let after = Probe {
        segments: head[scheme..].iter().chain(tail).cloned().collect(),
        tag: probe.tag.clone(),
    };
    let next = verdict(&after)?;
    Some(format!("{}: {next} would move on from `{to}`", rule.id))
}

fn faults_of_text(rule: &Rule) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{}: {what}", rule.id));
    if rule.sources().is_empty() {
        fault("has no source".to_owned());
    }
    for source in rule.sources() {
        let rest = source.strip_prefix("https://");
        let host = rest.and_then(|rest| rest.split('/').next());
        let sound = host.is_some_and(|host| host.contains('.'))
            && source.bytes().all(|byte| byte.is_ascii_graphic())
            && !source.ends_with(['.', ',', ')']);
        if !sound {
            fault(format!("the source `{source}` is not an https URL"));
        }
    }
    let mut seen: Vec<&String> = rule.sources().iter().collect();
    seen.sort();
    seen.dedup();
    if seen.len() < rule.sources().len() {
        fault("names a source twice".to_owned());
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSpec;

    fn faults_with(own: &str) -> Vec<String> {
        let own: Vec<RuleSpec> = serde_yaml::from_str(own).unwrap();
        faults(&RuleSet::new(RuleSet::with_own(&own).unwrap()))
    }

    #[test]
    fn the_catalogue_holds_together() {
        assert_eq!(faults_with("[]"), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_fault_is_found() {
        let sources = "sources: [https://a.example.com]";
        for (own, expected) in [
            (
                format!("[{{id: twin, from: quay.io/topolvm, to: a.io/x, {sources}}}]"),
                "topolvm-quay: `quay.io/topolvm` of twin hides `quay.io/topolvm/sample`",
            ),
            (
                format!("[{{id: mine, from: a.io/x, except: [a.io/x], {sources}}}]"),
                "mine: does not match its own `a.io/x/sample`",
            ),
            (
                format!("[{{id: mine, from: a.io/x, to: k8s.gcr.io, {sources}}}]"),
                "mine: k8s-gcr-io would move on from `k8s.gcr.io`",
            ),
            (
                "[{id: mine, from: a.io/x}]".to_owned(),
                "mine: has no source",
            ),
            (
                "[{id: mine, from: a.io/x, sources: ['http://a.io']}]".to_owned(),
                "mine: the source `http://a.io` is not an https URL",
            ),
            (
                "[{id: mine, from: a.io/x, sources: ['https://a.io', 'https://a.io']}]".to_owned(),
                "mine: names a source twice",
            ),
        ] {
            let found = faults_with(&own);
            assert!(found.iter().any(|fault| fault == expected), "{found:?}");
        }
    }
}
