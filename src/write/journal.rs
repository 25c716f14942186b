//! The journal of a group: which files belong together, with the digests of their old and new texts.
//!
//! Knows only its format. Each folder of the group has its own journal, with paths relative to that folder, so that a tree may
//! be moved as a whole.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::folder::{Folder, regular};
use crate::open;
use crate::printable;
use crate::source::STORES;

const VERSION: u32 = 1;
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%').add(b'/').add(b'\\');

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    version: u32,
    /// The same in all folders of the group, and in no other group.
    pub(super) id: String,
    pub(super) files: Vec<Entry>,
}

/// A file of the group. Its texts are named by its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Relative to the journal's own folder, its parts escaped and joined by `/`.
    path: String,
    /// The digest of the old text; `None` if there was no file.
    pub(super) before: Option<String>,
    pub(super) after: String,
}

/// Which of the two texts a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Before,
    After,
    Other,
}

impl Journal {
    pub(super) fn new(id: &str, files: Vec<Entry>) -> Self {
        Self {
            version: VERSION,
            id: id.to_owned(),
            files,
        }
    }

    /// Returns the text of the journal. Its last line proves that it is complete.
    pub(super) fn text(&self) -> Vec<u8> {
        let json = serde_json::to_string(self).unwrap_or_default();
        let digest = digest(json.as_bytes());
        format!("{json}\n{digest}\n").into_bytes()
    }

    /// Parses a journal. `None` if a run was killed in the middle of writing it, or if it is anything else.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
        let (json, said) = text.rsplit_once('\n')?;
        let journal: Self = serde_json::from_str(json).ok()?;
        let whole = said == digest(json.as_bytes());
        (whole && journal.version == VERSION).then_some(journal)
    }
}

impl Entry {
    pub(super) fn new(folder: &Path, real: &Path, before: Option<&[u8]>, after: &[u8]) -> Self {
        Self {
            path: escaped(&from(folder, real)),
            before: before.map(digest),
            after: digest(after),
        }
    }

    /// Returns the file's path, given that of the journal's folder. `None` if no run would write there.
    pub(super) fn real(&self, folder: &Path) -> Option<PathBuf> {
        let mut real = folder.to_owned();
        for part in self.path.split('/') {
            if part == ".." {
                real.pop().then_some(())?;
                continue;
            }
            let bytes: Vec<u8> = percent_decode_str(part).collect();
            let name = name_of(bytes)?;
            let mut components = Path::new(&name).components();
            let is_name = matches!(components.next(), Some(Component::Normal(one)) if one == name);
            if !is_name || components.next().is_some() {
                return None;
            }
            real.push(name);
        }
        let is_store = |part: &OsStr| STORES.iter().any(|store| part.eq_ignore_ascii_case(store));
        (!real.iter().any(is_store)).then_some(real)
    }

    /// Returns which text there is now at a name in a folder.
    pub(super) fn state(&self, folder: &Folder, name: &OsStr) -> State {
        match digest_of(folder, name) {
            Ok(found) if found == self.after => State::After,
            Ok(found) if Some(&found) == self.before.as_ref() => State::Before,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.before.is_none() => {
                State::Before
            }
            _ => State::Other,
        }
    }
}

/// Returns the digest of a file's text.
pub(super) fn digest_of(folder: &Folder, name: &OsStr) -> io::Result<String> {
    let mut file = folder.open(name)?;
    regular(&file)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match open::read_some(&mut file, &mut buffer)? {
            0 => return Ok(printable::hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    printable::hex(&Sha256::digest(bytes))
}

/// Returns the path from a folder to a file, both of which must have their links resolved.
fn from(folder: &Path, real: &Path) -> PathBuf {
    let shared = folder.components().zip(real.components());
    let shared = shared.take_while(|(one, other)| one == other).count();
    let up = folder
        .components()
        .skip(shared)
        .map(|_| Component::ParentDir);
    up.chain(real.components().skip(shared)).collect()
}

fn escaped(path: &Path) -> String {
    let parts = path.components().map(|part| match part {
        Component::ParentDir => "..".to_owned(),
        part => percent_encode(part.as_os_str().as_encoded_bytes(), ESCAPED).to_string(),
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(unix)]
fn name_of(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn name_of(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(folder: &str, real: &str) -> Entry {
        Entry::new(Path::new(folder), Path::new(real), Some(b"a"), b"b")
    }

    #[test]
    fn a_journal_is_whole_or_nothing() {
        let journal = Journal::new("7", vec![entry("/repo/a", "/repo/b/x.yaml")]);
        let text = journal.text();
        assert_eq!(Journal::parse(&text), Some(journal));
        for end in 0..text.len() {
            assert_eq!(Journal::parse(&text[..end]), None, "{end}");
        }
        let mut other = text;
        other[20] ^= 1;
        assert_eq!(Journal::parse(&other), None);
    }

    #[test]
    fn paths_are_from_the_folder_of_the_journal() {
        for (folder, real, path) in [
            ("/repo/prod", "/repo/base/x.yaml", "../base/x.yaml"),
            ("/repo", "/repo/x.yaml", "x.yaml"),
            ("/repo", "/repo/a%b/\u{1}.yaml", "a%25b/%01.yaml"),
        ] {
            let entry = entry(folder, real);
            assert_eq!(entry.path, path);
            assert_eq!(entry.real(Path::new(folder)), Some(PathBuf::from(real)));
        }
        let moved = entry("/repo/prod", "/repo/base/x.yaml").real(Path::new("/copy/prod"));
        assert_eq!(moved, Some(PathBuf::from("/copy/base/x.yaml")));
    }

    #[test]
    fn no_path_leads_where_no_run_writes() {
        for path in [
            "",
            "/etc/x.yaml",
            "a//x.yaml",
            "./x.yaml",
            "..%2F..%2Fx.yaml",
            "%2e%2e/x.yaml",
            "../../../../x.yaml",
            ".git/hooks/pre-commit",
            "../.GIT/config",
            "a/.hg/hgrc",
        ] {
            let mut entry = entry("/a/b", "/a/b/x.yaml");
            path.clone_into(&mut entry.path);
            assert_eq!(entry.real(Path::new("/a/b")), None, "{path}");
        }
    }
}
