//! Overlays of ytt: what `#@overlay/match` looks for must stay what a base spells.
//!
//! Runs no Starlark: a string in a matcher that is an image is one that it looks for, and so is the image of an item that is
//! matched by its `image`.

use super::flag;
use super::image_use::ImageUse;
use super::input::Input;
use super::reference;
use super::usage::{MUST_MATCH, Usage};
use crate::source::Span;

/// Before what an overlay looks for.
pub const MATCHER: &str = "#@overlay/match";

const SELECTS: Usage = Usage::Selector {
    reason: MUST_MATCH,
    replaced: true,
};

/// How far above an image the matcher of its item is looked for.
const MOST_LINES: usize = 16;
const MOST_BYTES: usize = 1 << 12;

/// The image that a matcher, a comment to everyone else, looks for.
pub(super) fn image_use(input: &Input<'_>, comment: Span) -> Option<ImageUse> {
    strings_of_matcher(input.masked, comment).find_map(|span| {
        let reference = reference::read(input.masked, span, input.actions)?;
        reference
            .hosted
            .then(|| reference.into_use(SELECTS, "matcher"))
    })
}

/// The strings in a comment that is a matcher.
pub fn strings_of_matcher(text: &str, comment: Span) -> impl Iterator<Item = Span> {
    let own = comment.of(text);
    let own = if own.starts_with(MATCHER) { own } else { "" };
    let mut at = comment.start;
    let pieces = own.split(['"', '\'']).map(move |piece| {
        let span = Span::new(at, at + piece.len());
        at = span.end + 1;
        span
    });
    pieces.skip(1).step_by(2)
}

/// Marks the images of items that are matched by them.
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

/// Whether the item of a list that has an image there is matched by its `image`.
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
