//! Names that are not spelled as they are compared: with escapes of JSON and YAML, or with capitals in the host.
//!
//! The prefilter calls this for every file in which it finds nothing, so the usual case, no such names, must be cheap.

use std::collections::BTreeSet;

/// The host suffixes that are searched for.
#[derive(Debug)]
pub(super) struct Spelling {
    /// The labels before and after each dot.
    labels: Vec<(String, String)>,
}

impl Spelling {
    pub(super) fn new<'h>(ends: impl Iterator<Item = &'h str>) -> Self {
        let pairs = ends.flat_map(|end| {
            let labels: Vec<&str> = end.split('.').collect();
            let pairs = labels
                .windows(2)
                .map(|pair| (pair[0].to_owned(), pair[1].to_owned()));
            pairs.collect::<Vec<_>>()
        });
        let labels: BTreeSet<(String, String)> = pairs.collect();
        Self {
            labels: labels.into_iter().collect(),
        }
    }

    /// Returns the short words to search for: a dot of a host with the letters around it, with a capital on one side.
    pub(super) fn words(&self) -> Vec<String> {
        let words: BTreeSet<String> = self.labels.iter().flat_map(with_capitals).collect();
        words.into_iter().collect()
    }

    /// Returns the offset of the dot, if the word found at `at` is part of a known host with capitals such as `K8S.gcr.io` or
    /// `Quay.Io`.
    pub(super) fn host_at(&self, text: &[u8], at: usize) -> Option<usize> {
        let dot = at + usize::from(text[at] != b'.');
        let (before, behind) = (&text[..dot], &text[dot + 1..]);
        let mut labels = self.labels.iter();
        let is_host = labels.any(|(one, other)| {
            let ends = before.len().checked_sub(one.len());
            let ends = ends.is_some_and(|at| before[at..].eq_ignore_ascii_case(one.as_bytes()));
            let begins = behind.get(..other.len());
            ends && begins.is_some_and(|label| label.eq_ignore_ascii_case(other.as_bytes()))
        });
        is_host.then_some(dot)
    }
}

/// Returns the offsets of escapes that stand for a character of a name.
pub(super) fn escapes(text: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(b'\\', text).filter(|at| escape(text, *at).is_some())
}

/// The number of letters after the first of a label, so that `.Default` is not mistaken for `.Dev`.
const MORE: usize = 2;

/// Returns the letters around a dot, with a capital on one side: `r.io` gives `R.i`, `.Io` and `.IO`.
fn with_capitals((before, behind): &(String, String)) -> Vec<String> {
    let (Some(last), Some(first)) = (before.chars().last(), behind.chars().next()) else {
        return Vec::new();
    };
    let more: String = behind.chars().skip(1).take(MORE).collect();
    let capital = first.to_ascii_uppercase();
    let words = [
        format!("{}.{first}", last.to_ascii_uppercase()),
        format!(".{capital}{more}"),
        format!(".{capital}{}", more.to_ascii_uppercase()),
    ];
    let has_capital = |word: &String| word.bytes().any(|byte| byte.is_ascii_uppercase());
    words.into_iter().filter(has_capital).collect()
}

/// Decodes the escapes of characters that names consist of. `None` if there are none.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut copied = 0;
    for at in memchr::memchr_iter(b'\\', text) {
        let Some(escape) = escape(text, at).filter(|_| at >= copied) else {
            continue;
        };
        decoded.extend_from_slice(&text[copied..at]);
        decoded.extend(escape.letter);
        copied = at + escape.length;
    }
    if copied == 0 {
        return None;
    }
    decoded.extend_from_slice(&text[copied..]);
    Some(decoded)
}

struct Escape {
    /// `None` for an escaped line break.
    letter: Option<u8>,
    length: usize,
}

/// Parses the escape at the backslash `at`. `None` unless it stands for a character of a name.
fn escape(text: &[u8], at: usize) -> Option<Escape> {
    let digits = match text.get(at + 1)? {
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        b'\n' | b'\r' => return continuation(text, at),
        b'.' | b'\\' => return dot_of_pattern(text, at),
        _ => return None,
    };
    let hex = std::str::from_utf8(text.get(at + 2..at + 2 + digits)?).ok()?;
    let code = u32::from_str_radix(hex, 16).ok()?;
    let letter = u8::try_from(code).ok().filter(|byte| in_name(*byte))?;
    Some(Escape {
        letter: Some(letter),
        length: 2 + digits,
    })
}

/// Parses an escaped dot of a host in a regular expression, `k8s\.gcr\.io`. In a quoted scalar it has two backslashes.
fn dot_of_pattern(text: &[u8], at: usize) -> Option<Escape> {
    let before = at.checked_sub(1).map(|at| text[at])?;
    let slashes = 1 + usize::from(text.get(at + 1) == Some(&b'\\'));
    let is_dot = text.get(at + slashes) == Some(&b'.');
    (is_dot && before.is_ascii_alphanumeric()).then_some(Escape {
        letter: Some(b'.'),
        length: slashes + 1,
    })
}

/// Parses an escaped line break inside a word of a quoted scalar.
fn continuation(text: &[u8], at: usize) -> Option<Escape> {
    let before = at.checked_sub(1).map(|at| text[at])?;
    let rest = &text[at + 1..];
    let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace());
    let length = 1 + blanks.count();
    let after = text.get(at + length)?;
    (in_name(before) && in_name(*after)).then_some(Escape {
        letter: None,
        length,
    })
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b':')
}
