//! Reports of a run: one module per output format, each with a row in [`FORMATS`].
//!
//! A format turns results into text. It does not choose where the text goes and filters nothing. Most formats report each
//! file as it comes ([`Stream`]). Those that begin with totals or do not sort by file wait for the last one ([`Gather`]).

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

/// The report of one file.
#[derive(Debug)]
pub struct FileReport<'r> {
    pub path: &'r Path,
    /// The base of paths in reports for programs that know the repository.
    pub base: &'r PathBase,
    /// The repository of the file, if any.
    pub origin: Option<&'r Arc<Origin>>,
    /// The text that the findings refer to: with `--write`, the text after the fixes.
    pub lines: &'r LineIndex<'r>,
    /// Sorted by location; with `--write`, the remaining findings.
    pub findings: &'r [Finding],
    /// The keys of the findings, in the same order. Empty unless a format needs them.
    pub keys: &'r [Key],
    /// Findings whose fix was written.
    pub fixed: &'r [Fixed],
    pub problems: &'r [Problem],
    /// Legacy locations in places where nothing says how they are used.
    pub unjudged: &'r [Unjudged],
}

impl FileReport<'_> {
    /// The root for paths of the file: that of its repository, or else that of the run.
    pub fn origin_base(&self) -> &PathBase {
        self.origin.map_or(self.base, |origin| &origin.base)
    }

    /// The owners of the file, from the CODEOWNERS file of its repository.
    pub fn owners(&self) -> &[String] {
        let base = self.origin_base();
        base.owners(&base.relative(self.path))
    }

    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.fixed.is_empty() && self.problems.is_empty()
    }
}

/// The things that a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subject {
    #[default]
    Files,
    /// Live objects; each is reported like a file.
    Objects,
}

impl Subject {
    /// The singular noun.
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
    /// Remaining findings by severity.
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
    /// Remaining findings that `--write` would fix, and those that only `--unsafe-fixes` would fix.
    pub fixable: usize,
    pub unsafe_fixable: usize,
    pub fixed: usize,
    pub fixed_files: usize,
    /// Ignore comments that were written, and the files that got them.
    pub comments_added: usize,
    pub commented_files: usize,
    pub suppressed: usize,
    /// Findings in the baseline, and baseline entries without a finding.
    pub baselined: usize,
    pub stale: usize,
    /// Files with a part that could not be analysed.
    pub not_analysed: usize,
    /// Legacy locations in places where nothing says how they are used.
    pub unjudged: usize,
    /// Files and folders that were left out by settings, by ignore files, or because they are hidden. A folder counts once; a
    /// file counts only if it would have been checked.
    pub excluded: usize,
    pub ignored: usize,
    pub hidden: usize,
    /// Reports written by regfix, which are left out.
    pub reports: usize,
    /// Files of an unknown type, and files without changes in a run that checks only changes.
    pub unknown: usize,
    pub unchanged: usize,
    /// Failures that make the run incomplete (exit code 2).
    pub failures: usize,
    /// Remaining findings by rule, the most severe rule first.
    pub by_rule: Vec<RuleCounts>,
    /// The catalogues whose rules were used.
    pub catalogues: Vec<Arc<Edition>>,
    /// Repositories by name. Empty if no file is in a repository.
    pub repositories: Vec<RepositorySummary>,
    /// The date that the run was evaluated for.
    pub as_of: Option<Date>,
    /// The shard that the run took, such as `2/8`, if any.
    pub shard: Option<String>,
    /// The counts of earlier runs, ordered by date.
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
    /// Counts a remaining finding.
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

    /// Adds the counts of one or more files.
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

/// Rendering options of a report.
#[derive(Debug, Clone, Copy)]
pub struct RenderOptions {
    /// Whether the output is a terminal.
    pub terminal: bool,
    pub color: bool,
    pub hyperlinks: bool,
    /// Width in columns.
    pub width: usize,
    /// Fixes with at least this applicability are, or would be, written by the run.
    pub limit: Applicability,
    /// Whether the run writes fixes.
    pub write: bool,
    /// Whether to list what could not be analysed.
    pub verbose: bool,
}

impl RenderOptions {
    /// 80 columns, not a terminal.
    pub const PLAIN: Self = Self {
        terminal: false,
        color: false,
        hyperlinks: false,
        width: 80,
        limit: Applicability::Safe,
        write: false,
        verbose: false,
    };

    /// The options for a file: no colours and no links.
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

/// Finds a format by name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}
