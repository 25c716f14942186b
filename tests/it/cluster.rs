//! `regfix cluster`, run on a dump that holds one object of each kind of case, and with a `kubectl` that stands in for a
//! cluster.

mod authority;
#[cfg(unix)]
mod live;
mod pod;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::{folder, outdated, pipe, run, stderr, stdout};
use crate::formats::{hold, validators};

const DAY: [&str; 5] = ["--as-of", "2026-11-21", "--no-config", "--color", "never"];

fn stored() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cluster"))
}

fn dump() -> String {
    fs::read_to_string(stored().join("dump.json")).unwrap()
}

/// Returns the report about a dump, and the exit code.
fn of_dump(dump: &str, arguments: &[&str]) -> (String, Option<i32>) {
    let arguments = [&["cluster", "--from", "-"], &DAY[..], arguments].concat();
    let output = pipe(stored(), &arguments, dump.as_bytes());
    assert_eq!(stderr(&output), "");
    (stdout(&output), output.status.code())
}

/// Returns the rows of the JSON report about a dump.
fn rows(dump: &str, arguments: &[&str]) -> Vec<Value> {
    let (text, _) = of_dump(dump, &[&["--format", "json"], arguments].concat());
    let report: Value = serde_json::from_str(&text).unwrap();
    report["rows"].as_array().unwrap().clone()
}

fn find<'r>(rows: &'r [Value], name: &str, container: &str) -> &'r Value {
    let mut found = rows
        .iter()
        .filter(|row| row["name"] == name && row["container"] == container);
    let row = found.next().unwrap_or_else(|| panic!("{name} {container}"));
    assert!(found.next().is_none(), "{name} {container} has two rows");
    row
}

