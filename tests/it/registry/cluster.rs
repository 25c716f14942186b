//! `regfix cluster --verify`: what registries answer about running images.

use serde_json::Value;

use super::cli::run;
use super::server::{OCI_INDEX, Reply, Seen, Server, index};
use crate::common::{folder, stderr, stdout};

const POD: &str = r#"{"kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "x"}, "spec": {"containers": [
        {"name": "there", "image": "k8s.gcr.io/pause:3.1"},
        {"name": "gone", "image": "k8s.gcr.io/pause:3.2"},
        {"name": "same", "image": "bitnami/redis:7.0.11"},
        {"name": "clean", "image": "registry.example.com/app:1"}]}}]}"#;

/// Answers as the registry: the old and the new location have the same images, except that one tag has not moved.
fn answer(seen: &Seen) -> Reply {
    match seen.path.split_once("/manifests/") {
        None if seen.path == "/v2/" => Reply::new(200).body("{}"),
        Some((name, "3.2")) if name.contains("new") => Reply::error(404, "MANIFEST_UNKNOWN"),
        Some((_, tag)) => Reply::manifest(OCI_INDEX, &index(tag)),
        None => Reply::error(404, "NAME_UNKNOWN"),
    }
}

#[test]
fn answers_decide_what_is_proposed() {
    let server = Server::start(answer);
    let host = server.host();
    let folder = folder(&[("dump.json", POD)]);
    let mirrors = [
        "k8s.gcr.io=HOST/old",
        "registry.k8s.io=HOST/new",
        "docker.io=HOST/hub",
    ];
    let mirrors =
        mirrors.map(|mirror| format!("--registry-mirror={}", mirror.replace("HOST", &host)));
    let mut arguments = vec![
        "cluster",
        "--from",
        "dump.json",
        "--no-config",
        "--format",
        "json",
        "--verify=both",
        "--insecure-registry",
        &host,
    ];
    arguments.extend(mirrors.iter().map(String::as_str));
    let output = run(folder.path(), &arguments, None);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).starts_with("regfix: asked registries about "),
        "{}",
        stderr(&output)
    );
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let finding = |container: &str| {
        let rows = report["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["container"] == container);
        row.unwrap()["finding"].clone()
    };
    assert_eq!(finding("there")["applicability"], "safe");
    assert!(finding("there")["verified"]["digest"].is_string());
    // A replacement that does not exist is not proposed.
    assert_eq!(finding("gone")["applicability"], Value::Null);
    assert_eq!(finding("gone")["changes"], Value::Array(Vec::new()));
    // The fix needs review only because the image may differ, and it does not.
    assert_eq!(finding("same")["applicability"], "safe");
    let asked = server.lines();
    assert!(
        asked.iter().all(|line| !line.contains("example.com")),
        "{asked:?}"
    );
}

#[test]
fn without_the_flag_nobody_is_asked() {
    let server = Server::start(answer);
    let folder = folder(&[("dump.json", POD)]);
    let mirror = format!("k8s.gcr.io={}/old", server.host());
    let arguments = [
        "cluster",
        "--from",
        "dump.json",
        "--registry-mirror",
        &mirror,
    ];
    assert_eq!(run(folder.path(), &arguments, None).status.code(), Some(1));
    assert!(server.seen().is_empty());
}
