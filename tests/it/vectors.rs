//! What the rules say of single references: one row a fact of the catalogue that is easily got wrong.

use std::path::Path;

use regfix::artifact::Artifact;
use regfix::check;
use regfix::edit::{self, Applicability};
use regfix::file_type;
use regfix::image::{self, ImageRef};
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
    let file_type = file_type::classify(Path::new("values.yaml")).unwrap();
    let found = check::check(Path::new("values.yaml"), &text, file_type, rules);
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

/// Rows of later facts: the rule, where one applies, and what becomes of the reference.
#[test]
fn references_of_single_projects() {
    let rows: &[(&str, Option<&str>, Outcome)] = &[
        // A floating tag is not published at the new location.
        (
            "quay.io/fairwinds/goldilocks:v4.14.19",
            Some("fairwinds-quay"),
            Review("us-docker.pkg.dev/fairwinds-ops/oss/goldilocks:v4.14.19"),
        ),
        (
            "quay.io/fairwinds/goldilocks",
            Some("fairwinds-quay"),
            Report,
        ),
        (
            "quay.io/fairwinds/goldilocks:latest",
            Some("fairwinds-quay"),
            Report,
        ),
        ("quay.io/fairwinds/astro:v1", None, Nothing),
        (
            "quay.io/reactiveops/rbac-manager:v1.9.0",
            Some("fairwinds-quay"),
            Review("us-docker.pkg.dev/fairwinds-ops/oss/rbac-manager:v1.9.0"),
        ),
        (
            "rabbitmqoperator/cluster-operator:2.19.2",
            Some("rabbitmq-operators-docker-hub"),
            Review("ghcr.io/rabbitmq/cluster-operator:2.19.2"),
        ),
        (
            "jupyter/scipy-notebook:2023-10-20",
            Some("jupyter-docker-hub"),
            Review("quay.io/jupyter/scipy-notebook:2023-10-20"),
        ),
        ("jupyter/nbviewer:latest", None, Nothing),
        (
            "registry.k8s.io/ingress-nginx/controller:v1.12.1",
            Some("ingress-nginx-retired"),
            Report,
        ),
        (
            "registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1.5.1",
            None,
            Nothing,
        ),
        (
            "amazon/aws-efs-csi-driver:v1.7.0",
            Some("aws-efs-csi-docker-hub"),
            Review("public.ecr.aws/efs-csi-driver/amazon/aws-efs-csi-driver:v1.7.0"),
        ),
        (
            "amazon/aws-ebs-csi-driver:v1.1.0",
            Some("aws-ebs-csi-docker-hub"),
            Review("public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.1.0"),
        ),
        ("amazon/aws-cli:2.0.0", None, Nothing),
        (
            "gcr.io/k8s-prow/hook:v20240731-a5d9345e59",
            Some("prow-gcr"),
            Review("us-docker.pkg.dev/k8s-infra-prow/images/hook:v20240731-a5d9345e59"),
        ),
        (
            "gcr.io/k8s-prow/gcsweb:v20240731-a5d9345e59",
            Some("prow-gcr"),
            Report,
        ),
        (
            "gcr.io/cluster-api-provider-vsphere/release/manager:v1.5.1",
            Some("capv-gcr"),
            Review("registry.k8s.io/cluster-api-vsphere/cluster-api-vsphere-controller:v1.5.1"),
        ),
        (
            "gcr.io/cluster-api-provider-vsphere/release/manager:v0.7.0",
            Some("capv-gcr"),
            Report,
        ),
        (
            "ghcr.io/nginxinc/nginx-gateway-fabric:1.6.0",
            Some("nginxinc-ghcr"),
            Review("ghcr.io/nginx/nginx-gateway-fabric:1.6.0"),
        ),
        ("ghcr.io/nginxinc/nginx-gateway-fabric:1.5.0", None, Nothing),
        (
            "strimzi/operator:0.20.0",
            Some("strimzi-docker-hub"),
            Review("quay.io/strimzi/operator:0.20.0"),
        ),
        (
            "strimzi/kafka:0.20.0-kafka-2.6.0",
            Some("strimzi-docker-hub"),
            Review("quay.io/strimzi/kafka:0.20.0-kafka-2.6.0"),
        ),
        ("strimzi/operator:0.11.4", None, Nothing),
        (
            "gcr.io/spiffe-io/spire-server:1.5.1",
            Some("spire-gcr"),
            Review("ghcr.io/spiffe/spire-server:1.5.1"),
        ),
        ("gcr.io/spiffe-io/spire-server:1.0.3", None, Nothing),
        (
            "gcr.io/jenkinsxio/builder-go:2.1.155-778",
            Some("jenkinsxio-gcr"),
            Report,
        ),
        (
            "gcr.io/agones-images/agones-controller:1.29.0",
            Some("agones-gcr"),
            Review("us-docker.pkg.dev/agones-images/release/agones-controller:1.29.0"),
        ),
        (
            "gcr.io/agones-images/udp-server:0.21",
            Some("agones-gcr"),
            Review("us-docker.pkg.dev/agones-images/examples/udp-server:0.21"),
        ),
        (
            "ghcr.io/bitnami-labs/sealed-secrets-controller:0.37.0",
            Some("sealed-secrets-ghcr"),
            Review("ghcr.io/bitnami/sealed-secrets-controller:0.37.0"),
        ),
        (
            "quay.io/coreos/kube-rbac-proxy:v0.4.1",
            Some("kube-rbac-proxy-coreos"),
            Report,
        ),
        (
            "quay.io/coreos/configmap-reload:v0.0.1",
            Some("configmap-reload-coreos"),
            Report,
        ),
        (
            "quay.io/external_storage/cephfs-provisioner:v2.1.0-k8s1.11",
            Some("external-storage-quay"),
            Report,
        ),
        (
            "quay.io/external_storage/local-volume-provisioner:v2.4.0",
            Some("external-storage-quay"),
            Review("registry.k8s.io/sig-storage/local-volume-provisioner:v2.4.0"),
        ),
        (
            "quay.io/external_storage/local-volume-provisioner:v2.3.4",
            Some("external-storage-quay"),
            Report,
        ),
        (
            "quay.io/external_storage/nfs-client-provisioner:v4.0.0",
            Some("nfs-client-provisioner"),
            Review("registry.k8s.io/sig-storage/nfs-subdir-external-provisioner:v4.0.0"),
        ),
        (
            "gcr.io/istio-testing/pilot:latest",
            Some("istio-testing-gcr"),
            Report,
        ),
        (
            "gcr.io/google-samples/hello-app:1.0",
            Some("google-samples-gcr"),
            Report,
        ),
        (
            "gcr.io/google_samples/hello-app:1.0",
            Some("google-samples-gcr"),
            Report,
        ),
        (
            "gcr.io/google-samples/gb-frontend:v5",
            Some("google-samples-underscore"),
            Report,
        ),
        // The index knows tags that were promoted after the freeze.
        (
            "gcr.io/k8s-staging-sig-storage/csi-provisioner:v5.1.0",
            Some("k8s-staging"),
            Report,
        ),
    ];
    for (reference, rule, expected) in rows {
        check_line(&format!("image: {reference}"), *rule, expected);
    }
}

