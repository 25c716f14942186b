//! Usages that the keys of a map imply for its values.

use super::constraints;
use super::context::{Context, SchemaKeys, Step};
use super::document_type::DocumentType;
use super::key_words::KeyWords;
use super::schema::kubeadm;
use super::siblings;
use super::usage::{self, ACCOUNT, ALLOWED, COMPARED, MATCHED, PUSHED, Usage};
use super::words;
use crate::syntax::json_pointer::unescaped;
use crate::syntax::yaml::{Entry, Map, Node};

/// The keys under which maps in a list state the names of their values.
pub(super) const NAMES: [&str; 5] = ["name", "key", "variable", "Name", "ParameterKey"];

const PROSE: Usage = Usage::Unknown("it is free text");
const MAY_BE_BUILT: Usage = Usage::likely("Garden builds it, if a Dockerfile is beside this file");
const EXAMPLE: Usage = Usage::Mention("it is an example");
const TESTED: Usage = Usage::Selector {
    reason: "a JSON patch tests for it: it must match what the patch is applied to",
    replaced: true,
};
const SELECTS: Usage = Usage::Selector {
    reason: usage::MUST_MATCH,
    replaced: true,
};
const RAN: Usage = Usage::Observed("it says what ran, nothing is pulled from it");
const OLD: Usage = Usage::likely("its key calls it old: something may look for it or replace it");
const TARGET: Usage =
    Usage::likely("its key calls it a target: an image may be built or copied there");
const LABEL: Usage = Usage::likely("it is a label, which other programs read");

/// The effective name of a value.
pub(super) struct Named {
    /// The folded key.
    pub(super) key: String,
    /// The key above, if a sibling states that, too.
    pub(super) parent: Option<String>,
    pub(super) schema: Option<SchemaKeys>,
}

/// Determines the effective name of the value of a key. A sibling or a schema may override the key.
pub(super) fn named(context: &Context<'_>, map: &Map<'_>, raw: &str) -> Named {
    // Kyverno's `+(key)`: set only if it is missing.
    let added = raw.strip_prefix("+(").and_then(|key| key.strip_suffix(')'));
    let key = words::fold(added.unwrap_or(raw));
    let plain = |key: String, parent: Option<String>| Named {
        key,
        parent,
        schema: None,
    };
    if let Some(schema) = context.schema {
        return in_schema(context, schema, raw, key);
    }
    if context.document.kind == DocumentType::Terraform {
        if is_labelled(context) {
            // A label chosen by the author says nothing about the value: `resource "kubernetes_pod" "example"`.
            return plain(String::new(), None);
        }
        if key == "default" && context.parent == "variable" {
            return plain(context.key.to_owned(), Some(context.parent.to_owned()));
        }
    }
    if let Some(pointer) = patched(map, &key) {
        let mut keys = pointer.rsplit('/').filter(|key| !is_index(key));
        let last = keys.next().map(unescaped).unwrap_or_default();
        let parent = keys.next().map(|key| words::fold(&unescaped(key)));
        return plain(words::fold(&last), parent);
    }
    let is_value = matches!(
        key.as_str(),
        "value" | "default" | "defaultvalue" | "parametervalue"
    );
    let name = NAMES
        .iter()
        .find_map(|name| map.text(name))
        .filter(|_| is_value);
    if let Some(name) = name {
        // In `image.registry`, the part before the last is the key above.
        let parent = name.rsplit_once('.').map(|(head, _)| words::fold(head));
        return plain(words::fold(name), parent);
    }
    // The default of an input: `image: {type: string, default: ...}`
    let describes = ["type", "description", "required", "options", "enum"];
    let is_input = key == "default" && describes.iter().any(|key| map.get(key).is_some());
    if is_input && !context.key.is_empty() {
        return plain(context.key.to_owned(), Some(context.parent.to_owned()));
    }
    if key == "base" && is_above_images(map) {
        return plain("registry".to_owned(), None);
    }
    plain(key, None)
}

/// Whether a map contains images without a registry: `{base: HOST, components: {web: {image: web, tag: v1}}}`.
fn is_above_images(map: &Map<'_>) -> bool {
    let is_image = |node: &Node<'_>| {
        let image = node.as_map().filter(|map| map.get("tag").is_some());
        let name = image.and_then(|map| map.text("image"));
        name.is_some_and(|name| !name.contains('/'))
    };
    let mut tables = map.entries.iter().filter_map(|entry| entry.value.as_map());
    tables.any(|table| table.entries.iter().any(|entry| is_image(&entry.value)))
}

