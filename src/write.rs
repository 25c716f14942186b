//! The only writer: replaces the texts of files that belong together, or leaves them exactly as they were.
//!
//! Knows nothing of rules, edits and encodings: it gets the bytes that were read, and the bytes to write.
//!
//! - A file is replaced by a rename once its new text is on disk: readers see either the old or the new text, even after a
//!   power cut. No file is ever overwritten in place.
//! - Several files that belong together are written by the protocol of `group`, which a later run finishes if this one is
//!   killed (`repair`). A single file does not need that.
//! - Signals that ask the process to end wait at the [`Gate`].
//! - All names of a file (hard links) within the bounds lead to the new file. A name outside of them keeps the old text, which
//!   is reported.
//! - The folder of a single file is not synced: after a power cut, the file may have either of the two texts.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

mod bounds;
mod claims;
mod draft;
mod error;
mod folder;
mod gate;
mod group;
mod journal;
mod metadata;
mod names;
mod repair;
mod staging;
mod steps;
mod target;
mod temporary;

pub use draft::Draft;
pub use error::{Cause, WriteError};
pub use gate::Gate;
pub use staging::NAME as JOURNAL_FOLDER;
pub use temporary::is_temporary;

use bounds::Bounds;
use claims::Claims;
use group::Group;
use metadata::FileId;
use names::Names;
use target::Target;

use crate::parallel::{self, lock};

/// The most files that are worked on at a time.
const MOST_AT_ONCE: usize = 8;

/// The new content of a file, and the content that it replaces.
#[derive(Debug, Clone, Copy)]
pub struct Change<'c> {
    pub path: &'c Path,
    /// `None` if there is no such file yet.
    pub before: Option<&'c [u8]>,
    pub after: &'c [u8],
}

/// A writer of files within its bounds.
#[derive(Debug)]
pub struct Writer {
    bounds: Bounds,
    claims: Claims,
    gate: Arc<Gate>,
    /// Folders from which the leftovers of killed runs were removed.
    swept: Mutex<HashSet<PathBuf>>,
    names: Names,
}

/// A remark about a file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub path: PathBuf,
    pub message: String,
}

impl Writer {
    /// Returns a writer for what is under the roots. Roots that do not exist allow nothing.
    pub fn new(roots: &[PathBuf], gate: Arc<Gate>) -> Self {
        raise_limit();
        Self {
            bounds: Bounds::new(roots),
            claims: Claims::default(),
            gate,
            swept: Mutex::default(),
            names: Names::default(),
        }
    }

    /// Allows one more file to be written, which may not exist yet, if it is in one of some folders when links are resolved.
    pub fn allow(&mut self, path: &Path, within: &[PathBuf]) {
        self.bounds.allow(path, within);
    }

    /// Makes all changes, or none.
    ///
    /// A link is followed, within the bounds. A file that already has the content `after` is left alone.
    ///
    /// # Errors
    /// If one of the files cannot be written. All files are as they were, except after [`Cause::Half`].
    pub fn replace_all<'c>(&'c self, changes: &[Change<'c>]) -> Result<Vec<Note>, WriteError> {
        let _inside = self.gate.enter();
        let checked = parallel::map(changes, MOST_AT_ONCE, |_, change| {
            Target::check(*change, &self.bounds)
        });
        let checked = checked.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut files = by_file(checked.into_iter().flatten())?;
        for names in &mut files {
            self.names.complete(names, &self.bounds);
        }
        steps::reached("checked");
        for target in files.iter().flatten() {
            self.sweep(target);
        }
        match files.as_slice() {
            [] => {}
            [names] if names.len() == 1 => names.iter().try_for_each(replace)?,
            _ => {
                let folders = files
                    .iter()
                    .flatten()
                    .map(|target| target.spot.folder_path());
                let _claim = self.claims.hold(folders.collect());
                Group::new(&files, &self.bounds)?.commit()?;
            }
        }
        Ok(files.iter().filter_map(|names| note(names)).collect())
    }

