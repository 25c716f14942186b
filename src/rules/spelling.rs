//! Names that are written otherwise than they are compared: with escapes of JSON and YAML, or with capitals in the host.
//!
//! The prefilter asks this of every file in which it finds nothing, so that the usual answer, none, is cheap.

/// The text with such names as they are compared. `None` where there is none. `domains` are the last labels of hosts.
pub(super) fn plain(text: &[u8], domains: &[String]) -> Option<Vec<u8>> {
    let decoded = decode(text);
    let meant = decoded.as_deref().unwrap_or(text);
    let has_capitals = capitals(meant, domains).next().is_some();
    match has_capitals {
        true => Some(meant.to_ascii_lowercase()),
        false => decoded,
    }
}

/// Where such names are, in order.
pub(super) fn locations(text: &[u8], domains: &[String]) -> Vec<usize> {
    let escapes = memchr::memchr_iter(b'\\', text).filter(|at| escape(text, *at).is_some());
    let mut found: Vec<usize> = escapes.chain(capitals(text, domains)).collect();
    found.sort_unstable();
    found.dedup();
    found
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

/// Where a host has capitals beside a dot: `K8S.GCR.IO`, `Quay.Io`.
fn capitals<'t>(text: &'t [u8], domains: &'t [String]) -> impl Iterator<Item = usize> + use<'t> {
    let is_capital = |at: usize| text.get(at).is_some_and(u8::is_ascii_uppercase);
    let dots = chunks(text).flat_map(|start| {
        let end = text.len().min(start + CHUNK + 1);
        memchr::memchr_iter(b'.', &text[start..end]).map(move |dot| start + dot)
    });
    dots.filter(move |dot| {
        (is_capital(dot + 1) || dot.checked_sub(1).is_some_and(is_capital))
            && begins_with_domain(&text[dot + 1..], domains)
    })
}

/// So much is looked at in a few instructions.
const CHUNK: usize = 64;

/// Where chunks begin that have a dot with a capital beside it, both in the chunk or one just behind it.
fn chunks(text: &[u8]) -> impl Iterator<Item = usize> {
    let (ones, _) = text.as_chunks::<CHUNK>();
    let (nexts, _) = text.get(1..).unwrap_or_default().as_chunks::<CHUNK>();
    let found = ones
        .iter()
        .zip(nexts)
        .map(|(ones, nexts)| beside(ones, nexts));
    let starts = (0..text.len()).step_by(CHUNK);
    starts
        .zip(found.chain([true]))
        .filter_map(|(start, found)| found.then_some(start))
}

/// Without a branch, so that the compiler makes vector instructions of it.
fn beside(ones: &[u8; CHUNK], nexts: &[u8; CHUNK]) -> bool {
    let pairs = ones.iter().zip(nexts);
    let found = pairs.fold(0_u8, |found, (one, next)| {
        let before = u8::from(one.is_ascii_uppercase()) & u8::from(*next == b'.');
        let behind = u8::from(*one == b'.') & u8::from(next.is_ascii_uppercase());
        found | before | behind
    });
    found > 0
}

fn begins_with_domain(text: &[u8], domains: &[String]) -> bool {
    domains.iter().any(|domain| {
        let (label, after) = text.split_at_checked(domain.len()).unwrap_or((text, b""));
        let ends = || !after.first().is_some_and(u8::is_ascii_alphanumeric);
        label.eq_ignore_ascii_case(domain.as_bytes()) && ends()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let domains = ["io".to_owned(), "com".to_owned()];
        let plain = plain(text.as_bytes(), &domains);
        let plain = plain.map(|plain| String::from_utf8(plain).unwrap());
        assert_eq!(plain.as_deref(), expected, "{text}");
        let locations = locations(text.as_bytes(), &domains);
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
        check(r"K8S\u002eGCR.IO", Some("k8s.gcr.io"));
        for before in 0..2 * CHUNK {
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
