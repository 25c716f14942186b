//! Comments in JSON, as JSONC and JSON5 have them: `// ...` and `/* ... */`.

/// The text with spaces in place of its comments, at the same offsets. `None` where there are none, or the text is no JSON.
pub fn masked(text: &str) -> Option<String> {
    let mut masked = text.as_bytes().to_vec();
    let mut first = None;
    let mut has_comments = false;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = match rest.as_bytes()[0] {
            b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            quote @ (b'"' | b'\'') => {
                first.get_or_insert(quote);
                at += string(rest, quote);
                continue;
            }
            other => {
                if !other.is_ascii_whitespace() {
                    first.get_or_insert(other);
                }
                at += rest.chars().next().map_or(1, char::len_utf8);
                continue;
            }
        };
        for byte in &mut masked[at..at + length] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        has_comments = true;
        at += length;
    }
    let is_json = matches!(first, Some(b'{' | b'['));
    (is_json && has_comments)
        .then(|| String::from_utf8(masked).ok())
        .flatten()
}

/// The length of the string that a text begins with, its quotes included.
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
