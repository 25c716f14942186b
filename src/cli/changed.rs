//! `--since` and `--staged`: asks git what changed, and limits the run to that.

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
use crate::parallel::lock;
use crate::printable::{self, complain};
use crate::project::selectors;
use crate::run::{ChangedScope, Settings};
use crate::walk::{self, Want};

/// Returns what changed, or an error message. `None` if that was not requested or everything must be checked. Of several
/// repositories, those for which git has no answer are left out.
pub(super) fn only(
    arguments: &Arguments,
    roots: &[PathBuf],
    settings: &Settings<'_>,
    err: &mut dyn Write,
) -> io::Result<Result<Option<ChangedScope>, String>> {
    let scope = &arguments.scope;
    let since = match &scope.since {
        Some(revision) => Since::Revision(revision),
        None if scope.staged => Since::Staged,
        None => return Ok(Ok(None)),
    };
    let flag = flag(since);
    if roots.iter().any(|path| path == Path::new("-")) {
        let message = format!("`{flag}` works with files only, not with standard input");
        return Ok(Err(message));
    }
    let repositories = repositories(roots);
    let all = repositories.and_then(|all| changes(arguments, &all, since, settings));
    let all = match all {
        Ok(Some(all)) => all,
        Ok(None) => return Ok(Ok(None)),
        Err(error) => return Ok(Err(format!("{flag}: {error}"))),
    };
    if !arguments.output.quiet {
        warn_of_partly_staged(&all, err)?;
    }
    Ok(Ok(Some(ChangedScope::new(all.paths, all.before, roots))))
}

fn flag(since: Since<'_>) -> &'static str {
    match since {
        Since::Revision(_) => "--since",
        Since::Staged => "--staged",
    }
}

/// Collects what changed in all repositories. `None` if every file may have other findings now.
///
/// # Errors
/// If git has an answer for none of them. Of several, those without an answer are left out.
fn changes(
    arguments: &Arguments,
    repositories: &BTreeSet<git::Repository>,
    since: Since<'_>,
    settings: &Settings<'_>,
) -> Result<Option<Changes>, git::Error> {
    let asked = Asked {
        before: &|path| match (ChangedScope::asks_for(path), file_type::classify(path)) {
            (true, _) => Before::Needed,
            (false, Some(file_type))
                if selectors::is_of_use(file_type)
                    || matches!(file_type.holds, Holds::Helmfile | Holds::Text) =>
            {
                Before::IfThere
            }
            (false, _) => Before::Unwanted,
        },
        files: &files_below,
    };
    let mut all = Changes::default();
    let mut failed = Vec::new();
    for repository in repositories {
        let mut changes = match git::changes(repository, since, &asked) {
            Ok(changes) => changes,
            Err(error) => {
                failed.push((repository, error));
                continue;
            }
        };
        if concerns_everything(arguments, &changes) {
            // Every file in it may have other findings now.
            if repositories.len() == 1 {
                return Ok(None);
            }
            changes.paths.insert(repository.top.clone());
        }
        all.paths.extend(changes.paths);
        all.before.extend(changes.before);
        all.staged_in_part.extend(changes.staged_in_part);
    }
    if failed.len() == repositories.len() && !failed.is_empty() {
        return Err(failed.swap_remove(0).1);
    }
    for (repository, error) in failed {
        let (top, flag) = (printable::path(&repository.top), flag(since));
        let why = format!("{top}: {flag}: {error}");
        settings.give_up(&repository.top, why);
    }
    Ok(Some(all))
}

/// Warns about partly staged files, because git would commit another text than the one that is checked.
fn warn_of_partly_staged(changes: &Changes, err: &mut dyn Write) -> io::Result<()> {
    for path in &changes.staged_in_part {
        if file_type::classify(path).is_some() {
            let path = printable::path(relative(path));
            let why = "only partly staged; regfix reads and fixes the file in the working tree";
            complain(err, format!("{path}: {why}"))?;
        }
    }
    Ok(())
}

/// Returns the repositories that contain these paths. For a folder that is in none, returns those below it.
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

/// Lists all files below a folder that are not ignored, including hidden ones such as a new `.regfix.yaml`. Reads none of them.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let files = Mutex::new(Vec::new());
    let note = |path: &Path, _: bool| {
        let mut files = lock(&files);
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
        suspect: &|_, _| false,
    };
    walk::walk(&options, &filter);
    files.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the settings of the run changed.
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

/// Makes a path relative to the working directory if it is below.
fn relative(path: &Path) -> &Path {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let below = here.ok().and_then(|here| path.strip_prefix(here).ok());
    below.unwrap_or(path)
}
