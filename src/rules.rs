//! The rules: the compiled catalogue, and the lookup of the rule that applies to an image.
//!
//! Works on names, tags and facts. Has no notion of files, spans or edits.

pub mod alternatives;
pub mod answers;
pub mod charts;
pub mod description;
pub mod edition;
pub mod index;
pub mod prefilter;
pub mod schema;
pub mod select;
mod spelling;
pub mod verify;

mod pattern;
mod possible;
mod proof;
mod query;
mod rule;
mod table;
mod verdict;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use answers::{Answers, Asking, Presence};
pub use edition::{Edition, Facts};
pub use pattern::Pattern;
pub use query::{Availability, Move, Query, TagState, Verdict, Verified};
pub use rule::{Mapping, Rule};
pub use schema::{Catalogue, Evidence, RuleSpec, Safety, Severity};

/// The built-in rules: `rules/catalogue.yaml` and the files in `rules/catalogue/`, converted to JSON by `build.rs`.
static CATALOGUE: &str = include_str!(concat!(env!("OUT_DIR"), "/catalogue.json"));

/// Parses the embedded catalogue.
///
/// # Panics
/// If the embedded text is not a valid catalogue. A test rules that out.
pub fn catalogue() -> Catalogue {
    match serde_json::from_str(CATALOGUE) {
        Ok(catalogue) => catalogue,
        Err(error) => panic!("the embedded catalogue: {error}"),
    }
}

/// The rules of a run, indexed by host.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    /// For each host, the rules that may match it, with the index of the mapping.
    by_host: HashMap<String, Vec<(usize, usize)>>,
    /// Mappings whose host is a pattern.
    anywhere: Vec<(usize, usize)>,
    /// The answers of registries, in a run that asks them.
    answers: Option<Arc<Answers>>,
    facts: Facts,
}

