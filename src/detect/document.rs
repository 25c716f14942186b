//! What a document is, by its own words: what a Deployment pulls, a policy only speaks about.

use std::path::Path;

use super::aliases::Aliases;
use super::parameters::Parameters;
use super::usage::{self, POLICY, Usage};
use super::words::fold;
use crate::source::Span;
use crate::syntax::yaml::{Map, Node};

/// A document, and what is known of all of it.
pub(super) struct Document<'d> {
    pub(super) kind: DocumentType,
    /// The API group and the kind of a Kubernetes object.
    pub(super) object: Option<(&'d str, &'d str)>,
    /// How all that it names is used: a limit where that is a pull.
    pub(super) usage: Option<Usage>,
    pub(super) aliases: &'d Aliases<'d>,
    span: Span,
    parameters: Parameters,
}

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentType {
    /// Manifests, values and all else.
    Plain,
    Chart,
    Kustomization,
    /// GitHub's: `repository` there is one of git.
    Workflow,
    /// An action of GitHub.
    Action,
    GitLab,
    CircleCi,
    /// Drone's or Woodpecker's.
    Drone,
    /// Google's: `steps[].name` is pulled, `images` are pushed.
    CloudBuild,
    Compose,
    Ansible,
    /// JSON Schema or OpenAPI.
    Schema,
    /// Code of Terraform: blocks by their type and their labels.
    Terraform,
}

impl DocumentType {
    /// Whether it says how the file itself is read, and nothing of a document inside it.
    fn is_of_file(self) -> bool {
        matches!(
            self,
            Self::Chart | Self::Kustomization | Self::Workflow | Self::CloudBuild | Self::Terraform
        )
    }
}

const MIRROR: Usage = Usage::Mention(usage::MIRRORED);
const MATCH_LIST: Usage =
    Usage::Mention("a detection rule matches running images, it does not pull them");
const PROMOTION: Usage = Usage::Mention("images are promoted to this location, not pulled from it");
const INDEX: Usage = Usage::Mention("an index lists what was packaged");
const CASE: Usage =
    Usage::Mention("the folder contains test cases of a policy against this registry");
const ZARF: Usage = Usage::must_agree("a package's images must agree with what its charts render");
const CATALOG: Usage = Usage::must_agree("a catalog lists bundles as they were published");
const SEALED: Usage =
    Usage::must_agree("SOPS signed the whole file: edit it with `sops`, or it cannot be decrypted");

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
const KINDS: [(&str, Usage); 11] = [
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

impl<'d> Document<'d> {
    /// The document at a root of a file of that name.
    pub(super) fn new(root: &'d Node<'d>, path: &Path, aliases: &'d Aliases<'d>) -> Self {
        match root {
            Node::Map(map) => Self::of_map(map, path, aliases),
            _ => Self {
                kind: of_list(root),
                object: None,
                usage: usage_of_list(root),
                aliases,
                span: root.span(),
                parameters: Parameters::default(),
            },
        }
    }

    /// What is no document: text between others.
    pub(super) fn of_text(aliases: &'d Aliases<'d>) -> Self {
        Self {
            kind: DocumentType::Plain,
            object: None,
            usage: None,
            aliases,
            span: Span::new(0, 0),
            parameters: Parameters::default(),
        }
    }

    pub(super) fn of_map(map: &'d Map<'d>, path: &Path, aliases: &'d Aliases<'d>) -> Self {
        let object = object_of(map);
        let kind = of_map(map, object, path);
        Self {
            kind,
            object,
            usage: usage_of(map, object, kind, path),
            aliases,
            span: map.span,
            parameters: Parameters::default(),
        }
    }

    /// A document inside this one: how the outer is used counts for what it does not say itself.
    pub(super) fn inside(mut self, outer: &Document<'_>, inherited: Option<Usage>) -> Self {
        let above = inherited.filter(|_| !outer.kind.is_of_file());
        self.usage = match self.usage {
            Some(own) => Some(own.below(above)),
            None => above,
        };
        self
    }

    /// Whether it has a parameter of that name which it uses by itself. `text` is the one that it is a part of.
    pub(super) fn uses_alone(&self, text: &str, parameter: &str) -> bool {
        (self.is_object("tekton.dev", "") || self.is_object("argoproj.io", ""))
            && self.parameters.are_alone(self.span.of(text), parameter)
    }

    /// One of the documents of a file that SOPS signed: all are.
    pub(super) fn seal(&mut self) {
        self.usage = Some(self.usage.map_or(SEALED, |usage| usage.below(Some(SEALED))));
    }

    pub(super) fn is_object(&self, group: &str, kind: &str) -> bool {
        self.object.is_some_and(|(own_group, own_kind)| {
            is_group(own_group, group) && (kind.is_empty() || own_kind == kind)
        })
    }
}

/// Whether a group is the one that is wanted or lies below it: `infrastructure.cluster.x-k8s.io` does below
/// `cluster.x-k8s.io`.
pub(super) fn is_group(group: &str, wanted: &str) -> bool {
    let below = || group.strip_suffix(wanted);
    group == wanted || below().is_some_and(|head| head.ends_with('.'))
}

/// Group and kind of a Kubernetes object.
pub(super) fn object_of<'d>(map: &'d Map<'d>) -> Option<(&'d str, &'d str)> {
    let version = map.text("apiVersion")?;
    let group = version.split_once('/').map_or("", |(group, _)| group);
    Some((group, map.text("kind")?))
}

