//! Chooses how to read a cluster: with kubectl, which knows the user's contexts and logins, or without it, in a pod, from the
//! API server.

use std::path::Path;

use crate::cluster::{Kubectl, Query, Server};

/// `folder` is the folder of a service account, if the user named one.
///
/// # Errors
/// If something that is needed is missing.
pub(super) fn server(folder: Option<&Path>, query: Query) -> Result<Box<dyn Server>, String> {
    if let Some(folder) = folder {
        return own::server(folder, &query);
    }
    match Kubectl::find(query.clone()) {
        Ok(kubectl) => Ok(Box::new(kubectl)),
        Err(why) => own::server_of_pod(&query).unwrap_or(Err(why)),
    }
}

/// The API server of the cluster that this process runs in.
#[cfg(feature = "online")]
mod own {
    use std::path::Path;

    use crate::cluster::{ApiServer, Query, SERVICE_ACCOUNT, Server, is_in_pod};
    use crate::http::Environment;

    pub(super) fn server(folder: &Path, query: &Query) -> Result<Box<dyn Server>, String> {
        let server = ApiServer::new(folder, &Environment::here(), query, ApiServer::LIMITS)?;
        Ok(Box::new(server))
    }

    /// `None` outside of pods, or if the user named another cluster.
    pub(super) fn server_of_pod(query: &Query) -> Option<Result<Box<dyn Server>, String>> {
        let is_named = query.context.is_some() || query.kubeconfig.is_some();
        let is_asked = !is_named && is_in_pod(&Environment::here());
        is_asked.then(|| server(Path::new(SERVICE_ACCOUNT), query))
    }
}

#[cfg(not(feature = "online"))]
mod own {
    use std::path::Path;

    use crate::cluster::{Query, Server};

    pub(super) fn server(_: &Path, _: &Query) -> Result<Box<dyn Server>, String> {
        Err("`--service-account` needs a build that can make connections: use a released binary, or build with `--features online`".to_owned())
    }

    pub(super) fn server_of_pod(_: &Query) -> Option<Result<Box<dyn Server>, String>> {
        None
    }
}
