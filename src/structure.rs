//! Describes where something is in the structure of a file, in a way that stays the same when lines shift.
//!
//! `Deployment/web:spec.template.spec.containers[name=app].image`: the kind and name of a manifest, then keys, and for a list
//! item its `name`, if it has one. Knows nothing of rules and findings.

use crate::file_type::{self, FileType, Masks, Parser, Reading};
use crate::syntax::yaml::{Entry, Map, Node};

/// The description of a location in a comment.
const COMMENT: &str = "#";
/// If the text goes on for longer than this after the last offset, the rest is not parsed.
const LONG: usize = 1 << 20;
/// The longest description, in characters.
const LONGEST: usize = 400;

/// Returns the description of each offset. Empty if the text has no structure, or could not be parsed.
pub fn places(text: &str, file_type: &FileType, offsets: &[usize]) -> Vec<String> {
    if file_type.parser == Parser::Text || offsets.is_empty() {
        return vec![String::new(); offsets.len()];
    }
    let mut hints = offsets.to_vec();
    hints.sort_unstable();
    let (short, whole) = (Masks::default(), Masks::default());
    let is_sound = |reading: &Reading<'_>| {
        let mut layers = reading.layers.iter();
        layers.all(|layer| layer.parsed.errors.is_empty())
    };
    let reading = without_rest(text, &hints)
        .map(|text| file_type::read(text, file_type.parser, Some(&hints), &short))
        .filter(is_sound)
        .unwrap_or_else(|| file_type::read(text, file_type.parser, Some(&hints), &whole));
    let Some(layer) = reading.layers.first() else {
        return vec![String::new(); offsets.len()];
    };
    let comments = &layer.parsed.comments;
    let place = |offset: &usize| {
        let after = comments.partition_point(|comment| comment.start <= *offset);
        let in_comment = after > 0 && *offset < comments[after - 1].end;
        match begun(&layer.parsed.documents, *offset, |node| node) {
            _ if in_comment => COMMENT.to_owned(),
            Some(node) if *offset <= node.span().end => shortened(place(text, node, *offset)),
            _ => String::new(),
        }
    };
    offsets.iter().map(place).collect()
}

fn place(text: &str, document: &Node<'_>, offset: usize) -> String {
    let mut place = document
        .as_map()
        .and_then(|map| manifest(text, map))
        .unwrap_or_default();
    let mut node = document;
    loop {
        node = match node {
            Node::Map(map) => {
                let Some(entry) = entry_at(map, offset) else {
                    break;
                };
                if !place.is_empty() && !place.ends_with(':') {
                    place.push('.');
                }
                place += &key(text, entry);
                if offset < entry.value.span().start && !is_alias(&entry.value) {
                    break;
                }
                &entry.value
            }
            Node::List(list) => {
                let Some(item) = begun(&list.items, offset, |item| item) else {
                    break;
                };
                let name = item.as_map().and_then(|map| scalar(text, map, "name"));
                place += &match name {
                    Some(name) => format!("[name={name}]"),
                    None => "[]".to_owned(),
                };
                item
            }
            Node::Scalar(_) | Node::Alias(_) => break,
        };
    }
    place
}

/// Returns a text up to the line of the last offset, if much follows. The structure of that part does not depend on the rest,
/// unless the rest closes something: then the part does not parse.
fn without_rest<'t>(text: &'t str, hints: &[usize]) -> Option<&'t str> {
    let last = *hints.last()?;
    let line = memchr::memchr(b'\n', text.as_bytes().get(last..)?)?;
    let end = last + line + 1;
    (text.len() - end > LONG).then(|| &text[..end])
}

/// Returns the last node that begins at the offset or before. `all` is in the order of the text.
fn begun<'n, 't: 'n, T>(
    all: &'n [T],
    offset: usize,
    head: impl Fn(&T) -> &Node<'t>,
) -> Option<&'n T> {
    let count = all.partition_point(|one| head(one).span().start <= offset);
    all[..count].last()
}

/// The most entries between two HCL blocks of one kind: all of them are listed where the first is.
const MOST_BETWEEN: usize = 64;

fn entry_at<'m, 't>(map: &'m Map<'t>, offset: usize) -> Option<&'m Entry<'t>> {
    let count = map
        .entries
        .partition_point(|entry| entry.key.span().start <= offset);
    let (last, before) = map.entries[..count].split_last()?;
    let holds = |entry: &&Entry<'_>| offset < entry.value.span().end;
    let mut near = before.iter().rev().take(MOST_BETWEEN);
    match offset <= last.value.span().end {
        true => Some(last),
        false => near.find(holds).or(Some(last)),
    }
}

