//! The rules: the catalogue, made ready to match, and which rule applies to an image.
//!
//! Knows names, tags and facts. Knows no file, no span and no edit.

pub mod alternatives;
pub mod anchors;
pub mod asked;
pub mod charts;
pub mod edition;
pub mod index;
pub mod schema;
pub mod select;
mod spelling;
pub mod verify;
pub mod words;

mod pattern;
mod proof;
mod query;
mod rule;
mod table;
mod verdict;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use edition::{Row, Standing};

pub use asked::{Asked, Asking, Presence};
pub use edition::{Edition, Facts};
pub use pattern::Pattern;
pub use query::{Move, Outcome, Query, TagState, Verdict, Verified};
pub use rule::{Mapping, Rule};
pub use schema::{Catalogue, Evidence, RuleSpec, Safety, Severity};

/// The rules that come with regfix: `rules/catalogue.yaml` and the files of `rules/catalogue/`, made JSON by `build.rs`.
static CATALOGUE: &str = include_str!(concat!(env!("OUT_DIR"), "/catalogue.json"));

/// Where the project is published, once it is: the page of each rule is in there.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

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

/// The URL of the pages of this release, with `{rule}` for the id.
fn pages() -> Option<Arc<str>> {
    let version = env!("CARGO_PKG_VERSION");
    let pages = format!("{REPOSITORY}/blob/v{version}/docs/rules/{{rule}}.md");
    (!REPOSITORY.is_empty()).then(|| Arc::from(pages))
}

/// The rules of a run, found by the first segment of a name.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// By host: the rules that may match it, with the index of the mapping.
    by_host: HashMap<String, Vec<(usize, usize)>>,
    /// Mappings whose host is a pattern.
    anywhere: Vec<(usize, usize)>,
    /// What registries answered, in a run that asks them.
    asked: Option<Arc<Asked>>,
    facts: Facts,
}

impl RuleSet {
    pub fn new(rules: Vec<Rule>) -> Self {
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
            asked: None,
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
    pub fn asking(self, asked: Arc<Asked>) -> Self {
        Self {
            asked: Some(asked),
            ..self
        }
    }

    /// The answers of registries, in a run that asks them.
    pub fn asked(&self) -> Option<&Arc<Asked>> {
        self.asked.as_ref()
    }

    /// The embedded rules with a user's own laid over and behind them.
    ///
    /// # Errors
    /// The index of the user's rule that cannot be used, and why.
    pub fn with_own(own: &[RuleSpec]) -> Result<Vec<Rule>, (usize, String)> {
        Self::with_own_of(Edition::embedded(), own)
    }

    /// The same with the rules of another catalogue.
    ///
    /// # Errors
    /// The same.
    pub fn with_own_of(edition: &Edition, own: &[RuleSpec]) -> Result<Vec<Rule>, (usize, String)> {
        match own.is_empty() {
            true => Ok(edition.rules().to_vec()),
            false => Self::compile(&edition.rows, own)
                .map_err(|(index, why)| (index.unwrap_or_default(), why)),
        }
    }

    /// The rules of a catalogue with a user's own laid over and behind them.
    ///
    /// # Errors
    /// Why a rule cannot be used; and its index, if it is the user's.
    fn compile(rows: &[Row], own: &[RuleSpec]) -> Result<Vec<Rule>, (Option<usize>, String)> {
        let specs = rows.iter();
        let specs = specs.map(|row| (row.spec.clone(), Some(row.standing), None));
        let mut specs: Vec<(RuleSpec, Option<Standing>, Option<usize>)> = specs.collect();
        let known = specs.iter().enumerate();
        let known: HashMap<String, usize> = known
            .filter_map(|(at, (spec, ..))| Some((spec.id.clone()?, at)))
            .collect();
        for (index, spec) in own.iter().enumerate() {
            match spec.id.as_ref().and_then(|id| known.get(id)) {
                Some(at) => {
                    let (row, _, by) = &mut specs[*at];
                    (*row, *by) = (row.overridden_by(spec), Some(index));
                }
                None => specs.push((spec.clone(), None, Some(index))),
            }
        }
        let pages = pages();
        let mut ids = HashSet::new();
        let mut rules = Vec::with_capacity(specs.len());
        for (spec, standing, index) in specs {
            let mut rule = Rule::new(spec).map_err(|why| (index, why))?;
            if !ids.insert(rule.id.clone()) {
                return Err((index, format!("there are two rules `{}`", rule.id)));
            }
            rule.is_built_in =
                matches!(standing, Some(Standing::BuiltIn { .. } | Standing::Changed));
            let moves = index.is_some_and(|index| own[index].moves_elsewhere());
            if standing == Some(Standing::Changed) || rule.is_built_in && moves {
                rule.distrust();
            }
            let has_page =
                rule.is_built_in && standing != Some(Standing::BuiltIn { has_page: false });
            if let Some(pages) = pages.as_ref().filter(|_| has_page) {
                rule.set_page(pages);
            }
            rules.push(rule);
        }
        Ok(rules)
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The page about what is no rule of an image, where rules have pages.
    pub fn page_of(&self, id: &str) -> Option<String> {
        self.rules.iter().find_map(|rule| rule.page_of(id))
    }

    fn candidates(&self, host: &str) -> impl Iterator<Item = (&Rule, &Mapping)> {
        let exact = self.by_host.get(host).into_iter().flatten();
        exact.chain(&self.anywhere).map(|(rule, mapping)| {
            let rule = &self.rules[*rule];
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
