//! What has to change together so that every entry goes on selecting what it selects, and what must stay for that.
//!
//! Plans until nothing more is found wrong: an entry that cannot follow holds its bases back, and what they feed with them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::bundle::{Bundle, Node, Sets};
use super::entry::Change;
use super::flow::{Act, Flow, Mover, Plan, Played, Player};
use super::group::Group;
use super::value::{Cut, Pattern};

/// What an entry may do, by the findings that are left.
#[derive(Debug, Clone, Default)]
pub(super) struct Leave {
    /// Why it must stay as it is, if it must.
    pub(super) fixed: Option<String>,
    /// The name that may be put in, where its result is legacy by its own words.
    pub(super) added: Option<String>,
}

/// What an outcome is made of: what goes together, and what is held back.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) plan: Plan,
    /// With the reason for people.
    pub(super) held: BTreeMap<Mover, String>,
    /// Sets of what must be done together, those of one left out.
    pub(super) bundles: Vec<Bundle>,
}

/// Plans again and again: each time something is held back, what depends on it is looked at anew.
const MOST_ROUNDS: usize = 64;

pub(super) struct Planner<'g> {
    pub(super) group: &'g Group,
    /// Names that bases which are not here may hold.
    pub(super) unseen: &'g [String],
    pub(super) leaves: &'g [Leave],
    /// Why a test must stay as it is, if it must.
    pub(super) fixed_tests: &'g [Option<String>],
    /// How an entry is called when people are told of it.
    pub(super) places: &'g [String],
}

