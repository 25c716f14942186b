//! The inventory: one row per root object, container and image, instead of one per pod.
//!
//! A Pod belongs to a ReplicaSet, and that to a Deployment: the user must change the Deployment, or whatever made it.

mod owners;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::container::{Container, Role};
use super::identity::Identity;
use super::image_use::{Judged, Use};
use super::in_git::InGit;
use super::object::Object;
use super::origin::{Manager, Origin, Sources};
use crate::rules::charts::Charts;

use owners::{Chain, Index};

/// The object that names the image of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// The root object.
    Declared,
    /// An object that the root made. The root names another image for this container.
    Left { declared: String },
    /// An object that the root made. The root has no such container: something adds it.
    Added,
    /// A pod with an ephemeral container, as for debugging.
    Debug,
    /// An object that the root made. The root names no containers, or was not read.
    Chosen,
}

impl Presence {
    /// The name in machine-readable output.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Left { .. } => "left",
            Self::Added => "added",
            Self::Debug => "debug",
            Self::Chosen => "chosen",
        }
    }
}

/// How many pods have the image, and how many should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replicas {
    /// Pods that have the image and have not ended.
    pub pods: u64,
    /// Pods that the root wants. `None` if the root does not decide that.
    pub wanted: Option<u64>,
}

impl Replicas {
    /// `2/3`, or `-` if there is nothing to count.
    pub fn shown(&self) -> String {
        match self.wanted {
            Some(wanted) => format!("{}/{wanted}", self.pods),
            None if self.pods == 0 => "-".to_owned(),
            None => self.pods.to_string(),
        }
    }
}

/// One image of one container of one root.
#[derive(Debug, Clone)]
pub struct Row {
    /// The root object. For static pods, without the name of the node.
    pub root: Identity,
    pub container: Container,
    pub image: String,
    pub judged: Option<Judged>,
    /// JSON pointers into the root. Empty if the root does not name the image.
    pub pointers: Vec<String>,
    pub presence: Presence,
    pub replicas: Replicas,
    pub state: State,
    pub origin: Origin,
    /// Its matches in repositories. `None` if none were read.
    pub git: Option<InGit>,
}

/// Whether a root makes pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    #[default]
    Active,
    ScaledDown,
    Suspended,
    Finished,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::ScaledDown => "scaled down",
            Self::Suspended => "suspended",
            Self::Finished => "finished",
        }
    }

    fn of(root: &Object) -> Self {
        match root {
            _ if root.is_suspended => Self::Suspended,
            _ if root.replicas == Some(0) => Self::ScaledDown,
            _ if root.is_past => Self::Finished,
            _ => Self::Active,
        }
    }
}

/// All objects that were read.
#[derive(Debug)]
pub struct Inventory {
    objects: Vec<Object>,
    charts: Charts,
}

impl Inventory {
    /// `charts` is the table of chart advisories.
    pub fn new(objects: Vec<Object>, charts: Charts) -> Self {
        Self { objects, charts }
    }

    /// Counts the objects by kind.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for object in &self.objects {
            *counts.entry(object.identity.kind.as_str()).or_default() += 1;
        }
        counts
    }

    /// Returns the rows, in order of namespace, root and container.
    pub fn rows(&self) -> Vec<Row> {
        let index = Index::new(&self.objects);
        let sources = Sources::of(self.objects.iter(), self.charts);
        let mut drafts: BTreeMap<Key, Draft<'_>> = BTreeMap::new();
        for object in self.objects.iter().filter(|object| !object.uses.is_empty()) {
            let chain = index.chain(object);
            if chain.is_history() {
                continue;
            }
            for one in &object.uses {
                let draft = drafts.entry(Key::new(&chain, one));
                let draft = draft.or_insert_with(|| Draft::new(chain.clone()));
                draft.add(object, one, chain.is_root());
            }
        }
        let declared = Declared::new(&drafts);
        drafts
            .iter()
            .map(|(key, draft)| draft.row(key, &sources, &declared))
            .collect()
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    root: Identity,
    container: Container,
    image: String,
    rule: String,
}

impl Key {
    fn new(chain: &Chain<'_>, one: &Use) -> Self {
        let rule = one
            .judged
            .as_ref()
            .map(|judged| judged.finding.rule.to_string());
        Self {
            root: chain.root(),
            container: one.container.clone(),
            image: one.image.clone(),
            rule: rule.unwrap_or_default(),
        }
    }
}

