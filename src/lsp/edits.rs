//! Turns changes of files into workspace edits: minimal, for the exact version of each document, and with an explanation for
//! files that the user is not looking at.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use lsp_types::{
    AnnotatedTextEdit, ChangeAnnotation, CreateFile, CreateFileOptions, DocumentChangeOperation,
    DocumentChanges, OneOf, OptionalVersionedTextDocumentIdentifier, ResourceOp, TextDocumentEdit,
    TextEdit, Uri, WorkspaceEdit,
};
use similar::{ChangeTag, TextDiff};

use super::client::Client;
use super::documents::Documents;
use super::position::Lines;
use crate::edit::{Applicability, Edit, Fix};
use crate::printable;
use crate::run::{Change, Judged};
use crate::source::Span;

/// The id of the annotation for edits in files other than the one in view.
const ELSEWHERE: &str = "elsewhere";

/// Makes workspace edits.
pub(super) struct Maker<'m> {
    pub client: &'m Client,
    pub documents: &'m Documents,
    /// The file in view.
    pub path: &'m Path,
}

/// The edits of one file. `text` is `None` if the file does not exist yet.
struct FileEdits<'t> {
    text: Option<&'t str>,
    edits: Vec<Edit>,
}

impl Maker<'_> {
    /// Returns the edits of a fix in all files. `None` if a file differs from what was judged, or the client does not support
    /// them.
    pub(super) fn of_fix(
        &self,
        fix: &Fix,
        all: &BTreeMap<PathBuf, Judged>,
    ) -> Option<WorkspaceEdit> {
        let mut files: BTreeMap<&Path, Vec<Edit>> = BTreeMap::new();
        files.insert(self.path, fix.edits.clone());
        for other in &*fix.elsewhere {
            let edits = files.entry(&other.path).or_default();
            edits.push(other.edit.clone());
        }
        let files = files.into_iter().map(|(path, mut edits)| {
            edits.sort();
            edits.dedup();
            let judged = all.get(path)?;
            let is_there = !judged.text.is_empty() || self.documents.get(path).is_some();
            let text = (is_there || path.exists()).then_some(&*judged.text);
            Some((path, FileEdits { text, edits }))
        });
        let is_safe = fix.applicability == Applicability::Safe;
        self.of_files(&files.collect::<Option<Vec<_>>>()?, is_safe)
    }

    /// Returns edits for the lines that differ, in all files.
    pub(super) fn of_changes(&self, changes: &BTreeMap<PathBuf, Change>) -> Option<WorkspaceEdit> {
        let files = changes.iter().map(|(path, change)| {
            let before = change.before.as_deref();
            let edits = lines_between(before.unwrap_or_default(), &change.after);
            let edits = FileEdits {
                text: before,
                edits,
            };
            (path.as_path(), edits)
        });
        self.of_files(&files.collect::<Vec<_>>(), true)
    }

    fn of_files(&self, files: &[(&Path, FileEdits<'_>)], is_safe: bool) -> Option<WorkspaceEdit> {
        for (path, edits) in files {
            let open = self.documents.get(path);
            if open.is_some_and(|document| Some(&*document.text) != edits.text) {
                return None;
            }
        }
        match self.client.document_changes {
            true => self.versioned(files, is_safe),
            false => self.plain(files),
        }
    }

    /// For clients that do not support versions.
    #[expect(clippy::mutable_key_type, reason = "the type of the protocol")]
    fn plain(&self, files: &[(&Path, FileEdits<'_>)]) -> Option<WorkspaceEdit> {
        let changes = files.iter().map(|(path, edits)| {
            edits.text?;
            Some((self.documents.uri(path)?, self.text_edits(edits)))
        });
        let changes: HashMap<Uri, Vec<TextEdit>> = changes.collect::<Option<_>>()?;
        Some(WorkspaceEdit::new(changes))
    }

    fn versioned(&self, files: &[(&Path, FileEdits<'_>)], is_safe: bool) -> Option<WorkspaceEdit> {
        let mut operations = Vec::new();
        let is_annotated =
            |path: &Path| self.client.annotations && files.len() > 1 && path != self.path;
        for (path, edits) in files {
            let uri = self.documents.uri(path)?;
            if edits.text.is_none() {
                operations.push(DocumentChangeOperation::Op(self.creation(&uri)?));
            }
            let text_edits = self.text_edits(edits).into_iter();
            let text_edits = text_edits.map(|text_edit| match is_annotated(path) {
                true => OneOf::Right(AnnotatedTextEdit {
                    text_edit,
                    annotation_id: ELSEWHERE.to_owned(),
                }),
                false => OneOf::Left(text_edit),
            });
            let version = self.documents.get(path).map(|document| document.version);
            operations.push(DocumentChangeOperation::Edit(TextDocumentEdit {
                text_document: OptionalVersionedTextDocumentIdentifier { uri, version },
                edits: text_edits.collect(),
            }));
        }
        let is_any = files.iter().any(|(path, _)| is_annotated(path));
        Some(WorkspaceEdit {
            changes: None,
            document_changes: Some(DocumentChanges::Operations(operations)),
            change_annotations: is_any.then(|| self.annotations(is_safe)),
        })
    }

    fn creation(&self, uri: &Uri) -> Option<ResourceOp> {
        let options = CreateFileOptions {
            overwrite: Some(false),
            ignore_if_exists: Some(true),
        };
        self.client.creates_files.then(|| {
            ResourceOp::Create(CreateFile {
                uri: uri.clone(),
                options: Some(options),
                annotation_id: None,
            })
        })
    }

    fn annotations(&self, is_safe: bool) -> HashMap<String, ChangeAnnotation> {
        let name = self.path.file_name().unwrap_or_default();
        let label = format!("Changes together with {}", printable::name(Path::new(name)));
        let annotation = ChangeAnnotation {
            label,
            needs_confirmation: Some(!is_safe),
            description: Some(
                "Without this change, one of the files would no longer fit the other".to_owned(),
            ),
        };
        HashMap::from([(ELSEWHERE.to_owned(), annotation)])
    }

    fn text_edits(&self, edits: &FileEdits<'_>) -> Vec<TextEdit> {
        let lines = Lines::new(edits.text.unwrap_or_default(), self.client.units);
        let edits = edits.edits.iter();
        edits
            .map(|edit| TextEdit::new(lines.range(edit.span), edit.text.clone()))
            .collect()
    }
}

/// Returns the edits that turn one text into another, each replacing a run of lines.
fn lines_between(before: &str, after: &str) -> Vec<Edit> {
    let diff = TextDiff::from_lines(before, after);
    let mut edits: Vec<Edit> = Vec::new();
    let mut at = 0;
    let mut is_open = false;
    for change in diff.iter_all_changes() {
        let line = change.value();
        if change.tag() == ChangeTag::Equal {
            at += line.len();
            is_open = false;
            continue;
        }
        if !is_open {
            let span = Span::new(at, at);
            edits.push(Edit {
                span,
                text: String::new(),
            });
            is_open = true;
        }
        if let Some(edit) = edits.last_mut() {
            match change.tag() {
                ChangeTag::Delete => {
                    at += line.len();
                    edit.span.end = at;
                }
                _ => edit.text += line,
            }
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit;

    #[test]
    fn edits_between_two_texts_make_one_of_the_other() {
        for (before, after) in [
            ("", "a\n"),
            ("a\nb\nc\n", "a\nB\nc\n"),
            ("a\r\nb\r\nc", "a\r\nc\r\nd"),
            ("a\nb\nc\nd\ne\n", "b\nc\nX\nY\ne\nf"),
        ] {
            let edits = lines_between(before, after);
            let fix = Fix::here(edits, Applicability::Safe);
            assert_eq!(edit::apply(before, [&fix], Applicability::Safe), after);
        }
        assert_eq!(lines_between("a\nb\n", "a\nc\n").len(), 1);
    }
}
