//! The URLs of registries, including those that a registry redirects to.

use std::fmt;

use ureq::http::Uri;

/// The length limit in bytes. Signed redirects are about 2 kB long.
const LONGEST: usize = 16 * 1024;

/// An absolute `http` or `https` URL. One with a user name or password is always refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) secure: bool,
    /// In lower case. An IPv6 address has its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The path and the query, starting with a slash.
    pub(crate) path: String,
}

impl Url {
    /// # Errors
    /// If the URL is not supported. The message does not show it, because a query can hold a signature.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err("a URL that is longer than 16 kB".to_owned());
        }
        let uri: Uri = text.parse().map_err(|_| "a malformed URL".to_owned())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("a URL that is neither http nor https".to_owned()),
        };
        let Some(authority) = uri.authority() else {
            return Err("a URL without a host".to_owned());
        };
        if authority.as_str().contains('@') {
            return Err("a URL with a user name in it".to_owned());
        }
        let port = match authority.as_str()[authority.host().len()..].strip_prefix(':') {
            Some(port) => port
                .parse()
                .map_err(|_| "a URL with a bad port".to_owned())?,
            None => default_port(secure),
        };
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        if host.is_empty() || port == 0 {
            return Err("a URL without a host".to_owned());
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = match path.starts_with('/') {
            true => path.to_owned(),
            // `https://host?query`
            false => format!("/{path}"),
        };
        Ok(Self {
            secure,
            host,
            port,
            path,
        })
    }

    /// Resolves a `Location` or a link relative to this URL.
    ///
    /// # Errors
    /// Same as [`Url::parse`].
    pub(crate) fn join(&self, location: &str) -> Result<Self, String> {
        let location = location.split('#').next().unwrap_or_default();
        if has_scheme(location) {
            return Self::parse(location);
        }
        let scheme = if self.secure { "https" } else { "http" };
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{scheme}://{rest}"));
        }
        let path = self.path.split('?').next().unwrap_or_default();
        let absolute = match location.bytes().next() {
            Some(b'/') => location.to_owned(),
            Some(b'?') => format!("{path}{location}"),
            None => self.path.clone(),
            Some(_) => {
                let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
                format!("{folder}{location}")
            }
        };
        let (path, query) = match absolute.split_once('?') {
            Some((path, query)) => (path, format!("?{query}")),
            None => (absolute.as_str(), String::new()),
        };
        let path = without_dots(path);
        Self::parse(&format!("{}{path}{query}", self.origin()))
    }

    /// Returns a URL with the same origin and another path.
    #[must_use]
    pub(crate) fn with_path(&self, path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..self.clone()
        }
    }

    /// Returns `scheme://host[:port]`. Credentials belong to an origin.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    pub(crate) fn has_origin_of(&self, other: &Self) -> bool {
        self.secure == other.secure && self.host == other.host && self.port == other.port
    }

    /// Returns `host[:port]`, without the port if it is the default of the scheme.
    pub(crate) fn authority(&self) -> String {
        match self.port == default_port(self.secure) {
            true => self.host.clone(),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Returns the whole URL, for requests. [`Display`](fmt::Display) leaves out the query.
    pub(crate) fn full(&self) -> String {
        format!("{}{}", self.origin(), self.path)
    }
}

/// Leaves out the query, which can hold a signature.
impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        write!(out, "{}{path}", self.origin())
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    scheme
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Resolves `.` and `..` as in RFC 3986.
fn without_dots(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    segments.pop();
                }
                if is_last {
                    segments.push("");
                }
            }
            part => segments.push(part),
        }
    }
    format!("/{}", segments.join("/"))
}

/// Encodes a string for use in a query.
pub(crate) fn encoded(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, location: &str, expected: Option<&str>) {
        let joined = Url::parse(base).unwrap().join(location).ok();
        assert_eq!(
            joined.map(|url| url.full()).as_deref(),
            expected,
            "{location}"
        );
    }

    #[test]
    fn links_are_resolved() {
        let base = "https://r.io/v2/a/tags/list?n=2";
        check(
            base,
            "https://Other.io:443/x?y=1#z",
            Some("https://other.io/x?y=1"),
        );
        check(base, "/v2/b?last=c", Some("https://r.io/v2/b?last=c"));
        check(base, "?last=c", Some("https://r.io/v2/a/tags/list?last=c"));
        check(base, "next", Some("https://r.io/v2/a/tags/next"));
        check(base, "../x/./y", Some("https://r.io/v2/a/x/y"));
        check(base, "../../../../../x", Some("https://r.io/x"));
        check(base, "//cdn.io/x", Some("https://cdn.io/x"));
        check("http://[::1]:5000/a", "b", Some("http://[::1]:5000/b"));
    }

    #[test]
    fn hostile_links_are_refused() {
        let base = "https://r.io/v2/a/tags/list";
        for location in [
            "ftp://r.io/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://user:secret@other.io/",
            "https://",
            "https://r.io:99999/",
            "https://r.io:x/",
            "//",
            "/a b",
            "/a\r\nX: y",
        ] {
            check(base, location, None);
        }
        check(base, &format!("/{}", "a".repeat(20_000)), None);
    }

    #[test]
    fn a_query_is_not_shown() {
        let url = Url::parse("https://r.io/blob?X-Amz-Signature=secret").unwrap();
        assert_eq!(url.to_string(), "https://r.io/blob");
    }
}
