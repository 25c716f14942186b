//! Files that could not be read or parsed: it is unknown what they select, so nothing that they could reach is changed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::build_graph::BuildGraph;
use crate::file_type::{self, Masks, Parser};
use crate::printable;
use crate::project::{Members, PathKind, Tree};
use crate::source::Span;
use crate::syntax::yaml;

/// Locks the files of a group if one of them, or a file that they name, exists but cannot be read or parsed.
pub(super) fn block_fixes(group: &BuildGraph, tree: &dyn Tree, members: &mut Members) {
    let Some(why) = reason(group, tree, members) else {
        return;
    };
    let why: Arc<str> = Arc::from(why);
    for member in members.values_mut() {
        member.locked.get_or_insert_with(|| Arc::clone(&why));
    }
}

fn reason(group: &BuildGraph, tree: &dyn Tree, members: &Members) -> Option<String> {
    let layers = group.layers.iter();
    let named: BTreeSet<&Path> = layers
        .flat_map(|layer| std::iter::once(layer.path.as_path()).chain(layer.files()))
        .collect();
    named.into_iter().find_map(|path| {
        let name = printable::path(path);
        match members.get(path) {
            Some(member) if member.exists && !is_sound(&member.text, member.file_type.parser) => {
                Some(format!("{name} belongs to it and does not parse"))
            }
            Some(_) => None,
            None if is_blind(tree, path) => {
                Some(format!("{name} belongs to it and cannot be read"))
            }
            None => None,
        }
    })
}

/// Whether there is a manifest that cannot be read.
fn is_blind(tree: &dyn Tree, path: &Path) -> bool {
    match tree.place(path) {
        PathKind::Unreadable => true,
        PathKind::File => file_type::classify(path).is_some() && tree.text(path).is_none(),
        PathKind::Missing | PathKind::Folder | PathKind::Outside => false,
    }
}

fn is_sound(text: &str, parser: Parser) -> bool {
    let whole = Span::new(0, text.len());
    parser == Parser::Text || yaml::parse(text, whole).errors.is_empty() || {
        // Templates of other tools are not YAML until they are rendered.
        let masks = Masks::default();
        let reading = file_type::read(text, parser, None, &masks);
        let first = reading.layers.first();
        first.is_none_or(|layer| layer.parsed.errors.is_empty())
    }
}
