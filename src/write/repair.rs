//! Repairs what a killed run left half written. Any later run notices it; one that writes repairs it.
//!
//! A journal is trusted only as far as it can be verified. A file is only changed from one of its two texts to the other, by
//! the digests of both; the text comes from a staging folder that a run of this user made here; and nothing outside of the
//! bounds is written. If some files have their new text and some the old one, those that are left are moved forward, or else
//! all are moved back. If neither is possible, the journal is reported and stays.
//!
//! If none or all of the files of a journal have their new text, it is no longer needed: the next run that writes there removes
//! it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bounds::Bounds;
use super::folder::{Folder, split};
use super::journal::{self, Entry, Journal, State};
use super::staging::{self, Busy, Staging};
use super::{steps, temporary};
use crate::printable;

/// The message if another run does not get done in time.
pub(super) const BUSY: &str = "another run of regfix is writing here; run regfix again";

const REMOVE: &str = "check the files beside it, and remove it";

/// What an earlier run left in a folder.
enum Found {
    Nothing,
    /// The staging folder of a group that has not begun, or is done.
    Rest(Staging),
    Unfinished(Unfinished),
}

/// A group of which some files have their new text and some have not.
struct Unfinished {
    files: Vec<Tracked>,
    /// By their folders.
    stagings: BTreeMap<PathBuf, Staging>,
}

/// A file of the journal.
struct Tracked {
    real: PathBuf,
    entry: Entry,
    state: State,
}

/// Checks whether an earlier run was killed in the middle of a group with a file in this folder. The error says what to do
/// about it. Returns whether there is nothing there any more.
pub(super) fn unfinished(folder: &Path) -> Result<bool, String> {
    match find(folder, &Bounds::new(&[]))? {
        Found::Nothing => Ok(true),
        Found::Rest(_) => Ok(false),
        Found::Unfinished(group) => Err(format!(
            "an earlier run was stopped while it wrote {} files that belong together; run regfix --write to finish, or restore the files and remove {}",
            group.files.len(),
            shown(folder),
        )),
    }
}

/// Finishes or undoes what an earlier run left in a folder. Returns whether files were changed, or there is nothing there any
/// more.
pub(super) fn repair(folder: &Path, bounds: &Bounds) -> Result<bool, String> {
    match find(folder, bounds)? {
        Found::Nothing => Ok(true),
        Found::Rest(staging) => {
            let removed = staging.remove();
            removed.map_err(|error| {
                format!("{} cannot be removed: {error}; {REMOVE}", shown(folder))
            })?;
            Ok(false)
        }
        Found::Unfinished(group) => {
            let name = shown(folder);
            group.finish(bounds).map_err(|why| {
                format!("an earlier run was stopped while it wrote files that belong together, and {why}; check the files, then remove {name}")
            })?;
            Ok(true)
        }
    }
}

fn shown(folder: &Path) -> String {
    printable::path(&folder.join(staging::NAME))
}

fn find(folder: &Path, bounds: &Bounds) -> Result<Found, String> {
    let odd = |error: io::Error| {
        format!(
            "{} is not a valid journal: {error}; {REMOVE}",
            shown(folder)
        )
    };
    let parent = Arc::new(bounds.folder(folder).map_err(odd)?);
    let held = Staging::acquire(&parent).map_err(|busy| match busy {
        Busy::Held => BUSY.to_owned(),
        Busy::Odd(error) => odd(error),
    })?;
    let Some(staging) = held else {
        return Ok(Found::Nothing);
    };
    let written = staging.folder.read(OsStr::new(staging::JOURNAL), 1 << 26);
    let text = match written {
        Ok((text, _)) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(odd(error)),
    };
    if !staging.is_ours {
        return match text {
            None if staging.is_bare() => Ok(Found::Rest(staging)),
            None => Err(format!(
                "{} was not made here by a run of yours; remove it",
                shown(folder)
            )),
            Some(_) => Err(format!(
                "{} was left by a run that was stopped while it wrote files that belong together, but in another location or by another user; {REMOVE}",
                shown(folder)
            )),
        };
    }
    // A journal that is not complete was not synced, so no file was touched.
    let journal = text.and_then(|text| Journal::parse(&text));
    let Some(journal) = journal else {
        return Ok(Found::Rest(staging));
    };
    let files = journal
        .files
        .iter()
        .map(|entry| track(entry, folder, bounds));
    let files: Option<Vec<Tracked>> = files.collect();
    let Some(files) = files else {
        return Err(odd(io::ErrorKind::InvalidData.into()));
    };
    let moved = files
        .iter()
        .filter(|file| file.state == State::After)
        .count();
    if moved == 0 || moved == files.len() {
        return Ok(Found::Rest(staging));
    }
    let stagings = BTreeMap::from([(folder.to_owned(), staging)]);
    let mut group = Unfinished { files, stagings };
    group.hold_others(&journal.id, bounds)?;
    Ok(Found::Unfinished(group))
}

