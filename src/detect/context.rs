//! Where a value is: the document that it is in, the way to it from the document's root, and what its map says of it.
//!
//! Passed down by value; each step points to the one above, so that nothing is allocated on the way.

use super::document::Document;
use super::document_type::DocumentType;
use super::form::Form;
use super::input::Input;
use super::usage::Usage;
use crate::syntax::yaml::Map;

#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) input: &'c Input<'c>,
    pub(super) document: &'c Document<'c>,
    above: Option<&'c Context<'c>>,
    step: Step<'c>,
    /// The key above, folded; of list items that of the list. Empty at the root. What a sibling calls it comes first:
    /// `value:` is what `name:` says.
    pub(super) key: &'c str,
    /// The key above that one.
    pub(super) parent: &'c str,
    /// The map that holds the value.
    pub(super) siblings: Option<&'c Map<'c>>,
    pub(super) in_list: bool,
    /// How all below something above is used: a limit where that is a pull.
    pub(super) inherited: Option<Usage>,
    /// How the value is written, by the document's schema.
    pub(super) form: Form,
    /// Whether an alias led here.
    pub(super) by_alias: bool,
    /// In a schema: what the keys of a map here are.
    pub(super) schema: Option<SchemaKeys>,
}

/// What keys are in a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SchemaKeys {
    /// `type`, `default`, `properties`.
    Keywords,
    /// Below `properties`: the names of fields.
    Names,
}

/// The last step on the way from the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'c> {
    Root,
    Key(&'c str),
    Item,
}

impl<'c> Context<'c> {
    pub(super) fn root(input: &'c Input<'c>, document: &'c Document<'c>) -> Self {
        Self {
            input,
            document,
            above: None,
            step: Step::Root,
            key: "",
            parent: "",
            siblings: None,
            in_list: false,
            inherited: document.usage,
            form: Form::ByWords,
            by_alias: false,
            schema: (document.kind == DocumentType::Schema).then_some(SchemaKeys::Keywords),
        }
    }

    /// One step down, to the value of a key.
    pub(super) fn value<'b>(&'b self, map: &'b Map<'b>, raw: &'b str, key: &'b str) -> Context<'b> {
        Context {
            above: Some(self),
            step: Step::Key(raw),
            key,
            parent: self.key,
            siblings: Some(map),
            in_list: false,
            form: Form::ByWords,
            ..*self
        }
    }

    /// One step down, to the items of a list.
    pub(super) fn item<'b>(&'b self) -> Context<'b> {
        Context {
            above: Some(self),
            step: Step::Item,
            in_list: true,
            form: Form::ByWords,
            ..*self
        }
    }

    /// An item that is the value of the option before it.
    pub(super) fn argument_of<'b>(&'b self, flag: &'b str) -> Context<'b> {
        Context {
            key: flag,
            in_list: false,
            ..*self
        }
    }

    /// The same location in what the value means.
    pub(super) fn in_text<'b>(&'b self, input: &'b Input<'b>) -> Context<'b> {
        Context { input, ..*self }
    }

    /// This place, and those above it up to the root.
    pub(super) fn upwards(&self) -> impl Iterator<Item = &Context<'c>> {
        std::iter::successors(Some(self), |context| context.above)
    }

    pub(super) fn above(&self) -> Option<&'c Context<'c>> {
        self.above
    }

    pub(super) fn step(&self) -> Step<'c> {
        self.step
    }

    /// Group and kind of an item of what the API server lists: a `PodList` has pods, which do not say it once more.
    pub(super) fn listed_object(&self) -> Option<(&'c str, &'c str)> {
        let (group, list) = self.document.object?;
        let kind = list.strip_suffix("List").filter(|kind| !kind.is_empty())?;
        let way = self.upwards().map(|place| place.step);
        let is_item = way.eq([Step::Item, Step::Key("items"), Step::Root]);
        is_item.then_some((group, kind))
    }

    /// Whether the value is all that the document is.
    pub(super) fn is_root(&self) -> bool {
        self.step == Step::Root
    }

    /// How a value is used here that is by itself used so.
    pub(super) fn used(&self, usage: Usage) -> Usage {
        usage.below(self.inherited)
    }

    /// How a value is used that is pulled unless something above says otherwise.
    pub(super) fn pull(&self) -> Usage {
        self.used(Usage::PULL)
    }

    /// Whether something above says that nothing here is pulled.
    pub(super) fn is_no_pull(&self) -> bool {
        self.inherited.is_some_and(|usage| !usage.is_pull())
    }
}