/// A row to which objects are still being added.
struct Draft<'o> {
    chain: Chain<'o>,
    judged: Option<Judged>,
    pointers: Vec<String>,
    pods: u64,
    last_pod: Option<&'o Object>,
    /// The nodes of static pods.
    nodes: BTreeSet<&'o str>,
}

impl<'o> Draft<'o> {
    fn new(chain: Chain<'o>) -> Self {
        Self {
            chain,
            judged: None,
            pointers: Vec::new(),
            pods: 0,
            last_pod: None,
            nodes: BTreeSet::new(),
        }
    }

    fn add(&mut self, object: &'o Object, one: &Use, is_root: bool) {
        let is_first_of_root = is_root && self.pointers.is_empty();
        if is_root {
            self.pointers.push(one.pointer.clone());
        }
        // A fix is applied to the root. Changes to what the root made would not last.
        match (&mut self.judged, &one.judged) {
            (Some(known), Some(more)) if is_root && !is_first_of_root => {
                known.changes.extend(more.changes.iter().cloned());
            }
            (known, Some(more)) if is_first_of_root || known.is_none() => {
                *known = Some(Judged {
                    finding: Arc::clone(&more.finding),
                    changes: if is_root {
                        more.changes.clone()
                    } else {
                        Vec::new()
                    },
                });
            }
            _ => {}
        }
        // The images of an object are added one after the other, so this counts each pod once.
        let is_counted = self.last_pod.is_some_and(|last| std::ptr::eq(last, object));
        if object.is_pod() && !object.is_past && !is_counted {
            self.pods += 1;
            self.last_pod = Some(object);
        }
        self.nodes.extend(object.node_of_static_pod.as_deref());
    }

    fn row(&self, key: &Key, sources: &Sources, declared: &Declared) -> Row {
        let root = Some(self.chain.top()).filter(|_| self.chain.unread.is_none());
        Row {
            root: key.root.clone(),
            container: key.container.clone(),
            image: key.image.clone(),
            judged: self.judged.clone(),
            pointers: self.pointers.clone(),
            presence: declared.presence(key, !self.pointers.is_empty()),
            replicas: Replicas {
                pods: self.pods,
                wanted: root.and_then(|root| root.replicas),
            },
            state: root.map(State::of).unwrap_or_default(),
            origin: self.origin(sources),
            git: None,
        }
    }

    /// Returns the origin of the topmost object whose manager is known.
    fn origin(&self, sources: &Sources) -> Origin {
        let Chain {
            object,
            owners,
            unread,
        } = &self.chain;
        let objects = owners.iter().rev().chain([object]);
        let mut origins = objects.map(|object| sources.origin(object));
        let known = origins.find(|origin| origin.manager != Manager::Unknown);
        let mut origin = known.unwrap_or_else(|| Origin {
            manager: match unread {
                Some(_) => Manager::NotRead,
                None => Manager::Unknown,
            },
            ..sources.origin(self.chain.top())
        });
        if origin.manager == Manager::StaticPod {
            origin.name = self.nodes.iter().copied().collect::<Vec<_>>().join(", ");
        }
        origin
    }
}

/// The image that each root names for each of its containers.
struct Declared<'d> {
    images: HashMap<&'d Identity, BTreeMap<&'d Container, &'d str>>,
}

impl<'d> Declared<'d> {
    fn new(drafts: &'d BTreeMap<Key, Draft<'_>>) -> Self {
        let mut images: HashMap<_, BTreeMap<_, _>> = HashMap::new();
        let own = drafts
            .iter()
            .filter(|(_, draft)| !draft.pointers.is_empty());
        for (key, draft) in own {
            // Arguments of a container may name other images.
            let is_its_image = |pointer: &String| {
                key.container.role == Role::Field
                    || pointer.ends_with("/image")
                    || pointer.ends_with("/reference")
            };
            if draft.pointers.iter().any(is_its_image) {
                let containers = images.entry(&key.root).or_default();
                containers.insert(&key.container, key.image.as_str());
            }
        }
        Self { images }
    }

    fn presence(&self, key: &Key, is_declared: bool) -> Presence {
        if is_declared {
            return Presence::Declared;
        }
        let containers = self.images.get(&key.root);
        let is_container = |container: &&Container| container.role != Role::Field;
        let has_containers = containers.is_some_and(|all| all.keys().any(is_container));
        match containers.and_then(|all| all.get(&key.container)) {
            None if key.container.role == Role::EphemeralContainer => Presence::Debug,
            Some(declared) => Presence::Left {
                declared: (*declared).to_owned(),
            },
            None if has_containers => Presence::Added,
            None => Presence::Chosen,
        }
    }
}
