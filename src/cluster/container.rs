//! Finds the container, volume or field of an object that names an image.

use serde_json::Value;

use crate::syntax::json_pointer::unescaped;

/// The role of an image, judged by its location in the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Container,
    InitContainer,
    EphemeralContainer,
    /// A volume that is an image.
    Volume,
    /// A field of a custom resource.
    Field,
}

impl Role {
    /// The name in machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::InitContainer => "initContainer",
            Self::EphemeralContainer => "ephemeralContainer",
            Self::Volume => "volume",
            Self::Field => "field",
        }
    }
}

/// The name of a container or volume, or the path of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Container {
    pub role: Role,
    pub name: String,
}

const LISTS: [(&str, Role); 4] = [
    ("containers", Role::Container),
    ("initContainers", Role::InitContainer),
    ("ephemeralContainers", Role::EphemeralContainer),
    ("volumes", Role::Volume),
];

impl Container {
    /// Finds what the value at a JSON pointer belongs to.
    pub(super) fn at(object: &Value, pointer: &str) -> Self {
        let mut node = object;
        let mut list = None;
        for token in pointer.split('/').skip(1) {
            let key = unescaped(token);
            let next = match node {
                Value::Object(map) => {
                    list = LISTS.iter().find(|(name, _)| *name == key);
                    map.get(&key)
                }
                Value::Array(items) => {
                    let item = key.parse().ok().and_then(|at: usize| items.get(at));
                    let name = item
                        .and_then(|item| item.get("name"))
                        .and_then(Value::as_str);
                    if let (Some((_, role)), Some(name)) = (list.take(), name) {
                        return Self {
                            role: *role,
                            name: name.to_owned(),
                        };
                    }
                    item
                }
                _ => None,
            };
            let Some(next) = next else { break };
            node = next;
        }
        Self {
            role: Role::Field,
            name: pointer.trim_start_matches('/').replace('/', "."),
        }
    }

    /// Returns the text for people.
    pub fn shown(&self) -> String {
        match self.role {
            Role::Container | Role::Field => self.name.clone(),
            Role::InitContainer => format!("{} (init)", self.name),
            Role::EphemeralContainer => format!("{} (ephemeral)", self.name),
            Role::Volume => format!("{} (volume)", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_list_of_containers_names_it() {
        let object = serde_json::json!({
            "spec": {
                "image": "a",
                "containers": [{"name": "app", "image": "b", "args": ["--x=c"]}],
                "initContainers": [{"name": "setup", "image": "d"}],
                "volumes": [{"name": "model", "image": {"reference": "e"}}],
                "items": [{"name": "no container", "image": "f"}],
            },
        });
        for (pointer, expected) in [
            ("/spec/image", "spec.image"),
            ("/spec/containers/0/image", "app"),
            ("/spec/containers/0/args/0", "app"),
            ("/spec/initContainers/0/image", "setup (init)"),
            ("/spec/volumes/0/image/reference", "model (volume)"),
            ("/spec/items/0/image", "spec.items.0.image"),
            ("/spec/containers/7/image", "spec.containers.7.image"),
        ] {
            assert_eq!(Container::at(&object, pointer).shown(), expected);
        }
    }
}
