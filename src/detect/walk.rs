//! The walk over a document's tree, which carries the context down.

use super::context::Context;
use super::document::{self, DocumentType};
use super::embedded::Embedded;
use super::image_use::ImageUse;
use super::input::Input;
use super::scalar::{BELOW_A_MATCH, PUSHED};
use super::{comment, embedded, scalar, spread, words};
use crate::source::Span;
use crate::syntax::yaml::{Entry, List, Map, Node, Scalar};

/// The image uses of all documents of a text, and of its comments.
pub(super) fn uses(input: &Input<'_>, documents: &[Node<'_>], comments: &[Span]) -> Vec<ImageUse> {
    let mut out = Vec::new();
    let mut types: Vec<(Span, DocumentType)> = Vec::new();
    for root in documents {
        let document = document::of_root(root, input.path);
        node(&Context::root(input, document), root, &mut out);
        types.push((root.span(), document));
    }
    for span in comments.iter().filter(|span| input.is_of_interest(**span)) {
        let above = types.iter().rev();
        let above = above.clone().find(|(extent, _)| extent.start <= span.start);
        let document = above.or(types.first());
        let document = document.map_or(DocumentType::Plain, |(_, document)| *document);
        out.extend(comment::image_use(input, *span, document));
    }
    out
}

fn node(context: &Context<'_>, node: &Node<'_>, out: &mut Vec<ImageUse>) {
    if !context.input.is_of_interest(node.span()) {
        return;
    }
    match node {
        Node::Scalar(scalar) => self::scalar(context, scalar, out),
        Node::Map(map) => self::map(context, map, out),
        Node::List(list) => self::list(context, list, out),
        Node::Alias(_) => {}
    }
}

fn list(context: &Context<'_>, list: &List<'_>, out: &mut Vec<ImageUse>) {
    let pushes = |node: &Node<'_>| {
        let scalar = node.as_scalar();
        scalar.is_some_and(|scalar| scalar.value == "push")
    };
    let mention = context
        .mention
        .or_else(|| list.items.iter().any(pushes).then_some(PUSHED));
    let below = Context {
        in_list: true,
        mention,
        ..*context
    };
    for item in &list.items {
        node(&below, item, out);
    }
}

fn map(context: &Context<'_>, map: &Map<'_>, out: &mut Vec<ImageUse>) {
    let input = context.input;
    let fold = |entry: &Entry<'_>| words::fold(entry.name().unwrap_or_default());
    let of_interest = |node: &Node<'_>| {
        let scalar = node.as_scalar();
        scalar.is_some_and(|scalar| input.is_of_interest(scalar.span))
    };
    // Only where a scalar of the map itself is of interest may an image be spread over several.
    if !map.entries.iter().any(|entry| of_interest(&entry.value)) {
        for one in &map.entries {
            if input.is_of_interest(one.value.span()) {
                entry(context, map, one, &fold(one), &[], out);
            }
        }
        return;
    }
    let folded: Vec<String> = map.entries.iter().map(fold).collect();
    let used = spread::uses(context, map, &folded, out);
    for (index, key) in folded.iter().enumerate() {
        if !used.contains(&index) {
            entry(context, map, &map.entries[index], key, &folded, out);
        }
    }
}

fn entry(
    context: &Context<'_>,
    map: &Map<'_>,
    entry: &Entry<'_>,
    key: &str,
    folded: &[String],
    out: &mut Vec<ImageUse>,
) {
    if words::is_prose(key) {
        return;
    }
    let named = effective_key(map, key);
    let key = named.as_deref().unwrap_or(key);
    let parent = named.as_ref().and_then(|_| parent_in_name(map));
    let mirrored = key == "registry" && folded.iter().any(|key| words::is_mirror_sibling(key));
    let matched = words::is_mention(key) || mirrored;
    let below = Context {
        key,
        parent: parent.as_deref().unwrap_or(context.key),
        siblings: Some(map),
        in_list: false,
        mention: context.mention.or(matched.then_some(BELOW_A_MATCH)),
        ..*context
    };
    node(&below, &entry.value, out);
}

/// `value:` is what its sibling `name:` calls it: an environment variable, a parameter.
fn effective_key(map: &Map<'_>, key: &str) -> Option<String> {
    (key == "value")
        .then(|| {
            map.text("name")
                .or_else(|| map.text("key"))
                .map(words::fold)
        })
        .flatten()
}

/// Of `name: image.registry` beside `value:` the part before the last.
fn parent_in_name(map: &Map<'_>) -> Option<String> {
    let (head, _) = map.text("name")?.rsplit_once('.')?;
    Some(words::fold(head))
}

fn scalar(context: &Context<'_>, scalar: &Scalar<'_>, out: &mut Vec<ImageUse>) {
    let input = context.input;
    if context.is_root() && input.depth == 0 && !input.actions.is_empty() {
        scalar::rendered_hosts(context, scalar.span, out);
    }
    if !scalar.is_block() && !scalar.span.of(input.text).contains('\n') {
        scalar::of_one_line(context, scalar, out);
        return;
    }
    let region = embedded::region(input, scalar);
    if context.mention.is_none() && embedded::may_be_document(input, scalar) {
        for inner in embedded::readings(input, region) {
            if documents(context, &inner, out) {
                return;
            }
        }
    }
    scalar::of_several_lines(context, region, out);
}

/// Walks the documents of a text inside a scalar. `false` where there are none.
fn documents(context: &Context<'_>, inner: &Embedded<'_>, out: &mut Vec<ImageUse>) -> bool {
    let Some(parsed) = inner.parse() else {
        return false;
    };
    let input = inner.input(context.input.depth + 1);
    let mut found = Vec::new();
    for parsed in &parsed {
        let mut document = DocumentType::Plain;
        for root in &parsed.documents {
            let own = document::of_root(root, input.path);
            let inherits = own == DocumentType::Plain && !context.document.is_of_file();
            document = if inherits { context.document } else { own };
            node(&Context::root(&input, document), root, &mut found);
        }
        let comments = parsed.comments.iter();
        found.extend(comments.filter_map(|span| comment::image_use(&input, *span, document)));
    }
    let start = inner.region.start;
    out.extend(found.into_iter().map(|one| one.shift(start)));
    true
}
