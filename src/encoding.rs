//! Encodings of text: UTF-8, and UTF-16 with a byte order mark, as PowerShell writes it and `kubectl` reads it, or without
//! one, as some Windows editors write it.
//!
//! Analysis sees only UTF-8. A text without a mark is UTF-8, unless every other one of its first bytes is zero, which is how
//! YAML and JSON recognise UTF-16. Knows nothing of files.

use std::borrow::Cow;

/// The encoding of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// An error for bytes that are not valid text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid {
    /// The encoding that was detected.
    pub encoding: Encoding,
    /// The offset of the first byte that is not valid.
    pub offset: usize,
}

impl Encoding {
    /// Detects the encoding by the byte order mark, or by zero bytes. A UTF-32 mark starts like a UTF-16 one; UTF-32 is not
    /// supported.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0xff, 0xfe, 0, 0, ..] => Self::Utf8,
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            [first, 0, ..] if *first != 0 && begins_with_ascii(bytes, 0) => Self::Utf16Le,
            [0, first, ..] if *first != 0 && begins_with_ascii(bytes, 1) => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
        }
    }

    /// Returns the bytes of a text. Encoding what [`decode`] returned gives back the original bytes.
    pub fn encode(self, text: &str) -> Cow<'_, [u8]> {
        let units = text.encode_utf16();
        match self {
            Self::Utf8 => Cow::Borrowed(text.as_bytes()),
            Self::Utf16Le => Cow::Owned(units.flat_map(u16::to_le_bytes).collect()),
            Self::Utf16Be => Cow::Owned(units.flat_map(u16::to_be_bytes).collect()),
        }
    }

    fn unit(self, pair: [u8; 2]) -> u16 {
        match self {
            Self::Utf16Be => u16::from_be_bytes(pair),
            _ => u16::from_le_bytes(pair),
        }
    }
}

/// The number of UTF-16 units that are examined if there is no byte order mark.
const HEAD: usize = 16;

/// Whether bytes may be UTF-16 that begins with ASCII. `low` is the index of the low byte of each unit.
fn begins_with_ascii(bytes: &[u8], low: usize) -> bool {
    let (units, rest) = bytes.as_chunks::<2>();
    let mut head = units.iter().take(HEAD);
    let is_text = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    units.len() > 1 && rest.is_empty() && head.all(|unit| is_text(unit[low]) && unit[1 - low] == 0)
}

/// Decodes bytes. Returns the text and its encoding. A byte order mark stays, as U+FEFF.
///
/// # Errors
/// If a byte, or a unit of UTF-16, is not valid.
pub fn decode(bytes: Vec<u8>) -> Result<(String, Encoding), Invalid> {
    let encoding = Encoding::of(&bytes);
    let text = match encoding {
        Encoding::Utf8 => {
            String::from_utf8(bytes).map_err(|error| error.utf8_error().valid_up_to())
        }
        _ => utf16(&bytes, encoding),
    };
    match text {
        Ok(text) => Ok((text, encoding)),
        Err(offset) => Err(Invalid { encoding, offset }),
    }
}

/// Converts bytes to UTF-8. Bytes that are not valid UTF-16 stay as they are.
pub fn to_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    match Encoding::of(bytes) {
        Encoding::Utf8 => Cow::Borrowed(bytes),
        encoding => utf16(bytes, encoding)
            .map_or(Cow::Borrowed(bytes), |text| Cow::Owned(text.into_bytes())),
    }
}

/// # Errors
/// Returns the offset of the first byte that is not valid.
fn utf16(bytes: &[u8], encoding: Encoding) -> Result<String, usize> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| encoding.unit(*pair));
    let mut text = String::with_capacity(pairs.len());
    let mut offset = 0;
    for char in char::decode_utf16(units) {
        let char = char.map_err(|_| offset)?;
        text.push(char);
        offset += 2 * char.len_utf16();
    }
    match rest.is_empty() {
        true => Ok(text),
        false => Err(offset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\u{feff}image: ä雪\u{1f600}\r\n";

    #[test]
    fn zeros_say_that_a_text_without_a_mark_is_utf_16() {
        for (bytes, encoding) in [
            (&b"a\0:\0"[..], Encoding::Utf16Le),
            (b"\0a\0:", Encoding::Utf16Be),
            (b"a\0:\0b", Encoding::Utf8),
            (b"a\0\0\0", Encoding::Utf8),
            (b"a\0\x01\0", Encoding::Utf8),
            (b"a\0", Encoding::Utf8),
            (b"a: b", Encoding::Utf8),
        ] {
            assert_eq!(Encoding::of(bytes), encoding, "{bytes:?}");
        }
    }

    #[test]
    fn text_becomes_the_bytes_that_it_was_made_of() {
        for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be] {
            let bytes = encoding.encode(TEXT).into_owned();
            assert_eq!(Encoding::of(&bytes), encoding);
            assert_eq!(to_utf8(&bytes), TEXT.as_bytes());
            assert_eq!(decode(bytes), Ok((TEXT.to_owned(), encoding)));
        }
        assert_eq!(Encoding::Utf16Be.encode("\u{feff}a"), &b"\xfe\xff\0a"[..]);
        assert_eq!(Encoding::Utf16Le.encode("\u{feff}a"), &b"\xff\xfea\0"[..]);
    }

    #[test]
    fn what_is_no_text_says_where() {
        for (bytes, encoding, offset) in [
            (&b"a\xff"[..], Encoding::Utf8, 1),
            (b"\xff\xfea\0b", Encoding::Utf16Le, 4),
            (b"\xfe\xff\0a\xd8\0\0b", Encoding::Utf16Be, 4),
            (b"\xfe\xff\xdc\0", Encoding::Utf16Be, 2),
            // UTF-32.
            (b"\xff\xfe\0\0a\0\0\0", Encoding::Utf8, 0),
        ] {
            assert_eq!(decode(bytes.to_vec()), Err(Invalid { encoding, offset }));
            assert_eq!(to_utf8(bytes), bytes);
        }
    }
}
