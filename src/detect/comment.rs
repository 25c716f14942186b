//! Commented-out YAML. A comment that is an entry with a whole reference is updated with its neighbours; prose is not.

use super::image_use::{ImageUse, Tag};
use super::input::Input;
use super::usage::Usage;
use super::{reference, shell, words, ytt};
use crate::source::Span;

/// Returns the image use in a comment, whose span starts at the `#`.
pub(super) fn image_use(
    input: &Input<'_>,
    comment: Span,
    document: Option<Usage>,
) -> Option<ImageUse> {
    if let Some(matched) = ytt::image_use(input, comment) {
        return Some(matched);
    }
    let text = comment.of(input.masked);
    let inner = text.trim_start_matches('#').trim_start();
    let start = comment.end - inner.len();
    let content = Span::new(start, start + inner.trim_end().len());
    let mut found = of_renovate(input, content)
        .or_else(|| line(input, content))
        .or_else(|| alone(input, content))?;
    found.form = "comment";
    if let Some(reason) = document.and_then(Usage::reason) {
        found.usage = Usage::Mention(reason);
    }
    Some(found)
}

/// Reads a Renovate comment, `renovate: datasource=docker depName=NAME`: Renovate looks up versions there. `packageName` wins.
fn of_renovate(input: &Input<'_>, content: Span) -> Option<ImageUse> {
    let settings = content.of(input.masked).strip_prefix(shell::RENOVATE)?;
    let start = content.end - settings.len();
    let value = |wanted: &str| {
        let mut at = start;
        settings.split([' ', '\t']).find_map(|setting| {
            let begins = at;
            at += setting.len() + 1;
            let value = setting.strip_prefix(wanted)?.strip_prefix('=')?;
            let end = begins + setting.len();
            Some(Span::new(end - value.len(), end))
        })
    };
    let is_of_images = value("datasource").is_some_and(|span| span.of(input.masked) == "docker");
    let package = || value("packageName").or_else(|| value("depName"));
    let named = value("docker").or_else(|| is_of_images.then(package).flatten())?;
    let mut reference = reference::read(input.masked, named, input.actions)?;
    // The version is on the next line.
    reference.tag = Tag::Elsewhere;
    Some(reference.into_use(Usage::PULL, "comment"))
}

/// Reads a comment that is one reference and nothing else.
fn alone(input: &Input<'_>, content: Span) -> Option<ImageUse> {
    let value = unquoted(input.masked, content);
    let mut reference = reference::read(input.masked, value, input.actions)?;
    if reference.tag == Tag::None {
        // It names the image below, which has its own tag.
        reference.tag = Tag::Any;
    }
    let path_below_host = reference.hosted && !reference.chart;
    path_below_host.then(|| reference.into_use(Usage::PULL, "comment"))
}

/// Reads one line of YAML: `- key: value`, `- value`, `- --flag=value`.
pub(super) fn line(input: &Input<'_>, content: Span) -> Option<ImageUse> {
    let text = content.of(input.masked);
    let mut start = content.start;
    let mut rest = text;
    while let Some(item) = rest.strip_prefix("- ") {
        let item = item.trim_start();
        start += rest.len() - item.len();
        rest = item;
    }
    let item = start > content.start;
    let (key, value) = match rest.split_once(": ") {
        Some((key, value)) if is_key(key) => {
            let lead = rest.len() - value.trim_start().len();
            (
                Some(key),
                Span::new(start + lead, content.end.max(start + lead)),
            )
        }
        _ if item => (None, Span::new(start, content.end.max(start))),
        _ => return None,
    };
    let value = unquoted(input.masked, without_comment(input.masked, value));
    let folded = key.map(|key| words::fold(key.trim_matches(['"', '\''])));
    if folded.as_deref().is_some_and(|key| {
        words::is_prose(key)
            || words::is_mention(key)
            || words::is_compared(key)
            || words::is_mention_of_scalar(key)
    }) {
        return None;
    }
    let said = |means: fn(&str) -> bool| folded.as_deref().is_some_and(means);
    if let Some(reference) = reference::read(input.masked, value, input.actions) {
        let image = said(words::is_image)
            || said(|key| key != "name" && words::repository_stem(key).is_some());
        let pinned_path = reference.is_pinned() && reference.name.of(input.masked).contains('/');
        let taken = match reference.hosted {
            true => image || reference.is_pinned(),
            false => said(words::is_image_alone) && pinned_path,
        };
        if taken && !reference.chart {
            return Some(reference.into_use(Usage::PULL, "image"));
        }
    }
    let registry = reference::read_registry(input.masked, value)?;
    said(|key| words::is_bare_host(key) && key != "registry")
        .then(|| ImageUse::of_registry(registry, Usage::PULL, "registry"))
}

fn is_key(text: &str) -> bool {
    let text = text.trim_matches(['"', '\'']);
    let letters =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    !text.is_empty() && text.bytes().all(letters)
}

fn without_comment(text: &str, value: Span) -> Span {
    let slice = value.of(text);
    let end = slice.find(" #").unwrap_or(slice.len());
    let end = slice[..end].trim_end().len();
    Span::new(value.start, value.start + end)
}

fn unquoted(text: &str, value: Span) -> Span {
    let slice = value.of(text);
    let quoted = ['"', '\'', '`']
        .iter()
        .any(|quote| slice.len() >= 2 && slice.starts_with(*quote) && slice.ends_with(*quote));
    if quoted {
        Span::new(value.start + 1, value.end - 1)
    } else {
        value
    }
}
