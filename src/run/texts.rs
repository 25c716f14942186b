//! The texts of a group's files: reads them, notes which files cannot be read, and builds the members to check.
//!
//! Does not check them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::candidate::{self, Searched};
use super::groups::{Group, GroupFile, State};
use crate::encoding::Encoding;
use crate::file_type::Parser;
use crate::printable;
use crate::project::{Member, Members};
use crate::walk::{self, Overlay, ReadError};

pub(super) const READ_ONLY: &str = "it is read-only";

pub(super) struct Texts<'g> {
    group: &'g Group,
    overlay: &'g Overlay,
    /// `None` if the file does not exist yet.
    pub before: BTreeMap<&'g Path, Option<Arc<str>>>,
    encodings: BTreeMap<&'g Path, Encoding>,
    hints: BTreeMap<&'g Path, Arc<[usize]>>,
    pub unread: Vec<(&'g Path, ReadError)>,
    /// Why no file of the group may be written, if so.
    locked: Option<Arc<str>>,
}

impl<'g> Texts<'g> {
    /// Reads the files of a group. `known` returns files that were already read.
    pub(super) fn read<'k>(
        group: &'g Group,
        overlay: &'g Overlay,
        known: impl Fn(&Path) -> Option<&'k Searched>,
    ) -> Self {
        let mut texts = Self {
            group,
            overlay,
            before: BTreeMap::new(),
            encodings: BTreeMap::new(),
            hints: BTreeMap::new(),
            unread: Vec::new(),
            locked: None,
        };
        let mut unread: Option<&Path> = None;
        for (path, entry) in &group.files {
            let text = match entry.state {
                State::Missing if overlay.text(path).is_none() => Ok(None),
                State::Unreadable { reported: true } => {
                    unread = unread.or(Some(path));
                    continue;
                }
                State::Missing | State::There | State::Unreadable { reported: false } => {
                    let known = known(path);
                    let hints = known.map(|known| (path.as_path(), Arc::clone(&known.hints)));
                    texts.hints.extend(hints);
                    candidate::read(known, path, overlay).map(Some)
                }
            };
            match text {
                Ok(Some((text, encoding))) => {
                    texts.before.insert(path, Some(text));
                    texts.encodings.insert(path, encoding);
                }
                Ok(None) => {
                    texts.before.insert(path, None);
                }
                Err(error) => {
                    // A binary file can be ignored as text, but a manifest that looks binary counts as unreadable.
                    let binary = matches!(error.cause, walk::Cause::Binary);
                    if error.is_fatal() || binary && entry.file_type.parser != Parser::Text {
                        unread = unread.or(Some(path));
                    }
                    texts.unread.push((path, error));
                }
            }
        }
        // Nobody knows what the unreadable file connects.
        texts.locked = unread.map(|path| {
            let path = printable::path(path);
            Arc::from(format!("{path} belongs to it and cannot be read"))
        });
        texts
    }

    pub(super) fn encoding(&self, path: &Path) -> Encoding {
        let encoding = self.encodings.get(path);
        encoding.copied().unwrap_or(Encoding::Utf8)
    }

    pub(super) fn text(&self, path: &Path) -> Option<&str> {
        self.before.get(path).and_then(Option::as_deref)
    }

    pub(super) fn members(&self) -> Members {
        let files = self.before.iter();
        files
            .map(|(path, text)| {
                let entry = &self.group.files[*path];
                let mut member = member(path, entry, text.clone(), self.overlay);
                member.locked = member.locked.or_else(|| self.locked.clone());
                member.hints = self.hints.get(path).cloned();
                ((*path).to_owned(), member)
            })
            .collect()
    }
}

/// A file of a group with its text, if it exists.
fn member(path: &Path, entry: &GroupFile, text: Option<Arc<str>>, overlay: &Overlay) -> Member {
    let exists = text.is_some();
    let mut member = Member::new(entry.file_type, text.unwrap_or_default());
    member.exists = exists && !matches!(entry.state, State::Unreadable { .. });
    member.locked = match () {
        () if !entry.free => Some(Arc::from("it is outside of the given paths")),
        () if overlay.is_read_only(path) => Some(Arc::from(READ_ONLY)),
        () => None,
    };
    member
}
