//! Finds resources in an API, with their version and whether they are namespaced, from the API's own lists.
//!
//! Sends requests through a function that it is given. This module makes no connections.

use serde_json::Value;

use super::super::server::Refusal;

/// The most versions of a group that are checked.
const MOST_VERSIONS: usize = 16;

/// A resource in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) plural: String,
    /// `/apis/batch/v1`
    root: String,
    is_namespaced: bool,
}

impl Kind {
    /// Returns the path of the list. `None` means all namespaces.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        let Self { plural, root, .. } = self;
        match namespace.filter(|_| self.is_namespaced) {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
            None => format!("{root}/{plural}"),
        }
    }
}

/// Returns all resources of a group. If a resource has several versions, the preferred one comes first.
pub(super) fn kinds(
    group: &str,
    ask: &dyn Fn(&str) -> Result<Value, Refusal>,
) -> Result<Vec<Kind>, Refusal> {
    let roots = match group {
        "" => vec!["/api/v1".to_owned()],
        group => {
            if !group.split('.').all(is_name) {
                return Err(Refusal::NoSuchResource);
            }
            let about = ask(&format!("/apis/{group}"))?;
            let versions = versions(&about);
            let roots = versions.iter();
            roots
                .map(|version| format!("/apis/{group}/{version}"))
                .collect()
        }
    };
    let mut kinds = Vec::new();
    for root in roots {
        let list = ask(&root)?;
        kinds.extend(of_list(&list, &root));
    }
    Ok(kinds)
}

/// Returns the versions of a group, the preferred one first.
fn versions(about: &Value) -> Vec<String> {
    let preferred = about.pointer("/preferredVersion/version");
    let all = about.get("versions").and_then(Value::as_array);
    let all = all.into_iter().flatten().map(|one| one.get("version"));
    let mut versions: Vec<String> = Vec::new();
    for version in std::iter::once(preferred).chain(all).flatten() {
        let version = version.as_str().filter(|version| is_name(version));
        if let Some(version) = version.filter(|version| !versions.iter().any(|one| one == version))
        {
            versions.push(version.to_owned());
        }
    }
    versions.truncate(MOST_VERSIONS);
    versions
}

fn of_list<'l>(list: &'l Value, root: &'l str) -> impl Iterator<Item = Kind> + 'l {
    let resources = list.get("resources").and_then(Value::as_array);
    resources.into_iter().flatten().filter_map(move |one| {
        let plural = one.get("name")?.as_str()?;
        // `pods/log` is a subresource.
        is_name(plural).then(|| Kind {
            plural: plural.to_owned(),
            root: root.to_owned(),
            is_namespaced: one.get("namespaced") == Some(&Value::Bool(true)),
        })
    })
}

/// Whether the text may become a part of a path.
pub(super) fn is_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn api(path: &str) -> Result<Value, Refusal> {
        match path {
            "/api/v1" => Ok(json!({"resources": [
                {"name": "pods", "namespaced": true}, {"name": "pods/log", "namespaced": true}, {"name": "nodes", "namespaced": false},
            ]})),
            "/apis/example.com" => Ok(json!({
                "versions": [{"version": "v1beta1"}, {"version": "v1"}, {"version": "../../x"}],
                "preferredVersion": {"version": "v1"},
            })),
            "/apis/example.com/v1" => {
                Ok(json!({"resources": [{"name": "widgets", "namespaced": true}]}))
            }
            "/apis/example.com/v1beta1" => Ok(
                json!({"resources": [{"name": "widgets", "namespaced": true}, {"name": "old", "namespaced": true}]}),
            ),
            _ => Err(Refusal::NoSuchResource),
        }
    }

    #[test]
    fn resources_are_where_the_api_says() {
        let path = |group: &str, plural: &str, namespace: Option<&str>| {
            let kinds = kinds(group, &api).unwrap();
            let found = kinds.iter().find(|kind| kind.plural == plural);
            found.map(|kind| kind.path(namespace))
        };
        for (group, plural, namespace, expected) in [
            ("", "pods", None, Some("/api/v1/pods")),
            ("", "pods", Some("a"), Some("/api/v1/namespaces/a/pods")),
            ("", "nodes", Some("a"), Some("/api/v1/nodes")),
            ("", "pods/log", None, None),
            (
                "example.com",
                "widgets",
                Some("a"),
                Some("/apis/example.com/v1/namespaces/a/widgets"),
            ),
            (
                "example.com",
                "old",
                None,
                Some("/apis/example.com/v1beta1/old"),
            ),
        ] {
            assert_eq!(path(group, plural, namespace).as_deref(), expected);
        }
        assert_eq!(
            kinds("..", &|_| panic!("asked")),
            Err(Refusal::NoSuchResource)
        );
        assert_eq!(kinds("other", &api), Err(Refusal::NoSuchResource));
    }
}
