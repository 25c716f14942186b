//! `--git-dir` and `--rev`: repositories that are read at a revision instead of from the folders that they are in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::Arguments;
use super::args::Scope;
use crate::git::{Repository, Snapshot};
use crate::printable;
use crate::walk::Overlay;

/// The revision if the user names none.
const DEFAULT: &str = "HEAD";

/// Whether repositories are read at a revision.
pub(super) fn is_asked(scope: &Scope) -> bool {
    !scope.git_dir.is_empty() || scope.rev.is_some()
}

/// The revisions that are read instead of the disk.
#[derive(Default)]
pub(super) struct Revisions {
    pub(super) overlay: Arc<Overlay>,
    /// Folders of repositories that cannot be read, with the reasons.
    pub(super) failed: Vec<(PathBuf, String)>,
}

/// Opens the repositories whose folders are the roots of the run.
pub(super) fn open(scope: &Scope, roots: &[PathBuf]) -> Revisions {
    if !is_asked(scope) {
        return Revisions::default();
    }
    let revision = scope.rev.as_deref().unwrap_or(DEFAULT);
    let open = |root: &PathBuf| -> Result<Snapshot, String> {
        let repository = Repository::named(root);
        let snapshot = repository.and_then(|repository| repository.snapshot(revision));
        snapshot.map_err(|error| error.to_string())
    };
    let read: Vec<_> = roots.par_iter().map(open).collect();
    let mut overlay = Overlay::default();
    let mut failed = Vec::new();
    for (root, snapshot) in roots.iter().zip(read) {
        match snapshot {
            Ok(snapshot) => overlay.mount(root, Some(Arc::new(snapshot))),
            Err(why) => {
                overlay.mount(root, None);
                failed.push((root.clone(), named(root, why)));
            }
        }
    }
    Revisions {
        overlay: Arc::new(overlay),
        failed,
    }
}

/// Makes a message start with the repository.
fn named(root: &Path, why: String) -> String {
    let root = printable::path(root);
    match why.starts_with(&root) {
        true => why,
        false => format!("{root}: {why}"),
    }
}

/// Returns a message if the arguments make no sense together.
pub(super) fn fault(arguments: &Arguments) -> Option<String> {
    let (scope, action) = (&arguments.scope, &arguments.action);
    if !is_asked(scope) {
        return None;
    }
    if scope.git_dir.is_empty() && scope.repositories.is_none() {
        return Some(
            "--rev needs to know of which repository: add `--git-dir DIR`, or `--repositories LIST`"
                .to_owned(),
        );
    }
    let writes = [
        (action.write, "--write"),
        (action.write_baseline, "--write-baseline"),
        (
            action.add_ignores.is_some() && !action.diff,
            "--add-ignores",
        ),
        (action.hook.is_some(), "--hook"),
        #[cfg(feature = "watch")]
        (action.watch, "--watch"),
    ];
    if let Some((_, option)) = writes.iter().find(|(is_asked, _)| *is_asked) {
        return Some(format!(
            "{option} needs a working tree, and --git-dir and --rev read a commit: check it out with `git worktree add`, or \
             use `--diff`, which prints a patch"
        ));
    }
    let path = scope.paths.first().filter(|_| !scope.names_no_path)?;
    let path = printable::path(path);
    Some(format!(
        "{path}: --git-dir and --rev read whole repositories, and take no PATH; if it is one, write `--git-dir {path}`"
    ))
}
