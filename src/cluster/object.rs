//! The part of an object that is kept: its name, its owner, who put it there, whether it has ended, and its images.

use std::collections::BTreeMap;

use serde_json::Value;

use super::identity::Identity;
use super::image_use::Use;
use super::labels::{self, LAST_APPLIED};
use super::source::Source;
use crate::detect::REPORT_GROUPS;

/// The owner of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: String,
    pub(super) identity: Identity,
}

/// The kept part of an object.
#[derive(Debug)]
pub struct Object {
    pub identity: Identity,
    pub uses: Vec<Use>,
    pub(super) uid: String,
    pub(super) owner: Option<Owner>,
    /// The labels and annotations that show who put it there.
    pub(super) evidence: BTreeMap<String, String>,
    /// Whether it has ended, like an old ReplicaSet or a finished Job. Nothing pulls its images as long as its owner makes new
    /// ones.
    pub(super) is_past: bool,
    /// How many pods it wants. `None` if it does not decide that.
    pub(super) replicas: Option<u64>,
    pub(super) is_suspended: bool,
    /// The node, for a static pod, which the kubelet reads from a file.
    pub(super) node_of_static_pod: Option<String>,
    /// For an object of Flux or Argo CD: the source of the objects that it brings.
    pub(super) source: Option<Source>,
    /// The object, to be judged again once registries have answered. Kept only if that can change the result.
    pub(super) value: Option<Value>,
}

const CORE: &str = "";

/// Kinds that pull nothing, whatever they name, because they describe the cluster or its history. Group and kind; `*` is any
/// kind.
const NOT_READ: [(&str, &str); 13] = [
    (CORE, "Node"),
    (CORE, "Event"),
    (CORE, "Secret"),
    ("events.k8s.io", "Event"),
    ("apps", "ControllerRevision"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("admissionregistration.k8s.io", "*"),
    ("apps.kruise.io", "NodeImage"),
    ("eraser.sh", "*"),
    ("kuik.enix.io", "*"),
    ("templates.gatekeeper.sh", "*"),
    ("constraints.gatekeeper.sh", "*"),
    ("image.openshift.io", "Image"),
];

/// Whether objects of a kind can name images that are pulled.
pub(super) fn is_read_for_images(identity: &Identity) -> bool {
    let mut all = NOT_READ.iter();
    let (group, kind) = (identity.group.as_str(), identity.kind.as_str());
    let is_known = all.any(|(of, one)| *of == group && (*one == kind || *one == "*"));
    !is_known && !REPORT_GROUPS.contains(&group)
}

/// Removes what a cluster says about an object, and copies of what was applied. The rest is judged as if it were in a
/// file: rows name the object, findings do not.
pub(super) fn strip(value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        map.remove("status");
    }
    let metadata = value.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata {
        for key in ["managedFields", "resourceVersion", "uid"] {
            metadata.remove(key);
        }
        let annotations = metadata.get_mut("annotations");
        if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !is_copy(key));
        }
    }
}

/// Whether an annotation is a copy: `kubectl` and many operators keep the last state that they saw.
fn is_copy(annotation: &str) -> bool {
    let words = [
        "last-applied",
        "last-handled",
        "objectset.rio.cattle.io/applied",
    ];
    words.iter().any(|word| annotation.contains(word))
}

impl Object {
    /// Reads everything but the images. `None` if it has no kind or no name.
    pub(super) fn new(value: &Value) -> Option<Self> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind")?.to_owned();
        let group = group_of(text("/apiVersion").unwrap_or_default());
        let name = text("/metadata/name")?.to_owned();
        let namespace = text("/metadata/namespace").unwrap_or_default().to_owned();
        let identity = Identity {
            namespace,
            kind,
            name,
            group,
        };
        Some(Self {
            uid: text("/metadata/uid").unwrap_or_default().to_owned(),
            owner: owner(value, &identity),
            evidence: evidence(value),
            is_past: is_past(value, &identity),
            replicas: replicas(value, &identity),
            is_suspended: value.pointer("/spec/suspend") == Some(&Value::Bool(true)),
            node_of_static_pod: node_of_static_pod(value, &identity),
            source: Source::of(value, &identity),
            uses: Vec::new(),
            value: None,
            identity,
        })
    }

    pub(super) fn is_pod(&self) -> bool {
        self.identity.kind == "Pod" && self.identity.group == CORE
    }
}

