//! Finds the images of one object and applies the rules to them.
//!
//! Looks at each object alone.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;

use super::container::Container;
use super::image_use::{Change, Judged, Use};
use super::object::{self, Object};
use super::spelled::Spelled;
use crate::check::{self, Image};
use crate::edit::{self, Applicability, Fix};
use crate::file_type;
use crate::finding::{Finding, Usage};
use crate::rules::RuleSet;
use crate::rules::prefilter::Prefilter;
use crate::source::Span;
use crate::syntax::json_pointer::escaped;

/// Applies the rules to objects.
pub struct Judge<'r> {
    rules: &'r RuleSet,
    prefilter: &'r Prefilter,
}

impl<'r> Judge<'r> {
    /// `prefilter` must belong to `rules`.
    pub fn new(rules: &'r RuleSet, prefilter: &'r Prefilter) -> Self {
        Self { rules, prefilter }
    }

    /// Reduces an object to what is kept. `None` if it has no kind or name. Kinds that pull nothing, such as events, get no
    /// images.
    pub fn object(&self, mut value: Value) -> Option<Object> {
        let mut object = Object::new(&value)?;
        if object::is_read_for_images(&object.identity) {
            object::strip(&mut value);
            object.uses = self.uses(&value);
            let is_legacy = object.uses.iter().any(|one| one.judged.is_some());
            object.value = (self.rules.answers().is_some() && is_legacy).then_some(value);
        }
        Some(object)
    }

    /// Judges legacy objects again after registries have answered.
    pub fn again(&self, objects: &mut [Object]) {
        objects.par_iter_mut().for_each(|object| {
            if let Some(value) = &object.value {
                object.uses = self.uses(value);
            }
        });
    }

    fn uses(&self, value: &Value) -> Vec<Use> {
        let spelled = Spelled::new(value);
        let text = &spelled.text;
        // Only the kind of a cluster's object decides how it is read, never a file name.
        let (path, file_type) = (Path::new("object.json"), file_type::standard_input());
        let images = check::images(path, text, file_type);
        let mut uses: Vec<(Span, Use)> = images
            .into_iter()
            .filter_map(|image| used(value, &spelled, &image))
            .collect();
        if self.prefilter.occur_in(text.as_bytes()) {
            let findings = check::check(path, text, file_type, self.rules).findings;
            let pulls = findings
                .into_iter()
                .filter(|finding| finding.usage.is_some_and(Usage::is_pull) && !finding.mention);
            for finding in pulls {
                let span = finding.span();
                let at = uses.iter().position(|(extent, _)| extent.covers(span));
                let Some(pointer) = spelled.pointer_at(span.start) else {
                    continue;
                };
                let at = at.unwrap_or_else(|| {
                    let container = Container::at(value, pointer);
                    let image = finding.old.clone();
                    let pointer = pointer.to_owned();
                    let judged = None;
                    let one = Use {
                        container,
                        pointer,
                        image,
                        judged,
                    };
                    uses.push((span, one));
                    uses.len() - 1
                });
                uses[at].1.judged = Some(judged(value, &spelled, finding));
            }
        }
        uses.into_iter().map(|(_, one)| one).collect()
    }
}

fn used(value: &Value, spelled: &Spelled, image: &Image) -> Option<(Span, Use)> {
    let pointer = spelled.pointer_at(image.span.start)?;
    let one = Use {
        container: Container::at(value, pointer),
        pointer: pointer.to_owned(),
        image: image.reference(),
        judged: None,
    };
    Some((image.extent, one))
}

fn judged(value: &Value, spelled: &Spelled, finding: Finding) -> Judged {
    let changes = finding
        .fix
        .as_ref()
        .and_then(|fix| changes(value, spelled, fix));
    Judged {
        finding: Arc::new(finding),
        changes: changes.unwrap_or_default(),
    }
}

/// Returns the values that a fix replaces. `None` if it changes anything else, or is never written.
fn changes(value: &Value, spelled: &Spelled, fix: &Fix) -> Option<Vec<Change>> {
    if !fix.applicability.is_written() || !fix.elsewhere.is_empty() {
        return None;
    }
    let after = edit::apply(&spelled.text, [fix], Applicability::Unsafe);
    let after = serde_json::from_str(&after).ok()?;
    let mut found = Vec::new();
    let replaces_only = compare(value, &after, &mut String::new(), &mut found);
    replaces_only.then_some(found)
}

