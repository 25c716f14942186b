//! The purpose of a document, by its keys and the name of its file.

use std::path::Path;

use crate::source::file_name;
use crate::syntax::yaml::{Map, Node};

/// The purpose of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentType {
    /// Manifests, values and everything else.
    Plain,
    Chart,
    Kustomization,
    /// A GitHub workflow. `repository` means a git repository there.
    Workflow,
    /// A GitHub action.
    Action,
    GitLab,
    CircleCi,
    /// A pipeline of Drone or Woodpecker.
    Drone,
    /// A Google Cloud Build file: `steps[].name` is pulled, `images` are pushed.
    CloudBuild,
    Compose,
    Ansible,
    /// JSON Schema or OpenAPI.
    Schema,
    /// Terraform code: blocks by their type and labels.
    Terraform,
}

impl DocumentType {
    /// Whether the type only describes how the file itself is read, and does not apply to documents inside it.
    pub(super) fn is_of_file(self) -> bool {
        matches!(
            self,
            Self::Chart | Self::Kustomization | Self::Workflow | Self::CloudBuild | Self::Terraform
        )
    }
}

/// Determines the type of a map in the file `path`. `object` is the API group and kind, if it is a Kubernetes object.
pub(super) fn of_map(map: &Map<'_>, object: Option<(&str, &str)>, path: &Path) -> DocumentType {
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
        () if map
            .map("runs")
            .is_some_and(|runs| runs.get("using").is_some()) =>
        {
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

pub(super) fn of_list(root: &Node<'_>) -> DocumentType {
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

/// Whether a map is a schema. A `$schema` other than JSON Schema's own only names the schema that the file follows.
fn is_schema(map: &Map<'_>, file: &str) -> bool {
    let names_meta_schema = map
        .text("$schema")
        .is_some_and(|schema| schema.contains("json-schema.org"));
    let has = |key: &str| map.get(key).is_some();
    let describes = map.map("properties").is_some() || map.map("definitions").is_some();
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
    let services = map.map("services");
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

/// Whether a map looks like chart values, which have other keys beside `services`.
fn map_has_values(map: &Map<'_>) -> bool {
    const OF_COMPOSE: [&str; 7] = [
        "services", "version", "volumes", "networks", "configs", "secrets", "name",
    ];
    map.entries.iter().any(|entry| {
        let name = entry.name().unwrap_or_default();
        !OF_COMPOSE.contains(&name) && !name.starts_with("x-")
    })
}

/// Whether the list under `key` contains a map with one of the wanted keys.
pub(super) fn holds_maps(map: &Map<'_>, key: &str, wanted: &[&str]) -> bool {
    let mut maps = map.items(key).iter().filter_map(Node::as_map);
    maps.any(|item| wanted.iter().any(|key| item.get(key).is_some()))
}

fn is_below(path: &Path, folder: &str) -> bool {
    path.components().any(|part| part.as_os_str() == folder)
}
