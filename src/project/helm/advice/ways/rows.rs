//! The table of ways to name a chart, one row each. A new way is a new row.

use super::super::bases::Kind;
use super::super::terraform;
use super::{Document, Form, Repository, Way};
use crate::file_type::Holds;

/// The list of repositories in helmfile.
const REPOSITORIES: &str = "repositories []";

const ARGO_VALUES: &[(&str, Form)] = &[
    ("helm.valueFiles", Form::Files),
    ("helm.values", Form::Values),
    ("helm.valuesObject", Form::Values),
    ("helm.parameters", Form::Pairs),
];

const KUSTOMIZE_VALUES: &[(&str, Form)] = &[
    ("valuesFile", Form::Files),
    ("valuesInline", Form::Values),
    ("additionalValuesFiles", Form::Files),
];

const SKAFFOLD_RELEASES: &[&str] = &["deploy helm releases []", "manifests helm releases []"];

const SKAFFOLD_VALUES: &[(&str, Form)] = &[
    ("valuesFiles", Form::Files),
    ("setValues", Form::Pairs),
    ("setValueTemplates", Form::Pairs),
];

const FLUX_VALUES: &[(&str, Form)] = &[("valuesFrom", Form::References), ("values", Form::Values)];

/// The Ansible module, and the one that only renders.
const ANSIBLE_TASKS: &[&str] = &[
    "** kubernetes.core.helm",
    "** kubernetes.core.helm_template",
    "** community.kubernetes.helm",
    "** helm",
];

const ANSIBLE_VALUES: &[(&str, Form)] = &[
    ("values_files", Form::Files),
    ("release_values", Form::Values),
    ("values", Form::Values),
    ("set_values", Form::Assignments),
];

const DEVSPACE_DEPLOYMENTS: &[&str] = &["deployments * helm", "deployments [] helm"];

const DEVSPACE_VALUES: &[(&str, Form)] = &[("valuesFiles", Form::Files), ("values", Form::Values)];

const CROSSPLANE_VALUES: &[(&str, Form)] = &[("values", Form::Values), ("set", Form::Pairs)];

const FLEET_VALUES: &[(&str, Form)] = &[("valuesFiles", Form::Files), ("values", Form::Values)];

const K3S_VALUES: &[(&str, Form)] = &[("valuesContent", Form::Values), ("set", Form::Pairs)];

/// The objects that kustomizations patch.
const FLUX: Kind = ("helm.toolkit.fluxcd.io", "HelmRelease");
const ARGO: Kind = ("argoproj.io", "Application");
const K3S: Kind = ("helm.cattle.io", "HelmChart");

/// The path of an object's name.
const NAME: &str = "metadata.name";

