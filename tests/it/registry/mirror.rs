//! `regfix mirror` and `regfix hosts` as they are run.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{assert_refused, code, folder, pipe, run, stderr, stdout};

const POD: &str = "kind: Pod\nspec:\n  containers:\n  - image: k8s.gcr.io/pause:3.2\n  - image: gcr.io/google_containers/pause:3.1\n  - image: nginx:1.25\n";

fn crane(folder: &Path, more: &[&str]) -> String {
    let arguments = [&["mirror", "--to", "m.io/p", "--emit", "crane"], more].concat();
    stdout(&run(folder, &arguments))
}

#[test]
fn images_are_copied_from_where_they_are_now() {
    let folder = folder(&[("pod.yaml", POD)]);
    let expected = "#!/bin/sh\nset -eu\n\
        crane copy docker.io/library/nginx:1.25 m.io/p/docker.io/library/nginx:1.25\n\
        crane copy registry.k8s.io/pause:3.1 m.io/p/registry.k8s.io/pause:3.1\n\
        crane copy registry.k8s.io/pause:3.2 m.io/p/registry.k8s.io/pause:3.2\n";
    assert_eq!(crane(folder.path(), &["--unsafe-fixes"]), expected);
    let old = crane(folder.path(), &["--old-names"]);
    assert!(
        old.contains("crane copy k8s.gcr.io/pause:3.2 m.io/p/k8s.gcr.io/pause:3.2\n"),
        "{old}"
    );
    assert!(
        old.contains("crane copy gcr.io/google_containers/pause:3.1 "),
        "{old}"
    );
}

/// Images whose move needs review are copied from the old location unless `--unsafe-fixes` is given.
#[test]
fn moves_that_need_review() {
    let folder = folder(&[("c.yaml", "image: bitnami/redis:7.0.5\n")]);
    assert!(crane(folder.path(), &[]).contains("crane copy docker.io/bitnami/redis:7.0.5 "));
    assert!(
        crane(folder.path(), &["--unsafe-fixes"])
            .contains("crane copy docker.io/bitnamilegacy/redis:7.0.5 ")
    );
}