/// Adds the strings that differ. Returns whether nothing else differs.
fn compare(old: &Value, new: &Value, pointer: &mut String, found: &mut Vec<Change>) -> bool {
    let length = pointer.len();
    let mut step = |key: &str, old: &Value, new: &Value, found: &mut Vec<Change>| {
        pointer.push('/');
        pointer.push_str(&escaped(key));
        let same = compare(old, new, pointer, found);
        pointer.truncate(length);
        same
    };
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            old.len() == new.len()
                && old.iter().all(|(key, value)| {
                    let other = new.get(key);
                    other.is_some_and(|other| step(key, value, other, found))
                })
        }
        (Value::Array(old), Value::Array(new)) => {
            let mut pairs = old.iter().zip(new).enumerate();
            old.len() == new.len()
                && pairs.all(|(at, (old, new))| step(&at.to_string(), old, new, found))
        }
        (Value::String(old), Value::String(new)) => {
            if old != new {
                found.push(Change {
                    pointer: pointer.clone(),
                    old: old.clone(),
                    new: new.clone(),
                });
            }
            true
        }
        (old, new) => old == new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(value: Value) -> Vec<Use> {
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        let prefilter = Prefilter::new(&rules, &[]).unwrap();
        let judge = Judge::new(&rules, &prefilter);
        judge.object(value).unwrap().uses
    }

    #[test]
    fn images_of_a_pod_and_what_changes() {
        let found = uses(serde_json::json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "uid": "1"},
            "spec": {
                "containers": [
                    {"name": "app", "image": "k8s.gcr.io/pause:3.9"},
                    {"name": "new", "image": "registry.k8s.io/pause:3.9", "args": ["--image=k8s.gcr.io/pause:3.1"]},
                ],
                "ephemeralContainers": [{"name": "debug", "image": "busybox"}],
                "volumes": [{"name": "model", "image": {"reference": "k8s.gcr.io/model:1"}}],
            },
            "status": {"containerStatuses": [{"name": "app", "image": "k8s.gcr.io/other:1"}]},
        }));
        let shown = |one: &Use| {
            let judged = one.judged.as_ref();
            let new = judged
                .and_then(|judged| judged.finding.new.clone())
                .unwrap_or_default();
            format!("{} {} {new}", one.container.shown(), one.image)
        };
        let shown: Vec<_> = found.iter().map(shown).collect();
        assert_eq!(
            shown,
            [
                "app k8s.gcr.io/pause:3.9 registry.k8s.io/pause:3.9",
                "new k8s.gcr.io/pause:3.1 registry.k8s.io/pause:3.1",
                "new registry.k8s.io/pause:3.9 ",
                "debug (ephemeral) busybox ",
                "model (volume) k8s.gcr.io/model:1 registry.k8s.io/model:1",
            ]
        );
        let changes = &found[0].judged.as_ref().unwrap().changes;
        let [change] = changes.as_slice() else {
            panic!("{changes:?}");
        };
        assert_eq!(change.pointer, "/spec/containers/0/image");
        assert_eq!(change.new, "registry.k8s.io/pause:3.9");
        let argument = &found[1].judged.as_ref().unwrap().changes[0];
        assert_eq!(argument.old, "--image=k8s.gcr.io/pause:3.1");
        assert_eq!(argument.new, "--image=registry.k8s.io/pause:3.1");
    }

    #[test]
    fn a_custom_resource_in_pieces() {
        let found = uses(serde_json::json!({
            "apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "uid": "1"},
            "spec": {"image": {"registry": "k8s.gcr.io", "repository": "pause", "tag": "3.9"}},
        }));
        let [one] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(one.image, "k8s.gcr.io/pause:3.9");
        assert_eq!(one.container.name, "spec.image.registry");
        let changes = &one.judged.as_ref().unwrap().changes;
        assert_eq!(
            (changes.len(), changes[0].new.as_str()),
            (1, "registry.k8s.io")
        );
    }
}
