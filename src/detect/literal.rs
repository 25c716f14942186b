//! Image uses in the string literals of template actions: `{{ default "k8s.gcr.io" .Values.registry }}`.

use super::image_use::ImageUse;
use super::input::Input;
use super::reference::{self, Reference};
use super::text;
use super::usage::Usage;
use super::words;
use crate::source::Span;
use crate::syntax::template::{ActionKind, literals};

const GUARD: &str =
    "the template compares values with it: their meaning changes if they are rewritten";

pub(super) fn uses(input: &Input<'_>) -> Vec<ImageUse> {
    let mut found = Vec::new();
    for action in input.actions {
        if action.kind == ActionKind::Comment || !input.is_of_interest(action.span) {
            continue;
        }
        for literal in literals(input.text, action.span) {
            if literal.span.of(input.text).contains('/')
                || literal.span.of(input.text).contains('.')
            {
                found.extend(in_literal(input, literal.span, literal.function));
            }
        }
    }
    found
}

fn in_literal(input: &Input<'_>, span: Span, function: Option<&str>) -> Vec<ImageUse> {
    let text = input.text;
    let usage = match function {
        Some(name) if words::is_function_that_compares(name) => Usage::Mention(GUARD),
        Some("fail" | "required") => return Vec::new(),
        _ => Usage::PULL,
    };
    if let Some(reference) = reference::read(text, span, &[]) {
        return of_reference(text, reference, usage).into_iter().collect();
    }
    if let Some(registry) = reference::read_registry(text, span) {
        let path = registry.of(text).contains('/');
        let guard_of_path = matches!(usage, Usage::Mention(_)) || !path || span == registry;
        return guard_of_path
            .then(|| bare(registry, usage))
            .into_iter()
            .collect();
    }
    if let Usage::Mention(_) = usage {
        return guarded_path(text, span)
            .map(|name| bare(name, usage))
            .into_iter()
            .collect();
    }
    let inside = Input {
        masked: text,
        actions: &[],
        ..*input
    };
    text::scan(&inside, span, text::Prose::Anything)
}

fn of_reference(text: &str, reference: Reference, usage: Usage) -> Option<ImageUse> {
    let path = reference.name.of(text);
    if !reference.is_pinned() && words::is_of_kubernetes(path) {
        return None;
    }
    match usage {
        _ if reference.hosted => Some(reference.into_use(usage, "template")),
        // Only a comparison shows that a name without a host is an image of Docker Hub.
        Usage::Mention(_) if path.contains('/') => Some(reference.into_use(usage, "template")),
        _ => None,
    }
}

fn bare(registry: Span, usage: Usage) -> ImageUse {
    ImageUse::of_registry(registry, usage, "template")
}

/// Returns the beginning of a path that a template compares with: `contains "bitnami/"`
fn guarded_path(text: &str, span: Span) -> Option<Span> {
    let slice = span.of(text).trim_end_matches('/');
    let fits = !slice.is_empty()
        && slice.len() < span.len()
        && slice
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'));
    fits.then(|| Span::new(span.start, span.start + slice.len()))
}
