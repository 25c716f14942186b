//! Terraform's `helm_release`, as far as it is written in plain text: what an expression makes is not known here.
//!
//! A scanner of tokens over the syntax of HCL, and a reader of blocks, lists and objects. It never fails: what it does not
//! understand has no value.

use std::sync::Arc;

use super::super::values::{Leaf, LeafKind, Origin, Table, Value};
use crate::source::Span;

/// What a file has that releases a chart.
pub(super) const WORD: &str = "helm_release";
/// Where [`read`] has the releases.
pub(super) const RELEASES: &str = "releases[]";

/// Blocks, lists and objects are read to this depth. What is below is passed over.
const MOST_DEPTH: usize = 6;

/// The releases of a file, as a table that has a list of them.
pub(super) fn read(text: &str) -> Value {
    let mut reader = Reader {
        text,
        tokens: tokens(text),
        at: 0,
    };
    let mut releases = Vec::new();
    while let Some(token) = reader.next() {
        match token {
            Token::Word(word) if word.of(text) == "resource" => {
                let labels = [reader.string(), reader.string()];
                if labels[0] == Some(WORD) && labels[1].is_some() && reader.take(b'{') {
                    releases.push(Value::table(reader.body(0)));
                }
            }
            Token::Mark(open @ (b'{' | b'[')) => reader.pass(open),
            _ => {}
        }
    }
    let list = RELEASES.trim_end_matches("[]").to_owned();
    Value::table(Table::from([(list, Value::List(releases.into()))]))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Word(Span),
    /// The content of a string or of a here-document.
    Text(Span),
    Mark(u8),
    /// The end of a line.
    Line,
}

fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    while at < bytes.len() {
        let rest = &bytes[at..];
        match rest {
            [b'\n', ..] => {
                tokens.push(Token::Line);
                at += 1;
            }
            [b'#', ..] | [b'/', b'/', ..] => at += line_length(rest),
            [b'/', b'*', ..] => {
                let end = memchr::memmem::find(rest, b"*/");
                at += end.map_or(rest.len(), |end| end + 2);
            }
            [b'"', ..] => {
                let length = string_length(rest);
                tokens.push(Token::Text(Span::new(at + 1, at + 1 + length)));
                at = (at + length + 2).min(bytes.len());
            }
            [b'<', b'<', ..] => match here_document(text, at) {
                Some((content, end)) => {
                    tokens.push(Token::Text(content));
                    at = end;
                }
                None => at += 2,
            },
            [byte, ..] if in_word(*byte) => {
                let length = rest.iter().position(|byte| !in_word(*byte));
                let end = at + length.unwrap_or(rest.len());
                tokens.push(Token::Word(Span::new(at, end)));
                at = end;
            }
            [byte, ..] => {
                if !byte.is_ascii_whitespace() {
                    tokens.push(Token::Mark(*byte));
                }
                at += 1;
            }
            [] => break,
        }
    }
    tokens
}

fn line_length(rest: &[u8]) -> usize {
    memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

/// How long the content of a string is that begins with the first byte. Strings can be in what is put into them.
fn string_length(rest: &[u8]) -> usize {
    let mut open = vec![b'"'];
    let mut at = 1;
    while at < rest.len() {
        match (open.last(), rest[at]) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(b'"'), b'\n') => break,
            (Some(b'"'), b'"') | (Some(b'{'), b'}') => {
                open.pop();
                if open.is_empty() {
                    break;
                }
            }
            (Some(b'"'), b'$' | b'%') if rest.get(at + 1) == Some(&b'{') => {
                open.push(b'{');
                at += 1;
            }
            (Some(b'{'), mark @ (b'"' | b'{')) => open.push(mark),
            _ => {}
        }
        at += 1;
    }
    at.min(rest.len()) - 1
}

/// The lines between `<<WORD` and `WORD`, and where that ends.
fn here_document(text: &str, at: usize) -> Option<(Span, usize)> {
    let head = text[at..].lines().next()?;
    let word = head.trim_start_matches('<').trim_start_matches('-').trim();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if word.is_empty() || !word.bytes().all(is_word) {
        return None;
    }
    let start = at + head.len() + text[at + head.len()..].find('\n')? + 1;
    let mut end = start;
    for line in text[start..].split_inclusive('\n') {
        if line.trim() == word {
            return Some((Span::new(start, end), end + line.trim_end().len()));
        }
        end += line.len();
    }
    None
}

struct Reader<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    fn take(&mut self, mark: u8) -> bool {
        let found = self.peek() == Some(Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn string(&mut self) -> Option<&'t str> {
        match self.peek()? {
            Token::Text(span) => {
                self.at += 1;
                Some(span.of(self.text))
            }
            _ => None,
        }
    }

