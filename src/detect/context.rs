//! The context of a value: its document, the path from the document's root, and the map that holds it.
//!
//! Passed down by value. Each step points to the one above, so walking down allocates nothing.

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
    /// The folded key of the value. List items have the key of the list; the root has an empty key. If a sibling names the
    /// value, as `name:` does for `value:`, that name counts instead.
    pub(super) key: &'c str,
    /// The key above `key`.
    pub(super) parent: &'c str,
    /// The map that holds the value.
    pub(super) siblings: Option<&'c Map<'c>>,
    pub(super) in_list: bool,
    /// The usage inherited from above. If it is a pull, it limits the certainty of pulls below.
    pub(super) inherited: Option<Usage>,
    /// How the value is written, according to the document's schema.
    pub(super) form: Form,
    /// Whether the value was reached through an alias.
    pub(super) by_alias: bool,
    /// In a schema, the meaning of the keys of a map here.
    pub(super) schema: Option<SchemaKeys>,
}

/// The meaning of keys in a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SchemaKeys {
    /// `type`, `default`, `properties`.
    Keywords,
    /// Names of fields, below `properties`.
    Names,
}

/// The last step of the path from the root.
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

    /// Steps down to the value of a key.
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

    /// Steps down to the items of a list.
    pub(super) fn item<'b>(&'b self) -> Context<'b> {
        Context {
            above: Some(self),
            step: Step::Item,
            in_list: true,
            form: Form::ByWords,
            ..*self
        }
    }

    /// Returns the context of a list item that is the value of the option before it.
    pub(super) fn argument_of<'b>(&'b self, flag: &'b str) -> Context<'b> {
        Context {
            key: flag,
            in_list: false,
            ..*self
        }
    }

    /// Returns the same context in the decoded text of the value.
    pub(super) fn in_text<'b>(&'b self, input: &'b Input<'b>) -> Context<'b> {
        Context { input, ..*self }
    }

    /// This context, and those above it up to the root.
    pub(super) fn upwards(&self) -> impl Iterator<Item = &Context<'c>> {
        std::iter::successors(Some(self), |context| context.above)
    }

    pub(super) fn above(&self) -> Option<&'c Context<'c>> {
        self.above
    }

    pub(super) fn step(&self) -> Step<'c> {
        self.step
    }

    /// Returns the API group and kind of an item of a Kubernetes list. A `PodList` contains pods that do not repeat their
    /// kind.
    pub(super) fn listed_object(&self) -> Option<(&'c str, &'c str)> {
        let (group, list) = self.document.object?;
        let kind = list.strip_suffix("List").filter(|kind| !kind.is_empty())?;
        let way = self.upwards().map(|place| place.step);
        let is_item = way.eq([Step::Item, Step::Key("items"), Step::Root]);
        is_item.then_some((group, kind))
    }

    /// Whether the value is the root of the document.
    pub(super) fn is_root(&self) -> bool {
        self.step == Step::Root
    }

    /// Combines a usage with the inherited one.
    pub(super) fn used(&self, usage: Usage) -> Usage {
        usage.below(self.inherited)
    }

    /// Returns the usage of a value that is pulled unless something above says otherwise.
    pub(super) fn pull(&self) -> Usage {
        self.used(Usage::PULL)
    }

    /// Whether the inherited usage rules out pulls.
    pub(super) fn is_no_pull(&self) -> bool {
        self.inherited.is_some_and(|usage| !usage.is_pull())
    }
}
