//! Placeholders that people leave in values: `{{ x }}`, `${X}`, `$(X)`, `$X`, `%s`, `<x>`, `@X@`.
//!
//! They are masked without changing their length, so that the rest can be read by the grammar of the final value.

use crate::source::Span;

/// The letter that replaces placeholders. It is valid in a host, a path, a tag and a plain YAML scalar.
pub const STAND_IN: char = 'x';

/// The most bytes of a placeholder. Limits the search for the end of those that are never closed.
const LONGEST: usize = 1 << 10;

/// A text whose placeholders are masked.
pub struct Masked {
    pub text: String,
    /// The spans of the placeholders, in order.
    pub holes: Vec<Span>,
}

/// Masks the placeholders of a text. `None` if it has none.
pub fn mask(text: &str) -> Option<Masked> {
    let opens = |byte: u8| matches!(byte, b'{' | b'$' | b'%' | b'<' | b'@');
    if !text.bytes().any(opens) {
        return None;
    }
    let mut masked = Masked {
        text: String::with_capacity(text.len()),
        holes: Vec::new(),
    };
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        match placeholder(rest) {
            Some(length) => {
                masked.holes.push(Span::new(at, at + length));
                masked.text.extend(std::iter::repeat_n(STAND_IN, length));
                at += length;
            }
            None => {
                let next = rest.bytes().skip(1).position(opens);
                let length = next.map_or(rest.len(), |next| next + 1);
                masked.text.push_str(&rest[..length]);
                at += length;
            }
        }
    }
    (!masked.holes.is_empty()).then_some(masked)
}

/// Returns what is before, between and after the expressions of a text: `{{ x }}`, `${X}`. `None` if one is not closed.
pub fn literal_pieces(mut text: &str) -> Option<Vec<&str>> {
    let mut pieces = Vec::new();
    loop {
        let next = [("{{", "}}"), ("${", "}")].into_iter();
        let next = next.filter_map(|(open, close)| Some((text.find(open)?, open.len(), close)));
        let Some((at, length, close)) = next.min() else {
            break;
        };
        pieces.push(&text[..at]);
        (_, text) = text[at + length..].split_once(close)?;
    }
    pieces.push(text);
    Some(pieces)
}

/// The length of the placeholder that the text starts with.
fn placeholder(text: &str) -> Option<usize> {
    let between = |open: &str, close: &str| {
        let inner = text.strip_prefix(open)?;
        let near = &inner.as_bytes()[..inner.len().min(LONGEST)];
        let end = memchr::memmem::find(near, close.as_bytes())?;
        Some(open.len() + end + close.len())
    };
    let name = |from: usize| {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = text.as_bytes()[from..]
            .iter()
            .take_while(|byte| word(byte))
            .count();
        (length > 0).then_some(from + length)
    };
    match text.as_bytes()[0] {
        b'{' => between("{{", "}}").or_else(|| between("{%", "%}")),
        b'$' => between("${", "}")
            // With whitespace inside it is a command, whose words are read.
            .or_else(|| {
                between("$(", ")").filter(|length| !text[..*length].contains(char::is_whitespace))
            })
            .or_else(|| name(1)),
        b'%' => match text.as_bytes().get(1)? {
            b's' | b'v' | b'd' | b'q' => Some(2),
            _ => None,
        },
        b'<' => between("<", ">").filter(|length| {
            !text[..*length].contains(char::is_whitespace) && !is_element(text, *length)
        }),
        b'@' => name(1)
            .filter(|end| text[*end..].starts_with('@'))
            .map(|end| end + 1),
        _ => None,
    }
}

/// Whether the text starts with the tag of an XML element, or the end tag of one: `<image>NAME</image>`.
fn is_element(text: &str, length: usize) -> bool {
    let name = &text[1..length - 1];
    let behind = &text.as_bytes()[length..];
    let near = &behind[..behind.len().min(LONGEST)];
    let ends = || memchr::memmem::find(near, format!("</{name}>").as_bytes()).is_some();
    name.starts_with('/') || name.ends_with('/') || ends()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_masked_at_its_length() {
        for (text, expected) in [
            ("k8s.gcr.io/a:{{ v }}", "k8s.gcr.io/a:xxxxxxx"),
            ("gcr.io/${X}/a:$TAG", "gcr.io/xxxx/a:xxxx"),
            ("q.io/%s:%v", "q.io/xx:xx"),
            ("q.io/a:<tag>", "q.io/a:xxxxx"),
            ("q.io/a:@TAG@", "q.io/a:xxxxx"),
            ("q.io/$(A)", "q.io/xxxx"),
        ] {
            assert_eq!(mask(text).unwrap().text, expected);
        }
        for text in [
            "q.io/a@sha256:ab",
            "a{b",
            "a $ b",
            "50%",
            "a < b > c",
            "$(echo q.io/a)",
            "<image>q.io/a:1</image>",
        ] {
            assert!(mask(text).is_none(), "{text}");
        }
    }
}
