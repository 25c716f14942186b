//! How an object is named.

/// An object by its name. The version of the API does not matter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Empty where the object is in no namespace.
    pub namespace: String,
    pub kind: String,
    pub name: String,
    /// The API group; empty for the core group.
    pub group: String,
}

impl Identity {
    /// `Deployment/web`
    pub fn shown(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}
