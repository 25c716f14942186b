//! Questions to a cluster, and why it may not answer. Knows no way to ask it.

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

/// They say which custom resources can name images, whatever their own labels are.
pub(super) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

impl Query {
    /// The labels that the objects of a resource must have.
    pub(super) fn selector_of(&self, resource: &str) -> Option<&str> {
        let selector = self.selector.as_deref();
        selector.filter(|_| resource != DEFINITIONS)
    }
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