impl RuleSet {
    pub fn new(rules: Vec<Arc<Rule>>) -> Self {
        let mut by_host: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        let mut anywhere = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let from = rule.mappings().iter().map(|mapping| &mapping.from);
            for (mapping, from) in from.enumerate() {
                match from.host() {
                    Some(host) => by_host
                        .entry(host.to_owned())
                        .or_default()
                        .push((index, mapping)),
                    None => anywhere.push((index, mapping)),
                }
            }
        }
        Self {
            rules,
            by_host,
            anywhere,
            answers: None,
            facts: Facts::EMBEDDED,
        }
    }

    /// Returns the same rules with the given tables.
    pub fn knowing(self, facts: Facts) -> Self {
        Self { facts, ..self }
    }

    pub fn facts(&self) -> Facts {
        self.facts
    }

    /// Returns the same rules, with verdicts that take the answers of registries into account.
    pub fn asking(self, answers: Arc<Answers>) -> Self {
        Self {
            answers: Some(answers),
            ..self
        }
    }

    /// Returns the answers of registries, in a run that asks them.
    pub fn answers(&self) -> Option<&Arc<Answers>> {
        self.answers.as_ref()
    }

    /// Merges a user's rules into the embedded ones: those with a known id override that rule, the others are appended.
    ///
    /// # Errors
    /// The index of the user's rule that cannot be used, and the reason.
    pub fn with_own(own: &[RuleSpec]) -> Result<Vec<Arc<Rule>>, (usize, String)> {
        Self::with_own_of(Edition::embedded(), own)
    }

    /// Like [`Self::with_own`], based on another catalogue. Unchanged rules are shared with the catalogue, because each of
    /// many repositories in a run may have its own rules.
    ///
    /// # Errors
    /// As [`Self::with_own`].
    pub fn with_own_of(
        edition: &Edition,
        own: &[RuleSpec],
    ) -> Result<Vec<Arc<Rule>>, (usize, String)> {
        let mut rules = edition.rules().to_vec();
        let known = edition.rules().iter().enumerate();
        let known: HashMap<&str, usize> = known.map(|(at, rule)| (rule.id.as_str(), at)).collect();
        let mut ids: HashSet<String> = HashSet::new();
        for (index, spec) in own.iter().enumerate() {
            let row = spec.id.as_ref().and_then(|id| known.get(id.as_str()));
            let rule = match row {
                Some(at) => edition.rows[*at].compile(Some(spec)),
                None => Rule::new(spec.clone()),
            };
            let rule = rule.map_err(|why| (index, why))?;
            let is_taken = row.is_none() && known.contains_key(rule.id.as_str());
            if is_taken || !ids.insert(rule.id.clone()) {
                return Err((index, format!("there are two rules `{}`", rule.id)));
            }
            match row {
                Some(at) => rules[*at] = Arc::new(rule),
                None => rules.push(Arc::new(rule)),
            }
        }
        Ok(rules)
    }

    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> + Clone {
        self.rules.iter().map(Arc::as_ref)
    }

    /// Returns the rules as shared pointers, for another set.
    pub fn shared(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// Returns the page of an id that is not an image rule, if rules have pages.
    pub fn page_of(&self, id: &str) -> Option<String> {
        self.rules.iter().find_map(|rule| rule.page_of(id))
    }

    fn candidates(&self, host: &str) -> impl Iterator<Item = (&Rule, &Mapping)> {
        let exact = self.by_host.get(host).into_iter().flatten();
        exact.chain(&self.anywhere).map(|(rule, mapping)| {
            let rule = self.rules[*rule].as_ref();
            (rule, &rule.mappings()[*mapping])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_catalogue_is_complete() {
        let catalogue = catalogue();
        let mut ids = HashSet::new();
        for spec in &catalogue.rules {
            let rule = Rule::new(spec.clone()).unwrap_or_else(|why| panic!("{:?}: {why}", spec.id));
            assert!(ids.insert(rule.id.clone()), "{} appears twice", rule.id);
            assert!(
                spec.id.is_some() && spec.safety.is_some() && spec.severity.is_some(),
                "{}",
                rule.id
            );
            assert!(
                !rule.summary.is_empty() && rule.summary.len() <= 88,
                "{}",
                rule.id
            );
            assert!(!rule.summary.ends_with('.'), "{}", rule.id);
            assert!(
                !rule.why().is_empty() && !rule.state().is_empty() && rule.evidence().is_some(),
                "{}",
                rule.id
            );
            let thirdhand = rule.evidence() == Some(Evidence::ThirdParty);
            assert!(
                !(thirdhand && rule.safety == Safety::Safe),
                "{}: `safety: safe` needs `evidence: authoritative` or `maintainer`; use `safety: review` otherwise",
                rule.id
            );
        }
        assert!(ids.len() > 100, "the files are not read");
    }

    #[test]
    fn own_rules_are_laid_over_and_behind_the_embedded_ones() {
        let own: Vec<RuleSpec> = serde_yaml::from_str(
            "- {from: old.example.com/team, to: new.example.com/team}\n\
             - {id: bitnami-versioned, to: mirror.example.com/bitnami, safety: safe}\n",
        )
        .unwrap();
        let rules = RuleSet::with_own(&own).unwrap();
        assert_eq!(rules.len(), catalogue().rules.len() + 1);
        // Unchanged rules are shared, not copied.
        let embedded = Edition::embedded().rules().iter().zip(&rules);
        let others = embedded.filter(|(embedded, rule)| !Arc::ptr_eq(embedded, rule));
        assert_eq!(others.count(), 1);
        assert_eq!(rules.last().unwrap().id, "old-example-com-team");
        assert_eq!(rules.last().unwrap().safety, Safety::Safe);
        let bitnami = rules
            .iter()
            .find(|rule| rule.id == "bitnami-versioned")
            .unwrap();
        // The configuration sends this id to another target.
        assert_eq!(bitnami.safety, Safety::Review);
        assert!(
            bitnami
                .summary
                .ends_with("(rule changed by the configuration)")
        );
        assert!(!bitnami.sources().is_empty());
    }
}