/// `cargo xtask regenerate` writes the stored reports.
#[test]
fn reports_of_the_dump_are_those_that_are_stored() {
    for (format, arguments) in [
        ("full", &["--format", "full"][..]),
        ("concise", &["--format", "concise"]),
        ("csv", &["--format", "csv"]),
        ("patch", &["--patch"]),
    ] {
        let (text, code) = of_dump(&dump(), arguments);
        assert_eq!(code, Some(1));
        let path = stored().join(format!("report.{format}"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        let name = format!("fixtures/cluster/report.{format}");
        assert!(text == stored, "{}", outdated(&name, &stored, &text));
        if format == "full" {
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(80), "{longest:?}");
        }
    }
}

#[test]
fn there_is_one_row_for_each_root_and_container() {
    let rows = rows(&dump(), &[]);
    let metrics = find(&rows, "kube-state-metrics", "kube-state-metrics");
    assert_eq!(metrics["kind"], "Deployment");
    assert_eq!(
        (&metrics["pods"], &metrics["wanted"]),
        (&2.into(), &3.into())
    );
    assert_eq!(metrics["origin"]["manager"], "helm-release");
    assert_eq!(metrics["origin"]["first_clean"]["version"], "4.8.0");
    // Neither an earlier ReplicaSet nor a Job of a CronJob has a row.
    let images: Vec<&str> = rows
        .iter()
        .map(|row| row["image"].as_str().unwrap())
        .collect();
    assert!(!images.iter().any(|image| image.ends_with(":v1.0.0")));
    assert!(!images.iter().any(|image| image.ends_with("busybox:1.24")));
    // A Job without an owner has one, and so do suspended workloads and those without pods.
    assert_eq!(
        find(&rows, "ingress-nginx-admission-create", "create")["state"],
        "finished"
    );
    assert_eq!(find(&rows, "report", "report")["state"], "suspended");
    assert_eq!(
        find(&rows, "metrics-server", "metrics-server")["state"],
        "scaled down"
    );
    assert_eq!(find(&rows, "kube-apiserver", "kube-apiserver")["pods"], 2);
}

#[test]
fn what_is_not_in_the_template_says_so() {
    let rows = rows(&dump(), &[]);
    let presence = |name: &str, container: &str| find(&rows, name, container)["presence"].clone();
    assert_eq!(
        presence("kube-state-metrics", "kube-state-metrics"),
        "declared"
    );
    assert_eq!(presence("kube-state-metrics", "proxy"), "added");
    assert_eq!(presence("shop", "shop"), "left");
    let declared = &find(&rows, "shop", "shop")["declared_image"];
    assert_eq!(declared, "registry.k8s.io/pause:3.9");
    assert_eq!(presence("main", "reloader"), "chosen");
    assert_eq!(presence("main", "debug"), "debug");
    assert_eq!(presence("runner", "runner"), "chosen");
    assert_eq!(
        find(&rows, "runner", "runner")["origin"]["manager"],
        "not-read"
    );
}

#[test]
fn the_strongest_evidence_says_who_put_it_there() {
    let rows = rows(&dump(), &[]);
    let origin = |name: &str, container: &str| {
        let origin = &find(&rows, name, container)["origin"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let location = &origin["location"];
        [
            text(&origin["manager"]),
            text(&origin["name"]),
            text(&location["repository"]),
            text(&location["path"]),
        ]
    };
    let dns = [
        "argocd-application",
        "argocd/dns",
        "https://github.com/example/dns",
        "overlays/production",
    ];
    assert_eq!(origin("external-dns", "setup"), dns);
    assert_eq!(origin("cache", "cache"), dns);
    // A tracking id that names another object was copied: the origin is unknown.
    assert_eq!(origin("copied", "copied")[0], "unknown");
    assert_eq!(
        origin("node-problem-detector", "npd"),
        [
            "flux-kustomization",
            "flux-system/apps",
            "https://github.com/example/platform.git",
            "apps/production"
        ]
    );
    assert_eq!(
        origin("metrics-server", "metrics-server"),
        [
            "flux-helmrelease",
            "flux-system/metrics",
            "https://kubernetes-sigs.github.io/metrics-server",
            ""
        ]
    );
    assert_eq!(
        origin("report", "report"),
        [
            "kustomize",
            "",
            "https://github.com/example/web",
            "jobs/report.yaml"
        ]
    );
    assert_eq!(
        origin("kube-apiserver", "kube-apiserver")[..2],
        ["static-pod", "cp-1, cp-2"]
    );
    assert_eq!(origin("bare", "bare")[0], "unknown");
}

/// Neither the order of objects nor missing UIDs change the rows.
#[test]
fn dumps_in_another_order_or_without_uids_give_the_same_rows() {
    let expected = rows(&dump(), &["--all"]);
    assert!(expected.len() > 22);
    let mut list: Value = serde_json::from_str(&dump()).unwrap();
    let items = list["items"].as_array_mut().unwrap();
    items.reverse();
    assert_eq!(rows(&list.to_string(), &["--all"]), expected);
    for item in list["items"].as_array_mut().unwrap() {
        let metadata = item["metadata"].as_object_mut().unwrap();
        metadata.remove("uid");
        let owners = metadata.get_mut("ownerReferences");
        for owner in owners
            .into_iter()
            .flat_map(|owners| owners.as_array_mut().unwrap())
        {
            owner.as_object_mut().unwrap().remove("uid");
        }
    }
    assert_eq!(rows(&list.to_string(), &["--all"]), expected);
    // Also one object after the other, and YAML.
    let items = list["items"].as_array().unwrap();
    let stream: Vec<String> = items.iter().map(Value::to_string).collect();
    assert_eq!(rows(&stream.join("\n"), &["--all"]), expected);
    let yaml = serde_yaml::to_string(&list).unwrap();
    assert_eq!(rows(&yaml, &["--all"]), expected);
}

#[test]
fn every_format_keeps_to_its_schema_and_shows_no_secret() {
    let validators = validators();
    for format in regfix::report::FORMATS {
        let (text, code) = of_dump(&dump(), &["--format", format.name]);
        assert_eq!(code, Some(1), "{}", format.name);
        assert!(!text.contains("hunter2"), "{}", format.name);
        assert!(
            text.contains("registry.k8s.io/pause:3.9"),
            "{} does not show the new reference: {text}",
            format.name
        );
        match format.name {
            "sarif" => {
                let report = hold(&validators, "sarif", &text, "cluster");
                assert_eq!(report["runs"][0]["results"].as_array().unwrap().len(), 19);
            }
            "gitlab" | "rdjson" => drop(hold(&validators, format.name, &text, "cluster")),
            _ => {}
        }
    }
}

/// Creates files that name images of the dump, some of them fixed already.
fn repository() -> tempfile::TempDir {
    let workload = |kind: &str, name: &str, container: &str, image: &str| {
        format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n      containers:\n        - name: {container}\n          image: {image}\n"
        )
    };
    let dns = workload(
        "Deployment",
        "external-dns",
        "external-dns",
        "k8s.gcr.io/external-dns/external-dns:v0.12.2",
    );
    let detector = "k8s.gcr.io/node-problem-detector/node-problem-detector:v0.8.8";
    folder(&[
        ("dns/deployment.yaml", &dns),
        (
            "npd/base.yaml",
            &workload("DaemonSet", "problem-detector", "npd", detector),
        ),
        (
            "fixed/cache.yaml",
            &workload(
                "StatefulSet",
                "copied",
                "copied",
                "registry.k8s.io/pause:3.1",
            ),
        ),
        (
            "charts/kube-state-metrics/Chart.yaml",
            "apiVersion: v2\nname: kube-state-metrics\nversion: 4.7.0\n",
        ),
        (
            "charts/kube-state-metrics/values.yaml",
            "image:\n  repository: k8s.gcr.io/kube-state-metrics/kube-state-metrics\n  tag: v2.3.0\n",
        ),
        (
            "elsewhere/values.yaml",
            "image: k8s.gcr.io/kube-apiserver:v1.24.0\n",
        ),
        (
            "old/unused.yaml",
            &workload("Deployment", "unused", "a", "k8s.gcr.io/unused:1.0"),
        ),
        (
            "behind/clean.yaml",
            &workload("Deployment", "clean", "clean", "k8s.gcr.io/pause:3.9"),
        ),
    ])
}

#[test]
fn rows_are_matched_with_files_and_say_how_sure() {
    let folder = repository();
    let arguments = [
        &["cluster", "--from", "-", "--repo", ".", "--format", "json"],
        &DAY[..],
    ]
    .concat();
    let output = pipe(folder.path(), &arguments, dump().as_bytes());
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let git = |name: &str, container: &str| {
        let git = &find(rows, name, container)["git"];
        let site = &git["sites"][0];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let place = format!("{}:{}", text(&site["path"]), site["line"]);
        [text(&git["state"]), text(&git["sureness"]), place]
    };
    // `exact`: the same image in the same kind, name and container.
    let dns = report["rows"].as_array().unwrap().iter();
    let mut dns = dns.filter(|row| row["image"] == "k8s.gcr.io/external-dns/external-dns:v0.12.2");
    let dns = &dns.next().unwrap()["git"];
    assert_eq!([&dns["state"], &dns["sureness"]], ["both", "exact"]);
    assert_eq!(
        [&dns["sites"][0]["line"], &dns["sites"][0]["column"]],
        [10, 18]
    );
    // `likely`: under a name prefix with another tag, and in the values of the chart. `possible`: in some other file.
    assert_eq!(
        git("node-problem-detector", "npd"),
        ["both", "likely", "npd/base.yaml:10"]
    );
    assert_eq!(
        git("kube-state-metrics", "kube-state-metrics"),
        ["both", "likely", "charts/kube-state-metrics/values.yaml:2"]
    );
    assert_eq!(
        git("kube-apiserver", "kube-apiserver"),
        ["both", "possible", "elsewhere/values.yaml:1"]
    );
    // Fixed in git but not rolled out; in no file.
    assert_eq!(
        git("copied", "copied"),
        ["fixed-in-git", "exact", "fixed/cache.yaml:10"]
    );
    assert_eq!(git("cache", "cache")[0], "cluster-only");
    // A file about another workload is not the source of a pod with the same image.
    assert_eq!(git("bare", "bare")[0], "cluster-only");
    // Only in git: fixed in the cluster, so that applying the file would undo that; and not in the cluster at all.
    let only = report["git_only"].as_array().unwrap();
    let only: Vec<_> = only
        .iter()
        .map(|one| [&one["path"], &one["fixed_in_cluster"]])
        .collect();
    let none = &Value::Null;
    let clean = &Value::from("default/Deployment/clean");
    assert_eq!(
        only,
        [
            [&Value::from("behind/clean.yaml"), clean],
            [&Value::from("old/unused.yaml"), none]
        ]
    );
}

/// A row is traced to the file that names its image: an entry of a kustomization, values of a chart under its name or in
/// the folder of its release, or an object of Flux. A file about another workload is not a source.
#[test]
fn the_file_that_makes_a_row_is_found_by_how_it_is_built() {
    let workload = |kind: &str, name: &str, container: &str, image: &str| {
        let pod = json!({"spec": {"containers": [{"name": container, "image": image}]}});
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "x", "labels": {}, "annotations": {}},
            "spec": {"template": pod}})
    };
    let mut of_chart = workload("Deployment", "shop-ksm", "ksm", "k8s.gcr.io/ksm:1");
    of_chart["metadata"]["labels"]["helm.sh/chart"] = json!("kube-state-metrics-1.0.0");
    let mut of_release = workload("Deployment", "api", "api", "k8s.gcr.io/api:2");
    of_release["metadata"]["annotations"]["meta.helm.sh/release-name"] = json!("backend");
    let mut of_flux = workload("Deployment", "flux", "flux", "k8s.gcr.io/flux:3");
    of_flux["metadata"]["labels"]["helm.toolkit.fluxcd.io/name"] = json!("streams");
    let unread = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "worker-5d9-x", "namespace": "x",
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "worker-5d9", "uid": "1", "controller": true}]},
        "spec": {"containers": [{"name": "worker", "image": "k8s.gcr.io/worker:4"}]}});
    let dump = json!({"kind": "List", "items": [
        workload("DaemonSet", "prod-agent", "helper", "k8s.gcr.io/pause:3.2"),
        workload("Deployment", "orphan", "pause", "k8s.gcr.io/pause:3.9"),
        of_chart, of_release, of_flux, unread,
        workload("Deployment", "templated-web", "web", "k8s.gcr.io/web:5"),
    ]})
    .to_string();
    let file = |kind: &str, name: &str, container: &str, image: &str| {
        serde_yaml::to_string(&workload(kind, name, container, image)).unwrap()
    };
    let overlay = |tag: &str| {
        format!(
            "resources: [../base]\nnamePrefix: prod-\nimages:\n  - name: helper\n    newName: k8s.gcr.io/pause\n    newTag: \"{tag}\"\n"
        )
    };
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: \"streams\"\nspec:\n  values:\n    image: k8s.gcr.io/flux:3\n";
    let template = file("Deployment", "NAME", "web", "k8s.gcr.io/web:5")
        .replace("NAME", "'{{ .Release.Name }}-web'");
    let values = "image:\n  repository: k8s.gcr.io/api\n  tag: \"2\"\n";
    let folder = folder(&[
        ("base/kustomization.yaml", "resources: [agent.yaml]\n"),
        (
            "base/agent.yaml",
            &file("DaemonSet", "agent", "helper", "helper"),
        ),
        ("prod/kustomization.yaml", &overlay("3.2")),
        ("test/kustomization.yaml", &overlay("3.3")),
        (
            "umbrella/Chart.yaml",
            "apiVersion: v2\nname: umbrella\nversion: 1.0.0\n",
        ),
        (
            "umbrella/values.yaml",
            "kube-state-metrics:\n  image: k8s.gcr.io/ksm:1\n",
        ),
        ("environments/backend/values.yaml", values),
        ("environments/frontend/values.yaml", values),
        ("streams.yaml", release),
        (
            "worker.yaml",
            &file("Deployment", "worker", "worker", "k8s.gcr.io/worker:4"),
        ),
        (
            "chart/Chart.yaml",
            "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
        ),
        ("chart/templates/web.yaml", &template),
        // About another object, which the cluster does not have.
        (
            "gone.yaml",
            &file("StatefulSet", "orphan", "pause", "k8s.gcr.io/pause:3.9"),
        ),
        (
            "renamed.yaml",
            &file("Deployment", "else", "pause", "k8s.gcr.io/pause:3.9"),
        ),
    ]);
    let arguments = [
        &["cluster", "--from", "-", "--repo", ".", "--format", "json"],
        &DAY[..],
    ]
    .concat();
    let output = pipe(folder.path(), &arguments, dump.as_bytes());
    assert_eq!(stderr(&output), "");
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let paths = |sites: &Value| -> Vec<String> {
        let sites = sites.as_array().unwrap().iter();
        sites
            .map(|site| site["path"].as_str().unwrap().to_owned())
            .collect()
    };
    for (name, state, sureness, path) in [
        ("prod-agent", "both", "likely", "prod/kustomization.yaml"),
        ("shop-ksm", "both", "likely", "umbrella/values.yaml"),
        ("api", "both", "likely", "environments/backend/values.yaml"),
        ("flux", "both", "likely", "streams.yaml"),
        ("worker-5d9", "both", "likely", "worker.yaml"),
        (
            "templated-web",
            "both",
            "likely",
            "chart/templates/web.yaml",
        ),
    ] {
        let rows = report["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        let git = &row["git"];
        assert_eq!(
            [&git["state"], &git["sureness"]],
            [state, sureness],
            "{name}: {git}"
        );
        assert_eq!(paths(&git["sites"]), [path], "{name}");
    }
    // Other files name the image with other tags, or for other workloads.
    let orphan = find(report["rows"].as_array().unwrap(), "orphan", "pause");
    assert_eq!(
        paths(&orphan["git"]["sites"]),
        ["test/kustomization.yaml"],
        "{orphan}"
    );
    assert_eq!(orphan["git"]["sureness"], "possible");
    assert_eq!(
        paths(&report["git_only"]),
        [
            "environments/frontend/values.yaml",
            "gone.yaml",
            "renamed.yaml"
        ]
    );
}