/// Whether the keys of a map are labels of Terraform blocks, a type or a name, and unrelated to the values.
fn is_labelled(context: &Context<'_>) -> bool {
    let is_at_root = |context: &Context<'_>| context.above().is_some_and(Context::is_root);
    let by_type = ["resource", "data", "ephemeral"].map(Step::Key);
    match context.step() {
        Step::Key("module" | "provider") if is_at_root(context) => true,
        step if by_type.contains(&step) && is_at_root(context) => true,
        _ => context
            .above()
            .is_some_and(|above| by_type.contains(&above.step()) && is_at_root(above)),
    }
}

/// Returns the pointer of a JSON 6902 operation, if `key` is its value.
fn patched<'m>(map: &'m Map<'m>, key: &str) -> Option<&'m str> {
    // `operator` in the `plaintext` overrides of Karmada
    let operation = map.text("op").or_else(|| map.text("operator"))?;
    let known = matches!(
        operation,
        "add" | "replace" | "test" | "remove" | "copy" | "move"
    );
    let pointer = map.text("path")?;
    (known && key == "value" && pointer.starts_with('/')).then_some(pointer)
}

fn is_index(key: &str) -> bool {
    key.is_empty() || key == "-" || key.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the effective name in a schema: a default has that of its field, and keywords that only nest keep it.
fn in_schema(context: &Context<'_>, schema: SchemaKeys, raw: &str, key: String) -> Named {
    let (key, parent, schema) = match (schema, raw) {
        (SchemaKeys::Names, _) => (key, None, SchemaKeys::Keywords),
        (
            _,
            "properties" | "patternProperties" | "definitions" | "$defs" | "schemas"
            | "dependentSchemas",
        ) => (
            context.key.to_owned(),
            Some(context.parent.to_owned()),
            SchemaKeys::Names,
        ),
        (_, "default" | "items" | "allOf" | "anyOf" | "oneOf" | "additionalProperties" | "not") => {
            (
                context.key.to_owned(),
                Some(context.parent.to_owned()),
                SchemaKeys::Keywords,
            )
        }
        _ => (key, None, SchemaKeys::Keywords),
    };
    Named {
        key,
        parent,
        schema: Some(schema),
    }
}

/// Returns the usage that the key of a value implies, if any.
pub(super) fn usage_of(context: &Context<'_>, value: &Node<'_>) -> Option<Usage> {
    let key = context.key;
    let around = context.siblings?;
    let has = |key: &str| around.get(key).is_some();
    let above = context.above();
    let is_field_name = above.is_some_and(|above| above.schema == Some(SchemaKeys::Names));
    if is_field_name {
        return None;
    }
    let says = KeyWords::of(key);
    let own = match () {
        () if around.text("op") == Some("test") && has("path") => Some(TESTED),
        () if says.is_prose => Some(PROSE),
        () if says.is_compared => Some(COMPARED),
        () if says.is_selector => Some(SELECTS),
        () if words::is_example(key) => Some(EXAMPLE),
        () if matches!(key, "enum" | "const") => Some(siblings::CLOSED),
        () if is_anchor(context) => Some(COMPARED),
        () if key == "cacheto" => Some(PUSHED),
        () => siblings::usage_of(context, value),
    };
    own.or_else(|| by_key(context, says, around, value))
}

/// Like [`usage_of`], by the words in keys of lists, accounts and settings.
fn by_key(
    context: &Context<'_>,
    says: KeyWords,
    around: &Map<'_>,
    value: &Node<'_>,
) -> Option<Usage> {
    let key = context.key;
    let own = match () {
        () if says.is_allowed => Some(ALLOWED),
        () if key == "block" && is_block_of_tasks(around, value) => None,
        () if says.is_matched => Some(MATCHED),
        () if key == "registry" && is_table(context, around, value) => {
            Some(match siblings::is_one_image(around) {
                true => siblings::BESIDE_ACCOUNT,
                false => ALLOWED,
            })
        }
        () if says.is_account => Some(ACCOUNT),
        () if key == "image" && is_garden_module(around) => Some(MAY_BE_BUILT),
        // If no schema row applies: in a JSON patch, or in values of a chart that creates clusters.
        () if key == "imagerepository" => of_kubeadm(context, around),
        () if key == "imageregistry" && has_pause_image(around) => given_version(around),
        () if matches!(
            key,
            "imageid" | "lasttriggeredimage" | "lasttriggeredimageid"
        ) =>
        {
            Some(RAN)
        }
        () if is_labels(key) && value.as_map().is_some() => Some(LABEL),
        () if is_built_by_task(context) => Some(PUSHED),
        () if says.is_pushed => Some(PUSHED),
        () if says.is_old => Some(OLD),
        () if says.is_target => Some(TARGET),
        () => None,
    };
    own.or_else(|| siblings::limit_of(context, around, value))
        .or_else(|| constraints::limit_of(context, around, value))
}

/// Whether a map is a Garden module for a container: with a Dockerfile beside it, its image is built.
fn is_garden_module(siblings: &Map<'_>) -> bool {
    siblings.text("kind") == Some("Module") && siblings.text("type") == Some("container")
}

/// Returns the usage of kubeadm's `imageRepository`: in a configuration without an `apiVersion`, as in a patch for kind, or
/// for a tool that calls kubeadm and has the Kubernetes version beside it.
fn of_kubeadm(context: &Context<'_>, siblings: &Map<'_>) -> Option<Usage> {
    let is_configuration = context.parent == "clusterconfiguration"
        || siblings.text("kind") == Some("ClusterConfiguration");
    match is_configuration {
        true => Some(kubeadm::repository(context)),
        false => given_version(siblings),
    }
}

/// Returns the usage of a registry for kubeadm, by the Kubernetes version beside it. `None` if there is none.
fn given_version(siblings: &Map<'_>) -> Option<Usage> {
    let mut keys = siblings.entries.iter().filter_map(Entry::name);
    let key = keys.find(|key| words::fold(key) == "kubernetesversion")?;
    Some(kubeadm::option(siblings.text(key)))
}

/// Whether the sandbox image is beside a registry, as for tools that call kubeadm.
fn has_pause_image(siblings: &Map<'_>) -> bool {
    let mut keys = siblings.entries.iter().filter_map(Entry::name);
    keys.any(|key| words::fold(key) == "pauseimage")
}

/// Whether a list under `block` contains Ansible tasks, rather than what is forbidden.
fn is_block_of_tasks(siblings: &Map<'_>, value: &Node<'_>) -> bool {
    const KEYWORDS: [&str; 16] = [
        "name",
        "block",
        "rescue",
        "always",
        "when",
        "tags",
        "vars",
        "become",
        "become_user",
        "environment",
        "delegate_to",
        "run_once",
        "no_log",
        "ignore_errors",
        "any_errors_fatal",
        "notify",
    ];
    let list = value.as_list();
    let has_tasks = list.is_some_and(|list| list.items.iter().all(|item| item.as_map().is_some()));
    let mut keys = siblings.entries.iter().map(|entry| entry.name());
    has_tasks && keys.all(|key| key.is_some_and(|key| KEYWORDS.contains(&key)))
}

/// Whether the key is a Kyverno anchor that compares its value: `(image)`, `<(image)`.
fn is_anchor(context: &Context<'_>) -> bool {
    let Step::Key(key) = context.step() else {
        return false;
    };
    let marks = ["(", "<(", "^(", "=(", "X("];
    key.ends_with(')') && marks.iter().any(|mark| key.starts_with(mark))
}

/// Whether siblings show that the map is a mirror table or an account, rather than chart values.
fn is_table(context: &Context<'_>, siblings: &Map<'_>, value: &Node<'_>) -> bool {
    let is_top = context.above().is_some_and(Context::is_root);
    // An account belongs to a host.
    let is_host = value
        .as_scalar()
        .is_none_or(|scalar| !scalar.value.trim_end_matches('/').contains('/'));
    let may_be_account = is_host && siblings.entries.len() <= words::LARGEST_ACCOUNT;
    let has_image = siblings::has_image(siblings);
    let is_table_entry = |entry: &Entry<'_>| {
        let key = words::fold(entry.name().unwrap_or_default());
        let is_of_mirror = words::is_of_mirror(&key);
        // Its fields show what the map is, even while they are empty.
        let may_be_empty = || !has_image && (is_of_mirror || words::is_login(&key));
        (is_of_mirror || may_be_account && words::is_of_account(&key))
            && (may_be_empty() || !siblings::is_empty(context.input, entry))
    };
    !is_top && siblings.entries.iter().any(is_table_entry)
}

/// Whether a map contains labels, which other programs read.
fn is_labels(key: &str) -> bool {
    key.ends_with("labels") || key == "resourceattributes"
}

/// Whether the value is what a Tekton task builds: the parameter `IMAGE` of `kaniko`, `buildah` and others.
fn is_built_by_task(context: &Context<'_>) -> bool {
    const TASKS: [&str; 6] = ["buildah", "buildpacks", "jib", "kaniko", "ko", "s2i"];
    if !context.document.is_object("tekton.dev", "") || !matches!(context.key, "image" | "appimage")
    {
        return false;
    }
    let mut maps = context.upwards().filter_map(|above| above.siblings);
    let task = maps.find_map(|map| map.map("taskRef")?.text("name"));
    task.is_some_and(|task| task.split('-').any(|word| TASKS.contains(&word)))
}
