//! Where a value is: the document that it is in, the way to it from the document's root, and what its map says of it.
//!
//! Passed down by value; each step points to the one above, so that nothing is allocated on the way.

use super::document::DocumentType;
use super::input::Input;
use super::usage::{Certainty, Usage};
use crate::syntax::yaml::Map;

#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) input: &'c Input<'c>,
    pub(super) document: DocumentType,
    /// The key above, folded; of list items that of the list. Empty at the root. What a sibling calls it comes first:
    /// `value:` is what `name:` says.
    pub(super) key: &'c str,
    /// The key above that one.
    pub(super) parent: &'c str,
    /// The map that holds the value.
    pub(super) siblings: Option<&'c Map<'c>>,
    pub(super) in_list: bool,
    /// Set below a key whose values are only spoken about.
    pub(super) mention: Option<&'static str>,
}

impl<'c> Context<'c> {
    pub(super) fn root(input: &'c Input<'c>, document: DocumentType) -> Self {
        Self {
            input,
            document,
            key: "",
            parent: "",
            siblings: None,
            in_list: false,
            mention: document.mention(),
        }
    }

    /// Whether the value is all that the document is.
    pub(super) fn is_root(&self) -> bool {
        self.siblings.is_none() && !self.in_list && self.key.is_empty()
    }

    /// How a value is used here that is pulled in other documents.
    pub(super) fn pull(&self) -> Usage {
        match self.document {
            DocumentType::Mention(reason) => Usage::Mention(reason),
            DocumentType::MustAgree(reason) => Usage::Pull(Certainty::MustAgree(reason)),
            _ => Usage::PULL,
        }
    }
}