    /// Passes over what an opening mark opened.
    fn pass(&mut self, open: u8) {
        let mut depth = usize::from(matches!(open, b'{' | b'[' | b'('));
        while depth > 0 {
            match self.next() {
                Some(Token::Mark(b'{' | b'[' | b'(')) => depth += 1,
                Some(Token::Mark(b'}' | b']' | b')')) => depth -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    /// The attributes and blocks of a body, or the items of an object, up to its end. Blocks of one name are a list.
    fn body(&mut self, depth: usize) -> Table {
        let mut table = Table::new();
        while let Some(token) = self.next() {
            let key = match token {
                Token::Word(key) | Token::Text(key) => key.of(self.text).to_owned(),
                Token::Mark(b'}') => break,
                Token::Mark(open) => {
                    self.pass(open);
                    continue;
                }
                Token::Line => continue,
            };
            if self.take(b'=') || self.take(b':') {
                let value = self.value(depth);
                table.insert(key, value);
                continue;
            }
            while self.string().is_some() {}
            if !self.take(b'{') {
                continue;
            }
            let block = self.nested(depth, b'{');
            let mut blocks = match table.remove(&key) {
                Some(Value::List(blocks)) => blocks.to_vec(),
                _ => Vec::new(),
            };
            blocks.push(block);
            table.insert(key, Value::List(blocks.into()));
        }
        table
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.peek() {
            Some(Token::Text(span)) => {
                self.at += 1;
                match self.is_at_end() {
                    true => leaf(self.text, span),
                    false => self.expression(),
                }
            }
            Some(Token::Mark(open @ (b'{' | b'['))) => {
                self.at += 1;
                self.nested(depth, open)
            }
            _ => self.expression(),
        }
    }

    fn nested(&mut self, depth: usize, open: u8) -> Value {
        match open {
            _ if depth >= MOST_DEPTH => {
                self.pass(open);
                Value::Null
            }
            b'{' => Value::table(self.body(depth + 1)),
            _ => self.list(depth + 1),
        }
    }

    fn list(&mut self, depth: usize) -> Value {
        let mut items = Vec::new();
        loop {
            match self.peek() {
                None | Some(Token::Mark(b'}')) => break,
                Some(Token::Mark(b']')) => {
                    self.at += 1;
                    break;
                }
                Some(Token::Line | Token::Mark(b',')) => self.at += 1,
                Some(_) => items.push(self.value(depth)),
            }
        }
        Value::List(items.into())
    }

    /// Whether a value ends here.
    fn is_at_end(&self) -> bool {
        matches!(
            self.peek(),
            None | Some(Token::Line | Token::Mark(b',' | b'}' | b']'))
        )
    }

    /// Passes over the rest of an expression.
    fn expression(&mut self) -> Value {
        while !self.is_at_end() {
            if let Some(Token::Mark(open)) = self.next() {
                self.pass(open);
            }
        }
        Value::Null
    }
}

fn leaf(text: &str, span: Span) -> Value {
    Value::Leaf(Leaf {
        text: Arc::from(span.of(text)),
        kind: LeafKind::Text,
        origin: Origin { file: 0, span },
    })
}

#[cfg(test)]
mod tests {
    use super::super::ways::dig;
    use super::*;

    fn releases(text: &str) -> Vec<Value> {
        match read(text) {
            Value::Table(table) => match table.get("releases") {
                Some(Value::List(items)) => items.to_vec(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

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
        assert_eq!(text_at(&found[0], "timeout"), "Some(Null)");
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
            .map(|value| match value {
                Value::Leaf(leaf) => Some(&*leaf.text),
                _ => None,
            })
            .collect();
        let here = "      image:\n        tag: v1\n";
        assert_eq!(texts, [Some(here), None, Some("c: d")]);
    }

    #[test]
    fn nothing_breaks_the_reader() {
        for text in [
            "resource \"helm_release\" \"x\" {",
            "resource \"helm_release\" \"x",
            "resource \"helm_release\" \"x\" { a = \"${b(\"",
            "resource \"helm_release\" \"x\" { a = <<",
            "resource \"helm_release\" \"x\" { a = <<EOF\nb",
            "resource \"helm_release\" \"x\" { a = ]]]}}}",
            "resource \"helm_release\" \"ä\" { ö = \"ü\" ä }",
            "\"",
            "/*",
        ] {
            releases(text);
        }
        let deep = format!(
            "resource \"helm_release\" \"x\" {{ a = {} }}",
            "[".repeat(100_000)
        );
        assert_eq!(releases(&deep).len(), 1);
    }
}
