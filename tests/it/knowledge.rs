//! The output of `regfix explain`, `regfix rules` and `regfix --version`.

use std::path::Path;

use serde_json::Value;

use crate::common::{run, stderr, stdout};
use regfix::rules::{RuleSet, RuleSpec};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

/// Returns the output for the day of the catalogue, without a configuration.
#[track_caller]
fn said(arguments: &[&str]) -> String {
    let always = ["--no-config", "--as-of", "2026-11-28", "--color", "never"];
    let output = run(folder(), &[arguments, &always].concat());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        stderr(&output)
    );
    assert_eq!(stderr(&output), "", "{arguments:?}");
    stdout(&output)
}

#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let output = run(folder(), &[arguments, &["--no-config"]].concat());
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert_eq!(stdout(&output), "", "{arguments:?}");
    stderr(&output)
}

/// Asserts that all parts occur, in this order.
#[track_caller]
fn holds(text: &str, parts: &[&str]) {
    // Lines wrap at the width of the terminal.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = text.as_str();
    for part in parts {
        let Some(at) = rest.find(part) else {
            panic!("no {part:?} in {text}");
        };
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn an_image_is_explained() {
    holds(
        &said(&["explain", "k8s.gcr.io/pause:3.1"]),
        &[
            "k8s.gcr.io/pause:3.1",
            "→ registry.k8s.io/pause:3.1",
            "safe: applied by `--write`",
            "Rule k8s-gcr-io (warning): k8s.gcr.io is frozen",
            "`regfix explain k8s-gcr-io`",
        ],
    );
    holds(
        &said(&["explain", "bitnami/kubectl:1.29.0"]),
        &[
            "→ bitnamilegacy/kubectl:1.29.0",
            "needs review: applied only with `--write --unsafe-fixes`",
            "bitnami-versioned (error)",
            "What other projects use",
            "docker.io/rancher/kubectl (seen in 8 projects, vendor, with changes): no shell",
            "registry.k8s.io/kubectl (seen in 8 projects, upstream, with changes): no shell",
            "docker.io/bitnamilegacy/kubectl (seen in 14 projects, no updates, drop-in)",
        ],
    );
    holds(
        &said(&["explain", "bitnami/mariadb:11.4.2"]),
        &[
            "What other projects use",
            "No common alternative is known.",
            "no updates",
        ],
    );
    holds(
        &said(&["explain", "gcr.io/google-containers/made-up:1"]),
        &["needs review", "is not in the offline index"],
    );
    holds(
        &said(&["explain", "quay.io/k8scsi/livenessprobe:v2.0.0"]),
        &[
            "no automatic fix; registry.k8s.io/sig-storage/livenessprobe:v2.0.0 is not in the offline index",
        ],
    );
    // A host, a chart repository, and a chart in a registry.
    holds(
        &said(&["explain", "k8s.gcr.io"]),
        &["→ registry.k8s.io", "k8s-gcr-io"],
    );
    holds(
        &said(&[
            "explain",
            "https://kubernetes-charts.storage.googleapis.com",
        ]),
        &["→ https://charts.helm.sh/stable", "helm-stable"],
    );
    holds(
        &said(&["explain", "oci://gcr.io/istio-release/charts/base"]),
        &[
            "→ oci://ghcr.io/istio/release/charts/base",
            "istio-oci-charts",
        ],
    );
    holds(
        &said(&["explain", "registry.k8s.io/pause:3.9"]),
        &["registry.k8s.io/pause:3.9 No rule applies to this reference."],
    );
    let digest = format!("k8s.gcr.io/pause@sha256:{}", "a".repeat(64));
    holds(
        &said(&["explain", &digest]),
        &["→ registry.k8s.io/pause", "k8s-gcr-io"],
    );
}

#[test]
fn a_chart_is_explained() {
    holds(
        &said(&["explain", "kube-state-metrics@4.7.0"]),
        &[
            "kube-state-metrics 4.7.0",
            "k8s-gcr-io",
            "Pulls k8s.gcr.io/kube-state-metrics/kube-state-metrics:v2.4.1 by default.",
            "4.8.0 (minor step from 4.7.0, 2022-06-07) is the first clean version.",
            "https://prometheus-community.github.io/helm-charts and oci://ghcr.io/prometheus-community/charts",
            "https://github.com/prometheus-community/helm-charts/tree/",
            "Other versions",
        ],
    );
    let clean = "No legacy image is known in the defaults";
    holds(
        &said(&["explain", "kube-state-metrics@4.8.0"]),
        &[clean, "Other versions"],
    );
    holds(
        &said(&[
            "explain",
            "https://prometheus-community.github.io/helm-charts/kube-state-metrics@^4.0.0",
        ]),
        &[clean],
    );
    holds(
        &said(&[
            "explain",
            "oci://registry-1.docker.io/bitnamicharts/redis@20.0.0",
        ]),
        &[
            "bitnami-versioned",
            "Pulls docker.io/bitnami by default.",
            "No version is clean.",
        ],
    );
    holds(
        &said(&["explain", "kubernetes-dashboard@6.0.6"]),
        &[
            "Its subchart metrics-server@3.8.3 pulls k8s.gcr.io/metrics-server/metrics-server by default.",
            "metrics-server.enabled enables it. It is disabled by default.",
        ],
    );
    holds(
        &said(&["explain", "opencost@1.20.0"]),
        &["Some nearby versions pull"],
    );
    holds(
        &said(&["explain", "nginx-ingress@1.32.0"]),
        &[
            "No version up to 1.32.0 is clean.",
            "The chart continues as ingress-nginx.",
        ],
    );
    holds(
        &refused(&["explain", "redis@20.0.0"]),
        &[
            "there is no data about a chart `redis`",
            "try it with its repository",
        ],
    );
    holds(
        &refused(&[
            "explain",
            "https://charts.example.com/kube-state-metrics@4.7.0",
        ]),
        &["there is no data about a chart `kube-state-metrics` in https://charts.example.com"],
    );
}

#[test]
fn rules_are_explained_one_by_one_or_by_a_glob() {
    let several = said(&["explain", "bitnami-*"]);
    for id in [
        "bitnami-versioned",
        "bitnami-latest",
        "bitnami-ecr-public",
        "bitnami-gcr",
        "bitnami-charts",
    ] {
        assert!(
            several
                .lines()
                .any(|line| line.starts_with(&format!("{id} ("))),
            "{id}"
        );
    }
    assert!(!several.contains("\nbitnamilegacy ("));
    holds(
        &said(&["explain", "bitnami-versioned"]),
        &[
            "docker.io/bitnami and everything below → docker.io/bitnamilegacy",
            "Except docker.io/bitnami/sealed-secrets-controller, docker.io/bitnami/minideb.",
            "Tags: not with latest, no tag.",
            "Not at the new location: tags with debian-8,",
            "Since 2025-09-29: removed, snapshot kept elsewhere",
            "- 2025-08-28: the change of the catalogue begins",
            "Needs review: applied only with `--write --unsafe-fixes`.",
            "Confirmed by the owner.",
            "https://github.com/bitnami/containers/issues/83267",
        ],
    );
    holds(
        &said(&["explain", "istio-gcr"]),
        &["2026-12: images are deleted (severity error from then on)"],
    );
    holds(
        &said(&["explain", "minio-docker-hub"]),
        &["Known from third parties only."],
    );
    holds(
        &said(&["explain", "unused-ignore"]),
        &["unused-ignore (warning)"],
    );
    holds(
        &refused(&["explain", "k8s-gcr-oi"]),
        &["there is no rule `k8s-gcr-oi`; did you mean `k8s-gcr-io`?"],
    );
    holds(
        &refused(&["explain", "nonsense"]),
        &["there is no rule `nonsense`; `regfix rules` lists"],
    );
    let hostile = refused(&["explain", "k8s.gcr.io/a\u{1b}[2J"]);
    assert!(!hostile.contains('\u{1b}'), "{hostile}");
    assert!(refused(&["explain", ""]).contains("there is no rule ``"));
}

/// The JSON has everything that regfix knows, for those who build a policy from it.
#[test]
fn the_rules_as_json_are_the_rules() {
    let text = said(&["rules", "--format", "json"]);
    let specs: Vec<RuleSpec> = serde_json::from_str(&text).unwrap();
    let own = RuleSet::with_own(&[]).unwrap();
    assert_eq!(specs.len(), own.len());
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    let row = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap();
    for row in &rows {
        for key in [
            "artifact", "from", "exact", "safety", "severity", "state", "summary", "why",
            "example", "evidence", "sources", "tag",
        ] {
            assert!(!row[key].is_null(), "{}: no {key}", row["id"]);
        }
    }
    assert_eq!(
        row("bitnami-versioned")["tags"],
        serde_json::json!({"not": ["latest", "none"]})
    );
    assert_eq!(
        row("bitnami-versioned")["except"][1],
        "docker.io/bitnami/minideb"
    );
    assert_eq!(row("bitnami-versioned")["unavailable-tags"][0], "debian-8");
    assert_eq!(
        row("kubebuilder-kube-rbac-proxy")["requires-tag-in"][0],
        "v0.4.0"
    );
    assert_eq!(
        row("kubebuilder-kube-rbac-proxy")["fallback"],
        "quay.io/brancz/kube-rbac-proxy"
    );
    assert_eq!(
        row("k8s-staging")["wildcard"]["npd"],
        "node-problem-detector"
    );
    assert_eq!(
        row("kubeflow-pipelines-gcr")["rename"]["api-server"],
        "kfp-api-server"
    );
    assert_eq!(row("keycloak-jboss")["tags-below"], "17");
    assert_eq!(row("cadvisor-gcr")["tag"], "strip-v");
    assert_eq!(
        row("tekton-gcr")["also"][0]["to"],
        "ghcr.io/tektoncd/plumbing"
    );
    assert_eq!(row("vault-official")["exact"], true);
    assert_eq!(row("grafana-helm-repo")["charts"][0], "grafana");
    // Severities depend on the day.
    assert_eq!(row("istio-gcr")["severity"], "warning");
    let later = run(
        folder(),
        &[
            "rules",
            "--format",
            "json",
            "--no-config",
            "--as-of",
            "2026-12-01",
        ],
    );
    let later: Vec<Value> = serde_json::from_str(&stdout(&later)).unwrap();
    let istio = later.iter().find(|row| row["id"] == "istio-gcr").unwrap();
    assert_eq!(istio["severity"], "error");
}

#[test]
fn what_changed_since_a_day() {
    let lines = |arguments: &[&str]| -> Vec<String> {
        let output = run(
            folder(),
            &[&["rules", "--no-config", "--color", "never"], arguments].concat(),
        );
        stdout(&output).lines().map(str::to_owned).collect()
    };
    let since_the_first = lines(&["--changed-since", "2026-11-21", "--as-of", "2026-11-28"]);
    let text = since_the_first.join("\n");
    assert!(text.contains("\nfairwinds-quay "), "{text}");
    assert!(text.contains("    2026-11-28 added"), "{text}");
    assert!(!text.contains("\nk8s-gcr-io "), "{text}");
    assert!(text.contains(" rules changed since 2026-11-21"), "{text}");
    assert_eq!(
        lines(&["--changed-since", "2026-11-28", "--as-of", "2026-11-28"]),
        ["0 rules changed since 2026-11-28. `regfix explain RULE` shows more."]
    );
    // Istio's images are deleted in December.
    let december = lines(&["--changed-since", "2026-11-28", "--as-of", "2026-12-01"]).join("\n");
    assert!(december.contains("istio-gcr "), "{december}");
    assert!(
        december.contains("    2026-12 error: images are deleted"),
        "{december}"
    );
    let json = said(&["rules", "--format", "json", "--changed-since", "2026-11-21"]);
    let rows: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert!(rows.len() > 30 && rows.iter().all(|row| row["id"] != "k8s-gcr-io"));
}

#[test]
fn the_version_names_the_catalogue() {
    let plain = run(folder(), &["--version"]);
    let version = format!("regfix {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(stdout(&plain), version);
    assert_eq!(stdout(&run(folder(), &["-V"])), version);
    let verbose = stdout(&run(folder(), &["--version", "--verbose"]));
    let catalogue = regfix::rules::catalogue();
    let (as_of, count) = (&catalogue.as_of, catalogue.rules.len());
    assert!(verbose.starts_with(&version), "{verbose}");
    assert!(
        verbose.contains(&format!(
            "\ncatalogue of {as_of} (built in): {count} rules\n"
        )),
        "{verbose}"
    );
}