/// Looked at, and without a rule: both locations still get the images, or nothing says that the old one ended.
#[test]
fn what_is_still_published_has_no_rule() {
    for line in [
        "image: flannel/flannel:v0.25.1",
        "image: stakater/reloader:v1.0.0",
        "image: quay.io/dexidp/dex:v2.30.0",
        "image: crossplane/crossplane:v1.14.0",
        "image: jupyterhub/k8s-hub:3.0.0",
        "image: plndr/kube-vip:v0.4.0",
        "image: gcr.io/knative-releases/knative.dev/serving/cmd/controller:v1.0.0",
        "image: docker.io/velero/velero:v1.12.0",
        "image: quay.io/jetstack/cert-manager-controller:v1.12.0",
        "repository: https://vmware-tanzu.github.io/helm-charts",
        "repository: https://kubernetes.github.io/ingress-nginx",
        "repository: https://charts.jetstack.io",
    ] {
        check_line(line, None, &Nothing);
    }
}

/// One apt repository holds suites of several owners.
#[test]
fn suites_of_an_apt_repository() {
    let google = "https://packages.cloud.google.com/apt";
    for (line, rule) in [
        (
            format!("run: echo \"deb {google} kubernetes-xenial main\" >kubernetes.list"),
            Some("kubernetes-apt-google"),
        ),
        (
            format!(
                "repo: deb [signed-by=/usr/share/keyrings/k.gpg] {google}/ kubernetes-jammy main"
            ),
            Some("kubernetes-apt-google"),
        ),
        (
            format!("repo: deb-src {google} kubernetes-trusty main"),
            Some("kubernetes-apt-google"),
        ),
        (
            format!("run: curl {google}/dists/kubernetes-xenial/Release"),
            Some("kubernetes-apt-yum"),
        ),
        (format!("repo: deb {google} cloud-sdk main"), None),
        (
            format!("run: curl {google}/doc/apt-key.gpg | apt-key add -"),
            None,
        ),
        (format!("run: curl {google} kubernetes-xenial"), None),
        (format!("url: {google}"), None),
    ] {
        let expected = if rule.is_some() { Report } else { Nothing };
        check_line(&line, rule, &expected);
    }
}

