//! The files that are checked together: the groups of all projects, merged if they share a file.
//!
//! Reads no files, and does not know why files belong together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Options;
use super::workspace::Workspace;
use crate::disjoint::DisjointSets;
use crate::file_type::{self, FileType, is_kustomization};
use crate::project::{PathKind, Project, Tree};

/// Files that are checked together, sorted by path.
pub(super) struct Group {
    pub files: BTreeMap<PathBuf, GroupFile>,
}

/// A file of a group.
pub(super) struct GroupFile {
    pub file_type: &'static FileType,
    pub state: State,
    /// Whether the file is under the roots of the run.
    pub requested: bool,
    /// Whether the run may write it: it is requested, and its real path is under the roots.
    pub free: bool,
}

/// The state of a file of a group before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    There,
    /// It does not exist; a fix may create it.
    Missing,
    /// It may exist but cannot be read; `reported` is whether the walk already said so.
    Unreadable {
        reported: bool,
    },
}

impl Group {
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.keys()
    }
}

/// The groups that contain a file under the roots.
pub(super) fn of<'p>(
    projects: impl Iterator<Item = &'p Box<dyn Project + 'p>>,
    workspace: &Workspace<'_>,
    options: &Options<'_>,
) -> Vec<Group> {
    let groups = projects.flat_map(|project| project.groups());
    let mut groups: Vec<Vec<PathBuf>> = groups.collect();
    let unread = workspace
        .unread()
        .map(|path| reach(path, &groups, workspace));
    let unread: Vec<Vec<PathBuf>> = unread.collect();
    groups.extend(unread);
    groups.extend(same_files(&groups, workspace));
    let roots: HashSet<&PathBuf> = options.walk.roots.iter().collect();
    let groups = united(groups).into_par_iter().map(|paths| Group {
        files: paths
            .into_iter()
            .filter_map(|path| Some((entry(&path, workspace, options, &roots)?, path)))
            .map(|(entry, path)| (path, entry))
            .collect(),
    });
    let mut groups: Vec<Group> = groups
        .filter(|group| group.files.values().any(|entry| entry.requested))
        .collect();
    if options.related {
        let entries = groups.iter_mut().flat_map(|group| group.files.values_mut());
        entries.for_each(|entry| (entry.requested, entry.free) = (true, true));
    }
    groups
}

/// Groups the names of one file, be they hard links or symbolic links.
fn same_files(groups: &[Vec<PathBuf>], workspace: &Workspace<'_>) -> Vec<Vec<PathBuf>> {
    let paths: BTreeSet<&PathBuf> = groups
        .iter()
        .flatten()
        .chain(workspace.all_suspects())
        .collect();
    let paths: Vec<&PathBuf> = paths.into_iter().collect();
    let ids: Vec<_> = paths
        .par_iter()
        .map(|path| workspace.identity(path))
        .collect();
    let mut files: HashMap<_, Vec<PathBuf>> = HashMap::new();
    for (path, id) in paths.into_iter().zip(ids) {
        if let Some(id) = id {
            files.entry(id).or_default().push(path.clone());
        }
    }
    files
        .into_values()
        .filter(|names| names.len() > 1)
        .collect()
}

/// The files that an unreadable file may connect: the suspects in its folder and below and, if it may be a kustomization, all
/// others of the repository, because any of them may be built from it.
fn reach(unread: &Path, groups: &[Vec<PathBuf>], workspace: &Workspace<'_>) -> Vec<PathBuf> {
    let folder = unread.parent().unwrap_or(Path::new(""));
    let mut reach = workspace.suspects(folder);
    reach.push(unread.to_owned());
    if is_kustomization(unread) {
        let top = workspace.top_of(unread);
        let all = groups.iter().flatten();
        let others = all.filter(|path| is_kustomization(path) && workspace.top_of(path) == top);
        reach.extend(others.cloned());
    }
    reach
}

fn entry(
    path: &PathBuf,
    workspace: &Workspace<'_>,
    options: &Options<'_>,
    roots: &HashSet<&PathBuf>,
) -> Option<GroupFile> {
    let requested = workspace.is_under_roots(path);
    let place = workspace.place(path);
    if place == PathKind::Unreadable {
        let file_type = file_type::classify(path).unwrap_or(&file_type::TEXT);
        let reported = workspace.is_reported(path);
        let state = State::Unreadable { reported };
        return Some(GroupFile {
            file_type,
            state,
            requested,
            free: false,
        });
    }
    let named = requested && roots.contains(path);
    if (!named || options.walk.force_exclude) && options.walk.excludes(path) {
        return None;
    }
    let file_type = options.kind_of(path, named)?;
    let state = match place {
        PathKind::File => State::There,
        PathKind::Missing => State::Missing,
        PathKind::Folder | PathKind::Unreadable | PathKind::Outside => return None,
    };
    Some(GroupFile {
        file_type,
        state,
        requested,
        free: requested && workspace.is_really_under_roots(path),
    })
}

/// Merges groups that share a file.
fn united(groups: Vec<Vec<PathBuf>>) -> Vec<Vec<PathBuf>> {
    let mut sets = DisjointSets::default();
    for group in groups {
        let mut numbers = group.into_iter().map(|path| sets.add(path));
        if let Some(first) = numbers.next() {
            let rest: Vec<usize> = numbers.collect();
            rest.into_iter().for_each(|other| sets.join(first, other));
        }
    }
    sets.into_sets()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_share_a_file_are_one() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let groups = [["c", "b"], ["x", "y"], ["a", "d"], ["b", "a"]];
        let united = united(groups.iter().map(|group| paths(group)).collect());
        assert_eq!(united, [paths(&["a", "b", "c", "d"]), paths(&["x", "y"])]);
    }
}
