//! Finds what a plan would break, and what must not change because of that.

use std::rc::Rc;

use super::super::entry::Change;
use super::super::entry_effect::EntryEffect;
use super::super::image_value::{Cause, ImageValue};
use super::super::simulator::{PlannedChanges, Simulated};
use super::{Blocked, Planner};

impl Planner<'_> {
    /// Returns what has to stay as it is so that the plan breaks nothing, with the reasons.
    pub(super) fn wrong(
        &self,
        plan: &PlannedChanges,
        simulated: &Simulated,
        blocked: &Blocked,
    ) -> Vec<(Cause, String)> {
        let mut wrong = Vec::new();
        for (index, change) in plan.changes.iter().enumerate() {
            self.wrong_at_entry(index, change, &simulated.inputs[index], blocked, &mut wrong);
        }
        for (index, next) in plan.tests.iter().enumerate() {
            let Some(next) = next else { continue };
            let expected = self.expected(index);
            let tested = simulated.tested[index].iter();
            let tested: Vec<_> = tested
                .filter(|image_value| image_value.before == expected)
                .collect();
            let together = tested.iter().all(|image_value| image_value.after == *next);
            let why = match &self.fixed_tests[index] {
                Some(why) => format!("a JSON patch or a replacement looks for this value, and {why}"),
                None if !together => {
                    "a JSON patch or a replacement looks for this value, and not all occurrences of it change".to_owned()
                }
                None => continue,
            };
            let causes = tested.iter().flat_map(|image_value| &image_value.causes);
            wrong.extend(causes.map(|cause| (*cause, why.clone())));
        }
        wrong
    }

    fn wrong_at_entry(
        &self,
        index: usize,
        change: &Change,
        inputs: &[Rc<ImageValue>],
        blocked: &Blocked,
        wrong: &mut Vec<(Cause, String)>,
    ) {
        let rewrite = &self.group.overrides[index];
        let place = &self.places[index];
        let lost = self.lost(index, change, inputs, blocked);
        if !rewrite.entry.pattern.is_known() {
            let why = format!("it is not known whether the `images` entry at {place} selects it");
            let causes = inputs.iter().flat_map(|image_value| &image_value.causes);
            wrong.extend(causes.map(|cause| (*cause, why.clone())));
            return;
        }
        if !change.names.is_empty()
            && let Err(why) = self.may_change(index, change, blocked)
        {
            if change.follows {
                wrong.push((Cause::Entry(index), why.clone()));
            }
            let why = format!("the `images` entry at {place} selects it by this name, and {why}");
            let causes = lost.iter().flat_map(|image_value| &image_value.causes);
            wrong.extend(causes.map(|cause| (*cause, why.clone())));
            return;
        }
        let act = self.act(index, change, blocked);
        for image_value in inputs
            .iter()
            .filter(|image_value| !act.is_correct(image_value))
        {
            let is_own = act.selects(&image_value.before);
            let causes: Vec<Cause> = match is_own || !image_value.causes.is_empty() {
                true => image_value.causes.clone(),
                false => lost
                    .iter()
                    .flat_map(|image_value| image_value.causes.clone())
                    .collect(),
            };
            let why = why_misfit(place, &act, image_value);
            wrong.extend(causes.into_iter().map(|cause| (cause, why.clone())));
            // If nothing else can be blocked, the entry itself is not extended.
            wrong.push((Cause::Entry(index), why));
        }
    }

    fn may_change(&self, index: usize, change: &Change, blocked: &Blocked) -> Result<(), String> {
        let rewrite = &self.group.overrides[index];
        let file = &self.group.files[rewrite.file];
        if let Some(why) = &self.leaves[index].fixed {
            return Err(why.clone());
        }
        let new_name = rewrite.new_name(self.group, &|source| self.is_active(source, blocked));
        let new_name = new_name.as_ref().map(|(name, _)| name.as_str());
        let edits = rewrite.entry.edits(&file.text, change, new_name);
        edits.map(drop).map_err(str::to_owned)
    }
}

/// Returns the reason why an entry does not treat an image correctly.
fn why_misfit(place: &str, act: &EntryEffect<'_>, image_value: &ImageValue) -> String {
    let is_own = act.selects(&image_value.before);
    match (is_own, image_value.causes.is_empty()) {
        (true, _) => {
            format!("the `images` entry at {place} selects it and cannot be changed with it")
        }
        (false, false) => format!(
            "the `images` entry at {place} would begin to select it, and make {} of it",
            act.changed(&image_value.after)
        ),
        (false, true) => format!(
            "the `images` entry at {place} selects it by this name, and with the new one it would begin to \
                     select {}",
            image_value.before
        ),
    }
}