pub(super) static WAYS: &[Way] = &[
    Way {
        document: Document::Object(FLUX.0, FLUX.1),
        entries: &["spec"],
        chart: "chart.spec.chart",
        repository: Repository::Object("chart.spec.sourceRef"),
        version: &["chart.spec.version"],
        values: FLUX_VALUES,
    },
    Way {
        document: Document::Object(FLUX.0, FLUX.1),
        entries: &["spec"],
        chart: "chartRef.name",
        repository: Repository::ChartObject("chartRef"),
        version: &[],
        values: FLUX_VALUES,
    },
    Way {
        document: Document::Object("source.toolkit.fluxcd.io", "HelmChart"),
        entries: &["spec"],
        chart: "chart",
        repository: Repository::Object("sourceRef"),
        version: &["version"],
        values: &[],
    },
    Way {
        document: Document::Object("source.toolkit.fluxcd.io", "OCIRepository"),
        entries: &["spec"],
        chart: "url",
        repository: Repository::InName,
        version: &["ref.semver", "ref.tag"],
        values: &[],
    },
    // The Helm Operator, the predecessor of Flux's helm-controller.
    Way {
        document: Document::Object("helm.fluxcd.io", "HelmRelease"),
        entries: &["spec"],
        chart: "chart.name",
        repository: Repository::Url("chart.repository"),
        version: &["chart.version"],
        values: &[("values", Form::Values)],
    },
    Way {
        document: Document::Object(ARGO.0, ARGO.1),
        entries: &["spec source", "spec sources []"],
        chart: "chart",
        repository: Repository::Url("repoURL"),
        version: &["targetRevision"],
        values: ARGO_VALUES,
    },
    Way {
        document: Document::Object("argoproj.io", "ApplicationSet"),
        entries: &["spec template spec source", "spec template spec sources []"],
        chart: "chart",
        repository: Repository::Url("repoURL"),
        version: &["targetRevision"],
        values: ARGO_VALUES,
    },
    Way {
        document: Document::Object(K3S.0, K3S.1),
        entries: &["spec"],
        chart: "chart",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: K3S_VALUES,
    },
    // Patches, and the overrides that k3s applies to a chart.
    Way {
        document: Document::Object(FLUX.0, FLUX.1),
        entries: &["spec"],
        chart: NAME,
        repository: Repository::Base(FLUX),
        version: &[],
        values: FLUX_VALUES,
    },
    Way {
        document: Document::Object(ARGO.0, ARGO.1),
        entries: &["spec source"],
        chart: NAME,
        repository: Repository::Base(ARGO),
        version: &[],
        values: ARGO_VALUES,
    },
    Way {
        document: Document::Object(K3S.0, K3S.1),
        entries: &["spec"],
        chart: NAME,
        repository: Repository::Base(K3S),
        version: &[],
        values: K3S_VALUES,
    },
    Way {
        document: Document::Object("helm.cattle.io", "HelmChartConfig"),
        entries: &["spec"],
        chart: NAME,
        repository: Repository::Base(K3S),
        version: &[],
        values: K3S_VALUES,
    },
    Way {
        document: Document::Object("builtin", "HelmChartInflationGenerator"),
        entries: &[""],
        chart: "name",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: KUSTOMIZE_VALUES,
    },
    Way {
        document: Document::File(Holds::Kustomization),
        entries: &["helmCharts []"],
        chart: "name",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: KUSTOMIZE_VALUES,
    },
    Way {
        document: Document::File(Holds::Kustomization),
        entries: &["helmChartInflationGenerator []"],
        chart: "chartName",
        repository: Repository::Url("chartRepoUrl"),
        version: &["chartVersion"],
        values: &[("values", Form::Files)],
    },
    Way {
        document: Document::File(Holds::Chart),
        entries: &["dependencies []"],
        chart: "name",
        repository: Repository::Url("repository"),
        version: &["version"],
        values: &[("", Form::Parent)],
    },
    Way {
        document: Document::File(Holds::Requirements),
        entries: &["dependencies []"],
        chart: "name",
        repository: Repository::Url("repository"),
        version: &["version"],
        values: &[("", Form::Parent)],
    },
    Way {
        document: Document::File(Holds::Terraform),
        entries: &[terraform::RELEASES],
        chart: "chart",
        repository: Repository::Url("repository"),
        version: &["version", "chart_version"],
        values: &[
            (terraform::FILES, Form::Files),
            ("values", Form::List),
            ("set", Form::Pairs),
        ],
    },
    // Skaffold: the schemas before and since version 3.
    Way {
        document: Document::Object("skaffold", "Config"),
        entries: SKAFFOLD_RELEASES,
        chart: "remoteChart",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: SKAFFOLD_VALUES,
    },
    Way {
        document: Document::Object("skaffold", "Config"),
        entries: SKAFFOLD_RELEASES,
        chart: "remoteChart",
        repository: Repository::Prefix(REPOSITORIES),
        version: &["version"],
        values: SKAFFOLD_VALUES,
    },
    // Rancher's `fleet.yaml`.
    Way {
        document: Document::Any,
        entries: &["helm"],
        chart: "chart",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: FLEET_VALUES,
    },
    Way {
        document: Document::Object("fleet.cattle.io", "HelmOp"),
        entries: &["spec helm"],
        chart: "chart",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: FLEET_VALUES,
    },
    Way {
        document: Document::Object("helm.crossplane.io", "Release"),
        entries: &["spec forProvider"],
        chart: "chart.name",
        repository: Repository::Url("chart.repository"),
        version: &["chart.version"],
        values: CROSSPLANE_VALUES,
    },
    Way {
        document: Document::Object("apiextensions.crossplane.io", "Composition"),
        entries: &[
            "spec resources [] base spec forProvider",
            "spec pipeline [] input resources [] base spec forProvider",
        ],
        chart: "chart.name",
        repository: Repository::Url("chart.repository"),
        version: &["chart.version"],
        values: CROSSPLANE_VALUES,
    },
    // Cluster API.
    Way {
        document: Document::Object("addons.cluster.x-k8s.io", "HelmChartProxy"),
        entries: &["spec"],
        chart: "chartName",
        repository: Repository::Url("repoURL"),
        version: &["version"],
        values: &[("valuesTemplate", Form::Values)],
    },
    Way {
        document: Document::Object("k0s.k0sproject.io", "ClusterConfig"),
        entries: &["spec extensions helm charts []"],
        chart: "chartname",
        repository: Repository::Prefix("spec extensions helm repositories []"),
        version: &["version"],
        values: &[("values", Form::Values)],
    },
    Way {
        document: Document::Object("k0sctl.k0sproject.io", "Cluster"),
        entries: &["spec k0s config spec extensions helm charts []"],
        chart: "chartname",
        repository: Repository::Prefix("spec k0s config spec extensions helm repositories []"),
        version: &["version"],
        values: &[("values", Form::Values)],
    },
    Way {
        document: Document::Object("configsync.gke.io", "RootSync"),
        entries: &["spec helm"],
        chart: "chart",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: &[("values", Form::Values)],
    },
    Way {
        document: Document::Object("configsync.gke.io", "RepoSync"),
        entries: &["spec helm"],
        chart: "chart",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: &[("values", Form::Values)],
    },
    // Sveltos.
    Way {
        document: Document::Object("config.projectsveltos.io", "ClusterProfile"),
        entries: &["spec helmCharts []"],
        chart: "chartName",
        repository: Repository::Url("repositoryURL"),
        version: &["chartVersion"],
        values: &[("values", Form::Values)],
    },
    Way {
        document: Document::Object("config.projectsveltos.io", "Profile"),
        entries: &["spec helmCharts []"],
        chart: "chartName",
        repository: Repository::Url("repositoryURL"),
        version: &["chartVersion"],
        values: &[("values", Form::Values)],
    },
    // KubeVela.
    Way {
        document: Document::Object("core.oam.dev", "Application"),
        entries: &["spec components [] properties"],
        chart: "chart",
        repository: Repository::Url("url"),
        version: &["version"],
        values: &[("values", Form::Values)],
    },
    Way {
        document: Document::Any,
        entries: DEVSPACE_DEPLOYMENTS,
        chart: "chart.name",
        repository: Repository::Url("chart.repo"),
        version: &["chart.version"],
        values: DEVSPACE_VALUES,
    },
    Way {
        document: Document::Any,
        entries: DEVSPACE_DEPLOYMENTS,
        chart: "chart.name",
        repository: Repository::Prefix(REPOSITORIES),
        version: &["chart.version"],
        values: DEVSPACE_VALUES,
    },
    Way {
        document: Document::Any,
        entries: ANSIBLE_TASKS,
        chart: "chart_ref",
        repository: Repository::Url("chart_repo_url"),
        version: &["chart_version"],
        values: ANSIBLE_VALUES,
    },
    Way {
        document: Document::Any,
        entries: ANSIBLE_TASKS,
        chart: "chart_ref",
        repository: Repository::Prefix(REPOSITORIES),
        version: &["chart_version"],
        values: ANSIBLE_VALUES,
    },
    // Pulumi, in YAML.
    Way {
        document: Document::Any,
        entries: &["resources * properties"],
        chart: "chart",
        repository: Repository::Url("repositoryOpts.repo"),
        version: &["version"],
        values: &[("values", Form::Values)],
    },
    // helmfile files can have any name.
    Way {
        document: Document::Any,
        entries: &["releases []"],
        chart: "chart",
        repository: Repository::Prefix(REPOSITORIES),
        version: &["version"],
        values: &[("values", Form::List), ("set", Form::Pairs)],
    },
];
