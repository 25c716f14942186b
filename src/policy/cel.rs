//! Conditions as CEL expressions, with the functions that Kubernetes has since 1.30.

use super::condition::{Condition, Part, Replacement, replacements};

/// Variables of a policy: name and expression. Later ones use earlier ones.
pub(super) type Variables = Vec<(String, String)>;

/// The images that the old object did not have, so that running objects can still be scaled, labelled and restarted.
const IMAGES: &str = "variables.images";

/// The variables for the checks of all rules: the pod spec, its images, the images of the old object, and for each rule the
/// images that it applies to. For a new object, most engines have `null` as the old one, and Kyverno an empty map.
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

/// The variable name of a rule; `-` is not allowed in CEL names.
fn variable(condition: &Condition) -> String {
    format!("rule_{}", condition.rule.replace('-', "_"))
}

/// An expression that is true if no new image matches the rule, and one for the message if it is false.
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

/// The pod spec of a pod or of an object that creates pods.
fn pod(object: &str) -> String {
    format!(
        "{object}.kind == 'Pod' ? {object}.spec : {object}.kind == 'CronJob' ? \
         {object}.spec.jobTemplate.spec.template.spec : {object}.kind == 'PodTemplate' ? {object}.template.spec : \
         {object}.spec.template.spec"
    )
}

/// The images of a pod spec, in all containers and image volumes.
fn images(spec: &str) -> String {
    format!(
        "({spec}.?containers.orValue([]) + {spec}.?initContainers.orValue([]) + \
         {spec}.?ephemeralContainers.orValue([])).filter(c, has(c.image)).map(c, c.image) + \
         {spec}.?volumes.orValue([]).filter(v, has(v.image) && has(v.image.reference)).map(v, v.image.reference)"
    )
}

/// Excludes objects that a controller created: they were checked where they were declared.
pub(super) const NOT_CONTROLLED: &str =
    "!object.metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false))";

/// Whether the rule applies to an image, as an expression.
fn applies(image: &str, condition: &Condition) -> String {
    let parts = merged(&condition.parts);
    let parts: Vec<String> = parts.iter().map(|part| part_applies(image, part)).collect();
    parts.join(" || ")
}

/// Merges parts with the same exceptions, so that each expression is matched once.
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

/// The operations that replace images of a new pod that rules move. If there are none, the pod stays as it is.
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

/// The images of a pod with their paths. Not a variable, because Kyverno's command does not support variables in a
/// MutatingAdmissionPolicy.
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

/// The image after the move by the part that wins.
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

/// A regular expression as a raw string. Locations contain no quotes.
fn raw(text: &str) -> String {
    format!("r'{text}'")
}

/// A CEL string, whose escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
