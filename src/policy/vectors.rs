//! Test objects for policies: each image in the kinds of objects that hand-written policies get wrong.
//!
//! Knows no engines and no files.

use serde_json::{Value, json};

use crate::image::{DOCKER_HUB, ImageRef};
use crate::rules::RuleSet;

/// An object and the image in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    /// Name of the object.
    pub name: String,
    pub image: String,
    /// The kind of the object and the position of the image in it.
    pub kind: &'static str,
    pub object: Value,
    /// Whether a controller created the object, so that it must be admitted whatever it contains.
    pub is_controlled: bool,
}

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The examples of the rules in all spellings, and their targets.
pub fn images(rules: &RuleSet, target: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut images = Vec::new();
    for rule in rules.rules() {
        let example = rule.example.as_str();
        let Some(parsed) = ImageRef::parse(example) else {
            continue;
        };
        images.push(example.to_owned());
        let name = parsed.name_span().of(example);
        images.push(name.to_owned());
        images.push(format!("{name}:latest"));
        images.push(format!("{name}@{DIGEST}"));
        images.push(format!("{example}@{DIGEST}").replacen(&format!("@{DIGEST}@"), "@", 1));
        images.push(format!("mirror.example.com/{name}:1"));
        let hub = [format!("{DOCKER_HUB}/"), "index.docker.io/".to_owned()];
        if let Some(short) = hub
            .iter()
            .find_map(|hub| example.strip_prefix(hub.as_str()))
        {
            images.push(short.to_owned());
            images.extend(hub.iter().map(|hub| format!("{hub}{short}")));
        }
        images.extend(target(example));
    }
    images.retain(|image| ImageRef::parse(image).is_some());
    images.sort();
    images.dedup();
    images
}

/// A kind of object, and a function that creates one.
type Kind = (&'static str, fn(&str) -> Value);

/// Puts each image in a pod, in a CronJob, and in one of the other kinds in turn.
pub fn vectors(images: &[String]) -> Vec<Vector> {
    let kinds: [Kind; 13] = [
        ("init container", init_container),
        ("second container", second_container),
        ("init container of a CronJob", |image| {
            in_cron_job(init_container(image))
        }),
        ("second container of a CronJob", |image| {
            in_cron_job(second_container(image))
        }),
        ("image volume", volume),
        ("Deployment", |image| {
            workload("apps/v1", "Deployment", image)
        }),
        ("StatefulSet", |image| {
            workload("apps/v1", "StatefulSet", image)
        }),
        ("DaemonSet", |image| workload("apps/v1", "DaemonSet", image)),
        ("ReplicaSet", |image| {
            workload("apps/v1", "ReplicaSet", image)
        }),
        ("ReplicationController", replication_controller),
        ("PodTemplate", pod_template),
        ("Job", |image| workload("batch/v1", "Job", image)),
        ("controlled pod", controlled),
    ];
    let mut vectors = Vec::new();
    let mut add = |image: &String, kind: &'static str, mut object: Value| {
        let name = format!("vector-{}", vectors.len());
        object["metadata"]["name"] = json!(name);
        object["metadata"]["namespace"] = json!("default");
        vectors.push(Vector {
            name,
            image: image.clone(),
            kind,
            object,
            is_controlled: kind == "controlled pod",
        });
    };
    for (number, image) in images.iter().enumerate() {
        add(image, "Pod", pod(image));
        add(image, "CronJob", in_cron_job(pod(image)));
        let (kind, make) = kinds[number % kinds.len()];
        add(image, kind, make(image));
    }
    vectors
}

/// An image that no rule applies to.
const OTHER: &str = "registry.example.com/app:1";

/// A container with more fields than the image, to check that a policy changes only the image.
fn container(image: &str) -> Value {
    json!([{"name": "app", "image": image, "args": ["--verbose"], "env": [{"name": "A", "value": image}]}])
}

fn pod(image: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {},
        "spec": {"containers": container(image), "restartPolicy": "Never"},
    })
}

fn init_container(image: &str) -> Value {
    let mut pod = pod(OTHER);
    pod["spec"]["initContainers"] = json!([{"name": "setup", "image": image}]);
    pod
}

fn second_container(image: &str) -> Value {
    let mut pod = pod(OTHER);
    pod["spec"]["containers"] =
        json!([{"name": "first", "image": OTHER}, {"name": "second", "image": image}]);
    pod
}