fn of_map(map: &Map<'_>, object: Option<(&str, &str)>, path: &Path) -> DocumentType {
    let file = file_name(path);
    let has = |key: &str| map.get(key).is_some();
    if object.is_some_and(|(group, _)| group == "kustomize.config.k8s.io")
        || matches!(
            file,
            "kustomization.yaml" | "kustomization.yml" | "Kustomization"
        )
    {
        return DocumentType::Kustomization;
    }
    if matches!(file, "Chart.yaml" | "Chart.yml" | "requirements.yaml") {
        return DocumentType::Chart;
    }
    if object.is_some() {
        return DocumentType::Plain;
    }
    match () {
        () if is_terraform(file) => DocumentType::Terraform,
        () if is_schema(map, file) => DocumentType::Schema,
        () if has("jobs") && (has("on") || is_below(path, ".github")) => DocumentType::Workflow,
        () if map_in(map, "runs").is_some_and(|runs| runs.get("using").is_some()) => {
            DocumentType::Action
        }
        () if file.ends_with(".gitlab-ci.yml")
            || file.ends_with(".gitlab-ci.yaml")
            || is_gitlab(map) =>
        {
            DocumentType::GitLab
        }
        () if is_below(path, ".circleci") || (has("jobs") && (has("workflows") || has("orbs"))) => {
            DocumentType::CircleCi
        }
        () if is_drone(map, path, file) => DocumentType::Drone,
        () if holds_maps(map, "steps", &["name"]) && !has("kind") => DocumentType::CloudBuild,
        () if is_compose(map, file) => DocumentType::Compose,
        () => DocumentType::Plain,
    }
}

fn of_list(root: &Node<'_>) -> DocumentType {
    const KEYS: [&str; 12] = [
        "hosts",
        "tasks",
        "roles",
        "block",
        "when",
        "register",
        "become",
        "include_tasks",
        "import_tasks",
        "set_fact",
        "ansible.builtin.set_fact",
        "delegate_to",
    ];
    let is_task = |node: &Node<'_>| {
        let map = node.as_map();
        map.is_some_and(|map| KEYS.iter().any(|key| map.get(key).is_some()))
    };
    let items = root.as_list().map(|list| list.items.as_slice());
    if items.unwrap_or_default().iter().any(is_task) {
        DocumentType::Ansible
    } else {
        DocumentType::Plain
    }
}

fn usage_of(
    map: &Map<'_>,
    object: Option<(&str, &str)>,
    document: DocumentType,
    path: &Path,
) -> Option<Usage> {
    let kind = map.text("kind").unwrap_or_default();
    if let Some((group, _)) = object
        && POLICY_GROUPS.iter().any(|end| is_group(group, end))
    {
        return Some(POLICY);
    }
    if let Some((_, usage)) = KINDS.iter().find(|(name, _)| *name == kind) {
        return Some(*usage);
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
        () if names_a_policy(path) && has("kind") => Some(CASE),
        () => None,
    }
}

