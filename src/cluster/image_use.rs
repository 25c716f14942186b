//! The images of an object, with what the rules say of each.

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

/// A rule that matched, and what its fix does to the object.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Its spans mean nothing any more.
    pub finding: Arc<Finding>,
    /// Empty where there is no fix, or none that only replaces values.
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
