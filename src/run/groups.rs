//! Which files are judged together: the groups of all projects, united where they share a file.
//!
//! Reads nothing, and does not know why files belong together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Options;
use super::workspace::Workspace;
use crate::disjoint::DisjointSets;
use crate::file_type::{self, FileType, is_kustomization};
use crate::project::{PathKind, Project, Tree};

/// Files that are judged together, in the order of their paths.
pub(super) struct Group {
    pub files: BTreeMap<PathBuf, GroupFile>,
}

/// A file of a group.
pub(super) struct GroupFile {
    pub file_type: &'static FileType,
    pub state: State,
    /// Whether it is one of those that the run was asked about.
    pub requested: bool,
    /// Whether the run may write it: it is one of those, and really lies there.
    pub free: bool,
}

/// What is known of a file of a group before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    There,
    /// A fix may create it.
    Missing,
    /// It may be there, but cannot be read; whether the walk said so already.
    Unreadable {
        reported: bool,
    },
}

impl Group {
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.keys()
    }
}

/// The groups that hold a file under the roots.
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
    let groups = united(groups).into_iter().map(|paths| Group {
        files: paths
            .into_iter()
            .filter_map(|path| Some((entry(&path, workspace, options)?, path)))
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

/// Names of one file are judged as one, whether they are hard links or lead to it.
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

/// What a file that could not be read may hold together: what was found in its folder and below and, where it may be a
/// kustomization, each other one of the repository, because it can be built from any of them.
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

fn entry(path: &PathBuf, workspace: &Workspace<'_>, options: &Options<'_>) -> Option<GroupFile> {
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
    let named = requested && options.walk.roots.contains(path);
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

/// Groups that share a file are one.
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
