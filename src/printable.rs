//! Makes text safe to show: replaces or escapes characters that control a terminal, change the reading direction or are
//! invisible. Only this module says which characters these are.
//!
//! Knows nothing of output formats and of where the text goes.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{MAIN_SEPARATOR, Path};

use serde::Serialize;

/// Returns the character that replaces one that must not be shown: a control character, ANSI escapes included, a direction
/// mark or override, a line or paragraph separator, or a character without width. Columns stay the same, because it is one
/// character for one. `None` for all others.
pub fn stand_in(char: char) -> Option<char> {
    match char {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(char)),
        '\x7f' => Some('␡'),
        // C1 controls, and the soft hyphen.
        '\u{80}'..='\u{9f}' | '\u{ad}' => Some('�'),
        // Direction marks, joiners and spaces without width, line and paragraph separators, overrides and isolates.
        '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' => Some('�'),
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => Some('�'),
        // The byte order mark, interlinear annotations, tags.
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => Some('�'),
        _ => None,
    }
}

/// Whether a text can be shown as it is.
pub fn is_plain(text: &str) -> bool {
    // Two of three texts are ASCII, and checking bytes is much cheaper than checking characters.
    let is_printable = |byte: &u8| matches!(byte, b' '..=b'~');
    text.as_bytes().iter().all(is_printable) || text.chars().all(|char| stand_in(char).is_none())
}

/// Returns one line of text, with each character that must not be shown replaced.
pub fn line(text: &str) -> Cow<'_, str> {
    match is_plain(text) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(shown(text).collect()),
    }
}

/// Like [`line()`], for several lines, whose line ends stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    let of_line = |line: &str| -> String {
        let (body, end) = match line.strip_suffix('\n') {
            Some(body) => (body, "\n"),
            None => (line, ""),
        };
        shown(body).chain(end.chars()).collect()
    };
    match text.split('\n').all(is_plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.split_inclusive('\n').map(of_line).collect()),
    }
}

/// Shortens a text from outside for use within a line: removes characters that must not be shown, and joins whitespace.
pub fn brief(text: &str) -> String {
    /// The most characters that are kept.
    const LONGEST: usize = 200;
    let mut clean = String::new();
    for (count, letter) in text.trim().chars().enumerate() {
        if count == LONGEST {
            clean.push('…');
            break;
        }
        match letter {
            letter if letter.is_whitespace() && clean.ends_with(' ') => {}
            letter if letter.is_whitespace() => clean.push(' '),
            letter if stand_in(letter).is_some() => {}
            letter => clean.push(letter),
        }
    }
    clean
}

fn shown(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|char| stand_in(char).unwrap_or(char))
}

/// Writes a line to standard error.
///
/// # Errors
/// If it cannot be written.
pub fn complain(err: &mut dyn io::Write, message: impl fmt::Display) -> io::Result<()> {
    writeln!(err, "regfix: {}", lines(message.to_string().trim()))
}

/// Returns a path for people: with `/` on every platform, and quoted as git quotes names if it has characters that must not be
/// shown, or is not Unicode. No two paths look the same.
pub fn path(path: &Path) -> String {
    let name = name(path);
    match is_plain(&name) {
        true => name,
        false => quoted(path),
    }
}

/// Returns a path for programs, for formats that escape it themselves: with `/`, but otherwise unchanged. Only a path that is
/// not Unicode is quoted, and one that would look as if it were.
pub fn name(path: &Path) -> String {
    match path.to_str() {
        Some(name) if !name.starts_with('"') => slashed(name),
        _ => quoted(path),
    }
}

fn slashed(name: &str) -> String {
    match MAIN_SEPARATOR {
        '/' => name.to_owned(),
        other => name.replace(other, "/"),
    }
}

/// Puts a path in double quotes, with C escapes for everything that is not printable or not Unicode.
fn quoted(path: &Path) -> String {
    let mut out = String::from("\"");
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        for char in slashed(chunk.valid()).chars() {
            match char {
                ' '..='~' => out.push_str(&c_escaped(char as u8)),
                _ if stand_in(char).is_none() => out.push(char),
                _ => {
                    let mut bytes = [0; 4];
                    let bytes = char.encode_utf8(&mut bytes).bytes();
                    out.extend(bytes.map(c_escaped));
                }
            }
        }
        out.extend(chunk.invalid().iter().copied().map(c_escaped));
    }
    out.push('"');
    out
}

/// Returns a byte as written in a C string.
pub fn c_escaped(byte: u8) -> String {
    match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b'\x07' => "\\a".to_owned(),
        b'\x08' => "\\b".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\x0b' => "\\v".to_owned(),
        b'\x0c' => "\\f".to_owned(),
        b'\r' => "\\r".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    }
}

