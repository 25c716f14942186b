//! The references in the resources, patches and values of a kustomization, and how fixes change them.
//!
//! A leaf is one scalar. Whether an entry looks at it depends on the field that it is in.

mod field;
mod replacement;

use std::ops::Range;

use crate::edit::{self, Applicability, Edit, Fix};
use crate::finding::{Finding, Id};
use crate::source::Span;
use crate::syntax::json_pointer::unescaped;
use crate::syntax::yaml::{self, List, Map, Node, Scalar};
use field::Resource;
pub(super) use field::{Field, FieldSpec};
pub(super) use replacement::of_replacements;

/// A finding whose fix would change a text.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The file's index in the group.
    pub(super) file: usize,
    /// The finding's id in the file.
    pub(super) finding: Id,
    pub(super) span: Span,
    pub(super) edits: Vec<Edit>,
    /// The reference before and after, pieces joined.
    pub(super) old: String,
    pub(super) new: String,
}

/// A scalar that may reach a field that entries look at.
#[derive(Debug, Clone)]
pub(super) struct ImageScalar {
    /// The file's index in the group.
    pub(super) file: usize,
    pub(super) span: Span,
    pub(super) value: String,
    /// Indexes of the sources that change it.
    pub(super) sources: Vec<usize>,
    pub(super) field: Field,
}

/// The value of a JSON 6902 `test`, or one by which a replacement finds what it replaces. The tested value must stay equal
/// to it.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) file: usize,
    pub(super) span: Span,
    pub(super) value: String,
    /// Whether the text at the span is the value itself.
    pub(super) verbatim: bool,
    /// The finding for the value by itself, if its text can be edited.
    pub(super) verdict: Option<Finding>,
    /// Whether it still has an old name although the tested values have the new one already.
    pub(super) left_behind: bool,
}

/// A file of the group whose leaves are read.
#[derive(Clone, Copy)]
pub(super) struct Text<'t> {
    pub(super) file: usize,
    pub(super) text: &'t str,
    /// The sources of all files, and the indexes of those in this file, in the order of their spans.
    pub(super) sources: &'t [Source],
    pub(super) own: &'t [usize],
}

#[derive(Debug, Default)]
pub(super) struct ImageScalars {
    /// Fields that are read in addition to those that hold a finding and those of containers.
    pub(super) specs: Vec<FieldSpec>,
    pub(super) leaves: Vec<ImageScalar>,
    pub(super) tests: Vec<Test>,
}

impl Test {
    /// Returns what the rules make of the value. `None` if no rule moves it.
    pub(super) fn moved(&self) -> Option<&str> {
        self.verdict.as_ref()?.new.as_deref()
    }
}

impl ImageScalar {
    /// Returns the value after the fixes of its active sources, and these sources.
    pub(super) fn moved(
        &self,
        sources: &[Source],
        is_active: impl Fn(usize) -> bool,
    ) -> (String, Vec<usize>) {
        let own = self.sources.iter().copied();
        let active: Vec<usize> = own.filter(|at| is_active(*at)).collect();
        let fixes = || active.iter().map(|at| &sources[*at]);
        if self.span.len() == self.value.len() {
            let edits = fixes().flat_map(|source| &source.edits);
            (edited(&self.value, self.span, edits), active)
        } else {
            // The text is written differently than the value, so the finding's edits do not apply to the value.
            let after = fixes().fold(self.value.clone(), |value, source| {
                value.replace(&source.old, &source.new)
            });
            (after, active)
        }
    }
}

/// Applies the edits within `span` to the text at `span`.
pub(super) fn edited<'e>(text: &str, span: Span, edits: impl Iterator<Item = &'e Edit>) -> String {
    let here = |edit: &Edit| {
        Edit::new(
            Span::new(edit.span.start - span.start, edit.span.end - span.start),
            edit.text.clone(),
        )
    };
    let inside = edits.filter(|edit| span.covers(edit.span)).map(here);
    let fixes: Vec<Fix> = inside
        .map(|edit| Fix::here(vec![edit], Applicability::Safe))
        .collect();
    edit::apply(text, &fixes, Applicability::Safe)
}

impl Text<'_> {
    /// The sources in a span.
    pub(super) fn within(&self, span: Span) -> &[usize] {
        let start = self
            .own
            .partition_point(|at| self.sources[*at].span.start < span.start);
        let end = self
            .own
            .partition_point(|at| self.sources[*at].span.start < span.end);
        let range: Range<usize> = start..end.max(start);
        &self.own[range]
    }

    /// Parses the documents of a region, or of the whole text. `None` if the region has syntax errors.
    fn documents(&self, content: Option<Span>) -> Option<Vec<Node<'_>>> {
        let whole = Span::new(0, self.text.len());
        let parsed = yaml::parse(self.text, content.unwrap_or(whole));
        (content.is_none() || parsed.errors.is_empty()).then_some(parsed.documents)
    }
}

/// Reads the resources of a file.
pub(super) fn of_resources(text: Text<'_>, out: &mut ImageScalars) {
    for document in text.documents(None).into_iter().flatten() {
        resource(text, &document, out);
    }
}

