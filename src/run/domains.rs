//! Groups areas whose files may depend on each other. Findings from several files use the rules of all areas of a domain.
//!
//! An overlay can have another configuration than its base, and the two must still be changed together. The settings of the
//! file with the finding are applied afterwards, so that rules of one area are not reported in another.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::settings::{Area, Rules, Settings};
use crate::disjoint::DisjointSets;
use crate::printable;
use crate::rules::Rule;

/// The moves of a rule as text, for comparison.
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

/// Groups areas that have the same rules, or where one is inside the other; areas in a group stay in order. Does not compare
/// every pair of areas, because there may be thousands of repositories.
fn sets(areas: &[Arc<Area>]) -> Vec<Vec<Arc<Area>>> {
    let mut sets = DisjointSets::default();
    let mut by_rules: HashMap<*const Rules, usize> = HashMap::new();
    // A folder is followed by what is inside it.
    let mut outer = 0;
    for (at, area) in areas.iter().enumerate() {
        // `at` is also its number in the set, because areas are added in order.
        sets.add(at);
        let alike = *by_rules.entry(Arc::as_ptr(&area.rules)).or_insert(at);
        sets.join(at, alike);
        match area.is_in(&areas[outer]) {
            true => sets.join(at, outer),
            false => outer = at,
        }
    }
    let areas_of = |set: Vec<usize>| set.into_iter().map(|at| Arc::clone(&areas[at])).collect();
    sets.into_sets().into_iter().map(areas_of).collect()
}

pub(super) struct Domain {
    pub(super) areas: Vec<Arc<Area>>,
    pub(super) rules: Arc<Rules>,
}

/// All domains of a run.
pub(super) struct Domains {
    pub(super) each: Vec<Domain>,
    /// The rules of all areas.
    pub(super) all: Arc<Rules>,
    /// The domain of each area, by the area's address.
    numbers: HashMap<usize, usize>,
}

impl Domains {
    /// Groups the areas of the settings.
    ///
    /// # Errors
    /// If the rules cannot be compiled into a search.
    pub(super) fn of(settings: &Settings<'_>) -> Result<Self, String> {
        let areas = settings.areas();
        let all = settings.joint(&areas)?;
        let each = sets(&areas).into_iter().map(|areas| {
            let rules = settings.joint(&areas)?;
            Ok(Domain { areas, rules })
        });
        let each = each.collect::<Result<Vec<_>, String>>()?;
        let areas = each.iter().enumerate().flat_map(|(number, domain)| {
            let areas = domain.areas.iter();
            areas.map(move |area| (Arc::as_ptr(area) as usize, number))
        });
        Ok(Self {
            numbers: areas.collect(),
            each,
            all,
        })
    }

    /// Messages about rules that the configurations of a domain define differently.
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

    /// The domain of a file, as an index.
    pub(super) fn of_file(&self, settings: &Settings<'_>, path: &Path) -> Option<usize> {
        if self.each.len() < 2 {
            return (!self.each.is_empty()).then_some(0);
        }
        let area = settings.of(path)?;
        self.numbers.get(&(Arc::as_ptr(&area) as usize)).copied()
    }
}