/// Returns bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a value as one line of JSON, with characters that must not be shown escaped. Only for values that always serialise:
/// strings, numbers, and lists and structs of them.
pub fn json<T: Serialize + ?Sized>(value: &T) -> String {
    escaped(serde_json::to_string(value))
}

/// Like [`json`], over several lines.
pub fn pretty_json<T: Serialize + ?Sized>(value: &T) -> String {
    escaped(serde_json::to_string_pretty(value))
}

/// Escapes characters that JSON allows but that must not be shown. Outside of strings, only line ends are such characters.
fn escaped(json: serde_json::Result<String>) -> String {
    let json = json.unwrap_or_else(|_| "null".to_owned());
    let must_escape = |char: char| char != '\n' && stand_in(char).is_some();
    if is_plain(&json) || !json.contains(must_escape) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for char in json.chars() {
        match must_escape(char) {
            false => out.push(char),
            true => {
                let mut units = [0; 2];
                let units = char.encode_utf16(&mut units).iter();
                out.extend(units.map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    out
}

/// Shortens a user's text for a message, on one line and without control characters.
pub fn excerpt(text: &str) -> String {
    const MOST: usize = 60;
    let mut excerpt: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MOST).is_some() {
        excerpt.push_str("...");
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_line_is_short_and_plain() {
        assert_eq!(brief("a\u{1b}[31m\r\nb\u{202e}c\t"), "a[31m bc");
        assert_eq!(brief(&"x".repeat(500)).chars().count(), 201);
    }

    const HOSTILE: [&str; 12] = [
        "\x1b[31m",
        "\r",
        "\x7f",
        "\u{9b}2J",
        "\u{61c}",
        "\u{200b}\u{200d}",
        "\u{200e}\u{200f}",
        "\u{2028}\u{2029}",
        "\u{202e}",
        "\u{2066}\u{2069}",
        "\u{2060}\u{feff}",
        "\u{e0041}",
    ];

    #[test]
    fn what_must_not_be_shown_becomes_one_character_each() {
        assert_eq!(line("a\x1b[31m\r\n\x7f\u{9b}\u{202e}ä"), "a␛[31m␍␊␡��ä");
        assert!(matches!(line("plain: ä {{ x }}"), Cow::Borrowed(_)));
        assert_eq!(lines("a\nb\x1b\n\nc\r\n"), "a\nb␛\n\nc␍\n");
        assert!(matches!(lines("a\nb\n"), Cow::Borrowed(_)));
        for text in HOSTILE {
            assert!(!is_plain(text), "{text:?}");
            assert!(is_plain(&line(text)), "{text:?}");
            assert_eq!(line(text).chars().count(), text.chars().count());
        }
    }

    #[test]
    fn json_escapes_what_must_not_be_shown_and_stays_the_same_text() {
        for text in HOSTILE {
            let text = format!("ä\"\\{text}\n\t");
            let written = json(&text);
            assert!(is_plain(&written), "{written:?}");
            assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
        assert_eq!(json("\u{e0041}\x08"), "\"\\udb40\\udc41\\b\"");
        assert_eq!(json("ä雪"), "\"ä雪\"");
    }

    #[test]
    fn names_are_as_they_are_or_quoted() {
        let shown = |name: &str| path(Path::new(name));
        assert_eq!(shown("ä b\\c.yaml"), "ä b\\c.yaml");
        assert_eq!(shown("a\x1b[31m\n.yaml"), "\"a\\033[31m\\n.yaml\"");
        assert_eq!(shown("ä\u{202e}.yaml"), "\"ä\\342\\200\\256.yaml\"");
        assert_eq!(shown("\"a\\\""), "\"\\\"a\\\\\\\"\"");
        assert_eq!(name(Path::new("a\x1b")), "a\x1b");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_unicode_stay_distinct() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let names: [&[u8]; 5] = [
            b"a\xff\xfe.yaml",
            b"a\xff.yaml",
            b"a\\377.yaml",
            b"\"a\\377.yaml\"",
            "a�.yaml".as_bytes(),
        ];
        let shown = names.map(|name| path(Path::new(OsStr::from_bytes(name))));
        let expected = [
            "\"a\\377\\376.yaml\"",
            "\"a\\377.yaml\"",
            "a\\377.yaml",
            "\"\\\"a\\\\377.yaml\\\"\"",
            "a�.yaml",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn excerpts_are_short_and_harmless() {
        assert_eq!(excerpt("a\u{1b}[2J\n"), "a\\u{1b}[2J\\n");
        assert_eq!(excerpt(&"ä".repeat(100)).chars().count(), 63);
    }
}
