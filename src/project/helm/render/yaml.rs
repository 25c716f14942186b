//! Writes values as YAML, as `sigs.k8s.io/yaml` does: sorted keys, lines folded at 80 letters, quotes where needed.
//!
//! Strings keep their pieces.

use super::context::Context;
use super::fault::{Fault, Result};
use super::number;
use super::text::{Pieces, Text};
use super::value::{Entries, MapType, Value};
use super::verb::{UNKNOWN, decode, unknown};

mod style;

use style::{Style, compare_keys, escaped, style_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Lists at the indentation of their key.
    Plain,
    /// Lists indented below their key, and without folded lines.
    Pretty,
}

const DEEPEST: usize = 500;

/// Lines are folded at the first space beyond this column.
const WIDTH: usize = 80;

/// Longer keys are written after a `?`.
const LONGEST_KEY: usize = 128;

/// Writes a value, without the last newline. As in Helm, the result is empty if the value cannot be written.
pub(super) fn to_yaml(context: &Context, value: &Value, layout: Layout) -> Result<Text> {
    let mut writer = Writer {
        context,
        layout,
        out: Pieces::default(),
        line: 0,
        depth: 0,
        fails: false,
    };
    writer.node(value, 0, After::Start)?;
    context.budget.bytes(writer.out.len())?;
    if writer.fails {
        return Ok(Text::computed(""));
    }
    let text = Text::new(writer.out);
    // Remove the last newline; a literal block that keeps trailing newlines has more of them.
    Ok(match text.bytes().ends_with(b"\n") {
        true => text.slice(0, text.len() - 1),
        false => text,
    })
}

/// The position of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Start,
    Key,
    Dash,
}

struct Writer<'c> {
    context: &'c Context,
    layout: Layout,
    out: Pieces,
    /// The offset where the last line starts.
    line: usize,
    depth: usize,
    fails: bool,
}

