//! A `kubectl` that stands in for a cluster: the requests it gets, and the effect of its answers.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use super::*;
use crate::common::regfix;

const POD: &str = r#"{"kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "x"},
    "spec": {"containers": [{"name": "c", "image": "k8s.gcr.io/pause:3.9"}]}}]}"#;
const DEFINITIONS: &str = r#"{"kind": "List", "items": [{"kind": "CustomResourceDefinition", "spec": {"group": "example.com",
    "names": {"plural": "widgets", "kind": "Widget"}, "versions": [{"served": true, "schema": {"openAPIV3Schema":
    {"properties": {"spec": {"properties": {"image": {"type": "string"}}}}}}}]}}]}"#;
const WIDGET: &str = r#"{"kind": "List", "items": [{"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "x"},
    "spec": {"image": "k8s.gcr.io/pause:3.1"}}]}"#;

/// Creates a `kubectl` that answers from one file per resource, and logs its arguments.
fn cluster(files: &[(&str, &str)]) -> tempfile::TempDir {
    let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho \"$@\" >> asked\n\
        [ -e \"$2.err\" ] && { /bin/cat \"$2.json\" 2>/dev/null; /bin/cat \"$2.err\" >&2; exit 1; }\n\
        [ -e \"$2.json\" ] && exec /bin/cat \"$2.json\"\n\
        echo '{\"kind\": \"List\", \"items\": []}'\n";
    let folder = folder(&[files, &[("kubectl", script)]].concat());
    let path = folder.path().join("kubectl");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn ask(cluster: &Path, arguments: &[&str]) -> Output {
    let mut command = regfix(cluster);
    command.env("PATH", format!("{}:/usr/bin:/bin", cluster.display()));
    command
        .arg("cluster")
        .args(DAY)
        .args(arguments)
        .output()
        .unwrap()
}

fn asked(cluster: &Path) -> Vec<String> {
    let text = fs::read_to_string(cluster.join("asked")).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn every_resource_is_got_once_and_custom_ones_by_their_definitions() {
    let cluster = cluster(&[
        ("pods.json", POD),
        (
            "customresourcedefinitions.apiextensions.k8s.io.json",
            DEFINITIONS,
        ),
        ("widgets.example.com.json", WIDGET),
    ]);
    let output = ask(
        cluster.path(),
        &[
            "-A",
            "--context",
            "c",
            "--kubeconfig",
            "k",
            "-l",
            "a=b",
            "--chunk-size",
            "9",
            "--resources",
            "things.example.org",
            "--format",
            "concise",
        ],
    );
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("x/Pod/a:c: ") && text.contains("x/Widget/w:spec.image: "),
        "{text}"
    );
    let asked = asked(cluster.path());
    assert_eq!(asked.len(), 12, "{asked:#?}");
    for line in &asked {
        assert!(line.starts_with("get "), "{line}");
        // The selector is not meant for definitions, which have their own labels.
        let selector = match line.contains("customresourcedefinitions") {
            true => "",
            false => " --selector=a=b",
        };
        let end = format!(
            " --output=json --chunk-size=9 --context=c --kubeconfig=k{selector} --all-namespaces"
        );
        assert!(line.ends_with(&end), "{line}");
    }
    let resources: Vec<&str> = asked
        .iter()
        .map(|line| line.split(' ').nth(1).unwrap())
        .collect();
    for resource in [
        "cronjobs.batch",
        "replicasets.apps",
        "things.example.org",
        "widgets.example.com",
    ] {
        assert!(resources.contains(&resource), "{resources:?}");
    }
    assert!(
        !resources
            .iter()
            .any(|resource| resource.starts_with("secrets") || resource.starts_with("nodes"))
    );
}

#[test]
fn what_is_forbidden_is_listed_and_not_fatal() {
    let forbidden = "Error from server (Forbidden): jobs.batch is forbidden: User \"u\" cannot list resource \"jobs\"\n";
    let cluster = cluster(&[("pods.json", POD), ("jobs.batch.err", forbidden)]);
    let output = ask(cluster.path(), &["-n", "x"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("Not read: jobs.batch: forbidden for this user\n"),
        "{}",
        stdout(&output)
    );
    assert!(asked(cluster.path())[0].ends_with(" --namespace=x"));
    // A forbidden resource does not explain an empty result either, if the others were read.
    fs::remove_file(cluster.path().join("pods.json")).unwrap();
    let output = ask(cluster.path(), &["-n", "x"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("is that its name?"));
    assert!(stdout(&output).contains("Not read: jobs.batch"));
}

#[test]
fn what_fails_otherwise_is_fatal() {
    let refused = "E1128 memcache.go: connection refused\nerror: the server could not be reached\n";
    let cluster_of = |file: &str| cluster(&[("pods.json", POD), (file, refused)]);
    let cluster = cluster_of("jobs.batch.err");
    let output = ask(cluster.path(), &["-A"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "regfix: jobs.batch: error: the server could not be reached\n"
    );
    // Objects that were read are shown.
    assert!(stdout(&output).contains("k8s.gcr.io/pause:3.9"));
    // An incomplete list of pods makes the run incomplete.
    let cluster = cluster_of("pods.err");
    assert_eq!(ask(cluster.path(), &["-A"]).status.code(), Some(2));
}

/// A server that does not answer is one failure, not one per resource.
#[test]
fn where_nothing_can_be_read_one_line_says_why() {
    let script = "#!/bin/sh\n\
        echo \"E1129 02:37:09.609867   24032 memcache.go:265] \\\"Unhandled Error\\\" $$ of $2\" >&2\n\
        echo 'The connection to the server 127.0.0.1:6443 was refused' >&2\nexit 1\n";
    let cluster = cluster(&[]);
    fs::write(cluster.path().join("kubectl"), script).unwrap();
    let output = ask(cluster.path(), &["-A"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "regfix: nothing could be read: The connection to the server 127.0.0.1:6443 was refused\n"
    );
    assert_eq!(stdout(&output), "");
    let forbidden = "#!/bin/sh\necho 'Error from server (Forbidden): no' >&2\nexit 1\n";
    fs::write(cluster.path().join("kubectl"), forbidden).unwrap();
    let output = ask(cluster.path(), &["-A"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert_eq!(said.lines().count(), 1, "{said}");
    for part in [
        "no object could be read: forbidden for this user: ",
        "pods",
        "packaging/cluster-reader.yaml",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// The API server lists cluster-wide objects for every namespace.
#[test]
fn what_is_in_no_namespace_counts_where_it_owns_something() {
    let widget = |uid: &str| {
        format!(
            r#"{{"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {{"name": "w-{uid}", "uid": "{uid}"}},
                "spec": {{"image": "k8s.gcr.io/pause:3.1"}}}}"#
        )
    };
    let widgets = format!(
        r#"{{"kind": "List", "items": [{}, {}]}}"#,
        widget("1"),
        widget("2")
    );
    let owned = POD.replace(
        r#""name": "a","#,
        r#""name": "a", "uid": "3", "ownerReferences": [{"apiVersion": "example.com/v1", "kind": "Widget", "name": "w-2", "uid": "2"}],"#,
    );
    let mut files = vec![
        (
            "customresourcedefinitions.apiextensions.k8s.io.json",
            DEFINITIONS,
        ),
        ("widgets.example.com.json", &widgets),
    ];
    let empty = cluster(&files);
    let output = ask(empty.path(), &["-n", "x"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("is that its name?"));
    assert_eq!(ask(empty.path(), &["-A"]).status.code(), Some(1));
    files.push(("pods.json", &owned));
    let output = ask(cluster(&files).path(), &["-n", "x"]);
    let text = stdout(&output);
    assert!(text.contains("Widget/w-2"), "{text}");
    assert!(!text.contains("Widget/w-1"), "{text}");
    assert!(text.contains("read 2 objects of 2 kinds"), "{text}");
}

/// A misspelled namespace has no objects either.
#[test]
fn a_cluster_without_objects_is_questioned() {
    let cluster = cluster(&[]);
    for (arguments, part) in [
        (
            &["-n", "sohp"][..],
            "in the namespace `sohp`: is that its name?",
        ),
        (
            &[],
            "in the namespace of this context: -n names another one",
        ),
        (
            &["-A", "-l", "a=b"],
            "with the labels `a=b` in this cluster",
        ),
    ] {
        let output = ask(cluster.path(), arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
        let quiet = ask(cluster.path(), &[arguments, &["--quiet"]].concat());
        assert_eq!(stderr(&quiet), "");
    }
}

#[test]
fn without_a_kubectl_it_says_so() {
    let folder = folder(&[]);
    let mut command = regfix(folder.path());
    let output = command
        .env("PATH", folder.path())
        .arg("cluster")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("kubectl is not on PATH"));
}

#[test]
fn no_other_command_starts_it() {
    let cluster = cluster(&[
        ("a.yaml", "image: k8s.gcr.io/pause:3.9\n"),
        ("dump.json", POD),
    ]);
    for arguments in [
        &[][..],
        &["--write"],
        &["images"],
        &["policy"],
        &["hosts"],
        &["cluster", "--from", "dump.json"],
    ] {
        let mut command = regfix(cluster.path());
        command.env(
            "PATH",
            format!("{}:/usr/bin:/bin", cluster.path().display()),
        );
        command.args(arguments).output().unwrap();
    }
    assert!(asked(cluster.path()).is_empty());
}

/// regfix only requests what the role allows.
#[test]
fn the_role_allows_what_is_read() {
    let cluster = cluster(&[]);
    ask(cluster.path(), &[]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/cluster-reader.yaml");
    let text = fs::read_to_string(file).unwrap();
    let role = serde_yaml::Deserializer::from_str(&text).next().unwrap();
    let role = <Value as serde::Deserialize>::deserialize(role).unwrap();
    let rules = role["rules"].as_array().unwrap();
    for rule in rules {
        assert_eq!(rule["verbs"], serde_json::json!(["get", "list"]));
    }
    let allows = |group: &str, resource: &str| {
        let has = |list: &Value, one: &str| list.as_array().unwrap().iter().any(|each| each == one);
        rules
            .iter()
            .any(|rule| has(&rule["apiGroups"], group) && has(&rule["resources"], resource))
    };
    let asked = asked(cluster.path());
    assert_eq!(asked.len(), 10);
    for line in asked {
        let resource = line.split(' ').nth(1).unwrap();
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        assert!(allows(group, resource), "{line}");
    }
    assert!(!allows("", "secrets") && !allows("", "*") && !allows("*", "*"));
}
