//! Entries and tests that still have an old name although the images that they select have the new one already, as after a
//! move of some of the files, or an interrupted one.

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use super::build_graph::{BuildGraph, LeftBehind, Rewrite};
use super::evaluate;
use super::image_name::{Override, SplitName};
use super::image_value::{ImageValue, Origin};
use super::layout::ESCAPED;
use super::simulator::{PlannedChanges, Simulated, Simulator};
use crate::edit::{Applicability, Edit, Fix};
use crate::finding::{Finding, Label, Related};
use crate::rules::RuleSet;
use crate::source::{LineIndex, Span};

const UNSEEN: &str = "a base that is not here may still have the old name";
const IDLE: &str = "it selects nothing now, and would select an image again";
const BOTH: &str = "its base contains both names of the image";
const REPLACES: &str =
    "it replaces the old name with the new one, and may only be needed for the old one";
const ROBS: &str = "another images entry selects the image that this one would rename";
const OTHER_TAG: &str = "the new location may not have the tag that it sets";

/// Marks the entries and tests that were left behind. `simulated` has the values that reach them without any change.
pub(super) fn mark(group: &mut BuildGraph, simulated: &Simulated, rules: &RuleSet) {
    for (test, tested) in group.tests.iter_mut().zip(&simulated.tested) {
        let goes_by_it = tested
            .iter()
            .any(|image_value| image_value.before == test.value);
        test.left_behind = !goes_by_it && !tested.is_empty();
    }
    let lists = names_by_list(group);
    let search = Search {
        group,
        rules,
        lists: &lists,
    };
    let candidates: Vec<Candidate> = (0..group.overrides.len())
        .filter_map(|index| search.candidate(index, &simulated.inputs[index]))
        .collect();
    let robbed = robbed(group, simulated, &candidates);
    let found: Vec<(usize, LeftBehind)> = candidates
        .iter()
        .filter_map(|one| Some((one.index, search.judge(one, &robbed)?)))
        .collect();
    for (index, left_behind) in found {
        group.overrides[index].left_behind = Some(left_behind);
    }
}

/// An entry that may have been left behind.
struct Candidate {
    index: usize,
    /// The values that have the new name already.
    moved: Vec<Rc<ImageValue>>,
    /// Whether it selects anything in the tree.
    selects: bool,
    /// Whether it may select something outside the tree.
    unseen: bool,
}

/// A list of entries: its layer, and whether those are its transformers.
type List = (usize, bool);

/// The names in each list. An entry was not left behind if its list has another one for the new name.
fn names_by_list(group: &BuildGraph) -> HashSet<(List, &str)> {
    let stages = group.stages.iter().enumerate();
    let lists = stages.flat_map(|(layer, stage)| {
        [false, true].map(|late| ((layer, late), &stage.entries(late).all))
    });
    let names = lists.flat_map(|(list, entries)| {
        let entries = entries.iter().map(|entry| &group.overrides[*entry].entry);
        let literal = entries.filter(|entry| entry.is_literal());
        literal.map(move |entry| (list, entry.name.text.as_str()))
    });
    names.collect()
}

/// Returns what other entries would lose if those that were left behind selected the new names.
fn robbed(group: &BuildGraph, simulated: &Simulated, candidates: &[Candidate]) -> HashSet<Origin> {
    let renames = |one: &&Candidate| group.overrides[one.index].entry.new_name.is_some();
    if !candidates.iter().any(|one| renames(&one)) {
        return HashSet::new();
    }
    let mut plan = PlannedChanges::nothing(group);
    for one in candidates {
        plan.changes[one.index].follows = true;
    }
    let then = Simulator::new(group, &plan, &|_| true).play();
    let selected = |simulated: &Simulated, index: usize| -> HashSet<Origin> {
        let pattern = &group.overrides[index].entry.pattern;
        let inputs = simulated.inputs[index].iter();
        let selected = inputs.filter(|image_value| pattern.selects(&image_value.before));
        selected.map(|image_value| image_value.origin).collect()
    };
    let lost = (0..group.overrides.len()).flat_map(|index| {
        let then = selected(&then, index);
        let now = selected(simulated, index).into_iter();
        now.filter(move |origin| !then.contains(origin))
    });
    lost.collect()
}

struct Search<'s> {
    group: &'s BuildGraph,
    rules: &'s RuleSet,
    lists: &'s HashSet<(List, &'s str)>,
}

