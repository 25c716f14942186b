//! Values on one line: a reference, a registry, a URL, or words with references among them.

mod build_argument;
mod by_form;
mod hook;
pub(super) mod key;
mod url;

use super::context::{Context, Step};
use super::defaults::Names;
use super::document_type::DocumentType;
use super::form::Form;
use super::image_use::{ImageUse, Tag};
use super::input::Input;
use super::mirrored::mirrored;
use super::reference::{self, Reference};
use super::usage::{
    Certainty, IN_FREE_TEXT, LISTED, MATCHED, MIRRORED, NOTHING_SAYS, PUSHED, Usage,
};
use super::{branches, defaults, siblings, text, words};
use crate::artifact::Artifact;
use crate::image;
use crate::source::Span;
use crate::syntax::yaml::{Map, Node};

const TITLE: &str = "it is a title";
const IN_A_LIST: &str = "a registry in a list item can mean several things";

/// Finds images of Docker Hub in the defaults of template actions. References with a host are found in any action (`literal`);
/// those without one count only where an image is expected.
fn defaults_of_actions(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    let plain = Input {
        masked: context.input.text,
        actions: &[],
        ..*context.input
    };
    let Some(inner) = defaults::expand(&plain, span, Names::Dropped) else {
        return;
    };
    let input = inner.input(&plain);
    let mut found = Vec::new();
    of_one_line(
        &context.in_text(&input),
        Span::new(0, input.text.len()),
        &mut found,
    );
    let is_on_hub = |one: &ImageUse| {
        one.registry.is_none()
            && one.name.is_some_and(|name| {
                let is_known = !one.holes.iter().any(|hole| hole.overlaps(name));
                is_known && image::split_host(name.of(one.text(input.text))).0.is_none()
            })
    };
    found.retain(is_on_hub);
    inner.adopt(found, out);
}

/// Reads a value that is on one line.
pub(super) fn of_one_line(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    if span.is_empty() {
        return;
    }
    if let Some(branched) = branches::expand(context.input, span) {
        let before = out.len();
        for inner in &branched.texts {
            let input = inner.input(context.input);
            let mut found = Vec::new();
            let whole = Span::new(0, input.text.len());
            of_one_line(&context.in_text(&input), whole, &mut found);
            inner.adopt(found, out);
        }
        for one in &mut out[before..] {
            branched.mark(one, context.input.text);
        }
        return;
    }
    if !context.input.actions_in(span).is_empty() {
        defaults_of_actions(context, span, out);
    }
    if let Some(inner) = defaults::expand(context.input, span, Names::Dropped) {
        let input = inner.input(context.input);
        let mut found = Vec::new();
        let whole = Span::new(0, input.text.len());
        of_one_line(&context.in_text(&input), whole, &mut found);
        if !found.is_empty() {
            inner.adopt(found, out);
            return;
        }
    }
    match context.form {
        Form::Image | Form::Name | Form::Entry => by_form::image(context, span, out),
        Form::Folder => by_form::folder(context, span, out),
        Form::Replacement => by_form::replacement(context, span, out),
        Form::Aliases => by_form::aliases(context, span, out),
        Form::Script => tokens(context, span, out),
        Form::ByWords if is_patch_of_kubeadm(context) => by_form::folder(context, span, out),
        Form::ByWords | Form::Schema => by_words(context, span, out),
    }
}

/// Whether it is the `imageRepository` of a kubeadm configuration without an `apiVersion`, as in a patch for kind.
fn is_patch_of_kubeadm(context: &Context<'_>) -> bool {
    let kind = context.siblings.and_then(|map| map.text("kind"));
    context.key == "imagerepository" && kind == Some("ClusterConfiguration")
}

fn by_words(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    let input = context.input;
    if let Some(found) = url::registry(context, span).or_else(|| url::read(context, span)) {
        out.push(found);
        return;
    }
    let has_blanks = span.of(input.masked).contains(char::is_whitespace);
    if has_blanks && context.key == "name" {
        let before = out.len();
        tokens(context, span, out);
        out[before..]
            .iter_mut()
            .for_each(|one| one.usage = Usage::Unknown(TITLE));
        return;
    }
    if words::is_registry(context.key) && bare_host(context, span, out) {
        return;
    }
    if let Some(registry) = reference::mirror_folder(input.masked, span) {
        let usage = MIRRORED;
        out.push(ImageUse::of_registry(registry, usage, "path"));
        return;
    }
    if let Some(found) = hook::image(context, span) {
        out.push(found);
        return;
    }
    let reference = match has_blanks {
        true => None,
        false => reference::read(input.masked, span, input.actions),
    };
    match reference {
        Some(reference) if reference.hosted => out.push(hosted(context, reference)),
        Some(reference) if is_docker_hub(context, &reference) => {
            out.push(on_docker_hub(context, reference));
        }
        Some(reference)
            if build_argument::is_one(context) && build_argument::is_given(&reference, input) =>
        {
            let usage = context.used(text::BUILD_ARGUMENT);
            out.push(reference.into_use(usage, "argument"));
        }
        _ if bare_host(context, span, out) => {}
        _ => tokens(context, span, out),
    }
}

