//! Several files that change together: all of them or none, whenever the process ends.
//!
//! The protocol, and what is left if the process is killed or the power fails after a step:
//!
//! 1. Each folder of the group gets a staging (`super::staging`) folder, which is locked. Left: empty staging folders.
//! 2. The new texts are put there, with owner, permissions and attributes, and synced. Left: texts that nobody needs.
//! 3. Each file gets a second name there, so that the old text is kept without being written again. Left: the same.
//! 4. Each file is checked once more: it must be unchanged since it was read. Left: the same.
//! 5. Each staging folder gets the [journal](super::journal), which is synced, and so are the folders. Left: a journal of a
//!    group that has not begun.
//! 6. The files are renamed into their locations, one after the other. Left: some new and some old files, the texts to finish
//!    or undo the group, and the journal in each folder. This is what `super::repair` is for.
//! 7. The folders are synced, and the staging folders removed. Left: a group that is done, perhaps with its journal.
//!
//! After an error in steps 1 to 5, the files are as they were. After one in step 6, the old texts are put back.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::bounds::Bounds;
use super::journal::{Entry, Journal, State};
use super::staging::{self, Staging};
use super::steps;
use super::target::Target;
use super::temporary;
use super::{Cause, MOST_AT_ONCE, WriteError, repair};
use crate::parallel;

/// A group that is being written.
pub(super) struct Group<'g, 'c> {
    /// By their folders, with links resolved.
    stagings: BTreeMap<&'g Path, Staging>,
    members: Vec<Member<'g, 'c>>,
}

struct Member<'g, 'c> {
    target: &'g Target<'c>,
    folder: &'g Path,
    /// An earlier member that is another name of the same file.
    same_as: Option<usize>,
}

