//! Where an image is in a file, as [`structure`](crate::structure) writes it, and which object of a cluster that may be about.
//!
//! Knows no file and no image.

use super::inventory::{Presence, Row};
use crate::syntax::placeholder::literal_pieces;

/// `Deployment/web:spec.template.spec.containers[name=app].image`, in its parts. Without a manifest, there are keys only.
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
    /// A kustomization, a chart or a controller may have made its name the name of the object.
    Related,
    /// It names no workload, or one whose name is only known when it is rendered.
    Open,
    /// It is about another object.
    Other,
}

/// Kinds that run pods. None of them is written in git as another one.
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

    /// Whether it lies in an item of a list that has this name.
    pub(super) fn is_in(&self, item: &str) -> bool {
        let mut names = self.keys.split("[name=").skip(1);
        names.any(|rest| {
            let name = rest.split_once(']').map(|(name, _)| unquoted(name));
            name == Some(item)
        })
    }

    /// Whether one of its keys is this one, as the values of a chart are below its name.
    pub(super) fn has_key(&self, key: &str) -> bool {
        self.keys.split('.').any(|one| one == key)
    }

    /// The image that an entry of a kustomization's `images` is about.
    pub(super) fn images_entry(&self) -> Option<&'p str> {
        let rest = self.keys.strip_prefix("images[name=")?;
        let is_kustomization = matches!(self.kind, "" | "Kustomization" | "Component");
        rest.split_once(']')
            .filter(|_| is_kustomization)
            .map(|(name, _)| unquoted(name))
    }

    /// Whether the manifest is about the object of a row.
    pub(super) fn relation(&self, row: &Row) -> Relation {
        let kind = row.root.kind.as_str();
        // Its maker was not read.
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

/// `web` may become `prod-web`, and `{{ .Release.Name }}-web` or `${NAME}-web` may, too.
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
