//! A build, played twice at once: as the files are, and as they would be after the fixes that are planned.
//!
//! Every text that may reach the field of an image goes its own way through the layers, so what holds for each of them
//! holds for the build. Knows no rule.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::rc::Rc;

use super::entry::Change;
use super::group::{Group, Input, Rewrite};
use super::leaf::{self, FieldSpec};
use super::value::{Cut, Override, Pattern};

/// More steps than real trees take by far.
const MOST_STEPS: usize = 4_000_000;

/// More layers, each counted as often as it is met: components that name components over and over stop here.
const MOST_VISITS: usize = 100_000;

/// Kustomizations in kustomizations: deeper than this they are not followed.
pub(super) const DEEPEST: usize = 64;

/// What makes a text another one than it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Mover {
    /// The fix of a source.
    Source(usize),
    /// An entry that puts a new name in, which it did not before.
    Entry(usize),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    pub(super) origin: Origin,
    /// Whether it may stand in any field by now.
    pub(super) anywhere: bool,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) movers: Vec<Mover>,
    /// The entry that gave it its name.
    pub(super) named_by: Option<usize>,
    /// What the last entry that selected it put in.
    pub(super) put: Option<Rc<Override>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    Leaf(usize),
    /// What a base that is not here may hold: a name that an entry selects.
    Unseen(usize),
}

/// What is to be done.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// By the place of the entry in the group.
    pub(super) changes: Vec<Change>,
    /// Of tests, what they test then.
    pub(super) tests: Vec<Option<String>>,
}

impl Plan {
    pub(super) fn nothing(group: &Group) -> Self {
        Self {
            changes: vec![Change::default(); group.overrides.len()],
            tests: vec![None; group.tests.len()],
        }
    }
}

/// What was met on the way.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// What came to each entry.
    pub(super) inputs: Vec<Vec<Rc<Flow>>>,
    /// What stood there when each test was made.
    pub(super) tested: Vec<Vec<Rc<Flow>>>,
    /// What came out of the layers that are built for themselves.
    pub(super) results: Vec<Rc<Flow>>,
    /// Whether there was too much to follow.
    pub(super) gave_up: bool,
}

/// Plays a build.
pub(super) struct Player<'g> {
    pub(super) group: &'g Group,
    /// Names that bases which are not here may hold.
    pub(super) unseen: &'g [String],
    pub(super) plan: &'g Plan,
    /// New names of entries, made ready.
    patterns: Vec<Vec<Pattern>>,
    is_active: &'g dyn Fn(usize) -> bool,
    built: HashMap<usize, Rc<Build>>,
    open: Vec<usize>,
    steps: usize,
    visits: usize,
    played: Played,
    seen: Vec<HashSet<Rc<Flow>>>,
}

/// What comes out of a layer.
#[derive(Debug, Default, Clone)]
struct Build {
    flows: Vec<Rc<Flow>>,
    specs: Vec<FieldSpec>,
}

impl<'g> Player<'g> {
    pub(super) fn new(
        group: &'g Group,
        unseen: &'g [String],
        plan: &'g Plan,
        is_active: &'g dyn Fn(usize) -> bool,
    ) -> Self {
        let names = |change: &Change| change.names.iter().map(|name| Pattern::new(name)).collect();
        Self {
            group,
            unseen,
            plan,
            patterns: plan.changes.iter().map(names).collect(),
            is_active,
            built: HashMap::new(),
            open: Vec::new(),
            steps: 0,
            visits: 0,
            played: Played {
                inputs: vec![Vec::new(); group.overrides.len()],
                tested: vec![Vec::new(); group.tests.len()],
                ..Played::default()
            },
            seen: vec![HashSet::new(); group.overrides.len()],
        }
    }

    pub(super) fn play(mut self) -> Played {
        for root in self.group.roots() {
            let build = self.build(root);
            self.played.results.extend(build.flows.iter().cloned());
        }
        // Layers that name each other in a circle have no root.
        for layer in 0..self.group.stages.len() {
            self.build(layer);
        }
        self.played
    }

