//! Charts that Terraform releases, as far as they are written as plain text: expressions are not evaluated.
//!
//! A `helm_release` resource is a release, and so is anything given to a module that names a chart and its
//! repository: a block, a variable, or the `inputs` of Terragrunt.

mod consent;

use std::sync::Arc;

use super::super::values::{self, Leaf, LeafKind, Origin, Table, Value};
use crate::file_type::{self, MaskedView, Masks, Parser};
use crate::source::Span;
use crate::syntax::hcl::{self, Scan};
use crate::syntax::yaml::{Map, Node, Parsed};

pub(super) use consent::consents;

/// The resource type that releases a chart.
pub(super) const WORD: &str = "helm_release";
/// The steps to the releases in the result of [`read`].
pub(super) const RELEASES: &str = "releases []";

/// The key of the values files of a release in the result of [`read`]. No attribute can have this name.
pub(super) const FILES: &str = "files of values";
/// The key of the span of a release. No attribute can have this name either.
const EXTENT: &str = "all of the release";

/// The functions that read a file.
const READING: [&str; 2] = ["file", "templatefile"];
/// The folder of the file itself, or the one that Terraform runs in, which is usually the same.
const HERE: [&str; 3] = ["${path.module}/", "${path.root}/", "${path.cwd}/"];

/// Reads the releases of a file, as a table with a list of them.
pub(super) fn read(text: &str) -> Value {
    let list = RELEASES.trim_end_matches(" []").to_owned();
    Value::table(Table::from([(list, Value::List(releases(text).into()))]))
}

fn releases(text: &str) -> Vec<Value> {
    let masks = Masks::default();
    let layers = file_type::read(text, Parser::Hcl, None, &masks).layers;
    releases_in(text, &layers, &hcl::scan(text))
}

