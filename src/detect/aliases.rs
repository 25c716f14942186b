//! The aliases of a text, and the collections that they name.

use std::cell::Cell;
use std::collections::HashMap;

use crate::source::Span;
use crate::syntax::yaml::Node;

/// The collections that aliases of a text name.
pub(super) struct Aliases<'a> {
    /// By the span of the alias.
    targets: HashMap<Span, &'a Node<'a>>,
    /// How many may still be followed: aliases of aliases multiply.
    budget: Cell<u32>,
}

/// No document of people follows more.
const MOST_FOLLOWED: u32 = 1 << 10;

impl<'a> Aliases<'a> {
    /// `shared` are the spans of aliases and of the collections that they name.
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

    /// What the alias at a span names, as long as the budget lasts.
    pub(super) fn follow(&self, alias: Span) -> Option<&'a Node<'a>> {
        let left = self.budget.get().checked_sub(1)?;
        let target = self.targets.get(&alias)?;
        self.budget.set(left);
        Some(target)
    }
}
