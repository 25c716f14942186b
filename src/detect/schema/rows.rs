//! The rows of the schema table. Data only.

use super::row::Of::{self, Any, Kind, Object, Objects, Type};
use super::row::Row;
use super::row::Says::{self, By, Is, PutIn};
use super::{kubeadm, usages as by};
use crate::detect::document_type::DocumentType as T;
use crate::detect::form::Form;
use crate::detect::usage::{self, MUST_MATCH, Usage};

const PULL: Says = Is(Usage::PULL);
const SCRIPT: Says = Is(Usage::likely("it is in a script"));
const OBSERVED: Says = Is(Usage::Observed(
    "a status says what ran, nothing is pulled from it",
));
const RECORDED: Says = Is(Usage::Observed(
    "the controller keeps an earlier template there, nothing is pulled from it",
));
const APPLIED: Says = Is(Usage::Observed(
    "the annotation is a copy of the specification, which kubectl writes itself",
));
const RESOLVED: Says = Is(Usage::Observed(
    "kbld writes there what an image was resolved from",
));
const MACHINE: Says = Is(Usage::Mention(
    "it is the image of a machine, not of a container",
));
const LOCAL: Says = Is(usage::LOCAL);
const COMPARED: Says = Is(usage::COMPARED);
const CACHE: Says = Is(by::CACHE);
const PUSHED: Says = Is(usage::PUSHED);
const SELECTS: Says = Is(Usage::Selector {
    reason: MUST_MATCH,
    replaced: true,
});
const CREATED: Says = Is(Usage::Mention(
    "it is the name of a repository that is made here",
));
const REMOVED: Says = Is(Usage::Compared(
    "images of this name are removed from nodes",
));
const LISTED: Says = Is(usage::ALLOWED);
const LOGIN: Says = Is(usage::ACCOUNT);
const UPDATER: Says = Is(usage::UPDATER);
const MAY_BE_PUSHED: Says = Is(by::MAY_BE_PUSHED);
const PUT_IN: Says = PutIn(by::put_in);
const KARGO: Says = Is(Usage::must_agree(
    "Kargo looks for this name in what it promotes: move all of them together",
));

/// Returns all rows. The first one that matches counts.
pub(super) fn table() -> Vec<Row> {
    ROWS.iter()
        .map(|(of, path, says, form)| Row {
            of: *of,
            steps: path.split(' ').collect(),
            says: *says,
            form: *form,
        })
        .collect()
}