    /// What a layer comes to on its own.
    fn build(&mut self, layer: usize) -> Rc<Build> {
        if let Some(known) = self.built.get(&layer) {
            return Rc::clone(known);
        }
        let mut build = Build::default();
        self.accumulate(layer, &mut build);
        let build = Rc::new(build);
        if self.open.is_empty() || !self.open.contains(&layer) {
            self.built.insert(layer, Rc::clone(&build));
        }
        build
    }

    /// Adds a layer to what there is already, and changes all of it: so components do.
    fn accumulate(&mut self, layer: usize, build: &mut Build) {
        self.visits += 1;
        let full = self.visits > MOST_VISITS || self.steps > MOST_STEPS;
        self.played.gave_up |= full || self.open.len() >= DEEPEST;
        if self.open.contains(&layer) || self.played.gave_up {
            return;
        }
        self.open.push(layer);
        let stage = &self.group.stages[layer];
        for input in &stage.inputs {
            match input {
                Input::Leaf(leaf) => build.flows.push(Rc::new(self.leaf(*leaf))),
                Input::Layer(below) => {
                    let below = self.build(*below);
                    self.steps += below.flows.len();
                    if self.steps < MOST_STEPS {
                        build.flows.extend(below.flows.iter().cloned());
                        build.specs.extend(below.specs.iter().cloned());
                    }
                }
            }
        }
        build.specs.extend(stage.specs.iter().cloned());
        if stage.unseen {
            build
                .flows
                .extend((0..self.unseen.len()).map(|name| Rc::new(self.unseen(name))));
        }
        for component in &stage.components {
            self.accumulate(*component, build);
        }
        let patches = stage.patches.iter().map(|leaf| Rc::new(self.leaf(*leaf)));
        build.flows.extend(patches);
        for test in &stage.tests {
            let value = &self.group.tests[*test].value;
            let equal = build.flows.iter().filter(|flow| flow.before == *value);
            self.played.tested[*test].extend(equal.cloned());
        }
        for entry in &stage.early {
            self.rewrite(*entry, build);
        }
        if stage.has_replacements {
            // What a replacement copies, and where to, is not followed: anything may be anywhere from here on.
            let copies = build.flows.iter().filter(|flow| !flow.anywhere);
            let copies = copies.map(|flow| Flow {
                anywhere: true,
                ..Flow::clone(flow)
            });
            let copies: Vec<Rc<Flow>> = copies.map(Rc::new).collect();
            build.flows.extend(copies);
        }
        for entry in &stage.late {
            self.rewrite(*entry, build);
        }
        dedup(&mut build.flows);
        dedup(&mut build.specs);
        self.open.pop();
    }

    fn leaf(&self, index: usize) -> Flow {
        let leaf = &self.group.leaves[index];
        let (after, sources) = leaf.moved(&self.group.sources, self.is_active);
        Flow {
            origin: Origin::Leaf(index),
            anywhere: false,
            movers: match after == leaf.value {
                true => Vec::new(),
                false => sources.into_iter().map(Mover::Source).collect(),
            },
            before: leaf.value.clone(),
            after,
            named_by: None,
            put: None,
        }
    }

    fn unseen(&self, name: usize) -> Flow {
        Flow {
            origin: Origin::Unseen(name),
            anywhere: true,
            before: self.unseen[name].clone(),
            after: self.unseen[name].clone(),
            movers: Vec::new(),
            named_by: None,
            put: None,
        }
    }

