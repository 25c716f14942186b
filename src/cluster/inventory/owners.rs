//! Finds the root of an object's owners.

use std::collections::HashMap;

use super::super::identity::Identity;
use super::super::object::{Object, Owner};

/// The longest chain of owners that is followed. The limit also ends circles.
const LONGEST_CHAIN: usize = 16;

/// Objects by uid and by name, as owner references name them.
pub(super) struct Index<'o> {
    by_uid: HashMap<&'o str, &'o Object>,
    by_name: HashMap<&'o Identity, &'o Object>,
}

/// An object, its owner, that one's owner and so on, as far as they were read.
#[derive(Clone)]
pub(super) struct Chain<'o> {
    pub(super) object: &'o Object,
    pub(super) owners: Vec<&'o Object>,
    /// The owner of the last object, if it was not read.
    pub(super) unread: Option<&'o Owner>,
}

impl<'o> Index<'o> {
    pub(super) fn new(objects: &'o [Object]) -> Self {
        let with_uid = objects.iter().filter(|object| !object.uid.is_empty());
        Self {
            by_uid: with_uid
                .map(|object| (object.uid.as_str(), object))
                .collect(),
            by_name: objects
                .iter()
                .map(|object| (&object.identity, object))
                .collect(),
        }
    }

    fn owner(&self, owner: &Owner) -> Option<&'o Object> {
        let by_uid = self.by_uid.get(owner.uid.as_str());
        // A dump may lack uids. An object that was created again under the same name has another uid.
        let named = |identity: &Identity| {
            let found = self.by_name.get(identity);
            found.filter(|found| found.uid.is_empty() || owner.uid.is_empty())
        };
        let anywhere = || {
            let identity = Identity {
                namespace: String::new(),
                ..owner.identity.clone()
            };
            named(&identity)
        };
        by_uid
            .or_else(|| named(&owner.identity))
            .or_else(anywhere)
            .copied()
    }

    pub(super) fn chain(&self, object: &'o Object) -> Chain<'o> {
        let mut chain = Chain {
            object,
            owners: Vec::new(),
            unread: None,
        };
        while chain.owners.len() < LONGEST_CHAIN {
            let top = chain.top();
            // A static pod belongs to its node, which is not what the user should change.
            let owner = top
                .owner
                .as_ref()
                .filter(|owner| owner.identity.kind != "Node");
            let Some(owner) = owner else { break };
            let Some(next) = self.owner(owner) else {
                chain.unread = Some(owner);
                break;
            };
            let is = |one: &&Object| std::ptr::eq(*one, next);
            if is(&object) || chain.owners.iter().any(is) {
                break;
            }
            chain.owners.push(next);
        }
        chain
    }
}

impl<'o> Chain<'o> {
    /// Returns the topmost object that was read.
    pub(super) fn top(&self) -> &'o Object {
        self.owners.last().copied().unwrap_or(self.object)
    }

    pub(super) fn is_root(&self) -> bool {
        self.owners.is_empty() && self.unread.is_none()
    }

    pub(super) fn root(&self) -> Identity {
        match self.unread {
            Some(owner) => owner.identity.clone(),
            None => without_node(self.top()),
        }
    }

    /// Whether the object has ended and its owner makes new ones, so that nothing pulls its images. Of ReplicaSets without
    /// pods, all but one are old revisions.
    pub(super) fn is_history(&self) -> bool {
        let Object {
            is_past,
            owner,
            replicas,
            ..
        } = self.object;
        *is_past && (!self.owners.is_empty() || owner.is_some() && *replicas == Some(0))
    }
}

/// Removes the name of the node: the static pod `kube-proxy-node-1` on `node-1` becomes `kube-proxy`.
fn without_node(object: &Object) -> Identity {
    let mut identity = object.identity.clone();
    let node = object.node_of_static_pod.as_ref();
    let short = node.and_then(|node| identity.name.strip_suffix(node.as_str())?.strip_suffix('-'));
    if let Some(short) = short.filter(|short| !short.is_empty()) {
        identity.name = short.to_owned();
    }
    identity
}
