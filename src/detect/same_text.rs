//! Other uses of a pulled image in the same text. An image that the text itself builds or pushes is not pulled from
//! elsewhere. The fix of an image that the text compares with needs review. An image that the text lists or removes moves
//! like the pull. An image that an embedded entry selects keeps its name.

use std::collections::{HashMap, HashSet};

use super::image_use::{ImageUse, Tag};
use super::usage::{Certainty, IN_FILTER, LOCAL, Usage};

const PRODUCT: Usage = Usage::Pushed("the same image is built or pushed here");

const CONDITION: Certainty =
    Certainty::Likely("a condition here compares with it, and its result may change");

const SELECTED: Certainty =
    Certainty::MustAgree("a text here has an entry that selects it by this name");

/// Adjusts the usages of images that the same text also pushes, compares with or selects.
pub(super) fn mark(text: &str, uses: &mut [ImageUse]) {
    local(text, uses);
    let of = |is_one: &dyn Fn(&ImageUse) -> bool| -> HashSet<(String, String)> {
        let found = uses.iter().filter(|one| is_one(one));
        found.map(|one| reference(one, text)).collect()
    };
    let pushed = of(&|one| matches!(one.usage, Usage::Pushed(_)) && one.name.is_some());
    let compared = of(&|one| one.usage.is_in_condition());
    // A filter for a registry matches every image in that registry.
    let is_filter = |one: &&ImageUse| one.usage == Usage::Compared(IN_FILTER) && one.name.is_none();
    let filters = uses.iter().filter(is_filter);
    let filters: HashSet<String> = filters.map(|one| reference(one, text).0 + "/").collect();
    let selected = uses.iter().filter(|one| one.usage.selects_in_text());
    let selected: HashSet<String> = selected.map(|one| reference(one, text).0).collect();
    if pushed.is_empty() && compared.is_empty() && selected.is_empty() {
        return;
    }
    for one in uses.iter_mut().filter(|one| one.usage.is_pull()) {
        let (name, tag) = reference(one, text);
        let whole = (name.clone(), tag);
        // A push without a tag stands for all tags, and a comparison may be with a part of the reference.
        let bare = (name, String::new());
        let is_among = |all: &HashSet<_>| all.contains(&whole) || all.contains(&bare);
        let mut folders = whole.0.match_indices('/').map(|(at, _)| &whole.0[..=at]);
        let is_found = folders.any(|start| filters.contains(start));
        if selected.contains(&bare.0) {
            one.usage = one.usage.at_most(SELECTED);
        }
        if is_found || is_among(&compared) {
            one.usage = one.usage.at_most(CONDITION);
        }
        if one.name.is_some() && is_among(&pushed) {
            one.usage = PRODUCT;
        }
    }
}

/// Gives a use of a local image the usage of the pull of the same image, if the text has one.
fn local(text: &str, uses: &mut [ImageUse]) {
    let is_local = |one: &ImageUse| one.usage == LOCAL;
    if !uses.iter().any(is_local) {
        return;
    }
    let mut pulled: HashMap<(String, String), Usage> = HashMap::new();
    for one in uses.iter().filter(|one| one.usage.is_pull()) {
        if !is_local(one) {
            let usage = pulled.entry(reference(one, text)).or_insert(one.usage);
            *usage = one.usage.max(*usage);
        }
    }
    for one in uses.iter_mut().filter(|one| is_local(one)) {
        one.usage = *pulled.get(&reference(one, text)).unwrap_or(&one.usage);
    }
}

/// Returns the name and tag, as written.
pub(super) fn reference(one: &ImageUse, text: &str) -> (String, String) {
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
