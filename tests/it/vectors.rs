//! What the rules say of single references: one row a fact of the catalogue that is easily got wrong.

use std::path::Path;

use regfix::check;
use regfix::edit::{self, Applicability};
use regfix::image::{self, ImageRef};
use regfix::kind;
use regfix::rules::{RuleSet, catalogue};

/// What becomes of a reference.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// `--write` makes it this.
    Safe(&'static str),
    /// `--unsafe-fixes` makes it this, `--write` alone leaves it.
    Review(&'static str),
    /// Reported, and nothing is ever written.
    Report,
    Nothing,
}

use Outcome::{Nothing, Report, Review, Safe};

fn rules() -> RuleSet {
    RuleSet::new(RuleSet::with_own(&[]).unwrap())
}

/// Checks `key: value` and gives the rule, and the line after safe and after all fixes.
fn run(line: &str, rules: &RuleSet) -> (Option<String>, String, String) {
    let text = format!("{line}\n");
    let kind = kind::classify(Path::new("values.yaml")).unwrap();
    let found = check::check(Path::new("values.yaml"), &text, kind, rules);
    let fixes = || {
        found
            .findings
            .iter()
            .filter_map(|finding| finding.fix.as_ref())
    };
    let rule = found
        .findings
        .first()
        .map(|finding| finding.rule.to_string());
    let fixed = |limit| edit::apply(&text, fixes(), limit).trim_end().to_owned();
    (
        rule,
        fixed(Applicability::Safe),
        fixed(Applicability::Unsafe),
    )
}

/// Docker Hub's spellings are one: names are compared in the canonical one.
fn same(line: &str, expected: &str) -> bool {
    let value = line
        .split_once(": ")
        .map_or(line, |(_, value)| value)
        .trim_start_matches("oci://");
    let canonical = |text: &str| match ImageRef::parse(text) {
        Some(image) => (
            image::canonical(image.host, image.path),
            image.tag.map(str::to_owned),
        ),
        None => (text.to_owned(), None),
    };
    canonical(value) == canonical(expected)
}

#[track_caller]
fn check_line(line: &str, rule: Option<&str>, expected: &Outcome) {
    let (found, safe, all) = run(line, &rules());
    assert_eq!(found.as_deref(), rule, "{line}");
    match expected {
        Safe(new) => assert!(same(&safe, new), "{line}: {safe}"),
        Review(new) => {
            assert_eq!(safe, line, "nothing may be written without --unsafe-fixes");
            assert!(same(&all, new), "{line}: {all}");
        }
        Report | Nothing => assert_eq!(all, line),
    }
}

#[test]
fn references() {
    let rows: &[(&str, Option<&str>, Outcome)] = &[
        (
            "k8s.gcr.io/pause:3.1",
            Some("k8s-gcr-io"),
            Safe("registry.k8s.io/pause:3.1"),
        ),
        (
            "k8s.gcr.io/pause-amd64:3.1",
            Some("k8s-gcr-io"),
            Safe("registry.k8s.io/pause-amd64:3.1"),
        ),
        (
            "k8s.gcr.io/metrics-server-amd64:v0.3.6",
            Some("k8s-gcr-io"),
            Safe("registry.k8s.io/metrics-server-amd64:v0.3.6"),
        ),
        (
            "k8s.gcr.io/cluster-autoscaler:v1.18.0",
            Some("k8s-gcr-io"),
            Safe("registry.k8s.io/cluster-autoscaler:v1.18.0"),
        ),
        (
            "k8s.gcr.io/coredns:1.7.0",
            Some("k8s-gcr-io"),
            Safe("registry.k8s.io/coredns:1.7.0"),
        ),
        (
            "k8s.gcr.io/defaultbackend-amd64:1.5",
            Some("k8s-gcr-io"),
            Safe("registry.k8s.io/defaultbackend-amd64:1.5"),
        ),
        (
            "k8s.gcr.io/agnhost:2.39",
            Some("k8s-gcr-io"),
            Safe("registry.k8s.io/agnhost:2.39"),
        ),
        (
            "gcr.io/google_containers/kubernetes-dashboard-amd64:v1.10.1",
            Some("gcr-google-containers"),
            Safe("registry.k8s.io/kubernetes-dashboard-amd64:v1.10.1"),
        ),
        (
            "gcr.io/google-containers/made-up:1",
            Some("gcr-google-containers"),
            Review("registry.k8s.io/made-up:1"),
        ),
        (
            "gcr.io/kubebuilder/kube-rbac-proxy:v0.13.1",
            Some("kubebuilder-kube-rbac-proxy"),
            Safe("registry.k8s.io/kubebuilder/kube-rbac-proxy:v0.13.1"),
        ),
        (
            "gcr.io/kubebuilder/kube-rbac-proxy:v0.7.0",
            Some("kubebuilder-kube-rbac-proxy"),
            Review("quay.io/brancz/kube-rbac-proxy:v0.7.0"),
        ),
        (
            "quay.io/k8scsi/csi-provisioner:v1.6.0",
            Some("quay-k8scsi"),
            Review("registry.k8s.io/sig-storage/csi-provisioner:v1.6.0"),
        ),
        (
            "quay.io/k8scsi/csi-attacher:v0.4.2",
            Some("quay-k8scsi"),
            Report,
        ),
        (
            "quay.io/k8scsi/livenessprobe:v2.0.0",
            Some("quay-k8scsi"),
            Report,
        ),
        (
            "gcr.io/cloud-provider-vsphere/csi/release/driver:v2.7.0",
            Some("vsphere-csi"),
            Review("registry.k8s.io/csi-vsphere/driver:v2.7.0"),
        ),
        (
            "gcr.io/cloud-provider-vsphere/csi/release/driver:v3.2.0",
            Some("vsphere-csi"),
            Safe("registry.k8s.io/csi-vsphere/driver:v3.2.0"),
        ),
        (
            "bitnami/redis:7.2.4",
            Some("bitnami-versioned"),
            Review("docker.io/bitnamilegacy/redis:7.2.4"),
        ),
        ("bitnami/redis", Some("bitnami-latest"), Report),
        (
            "docker.io/bitnami/redis:latest",
            Some("bitnami-latest"),
            Report,
        ),
        (
            "docker.io/bitnamilegacy/redis:7.2.4",
            Some("bitnamilegacy"),
            Report,
        ),
        (
            "gcr.io/istio-release/pilot:1.26.0",
            Some("istio-gcr"),
            Safe("docker.io/istio/pilot:1.26.0"),
        ),
        ("gcr.io/distroless/static", None, Nothing),
        ("gcr.io/datadoghq/agent:7", None, Nothing),
        // Not in the table of vectors, but told by the text around it.
        (
            "k8s.gcr.io/busybox",
            Some("k8s-gcr-io"),
            Safe("registry.k8s.io/busybox"),
        ),
        (
            "registry.k8s.io/busybox",
            Some("k8s-busybox-schema1"),
            Report,
        ),
        (
            "bitnami/redis@sha256:7df76a0f0a17294e86f691c81de6bbb7c04a1b4b3d4ea4e7e2cccdc42e1f6d63",
            Some("bitnami-versioned"),
            Report,
        ),
        (
            "bitnami/kubectl:1.15.3-ol-7-r165",
            Some("bitnami-versioned"),
            Report,
        ),
        ("bitnami/sealed-secrets-controller:0.1.0", None, Nothing),
        ("bitnami/minideb:bookworm", None, Nothing),
        ("gcr.io/cadvisor/cadvisor:v0.47.0", None, Nothing),
        (
            "gcr.io/cadvisor/cadvisor:v0.53.0",
            Some("cadvisor-gcr"),
            Review("ghcr.io/google/cadvisor:0.53.0"),
        ),
        (
            "jboss/keycloak:16.1.1",
            Some("keycloak-jboss"),
            Review("quay.io/keycloak/keycloak:16.1.1"),
        ),
        ("jboss/keycloak:17.0.0", Some("keycloak-jboss"), Report),
        ("jboss/keycloak:latest", Some("keycloak-jboss"), Report),
        (
            "gcr.io/cloudsql-docker/gce-proxy:1.33.2",
            Some("cloudsql-proxy-v1"),
            Report,
        ),
        (
            "quay.io/kubecost1/kubecost-cost-model:1.108.0",
            Some("opencost-quay"),
            Report,
        ),
        (
            "quay.io/kubernetes-ingress-controller/nginx-ingress-controller:0.33.0",
            Some("ingress-nginx-quay"),
            Report,
        ),
        (
            "gcr.io/cloud-provider-vsphere/cpi/release/manager:v1.28.0",
            Some("vsphere-cpi"),
            Safe("registry.k8s.io/cloud-pv-vsphere/cloud-provider-vsphere:v1.28.0"),
        ),
        (
            "gcr.io/ml-pipeline/api-server:2.2.0",
            Some("kubeflow-pipelines-gcr"),
            Review("ghcr.io/kubeflow/kfp-api-server:2.2.0"),
        ),
        (
            "gcr.io/ml-pipeline/minio:1",
            Some("kubeflow-pipelines-gcr"),
            Report,
        ),
        (
            "gcr.io/tekton-releases/dogfooding/tkn:v1",
            Some("tekton-gcr"),
            Safe("ghcr.io/tektoncd/plumbing/tkn:v1"),
        ),
        (
            "vault:1.13.3",
            Some("vault-official"),
            Review("hashicorp/vault:1.13.3"),
        ),
        (
            "library/vault:1.13.3",
            Some("vault-official"),
            Review("hashicorp/vault:1.13.3"),
        ),
        (
            "index.docker.io/library/vault:1.13.3",
            Some("vault-official"),
            Review("hashicorp/vault:1.13.3"),
        ),
        (
            "us-east4-docker.pkg.dev/k8s-artifacts-prod/images/pause:3.9",
            Some("k8s-artifacts-prod-ar"),
            Safe("registry.k8s.io/pause:3.9"),
        ),
        ("my-k8s.gcr.io/pause:3.1", None, Nothing),
        ("k8s.gcr.io.example.com/pause:3.1", None, Nothing),
        ("mirror.example.com/k8s.gcr.io/pause:3.1", None, Nothing),
        ("staging-k8s.gcr.io/pause:3.1", None, Nothing),
        (
            "registry.aliyuncs.com/google_containers/pause:3.1",
            None,
            Nothing,
        ),
        (
            "k8s.gcr.io/google-containers/pause:3.2",
            Some("k8s-gcr-io"),
            Safe("registry.k8s.io/google-containers/pause:3.2"),
        ),
        ("xpkg.upbound.io/upbound/provider-aws:v1", None, Nothing),
    ];
    for (reference, rule, expected) in rows {
        check_line(&format!("image: {reference}"), *rule, expected);
    }
}

#[test]
fn hosts_and_charts() {
    check_line(
        "hub: gcr.io/istio-release",
        Some("istio-gcr"),
        &Safe("docker.io/istio"),
    );
    check_line(
        "imageRegistry: k8s.gcr.io",
        Some("k8s-gcr-io"),
        &Safe("registry.k8s.io"),
    );
    check_line(
        "repository: oci://gcr.io/istio-release/charts/base",
        Some("istio-oci-charts"),
        &Safe("ghcr.io/istio/release/charts/base"),
    );
    for url in [
        "https://kubernetes-charts.storage.googleapis.com",
        "http://kubernetes-charts.storage.googleapis.com",
    ] {
        check_line(
            &format!("repository: {url}"),
            Some("helm-stable"),
            &Safe("https://charts.helm.sh/stable"),
        );
    }
    check_line(
        "repository: https://charts.bitnami.com/bitnami",
        Some("bitnami-charts"),
        &Report,
    );
    check_line(
        "repository: https://grafana.github.io/helm-charts",
        Some("grafana-helm-repo"),
        &Report,
    );
}

/// Rules whose new place takes no tag over, or only for charts that the example does not name: they never write.
const SHOWN_ONLY: [&str; 4] = [
    "grafana-helm-repo",
    "cloudsql-proxy-v1",
    "opencost-quay",
    "google-samples-underscore",
];

#[test]
fn every_rule_speaks_about_its_example() {
    let rules = rules();
    for spec in catalogue().rules {
        let id = spec.id.unwrap();
        let example = spec.example.unwrap();
        let key = if example.contains("://") {
            "url"
        } else {
            "image"
        };
        let line = format!("{key}: {example}");
        let (found, safe, all) = run(&line, &rules);
        assert_eq!(found.as_deref(), Some(id.as_str()), "{line}");
        let expected = match spec.safety.unwrap().name() {
            _ if SHOWN_ONLY.contains(&id.as_str()) => (false, false),
            "safe" => (true, true),
            "review" => (false, true),
            _ => (false, false),
        };
        assert_eq!(
            (safe != line, all != line),
            expected,
            "{id}: {line} -> {safe} -> {all}"
        );
    }
}
