//! Names that are written otherwise than they are compared: with escapes of JSON and YAML, or with capitals in the host.
//!
//! The prefilter asks this of every file in which it finds nothing, so that the usual answer, none, is cheap.

use std::collections::BTreeSet;

use aho_corasick::BuildError;

use crate::search::Search;

/// Finds such names.
#[derive(Debug)]
pub(super) struct Spelling {
    /// The labels before and behind each dot of the hosts that rules name.
    labels: Vec<(String, String)>,
    /// Three letters with a dot and a capital, as they are where one of those dots has a capital beside it.
    search: Search,
}

impl Spelling {
    /// For the hosts that rules name.
    ///
    /// # Errors
    /// If they are too many to search for.
    pub(super) fn new<'h>(hosts: impl Iterator<Item = &'h str>) -> Result<Self, BuildError> {
        let pairs = hosts.flat_map(|host| {
            let labels: Vec<&str> = host.split('.').collect();
            let pairs = labels
                .windows(2)
                .map(|pair| (pair[0].to_owned(), pair[1].to_owned()));
            pairs.collect::<Vec<_>>()
        });
        let labels: BTreeSet<(String, String)> = pairs.collect();
        let words: BTreeSet<String> = labels.iter().flat_map(with_capitals).collect();
        Ok(Self {
            labels: labels.into_iter().collect(),
            search: Search::new(words.iter())?,
        })
    }

    /// The text with such names as they are compared. `None` if there is none.
    pub(super) fn plain(&self, text: &[u8]) -> Option<Vec<u8>> {
        let decoded = decode(text);
        let meant = decoded.as_deref().unwrap_or(text);
        let has_capitals = self.capitals(meant).next().is_some();
        match has_capitals {
            true => Some(meant.to_ascii_lowercase()),
            false => decoded,
        }
    }

    /// Where such names are, in order.
    pub(super) fn locations(&self, text: &[u8]) -> Vec<usize> {
        let escapes = memchr::memchr_iter(b'\\', text).filter(|at| escape(text, *at).is_some());
        let mut found: Vec<usize> = escapes.chain(self.capitals(text)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Where a host has capitals beside a dot: `K8S.gcr.io`, `Quay.Io`. Gives the dots.
    fn capitals<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let hits = self.search.find_iter(text);
        let dots = hits.map(|(_, at)| at + usize::from(text[at] != b'.'));
        dots.filter(|dot| {
            let (before, behind) = (&text[..*dot], &text[dot + 1..]);
            self.labels.iter().any(|(one, other)| {
                let ends = before.len().checked_sub(one.len());
                let ends = ends.is_some_and(|at| before[at..].eq_ignore_ascii_case(one.as_bytes()));
                let begins = behind.get(..other.len());
                ends && begins.is_some_and(|label| label.eq_ignore_ascii_case(other.as_bytes()))
            })
        })
    }
}

/// The letters around a dot, one of those beside it a capital: `r.io` gives `R.i`, `.Io` and `.IO`.
fn with_capitals((before, behind): &(String, String)) -> Vec<String> {
    let (Some(last), Some(first)) = (before.chars().last(), behind.chars().next()) else {
        return Vec::new();
    };
    let second: String = behind.chars().skip(1).take(1).collect();
    let capital = first.to_ascii_uppercase();
    let words = [
        format!("{}.{first}", last.to_ascii_uppercase()),
        format!(".{capital}{second}"),
        format!(".{capital}{}", second.to_ascii_uppercase()),
    ];
    let has_capital = |word: &String| word.bytes().any(|byte| byte.is_ascii_uppercase());
    words.into_iter().filter(has_capital).collect()
}

/// The text with the escapes of letters that names are made of undone. `None` where there are none.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let spelling = Spelling::new(["k8s.gcr.io", "quay.io", "a.com"].into_iter()).unwrap();
        let plain = spelling.plain(text.as_bytes());
        let plain = plain.map(|plain| String::from_utf8(plain).unwrap());
        assert_eq!(plain.as_deref(), expected, "{text}");
        let locations = spelling.locations(text.as_bytes());
        assert_eq!(locations.is_empty(), expected.is_none(), "{text}");
    }

    #[test]
    fn names_with_escapes_and_capitals_become_plain() {
        check(
            r#""k8s\u002egcr.io\x2fpause""#,
            Some(r#""k8s.gcr.io/pause""#),
        );
        check(r#""\U0000006b8s.gcr.io""#, Some(r#""k8s.gcr.io""#));
        check("\"k8s.gc\\\n    r.io\"", Some("\"k8s.gcr.io\""));
        check("K8S.GCR.IO/pause", Some("k8s.gcr.io/pause"));
        check("K8s.Gcr.Io/pause", Some("k8s.gcr.io/pause"));
        check("K8S.gcr.io/pause", Some("k8s.gcr.io/pause"));
        check("k8s.GCR.io/pause", Some("k8s.gcr.io/pause"));
        check("Quay.IO/a", Some("quay.io/a"));
        check(r"K8S\u002eGCR.IO", Some("k8s.gcr.io"));
        for before in 0..130 {
            let before = " ".repeat(before);
            check(
                &format!("{before}K8S.gcr.IO"),
                Some(&format!("{before}k8s.gcr.io")),
            );
        }
        for text in [
            r#""a \u003c b""#,
            r"docker pull \",
            "docker pull \\\n  k8s.gcr.io/pause",
            r"\x1b[0m",
            r"\u",
            "{{ .Values.image }} {{ .Release.Name }}",
            "This is YAML. So is that.",
            "k8s.gcr.io",
            "",
            &"{{ .Values.image }}".repeat(20),
        ] {
            check(text, None);
        }
    }
}