fn group_of(version: &str) -> String {
    version
        .split_once('/')
        .map_or(CORE, |(group, _)| group)
        .to_owned()
}

fn owner(value: &Value, identity: &Identity) -> Option<Owner> {
    let owners = value.pointer("/metadata/ownerReferences")?.as_array()?;
    let controls = |owner: &&Value| owner.get("controller") == Some(&Value::Bool(true));
    let owner = owners.iter().find(controls).or_else(|| owners.first())?;
    let text = |key: &str| owner.get(key).and_then(Value::as_str);
    Some(Owner {
        uid: text("uid").unwrap_or_default().to_owned(),
        identity: Identity {
            // An owner is in the same namespace or cluster-scoped. The lookup of the owner tries both.
            namespace: identity.namespace.clone(),
            kind: text("kind")?.to_owned(),
            name: text("name")?.to_owned(),
            group: group_of(text("apiVersion").unwrap_or_default()),
        },
    })
}

fn evidence(value: &Value) -> BTreeMap<String, String> {
    let maps = ["/metadata/labels", "/metadata/annotations"];
    let maps = maps
        .iter()
        .filter_map(|pointer| value.pointer(pointer)?.as_object());
    let kept = maps.flatten().filter_map(|(key, value)| {
        if key == LAST_APPLIED {
            return Some((key.clone(), String::new()));
        }
        let value = value.as_str().filter(|_| labels::is_evidence(key))?;
        Some((key.clone(), value.to_owned()))
    });
    kept.collect()
}

fn number(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

fn is_past(value: &Value, identity: &Identity) -> bool {
    match (identity.group.as_str(), identity.kind.as_str()) {
        ("apps", "ReplicaSet") | (CORE, "ReplicationController") => {
            number(value, "/spec/replicas") == Some(0)
        }
        ("batch", "Job") => {
            let conditions = value
                .pointer("/status/conditions")
                .and_then(Value::as_array);
            let is_over = |condition: &Value| {
                let text = |key: &str| condition.get(key).and_then(Value::as_str);
                text("status") == Some("True")
                    && matches!(text("type"), Some("Complete" | "Failed"))
            };
            conditions.is_some_and(|all| all.iter().any(is_over))
        }
        (CORE, "Pod") => {
            let phase = value.pointer("/status/phase").and_then(Value::as_str);
            matches!(phase, Some("Succeeded" | "Failed"))
        }
        _ => false,
    }
}

fn replicas(value: &Value, identity: &Identity) -> Option<u64> {
    match (identity.group.as_str(), identity.kind.as_str()) {
        ("apps", "DaemonSet") => number(value, "/status/desiredNumberScheduled"),
        ("apps", _) | (CORE, "ReplicationController") => {
            Some(number(value, "/spec/replicas").unwrap_or(1))
        }
        ("batch", "Job") => Some(number(value, "/spec/parallelism").unwrap_or(1)),
        ("batch", "CronJob") | (CORE, "Pod" | "PodTemplate") => None,
        _ => number(value, "/spec/replicas"),
    }
}

/// Returns the node of a static pod, which the kubelet marks with this annotation.
fn node_of_static_pod(value: &Value, identity: &Identity) -> Option<String> {
    let is_mirror = identity.kind == "Pod"
        && value
            .pointer("/metadata/annotations")
            .is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some());
    let node = value.pointer("/spec/nodeName").and_then(Value::as_str);
    is_mirror.then(|| node.unwrap_or_default().to_owned())
}
