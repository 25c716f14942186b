//! Disjoint sets: finds out which items belong together, directly or through others.
//!
//! Knows nothing of the items.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Items in sets, by union-find.
#[derive(Debug)]
pub struct DisjointSets<T> {
    numbers: HashMap<T, usize>,
    /// For each number, another one of its set that leads to the first of the set. The first leads to itself.
    above: Vec<usize>,
}

impl<T> Default for DisjointSets<T> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            above: Vec::new(),
        }
    }
}

impl<T: Hash + Ord> DisjointSets<T> {
    /// Returns the number of an item. A new item becomes a new set.
    pub fn add(&mut self, item: T) -> usize {
        let next = self.above.len();
        let number = *self.numbers.entry(item).or_insert(next);
        if number == next {
            self.above.push(next);
        }
        number
    }

    fn first(&mut self, mut number: usize) -> usize {
        while self.above[number] != number {
            // Halving the path is enough to keep all paths short.
            self.above[number] = self.above[self.above[number]];
            number = self.above[number];
        }
        number
    }

    /// Joins the sets of two numbers.
    pub fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first(one), self.first(other));
        self.above[one.max(other)] = one.min(other);
    }

    /// Returns the sets in the order in which their first items were added, the items of each sorted.
    pub fn into_sets(mut self) -> Vec<Vec<T>> {
        let mut sets: BTreeMap<usize, Vec<T>> = BTreeMap::new();
        for (item, number) in std::mem::take(&mut self.numbers) {
            sets.entry(self.first(number)).or_default().push(item);
        }
        let mut sets: Vec<Vec<T>> = sets.into_values().collect();
        sets.iter_mut().for_each(|set| set.sort_unstable());
        sets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_that_share_an_item_are_one() {
        let mut sets = DisjointSets::default();
        for [one, other] in [["c", "b"], ["x", "y"], ["a", "d"], ["b", "a"], ["z", "z"]] {
            let (one, other) = (sets.add(one), sets.add(other));
            sets.join(one, other);
        }
        let expected = [vec!["a", "b", "c", "d"], vec!["x", "y"], vec!["z"]];
        assert_eq!(sets.into_sets(), expected);
    }
}