fn track(entry: &Entry, folder: &Path, bounds: &Bounds) -> Option<Tracked> {
    let real = entry.real(folder)?;
    let (above, name) = split(&real)?;
    let state = match bounds.folder(above) {
        Ok(above) => entry.state(&above, name),
        Err(_) => State::Other,
    };
    Some(Tracked {
        real,
        entry: entry.clone(),
        state,
    })
}

impl Unfinished {
    /// Locks the staging folders of the same group beside its other files.
    fn hold_others(&mut self, id: &str, bounds: &Bounds) -> Result<(), String> {
        let folders = self.files.iter().filter_map(|file| file.real.parent());
        let folders: Vec<PathBuf> = folders.map(Path::to_owned).collect();
        for folder in folders {
            if self.stagings.contains_key(&folder) {
                continue;
            }
            let Ok(parent) = bounds.folder(&folder) else {
                continue;
            };
            let held = Staging::acquire(&Arc::new(parent));
            let held = held.map_err(|_| BUSY.to_owned())?;
            let same = |staging: &Staging| {
                let text = staging.folder.read(OsStr::new(staging::JOURNAL), 1 << 26);
                let journal = text.ok().and_then(|(text, _)| Journal::parse(&text));
                staging.is_ours && journal.is_some_and(|journal| journal.id == id)
            };
            if let Some(staging) = held.filter(same) {
                self.stagings.insert(folder, staging);
            }
        }
        Ok(())
    }

    /// Moves all files forward, or else all back.
    fn finish(self, bounds: &Bounds) -> Result<(), String> {
        let other = self.files.iter().find(|file| file.state == State::Other);
        if let Some(other) = other {
            return Err(format!(
                "{} was changed since",
                printable::path(&other.real)
            ));
        }
        let forward = self.moves(State::Before, bounds);
        let moves = match forward {
            Ok(moves) => moves,
            Err(why) => self.moves(State::After, bounds).map_err(|_| why)?,
        };
        for one in moves {
            one.make().map_err(|error| {
                format!(
                    "{} cannot be written: {error}",
                    printable::path(&one.file.real)
                )
            })?;
            steps::reached("repaired");
        }
        let synced = self
            .stagings
            .values()
            .try_for_each(|staging| staging.parent.sync());
        synced.map_err(|error| format!("the folders cannot be synced: {error}"))?;
        let mut within = self
            .stagings
            .iter()
            .filter(|(folder, _)| bounds.contain(folder));
        within
            .try_for_each(|(_, staging)| staging.remove())
            .map_err(|error| format!("its files cannot be removed: {error}"))
    }

    /// Returns the moves that give all files in the state `from` their other text.
    fn moves(&self, from: State, bounds: &Bounds) -> Result<Vec<Move<'_>>, String> {
        let files = self.files.iter().enumerate();
        let files = files.filter(|(_, file)| file.state == from);
        files
            .map(|(index, file)| self.one_move(index, file, bounds))
            .collect()
    }

    fn one_move<'u>(
        &'u self,
        index: usize,
        file: &'u Tracked,
        bounds: &Bounds,
    ) -> Result<Move<'u>, String> {
        let real = printable::path(&file.real);
        if !bounds.contain(&file.real) {
            return Err(format!(
                "{real} is outside of the given paths; pass it, too"
            ));
        }
        let (above, name) = split(&file.real).ok_or("it names no file")?;
        let folder = bounds.folder(above);
        let folder = folder.map_err(|error| format!("{real} cannot be reached: {error}"))?;
        let (wanted, text) = match file.state {
            State::Before => (Some(&file.entry.after), staging::new_text(index)),
            _ => (file.entry.before.as_ref(), staging::old_text(index)),
        };
        let staging = self.stagings.get(above);
        let waits = |wanted: &String| {
            let found = staging.map(|staging| journal::digest_of(&staging.folder, &text));
            matches!(found, Some(Ok(found)) if found == *wanted)
        };
        if !wanted.is_none_or(waits) {
            return Err(format!("the new text of {real} is lost"));
        }
        Ok(Move {
            file,
            folder,
            name,
            text: wanted
                .and(staging)
                .map(|staging| (Arc::clone(&staging.folder), text)),
        })
    }
}

/// A file that gets its other text.
struct Move<'u> {
    file: &'u Tracked,
    folder: Folder,
    name: &'u OsStr,
    /// The file that has the text; `None` if there was no file.
    text: Option<(Arc<Folder>, OsString)>,
}

impl Move<'_> {
    fn make(&self) -> io::Result<()> {
        if self.file.entry.state(&self.folder, self.name) != self.file.state {
            return Err(io::Error::other("it was changed in the meantime"));
        }
        let is_new = self.file.entry.before.is_none();
        match &self.text {
            None => self.folder.remove(self.name),
            Some((from, text)) if is_new => temporary::place(from, text, &self.folder, self.name),
            Some((from, text)) => from.rename(text, &self.folder, self.name),
        }
    }
}
