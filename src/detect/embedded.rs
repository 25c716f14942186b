//! Documents inside scalars: which scalars may be documents, and how they parse.

use std::borrow::Cow;
use std::path::Path;

use super::input::Input;
use crate::source::Span;
use crate::syntax::template::{self, Action, Mask};
use crate::syntax::yaml::{self, Node, Parsed};

/// A region of a text that is read as a separate text.
pub(super) struct Embedded<'e> {
    pub(super) region: Span,
    text: &'e str,
    masked: Cow<'e, str>,
    actions: Vec<Action>,
}

/// Whether a region may be a document: lines with keys, or a JSON collection.
pub(super) fn may_be(input: &Input<'_>, region: Span) -> bool {
    let text = region.of(input.masked).trim();
    let is_collection = text.starts_with(['{', '[']) && text.ends_with(['}', ']']);
    let is_json = is_collection && text.contains(['"', ':']) && !text.starts_with("{{");
    // `images: [{name: web, newTag: "1"}]`
    let is_pair = || text.ends_with(['}', ']']) && text.contains(": [{");
    is_json || is_pair() || text.contains('\n') && (text.contains(':') || text.starts_with('-'))
}

/// Returns the ways to read a region: as it is, and as a template with its own actions.
pub(super) fn readings<'e>(
    input: &Input<'e>,
    region: Span,
) -> impl Iterator<Item = Embedded<'e>> + use<'e> {
    let first = input
        .actions
        .partition_point(|action| action.span.start < region.start);
    let within = input.actions[first..].iter();
    let within = within.take_while(|action| action.span.end <= region.end);
    let text = region.of(input.text);
    let masked = region.of(input.masked);
    let plain = Embedded {
        region,
        text,
        masked: Cow::Borrowed(masked),
        actions: within.map(|action| action.back(region.start)).collect(),
    };
    let as_template = move || {
        let actions = template::actions(masked);
        (!actions.is_empty()).then(|| Embedded {
            region,
            text,
            masked: Cow::Owned(template::mask(masked, &actions, Mask::Lines)),
            actions,
        })
    };
    std::iter::once(plain).chain(std::iter::once_with(as_template).flatten())
}

impl Embedded<'_> {
    /// Parses the documents. `None` if they have errors, or are not all maps or lists.
    pub(super) fn parse(&self) -> Option<Vec<Parsed<'_>>> {
        let parts = split_documents(&self.masked).into_iter();
        let parsed: Vec<Parsed<'_>> = parts.map(|part| yaml::parse(&self.masked, part)).collect();
        let is_sound = parsed.iter().all(|parsed| parsed.errors.is_empty());
        let is_structure = |node: &Node<'_>| matches!(node, Node::Map(_) | Node::List(_));
        let mut documents = parsed
            .iter()
            .flat_map(|parsed| &parsed.documents)
            .peekable();
        let holds = is_sound && documents.peek().is_some() && documents.all(is_structure);
        holds.then_some(parsed)
    }

    pub(super) fn input(&self, depth: usize) -> Input<'_> {
        Input {
            path: Path::new(""),
            text: self.text,
            masked: &self.masked,
            actions: &self.actions,
            hints: None,
            depth,
        }
    }
}

/// Splits a block scalar into its documents. Its `---` lines are indented, so the parser does not see them.
fn split_documents(text: &str) -> Vec<Span> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim() == "---" {
            parts.push(Span::new(start, at));
            start = at + line.len();
        }
        at += line.len();
    }
    parts.push(Span::new(start, text.len()));
    parts.retain(|part| !part.of(text).trim().is_empty());
    parts
}
