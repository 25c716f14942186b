//! Images by which a replacement finds what it replaces: `containers.[image=NAME].image`.

use super::{ImageScalars, Test, Text};
use crate::source::Span;
use crate::syntax::field_path;
use crate::syntax::yaml::{Node, Scalar};

/// Reads the replacements of a kustomization, of a transformer, or of a file that it names.
pub(in crate::project::kustomize) fn of_replacements(
    text: Text<'_>,
    region: Option<Span>,
    out: &mut ImageScalars,
) {
    for document in text.documents(region).into_iter().flatten() {
        let own = document.as_map().and_then(|map| map.get("replacements"));
        for replacement in items(own.unwrap_or(&document)) {
            for target in items_under(replacement, "targets") {
                for path in items_under(target, "fieldPaths").filter_map(Node::as_scalar) {
                    out.tests.extend(selected(text, path));
                }
            }
        }
    }
}

/// The items of a list, or the node itself if it is not a list.
fn items<'n>(node: &'n Node<'n>) -> impl Iterator<Item = &'n Node<'n>> {
    let list = node.as_list().map(|list| list.items.iter());
    let one = list.is_none().then_some(node);
    list.into_iter().flatten().chain(one)
}

fn items_under<'n>(node: &'n Node<'n>, key: &str) -> impl Iterator<Item = &'n Node<'n>> {
    let list = node.as_map().and_then(|map| map.get(key));
    list.into_iter().flat_map(items)
}

/// Returns the values that the conditions of a path compare with.
fn selected<'t>(text: Text<'t>, path: &'t Scalar<'t>) -> impl Iterator<Item = Test> + 't {
    let written = path.span.of(text.text);
    field_path::compared(written).map(move |value| Test {
        file: text.file,
        span: value.shift(path.span.start),
        value: value.of(written).to_owned(),
        verbatim: path.is_verbatim(text.text),
        verdict: None,
        left_behind: false,
    })
}
