//! Texts that expressions of HCL compose, as far as they are written out: `format("%s/%s", "q.io", "app")`,
//! `"${coalesce(var.registry, "q.io")}/app"`; and texts that conditions compare with.
//!
//! Turns tokens into texts, each with where its pieces are written. A piece that is not known is a placeholder.

mod functions;

use functions::{CHOOSING, COMPARING, format, join};

use super::scan::{Kind, Scan, Token, scan};
use crate::source::Span;
use crate::syntax::decoded::Decoded;

/// The values of the expressions of a text.
#[derive(Debug, Default)]
pub struct Computed {
    /// Texts that are composed of several strings.
    pub composed: Vec<Composed>,
    /// The contents of strings that are compared with or searched for, in order.
    pub compared: Vec<Span>,
}

#[derive(Debug)]
pub struct Composed {
    pub text: Decoded,
    /// The attribute whose value it is, or is a part of.
    pub key: Option<Span>,
}

/// The deepest nesting of calls and strings in which texts are composed.
const DEEPEST: usize = 24;

/// The most alternatives of an expression. Real ones do not have more.
const MOST_CHOICES: usize = 4;

/// The most bytes of a text. Longer ones are not names.
const LONGEST: usize = 1 << 10;

/// The placeholder for a piece that is not known.
const HOLE: &str = "${}";

/// Reads all expressions of a text.
pub fn computed(text: &str, scan: &Scan) -> Computed {
    let mut found = Computed::default();
    let mut reader = Reader {
        text,
        scan,
        start: 0,
        at: 0,
        depth: 0,
        key: None,
        found: &mut found,
    };
    while reader.at < reader.scan.tokens.len() {
        let value = reader.term();
        reader.record(value);
    }
    found.compared.sort();
    found.compared.dedup();
    found
}

/// A value, as far as it is known.
#[derive(Debug, Clone)]
enum Value {
    Unknown,
    /// One of several texts.
    Texts(Vec<Text>),
    List(Vec<Value>),
}

#[derive(Debug, Clone)]
struct Text {
    decoded: Decoded,
    /// The content of the string, if the text is one string without placeholders.
    literal: Option<Span>,
    /// Whether it is composed.
    is_composed: bool,
}

struct Reader<'t, 'f> {
    text: &'t str,
    scan: &'f Scan,
    /// Where the scanned part starts in the text.
    start: usize,
    at: usize,
    depth: usize,
    key: Option<Span>,
    found: &'f mut Computed,
}

impl Reader<'_, '_> {
    fn token(&self, at: usize) -> Option<Token> {
        let token = self.scan.tokens.get(at)?;
        Some(Token {
            kind: token.kind,
            span: token.span.shift(self.start),
        })
    }

    fn mark(&self, at: usize) -> Option<u8> {
        match self.token(at)?.kind {
            Kind::Mark(mark) => Some(mark),
            _ => None,
        }
    }

    /// Whether two marks are one sign.
    fn is_sign(&self, at: usize, sign: &str) -> bool {
        let signs = [self.token(at), self.token(at + 1)];
        let [Some(first), Some(second)] = signs else {
            return false;
        };
        first.span.end == second.span.start && first.span.join(second.span).of(self.text) == sign
    }

    fn is_comparison(&self, at: usize) -> bool {
        self.is_sign(at, "==") || self.is_sign(at, "!=")
    }

    /// Records the texts that are composed and not a part of another text.
    fn record(&mut self, value: Value) {
        match value {
            Value::Unknown => {}
            Value::Texts(texts) => {
                let composed = texts.into_iter().filter(|text| text.is_composed);
                let key = self.key;
                self.found.composed.extend(composed.map(|text| Composed {
                    text: text.decoded,
                    key,
                }));
            }
            Value::List(values) => values.into_iter().for_each(|value| self.record(value)),
        }
    }

    fn compared(&mut self, value: &Value) {
        match value {
            Value::Unknown => {}
            Value::Texts(texts) => {
                let literals = texts.iter().filter_map(|text| text.literal);
                self.found.compared.extend(literals);
            }
            Value::List(values) => values.iter().for_each(|value| self.compared(value)),
        }
    }

    /// Reads one operand, or one token that is not an operand.
    fn term(&mut self) -> Value {
        let Some(token) = self.token(self.at) else {
            return Value::Unknown;
        };
        let at = self.at;
        self.at += 1;
        let next = self.mark(self.at);
        let value = match token.kind {
            Kind::Text => self.string(token.span),
            Kind::Word if next == Some(b'(') => {
                self.at += 1;
                self.call(token.span.of(self.text))
            }
            Kind::Word => {
                if next == Some(b'=') && !self.is_comparison(self.at) {
                    self.key = Some(token.span);
                }
                Value::Unknown
            }
            Kind::Mark(b'[') => Value::List(self.arguments()),
            Kind::Mark(b'(') => match self.arguments().pop() {
                Some(only) => only,
                None => Value::Unknown,
            },
            Kind::Mark(_) | Kind::Lines | Kind::Break => Value::Unknown,
        };
        let is_behind = at >= 2 && self.is_comparison(at - 2);
        if is_behind || self.is_comparison(self.at) {
            self.compared(&value);
        }
        value
    }

