//! RE2 regular expressions, through the `regex` crate, which has the same guarantees and almost the same syntax.

use std::rc::Rc;

use ::regex::bytes::{Regex, RegexBuilder};

use super::super::context::Context;
use super::super::fault::{Fault, Result};
use super::super::text::{Pieces, Text};
use super::super::value::Value;
use super::{Function, int, text};

pub(super) const TABLE: &[Function] = &[
    Function::new("regexMatch", "ss", |context, given| {
        let found = context.regex(text(given, 0).bytes());
        Ok(Value::bool(found.is_some_and(|found| {
            found.is_match(text(given, 1).bytes())
        })))
    }),
    Function::new("mustRegexMatch", "ss", |context, given| {
        Ok(Value::bool(
            compiled(context, given)?.is_match(text(given, 1).bytes()),
        ))
    }),
    Function::new("regexFind", "ss", found).also(&["mustRegexFind"]),
    Function::new("regexFindAll", "ssi", found_all).also(&["mustRegexFindAll"]),
    Function::new("regexReplaceAll", "sss", |context, given| {
        replaced(context, given, true)
    })
    .also(&["mustRegexReplaceAll"]),
    Function::new("regexReplaceAllLiteral", "sss", |context, given| {
        replaced(context, given, false)
    })
    .also(&["mustRegexReplaceAllLiteral"]),
    Function::new("regexSplit", "ssi", split).also(&["mustRegexSplit"]),
    Function::new("regexQuoteMeta", "s", |_, given| {
        let value = text(given, 0);
        let mut out = Pieces::default();
        for (at, byte) in value.bytes().iter().enumerate() {
            if br"\.+*?()|[]{}^$".contains(byte) {
                out.computed("\\");
            }
            out.push_part(&value, at, at + 1);
        }
        Ok(Value::Text(Text::new(out)))
    }),
];

/// The size limit of a compiled expression, in bytes.
const LARGEST: usize = 1 << 20;

/// Compiles an expression in Go's syntax.
pub(in super::super) fn compile(pattern: &[u8]) -> Option<Regex> {
    let pattern = std::str::from_utf8(pattern).ok()?;
    let mut builder = RegexBuilder::new(&translated(pattern));
    builder
        .size_limit(LARGEST)
        .dfa_size_limit(LARGEST)
        .build()
        .ok()
}

/// Translates an expression: Go's classes are ASCII only, and a `[` in a class is literal.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut in_class = false;
    let mut class_start = 0;
    let mut letters = pattern.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => {
                let Some((_, escape)) = letters.next() else {
                    out.push('\\');
                    break;
                };
                match ascii_class(escape, in_class) {
                    Some(class) => {
                        out.push_str(class);
                        // After a class escape, a dash in a class is literal.
                        if in_class && letters.next_if(|(_, next)| *next == '-').is_some() {
                            out.push_str("\\-");
                        }
                    }
                    None if escape == 'Q' && !in_class => {
                        let rest = &pattern[at + 2..];
                        let end = rest.find("\\E").unwrap_or(rest.len());
                        out.push_str(&::regex::escape(&rest[..end]));
                        while letters
                            .peek()
                            .is_some_and(|(next, _)| *next < at + 2 + end + 2)
                        {
                            letters.next();
                        }
                    }
                    None => out.extend(['\\', escape]),
                }
            }
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if letters.next_if(|(_, next)| *next == '^').is_some() {
                    out.push('^');
                }
                class_start = out.len();
            }
            '[' if pattern[at..].starts_with("[:") => out.push('['),
            '[' | '&' | '~' if in_class => out.extend(['\\', letter]),
            ']' if in_class && out.len() > class_start => {
                // The end of `[:alpha:]` does not end the class.
                in_class = out.ends_with(':')
                    && out[class_start..].rfind("[:").is_some_and(|open| {
                        !out[class_start + open..].contains(']')
                            && out.len() > class_start + open + 2
                    });
                out.push(']');
            }
            ']' if in_class => out.push_str("\\]"),
            other => out.push(other),
        }
    }
    out
}

fn ascii_class(escape: char, in_class: bool) -> Option<&'static str> {
    Some(match (escape, in_class) {
        ('d', true) => "0-9",
        ('w', true) => "0-9A-Za-z_",
        ('s', true) => r"\t\n\f\r ",
        ('d', false) => "[0-9]",
        ('w', false) => "[0-9A-Za-z_]",
        ('s', false) => r"[\t\n\f\r ]",
        ('D', _) => "[^0-9]",
        ('W', _) => "[^0-9A-Za-z_]",
        ('S', _) => r"[^\t\n\f\r ]",
        ('b', false) => r"(?-u:\b)",
        ('B', false) => r"(?-u:\B)",
        _ => return None,
    })
}

fn compiled(context: &Context, given: &[Value]) -> Result<Rc<Regex>> {
    let pattern = text(given, 0);
    context
        .regex(pattern.bytes())
        .ok_or_else(|| Fault::new(format!("error parsing regexp: `{}`", pattern.to_str())))
}

