//! Live objects, as from `kubectl get -o yaml`. Each use is labelled with its object and container.

use std::collections::HashSet;
use std::sync::Arc;

use super::image_use::{ImageUse, Object};
use super::usage::Usage;
use crate::source::Span;
use crate::syntax::yaml::{Map, Node};

/// Labels the uses from index `first` with their object and container, if the object comes from a cluster.
pub(super) fn of_object(root: &Map<'_>, kind: &str, uses: &mut [ImageUse], first: usize) {
    if uses.len() == first {
        return;
    }
    let Some(object) = live_object(root, kind) else {
        return;
    };
    for one in &mut uses[first..] {
        if one.object.is_none() {
            let container = container_of(root, one.extent());
            let object = Object {
                container: container.map(str::to_owned),
                ..object.clone()
            };
            one.object = Some(Arc::new(object));
        }
    }
}

/// Removes observed uses whose image also has another use in the same object, and duplicates among them.
pub fn once_each(text: &str, uses: &mut Vec<ImageUse>) {
    let name_of = |one: &ImageUse| {
        let own = one.text(text);
        let path = one.name.map(|span| span.of(own).to_owned());
        (one.object.clone().map(without_container), path)
    };
    let is_observed = |one: &ImageUse| matches!(one.usage, Usage::Observed(_));
    if !uses.iter().any(is_observed) {
        return;
    }
    let mut seen: HashSet<_> = uses
        .iter()
        .filter(|one| !is_observed(one))
        .map(name_of)
        .collect();
    uses.retain(|one| !is_observed(one) || seen.insert(name_of(one)));
}

fn without_container(object: Arc<Object>) -> Object {
    Object {
        container: None,
        ..(*object).clone()
    }
}

/// Returns the object at a root, if it has fields that only a cluster writes.
fn live_object(root: &Map<'_>, kind: &str) -> Option<Object> {
    let metadata = root.map("metadata")?;
    let has = |key: &str| metadata.get(key).is_some();
    let status = root.map("status");
    let has_status = status.is_some_and(|status| !status.entries.is_empty());
    let is_live = has("uid") || has("resourceVersion") || has_status;
    let name = metadata.text("name").filter(|_| is_live)?;
    Some(Object {
        namespace: metadata.text("namespace").map(str::to_owned),
        kind: kind.to_owned(),
        name: name.to_owned(),
        container: None,
    })
}

/// Returns the name of the container that contains a span.
fn container_of<'m>(map: &'m Map<'m>, span: Span) -> Option<&'m str> {
    let holds = |node: &Node<'_>| node.span().covers(span);
    let entry = map.entries.iter().find(|entry| holds(&entry.value))?;
    let is_list = |name: &str| name.ends_with("ontainers") || name.ends_with("ontainerStatuses");
    match &entry.value {
        Node::Map(inner) => container_of(inner, span),
        Node::List(list) => {
            let item = list.items.iter().find(|item| holds(item))?.as_map()?;
            match entry.name().is_some_and(is_list) {
                true => item.text("name"),
                false => container_of(item, span),
            }
        }
        Node::Scalar(_) | Node::Alias(_) => None,
    }
}
