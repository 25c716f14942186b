//! A scalar of several lines: documents inside documents, where it parses as such, and text where not.

use std::path::Path;

use super::role::{self, Role};
use super::tree::{Place, ROOT, Walk};
use super::{TagAt, Trust, View, comment};
use crate::source::Span;
use crate::syntax::template::{self, Action, Mask};
use crate::syntax::yaml::{self, Node, Scalar};

/// Documents inside scalars inside documents: deeper than this they are read as text.
const DEEPEST: usize = 4;

impl Walk<'_> {
    /// A scalar of several lines: YAML or JSON inside YAML where it parses as such, else text.
    pub(super) fn embedded(&mut self, scalar: &Scalar<'_>, place: Place<'_>) {
        let start = self.text[..scalar.span.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let blank_before = self.text[start..scalar.span.start].trim().is_empty();
        let region = if blank_before {
            Span::new(start, scalar.span.end)
        } else {
            scalar.span
        };
        let structured =
            scalar.style == yaml::Style::Literal && blank_before && self.depth < DEEPEST;
        if structured && place.mention.is_none() && self.embedded_documents(region) {
            return;
        }
        if place.mention.is_some() || !structured_text(place.key) {
            self.tokens_of_prose(region, place);
        } else {
            self.tokens(region, place);
        }
    }

    fn tokens_of_prose(&mut self, region: Span, place: Place<'_>) {
        let before = self.sites.len();
        self.tokens(region, place);
        for site in &mut self.sites[before..] {
            if place.mention.is_none() && site.tag == TagAt::None && site.digest.is_none() {
                site.trust = site.trust.min(Trust::Likely("it stands in free text"));
            }
        }
    }

    /// Walks the documents inside a block scalar. `false` where they are none.
    fn embedded_documents(&mut self, region: Span) -> bool {
        let first = self
            .actions
            .partition_point(|action| action.span.start < region.start);
        let within = self.actions[first..]
            .iter()
            .take_while(|action| action.span.end <= region.end);
        let actions: Vec<Action> = within.map(|action| action.back(region.start)).collect();
        if self.inner_documents(region, region.of(self.masked), &actions) {
            return true;
        }
        let actions = template::actions(region.of(self.masked));
        let masked = template::mask(region.of(self.masked), &actions, Mask::Lines);
        !actions.is_empty() && self.inner_documents(region, &masked, &actions)
    }

    fn inner_documents(&mut self, region: Span, masked: &str, actions: &[Action]) -> bool {
        let parts = split_documents(masked);
        let parsed: Vec<_> = parts
            .iter()
            .map(|part| yaml::parse(masked, *part))
            .collect();
        let documents = || parsed.iter().flat_map(|parsed| &parsed.documents);
        let structured = |node: &Node<'_>| matches!(node, Node::Map(_) | Node::List(_));
        let broken = parsed.iter().any(|parsed| !parsed.errors.is_empty());
        if broken || documents().next().is_none() || !documents().all(structured) {
            return false;
        }
        let view = View {
            path: Path::new(""),
            text: region.of(self.text),
            masked,
            actions,
            documents: &[],
            comments: &[],
            unparsed: &[],
            hints: None,
        };
        let mut inner = Walk::new(view.path, view.text, masked, actions);
        inner.depth = self.depth + 1;
        for parsed in &parsed {
            for document in &parsed.documents {
                let own = role::of_document(document, view.path);
                inner.role = if own == Role::Plain && !self.role.is_of_file() {
                    self.role
                } else {
                    own
                };
                inner.node(
                    document,
                    Place {
                        mention: inner.role.mention(),
                        ..ROOT
                    },
                );
            }
            for span in &parsed.comments {
                inner.sites.extend(comment::site(&view, *span, inner.role));
            }
        }
        self.sites
            .extend(inner.sites.into_iter().map(|site| site.shift(region.start)));
        true
    }
}

/// Keys whose text is run or read by a program.
fn structured_text(key: &str) -> bool {
    const ENDS: [&str; 18] = [
        "args",
        "command",
        "commands",
        "run",
        "script",
        "cmd",
        "before",
        "after",
        "data",
        "yaml",
        "yml",
        "json",
        "toml",
        "conf",
        "cfg",
        "ini",
        "sh",
        "properties",
    ];
    ENDS.iter().any(|end| key.ends_with(end)) || key.is_empty()
}

/// The documents of a block scalar: its lines `---` are indented, and so no marks to a parser.
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
