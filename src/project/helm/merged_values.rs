//! A table of values rendered as the text of one file, so that values from several files can be checked like a file.
//!
//! Records where each scalar of that text came from. Knows nothing else about charts.

use super::values::{Leaf, LeafKind, Table, Value, kind_of_plain};
use crate::source::Span;

/// The text, and its leaves in order.
#[derive(Debug, Default)]
pub(super) struct MergedValues {
    pub text: String,
    pub leaves: Vec<ScalarSource>,
}

/// A leaf in the text.
#[derive(Debug)]
pub(super) struct ScalarSource {
    /// The span of the scalar's content in the text.
    pub span: Span,
    pub leaf: Leaf,
    /// The keys that lead to it, or to the outermost list that contains it.
    pub path: Vec<String>,
    pub in_list: bool,
    /// The indentation of its lines, if it is written as a block scalar.
    pub block: Option<usize>,
}

impl ScalarSource {
    /// Returns the value that `written` stands for if it replaces the leaf's text.
    pub(super) fn meaning(&self, written: &str) -> String {
        let Some(indent) = self.block else {
            return written.to_owned();
        };
        let line = |line: &str| {
            let blank = line.len() - line.trim_start_matches(' ').len();
            line[blank.min(indent)..].to_owned()
        };
        let lines: Vec<String> = written.lines().map(line).collect();
        let end = if self.leaf.text.ends_with('\n') {
            "\n"
        } else {
            ""
        };
        format!("{}{end}", lines.join("\n"))
    }
}

impl MergedValues {
    pub(super) fn new(table: &Table) -> Self {
        let mut document = Self::default();
        document.table(table, 0, &mut Vec::new(), false);
        document
    }

    /// Returns the leaf whose content contains a span.
    pub(super) fn leaf(&self, span: Span) -> Option<&ScalarSource> {
        let next = self
            .leaves
            .partition_point(|placed| placed.span.start <= span.start);
        let placed = self.leaves.get(next.checked_sub(1)?)?;
        placed.span.covers(span).then_some(placed)
    }

    /// Returns the leaves that overlap a span.
    pub(super) fn leaves_in(&self, span: Span) -> &[ScalarSource] {
        let first = self
            .leaves
            .partition_point(|placed| placed.span.end <= span.start);
        let last = self
            .leaves
            .partition_point(|placed| placed.span.start < span.end);
        &self.leaves[first.min(last)..last]
    }

    fn indent(&mut self, depth: usize) {
        self.text.extend(std::iter::repeat_n("  ", depth));
    }

    fn table(&mut self, table: &Table, depth: usize, path: &mut Vec<String>, in_list: bool) {
        for (key, value) in table {
            self.indent(depth);
            self.text.push_str(&spelled_key(key));
            self.text.push(':');
            if !in_list {
                path.push(key.clone());
            }
            self.value(value, depth + 1, path, in_list);
            if !in_list {
                path.pop();
            }
        }
    }

    /// Writes a value after a colon or a dash, up to the end of the line.
    fn value(&mut self, value: &Value, depth: usize, path: &mut Vec<String>, in_list: bool) {
        match value {
            Value::Null => self.text.push_str(" null\n"),
            Value::Leaf(leaf) => self.leaf_text(leaf, depth, path, in_list),
            Value::List(items) if items.is_empty() => self.text.push_str(" []\n"),
            Value::Table(table) if table.is_empty() => self.text.push_str(" {}\n"),
            Value::Table(table) => {
                self.text.push('\n');
                self.table(table, depth, path, in_list);
            }
            Value::List(items) => {
                self.text.push('\n');
                for item in items.iter() {
                    self.indent(depth);
                    self.text.push('-');
                    self.value(item, depth + 1, path, true);
                }
            }
        }
    }

