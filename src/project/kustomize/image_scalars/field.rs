//! The fields of resources, and those that entries look at.

use crate::syntax::yaml::{Map, Node};

/// The field of a leaf in the output of the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Field {
    /// Possibly any field: only Helm knows where a value ends up.
    Any,
    /// A field that no entry looks at, unless a replacement copies its value.
    Elsewhere,
    At {
        resource: Resource,
        /// Keys joined by slashes; lists add nothing.
        path: String,
        /// Whether entries look there by default.
        by_default: bool,
    },
}

/// The group, version and kind of a resource. A patch may omit them; then its target decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(in super::super) struct Resource {
    group: String,
    version: String,
    pub(super) kind: String,
}

/// A field that a configuration adds to those that entries look at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in super::super) struct FieldSpec {
    resource: Resource,
    path: String,
}

impl FieldSpec {
    /// Reads `images:` in a configuration, or `fieldSpecs:` of a transformer.
    pub(in super::super) fn read(node: Option<&Node<'_>>) -> Vec<Self> {
        let items = node.and_then(Node::as_list).map(|list| list.items.iter());
        let maps = items.into_iter().flatten().filter_map(Node::as_map);
        let spec = |map: &Map<'_>| {
            let text = |key: &str| map.text(key).unwrap_or_default().to_owned();
            let path = map.text("path")?.replace("[]", "");
            Some(Self {
                path: path.trim_matches('/').to_owned(),
                resource: Resource {
                    group: text("group"),
                    version: text("version"),
                    kind: text("kind"),
                },
            })
        };
        maps.filter_map(spec).collect()
    }

    fn selects(&self, resource: &Resource, path: &str) -> bool {
        // A part that the spec or a patch omits may be anything.
        let meet = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
        self.path == path
            && meet(&self.resource.group, &resource.group)
            && meet(&self.resource.version, &resource.version)
            && meet(&self.resource.kind, &resource.kind)
    }
}

impl Field {
    /// Whether an entry looks at the field.
    pub(in super::super) fn is_seen(&self, specs: &[FieldSpec]) -> bool {
        match self {
            Self::Any => true,
            Self::Elsewhere => false,
            Self::At {
                resource,
                path,
                by_default,
            } => *by_default || specs.iter().any(|spec| spec.selects(resource, path)),
        }
    }
}

impl Resource {
    pub(super) fn of(map: &Map<'_>) -> Self {
        let version = map.text("apiVersion").unwrap_or_default();
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: map.text("kind").unwrap_or_default().to_owned(),
        }
    }
}
