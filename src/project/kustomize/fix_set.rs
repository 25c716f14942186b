//! Sets of fixes, entries and tests that have to change together.

use std::collections::BTreeSet;

use super::image_value::Cause;
use crate::disjoint::DisjointSets;

#[derive(Debug, Default, Clone)]
pub(super) struct FixSet {
    pub(super) sources: BTreeSet<usize>,
    pub(super) entries: BTreeSet<usize>,
    pub(super) tests: BTreeSet<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Node {
    Cause(Cause),
    Test(usize),
}

/// The sets that are known so far.
#[derive(Default)]
pub(super) struct FixSets(DisjointSets<Node>);

impl FixSets {
    pub(super) fn add(&mut self, node: Node) {
        self.0.add(node);
    }

    pub(super) fn join(&mut self, one: Node, other: Node) {
        let (one, other) = (self.0.add(one), self.0.add(other));
        self.0.join(one, other);
    }

    pub(super) fn join_all(&mut self, entry: Cause, causes: &[Cause]) {
        self.add(Node::Cause(entry));
        for cause in causes {
            self.join(Node::Cause(entry), Node::Cause(*cause));
        }
    }

    /// Returns the sets, sorted by their nodes.
    pub(super) fn all(self) -> Vec<FixSet> {
        let mut sets = self.0.into_sets();
        sets.sort();
        let fix_set = |nodes: Vec<Node>| {
            let mut fix_set = FixSet::default();
            for node in nodes {
                match node {
                    Node::Cause(Cause::Source(source)) => fix_set.sources.insert(source),
                    Node::Cause(Cause::Entry(entry)) => fix_set.entries.insert(entry),
                    Node::Test(test) => fix_set.tests.insert(test),
                };
            }
            fix_set
        };
        sets.into_iter().map(fix_set).collect()
    }
}
