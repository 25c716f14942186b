//! Paths and URLs.

use super::super::fault::{Fault, Result};
use super::super::print;
use super::super::text::Text;
use super::super::value::{Entries, Value};
use super::{Function, any, text};

pub(super) const TABLE: &[Function] = &[
    Function::new("base", "s", |_, given| {
        Ok(Value::Text(base(&text(given, 0))))
    })
    .also(&["osBase"]),
    Function::new("dir", "s", |_, given| {
        Ok(Value::Text(folder(&text(given, 0))))
    })
    .also(&["osDir"]),
    Function::new("clean", "s", |_, given| {
        Ok(Value::Text(cleaned(&text(given, 0))))
    })
    .also(&["osClean"]),
    Function::new("ext", "s", |_, given| {
        Ok(Value::Text(extension(&text(given, 0))))
    })
    .also(&["osExt"]),
    Function::new("isAbs", "s", |_, given| {
        Ok(Value::bool(text(given, 0).bytes().starts_with(b"/")))
    })
    .also(&["osIsAbs"]),
    Function::new("urlParse", "s", |context, given| {
        let parts = parse_url(&text(given, 0))?;
        let parts = parts
            .into_iter()
            .map(|(name, part)| (name.into(), Value::Text(part)));
        context.map(parts.collect::<Entries>())
    }),
    Function::new("urlJoin", "m", |_, given| {
        let map = any(given, 0);
        let part = |name: &str| -> Result<String> {
            match map.as_map().and_then(|map| map.get(name)) {
                None => Ok(String::new()),
                Some(Value::Text(text)) => Ok(text.to_str().into_owned()),
                Some(other) => Err(Fault::new(format!(
                    "unable to parse {name} key, must be of type string, but {} found",
                    other.kind_name()
                ))),
            }
        };
        Ok(Value::computed(joined_url(&part)?))
    }),
    Function::new("urlquery", "a*", |_, given| {
        let mut out = String::new();
        for value in given {
            for byte in print::show(value)?.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                        out.push(char::from(*byte));
                    }
                    b' ' => out.push('+'),
                    _ => out.push_str(&format!("%{byte:02X}")),
                }
            }
        }
        Ok(Value::computed(out))
    }),
];

fn base(path: &Text) -> Text {
    let bytes = path.bytes();
    let end = bytes
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |at| at + 1);
    if end == 0 {
        return Text::computed(if bytes.is_empty() { "." } else { "/" });
    }
    let start = bytes[..end]
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1);
    path.slice(start, end)
}

fn folder(path: &Text) -> Text {
    let end = path
        .bytes()
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1);
    cleaned(&path.slice(0, end))
}

fn extension(path: &Text) -> Text {
    let bytes = path.bytes();
    let start = bytes
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1);
    match bytes[start..].iter().rposition(|byte| *byte == b'.') {
        Some(dot) => path.slice(start + dot, bytes.len()),
        None => Text::computed(""),
    }
}

/// Returns the shortest equivalent path.
fn cleaned(path: &Text) -> Text {
    let shown = path.to_str();
    let is_rooted = shown.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in shown.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    let made = match (is_rooted, joined.as_str()) {
        (true, _) => format!("/{joined}"),
        (false, "") => ".".to_owned(),
        (false, _) => joined,
    };
    path.made(made.into_bytes())
}

/// The byte range of a part of a URL.
type Range = std::ops::Range<usize>;

/// Splits a URL into its parts, for the URLs that charts use and on which this agrees with `net/url`.
fn parse_url(url: &Text) -> Result<Vec<(&'static str, Text)>> {
    let shown = url.to_str();
    let whole = 0..shown.len();
    let (rest, fragment) = cut(&shown, whole, '#');
    let (rest, query) = cut(&shown, rest, '?');
    let (scheme, rest) = split_scheme(&shown, rest)?;
    let nothing = rest.start..rest.start;
    let (mut host, mut userinfo, mut opaque) = (nothing.clone(), nothing.clone(), nothing);
    let mut path = rest.clone();
    if shown[rest.clone()].starts_with("//") {
        (userinfo, host, path) = split_authority(&shown, rest);
    } else if !scheme.is_empty() && !shown[rest.clone()].starts_with('/') {
        path = rest.end..rest.end;
        opaque = rest;
    }
    let name = &shown[host.clone()];
    let port = match name.rfind(']') {
        Some(bracket) => name[bracket..].find(':').map(|at| bracket + at),
        None => name.find(':'),
    };
    let hostname = host.start..port.map_or(host.end, |at| host.start + at);
    let slice = |range: Range| url.slice(range.start, range.end);
    let lower = shown[scheme.clone()].to_lowercase().into_bytes();
    Ok(vec![
        ("scheme", url.made(lower).slice(0, scheme.end)),
        ("host", slice(host)),
        (
            "hostname",
            slice(hostname).trim(|letter| matches!(letter, '[' | ']'), true, true),
        ),
        ("path", slice(path)),
        ("query", slice(query)),
        ("opaque", slice(opaque)),
        ("fragment", slice(fragment)),
        ("userinfo", slice(userinfo)),
    ])
}

/// Splits a range at a sign.
fn cut(url: &str, range: Range, sign: char) -> (Range, Range) {
    let end = range.end;
    match url[range.clone()].find(sign) {
        Some(at) => (range.start..range.start + at, range.start + at + 1..end),
        None => (range, end..end),
    }
}

/// Returns the scheme, which may be empty, and the rest after its colon.
fn split_scheme(url: &str, range: Range) -> Result<(Range, Range)> {
    let known = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.');
    let Some(at) = url[range.clone()].find(':') else {
        return Ok((0..0, range));
    };
    let name = &url[..at];
    if name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && name.chars().all(known) {
        return Ok((0..at, at + 1..range.end));
    }
    if at == 0 || !name.contains('/') && name.starts_with(|letter: char| letter.is_ascii_digit()) {
        return Err(Fault::new(format!(
            "unable to parse url: parse \"{url}\": first path segment in URL cannot contain colon"
        )));
    }
    Ok((0..0, range))
}

/// Returns user, host and path of a range that starts with two slashes.
fn split_authority(url: &str, range: Range) -> (Range, Range, Range) {
    let from = range.start + 2;
    let to = url[from..range.end]
        .find('/')
        .map_or(range.end, |at| from + at);
    let path = to..range.end;
    match url[from..to].rfind('@') {
        Some(at) => (from..from + at, from + at + 1..to, path),
        None => (range.start..range.start, from..to, path),
    }
}

fn joined_url(part: &dyn Fn(&str) -> Result<String>) -> Result<String> {
    let mut out = String::new();
    let (scheme, host, userinfo) = (part("scheme")?, part("host")?, part("userinfo")?);
    if !scheme.is_empty() {
        out.push_str(&scheme);
        out.push(':');
    }
    let opaque = part("opaque")?;
    let path = part("path")?;
    if opaque.is_empty() {
        if !scheme.is_empty() || !host.is_empty() || !userinfo.is_empty() {
            if !host.is_empty() || !path.is_empty() || !userinfo.is_empty() {
                out.push_str("//");
            }
            if !userinfo.is_empty() {
                out.push_str(&userinfo);
                out.push('@');
            }
            out.push_str(&host);
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        out.push_str(&path);
    } else {
        out.push_str(&opaque);
    }
    for (sign, name) in [('?', "query"), ('#', "fragment")] {
        let value = part(name)?;
        if !value.is_empty() {
            out.push(sign);
            out.push_str(&value);
        }
    }
    Ok(out)
}
