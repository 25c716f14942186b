//! Labels and annotations that show who put an object into the cluster, and those of programs that restore objects.

pub(super) const ARGO_ID: &str = "argocd.argoproj.io/tracking-id";
/// Many set this as the label that Argo CD tracks by.
pub(super) const ARGO_INSTANCE: &str = "argocd.argoproj.io/instance";
pub(super) const INSTANCE: &str = "app.kubernetes.io/instance";
pub(super) const FLUX_RELEASE: &str = "helm.toolkit.fluxcd.io";
pub(super) const FLUX_KUSTOMIZATION: &str = "kustomize.toolkit.fluxcd.io";
pub(super) const HELM_RELEASE: &str = "meta.helm.sh/release-name";
pub(super) const HELM_NAMESPACE: &str = "meta.helm.sh/release-namespace";
pub(super) const CHART: &str = "helm.sh/chart";
pub(super) const KUSTOMIZE: &str = "config.kubernetes.io/origin";
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Labels and annotations of other programs that restore objects, with the names of the programs.
pub(super) const OTHERS: [(&str, &str); 10] = [
    ("olm.owner", "Operator Lifecycle Manager"),
    ("objectset.rio.cattle.io/owner-name", "Rancher Fleet or k3s"),
    ("objectset.rio.cattle.io/id", "Rancher Fleet or k3s"),
    ("kapp.k14s.io/app", "kapp"),
    ("configsync.gke.io/resource-id", "Config Sync"),
    ("config.k8s.io/owning-inventory", "kpt"),
    ("addonmanager.kubernetes.io/mode", "addon manager"),
    ("eks.amazonaws.com/component", "EKS add-on"),
    ("pulumi.com/patchForce", "Pulumi"),
    ("app.terraform.io/run", "Terraform"),
];

/// Whether a label or annotation shows who put an object into the cluster.
pub(super) fn is_evidence(key: &str) -> bool {
    let ours = [
        ARGO_ID,
        ARGO_INSTANCE,
        INSTANCE,
        HELM_RELEASE,
        HELM_NAMESPACE,
        CHART,
        "chart",
        KUSTOMIZE,
    ];
    let flux = |key: &str| {
        let (group, name) = key.split_once('/').unwrap_or((key, ""));
        [FLUX_RELEASE, FLUX_KUSTOMIZATION].contains(&group) && ["name", "namespace"].contains(&name)
    };
    ours.contains(&key) || flux(key) || OTHERS.iter().any(|(one, _)| *one == key)
}
