//! The tool that put an object into the cluster, judged by its labels and annotations.
//!
//! `evidence` decides what counts.

mod evidence;

use super::chart::Chart;
use super::source::Location;
use crate::rules::charts::Charts;

pub(super) use evidence::Sources;

/// The tool that manages an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    ArgoCd,
    FluxHelmRelease,
    FluxKustomization,
    Helm,
    Kustomize,
    /// The kubelet of a node, from a file there.
    StaticPod,
    /// Another program with this name.
    Other(&'static str),
    /// Somebody ran `kubectl apply`.
    KubectlApply,
    /// The root object was not read.
    NotRead,
    Unknown,
}

impl Manager {
    /// The name in machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            Self::ArgoCd => "argocd-application",
            Self::FluxHelmRelease => "flux-helmrelease",
            Self::FluxKustomization => "flux-kustomization",
            Self::Helm => "helm-release",
            Self::Kustomize => "kustomize",
            Self::StaticPod => "static-pod",
            Self::Other(name) => name,
            Self::KubectlApply => "kubectl-apply",
            Self::NotRead => "not-read",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it would revert changes that someone else makes.
    pub fn puts_back(self) -> bool {
        !matches!(self, Self::Kustomize | Self::KubectlApply | Self::Unknown)
    }
}

/// The reason why an object is in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub manager: Manager,
    /// The application, release or other object that brought it, with its namespace.
    pub name: String,
    /// The chart whose templates made it.
    pub chart: Option<Chart>,
    /// The location of its source, as far as the cluster shows it.
    pub location: Option<Location>,
    /// The table of chart advisories.
    pub(super) charts: Charts,
}

impl Origin {
    fn new(manager: Manager, name: String) -> Self {
        Self {
            manager,
            name,
            chart: None,
            location: None,
            charts: Charts::EMBEDDED,
        }
    }

    /// Returns a description in one line.
    pub fn shown(&self) -> String {
        let name = &self.name;
        let start = match self.manager {
            Manager::ArgoCd => format!("Argo CD application {name}"),
            Manager::FluxHelmRelease => format!("Flux HelmRelease {name}"),
            Manager::FluxKustomization => format!("Flux Kustomization {name}"),
            Manager::Helm => format!("Helm release {name}"),
            Manager::Kustomize => "Kustomize".to_owned(),
            Manager::StaticPod => format!("static pod: a file on {name}"),
            Manager::Other(manager) if name.is_empty() => manager.to_owned(),
            Manager::Other(manager) => format!("{manager} {name}"),
            Manager::KubectlApply => "kubectl apply".to_owned(),
            Manager::NotRead | Manager::Unknown => "unknown".to_owned(),
        };
        let location = self
            .location
            .as_ref()
            .map(Location::shown)
            .unwrap_or_default();
        let parent = self
            .location
            .as_ref()
            .and_then(|location| location.chart.as_ref());
        let chart = self.chart.as_ref().filter(|chart| Some(*chart) != parent);
        let chart = chart.map(|chart| format!("chart {}", chart.shown()));
        let chart = chart.unwrap_or_default();
        let parts = [start, location, chart]
            .into_iter()
            .filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(", ")
    }

    /// Returns the chart to upgrade, and the first version that is clean by the rule.
    pub fn first_clean(&self, rule: &str) -> Option<(&Chart, &'static str)> {
        let location = self.location.as_ref();
        let parent = location.and_then(|location| {
            let chart = location.chart.as_ref()?;
            let repository = Some(location.repository.as_str()).filter(|url| !url.is_empty());
            Some((chart, chart.first_clean(self.charts, repository, rule)?))
        });
        parent.or_else(|| {
            let chart = self.chart.as_ref()?;
            Some((chart, chart.first_clean(self.charts, None, rule)?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_cut_into_a_chart_and_its_version() {
        for (label, expected) in [
            (
                "kube-state-metrics-4.7.0",
                Some(("kube-state-metrics", "4.7.0")),
            ),
            ("app-2-go-1.0.0-rc.1", Some(("app-2-go", "1.0.0-rc.1"))),
            ("app-v1.2.3_build.5", Some(("app", "v1.2.3+build.5"))),
            ("app", None),
            ("app-1.2", None),
            ("", None),
        ] {
            let chart = Chart::parse(label);
            let found = chart
                .as_ref()
                .map(|chart| (chart.name.as_str(), chart.version.as_str()));
            assert_eq!(found, expected, "{label}");
        }
    }

    #[test]
    fn the_first_clean_version_is_that_of_the_rule() {
        let chart = Chart::parse("ingress-nginx-4.1.3").unwrap();
        assert_eq!(
            chart.first_clean(Charts::EMBEDDED, None, "k8s-gcr-io"),
            Some("4.1.4")
        );
        assert_eq!(
            chart.first_clean(Charts::EMBEDDED, None, "bitnami-versioned"),
            None
        );
        let clean = Chart::parse("ingress-nginx-4.1.4").unwrap();
        assert_eq!(
            clean.first_clean(Charts::EMBEDDED, None, "k8s-gcr-io"),
            None
        );
    }
}
