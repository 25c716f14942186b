//! What a cluster is asked, and why it may not answer. Knows no way to ask it.

use std::path::PathBuf;

use serde_json::Value;

/// Which cluster is asked, and for what.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub context: Option<String>,
    pub kubeconfig: Option<PathBuf>,
    /// `None` is the namespace of the context.
    pub namespace: Option<String>,
    pub all_namespaces: bool,
    pub selector: Option<String>,
    /// Objects that the API server returns at once.
    pub chunk_size: u32,
}

/// Why a resource was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The user may not.
    Forbidden,
    /// The cluster has no such resource.
    NoSuchResource,
    /// It came to an end too early. Reading it again from the start may succeed.
    Interrupted(String),
    /// Anything else.
    Failed(String),
}

/// Who answers for a cluster.
pub trait Server: Sync {
    /// Hands over each object of a resource, such as `deployments.apps`.
    ///
    /// # Errors
    /// Where not all of them could be read. Some may have been handed over.
    fn get(&self, resource: &str, each: &mut dyn FnMut(Value)) -> Result<(), Refusal>;
}
