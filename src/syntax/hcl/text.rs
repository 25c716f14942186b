//! Decodes strings and here-documents.

use std::borrow::Cow;

/// Decodes a string. `$${` stays, because what another program inserts there is not known either.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut meant = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        meant.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let Some(letter) = escape.chars().next() else {
            rest = "";
            break;
        };
        let digits = match letter {
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let code = escape.get(1..1 + digits);
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        let (letter, length) = match (letter, code.and_then(char::from_u32)) {
            ('u' | 'U', Some(coded)) => (coded, 1 + digits),
            ('n', _) => ('\n', 1),
            ('r', _) => ('\r', 1),
            ('t', _) => ('\t', 1),
            _ => (letter, letter.len_utf8()),
        };
        meant.push(letter);
        rest = &escape[length..];
    }
    meant.push_str(rest);
    Cow::Owned(meant)
}

/// Removes the indentation that all lines have.
pub(super) fn unindented(lines: &str) -> Cow<'_, str> {
    let filled = lines.lines().filter(|line| !line.trim().is_empty());
    let indents = filled.map(|line| line.len() - line.trim_start_matches([' ', '\t']).len());
    let Some(indent) = indents.min().filter(|indent| *indent > 0) else {
        return Cow::Borrowed(lines);
    };
    let cut = lines.split_inclusive('\n').map(|line| {
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        &line[blanks.min(indent)..]
    });
    Cow::Owned(cut.collect())
}