    fn string(&mut self, span: Span) -> Value {
        let content = span.of(self.text);
        if content.len() > LONGEST || content.contains(['\\', '\n']) {
            return Value::Unknown;
        }
        let mut decoded = Decoded::default();
        let (mut at, mut is_composed, mut is_literal) = (span.start, false, true);
        let inside = Span::new(span.start - self.start, span.end - self.start);
        let first = &self.scan.actions;
        let first = first.partition_point(|action| action.span.start < inside.start);
        let actions: Vec<Span> = self.scan.actions[first..]
            .iter()
            .map(|action| action.span)
            .take_while(|action| action.end <= inside.end)
            .map(|action| action.shift(self.start))
            .collect();
        for action in actions {
            if action.start < at {
                continue;
            }
            decoded.push_exact(self.text, Span::new(at, action.start));
            (at, is_literal) = (action.end, false);
            let inner = match action.of(self.text).starts_with("${") {
                true => self.placeholder(Span::new(action.start + 2, action.end - 1)),
                false => return Value::Unknown,
            };
            match inner {
                Some(inner) => {
                    decoded.append(&inner);
                    is_composed = true;
                }
                None => decoded.push_between(HOLE),
            }
        }
        decoded.push_exact(self.text, Span::new(at, span.end));
        Value::Texts(vec![Text {
            decoded,
            literal: is_literal.then_some(span),
            is_composed,
        }])
    }

    /// Returns the value of a placeholder: the first of its defaults.
    fn placeholder(&mut self, inner: Span) -> Option<Decoded> {
        let text = inner.of(self.text);
        if self.depth >= DEEPEST || !text.contains('"') {
            return None;
        }
        let scan = scan(text);
        let mut reader = Reader {
            text: self.text,
            scan: &scan,
            start: inner.start,
            at: 0,
            depth: self.depth + 1,
            key: self.key,
            found: &mut *self.found,
        };
        let value = reader.argument();
        while reader.at < reader.scan.tokens.len() {
            let rest = reader.term();
            reader.record(rest);
        }
        match value {
            Value::Texts(texts) => texts.into_iter().next().map(|text| text.decoded),
            Value::Unknown | Value::List(_) => None,
        }
    }

    /// Reads the rest of brackets or parentheses that are open.
    fn arguments(&mut self) -> Vec<Value> {
        let mut found = Vec::new();
        if self.depth >= DEEPEST {
            return found;
        }
        self.depth += 1;
        while let Some(token) = self.token(self.at) {
            match token.kind {
                Kind::Mark(b')' | b']') => {
                    self.at += 1;
                    break;
                }
                Kind::Mark(b'}') => break,
                Kind::Mark(b',') | Kind::Break => self.at += 1,
                _ => found.push(self.argument()),
            }
        }
        self.depth -= 1;
        found
    }

    /// Reads up to a comma, or to the end of the brackets around it.
    fn argument(&mut self) -> Value {
        let mut terms: Vec<Value> = Vec::new();
        let mut choices: Option<Vec<Text>> = None;
        let mut is_known = true;
        while let Some(token) = self.token(self.at) {
            match token.kind {
                Kind::Mark(b',' | b')' | b']' | b'}') => break,
                Kind::Break => self.at += 1,
                Kind::Mark(b'?') => {
                    self.at += 1;
                    choices = Some(Vec::new());
                    terms.drain(..).for_each(|value| self.record(value));
                    is_known = true;
                }
                Kind::Mark(b':') if choices.is_some() => {
                    self.at += 1;
                    let value = self.only(&mut terms, is_known);
                    choices.get_or_insert_default().extend(texts(value));
                    is_known = true;
                }
                Kind::Mark(b'[' | b'(') | Kind::Text | Kind::Word => terms.push(self.term()),
                Kind::Mark(b'{') => {
                    self.at += 1;
                    self.object();
                    is_known = false;
                }
                Kind::Mark(_) | Kind::Lines => {
                    self.at += 1;
                    is_known = false;
                }
            }
        }
        let last = self.only(&mut terms, is_known);
        match choices {
            None => last,
            Some(mut choices) => {
                choices.extend(texts(last));
                choices.truncate(MOST_CHOICES);
                match choices.is_empty() {
                    true => Value::Unknown,
                    false => Value::Texts(choices),
                }
            }
        }
    }

