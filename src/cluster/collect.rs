//! Collects objects one at a time and judges them in batches.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde_json::Value;

use super::crd;
use super::judge::Judge;
use super::object::Object;
use super::report::NotRead;
use super::server::{DEFINITIONS, Refusal, Server};
use crate::parallel;

/// How many objects are held at once.
const BATCH: usize = 256;
/// How many resources are read at once. An API server limits its clients.
pub(super) const READERS: usize = 4;

/// How many times a resource is read if reading is interrupted.
const ATTEMPTS: u32 = 3;

/// The resources of every cluster that can pull images. ReplicaSets lead from pods to Deployments.
const BUILT_IN: [&str; 9] = [
    "cronjobs.batch",
    "daemonsets.apps",
    "deployments.apps",
    "jobs.batch",
    "pods",
    "podtemplates",
    "replicasets.apps",
    "replicationcontrollers",
    "statefulsets.apps",
];

/// Judges objects as they arrive.
pub struct Collector<'j> {
    judge: &'j Judge<'j>,
    batch: Vec<Value>,
    objects: Vec<Object>,
}

impl<'j> Collector<'j> {
    pub fn new(judge: &'j Judge<'j>) -> Self {
        Self {
            judge,
            batch: Vec::with_capacity(BATCH),
            objects: Vec::new(),
        }
    }

    pub fn add(&mut self, object: Value) {
        self.batch.push(object);
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    pub fn finish(mut self) -> Vec<Object> {
        self.flush();
        self.objects
    }

    fn flush(&mut self) {
        let judge = self.judge;
        let batch = std::mem::take(&mut self.batch).into_par_iter();
        self.objects
            .par_extend(batch.filter_map(|value| judge.object(value)));
    }
}

/// The objects of a cluster, and what could not be read.
#[derive(Debug, Default)]
pub struct Collected {
    pub objects: Vec<Object>,
    /// Resources that the user may not read, or that the cluster lacks.
    pub not_read: Vec<NotRead>,
    /// Why the result is incomplete: error messages with the resources that they are about.
    pub failures: BTreeMap<String, Vec<String>>,
    /// Whether a resource was read to its end, even if it has no objects. Definitions do not count.
    pub has_answers: bool,
}

impl Collected {
    /// Keeps the objects of the namespace and their owners. The API server lists cluster-scoped objects even for one namespace.
    pub fn keep_to_namespace(&mut self) {
        let mut owners: HashMap<String, String> = HashMap::new();
        let mut open = Vec::new();
        for object in &self.objects {
            let Some(owner) = &object.owner else { continue };
            owners.insert(object.uid.clone(), owner.uid.clone());
            if !object.identity.namespace.is_empty() {
                open.push(owner.uid.clone());
            }
        }
        let mut kept = HashSet::new();
        while let Some(uid) = open.pop() {
            if kept.insert(uid.clone()) {
                open.extend(owners.get(&uid).cloned());
            }
        }
        self.objects
            .retain(|one| !one.identity.namespace.is_empty() || kept.contains(&one.uid));
    }

    fn refuse(&mut self, resource: &str, refusal: Refusal, is_named: bool) {
        let resource = resource.to_owned();
        match refusal {
            Refusal::Forbidden => self.not_read.push(NotRead {
                resource,
                why: "forbidden for this user".to_owned(),
            }),
            // Only a resource that the user named must exist. An old cluster may have a built-in one in another version only.
            Refusal::NoSuchResource if is_named => {
                let why = "the cluster has no such resource".to_owned();
                self.failures.entry(why).or_default().push(resource);
            }
            Refusal::NoSuchResource => self.not_read.push(NotRead {
                resource,
                why: "the cluster has no such resource".to_owned(),
            }),
            Refusal::Failed(why) | Refusal::Interrupted(why) => {
                self.failures.entry(why).or_default().push(resource)
            }
        }
    }
}

/// Reads a cluster: the built-in resources, the custom resources that can name images, and the resources that the user named.
pub fn collect(server: &dyn Server, judge: &Judge<'_>, named: &[String]) -> Collected {
    let mut collected = Collected::default();
    let mut resources: Vec<String> = BUILT_IN.map(str::to_owned).into();
    let mut custom = Vec::new();
    let defined = attempt(|| {
        custom.clear();
        let mut add = |definition: Value| custom.extend(crd::resource(&definition));
        server.get(DEFINITIONS, &mut add)
    });
    if let Err(refusal) = defined {
        collected.refuse(DEFINITIONS, refusal, false);
    }
    resources.extend(custom.into_iter().chain(named.iter().cloned()));
    let mut known = HashSet::new();
    resources.retain(|resource| known.insert(resource.clone()));

    let read = parallel::map(&resources, READERS, |_, resource| {
        let mut objects = Vec::new();
        let read = attempt(|| {
            let mut collector = Collector::new(judge);
            let done = server.get(resource, &mut |value| collector.add(value));
            objects = collector.finish();
            done
        });
        (objects, read.err())
    });
    for (resource, (objects, refusal)) in resources.iter().zip(read) {
        collected.objects.extend(objects);
        match refusal {
            None => collected.has_answers = true,
            Some(refusal) => collected.refuse(resource, refusal, named.contains(resource)),
        }
    }
    collected
}

/// Starts again if reading was interrupted.
fn attempt(mut read: impl FnMut() -> Result<(), Refusal>) -> Result<(), Refusal> {
    let mut result = read();
    for _ in 1..ATTEMPTS {
        if !matches!(result, Err(Refusal::Interrupted(_))) {
            break;
        }
        result = read();
    }
    result
}
