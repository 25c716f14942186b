//! An image value during a build: its text before and after the fixes, and what changes it.

use std::rc::Rc;

use super::image_name::Override;

/// Something that changes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The fix of a source.
    Source(usize),
    /// An entry that sets a new name, which it did not do before its change.
    Entry(usize),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ImageValue {
    pub(super) origin: Origin,
    /// Whether it may be in any field by now.
    pub(super) anywhere: bool,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) causes: Vec<Cause>,
    /// The entry that gave it its name.
    pub(super) named_by: Option<usize>,
    /// The override of the last entry that selected it.
    pub(super) put: Option<Rc<Override>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    Leaf(usize),
    /// A name that an entry selects, and that a base outside the tree may contain.
    Unseen(usize),
}