    /// Finishes or undoes a group with a file in this folder that a killed run left half written. Returns whether files
    /// changed, by this or by another run that is done by now.
    ///
    /// # Errors
    /// If that cannot be done. The message says what is left to do.
    pub fn repair(&self, folder: &Path) -> Result<bool, String> {
        let _inside = self.gate.enter();
        repair::repair(&real(folder)?, &self.bounds)
    }

    /// Removes the leftovers of killed runs beside a file, once for each folder.
    fn sweep(&self, target: &Target<'_>) {
        let Some(folder) = target.spot.real.parent() else {
            return;
        };
        let mut swept = lock(&self.swept);
        if !swept.contains(folder) {
            swept.insert(folder.to_owned());
            drop(swept);
            temporary::sweep(&target.spot.folder);
        }
    }
}

/// Looks for a group with a file in this folder that a killed run left half written. Returns whether nothing is left there,
/// because the run that was writing is done by now.
///
/// # Errors
/// If something is left to do, or that cannot be known. The message says what to do.
pub fn look_for_unfinished(folder: &Path) -> Result<bool, String> {
    repair::unfinished(&real(folder)?)
}

fn real(folder: &Path) -> Result<PathBuf, String> {
    let named = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    named.canonicalize().map_err(|error| error.to_string())
}

/// Replaces a single file, which belongs to no group.
fn replace(target: &Target<'_>) -> Result<(), WriteError> {
    let spot = &target.spot;
    let staged = target.stage(&spot.folder, None)?;
    steps::reached("staged");
    target.confirm()?;
    steps::reached("confirmed");
    let moved = match target.is_new() {
        true => staged.place(&spot.folder, &spot.name),
        false => staged.replace(&spot.folder, &spot.name),
    };
    moved.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => target.changed(),
        _ => target.failed(error),
    })?;
    steps::reached("renamed");
    Ok(())
}

/// Returns each file with all of its names among the changes, which must have the same new text.
fn by_file<'c>(
    targets: impl Iterator<Item = Target<'c>>,
) -> Result<Vec<Vec<Target<'c>>>, WriteError> {
    let mut files: Vec<Vec<Target<'c>>> = Vec::new();
    let mut known: BTreeMap<FileId, usize> = BTreeMap::new();
    let mut paths: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for target in targets {
        let by_path = paths.get(&target.spot.real).copied();
        let by_id = target.id().and_then(|id| known.get(&id).copied());
        let Some(at) = by_path.or(by_id) else {
            paths.insert(target.spot.real.clone(), files.len());
            known.extend(target.id().map(|id| (id, files.len())));
            files.push(vec![target]);
            continue;
        };
        let first = &files[at][0];
        if first.change.after != target.change.after {
            let other = first.change.path.to_owned();
            return Err(Cause::AtOdds(other).at(target.change.path));
        }
        if by_path.is_none() {
            paths.insert(target.spot.real.clone(), at);
            files[at].push(target);
        }
    }
    Ok(files)
}

/// Returns a note about a file that has names outside of the bounds.
fn note(names: &[Target<'_>]) -> Option<Note> {
    let first = names.first()?;
    let more = first.links().saturating_sub(names.len() as u64);
    (more > 0).then(|| Note {
        path: first.change.path.to_owned(),
        message: format!(
            "it has {more} more name{} (hard links) outside of the given paths, with the old text",
            if more == 1 { "" } else { "s" }
        ),
    })
}

/// Raises the limit of open files, because a large group holds many folders open.
fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let now = getrlimit(Resource::Nofile);
        // macOS refuses a number that is larger than its own limit.
        for wanted in [now.maximum, Some(10_240)] {
            let mut limit = now;
            limit.current = wanted;
            if setrlimit(Resource::Nofile, limit).is_ok() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
