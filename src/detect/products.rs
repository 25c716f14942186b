//! What a text builds or pushes itself, it does not pull from elsewhere.

use std::collections::HashSet;

use super::image_use::{ImageUse, Tag};
use super::usage::Usage;

const PRODUCT: Usage = Usage::Pushed("the same image is built or pushed here");

/// Marks all uses of images that are pushed in the same text.
pub(super) fn mark(text: &str, uses: &mut [ImageUse]) {
    let is_pushed = |one: &&ImageUse| matches!(one.usage, Usage::Pushed(_)) && one.name.is_some();
    let pushed: HashSet<(String, String)> = uses
        .iter()
        .filter(is_pushed)
        .map(|one| reference(one, text))
        .collect();
    if pushed.is_empty() {
        return;
    }
    for one in uses.iter_mut().filter(|one| one.usage.is_pull()) {
        if one.name.is_some() && pushed.contains(&reference(one, text)) {
            one.usage = PRODUCT;
        }
    }
}

/// Name and tag, as they are written.
fn reference(one: &ImageUse, text: &str) -> (String, String) {
    let own = one.text(text);
    let pieces = [one.registry, one.name].into_iter().flatten();
    let name: Vec<&str> = pieces
        .map(|piece| piece.of(own).trim_matches('/'))
        .collect();
    let tag = match one.tag {
        Tag::At(span) => span.of(own),
        _ => "",
    };
    (name.join("/"), tag.to_owned())
}
