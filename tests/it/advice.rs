//! Charts whose requested version has legacy defaults: `legacy-chart-version`.
//!
//! `fixtures/charts-named` has all the ways to request one.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{files, fill, folder, formats_but, packed, run, stderr, stdout};

const RULE: &str = "legacy-chart-version";
const METRICS: &str = "https://prometheus-community.github.io/helm-charts";

fn chart(dependencies: &[(&str, &str, &str)]) -> String {
    let mut text = "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies:\n".to_owned();
    for (name, version, repository) in dependencies {
        text += &format!(
            "  - name: {name}\n    version: \"{version}\"\n    repository: {repository}\n"
        );
    }
    text
}

/// Returns the severity and message of each finding about a chart.
#[track_caller]
fn found(folder: &Path, arguments: &[&str]) -> Vec<(String, String)> {
    let always = ["--format", "json", "--as-of", "2026-11-28"];
    let output = run(folder, &[arguments, &always].concat());
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        stderr(&output)
    );
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let files = report["files"].as_array().unwrap().iter();
    let findings = files.flat_map(|file| file["findings"].as_array().unwrap());
    findings
        .filter(|finding| finding["rule"] == RULE)
        .map(|finding| {
            assert!(finding["edits"].as_array().unwrap().is_empty());
            let text = |key: &str| finding[key].as_str().unwrap().to_owned();
            (text("severity"), text("message"))
        })
        .collect()
}

/// The last legacy version and the first clean one, verified by hand.
#[test]
fn the_boundaries_are_those_of_the_charts() {
    let boundaries = [
        (
            METRICS,
            "kube-state-metrics",
            "4.7.0",
            "4.8.0 (minor step, 2022-06-07)",
        ),
        (
            METRICS,
            "kube-prometheus-stack",
            "44.2.0",
            "44.2.1 (patch step, 2023-01-16)",
        ),
        (
            "https://kubernetes-sigs.github.io/metrics-server",
            "metrics-server",
            "3.8.3",
            "3.8.4 (patch step, 2023-03-05)",
        ),
        (
            "https://kubernetes-sigs.github.io/external-dns",
            "external-dns",
            "1.12.0",
            "1.12.1 (patch step, 2023-02-06)",
        ),
        (
            "https://kubernetes.github.io/ingress-nginx",
            "ingress-nginx",
            "4.1.3",
            "4.1.4 (patch step, 2022-06-10)",
        ),
        (
            "https://kubernetes.github.io/autoscaler",
            "cluster-autoscaler",
            "9.23.2",
            "9.24.0 (minor step, 2023-02-14)",
        ),
        (
            "https://kyverno.github.io/kyverno",
            "kyverno",
            "3.5.0",
            "3.5.1 (patch step, 2025-08-15)",
        ),
        (
            "https://argoproj.github.io/argo-helm",
            "argo-cd",
            "7.8.18",
            "7.8.19 (patch step, 2025-04-01)",
        ),
        (
            "https://metallb.github.io/metallb",
            "metallb",
            "0.15.3",
            "0.16.0 (minor step, 2026-05-20)",
        ),
        (
            "https://vmware-tanzu.github.io/helm-charts",
            "velero",
            "11.4.0",
            "12.0.0 (major step, 2026-03-16)",
        ),
        (
            "https://kubernetes-sigs.github.io/descheduler",
            "descheduler",
            "0.25.2",
            "0.26.0 (minor step, 2023-01-13)",
        ),
        (
            "https://coredns.github.io/helm",
            "coredns",
            "1.19.8",
            "1.19.9 (patch step, 2023-03-23)",
        ),
        (
            "https://helm.releases.hashicorp.com",
            "vault",
            "0.17.1",
            "0.18.0 (minor step, 2021-11-17)",
        ),
        (
            "https://kubernetes-sigs.github.io/node-feature-discovery/charts",
            "node-feature-discovery",
            "0.11.3",
            "0.12.0 (minor step, 2022-12-21)",
        ),
    ];
    let last = boundaries.map(|(repository, name, last, _)| (name, last, repository));
    let first = boundaries.map(|(repository, name, _, first)| {
        let version = first.split(' ').next().unwrap();
        (name, version, repository)
    });
    let legacy = folder(&[("Chart.yaml", &chart(&last))]);
    let reported = found(legacy.path(), &[]);
    assert_eq!(reported.len(), boundaries.len(), "{reported:#?}");
    for ((_, name, last, first), (_, message)) in boundaries.iter().zip(&reported) {
        let (start, end) = (
            format!("{name} {last} pulls from "),
            format!(" by default; {first} is the first clean version"),
        );
        assert!(
            message.starts_with(&start) && message.ends_with(&end),
            "{message}"
        );
    }
    let clean = folder(&[("Chart.yaml", &chart(&first))]);
    assert_eq!(found(clean.path(), &[]), []);
}

