//! Functions of HCL that work on texts: the tables of those that choose and compare, and those that compose texts.

use super::{HOLE, LONGEST, Text, Value};
use crate::source::Span;
use crate::syntax::decoded::Decoded;

/// Functions that return one of their arguments, and the index of the first one that they may return.
pub(super) const CHOOSING: [(&str, usize); 6] = [
    ("coalesce", 0),
    ("lookup", 2),
    ("nonsensitive", 0),
    ("sensitive", 0),
    ("trimspace", 0),
    ("try", 0),
];

/// Functions that compare, and the indexes of the arguments that they compare with.
pub(super) const COMPARING: [(&str, &[usize]); 9] = [
    ("contains", &[0, 1]),
    ("endswith", &[1]),
    ("regex", &[0]),
    ("regexall", &[0]),
    ("replace", &[1]),
    ("startswith", &[1]),
    ("strcontains", &[1]),
    ("trimprefix", &[1]),
    ("trimsuffix", &[1]),
];

/// The first of the texts that a value may be.
pub(super) fn first(value: &Value) -> Option<&Text> {
    match value {
        Value::Texts(texts) => texts.first(),
        Value::Unknown | Value::List(_) => None,
    }
}

/// Evaluates `format("%s/%s:%s", ...)`. `None` if it has other verbs than `%s`, `%v` and `%d`, or no argument is known.
pub(super) fn format(text: &str, arguments: &[Value]) -> Option<Decoded> {
    let [pattern, arguments @ ..] = arguments else {
        return None;
    };
    let pattern = first(pattern)?.literal?;
    let mut decoded = Decoded::default();
    let mut at = pattern.start;
    let mut arguments = arguments.iter();
    let mut is_filled = false;
    while let Some(percent) = text[at..pattern.end].find('%') {
        let percent = at + percent;
        decoded.push_exact(text, Span::new(at, percent));
        if !matches!(text.as_bytes().get(percent + 1), Some(b's' | b'v' | b'd')) {
            return None;
        }
        match arguments.next().and_then(first) {
            Some(argument) => {
                decoded.append(&argument.decoded);
                is_filled = true;
            }
            None => decoded.push_between(HOLE),
        }
        at = percent + 2;
    }
    decoded.push_exact(text, Span::new(at, pattern.end));
    is_filled.then_some(decoded)
}

/// Evaluates `join("/", [...])`. `None` if the list has fewer than two items.
pub(super) fn join(arguments: &[Value]) -> Option<Decoded> {
    let [separator, Value::List(values)] = arguments else {
        return None;
    };
    let separator = &first(separator)?.decoded.text;
    let mut decoded = Decoded::default();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            decoded.push_between(separator);
        }
        match first(value) {
            Some(value) => decoded.append(&value.decoded),
            None => decoded.push_between(HOLE),
        }
    }
    (values.len() > 1 && decoded.text.len() <= LONGEST).then_some(decoded)
}
