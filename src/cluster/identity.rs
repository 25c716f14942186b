//! The name of an object.

/// The full name of an object, without the version of its API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Empty for a cluster-scoped object.
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
