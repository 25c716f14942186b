//! Notes that come with a move: about pull secrets, pull policies, floating tags and pinned digests.

use serde_json::Value;

use crate::common::{folder, run, stdout};

/// Returns the only finding with a fix.
fn finding(files: &[(&str, &str)]) -> Value {
    let folder = folder(files);
    let report: Value =
        serde_json::from_str(&stdout(&run(folder.path(), &["--format", "json"]))).unwrap();
    let files = report["files"].as_array().unwrap();
    let findings: Vec<&Value> = files
        .iter()
        .flat_map(|file| file["findings"].as_array().unwrap())
        .filter(|finding| finding["mention"] == false)
        .collect();
    assert_eq!(findings.len(), 1, "{report}");
    findings[0].clone()
}

fn notes(files: &[(&str, &str)]) -> Vec<String> {
    let finding = finding(files);
    let notes = finding["notes"].as_array().unwrap().iter();
    notes
        .map(|note| note.as_str().unwrap().to_owned())
        .collect()
}

const NO_TAG: &str =
    "no tag is written here: if `latest` is pulled, it may be another image at the new location";
const LATEST: &str = "`latest` is pulled: it may be another image at the new location";
const NEVER: &str =
    "the pull policy is Never: load the new image onto the nodes before this is applied";

#[test]
fn tags_that_float() {
    for (image, expected) in [
        ("k8s.gcr.io/pause:latest", Some(LATEST)),
        ("k8s.gcr.io/pause", Some(NO_TAG)),
        ("k8s.gcr.io/pause:3.9", None),
    ] {
        let text = format!("kind: Pod\nspec: {{containers: [{{image: {image}}}]}}\n");
        let found = notes(&[("pod.yaml", &text)]);
        assert_eq!(
            found.first().map(String::as_str),
            expected,
            "{image}: {found:?}"
        );
    }
}

/// A pinned digest must exist at the new location too; a tag in its place guarantees less.
#[test]
fn digests_that_are_pinned() {
    let stays = "the pinned digest stays: the pull fails if the new location does not have it; `--verify` checks that";
    let goes = "a digest is pinned here: pin the digest of the new image, too, because a tag can be pushed again";
    let digest = "sha256:7df76a0f0a17294e86f691c81de6bbb7c04a1b4b3d4ea4e7e2cccdc42e1f6d63";
    for (image, expected) in [
        // The new location has the same digests.
        ("k8s.gcr.io/pause:3.9", None),
        ("k8s.gcr.io/pause", None),
        ("k8s.gcr.io/pause:latest", None),
        // It may have them.
        ("jboss/keycloak:16.1.1", Some(stays)),
        ("projectcontour/contour", Some(stays)),
        ("gcr.io/cadvisor/cadvisor:v0.53.0", Some(stays)),
        // It does not have them, or the tag is unknown.
        ("gcr.io/ml-pipeline/api-server:2.4.0", Some(goes)),
        ("jimmidyson/configmap-reload", Some(goes)),
    ] {
        let text = format!("kind: Pod\nspec: {{containers: [{{image: {image}@{digest}}}]}}\n");
        let found = notes(&[("pod.yaml", &text)]);
        let said = found.iter().find(|note| note.contains("digest"));
        assert_eq!(said.map(String::as_str), expected, "{image}: {found:?}");
    }
}

#[test]
fn images_that_are_never_pulled() {
    for (text, never) in [
        (
            "kind: Pod\nspec:\n  containers:\n  - image: k8s.gcr.io/pause:3.9\n    imagePullPolicy: Never\n",
            true,
        ),
        (
            "kind: Pod\nspec:\n  containers:\n  - image: k8s.gcr.io/pause:3.9\n  - image: a:1\n    imagePullPolicy: Never\n",
            false,
        ),
        (
            "kind: Pod\nspec:\n  containers:\n  - image: k8s.gcr.io/pause:3.9\n    imagePullPolicy: Always # Never\n",
            false,
        ),
        (
            "image:\n  registry: k8s.gcr.io\n  repository: pause\n  tag: '3.9'\n  pullPolicy: Never\n",
            true,
        ),
        (
            "image: k8s.gcr.io/pause:3.9\nother:\n  pullPolicy: Never\n",
            false,
        ),
        (
            "image:\n  repository: k8s.gcr.io/pause\n  tag: '3.9'\nimagePullPolicy: Never\n",
            true,
        ),
        (
            "services:\n  a:\n    image: k8s.gcr.io/pause:3.9\n    pull_policy: never\n",
            true,
        ),
        (
            "job:\n  image: {name: 'k8s.gcr.io/pause:3.9', pull_policy: [never]}\n",
            true,
        ),
        (
            "job:\n  image: {name: 'k8s.gcr.io/pause:3.9', pull_policy: [never, always]}\n",
            false,
        ),
    ] {
        let found = finding(&[("values.yaml", text)]);
        let expected = if never { "unsafe" } else { "safe" };
        assert_eq!(found["applicability"], expected, "{text}: {found}");
        assert_eq!(found["reason"] == NEVER, never, "{text}: {found}");
    }
    // If the fix needs review for another reason, the policy is a note.
    let found = finding(&[(
        "values.yaml",
        "image: gcr.io/cadvisor/cadvisor:v0.53.0\npullPolicy: Never\n",
    )]);
    assert_eq!(found["applicability"], "unsafe", "{found}");
    assert!(
        found["reason"] != NEVER && found["notes"][0] == NEVER,
        "{found}"
    );
}

#[test]
fn pull_secrets_that_serve_only_the_old_host() {
    let secret = |hosts: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata: {{name: regcred}}\nstringData:\n  .dockerconfigjson: '{{\"auths\": {{{hosts}}}}}'\n"
        )
    };
    let rule = "rules:\n- {id: mine, from: old.example.com, to: new.example.com}\n";
    let pod = "kind: Pod\nspec: {containers: [{image: \"old.example.com/team/app:1\"}]}\n";
    let note = "the pull secret regcred (secrets/pull.yaml:1) has credentials for old.example.com, but none for new.example.com";
    for (hosts, expected) in [
        (
            r#""https://old.example.com/": {"auth": "c2VjcmV0OnNlY3JldA=="}"#,
            true,
        ),
        (r#""old.example.com": {}, "new.example.com": {}"#, false),
        (r#""old.example.com": {}, "*.example.com": {}"#, false),
        (r#""other.example.com": {}"#, false),
    ] {
        let secret = secret(hosts);
        let found = notes(&[
            ("pod.yaml", pod),
            ("secrets/pull.yaml", &secret),
            (".regfix.yaml", rule),
        ]);
        assert_eq!(
            found.iter().any(|said| said == note),
            expected,
            "{hosts}: {found:?}"
        );
        assert!(!found.concat().contains("c2Vj"), "{found:?}");
    }
}
