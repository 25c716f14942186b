//! Names that a template joins with a registry of its own: `k8s.gcr.io/{{ .Values.image.repository }}`.
//!
//! Template and values are then one image use: the value is not a name on Docker Hub, and its tag says whether the image is
//! at the new location. Follows `.Values` in the text around it and in the format of `printf`; what goes through variables,
//! `include` or `tpl` is left to the check of each file.

use std::path::Path;

use super::values::{Leaf, Table, Value, table_at};
use crate::check;
use crate::edit::{Applicability, Edit, FileEdit, Fix};
use crate::file_type;
use crate::finding::{Finding, Label, Related};
use crate::image;
use crate::printable;
use crate::rules::RuleSet;
use crate::source::{LineIndex, Span};
use crate::syntax::template;

/// One place where a template joins a registry with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Join {
    /// The registry, with or without the beginning of a path, in the template.
    pub head: Span,
    /// The keys that lead to the rest of the name.
    pub name: Vec<String>,
    pub tag: Tag,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag {
    Value(Vec<String>),
    /// Written in the template.
    Text(String),
    Elsewhere,
}

/// All joins of a template.
pub(super) fn joins(text: &str) -> Vec<Join> {
    let mut found = Vec::new();
    for action in template::actions(text) {
        found.extend(beside(text, action.span));
        for literal in template::literals(text, action.span) {
            if literal.function == Some("printf") {
                found.extend(formatted(text, literal.span, action.span));
            }
        }
    }
    found
}

/// A registry that is right before an action.
fn beside(text: &str, action: Span) -> Option<Join> {
    let name = value_path(inner(text, action))?;
    let start = text[..action.start]
        .rfind(|letter: char| !is_of_name(letter))
        .map_or(0, |at| at + 1);
    let head = head(text, Span::new(start, action.start))?;
    let rest = &text[action.end..];
    let tag = match rest.strip_prefix(':') {
        None if rest.starts_with(is_of_name) || rest.starts_with('{') => return None,
        None => Tag::Elsewhere,
        Some(rest) if rest.starts_with("{{") => rest
            .find("}}")
            .and_then(|end| value_path(inner(rest, Span::new(0, end + 2))))
            .map_or(Tag::Elsewhere, Tag::Value),
        Some(rest) => {
            let end = rest.find(|letter: char| !is_of_tag(letter));
            let tag = &rest[..end.unwrap_or(rest.len())];
            match image::is_tag(tag) && !rest[tag.len()..].starts_with('{') {
                true => Tag::Text(tag.to_owned()),
                false => Tag::Elsewhere,
            }
        }
    };
    Some(Join { head, name, tag })
}

/// `printf "k8s.gcr.io/%s:%s" .Values.image.repository .Values.image.tag`
fn formatted(text: &str, format: Span, action: Span) -> Option<Join> {
    let written = format.of(text);
    let at = written.find("%s")?;
    let head = head(text, Span::new(format.start, format.start + at))?;
    let arguments = Span::new(format.end + 1, action.end).of(text);
    let arguments = arguments.split(['|', ')', '}']).next()?;
    let mut arguments = arguments.split_whitespace().map(value_path);
    let name = arguments.next()??;
    let tag = match written[at + 2..].strip_prefix(':') {
        None if at + 2 < written.len() => return None,
        None => Tag::Elsewhere,
        Some("%s" | "%v") => arguments
            .next()
            .flatten()
            .map_or(Tag::Elsewhere, Tag::Value),
        Some(tag) if image::is_tag(tag) => Tag::Text(tag.to_owned()),
        Some(_) => Tag::Elsewhere,
    };
    Some(Join { head, name, tag })
}

/// What is between the braces, without trimming marks.
fn inner(text: &str, action: Span) -> &str {
    let text = action.of(text);
    let text = text.trim_start_matches("{{").trim_end_matches("}}");
    text.trim_matches('-').trim()
}

/// The keys of `.Values.a.b`, alone or with what only quotes it behind.
fn value_path(expression: &str) -> Option<Vec<String>> {
    let mut parts = expression.split('|').map(str::trim);
    let path = parts
        .next()?
        .trim_start_matches('$')
        .strip_prefix(".Values.")?;
    let quiet = parts.all(|part| matches!(part, "quote" | "squote" | "toString" | "trim"));
    let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
    let key = |key: &String| {
        let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        !key.is_empty() && key.chars().all(word)
    };
    (quiet && keys.iter().all(key)).then_some(keys)
}

/// A registry that ends in a slash, the slash left out.
fn head(text: &str, span: Span) -> Option<Span> {
    let written = span.of(text).strip_suffix('/')?;
    let host = written.split('/').next().unwrap_or_default();
    let named = host.bytes().any(|byte| byte.is_ascii_alphabetic());
    let whole = image::is_registry_host(host) && named;
    whole.then(|| Span::new(span.start, span.start + written.len()))
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '/' | ':')
}

fn is_of_tag(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

/// The text at a path, where it is the rest of a name.
pub(super) fn leaf<'t>(values: &'t Table, path: &[String]) -> Option<&'t Leaf> {
    let (last, tables) = path.split_last()?;
    let table = table_at(values, tables.iter().map(String::as_str))?;
    match table.get(last)? {
        Value::Leaf(leaf) => Some(leaf),
        _ => None,
    }
}

