//! A tree of texts, and the results of checking and fixing it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::Error;
use super::finding::{Finding, Problem};
use crate::run::Judged;
use crate::source::LineIndex;
use crate::walk::Overlay;

/// The folder of trees in memory. It is below a path that is not a folder, so that nothing on disk can be there.
#[cfg(not(windows))]
pub(super) const ROOT: &str = "/dev/null/tree";
#[cfg(windows)]
pub(super) const ROOT: &str = r"C:\NUL\tree";

/// Files that are held in memory, by path. All of them are checked, even those that an ignore file in the tree excludes.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    pub(super) overlay: Arc<Overlay>,
}

impl Tree {
    /// Returns an empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a file. Paths are relative and use `/`.
    ///
    /// # Errors
    /// [`Error::Path`] if the path is empty or absolute, or contains `..` or a NUL character.
    pub fn insert(&mut self, path: &str, text: impl Into<Arc<str>>) -> Result<(), Error> {
        let parts: Vec<Component<'_>> = Path::new(path).components().collect();
        let is_below =
            |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        let has_name = parts
            .iter()
            .any(|part| matches!(part, Component::Normal(_)));
        if !has_name || !parts.iter().all(is_below) || path.contains('\0') {
            return Err(Error::Path {
                path: path.escape_debug().to_string(),
            });
        }
        let steps = parts.iter().filter(|part| **part != Component::CurDir);
        let full: PathBuf = [Component::Normal(ROOT.as_ref())]
            .iter()
            .chain(steps)
            .collect();
        Arc::make_mut(&mut self.overlay).insert(full, text.into());
        Ok(())
    }
}

/// Returns the path of a file relative to its tree.
pub(super) fn name_of(path: &Path) -> String {
    let below = path.strip_prefix(ROOT).unwrap_or(path);
    let parts = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

/// The result of checking a file.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Checked {
    /// The findings, in the order of their locations.
    pub findings: Vec<Finding>,
    /// Parts of the file that could not be judged, and why.
    pub problems: Vec<Problem>,
}

impl Checked {
    pub(super) fn of(judged: &Judged) -> Self {
        let lines = LineIndex::new(&judged.text);
        let findings = judged.findings.iter();
        Self {
            findings: findings
                .map(|finding| Finding::of(finding, &lines))
                .collect(),
            problems: Problem::all(judged, &lines),
        }
    }

    /// Whether there are no findings and no problems.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.problems.is_empty()
    }
}

/// The result of fixing a file.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Fixed {
    /// The text after the fixes. Bytes outside of the fixes are unchanged.
    pub text: String,
    /// Findings whose fix was applied, with their locations in the text before the fixes.
    pub fixed: Vec<Finding>,
    /// Findings that are left, with their locations in the text after the fixes.
    pub left: Vec<Finding>,
    /// Parts of the file that could not be judged, and why.
    pub problems: Vec<Problem>,
    is_changed: bool,
}

impl Fixed {
    pub(super) fn of(judged: Judged, before: &str) -> Self {
        let Checked { findings, problems } = Checked::of(&judged);
        let lines = LineIndex::new(before);
        let fixed = judged.fixed.iter();
        Self {
            fixed: fixed
                .map(|fixed| Finding::of(&fixed.finding, &lines))
                .collect(),
            left: findings,
            problems,
            is_changed: *judged.text != *before,
            text: judged.text.to_string(),
        }
    }

    /// Returns the result for a file without findings and problems.
    pub(super) fn unchanged(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }

    /// Whether the text changed.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.is_changed && self.left.is_empty() && self.problems.is_empty()
    }
}

/// The result of fixing a tree.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct FixedTree {
    /// Files that changed or still have findings or problems, by path. A file may be new, such as the values of a chart that
    /// had none.
    pub files: BTreeMap<String, Fixed>,
}
