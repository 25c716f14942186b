//! The only reader: walks the roots in parallel, reads the files that its caller wants, and keeps what the caller asks for.
//!
//! Knows nothing of rules and YAML: closures decide which files are wanted, and what to keep of their bytes.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

mod content;
mod exclude;
mod folder;
mod ignores;
mod overlay;
mod probe;
mod problem;
mod roots;

pub use content::{Cause, LIMIT, ReadError, read, read_bytes, read_from};
pub use overlay::{Identity, Overlay};
pub use probe::{
    EntryKind, FileId, file_id, is_file, is_folder, is_read_only, is_there, list, look, real,
    working_directory,
};
pub use problem::Problem;

use exclude::Exclude;
use folder::Walk;
use probe::named;
use roots::Roots;

/// Hidden folders that tools fill with copies of what others wrote. They are entered only if git tracks something in them.
pub const CACHES: [&str; 12] = [
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
const SPECIAL: &str = "not a regular file";
const SUBMODULE: &str = "a submodule, whose files are in another repository";
/// The reason for a file that is not wanted by its name, if everything that is left out is to be listed.
const OTHER_TYPE: &str =
    "may name a legacy registry, but regfix does not read files of this type (--all-text does)";
const LARGER: &str = "larger than 64 MiB, and a quick search found no legacy reference";

/// Where to walk, and what to leave out.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and folders. `-` is not standard input here, but a file of that name.
    pub roots: Vec<PathBuf>,
    /// Globs as in a `.gitignore` file that is in `base`.
    pub exclude: Vec<String>,
    pub base: PathBuf,
    /// Whether `exclude` also applies to the roots themselves.
    pub force_exclude: bool,
    /// Whether hidden files and folders are read, except for those that version control and other tools fill.
    pub hidden: bool,
    /// Whether what is left out is listed, and not only counted.
    pub list_left_out: bool,
    /// The number of threads. 0 stands for the pool that the process has.
    pub threads: usize,
    /// The name of a folder of regfix that is looked for in each folder, and not read.
    pub marker: Option<&'static str>,
    /// Folders under the roots that are left to other runs. Their paths begin as `roots` spells the root above them.
    pub apart: Vec<PathBuf>,
    /// Whether repositories in folders under the roots are left out.
    pub skips_repositories: bool,
    /// What is read in place of the disk. Its paths are visited, or left out, like those of files.
    pub overlay: Arc<Overlay>,
}

impl Options {
    /// Whether `exclude` matches a file that the walk did not visit, or a folder above it.
    pub fn excludes(&self, path: &Path) -> bool {
        !self.exclude.is_empty()
            && Exclude::new(&self.exclude, &self.base)
                .is_ok_and(|exclude| exclude.has_root(path, false))
    }
}

/// The callbacks of a walk.
///
/// All are called from many threads. A panic in one of them affects only its file.
pub struct Filter<'s, K, T> {
    /// Called with each folder and all its names, before the other callbacks are called for its files.
    pub listed: &'s Listed<'s>,
    /// Returns what to read a file as, given its path and whether it was named as a root. Callers should want every file that
    /// the user named.
    pub wanted: &'s Wanted<'s, K>,
    /// Returns what to keep of a file, given its bytes: borrowed as they are, or owned if they were UTF-16.
    pub keep: &'s Keep<'s, K, T>,
    /// Whether a part of a file that is not kept could contain what is looked for.
    pub suspect: &'s (dyn Fn(&Path, &[u8]) -> bool + Sync),
}

/// Whether a caller wants a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want<K> {
    Read(K),
    /// It would be read if it were not excluded.
    Excluded,
    /// It is a file of regfix, such as its configuration or a report, which nobody expects to be checked.
    Ours,
    Nothing,
}

impl<K> From<Option<K>> for Want<K> {
    fn from(wanted: Option<K>) -> Self {
        wanted.map_or(Self::Nothing, Self::Read)
    }
}

pub type Listed<'s> = dyn Fn(&Path, &mut dyn Iterator<Item = &OsStr>) + Sync + 's;
pub type Wanted<'s, K> = dyn Fn(&Path, bool) -> Want<K> + Sync + 's;
pub type Keep<'s, K, T> = dyn Fn(&Path, K, &Cow<'_, [u8]>) -> Kept<T> + Sync + 's;

/// What a caller keeps of a file that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept<T> {
    This(T),
    Nothing,
    /// It is a report of regfix, which is left out.
    Report,
}

