//! What has to be done together: sets of fixes, entries and tests, united where one needs the other.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::Mover;

#[derive(Debug, Default, Clone)]
pub(super) struct Bundle {
    pub(super) sources: BTreeSet<usize>,
    pub(super) entries: BTreeSet<usize>,
    pub(super) tests: BTreeSet<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Mover(Mover),
    Test(usize),
}

/// Disjoint sets.
#[derive(Default)]
pub(super) struct Sets {
    of: BTreeMap<Node, Node>,
}

impl Sets {
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

    pub(super) fn join_all(&mut self, entry: Mover, movers: &[Mover]) {
        self.add(Node::Mover(entry));
        for mover in movers {
            self.join(Node::Mover(entry), Node::Mover(*mover));
        }
    }

    pub(super) fn bundles(mut self) -> Vec<Bundle> {
        let nodes: Vec<Node> = self.of.keys().copied().collect();
        let mut bundles: BTreeMap<Node, Bundle> = BTreeMap::new();
        for node in nodes {
            let bundle = bundles.entry(self.root(node)).or_default();
            match node {
                Node::Mover(Mover::Source(source)) => bundle.sources.insert(source),
                Node::Mover(Mover::Entry(entry)) => bundle.entries.insert(entry),
                Node::Test(test) => bundle.tests.insert(test),
            };
        }
        bundles.into_values().collect()
    }
}
