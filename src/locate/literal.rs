//! Sites in the string literals of template actions: `{{ default "k8s.gcr.io" .Values.registry }}`.

use super::reference::{self, Reference};
use super::{Site, Trust, View, text};
use crate::source::Span;
use crate::syntax::template::{ActionKind, literals};

const GUARD: &str = "the template compares with it: its meaning changes when values move";

pub(super) fn sites(view: &View<'_>) -> Vec<Site> {
    let mut found = Vec::new();
    for action in view.actions {
        if action.kind == ActionKind::Comment {
            continue;
        }
        for literal in literals(view.text, action.span) {
            if literal.span.of(view.text).contains('/') || literal.span.of(view.text).contains('.')
            {
                found.extend(site(view.text, literal.span, literal.function));
            }
        }
    }
    found
}

fn site(text: &str, span: Span, function: Option<&str>) -> Vec<Site> {
    let trust = match function {
        Some(name) if compares(name) => Trust::Mention(GUARD),
        Some("fail" | "required") => return Vec::new(),
        _ => Trust::Pull,
    };
    if let Some(reference) = reference::read(text, span, &[]) {
        return of_reference(text, reference, trust).into_iter().collect();
    }
    if let Some(registry) = reference::read_registry(text, span) {
        let path = registry.of(text).contains('/');
        let guard_of_path = matches!(trust, Trust::Mention(_)) || !path || span == registry;
        return guard_of_path
            .then(|| bare(registry, trust))
            .into_iter()
            .collect();
    }
    if let Trust::Mention(_) = trust {
        return guarded_path(text, span)
            .map(|name| bare(name, trust))
            .into_iter()
            .collect();
    }
    text::scan(text, span, &[], text::Prose::Anything)
}

fn of_reference(text: &str, reference: Reference, trust: Trust) -> Option<Site> {
    let path = reference.name.of(text);
    match trust {
        _ if reference.hosted => Some(reference.into_site(trust, "template")),
        // Whether a name without host is an image of Docker Hub, only a comparison shows.
        Trust::Mention(_) if path.contains('/') => Some(reference.into_site(trust, "template")),
        _ => None,
    }
}

fn bare(registry: Span, trust: Trust) -> Site {
    Site::of_registry(registry, trust, "template")
}

/// `contains "bitnami/"`
fn guarded_path(text: &str, span: Span) -> Option<Span> {
    let slice = span.of(text).trim_end_matches('/');
    let fits = !slice.is_empty()
        && slice.len() < span.len()
        && slice
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'));
    fits.then(|| Span::new(span.start, span.start + slice.len()))
}

fn compares(function: &str) -> bool {
    const NAMES: [&str; 14] = [
        "eq",
        "ne",
        "contains",
        "hasPrefix",
        "hasSuffix",
        "replace",
        "trimPrefix",
        "trimSuffix",
        "split",
        "splitList",
        "has",
        "in",
        "startswith",
        "match",
    ];
    NAMES.contains(&function) || function.to_ascii_lowercase().contains("regex")
}