impl Search<'_> {
    fn candidate(&self, index: usize, inputs: &[Rc<ImageValue>]) -> Option<Candidate> {
        let rewrite = &self.group.overrides[index];
        let entry = &rewrite.entry;
        let selects = |image_value: &&Rc<ImageValue>| entry.pattern.selects(&image_value.before);
        let is_here = |image_value: &Rc<ImageValue>| matches!(image_value.origin, Origin::Leaf(_));
        let moved = inputs.iter().filter(|image_value| {
            let name = SplitName::of(&image_value.before).name;
            is_here(image_value)
                && !selects(image_value)
                && self.old_name(rewrite, name).is_some()
                && !self.lists.contains(&(rewrite.list, name))
        });
        let moved: Vec<Rc<ImageValue>> = moved.cloned().collect();
        let mut selected = inputs.iter().filter(selects);
        // It is unknown what a pattern may select outside the tree.
        let anything = !entry.is_literal() && !self.group.unseen.names.is_empty();
        (!moved.is_empty()).then(|| Candidate {
            index,
            moved,
            unseen: anything || selected.clone().any(|image_value| !is_here(image_value)),
            selects: selected.any(is_here),
        })
    }

    /// Returns the old name that the rules change to `name`, if the entry selects it.
    fn old_name(&self, rewrite: &Rewrite, name: &str) -> Option<String> {
        let old = rewrite.moved.as_ref()?.before(name)?;
        let found = evaluate::of_name(&old, self.rules)?;
        let same = evaluate::new_name(&found) == Some(name);
        (same && rewrite.entry.pattern.selects(&old)).then_some(old)
    }

    fn judge(&self, one: &Candidate, robbed: &HashSet<Origin>) -> Option<LeftBehind> {
        let rewrite = &self.group.overrides[one.index];
        let entry = &rewrite.entry;
        if one.selects && !entry.is_literal() {
            return None;
        }
        let first = one.moved.first()?;
        let old = self.old_name(rewrite, SplitName::of(&first.before).name)?;
        let renames = entry.new_name.is_some();
        let robs = renames
            && one
                .moved
                .iter()
                .any(|image_value| robbed.contains(&image_value.origin));
        let moved = &rewrite.moved.as_ref()?.name;
        let (trust, reason) = self.weigh(one, rewrite, robs, moved);
        let verdict = rewrite.verdict.clone();
        let verdict = verdict.or_else(|| evaluate::of_name(&old, self.rules))?;
        let (was, new) = match entry.is_literal() {
            true => (verdict.old.clone(), verdict.new.clone()),
            false => (entry.name.text.clone(), None),
        };
        let edit = Edit::new(entry.name.span, moved.clone());
        Some(LeftBehind {
            finding: Finding {
                labels: vec![Label::new(entry.location(), "")],
                old: was,
                new: new.or_else(|| Some(moved.clone())),
                fix: (!entry.name.span.is_empty()).then(|| Fix::here(vec![edit], trust)),
                reason,
                related: vec![self.related(first)],
                ..verdict
            },
            trust,
            keep: one.unseen,
        })
    }

    /// Returns how safe it is to give an entry the new name, and why it is not safer.
    fn weigh(
        &self,
        one: &Candidate,
        rewrite: &Rewrite,
        robs: bool,
        moved: &str,
    ) -> (Applicability, Option<String>) {
        let entry = &rewrite.entry;
        let (mut trust, mut reason) = match (one.selects, robs) {
            (true, _) => (Applicability::Display, Some(BOTH.to_owned())),
            (false, true) => (Applicability::Display, Some(ROBS.to_owned())),
            (false, false) => self.trust(rewrite, &one.moved),
        };
        // Today the images are built without the entry. Only its owner knows whether that is intended.
        if trust > Applicability::Unsafe {
            trust = Applicability::Unsafe;
            reason = Some(if one.unseen { UNSEEN } else { IDLE }.to_owned());
        }
        // A run that moved another image to the new name leaves such an entry, too.
        if entry
            .new_name
            .as_ref()
            .is_some_and(|new| new.text == *moved)
        {
            (trust, reason) = (Applicability::Display, Some(REPLACES.to_owned()));
        }
        if entry.name.span.is_empty() {
            (trust, reason) = (Applicability::Display, Some(ESCAPED.to_owned()));
        }
        (trust, reason)
    }

    /// Returns how certain it is that the references exist that the entry makes of the new names.
    fn trust(
        &self,
        rewrite: &Rewrite,
        moved: &[Rc<ImageValue>],
    ) -> (Applicability, Option<String>) {
        let entry = &rewrite.entry;
        let puts = entry.puts(None);
        if !puts.name.is_empty() || puts == Override::default() {
            return (Applicability::Safe, None);
        }
        let texts: BTreeSet<&str> = moved
            .iter()
            .map(|image_value| image_value.before.as_str())
            .collect();
        let verdicts = texts.into_iter().map(|text| {
            let cut = SplitName::of(text);
            let old = self.old_name(rewrite, cut.name)?;
            let reference = puts.apply(&SplitName { name: &old, ..cut }.join());
            let verdict = evaluate::of_reference(&reference, self.rules)?;
            let new = SplitName::of(verdict.new.as_deref()?);
            let same = new.name == cut.name && new.tag == SplitName::of(&reference).tag;
            let trust = verdict.fix.as_ref()?.applicability;
            same.then_some((trust, verdict.reason))
        });
        let unknown = || (Applicability::Display, Some(OTHER_TAG.to_owned()));
        let verdicts = verdicts.map(|verdict| verdict.unwrap_or_else(unknown));
        let lowest = verdicts.min_by_key(|(trust, _)| *trust);
        lowest.unwrap_or_else(unknown)
    }

    /// Returns where the new name is written.
    fn related(&self, image_value: &ImageValue) -> Related {
        let (file, span) = match (image_value.named_by, image_value.origin) {
            (Some(entry), _) => {
                let rewrite = &self.group.overrides[entry];
                let new_name = rewrite.entry.new_name.as_ref();
                (
                    rewrite.file,
                    new_name.map_or(rewrite.entry.span, |name| name.span),
                )
            }
            (None, Origin::Leaf(leaf)) => {
                let leaf = &self.group.leaves[leaf];
                (leaf.file, leaf.span)
            }
            (None, Origin::Unseen(_)) => (0, Span::new(0, 0)),
        };
        let file = &self.group.files[file];
        Related {
            place: file.path.display().to_string(),
            position: Some(LineIndex::new(&file.text).position(span.start)),
            text: "the new name is already here".to_owned(),
        }
    }
}
