//! The role of a document, by its content: a Deployment pulls an image, a policy only mentions it.

use std::cell::OnceCell;
use std::path::Path;

use super::aliases::Aliases;
use super::document_type::{self, DocumentType, holds_maps};
use super::parameters::Parameters;
use super::reports::{self, REPORTED};
use super::usage::{ASSERTED, MIRRORED, POLICY, Usage};
use super::words::fold;
use crate::source::Span;
use crate::syntax::yaml::{Map, Node};

/// A document, and what applies to all of it.
pub(super) struct Document<'d> {
    pub(super) kind: DocumentType,
    /// The API group and kind of a Kubernetes object.
    pub(super) object: Option<(&'d str, &'d str)>,
    /// How everything in it is used. If this is a pull, it limits the certainty of pulls in it.
    pub(super) usage: Option<Usage>,
    pub(super) aliases: &'d Aliases<'d>,
    span: Span,
    parameters: Parameters,
    /// A cache for the schema: the indices of the pattern rows that apply to this document.
    pub(super) patterns: OnceCell<Vec<usize>>,
}

const MATCH_LIST: Usage =
    Usage::Mention("a detection rule matches running images, it does not pull them");
const PROMOTION: Usage = Usage::Mention("images are promoted to this location, not pulled from it");
const INDEX: Usage = Usage::Mention("an index lists what was packaged");
const CASE: Usage =
    Usage::Mention("the folder contains test cases of a policy against this registry");
const REVIEWED: Usage =
    Usage::Observed("it is in a request to an admission controller, and nothing is pulled from it");
const CHANGED: Usage = Usage::Mention("Velero renames this image when it restores a backup");
const DASHBOARD: Usage = Usage::Mention("a dashboard shows what runs, nothing is pulled from it");
const ZARF: Usage = Usage::must_agree("a package's images must agree with what its charts render");
const CATALOG: Usage = Usage::must_agree("a catalog lists bundles as they were published");
const POLICY_OF_UNKNOWN: Usage = Usage::likely(
    "a policy names it: check whether it writes the image into objects or looks for it",
);
/// NVIDIA's `ClusterPolicy` is not a policy: it names the images that an operator installs.
const NVIDIA: &str = "ClusterPolicy";
pub(super) const SEALED: Usage =
    Usage::must_agree("SOPS signed the whole file: edit it with `sops`, or it cannot be decrypted");

/// API groups whose objects match images, and the groups below them.
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

/// The API group of tests that create objects of any kind.
const TESTS_OF_KYVERNO: &str = "chainsaw.kyverno.io";

/// Kinds that match or redirect images, in API groups that also contain other kinds.
const KINDS: [(&str, Usage); 12] = [
    ("ImageContentSourcePolicy", MIRRORED),
    ("ImageContentPolicy", MIRRORED),
    ("ImageDigestMirrorSet", MIRRORED),
    ("ImageTagMirrorSet", MIRRORED),
    ("RegistryMirror", MIRRORED),
    ("ImagePolicyWebhook", POLICY),
    ("ClusterImagePolicy", POLICY),
    ("CredentialProviderConfig", POLICY),
    ("PrometheusRule", MATCH_LIST),
    ("ZarfPackageConfig", ZARF),
    ("ImageSetConfiguration", MIRRORED),
    ("AdmissionReview", REVIEWED),
];

impl<'d> Document<'d> {
    /// Creates the document for a root node in the file `path`.
    pub(super) fn new(root: &'d Node<'d>, path: &Path, aliases: &'d Aliases<'d>) -> Self {
        match root {
            Node::Map(map) => Self::of_map(map, object_of(map), path, aliases),
            _ => Self {
                kind: document_type::of_list(root),
                object: None,
                usage: usage_of_list(root),
                aliases,
                span: root.span(),
                parameters: Parameters::default(),
                patterns: OnceCell::new(),
            },
        }
    }

    /// Creates a document for text outside of documents.
    pub(super) fn of_text(aliases: &'d Aliases<'d>) -> Self {
        Self {
            kind: DocumentType::Plain,
            object: None,
            usage: None,
            aliases,
            span: Span::new(0, 0),
            parameters: Parameters::default(),
            patterns: OnceCell::new(),
        }
    }

