//! YAML and JSON as values, each scalar with its location.

use std::rc::Rc;

use super::super::values::{self, Leaf, LeafKind};
use super::context::Context;
use super::fault::Result;
use super::scalar::{self, Plain};
use super::text::{PathId, Pieces, Source, Text};
use super::value::{Entries, List, ListType, MapType, Value};
use crate::source::Span;

/// The type that a text must contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Map,
    List,
    Any,
}

/// Locates the scalars of a text.
pub(super) trait Located {
    /// Returns the text that the spans refer to.
    fn raw(&self, leaf: &Leaf) -> &str;
    /// Returns a part of it with its source.
    fn part(&self, leaf: &Leaf, span: Span) -> Text;
    /// Returns the source of a scalar whose value differs from its text.
    fn whole(&self, leaf: &Leaf) -> Source;
}

/// Converts values to the maps and lists of a rendering. `path` is their path in the chart's values, if they have
/// one.
pub(super) fn value(
    context: &Context,
    value: &values::Value,
    located: &dyn Located,
    path: Option<PathId>,
) -> Result<Value> {
    context.budget.steps(1)?;
    let below = |key: &str| path.map(|path| context.recorder.path(Some(path), key));
    Ok(match value {
        values::Value::Null => Value::Nil,
        values::Value::Leaf(leaf) => scalar_of(context, leaf, located, path),
        values::Value::List(items) => {
            let below = below("[]");
            let items = items
                .iter()
                .map(|item| self::value(context, item, located, below));
            context.list(items.collect::<Result<_>>()?)?
        }
        values::Value::Table(table) => {
            let mut entries = Entries::new();
            for (key, value) in table.iter() {
                let value = self::value(context, value, located, below(key))?;
                entries.insert(Rc::from(key.as_str()), value);
            }
            Value::Map(context.heap.map(entries, MapType::Any, path))
        }
    })
}

fn scalar_of(context: &Context, leaf: &Leaf, located: &dyn Located, path: Option<PathId>) -> Value {
    let text = text_of(leaf, located);
    if let Some(path) = path {
        text.origins()
            .for_each(|origin| context.recorder.scalar(origin, path));
    }
    let source = text
        .pieces()
        .pieces
        .first()
        .map_or(Source::Computed, |piece| piece.source);
    match leaf.kind {
        LeafKind::Bool(value) => Value::Bool(
            value,
            super::json::without_length(source, value.to_string().len()),
        ),
        LeafKind::Text => Value::Text(text),
        LeafKind::Plain => match scalar::resolve(&leaf.text) {
            Plain::Number(value) => Value::Float(value, source),
            Plain::Bool(value) => Value::Bool(value, source),
            Plain::Null => Value::Nil,
            Plain::Text | Plain::Time => Value::Text(text),
        },
    }
}

/// Returns a scalar's text: verbatim, line by line for a literal block, or otherwise with the whole span as its
/// source.
fn text_of(leaf: &Leaf, located: &dyn Located) -> Text {
    let raw = located.raw(leaf);
    let span = leaf.origin.span;
    let written = span.of(raw);
    if written == &*leaf.text {
        return located.part(leaf, span);
    }
    lines_of(leaf, located, written)
        .unwrap_or_else(|| Text::from_source(leaf.text.as_bytes(), located.whole(leaf)))
}

/// Returns the lines of a literal block without their indentation.
fn lines_of(leaf: &Leaf, located: &dyn Located, written: &str) -> Option<Text> {
    let span = leaf.origin.span;
    let mut out = Pieces::default();
    let mut start = span.start;
    let mut lines = written.split_inclusive('\n');
    for line in leaf.text.split_inclusive('\n') {
        let raw = lines.next()?;
        let content = line.trim_end_matches('\n');
        let shown = raw.trim_end_matches(['\n', '\r']);
        let indent = shown.strip_suffix(content)?;
        if !indent.bytes().all(|byte| byte == b' ') {
            return None;
        }
        let from = start + indent.len();
        out.push_text(&located.part(leaf, Span::new(from, from + content.len())));
        if line.ends_with('\n') {
            if !raw.ends_with('\n') {
                return None;
            }
            let end = start + raw.len();
            out.push_text(&located.part(leaf, Span::new(end - 1, end)));
        }
        start += raw.len();
    }
    (out.bytes == leaf.text.as_bytes()).then(|| Text::new(out))
}

/// The scalars of a text that the templates produced.
struct Made<'t> {
    shown: &'t str,
    text: &'t Text,
}