type Written = (Of, &'static str, Says, Form);

#[rustfmt::skip]
const ROWS: &[Written] = &[
    // Kubernetes objects
    (Any, "** metadata annotations kubectl.kubernetes.io/last-applied-configuration", APPLIED, Form::ByWords),
    (Objects, "status", OBSERVED, Form::ByWords),
    (Objects, "metadata managedFields", OBSERVED, Form::ByWords),
    (Kind("ControllerRevision"), "data", RECORDED, Form::ByWords),
    (Any, "** status *ontainerStatuses", OBSERVED, Form::ByWords),
    (Any, "** status images [] names", OBSERVED, Form::ByWords),
    (Any, "** containers [] image", PULL, Form::Image),
    (Any, "** initContainers [] image", PULL, Form::Image),
    (Any, "** ephemeralContainers [] image", PULL, Form::Image),
    (Any, "** volumes [] image reference", PULL, Form::Image),

    // Kustomize
    (Type(T::Kustomization), "images [] name", By(by::kustomize_entry), Form::Name),
    (Type(T::Kustomization), "images [] newName", PULL, Form::Name),
    (Any, "** targets [] fieldPaths []", SELECTS, Form::ByWords),
    (Kind("ImageTagTransformer"), "imageTag name", By(by::kustomize_entry), Form::Name),
    (Kind("ImageTagTransformer"), "imageTag newName", PULL, Form::Name),

    // Flux
    (Object("kustomize.toolkit.fluxcd.io", "Kustomization"), "spec images [] name", By(by::kustomize_entry), Form::Entry),
    (Object("kustomize.toolkit.fluxcd.io", "Kustomization"), "spec images [] newName", PULL, Form::Name),
    (Object("helm.toolkit.fluxcd.io", "HelmRelease"), "spec postRenderers [] kustomize images [] name", By(by::kustomize_entry), Form::Entry),
    (Object("helm.toolkit.fluxcd.io", "HelmRelease"), "spec postRenderers [] kustomize images [] newName", PULL, Form::Name),
    (Object("image.toolkit.fluxcd.io", "ImageRepository"), "spec image", PULL, Form::Name),

    // Argo CD and its image updater
    (Object("argoproj.io", "Application"), "** kustomize images []", PULL, Form::Replacement),
    (Object("argoproj.io", "ApplicationSet"), "** kustomize images []", PULL, Form::Replacement),
    (Any, "kustomize images []", PULL, Form::Replacement),
    (Any, "** annotations argocd-image-updater.argoproj.io/image-list", UPDATER, Form::Aliases),
    (Any, "** annotations *.kustomize.image-name", SELECTS, Form::Image),
    (Object("argocd-image-updater.argoproj.io", "ImageUpdater"), "** images [] imageName", UPDATER, Form::Aliases),

    // Kargo
    (Object("kargo.akuity.io", "Warehouse"), "spec subscriptions [] image repoURL", KARGO, Form::Image),
    (Object("kargo.akuity.io", ""), "** vars [] value", KARGO, Form::ByWords),
    (Object("kargo.akuity.io", ""), "** images [] image", KARGO, Form::Image),
    (Object("kargo.akuity.io", ""), "** images [] repoURL", KARGO, Form::Image),

    // Argo Workflows
    (Object("argoproj.io", ""), "** script source", SCRIPT, Form::Script),

    // Tekton
    (Object("tekton.dev", ""), "** when", COMPARED, Form::ByWords),

    // kubeadm and Cluster API
    (Object("kubeadm.k8s.io", "ClusterConfiguration"), "imageRepository", By(kubeadm::repository), Form::Folder),
    (Object("kubeadm.k8s.io", "ClusterConfiguration"), "dns imageRepository", By(kubeadm::dns_repository), Form::Folder),
    (Object("kubeadm.k8s.io", "ClusterConfiguration"), "etcd local imageRepository", PULL, Form::Folder),
    (Object("kubeadm.k8s.io", "MasterConfiguration"), "imageRepository", By(kubeadm::repository), Form::Folder),
    (Object("cluster.x-k8s.io", ""), "** clusterConfiguration imageRepository", By(kubeadm::repository), Form::Folder),
    (Object("cluster.x-k8s.io", ""), "** clusterConfiguration dns imageRepository", By(kubeadm::dns_repository), Form::Folder),
    (Object("cluster.x-k8s.io", ""), "** clusterConfiguration etcd local imageRepository", PULL, Form::Folder),
    (Object("cluster.x-k8s.io", "Cluster"), "spec topology variables [] value", By(kubeadm::topology_variable), Form::ByWords),
    (Object("sealos.io", "Cluster"), "spec repo", By(kubeadm::wrapped), Form::ByWords),

    // kops
    (Object("kops.k8s.io", "InstanceGroup"), "spec image", MACHINE, Form::ByWords),
    (Object("kops.k8s.io", "Cluster"), "spec assets containerRegistry", PULL, Form::Folder),

    // Carvel
    (Object("kbld.k14s.io", ""), "overrides [] image", SELECTS, Form::Image),
    (Object("kbld.k14s.io", ""), "overrides [] imageRepo", SELECTS, Form::Image),
    (Object("kbld.k14s.io", ""), "overrides [] newImage", PULL, Form::Image),
    (Object("kbld.k14s.io", ""), "sources [] image", SELECTS, Form::Image),
    (Object("kbld.k14s.io", ""), "sources [] pack build builder", PULL, Form::Image),
    (Object("kbld.k14s.io", ""), "sources [] pack build buildpacks []", PULL, Form::Image),
    (Object("kbld.k14s.io", ""), "destinations [] image", SELECTS, Form::Image),
    (Object("kbld.k14s.io", ""), "destinations [] newImage", PUSHED, Form::Image),
    (Any, "** annotations kbld.carvel.dev/id", SELECTS, Form::Image),
    (Any, "** annotations kbld.carvel.dev/origins", RESOLVED, Form::ByWords),
    (Any, "** annotations kbld.k14s.io/images", RESOLVED, Form::ByWords),

    // kpt
    (Object("fn.kpt.dev", "SetImage"), "image name", By(by::kustomize_entry), Form::Entry),
    (Object("fn.kpt.dev", "SetImage"), "image newName", PULL, Form::Name),
    (Object("kpt.dev", "Kptfile"), "pipeline mutators [] image", PULL, Form::Image),
    (Object("kpt.dev", "Kptfile"), "pipeline validators [] image", PULL, Form::Image),
    (Object("kpt.dev", "Kptfile"), "pipeline mutators [] configMap name", By(by::kustomize_entry), Form::Entry),
    (Object("kpt.dev", "Kptfile"), "pipeline mutators [] configMap newName", PULL, Form::Name),
    (Any, "** configMap by-value", SELECTS, Form::Image),
    (Kind("ConfigMap"), "data by-value", SELECTS, Form::Image),

    // policies: what they put into objects
    (Object("kyverno.io", ""), "** mutate patchStrategicMerge", PUT_IN, Form::ByWords),
    (Object("kyverno.io", ""), "** mutate patchesJson6902", PUT_IN, Form::ByWords),
    (Object("kyverno.io", ""), "** foreach [] patchStrategicMerge", PUT_IN, Form::ByWords),
    (Object("kyverno.io", ""), "** foreach [] patchesJson6902", PUT_IN, Form::ByWords),
    (Object("kyverno.io", ""), "** generate data", PUT_IN, Form::ByWords),
    (Object("kyverno.io", ""), "** foreach [] data", PUT_IN, Form::ByWords),
    (Object("admissionregistration.k8s.io", "MutatingAdmissionPolicy"), "spec mutations [] * expression", PUT_IN, Form::Script),
    (Object("mutations.gatekeeper.sh", ""), "spec parameters assign value", PUT_IN, Form::Image),
    (Object("mutations.gatekeeper.sh", "AssignImage"), "spec parameters assignDomain", PUT_IN, Form::Folder),
    (Object("mutations.gatekeeper.sh", "ModifySet"), "spec parameters values fromList", PUT_IN, Form::ByWords),
    (Object("policy.open-cluster-management.io", ""), "spec object-templates [] objectDefinition", PutIn(by::managed_object), Form::ByWords),

    // OpenShift
    (Kind("ImageStream"), "** from name", By(by::openshift_source), Form::Image),
    (Kind("BuildConfig"), "** from name", By(by::openshift_source), Form::Image),
    (Kind("BuildConfig"), "spec output to name", PUSHED, Form::Image),

    // Operator Lifecycle Manager
    (Object("operators.coreos.com", "ClusterServiceVersion"), "spec relatedImages [] image", PULL, Form::Image),
    (Object("operators.coreos.com", "ClusterServiceVersion"), "metadata annotations containerImage", PULL, Form::Image),

    (Kind("ConfigMap"), "data storage.oci.repository", PUSHED, Form::ByWords),
    (Kind("ConfigMap"), "data artifacts.oci.repository", PUSHED, Form::ByWords),

    // tests
    (Object("chainsaw.kyverno.io", ""), "** assert resource", PutIn(by::asserted), Form::ByWords),

    // event filters
    (Object("argoproj.io", "Sensor"), "** filters", COMPARED, Form::ByWords),

    // log collectors
    (Any, "** pipeline_stages", COMPARED, Form::ByWords),
    (Any, "** pipelineStages", COMPARED, Form::ByWords),

    // Karmada
    (Object("policy.karmada.io", ""), "** imageOverrider [] value", PULL, Form::Folder),

    // network policies and routes
    (Object("networking.istio.io", ""), "** hosts []", LISTED, Form::ByWords),
    (Object("networking.istio.io", ""), "** host", LISTED, Form::ByWords),
    (Object("cilium.io", ""), "** matchName", LISTED, Form::ByWords),
    (Object("cilium.io", ""), "** matchPattern", LISTED, Form::ByWords),
    (Object("projectcalico.org", ""), "** domains []", LISTED, Form::ByWords),
    (Kind("FQDNNetworkPolicy"), "** matches []", LISTED, Form::ByWords),

    // tools that remove images from nodes
    (Object("eraser.sh", "ImageList"), "spec images", REMOVED, Form::ByWords),

    // tools that build images
    (Object("shipwright.io", ""), "** output image", PUSHED, Form::Image),
    (Object("kpack.io", "Image"), "spec additionalTags []", PUSHED, Form::Image),

    // schemas
    (Object("apiextensions.k8s.io", "CustomResourceDefinition"), "** openAPIV3Schema", PULL, Form::Schema),
    (Object("cluster.x-k8s.io", "ClusterClass"), "spec variables [] schema openAPIV3Schema", By(kubeadm::variable), Form::Schema),
    (Object("apiextensions.crossplane.io", "CompositeResourceDefinition"), "** openAPIV3Schema", PULL, Form::Schema),

    // GitHub
    (Type(T::Workflow), "jobs * container", PULL, Form::Image),
    (Type(T::Workflow), "jobs * container image", PULL, Form::Image),
    (Type(T::Workflow), "jobs * services * image", PULL, Form::Image),
    (Type(T::Workflow), "jobs * steps [] with *", By(by::github_step), Form::ByWords),
    (Type(T::Workflow), "env *", By(by::github_variable), Form::ByWords),
    (Type(T::Workflow), "jobs * env *", By(by::github_variable), Form::ByWords),
    (Type(T::Workflow), "jobs * steps [] env *", By(by::github_variable), Form::ByWords),
    (Type(T::Workflow), "on * inputs * default", By(by::pipeline_variable), Form::ByWords),
    (Type(T::Action), "inputs * default", By(by::pipeline_variable), Form::ByWords),
    (Type(T::Action), "runs image", PULL, Form::Image),

    // other pipelines
    (Type(T::GitLab), "image", PULL, Form::Image),
    (Type(T::GitLab), "* image", PULL, Form::Image),
    (Type(T::GitLab), "image name", PULL, Form::Image),
    (Type(T::GitLab), "* image name", PULL, Form::Image),
    (Type(T::GitLab), "services []", PULL, Form::Image),
    (Type(T::GitLab), "* services []", PULL, Form::Image),
    (Type(T::GitLab), "services [] name", PULL, Form::Image),
    (Type(T::GitLab), "* services [] name", PULL, Form::Image),
    (Type(T::GitLab), "* only", COMPARED, Form::ByWords),
    (Type(T::GitLab), "* except", COMPARED, Form::ByWords),
    (Type(T::CircleCi), "** docker [] image", PULL, Form::Image),
    (Type(T::CircleCi), "** machine image", MACHINE, Form::ByWords),
    (Type(T::CircleCi), "** environment *", By(by::pipeline_variable), Form::ByWords),
    (Type(T::CircleCi), "** parameters * default", By(by::pipeline_variable), Form::ByWords),
    (Type(T::GitLab), "variables *", By(by::pipeline_variable), Form::ByWords),
    (Type(T::GitLab), "variables * value", By(by::pipeline_variable), Form::ByWords),
    (Type(T::GitLab), "* variables *", By(by::pipeline_variable), Form::ByWords),
    (Type(T::Drone), "** environment *", By(by::pipeline_variable), Form::ByWords),
    (Type(T::Drone), "** settings repo", PUSHED, Form::Image),
    (Type(T::Drone), "** settings repository", PUSHED, Form::Image),
    (Type(T::Drone), "** settings destinations", PUSHED, Form::ByWords),
    (Type(T::Drone), "** settings registry", LOGIN, Form::ByWords),
    (Type(T::Drone), "steps [] image", PULL, Form::Image),
    (Type(T::Drone), "steps * image", PULL, Form::Image),
    (Type(T::Drone), "services [] image", PULL, Form::Image),
    (Type(T::Drone), "services * image", PULL, Form::Image),
    (Type(T::CloudBuild), "steps [] name", PULL, Form::Image),
    (Type(T::CloudBuild), "steps [] env []", MAY_BE_PUSHED, Form::ByWords),
    (Type(T::CloudBuild), "substitutions *", MAY_BE_PUSHED, Form::ByWords),
    (Type(T::CloudBuild), "images", PUSHED, Form::ByWords),
    (Type(T::CloudBuild), "artifacts", PUSHED, Form::ByWords),
    (Type(T::CircleCi), "** registry-url", LOGIN, Form::ByWords),
    (Any, "variables [] value", By(by::pipeline_variable), Form::ByWords),
    (Any, "** pool vmImage", MACHINE, Form::ByWords),
    (Any, "** jobs [] container", PULL, Form::Image),
    (Any, "** inputs repository", By(by::azure_task), Form::Image),
    (Any, "** inputs containerRegistry", LOGIN, Form::ByWords),
    (Any, "resources [] source repository", By(by::concourse_resource), Form::Name),
    (Any, "** plugins [] * image-repository", PUSHED, Form::Image),
    (Any, "** utility_images *", PULL, Form::Image),

    // builders
    (Object("skaffold", ""), "** kaniko cache repo", PUSHED, Form::Image),
    (Any, "** publishId", PUSHED, Form::Image),
    (Any, "spec localId", PUSHED, Form::Image),
    (Any, "dockers [] image_templates []", PUSHED, Form::Image),
    (Any, "dockers_v2 [] images []", PUSHED, Form::Image),
    (Any, "docker_manifests [] name_template", PUSHED, Form::Image),
    (Any, "docker_manifests [] image_templates []", PUSHED, Form::Image),
    (Any, "kos [] repository", PUSHED, Form::Image),
    (Any, "kos [] repositories []", PUSHED, Form::Image),
    (Any, "resources * properties imageName", By(by::pulumi_resource), Form::Image),
    (Any, "resources * properties tags []", By(by::pulumi_resource), Form::Image),
    (Any, "target * tags []", PUSHED, Form::Image),
    (Any, "target * cache-to []", PUSHED, Form::ByWords),
    (Any, "target * cache-from []", CACHE, Form::ByWords),
    (Any, "target * output []", PUSHED, Form::ByWords),

    // Terraform
    (Type(T::Terraform), "resource docker_image * name", PULL, Form::Image),
    (Type(T::Terraform), "data docker_registry_image * name", PULL, Form::Image),
    (Type(T::Terraform), "resource docker_registry_image * name", PUSHED, Form::Image),
    (Type(T::Terraform), "resource helm_release * repository", PULL, Form::ByWords),
    (Type(T::Terraform), "resource aws_ecr_repository * name", CREATED, Form::ByWords),
    (Type(T::Terraform), "resource aws_ecrpublic_repository * repository_name", CREATED, Form::ByWords),
    (Type(T::Terraform), "** upstream_registry_url", LISTED, Form::ByWords),
    (Type(T::Terraform), "resource azurerm_container_registry_cache_rule * *", LISTED, Form::ByWords),
    (Type(T::Terraform), "resource google_artifact_registry_repository * *", LISTED, Form::ByWords),
    (Type(T::Terraform), "resource google_compute_* ** image", MACHINE, Form::ByWords),
    (Type(T::Terraform), "resource digitalocean_droplet * image", MACHINE, Form::ByWords),
    (Type(T::Terraform), "resource hcloud_server * image", MACHINE, Form::ByWords),

    // Salt
    (Any, "** docker_image.present [] name", PULL, Form::Image),
    (Any, "** docker_container.running [] image", PULL, Form::Image),

    // Compose
    (Type(T::Compose), "services * image", By(by::compose_service), Form::Image),
    (Type(T::Compose), "services * build tags []", PUSHED, Form::Image),
    (Type(T::Compose), "services * build cache_to []", PUSHED, Form::ByWords),
    (Type(T::Compose), "services * build cache_from []", CACHE, Form::ByWords),

    // Ansible
    (Any, "** docker_image name", By(by::ansible_image), Form::Image),
    (Any, "** community.docker.docker_image name", By(by::ansible_image), Form::Image),
    (Any, "** community.docker.docker_image_pull name", PULL, Form::Image),
    (Any, "** community.docker.docker_image_push name", PUSHED, Form::Image),
    (Any, "** community.docker.docker_image_build name", PUSHED, Form::Image),
    (Any, "** community.docker.docker_image_info name", LOCAL, Form::Image),
    (Any, "** community.docker.docker_image_remove name", LOCAL, Form::Image),
    (Any, "** *podman_image_info name", LOCAL, Form::Image),
    (Any, "** podman_image name", By(by::ansible_image), Form::Image),
    (Any, "** containers.podman.podman_image name", By(by::ansible_image), Form::Image),
    (Any, "** *docker_container image", PULL, Form::Image),
    (Any, "** *podman_container image", PULL, Form::Image),
    (Any, "** *docker_login *", LOGIN, Form::ByWords),
    (Any, "** *podman_login *", LOGIN, Form::ByWords),
];
