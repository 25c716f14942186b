//! Keys that are a host or an image: in mirror tables, accounts, and lists of what is copied.

use super::super::context::Context;
use super::super::image_use::ImageUse;
use super::super::reference;
use super::super::usage::{ACCOUNT, MIRRORED, Usage};
use super::super::words;
use crate::image;
use crate::source::Span;
use crate::syntax::yaml::{Entry, Node};

const IS_KEY: &str = "it is a key";
const COPIED: Usage = Usage::must_agree(
    "images are copied from it, and the paths of the copies may contain this name",
);

/// Reads a key as a registry or an image.
pub(in crate::detect) fn image_use(
    context: &Context<'_>,
    entry: &Entry<'_>,
    out: &mut Vec<ImageUse>,
) {
    let input = context.input;
    let scalar = entry
        .key
        .as_scalar()
        .filter(|key| input.is_of_interest(key.span) && key.value.contains('.'));
    let Some(span) = scalar.and_then(|scalar| input.verbatim(scalar)) else {
        return;
    };
    let above = context.inherited.filter(|usage| !usage.is_pull());
    let registry = reference::read_registry(input.masked, span);
    let is_host = |registry: &Span| image::is_registry_host(registry.of(input.masked));
    if let Some(registry) = registry.filter(is_host) {
        let usage = above.unwrap_or(match &entry.value {
            value if is_copied(value) => COPIED,
            value if is_of_account(value) => ACCOUNT,
            _ => Usage::Unknown(IS_KEY),
        });
        out.push(ImageUse::of_registry(registry, usage, "key"));
        return;
    }
    let reference = reference::read(input.masked, span, input.actions);
    if let Some(reference) = reference.filter(|reference| reference.hosted) {
        let usage = above.unwrap_or(match is_renamed(&entry.value) {
            true => MIRRORED,
            false => Usage::Unknown(IS_KEY),
        });
        out.push(reference.into_use(usage, "key"));
    }
}

/// Whether the value of a host lists what `skopeo sync` copies from it.
fn is_copied(value: &Node<'_>) -> bool {
    const KEYS: [&str; 3] = ["images", "images-by-tag-regex", "images-by-semver"];
    let map = value.as_map();
    map.is_some_and(|map| KEYS.iter().any(|key| map.map(key).is_some()))
}

/// Whether the value of a host describes how clients log in there.
fn is_of_account(value: &Node<'_>) -> bool {
    let map = value.as_map();
    map.is_some_and(|map| {
        let mut keys = map.entries.iter().filter_map(Entry::name).map(words::fold);
        keys.any(|key| key == "tls" || words::is_of_account(&key))
    })
}

/// Whether the value of an image is the name that it is copied to or replaced by.
fn is_renamed(value: &Node<'_>) -> bool {
    let is_image = |node: &Node<'_>| {
        let name = node
            .as_scalar()
            .and_then(|scalar| scalar.value.split_once('/'));
        name.is_some_and(|(host, _)| image::is_registry_host(host))
    };
    let items = value.as_list().map(|list| list.items.as_slice());
    is_image(value) || items.is_some_and(|items| !items.is_empty() && items.iter().all(is_image))
}
