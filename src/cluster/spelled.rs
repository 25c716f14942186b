//! An object as the text that detection reads, with the value that each piece of that text stands for.
//!
//! This module knows no images.

use serde_json::Value;

use crate::source::Span;
use crate::syntax::json_pointer::escaped;

/// An object written as JSON.
pub(super) struct Spelled {
    pub(super) text: String,
    /// The span of each string value, quotes included, and the JSON pointer to it. In order.
    leaves: Vec<(Span, String)>,
}

impl Spelled {
    pub(super) fn new(value: &Value) -> Self {
        let mut spelled = Self {
            text: String::new(),
            leaves: Vec::new(),
        };
        spelled.write(value, &mut String::new());
        spelled.text.push('\n');
        spelled
    }

    /// Returns the pointer to the string value at an offset.
    pub(super) fn pointer_at(&self, offset: usize) -> Option<&str> {
        let after = self
            .leaves
            .partition_point(|(span, _)| span.start <= offset);
        let (span, pointer) = self.leaves.get(after.checked_sub(1)?)?;
        (offset < span.end).then_some(pointer)
    }

    /// Writes one line per entry, so that the line-by-line search in text that did not parse finds one at a time. The JSON
    /// parser limits the depth of values.
    fn write(&mut self, value: &Value, pointer: &mut String) {
        match value {
            Value::Object(map) => {
                self.text.push('{');
                for (index, (key, value)) in map.iter().enumerate() {
                    self.text.push_str(if index == 0 { "\n" } else { ",\n" });
                    self.scalar(&Value::String(key.clone()));
                    self.text.push_str(": ");
                    let length = pointer.len();
                    pointer.push('/');
                    pointer.push_str(&escaped(key));
                    self.write(value, pointer);
                    pointer.truncate(length);
                }
                self.text.push_str(if map.is_empty() { "}" } else { "\n}" });
            }
            Value::Array(items) => {
                self.text.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.text.push_str(if index == 0 { "\n" } else { ",\n" });
                    let length = pointer.len();
                    pointer.push('/');
                    pointer.push_str(&index.to_string());
                    self.write(item, pointer);
                    pointer.truncate(length);
                }
                self.text
                    .push_str(if items.is_empty() { "]" } else { "\n]" });
            }
            Value::String(_) => {
                let start = self.text.len();
                self.scalar(value);
                let span = Span::new(start, self.text.len());
                self.leaves.push((span, pointer.clone()));
            }
            _ => self.scalar(value),
        }
    }

    fn scalar(&mut self, value: &Value) {
        self.text.push_str(&value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_string_is_found_by_where_it_is_in_the_text() {
        let value = serde_json::json!({
            "a/b": {"c~d": ["x", {"image": "k8s.gcr.io/pause:3.9"}], "e": 1, "f": [], "g": {}},
            "quoted": "a \"b\"\nc",
        });
        let spelled = Spelled::new(&value);
        let again: Value = serde_json::from_str(&spelled.text).unwrap();
        assert_eq!(again, value);
        let at = |part: &str| spelled.pointer_at(spelled.text.find(part).unwrap());
        assert_eq!(at("gcr.io"), Some("/a~1b/c~0d/1/image"));
        assert_eq!(at("b\\\"\\nc"), Some("/quoted"));
        assert_eq!(at("image"), None);
        for (_, pointer) in &spelled.leaves {
            assert!(value.pointer(pointer).is_some_and(Value::is_string));
        }
    }
}
