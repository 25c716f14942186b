//! How a run is told: one module an output format, each a row in [`FORMATS`].
//!
//! A format turns reports into text. It never chooses where the text goes, and filters nothing.

pub mod concise;
pub mod full;
pub mod json;

#[cfg(test)]
mod sample;
mod text;

use std::path::Path;
use std::time::Duration;

use crate::edit::Applicability;
use crate::finding::{Finding, Fixed, Problem};
use crate::source::LineIndex;

/// One file, as it is told.
#[derive(Debug)]
pub struct FileReport<'r> {
    pub path: &'r Path,
    /// In which the findings stand: with `--write` as it is after the fixes.
    pub text: &'r str,
    pub lines: &'r LineIndex,
    /// In order of place; with `--write` those that are left.
    pub findings: &'r [Finding],
    /// Those whose fix was written.
    pub fixed: &'r [Fixed],
    pub problems: &'r [Problem],
}

/// What the whole run came to.
#[derive(Debug, Default, Clone)]
pub struct Summary {
    /// Files that were looked at.
    pub files: usize,
    pub files_with_findings: usize,
    /// Left, by severity.
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
    /// Of those left: what `--write` would fix, and what `--unsafe-fixes` would fix beyond that.
    pub fixable: usize,
    pub unsafe_fixable: usize,
    pub fixed: usize,
    pub fixed_files: usize,
    pub suppressed: usize,
    /// Files with a part that could not be analysed.
    pub not_analysed: usize,
    /// Problems that kept the job from being done.
    pub failures: usize,
    /// Of findings left, how many each rule has: id and count, the most first.
    pub by_rule: Vec<(String, usize)>,
    pub elapsed: Duration,
}

impl Summary {
    /// Adds the counts of one file, or of several.
    pub fn add(&mut self, other: &Summary) {
        self.files_with_findings += other.files_with_findings;
        self.errors += other.errors;
        self.warnings += other.warnings;
        self.infos += other.infos;
        self.fixable += other.fixable;
        self.unsafe_fixable += other.unsafe_fixable;
        self.fixed += other.fixed;
        self.fixed_files += other.fixed_files;
        self.suppressed += other.suppressed;
        self.not_analysed += other.not_analysed;
        self.failures += other.failures;
    }
}

/// How a report looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub color: bool,
    pub hyperlinks: bool,
    /// Columns.
    pub width: usize,
    /// Fixes trusted at least as far as this are those that the run writes or would write.
    pub limit: Applicability,
    /// Whether the run writes.
    pub write: bool,
    /// Whether what could not be analysed is listed.
    pub verbose: bool,
}

/// An output format. Files are rendered in parallel and joined in order of path.
pub trait Format: Sync {
    fn name(&self) -> &'static str;
    /// Whether all parts make one document for a program, of which none can stand alone.
    fn is_document(&self) -> bool {
        false
    }
    /// What comes before the first file.
    fn start(&self) -> String {
        String::new()
    }
    /// What comes between two files that have anything to tell.
    fn between(&self) -> &'static str {
        ""
    }
    /// One file; empty where there is nothing to tell.
    fn file(&self, report: &FileReport<'_>, look: &Look) -> String;
    /// What closes the report on the same stream, such as a closing bracket.
    fn end(&self, summary: &Summary, look: &Look) -> String;
}

/// All formats; the first is the default.
pub static FORMATS: &[&dyn Format] = &[&full::Full, &concise::Concise, &json::Json];

/// The format of a name.
pub fn format(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}
