//! Messages of `regfix cluster` for a cluster that returned less than was requested, with advice.

use crate::cluster::report::NotRead;
use crate::cluster::{Collected, Query};

/// Returns one line per reason. If nothing was read and nothing is forbidden, the first reason stands for all resources.
pub(super) fn failures(collected: &Collected) -> Vec<String> {
    let all = collected.failures.iter();
    match all.clone().next() {
        Some((why, _)) if !collected.has_answers && collected.not_read.is_empty() => {
            vec![format!("nothing could be read: {why}")]
        }
        _ => all
            .map(|(why, resources)| format!("{}: {why}", resources.join(", ")))
            .collect(),
    }
}

/// The message if the user may not read any of the resources.
pub(super) fn nothing_read(not_read: &[NotRead]) -> String {
    let resources = not_read.iter().map(|one| one.resource.as_str());
    let resources = resources.collect::<Vec<_>>().join(", ");
    let why = not_read.first().map(|one| one.why.as_str());
    format!(
        "no object could be read: {}: {resources}. packaging/cluster-reader.yaml is a role that may read them",
        why.unwrap_or_default()
    )
}

/// The message if there are no objects. More often the request is wrong than the cluster empty.
pub(super) fn no_objects(query: &Query) -> String {
    let labels = query.selector.as_ref();
    let labels = labels.map_or(String::new(), |labels| {
        format!(" with the labels `{labels}`")
    });
    match &query.namespace {
        _ if query.all_namespaces => format!("there are no objects{labels} in this cluster"),
        Some(namespace) => format!(
            "there are no objects{labels} in the namespace `{namespace}`: is that its name? -A reads all namespaces"
        ),
        None => format!(
            "there are no objects{labels} in the namespace of this context: -n names another one, and -A reads all"
        ),
    }
}