impl<T> From<Option<T>> for Kept<T> {
    fn from(kept: Option<T>) -> Self {
        kept.map_or(Self::Nothing, Self::This)
    }
}

/// The result of a walk, which is the same for any number of threads.
#[derive(Debug)]
pub struct Walked<T> {
    /// What was kept, in the order of paths, compared byte by byte within each component.
    pub kept: Vec<(PathBuf, T)>,
    pub problems: Vec<Problem>,
    /// Files that were wanted by name but not read, with the reason. Also what is left out, if that is asked for.
    pub skipped: Vec<(PathBuf, &'static str)>,
    /// Folders with an entry called [`Options::marker`].
    pub marked: Vec<PathBuf>,
    pub counts: Counts,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that were read, including those that exceed the size limit.
    pub files: usize,
    pub bytes: u64,
    /// Files that were not wanted.
    pub unwanted: usize,
    /// Files and folders that are excluded, by `exclude` or by [`Want::Excluded`]. Here and below, a folder counts once,
    /// whatever it holds; below, a file counts only if it would have been read.
    pub excluded: usize,
    /// Files and folders that ignore files list.
    pub ignored: usize,
    /// Hidden files and folders, and hidden caches of tools, but not the folders of version control.
    pub hidden: usize,
    /// Reports of regfix.
    pub reports: usize,
}

/// Why something is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeftOut {
    Excluded,
    Ignored,
    Hidden,
    Cache,
    Report,
}

impl LeftOut {
    fn reason(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Ignored => "listed in an ignore file",
            Self::Hidden => "hidden",
            Self::Cache => "a hidden folder that a tool fills",
            Self::Report => "a report of regfix",
        }
    }
}

impl Counts {
    fn left_out(&mut self, why: LeftOut) -> &mut usize {
        match why {
            LeftOut::Excluded => &mut self.excluded,
            LeftOut::Ignored => &mut self.ignored,
            LeftOut::Hidden | LeftOut::Cache => &mut self.hidden,
            LeftOut::Report => &mut self.reports,
        }
    }

    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.unwanted += other.unwanted;
        self.excluded += other.excluded;
        self.ignored += other.ignored;
        self.hidden += other.hidden;
        self.reports += other.reports;
    }
}

impl<T> Walked<T> {
    fn add(&mut self, mut other: Self) {
        self.kept.append(&mut other.kept);
        self.problems.append(&mut other.problems);
        self.skipped.append(&mut other.skipped);
        self.marked.append(&mut other.marked);
        self.counts.add(other.counts);
    }
}

impl<T> Default for Walked<T> {
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
/// Leaves out what git ignores and, unless asked for, what is hidden, like ripgrep, but never a root, and never a file that
/// git tracks although it is ignored. Follows symbolic links only if they are roots. Paths begin with the root as given,
/// without a leading `./`.
pub fn walk<K: Send, T: Send>(options: &Options, filter: &Filter<'_, K, T>) -> Walked<T> {
    let mut outcome = Walked::default();
    let exclude = match Exclude::new(&options.exclude, &options.base) {
        Ok(exclude) => exclude,
        Err(problem) => {
            outcome.problems.push(problem);
            return outcome;
        }
    };
    let mut roots = Roots::resolve(&options.roots, &options.overlay, &mut outcome.problems);
    roots.leave(&options.apart);
    if options.force_exclude {
        outcome.counts.excluded += roots.drop_if(|path, folder| exclude.has_root(path, folder));
    }
    let visit = || {
        let walk = Walk::new(filter, &exclude, &roots, options);
        walk.run();
        walk.into_outcome(outcome)
    };
    let pool = (options.threads > 0).then(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads);
        pool.build().ok()
    });
    sorted(match pool.flatten() {
        Some(pool) => pool.install(visit),
        None => visit(),
    })
}

fn sorted<T: Send>(mut outcome: Walked<T>) -> Walked<T> {
    let kept = outcome.kept.as_mut_slice();
    kept.par_sort_by(|(one, _), (other, _)| one.cmp(other));
    outcome.skipped.sort();
    outcome.marked.sort();
    // Roots in the same folder have the same ignore files above them, and the same problems with these.
    outcome.problems.sort();
    outcome.problems.dedup();
    outcome
}

/// Returns a path without a leading `./`.
fn without_dot(path: &Path) -> &Path {
    match path.strip_prefix(".") {
        Ok(rest) if !rest.as_os_str().is_empty() => rest,
        _ => path,
    }
}
