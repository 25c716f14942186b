//! A text during a build: what it was, what it becomes, and what changes it.

use std::rc::Rc;

use super::image_name::Override;

/// What makes a text another one than it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The fix of a source.
    Source(usize),
    /// An entry that puts a new name in, which it did not before.
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
    /// What the last entry that selected it put in.
    pub(super) put: Option<Rc<Override>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    Leaf(usize),
    /// What a base that is not here may hold: a name that an entry selects.
    Unseen(usize),
}