impl Located for Made<'_> {
    fn raw(&self, _: &Leaf) -> &str {
        self.shown
    }

    fn part(&self, _: &Leaf, span: Span) -> Text {
        self.text.slice(span.start, span.end)
    }

    fn whole(&self, leaf: &Leaf) -> Source {
        let span = leaf.origin.span;
        let mut pieces = self.text.pieces().pieces_in(span.start, span.end);
        match (pieces.next(), pieces.next()) {
            (Some((.., Source::Written(mut origin))), None) => {
                origin.verbatim = false;
                Source::Written(origin)
            }
            _ => self.text.taint(),
        }
    }
}

/// Implements `fromYaml` and `fromYamlArray`. As in Helm, an error becomes a value.
pub(super) fn from_yaml(context: &Context, text: &Text, wanted: Wanted) -> Result<Value> {
    context.budget.steps(text.len() / 8 + 1)?;
    let shown = text.to_str();
    let lossy;
    let text = match shown.len() == text.len() {
        true => text,
        false => {
            lossy = Text::from_source(shown.as_bytes(), text.taint());
            &lossy
        }
    };
    let made = Made {
        shown: &shown,
        text,
    };
    let read = match values::read_all(&shown, 0) {
        Ok(read) => read.into_iter().next().unwrap_or(values::Value::Null),
        Err(error) => {
            let error = format!("error converting YAML to JSON: yaml: {error}");
            return failed(context, &error, wanted);
        }
    };
    let value = value(context, &read, &made, None)?;
    checked(context, value, wanted)
}

/// Implements `fromJson` and its variants.
pub(super) fn from_json(context: &Context, text: &Text, wanted: Wanted) -> Result<Value> {
    context.budget.steps(text.len() / 8 + 1)?;
    let parsed: serde_json::Value = match serde_json::from_slice(text.bytes()) {
        Ok(parsed) => parsed,
        Err(error) => return failed(context, &error.to_string(), wanted),
    };
    let shown = text.to_str();
    // The YAML parser locates scalars, and reads JSON except for some escapes.
    if !shown.contains('\\')
        && let Ok(read) = values::read_all(&shown, 0)
        && let Some(read) = read.first()
    {
        let made = Made {
            shown: &shown,
            text,
        };
        let value = value(context, read, &made, None)?;
        return checked(context, value, wanted);
    }
    let value = of_json(context, &parsed, text.taint())?;
    checked(context, value, wanted)
}

fn of_json(context: &Context, json: &serde_json::Value, source: Source) -> Result<Value> {
    Ok(match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::Bool(*value, source),
        serde_json::Value::Number(value) => Value::Float(value.as_f64().unwrap_or(0.0), source),
        serde_json::Value::String(text) => Value::Text(Text::from_source(text.as_bytes(), source)),
        serde_json::Value::Array(items) => {
            let items = items.iter().map(|item| of_json(context, item, source));
            context.list(items.collect::<Result<_>>()?)?
        }
        serde_json::Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let value = of_json(context, value, source)?;
                Ok((Rc::from(key.as_str()), value))
            });
            context.map(entries.collect::<Result<_>>()?)?
        }
    })
}

fn checked(context: &Context, value: Value, wanted: Wanted) -> Result<Value> {
    let found = match (&value, wanted) {
        (_, Wanted::Any) | (Value::Map(_), Wanted::Map) | (Value::List(_), Wanted::List) => {
            return Ok(value);
        }
        (Value::Nil, Wanted::Map) => return context.map(Entries::new()),
        (Value::Nil, Wanted::List) => return context.list(Vec::new()),
        (Value::Map(_), _) => "object",
        (Value::List(_), _) => "array",
        (Value::Bool(..), _) => "bool",
        (Value::Text(_), _) => "string",
        _ => "number",
    };
    let into = match wanted {
        Wanted::List => "[]interface {}",
        Wanted::Map | Wanted::Any => "map[string]interface {}",
    };
    let error = format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value of type {into}"
    );
    failed(context, &error, wanted)
}

fn failed(context: &Context, error: &str, wanted: Wanted) -> Result<Value> {
    match wanted {
        Wanted::Map => {
            let entries = [(Rc::from("Error"), Value::computed(error))];
            context.map(entries.into())
        }
        Wanted::List => context.list(vec![Value::computed(error)]),
        Wanted::Any => Err(super::fault::Fault::new(error)),
    }
}

/// Creates a list that cannot be nested too deep.
pub(super) fn flat_list(items: Vec<Value>) -> Value {
    List::new(items, ListType::Any).map_or(Value::Nil, Value::List)
}
