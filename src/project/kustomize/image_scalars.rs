//! Where the resources, patches and values of a kustomization hold references, and what is to become of them.
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

/// The finding that would change a text, and how.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The file's place in the group.
    pub(super) file: usize,
    /// What the finding is known by there.
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
    /// The file's place in the group.
    pub(super) file: usize,
    pub(super) span: Span,
    pub(super) value: String,
    /// Of what changes it.
    pub(super) sources: Vec<usize>,
    pub(super) field: Field,
}

/// The value of a JSON 6902 `test`, or one by which a replacement finds what it replaces: what it tests must stay equal
/// to it.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) file: usize,
    pub(super) span: Span,
    pub(super) value: String,
    /// Whether the text at the span is the value itself.
    pub(super) verbatim: bool,
    /// What the rules say of the value by itself, where its text can be edited.
    pub(super) verdict: Option<Finding>,
    /// Whether what it tests is called so already.
    pub(super) left_behind: bool,
}

/// A file of the group as a reader of leaves sees it.
#[derive(Clone, Copy)]
pub(super) struct Text<'t> {
    pub(super) file: usize,
    pub(super) text: &'t str,
    /// Those of all files, and which of them are of this one, in the order of their spans.
    pub(super) sources: &'t [Source],
    pub(super) own: &'t [usize],
}

#[derive(Debug, Default)]
pub(super) struct ImageScalars {
    /// Fields that are of interest besides those that hold a finding, and those of containers.
    pub(super) specs: Vec<FieldSpec>,
    pub(super) leaves: Vec<ImageScalar>,
    pub(super) tests: Vec<Test>,
}

impl Test {
    /// What the value becomes by the rules.
    pub(super) fn moved(&self) -> Option<&str> {
        self.verdict.as_ref()?.new.as_deref()
    }
}

impl ImageScalar {
    /// What the scalar is once the active ones among its sources are fixed, and which those are.
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
            // The text is not the value: what the finding says of it is.
            let after = fixes().fold(self.value.clone(), |value, source| {
                value.replace(&source.old, &source.new)
            });
            (after, active)
        }
    }
}

/// A text that is at `span`, after those edits that lie in it.
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

    /// The documents of a region, or of all.
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

/// Every reference of a region for itself.
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

/// Calls for each document of a plugin's configuration: a file, or a region of one.
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
            // A text of its own: each reference in it stands for itself.
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

    /// Whether entries look there by default: at `image` in any `containers` and `initContainers`, and at the
    /// `reference` of an image volume. Newer versions of Kustomize look at more than older ones.
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

/// A scalar that is longer is no reference.
const LONGEST: usize = 4096;
