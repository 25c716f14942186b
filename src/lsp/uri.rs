//! Converts between paths and `file:` URIs.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use lsp_types::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// Encodes everything in the path of a URI but these characters.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Returns the file that a URI names. `None` for any other scheme, and for files on other machines.
pub(super) fn to_path(uri: &Uri) -> Option<PathBuf> {
    let rest = strip_scheme(uri.as_str())?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let path = path.split(['?', '#']).next()?;
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    let path = of_bytes(bytes)?;
    path.is_absolute().then_some(path)
}

fn strip_scheme(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once("://")?;
    scheme.eq_ignore_ascii_case("file").then_some(rest)
}

#[cfg(unix)]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(bytes).into())
}

/// `/c:/folder` is `c:\folder`.
#[cfg(not(unix))]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    let text = String::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('/').unwrap_or(&text);
    Some(PathBuf::from(text.replace('/', "\\")))
}

/// Returns the URI of an absolute path.
pub(super) fn of_path(path: &Path) -> Option<Uri> {
    let name = path.as_os_str().as_encoded_bytes();
    let mut encoded = String::from("file://");
    if cfg!(windows) {
        let name = path.to_str()?.replace('\\', "/");
        encoded.push('/');
        encoded.extend(percent_encode(name.as_bytes(), KEPT));
    } else {
        encoded.extend(percent_encode(name, KEPT));
    }
    Uri::from_str(&encoded).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn paths_and_uris_name_each_other() {
        for (path, uri) in [
            ("/a/b.yaml", "file:///a/b.yaml"),
            ("/a b/ä#?%.yaml", "file:///a%20b/%C3%A4%23%3F%25.yaml"),
        ] {
            let made = of_path(Path::new(path)).unwrap();
            assert_eq!(made.as_str(), uri);
            assert_eq!(to_path(&made).unwrap(), Path::new(path));
        }
        let path = |uri: &str| to_path(&Uri::from_str(uri).unwrap());
        assert_eq!(path("file://localhost/a").unwrap(), Path::new("/a"));
        assert_eq!(path("FILE:///c%3A/x").unwrap(), Path::new("/c:/x"));
        assert_eq!(path("untitled:Untitled-1"), None);
        assert_eq!(path("vscode-vfs://github/a/b.yaml"), None);
        assert_eq!(path("file://other/a"), None);
    }
}