/// Reads the releases of a parsed file.
fn releases_in(text: &str, layers: &[MaskedView<'_>], scan: &Scan) -> Vec<Value> {
    let mut releases = Vec::new();
    for layer in layers {
        let bodies = bodies(&layer.parsed).into_iter();
        releases.extend(bodies.filter_map(|body| {
            let release = values::of_node(body, text, &layer.parsed, 0)?;
            let mut release = Table::clone(release.as_table()?);
            release.insert(FILES.to_owned(), files(body, text, scan));
            release.insert(EXTENT.to_owned(), text_at("", body.span()));
            Some(Value::table(release))
        }));
    }
    releases
}

fn text_at(text: &str, span: Span) -> Value {
    Value::Leaf(Leaf {
        text: Arc::from(text),
        kind: LeafKind::Text,
        origin: Origin { file: 0, span },
    })
}

/// Returns the files that the expressions of `values` read, if their names are literals.
fn files(body: &Node<'_>, text: &str, scan: &Scan) -> Value {
    let expressions = body.as_map().into_iter();
    let expressions = expressions.flat_map(|body| of_key(body, "values"));
    let names = expressions.flat_map(|node| hcl::first_texts(text, scan, node.span(), &READING));
    let files = names.filter_map(|span| {
        let name = span.of(text);
        let mut here = HERE.iter();
        let name = here
            .find_map(|folder| name.strip_prefix(folder))
            .unwrap_or(name);
        let is_known = !name.starts_with('/') && !name.contains("%{");
        is_known.then(|| text_at(name, span))
    });
    Value::List(files.collect())
}

/// Returns the spans of the releases that [`read`] found.
pub(super) fn extents(file: &Value) -> Vec<Span> {
    let releases = file.as_table().into_iter().flat_map(Table::values);
    let releases = releases.flat_map(|list| match list {
        Value::List(releases) => &releases[..],
        _ => &[],
    });
    let extents = releases.filter_map(|release| release.as_table()?.get(EXTENT)?.as_leaf());
    extents.map(|extent| extent.origin.span).collect()
}

/// Returns the outermost tables that name a chart.
fn bodies<'p, 't>(parsed: &'p Parsed<'t>) -> Vec<&'p Node<'t>> {
    let mut bodies = Vec::new();
    for root in parsed.documents.iter().filter_map(Node::as_map) {
        for (key, node) in entries(root) {
            match key {
                "resource" => {
                    let types = node.as_map().into_iter().flat_map(entries);
                    let own = types.filter(|(name, _)| *name == WORD);
                    bodies.extend(own.flat_map(|(_, blocks)| blocks_of(blocks)));
                }
                "data" => {}
                _ => collect(node, &mut bodies),
            }
        }
    }
    bodies
}

fn blocks_of<'p, 't>(names: &'p Node<'t>) -> impl Iterator<Item = &'p Node<'t>> {
    let blocks = names.as_map().into_iter().flat_map(entries);
    blocks
        .map(|(_, body)| body)
        .filter(|body| body.as_map().is_some())
}

fn collect<'p, 't>(node: &'p Node<'t>, bodies: &mut Vec<&'p Node<'t>>) {
    match node {
        Node::Map(map) if names_chart(map) => bodies.push(node),
        Node::Map(map) => entries(map).for_each(|(_, value)| collect(value, bodies)),
        Node::List(list) => list.items.iter().for_each(|item| collect(item, bodies)),
        _ => {}
    }
}

fn names_chart(map: &Map<'_>) -> bool {
    let chart = map.text("chart");
    chart.is_some_and(|chart| chart.starts_with("oci://") || map.text("repository").is_some())
}

fn entries<'p, 't>(map: &'p Map<'t>) -> impl Iterator<Item = (&'p str, &'p Node<'t>)> {
    let entries = map.entries.iter();
    entries.map(|entry| (entry.name().unwrap_or_default(), &entry.value))
}

/// Returns all values of a key, since repeated blocks share one key.
fn of_key<'p, 't>(map: &'p Map<'t>, key: &str) -> impl Iterator<Item = &'p Node<'t>> {
    let entries = map.entries.iter();
    let own = entries.filter(move |entry| entry.name() == Some(key));
    own.map(|entry| &entry.value)
}

#[cfg(test)]
mod tests {
    use super::super::ways::dig;
    use super::*;

    #[track_caller]
    fn text_at(release: &Value, path: &str) -> String {
        match dig(release.as_table().unwrap(), path) {
            Some(Value::Leaf(leaf)) => leaf.text.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn releases_are_read() {
        let text = r#"
# resource "helm_release" "no" { version = "0" }
/* resource "helm_release" "no" { } */
locals { a = { b = "resource" } }
resource "aws_instance" "x" {
  tags = { version = "9" }
}
resource "helm_release" "metrics" {
  name       = "metrics-${var.env}" // a comment
  repository = "https://example.com/charts"
  chart = "kube-state-metrics"
  version="4.7.0"
  namespace = "${lookup(var.a, "}")}"
  timeout = var.timeout * 2
  depends_on = [aws_instance.x, module.y["z"]]
  lifecycle { ignore_changes = [version] }
  set {
    name  = "image.registry"
    value = "registry.example.com"
  }
  set { 
    name = "a"
    value = "b"
  }
  values = [
    <<-EOT
      image:
        tag: v1
    EOT
    , file("values.yaml"), "c: d"
  ]
}
resource "helm_release" "other" {
  version = "1.0.0"
"#;
        let found = releases(text);
        assert_eq!(found.len(), 2);
        assert_eq!(text_at(&found[0], "version"), "4.7.0");
        assert_eq!(text_at(&found[0], "chart"), "kube-state-metrics");
        assert_eq!(text_at(&found[0], "timeout"), "Some(List([]))");
        assert_eq!(text_at(&found[1], "version"), "1.0.0");
        let table = found[0].as_table().unwrap();
        let Some(Value::List(sets)) = table.get("set") else {
            panic!("{table:?}");
        };
        assert_eq!(text_at(&sets[0], "value"), "registry.example.com");
        assert_eq!(text_at(&sets[1], "name"), "a");
        let Some(Value::List(values)) = table.get("values") else {
            panic!("{table:?}");
        };
        let texts: Vec<Option<&str>> = values
            .iter()
            .map(|value| value.as_leaf().map(|leaf| &*leaf.text))
            .collect();
        let here = "image:\n  tag: v1\n";
        assert_eq!(texts, [Some(here), None, Some("c: d")]);
    }
}
