//! The table of ways to name a chart, one row each. A chart that is named in a new way is a row more.

use super::super::terraform;
use super::{Document, Form, Repository, Way};
use crate::file_type::Holds;

const ARGO_VALUES: &[(&str, Form)] = &[
    ("helm.valueFiles", Form::Files),
    ("helm.values", Form::Values),
    ("helm.valuesObject", Form::Values),
    ("helm.parameters", Form::Pairs),
];

const SKAFFOLD_RELEASES: &[&str] = &["deploy.helm.releases[]", "manifests.helm.releases[]"];

const SKAFFOLD_VALUES: &[(&str, Form)] = &[
    ("valuesFiles", Form::Files),
    ("setValues", Form::Pairs),
    ("setValueTemplates", Form::Pairs),
];

const FLUX_VALUES: &[(&str, Form)] = &[("valuesFrom", Form::References), ("values", Form::Values)];

pub(super) static WAYS: &[Way] = &[
    Way {
        document: Document::Object("helm.toolkit.fluxcd.io", "HelmRelease"),
        entries: &["spec"],
        chart: "chart.spec.chart",
        repository: Repository::Object("chart.spec.sourceRef"),
        version: &["chart.spec.version"],
        values: FLUX_VALUES,
    },
    Way {
        document: Document::Object("helm.toolkit.fluxcd.io", "HelmRelease"),
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
    // The Helm Operator, before Flux had its toolkit.
    Way {
        document: Document::Object("helm.fluxcd.io", "HelmRelease"),
        entries: &["spec"],
        chart: "chart.name",
        repository: Repository::Url("chart.repository"),
        version: &["chart.version"],
        values: &[("values", Form::Values)],
    },
    Way {
        document: Document::Object("argoproj.io", "Application"),
        entries: &["spec.source", "spec.sources[]"],
        chart: "chart",
        repository: Repository::Url("repoURL"),
        version: &["targetRevision"],
        values: ARGO_VALUES,
    },
    Way {
        document: Document::Object("argoproj.io", "ApplicationSet"),
        entries: &["spec.template.spec.source", "spec.template.spec.sources[]"],
        chart: "chart",
        repository: Repository::Url("repoURL"),
        version: &["targetRevision"],
        values: ARGO_VALUES,
    },
    Way {
        document: Document::Object("helm.cattle.io", "HelmChart"),
        entries: &["spec"],
        chart: "chart",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: &[("valuesContent", Form::Values), ("set", Form::Pairs)],
    },
    Way {
        document: Document::Object("builtin", "HelmChartInflationGenerator"),
        entries: &[""],
        chart: "name",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: &[("valuesFile", Form::Files), ("valuesInline", Form::Values)],
    },
    Way {
        document: Document::File(Holds::Kustomization),
        entries: &["helmCharts[]"],
        chart: "name",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: &[("valuesFile", Form::Files), ("valuesInline", Form::Values)],
    },
    Way {
        document: Document::File(Holds::Kustomization),
        entries: &["helmChartInflationGenerator[]"],
        chart: "chartName",
        repository: Repository::Url("chartRepoUrl"),
        version: &["chartVersion"],
        values: &[("values", Form::Files)],
    },
    Way {
        document: Document::File(Holds::Chart),
        entries: &["dependencies[]"],
        chart: "name",
        repository: Repository::Url("repository"),
        version: &["version"],
        values: &[("", Form::Parent)],
    },
    Way {
        document: Document::File(Holds::Requirements),
        entries: &["dependencies[]"],
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
        version: &["version"],
        values: &[("values", Form::List), ("set", Form::Pairs)],
    },
    // Skaffold, up to its third version and from it on.
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
        repository: Repository::Prefix,
        version: &["version"],
        values: SKAFFOLD_VALUES,
    },
    // The `fleet.yaml` of Rancher.
    Way {
        document: Document::Any,
        entries: &["helm"],
        chart: "chart",
        repository: Repository::Url("repo"),
        version: &["version"],
        values: &[("valuesFiles", Form::Files), ("values", Form::Values)],
    },
    // helmfile, whose files may have any name.
    Way {
        document: Document::Any,
        entries: &["releases[]"],
        chart: "chart",
        repository: Repository::Prefix,
        version: &["version"],
        values: &[("values", Form::List), ("set", Form::Pairs)],
    },
];
