//! Edits of a text, how far they can be trusted, and their application.
//!
//! Works on texts only: knows nothing of what is edited, and writes no file.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// A replacement of the text at `span`; an empty span inserts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

impl Edit {
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { span, text }
    }
}

/// How far a fix can be trusted, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// Shown, never written: it is not known to work.
    Display,
    /// Probably what is wanted, but tags, contents or the meaning of the location may differ. Written
    /// with `--unsafe-fixes` only.
    Unsafe,
    /// The same image is pulled as before, according to the registry's owner. Written with `--write`.
    Safe,
}

impl Applicability {
    pub fn name(self) -> &'static str {
        match self {
            Self::Display => "display",
            Self::Unsafe => "unsafe",
            Self::Safe => "safe",
        }
    }

    /// Returns the lowest applicability that is written, with `--unsafe-fixes` or without.
    pub fn limit(unsafe_fixes: bool) -> Self {
        match unsafe_fixes {
            true => Self::Unsafe,
            false => Self::Safe,
        }
    }

    /// Whether there is a flag with which it is written.
    pub fn is_written(self) -> bool {
        self > Self::Display
    }
}

/// An edit, and the file that it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileEdit {
    pub path: Arc<Path>,
    pub edit: Edit,
}

impl FileEdit {
    /// Returns edits with the path of their file.
    pub fn all<'e>(
        path: impl Into<Arc<Path>>,
        edits: impl IntoIterator<Item = &'e Edit>,
    ) -> impl Iterator<Item = Self> {
        let path = path.into();
        edits.into_iter().map(move |edit| Self {
            path: Arc::clone(&path),
            edit: edit.clone(),
        })
    }

    /// Makes a list that all fixes that belong together can share.
    pub fn shared(mut all: Vec<Self>) -> Arc<[Self]> {
        all.sort();
        all.dedup();
        Arc::from(all)
    }
}

/// Edits that are applied all or none, across all files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// In the file that the finding is in.
    pub edits: Vec<Edit>,
    /// In other files. Fixes that belong together share one list, which may name the finding's own file too.
    pub elsewhere: Arc<[FileEdit]>,
    pub applicability: Applicability,
    /// A digest to add to the result of the edits. It becomes an edit once all readers of the value are known to accept it.
    pub pin: Option<Pin>,
}

/// The digest of the new image, to be written beside its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    pub digest: String,
    pub span: Span,
    /// The ways to write it, the most likely first: its reader may put `sha256:` before it, or not.
    pub spellings: Vec<String>,
    /// Whether only its reader can say which of them is right.
    pub needs_proof: bool,
}

impl Fix {
    /// A fix of one file.
    pub fn here(edits: Vec<Edit>, applicability: Applicability) -> Self {
        Self::across(edits, Arc::default(), applicability)
    }

    /// A fix of several files.
    pub fn across(
        edits: Vec<Edit>,
        elsewhere: Arc<[FileEdit]>,
        applicability: Applicability,
    ) -> Self {
        Self {
            edits,
            elsewhere,
            applicability,
            pin: None,
        }
    }

    /// Returns all edits with their files. `path` is the file that the finding is in.
    pub fn in_files<'f>(&'f self, path: &'f Path) -> impl Iterator<Item = (&'f Path, &'f Edit)> {
        let here = self.edits.iter().map(move |edit| (path, edit));
        here.chain(self.elsewhere.iter().map(|one| (&*one.path, &one.edit)))
    }
}

/// The texts of several files, and the edits that were accepted for them.
///
/// Every byte outside the accepted edits is copied as it is.
#[derive(Debug, Default)]
pub struct Patch<'t> {
    files: BTreeMap<&'t Path, Edited<'t>>,
    /// Lists of edits that several fixes share, by their address, and whether they were accepted.
    shared: HashMap<*const FileEdit, bool>,
}

#[derive(Debug)]
struct Edited<'t> {
    text: &'t str,
    edits: BTreeMap<Span, &'t str>,
}

impl<'t> Patch<'t> {
    /// Returns a patch of these files. No other files are edited.
    pub fn new(files: impl IntoIterator<Item = (&'t Path, &'t str)>) -> Self {
        let edited = |(path, text)| {
            let edits = BTreeMap::new();
            (path, Edited { text, edits })
        };
        Self {
            files: files.into_iter().map(edited).collect(),
            shared: HashMap::new(),
        }
    }

    /// Accepts all edits of a fix of the file at `path`, or none. Returns whether they were accepted.
    ///
    /// A fix is refused if one of its edits overlaps one of an earlier fix. The same edit twice counts as one, because two
    /// image uses may share a scalar.
    pub fn offer(&mut self, path: &'t Path, fix: &'t Fix) -> bool {
        let shared = fix.elsewhere.as_ptr();
        let known = match fix.elsewhere.is_empty() {
            true => None,
            false => self.shared.get(&shared).copied(),
        };
        if known == Some(false) {
            return false;
        }
        // Many fixes may share one list, which is processed only once.
        let others = if known.is_some() {
            &[][..]
        } else {
            &fix.elsewhere
        };
        let here = fix.edits.iter().map(|edit| (path, edit));
        let elsewhere = others.iter().map(|other| (&*other.path, &other.edit));
        let taken = self.take(here.chain(elsewhere));
        if known.is_none() {
            self.shared.insert(shared, taken);
        }
        taken
    }

