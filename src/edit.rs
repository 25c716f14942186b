//! Edits of a text, how far they can be trusted, and their application.
//!
//! Text in, text out: nothing here knows what is edited, or writes a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::source::Span;

/// Replaces the text at `span`; an empty span inserts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// How far a fix can be trusted, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Applicability {
    /// Shown, never written: nobody can say that it would work.
    Display,
    /// Probably what is wanted, but tags, contents or the meaning of the place may differ. Written
    /// with `--unsafe-fixes` only.
    Unsafe,
    /// What was pulled before is pulled after, by the word of the registry's owner. Written with
    /// `--write`.
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
}

/// An edit in another file than the one that a fix is found in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileEdit {
    pub path: Arc<Path>,
    pub edit: Edit,
}

/// All of its edits, or none, over all files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// In the file that the finding is in.
    pub edits: Vec<Edit>,
    /// In other files. Fixes that must go together share one list, which may name the finding's own file too.
    pub elsewhere: Arc<[FileEdit]>,
    pub applicability: Applicability,
}

impl Fix {
    /// A fix of one file.
    pub fn here(edits: Vec<Edit>, applicability: Applicability) -> Self {
        Self {
            edits,
            elsewhere: Arc::default(),
            applicability,
        }
    }
}

/// The outcome of [`apply`].
#[derive(Debug, PartialEq, Eq)]
pub struct Applied {
    pub text: String,
    /// For each fix, in the order given, whether its edits are in `text`.
    pub accepted: Vec<bool>,
}

/// Applies the fixes that are trusted at least as far as `limit`.
///
/// A fix is refused when one of its edits overlaps one of an earlier fix; the same edit twice counts as
/// one, for two sites may share a scalar. Every byte outside the accepted edits is copied as it stands.
pub fn apply<'f>(
    text: &str,
    fixes: impl IntoIterator<Item = &'f Fix>,
    limit: Applicability,
) -> Applied {
    let mut edits: BTreeMap<Span, &str> = BTreeMap::new();
    let mut accepted = Vec::new();
    for fix in fixes {
        let fits = fix.applicability >= limit
            && fix.edits.iter().all(|edit| {
                text.get(edit.span.start..edit.span.end).is_some() && fits_among(&edits, edit)
            });
        if fits {
            edits.extend(fix.edits.iter().map(|edit| (edit.span, edit.text.as_str())));
        }
        accepted.push(fits);
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut copied = 0;
    for (span, replacement) in edits {
        out.push_str(&text[copied..span.start]);
        out.push_str(replacement);
        copied = span.end;
    }
    out.push_str(&text[copied..]);
    Applied {
        text: out,
        accepted,
    }
}

/// Edits may stand side by side, but two insertions at one place have no order.
fn fits_among(edits: &BTreeMap<Span, &str>, edit: &Edit) -> bool {
    if let Some(text) = edits.get(&edit.span) {
        return *text == edit.text;
    }
    let before = edits.range(..edit.span).next_back();
    let after = edits.range(edit.span..).next();
    before.is_none_or(|(span, _)| span.end <= edit.span.start)
        && after.is_none_or(|(span, _)| edit.span.end <= span.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(applicability: Applicability, edits: &[(usize, usize, &str)]) -> Fix {
        let edit = |(start, end, text): &(usize, usize, &str)| Edit {
            span: Span::new(*start, *end),
            text: (*text).to_owned(),
        };
        Fix::here(edits.iter().map(edit).collect(), applicability)
    }

    #[test]
    fn applies_all_edits_of_a_fix_or_none() {
        let fixes = [
            fix(Applicability::Safe, &[(0, 1, "A"), (4, 5, "E")]),
            fix(Applicability::Safe, &[(2, 3, "C"), (4, 5, "X")]),
            fix(Applicability::Unsafe, &[(1, 2, "B")]),
        ];
        let done = apply("abcde", &fixes, Applicability::Safe);
        assert_eq!(done.text, "AbcdE");
        assert_eq!(done.accepted, [true, false, false]);
    }

    #[test]
    fn the_same_edit_twice_is_one_and_insertions_do_not_pile_up() {
        let twice = [
            fix(Applicability::Safe, &[(0, 1, "A")]),
            fix(Applicability::Safe, &[(0, 1, "A"), (2, 2, "+")]),
            fix(Applicability::Safe, &[(2, 2, "-")]),
        ];
        let done = apply("abc", &twice, Applicability::Safe);
        assert_eq!(done.text, "Ab+c");
        assert_eq!(done.accepted, [true, true, false]);
    }

    #[test]
    fn spans_that_are_not_of_the_text_are_refused() {
        let done = apply(
            "ä",
            &[fix(Applicability::Safe, &[(1, 2, "")])],
            Applicability::Safe,
        );
        assert_eq!(done.text, "ä");
    }
}
