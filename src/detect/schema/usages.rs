//! Usages that depend on the siblings of a value.

use crate::detect::context::{Context, Step};
use crate::detect::usage::{self, ACCOUNT, ASSERTED, BUILT, POLICY, PUSHED, SELECTS, Usage};
use crate::detect::words::fold;
use crate::image;
use crate::syntax::yaml::{Map, Node};

const SELECTS_AND_STAYS: &str = "it selects an image by the name in a base, so both must change together: a `newName` would pull it from elsewhere";

/// Returns the usage of the `name` of an entry that replaces images.
pub(super) fn kustomize_entry(context: &Context<'_>) -> Usage {
    let new_name = context.siblings.and_then(|map| map.get("newName"));
    let replaced = new_name
        .and_then(Node::as_scalar)
        .is_some_and(|scalar| !scalar.is_null());
    Usage::Selector {
        reason: if replaced { SELECTS } else { SELECTS_AND_STAYS },
        replaced,
    }
}

const PUT_IN: Usage = Usage::likely(
    "a policy puts it into objects: check that other policies allow the new location",
);

/// Returns the usage of what a policy puts into objects.
pub(super) fn put_in(_: &Context<'_>) -> Usage {
    PUT_IN
}

/// Returns the usage of an object that a policy manages: created if the policy requires it, otherwise only matched.
pub(super) fn managed_object(context: &Context<'_>) -> Usage {
    let wanted = context.siblings.and_then(|map| map.text("complianceType"));
    match wanted.unwrap_or_default().to_ascii_lowercase().as_str() {
        "musthave" | "mustonlyhave" => PUT_IN,
        _ => POLICY,
    }
}

/// Returns the usage of the image of a Compose service, which is not pulled if the service is built.
pub(super) fn compose_service(context: &Context<'_>) -> Usage {
    match context
        .siblings
        .is_some_and(|map| map.get("build").is_some())
    {
        true => BUILT,
        false => Usage::PULL,
    }
}

/// Returns the usage of the source of an image stream or a build: an image, or a tag of another stream.
pub(super) fn openshift_source(context: &Context<'_>) -> Usage {
    match context.siblings.and_then(|map| map.text("kind")) {
        Some("DockerImage") => Usage::PULL,
        _ => Usage::Mention("it is the name of an image stream"),
    }
}

/// Returns the usage of the image of `docker_image`, which pulls, builds, pushes or removes it.
pub(super) fn ansible_image(context: &Context<'_>) -> Usage {
    let text = |key: &str| context.siblings.and_then(|map| map.text(key));
    let is_built = text("source") == Some("build") || text("path").is_some();
    let is_pushed = matches!(text("push"), Some("true" | "yes" | "True"));
    match () {
        () if text("state") == Some("absent") => usage::LOCAL,
        () if is_built || is_pushed => BUILT,
        () => Usage::PULL,
    }
}

/// Returns the usage of an input of an Azure Pipelines task. `Docker` builds and pushes.
pub(super) fn azure_task(context: &Context<'_>) -> Usage {
    let step = context.above().and_then(|inputs| inputs.siblings);
    let task = step.and_then(|step| step.text("task"));
    match task.is_some_and(|task| task.starts_with("Docker@")) {
        true => Usage::Pushed("the task pushes to it"),
        false => Usage::PULL,
    }
}

/// Returns the usage of an image in a Pulumi resource. `docker:Image` and `docker-build:Image` build and push.
pub(super) fn pulumi_resource(context: &Context<'_>) -> Usage {
    let mut maps = context.upwards().filter_map(|above| above.siblings);
    let kind = maps.find_map(|map| map.text("type"));
    match kind.is_some_and(|kind| kind.starts_with("docker") && kind.ends_with(":Image")) {
        true => PUSHED,
        false => Usage::PULL,
    }
}

/// Returns the usage of the repository of a Concourse resource: pushed if a job puts to it, otherwise pulled.
pub(super) fn concourse_resource(context: &Context<'_>) -> Usage {
    let mut maps = context.upwards().filter_map(|above| above.siblings);
    let name = maps.find_map(|map| map.text("name").filter(|_| map.get("source").is_some()));
    let jobs = maps.last().and_then(|root| root.get("jobs"));
    match name
        .zip(jobs)
        .is_some_and(|(name, jobs)| is_put(name, jobs))
    {
        true => PUSHED,
        false => Usage::PULL,
    }
}

