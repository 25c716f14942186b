//! The files and folders of a run, and the base of the paths in its reports.

use std::path::{Path, PathBuf};

use super::args::{Arguments, Command};
use super::shard::{self, Paths};
use crate::config;
use crate::report::PathBase;
use crate::run;
use crate::walk::Overlay;

/// Returns the base of the paths in reports.
pub(super) fn base(arguments: &Arguments) -> Result<PathBase, String> {
    let here = std::env::current_dir();
    let here = here.map_err(|error| format!("cannot read the working directory: {error}"))?;
    let repository = config::repository(&here);
    let owners = run::owners_of(repository.unwrap_or(&here), &Overlay::default());
    let base = PathBase::new(&here, repository).owned(owners);
    let named = arguments.scope.paths.iter();
    let named = named.filter(|root| root.is_absolute());
    Ok(named.fold(base, |base, root| match root.canonicalize() {
        Ok(real) if real != *root => base.linked(root, real),
        _ => base,
    }))
}

/// Returns the files and folders that the user named.
pub(super) fn named(arguments: &Arguments) -> &[PathBuf] {
    match &arguments.command {
        Some(Command::Images { paths, .. }) => paths,
        Some(Command::Mirror(mirror)) => &mirror.paths,
        Some(Command::Hosts(hosts)) => &hosts.paths,
        Some(Command::Cluster(cluster)) => &cluster.repo,
        Some(Command::Exporter(exporter)) => &exporter.paths,
        _ => &arguments.scope.paths,
    }
}

/// Returns the roots of the run, including those of a list.
pub(super) fn roots(arguments: &Arguments) -> Result<Paths, String> {
    let paths = match &arguments.command {
        None => shard::paths(&arguments.scope)?,
        Some(_) => Paths {
            roots: named(arguments).to_vec(),
            ..Paths::default()
        },
    };
    let is_full = is_full(&paths.roots);
    Ok(Paths {
        roots: spelled(arguments, paths.roots),
        apart: in_one_spelling(paths.apart, is_full),
    })
}

/// Spells all roots in the same way, and adds what belongs to them if requested.
pub(super) fn spelled(arguments: &Arguments, roots: Vec<PathBuf>) -> Vec<PathBuf> {
    let is_full = is_full(&roots);
    let roots = in_one_spelling(roots, is_full);
    match arguments.scope.related {
        true => run::with_charts(&roots),
        false => roots,
    }
}

/// Whether the paths of a run must be absolute.
fn is_full(roots: &[PathBuf]) -> bool {
    let is_piped = roots.iter().any(|root| root == Path::new("-"));
    !is_piped && roots.iter().any(|root| root.is_absolute())
}

/// Makes all paths absolute if necessary: paths are compared as they are spelled.
fn in_one_spelling(paths: Vec<PathBuf>, is_full: bool) -> Vec<PathBuf> {
    let full = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    match is_full {
        true => paths.iter().map(full).collect(),
        false => paths,
    }
}
