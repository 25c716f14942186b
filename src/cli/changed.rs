//! `--since` and `--staged`: what git is asked, and what its answer means for the run.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Arguments;
use crate::baseline;
use crate::config;
use crate::file_type::{self, Holds};
use crate::git::{self, Asked, Before, Changes, Since};
use crate::printable::{self, complain};
use crate::project::selectors;
use crate::run::{ChangedScope, Settings};
use crate::walk::{self, Want};

/// What changed, if that is asked for and does not concern everything; or why git could not tell. Of several repositories,
/// one of which git cannot tell is left out.
pub(super) fn only(
    arguments: &Arguments,
    roots: &[PathBuf],
    settings: &Settings<'_>,
    err: &mut dyn Write,
) -> io::Result<Result<Option<ChangedScope>, String>> {
    let scope = &arguments.scope;
    let (flag, since) = match &scope.since {
        Some(revision) => ("--since", Since::Revision(revision)),
        None if scope.staged => ("--staged", Since::Staged),
        None => return Ok(Ok(None)),
    };
    if roots.iter().any(|path| path == Path::new("-")) {
        let message = format!("`{flag}` works with files only, not with standard input");
        return Ok(Err(message));
    }
    let repositories = match repositories(roots) {
        Ok(repositories) => repositories,
        Err(error) => return Ok(Err(format!("{flag}: {error}"))),
    };
    let asked = Asked {
        before: &|path| match (ChangedScope::asks_for(path), file_type::classify(path)) {
            (true, _) => Before::Needed,
            (false, Some(file_type))
                if selectors::is_of_use(file_type) || file_type.holds == Holds::Helmfile =>
            {
                Before::IfThere
            }
            (false, _) => Before::Unwanted,
        },
        files: &files_below,
    };
    let mut all = Changes::default();
    let mut failed = Vec::new();
    for repository in &repositories {
        let mut changes = match git::changes(repository, since, &asked) {
            Ok(changes) => changes,
            Err(error) => {
                failed.push((&repository.top, error));
                continue;
            }
        };
        if concerns_everything(arguments, &changes) {
            // Anything may be found now that was not found before.
            if repositories.len() == 1 {
                return Ok(Ok(None));
            }
            changes.paths.insert(repository.top.clone());
        }
        all.paths.extend(changes.paths);
        all.before.extend(changes.before);
        all.staged_in_part.extend(changes.staged_in_part);
    }
    if failed.len() == repositories.len()
        && let Some((_, error)) = failed.first()
    {
        return Ok(Err(format!("{flag}: {error}")));
    }
    for (top, error) in failed {
        let why = format!("{}: {flag}: {error}", printable::path(top));
        settings.give_up(top, why);
    }
    if !arguments.output.quiet {
        for path in &all.staged_in_part {
            if file_type::classify(path).is_some() {
                let path = printable::path(shown(path));
                let why = "only partly staged; regfix reads and fixes the file in the working tree";
                complain(err, format!("{path}: {why}"))?;
            }
        }
    }
    Ok(Ok(Some(ChangedScope::new(all.paths, all.before, roots))))
}

/// The repositories that some paths are in and, of a folder that is in none, those below it.
fn repositories(paths: &[PathBuf]) -> Result<BTreeSet<git::Repository>, git::Error> {
    let (mut found, others) = git::repositories(paths)?;
    for folder in others {
        let below = repositories_below(&folder);
        if below.is_empty() {
            return Err(git::Error::NoRepository { folder });
        }
        found.extend(git::repositories(&below)?.0);
    }
    Ok(found)
}

fn repositories_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if walk::is_there(&folder.join(".git")) {
            found.push(folder);
            continue;
        }
        let is_folder = |path: &PathBuf| matches!(walk::look(path), Some(walk::EntryKind::Folder));
        open.extend(walk::list(&folder).into_iter().filter(is_folder));
    }
    found
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
    let filter = walk::Filter {
        listed: &|_, _| (),
        wanted: &note,
        keep: &|_, (), _| walk::Kept::<()>::Nothing,
        suspect: &|_| false,
    };
    walk::walk(&options, &filter);
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