/// Rules whose severity depends on the day, on the last day before a step and on the first one of it.
#[test]
fn severities_on_their_days() {
    let severity = |id: &str, day: &str| {
        let rules = RuleSet::with_own(&[]).unwrap();
        let rule = rules.into_iter().find(|rule| rule.id == id).unwrap();
        rule.on_day(day.parse().unwrap()).severity.name()
    };
    for (id, first) in [
        ("istio-gcr", "2026-12-01"),
        ("istio-registry-io", "2026-12-01"),
        ("istio-oci-charts", "2026-12-01"),
        ("istio-helm-repo", "2026-12-01"),
        ("istio-testing-gcr", "2026-12-01"),
        ("sealed-secrets-helm-repo", "2026-06-15"),
        ("onedr0p-containers", "2026-03-17"),
    ] {
        let day: jiff::civil::Date = first.parse().unwrap();
        let before = day.yesterday().unwrap().to_string();
        assert_eq!(severity(id, &before), "warning", "{id} on {before}");
        assert_eq!(severity(id, first), "error", "{id} on {first}");
    }
}

/// The files of `fixtures/rules`: the example of each rule as a document of its kind.
#[test]
fn every_rule_has_a_fixture() {
    let mut images = "# one image a rule\nkind: List\nitems:\n".to_owned();
    let mut charts = "# one chart or chart repository a rule\n".to_owned();
    let mut downloads = "# one URL a rule\nsteps:\n".to_owned();
    for spec in catalogue().rules {
        let (id, example) = (spec.id.unwrap(), spec.example.unwrap());
        match spec.artifact.unwrap_or_default() {
            Artifact::Image => {
                images += &format!(
                    "  - kind: Pod\n    metadata: {{name: {id}}}\n    \
                     spec: {{containers: [{{name: a, image: '{example}'}}]}}\n"
                );
            }
            Artifact::Chart | Artifact::ChartRepository => {
                charts += &format!(
                    "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\n\
                     metadata:\n  name: {id}\nspec:\n  url: {example}\n"
                );
            }
            Artifact::Url if example.starts_with("deb ") => {
                downloads +=
                    &format!("  - run: echo '{example}' >/etc/apt/sources.list.d/a.list\n");
            }
            Artifact::Url => {
                downloads += &format!("  - run: curl -LO {example}\n    from: {example}\n");
            }
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules/in");
    for (name, text) in [
        ("images.yaml", images),
        ("charts.yaml", charts),
        ("downloads.yaml", downloads),
    ] {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            stored, text,
            "fixtures/rules/in/{name}: cargo xtask regenerate writes it"
        );
    }
}

/// Rules whose new place takes no tag over, or only for charts that the example does not name: they never write.
const SHOWN_ONLY: [&str; 5] = [
    "grafana-helm-repo",
    "cloudsql-proxy-v1",
    "opencost-quay",
    "google-samples-underscore",
    "jenkinsxio-gcr",
];

#[test]
fn every_rule_applies_to_its_example() {
    let rules = rules();
    for spec in catalogue().rules {
        let id = spec.id.unwrap();
        let example = spec.example.unwrap();
        let before = match spec.artifact.unwrap_or_default() {
            Artifact::Url => "run: wget ",
            Artifact::Chart | Artifact::ChartRepository => "url: ",
            Artifact::Image => "image: ",
        };
        let line = format!("{before}{example}");
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