fn hosted(context: &Context<'_>, mut reference: Reference) -> ImageUse {
    let usage = usage(context, &reference);
    if is_in_images(context) && !reference.is_pinned() {
        reference.tag = Tag::Elsewhere;
    }
    let may_be_folder = !reference.is_pinned() && !words::is_image_alone(context.key);
    ImageUse {
        may_be_folder,
        ..reference.into_use(usage, form_of(context.key))
    }
}

fn on_docker_hub(context: &Context<'_>, mut reference: Reference) -> ImageUse {
    let usage = spoken_about(context).unwrap_or(context.pull());
    if words::is_repository(context.key) && !reference.is_pinned() {
        // A chart's template appends a version.
        reference.tag = Tag::Elsewhere;
    }
    ImageUse {
        other_registry: mirrored(context, None, None),
        ..reference.into_use(usage, form_of(context.key))
    }
}

/// `defaultImageNameV2`
const OF_IMAGES: Usage = Usage::likely("its key is about images: check that it is pulled");

/// Returns the usage that overrides everything else the key suggests: one from above, or that of a key for mere mentions.
fn spoken_about(context: &Context<'_>) -> Option<Usage> {
    let above = context.inherited.filter(|usage| !usage.is_pull());
    above.or_else(|| words::is_mention_of_scalar(context.key).then_some(MATCHED))
}

fn usage(context: &Context<'_>, reference: &Reference) -> Usage {
    let Context { key, parent, .. } = *context;
    if let Some(usage) = spoken_about(context) {
        return usage;
    }
    if parent == "artifacts" {
        return PUSHED;
    }
    let in_image = words::is_image(key)
        || words::repository_stem(key).is_some() && key != "name"
        || is_in_images(context)
        || words::is_image(parent) && (context.in_list || matches!(key, "name" | "reference"))
        || matches!(
            key,
            "newname" | "uses" | "args" | "command" | "arg" | "chart" | "services"
        );
    if in_image || reference.is_pinned() || reference.chart || reference.is_docker {
        context.pull()
    } else if key.contains("image") {
        context.used(OF_IMAGES)
    } else {
        Usage::Unknown(NOTHING_SAYS)
    }
}

/// Whether the map above holds images by name: `images: {operator: ...}`. Their tags may be elsewhere.
fn is_in_images(context: &Context<'_>) -> bool {
    context.parent.ends_with("images") && !context.in_list
}

/// Whether a name without a host is an image of Docker Hub: only if the value cannot be anything else.
fn is_docker_hub(context: &Context<'_>, reference: &Reference) -> bool {
    let name = reference.name.of(context.input.masked);
    if reference.chart || name.starts_with(text::STAND_INS) {
        return false;
    }
    let (has_path, is_pinned) = (name.contains('/'), reference.is_pinned());
    let is_workflow = context.document.kind == DocumentType::Workflow;
    let keyed = match context.key {
        "newname" => true,
        "name" => matches!(context.parent, "image" | "services") && is_pinned,
        "services" => is_pinned && has_path && context.in_list,
        key if words::is_image_alone(key) => !context.in_list || has_path && is_pinned,
        key if words::is_repository(key) => {
            has_path && (is_pinned || is_in_image(context) && !is_workflow)
        }
        // `RELATED_IMAGE_KUBECTL`, `extraImages`
        key if key.contains("image") => has_path && is_pinned,
        // `images.json`
        _ => {
            let map = context.siblings.filter(|_| !context.in_list);
            has_path && is_pinned && map.is_some_and(siblings::are_images)
        }
    };
    keyed || reference.is_docker
}

/// Reads a value that is just a registry: `imageRegistry: k8s.gcr.io`.
fn bare_host(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) -> bool {
    let Input {
        masked, actions, ..
    } = *context.input;
    let Some(registry) = reference::read_registry(masked, span) else {
        return false;
    };
    let mut push = |usage| out.push(ImageUse::of_registry(registry, usage, "registry"));
    let has_holes = !reference::readable(masked, span, actions).holes.is_empty();
    let is_folder = registry.of(masked).contains('/');
    let is_keyed = words::is_bare_host(context.key)
        || !is_folder && (words::is_image(context.key) || words::is_repository(context.key));
    let above = context.inherited.filter(|usage| !usage.is_pull());
    if !is_keyed || has_holes {
        match above {
            Some(usage) => push(usage),
            None if !is_folder && !has_holes && is_listed(context) => push(LISTED),
            // With a path, it may be something else.
            None if !is_folder && !has_holes => push(Usage::Unknown(NOTHING_SAYS)),
            None => return false,
        }
        return true;
    }
    push(match spoken_about(context) {
        Some(usage) => usage,
        None if context.in_list || is_keyed_registry(context) && is_item(context) => {
            context.used(Usage::likely(IN_A_LIST))
        }
        None => context.pull(),
    });
    true
}

