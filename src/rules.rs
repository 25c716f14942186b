//! The rules: the catalogue, made ready to match, and which rule applies to an image.
//!
//! Knows names, tags and facts. Knows no file, no span and no edit.

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

/// The rules that come with regfix: `rules/catalogue.yaml` and the files of `rules/catalogue/`, made JSON by `build.rs`.
static CATALOGUE: &str = include_str!(concat!(env!("OUT_DIR"), "/catalogue.json"));

/// The embedded catalogue.
///
/// # Panics
/// When the embedded text is not a catalogue, which a test rules out.
pub fn catalogue() -> Catalogue {
    match serde_json::from_str(CATALOGUE) {
        Ok(catalogue) => catalogue,
        Err(error) => panic!("the embedded catalogue: {error}"),
    }
}

/// The rules of a run, found by the first segment of a name.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    /// By host: the rules that may match it, with the index of the mapping.
    by_host: HashMap<String, Vec<(usize, usize)>>,
    /// Mappings whose host is a pattern.
    anywhere: Vec<(usize, usize)>,
    /// What registries answered, in a run that asks them.
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

    /// The same rules with the tables of their catalogue.
    pub fn knowing(self, facts: Facts) -> Self {
        Self { facts, ..self }
    }

    pub fn facts(&self) -> Facts {
        self.facts
    }

    /// The same rules, with verdicts that rest on the answers of registries.
    pub fn asking(self, answers: Arc<Answers>) -> Self {
        Self {
            answers: Some(answers),
            ..self
        }
    }

    /// The answers of registries, in a run that asks them.
    pub fn answers(&self) -> Option<&Arc<Answers>> {
        self.answers.as_ref()
    }

    /// The embedded rules with a user's own laid over and behind them.
    ///
    /// # Errors
    /// The index of the user's rule that cannot be used, and why.
    pub fn with_own(own: &[RuleSpec]) -> Result<Vec<Arc<Rule>>, (usize, String)> {
        Self::with_own_of(Edition::embedded(), own)
    }

    /// The same with the rules of another catalogue. Those that stay as they are, are shared with it: many repositories of a run
    /// may each have rules of their own.
    ///
    /// # Errors
    /// The same.
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

    /// The same, to be shared with another set.
    pub fn shared(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The page about what is no rule of an image, where rules have pages.
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
        // Those that are the same take no memory again.
        let embedded = Edition::embedded().rules().iter().zip(&rules);
        let others = embedded.filter(|(embedded, rule)| !Arc::ptr_eq(embedded, rule));
        assert_eq!(others.count(), 1);
        assert_eq!(rules.last().unwrap().id, "old-example-com-team");
        assert_eq!(rules.last().unwrap().safety, Safety::Safe);
        let bitnami = rules
            .iter()
            .find(|rule| rule.id == "bitnami-versioned")
            .unwrap();
        // Whose name says one thing, and whose target another.
        assert_eq!(bitnami.safety, Safety::Review);
        assert!(
            bitnami
                .summary
                .ends_with("(rule changed by the configuration)")
        );
        assert!(!bitnami.sources().is_empty());
    }
}
