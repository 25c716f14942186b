//! Catalogues that replace the embedded one: named on the command line or pinned by a configuration.
//!
//! This module reads the file and verifies its checksum. [`crate::rules`] interprets it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::ReadBelow;
use super::error::{ConfigError, Fault};
use super::nodes::{head, read as read_node};
use crate::encoding;
use crate::open::{self, Links};
use crate::printable;
use crate::rules::edition::{EditionFile, NamedBy, Place, sha256};
use crate::rules::{Catalogue, Edition};
use crate::source::Span;
use crate::syntax::yaml::{self, Node};

/// The file name of a pinned catalogue, in any folder. A file with this name is not checked itself.
pub const FILE: &str = "regfix.catalogue.yaml";

/// The size limit of a catalogue, in bytes.
const LIMIT: usize = 8 << 20;

/// The catalogue that a configuration starts from.
#[derive(Clone, Copy)]
pub enum Basis<'b> {
    /// A catalogue that is used whatever the configuration pins.
    Named(&'b Arc<Edition>),
    /// The catalogue that the configuration pins, read by this function, or the embedded one without a pin.
    Pinned(&'b ReadFile<'b>),
}

/// Reads a file of a repository, as a run sees it.
pub type ReadFile<'b> = dyn Fn(&Path) -> Result<Vec<u8>, String> + 'b;

impl<'b> Basis<'b> {
    /// `named` is the catalogue that the user named on the command line, if any.
    pub fn of(named: Option<&'b Arc<Edition>>, read: &'b ReadFile<'b>) -> Self {
        named.map_or(Self::Pinned(read), Self::Named)
    }

    /// Returns the catalogue that is used without a pin.
    pub(super) fn named(&self) -> &Arc<Edition> {
        match self {
            Self::Named(edition) => edition,
            Self::Pinned(_) => Edition::embedded(),
        }
    }
}

/// Reads a catalogue that the user named on the command line.
///
/// # Errors
/// If it cannot be read or is invalid.
pub fn load_catalogue(path: &Path) -> Result<Arc<Edition>, ConfigError> {
    let bytes = read(path).map_err(|error| {
        let fault = Fault::new(format!("cannot be read: {error}"));
        fault.into_error(path.to_owned(), "")
    })?;
    let file = EditionFile {
        name: printable::path(path),
        sha256: sha256(&bytes),
        named_by: NamedBy::CommandLine,
    };
    edition(path, bytes, file).map(Arc::new)
}

pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    open::read(path, Links::Follow, LIMIT)
}

/// Reads a catalogue that a configuration pins. It must be a regular file in the repository, links resolved.
///
/// # Errors
/// If it cannot be read, or is outside of the repository.
pub fn read_pinned(top: &Path, path: &Path, read: &ReadBelow<'_>) -> Result<Vec<u8>, String> {
    read(top, path, LIMIT).map_err(|error| error.to_string())
}

/// Reads a catalogue that a configuration pins. `name` is its path as written there.
///
/// # Errors
/// If it cannot be read, has another checksum, or is invalid.
pub(super) fn pinned(
    path: &Path,
    name: &str,
    sum: &str,
    read: &ReadFile<'_>,
) -> Result<Arc<Edition>, Fault> {
    let bytes =
        read(path).map_err(|why| Fault::new(format!("the catalogue is not read: {why}")))?;
    if bytes.len() > LIMIT {
        let why = format!("the catalogue is larger than {} MiB", LIMIT >> 20);
        return Err(Fault::new(why));
    }
    let found = sha256(&bytes);
    if !found.eq_ignore_ascii_case(sum) {
        return Err(Fault::new(format!(
            "the catalogue is not the one that is pinned: the SHA-256 of {name} is {found}"
        )));
    }
    let file = EditionFile {
        name: printable::line(name).into_owned(),
        sha256: found,
        named_by: NamedBy::Configuration,
    };
    Ok(Arc::new(edition(path, bytes, file)?))
}

fn edition(path: &Path, bytes: Vec<u8>, file: EditionFile) -> Result<Edition, ConfigError> {
    let (text, _) = encoding::decode(bytes).map_err(|invalid| {
        let fault = Fault::new(format!("is not {}", invalid.encoding.name()));
        fault.into_error(path.to_owned(), "")
    })?;
    of_text(&text, file).map_err(|fault| fault.into_error(path.to_owned(), &text))
}

fn of_text(text: &str, file: EditionFile) -> Result<Edition, Fault> {
    let parsed = yaml::parse(text, Span::new(0, text.len()));
    if let Some(error) = parsed.errors.first() {
        return Err(Fault::new(error.message.clone()).at(Span::new(error.offset, error.offset)));
    }
    let root = match &parsed.documents[..] {
        [root] => root,
        [_, second, ..] => {
            let fault = Fault::new("a second YAML document: only one is allowed");
            return Err(fault.at(head(second)));
        }
        [] => return Err(Fault::new("there is no catalogue in it")),
    };
    let catalogue: Catalogue = read_node(root)?;
    Edition::new(catalogue, file)
        .map_err(|flaw| Fault::new(flaw.message).at(span(root, text, flaw.place)))
}

/// Returns the span of a location in a catalogue.
fn span(root: &Node<'_>, text: &str, place: Place) -> Span {
    let value = |key: &str| root.as_map().and_then(|map| map.get(key));
    let found = match place {
        Place::Key(key) => value(key).map(head),
        Place::Rule(at) => match value("rules") {
            Some(Node::List(list)) => list.items.get(at).map(head),
            _ => None,
        },
        Place::Row { key, row } => value(key).map(|node| row_span(node, text, row)),
    };
    found.unwrap_or_else(|| head(root))
}

/// Returns the line of a row if the table has that line as it is; otherwise the start of the table.
fn row_span(node: &Node<'_>, text: &str, row: &str) -> Span {
    let table = node.span();
    let mut start = table.start;
    for line in table.of(text).split_inclusive('\n') {
        let blank = line.len() - line.trim_start().len();
        let written = Span::new(start + blank, start + line.trim_end().len().max(blank));
        if !row.is_empty() && written.of(text) == row.trim() {
            return written;
        }
        start += line.len();
    }
    head(node)
}
