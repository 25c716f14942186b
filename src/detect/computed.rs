//! Image uses in strings that expressions compose, and in strings that conditions compare with.

use super::aliases::Aliases;
use super::context::Context;
use super::document::Document;
use super::image_use::ImageUse;
use super::input::{Inner, Input};
use super::usage::{COMPARED, Usage};
use super::{reference, scalar, words};
use crate::source::Span;
use crate::syntax::hcl::{Composed, Computed};

/// Returns the image uses of computed texts. Skips those that are not of interest.
pub fn of_computed(input: &Input<'_>, computed: Computed) -> Vec<ImageUse> {
    let plain = Input {
        masked: input.text,
        actions: &[],
        ..*input
    };
    let mut found = Vec::new();
    for one in computed.composed {
        of_composed(&plain, one, &mut found);
    }
    let compared = computed.compared.into_iter();
    let compared = compared.filter(|span| input.is_of_interest(*span));
    found.extend(compared.filter_map(|span| of_compared(&plain, span)));
    found
}

fn of_composed(input: &Input<'_>, one: Composed, out: &mut Vec<ImageUse>) {
    let written = one.text.raw(Span::new(0, one.text.text.len()));
    if !input.is_of_interest(written) {
        return;
    }
    let aliases = Aliases::of(&[], &[]);
    let document = Document::of_text(&aliases);
    let key = words::fold(one.key.map_or("", |key| key.of(input.text)));
    let inner = Inner::new(input, one.text, written);
    let inner_input = inner.input(input);
    let mut context = Context::root(&inner_input, &document);
    context.key = &key;
    let mut found = Vec::new();
    let whole = Span::new(0, inner_input.text.len());
    scalar::of_one_line(&context, whole, &mut found);
    found.retain(|one| !matches!(one.usage, Usage::Unknown(_)));
    inner.adopt(found, out);
}

/// Reads a string that a condition compares with: `startswith(var.image, "k8s.gcr.io/")`, `regex("^k8s.gcr.io/", var.image)`
fn of_compared(input: &Input<'_>, span: Span) -> Option<ImageUse> {
    let text = span.of(input.text);
    let name = text
        .trim_start_matches('^')
        .trim_end_matches(['/', '$', ':']);
    let start = span.start + text.len() - text.trim_start_matches('^').len();
    let span = Span::new(start, start + name.len());
    let usage = COMPARED;
    if let Some(registry) = reference::read_registry(input.text, span) {
        return Some(ImageUse::of_registry(registry, usage, "registry"));
    }
    let reference = reference::read(input.text, span, &[])?;
    reference
        .hosted
        .then(|| reference.into_use(usage, "reference"))
}
