//! Names that are written otherwise than they are compared: with escapes of JSON and YAML, or with capitals in the host.
//!
//! The prefilter asks this of every file in which it finds nothing, so that the usual answer, none, is cheap.

use std::collections::BTreeSet;

/// Knows the hosts that rules name.
#[derive(Debug)]
pub(super) struct Spelling {
    /// The labels before and behind each dot, by the first letter behind it.
    labels: Vec<Vec<(String, String)>>,
}

impl Spelling {
    /// For the hosts that rules name.
    pub(super) fn new<'h>(hosts: impl Iterator<Item = &'h str>) -> Self {
        let pairs = hosts.flat_map(|host| host.split('.').zip(host.split('.').skip(1)));
        let pairs: BTreeSet<(&str, &str)> = pairs.collect();
        let mut labels = vec![Vec::new(); 256];
        for (one, other) in pairs {
            if let Some(first) = other.bytes().next() {
                let first = usize::from(first.to_ascii_lowercase());
                labels[first].push((one.to_owned(), other.to_owned()));
            }
        }
        Self { labels }
    }

    /// Whether the dot is one of a host, however that is written.
    pub(super) fn is_of_host(&self, text: &[u8], dot: usize) -> bool {
        let (before, behind) = (&text[..dot], &text[dot + 1..]);
        let Some(first) = behind.first() else {
            return false;
        };
        let mut labels = self.labels[usize::from(first.to_ascii_lowercase())].iter();
        labels.any(|(one, other)| {
            let begins = behind.get(..other.len());
            let ends = before.len().checked_sub(one.len());
            begins.is_some_and(|label| label.eq_ignore_ascii_case(other.as_bytes()))
                && ends.is_some_and(|at| before[at..].eq_ignore_ascii_case(one.as_bytes()))
        })
    }
}

/// Dots with a capital beside them, as in `K8S.gcr.io` and `Quay.Io`.
pub(super) fn dots_with_capitals(text: &[u8]) -> impl Iterator<Item = usize> {
    let is_capital = |at: usize| text.get(at).is_some_and(u8::is_ascii_uppercase);
    memchr::memchr_iter(b'.', text)
        .filter(move |dot| is_capital(dot + 1) || dot.checked_sub(1).is_some_and(is_capital))
}

/// Where escapes stand for letters of names.
pub(super) fn escapes(text: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(b'\\', text).filter(|at| escape(text, *at).is_some())
}

/// The text with the escapes of letters that names are made of undone. `None` where there are none.
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
    /// `None` where a line goes on in the next one.
    letter: Option<u8>,
    length: usize,
}

/// The escape that the backslash at `at` begins, if it stands for a letter of a name.
fn escape(text: &[u8], at: usize) -> Option<Escape> {
    let digits = match text.get(at + 1)? {
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        b'\n' | b'\r' => return continuation(text, at),
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

/// A word of a quoted scalar that goes on in the next line.
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
