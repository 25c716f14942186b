//! The documents that are open in the editor, with their current texts.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsp_types::{TextDocumentContentChangeEvent, TextDocumentItem, Uri};

use super::position::{Lines, Units};
use super::uri;
use crate::file_type;
use crate::walk::Overlay;

/// The folder, below the working directory, for documents that are not files. It does not exist on disk.
const NO_FILES: &str = ".regfix-unsaved";

#[derive(Debug)]
pub(super) struct Document {
    /// Spelled as in the editor.
    pub uri: Uri,
    pub version: i32,
    pub text: Arc<str>,
}

#[derive(Debug)]
pub(super) struct Documents {
    units: Units,
    open: BTreeMap<PathBuf, Document>,
    by_uri: HashMap<String, PathBuf>,
}

impl Documents {
    pub(super) fn new(units: Units) -> Self {
        Self {
            units,
            open: BTreeMap::new(),
            by_uri: HashMap::new(),
        }
    }

    /// Adds a document and returns its path.
    pub(super) fn open(&mut self, item: TextDocumentItem) -> PathBuf {
        let path = uri::to_path(&item.uri).unwrap_or_else(|| path_of_no_file(&item));
        self.by_uri
            .insert(item.uri.as_str().to_owned(), path.clone());
        let document = Document {
            uri: item.uri,
            version: item.version,
            text: Arc::from(item.text),
        };
        self.open.insert(path.clone(), document);
        path
    }

    /// Applies the changes in order. Returns the path, or `None` if the document is not open.
    pub(super) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
    ) -> Option<PathBuf> {
        let path = self.by_uri.get(uri.as_str())?;
        let document = self.open.get_mut(path)?;
        let mut text = document.text.to_string();
        for change in changes {
            match change.range {
                None => text = change.text,
                Some(range) => {
                    let span = Lines::new(&text, self.units).span(range);
                    text.replace_range(span.start..span.end, &change.text);
                }
            }
        }
        document.text = Arc::from(text);
        document.version = version;
        Some(path.clone())
    }

    pub(super) fn close(&mut self, uri: &Uri) -> Option<PathBuf> {
        let path = self.by_uri.remove(uri.as_str())?;
        self.open.remove(&path);
        Some(path)
    }

    pub(super) fn path(&self, uri: &Uri) -> Option<&PathBuf> {
        self.by_uri.get(uri.as_str())
    }

    pub(super) fn get(&self, path: &Path) -> Option<&Document> {
        self.open.get(path)
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.open.keys()
    }

    /// Returns the editor's name for a file, open or not.
    pub(super) fn uri(&self, path: &Path) -> Option<Uri> {
        let open = self.get(path).map(|document| document.uri.clone());
        open.or_else(|| uri::of_path(path))
    }

    /// Returns the texts of all open documents.
    pub(super) fn overlay(&self) -> Overlay {
        let mut overlay = Overlay::default();
        for (path, document) in &self.open {
            overlay.insert(path.clone(), Arc::clone(&document.text));
        }
        overlay
    }
}

/// The extension for the files of a language, by the start of the language's id.
const EXTENSIONS: [(&str, &str); 9] = [
    ("yaml", ".yaml"),
    ("helm", ".yaml"),
    ("json", ".yaml"),
    ("dockercompose", ".yaml"),
    ("kubernetes", ".yaml"),
    ("terraform", ".tf"),
    ("opentofu", ".tf"),
    ("hcl", ".hcl"),
    ("nomad", ".nomad"),
];