fn is_alias(node: &Node<'_>) -> bool {
    matches!(node, Node::Alias(_))
}

/// `Deployment/web:`
fn manifest(text: &str, map: &Map<'_>) -> Option<String> {
    let kind = scalar(text, map, "kind")?;
    let name = map
        .map("metadata")
        .and_then(|metadata| scalar(text, metadata, "name"));
    Some(match name {
        Some(name) => format!("{kind}/{name}:"),
        None => format!("{kind}:"),
    })
}

/// Returns the first line of a scalar as written, because template actions are masked in the tree.
fn scalar<'t>(text: &'t str, map: &Map<'_>, key: &str) -> Option<&'t str> {
    let span = map.get(key)?.as_scalar()?.span;
    let written = span.of(text).trim();
    let line = written.lines().next()?;
    (!line.is_empty()).then_some(line)
}

/// Returns a key as written, in quotes if it could be read as several.
fn key(text: &str, entry: &Entry<'_>) -> String {
    let written = entry.key.span().of(text).trim();
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '/');
    match !written.is_empty() && written.chars().all(plain) {
        true => written.to_owned(),
        false => format!("'{}'", written.replace('\'', "''")),
    }
}

/// Cuts off the beginning of a long description, because the end says more.
fn shortened(place: String) -> String {
    match place.char_indices().rev().nth(LONGEST) {
        Some((cut, _)) => format!("…{}", &place[cut..]),
        None => place,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Checks the description of each `X`.
    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let file_type = file_type::classify(Path::new(path)).unwrap_or(&file_type::TEXT);
        let offsets: Vec<usize> = text.match_indices('X').map(|(at, _)| at).collect();
        assert_eq!(places(text, file_type, &offsets), expected, "{text}");
    }

    #[test]
    fn manifests_are_named_by_kind_and_name() {
        let text = "\
# X
kind: Deployment
metadata: {name: web}
spec:
  containers:
    - name: a
      image: X
    - image: \"X\"
      args: [--x, X]
    # - image: X
---
kind: List
items:
- kind: Pod
  metadata:
    annotations: {a.b/c: X}
";
        let expected = [
            "#",
            "Deployment/web:spec.containers[name=a].image",
            "Deployment/web:spec.containers[].image",
            "Deployment/web:spec.containers[].args[]",
            "#",
            "List:items[].metadata.annotations.'a.b/c'",
        ];
        check("a.yaml", text, &expected);
        let shifted = format!("# one\n\n# two\n{text}");
        check("a.yaml", &shifted, &expected);
    }

    #[test]
    fn values_templates_json_and_text() {
        check(
            "values.yaml",
            "a: {b: X}\nc:\n  d: |\n    X\n",
            &["a.b", "c.d"],
        );
        check(
            "templates/a.yaml",
            "kind: Pod\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  image: X/{{ .y }}\n",
            &["Pod/{{ .Release.Name }}:spec.image"],
        );
        check(
            "a.json",
            r#"{"a": [{"name": "x", "b": "X"}]}"#,
            &["a[name=x].b"],
        );
        check(
            "a.tf",
            "resource \"r\" \"n\" {\n  set {\n    name = \"a\"\n    value = \"X\"\n  }\n  b = c(\"X\")\n  set { value = \"X\" }\n}\n",
            &[
                "resource.r.n.set[name=a].value",
                "resource.r.n.b",
                "resource.r.n.set[].value",
            ],
        );
        check("a.sh", "docker pull X\n", &[""]);
        check("a.yaml", "a: [X\nb: X", &["", ""]);
        check("a.yaml", "- X\n- [X]\n", &["[]", "[][]"]);
    }

    #[test]
    fn a_key_that_is_meant_itself_ends_the_place() {
        check("a.yaml", "a:\n  X:\n    b: c\n", &["a.X"]);
    }

    #[test]
    fn long_places_keep_their_end() {
        let text = format!("{}: X\n", "k".repeat(900));
        let offset = text.find('X').unwrap();
        let file_type = file_type::classify(Path::new("a.yaml")).unwrap();
        assert!(places(&text, file_type, &[offset])[0].chars().count() <= LONGEST + 2);
    }

    #[test]
    fn the_rest_of_a_long_text_changes_nothing() {
        let rest = "- a: b\n".repeat(LONG / 7 + 1);
        check(
            "a.yaml",
            &format!("- name: x\n  a: X\n- X\n{rest}"),
            &["[name=x].a", "[]"],
        );
        let open = format!(
            "{{\"a\": [\n{{\"b\": \"X\"}},\n\"{}\"]}}\n",
            " ".repeat(LONG)
        );
        check("a.json", &open, &["a[].b"]);
    }
}
