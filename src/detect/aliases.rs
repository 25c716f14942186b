//! Resolves the aliases of a text to the collections that they name.

use std::cell::Cell;
use std::collections::HashMap;

use crate::source::Span;
use crate::syntax::yaml::Node;

/// The collections that aliases of a text refer to.
pub(super) struct Aliases<'a> {
    /// Keyed by the span of the alias.
    targets: HashMap<Span, &'a Node<'a>>,
    /// How many aliases may still be followed. There is a limit because aliases of aliases multiply.
    budget: Cell<u32>,
}

/// The maximum number of aliases that are followed in a text.
const MOST_FOLLOWED: u32 = 1 << 10;

impl<'a> Aliases<'a> {
    /// Creates the table. `shared` pairs the span of each alias with that of its collection.
    pub(super) fn of(documents: &'a [Node<'a>], shared: &[(Span, Span)]) -> Self {
        let mut targets = HashMap::new();
        if !shared.is_empty() {
            let collections: HashMap<Span, &Node<'_>> =
                documents.iter().flat_map(Node::collections).collect();
            let found = shared
                .iter()
                .filter_map(|(alias, target)| Some((*alias, *collections.get(target)?)));
            targets.extend(found);
        }
        Self {
            targets,
            budget: Cell::new(MOST_FOLLOWED),
        }
    }

    /// Returns the collection that the alias at a span refers to. `None` if there is none, or once the budget is used up.
    pub(super) fn follow(&self, alias: Span) -> Option<&'a Node<'a>> {
        let left = self.budget.get().checked_sub(1)?;
        let target = self.targets.get(&alias)?;
        self.budget.set(left);
        Some(target)
    }
}