fn resource(text: Text<'_>, node: &Node<'_>, out: &mut ImageScalars) {
    let Some(map) = node.as_map() else {
        return;
    };
    let kind = map.text("kind").unwrap_or_default();
    if let Some(Node::List(list)) = map.get("items").filter(|_| kind.ends_with("List")) {
        for item in &list.items {
            resource(text, item, out);
        }
        return;
    }
    let resource = Resource::of(map);
    let walk = Walk { text, resource };
    walk.node(node, &mut Vec::new(), out);
}

/// Reads a patch: a list of JSON 6902 operations, or resources to be merged.
pub(super) fn of_patch(text: Text<'_>, content: Option<Span>, out: &mut ImageScalars) {
    let documents = text.documents(content);
    let structured =
        |node: &Node<'_>| matches!(node, Node::Map(_) | Node::List(_) | Node::Alias(_));
    match documents {
        Some(documents) if documents.iter().all(structured) => {
            for document in &documents {
                match document {
                    Node::List(list) => operations(text, list, out),
                    _ => resource(text, document, out),
                }
            }
        }
        _ => of_region(text, content, &Field::Any, out),
    }
}

fn operations(text: Text<'_>, list: &List<'_>, out: &mut ImageScalars) {
    for map in list.items.iter().filter_map(Node::as_map) {
        let Some(value) = map.get("value") else {
            continue;
        };
        let pointer = map.text("path").unwrap_or_default();
        let keys = pointer
            .split('/')
            .filter(|key| !key.is_empty() && *key != "-")
            .filter(|key| !key.bytes().all(|byte| byte.is_ascii_digit()))
            .map(unescaped);
        let mut path: Vec<String> = keys.collect();
        let walk = Walk {
            text,
            resource: Resource::default(),
        };
        if map.text("op") == Some("test") {
            out.tests
                .extend(value.scalars().map(|scalar| walk.test(scalar)));
        } else {
            walk.node(value, &mut path, out);
        }
    }
}

/// Reads every reference in a region as a leaf by itself.
pub(super) fn of_region(
    text: Text<'_>,
    region: Option<Span>,
    field: &Field,
    out: &mut ImageScalars,
) {
    let region = region.unwrap_or(Span::new(0, text.text.len()));
    let leaf = |at: &usize| ImageScalar {
        file: text.file,
        span: text.sources[*at].span,
        value: text.sources[*at].old.clone(),
        sources: vec![*at],
        field: field.clone(),
    };
    out.leaves.extend(text.within(region).iter().map(leaf));
}

/// Calls `each` for every document of a plugin's configuration, which is a file or a region of one.
pub(super) fn documents_of(text: &str, region: Option<Span>, each: impl FnMut(&Map<'_>)) {
    let whole = Span::new(0, text.len());
    let parsed = yaml::parse(text, region.unwrap_or(whole));
    if region.is_some() && !parsed.errors.is_empty() {
        return;
    }
    parsed
        .documents
        .iter()
        .filter_map(Node::as_map)
        .for_each(each);
}

struct Walk<'t> {
    text: Text<'t>,
    resource: Resource,
}

impl Walk<'_> {
    fn node(&self, node: &Node<'_>, path: &mut Vec<String>, out: &mut ImageScalars) {
        match node {
            Node::Map(map) => {
                for pair in &map.entries {
                    path.push(pair.name().unwrap_or_default().replace('/', "\\/"));
                    self.node(&pair.value, path, out);
                    path.pop();
                }
            }
            Node::List(list) => list
                .items
                .iter()
                .for_each(|item| self.node(item, path, out)),
            Node::Scalar(scalar) => self.scalar(scalar, path, out),
            Node::Alias(_) => {}
        }
    }

    fn scalar(&self, scalar: &Scalar<'_>, path: &[String], out: &mut ImageScalars) {
        let by_default = self.is_image(path);
        let sources = self.text.within(scalar.span);
        if scalar.is_block() && !by_default {
            // Another text is embedded here: each reference in it is a leaf by itself.
            of_region(self.text, Some(scalar.span), &Field::Elsewhere, out);
            return;
        }
        if scalar.value.is_empty() || scalar.value.len() > LONGEST {
            return;
        }
        let field = Field::At {
            resource: self.resource.clone(),
            path: path.join("/"),
            by_default,
        };
        if !sources.is_empty() || field.is_seen(&out.specs) {
            out.leaves.push(ImageScalar {
                file: self.text.file,
                span: scalar.span,
                value: scalar.value.clone().into_owned(),
                sources: sources.to_vec(),
                field,
            });
        }
    }

    /// Whether entries look at a path by default: `image` in any `containers` and `initContainers`, and the `reference` of
    /// an image volume. Newer versions of Kustomize look at more than older ones.
    fn is_image(&self, path: &[String]) -> bool {
        if self.resource.kind == "CustomResourceDefinition" {
            return false;
        }
        match path {
            [.., parent, key] if key == "image" => {
                parent == "containers" || parent == "initContainers"
            }
            [.., parent, image, key] if key == "reference" => {
                image == "image" && parent == "volumes"
            }
            _ => false,
        }
    }

    fn test(&self, scalar: &Scalar<'_>) -> Test {
        Test {
            file: self.text.file,
            span: scalar.span,
            value: scalar.value.clone().into_owned(),
            verbatim: scalar.is_verbatim(self.text.text),
            verdict: None,
            left_behind: false,
        }
    }
}

/// The most bytes of a scalar that is read as a reference.
const LONGEST: usize = 4096;
