//! The images of an object, and the verdicts on them.

use std::sync::Arc;

use super::container::Container;
use crate::finding::Finding;

/// An image that an object pulls.
#[derive(Debug, Clone)]
pub struct Use {
    pub container: Container,
    /// The JSON pointer to the value, or to the first of several.
    pub pointer: String,
    pub image: String,
    pub judged: Option<Judged>,
}

/// The finding of a rule, and what its fix changes in the object.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Its spans are no longer valid.
    pub finding: Arc<Finding>,
    /// Empty if there is no fix, or the fix does more than replace values.
    pub changes: Vec<Change>,
}

/// A value that a fix replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// A JSON pointer.
    pub pointer: String,
    pub old: String,
    pub new: String,
}
