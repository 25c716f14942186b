//! How a run is reported: one module an output format, each a row in [`FORMATS`].
//!
//! A format turns reports into text. It never chooses where the text goes, and filters nothing. Most report a file as it
//! comes ([`Stream`]); those that begin with totals, or sort by something else than files, wait for the last one
//! ([`Gather`]).

pub mod concise;
pub mod csv;
#[cfg(feature = "cli")]
pub mod full;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod markdown;
pub mod rdjson;
pub mod sarif;

mod base;
mod collect;
mod fingerprint;
mod format;
pub(crate) mod group;
mod grouped;
mod origin;
mod own;
mod owners;
mod repositories;
pub mod results;
#[cfg(test)]
mod sample;
pub(crate) mod statistics;
pub(crate) mod text;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use base::PathBase;
pub use collect::{LocatedFinding, ReportedFile};
pub use format::{Chunk, Delivery, Format, Gather, Parts, Report, Stream};
pub use grouped::GroupedFindings;
pub use origin::{Origin, PLACEHOLDER, file_name};
pub use own::is_own;
pub use owners::Owners;
pub use repositories::RepositorySummary;
pub use statistics::{RuleCounts, Tally};

use crate::edit::Applicability;
use crate::finding::{Finding, Fixed, Key, Problem, Severity, Unjudged};
use crate::rules::Edition;
use crate::source::LineIndex;

/// One file, as it is reported.
#[derive(Debug)]
pub struct FileReport<'r> {
    pub path: &'r Path,
    /// From where paths are reported to programs that know the repository.
    pub base: &'r PathBase,
    /// The repository that it is from, if any.
    pub origin: Option<&'r Arc<Origin>>,
    /// In which the findings are: with `--write` as it is after the fixes.
    pub lines: &'r LineIndex<'r>,
    /// In the order of the file; with `--write` those that are left.
    pub findings: &'r [Finding],
    /// Of the findings, in their order; none where no format has use for them.
    pub keys: &'r [Key],
    /// Those whose fix was written.
    pub fixed: &'r [Fixed],
    pub problems: &'r [Problem],
    /// Legacy locations that are named where nothing says how they are used.
    pub unjudged: &'r [Unjudged],
}

impl FileReport<'_> {
    /// Where paths of the file's repository start; where there is none, those of the run.
    pub fn origin_base(&self) -> &PathBase {
        self.origin.map_or(self.base, |origin| &origin.base)
    }

    /// Who owns the file, as the CODEOWNERS file of its repository says.
    pub fn owners(&self) -> &[String] {
        let base = self.origin_base();
        base.owners(&base.relative(self.path))
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.fixed.is_empty() && self.problems.is_empty()
    }
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subject {
    #[default]
    Files,
    /// Live objects, each of which is reported like a file.
    Objects,
}

impl Subject {
    /// One of them.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Files => "file",
            Self::Objects => "object",
        }
    }
}

/// The totals of the whole run.
#[derive(Debug, Default, Clone)]
pub struct Summary {
    pub subject: Subject,
    /// Files that were checked.
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
    /// Ignore comments that were written, and the files that have them.
    pub comments_added: usize,
    pub commented_files: usize,
    pub suppressed: usize,
    /// Findings that the baseline holds, and entries of it for which there is none any more.
    pub baselined: usize,
    pub stale: usize,
    /// Files with a part that could not be analysed.
    pub not_analysed: usize,
    /// Legacy locations that are named where nothing says how they are used.
    pub unjudged: usize,
    /// Files and folders that were left out, by who is to blame: settings, ignore files, a name that hides them. A folder
    /// counts once, and a file where it would have been checked.
    pub excluded: usize,
    pub ignored: usize,
    pub hidden: usize,
    /// Reports of ours among the files, which are left out.
    pub reports: usize,
    /// Files that were not checked because their type is not known, and those that did not change where only changes are
    /// asked for.
    pub unknown: usize,
    pub unchanged: usize,
    /// Failures that make the run incomplete (exit code 2).
    pub failures: usize,
    /// Of findings left, how many each rule has, the most severe first.
    pub by_rule: Vec<RuleCounts>,
    /// The catalogues whose rules were used.
    pub catalogues: Vec<Arc<Edition>>,
    /// Each repository by name. None where all files are outside of repositories.
    pub repositories: Vec<RepositorySummary>,
    /// The day that the run judged as of.
    pub as_of: Option<Date>,
    /// Which part of the repositories the run took, such as `2/8`, if it took a part.
    pub shard: Option<String>,
    /// The counts of earlier runs, in order of their days.
    pub history: Vec<Moment>,
    pub elapsed: Duration,
}

/// The counts of a run on a day.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Moment {
    pub as_of: String,
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
    pub fixed: usize,
}

impl Summary {
    /// Counts a finding that is left.
    pub fn count(&mut self, finding: &Finding) {
        match finding.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Info => self.infos += 1,
        }
        match finding.applicability() {
            Some(Applicability::Safe) => self.fixable += 1,
            Some(Applicability::Unsafe) => self.unsafe_fixable += 1,
            _ => {}
        }
    }

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
        self.comments_added += other.comments_added;
        self.commented_files += other.commented_files;
        self.suppressed += other.suppressed;
        self.baselined += other.baselined;
        self.stale += other.stale;
        self.not_analysed += other.not_analysed;
        self.unjudged += other.unjudged;
        self.excluded += other.excluded;
        self.ignored += other.ignored;
        self.hidden += other.hidden;
        self.reports += other.reports;
        self.unknown += other.unknown;
        self.unchanged += other.unchanged;
        self.failures += other.failures;
    }
}

/// How a report looks.
#[derive(Debug, Clone, Copy)]
pub struct RenderOptions {
    /// Whether it goes to a terminal.
    pub terminal: bool,
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

impl RenderOptions {
    /// Of 80 columns, for no terminal.
    pub const PLAIN: Self = Self {
        terminal: false,
        color: false,
        hyperlinks: false,
        width: 80,
        limit: Applicability::Safe,
        write: false,
        verbose: false,
    };

    /// For a file: nothing is coloured there.
    #[must_use]
    pub fn plain(self) -> Self {
        Self {
            terminal: false,
            color: false,
            hyperlinks: false,
            ..self
        }
    }
}

/// All formats; the first is the default.
pub static FORMATS: &[&Format] = &[
    #[cfg(feature = "cli")]
    &full::FORMAT,
    &concise::FORMAT,
    &json::FORMAT,
    &jsonl::FORMAT,
    &sarif::FORMAT,
    &github::FORMAT,
    &gitlab::FORMAT,
    &junit::FORMAT,
    &rdjson::FORMAT,
    &markdown::FORMAT,
    &html::FORMAT,
    &csv::FORMAT,
];

/// The format of a name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}