/// A template, and the values that it is rendered with.
#[derive(Clone, Copy)]
pub(super) struct JoinContext<'s> {
    pub template: &'s str,
    pub values_path: &'s Path,
    pub values_text: &'s str,
    pub values: &'s Table,
}

/// Whether a join has a name that can be read, and what the rules say of the whole.
pub(super) fn judge(
    join: &Join,
    scene: &JoinContext<'_>,
    rules: &RuleSet,
) -> Option<Option<Finding>> {
    let name = leaf(scene.values, &join.name)?;
    let tag = match &join.tag {
        Tag::Value(path) => leaf(scene.values, path).map(|leaf| leaf.text.to_string()),
        Tag::Text(tag) => Some(tag.clone()),
        Tag::Elsewhere => None,
    };
    let written = name.origin.span.of(scene.values_text) == &*name.text;
    let plain = written && name.text.chars().all(is_of_name) && !name.text.is_empty();
    let hosted = image::split_host(&name.text).0.is_some();
    if !plain || hosted {
        return None;
    }
    // The pieces as one file's, which is what finds and moves them.
    let head = join.head.of(scene.template);
    let mut text = format!(
        "image:\n  registry: '{head}'\n  repository: '{}'\n",
        name.text
    );
    let tag = tag.filter(|tag| image::is_tag(tag)).unwrap_or_default();
    text.push_str(&format!("  tag: '{tag}'\n"));
    let starts = (
        text.find(head)?,
        text.find(&format!("'{}'\n  tag", name.text))? + 1,
    );
    let checked = check::check(
        Path::new("values.yaml"),
        &text,
        file_type::standard_input(),
        rules,
    );
    let found = checked.findings.into_iter().find(|one| !one.mention);
    Some(found.map(|found| placed(found, join, name, scene, starts)))
}

/// A finding of the pieces, at the locations that they have.
fn placed(
    found: Finding,
    join: &Join,
    name: &Leaf,
    scene: &JoinContext<'_>,
    (head_at, name_at): (usize, usize),
) -> Finding {
    let at = name.origin.span;
    let lines = LineIndex::new(scene.values_text);
    let mut reason = found.reason.clone();
    let fix = found.fix.as_ref().and_then(|fix| {
        let mut here = Vec::new();
        let mut elsewhere = Vec::new();
        for edit in &fix.edits {
            let moved = |from: usize, to: usize| Edit {
                span: Span::new(edit.span.start - from + to, edit.span.end - from + to),
                text: edit.text.clone(),
            };
            if edit.span.end <= head_at + join.head.len() {
                here.push(moved(head_at, join.head.start));
            } else if edit.span.start >= name_at && edit.span.end <= name_at + at.len() {
                elsewhere.push(FileEdit {
                    path: scene.values_path.into(),
                    edit: moved(name_at, at.start),
                });
            } else {
                reason = Some("the tag would have to change, too".to_owned());
                return None;
            }
        }
        // Another template may put something else before the same value.
        let applicability = match elsewhere.is_empty() {
            true => fix.applicability,
            false => fix.applicability.min(Applicability::Unsafe),
        };
        if applicability < fix.applicability {
            reason = Some("the value may be used elsewhere, too".to_owned());
        }
        Some(Fix::across(here, elsewhere.into(), applicability))
    });
    Finding {
        labels: vec![Label {
            span: join.head,
            text: "registry".to_owned(),
        }],
        related: vec![Related {
            place: printable::name(scene.values_path),
            position: Some(lines.position(scene.values_text, at.start)),
            text: "the rest of the name".to_owned(),
        }],
        fix,
        reason,
        ..found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str, Tag)]) {
        let found: Vec<_> = joins(text)
            .into_iter()
            .map(|join| (join.head.of(text).to_owned(), join.name.join("."), join.tag))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(head, name, tag)| ((*head).to_owned(), (*name).to_owned(), tag.clone()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn joins_are_read_from_templates() {
        let tag = || Tag::Value(vec!["tag".to_owned()]);
        check(
            "image: k8s.gcr.io/{{ .Values.a.b }}:{{ .Values.tag }}\n",
            &[("k8s.gcr.io", "a.b", tag())],
        );
        check(
            "image: \"q.io/x/{{- $.Values.a | trim -}}:v1\"\n",
            &[("q.io/x", "a", Tag::Text("v1".to_owned()))],
        );
        check(
            "image: q.io/{{ .Values.a }}\n",
            &[("q.io", "a", Tag::Elsewhere)],
        );
        check(
            "image: {{ printf \"q.io/%s:%s\" .Values.a .Values.tag | quote }}\n",
            &[("q.io", "a", tag())],
        );
        check(
            "image: {{ printf \"q.io/%s:v2\" .Values.a }}\n",
            &[("q.io", "a", Tag::Text("v2".to_owned()))],
        );
        for none in [
            "image: {{ .Values.r }}/{{ .Values.a }}\n",
            "image: q.io/{{ .Values.a | default .Values.b }}\n",
            "image: q.io/{{ .Values.a }}/b\n",
            "image: q.io/{{ include \"x\" . }}\n",
            "url: https://q.io/{{ .Values.a }}/\n",
            "image: {{ printf \"%s/%s\" .Values.r .Values.a }}\n",
            "image: {{ printf \"q.io/%s-x\" .Values.a }}\n",
        ] {
            check(none, &[]);
        }
    }
}