fn found(context: &Context, given: &[Value]) -> Result<Value> {
    let value = text(given, 1);
    let found = compiled(context, given)?;
    Ok(Value::Text(match found.find(value.bytes()) {
        Some(found) => value.slice(found.start(), found.end()),
        None => Text::computed(""),
    }))
}

/// Returns the maximum number of matches; unlimited if it is negative.
fn most(given: &[Value]) -> usize {
    usize::try_from(int(given, 2)).unwrap_or(usize::MAX)
}

fn found_all(context: &Context, given: &[Value]) -> Result<Value> {
    let value = text(given, 1);
    let found = compiled(context, given)?;
    let all = found.find_iter(value.bytes()).take(most(given));
    context.texts(all.map(|one| value.slice(one.start(), one.end())).collect())
}

fn split(context: &Context, given: &[Value]) -> Result<Value> {
    let value = text(given, 1);
    let found = compiled(context, given)?;
    let most = most(given);
    if most == 0 {
        return context.texts(Vec::new());
    }
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    if !text(given, 0).is_empty() && value.is_empty() {
        return context.texts(vec![value]);
    }
    for one in found.find_iter(value.bytes()) {
        if parts.len() + 1 >= most {
            break;
        }
        end = one.start();
        if one.end() != 0 {
            parts.push(value.slice(start, end));
        }
        start = one.end();
    }
    if end != value.len() {
        parts.push(value.slice(start, value.len()));
    }
    context.texts(parts)
}

fn replaced(context: &Context, given: &[Value], expands: bool) -> Result<Value> {
    let (value, by) = (text(given, 1), text(given, 2));
    let regex = compiled(context, given)?;
    let template = by.to_str();
    let mut out = Pieces::default();
    let mut start = 0;
    for captures in regex.captures_iter(value.bytes()) {
        context.budget.steps(1)?;
        let Some(whole) = captures.get(0) else {
            continue;
        };
        out.push_part(&value, start, whole.start());
        match expands {
            true => expand(&mut out, &value, &template, &by, &captures, &regex),
            false => out.push_text(&by),
        }
        start = whole.end();
        context.budget.bytes(by.len())?;
        if out.len() > super::super::budget::LONGEST {
            return Err(Fault::limit("a text is too long"));
        }
    }
    if start == 0 && out.len() == 0 {
        return Ok(Value::Text(value));
    }
    out.push_part(&value, start, value.len());
    context.text(out)
}

/// Expands `$1`, `${1}` and `${name}` in a replacement.
fn expand(
    out: &mut Pieces,
    value: &Text,
    template: &str,
    by: &Text,
    captures: &::regex::bytes::Captures<'_>,
    regex: &Regex,
) {
    let mut at = 0;
    while let Some(length) = template[at..].find('$') {
        out.push_part(by, at, at + length);
        at += length;
        let rest = &template[at + 1..];
        if rest.starts_with('$') {
            out.computed("$");
            at += 2;
            continue;
        }
        let Some((name, taken)) = group_name(rest) else {
            out.computed("$");
            at += 1;
            continue;
        };
        at += 1 + taken;
        let number = name
            .parse()
            .ok()
            .or_else(|| regex.capture_names().position(|known| known == Some(name)));
        if let Some(group) = number.and_then(|number: usize| captures.get(number)) {
            out.push_part(value, group.start(), group.end());
        }
    }
    out.push_part(by, at, by.len());
}

fn group_name(rest: &str) -> Option<(&str, usize)> {
    let known = |letter: char| letter.is_alphanumeric() || letter == '_';
    if let Some(inner) = rest.strip_prefix('{') {
        let end = inner.find('}')?;
        let name = &inner[..end];
        return (!name.is_empty() && name.chars().all(known)).then_some((name, end + 2));
    }
    let end = rest
        .find(|letter: char| !known(letter))
        .unwrap_or(rest.len());
    (end > 0).then_some((&rest[..end], end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_those_of_go() {
        for (pattern, text, matches) in [
            ("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "a-b", true),
            (r"^\d+$", "١", false),
            (r"[^[]", "a", true),
            (r"[[:alpha:]_]+[0-9]", "_a1", true),
            (r"[]a]", "]", true),
            (r"\Qa.b\E", "a.b", true),
            (r"\Qa.b\E", "axb", false),
            (r"[\w&&]", "&", true),
            (r"^[\w-\.]+$", "a-b.c", true),
            (r"\bfoo\b", "a foo b", true),
        ] {
            let regex = compile(pattern.as_bytes()).unwrap_or_else(|| panic!("{pattern}"));
            assert_eq!(regex.is_match(text.as_bytes()), matches, "{pattern}");
        }
        assert!(compile(b"(").is_none());
        assert!(compile(b"((a{100}){100}){100}").is_none());
    }
}