#[test]
fn the_manual_names_every_field_of_the_json_report() {
    let manual = fs::read_to_string(stored().join("../../../docs/cluster.md")).unwrap();
    fn keys(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    found.push(key.clone());
                    keys(value, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
            _ => {}
        }
    }
    let folder = repository();
    let arguments = ["cluster", "--from", "-", "--repo", ".", "--format", "json"];
    let text = stdout(&pipe(folder.path(), &arguments, dump().as_bytes()));
    let mut found = Vec::new();
    keys(&serde_json::from_str(&text).unwrap(), &mut found);
    assert!(found.len() > 50);
    for key in found {
        assert!(
            manual.contains(&format!("`{key}`")),
            "docs/cluster.md does not name {key}"
        );
    }
}

/// Runs the printed commands in a shell: each patch tests the value that it replaces.
#[cfg(unix)]
#[test]
fn patches_change_only_what_nothing_puts_back() {
    use std::os::unix::fs::PermissionsExt;
    let mut forged: Value = serde_json::from_str(&dump()).unwrap();
    forged["items"].as_array_mut().unwrap().push(serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a; touch here #\ntouch here", "namespace": "x"},
        "spec": {"containers": [{"name": "c\ntouch here", "image": "k8s.gcr.io/pause:3.9"}]},
    }));
    let ways = [(&["--patch"][..], 3), (&["--patch", "--unsafe-fixes"], 3)];
    for (arguments, count) in ways {
        let (script, _) = of_dump(&forged.to_string(), arguments);
        let kubectl = "#!/bin/sh\nprintf '%s\\n' \"$@\" >> \"$0.asked\"\n";
        let folder = folder(&[("kubectl", kubectl), ("script", &script)]);
        let program = folder.path().join("kubectl");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let status = std::process::Command::new("/bin/sh")
            .arg("script")
            .current_dir(folder.path())
            .env("PATH", folder.path())
            .status()
            .unwrap();
        assert!(status.success());
        assert!(!folder.path().join("here").exists());
        let asked = fs::read_to_string(folder.path().join("kubectl.asked")).unwrap();
        let words: Vec<&str> = asked.lines().collect();
        assert_eq!(words.len(), count * 5, "{asked}");
        for words in words.chunks(5) {
            assert_eq!([words[0], words[3]], ["patch", "--type=json"]);
            let patch = words[4].strip_prefix("--patch=").unwrap();
            let patch: Vec<Value> = serde_json::from_str(patch).unwrap();
            for pair in patch.chunks(2) {
                assert_eq!([&pair[0]["op"], &pair[1]["op"]], ["test", "replace"]);
                assert_eq!(pair[0]["path"], pair[1]["path"]);
                assert!(pair[0]["value"].as_str().unwrap().contains("gcr.io/"));
            }
        }
        let objects: Vec<&str> = words.iter().skip(1).step_by(5).copied().collect();
        assert_eq!(
            objects,
            [
                "Pod/bare",
                "StatefulSet.apps/copied",
                "CronJob.batch/report"
            ]
        );
    }
}