#[test]
fn the_first_clean_version_is_clean_by_every_rule() {
    let repository = "https://vmware-tanzu.github.io/helm-charts";
    // 10.1.2 replaced one legacy location with another.
    let text = chart(&[("velero", "10.1.1", repository)]);
    let reported = found(folder(&[("Chart.yaml", &text)]).path(), &[]);
    assert!(
        reported[0]
            .1
            .contains("; 12.0.0 (major step, 2026-03-16) is"),
        "{reported:?}"
    );
    let bitnami = chart(&[("redis", "20.0.0", "https://charts.bitnami.com/bitnami")]);
    let reported = found(folder(&[("Chart.yaml", &bitnami)]).path(), &[]);
    assert!(
        reported[0].1.ends_with("; no version is clean"),
        "{reported:?}"
    );
}

#[test]
fn what_is_unknown_or_off_by_default_is_not_reported() {
    for (name, version, repository) in [
        ("kube-state-metrics", "4.7.0", "https://charts.example.com"),
        ("kube-state-metrics", "4.7.0", "\"@prometheus\""),
        ("kube-state-metrics", "*", METRICS),
        ("kube-state-metrics", ">=4.7.0", METRICS),
        ("kube-state-metrics", "latest", METRICS),
        // The subchart with the legacy image is disabled by default.
        ("datadog", "2.30.0", "https://helm.datadoghq.com"),
        // Some versions before and after this one are clean.
        (
            "opencost",
            "1.24.0",
            "https://opencost.github.io/opencost-helm-chart",
        ),
        (
            "common",
            "2.0.0",
            "oci://registry-1.docker.io/bitnamicharts",
        ),
    ] {
        let text = chart(&[(name, version, repository)]);
        let tree = folder(&[("Chart.yaml", &text)]);
        assert_eq!(found(tree.path(), &[]), [], "{text}");
    }
    let text = chart(&[("datadog", "2.30.0", "https://helm.datadoghq.com")]);
    let values = "datadog: {datadog: {kubeStateMetricsEnabled: true}}\n";
    let tree = folder(&[("Chart.yaml", &text), ("values.yaml", values)]);
    assert_eq!(found(tree.path(), &[]).len(), 1);
}

#[test]
fn the_user_decides_what_is_reported() {
    let text = chart(&[
        ("kube-state-metrics", "4.7.0", METRICS),
        (
            "redis",
            "20.0.0",
            "oci://registry-1.docker.io/bitnamicharts",
        ),
    ]);
    let tree = folder(&[("Chart.yaml", &text)]);
    let severities = |arguments: &[&str]| -> Vec<String> {
        let found = found(tree.path(), arguments).into_iter();
        found.map(|(severity, _)| severity).collect()
    };
    assert_eq!(severities(&[]), ["warning", "error"]);
    assert_eq!(severities(&["--select", RULE]), ["warning", "error"]);
    assert_eq!(severities(&["--ignore", "bitnami-*"]), ["warning"]);
    assert_eq!(severities(&["--select", "k8s-gcr-io"]), [""; 0]);
    assert_eq!(severities(&["--ignore", RULE]), [""; 0]);
    fs::write(
        tree.path().join(".regfix.yaml"),
        "severity: {legacy-chart-version: info}\n",
    )
    .unwrap();
    assert_eq!(severities(&[]), ["info", "info"]);
}

#[test]
fn a_finding_of_the_packaged_chart_has_the_clean_version_and_is_the_only_one() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/charts-created/in");
    let tree = tempfile::tempdir().unwrap();
    fill(tree.path(), &packed(files(&fixture)));
    assert_eq!(found(tree.path(), &[]), []);
    let output = stdout(&run(tree.path(), &["--format", "json"]));
    let note = "\"notes\":[\"4.8.0 (minor step, 2022-06-07) is the first clean version\"]";
    assert!(output.contains(note), "{output}");
    // A chart whose image is overridden is still reported, one severity lower.
    assert_eq!(run(tree.path(), &["--write"]).status.code(), Some(0));
    let reported = found(tree.path(), &[]);
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0].0, "info");
    let before = files(tree.path());
    assert_eq!(
        run(tree.path(), &["--write", "--unsafe-fixes"])
            .status
            .code(),
        Some(0)
    );
    assert_eq!(files(tree.path()), before);
}

