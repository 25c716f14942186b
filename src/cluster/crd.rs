//! Finds the custom resources that can name images, judging by the schemas in their definitions.

use serde_json::Value;

use super::identity::Identity;
use super::object::is_read_for_images;

/// The depth limit for schemas, which nest about as deep as objects.
const DEEPEST: usize = 64;

/// Returns the name of the resource that a CustomResourceDefinition defines, as `kubectl get` accepts it. `None` if its objects
/// can neither name images nor bring objects that do.
pub fn resource(definition: &Value) -> Option<String> {
    let spec = definition.get("spec")?;
    let text = |pointer: &str| spec.pointer(pointer).and_then(Value::as_str);
    let (group, plural) = (text("/group")?, text("/names/plural")?);
    let identity = Identity {
        namespace: String::new(),
        kind: text("/names/kind")?.to_owned(),
        name: String::new(),
        group: group.to_owned(),
    };
    let versions = spec.get("versions")?.as_array()?;
    let is_served = |version: &&Value| version.get("served") == Some(&Value::Bool(true));
    let names_images = versions.iter().filter(is_served).any(|version| {
        let schema = version.pointer("/schema/openAPIV3Schema");
        schema.is_none_or(of_schema)
    });
    let is_name = |text: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        !text.is_empty() && !text.starts_with('-') && text.bytes().all(known)
    };
    let is_wanted = is_read_for_images(&identity) && (names_images || brings_others(group));
    (is_wanted && is_name(group) && is_name(plural)).then(|| format!("{plural}.{group}"))
}

/// Whether objects of this group bring others. Flux repositories name no images, but show where objects come from.
fn brings_others(group: &str) -> bool {
    group.ends_with(".toolkit.fluxcd.io")
}

fn of_schema(schema: &Value) -> bool {
    let properties = schema.get("properties").and_then(Value::as_object);
    let outside_of_state = properties.map(|all| {
        let mut all = all
            .iter()
            .filter(|(key, _)| *key != "status" && *key != "metadata");
        all.any(|(key, schema)| is_image(key) || names_images(schema, DEEPEST))
    });
    outside_of_state.unwrap_or(true)
}

fn names_images(schema: &Value, depth: usize) -> bool {
    if depth == 0 {
        return true;
    }
    let Some(schema) = schema.as_object() else {
        return false;
    };
    // Such an object can have any field.
    if schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true)) {
        return true;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut properties = properties.into_iter().flatten();
    properties.any(|(key, schema)| is_image(key) || names_images(schema, depth - 1))
        || ["items", "additionalProperties"]
            .iter()
            .filter_map(|key| schema.get(*key))
            .any(|inner| names_images(inner, depth - 1))
}

/// `image`, `sidecarImage`, `images`, `imageName`, `containers`
fn is_image(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("image") && !key.starts_with("imagepull") || key.ends_with("containers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(group: &str, spec: Value) -> Value {
        serde_json::json!({
            "kind": "CustomResourceDefinition",
            "spec": {
                "group": group,
                "names": {"plural": "things", "kind": "Thing"},
                "versions": [{"name": "v1", "served": true, "schema": {"openAPIV3Schema": {
                    "properties": {"spec": spec, "status": {"properties": {"image": {"type": "string"}}}},
                }}}],
            },
        })
    }

    #[test]
    fn schemas_say_which_resources_can_name_images() {
        let string = serde_json::json!({"type": "string"});
        let of = |spec: Value| resource(&definition("example.com", spec));
        let things = Some("things.example.com".to_owned());
        for (spec, expected) in [
            (
                serde_json::json!({"properties": {"image": string}}),
                &things,
            ),
            (
                serde_json::json!({"properties": {"a": {"items": {"properties": {"sidecarImage": string}}}}}),
                &things,
            ),
            (
                serde_json::json!({"properties": {"initContainers": {"type": "array"}}}),
                &things,
            ),
            (
                serde_json::json!({"x-kubernetes-preserve-unknown-fields": true}),
                &things,
            ),
            (
                serde_json::json!({"additionalProperties": {"properties": {"imageName": string}}}),
                &things,
            ),
            (
                serde_json::json!({"properties": {"imagePullPolicy": string, "a": string}}),
                &None,
            ),
            (serde_json::json!({"properties": {"a": string}}), &None),
        ] {
            assert_eq!(&of(spec.clone()), expected, "{spec}");
        }
        let images = serde_json::json!({"properties": {"image": string}});
        assert_eq!(
            resource(&definition("aquasecurity.github.io", images.clone())),
            None
        );
        assert_eq!(resource(&definition("--x", images)), None);
        let none = serde_json::json!({"properties": {"url": string}});
        assert!(resource(&definition("source.toolkit.fluxcd.io", none)).is_some());
    }
}
