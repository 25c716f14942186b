//! Projects: files that are judged together. One module for each kind.
//!
//! Independent of disk, threads and formats: files come in through [`Tree`], findings go out through [`Members`].

pub mod assertions;
pub mod builds;
pub mod copied;
pub mod helm;
pub mod kustomize;
pub mod selectors;
mod spelled;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::file_type::FileType;
use crate::finding::{Findings, Problem, Unjudged};

/// The most folders, from a file's own one up, that are searched for the root of its repository.
const MOST_ABOVE: usize = 32;

/// Iterates over a folder and those above it, up to the outermost one that the run may read.
fn folders_above(tree: &dyn Tree, folder: &Path) -> impl Iterator<Item = PathBuf> {
    let above = (0..MOST_ABOVE).map(move |depth| tree.resolve(folder, &"../".repeat(depth)));
    above.take_while(|folder| tree.place(folder) == PathKind::Folder)
}

/// Returns the paths that `named`, relative to the root of the repository, may mean. The root is not known here, so there
/// is one for each folder above, the outermost first.
fn paths_at_root(tree: &dyn Tree, folder: &Path, named: &str) -> Vec<PathBuf> {
    let named = named.trim_start_matches("./").trim_start_matches('/');
    let above = folders_above(tree, folder);
    let mut paths: Vec<PathBuf> = above.map(|folder| tree.resolve(&folder, named)).collect();
    paths.reverse();
    paths
}

/// The files around a project that the run lets it read: nothing outside the repository.
///
/// Paths are spelled as the walk spells them, so that equal paths are the same file.
pub trait Tree: Sync {
    /// Resolves `target` as written in a file of `folder`. Spells the result as the walk would.
    fn resolve(&self, folder: &Path, target: &str) -> PathBuf;
    fn place(&self, path: &Path) -> PathKind;
    /// Whether a file that the run may read is at a path.
    fn is_file(&self, path: &Path) -> bool {
        self.place(path) == PathKind::File
    }
    /// Returns a file's text, decoded from UTF-8 or UTF-16. `None` if the file cannot be read as text.
    fn text(&self, path: &Path) -> Option<Arc<str>>;
    /// Returns a file's bytes, such as an archive's.
    fn bytes(&self, path: &Path) -> Option<Vec<u8>>;
    /// Lists a folder in order, including what git ignores.
    fn list(&self, folder: &Path) -> Vec<PathBuf>;
    /// Whether the walk found something in a file that a rule could apply to.
    fn is_suspect(&self, path: &Path) -> bool;
    /// The files below a folder in which the walk found something, in order.
    fn suspects(&self, folder: &Path) -> Vec<PathBuf>;
    /// The files below a folder in which the walk found the beginning of a location whose rest may be in another file.
    fn beginnings(&self, folder: &Path) -> Vec<PathBuf>;
}

/// The kind of thing at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    Missing,
    File,
    Folder,
    /// Something may be there, but its kind cannot be determined.
    Unreadable,
    /// Outside of what the run may read.
    Outside,
}

/// One of the files that are judged together.
#[derive(Debug)]
pub struct Member {
    pub file_type: &'static FileType,
    /// The text in this pass, with the fixes of earlier passes applied.
    pub text: Arc<str>,
    /// The offsets at which a search of this text found something, if it was searched.
    pub hints: Option<Arc<[usize]>>,
    /// Whether the file exists. A fix may create one that does not.
    pub exists: bool,
    /// The reason why the run may not write the file, if it may not.
    pub locked: Option<Arc<str>>,
    pub findings: Findings,
    pub problems: Vec<Problem>,
    pub unjudged: Vec<Unjudged>,
    /// Whether only the beginning was checked.
    pub is_cut: bool,
}

impl Member {
    /// Creates a member for a file that exists and may be written.
    pub fn new(file_type: &'static FileType, text: Arc<str>) -> Self {
        Self {
            file_type,
            text,
            hints: None,
            exists: true,
            locked: None,
            findings: Findings::default(),
            problems: Vec::new(),
            unjudged: Vec::new(),
            is_cut: false,
        }
    }

    /// Replaces the text and returns the old one.
    pub fn replace_text(&mut self, text: Arc<str>) -> Arc<str> {
        self.hints = None;
        std::mem::replace(&mut self.text, text)
    }
}

/// The files of a group by their paths.
pub type Members = BTreeMap<PathBuf, Member>;

/// Returns the text of a file in this pass: that of the member, or that of the tree.
pub fn current_text(tree: &dyn Tree, members: &Members, path: &Path) -> Option<Arc<str>> {
    match members.get(path) {
        Some(member) => Some(Arc::clone(&member.text)),
        None => tree.text(path),
    }
}

/// A kind of project: files that belong together.
pub trait Project: Sync {
    /// Returns the files that have to be judged together, including those that a fix may create. Groups may overlap. Groups
    /// that cannot have findings are left out, because every member is read.
    ///
    /// Files that the settings exclude, or whose type is unknown, do not become members.
    fn groups(&self) -> Vec<Vec<PathBuf>>;
    /// Adds the findings that only several files show, and drops those that they disprove. Returns the plan for the findings
    /// that are left after ignore comments and settings.
    fn find(&self, members: &mut Members) -> Plan<'_>;
}

/// A function that turns the remaining findings into edits: joint ones where findings meet, none where they would break
/// another file. Texts and ids are those that `find` saw; findings may only have been removed since.
pub type Plan<'p> = Box<dyn FnOnce(&mut Members) + 'p>;
