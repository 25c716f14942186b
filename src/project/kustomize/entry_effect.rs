//! The effect of an `images` entry on an image value, before and after the entry's change.

use std::rc::Rc;

use super::build_graph::{BuildGraph, Rewrite};
use super::entry::{Change, Entry};
use super::image_name::{Override, Pattern, SplitName};
use super::image_scalars;
use super::image_value::{Cause, ImageValue};

/// An entry as it acts before and after its change.
pub(super) struct EntryEffect<'a> {
    index: usize,
    rewrite: &'a Rewrite,
    change: &'a Change,
    names: Vec<Pattern>,
    /// The override that it applies, before and after its change.
    puts: Rc<Override>,
    then_puts: Override,
    /// The override with the `newName` that is added.
    with_added: Option<Override>,
    /// The future value of its own `newName`, and the sources that change it.
    new_name: Option<(String, Vec<usize>)>,
}

impl Rewrite {
    /// Returns the future value of its `newName`, and the sources that change it. `None` if it has no `newName`.
    pub(super) fn new_name(
        &self,
        group: &BuildGraph,
        is_active: &dyn Fn(usize) -> bool,
    ) -> Option<(String, Vec<usize>)> {
        let piece = self.entry.new_name.as_ref()?;
        let active = self.sources.iter().copied();
        let active: Vec<usize> = active.filter(|at| is_active(*at)).collect();
        let edits = active.iter().flat_map(|at| &group.sources[*at].edits);
        let text = image_scalars::edited(&piece.text, piece.span, edits);
        Some((text, active))
    }
}

impl<'a> EntryEffect<'a> {
    pub(super) fn new(
        group: &'a BuildGraph,
        index: usize,
        change: &'a Change,
        is_active: &dyn Fn(usize) -> bool,
    ) -> Self {
        let rewrite = &group.overrides[index];
        let entry = &rewrite.entry;
        let new_name = rewrite.new_name(group, is_active);
        let name = new_name.as_ref().map(|(name, _)| name.as_str());
        Self {
            index,
            rewrite,
            change,
            names: change.names.iter().map(|name| Pattern::new(name)).collect(),
            puts: Rc::new(entry.puts(None)),
            then_puts: entry.puts(name),
            with_added: change.added.as_deref().map(|added| entry.puts(Some(added))),
            new_name,
        }
    }

    fn entry(&self) -> &'a Entry {
        &self.rewrite.entry
    }

    /// The patterns by which it selects after its change, besides the one that it keeps.
    pub(super) fn names(&self) -> &[Pattern] {
        &self.names
    }

    /// The fixes that change its `newName`.
    pub(super) fn new_name_causes(&self) -> Vec<Cause> {
        let sources = self.new_name.iter().flat_map(|(_, sources)| sources);
        sources.copied().map(Cause::Source).collect()
    }

    /// Whether it selects a text before the fixes. An entry that follows images that have moved already counts as if it had
    /// selected their new name from the start.
    pub(super) fn selects(&self, text: &str) -> bool {
        let moved = self.rewrite.moved.as_ref().filter(|_| self.change.follows);
        self.entry().pattern.selects(text) || moved.is_some_and(|moved| moved.pattern.selects(text))
    }

    fn keeps(&self, text: &str) -> bool {
        self.change.keep && self.entry().pattern.selects(text)
    }

    /// Applies the changed entry to a text.
    pub(super) fn changed(&self, text: &str) -> String {
        let mut now = text.to_owned();
        if self.keeps(&now) {
            now = self
                .with_added
                .as_ref()
                .unwrap_or(&self.then_puts)
                .apply(&now);
        }
        for pattern in &self.names {
            if pattern.selects(&now) {
                now = self.then_puts.apply(&now);
            }
        }
        now
    }

    /// Returns what the value has to become: the same override as before, applied under the name that it has now.
    fn expected(&self, image_value: &ImageValue) -> String {
        if !self.selects(&image_value.before) {
            return image_value.after.clone();
        }
        let added = self
            .with_added
            .as_ref()
            .filter(|_| self.keeps(&image_value.after));
        added.unwrap_or(&self.then_puts).apply(&image_value.after)
    }

    /// Whether the changed entry treats a value as before: it selects it if and only if it did, and makes the same of it.
    pub(super) fn is_correct(&self, image_value: &ImageValue) -> bool {
        let kept = self.keeps(&image_value.after);
        let selects = kept
            || self
                .names
                .iter()
                .any(|name| name.selects(&image_value.after));
        // It may begin to select a value to which an entry with the same override was applied last.
        let again = || image_value.put.as_ref() == Some(&self.puts);
        (selects == self.selects(&image_value.before) || selects && again())
            && self.changed(&image_value.after) == self.expected(image_value)
    }

    /// Returns the value after the entry. `None` if the entry does nothing to it.
    pub(super) fn on(&self, image_value: &ImageValue) -> Option<ImageValue> {
        if !self.selects(&image_value.before) {
            let after = self.changed(&image_value.after);
            return (after != image_value.after).then(|| ImageValue {
                after,
                ..image_value.clone()
            });
        }
        let mut next = ImageValue {
            before: self.puts.apply(&image_value.before),
            after: self.changed(&image_value.after),
            put: Some(Rc::clone(&self.puts)),
            ..image_value.clone()
        };
        if self.new_name.is_some() {
            next.named_by = Some(self.index);
            next.causes = self.new_name_causes();
        } else if self.change.added.is_some() && self.entry().pattern.selects(&image_value.after) {
            next.named_by = Some(self.index);
            next.causes.push(Cause::Entry(self.index));
            next.causes.sort();
            next.causes.dedup();
        }
        if SplitName::of(&next.before).name == SplitName::of(&next.after).name {
            next.causes.clear();
        }
        Some(next)
    }
}