    fn leaf_text(&mut self, leaf: &Leaf, depth: usize, path: &[String], in_list: bool) {
        self.text.push(' ');
        let text = &*leaf.text;
        let block = leaf.kind == LeafKind::Text && is_block(text);
        let start;
        if block {
            self.text
                .push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
            start = self.text.len();
            for line in text.lines() {
                if !line.is_empty() {
                    self.indent(depth);
                }
                self.text.push_str(line);
                self.text.push('\n');
            }
            self.leaves.push(placed(
                start,
                self.text.len(),
                leaf,
                path,
                in_list,
                Some(2 * depth),
            ));
            return;
        }
        let quote = match leaf.kind {
            LeafKind::Text => quote_for(text),
            LeafKind::Bool(_) | LeafKind::Plain => Some(""),
        };
        match quote {
            Some(quote) => {
                self.text.push_str(quote);
                start = self.text.len();
                self.text.push_str(text);
                self.leaves
                    .push(placed(start, self.text.len(), leaf, path, in_list, None));
                self.text.push_str(quote);
            }
            None => self.text.push_str(&escaped(text)),
        }
        self.text.push('\n');
    }
}

fn placed(
    start: usize,
    end: usize,
    leaf: &Leaf,
    path: &[String],
    in_list: bool,
    block: Option<usize>,
) -> ScalarSource {
    ScalarSource {
        span: Span::new(start, end),
        leaf: leaf.clone(),
        path: path.to_vec(),
        in_list,
        block,
    }
}

/// Whether a string keeps its value when it is written as a literal block.
pub(super) fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !body.starts_with([' ', '\n', '\t'])
        && !body.ends_with('\n')
        && !body
            .chars()
            .any(|letter| letter.is_control() && letter != '\n')
}

/// Returns the quotes in which a string needs no escapes; `None` if it has to be escaped.
fn quote_for(text: &str) -> Option<&'static str> {
    let control = text.chars().any(char::is_control);
    match () {
        () if control => None,
        () if !text.contains('\'') => Some("'"),
        () if !text.contains(['"', '\\']) => Some("\""),
        () => None,
    }
}

fn escaped(text: &str) -> String {
    // JSON strings are valid YAML.
    serde_json::to_string(text).unwrap_or_default()
}

fn spelled_key(key: &str) -> String {
    match is_plain_key(key) {
        true => key.to_owned(),
        false => escaped(key),
    }
}

/// Whether a key keeps its value without quotes: `y` would be `true`.
pub(super) fn is_plain_key(key: &str) -> bool {
    let is_itself = kind_of_plain(key) == Some(LeafKind::Text) || matches!(key, "true" | "false");
    is_plain(key) && is_itself
}

/// Whether a string needs no quotes anywhere, flow style included.
pub(super) fn is_plain(text: &str) -> bool {
    let known = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-' | b':' | b'@')
    };
    let first = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/');
    text.bytes().next().is_some_and(first)
        && text.bytes().all(known)
        && !text.ends_with(':')
        && !text.starts_with("---")
        && text != "..."
}

#[cfg(test)]
mod tests {
    use super::super::values;
    use super::*;

    #[test]
    fn the_text_means_the_table() {
        let source = "a: {b: 'x: y', c: \"it's\", d: 1.0, e: null, f: [], g: {}}\n'on': 'true'\n\
            l: [1, {m: k8s.gcr.io/a, n: [o]}, \"q\\n'\\\"\"]\np: |\n  one\n    two\n\n  three\nr: |-\n  one\n  two\n";
        let table = values::read(source, 0).unwrap();
        let document = MergedValues::new(&table);
        let again = values::read(&document.text, 0).unwrap();
        assert!(
            values::same(&Value::table(table), &Value::table(again)),
            "{}",
            document.text
        );
        let at = document.text.find("k8s").unwrap();
        let placed = document.leaf(Span::new(at, at + 3)).unwrap();
        assert_eq!(
            (placed.path.join("/"), placed.in_list),
            ("l".to_owned(), true)
        );
        assert_eq!(placed.span.of(&document.text), "k8s.gcr.io/a");
    }
}
