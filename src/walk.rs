//! The only reader: walks the roots in parallel, reads what is wanted, and keeps what its caller keeps of it.
//!
//! Knows no rule and no YAML: which files are wanted, and what is worth keeping of their bytes, come in as closures.

use std::any::Any;
use std::fs::{File, FileType};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};

mod content;
mod exclude;
mod look;
mod problem;
mod roots;

pub use content::{LIMIT, ReadError, read, read_bytes, read_from};
pub use look::{
    Entry, FileId, file_id, is_file, is_folder, is_read_only, is_there, list, look, real,
    working_directory,
};
pub use problem::Problem;

use content::{Buffer, Read};
use exclude::Exclude;
use roots::Roots;

/// What version control keeps beside the files. Never looked into.
const STORES: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

/// Hidden folders that tools fill with copies of what others wrote.
const CACHES: [&str; 12] = [
    ".cache",
    ".direnv",
    ".gradle",
    ".mypy_cache",
    ".nox",
    ".npm",
    ".pytest_cache",
    ".terraform",
    ".terragrunt-cache",
    ".tox",
    ".venv",
    ".yarn",
];

const LINK: &str = "a symbolic link, which is not followed";
const SPECIAL: &str = "no regular file";
const LARGER: &str = "larger than 64 MiB, and nothing to see at a glance";

/// Where to walk, and what to leave out.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and folders. `-` is no standard input here, but a file of that name.
    pub roots: Vec<PathBuf>,
    /// Globs as in a `.gitignore` file that stands in `base`.
    pub exclude: Vec<String>,
    pub base: PathBuf,
    /// Whether `exclude` holds for the roots themselves too.
    pub force_exclude: bool,
    /// Whether hidden files and folders are looked into, except for those that version control and other tools fill.
    pub hidden: bool,
    /// 0: as many as there are cores, but not more than pays.
    pub threads: usize,
    /// A folder of our own that is looked for in each folder, and not looked into.
    pub marker: Option<&'static str>,
}

impl Options {
    /// Whether `exclude` names a file that was not met on the way, or a folder above it.
    pub fn excludes(&self, path: &Path) -> bool {
        !self.exclude.is_empty()
            && Exclude::new(&self.exclude, &self.base)
                .is_ok_and(|exclude| exclude.has_root(path, false))
    }
}

/// What a walk asks its caller about each file.
///
/// All three are called from many threads. A panic in one of them costs its file only.
pub struct Sieve<'s, K, T> {
    /// What to read a file as, by its path and whether it was named as a root; `None` leaves it unread. A caller that
    /// keeps its users' word wants every file that was named.
    pub wanted: &'s Wanted<'s, K>,
    /// What to keep of a file, by its bytes; `None` forgets it.
    pub keep: &'s Keep<'s, K, T>,
    /// Whether a part of a file that is too large to be kept could hold what is looked for.
    pub suspect: &'s (dyn Fn(&[u8]) -> bool + Sync),
}

pub type Wanted<'s, K> = dyn Fn(&Path, bool) -> Option<K> + Sync + 's;
pub type Keep<'s, K, T> = dyn Fn(&Path, K, &[u8]) -> Option<T> + Sync + 's;

/// What a walk came to, the same whatever the number of threads.
#[derive(Debug)]
pub struct Outcome<T> {
    /// In the order of their paths, byte by byte within each component.
    pub kept: Vec<(PathBuf, T)>,
    pub problems: Vec<Problem>,
    /// Wanted by name, but not read; the reason in words.
    pub skipped: Vec<(PathBuf, &'static str)>,
    /// Folders in which there is something called [`Options::marker`].
    pub marked: Vec<PathBuf>,
    pub counts: Counts,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that were read, those beyond the limit included.
    pub files: usize,
    pub bytes: u64,
    /// Files that were not wanted.
    pub unwanted: usize,
    /// Files and folders left out by `exclude`; a folder counts once.
    pub excluded: usize,
}

impl<T> Default for Outcome<T> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            problems: Vec::new(),
            skipped: Vec::new(),
            marked: Vec::new(),
            counts: Counts::default(),
        }
    }
}

/// Reads each wanted file under the roots once.
///
/// What git ignores, and what is hidden unless asked for, is left out as ripgrep leaves it out, but never a root. Symbolic links are
/// followed only where they are roots. Paths are shown as the root was given, without a leading `./`.
pub fn walk<K, T: Send>(options: &Options, sieve: &Sieve<'_, K, T>) -> Outcome<T> {
    let mut outcome = Outcome::default();
    let exclude = match Exclude::new(&options.exclude, &options.base) {
        Ok(exclude) => exclude,
        Err(problem) => {
            outcome.problems.push(problem);
            return outcome;
        }
    };
    let mut roots = Roots::resolve(&options.roots, &mut outcome.problems);
    if options.force_exclude {
        outcome.counts.excluded += roots.drop_if(|path, folder| exclude.has_root(path, folder));
    }
    let mut paths = roots.paths();
    let Some(first) = paths.next() else {
        return sorted(outcome);
    };
    let mut builder = WalkBuilder::new(first);
    for path in paths {
        builder.add(path);
    }
    if options.hidden {
        let marker = options.marker;
        let kept_by_tool = move |entry: &DirEntry| {
            let mut names = STORES.iter().chain(&CACHES).chain(&marker);
            entry.depth() > 0 && names.any(|name| entry.file_name() == *name)
        };
        builder.hidden(false);
        builder.filter_entry(move |entry| !kept_by_tool(entry));
    }
    let shared = Shared {
        sieve,
        exclude,
        marker: options.marker,
        roots: &roots,
        walked: Mutex::new(outcome),
    };
    let walker = builder.threads(options.threads).build_parallel();
    walker.visit(&mut &shared);
    let walked = shared.walked.into_inner();
    sorted(walked.unwrap_or_else(PoisonError::into_inner))
}