/// Makes a path for a document that is not a file. Its name decides the file type or, if that is not enough, its language.
fn path_of_no_file(item: &TextDocumentItem) -> PathBuf {
    let (scheme, name) = item.uri.as_str().split_once(':').unwrap_or_default();
    let steps = name
        .split('/')
        .filter(|step| !step.is_empty() && *step != "..");
    let folder = std::env::current_dir().unwrap_or_default().join(NO_FILES);
    let mut path = folder.join(scheme);
    path.extend(steps);
    let mut extensions = EXTENSIONS.iter();
    let extension = extensions.find(|(language, _)| item.language_id.starts_with(language));
    if let Some((_, extension)) = extension
        && file_type::classify(&path).is_none()
    {
        path.as_mut_os_string().push(extension);
    }
    path
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use lsp_types::{Position, Range};

    use super::*;

    fn item(uri: &str, language: &str) -> TextDocumentItem {
        let uri = Uri::from_str(uri).unwrap();
        TextDocumentItem::new(uri, language.to_owned(), 1, "ä: 1\nb: 2\n".to_owned())
    }

    #[test]
    fn changes_apply_in_their_order() {
        let mut documents = Documents::new(Units::Utf16);
        let item = item("file:///a.yaml", "yaml");
        let uri = item.uri.clone();
        let path = documents.open(item);
        let at = |line, from, to| {
            Some(Range::new(
                Position::new(line, from),
                Position::new(line, to),
            ))
        };
        let change = |range, text: &str| TextDocumentContentChangeEvent {
            range,
            range_length: None,
            text: text.to_owned(),
        };
        let changes = vec![change(at(0, 0, 1), "name"), change(at(0, 4, 4), "s")];
        assert_eq!(documents.change(&uri, 2, changes), Some(path.clone()));
        assert_eq!(&*documents.get(&path).unwrap().text, "names: 1\nb: 2\n");
        documents.change(&uri, 3, vec![change(None, "all: new")]);
        assert_eq!(
            &*documents.overlay().text(&path).unwrap().clone(),
            "all: new"
        );
        documents.close(&uri);
        assert_eq!(documents.change(&uri, 4, Vec::new()), None);
    }

    /// Finds the position of a byte by counting character by character.
    fn position(text: &str, offset: usize, units: Units) -> Position {
        let (mut line, mut character) = (0, 0);
        let mut letters = text[..offset].chars().peekable();
        while let Some(letter) = letters.next() {
            let is_split = letter == '\r' && letters.peek() == Some(&'\n');
            match letter {
                '\r' if is_split => {}
                '\n' | '\r' => (line, character) = (line + 1, 0),
                letter => {
                    character += match units {
                        Units::Utf8 => letter.len_utf8(),
                        Units::Utf16 => letter.len_utf16(),
                        Units::Utf32 => 1,
                    }
                }
            }
        }
        Position::new(line, u32::try_from(character).unwrap())
    }

    #[test]
    fn after_ten_thousand_edits_the_text_is_that_of_the_editor() {
        for units in [Units::Utf8, Units::Utf16, Units::Utf32] {
            let mut documents = Documents::new(units);
            let item = item("file:///a.yaml", "yaml");
            let (uri, mut text) = (item.uri.clone(), item.text.clone());
            let path = documents.open(item);
            let mut state = 88_172_645_463_325_252_u64;
            let mut dice = |sides: usize| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                usize::try_from(state % sides as u64).unwrap()
            };
            let boundary = |text: &str, mut at: usize| {
                let is_split =
                    |at: usize| text[..at].ends_with('\r') && text[at..].starts_with('\n');
                while !text.is_char_boundary(at) || is_split(at) {
                    at -= 1;
                }
                at
            };
            for version in 0..10_000 {
                let start = boundary(&text, dice(text.len() + 1));
                let most = if text.len() > 400 { 60 } else { 8 };
                let end = boundary(&text, (start + dice(most)).min(text.len())).max(start);
                let with = ["", "a", "ä", "𝒳𝒳", "\n", "\r\n", "\r", "b: c"][dice(8)];
                let range = [start, end].map(|at| position(&text, at, units));
                let change = TextDocumentContentChangeEvent {
                    range: Some(Range::new(range[0], range[1])),
                    range_length: None,
                    text: with.to_owned(),
                };
                text.replace_range(start..end, with);
                documents.change(&uri, version, vec![change]);
                assert_eq!(&*documents.get(&path).unwrap().text, text);
            }
        }
    }

    #[test]
    fn documents_that_are_no_files_are_read_by_their_language() {
        let path = |uri: &str, language: &str| path_of_no_file(&item(uri, language));
        let yaml = path("untitled:Untitled-1", "yaml");
        assert!(yaml.ends_with(".regfix-unsaved/untitled/Untitled-1.yaml"));
        let terraform = path("untitled:Untitled-1", "terraform");
        assert!(terraform.ends_with(".regfix-unsaved/untitled/Untitled-1.tf"));
        let named = path("vscode-vfs://github/o/r/../values.yaml", "yaml");
        assert!(named.ends_with(".regfix-unsaved/vscode-vfs/github/o/r/values.yaml"));
        assert!(file_type::classify(&path("untitled:Untitled-1", "rust")).is_none());
    }
}
