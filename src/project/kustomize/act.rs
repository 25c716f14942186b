//! What an `images` entry makes of a text, as it is and after its change.

use std::rc::Rc;

use super::entry::{Change, Entry};
use super::flow::{Flow, Mover};
use super::group::{Group, Rewrite};
use super::leaf;
use super::value::{Cut, Override, Pattern};

/// An entry as it acts before and after its change.
pub(super) struct Act<'a> {
    index: usize,
    rewrite: &'a Rewrite,
    change: &'a Change,
    names: Vec<Pattern>,
    /// What it puts in place, before and after.
    puts: Rc<Override>,
    then_puts: Override,
    /// The same with the `newName` that is added.
    with_added: Option<Override>,
    /// What its own `newName` becomes, and by which sources.
    new_name: Option<(String, Vec<usize>)>,
}

impl Rewrite {
    /// What its `newName` becomes, and by which sources.
    pub(super) fn new_name(
        &self,
        group: &Group,
        is_active: &dyn Fn(usize) -> bool,
    ) -> Option<(String, Vec<usize>)> {
        let piece = self.entry.new_name.as_ref()?;
        let active = self.sources.iter().copied();
        let active: Vec<usize> = active.filter(|at| is_active(*at)).collect();
        let edits = active.iter().flat_map(|at| &group.sources[*at].edits);
        let text = leaf::edited(&piece.text, piece.span, edits);
        Some((text, active))
    }
}

impl<'a> Act<'a> {
    pub(super) fn new(
        group: &'a Group,
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

    /// What it selects after its change, besides what it keeps.
    pub(super) fn names(&self) -> &[Pattern] {
        &self.names
    }

    /// The fixes that give its `newName` another text.
    pub(super) fn new_name_movers(&self) -> Vec<Mover> {
        let sources = self.new_name.iter().flat_map(|(_, sources)| sources);
        sources.copied().map(Mover::Source).collect()
    }

    /// Whether it selects a text before the fixes. One that follows what has moved already counts as if it had done so
    /// from the start.
    pub(super) fn selects(&self, text: &str) -> bool {
        let moved = self.rewrite.moved.as_ref().filter(|_| self.change.follows);
        self.entry().pattern.selects(text) || moved.is_some_and(|moved| moved.pattern.selects(text))
    }

    fn keeps(&self, text: &str) -> bool {
        self.change.keep && self.entry().pattern.selects(text)
    }

    /// What the changed entry makes of a text.
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

    /// What the text has to become: what the entry made of it before, under the name that it has now.
    fn due(&self, flow: &Flow) -> String {
        if !self.selects(&flow.before) {
            return flow.after.clone();
        }
        let added = self.with_added.as_ref().filter(|_| self.keeps(&flow.after));
        added.unwrap_or(&self.then_puts).apply(&flow.after)
    }

    /// Whether the changed entry does right by a text: it selects what it selected, nothing else, and makes the same of it.
    pub(super) fn fits(&self, flow: &Flow) -> bool {
        let kept = self.keeps(&flow.after);
        let selects = kept || self.names.iter().any(|name| name.selects(&flow.after));
        // One that says the same as an entry that selects the text anyway may begin to select it.
        let again = || flow.put.as_ref() == Some(&self.puts);
        (selects == self.selects(&flow.before) || selects && again())
            && self.changed(&flow.after) == self.due(flow)
    }

    /// The text after the entry, where it does anything.
    pub(super) fn on(&self, flow: &Flow) -> Option<Flow> {
        if !self.selects(&flow.before) {
            let after = self.changed(&flow.after);
            return (after != flow.after).then(|| Flow {
                after,
                ..flow.clone()
            });
        }
        let mut next = Flow {
            before: self.puts.apply(&flow.before),
            after: self.changed(&flow.after),
            put: Some(Rc::clone(&self.puts)),
            ..flow.clone()
        };
        if self.new_name.is_some() {
            next.named_by = Some(self.index);
            next.movers = self.new_name_movers();
        } else if self.change.added.is_some() && self.entry().pattern.selects(&flow.after) {
            next.named_by = Some(self.index);
            next.movers.push(Mover::Entry(self.index));
            next.movers.sort();
            next.movers.dedup();
        }
        if Cut::of(&next.before).name == Cut::of(&next.after).name {
            next.movers.clear();
        }
        Some(next)
    }
}
