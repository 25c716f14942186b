//! Plans what has to change together so that every entry still selects what it selects now, and what must stay.
//!
//! Repeats until nothing is wrong: if an entry cannot change, neither can its bases, nor the other users of these bases.

mod wrong;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::build_graph::BuildGraph;
use super::entry::Change;
use super::entry_effect::EntryEffect;
use super::fix_set::{FixSet, FixSets, Node};
use super::image_name::{SplitName, heads};
use super::image_value::{Cause, ImageValue};
use super::simulator::{PlannedChanges, Simulated, Simulator};

/// The changes that an entry may make, given the findings that are left.
#[derive(Debug, Clone, Default)]
pub(super) struct Permission {
    /// Why it must stay as it is, if it must.
    pub(super) fixed: Option<String>,
    /// The `newName` that may be added, if the entry is legacy by itself.
    pub(super) added: Option<String>,
    /// Whether it may follow images that have moved already.
    pub(super) follows: bool,
}

/// The fixes and entries that have to stay as they are, with the reason to report.
pub(super) type Blocked = BTreeMap<Cause, String>;

/// The result of planning: what belongs together, and what has to stay as it is.
#[derive(Debug, Default)]
pub(super) struct FixPlan {
    pub(super) plan: PlannedChanges,
    pub(super) blocked: Blocked,
    /// The sets of what must change together. Fixes that stand alone are left out.
    pub(super) fix_sets: Vec<FixSet>,
}

/// The most rounds of planning. Each time something has to stay as it is, what depends on it is checked again.
const MOST_ROUNDS: usize = 64;

pub(super) struct Planner<'g> {
    pub(super) group: &'g BuildGraph,
    /// For each source, whether its finding is still there.
    pub(super) is_there: &'g [bool],
    pub(super) leaves: &'g [Permission],
    /// Why a test must stay as it is, if it must.
    pub(super) fixed_tests: &'g [Option<String>],
    /// The location of each entry, as messages name it.
    pub(super) places: &'g [String],
}