/// Whether a step below the node puts to the resource.
fn is_put(name: &str, node: &Node<'_>) -> bool {
    let mut steps = node.below().filter_map(Node::as_map);
    steps.any(|step| {
        let put = step.text("put");
        put.map(|put| step.text("resource").unwrap_or(put)) == Some(name)
    })
}

/// Returns the usage of an object that a Chainsaw test expects. It has to move with what the test creates.
pub(super) fn asserted(_: &Context<'_>) -> Usage {
    ASSERTED
}

/// A cache of layers that another build wrote.
pub(super) const CACHE: Usage =
    Usage::likely("a build reads cached layers from it: check what writes them");

/// Returns the usage of an input of a GitHub action, which may build or push.
pub(super) fn github_step(context: &Context<'_>) -> Usage {
    let steps = context.upwards().filter_map(|above| above.siblings);
    let uses = steps.filter_map(|map| map.text("uses")).next();
    let uses = uses.unwrap_or_default().to_ascii_lowercase();
    let outputs = is_builder(&uses, context.siblings) && is_output(context.key);
    match (outputs, uses.contains("login-action")) {
        (true, _) => Usage::Pushed("the action pushes to it"),
        (_, true) => ACCOUNT,
        _ if context.key == "cachefrom" => CACHE,
        _ => Usage::PULL,
    }
}

/// Whether the action, in lower case, builds or pushes images. One of any name does if it asks whether to push.
fn is_builder(action: &str, inputs: Option<&Map<'_>>) -> bool {
    const ACTIONS: [&str; 7] = [
        "attest",
        "buildah",
        "docker-build",
        "kaniko",
        "metadata-action",
        "publish-docker",
        "push",
    ];
    ACTIONS.iter().any(|name| action.contains(name))
        || inputs.is_some_and(|inputs| inputs.get("push").is_some())
}

/// Whether the input, folded, names what an action builds or pushes.
fn is_output(input: &str) -> bool {
    const OUTPUTS: [&str; 12] = [
        "cacheto",
        "destination",
        "dst",
        "image",
        "imagename",
        "images",
        "name",
        "registry",
        "repository",
        "subjectname",
        "tags",
        "target",
    ];
    OUTPUTS.contains(&input)
}

/// Returns the usage of a workflow's variable, which a step may pass to an action that builds or pushes.
pub(super) fn github_variable(context: &Context<'_>) -> Usage {
    let root = context.upwards().filter_map(|above| above.siblings).last();
    let jobs = root
        .and_then(|root| root.get("jobs"))
        .and_then(Node::as_map);
    let (Step::Key(name), Some(jobs)) = (context.step(), jobs) else {
        return Usage::PULL;
    };
    let jobs = jobs.entries.iter().filter_map(|job| job.value.as_map());
    let mut steps = jobs
        .filter_map(|job| job.get("steps")?.as_list())
        .flat_map(|steps| &steps.items)
        .filter_map(Node::as_map);
    match steps.any(|step| pushes_variable(step, name)) {
        true => Usage::Pushed("a step pushes what this variable names"),
        false => pipeline_variable(context),
    }
}

/// Returns the usage of a variable or an input of a pipeline. Scripts and other files decide what it is for; without a tag,
/// they may add one and push it.
pub(super) fn pipeline_variable(context: &Context<'_>) -> Usage {
    let Step::Key(name) = context.step() else {
        return Usage::PULL;
    };
    let value = context.siblings.and_then(|around| around.text(name));
    match value.is_some_and(image::is_tagged) {
        true => Usage::PULL,
        false => MAY_BE_PUSHED,
    }
}

pub(super) const MAY_BE_PUSHED: Usage =
    Usage::likely("a job may push what this variable names: see how it is used");

/// Whether a step passes a variable to an action as the complete name of what it pushes: `${{ env.NAME }}:v1`.
fn pushes_variable(step: &Map<'_>, name: &str) -> bool {
    let action = step.text("uses").unwrap_or_default().to_ascii_lowercase();
    let inputs = step.map("with");
    if !is_builder(&action, inputs) {
        return false;
    }
    let inputs = inputs.map(|inputs| inputs.entries.as_slice());
    let holds = |value: &str| {
        let mut expressions = value
            .split("${{")
            .skip(1)
            .filter_map(|rest| rest.split_once("}}"));
        expressions.any(|(expression, behind)| {
            let variable = expression.trim().strip_prefix("env.");
            variable == Some(name) && !behind.starts_with('/')
        })
    };
    inputs.unwrap_or_default().iter().any(|input| {
        let key = fold(input.name().unwrap_or_default());
        let value = input.value.as_scalar();
        is_output(&key) && value.is_some_and(|value| holds(&value.value))
    })
}
