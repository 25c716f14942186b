//! Explores all branches of a chart's templates: each pass takes one way at each decision, until every way was taken
//! once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::text::PathId;
use super::value::Value;
use crate::source::Span;

/// A decision in a template: its script, and the offset in it.
pub(super) type Site = (usize, usize);

/// The decisions, and the ways that were taken.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// Ways that this pass must take; all other decisions follow the values.
    plan: BTreeMap<Site, usize>,
    /// Whether unset values count as set to something unknown. This holds in all passes but the first.
    pub fills: bool,
    /// The decisions that this pass reached, with their numbers of ways.
    seen: RefCell<BTreeMap<Site, usize>>,
    /// Ways that were taken, in this pass or before.
    taken: RefCell<BTreeSet<(Site, usize)>>,
    earlier: Vec<Pass>,
    attempts: BTreeMap<(Site, usize), usize>,
    settled: Settled,
    /// For each unset value, whether this pass assumed that it is true.
    assumed: RefCell<BTreeMap<PathId, bool>>,
}

/// Values that keep their current content while other values are explored: the file's index, and the span.
pub type Settled = Vec<(u32, Span)>;

/// A completed pass.
#[derive(Debug)]
struct Pass {
    plan: BTreeMap<Site, usize>,
    seen: BTreeMap<Site, usize>,
}

/// How often an unreached way is tried.
const MOST_ATTEMPTS: usize = 3;

impl Choices {
    pub(super) fn of(settled: &Settled) -> Self {
        Self {
            settled: settled.clone(),
            ..Self::default()
        }
    }

    /// Whether any values are settled.
    pub(super) fn settles(&self) -> bool {
        !self.settled.is_empty()
    }

    /// Returns what this pass already assumed about an unset value, so that one pass does not treat it in two ways.
    pub(super) fn assumed(&self, value: &Value) -> Option<bool> {
        match value {
            Value::Unknown(Some(path)) => self.assumed.borrow().get(path).copied(),
            _ => None,
        }
    }

    pub(super) fn assume(&self, value: &Value, is_true: bool) {
        if let Value::Unknown(Some(path)) = value {
            self.assumed.borrow_mut().insert(*path, is_true);
        }
    }

    /// Whether a part of a value is settled.
    pub(super) fn is_settled(&self, value: &Value) -> bool {
        let Value::Text(text) = value else {
            return false;
        };
        self.settled.iter().any(|(file, span)| {
            let mut origins = text.origins();
            origins.any(|origin| *file == origin.file && span.overlaps(origin.span()))
        })
    }

    /// Returns the way to take. `ways` is their number, `natural` the one that the values lead to.
    pub(super) fn choose(&self, site: Site, ways: usize, natural: usize) -> usize {
        let way = self
            .plan
            .get(&site)
            .copied()
            .filter(|way| *way < ways)
            .unwrap_or(natural);
        let mut seen = self.seen.borrow_mut();
        let known = seen.entry(site).or_default();
        *known = ways.max(*known);
        self.taken.borrow_mut().insert((site, way));
        way
    }

    /// Returns the choices of the next pass; `None` if no open way is left.
    pub(super) fn next(mut self) -> Option<Self> {
        let is_second = self.earlier.is_empty();
        self.earlier.push(Pass {
            plan: std::mem::take(&mut self.plan),
            seen: self.seen.take(),
        });
        self.assumed.take();
        self.fills = true;
        if is_second {
            return Some(self);
        }
        self.plan = self.next_plan()?;
        Some(self)
    }

    /// Plans the next pass: it repeats the latest pass that reached an open way, and takes that way.
    fn next_plan(&mut self) -> Option<BTreeMap<Site, usize>> {
        for pass in self.earlier.iter().rev() {
            let open: Vec<(Site, usize)> = pass
                .seen
                .iter()
                .filter_map(|one| self.open_way(one))
                .collect();
            if open.is_empty() {
                continue;
            }
            // All new ways at once; then one by one, because one of them may have kept others from being reached.
            let is_new = |way: &(Site, usize)| !self.attempts.contains_key(way);
            let new: Vec<_> = open.iter().copied().filter(is_new).collect();
            let flips = if new.is_empty() { vec![open[0]] } else { new };
            let mut plan = pass.plan.clone();
            plan.extend(flips.iter().copied());
            for way in flips {
                *self.attempts.entry(way).or_default() += 1;
            }
            return Some(plan);
        }
        None
    }

    /// Returns a way of a decision that was never taken and may still be tried.
    fn open_way(&self, (site, ways): (&Site, &usize)) -> Option<(Site, usize)> {
        let taken = self.taken.borrow();
        let mut all = (0..*ways).map(|way| (*site, way));
        all.find(|way| {
            let attempts = self.attempts.get(way).copied().unwrap_or(0);
            !taken.contains(way) && attempts < MOST_ATTEMPTS
        })
    }
}