impl<'g, 'c> Group<'g, 'c> {
    /// Makes the staging folders for files that have been checked, each given with all of its names.
    pub(super) fn new(files: &'g [Vec<Target<'c>>], bounds: &Bounds) -> Result<Self, WriteError> {
        let mut members: Vec<Member<'g, 'c>> = Vec::new();
        for names in files {
            let first = members.len();
            members.extend(names.iter().enumerate().map(|(at, target)| Member {
                target,
                folder: target.spot.folder_path(),
                same_as: (at > 0).then_some(first),
            }));
        }
        let mut group = Self {
            stagings: BTreeMap::new(),
            members,
        };
        // All runs use the same order, so that no two wait for each other.
        let by_folder: BTreeMap<&Path, &Target<'c>> = group
            .members
            .iter()
            .map(|member| (member.folder, member.target))
            .collect();
        for (folder, target) in by_folder {
            match stage(target, bounds) {
                Ok(staging) => {
                    group.stagings.insert(folder, staging);
                }
                Err(error) => {
                    group.remove();
                    return Err(error);
                }
            }
        }
        Ok(group)
    }

    pub(super) fn commit(self) -> Result<(), WriteError> {
        if let Err(error) = self.prepare() {
            self.remove();
            return Err(error);
        }
        self.move_all()
    }

    /// Moves the prepared files into their locations.
    pub(super) fn move_all(&self) -> Result<(), WriteError> {
        for at in 0..self.members.len() {
            if let Err(error) = self.move_in(at) {
                return Err(self.roll_back(at, error));
            }
            steps::reached("renamed");
        }
        // All files are written. What cannot be synced or removed is left to the next run.
        let synced: io::Result<Vec<()>> = self
            .stagings
            .values()
            .map(|one| one.parent.sync())
            .collect();
        steps::reached("folders-synced");
        if synced.is_ok() {
            self.remove();
        }
        Ok(())
    }

    /// Does everything that can fail, before the first file is touched.
    pub(super) fn prepare(&self) -> Result<(), WriteError> {
        let staged = parallel::map(&self.members, MOST_AT_ONCE, |at, member| {
            if member.same_as.is_some() {
                return Ok(());
            }
            let staged = member
                .target
                .stage(&self.staging(member).folder, Some(staging::new_text(at)))?;
            staged.keep();
            steps::reached("staged");
            Ok(())
        });
        staged.into_iter().collect::<Result<(), WriteError>>()?;
        for (at, member) in self.members.iter().enumerate() {
            self.link(at, member)?;
        }
        for member in &self.members {
            member.target.confirm()?;
        }
        steps::reached("confirmed");
        self.write_journals()
    }

    /// Links further names of a file to the same new file, and keeps the old one.
    fn link(&self, at: usize, member: &Member<'_, '_>) -> Result<(), WriteError> {
        let (target, here) = (member.target, self.staging(member));
        if let Some(first) = member.same_as {
            let from = &self.staging(&self.members[first]).folder;
            let linked = from.link(
                &staging::new_text(first),
                &here.folder,
                &staging::new_text(at),
            );
            if linked.is_err() {
                target
                    .stage(&here.folder, Some(staging::new_text(at)))?
                    .keep();
            }
        }
        if !target.is_new() {
            let old = staging::old_text(at);
            let linked = target
                .spot
                .folder
                .link(&target.spot.name, &here.folder, &old);
            if linked.is_err() {
                target.stage_old(&here.folder, old)?.keep();
            }
        }
        steps::reached("kept");
        Ok(())
    }

    fn write_journals(&self) -> Result<(), WriteError> {
        let id = format!("{:016x}", temporary::random());
        let folders: Vec<(&&Path, &Staging)> = self.stagings.iter().collect();
        let all = parallel::map(&folders, MOST_AT_ONCE, |_, (folder, staging)| {
            let entries = self.members.iter().map(|member| {
                let change = &member.target.change;
                Entry::new(
                    folder,
                    &member.target.spot.real,
                    change.before,
                    change.after,
                )
            });
            let journal = Journal::new(&id, entries.collect());
            let written = staging
                .put(staging::JOURNAL, &journal.text())
                .and_then(|()| {
                    steps::reached("journal-written");
                    staging.folder.sync()
                })
                .and_then(|()| staging.parent.sync());
            steps::reached("journal-synced");
            written.map_err(|error| {
                let first = self.first_in(folder);
                let folder = folder.to_path_buf();
                Cause::Folder { folder, error }.at(first)
            })
        });
        all.into_iter().collect()
    }

    fn first_in(&self, folder: &Path) -> &Path {
        let mut members = self.members.iter();
        let first = members.find(|member| member.folder == folder);
        let first = first.map(|member| member.target.change.path);
        first.unwrap_or(Path::new(""))
    }

    fn staging(&self, member: &Member<'_, '_>) -> &Staging {
        &self.stagings[member.folder]
    }

    pub(super) fn move_in(&self, at: usize) -> Result<(), WriteError> {
        let member = &self.members[at];
        let (target, from) = (member.target, &self.staging(member).folder);
        let (new, to) = (staging::new_text(at), &target.spot);
        let moved = match target.is_new() {
            true => temporary::place(from, &new, &to.folder, &to.name),
            false => from.rename(&new, &to.folder, &to.name),
        };
        moved.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => target.changed(),
            _ => target.failed(error),
        })
    }

    /// Puts the first `moved` members back. Returns the error to report.
    pub(super) fn roll_back(&self, moved: usize, error: WriteError) -> WriteError {
        let back = |at: &usize| {
            let member = &self.members[*at];
            let (spot, change) = (&member.target.spot, &member.target.change);
            let entry = Entry::new(member.folder, &spot.real, change.before, change.after);
            // A file that someone else has changed by now stays.
            if entry.state(&spot.folder, &spot.name) != State::After {
                return false;
            }
            let from = &self.staging(member).folder;
            let put_back = match member.target.is_new() {
                true => spot.folder.remove(&spot.name),
                false => from.rename(&staging::old_text(*at), &spot.folder, &spot.name),
            };
            put_back.is_ok()
        };
        let stay: Vec<usize> = (0..moved).rev().filter(|at| !back(at)).collect();
        if stay.is_empty() {
            for staging in self.stagings.values() {
                let _ = staging.parent.sync();
            }
            self.remove();
            return error;
        }
        let written = stay.into_iter().rev();
        let written = written.map(|at| self.members[at].target.change.path.to_owned());
        error.half(written.collect())
    }

    fn remove(&self) {
        for staging in self.stagings.values() {
            let _ = staging.remove();
        }
    }
}

/// How often to try to make a staging folder, if other runs make it first.
const TRIES: usize = 16;

/// Makes the staging folder for a file. Repairs one that a killed run left, and waits for one that another run works in.
fn stage(target: &Target<'_>, bounds: &Bounds) -> Result<Staging, WriteError> {
    let unfinished = |reason| Cause::Unfinished(reason).at(target.change.path);
    for _ in 0..TRIES {
        match Staging::make(&target.spot.folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map_err(|error| target.no_file(error)),
        }
        repair::repair(target.spot.folder_path(), bounds).map_err(unfinished)?;
    }
    Err(unfinished(repair::BUSY.to_owned()))
}
