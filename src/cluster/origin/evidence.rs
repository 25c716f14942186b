//! Labels, annotations and other objects that show who put an object into the cluster.
//!
//! The strongest evidence comes first. Charts set `app.kubernetes.io/instance` as they like, so it proves nothing alone.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::super::chart::Chart;
use super::super::identity::Identity;
use super::super::labels::{
    ARGO_ID, ARGO_INSTANCE, CHART, FLUX_KUSTOMIZATION, FLUX_RELEASE, HELM_NAMESPACE, HELM_RELEASE,
    KUSTOMIZE, LAST_APPLIED, OTHERS,
};
use super::super::object::Object;
use super::super::source::{Location, Source, without_user};
use super::{Manager, Origin};
use crate::rules::charts::Charts;

/// The objects that bring others.
pub(in crate::cluster) struct Sources {
    all: HashMap<Identity, Source>,
    /// The application that made each object.
    applications: HashMap<Identity, Identity>,
    charts: Charts,
}

impl Sources {
    pub(in crate::cluster) fn of<'o>(
        objects: impl Iterator<Item = &'o Object>,
        charts: Charts,
    ) -> Self {
        let mut sources = Self {
            all: HashMap::new(),
            applications: HashMap::new(),
            charts,
        };
        for object in objects {
            let Some(source) = &object.source else {
                continue;
            };
            if let Source::Application(_, resources) = source {
                let made = resources
                    .iter()
                    .map(|one| (one.clone(), object.identity.clone()));
                sources.applications.extend(made);
            }
            sources.all.insert(object.identity.clone(), source.clone());
        }
        sources
    }

    /// Finds out who put an object into the cluster.
    pub(in crate::cluster) fn origin(&self, object: &Object) -> Origin {
        let mut origin = self.manager(object);
        origin.charts = self.charts;
        let chart = object
            .evidence
            .get(CHART)
            .or_else(|| object.evidence.get("chart"));
        // Neither of these brings charts, and anybody can set a label.
        let brings_charts = !matches!(origin.manager, Manager::StaticPod | Manager::NotRead);
        origin.chart = chart
            .filter(|_| brings_charts)
            .and_then(|label| Chart::parse(label));
        origin
    }

    fn manager(&self, object: &Object) -> Origin {
        let evidence = &object.evidence;
        if let Some(node) = &object.node_of_static_pod {
            return Origin::new(Manager::StaticPod, node.clone());
        }
        let found = self
            .of_argo(object)
            .or_else(|| {
                self.of_flux(
                    evidence,
                    Manager::FluxHelmRelease,
                    FLUX_RELEASE,
                    "HelmRelease",
                )
            })
            .or_else(|| {
                self.of_flux(
                    evidence,
                    Manager::FluxKustomization,
                    FLUX_KUSTOMIZATION,
                    "Kustomization",
                )
            })
            .or_else(|| of_helm(evidence))
            .or_else(|| of_kustomize(evidence));
        let other = || {
            let mut all = OTHERS.iter();
            let (key, name) = all.find(|(key, _)| evidence.contains_key(*key))?;
            let value = if *key == "olm.owner" {
                evidence[*key].clone()
            } else {
                String::new()
            };
            Some(Origin::new(Manager::Other(name), value))
        };
        let applied = || {
            let is_applied = evidence.contains_key(LAST_APPLIED);
            is_applied.then(|| Origin::new(Manager::KubectlApply, String::new()))
        };
        let found = found.or_else(other).or_else(applied);
        found.unwrap_or_else(|| Origin::new(Manager::Unknown, String::new()))
    }

    /// Finds the Argo CD application from its list of objects, the tracking id, or a label. The id must name the object itself,
    /// because operators copy annotations to what they make.
    fn of_argo(&self, object: &Object) -> Option<Origin> {
        let by_id = || {
            let (name, id) = object.evidence.get(ARGO_ID)?.split_once(':')?;
            let Identity {
                namespace,
                kind,
                name: own,
                group,
            } = &object.identity;
            let (found, target) = id.rsplit_once(':')?;
            // The id of a cluster-scoped object contains the namespace of the application.
            let is_own = found == format!("{group}/{kind}")
                && (target == format!("{namespace}/{own}")
                    || namespace.is_empty() && target.ends_with(&format!("/{own}")));
            // Argo CD writes `NAMESPACE_NAME` for applications outside of its own namespace.
            is_own.then(|| name.replacen('_', "/", 1))
        };
        let by_resources = || self.applications.get(&object.identity).map(with_namespace);
        let by_label = || object.evidence.get(ARGO_INSTANCE).cloned();
        let name = by_resources().or_else(by_id).or_else(by_label)?;
        let named = |one: &&Identity| {
            one.kind == "Application" && (with_namespace(one) == name || one.name == name)
        };
        // Applications with the same name in two namespaces cannot be distinguished.
        let mut all = self.all.keys().filter(named);
        let application = all.next().filter(|_| all.next().is_none());
        let application = self.applications.get(&object.identity).or(application);
        let shown = application.map(with_namespace).unwrap_or(name);
        let mut origin = Origin::new(Manager::ArgoCd, shown);
        origin.location = application.and_then(|one| self.location(one));
        Some(origin)
    }

    fn of_flux(
        &self,
        evidence: &BTreeMap<String, String>,
        manager: Manager,
        group: &str,
        kind: &str,
    ) -> Option<Origin> {
        let name = evidence.get(&format!("{group}/name"))?;
        let namespace = evidence.get(&format!("{group}/namespace"));
        let identity = Identity {
            namespace: namespace.cloned().unwrap_or_default(),
            kind: kind.to_owned(),
            name: name.clone(),
            group: group.to_owned(),
        };
        let mut origin = Origin::new(manager, with_namespace(&identity));
        origin.location = self.location(&identity);
        Some(origin)
    }

    fn location(&self, identity: &Identity) -> Option<Location> {
        let source = self.all.get(identity)?;
        Some(source.location(&self.all)).filter(|location| *location != Location::default())
    }
}

fn with_namespace(identity: &Identity) -> String {
    let Identity {
        namespace, name, ..
    } = identity;
    match namespace.is_empty() {
        true => name.clone(),
        false => format!("{namespace}/{name}"),
    }
}

fn of_helm(evidence: &BTreeMap<String, String>) -> Option<Origin> {
    let release = evidence.get(HELM_RELEASE)?;
    let name = match evidence.get(HELM_NAMESPACE) {
        Some(namespace) => format!("{namespace}/{release}"),
        None => release.clone(),
    };
    Some(Origin::new(Manager::Helm, name))
}

/// The annotation that `kustomize build` writes with `buildMetadata: [originAnnotations]`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Annotated {
    path: String,
    repo: String,
    #[serde(rename = "ref")]
    reference: String,
    #[serde(rename = "configuredIn")]
    configured_in: String,
}

fn of_kustomize(evidence: &BTreeMap<String, String>) -> Option<Origin> {
    let annotated: Annotated = serde_yaml::from_str(evidence.get(KUSTOMIZE)?).ok()?;
    let mut origin = Origin::new(Manager::Kustomize, String::new());
    origin.location = Some(Location {
        repository: without_user(&annotated.repo),
        revision: annotated.reference,
        path: match annotated.path.is_empty() {
            true => annotated.configured_in,
            false => annotated.path,
        },
        chart: None,
    });
    Some(origin)
}
