//! Overlays of ytt. What `#@overlay/match` or a comparison in code looks for must keep the name that a base has. The value
//! that code gives to a key is pulled.
//!
//! Runs no Starlark. An image in a string of a matcher or a comparison is one that it looks for, and so is the image of an
//! item that is matched by its `image`.

use super::flag;
use super::image_use::{ImageUse, Tag};
use super::input::Input;
use super::reference;
use super::usage::{MUST_MATCH, Usage};
use crate::source::Span;

/// The prefix of a matcher.
pub const MATCHER: &str = "#@overlay/match";

const SELECTS: Usage = Usage::Selector {
    reason: MUST_MATCH,
    replaced: true,
};

const JOINED: Usage = Usage::likely("it is in code of ytt");

/// The prefix of a line of Starlark.
const CODE: &str = "#@ ";

const COMPARING: [&str; 3] = ["==", "!=", " in ["];

/// The number of lines, and of bytes, above an image that are searched for the matcher of its item.
const MOST_LINES: usize = 16;
const MOST_BYTES: usize = 1 << 12;

/// Returns the image in a comment that is a matcher, or code for a value. Only ytt reads those comments.
pub(super) fn image_use(input: &Input<'_>, comment: Span) -> Option<ImageUse> {
    let text = comment.of(input.masked);
    if is_matcher(text) {
        return strings_of_matcher(input.masked, comment).find_map(|span| {
            let reference = reference::read(input.masked, span, input.actions)?;
            reference
                .hosted
                .then(|| reference.into_use(SELECTS, "matcher"))
        });
    }
    let mut strings = strings(text, comment.start);
    let value = is_value(input, comment).then(|| strings.find_map(|span| joined(input, span)));
    value.flatten()
}

/// Returns the strings in a comment that is a matcher or a comparison.
pub fn strings_of_matcher(text: &str, comment: Span) -> impl Iterator<Item = Span> {
    let own = comment.of(text);
    strings(if is_matcher(own) { own } else { "" }, comment.start)
}

fn is_matcher(comment: &str) -> bool {
    let compares = || COMPARING.iter().any(|operator| comment.contains(operator));
    comment.starts_with(MATCHER) || comment.starts_with(CODE) && compares()
}

/// Returns the quoted strings of a text that starts at an offset.
fn strings(text: &str, start: usize) -> impl Iterator<Item = Span> {
    let mut at = start;
    let pieces = text.split(['"', '\'']).map(move |piece| {
        let span = Span::new(at, at + piece.len());
        at = span.end + 1;
        span
    });
    pieces.skip(1).step_by(2)
}

/// Whether the code is the value of a key or an item: `image: #@ "k8s.gcr.io/pause:" + version`.
fn is_value(input: &Input<'_>, comment: Span) -> bool {
    let before = input.masked[flag::line_start(input.masked, comment.start)..comment.start].trim();
    comment.of(input.masked).starts_with(CODE) && (before.ends_with(':') || before.ends_with('-'))
}

/// Returns the image that a string in code is or begins.
fn joined(input: &Input<'_>, string: Span) -> Option<ImageUse> {
    let text = string.of(input.masked);
    // `"--image=k8s.gcr.io/pause:" + version`
    let option = text.starts_with("--").then(|| text.find('=')).flatten();
    let start = string.start + option.map_or(0, |at| at + 1);
    let is_begun = text.ends_with(':');
    let span = Span::new(start, string.end - usize::from(is_begun));
    let mut reference = reference::read(input.masked, span, input.actions)?;
    let is_whole = is_begun != reference.is_pinned();
    if is_begun {
        reference.tag = Tag::Elsewhere;
    }
    let is_image = reference.hosted && !reference.chart && is_whole;
    is_image.then(|| reference.into_use(JOINED, "comment"))
}

/// Marks the images by which items are matched.
pub(super) fn mark(text: &str, uses: &mut [ImageUse]) {
    if memchr::memmem::find(text.as_bytes(), MATCHER.as_bytes()).is_none() {
        return;
    }
    for one in uses.iter_mut().filter(|one| one.usage.is_pull()) {
        if one.decoded.is_none() && is_matched(text, one.extent().start) {
            one.usage = SELECTS;
        }
    }
}

/// Whether the list item that contains the image is matched by its `image`.
fn is_matched(text: &str, at: usize) -> bool {
    let mut lines = text[flag::far(text, at, MOST_BYTES)..at]
        .lines()
        .rev()
        .take(MOST_LINES);
    let begins = lines.any(|line| line.trim_start().starts_with("- "));
    let matcher = lines.next().map(str::trim).unwrap_or_default();
    let by_image = ["by=\"image\"", "by='image'"].iter();
    begins && matcher.starts_with(MATCHER) && by_image.clone().any(|by| matcher.contains(by))
}
