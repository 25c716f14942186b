//! `--since` and `--staged`: what git is asked, and what its answer means for the run.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Arguments;
use crate::baseline;
use crate::config;
use crate::git::{self, Asked, Before, Changes, Since};
use crate::kind;
use crate::printable::{self, complain};
use crate::project::selectors;
use crate::run::Only;
use crate::walk::{self, Want};

/// What changed, if that is asked for and does not concern everything; or why git could not tell.
pub(super) fn only(
    arguments: &Arguments,
    err: &mut dyn Write,
) -> io::Result<Result<Option<Only>, String>> {
    let scope = &arguments.scope;
    let (flag, since) = match &scope.since {
        Some(revision) => ("--since", Since::Revision(revision)),
        None if scope.staged => ("--staged", Since::Staged),
        None => return Ok(Ok(None)),
    };
    if scope.paths.iter().any(|path| path == Path::new("-")) {
        let message = format!("`{flag}` works with files only, not with standard input");
        return Ok(Err(message));
    }
    let asked = Asked {
        before: &|path| match (Only::asks_for(path), kind::classify(path)) {
            (true, _) => Before::Needed,
            (false, Some(kind)) if selectors::is_of_use(kind) => Before::IfThere,
            (false, _) => Before::Unwanted,
        },
        files: &files_below,
    };
    let changes = match git::changes(&scope.paths, since, &asked) {
        Ok(changes) => changes,
        Err(error) => return Ok(Err(format!("{flag}: {error}"))),
    };
    if !arguments.output.quiet {
        for path in &changes.staged_in_part {
            if kind::classify(path).is_some() {
                let path = printable::path(shown(path));
                let why = "only partly staged; regfix reads and fixes the file in the working tree";
                complain(err, format!("{path}: {why}"))?;
            }
        }
    }
    if concerns_everything(arguments, &changes) {
        return Ok(Ok(None));
    }
    Ok(Ok(Some(Only::new(
        changes.paths,
        changes.before,
        &scope.paths,
    ))))
}

/// All files below a folder that no ignore file lists, hidden ones too: a new `.regfix.yaml` is one. Reads none of them.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let files = Mutex::new(Vec::new());
    let note = |path: &Path, _: bool| {
        let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
        files.push(path.to_owned());
        Want::<()>::Nothing
    };
    let options = walk::Options {
        roots: vec![folder.to_owned()],
        hidden: true,
        ..walk::Options::default()
    };
    let sieve = walk::Sieve {
        wanted: &note,
        keep: &|_, (), _| None::<()>,
        suspect: &|_| false,
    };
    walk::walk(&options, &sieve);
    files.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the settings of the run are among what changed.
fn concerns_everything(arguments: &Arguments, changes: &Changes) -> bool {
    let scope = &arguments.scope;
    let is_baseline = |path: &PathBuf| path.file_name() == Some(OsStr::new(baseline::FILE));
    if !scope.no_baseline && changes.paths.iter().any(is_baseline) {
        return true;
    }
    match &scope.config {
        Some(path) => path
            .canonicalize()
            .is_ok_and(|path| changes.paths.contains(&path)),
        None if scope.no_config || scope.config_from.is_some() => false,
        None => changes
            .paths
            .iter()
            .any(|path| config::is_configuration(path)),
    }
}

/// A path as short as it can be from here.
fn shown(path: &Path) -> &Path {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let below = here.ok().and_then(|here| path.strip_prefix(here).ok());
    below.unwrap_or(path)
}