    /// Creates the document for a map. `object` is its API group and kind, if it is a Kubernetes object.
    pub(super) fn of_map(
        map: &'d Map<'d>,
        object: Option<(&'d str, &'d str)>,
        path: &Path,
        aliases: &'d Aliases<'d>,
    ) -> Self {
        let kind = document_type::of_map(map, object, path);
        Self {
            kind,
            object,
            usage: usage_of(map, object, kind, path),
            aliases,
            span: map.span,
            parameters: Parameters::default(),
            patterns: OnceCell::new(),
        }
    }

    /// Nests the document in an outer one. What is `inherited` from there limits or replaces its own usage.
    pub(super) fn inside(mut self, outer: &Document<'_>, inherited: Option<Usage>) -> Self {
        let above = inherited.filter(|_| !outer.kind.is_of_file());
        self.usage = match self.usage {
            Some(own) => Some(own.below(above)),
            None => above,
        };
        self
    }

    /// Whether the document uses the parameter, and never as a part of a name. `text` is the text that contains the document.
    pub(super) fn uses_alone(&self, text: &str, parameter: &str) -> bool {
        (self.is_object("tekton.dev", "") || self.is_object("argoproj.io", ""))
            && self.parameters.are_alone(self.span.of(text), parameter)
    }

    /// Marks it as a document of a file that SOPS signed as a whole.
    pub(super) fn seal(&mut self) {
        self.usage = Some(self.usage.map_or(SEALED, |usage| usage.below(Some(SEALED))));
    }

    pub(super) fn is_object(&self, group: &str, kind: &str) -> bool {
        self.object.is_some_and(|(own_group, own_kind)| {
            is_group(own_group, group) && (kind.is_empty() || own_kind == kind)
        })
    }
}

/// Whether a group is the wanted one or below it: `infrastructure.cluster.x-k8s.io` is below `cluster.x-k8s.io`.
pub(super) fn is_group(group: &str, wanted: &str) -> bool {
    let below = || group.strip_suffix(wanted);
    group == wanted || below().is_some_and(|head| head.ends_with('.'))
}

/// Returns the API group and kind of a Kubernetes object.
pub(super) fn object_of<'d>(map: &'d Map<'d>) -> Option<(&'d str, &'d str)> {
    let version = map.text("apiVersion")?;
    let group = version.split_once('/').map_or("", |(group, _)| group);
    Some((group, map.text("kind")?))
}

fn usage_of(
    map: &Map<'_>,
    object: Option<(&str, &str)>,
    document: DocumentType,
    path: &Path,
) -> Option<Usage> {
    if reports::is_report(map, object) {
        return Some(REPORTED);
    }
    let kind = map.text("kind").unwrap_or_default();
    if let Some((group, _)) = object
        && group != TESTS_OF_KYVERNO
        && POLICY_GROUPS.iter().any(|end| is_group(group, end))
    {
        return Some(POLICY);
    }
    if is_change_by_velero(map) {
        return Some(CHANGED);
    }
    if let Some((_, usage)) = KINDS.iter().find(|(name, _)| *name == kind) {
        return Some(*usage);
    }
    if object.is_some() && names_an_assertion(path) {
        return Some(ASSERTED);
    }
    if object.is_some() && kind.ends_with("Policy") && kind != NVIDIA {
        return Some(POLICY_OF_UNKNOWN);
    }
    if document != DocumentType::Plain {
        return None;
    }
    let has = |key: &str| map.get(key).is_some();
    match () {
        () if has("entries") && has("apiVersion") && !has("kind") => Some(INDEX),
        () if map
            .text("schema")
            .is_some_and(|schema| schema.starts_with("olm.")) =>
        {
            Some(CATALOG)
        }
        () if holds_maps(map, "registries", &["src", "service-account"]) => Some(PROMOTION),
        () if holds_maps(map, "plugins", &["rules"]) || holds_maps(map, "groups", &["rules"]) => {
            Some(MATCH_LIST)
        }
        () if is_policy_of_registries(map) || is_policy_of_anchore(map) => Some(POLICY),
        () if is_review(map) => Some(REVIEWED),
        () if is_dashboard(map) || map.map("dashboard").is_some_and(is_dashboard) => {
            Some(DASHBOARD)
        }
        // Unit tests of Prometheus rules.
        () if holds_maps(map, "tests", &["input_series"]) => Some(MATCH_LIST),
        () if names_a_policy(path) && has("kind") => Some(CASE),
        () => None,
    }
}

