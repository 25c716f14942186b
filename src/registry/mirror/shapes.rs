//! Checks the output against schemas and types of programs that tests cannot run.
//!
//! OpenShift: the patterns and lists of `ImageTagMirrorSet` and `ImageDigestMirrorSet` (openshift/api, config/v1). oc-mirror:
//! the types of its v2alpha1 API, which is read strictly. zarf: its JSON schema. k3s: the type of its `registries.yaml`.

use serde_json::{Value, json};

use super::*;

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// `host[:port]` and path components: no brackets, no tag, no digest.
const LOCATION: &str = "^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*(:[0-9]+)?\
                        (/[a-z0-9]+(([._]|__|-*)[a-z0-9]+)*)*$";

fn openshift(kind: &str, list: &str) -> Value {
    let mirrors = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["source"],
        "properties": {
            "source": {"type": "string", "pattern": LOCATION},
            "mirrors": {"type": "array", "uniqueItems": true, "items": {"type": "string", "pattern": LOCATION}},
            "mirrorSourcePolicy": {"enum": ["NeverContactSource", "AllowContactingSource"]},
        },
    });
    object(&[
        ("apiVersion", json!({"const": "config.openshift.io/v1"})),
        ("kind", json!({ "const": kind })),
        ("metadata", object(&[("name", json!({"type": "string"}))])),
        (
            "spec",
            object(&[(
                list,
                json!({"type": "array", "minItems": 1, "items": mirrors}),
            )]),
        ),
    ])
}

fn oc_mirror() -> Value {
    let image = object(&[("name", json!({"type": "string"}))]);
    let images = json!({"type": "array", "items": image});
    object(&[
        ("kind", json!({"const": "ImageSetConfiguration"})),
        (
            "apiVersion",
            json!({"const": "mirror.openshift.io/v2alpha1"}),
        ),
        ("mirror", object(&[("additionalImages", images)])),
    ])
}

fn zarf() -> Value {
    let name = || json!({"type": "string", "pattern": "^[a-z0-9][a-z0-9\\-]*$"});
    let images = json!({"type": "array", "items": {"type": "string"}});
    let component = object(&[
        ("name", name()),
        ("required", json!({"type": "boolean"})),
        ("images", images),
    ]);
    object(&[
        ("kind", json!({"const": "ZarfPackageConfig"})),
        ("metadata", object(&[("name", name())])),
        (
            "components",
            json!({"type": "array", "minItems": 1, "items": component}),
        ),
    ])
}

fn k3s() -> Value {
    let text = || json!({"type": "string"});
    let mirror = object(&[
        (
            "endpoint",
            json!({"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^https?://[^/]+$"}}),
        ),
        (
            "rewrite",
            json!({"type": "object", "additionalProperties": text()}),
        ),
    ]);
    object(&[(
        "mirrors",
        json!({"type": "object", "additionalProperties": mirror}),
    )])
}

/// A schema for an object with exactly these keys.
fn object(keys: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = keys.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> = keys
        .iter()
        .map(|(name, of)| ((*name).to_owned(), of.clone()))
        .collect();
    json!({"type": "object", "additionalProperties": false, "required": names, "properties": properties})
}

fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text);
    documents
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect()
}

/// Checks each document against its schema and returns the images that the format leaves out.
fn left_out(format: &str, images: &[&str], schemas: &[Value]) -> Vec<String> {
    let to = Destination::parse("http://mirror.example.com:5000/p").unwrap();
    let plan = plan(&to, images.iter().map(|image| ((*image).to_owned(), None)));
    let format = FORMATS.iter().find(|one| one.name == format).unwrap();
    let emitted = (format.emit)(&to, &plan.moves);
    let documents = documents(&emitted.text);
    assert_eq!(documents.len(), schemas.len(), "{}", emitted.text);
    for (document, schema) in documents.iter().zip(schemas) {
        let validator = jsonschema::validator_for(schema).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(document)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:?} in {}", emitted.text);
    }
    emitted.left_out.into_iter().map(|one| one.image).collect()
}

#[test]
fn files_fit_what_their_programs_take() {
    let pinned = format!("quay.io/org/a_b.c/d__e-f@{DIGEST}");
    let both = format!("quay.io/org/both:1@{DIGEST}");
    let images = [
        "nginx:1.25",
        "registry.example.com:5000/x:1",
        "localhost:5000/a--b/c:V1.0_x",
        pinned.as_str(),
        both.as_str(),
    ];
    let sets = [
        openshift("ImageTagMirrorSet", "imageTagMirrors"),
        openshift("ImageDigestMirrorSet", "imageDigestMirrors"),
    ];
    for (format, schemas) in [
        ("openshift", &sets[..]),
        ("oc-mirror", &[oc_mirror()]),
        ("zarf", &[zarf()]),
        ("k3s", &[k3s()]),
    ] {
        assert_eq!(left_out(format, &images, schemas), [""; 0], "{format}");
    }
}

/// The regular expressions match only their repository, and each image is pulled from where it was copied to.
#[test]
fn the_rewrites_of_k3s_lead_to_the_copies() {
    let to = Destination::parse("mirror.example.com/p").unwrap();
    let images = ["quay.io/org/app.one:1", "quay.io/org/appxone:1", "nginx:1"];
    let plan = plan(&to, images.iter().map(|image| ((*image).to_owned(), None)));
    let format = FORMATS.iter().find(|one| one.name == "k3s").unwrap();
    let document = documents(&(format.emit)(&to, &plan.moves).text).remove(0);
    for one in &plan.moves {
        let mirror = &document["mirrors"][&one.written.host];
        let rewrites = mirror["rewrite"].as_object().unwrap();
        let mut results = rewrites.iter().filter_map(|(pattern, path)| {
            let pattern = regex::Regex::new(pattern).unwrap();
            pattern
                .is_match(&one.written.path)
                .then(|| pattern.replace_all(&one.written.path, path.as_str().unwrap()))
        });
        assert_eq!(results.next().unwrap(), one.target.path);
        assert!(results.next().is_none(), "{}", one.written);
    }
}
