//! What a document is, by its own words: what is pulled by a Deployment is only spoken about by a policy.

use std::path::Path;

use super::words::fold;
use crate::syntax::yaml::{Map, Node};

/// How the references of a document are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentType {
    /// Manifests, values and all else that pulls.
    Plain,
    /// What it names is matched, forbidden, promoted or history. The reason is for people.
    Mention(&'static str),
    /// It pulls, but what it names must agree with something that is not here.
    MustAgree(&'static str),
    Chart,
    Kustomization,
    /// GitHub's: `repository` there is one of git.
    Workflow,
    /// Google's: `steps[].name` is pulled, `images` are pushed.
    CloudBuild,
}

impl DocumentType {
    /// Why nothing in the document is a pull, if so.
    pub(super) fn mention(self) -> Option<&'static str> {
        match self {
            Self::Mention(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether it says how the file itself is read, and nothing of a document inside it.
    pub(super) fn is_of_file(self) -> bool {
        matches!(
            self,
            Self::Chart | Self::Kustomization | Self::Workflow | Self::CloudBuild
        )
    }
}

const POLICY: DocumentType =
    DocumentType::Mention("a policy matches images, it does not pull them");
const MIRROR: DocumentType =
    DocumentType::Mention("a mirror table is keyed by the registry that clusters still name");
const MATCH_LIST: DocumentType =
    DocumentType::Mention("a detection rule matches running images, it does not pull them");
const PROMOTION: DocumentType =
    DocumentType::Mention("images are promoted to this place, not pulled from it");
const SCHEMA: DocumentType = DocumentType::Mention("a schema describes values, it does not pull");
const INDEX: DocumentType = DocumentType::Mention("an index tells what was packaged");
const ZARF: DocumentType =
    DocumentType::MustAgree("a package's images must agree with what its charts render");

/// API groups whose objects match images, by their end.
const POLICY_GROUPS: [&str; 10] = [
    "kyverno.io",
    "gatekeeper.sh",
    "admissionregistration.k8s.io",
    "sigstore.dev",
    "kubewarden.io",
    "connaisseur.io",
    "securityprofiles.io",
    "datree.io",
    "policy.open-cluster-management.io",
    "imagepolicy.k8s.io",
];

/// Kinds that match or redirect images in groups that hold other things too.
const MATCHING_KINDS: [(&str, DocumentType); 11] = [
    ("ImageContentSourcePolicy", MIRROR),
    ("ImageContentPolicy", MIRROR),
    ("ImageDigestMirrorSet", MIRROR),
    ("ImageTagMirrorSet", MIRROR),
    ("RegistryMirror", MIRROR),
    ("ImagePolicyWebhook", POLICY),
    ("ClusterImagePolicy", POLICY),
    ("CredentialProviderConfig", POLICY),
    ("PrometheusRule", MATCH_LIST),
    ("ZarfPackageConfig", ZARF),
    ("ImageSetConfiguration", MIRROR),
];

/// The type of a document, by its root and the file's name.
pub(super) fn of_root(root: &Node<'_>, path: &Path) -> DocumentType {
    let file = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    match root {
        Node::Map(map) => of_map(map, file, path),
        Node::List(list) => {
            let detection = |node: &Node<'_>| {
                let keys = ["macro", "rule", "required_engine_version", "list"];
                node.as_map()
                    .is_some_and(|map| keys.iter().any(|key| map.get(key).is_some()))
            };
            if list.items.iter().any(detection) {
                MATCH_LIST
            } else {
                DocumentType::Plain
            }
        }
        _ => DocumentType::Plain,
    }
}

fn of_map(map: &Map<'_>, file: &str, path: &Path) -> DocumentType {
    let group = map
        .text("apiVersion")
        .and_then(|version| version.split_once('/'))
        .map(|(group, _)| group);
    let kind = map.text("kind").unwrap_or_default();
    if let Some(group) = group {
        let ends = |end: &str| {
            group == end
                || group
                    .strip_suffix(end)
                    .is_some_and(|head| head.ends_with('.'))
        };
        if POLICY_GROUPS.iter().any(|end| ends(end)) {
            return POLICY;
        }
        if group == "kustomize.config.k8s.io" {
            return DocumentType::Kustomization;
        }
    }
    if let Some((_, document)) = MATCHING_KINDS.iter().find(|(name, _)| *name == kind) {
        return *document;
    }
    if matches!(
        file,
        "kustomization.yaml" | "kustomization.yml" | "Kustomization"
    ) {
        return DocumentType::Kustomization;
    }
    if matches!(file, "Chart.yaml" | "Chart.yml" | "requirements.yaml") {
        return DocumentType::Chart;
    }
    of_shape(map, path)
}

/// Files that have no kind are known by the keys that they must have.
fn of_shape(map: &Map<'_>, path: &Path) -> DocumentType {
    let has = |key: &str| map.get(key).is_some();
    let items = |key: &str| {
        map.get(key)
            .and_then(Node::as_list)
            .map(|list| list.items.as_slice())
            .unwrap_or_default()
    };
    let in_items = |key: &str, wanted: &[&str]| {
        items(key)
            .iter()
            .filter_map(Node::as_map)
            .any(|item| wanted.iter().any(|key| item.get(key).is_some()))
    };
    if has("$schema") || has("openapi") || has("swagger") {
        return SCHEMA;
    }
    if has("entries") && has("apiVersion") && !has("kind") {
        return INDEX;
    }
    if in_items("registries", &["src", "service-account"]) {
        return PROMOTION;
    }
    if in_items("plugins", &["rules"]) || (has("groups") && in_items("groups", &["rules"])) {
        return MATCH_LIST;
    }
    if has("jobs") && has("on") {
        return DocumentType::Workflow;
    }
    if in_items("steps", &["name"]) && !has("kind") {
        return DocumentType::CloudBuild;
    }
    if names_a_policy(path) && has("kind") {
        return DocumentType::Mention("the folder holds cases of a policy against this registry");
    }
    DocumentType::Plain
}

/// Test cases of a policy that forbids a registry must keep naming it: they lie in a folder called after the policy,
/// like `restrict-deprecated-registry` or `repo-must-not-be-k8s-gcr-io`.
fn names_a_policy(path: &Path) -> bool {
    path.components().any(|part| {
        let part = fold(&part.as_os_str().to_string_lossy().replace('.', "-"));
        let forbids = [
            "deprecated",
            "restrict",
            "disallow",
            "deny",
            "block",
            "mustnotbe",
            "forbid",
        ];
        let registry = ["registry", "registries", "gcrio"];
        part.contains("deprecatedregist")
            || (part.contains("gcrio") || part.contains("bitnami"))
                && forbids.iter().any(|word| part.contains(word))
                && (registry.iter().any(|word| part.contains(word)) || part.contains("bitnami"))
    })
}