#[test]
fn every_format_has_the_version() {
    let text = chart(&[("kube-state-metrics", "4.7.0", METRICS)]);
    let tree = folder(&[("Chart.yaml", &text)]);
    // Markdown prints counts by rule, and `full` wraps its lines.
    for format in formats_but(&["full", "markdown"]) {
        let output = stdout(&run(tree.path(), &["--format", format]));
        let flat: String = output.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            flat.contains(RULE) && flat.contains("4.8.0 (minor step, 2022-06-07)"),
            "{format} does not show the version of a chart: {output}"
        );
    }
    let full = stdout(&run(tree.path(), &["--format", "full"]));
    assert!(
        full.contains(RULE) && full.contains("; 4.8.0 (minor"),
        "{full}"
    );
    let markdown = stdout(&run(tree.path(), &["--format", "markdown"]));
    assert!(
        markdown.contains("`kube-state-metrics 4.7.0`"),
        "{markdown}"
    );
}

#[test]
fn a_newer_legacy_version_is_no_new_finding() {
    let text = |version: &str| chart(&[("kube-state-metrics", version, METRICS)]);
    let tree = folder(&[("Chart.yaml", &text("4.6.0"))]);
    assert_eq!(
        run(tree.path(), &["--write-baseline"]).status.code(),
        Some(0)
    );
    fs::write(tree.path().join("Chart.yaml"), text("4.7.0")).unwrap();
    assert_eq!(run(tree.path(), &[]).status.code(), Some(0));
    let others = chart(&[(
        "metrics-server",
        "3.8.3",
        "https://kubernetes-sigs.github.io/metrics-server",
    )]);
    fs::write(tree.path().join("Chart.yaml"), others).unwrap();
    assert_eq!(run(tree.path(), &[]).status.code(), Some(1));
}

#[test]
fn charts_of_other_people_are_theirs() {
    let app = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    \
        repoURL: https://kubernetes-sigs.github.io/metrics-server\n    chart: metrics-server\n    \
        targetRevision: 3.8.3\n";
    let text = chart(&[("other", "1.0.0", "https://charts.example.com")]);
    let of_inner = chart(&[("kube-state-metrics", "4.7.0", METRICS)]);
    let of_inner = of_inner.replace("name: a\n", "name: other\n");
    let tree = folder(&[
        ("Chart.yaml", &text),
        ("charts/other/Chart.yaml", &of_inner),
        ("charts/other/templates/app.yaml", app),
        ("apps/app.yaml", app),
    ]);
    let reported = found(tree.path(), &[]);
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(reported[0].1.starts_with("metrics-server 3.8.3"));
}

#[test]
fn a_bitnami_chart_is_said_to_expect_bitnami_images() {
    let text = chart(&[(
        "redis",
        "20.0.0",
        "oci://registry-1.docker.io/bitnamicharts",
    )]);
    let values = "redis: {image: {repository: bitnami/redis, tag: 7.4.1}}\n\
        other: {image: {repository: bitnami/postgresql, tag: 16.1.0}}\n";
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    \
        repoURL: https://charts.bitnami.com/bitnami\n    chart: postgresql\n    targetRevision: 15.0.0\n    \
        helm: {valuesObject: {image: {repository: bitnami/postgresql, tag: 16.1.0}}}\n---\n\
        kind: Pod\nspec: {containers: [{name: a, image: 'bitnami/redis:7.4.1'}]}\n";
    let tree = folder(&[
        ("Chart.yaml", &text),
        ("values.yaml", values),
        ("app/application.yaml", application),
    ]);
    let report: Value =
        serde_json::from_str(&stdout(&run(tree.path(), &["--format", "json"]))).unwrap();
    let mut noted = Vec::new();
    for file in report["files"].as_array().unwrap() {
        for finding in file["findings"].as_array().unwrap() {
            if finding["alternatives"].as_array().unwrap().is_empty() {
                continue;
            }
            let mut notes = finding["notes"].as_array().unwrap().iter();
            let expects = notes.any(|note| {
                note.as_str()
                    .unwrap()
                    .contains("expects images of its own vendor")
            });
            let path = file["path"].as_str().unwrap().to_owned();
            noted.push((path, finding["old"].as_str().unwrap().to_owned(), expects));
        }
    }
    let expected = [
        ("app/application.yaml", "bitnami/postgresql:16.1.0", true),
        ("app/application.yaml", "bitnami/redis:7.4.1", false),
        ("values.yaml", "bitnami/redis:7.4.1", true),
        ("values.yaml", "bitnami/postgresql:16.1.0", false),
    ];
    let expected = expected.map(|(path, old, expects)| (path.to_owned(), old.to_owned(), expects));
    assert_eq!(noted, expected);
}
