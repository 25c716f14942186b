//! Commented-out YAML. A comment that is an entry with a whole reference follows its neighbours; prose does not.

use super::role::Role;
use super::{Site, TagAt, Trust, View, keys, reference};
use crate::source::Span;

/// The site in a comment, from its `#` on.
pub(super) fn site(view: &View<'_>, comment: Span, role: Role) -> Option<Site> {
    let text = comment.of(view.masked);
    let inner = text.trim_start_matches('#').trim_start();
    let start = comment.end - inner.len();
    let content = Span::new(start, start + inner.trim_end().len());
    let mut site = line(view, content).or_else(|| alone(view, content))?;
    site.shape = "comment";
    if let Role::Mention(reason) | Role::Bound(reason) = role {
        site.trust = site.trust.min(Trust::Mention(reason));
    }
    Some(site)
}

/// A comment that is one reference and nothing else.
fn alone(view: &View<'_>, content: Span) -> Option<Site> {
    let value = unquoted(view.masked, content);
    let mut reference = reference::read(view.masked, value, view.actions)?;
    if reference.tag == TagAt::None {
        // It names what stands below, which brings its own tag.
        reference.tag = TagAt::Any;
    }
    let path_below_host = reference.hosted && !reference.chart;
    path_below_host.then(|| reference.into_site(Trust::Pull, "comment"))
}

/// One line of YAML: `- key: value`, `- value`, `- --flag=value`.
pub(super) fn line(view: &View<'_>, content: Span) -> Option<Site> {
    let text = content.of(view.masked);
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
    let value = unquoted(view.masked, without_comment(view.masked, value));
    let folded = key.map(|key| keys::fold(key.trim_matches(['"', '\''])));
    if folded.as_deref().is_some_and(|key| {
        keys::is_prose(key) || keys::is_mention(key) || keys::is_mention_of_scalar(key)
    }) {
        return None;
    }
    let said = |means: fn(&str) -> bool| folded.as_deref().is_some_and(means);
    if let Some(reference) = reference::read(view.masked, value, view.actions) {
        let image = said(keys::is_image)
            || said(|key| key != "name" && keys::repository_stem(key).is_some());
        let pinned_path = reference.is_pinned() && reference.name.of(view.masked).contains('/');
        let taken = match reference.hosted {
            true => image || reference.is_pinned(),
            false => said(keys::is_image_alone) && pinned_path,
        };
        if taken && !reference.chart {
            return Some(reference.into_site(Trust::Pull, "image"));
        }
    }
    let registry = reference::read_registry(view.masked, value)?;
    said(|key| keys::is_bare_host(key) && key != "registry")
        .then(|| Site::of_registry(registry, Trust::Pull, "registry"))
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