#[test]
fn a_dump_that_is_not_whole_fails() {
    let folder = folder(&[
        ("empty.json", ""),
        (
            "page.json",
            r#"{"kind": "PodList", "metadata": {"continue": "x"}, "items": []}"#,
        ),
        ("cut.json", r#"{"kind": "List", "items": [{"kind": "Pod""#),
        ("text.txt", "No resources found in default namespace.\n"),
        ("nameless.json", r#"[{"metadata": {"name": "a"}}]"#),
        ("none.json", r#"{"kind": "List", "items": []}"#),
    ]);
    for (file, why) in [
        ("empty.json", "holds no object"),
        ("page.json", "first page"),
        ("cut.json", "ends too early"),
        ("text.txt", "does not hold objects"),
        ("nameless.json", "do not say what kind"),
        ("missing.json", "No such file"),
    ] {
        let output = run(folder.path(), &["cluster", "--from", file]);
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert!(stderr(&output).contains(why), "{file}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{file}");
    }
    let output = run(folder.path(), &["cluster", "--from", "none.json"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        stdout(&output),
        "No legacy images in 0 objects of 0 kinds.\n"
    );
}

#[test]
fn the_rules_are_those_that_are_selected() {
    let (text, code) = of_dump(&dump(), &["--select", "bitnami-*", "--format", "concise"]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("dns/StatefulSet/cache:cache: error bitnami-versioned [~] "));
    assert_eq!(text.lines().count(), 3);
    let (text, code) = of_dump(&dump(), &["--select", "weaveworks-*"]);
    assert_eq!(code, Some(0), "{text}");
    let (text, code) = of_dump(&dump(), &["--quiet"]);
    assert_eq!((text.as_str(), code), ("", Some(1)));
}

#[test]
fn reports_also_go_to_files() {
    let folder = folder(&[("dump.json", &dump())]);
    let run = |more: &[&str]| {
        let arguments = ["cluster", "--from", "dump.json", "--format", "concise"];
        run(folder.path(), &[&arguments[..], &DAY, more].concat())
    };
    let files = ["--output", "json=a.json", "--output", "html=b.html"];
    let output = run(&[&files[..], &["--exit-zero"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), stdout(&run(&[])));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let (json, _) = of_dump(&dump(), &["--format", "json"]);
    assert_eq!(read("a.json"), json);
    let html = read("b.html");
    assert!(html.starts_with("<!DOCTYPE html>"));
    // The advice is for a cluster, not for files.
    assert!(html.contains("<code>regfix cluster --patch</code>"));
    assert!(html.contains("By namespace and kind") && html.contains(" objects."));
    assert!(!html.contains("regfix --write") && !html.contains(" files."));
    // Nothing is printed until the report file is known to be writable.
    let output = run(&["--output", "json=none/a.json"]);
    assert_eq!(
        (output.status.code(), stdout(&output).as_str()),
        (Some(2), "")
    );
    let output = run(&["--output", "json={repository}.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is for files of repositories"));
}
