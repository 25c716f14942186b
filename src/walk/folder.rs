//! Visits a folder of a walk: lists it, decides what is left out, and reads its files.
//!
//! Folders are visited in parallel. Each thread keeps what it finds to itself until the walk is over.

mod listing;

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;

use super::content::{Buffer, Read};
use super::exclude::Exclude;
use super::ignores::{Asked, IgnoreRule, Ignores, Own};
use super::roots::{Root, Roots};
use super::{
    CACHES, Filter, Kept, LARGER, LIMIT, LINK, LeftOut, OTHER_TYPE, Overlay, Problem, SPECIAL,
    SUBMODULE, Walked, Want, named,
};
use crate::encoding::to_utf8;
use crate::git::Unread;
use crate::open::{self, Links};
use crate::source::STORES;
use listing::{Entry, Listing, What, list};

/// A walk that is under way.
pub(super) struct Walk<'w, K, T> {
    pub(super) filter: &'w Filter<'w, K, T>,
    pub(super) exclude: &'w Exclude,
    pub(super) roots: &'w Roots,
    pub(super) hidden: bool,
    /// Whether what is left out is listed, and not only counted.
    pub(super) listed: bool,
    skips_repositories: bool,
    marker: Option<&'static str>,
    overlay: &'w Overlay,
    own: Own,
    workers: Vec<Mutex<Worker<T>>>,
}

/// The buffer and the results of one thread.
struct Worker<T> {
    buffer: Buffer,
    found: Walked<T>,
}

/// A folder to visit.
struct Folder {
    /// The path as shown: empty for the working directory.
    path: PathBuf,
    /// The root that it is under.
    root: Arc<Base>,
    ignores: Arc<Ignores>,
    /// Whether it is itself ignored, and entered only because git tracks something below it.
    is_ignored: bool,
}

impl Folder {
    /// Returns a folder in this one.
    fn below(&self, path: &Path, is_ignored: bool) -> Self {
        Self {
            path: path.to_owned(),
            root: Arc::clone(&self.root),
            ignores: Arc::clone(&self.ignores),
            is_ignored,
        }
    }
}

/// The path of a root as shown, and with its links resolved.
struct Base {
    shown: PathBuf,
    real: PathBuf,
}

impl Base {
    fn full(&self, path: &Path) -> PathBuf {
        self.real
            .join(path.strip_prefix(&self.shown).unwrap_or(path))
    }
}

impl<'w, K: Send, T: Send> Walk<'w, K, T> {
    pub(super) fn new(
        filter: &'w Filter<'w, K, T>,
        exclude: &'w Exclude,
        roots: &'w Roots,
        options: &'w super::Options,
    ) -> Self {
        let worker = || {
            Mutex::new(Worker {
                buffer: Buffer::new(LIMIT),
                found: Walked::default(),
            })
        };
        Self {
            filter,
            exclude,
            roots,
            hidden: options.hidden,
            listed: options.list_left_out,
            marker: options.marker,
            skips_repositories: options.skips_repositories,
            overlay: &options.overlay,
            own: Own::default(),
            workers: (0..=rayon::current_num_threads())
                .map(|_| worker())
                .collect(),
        }
    }

    /// Visits all roots, in the thread pool that it is called in.
    pub(super) fn run(&self) {
        rayon::scope(|scope| {
            for root in self.roots.iter() {
                scope.spawn(move |scope| self.start(scope, root));
            }
        });
    }

    /// Adds what all threads have found.
    pub(super) fn into_outcome(self, mut outcome: Walked<T>) -> Walked<T> {
        for worker in self.workers {
            let worker = worker.into_inner().unwrap_or_else(PoisonError::into_inner);
            outcome.add(worker.found);
        }
        outcome
    }

    /// Calls `act` with the worker of this thread, which no other thread uses meanwhile.
    fn with<R>(&self, act: impl FnOnce(&mut Worker<T>) -> R) -> R {
        let last = self.workers.len() - 1;
        let at = rayon::current_thread_index().map_or(last, |at| at.min(last));
        let mut worker = self.workers[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        act(&mut worker)
    }

    fn start<'s>(&'s self, scope: &Scope<'s>, root: &'s Root) {
        if !root.folder {
            return self.with(|worker| self.file(worker, super::without_dot(&root.path), None));
        }
        let shown = super::roots::below(&root.path).to_owned();
        let mut problems = Vec::new();
        // Git tracks all files of a revision, and tracked files are not ignored.
        let ignores = match self.overlay.top_of(&root.path) {
            Some(_) => Ignores::none(),
            None => Ignores::above(&root.real, &mut problems),
        };
        self.with(|worker| worker.found.problems.append(&mut problems));
        let base = Base {
            shown: shown.clone(),
            real: root.real.clone(),
        };
        let folder = Folder {
            path: shown,
            root: Arc::new(base),
            ignores,
            is_ignored: false,
        };
        self.enter(scope, folder);
    }