#[test]
fn what_a_format_cannot_express_is_said() {
    let template = "image: k8s.gcr.io/{{ .Values.name }}:1\n";
    let folder = folder(&[
        ("pod.yaml", POD),
        (
            "chart/Chart.yaml",
            "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
        ),
        ("chart/templates/pod.yaml", template),
    ]);
    let arguments = ["mirror", "--to", "m.io", "--emit", "zarf"];
    let output = run(folder.path(), &arguments);
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).ends_with("images:\n      - docker.io/library/nginx:1.25\n"));
    let said = stderr(&output);
    assert!(
        said.contains(
            "left out: k8s.gcr.io/pause:3.2: zarf finds an image by its name in the manifests"
        ),
        "{said}"
    );
    assert!(
        said.contains("left out: 1 image whose names templates build (--verbose lists them)"),
        "{said}"
    );
    // A name built by a template is not an error, because every chart has some.
    let output = run(
        folder.path(),
        &[&arguments[..], &["--verbose", "chart"]].concat(),
    );
    assert_eq!(code(&output), 0);
    assert!(
        stderr(&output).contains("a template builds its name"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_list_on_standard_input() {
    let folder = folder(&[]);
    let output = pipe(
        folder.path(),
        &[
            "mirror",
            "--to",
            "http://localhost:5000",
            "--emit",
            "regsync",
            "-",
        ],
        b"nginx:1\nquay.io/a/b:2\nlocalhost:5000/here:1\n",
    );
    assert_eq!(
        stdout(&output),
        "version: 1\ncreds:\n  - registry: localhost:5000\n    tls: disabled\nsync:\n  \
         - source: docker.io/library/nginx:1\n    target: localhost:5000/docker.io/library/nginx:1\n    type: image\n  \
         - source: quay.io/a/b:2\n    target: localhost:5000/quay.io/a/b:2\n    type: image\n"
    );
    assert_eq!(code(&output), 0);
}

#[test]
fn files_are_rewritten_to_the_mirror() {
    let folder = folder(&[
        ("pod.yaml", POD),
        (
            "values.yaml",
            "# kept\na: {registry: quay.io, repository: org/app, tag: \"1\"}\nb:\n  repository: quay.io/org/other   # no tag\n",
        ),
        (
            "base/kustomization.yaml",
            "resources: [deploy.yaml]\nimages:\n- name: nginx\n  newTag: \"1.25\"\n",
        ),
        (
            "base/deploy.yaml",
            "kind: Deployment\nspec: {template: {spec: {containers: [{image: \"nginx:1.25\"}]}}}\n",
        ),
    ]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let arguments = ["mirror", "--to", "m.io/p", "--write"];
    let output = run(folder.path(), &arguments);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    let pod = read("pod.yaml");
    assert!(
        pod.contains("- image: m.io/p/registry.k8s.io/pause:3.2\n"),
        "{pod}"
    );
    assert!(
        pod.contains("- image: m.io/p/docker.io/library/nginx:1.25\n"),
        "{pod}"
    );
    let values = read("values.yaml");
    assert!(
        values.starts_with(
            "# kept\na: {registry: m.io/p/quay.io, repository: org/app, tag: \"1\"}\n"
        ),
        "{values}"
    );
    assert!(read("base/deploy.yaml").contains("image: \"m.io/p/docker.io/library/nginx:1.25\""));
    assert!(
        read("base/kustomization.yaml")
            .contains("- name: m.io/p/docker.io/library/nginx\n  newTag: \"1.25\"\n")
    );
    let before = crate::common::files(folder.path());
    let again = run(folder.path(), &arguments);
    assert_eq!(code(&again), 0);
    assert_eq!(
        crate::common::files(folder.path()),
        before,
        "a second run changes nothing"
    );
}

/// If a template sets the tag, regfix may not know whether the mirror has it.
#[test]
fn an_image_of_a_chart_moves_if_the_chart_says_its_tag() {
    let chart = "apiVersion: v2\nname: chart\nversion: 1.0.0\nappVersion: \"2\"\n";
    let values = "image:\n  repository: quay.io/org/app\n  tag: \"\"\n";
    let moved = values.replace("quay.io", "m.io/quay.io");
    for (tag, expected) in [
        ("default .Chart.AppVersion", moved.as_str()),
        // An image with an unknown tag is not copied.
        ("required \"a tag\"", values),
    ] {
        let template = format!(
            "image: \"{{{{ .Values.image.repository }}}}:{{{{ .Values.image.tag | {tag} }}}}\"\n"
        );
        let folder = folder(&[
            ("Chart.yaml", chart),
            ("values.yaml", values),
            ("templates/pod.yaml", &template),
            ("pod.yaml", "image: quay.io/org/app:1\n"),
        ]);
        let output = run(folder.path(), &["mirror", "--to", "m.io", "--write"]);
        assert!(code(&output) != 2, "{}", stderr(&output));
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("pod.yaml"), "image: m.io/quay.io/org/app:1\n");
        assert_eq!(read("values.yaml"), expected, "{tag}");
    }
}

#[test]
fn what_is_typed_wrong() {
    let folder = folder(&[]);
    for (arguments, problem) in [
        (&["mirror", "--to", "m.io"][..], "--emit <FORMAT>"),
        (&["mirror", "--emit", "crane"], "--to <HOST/PREFIX>"),
        (
            &["mirror", "--to", "not a registry", "--emit", "crane"],
            "is not a registry",
        ),
        (
            &["mirror", "--to", "m.io/$(x)", "--emit", "crane"],
            "is not a registry",
        ),
        (
            &["mirror", "--to", "m.io", "--emit", "docker"],
            "possible values: crane, skopeo",
        ),
        (
            &["mirror", "--to", "m.io", "--emit", "crane", "--write"],
            "cannot be used with",
        ),
    ] {
        assert_refused(&run(folder.path(), arguments), problem);
    }
}

#[test]
fn hosts_before_and_after() {
    let folder = folder(&[
        ("pod.yaml", POD),
        ("own.yaml", "image: registry.example.com/a:1\n"),
    ]);
    let output = run(
        folder.path(),
        &["hosts", "--format", "json", "--unsafe-fixes"],
    );
    let value: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let rows = value["hosts"].as_array().unwrap();
    let when = |host: &str, registry: &str| {
        let row = rows
            .iter()
            .find(|row| row["host"] == host && row["registry"] == registry)?;
        Some((row["before"].as_bool()?, row["after"].as_bool()?))
    };
    assert_eq!(
        when("registry-1.docker.io", "docker.io"),
        Some((true, true))
    );
    assert_eq!(when("k8s.gcr.io", "k8s.gcr.io"), Some((true, false)));
    assert_eq!(when("*.pkg.dev", "registry.k8s.io"), Some((false, true)));
    assert_eq!(when("gcr.io", "gcr.io"), Some((true, false)));
    assert_eq!(
        when("registry.example.com", "registry.example.com"),
        Some((true, true))
    );
    let said = stderr(&output);
    assert!(
        said.contains("registry.example.com: whether it redirects to other hosts is not known"),
        "{said}"
    );
    let text = stdout(&run(folder.path(), &["hosts", "own.yaml"]));
    assert_eq!(
        text,
        "registry.example.com  api       registry.example.com  before and after\n"
    );
}
