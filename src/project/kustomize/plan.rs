//! What has to change together so that every entry goes on selecting what it selects, and what must stay for that.
//!
//! Plans until nothing more is found wrong: an entry that cannot follow holds its bases back, and what they feed with them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::act::Act;
use super::bundle::{Bundle, Node, Sets};
use super::entry::Change;
use super::flow::{Flow, Mover};
use super::group::Group;
use super::player::{Plan, Played, Player};
use super::value::{Cut, heads};

/// What an entry may do, by the findings that are left.
#[derive(Debug, Clone, Default)]
pub(super) struct Leave {
    /// Why it must stay as it is, if it must.
    pub(super) fixed: Option<String>,
    /// The name that may be put in, where its result is legacy by its own words.
    pub(super) added: Option<String>,
    /// Whether it may follow what has moved already.
    pub(super) follows: bool,
}

/// What is held back, with the reason for people.
pub(super) type Held = BTreeMap<Mover, String>;

/// What an outcome is made of: what goes together, and what is held back.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) plan: Plan,
    pub(super) held: Held,
    /// Sets of what must be done together, those of one left out.
    pub(super) bundles: Vec<Bundle>,
}

/// Plans again and again: each time something is held back, what depends on it is looked at anew.
const MOST_ROUNDS: usize = 64;

pub(super) struct Planner<'g> {
    pub(super) group: &'g Group,
    /// Of each source, whether its finding is still there.
    pub(super) is_there: &'g [bool],
    pub(super) leaves: &'g [Leave],
    /// Why a test must stay as it is, if it must.
    pub(super) fixed_tests: &'g [Option<String>],
    /// How an entry is called when people are told of it.
    pub(super) places: &'g [String],
}

