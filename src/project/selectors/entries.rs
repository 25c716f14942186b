//! The entries of Flux, Argo CD, kbld and kpt that select images by name, legacy or not.
//!
//! Knows the keys of their lists, but no rules.

use std::collections::{BTreeMap, BTreeSet};

use super::{IMAGE_NAME, LOCKED};
use crate::detect::REPLACED;
use crate::detect::strings_of_matcher;
use crate::image::name_of;
use crate::source::Span;
use crate::syntax::field_path;
use crate::syntax::yaml::{self, Node};

/// The names by which entries select images, each with the names by which they did before. Not only of legacy entries.
pub(super) type Named = BTreeMap<String, BTreeSet<String>>;

/// The entries of documents that select images.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) named: Named,
    /// The span of each entry.
    pub(super) spans: Vec<Span>,
    /// References that select only exactly the same text, not other tags of the name, as in kbld.
    pub(super) exact: BTreeSet<String>,
}

impl Entries {
    /// Reads the entries of some documents of a text.
    pub(super) fn of(text: &str, documents: &[Span]) -> Self {
        let mut entries = Self::default();
        for region in documents {
            let parsed = yaml::parse(text, *region);
            for root in &parsed.documents {
                entries.add_below(root);
            }
            for comment in parsed.comments {
                entries.add_matcher(text, comment);
            }
        }
        entries
    }

    fn add(&mut self, name: &str, span: Span) {
        let name = name_of(name).to_owned();
        self.named.entry(name.clone()).or_default().insert(name);
        self.spans.push(span);
    }

    /// Adds what a matcher of ytt looks for, or ytt code compares with: strings that contain a slash.
    fn add_matcher(&mut self, text: &str, comment: Span) {
        let strings = strings_of_matcher(text, comment).map(|string| string.of(text));
        for name in strings.filter(|name| name.contains('/')) {
            self.exact.insert(name.to_owned());
            self.add(name, comment);
        }
    }

    fn add_item(&mut self, list: &str, item: &Node<'_>) {
        // `containers.[image=NAME:tag].image` of a replacement
        if let ("fieldPaths", Node::Scalar(path)) = (list, item) {
            let values = field_path::compared(&path.value);
            let values = values.map(|value| value.of(&path.value).to_owned());
            self.exact.extend(values);
        }
        let name = match (list, item) {
            ("images", Node::Map(map)) => map.text("name"),
            ("images", Node::Scalar(one)) => one.value.split('=').next(),
            ("overrides" | "sources" | "destinations", Node::Map(map)) => {
                map.text("image").or_else(|| map.text("imageRepo"))
            }
            _ => None,
        };
        let Some(name) = name else {
            return;
        };
        if list == "overrides" && name_of(name) != name {
            self.exact.insert(name.to_owned());
        }
        self.add(name, item.span());
    }

    fn add_below(&mut self, node: &Node<'_>) {
        match node {
            Node::Map(map) => {
                for entry in &map.entries {
                    let key = entry.name().unwrap_or_default();
                    match (key, &entry.value) {
                        (_, Node::List(list)) => {
                            list.items.iter().for_each(|one| self.add_item(key, one));
                        }
                        ("image" | "imageTag" | "configMap", Node::Map(map)) => {
                            if let Some(name) = map.text("name") {
                                self.add(name, map.span);
                            }
                        }
                        (REPLACED, Node::Scalar(value)) => {
                            self.exact.insert(value.value.to_string());
                            self.add(&value.value, value.span);
                        }
                        (key, Node::Scalar(name)) if key == LOCKED || key.ends_with(IMAGE_NAME) => {
                            self.add(&name.value, name.span)
                        }
                        _ => {}
                    }
                    self.add_below(&entry.value);
                }
            }
            Node::List(list) => list.items.iter().for_each(|item| self.add_below(item)),
            Node::Scalar(_) | Node::Alias(_) => {}
        }
    }
}