fn volume(image: &str) -> Value {
    let mut pod = pod(OTHER);
    pod["spec"]["volumes"] = json!([{"name": "data", "image": {"reference": image}}]);
    pod
}

fn controlled(image: &str) -> Value {
    let mut pod = pod(image);
    pod["metadata"]["ownerReferences"] = json!([
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "old", "uid": "1", "controller": true},
    ]);
    pod
}

fn workload(version: &str, kind: &str, image: &str) -> Value {
    let mut spec = json!({"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": container(image)}}});
    if kind == "StatefulSet" {
        spec["serviceName"] = json!("app");
    }
    if kind == "Job" {
        spec["template"]["spec"]["restartPolicy"] = json!("Never");
    } else {
        spec["selector"] = json!({"matchLabels": {"a": "b"}});
    }
    json!({"apiVersion": version, "kind": kind, "metadata": {}, "spec": spec})
}

fn replication_controller(image: &str) -> Value {
    let mut object = workload("v1", "ReplicationController", image);
    object["spec"]["selector"] = json!({"a": "b"});
    object
}

fn pod_template(image: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {}, "template": {"spec": pod(image)["spec"]}})
}

/// A CronJob. Its pod spec is nested four levels deep, which hand-written policies miss.
fn in_cron_job(pod: Value) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {},
        "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": pod["spec"]}}}},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists where common policies look for images. Each of them misses an image that a vector has.
    #[test]
    fn what_policies_written_by_hand_overlook_in_cron_jobs_is_tried() {
        let image = "k8s.gcr.io/pause:3.9".to_owned();
        let vectors = vectors(&vec![image.clone(); 13]);
        const CRON_JOB: &str = "/spec/jobTemplate/spec/template/spec";
        for (mistake, seen, kind) in [
            // `object.spec.template.spec`, as in a Deployment
            (
                "no CronJob",
                &["/spec", "/spec/template/spec"][..],
                "CronJob",
            ),
            // `request.object.spec.jobTemplate.spec`, as in a Job
            ("a CronJob as a Job", &["/spec/jobTemplate/spec"], "CronJob"),
        ] {
            let is_seen = |object: &Value| {
                let lists = ["containers", "initContainers"].map(|list| {
                    seen.iter()
                        .any(|at| object.pointer(&format!("{at}/{list}")).is_some())
                });
                lists.contains(&true)
            };
            let vector = vectors.iter().find(|vector| vector.kind == kind).unwrap();
            assert!(!is_seen(&vector.object), "{mistake}");
            assert!(vector.object.pointer(CRON_JOB).is_some(), "{mistake}");
        }
        for (mistake, seen, kind) in [
            (
                "the first container only",
                "/containers/0/image",
                "second container of a CronJob",
            ),
            (
                "no init container",
                "/containers/0/image",
                "init container of a CronJob",
            ),
        ] {
            let vector = vectors.iter().find(|vector| vector.kind == kind).unwrap();
            let seen = vector.object.pointer(&format!("{CRON_JOB}{seen}")).unwrap();
            assert_ne!(seen, &image, "{mistake}");
            assert!(vector.object.to_string().contains(&image), "{mistake}");
        }
    }

    #[test]
    fn every_rule_and_every_kind_is_tried() {
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        let images = images(&rules, &|_| {
            Some("registry.example.com/target:1".to_owned())
        });
        assert!(images.len() > 300, "{}", images.len());
        for image in [
            "bitnami/redis:7.0.11",
            "k8s.gcr.io/pause:latest",
            "registry.example.com/target:1",
        ] {
            let is_one = images.iter().any(|one| one == image);
            assert!(is_one || image.starts_with("bitnami"), "{image}");
        }
        assert!(images.iter().any(|image| image.starts_with("bitnami/")));
        let vectors = vectors(&images);
        assert_eq!(vectors.len(), images.len() * 3);
        for vector in &vectors {
            assert!(vector.object.to_string().contains(&vector.image));
        }
        for kind in [
            "CronJob",
            "init container of a CronJob",
            "second container of a CronJob",
            "init container",
            "image volume",
            "PodTemplate",
            "controlled pod",
        ] {
            assert!(vectors.iter().any(|vector| vector.kind == kind), "{kind}");
        }
    }
}