impl Planner<'_> {
    pub(super) fn plan(&self) -> Outcome {
        let mut held = Held::new();
        for _ in 0..MOST_ROUNDS {
            let (plan, played, settled) = self.settle(&held);
            if played.gave_up || !settled {
                return self.nothing(
                    "the kustomizations connected to it could not be followed completely",
                );
            }
            let wrong = self.wrong(&plan, &played, &held);
            let before = held.len();
            for (mover, why) in wrong {
                held.entry(mover).or_insert(why);
            }
            if held.len() == before {
                let bundles = self.bundles(&plan, &played, &held);
                return Outcome {
                    plan,
                    held,
                    bundles,
                };
            }
        }
        self.nothing("the kustomizations connected to it block each other")
    }

    /// Everything stays as it is.
    fn nothing(&self, why: &'static str) -> Outcome {
        Outcome {
            plan: Plan::nothing(self.group),
            held: self.all(why).collect(),
            bundles: Vec::new(),
        }
    }

    fn all(&self, why: &'static str) -> impl Iterator<Item = (Mover, String)> + use<'_> {
        let sources = (0..self.group.sources.len()).map(Mover::Source);
        let entries = (0..self.group.overrides.len()).map(Mover::Entry);
        sources
            .chain(entries)
            .map(move |mover| (mover, why.to_owned()))
    }

    fn is_active(&self, source: usize, held: &Held) -> bool {
        self.is_there[source] && !held.contains_key(&Mover::Source(source))
    }

    fn play(&self, plan: &Plan, held: &Held) -> Played {
        Player::new(self.group, plan, &|source| self.is_active(source, held)).play()
    }

    /// The changes that follow from what is not held. `false` where they do not come to an end.
    fn settle(&self, held: &Held) -> (Plan, Played, bool) {
        let mut plan = Plan::nothing(self.group);
        let mut played = self.play(&plan, held);
        let mut refused = BTreeSet::new();
        for _ in 0..MOST_ROUNDS {
            // Patterns that were tried, and select something else.
            for (entry, change) in plan.changes.iter().enumerate() {
                if !self.group.overrides[entry].entry.is_literal()
                    && let [name] = &*change.names
                    && !self
                        .misfits(entry, change, &played.inputs[entry], held)
                        .is_empty()
                {
                    refused.insert((entry, name.clone()));
                }
            }
            let next = Plan {
                changes: (0..self.group.overrides.len())
                    .map(|entry| self.change(entry, &played.inputs[entry], held, &refused))
                    .collect(),
                tests: (0..self.group.tests.len())
                    .map(|test| self.test(test, &played.tested[test]))
                    .collect(),
            };
            if next == plan || played.gave_up {
                return (plan, played, true);
            }
            plan = next;
            played = self.play(&plan, held);
        }
        (plan, played, false)
    }

    fn act<'a>(&'a self, index: usize, change: &'a Change, held: &Held) -> Act<'a> {
        Act::new(self.group, index, change, &|source| {
            self.is_active(source, held)
        })
    }

    /// By what a change of an entry does not do right.
    fn misfits<'f>(
        &self,
        index: usize,
        change: &Change,
        inputs: &'f [Rc<Flow>],
        held: &Held,
    ) -> Vec<&'f Flow> {
        let act = self.act(index, change, held);
        let inputs = inputs.iter().map(|flow| &**flow);
        inputs.filter(|flow| !act.fits(flow)).collect()
    }

    /// The change of an entry for which no base moves now.
    fn least(&self, index: usize, held: &Held) -> Change {
        let rewrite = &self.group.overrides[index];
        let leave = &self.leaves[index];
        if held.contains_key(&Mover::Entry(index)) {
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

    /// The smallest change by which an entry goes on doing what it did.
    fn change(
        &self,
        index: usize,
        inputs: &[Rc<Flow>],
        held: &Held,
        refused: &BTreeSet<(usize, String)>,
    ) -> Change {
        let entry = &self.group.overrides[index].entry;
        let least = self.least(index, held);
        let act = self.act(index, &least, held);
        let selected = inputs.iter().filter(|flow| act.selects(&flow.before));
        let selected: Vec<&Flow> = selected.map(|flow| &**flow).collect();
        let lost: Vec<&Flow> = selected
            .iter()
            .copied()
            .filter(|flow| !act.fits(flow))
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
        let names: BTreeSet<&str> = lost.iter().map(|flow| Cut::of(&flow.after).name).collect();
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

    /// The entry's pattern with the heads that the lost names have now.
    fn patterns_for(&self, index: usize, lost: &[&Flow]) -> BTreeSet<String> {
        let entry = &self.group.overrides[index].entry;
        let heads: BTreeSet<(&str, &str)> = lost
            .iter()
            .filter_map(|flow| heads(Cut::of(&flow.before).name, Cut::of(&flow.after).name))
            .collect();
        let names = heads
            .into_iter()
            .filter_map(|(old, new)| entry.with_head(old, new));
        names.collect()
    }

    /// What a test compares with: of one that was left behind, what it should.
    fn expected(&self, index: usize) -> &str {
        let test = &self.group.tests[index];
        let follows = test.left_behind && self.fixed_tests[index].is_none();
        let moved = test.moved().filter(|_| follows);
        moved.unwrap_or(&test.value)
    }

    fn test(&self, index: usize, tested: &[Rc<Flow>]) -> Option<String> {
        let expected = self.expected(index);
        let mut moved = tested
            .iter()
            .filter(|flow| flow.before == expected && flow.after != expected);
        let now = moved.next().map_or(expected, |flow| &flow.after);
        (now != self.group.tests[index].value).then(|| now.to_owned())
    }

    /// What has to be held back for the plan to be right.
    fn wrong(&self, plan: &Plan, played: &Played, held: &Held) -> Vec<(Mover, String)> {
        let mut wrong = Vec::new();
        for (index, change) in plan.changes.iter().enumerate() {
            self.wrong_at_entry(index, change, &played.inputs[index], held, &mut wrong);
        }
        for (index, next) in plan.tests.iter().enumerate() {
            let Some(next) = next else { continue };
            let expected = self.expected(index);
            let tested = played.tested[index].iter();
            let tested: Vec<_> = tested.filter(|flow| flow.before == expected).collect();
            let together = tested.iter().all(|flow| flow.after == *next);
            let why = match &self.fixed_tests[index] {
                Some(why) => format!("a JSON patch tests this value, and {why}"),
                None if !together => {
                    "a JSON patch tests this value, and not all occurrences of it change".to_owned()
                }
                None => continue,
            };
            let movers = tested.iter().flat_map(|flow| &flow.movers);
            wrong.extend(movers.map(|mover| (*mover, why.clone())));
        }
        wrong
    }

    fn wrong_at_entry(
        &self,
        index: usize,
        change: &Change,
        inputs: &[Rc<Flow>],
        held: &Held,
        wrong: &mut Vec<(Mover, String)>,
    ) {
        let rewrite = &self.group.overrides[index];
        let place = &self.places[index];
        let lost = self.lost(index, change, inputs, held);
        if !rewrite.entry.pattern.is_known() {
            let why = format!("it is not known whether the `images` entry at {place} selects it");
            let movers = inputs.iter().flat_map(|flow| &flow.movers);
            wrong.extend(movers.map(|mover| (*mover, why.clone())));
            return;
        }
        if !change.names.is_empty()
            && let Err(why) = self.may_change(index, change, held)
        {
            if change.follows {
                wrong.push((Mover::Entry(index), why.clone()));
            }
            let why = format!("the `images` entry at {place} selects it by this name, and {why}");
            let movers = lost.iter().flat_map(|flow| &flow.movers);
            wrong.extend(movers.map(|mover| (*mover, why.clone())));
            return;
        }
        let act = self.act(index, change, held);
        for flow in inputs.iter().filter(|flow| !act.fits(flow)) {
            let is_own = act.selects(&flow.before);
            let movers: Vec<Mover> = match is_own || !flow.movers.is_empty() {
                true => flow.movers.clone(),
                false => lost.iter().flat_map(|flow| flow.movers.clone()).collect(),
            };
            let why = match (is_own, flow.movers.is_empty()) {
                (true, _) => {
                    format!(
                        "the `images` entry at {place} selects it and cannot be changed with it"
                    )
                }
                (false, false) => format!(
                    "the `images` entry at {place} would begin to select it, and make {} of it",
                    act.changed(&flow.after)
                ),
                (false, true) => format!(
                    "the `images` entry at {place} selects it by this name, and with the new one it would begin to \
                     select {}",
                    flow.before
                ),
            };
            wrong.extend(movers.into_iter().map(|mover| (mover, why.clone())));
            // Where nothing else can be held, the entry itself is not extended.
            wrong.push((Mover::Entry(index), why));
        }
    }

    fn may_change(&self, index: usize, change: &Change, held: &Held) -> Result<(), String> {
        let rewrite = &self.group.overrides[index];
        let file = &self.group.files[rewrite.file];
        if let Some(why) = &self.leaves[index].fixed {
            return Err(why.clone());
        }
        let new_name = rewrite.new_name(self.group, &|source| self.is_active(source, held));
        let new_name = new_name.as_ref().map(|(name, _)| name.as_str());
        let edits = rewrite.entry.edits(&file.text, change, new_name);
        edits.map(drop).map_err(str::to_owned)
    }

    /// What an entry would lose if it stayed as it is.
    fn lost<'f>(
        &self,
        index: usize,
        change: &Change,
        inputs: &'f [Rc<Flow>],
        held: &Held,
    ) -> Vec<&'f Flow> {
        let unchanged = Change {
            follows: change.follows,
            ..Change::default()
        };
        let act = self.act(index, &unchanged, held);
        let inputs = inputs.iter().map(|flow| &**flow);
        inputs
            .filter(|flow| act.selects(&flow.before) && !act.fits(flow))
            .collect()
    }

    /// What has to go together.
    fn bundles(&self, plan: &Plan, played: &Played, held: &Held) -> Vec<Bundle> {
        let mut sets = Sets::default();
        for (index, change) in plan.changes.iter().enumerate() {
            let own = Mover::Entry(index);
            if change.added.is_some() || change.follows {
                sets.add(Node::Mover(own));
            }
            if change.names.is_empty() {
                continue;
            }
            let inputs = &played.inputs[index];
            for flow in self.lost(index, change, inputs, held) {
                sets.join_all(own, &flow.movers);
            }
            // What fits only while both or neither of the two is done.
            let changed = self.act(index, change, held);
            let unchanged = Change::default();
            let unchanged = self.act(index, &unchanged, held);
            for flow in inputs.iter().filter(|flow| !flow.movers.is_empty()) {
                let back = Flow {
                    after: flow.before.clone(),
                    movers: Vec::new(),
                    ..Flow::clone(flow)
                };
                if !changed.fits(&back) || !unchanged.fits(flow) {
                    sets.join_all(own, &flow.movers);
                }
            }
            if change.keep || change.names.len() > 1 {
                sets.join_all(own, &changed.new_name_movers());
            }
        }
        for (index, next) in plan.tests.iter().enumerate() {
            if next.is_some() {
                sets.add(Node::Test(index));
                let expected = self.expected(index);
                let tested = played.tested[index].iter();
                for flow in tested.filter(|flow| flow.before == expected) {
                    for mover in &flow.movers {
                        sets.join(Node::Test(index), Node::Mover(*mover));
                    }
                }
            }
        }
        sets.bundles()
    }
}
