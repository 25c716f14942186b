//! Loads a configuration from a file or from given text.

use std::path::Path;
use std::sync::Arc;

use super::catalogue::{self, Basis, ReadFile};
use super::error::ConfigError;
use super::extends::Reading;
use super::{Config, Found, LIMIT, ReadBelow, decode, of_text, read, unread};
use crate::open;
use crate::rules::Edition;

/// Reads a configuration that the user named, whatever its name and folder. `catalogue` is one that the user named as well.
///
/// # Errors
/// If it cannot be read or is invalid.
pub fn load(path: &Path, catalogue: Option<&Arc<Edition>>) -> Result<Config, ConfigError> {
    let read = || -> std::io::Result<_> {
        let bytes = open::read_named(path, LIMIT)?;
        let absolute = path.canonicalize()?;
        Ok((bytes, absolute.parent().unwrap_or(&absolute).to_owned()))
    };
    let (bytes, folder) =
        read().map_err(|error| unread(path, format!("cannot be read: {error}")))?;
    let text = decode(path, bytes)?;
    let read = |path: &Path| catalogue::read(path).map_err(|error| error.to_string());
    let absolute = folder.join(path.file_name().unwrap_or_default());
    let reading = Reading {
        path: &absolute,
        folder: &folder,
        basis: Basis::of(catalogue, &read),
        file: &read,
        above: None,
    };
    let mut config = of_text(&text, &reading).map_err(|error| error.renamed(&absolute, path))?;
    config.file = Some(path.to_owned());
    Ok(config)
}

/// Reads the text of a configuration that was found. It must be a regular file in its repository, links resolved.
///
/// # Errors
/// If it cannot be read, or is outside of its repository. Nothing of an outside file is shown.
pub fn read_found(found: &Found, read: &ReadBelow<'_>) -> Result<String, ConfigError> {
    let Found { path, top } = found;
    let bytes = read(top, path, LIMIT);
    let bytes = bytes.map_err(|error| unread(path, format!("is not read: {error}")))?;
    decode(path, bytes)
}

/// Parses the text of a configuration that was found, on disk or at a revision. Globs start in the folder of `path`.
///
/// # Errors
/// If it is invalid.
pub fn load_text(
    path: &Path,
    text: &str,
    basis: Basis<'_>,
    file: &ReadFile<'_>,
) -> Result<Config, ConfigError> {
    let reading = Reading {
        path,
        folder: path.parent().unwrap_or(path),
        basis,
        file,
        above: None,
    };
    of_text(text, &reading)
}

/// Parses the text of a configuration without reading other files. Relative paths start in the folder of `path` as given.
///
/// # Errors
/// If it is invalid.
pub fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let nothing = |_: &Path| Err("only one file is read here".to_owned());
    let reading = Reading {
        path,
        folder: path.parent().unwrap_or(path),
        basis: Basis::Named(Edition::embedded()),
        file: &nothing,
        above: None,
    };
    let config = read::config(text, &reading);
    config.map_err(|fault| fault.into_error(path.to_owned(), text))
}