    /// Accepts edits of several files, or none of them.
    fn take(&mut self, edits: impl Iterator<Item = (&'t Path, &'t Edit)>) -> bool {
        let mut added: Vec<(&Path, Span)> = Vec::new();
        for (path, edit) in edits {
            match self.files.get_mut(path).map(|file| file.add(edit)) {
                Some(Added::New) => added.push((path, edit.span)),
                Some(Added::Known) => {}
                Some(Added::Refused) | None => {
                    for (path, span) in added {
                        if let Some(file) = self.files.get_mut(path) {
                            file.edits.remove(&span);
                        }
                    }
                    return false;
                }
            }
        }
        true
    }

    /// Returns the files that changed, with their new texts.
    pub fn changed(self) -> impl Iterator<Item = (&'t Path, String)> {
        let files = self.files.into_iter();
        files.filter_map(|(path, file)| {
            let after = file.after();
            (after != file.text).then_some((path, after))
        })
    }
}

/// Applies the fixes of one text that can be trusted at least as far as `limit` and that edit no other file.
pub fn apply<'f>(
    text: &'f str,
    fixes: impl IntoIterator<Item = &'f Fix>,
    limit: Applicability,
) -> String {
    let path = Path::new("");
    let mut patch = Patch::new([(path, text)]);
    for fix in fixes {
        if fix.applicability >= limit {
            patch.offer(path, fix);
        }
    }
    patch
        .changed()
        .next()
        .map_or_else(|| text.to_owned(), |(_, after)| after)
}

enum Added {
    New,
    Known,
    Refused,
}

impl<'t> Edited<'t> {
    /// Adds an edit unless it overlaps another one. Edits may be adjacent, but two insertions at one location have no order.
    fn add(&mut self, edit: &'t Edit) -> Added {
        if let Some(text) = self.edits.get(&edit.span) {
            return if *text == edit.text {
                Added::Known
            } else {
                Added::Refused
            };
        }
        let before = self.edits.range(..edit.span).next_back();
        let after = self.edits.range(edit.span..).next();
        let fits = self.text.get(edit.span.start..edit.span.end).is_some()
            && before.is_none_or(|(span, _)| span.end <= edit.span.start)
            && after.is_none_or(|(span, _)| edit.span.end <= span.start);
        if !fits {
            return Added::Refused;
        }
        self.edits.insert(edit.span, &edit.text);
        Added::New
    }

    fn after(&self) -> String {
        let mut out = String::with_capacity(self.text.len() + 64);
        let mut copied = 0;
        for (span, replacement) in &self.edits {
            out.push_str(&self.text[copied..span.start]);
            out.push_str(replacement);
            copied = span.end;
        }
        out.push_str(&self.text[copied..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(edits: &[(usize, usize, &str)]) -> Fix {
        let edit =
            |(start, end, text): &(usize, usize, &str)| Edit::new(Span::new(*start, *end), *text);
        Fix::here(edits.iter().map(edit).collect(), Applicability::Safe)
    }

    /// Returns the text after the fixes, and which of them were accepted.
    fn patched(text: &str, fixes: &[Fix]) -> (String, Vec<bool>) {
        let path = Path::new("a");
        let mut patch = Patch::new([(path, text)]);
        let taken = fixes.iter().map(|fix| patch.offer(path, fix)).collect();
        let after = patch.changed().next();
        (after.map_or(text.to_owned(), |(_, text)| text), taken)
    }

    #[test]
    fn applies_all_edits_of_a_fix_or_none() {
        let fixes = [
            fix(&[(0, 1, "A"), (4, 5, "E")]),
            fix(&[(2, 3, "C"), (4, 5, "X")]),
        ];
        assert_eq!(
            patched("abcde", &fixes),
            ("AbcdE".to_owned(), vec![true, false])
        );
    }

    #[test]
    fn the_same_edit_twice_is_one_and_insertions_do_not_pile_up() {
        let fixes = [
            fix(&[(0, 1, "A")]),
            fix(&[(0, 1, "A"), (2, 2, "+")]),
            fix(&[(2, 2, "-")]),
        ];
        assert_eq!(
            patched("abc", &fixes),
            ("Ab+c".to_owned(), vec![true, true, false])
        );
    }

    #[test]
    fn spans_that_are_not_of_the_text_are_refused() {
        assert_eq!(
            patched("ä", &[fix(&[(1, 2, "")])]),
            ("ä".to_owned(), vec![false])
        );
    }

    #[test]
    fn a_fix_of_two_files_is_one() {
        let (here, there, nowhere) = (Path::new("a"), Path::new("b"), Path::new("c"));
        let tied = |path: &Path, start, end, text: &str| {
            let mut tied = fix(&[(0, 1, "A")]);
            tied.elsewhere = Arc::from([FileEdit {
                path: Arc::from(path),
                edit: Edit::new(Span::new(start, end), text),
            }]);
            tied
        };
        let both = tied(there, 1, 1, "+");
        for (other, taken) in [
            (tied(there, 1, 1, "-"), false),
            (tied(nowhere, 0, 0, "x"), false),
            (tied(here, 0, 1, "A"), true),
        ] {
            let mut patch = Patch::new([(here, "ab"), (there, "cd")]);
            assert!(patch.offer(here, &both));
            assert_eq!(patch.offer(here, &other), taken);
            let texts: Vec<_> = patch.changed().collect();
            assert_eq!(texts, [(here, "Ab".to_owned()), (there, "c+d".to_owned())]);
        }
        let mut patch = Patch::new([(here, "ab")]);
        assert!(!patch.offer(here, &both));
        assert_eq!(patch.changed().count(), 0);
    }
}
