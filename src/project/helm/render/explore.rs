//! Which way a decision goes when all ways are wanted: one way in each pass, until every way was taken once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::text::PathId;
use super::value::Value;
use crate::source::Span;

/// A decision in a template: its script, and where in it.
pub(super) type Site = (usize, usize);

/// Decisions and the ways that were taken.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// Ways that this pass must take; all others are what the values say.
    plan: BTreeMap<Site, usize>,
    /// Whether what is not set counts as set to something unknown. So it is in all passes but the first.
    pub fills: bool,
    /// What this pass came by, and how many ways there are.
    seen: RefCell<BTreeMap<Site, usize>>,
    /// Ways that were taken, now or before.
    taken: RefCell<BTreeSet<(Site, usize)>>,
    earlier: Vec<Pass>,
    attempts: BTreeMap<(Site, usize), usize>,
    settled: Settled,
    /// Of what is not set, whether this pass takes it for something or for nothing.
    assumed: RefCell<BTreeMap<PathId, bool>>,
}

/// Values that count as they are, where other values are asked what else they could be: by the number of their file.
pub type Settled = Vec<(u32, Span)>;

/// A pass that is over.
#[derive(Debug)]
struct Pass {
    plan: BTreeMap<Site, usize>,
    seen: BTreeMap<Site, usize>,
}

/// How often a way is tried that is not reached.
const MOST_ATTEMPTS: usize = 3;

impl Choices {
    pub(super) fn of(settled: &Settled) -> Self {
        Self {
            settled: settled.clone(),
            ..Self::default()
        }
    }

    /// Whether any values count as they are.
    pub(super) fn settles(&self) -> bool {
        !self.settled.is_empty()
    }

    /// What was decided before of a value that is not set: in one pass, it is not something here and nothing there.
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

    /// Whether a value has a part that counts as it is.
    pub(super) fn is_settled(&self, value: &Value) -> bool {
        let Value::Text(text) = value else {
            return false;
        };
        self.settled.iter().any(|(file, span)| {
            let mut origins = text.origins();
            origins.any(|origin| *file == origin.file && span.overlaps(origin.span()))
        })
    }

    /// The way to take of so many. `natural` is what the values say.
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

    /// The choices of the next pass; `None` when no way is left that could be taken.
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

    /// A plan that goes where the latest pass went that came by a way not taken, and takes it.
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
            // All at once; one by one where one of them kept others from being reached.
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

    /// A way of a decision that was never taken, and may be tried still.
    fn open_way(&self, (site, ways): (&Site, &usize)) -> Option<(Site, usize)> {
        let taken = self.taken.borrow();
        let mut all = (0..*ways).map(|way| (*site, way));
        all.find(|way| {
            let attempts = self.attempts.get(way).copied().unwrap_or(0);
            !taken.contains(way) && attempts < MOST_ATTEMPTS
        })
    }
}