fn sorted<T>(mut outcome: Outcome<T>) -> Outcome<T> {
    outcome.kept.sort_by(|(one, _), (other, _)| one.cmp(other));
    outcome.skipped.sort();
    outcome.marked.sort();
    // Roots that lie side by side have the same ignore files above them.
    outcome.problems.sort();
    outcome.problems.dedup();
    outcome
}

/// What the threads share.
struct Shared<'w, K, T> {
    sieve: &'w Sieve<'w, K, T>,
    exclude: Exclude,
    marker: Option<&'static str>,
    roots: &'w Roots,
    walked: Mutex<Outcome<T>>,
}

impl<'w, K, T: Send> ParallelVisitorBuilder<'w> for &'w Shared<'w, K, T> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 'w> {
        Box::new(Worker {
            shared: self,
            buffer: Buffer::new(LIMIT),
            found: Outcome::default(),
        })
    }
}

/// One thread, with a buffer and an outcome of its own, so that nothing is locked until it is done.
struct Worker<'w, K, T> {
    shared: &'w Shared<'w, K, T>,
    buffer: Buffer,
    found: Outcome<T>,
}

impl<K, T> Drop for Worker<'_, K, T> {
    fn drop(&mut self) {
        let mut walked = self
            .shared
            .walked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        walked.kept.append(&mut self.found.kept);
        walked.problems.append(&mut self.found.problems);
        walked.skipped.append(&mut self.found.skipped);
        walked.marked.append(&mut self.found.marked);
        let counts = self.found.counts;
        walked.counts.files += counts.files;
        walked.counts.bytes += counts.bytes;
        walked.counts.unwanted += counts.unwanted;
        walked.counts.excluded += counts.excluded;
    }
}

impl<K, T: Send> ParallelVisitor for Worker<'_, K, T> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        match entry {
            Ok(entry) => self.enter(&entry),
            Err(error) => {
                self.found.problems.extend(Problem::of_walk(&error));
                WalkState::Continue
            }
        }
    }
}

impl<K, T> Worker<'_, K, T> {
    fn enter(&mut self, entry: &DirEntry) -> WalkState {
        let Some(kind) = entry.file_type() else {
            return WalkState::Continue;
        };
        let path = shown(entry.path());
        let root = entry.depth() == 0;
        if !root && self.shared.roots.hold(entry.path()) {
            return WalkState::Skip;
        }
        if !root && self.shared.exclude.has(path, kind.is_dir()) {
            self.found.counts.excluded += 1;
            return WalkState::Skip;
        }
        if kind.is_dir() {
            let problems = entry.error().map(Problem::of_walk);
            self.found.problems.extend(problems.into_iter().flatten());
            let marker = self.shared.marker;
            if marker.is_some_and(|marker| is_there(&entry.path().join(marker))) {
                self.found.marked.push(path.to_owned());
            }
        } else if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.sift(path, root, kind))) {
            let problem = Problem::panicked(path, &said(&*panic));
            self.found.problems.push(problem);
        }
        WalkState::Continue
    }

    /// The name is asked about first, for most names of most trees are not wanted.
    fn sift(&mut self, path: &Path, root: bool, file_type: FileType) {
        let Some(kind) = (self.shared.sieve.wanted)(path, root) else {
            self.found.counts.unwanted += 1;
            return;
        };
        if !file_type.is_file() {
            let link = file_type.is_symlink();
            self.skip(path, if link { LINK } else { SPECIAL });
            return;
        }
        match self.load(path, kind) {
            Ok(()) => self.found.counts.files += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !root => {
                self.found.problems.push(Problem::vanished(path));
            }
            Err(error) => self.found.problems.push(Problem::unreadable(path, &error)),
        }
    }

    fn load(&mut self, path: &Path, kind: K) -> io::Result<()> {
        let mut file = File::open(path)?;
        match self.buffer.read(&mut file, self.shared.sieve.suspect)? {
            Read::Whole(bytes) => {
                self.found.counts.bytes += bytes.len() as u64;
                if let Some(kept) = (self.shared.sieve.keep)(path, kind, bytes) {
                    self.found.kept.push((path.to_owned(), kept));
                }
            }
            Read::Larger { suspect: true } => self.found.problems.push(Problem::larger(path)),
            Read::Larger { suspect: false } => self.skip(path, LARGER),
        }
        Ok(())
    }

    fn skip(&mut self, path: &Path, reason: &'static str) {
        self.found.skipped.push((path.to_owned(), reason));
    }
}

/// A path without the `./` that the root `.` gives it.
fn shown(path: &Path) -> &Path {
    match path.strip_prefix(".") {
        Ok(rest) if !rest.as_os_str().is_empty() => rest,
        _ => path,
    }
}

/// The words of a panic.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
        .to_owned()
}
