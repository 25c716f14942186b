//! The location of an image in a file, as [`structure`](crate::structure) writes it, and which object of a cluster it may be
//! about.
//!
//! This module knows neither files nor images.

use super::inventory::{Presence, Row};
use crate::syntax::placeholder::literal_pieces;

/// The parts of `Deployment/web:spec.template.spec.containers[name=app].image`. Outside of manifests there are only keys.
pub(super) struct FieldPath<'p> {
    /// Empty outside of manifests.
    pub(super) kind: &'p str,
    pub(super) name: &'p str,
    keys: &'p str,
}

/// Whether a file is about the object of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// It names the object.
    Same,
    /// It may name the object, with a name that a kustomization, a chart or a controller made longer.
    Related,
    /// It names no workload, or its name is known only after rendering.
    Open,
    /// It is about another object.
    Other,
}

/// Kinds that run pods. A file with one of these kinds is not the source of another kind.
const WORKLOADS: [&str; 9] = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];

impl<'p> FieldPath<'p> {
    pub(super) fn parse(text: &'p str) -> Self {
        let (object, keys) = text.split_once(':').unwrap_or(("", text));
        let (kind, name) = object.split_once('/').unwrap_or((object, ""));
        Self {
            kind: unquoted(kind),
            name: unquoted(name),
            keys,
        }
    }

    /// Whether it is inside of a list item with this name.
    pub(super) fn is_in(&self, item: &str) -> bool {
        let mut names = self.keys.split("[name=").skip(1);
        names.any(|rest| {
            let name = rest.split_once(']').map(|(name, _)| unquoted(name));
            name == Some(item)
        })
    }

    /// Whether it has this key. A chart's values may be below its name.
    pub(super) fn has_key(&self, key: &str) -> bool {
        self.keys.split('.').any(|one| one == key)
    }

    /// Returns the image that an entry in the `images` of a kustomization selects.
    pub(super) fn images_entry(&self) -> Option<&'p str> {
        let rest = self.keys.strip_prefix("images[name=")?;
        let is_kustomization = matches!(self.kind, "" | "Kustomization" | "Component");
        rest.split_once(']')
            .filter(|_| is_kustomization)
            .map(|(name, _)| unquoted(name))
    }

    /// Compares the manifest with the object of a row.
    pub(super) fn relation(&self, row: &Row) -> Relation {
        let kind = row.root.kind.as_str();
        // The object that made the root was not read.
        let is_maker = row.presence == Presence::Chosen
            && matches!(
                (self.kind, kind),
                ("Deployment", "ReplicaSet") | ("CronJob", "Job")
            );
        match self.kind {
            own if own == kind || is_maker => name_relation(self.name, &row.root.name),
            own if WORKLOADS.contains(&own) && WORKLOADS.contains(&kind) => Relation::Other,
            _ => Relation::Open,
        }
    }
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

/// Compares a written name with a real one. `web`, `{{ .Release.Name }}-web` and `${NAME}-web` may all become `prod-web`.
fn name_relation(written: &str, name: &str) -> Relation {
    if written == name {
        return Relation::Same;
    }
    let mut rest = name;
    let mut is_open = true;
    let pieces = literal_pieces(written).unwrap_or_default().into_iter();
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        is_open = false;
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return Relation::Other,
        }
    }
    match is_open {
        true => Relation::Open,
        false => Relation::Related,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_become_others() {
        for (written, name, expected) in [
            ("web", "web", Relation::Same),
            ("web", "prod-web-v2", Relation::Related),
            ("web", "api", Relation::Other),
            ("{{ .Release.Name }}-web", "shop-web", Relation::Related),
            ("{{ .Release.Name }}-web", "shop-api", Relation::Other),
            ("${TEAM}-web-${ENV}", "a-web-prod", Relation::Related),
            ("web-{{ .Values.x }}-api", "api-web-1", Relation::Other),
            (
                "{{ include \"shop.fullname\" . }}",
                "anything",
                Relation::Open,
            ),
            ("{{ broken", "anything", Relation::Open),
            ("", "anything", Relation::Open),
        ] {
            assert_eq!(name_relation(written, name), expected, "{written} {name}");
        }
    }

    #[test]
    fn a_path_is_cut_into_its_parts() {
        let path = FieldPath::parse(
            "Deployment/\"web\":spec.template.spec.containers[name='app'].env[name=A].value",
        );
        assert_eq!((path.kind, path.name), ("Deployment", "web"));
        assert!(path.is_in("app") && path.is_in("A") && !path.is_in("web"));
        assert_eq!(path.images_entry(), None);
        let values = FieldPath::parse("kube-state-metrics.image.repository");
        assert!(values.has_key("kube-state-metrics") && !values.has_key("metrics"));
        for entry in [
            "images[name=helper].newName",
            "Kustomization:images[name=helper].newName",
        ] {
            assert_eq!(FieldPath::parse(entry).images_entry(), Some("helper"));
        }
        let of_another_kind = FieldPath::parse("Application/a:images[name=helper].newName");
        assert_eq!(of_another_kind.images_entry(), None);
    }
}
