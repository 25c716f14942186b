//! `regfix images --verify` and `regfix tags` as they are run: output, exit codes, and requests.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use super::server::{OCI_INDEX, Reply, Seen, Server, digest, honest, index};
use crate::common::{assert_refused, code, folder, regfix, stderr, stdout};

/// Runs in a folder, with a separate home and without the tester's settings for connections.
pub(crate) fn run(folder: &Path, arguments: &[&str], input: Option<&str>) -> Output {
    let mut command = regfix(folder);
    for name in [
        "ALL_PROXY",
        "DOCKER_CONFIG",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "REGISTRY_AUTH_FILE",
        "XDG_CACHE_HOME",
        "XDG_RUNTIME_DIR",
        "http_proxy",
        "https_proxy",
    ] {
        command.env_remove(name);
    }
    command
        .env("HOME", folder.join("home"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    if let Some(input) = input {
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
    }
    child.wait_with_output().unwrap()
}

fn verify(server: &Server, folder: &Path, more: &[&str], input: Option<&str>) -> Output {
    let host = server.host();
    let mut arguments = vec!["images", "--verify", "--insecure-registry", &host];
    arguments.extend(more);
    run(folder, &arguments, input)
}

#[test]
fn the_images_of_a_tree() {
    let server = Server::start(honest);
    let host = server.host();
    let pod = format!(
        "kind: Pod\nspec:\n  containers:\n  - image: {host}/a:1\n  - image: {host}/a:gone\n  - image: {host}/a:1\n"
    );
    let template = format!("image: {host}/{{{{ .Values.name }}}}:1\n");
    let folder = folder(&[
        ("pod.yaml", &pod),
        (
            "chart/Chart.yaml",
            "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
        ),
        ("chart/templates/pod.yaml", &template),
    ]);
    let output = verify(&server, folder.path(), &[], None);
    let digest = digest(&index("/v2/a:1"));
    let expected = format!(
        "available          {host}/a:1  {digest}\n\
         gone               {host}/a:gone  MANIFEST_UNKNOWN: says the test (asked without credentials)\n\
         \x20                  pod.yaml:5:12\n"
    );
    assert_eq!(stdout(&output), expected);
    assert_eq!(
        stderr(&output),
        "2 images: 1 available, 1 gone, 1 built by templates, not checked (--verbose lists them)\n"
    );
    assert_eq!(code(&output), 1);
    assert_eq!(server.lines().len(), 3);
    let verbose = verify(&server, folder.path(), &["--verbose", "chart"], None);
    assert!(
        stdout(&verbose).starts_with("not-asked"),
        "{}",
        stdout(&verbose)
    );
    assert_eq!(code(&verbose), 0);
    let quiet = verify(&server, folder.path(), &["--quiet", "pod.yaml"], None);
    assert_eq!(stderr(&quiet), "");
}

#[test]
fn exit_codes() {
    let server = Server::start(|seen: &Seen| match seen.path.rsplit('/').next().unwrap() {
        "denied" => Reply::error(403, "DENIED"),
        "secret" => Reply::error(401, "UNAUTHORIZED"),
        "limited" => Reply::new(429).with("retry-after", "3600"),
        "broken" => Reply::new(404),
        _ => honest(seen),
    });
    let folder = folder(&[]);
    let host = server.host();
    for (tags, expected) in [
        (&["1", "2"][..], 0),
        (&[], 0),
        (&["1", "gone"], 1),
        (&["1", "denied"], 2),
        (&["1", "secret"], 2),
        (&["broken"], 2),
        // An image that is gone decides the exit code, even if others could not be determined.
        (&["gone", "denied", "secret", "broken"], 1),
        (&["limited"], 2),
    ] {
        let list: String = tags.iter().map(|tag| format!("{host}/a:{tag}\n")).collect();
        let output = verify(&server, folder.path(), &["-"], Some(&list));
        assert_eq!(code(&output), expected, "{tags:?}: {}", stdout(&output));
    }
}

#[test]
fn standard_input_has_images_or_manifests() {
    let server = Server::start(honest);
    let host = server.host();
    let folder = folder(&[]);
    let list = format!(
        "# what runs\n\n  {host}/a:1  \r\n{host}/b@{}\n",
        digest(&index("/v2/b:1"))
    );
    let manifest =
        format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {host}/a:1\n");
    let json = json!({"kind": "List", "items": [{"kind": "Pod", "spec": {"containers": [{"image": format!("{host}/a:1")}]}}]});
    for input in [list, manifest, json.to_string()] {
        let output = verify(&server, folder.path(), &["-"], Some(&input));
        assert!(
            stdout(&output).contains(&format!("  {host}/a:1  sha256:")),
            "{}",
            stdout(&output)
        );
    }
    let output = verify(
        &server,
        folder.path(),
        &["--format", "json", "-"],
        Some("not: [closed"),
    );
    assert_eq!(code(&output), 0);
}

#[test]
fn json_has_it_all() {
    let server = Server::start(honest);
    let host = server.host();
    let pod = format!(
        "kind: Pod\nspec:\n  containers:\n  - image: {host}/a:1\n  - image: {host}/a:gone\n"
    );
    let folder = folder(&[("pod.yaml", &pod)]);
    let options = [
        "--format",
        "json",
        "--platform",
        "linux/arm64",
        "--platform",
        "linux/s390x",
    ];
    let output = verify(&server, folder.path(), &options, None);
    let value: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let expected = json!({"version": 1, "images": [
        {
            "image": format!("{host}/a:1"),
            "status": "lacks-platform",
            "asked_at": null,
            "digest": digest(&index("/v2/a:1")),
            "media_type": OCI_INDEX,
            "platforms": ["linux/amd64", "linux/arm64"],
            "reason": "there is none for linux/s390x",
            "locations": [{"path": "pod.yaml", "line": 4, "column": 12, "chart": null}],
        },
        {
            "image": format!("{host}/a:gone"),
            "status": "gone",
            "asked_at": null,
            "digest": null,
            "media_type": null,
            "platforms": [],
            "reason": "MANIFEST_UNKNOWN: says the test (asked without credentials)",
            "locations": [{"path": "pod.yaml", "line": 5, "column": 12, "chart": null}],
        },
    ]});
    assert_eq!(value, expected);
    assert_eq!(code(&output), 1);
    assert_eq!(
        stderr(&output),
        "2 images: 0 available, 1 gone, 1 without a platform\n"
    );
}

#[test]
fn a_mirror_and_a_cache() {
    let server = Server::start(honest);
    let folder = folder(&[]);
    let mirror = format!("docker.io={}/hub", server.host());
    let options = ["--registry-mirror", &mirror, "--cache-age", "1h", "-"];
    for _ in 0..2 {
        let output = verify(
            &server,
            folder.path(),
            &options,
            Some("nginx:1\ndocker.io/library/nginx:1\n"),
        );
        let at = format!("(asked at {}/hub/library/nginx:1)", server.host());
        assert_eq!(
            stdout(&output).matches(&at).count(),
            2,
            "{}",
            stdout(&output)
        );
    }
    assert_eq!(
        server.lines().len(),
        1,
        "two spellings, two runs, one question"
    );
    assert!(folder.path().join("home/.cache/regfix/registries").is_dir());
}

#[test]
fn tags_are_listed_by_version() {
    let server = Server::start(|seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        path if path.starts_with("/v2/a/tags/list") => {
            Reply::new(200).body(r#"{"tags":["v1.10","latest","v1.9","\u001b[31m"]}"#)
        }
        path if path.starts_with("/v2/secret/") => Reply::error(401, "UNAUTHORIZED"),
        _ => Reply::error(404, "NAME_UNKNOWN"),
    });
    let folder = folder(&[]);
    let host = server.host();
    let tags = |image: &str, more: &[&str]| {
        let image = format!("{host}/{image}");
        let mut arguments = vec!["tags", &image, "--insecure-registry", &host];
        arguments.extend(more);
        run(folder.path(), &arguments, None)
    };
    let output = tags("a:1.0", &[]);
    assert_eq!(
        (stdout(&output).as_str(), code(&output)),
        ("latest\nv1.9\nv1.10\n", 0)
    );
    let said = format!("regfix: {host}/a: 1 names on the list are not tags and are left out\n");
    assert_eq!(stderr(&output), said);
    let value: Value = serde_json::from_str(&stdout(&tags("a", &["--format", "json"]))).unwrap();
    let expected = json!({"version": 1, "repository": format!("{host}/a"), "tags": ["latest", "v1.9", "v1.10"]});
    assert_eq!(value, expected);
    let output = tags("none", &[]);
    assert_eq!(
        stderr(&output),
        format!("regfix: {host}/none: gone: NAME_UNKNOWN: says the test\n")
    );
    assert_eq!(code(&output), 1);
    assert_eq!(code(&tags("secret", &[])), 2);
    assert_eq!(
        code(&run(folder.path(), &["tags", "not an image"], None)),
        2
    );
}

#[test]
fn what_is_typed_wrong() {
    let folder = folder(&[]);
    for (arguments, problem) in [
        (&["images", "--platform", "linux/arm64"][..], "--verify"),
        (&["images", "--verify", "--unique"], "cannot be used with"),
        (
            &["images", "--verify", "--platform", "arm64", "-"],
            "write arm64 like linux/arm64",
        ),
        (
            &["images", "--verify", "--registry-mirror", "x", "-"],
            "--registry-mirror: write it as OLD=NEW",
        ),
        (
            &["images", "--verify", "--timeout", "soon", "-"],
            "write a time like 30s",
        ),
        (
            &["images", "--verify", "--authfile", "none", "-"],
            "none: there is no such file",
        ),
        (&["images", "--verify", "--ca-file", "none", "-"], "none: "),
        (
            &["images", "--verify", "--per-host", "0", "-"],
            "0 is not in 1..=64",
        ),
    ] {
        assert_refused(&run(folder.path(), arguments, Some("")), problem);
    }
}

/// Secrets appear neither in reports nor in errors.
#[test]
fn secrets_are_not_printed() {
    let server = Server::start(|seen: &Seen| match seen.header("authorization") {
        "" => Reply::error(401, "UNAUTHORIZED").with("www-authenticate", "Basic realm=x"),
        // The registry echoes the secret.
        header => Reply::new(403).body(format!(
            r#"{{"errors":[{{"code":"DENIED","message":"{header}"}}]}}"#
        )),
    });
    let config = format!(
        r#"{{"auths": {{"{}": {{"auth": "dXNlcjpoaWRkZW4="}}}}}}"#,
        server.host()
    );
    let folder = folder(&[("home/.docker/config.json", &config)]);
    let list = format!("{}/a:1\n", server.host());
    for format in ["text", "json"] {
        let output = verify(
            &server,
            folder.path(),
            &["--format", format, "-"],
            Some(&list),
        );
        let printed = stdout(&output) + &stderr(&output);
        assert!(printed.contains("denied"), "{printed}");
        assert!(
            !printed.contains("dXNl") && !printed.contains("hidden"),
            "{printed}"
        );
    }
}
