//! Writes values as JSON, as `encoding/json` does. Strings keep their pieces.

use super::context::Context;
use super::fault::{Fault, Result};
use super::number;
use super::text::{Pieces, Source, Text};
use super::value::{MapType, Value};
use super::verb::{UNKNOWN, push_quoted, unknown};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// With `<`, `>` and `&` escaped.
    Escaped,
    Raw,
    /// Escaped, over several lines.
    Pretty,
}

const DEEPEST: usize = 500;

/// Writes a value. As in Helm, the result is empty if the value cannot be written.
pub(super) fn to_json(context: &Context, value: &Value, layout: Layout) -> Result<Text> {
    let mut writer = Writer {
        context,
        layout,
        out: Pieces::default(),
        depth: 0,
        fails: false,
    };
    writer.value(value)?;
    context.budget.bytes(writer.out.len())?;
    match writer.fails {
        true => Ok(Text::computed("")),
        false => Ok(Text::new(writer.out)),
    }
}

struct Writer<'c> {
    context: &'c Context,
    layout: Layout,
    out: Pieces,
    depth: usize,
    fails: bool,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) -> Result<()> {
        self.context.budget.steps(1)?;
        match value {
            Value::Nil => self.out.computed("null"),
            Value::Bool(value, source) => self.out.push(value.to_string().as_bytes(), *source),
            Value::Int(value, _, source) => self.out.push(value.to_string().as_bytes(), *source),
            Value::Float(value, source) => match number::json(*value) {
                Some(text) => self
                    .out
                    .push(text.as_bytes(), without_length(*source, text.len())),
                None => self.fails = true,
            },
            Value::Text(text) => self.text(text),
            Value::Unknown(path) => {
                self.out.computed("\"");
                self.out.push(UNKNOWN, unknown(*path));
                self.out.computed("\"");
            }
            Value::List(list) => {
                self.open("[")?;
                for (index, item) in list.items().iter().enumerate() {
                    self.separate(index);
                    self.value(item)?;
                }
                self.close("]", list.items().is_empty());
            }
            Value::Map(map) => {
                self.open("{")?;
                let is_struct = matches!(map.of(), MapType::Struct(_));
                let mut index = 0;
                for (key, value) in map.entries().iter() {
                    if is_struct && &**key == "String" {
                        continue;
                    }
                    self.separate(index);
                    index += 1;
                    self.text(&Text::computed(key.as_bytes()));
                    self.out.computed(if self.layout == Layout::Pretty {
                        ": "
                    } else {
                        ":"
                    });
                    self.value(value)?;
                }
                self.close("}", index == 0);
            }
        }
        Ok(())
    }

    fn open(&mut self, sign: &str) -> Result<()> {
        self.out.computed(sign);
        self.depth += 1;
        match self.depth > DEEPEST {
            true => Err(Fault::limit("a value is nested too deep")),
            false => Ok(()),
        }
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.out.computed(",");
        }
        self.line();
    }

    fn line(&mut self) {
        if self.layout == Layout::Pretty {
            self.out.computed(&format!("\n{}", "  ".repeat(self.depth)));
        }
    }

    fn text(&mut self, text: &Text) {
        let html = self.layout != Layout::Raw;
        push_quoted(&mut self.out, text, |letter, _| escaped(letter, html));
    }

    fn close(&mut self, sign: &str, is_empty: bool) {
        self.depth -= 1;
        if !is_empty {
            self.line();
        }
        self.out.computed(sign);
    }
}

/// Returns the source of a number, which is not verbatim if it is written differently.
pub(super) fn without_length(source: Source, length: usize) -> Source {
    match source {
        Source::Written(mut origin) if origin.verbatim && origin.span().len() != length => {
            origin.verbatim = false;
            Source::Written(origin)
        }
        other => other,
    }
}

fn escaped(letter: Option<char>, html: bool) -> Option<String> {
    Some(match letter {
        None => "\\ufffd".to_owned(),
        Some('"') => "\\\"".to_owned(),
        Some('\\') => "\\\\".to_owned(),
        Some('\n') => "\\n".to_owned(),
        Some('\r') => "\\r".to_owned(),
        Some('\t') => "\\t".to_owned(),
        Some('\u{8}') => "\\b".to_owned(),
        Some('\u{c}') => "\\f".to_owned(),
        Some(letter @ ('<' | '>' | '&')) if html => format!("\\u{:04x}", u32::from(letter)),
        Some(letter @ ('\0'..='\u{1f}' | '\u{2028}' | '\u{2029}')) => {
            format!("\\u{:04x}", u32::from(letter))
        }
        Some(_) => return None,
    })
}
