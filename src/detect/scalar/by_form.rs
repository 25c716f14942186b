//! Values whose form the schema defines.

use super::super::context::Context;
use super::super::form::Form;
use super::super::image_use::{ImageUse, Tag};
use super::super::input::Input;
use super::super::schema::kubeadm;
use super::super::usage::{ASSERTED, Certainty, SELECTS, Usage};
use super::super::{reference, text};
use super::{by_words, form_of, tag_piece};
use crate::source::Span;
use crate::syntax::beside::{self, Insertion};
use crate::syntax::yaml::Node;

/// Reads a value that is an image according to the schema.
pub(super) fn image(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    let Input {
        masked, actions, ..
    } = *context.input;
    let Some(mut reference) = reference::read(masked, span, actions) else {
        return by_words(context, span, out);
    };
    let is_template = reference.name.of(masked).starts_with(text::STAND_INS);
    if is_template && !reference.hosted || reference.chart {
        return by_words(context, span, out);
    }
    let is_entry = context.form == Form::Entry;
    if (is_entry || context.form == Form::Name) && !reference.is_pinned() {
        let beside = |keys: &[&str]| {
            let map = context.siblings?;
            keys.iter().find_map(|key| map.get(key))
        };
        reference.tag = Tag::Elsewhere;
        if let Some(node) = beside(&["newTag", "tag"]) {
            reference.tag = tag_piece(context.input, node);
        }
        let digest = beside(&["digest"]).and_then(Node::as_scalar);
        reference.digest = digest.and_then(|scalar| context.input.verbatim(scalar));
    }
    out.push(ImageUse {
        new_name: is_entry.then(|| new_name(context)).flatten(),
        ..reference.into_use(context.pull(), form_of(context.key))
    });
}

/// Returns the insertion of a `newName` next to the name of an entry. `None` if it has one, or there is no room.
fn new_name(context: &Context<'_>) -> Option<Insertion> {
    let (text, map) = (context.input.text, context.siblings?);
    let layout = |key: &str| {
        let mut entries = map.entries.iter();
        let entry = entries.rfind(|entry| entry.name() == Some(key))?;
        Some(beside::layout_of(text, map, entry))
    };
    let is_written = map.get("newName").is_some_and(|node| {
        let scalar = node.as_scalar();
        scalar.is_none_or(|scalar| !scalar.is_null() && !scalar.value.is_empty())
    });
    let empty = layout("newName").transpose().ok()?;
    let like = layout("name")?.ok()?;
    let names = ("name", "newName");
    (!is_written).then(|| beside::beside(text, map.flow, like, names, empty))
}

/// Reads a value that is a registry according to the schema, perhaps with the beginning of a path.
pub(super) fn folder(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    match reference::read_registry(context.input.masked, span) {
        None => by_words(context, span, out),
        Some(registry) => {
            let mut usage = context.pull();
            let mut companion = None;
            if kubeadm::needs_companion(usage) {
                companion = kubeadm::companion(context, registry);
                if let (None, Some(reason)) = (&companion, usage.reason()) {
                    usage = usage.at_most(Certainty::MustAgree(reason));
                }
            }
            out.push(ImageUse {
                // The images below it belong to one program, at versions that the new location has.
                tag: Tag::Any,
                companion,
                ..ImageUse::of_registry(registry, usage, "registry")
            });
        }
    }
}

const REPLACED: Usage = Usage::Selector {
    reason: SELECTS,
    replaced: true,
};
const NOT_REPLACED: Usage = Usage::Selector {
    reason: "it selects an image by the name in a base, so both must change together: `OLD=NEW:tag` would pull it from elsewhere",
    replaced: false,
};

/// Reads `OLD=NEW:tag` or `OLD:tag`.
pub(super) fn replacement(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    let Input {
        masked, actions, ..
    } = *context.input;
    let equals = span.of(masked).find('=').map(|at| span.start + at);
    let (old, new) = match equals {
        Some(at) => (Span::new(span.start, at), Some(Span::new(at + 1, span.end))),
        None => (span, None),
    };
    let mut push = |span: Span, usage: Usage| {
        let Some(reference) = reference::read(masked, span, actions) else {
            return;
        };
        let end = reference.name.end;
        let insertion = Insertion {
            span: Span::new(end, end),
            before: "=".to_owned(),
            after: String::new(),
        };
        // What a test expects has to agree with what it creates.
        let is_asserted = context.inherited == Some(ASSERTED);
        out.push(ImageUse {
            new_name: (usage == NOT_REPLACED && !is_asserted).then_some(insertion),
            ..reference.into_use(context.used(usage), "image")
        });
    };
    match new {
        None => push(old, NOT_REPLACED),
        Some(new) => {
            push(old, REPLACED);
            push(new, Usage::PULL);
        }
    }
}

/// Reads `alias=image:constraint, ...`.
pub(super) fn aliases(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    let Input {
        masked, actions, ..
    } = *context.input;
    let mut at = span.start;
    for item in span.of(masked).split(',') {
        let start = at + item.len() - item.trim_start().len();
        at += item.len() + 1;
        let item = item.trim();
        let alias = item.find('=').map_or(0, |at| at + 1);
        let name = item[alias..].split([':', '@']).next().unwrap_or_default();
        let span = Span::new(start + alias, start + alias + name.len());
        if let Some(mut reference) = reference::read(masked, span, actions) {
            // A version constraint follows, such as `~1.2`.
            reference.tag = Tag::Elsewhere;
            out.push(reference.into_use(context.pull(), "image"));
        }
    }
}
