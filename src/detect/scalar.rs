//! One scalar on one line: a reference, a registry, a URL, or words with references among them.

use super::context::Context;
use super::document::DocumentType;
use super::image_use::{ImageUse, Tag};
use super::input::Input;
use super::reference::{self, Reference};
use super::usage::{Certainty, Usage};
use super::{text, words};
use crate::artifact::Artifact;
use crate::image;
use crate::source::Span;
use crate::syntax::yaml::{Map, Node, Scalar};

pub(super) const BELOW_A_MATCH: &str = "the place holds what is matched, allowed or mirrored";
const NO_IMAGE_KEY: &str = "nothing here says that an image is pulled from it";
pub(super) const PUSHED: &str = "images are pushed there, not pulled";
const SELECTS: &str = "it selects what a base names, and must follow it";
const IN_FREE_TEXT: &str = "it stands in free text";

/// A scalar that is one line.
pub(super) fn of_one_line(context: &Context<'_>, scalar: &Scalar<'_>, out: &mut Vec<ImageUse>) {
    let input = context.input;
    let Some(span) = input.verbatim(scalar) else {
        tokens(context, scalar.span, out);
        return;
    };
    if span.is_empty() {
        return;
    }
    if let Some(found) = url(context, span) {
        out.push(found);
        return;
    }
    let has_blanks = span.of(input.masked).contains(char::is_whitespace);
    if has_blanks && context.key == "name" {
        // A title: of a task, of a step.
        return;
    }
    if words::is_registry(context.key) && bare_host(context, span, out) {
        return;
    }
    let reference = match has_blanks {
        true => None,
        false => reference::read(input.masked, span, input.actions),
    };
    let form = form_of(context.key);
    match reference {
        Some(reference) if reference.hosted => {
            let usage = usage(context, &reference);
            out.push(reference.into_use(usage, form));
        }
        Some(reference) if is_docker_hub(context, &reference) => {
            let usage = mentioned(context).unwrap_or(context.pull());
            out.push(reference.into_use(usage, form));
        }
        _ if bare_host(context, span, out) => {}
        _ => tokens(context, span, out),
    }
}

/// Mentions win over everything that the key says.
fn mentioned(context: &Context<'_>) -> Option<Usage> {
    let reason = context
        .mention
        .or_else(|| words::is_mention_of_scalar(context.key).then_some(BELOW_A_MATCH));
    reason.map(Usage::Mention)
}

fn usage(context: &Context<'_>, reference: &Reference) -> Usage {
    let Context {
        document,
        key,
        parent,
        ..
    } = *context;
    if let Some(mention) = mentioned(context) {
        return mention;
    }
    if document == DocumentType::Kustomization && parent == "images" && key == "name" {
        return Usage::Pull(Certainty::MustAgree(SELECTS));
    }
    if document == DocumentType::CloudBuild && key == "images" || parent == "artifacts" {
        return Usage::Mention(PUSHED);
    }
    let in_image = words::is_image(key)
        || words::repository_stem(key).is_some() && key != "name"
        || words::is_image(parent) && (context.in_list || matches!(key, "name" | "reference"))
        || matches!(
            key,
            "newname" | "uses" | "args" | "command" | "arg" | "chart"
        )
        || document == DocumentType::CloudBuild && parent == "steps" && key == "name";
    if in_image || reference.is_pinned() || reference.chart {
        context.pull()
    } else {
        Usage::Mention(NO_IMAGE_KEY)
    }
}

/// A name without host is an image of Docker Hub only where nothing but an image can be.
fn is_docker_hub(context: &Context<'_>, reference: &Reference) -> bool {
    let (key, document) = (context.key, context.document);
    let name = reference.name.of(context.input.masked);
    let keyed = match key {
        "newname" => document == DocumentType::Kustomization,
        "name" => matches!(context.parent, "image" | "services") && reference.is_pinned(),
        "repository" | "repo" => is_in_image(context) && document == DocumentType::Plain,
        "images" => reference.is_pinned() && context.in_list,
        key => words::is_image_alone(key) && !context.in_list,
    };
    keyed
        && (name.contains('/') || words::is_image_alone(key))
        && !reference.chart
        && !name.starts_with(text::STAND_INS)
}

/// `imageRegistry: k8s.gcr.io`
fn bare_host(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) -> bool {
    let Input {
        masked, actions, ..
    } = *context.input;
    let Some(registry) = reference::read_registry(masked, span) else {
        return false;
    };
    let mut push = |usage| out.push(ImageUse::of_registry(registry, usage, "registry"));
    let holes = reference::readable(masked, span, actions).holes;
    if !words::is_bare_host(context.key) || !holes.is_empty() {
        if let Some(reason) = context.mention {
            push(Usage::Mention(reason));
        }
        return context.mention.is_some();
    }
    let parent = context.parent;
    let at_home = context.key != "registry"
        || words::is_image(parent)
        || matches!(
            parent,
            "global" | "defaults" | "" | "default" | "spec" | "controller"
        );
    push(match mentioned(context) {
        Some(mention) => mention,
        None if at_home => context.pull(),
        None => Usage::Mention(NO_IMAGE_KEY),
    });
    true
}

