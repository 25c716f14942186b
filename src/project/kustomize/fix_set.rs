//! What has to be done together: sets of fixes, entries and tests, united where one needs the other.

use std::collections::{BTreeMap, BTreeSet};

use super::image_value::Cause;

#[derive(Debug, Default, Clone)]
pub(super) struct FixSet {
    pub(super) sources: BTreeSet<usize>,
    pub(super) entries: BTreeSet<usize>,
    pub(super) tests: BTreeSet<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Mover(Cause),
    Test(usize),
}

/// Disjoint sets.
#[derive(Default)]
pub(super) struct DisjointSets {
    of: BTreeMap<Node, Node>,
}

impl DisjointSets {
    pub(super) fn add(&mut self, node: Node) {
        self.of.entry(node).or_insert(node);
    }

    fn root(&mut self, mut node: Node) -> Node {
        self.add(node);
        while self.of[&node] != node {
            // Half of the way is enough to keep all ways short.
            let above = self.of[&self.of[&node]];
            self.of.insert(node, above);
            node = above;
        }
        node
    }

    pub(super) fn join(&mut self, one: Node, other: Node) {
        let (one, other) = (self.root(one), self.root(other));
        self.of.insert(one.max(other), one.min(other));
    }

    pub(super) fn join_all(&mut self, entry: Cause, causes: &[Cause]) {
        self.add(Node::Mover(entry));
        for cause in causes {
            self.join(Node::Mover(entry), Node::Mover(*cause));
        }
    }

    pub(super) fn fix_sets(mut self) -> Vec<FixSet> {
        let nodes: Vec<Node> = self.of.keys().copied().collect();
        let mut fix_sets: BTreeMap<Node, FixSet> = BTreeMap::new();
        for node in nodes {
            let fix_set = fix_sets.entry(self.root(node)).or_default();
            match node {
                Node::Mover(Cause::Source(source)) => fix_set.sources.insert(source),
                Node::Mover(Cause::Entry(entry)) => fix_set.entries.insert(entry),
                Node::Test(test) => fix_set.tests.insert(test),
            };
        }
        fix_sets.into_values().collect()
    }
}
