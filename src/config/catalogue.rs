//! Catalogues that take the place of the one that comes with regfix: named on the command line, or pinned by a configuration.
//!
//! What a catalogue says is for [`crate::rules`]; this reads its file, and holds it to its checksum.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::ReadBelow;
use super::error::{ConfigError, Fault};
use super::nodes::{head, read as read_node};
use crate::encoding;
use crate::open::{self, Links};
use crate::printable;
use crate::rules::edition::{EditionFile, NamedBy, sha256};
use crate::rules::{Catalogue, Edition};
use crate::source::Span;
use crate::syntax::yaml;

/// The name of a catalogue that a configuration pins, in whatever folder it is. A file of that name is not checked itself.
pub const FILE: &str = "regfix.catalogue.yaml";

/// A larger catalogue is not read.
const LIMIT: usize = 8 << 20;

/// What a configuration starts from.
#[derive(Clone, Copy)]
pub enum Basis<'b> {
    /// A catalogue that counts whatever the configuration pins.
    Named(&'b Arc<Edition>),
    /// The catalogue that the configuration pins, which this reads; without a pin, the one that comes with regfix.
    Pinned(&'b ReadFile<'b>),
}

/// Reads a file of a repository, as a run sees it.
pub type ReadFile<'b> = dyn Fn(&Path) -> Result<Vec<u8>, String> + 'b;

impl<'b> Basis<'b> {
    /// `named` is what a person named on the command line, if anything.
    pub fn of(named: Option<&'b Arc<Edition>>, read: &'b ReadFile<'b>) -> Self {
        named.map_or(Self::Pinned(read), Self::Named)
    }

    /// The catalogue that holds without a pin.
    pub(super) fn named(&self) -> &Arc<Edition> {
        match self {
            Self::Named(edition) => edition,
            Self::Pinned(_) => Edition::embedded(),
        }
    }
}

/// Reads a catalogue that a person named on the command line.
///
/// # Errors
/// Where it cannot be read, or something in it is wrong.
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

/// Reads a catalogue that a configuration pins which no one named: a regular file that lies in the repository, links resolved.
///
/// # Errors
/// Where it cannot be read, or lies elsewhere.
pub fn read_pinned(top: &Path, path: &Path, read: &ReadBelow<'_>) -> Result<Vec<u8>, String> {
    read(top, path, LIMIT).map_err(|error| error.to_string())
}

/// Reads a catalogue that a configuration pins. `name` is how that spells its path.
///
/// # Errors
/// Where it cannot be read, is another one, or something in it is wrong.
pub(super) fn pinned(
    path: &Path,
    name: &str,
    sum: &str,
    read: &ReadFile<'_>,
) -> Result<Arc<Edition>, String> {
    let bytes = read(path).map_err(|why| format!("the catalogue is not read: {why}"))?;
    if bytes.len() > LIMIT {
        return Err(format!("the catalogue is larger than {} MiB", LIMIT >> 20));
    }
    let found = sha256(&bytes);
    if !found.eq_ignore_ascii_case(sum) {
        return Err(format!(
            "the catalogue is not the one that is pinned: the SHA-256 of {name} is {found}"
        ));
    }
    let file = EditionFile {
        name: printable::line(name).into_owned(),
        sha256: found,
        named_by: NamedBy::Configuration,
    };
    let edition = edition(path, bytes, file).map_err(|error| error.to_string())?;
    Ok(Arc::new(edition))
}

fn edition(path: &Path, bytes: Vec<u8>, file: EditionFile) -> Result<Edition, ConfigError> {
    let wrong = |why: String, text: &str| Fault::new(why).into_error(path.to_owned(), text);
    let (text, _) = encoding::decode(bytes)
        .map_err(|invalid| wrong(format!("is not {}", invalid.encoding.name()), ""))?;
    let catalogue = parse(&text).map_err(|fault| fault.into_error(path.to_owned(), &text))?;
    Edition::new(catalogue, file).map_err(|why| wrong(why, ""))
}

fn parse(text: &str) -> Result<Catalogue, Fault> {
    let parsed = yaml::parse(text, Span::new(0, text.len()));
    if let Some(error) = parsed.errors.first() {
        return Err(Fault::new(error.message.clone()).at(Span::new(error.offset, error.offset)));
    }
    match &parsed.documents[..] {
        [root] => read_node(root),
        [_, second, ..] => {
            Err(Fault::new("a second YAML document: only one is allowed").at(head(second)))
        }
        [] => Err(Fault::new("there is no catalogue in it")),
    }
}