impl Writer<'_> {
    /// Writes a node in a collection that is indented by `indent`, including the end of its line.
    fn node(&mut self, value: &Value, indent: usize, after: After) -> Result<()> {
        self.context.budget.steps(1)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::limit("a value is nested too deep"));
        }
        match value {
            Value::Map(map) => {
                let is_struct = matches!(map.of(), MapType::Struct(_));
                let entries = map.entries();
                match entries.is_empty() || is_struct {
                    true => self.flow("{}", after),
                    false => self.map(&entries, indent, after)?,
                }
            }
            Value::List(list) if list.items().is_empty() => self.flow("[]", after),
            Value::List(list) => self.list(list.items(), indent, after)?,
            scalar => {
                self.space(after);
                self.scalar(scalar, indent, after)?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn space(&mut self, after: After) {
        if after != After::Start {
            self.out.computed(" ");
        }
    }

    fn flow(&mut self, text: &str, after: After) {
        self.space(after);
        self.out.computed(text);
        self.end();
    }

    fn end(&mut self) {
        self.out.computed("\n");
        self.line = self.out.len();
    }

    fn indent(&mut self, width: usize) {
        self.out.computed(&" ".repeat(width));
    }

    fn map(&mut self, entries: &Entries, indent: usize, after: After) -> Result<()> {
        let mut sorted: Vec<_> = entries.iter().collect();
        sorted.sort_by(|(one, _), (other, _)| compare_keys(one, other));
        let indent = match after {
            After::Start => indent,
            After::Key | After::Dash => indent + 2,
        };
        match after {
            After::Key => self.end(),
            After::Dash => self.out.computed(" "),
            After::Start => {}
        }
        for (number, (key, value)) in sorted.into_iter().enumerate() {
            if number > 0 || after == After::Key {
                self.indent(indent);
            }
            let text = Text::computed(key.as_bytes());
            let is_simple = key.len() <= LONGEST_KEY && !key.contains('\n');
            if is_simple {
                self.text(&text, indent, true);
            } else {
                self.out.computed("? ");
                self.text(&text, indent, false);
                if !self.out.bytes.ends_with(b"\n") {
                    self.end();
                }
                self.indent(indent);
            }
            self.out.computed(":");
            self.node(value, indent, After::Key)?;
        }
        Ok(())
    }

    fn list(&mut self, items: &[Value], indent: usize, after: After) -> Result<()> {
        let deeper = after == After::Dash || after == After::Key && self.layout == Layout::Pretty;
        let indent = if deeper { indent + 2 } else { indent };
        match after {
            After::Key => self.end(),
            After::Dash => self.out.computed(" "),
            After::Start => {}
        }
        for (number, item) in items.iter().enumerate() {
            if number > 0 || after == After::Key {
                self.indent(indent);
            }
            self.out.computed("-");
            self.node(item, indent, After::Dash)?;
        }
        Ok(())
    }

    fn scalar(&mut self, value: &Value, indent: usize, after: After) -> Result<()> {
        match value {
            Value::Nil => self.out.computed("null"),
            Value::Bool(value, source) => self.out.push(value.to_string().as_bytes(), *source),
            Value::Int(value, _, source) => self.out.push(value.to_string().as_bytes(), *source),
            Value::Float(value, source) => match number_text(*value) {
                Some(text) => {
                    let source = super::json::without_length(*source, text.len());
                    self.out.push(text.as_bytes(), source);
                }
                None => self.fails = true,
            },
            Value::Text(text) => {
                // A top-level literal block is indented, too.
                self.text(text, indent, false);
                if self.out.bytes.ends_with(b"\n") && after != After::Start {
                    self.line = self.out.len();
                    return Ok(());
                }
            }
            Value::Unknown(path) => self.out.push(UNKNOWN, unknown(*path)),
            Value::List(_) | Value::Map(_) => {}
        }
        if !(after == After::Start && self.out.bytes.ends_with(b"\n")) {
            self.end();
        }
        Ok(())
    }

    fn text(&mut self, text: &Text, indent: usize, is_key: bool) {
        let lossy = text.to_str();
        let style = match lossy.len() == text.len() {
            true => style_of(&lossy, is_key),
            false => Style::Double,
        };
        let folds = !is_key && self.layout == Layout::Plain;
        match style {
            Style::Plain => self.folded(text, indent, folds, None),
            Style::Single => {
                self.out.computed("'");
                self.folded(text, indent, folds, Some(b'\''));
                self.out.computed("'");
            }
            Style::Double => self.double(text, indent, folds),
            Style::Literal => self.literal(text, indent),
        }
    }

    fn column(&self) -> usize {
        let line = &self.out.bytes[self.line..];
        // Count letters, not bytes.
        line.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
    }

    fn break_line(&mut self, indent: usize) {
        self.end();
        self.indent(indent + 2);
    }

    /// Writes a plain or single-quoted string.
    fn folded(&mut self, text: &Text, indent: usize, folds: bool, quote: Option<u8>) {
        let bytes = text.bytes();
        let last = bytes.len().saturating_sub(1);
        let mut start = 0;
        let mut spaces = false;
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b' ' {
                let inner = quote.is_none() || at > 0 && at < last;
                let next = bytes.get(at + 1) == Some(&b' ');
                if folds && !spaces && inner && !next && self.column() + (at - start) > WIDTH {
                    // Multi-byte letters may have inflated the estimate, so write the part and count exactly.
                    self.out.push_part(text, start, at);
                    start = at;
                    if self.column() > WIDTH {
                        self.break_line(indent);
                        start = at + 1;
                    }
                }
                spaces = true;
            } else {
                spaces = false;
                if quote == Some(*byte) {
                    self.out.push_part(text, start, at);
                    self.out.computed("'");
                    start = at;
                }
            }
        }
        self.out.push_part(text, start, bytes.len());
    }

    fn double(&mut self, text: &Text, indent: usize, folds: bool) {
        self.out.computed("\"");
        let bytes = text.bytes();
        let (mut start, mut at) = (0, 0);
        let mut spaces = false;
        while at < bytes.len() {
            let (letter, length) = decode(&bytes[at..]);
            if let Some(escape) = escaped(letter) {
                self.out.push_part(text, start, at);
                self.out.computed(&escape);
                start = at + length;
                spaces = false;
            } else if letter == Some(' ') {
                self.out.push_part(text, start, at);
                start = at;
                let inner = at > 0 && at + 1 < bytes.len();
                if folds && !spaces && inner && self.column() > WIDTH {
                    self.break_line(indent);
                    if bytes.get(at + 1) == Some(&b' ') {
                        self.out.computed("\\");
                    }
                    start = at + 1;
                }
                spaces = true;
            } else {
                spaces = false;
            }
            at += length;
        }
        self.out.push_part(text, start, bytes.len());
        self.out.computed("\"");
    }

    /// Writes a literal block. It ends with a newline only if the text does.
    fn literal(&mut self, text: &Text, indent: usize) {
        let bytes = text.bytes();
        self.out.computed("|");
        if matches!(bytes.first(), Some(b' ' | b'\n')) {
            self.out.computed("2");
        }
        if !bytes.ends_with(b"\n") {
            self.out.computed("-");
        } else if bytes == b"\n" || bytes.ends_with(b"\n\n") {
            self.out.computed("+");
        }
        self.out.computed("\n");
        let mut start = 0;
        while start < bytes.len() {
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            if end > start {
                self.indent(indent + 2);
                self.out.push_part(text, start, end);
            }
            if end < bytes.len() {
                self.out.computed("\n");
            }
            start = end + 1;
        }
        self.line = memchr::memrchr(b'\n', &self.out.bytes).map_or(0, |at| at + 1);
    }
}

/// Formats a number as YAML does after a round trip through JSON: integers without an exponent.
#[allow(clippy::cast_possible_truncation, reason = "checked before")]
fn number_text(value: f64) -> Option<String> {
    let json = number::json(value)?;
    let is_whole = !json.contains(['.', 'e']);
    let fits = value.abs() < 18_446_744_073_709_551_615.0;
    Some(match is_whole && fits {
        true => json,
        false => number::general(value),
    })
}