impl Planner<'_> {
    pub(super) fn plan(&self) -> Outcome {
        let mut held: BTreeMap<Mover, String> = BTreeMap::new();
        for _ in 0..MOST_ROUNDS {
            let (plan, played, settled) = self.settle(&held);
            if played.gave_up || !settled {
                return self.nothing("the kustomizations around it cannot be followed to the end");
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
        self.nothing("the kustomizations around it hold each other back")
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

    fn play(&self, plan: &Plan, held: &BTreeMap<Mover, String>) -> Played {
        let is_active = |source: usize| !held.contains_key(&Mover::Source(source));
        Player::new(self.group, self.unseen, plan, &is_active).play()
    }

    /// The changes that follow from what is not held. `false` where they do not come to an end.
    fn settle(&self, held: &BTreeMap<Mover, String>) -> (Plan, Played, bool) {
        let mut plan = Plan::nothing(self.group);
        let mut played = self.play(&plan, held);
        for _ in 0..MOST_ROUNDS {
            let next = Plan {
                changes: (0..self.group.overrides.len())
                    .map(|entry| self.change(entry, &played.inputs[entry], held))
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

    fn act<'a>(
        &'a self,
        index: usize,
        change: &'a Change,
        names: &'a [Pattern],
        held: &BTreeMap<Mover, String>,
    ) -> Act<'a> {
        let rewrite = &self.group.overrides[index];
        let is_active = |source: usize| !held.contains_key(&Mover::Source(source));
        Act {
            index,
            rewrite,
            change,
            names,
            new_name: rewrite.new_name(self.group, &is_active),
        }
    }

    /// Whether a change of an entry does right by all that comes to it, and else by what it does not.
    fn misfits<'f>(
        &self,
        index: usize,
        change: &Change,
        inputs: &'f [Rc<Flow>],
        held: &BTreeMap<Mover, String>,
    ) -> Vec<&'f Flow> {
        let names: Vec<Pattern> = change.names.iter().map(|name| Pattern::new(name)).collect();
        let act = self.act(index, change, &names, held);
        inputs
            .iter()
            .map(|flow| &**flow)
            .filter(|flow| !act.fits(flow))
            .collect()
    }

    /// The smallest change by which an entry goes on doing what it did.
    fn change(&self, index: usize, inputs: &[Rc<Flow>], held: &BTreeMap<Mover, String>) -> Change {
        let entry = &self.group.overrides[index].entry;
        let added = self.leaves[index].added.clone();
        let added = added.filter(|_| !held.contains_key(&Mover::Entry(index)));
        let misfits = self.misfits(index, &Change::default(), inputs, held);
        let lost: Vec<&Flow> = misfits
            .into_iter()
            .filter(|flow| entry.pattern.selects(&flow.before))
            .collect();
        if lost.is_empty() {
            return Change {
                added,
                ..Change::default()
            };
        }
        let selected = inputs
            .iter()
            .filter(|flow| entry.pattern.selects(&flow.before));
        let stays = selected.count() > lost.len();
        if !entry.is_literal() {
            for name in self.patterns_for(index, &lost) {
                let change = Change {
                    keep: stays,
                    added: None,
                    names: vec![name],
                };
                if self.misfits(index, &change, inputs, held).is_empty() {
                    return change;
                }
            }
        }
        let names: BTreeSet<&str> = lost.iter().map(|flow| Cut::of(&flow.after).name).collect();
        let keep = stays || !entry.is_literal();
        Change {
            keep,
            added: added.filter(|_| keep),
            names: names.into_iter().map(str::to_owned).collect(),
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

    fn test(&self, index: usize, tested: &[Rc<Flow>]) -> Option<String> {
        let test = &self.group.tests[index];
        let moved = tested.iter().find(|flow| flow.after != test.value)?;
        Some(moved.after.clone())
    }

    /// What has to be held back for the plan to be right.
    fn wrong(
        &self,
        plan: &Plan,
        played: &Played,
        held: &BTreeMap<Mover, String>,
    ) -> Vec<(Mover, String)> {
        let mut wrong = Vec::new();
        for (index, change) in plan.changes.iter().enumerate() {
            self.wrong_at_entry(index, change, &played.inputs[index], held, &mut wrong);
        }
        for (index, next) in plan.tests.iter().enumerate() {
            let Some(next) = next else { continue };
            let tested = &played.tested[index];
            let together = tested.iter().all(|flow| flow.after == *next);
            let why = match &self.fixed_tests[index] {
                Some(why) => format!("a JSON patch tests this value, and {why}"),
                None if !together => {
                    "a JSON patch tests this value, and not all that have it move".to_owned()
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
        held: &BTreeMap<Mover, String>,
        wrong: &mut Vec<(Mover, String)>,
    ) {
        let rewrite = &self.group.overrides[index];
        let place = &self.places[index];
        let lost = self.lost(index, inputs, held);
        if !rewrite.entry.pattern.is_known() {
            let why = format!("nothing says whether the images entry at {place} selects it");
            let movers = inputs.iter().flat_map(|flow| &flow.movers);
            wrong.extend(movers.map(|mover| (*mover, why.clone())));
            return;
        }
        if !change.names.is_empty()
            && let Err(why) = self.may_change(index, change, held)
        {
            let why = format!("the images entry at {place} selects it by this name, and {why}");
            let movers = lost.iter().flat_map(|flow| &flow.movers);
            wrong.extend(movers.map(|mover| (*mover, why.clone())));
            return;
        }
        for flow in self.misfits(index, change, inputs, held) {
            let own = rewrite.entry.pattern.selects(&flow.before) || !flow.movers.is_empty();
            let (why, movers): (String, Vec<Mover>) = match own {
                true if rewrite.entry.pattern.selects(&flow.before) => (
                    format!("the images entry at {place} selects it, and cannot follow it"),
                    flow.movers.clone(),
                ),
                true => (
                    format!("the images entry at {place} would begin to select it"),
                    flow.movers.clone(),
                ),
                false => (
                    format!(
                        "the images entry at {place} selects it by this name, and under the new one would \
                         begin to select {}",
                        flow.before
                    ),
                    lost.iter().flat_map(|flow| flow.movers.clone()).collect(),
                ),
            };
            wrong.extend(movers.into_iter().map(|mover| (mover, why.clone())));
            // Where nothing else can be held, the entry itself is not extended.
            wrong.push((Mover::Entry(index), why));
        }
    }

    fn may_change(
        &self,
        index: usize,
        change: &Change,
        held: &BTreeMap<Mover, String>,
    ) -> Result<(), String> {
        let rewrite = &self.group.overrides[index];
        let file = &self.group.files[rewrite.file];
        if let Some(why) = &self.leaves[index].fixed {
            return Err(why.clone());
        }
        let is_active = |source: usize| !held.contains_key(&Mover::Source(source));
        let new_name = rewrite.new_name(self.group, &is_active);
        let new_name = new_name.as_ref().map(|(name, _)| name.as_str());
        let edits = rewrite.entry.edits(&file.text, change, new_name);
        edits.map(drop).map_err(str::to_owned)
    }

    /// What an entry would lose if it stayed as it is.
    fn lost<'f>(
        &self,
        index: usize,
        inputs: &'f [Rc<Flow>],
        held: &BTreeMap<Mover, String>,
    ) -> Vec<&'f Flow> {
        let entry = &self.group.overrides[index].entry;
        let mut misfits = self.misfits(index, &Change::default(), inputs, held);
        misfits.retain(|flow| entry.pattern.selects(&flow.before));
        misfits
    }

    /// What has to go together.
    fn bundles(&self, plan: &Plan, played: &Played, held: &BTreeMap<Mover, String>) -> Vec<Bundle> {
        let mut sets = Sets::default();
        for (index, change) in plan.changes.iter().enumerate() {
            let own = Mover::Entry(index);
            if change.added.is_some() {
                sets.add(Node::Mover(own));
            }
            if change.names.is_empty() {
                continue;
            }
            let inputs = &played.inputs[index];
            for flow in self.lost(index, inputs, held) {
                sets.join_all(own, &flow.movers);
            }
            // What fits only while both or neither of the two is done.
            let names: Vec<Pattern> = change.names.iter().map(|name| Pattern::new(name)).collect();
            let changed = self.act(index, change, &names, held);
            let unchanged = Change::default();
            let unchanged = self.act(index, &unchanged, &[], held);
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
            if (change.keep || change.names.len() > 1)
                && let Some((_, sources)) = &changed.new_name
            {
                let movers: Vec<Mover> = sources.iter().copied().map(Mover::Source).collect();
                sets.join_all(own, &movers);
            }
        }
        for (index, next) in plan.tests.iter().enumerate() {
            if next.is_some() {
                for flow in &played.tested[index] {
                    for mover in &flow.movers {
                        sets.join(Node::Test(index), Node::Mover(*mover));
                    }
                }
            }
        }
        sets.bundles()
    }
}

/// The heads of two names with the same tail.
fn heads<'n>(old: &'n str, new: &'n str) -> Option<(&'n str, &'n str)> {
    let (mut old, mut new) = (old, new);
    while let (Some((old_head, old_tail)), Some((new_head, new_tail))) =
        (old.rsplit_once('/'), new.rsplit_once('/'))
    {
        if old_tail != new_tail {
            break;
        }
        (old, new) = (old_head, new_head);
    }
    (old != new).then_some((old, new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_heads_before_what_they_share() {
        assert_eq!(
            heads("k8s.gcr.io/a/b", "registry.k8s.io/a/b"),
            Some(("k8s.gcr.io", "registry.k8s.io"))
        );
        assert_eq!(
            heads("gcr.io/google_containers/a", "registry.k8s.io/a"),
            Some(("gcr.io/google_containers", "registry.k8s.io"))
        );
        assert_eq!(heads("a", "a"), None);
    }
}
