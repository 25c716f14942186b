//! How a values file is written: line ends, indentation, quotes.
//!
//! Measured in the file itself, so that additions look like the rest.

use super::super::merged_values::{is_block, is_plain, is_plain_key};
use super::super::values::{Leaf, LeafKind, Table, Value, kind_of_plain};
use crate::source;
use crate::syntax::yaml::{Node, Scalar, Style as Quotes};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub newline: &'static str,
    /// The number of spaces by which a nested map is indented.
    pub step: usize,
    /// The quotes of strings: none, single or double.
    pub quote: &'static str,
}

impl Style {
    pub(super) fn of(text: &str, root: Option<&Node<'_>>) -> Self {
        let mut census = Census::default();
        if let Some(root) = root {
            census.count(text, root, None);
        }
        let quote = match (census.double, census.single, census.plain) {
            (double, single, plain) if double > plain && double >= single => "\"",
            (_, single, plain) if single > plain => "'",
            _ => "",
        };
        let step = census.steps.iter().enumerate().skip(1);
        let step = step.max_by_key(|(step, count)| (**count, std::cmp::Reverse(*step)));
        let newline = match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        };
        Self {
            newline,
            step: step
                .filter(|(_, count)| **count > 0)
                .map_or(2, |(step, _)| step),
            quote,
        }
    }

    /// Returns a scalar as it is written in this style.
    pub(super) fn scalar(&self, leaf: &Leaf) -> String {
        match leaf.kind {
            LeafKind::Text => self.text(&leaf.text),
            LeafKind::Bool(_) | LeafKind::Plain => leaf.text.to_string(),
        }
    }

    fn text(&self, text: &str) -> String {
        let control = text.chars().any(char::is_control);
        let plain = is_plain(text) && kind_of_plain(text) == Some(LeafKind::Text);
        match self.quote {
            "" if plain => text.to_owned(),
            "'" if !control => format!("'{}'", text.replace('\'', "''")),
            _ => serde_json::to_string(text).unwrap_or_default(),
        }
    }

    pub(super) fn key(&self, key: &str, quoted: bool) -> String {
        match is_plain_key(key) && !quoted {
            true => key.to_owned(),
            false => serde_json::to_string(key).unwrap_or_default(),
        }
    }

    /// Returns a value in flow style.
    pub(super) fn flow(&self, value: &Value, quoted: bool) -> String {
        let joined = |parts: Vec<String>| parts.join(", ");
        match value {
            Value::Null => "null".to_owned(),
            Value::Leaf(leaf) => self.scalar(leaf),
            Value::List(items) => {
                let items = items.iter().map(|item| self.flow(item, quoted));
                format!("[{}]", joined(items.collect()))
            }
            Value::Table(table) => {
                let entries = table.iter().map(|(key, value)| {
                    format!("{}: {}", self.key(key, quoted), self.flow(value, quoted))
                });
                format!("{{{}}}", joined(entries.collect()))
            }
        }
    }

    /// Adds the lines of a table in block style, without line ends.
    pub(super) fn block(&self, table: &Table, indent: usize, lines: &mut Vec<String>) {
        for (key, value) in table {
            let head = format!("{:indent$}{}:", "", self.key(key, false));
            self.block_value(head, value, indent, lines);
        }
    }

    fn block_value(&self, head: String, value: &Value, indent: usize, lines: &mut Vec<String>) {
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                lines.push(head);
                self.block(inner, indent + self.step, lines);
            }
            Value::List(items) if !items.is_empty() => {
                lines.push(head);
                for item in items.iter() {
                    self.block_item(item, indent + self.step, lines);
                }
            }
            Value::Leaf(leaf) if leaf.kind == LeafKind::Text && is_block(&leaf.text) => {
                let indent = indent + self.step;
                let chomp = if leaf.text.ends_with('\n') { "" } else { "-" };
                lines.push(format!("{head} |{chomp}"));
                for line in leaf.text.lines() {
                    let blank = if line.is_empty() { 0 } else { indent };
                    lines.push(format!("{:blank$}{line}", ""));
                }
            }
            other => lines.push(format!("{head} {}", self.flow(other, false))),
        }
    }

    /// Adds an item as `- key: value`, with the other keys below the first.
    pub(super) fn block_item(&self, item: &Value, indent: usize, lines: &mut Vec<String>) {
        match item {
            Value::Table(table) if !table.is_empty() => {
                let first = lines.len();
                self.block(table, indent + 2, lines);
                if let Some(line) = lines.get_mut(first) {
                    line.replace_range(indent..indent + 2, "- ");
                }
            }
            other => lines.push(format!("{:indent$}- {}", "", self.flow(other, false))),
        }
    }
}

#[derive(Default)]
struct Census {
    plain: usize,
    single: usize,
    double: usize,
    steps: [usize; 9],
}

impl Census {
    fn count(&mut self, text: &str, node: &Node<'_>, above: Option<usize>) {
        match node {
            Node::Scalar(scalar) => match scalar.style {
                Quotes::Plain if kind_of_plain(&scalar.value) == Some(LeafKind::Text) => {
                    self.plain += 1;
                }
                Quotes::Single if !scalar.value.is_empty() => self.single += 1,
                Quotes::Double if !scalar.value.is_empty() => self.double += 1,
                _ => {}
            },
            Node::Map(map) => {
                let first = map.entries.first().and_then(|entry| entry.key.as_scalar());
                let column = first
                    .filter(|_| !map.flow)
                    .and_then(|key| column(text, key));
                if let (Some(column), Some(above)) = (column, above)
                    && let Some(count) = column
                        .checked_sub(above)
                        .and_then(|step| self.steps.get_mut(step))
                {
                    *count += 1;
                }
                for entry in &map.entries {
                    self.count(text, &entry.value, column);
                }
            }
            Node::List(list) => list
                .items
                .iter()
                .for_each(|item| self.count(text, item, None)),
            Node::Alias(_) => {}
        }
    }
}

/// Returns the column of a key, if only spaces and list dashes precede it on its line.
pub(super) fn column(text: &str, key: &Scalar<'_>) -> Option<usize> {
    let start = opening(key);
    let line = source::line_start(text, start);
    let before = text[line..start].trim_start_matches('\u{feff}');
    let blank = before.bytes().all(|byte| matches!(byte, b' ' | b'-'));
    blank.then_some(before.len())
}

/// Returns the offset where a scalar begins, including its quote.
pub(super) fn opening(scalar: &Scalar<'_>) -> usize {
    scalar.span.start - usize::from(is_quoted(scalar))
}

pub(super) fn is_quoted(scalar: &Scalar<'_>) -> bool {
    matches!(scalar.style, Quotes::Single | Quotes::Double)
}
