//! Half-written files of killed runs: repaired by a run that writes, and reported by other runs.
//!
//! Only knows where to look; the writer knows what to look for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::groups::Group;
use crate::walk::{self, Problem};
use crate::write::{self, JOURNAL_FOLDER, Writer};

/// The maximum number of walks of a tree that keeps changing.
const WALKS: usize = 4;

/// Walks until no other run changes the tree meanwhile. Repairs or reports what killed runs left.
pub(super) fn walk_until_settled<T>(
    roots: &[PathBuf],
    writer: Option<&Writer>,
    walk: impl Fn() -> walk::Walked<T>,
) -> walk::Walked<T> {
    let mut walks = 0;
    loop {
        let mut found = walk();
        walks += 1;
        let mut changed = false;
        let files = roots.iter().filter(|root| walk::is_file(root));
        let files = files.filter_map(|file| file.parent());
        let folders: BTreeSet<&Path> = found
            .marked
            .iter()
            .map(PathBuf::as_path)
            .chain(files)
            .collect();
        let mut problems = Vec::new();
        for folder in folders.into_iter().filter(|folder| has_journal(folder)) {
            let settled = match writer {
                Some(writer) => writer.repair(folder),
                None => write::look_for_unfinished(folder),
            };
            match settled {
                Ok(now) => changed |= now,
                Err(message) => problems.push(Problem::unfinished(folder, message)),
            }
        }
        if !changed || walks == WALKS {
            found.problems.append(&mut problems);
            return found;
        }
    }
}

/// Reports what killed runs left next to files of groups outside the walk. Does not repair it.
pub(super) fn around(groups: &[Group], marked: &[PathBuf]) -> Vec<Problem> {
    let folders = groups.iter().flat_map(Group::paths);
    let folders: BTreeSet<&Path> = folders.filter_map(|path| path.parent()).collect();
    let unseen = folders
        .into_iter()
        .filter(|folder| has_journal(folder) && !marked.iter().any(|marked| marked == folder));
    let problem = |folder: &Path| {
        let left = write::look_for_unfinished(folder).err()?;
        Some(Problem::unfinished(folder, left))
    };
    unseen.filter_map(problem).collect()
}

fn has_journal(folder: &Path) -> bool {
    walk::is_there(&folder.join(JOURNAL_FOLDER))
}
