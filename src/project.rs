//! Projects: files that are judged together. One module for each kind.
//!
//! Knows no disk, no threads and no formats: files come in through [`Tree`], findings go out through [`Members`].

pub mod assertions;
pub mod builds;
pub mod helm;
pub mod kustomize;
pub mod selectors;
mod spelled;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::file_type::FileType;
use crate::finding::{Findings, Problem, Unjudged};

/// Roots of repositories are looked for so far above a file.
const MOST_ABOVE: usize = 32;

/// A folder and those above it, as far as the run may see.
fn folders_above(tree: &dyn Tree, folder: &Path) -> impl Iterator<Item = PathBuf> {
    let above = (0..MOST_ABOVE).map(move |depth| tree.resolve(folder, &"../".repeat(depth)));
    above.take_while(|folder| tree.place(folder) == PathKind::Folder)
}

/// Where a path may lead that is taken from the root of the repository. Where that ends is not known here, only where nothing
/// more may be seen: the outermost folder comes first.
fn paths_at_root(tree: &dyn Tree, folder: &Path, named: &str) -> Vec<PathBuf> {
    let named = named.trim_start_matches("./").trim_start_matches('/');
    let above = folders_above(tree, folder);
    let mut paths: Vec<PathBuf> = above.map(|folder| tree.resolve(&folder, named)).collect();
    paths.reverse();
    paths
}

/// The files around a project, as the run lets it see them: nothing outside the repository.
///
/// Paths are spelled as the walk spells them, so that equal paths are the same file.
pub trait Tree: Sync {
    /// What `target` means in a file of `folder`, spelled as the walk would.
    fn resolve(&self, folder: &Path, target: &str) -> PathBuf;
    fn place(&self, path: &Path) -> PathKind;
    /// A file's text, `None` where there is none that can be read as UTF-8.
    fn text(&self, path: &Path) -> Option<Arc<str>>;
    /// A file's bytes, such as an archive's.
    fn bytes(&self, path: &Path) -> Option<Vec<u8>>;
    /// What lies in a folder, in order, git's ignore rules or not.
    fn list(&self, folder: &Path) -> Vec<PathBuf>;
    /// Whether the walk found something in a file that a rule could apply to.
    fn is_suspect(&self, path: &Path) -> bool;
    /// The files below a folder in which the walk found something, in order.
    fn suspects(&self, folder: &Path) -> Vec<PathBuf>;
    /// The files below a folder in which the walk found the beginning of a location, whose rest may be in another.
    fn beginnings(&self, folder: &Path) -> Vec<PathBuf>;
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    Missing,
    File,
    Folder,
    /// Something may be there, but the system does not say what.
    Unreadable,
    /// Beyond what the run may see.
    Outside,
}

/// One of the files that are judged together.
#[derive(Debug)]
pub struct Member {
    pub file_type: &'static FileType,
    /// As it is in this pass, with the fixes of earlier ones.
    pub text: String,
    /// Where a search of this text found something, if it was searched.
    pub hints: Option<Arc<[usize]>>,
    /// Whether there is such a file yet. A fix may fill one that is not.
    pub exists: bool,
    /// Why the run may not write it, if so.
    pub locked: Option<Arc<str>>,
    pub findings: Findings,
    pub problems: Vec<Problem>,
    pub unjudged: Vec<Unjudged>,
    /// Whether only the beginning was checked.
    pub is_cut: bool,
}

impl Member {
    /// A file as it is on disk, free to be written.
    pub fn new(file_type: &'static FileType, text: String) -> Self {
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

    /// Gives it another text. Returns the one that it had.
    pub fn replace_text(&mut self, text: String) -> String {
        self.hints = None;
        std::mem::replace(&mut self.text, text)
    }
}

/// The files of a group by their paths.
pub type Members = BTreeMap<PathBuf, Member>;

/// What makes one thing of several files.
pub trait Project: Sync {
    /// Files that have to be judged together, those that a fix may create included. Groups may overlap; those in which
    /// there can be nothing to find are left out, because every member is read.
    ///
    /// A file that the settings exclude, or of no known kind, is no member after all.
    fn groups(&self) -> Vec<Vec<PathBuf>>;
    /// Adds what only several files show, and drops what they prove wrong. Gives the plan for the findings that ignore
    /// comments and settings leave.
    fn find(&self, members: &mut Members) -> Plan<'_>;
}

/// What the findings that are left want, made into edits: together where they meet, and not at all where that would break
/// another file. The texts and the ids are those that `find` saw; the findings are fewer at most.
pub type Plan<'p> = Box<dyn FnOnce(&mut Members) + 'p>;