impl Planner<'_> {
    pub(super) fn plan(&self) -> FixPlan {
        let mut blocked = Blocked::new();
        for _ in 0..MOST_ROUNDS {
            let (plan, simulated, settled) = self.settle(&blocked);
            if simulated.gave_up || !settled {
                return self.nothing(
                    "the kustomizations connected to it could not be followed completely",
                );
            }
            let wrong = self.wrong(&plan, &simulated, &blocked);
            let before = blocked.len();
            for (cause, why) in wrong {
                blocked.entry(cause).or_insert(why);
            }
            if blocked.len() == before {
                let fix_sets = self.fix_sets(&plan, &simulated, &blocked);
                return FixPlan {
                    plan,
                    blocked,
                    fix_sets,
                };
            }
        }
        self.nothing("the kustomizations connected to it block each other")
    }

    /// Returns a plan in which everything stays as it is.
    fn nothing(&self, why: &'static str) -> FixPlan {
        FixPlan {
            plan: PlannedChanges::nothing(self.group),
            blocked: self.all(why).collect(),
            fix_sets: Vec::new(),
        }
    }

    fn all(&self, why: &'static str) -> impl Iterator<Item = (Cause, String)> + use<'_> {
        let sources = (0..self.group.sources.len()).map(Cause::Source);
        let entries = (0..self.group.overrides.len()).map(Cause::Entry);
        sources
            .chain(entries)
            .map(move |cause| (cause, why.to_owned()))
    }

    fn is_active(&self, source: usize, blocked: &Blocked) -> bool {
        self.is_there[source] && !blocked.contains_key(&Cause::Source(source))
    }

    fn play(&self, plan: &PlannedChanges, blocked: &Blocked) -> Simulated {
        Simulator::new(self.group, plan, &|source| self.is_active(source, blocked)).play()
    }

    /// Returns the changes that follow from what is not blocked. `false` if they do not settle.
    fn settle(&self, blocked: &Blocked) -> (PlannedChanges, Simulated, bool) {
        let mut plan = PlannedChanges::nothing(self.group);
        let mut simulated = self.play(&plan, blocked);
        let mut refused = BTreeSet::new();
        for _ in 0..MOST_ROUNDS {
            // Patterns that were tried and select something else.
            for (entry, change) in plan.changes.iter().enumerate() {
                if !self.group.overrides[entry].entry.is_literal()
                    && let [name] = &*change.names
                    && !self
                        .misfits(entry, change, &simulated.inputs[entry], blocked)
                        .is_empty()
                {
                    refused.insert((entry, name.clone()));
                }
            }
            let next = PlannedChanges {
                changes: (0..self.group.overrides.len())
                    .map(|entry| self.change(entry, &simulated.inputs[entry], blocked, &refused))
                    .collect(),
                tests: (0..self.group.tests.len())
                    .map(|test| self.test(test, &simulated.tested[test]))
                    .collect(),
            };
            if next == plan || simulated.gave_up {
                return (plan, simulated, true);
            }
            plan = next;
            simulated = self.play(&plan, blocked);
        }
        (plan, simulated, false)
    }

    fn act<'a>(&'a self, index: usize, change: &'a Change, blocked: &Blocked) -> EntryEffect<'a> {
        EntryEffect::new(self.group, index, change, &|source| {
            self.is_active(source, blocked)
        })
    }

    /// Returns the values that an entry would not treat correctly after a change.
    fn misfits<'f>(
        &self,
        index: usize,
        change: &Change,
        inputs: &'f [Rc<ImageValue>],
        blocked: &Blocked,
    ) -> Vec<&'f ImageValue> {
        let act = self.act(index, change, blocked);
        let inputs = inputs.iter().map(|image_value| &**image_value);
        inputs
            .filter(|image_value| !act.is_correct(image_value))
            .collect()
    }

    /// Returns the change that an entry makes even if no base moves.
    fn least(&self, index: usize, blocked: &Blocked) -> Change {
        let rewrite = &self.group.overrides[index];
        let leave = &self.leaves[index];
        if blocked.contains_key(&Cause::Entry(index)) {
            return Change::default();
        }
        let left_behind = rewrite.left_behind.as_ref().filter(|_| leave.follows);
        let keep = left_behind.is_none_or(|one| one.keep);
        let moved = rewrite.moved.iter().filter(|_| left_behind.is_some());
        Change {
            keep,
            added: leave.added.clone().filter(|_| keep),
            names: moved.map(|moved| moved.name.clone()).collect(),
            follows: left_behind.is_some(),
        }
    }

    /// Returns the smallest change with which an entry still does what it did.
    fn change(
        &self,
        index: usize,
        inputs: &[Rc<ImageValue>],
        blocked: &Blocked,
        refused: &BTreeSet<(usize, String)>,
    ) -> Change {
        let entry = &self.group.overrides[index].entry;
        let least = self.least(index, blocked);
        let act = self.act(index, &least, blocked);
        let selected = inputs
            .iter()
            .filter(|image_value| act.selects(&image_value.before));
        let selected: Vec<&ImageValue> = selected.map(|image_value| &**image_value).collect();
        let lost: Vec<&ImageValue> = selected
            .iter()
            .copied()
            .filter(|image_value| !act.is_correct(image_value))
            .collect();
        if lost.is_empty() {
            return least;
        }
        let stays = selected.len() > lost.len();
        let keep = match least.follows {
            true => least.keep,
            false => stays || !entry.is_literal(),
        };
        if !entry.is_literal() && !least.follows {
            let names = self.patterns_for(index, &lost).into_iter();
            let mut names = names.filter(|name| !refused.contains(&(index, name.clone())));
            if let Some(name) = names.next() {
                return Change {
                    keep: stays,
                    names: vec![name],
                    ..Change::default()
                };
            }
        }
        let names: BTreeSet<&str> = lost
            .iter()
            .map(|image_value| SplitName::of(&image_value.after).name)
            .collect();
        let names = names.into_iter().map(str::to_owned);
        let mut all = least.names.clone();
        all.extend(names.filter(|name| !least.names.contains(name)));
        Change {
            keep,
            added: least.added.filter(|_| keep),
            names: all,
            follows: least.follows,
        }
    }

    /// Returns the entry's pattern with each of the heads that the lost names have now.
    fn patterns_for(&self, index: usize, lost: &[&ImageValue]) -> BTreeSet<String> {
        let entry = &self.group.overrides[index].entry;
        let heads: BTreeSet<(&str, &str)> = lost
            .iter()
            .filter_map(|image_value| {
                heads(
                    SplitName::of(&image_value.before).name,
                    SplitName::of(&image_value.after).name,
                )
            })
            .collect();
        let names = heads
            .into_iter()
            .filter_map(|(old, new)| entry.with_head(old, new));
        names.collect()
    }

    /// Returns what a test should compare with: the new value if it was left behind and may change, else its own.
    fn expected(&self, index: usize) -> &str {
        let test = &self.group.tests[index];
        let follows = test.left_behind && self.fixed_tests[index].is_none();
        let moved = test.moved().filter(|_| follows);
        moved.unwrap_or(&test.value)
    }

    fn test(&self, index: usize, tested: &[Rc<ImageValue>]) -> Option<String> {
        let expected = self.expected(index);
        let mut moved = tested
            .iter()
            .filter(|image_value| image_value.before == expected && image_value.after != expected);
        let now = moved
            .next()
            .map_or(expected, |image_value| &image_value.after);
        (now != self.group.tests[index].value).then(|| now.to_owned())
    }

    /// Returns the values that an entry would lose if it stayed as it is.
    fn lost<'f>(
        &self,
        index: usize,
        change: &Change,
        inputs: &'f [Rc<ImageValue>],
        blocked: &Blocked,
    ) -> Vec<&'f ImageValue> {
        let unchanged = Change {
            follows: change.follows,
            ..Change::default()
        };
        let act = self.act(index, &unchanged, blocked);
        let inputs = inputs.iter().map(|image_value| &**image_value);
        inputs
            .filter(|image_value| act.selects(&image_value.before) && !act.is_correct(image_value))
            .collect()
    }

    /// Returns the sets of what has to change together.
    fn fix_sets(
        &self,
        plan: &PlannedChanges,
        simulated: &Simulated,
        blocked: &Blocked,
    ) -> Vec<FixSet> {
        let mut sets = FixSets::default();
        for (index, change) in plan.changes.iter().enumerate() {
            let own = Cause::Entry(index);
            if change.added.is_some() || change.follows {
                sets.add(Node::Cause(own));
            }
            if change.names.is_empty() {
                continue;
            }
            let inputs = &simulated.inputs[index];
            for image_value in self.lost(index, change, inputs, blocked) {
                sets.join_all(own, &image_value.causes);
            }
            // Values that are correct only if both or neither of the two changes are made.
            let changed = self.act(index, change, blocked);
            let unchanged = Change::default();
            let unchanged = self.act(index, &unchanged, blocked);
            for image_value in inputs
                .iter()
                .filter(|image_value| !image_value.causes.is_empty())
            {
                let back = ImageValue {
                    after: image_value.before.clone(),
                    causes: Vec::new(),
                    ..ImageValue::clone(image_value)
                };
                if !changed.is_correct(&back) || !unchanged.is_correct(image_value) {
                    sets.join_all(own, &image_value.causes);
                }
            }
            if change.keep || change.names.len() > 1 {
                sets.join_all(own, &changed.new_name_causes());
            }
        }
        for (index, next) in plan.tests.iter().enumerate() {
            if next.is_some() {
                sets.add(Node::Test(index));
                let expected = self.expected(index);
                let tested = simulated.tested[index].iter();
                for image_value in tested.filter(|image_value| image_value.before == expected) {
                    for cause in &image_value.causes {
                        sets.join(Node::Test(index), Node::Cause(*cause));
                    }
                }
            }
        }
        sets.all()
    }
}