fn usage_of_list(root: &Node<'_>) -> Option<Usage> {
    const KEYS: [&str; 4] = ["macro", "rule", "required_engine_version", "list"];
    let is_detection = |node: &Node<'_>| {
        let map = node.as_map();
        map.is_some_and(|map| KEYS.iter().any(|key| map.get(key).is_some()))
    };
    let items = root.as_list().map(|list| list.items.as_slice());
    let found = items.unwrap_or_default().iter().any(is_detection);
    found.then_some(MATCH_LIST)
}

/// Whether SOPS has signed all values, not only those that it encrypted.
pub(super) fn is_sealed(root: &Node<'_>) -> bool {
    let sops = root.as_map().and_then(|map| map_in(map, "sops"));
    sops.is_some_and(|sops| {
        sops.get("mac").is_some() && sops.text("mac_only_encrypted") != Some("true")
    })
}

/// A schema says so by its `$schema`; in other files that key names the schema that they obey.
fn is_schema(map: &Map<'_>, file: &str) -> bool {
    let names_meta_schema = map
        .text("$schema")
        .is_some_and(|schema| schema.contains("json-schema.org"));
    let has = |key: &str| map.get(key).is_some();
    let describes = map_in(map, "properties").is_some() || map_in(map, "definitions").is_some();
    names_meta_schema
        || has("openapi")
        || has("swagger")
        || describes && (file.ends_with(".schema.json") || map.text("type") == Some("object"))
}

fn is_terraform(file: &str) -> bool {
    let ends = [".tf", ".tofu", ".tf.json", ".tofu.json"];
    ends.iter().any(|end| file.ends_with(end))
}

fn is_gitlab(map: &Map<'_>) -> bool {
    let is_job = |node: &Node<'_>| {
        let job = node.as_map();
        job.is_some_and(|job| {
            let has = |key: &str| job.get(key).is_some();
            has("script") && (has("stage") || has("image") || has("services") || has("rules"))
        })
    };
    map.entries.iter().any(|entry| is_job(&entry.value))
}

fn is_drone(map: &Map<'_>, path: &Path, file: &str) -> bool {
    let is_pipeline = map.text("kind") == Some("pipeline");
    let named = file.starts_with(".drone.") || file.starts_with(".woodpecker.");
    is_pipeline || named || is_below(path, ".woodpecker")
}

fn is_compose(map: &Map<'_>, file: &str) -> bool {
    let named = ["docker-compose", "compose.", "podman-compose"]
        .iter()
        .any(|start| file.starts_with(start));
    let services = map_in(map, "services");
    let is_service = |node: &Node<'_>| {
        let keys = ["image", "build"];
        node.as_map()
            .is_some_and(|map| keys.iter().any(|key| map.get(key).is_some()))
    };
    services.is_some_and(|services| {
        let many = services.entries.iter();
        many.clone().count() > 0
            && (named || many.clone().all(|entry| is_service(&entry.value)) && !map_has_values(map))
    })
}

/// Whether a map looks like values of a chart: those have maps beside `services`.
fn map_has_values(map: &Map<'_>) -> bool {
    const OF_COMPOSE: [&str; 7] = [
        "services", "version", "volumes", "networks", "configs", "secrets", "name",
    ];
    map.entries.iter().any(|entry| {
        let name = entry.name().unwrap_or_default();
        !OF_COMPOSE.contains(&name) && !name.starts_with("x-")
    })
}

fn map_in<'m>(map: &'m Map<'m>, key: &str) -> Option<&'m Map<'m>> {
    map.get(key).and_then(Node::as_map)
}

/// Whether a list under the key holds maps with one of the keys.
fn holds_maps(map: &Map<'_>, key: &str, wanted: &[&str]) -> bool {
    let list = map.get(key).and_then(Node::as_list);
    let items = list.map(|list| list.items.as_slice()).unwrap_or_default();
    let mut maps = items.iter().filter_map(Node::as_map);
    maps.any(|item| wanted.iter().any(|key| item.get(key).is_some()))
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

fn is_below(path: &Path, folder: &str) -> bool {
    path.components().any(|part| part.as_os_str() == folder)
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
