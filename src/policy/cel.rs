//! Conditions as expressions of CEL, with the functions that Kubernetes has since 1.30.

use super::condition::{Condition, Part, Replacement, replacements};

/// Variables of a policy, by name; later ones use earlier ones.
pub(super) type Variables = Vec<(String, String)>;

/// The images of an object that its former state did not have: what runs already can be scaled, labelled and restarted.
const IMAGES: &str = "variables.images";

/// The variables that the check of each rule needs: the pod spec, now and before, its images, and for each rule the
/// images that it is about. Where there was no object before, most engines have `null`, and Kyverno an empty map.
pub(super) fn variables(conditions: &[Condition]) -> Variables {
    let mut variables = vec![
        ("pod".to_owned(), pod("object")),
        ("all".to_owned(), images("variables.pod")),
        (
            "known".to_owned(),
            format!(
                "oldObject == null || !has(oldObject.kind) ? [] : [{}].map(spec, {})[0]",
                pod("oldObject"),
                images("spec")
            ),
        ),
        (
            "images".to_owned(),
            "variables.all.filter(image, !(image in variables.known))".to_owned(),
        ),
    ];
    for condition in conditions {
        let applies = applies("image", condition);
        variables.push((
            variable(condition),
            format!("{IMAGES}.filter(image, {applies})"),
        ));
    }
    variables
}

/// `k8s-gcr-io` as a name in CEL.
fn variable(condition: &Condition) -> String {
    format!("rule_{}", condition.rule.replace('-', "_"))
}

/// True for an object without new images that the rule is about, and what to say otherwise.
pub(super) fn validation(condition: &Condition) -> (String, String) {
    let variable = variable(condition);
    let end = match &condition.url {
        Some(url) => format!(" (regfix {}, {url})", condition.rule),
        None => format!(" (regfix {})", condition.rule),
    };
    let message = format!(
        "{} + variables.{variable}.join(', ') + {}",
        quoted(&format!("{}: ", condition.summary)),
        quoted(&end)
    );
    (format!("size(variables.{variable}) == 0"), message)
}

/// The pod spec of a pod or of what makes pods.
fn pod(object: &str) -> String {
    format!(
        "{object}.kind == 'Pod' ? {object}.spec : {object}.kind == 'CronJob' ? \
         {object}.spec.jobTemplate.spec.template.spec : {object}.kind == 'PodTemplate' ? {object}.template.spec : \
         {object}.spec.template.spec"
    )
}

/// The images of a pod spec: of all containers, and of image volumes.
fn images(spec: &str) -> String {
    format!(
        "({spec}.?containers.orValue([]) + {spec}.?initContainers.orValue([]) + \
         {spec}.?ephemeralContainers.orValue([])).filter(c, has(c.image)).map(c, c.image) + \
         {spec}.?volumes.orValue([]).filter(v, has(v.image) && has(v.image.reference)).map(v, v.image.reference)"
    )
}

/// Whether a controller made the object: it was judged where it was declared.
pub(super) const NOT_CONTROLLED: &str =
    "!object.metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false))";

/// Whether the rule is about an image.
fn applies(image: &str, condition: &Condition) -> String {
    let parts = merged(&condition.parts);
    let parts: Vec<String> = parts.iter().map(|part| part_applies(image, part)).collect();
    parts.join(" || ")
}

/// Parts with the same exceptions as one: each expression is searched once.
fn merged(parts: &[Part]) -> Vec<Part> {
    let mut merged: Vec<Part> = Vec::new();
    for part in parts {
        match merged.iter_mut().find(|one| one.unless == part.unless) {
            Some(one) => {
                one.matches.push('|');
                one.matches += &part.matches;
            }
            None => merged.push(part.clone()),
        }
    }
    merged
}

fn part_applies(image: &str, part: &Part) -> String {
    let matches = format!("{image}.matches({})", raw(&part.matches));
    let unless = part.unless.iter();
    let unless: String = unless
        .map(|other| format!(" && !({})", part_applies(image, other)))
        .collect();
    format!("({matches}{unless})")
}

/// The operations that replace the images of a new pod that a rule moves. Where there are none, the pod stays as it is.
pub(super) fn mutation(conditions: &[Condition]) -> String {
    let applies = conditions
        .iter()
        .map(|condition| applies("one.image", condition));
    let applies: Vec<String> = applies.collect();
    let applies = applies.join(" || ");
    let image = replaced("one.image", conditions);
    format!(
        "({}).filter(one, {applies}).map(one, JSONPatch{{op: 'replace', path: one.path, value: {image}}})",
        images_and_paths()
    )
}

/// No variable: Kyverno's command knows none in a MutatingAdmissionPolicy.
fn images_and_paths() -> String {
    let list = |field: &str, has: &str, image: &str| {
        let path = image.replace('.', "/");
        format!(
            "object.spec.?{field}.orValue([]).transformList(index, one, {has}, \
             {{'path': '/spec/{field}/' + string(index) + '/{path}', 'image': string(one.{image})}})"
        )
    };
    let lists = [
        list("containers", "has(one.image)", "image"),
        list("initContainers", "has(one.image)", "image"),
        list(
            "volumes",
            "has(one.image) && has(one.image.reference)",
            "image.reference",
        ),
    ];
    lists.join(" + ")
}

/// The image after the move of the part that counts.
fn replaced(image: &str, conditions: &[Condition]) -> String {
    let parts = replacements(conditions);
    let start = image.to_owned();
    parts.iter().fold(start, |otherwise, (part, replacement)| {
        let applies = part_applies(image, part);
        let Replacement { head, to } = replacement;
        format!(
            "{applies} ? {image}.replace({image}.find({}), {}, 1) : {otherwise}",
            raw(head),
            quoted(to)
        )
    })
}

/// A regular expression as it is. Locations hold no quote.
fn raw(text: &str) -> String {
    format!("r'{text}'")
}

/// A string of CEL: its escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