/// Whether it is a signature policy: `policy.json` of container engines, or a trust policy of Notation.
fn is_policy_of_registries(map: &Map<'_>) -> bool {
    map.get("default").is_some() && map.map("transports").is_some()
        || holds_maps(map, "trustPolicies", &["registryScopes"])
}

/// Whether it maps images to policies of Anchore.
fn is_policy_of_anchore(map: &Map<'_>) -> bool {
    holds_maps(
        map,
        "mappings",
        &["policy_id", "policy_ids", "rule_set_ids"],
    )
}

/// Whether it is the input of a policy test: an admission request, or Gatekeeper's review object.
fn is_review(map: &Map<'_>) -> bool {
    ["request", "review"].iter().any(|key| {
        let request = map.map(key);
        request
            .is_some_and(|request| request.get("object").is_some() && request.get("kind").is_some())
    })
}

/// Whether it is the table by which Velero renames images when it restores a backup.
fn is_change_by_velero(map: &Map<'_>) -> bool {
    let labels = map
        .map("metadata")
        .and_then(|metadata| metadata.map("labels"));
    labels.is_some_and(|labels| labels.get("velero.io/change-image-name").is_some())
}

/// Whether it is a Grafana dashboard.
fn is_dashboard(map: &Map<'_>) -> bool {
    let has = |key: &str| map.get(key).is_some();
    has("panels") && (has("schemaVersion") || has("templating") || has("annotations"))
}

fn usage_of_list(root: &Node<'_>) -> Option<Usage> {
    const KEYS: [&str; 4] = ["macro", "rule", "required_engine_version", "list"];
    let is_detection = |node: &Node<'_>| {
        let map = node.as_map();
        map.is_some_and(|map| KEYS.iter().any(|key| map.get(key).is_some()))
    };
    let is_report = |node: &Node<'_>| {
        let map = node.as_map();
        map.is_some_and(|map| reports::is_report(map, None))
    };
    let items = root.as_list().map(|list| list.items.as_slice());
    let items = items.unwrap_or_default();
    match () {
        () if items.iter().any(is_detection) => Some(MATCH_LIST),
        () if items.iter().any(is_report) => Some(REPORTED),
        () => None,
    }
}

/// Whether SOPS signed all values, not only those that it encrypted.
pub(super) fn is_sealed(root: &Node<'_>) -> bool {
    let sops = root.as_map().and_then(|map| map.map("sops"));
    sops.is_some_and(|sops| {
        sops.get("mac").is_some() && sops.text("mac_only_encrypted") != Some("true")
    })
}

/// Like [`is_sealed`], for a file of `NAME=value` lines.
pub(super) fn are_sealed_settings(text: &str) -> bool {
    let has = |start: &str| text.lines().any(|line| line.starts_with(start));
    text.contains("sops_mac") && has("sops_mac=") && !has("sops_mac_only_encrypted=true")
}

/// Whether a path component is named after a policy that forbids a registry, like `restrict-deprecated-registry` or
/// `repo-must-not-be-k8s-gcr-io`. The test cases in such a folder must keep naming the registry.
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

/// Whether a file states what a test expects in the cluster: `00-assert.yaml` and `01-errors.yaml` of kuttl,
/// `chainsaw-assert.yaml`.
fn names_an_assertion(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let mut words = stem.unwrap_or_default().split(['-', '_', '.']);
    let is_step = words
        .clone()
        .next()
        .is_some_and(|word| word == "chainsaw" || word.bytes().all(|byte| byte.is_ascii_digit()));
    words.any(|word| {
        matches!(word, "assert" | "asserts") || is_step && matches!(word, "error" | "errors")
    })
}
