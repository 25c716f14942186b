//! Lists of images that a script in another file copies: `for i in $(yq '.images[]' images.yaml); do docker push reg/$i; done`.
//! The names of the copies are built from those in the list, and would change with them.
//!
//! Runs nothing: fixes need review if a script names the file and contains the words of a copy.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use memchr::memmem;

use super::{Members, PathKind, Plan, Project, Tree, folders_above};
use crate::finding::Finding;
use crate::parallel::lock;
use crate::printable;
use crate::search;
use crate::source;

/// Folders that often contain scripts, below the folder of a list or one above it.
const FOLDERS: [&str; 8] = [
    ".github/workflows",
    "bin",
    "build",
    "ci",
    "hack",
    "script",
    "scripts",
    "tools",
];

/// Extensions of scripts. A file without one, such as a `Makefile`, counts as a script.
const ENDINGS: [&str; 9] = [
    "sh", "bash", "py", "mk", "js", "ps1", "yml", "yaml", "groovy",
];

/// The maximum number of scripts per folder, and of bytes per script.
const MOST: usize = 64;
const LONGEST: usize = 1 << 18;

/// The maximum number of bytes before a name, and before an item, that are looked at.
const LONGEST_LOOK_BACK: usize = 1 << 8;

/// Programs that copy images, and words for what they do.
const PROGRAMS: [&str; 10] = [
    "buildah", "crane", "ctr ", "docker", "imgpkg", "nerdctl", "oras", "podman", "regctl", "skopeo",
];
const VERBS: [&str; 6] = ["copy", "push", "sync", "tag ", "import", "crane cp"];

const COPIED: &str =
    "copies images that are listed here: the names of the copies would change, too";

/// Whether a file may be such a list: it is not an object of Kubernetes, and a name at one of the `hints` is a whole item.
pub fn may_be_list(bytes: &[u8], hints: &[usize]) -> bool {
    let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"./-_:@".contains(byte);
    let is_item = |at: &usize| {
        let near = &bytes[at.saturating_sub(LONGEST_LOOK_BACK)..*at];
        let name = near.iter().rev().take_while(is_of_name);
        begins_item(bytes, at - name.count())
    };
    hints.iter().any(is_item) && memmem::find(bytes, b"apiVersion").is_none()
}

/// Whether an item of a list starts at an offset.
fn begins_item(text: &[u8], at: usize) -> bool {
    let near = &text[at.saturating_sub(LONGEST_LOOK_BACK)..at];
    let mut before = near.iter().rev();
    let last = before.find(|byte| !matches!(byte, b'"' | b'\'' | b' ' | b'\t'));
    last.is_none_or(|byte| matches!(byte, b'\n' | b'-' | b'[' | b','))
}

/// The files of a run that may be lists. Scripts are only read if a list contains an image that would move.
pub struct Copied<'t> {
    tree: &'t dyn Tree,
    lists: BTreeSet<PathBuf>,
    known: Mutex<HashMap<PathBuf, Arc<[Script]>>>,
}

/// A script that copies images.
type Script = (PathBuf, Arc<str>);

impl<'t> Copied<'t> {
    /// `files` are those that may be lists and contain a legacy name.
    pub fn new(tree: &'t dyn Tree, files: &[PathBuf]) -> Self {
        Self {
            tree,
            lists: files.iter().cloned().collect(),
            known: Mutex::default(),
        }
    }

    /// Returns the path of a script that copies the images of a list.
    fn script_of(&self, list: &Path) -> Option<PathBuf> {
        let name = source::file_name(list);
        let own = list.parent().unwrap_or(Path::new(""));
        folders_above(self.tree, own).find_map(|folder| {
            let scripts = self.scripts_in(folder);
            let mut scripts = scripts.iter();
            let names = |(other, text): &&Script| other != list && has_name(text, name);
            scripts.find(names).map(|(script, _)| script.clone())
        })
    }

    fn scripts_in(&self, folder: PathBuf) -> Arc<[Script]> {
        let mut known = lock(&self.known);
        let scripts = known.entry(folder);
        scripts
            .or_insert_with_key(|folder| scripts_in(self.tree, folder))
            .clone()
    }
}

/// Returns the scripts that copy images, in a folder and in its folders for scripts.
fn scripts_in(tree: &dyn Tree, folder: &Path) -> Arc<[Script]> {
    let below = FOLDERS.iter().map(|name| folder.join(name));
    let below = below.filter(|folder| tree.place(folder) == PathKind::Folder);
    let folders = std::iter::once(folder.to_owned()).chain(below);
    let files = folders.flat_map(|folder| {
        let scripts = tree.list(&folder).into_iter();
        scripts.filter(|path| is_script(path)).take(MOST)
    });
    let scripts = files.filter_map(|path| {
        let text = tree.text(&path)?;
        copies(&text).then_some((path, text))
    });
    scripts.collect()
}

fn is_script(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_none_or(|ending| ENDINGS.contains(&ending))
}

fn copies(text: &str) -> bool {
    let has = |words: &[&str]| {
        let mut words = words.iter();
        words.any(|word| memmem::find(text.as_bytes(), word.as_bytes()).is_some())
    };
    text.len() <= LONGEST && has(&PROGRAMS) && has(&VERBS)
}

/// Whether a text contains a file name, not as a part of a longer name.
fn has_name(text: &str, name: &str) -> bool {
    search::whole_words(text, name).any(|at| !text[..at].ends_with('.'))
}

impl Project for Copied<'_> {
    fn groups(&self) -> Vec<Vec<PathBuf>> {
        self.lists.iter().map(|list| vec![list.clone()]).collect()
    }

    fn find(&self, _: &mut Members) -> Plan<'_> {
        Box::new(|members| {
            let lists = members
                .iter_mut()
                .filter(|(path, _)| self.lists.contains(*path));
            for (list, member) in lists {
                let is_moved = |one: &&mut Finding| {
                    one.fix.is_some() && begins_item(member.text.as_bytes(), one.span().start)
                };
                let items = member.findings.iter_mut().filter(is_moved);
                let mut items = items.peekable();
                let script = items
                    .peek()
                    .is_some()
                    .then(|| self.script_of(list))
                    .flatten();
                let Some(script) = script else {
                    continue;
                };
                let reason = format!("{} {COPIED}", printable::path(&script));
                items.for_each(|finding| finding.doubt(&reason));
            }
        })
    }
}
