//! Requests to a cluster and reasons why they may fail, independent of how they are sent.

use std::path::PathBuf;

use serde_json::Value;

/// The cluster to read, and the objects to read from it.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub context: Option<String>,
    pub kubeconfig: Option<PathBuf>,
    /// `None` means the namespace of the context.
    pub namespace: Option<String>,
    pub all_namespaces: bool,
    pub selector: Option<String>,
    /// How many objects the API server returns at once.
    pub chunk_size: u32,
}

/// The definitions of custom resources, which show whether these can name images. Read whatever labels they have.
pub(super) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

impl Query {
    /// Returns the labels that the objects of a resource must have.
    pub(super) fn selector_of(&self, resource: &str) -> Option<&str> {
        let selector = self.selector.as_deref();
        selector.filter(|_| resource != DEFINITIONS)
    }
}

/// Why a resource was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The user is not allowed to.
    Forbidden,
    /// The cluster has no such resource.
    NoSuchResource,
    /// Reading was cut off. Another attempt from the start may succeed.
    Interrupted(String),
    /// Anything else.
    Failed(String),
}

/// A source of the objects of a cluster.
pub trait Server: Sync {
    /// Passes each object of a resource, such as `deployments.apps`, to `each`.
    ///
    /// # Errors
    /// If not all of them could be read. Some may have been passed on before.
    fn get(&self, resource: &str, each: &mut dyn FnMut(Value)) -> Result<(), Refusal>;
}