    fn rewrite(&mut self, index: usize, build: &mut Build) {
        let rewrite = &self.group.overrides[index];
        let act = Act {
            index,
            rewrite,
            change: &self.plan.changes[index],
            names: &self.patterns[index],
            new_name: rewrite.new_name(self.group, self.is_active),
        };
        for flow in &mut build.flows {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                self.played.gave_up = true;
                return;
            }
            let specs = rewrite.specs.as_ref().unwrap_or(&build.specs);
            if is_seen(self.group, flow, specs) {
                if self.seen[index].insert(Rc::clone(flow)) {
                    self.played.inputs[index].push(Rc::clone(flow));
                }
                if let Some(next) = act.on(flow) {
                    *flow = Rc::new(next);
                }
            }
        }
    }
}

fn is_seen(group: &Group, flow: &Flow, specs: &[FieldSpec]) -> bool {
    match flow.origin {
        _ if flow.anywhere => true,
        Origin::Leaf(leaf) => group.leaves[leaf].field.is_seen(specs),
        Origin::Unseen(_) => true,
    }
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

/// An entry as it acts before and after its change.
pub(super) struct Act<'a> {
    pub(super) index: usize,
    pub(super) rewrite: &'a Rewrite,
    pub(super) change: &'a Change,
    pub(super) names: &'a [Pattern],
    pub(super) new_name: Option<(String, Vec<usize>)>,
}

impl Act<'_> {
    fn moved_name(&self) -> Option<&str> {
        self.new_name.as_ref().map(|(name, _)| name.as_str())
    }

    /// What the changed entry makes of a text.
    fn changed(&self, text: &str) -> String {
        let entry = &self.rewrite.entry;
        let mut now = text.to_owned();
        if self.change.keep && entry.pattern.selects(&now) {
            let added = self.change.added.as_deref();
            now = entry.puts(added.or(self.moved_name())).apply(&now);
        }
        for pattern in self.names {
            if pattern.selects(&now) {
                now = entry.puts(self.moved_name()).apply(&now);
            }
        }
        now
    }

    /// What the text has to become: what the entry made of it before, under the name that it has now.
    fn due(&self, flow: &Flow) -> String {
        let entry = &self.rewrite.entry;
        if !entry.pattern.selects(&flow.before) {
            return flow.after.clone();
        }
        let added = self.change.added.as_deref();
        let stays = added.filter(|_| self.change.keep && entry.pattern.selects(&flow.after));
        entry.puts(stays.or(self.moved_name())).apply(&flow.after)
    }

    /// Whether the changed entry does right by a text: it selects what it selected, nothing else, and makes the same of it.
    pub(super) fn fits(&self, flow: &Flow) -> bool {
        let entry = &self.rewrite.entry;
        let kept = self.change.keep && entry.pattern.selects(&flow.after);
        let selects = kept || self.names.iter().any(|name| name.selects(&flow.after));
        let selected = entry.pattern.selects(&flow.before);
        // One that says the same as an entry that selects the text anyway may begin to select it.
        let again = || flow.put.as_deref() == Some(&entry.puts(None));
        (selects == selected || selects && again()) && self.changed(&flow.after) == self.due(flow)
    }

    /// The text after the entry, where it does anything.
    fn on(&self, flow: &Flow) -> Option<Flow> {
        let entry = &self.rewrite.entry;
        if !entry.pattern.selects(&flow.before) {
            let after = self.changed(&flow.after);
            return (after != flow.after).then(|| Flow {
                after,
                ..flow.clone()
            });
        }
        let before = entry.puts(None).apply(&flow.before);
        let after = self.changed(&flow.after);
        let mut next = Flow {
            before,
            after,
            put: Some(Rc::new(entry.puts(None))),
            ..flow.clone()
        };
        if let Some((_, sources)) = &self.new_name {
            next.named_by = Some(self.index);
            next.movers = sources.iter().copied().map(Mover::Source).collect();
        } else if self.change.added.is_some() && entry.pattern.selects(&flow.after) {
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

/// Order counts, doubles do not.
fn dedup<T: Clone + Eq + Hash>(list: &mut Vec<T>) {
    let mut seen = HashSet::new();
    list.retain(|one| seen.insert(one.clone()));
}