/// Whether the value is in a list of registries: `registries: [k8s.gcr.io]`.
fn is_listed(context: &Context<'_>) -> bool {
    context.in_list && context.key.ends_with("registries")
}

/// Whether the key as written is `registry`, rather than a name given by a sibling.
fn is_keyed_registry(context: &Context<'_>) -> bool {
    matches!(context.step(), Step::Key(raw) if words::fold(raw) == "registry")
}

/// Whether the map is an item of a list of things other than images.
fn is_item(context: &Context<'_>) -> bool {
    let is_in_list = context.above().is_some_and(|above| above.in_list);
    is_in_list && !words::is_image(context.parent) && !is_in_image(context)
}

/// Finds the lines of a `define` that consist only of a registry, which the template or one of its branches then returns.
pub(super) fn rendered_hosts(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    let Input { text, actions, .. } = *context.input;
    let mut at = span.start;
    for line in span.of(text).split_inclusive('\n') {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        let whole = Span::new(start, start + line.trim().len());
        let registry = reference::read_registry(text, whole);
        let is_host = |span: &Span| {
            let in_action = actions.iter().any(|one| one.span.overlaps(*span));
            !span.of(text).contains('/') && !in_action
        };
        if let Some(registry) = registry.filter(is_host) {
            out.push(ImageUse::of_registry(registry, context.pull(), "registry"));
        }
    }
}

/// Reads a value of several lines that is not a document.
pub(super) fn of_several_lines(context: &Context<'_>, region: Span, out: &mut Vec<ImageUse>) {
    let before = out.len();
    tokens(context, region, out);
    if context.is_no_pull() || context.form == Form::Script || words::is_program_text(context.key) {
        return;
    }
    for one in &mut out[before..] {
        if one.tag == Tag::None && one.digest.is_none() {
            one.usage = one.usage.at_most(Certainty::Likely(IN_FREE_TEXT));
        }
    }
}

/// Finds references among words: arguments, commands, environment.
fn tokens(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    let is_script = context.form == Form::Script;
    let above = match is_script {
        true => context.inherited.filter(|usage| !usage.is_pull()),
        false => spoken_about(context),
    };
    let above = above.or(context.inherited);
    let is_build = words::is_build_arguments(context.key)
        || context.key == "args" && context.parent == "build";
    let prose = match above.filter(|usage| usage.is_of_registries()) {
        Some(usage) => text::Prose::Listed(usage),
        None if is_build => text::Prose::BuildArguments,
        None => text::Prose::Arguments,
    };
    let found = text::scan(context.input, span, prose);
    out.extend(found.into_iter().map(|mut one| {
        one.usage = one.usage.below(above);
        // `chart-repos: [stable=https://charts.example.com]`, in the configuration of chart-testing.
        if one.artifact == Artifact::Url && context.key == "chartrepos" {
            one.artifact = Artifact::ChartRepository;
        }
        one
    }));
}

/// Reads a node as a tag.
fn tag_piece(input: &Input<'_>, node: &Node<'_>) -> Tag {
    let scalar = node.as_scalar().filter(|scalar| !scalar.is_null());
    let span = scalar.and_then(|scalar| input.verbatim(scalar));
    span.map_or(Tag::Elsewhere, |span| tag_at(input, span))
}

/// Reads a whole span as a tag.
pub(super) fn tag_at(input: &Input<'_>, span: Span) -> Tag {
    let holes = reference::readable(input.masked, span, input.actions).holes;
    let text = span.of(input.masked);
    let written = holes.is_empty() && image::is_tag(text);
    if written {
        Tag::At(span)
    } else {
        Tag::Elsewhere
    }
}

/// Whether the key, the key above or a sibling indicates an image.
pub(super) fn is_in_image(context: &Context<'_>) -> bool {
    let beside = |map: &Map<'_>| {
        map.entries.iter().any(|entry| {
            let key = words::fold(entry.name().unwrap_or_default());
            words::is_pull_policy(&key)
                || key.contains("pullsecrets")
                || key == "tag"
                || key.ends_with("imagetag")
        })
    };
    words::is_image(context.key)
        || words::is_image(context.parent)
        || context.siblings.is_some_and(beside)
}

fn form_of(key: &str) -> &'static str {
    match key {
        "newname" => "newName",
        "args" | "command" => "argument",
        _ if words::is_image(key) => "image",
        _ if words::repository_stem(key).is_some() => "repository",
        _ => "reference",
    }
}
