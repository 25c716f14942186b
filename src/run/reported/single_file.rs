//! The files that are checked without others. Each is checked in its turn, and its results are not kept until the end.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::super::candidate::Candidate;
use super::super::changed::ChangedScope;
use super::super::file_output::{FileOutput, Worker};
use super::super::groups::Group;
use crate::walk::Walked;

/// A suspect file that is checked without others.
pub(super) struct SingleFile<'f> {
    pub(super) path: &'f PathBuf,
    file: &'f Candidate,
    /// Set if projects judge it.
    group: Option<Group>,
}

impl SingleFile<'_> {
    pub(super) fn judge(&self, work: Worker<'_>) -> Vec<(PathBuf, FileOutput)> {
        match &self.group {
            Some(group) => work.group(group),
            None => vec![(self.path.clone(), work.file(self.path, self.file))],
        }
    }
}

/// Splits the files to check: groups of several files, and single suspect files in the order of paths.
pub(super) fn apart<'f>(
    groups: Vec<Group>,
    found: &'f Walked<Candidate>,
    only: Option<&ChangedScope>,
) -> (Vec<Group>, Vec<SingleFile<'f>>) {
    let suspects = || found.kept.iter().filter(|(_, file)| file.suspect);
    let paths: HashSet<&PathBuf> = suspects().map(|(path, _)| path).collect();
    let of_one = |group: &Group| {
        let mut paths_of = group.paths();
        let first = paths_of.next().filter(|path| paths.contains(path));
        first.filter(|_| paths_of.next().is_none()).cloned()
    };
    let mut joint = Vec::new();
    let mut single = HashMap::new();
    for group in groups {
        match of_one(&group) {
            Some(path) => drop(single.insert(path, group)),
            None => joint.push(group),
        }
    }
    let grouped: HashSet<&PathBuf> = joint.iter().flat_map(Group::paths).collect();
    let alone = suspects().filter(|(path, _)| !grouped.contains(path));
    let alone = alone.filter_map(|(path, file)| {
        let group = single.remove(path);
        let is_meant = || only.is_none_or(|only| only.has(path));
        (group.is_some() || is_meant()).then_some(SingleFile { path, file, group })
    });
    let alone = alone.collect();
    (joint, alone)
}
