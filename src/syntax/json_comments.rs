//! Comments in JSONC and JSON5: `// ...` and `/* ... */`.

/// Replaces comments with spaces, so that offsets stay. `None` if there are none, or if the text is not a JSON map or list.
pub fn masked(text: &str) -> Option<String> {
    let mut masked: Option<Vec<u8>> = None;
    let mut is_json = false;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = match rest.as_bytes()[0] {
            b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            other => {
                is_json |= matches!(other, b'{' | b'[');
                if !is_json && !other.is_ascii_whitespace() {
                    return None;
                }
                at += match other {
                    b'"' | b'\'' => string(rest, other),
                    _ => rest.chars().next().map_or(1, char::len_utf8),
                };
                continue;
            }
        };
        let masked = masked.get_or_insert_with(|| text.as_bytes().to_vec());
        for byte in &mut masked[at..at + length] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        at += length;
    }
    masked
        .filter(|_| is_json)
        .and_then(|masked| String::from_utf8(masked).ok())
}

/// Returns the length of the string that a text starts with, including its quotes.
fn string(text: &str, quote: u8) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = !is_escaped && byte == quote;
        is_escaped = !is_escaped && byte == b'\\';
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn comments_become_spaces() {
        for (text, expected) in [
            (
                "// é\n{\"a\": 1}",
                Some("      \n{\"a\": 1}".replacen(' ', "", 1)),
            ),
            (
                "{\"a\": 'x//y' /* b */}",
                Some("{\"a\": 'x//y'        }".to_owned()),
            ),
            (
                r#"{"a": "\"//"} // c"#,
                Some(r#"{"a": "\"//"}     "#.to_owned()),
            ),
            ("{\"a\": \"http://b\"}", None),
            ("a: b // c", None),
            ("{} /* open", Some("{}        ".to_owned())),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }
}