    /// Returns the value of an expression that has only one term. Records the terms of others.
    fn only(&mut self, terms: &mut Vec<Value>, is_known: bool) -> Value {
        if is_known && terms.len() == 1 {
            return terms.remove(0);
        }
        terms.drain(..).for_each(|value| self.record(value));
        Value::Unknown
    }

    fn object(&mut self) {
        if self.depth >= DEEPEST {
            return;
        }
        self.depth += 1;
        while self.at < self.scan.tokens.len() {
            match self.mark(self.at) {
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                Some(b'{') => {
                    self.at += 1;
                    self.object();
                }
                _ => {
                    let value = self.term();
                    self.record(value);
                }
            }
        }
        self.depth -= 1;
    }

    fn call(&mut self, name: &str) -> Value {
        let mut arguments = self.arguments();
        if let Some((_, compared)) = COMPARING.iter().find(|(known, _)| *known == name) {
            let compared = compared.iter().filter_map(|index| arguments.get(*index));
            for value in compared.cloned().collect::<Vec<Value>>() {
                self.compared(&value);
            }
        }
        if let Some((_, first)) = CHOOSING.iter().find(|(known, _)| *known == name) {
            let chosen = arguments.drain((*first).min(arguments.len())..);
            let mut chosen: Vec<Text> = chosen.flat_map(texts).collect();
            chosen.truncate(MOST_CHOICES);
            return match chosen.is_empty() {
                true => Value::Unknown,
                false => Value::Texts(chosen),
            };
        }
        let composed = match name {
            "format" => format(self.text, &arguments),
            "join" => join(&arguments),
            _ => None,
        };
        match composed {
            Some(decoded) => Value::Texts(vec![Text {
                decoded,
                literal: None,
                is_composed: true,
            }]),
            None => {
                arguments.into_iter().for_each(|value| self.record(value));
                Value::Unknown
            }
        }
    }
}

fn texts(value: Value) -> Vec<Text> {
    match value {
        Value::Texts(texts) => texts,
        Value::Unknown | Value::List(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<&str>) {
        let found = computed(text, &scan(text));
        let composed = found.composed.into_iter().map(|one| {
            let key = one.key.map_or("", |key| key.of(text));
            format!("{key}: {}", one.text.text)
        });
        let compared = found.compared.into_iter().map(|span| span.of(text));
        (composed.collect(), compared.collect())
    }

    #[test]
    fn texts_are_put_together() {
        for (text, expected) in [
            (r#"a = format("%s/%s:%s", "q.io", "b", "1")"#, "a: q.io/b:1"),
            (r#"a = format("%s/b:%d", "q.io", var.c)"#, "a: q.io/b:${}"),
            (r#"a = format("%s/%s", try(c, "q.io"), "b")"#, "a: q.io/b"),
            (r#"a = join("/", ["q.io", "b", var.c])"#, "a: q.io/b/${}"),
            (r#"a = "${coalesce(b, "q.io")}/c:1""#, "a: q.io/c:1"),
            (r#"a = "${b != "" ? b : "q.io"}/c:${d}""#, "a: q.io/c:${}"),
            (r#"a = "${lookup(b, "c", "q.io/d")}:1""#, "a: q.io/d:1"),
            (r#"a = { b = [c("${try(d, "q.io")}/e")] }"#, "b: q.io/e"),
            (r#"a = format("%[2]s", "b")"#, ""),
            (r#"a = format("%s/%s", b, c)"#, ""),
            (r#"a = "${b}/c:1""#, ""),
            (r#"a = coalesce(b, "q.io/c:1")"#, ""),
            (r#"a = join("/", b)"#, ""),
        ] {
            assert_eq!(read(text).0.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn conditions_compare_with_texts() {
        for (text, expected) in [
            (r#"a = startswith(b, "c")"#, "c"),
            (r#"a = replace(b, "c", "d")"#, "c"),
            (r#"a = b == "c" ? "d" : "e""#, "c"),
            (r#"a = "c" != b"#, "c"),
            (r#"a = contains(["c", "d"], b)"#, "c d"),
            (r#"a = can(regex("c", b))"#, "c"),
            (r#"a = "${b == "c" ? "d" : "e"}""#, "c"),
            (r#"a = b("c")"#, ""),
            (r#"a = "c""#, ""),
        ] {
            assert_eq!(read(text).1.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn nothing_breaks_the_reader() {
        let text = r#"a = format("%s/${b ? "c" : "d"}", [e("f"), {g = "%"}], "ä%") == ["${join("", ["h", i])}""#;
        for (at, _) in text.char_indices() {
            read(&text[..at]);
            read(&text[at..]);
        }
        for open in [
            "(",
            "[",
            "{",
            "f(",
            "\"${",
            "\"${f(\"",
            "a ? ",
            "? :",
            "\"\" == ",
            "format(\"%s\", ",
        ] {
            read(&format!("a = {}", open.repeat(50_000)));
        }
    }
}
