//! Areas whose files may depend on each other. What several files show together is judged by the rules of all of these.
//!
//! An overlay can lie under another configuration than its base, and the two must still be changed together. Settings of the
//! file that a finding is in are applied afterwards, so that rules of one area are not reported in another.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::settings::{Area, Rules, Settings};
use crate::printable;
use crate::rules::Rule;

/// Where a rule moves what, in words to compare.
fn moves(rule: &Rule) -> String {
    let mappings = rule.mappings().iter();
    let moves = mappings.map(|one| (&one.from, &one.to, &one.safety));
    format!("{:?}", moves.collect::<Vec<_>>())
}

fn clash(id: &str, first: &Area, other: &Area) -> String {
    let file = |area: &Area| match &area.config.file {
        Some(file) => printable::path(file),
        None => "the rules that come with regfix".to_owned(),
    };
    format!(
        "rule `{id}` differs between {} and {}: what a chart or a kustomization shows together is judged by the former; give \
         one of the two another id",
        file(first),
        file(other)
    )
}

pub(super) struct Domain {
    pub(super) areas: Vec<Arc<Area>>,
    pub(super) rules: Arc<Rules>,
}

/// All areas of a run.
pub(super) struct Domains {
    pub(super) each: Vec<Domain>,
    /// The rules of all.
    pub(super) all: Arc<Rules>,
}

impl Domains {
    /// # Errors
    /// Where rules cannot be searched for.
    pub(super) fn of(settings: &Settings<'_>) -> Result<Self, String> {
        let areas = settings.areas();
        let all = settings.joint(&areas)?;
        let mut sets: Vec<Vec<Arc<Area>>> = Vec::new();
        for area in areas {
            let is_one = |set: &Vec<Arc<Area>>| {
                let mut set = set.iter();
                set.any(|other| Arc::ptr_eq(&other.rules, &area.rules) || other.is_near(&area))
            };
            let (mut one, others): (Vec<_>, Vec<_>) = sets.into_iter().partition(is_one);
            let mut set: Vec<Arc<Area>> = one.drain(..).flatten().collect();
            set.push(area);
            sets = others;
            sets.push(set);
        }
        let each = sets.into_iter().map(|areas| {
            let rules = settings.joint(&areas)?;
            Ok(Domain { areas, rules })
        });
        let each = each.collect::<Result<_, String>>()?;
        Ok(Self { each, all })
    }

    /// Rules that the configurations of a domain define in different ways, in words.
    pub(super) fn clashes(&self) -> Vec<String> {
        let mut clashes = BTreeSet::new();
        for domain in &self.each {
            let mut first: HashMap<&str, (&Area, &Rule)> = HashMap::new();
            let mut seen: Vec<&Arc<Rules>> = Vec::new();
            for area in &domain.areas {
                if seen.iter().any(|rules| Arc::ptr_eq(rules, &area.rules)) {
                    continue;
                }
                seen.push(&area.rules);
                for rule in area.rules.set.rules() {
                    let (other, known) = *first.entry(&rule.id).or_insert((area, rule));
                    if !std::ptr::eq(known, rule) && moves(known) != moves(rule) {
                        clashes.insert(clash(&rule.id, other, area));
                    }
                }
            }
        }
        clashes.into_iter().collect()
    }

    /// The number of the domain that a file is in.
    pub(super) fn of_file(&self, settings: &Settings<'_>, path: &Path) -> Option<usize> {
        if self.each.len() < 2 {
            return (!self.each.is_empty()).then_some(0);
        }
        let area = settings.of(path)?;
        let holds = |domain: &Domain| domain.areas.iter().any(|one| Arc::ptr_eq(one, &area));
        self.each.iter().position(holds)
    }
}