/// The lines of a `define` that are a registry and nothing else: all that the template comes to, or that a branch of
/// it does.
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
            let usage = context.mention.map_or(context.pull(), Usage::Mention);
            out.push(ImageUse::of_registry(registry, usage, "registry"));
        }
    }
}

/// Chart repositories by the keys that hold them; other URLs wherever they are fetched.
fn url(context: &Context<'_>, span: Span) -> Option<ImageUse> {
    let Input {
        masked, actions, ..
    } = *context.input;
    let slice = span.of(masked);
    let http = slice.starts_with("https://") || slice.starts_with("http://");
    let oci = slice.starts_with("oci://");
    let repository = matches!(
        context.key,
        "repository"
            | "repo"
            | "repourl"
            | "url"
            | "chartrepository"
            | "charturl"
            | "chart"
            | "registry"
            | "repositoryurl"
    );
    let whole = (http || oci && repository) && !slice.contains(char::is_whitespace);
    if !whole {
        return None;
    }
    let artifact = match (http, repository) {
        (true, true) => Artifact::ChartRepository,
        (true, false) => Artifact::Url,
        (false, _) => Artifact::Chart,
    };
    let siblings = context.siblings;
    let chart = siblings.and_then(|map| {
        map.text("chart")
            .or_else(|| chart_beside(map, context.parent))
    });
    let tagged = match oci {
        true => reference::read(masked, span, actions),
        false => None,
    };
    let version = siblings
        .and_then(|map| map.get("version"))
        .map(|node| tag_piece(context.input, node));
    let (name, tag, digest) = match tagged {
        Some(Reference {
            tag: Tag::None,
            digest: None,
            ..
        })
        | None => (span, version.unwrap_or(Tag::Elsewhere), None),
        Some(read) => (Span::new(span.start, read.name.end), read.tag, read.digest),
    };
    let is_link = matches!(
        context.key,
        "home" | "icon" | "sources" | "source" | "link" | "links" | "urls" | "ref"
    );
    let usage = match mentioned(context) {
        Some(mention) => mention,
        None if is_link => Usage::Mention("a link for people"),
        None => context.pull(),
    };
    Some(ImageUse {
        artifact,
        registry: None,
        name: Some(name),
        tag,
        digest,
        chart: chart.map(str::to_owned),
        holes: reference::readable(masked, span, actions).holes,
        usage,
        form: "url",
    })
}

/// A scalar of several lines that is no document.
pub(super) fn of_several_lines(context: &Context<'_>, region: Span, out: &mut Vec<ImageUse>) {
    let before = out.len();
    tokens(context, region, out);
    if context.mention.is_some() || words::is_program_text(context.key) {
        return;
    }
    for one in &mut out[before..] {
        if one.tag == Tag::None && one.digest.is_none() {
            one.usage = one.usage.at_most(Certainty::Likely(IN_FREE_TEXT));
        }
    }
}

/// Words with references among them: arguments, commands, environment.
fn tokens(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    let Input {
        masked, actions, ..
    } = *context.input;
    let mention = match mentioned(context) {
        Some(Usage::Mention(reason)) => Some(reason),
        _ => context.document.mention(),
    };
    let found = text::scan(masked, span, actions, text::Prose::Arguments);
    out.extend(found.into_iter().map(|mut one| {
        if let Some(reason) = mention {
            one.usage = Usage::Mention(reason);
        } else if let DocumentType::MustAgree(reason) = context.document {
            one.usage = one.usage.at_most(Certainty::MustAgree(reason));
        }
        one
    }));
}

/// The tag that a value of its own is.
pub(super) fn tag_piece(input: &Input<'_>, node: &Node<'_>) -> Tag {
    let Some(scalar) = node.as_scalar() else {
        return Tag::Elsewhere;
    };
    let Some(span) = input.verbatim(scalar) else {
        return Tag::Elsewhere;
    };
    let holes = reference::readable(input.masked, span, input.actions).holes;
    let written = holes.is_empty() && image::is_tag(span.of(input.masked));
    if written && !scalar.is_null() {
        Tag::At(span)
    } else {
        Tag::Elsewhere
    }
}

/// Whether the key, the one above or a sibling says that an image is meant.
pub(super) fn is_in_image(context: &Context<'_>) -> bool {
    let beside = |map: &Map<'_>| {
        map.entries.iter().any(|entry| {
            let key = words::fold(entry.name().unwrap_or_default());
            key.contains("pullpolicy")
                || key.contains("pullsecrets")
                || key == "tag"
                || key.ends_with("imagetag")
        })
    };
    words::is_image(context.key)
        || words::is_image(context.parent)
        || context.siblings.is_some_and(beside)
}

/// The chart of a dependency: its `name`, where a version says that it is one.
fn chart_beside<'m>(map: &'m Map<'m>, parent: &str) -> Option<&'m str> {
    let dependency =
        map.get("version").is_some() || matches!(parent, "dependencies" | "helmcharts");
    if dependency { map.text("name") } else { None }
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