    fn enter<'s>(&'s self, scope: &Scope<'s>, mut folder: Folder) {
        let Listing {
            entries,
            holds,
            error,
        } = list(&folder.path, self.overlay);
        let is_nested = holds.repository && folder.path != folder.root.shown;
        if is_nested && self.skips_repositories {
            return;
        }
        self.with(|worker| {
            if error.is_none() {
                let mut names = entries.iter().map(|entry| entry.name.as_os_str());
                // A panic is not reported here: the other callbacks are still called for these names.
                let _ = catch(|| (self.filter.listed)(&folder.path, &mut names));
            }
            let problems = &mut worker.found.problems;
            problems.extend(error.map(|error| match error.kind() {
                io::ErrorKind::NotFound => Problem::vanished(named(&folder.path)),
                _ => Problem::unreadable(named(&folder.path), &error),
            }));
            if self.overlay.top_of(&folder.path).is_none() {
                folder.ignores = folder.ignores.below(&folder.path, holds, problems);
            }
            let marked = |entry: &Entry| self.marker.is_some_and(|marker| entry.name == marker);
            if entries.iter().any(marked) {
                worker.found.marked.push(named(&folder.path).to_owned());
            }
            let mut path = folder.path.clone();
            for entry in entries {
                path.push(&entry.name);
                self.meet(scope, worker, &folder, &path, &entry);
                path.pop();
            }
        });
    }

    fn meet<'s>(
        &'s self,
        scope: &Scope<'s>,
        worker: &mut Worker<T>,
        folder: &Folder,
        path: &Path,
        entry: &Entry,
    ) {
        if self.roots.hold(path) {
            return;
        }
        let is_folder = entry.kind == What::Folder;
        let asked = Asked {
            path,
            full: &|| folder.root.full(path),
            is_folder,
        };
        let rule = match folder.is_ignored {
            true => IgnoreRule::Ignored,
            false => folder.ignores.rule_for(&asked, &self.own),
        };
        let is_hidden = entry.is_hidden(path);
        let is_one_of = |names: &[&str]| is_hidden && names.iter().any(|name| entry.name == *name);
        if is_one_of(&STORES) {
            return;
        }
        if is_one_of(self.marker.as_slice()) {
            return self.leave_out(worker, path, is_folder, LeftOut::Hidden);
        }
        let problems = &mut worker.found.problems;
        let is_ignored = rule == IgnoreRule::Ignored;
        if entry.kind == What::Submodule {
            return worker.found.skipped.push((path.to_owned(), SUBMODULE));
        }
        if is_ignored && !folder.ignores.tracks(&asked, problems) {
            return self.leave_out(worker, path, is_folder, LeftOut::Ignored);
        }
        let is_tracked = self.overlay.snapshot_of(path).is_some();
        if is_folder
            && is_one_of(&CACHES)
            && !is_tracked
            && !folder.ignores.tracks(&asked, problems)
        {
            return self.leave_out(worker, path, is_folder, LeftOut::Cache);
        }
        if is_hidden && !self.hidden && rule != IgnoreRule::Kept {
            return self.leave_out(worker, path, is_folder, LeftOut::Hidden);
        }
        if self.exclude.has(path, is_folder) {
            return self.leave_out(worker, path, is_folder, LeftOut::Excluded);
        }
        if !is_folder {
            return self.file(worker, path, Some(entry.kind));
        }
        let below = folder.below(path, is_ignored);
        scope.spawn(move |scope| self.enter(scope, below));
    }

    /// Counts a folder, an excluded file, or any other file that would have been read. Lists it if that is asked for.
    fn leave_out(&self, worker: &mut Worker<T>, path: &Path, is_folder: bool, why: LeftOut) {
        let counts = || matches!((self.filter.wanted)(path, false), Want::Read(_));
        if !is_folder && why != LeftOut::Excluded && !matches!(catch(counts), Ok(true)) {
            return;
        }
        *worker.found.counts.left_out(why) += 1;
        if self.listed {
            let row = (path.to_owned(), why.reason());
            worker.found.skipped.push(row);
        }
    }

    /// Visits a file. `kind` is that of the entry; `None` for a root, which may be a link to a file.
    fn file(&self, worker: &mut Worker<T>, path: &Path, kind: Option<What>) {
        if let Err(panic) = catch(|| self.visit_file(worker, path, kind)) {
            let problem = Problem::panicked(path, &panic_message(&*panic));
            worker.found.problems.push(problem);
        }
    }

    /// Asks about the name first, because most names in most trees are not wanted.
    fn visit_file(&self, worker: &mut Worker<T>, path: &Path, kind: Option<What>) {
        let wanted = match (self.filter.wanted)(path, kind.is_none()) {
            Want::Read(wanted) => wanted,
            Want::Excluded => return self.leave_out(worker, path, false, LeftOut::Excluded),
            Want::Ours => return,
            Want::Nothing => {
                worker.found.counts.unwanted += 1;
                if self.listed && kind.is_none_or(|kind| kind == What::File) {
                    self.look_at_other(worker, path);
                }
                return;
            }
        };
        if let Some(kind) = kind.filter(|kind| *kind != What::File) {
            let reason = if kind == What::Link { LINK } else { SPECIAL };
            worker.found.skipped.push((path.to_owned(), reason));
            return;
        }
        if let Some(met) = self.overlay.met(path) {
            match met {
                Ok(bytes) => {
                    // Reading from memory cannot fail.
                    let _ = self.load(worker, path, wanted, &mut &*bytes);
                }
                Err(Unread::Absent) => worker.found.problems.push(Problem::absent(path)),
                Err(Unread::Larger) => worker.found.problems.push(Problem::larger(path)),
                Err(Unread::NoFile) => worker.found.problems.push(Problem::vanished(path)),
            }
            return;
        }
        // A root may be a link. If a file in a listing is a link by now, somebody replaced it on purpose.
        let file = match kind {
            Some(_) => open::listed(path),
            None => open::regular(path, Links::Follow),
        };
        match file.and_then(|mut file| self.load(worker, path, wanted, &mut file)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && kind.is_some() => {
                worker.found.problems.push(Problem::vanished(path));
            }
            Err(error) => {
                let problem = Problem::unreadable(path, &error);
                worker.found.problems.push(problem);
            }
        }
    }

    /// Lists a text file of a type that is not read, if its content is suspect.
    fn look_at_other(&self, worker: &mut Worker<T>, path: &Path) {
        let suspect = |bytes: &[u8]| (self.filter.suspect)(path, bytes);
        let found = match self.overlay.met(path) {
            Some(Ok(bytes)) => worker.buffer.holds(&mut &*bytes, &suspect),
            Some(Err(_)) => return,
            None => {
                let file = open::listed(path);
                file.and_then(|mut file| worker.buffer.holds(&mut file, &suspect))
            }
        };
        // A file that cannot be read is not reported, because it was not wanted.
        if found.is_ok_and(|found| found) {
            worker.found.skipped.push((path.to_owned(), OTHER_TYPE));
        }
    }

    fn load(
        &self,
        worker: &mut Worker<T>,
        path: &Path,
        wanted: K,
        file: &mut impl io::Read,
    ) -> io::Result<()> {
        let suspect = |bytes: &[u8]| (self.filter.suspect)(path, bytes);
        match worker.buffer.read(file, &suspect)? {
            Read::Whole(bytes) => {
                worker.found.counts.bytes += bytes.len() as u64;
                match (self.filter.keep)(path, wanted, &to_utf8(bytes)) {
                    Kept::This(kept) => worker.found.kept.push((path.to_owned(), kept)),
                    Kept::Nothing => {}
                    Kept::Report => {
                        self.leave_out(worker, path, false, LeftOut::Report);
                        return Ok(());
                    }
                }
            }
            Read::Larger { suspect: true } => worker.found.problems.push(Problem::larger(path)),
            Read::Larger { suspect: false } => {
                worker.found.skipped.push((path.to_owned(), LARGER));
            }
        }
        worker.found.counts.files += 1;
        Ok(())
    }
}

fn catch<R>(act: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(act))
}

/// The message of a panic.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
        .to_owned()
}
