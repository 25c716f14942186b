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
pub use grouped::GroupedFindings;
pub use origin::{Origin, PLACEHOLDER, file_name};
pub use own::is_own;
pub use owners::Owners;
pub use repositories::RepositorySummary;
pub use statistics::{RuleCounts, Tally};

use crate::edit::Applicability;
use crate::finding::{Finding, Fixed, Key, Problem, Severity, Unjudged};
use crate::rules::{Edition, RuleSet};
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
    pub text: &'r str,
    pub lines: &'r LineIndex,
    /// In order of place; with `--write` those that are left.
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

/// What the whole run came to.
#[derive(Debug, Default, Clone)]
pub struct Summary {
    pub subject: Subject,
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
    /// counts once, and a file where it would have been looked at.
    pub excluded: usize,
    pub ignored: usize,
    pub hidden: usize,
    /// Reports of ours among the files, which are left out.
    pub reports: usize,
    /// Files that were not looked at because their type is not known, and those that did not change where only changes are
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
    /// What earlier runs came to, in order of their days.
    pub history: Vec<Moment>,
    pub elapsed: Duration,
}

/// What a run came to on a day.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// An output format.
pub struct Format {
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// Whether all parts make one document for a program, of which none can be alone.
    pub is_document: bool,
    /// Whether it says what findings are known by, which takes another look at their files.
    pub has_keys: bool,
    pub telling: Delivery,
}

/// When a format reports files.
pub enum Delivery {
    Streamed(&'static dyn Stream),
    Gathered(&'static dyn Gather),
}

/// Reports each file as it comes. Files are rendered in parallel and joined in order of path.
pub trait Stream: Sync {
    /// What comes before the first file.
    fn start(&self) -> String {
        String::new()
    }
    /// What comes between two files that have anything to say.
    fn between(&self) -> &'static str {
        ""
    }
    /// Whether what no one could judge is listed.
    fn lists_unjudged(&self, _look: &RenderOptions) -> bool {
        false
    }
    /// How the files of each repository make a part of their own, if they do.
    fn parts(&self) -> Option<&'static dyn Parts> {
        None
    }
    /// One file where files are shown together, if they are.
    fn held(&self, _report: &FileReport<'_>, _look: &RenderOptions) -> Option<GroupedFindings> {
        None
    }
    /// One file; empty where there is nothing to say.
    fn file(&self, report: &FileReport<'_>, render_options: &RenderOptions) -> String;
    /// What closes the report, such as a closing bracket. The rules are those of the run.
    fn end(&self, summary: &Summary, render_options: &RenderOptions, rules: &RuleSet) -> String;
}

/// The parts of a report by repository. The first is streamed, the others follow it.
pub trait Parts: Sync {
    fn open(&self) -> &'static str;
    /// Between two parts.
    fn between(&self) -> &'static str;
    /// What closes the part of a repository. `is_alone` says whether there are no others.
    fn close(
        &self,
        origin: Option<&Origin>,
        is_alone: bool,
        summary: &Summary,
        rules: &RuleSet,
    ) -> String;
}

/// Reports all at the end. What it needs of the files is kept until then: findings, but no texts.
pub trait Gather: Sync {
    fn document(
        &self,
        files: &[ReportedFile],
        summary: &Summary,
        render_options: &RenderOptions,
        rules: &RuleSet,
    ) -> String;
}

/// What one file adds to a report.
pub enum Chunk {
    Text(String),
    /// The same for a format that has a part for each repository.
    Of(Option<Arc<Origin>>, String),
    Kept(ReportedFile),
    Held(GroupedFindings),
}

impl Format {
    /// The piece of a file. Empty text where there is nothing to say.
    pub fn chunk(&self, report: &FileReport<'_>, render_options: &RenderOptions) -> Chunk {
        let lists_unjudged = match self.telling {
            Delivery::Streamed(stream) => stream.lists_unjudged(render_options),
            Delivery::Gathered(_) => false,
        };
        let has_unjudged = lists_unjudged && !report.unjudged.is_empty();
        if report.is_empty() && !has_unjudged {
            return Chunk::Text(String::new());
        }
        match self.telling {
            Delivery::Streamed(stream) => match stream.held(report, render_options) {
                Some(held) => Chunk::Held(held),
                None if stream.parts().is_some() => {
                    Chunk::Of(report.origin.cloned(), stream.file(report, render_options))
                }
                None => Chunk::Text(stream.file(report, render_options)),
            },
            Delivery::Gathered(_) => Chunk::Kept(ReportedFile::new(report)),
        }
    }
}

/// A report on its way: pieces go in, in order of path, and text comes out.
pub struct Report {
    format: &'static Format,
    render_options: RenderOptions,
    reported: bool,
    kept: Vec<ReportedFile>,
    held: Option<GroupedFindings>,
    /// By repository, where the format has parts. What is of the first was written already.
    parts: Vec<(Option<Arc<Origin>>, Vec<String>)>,
}

impl Report {
    pub fn new(format: &'static Format, render_options: RenderOptions) -> Self {
        Self {
            format,
            render_options,
            reported: false,
            kept: Vec::new(),
            held: None,
            parts: Vec::new(),
        }
    }

    /// What comes before all pieces.
    pub fn start(&self) -> String {
        match self.format.telling {
            Delivery::Streamed(stream) => {
                stream.start() + stream.parts().map_or("", |parts| parts.open())
            }
            Delivery::Gathered(_) => String::new(),
        }
    }

    /// What there is to write once a piece is there.
    pub fn add(&mut self, piece: Chunk) -> String {
        match piece {
            Chunk::Text(text) if text.is_empty() => text,
            Chunk::Of(origin, text) => self.add_part(origin, text),
            Chunk::Text(text) => match self.format.telling {
                Delivery::Streamed(stream) if std::mem::replace(&mut self.reported, true) => {
                    format!("{}{text}", stream.between())
                }
                _ => text,
            },
            Chunk::Kept(reported) => {
                self.kept.push(reported);
                String::new()
            }
            Chunk::Held(next) => {
                match &mut self.held {
                    Some(held) => held.join(next),
                    None => self.held = Some(next),
                }
                String::new()
            }
        }
    }

    fn add_part(&mut self, origin: Option<Arc<Origin>>, text: String) -> String {
        let name = |origin: &Option<Arc<Origin>>| origin.as_ref().map(|one| one.repository.clone());
        let known = self
            .parts
            .iter()
            .position(|(other, _)| name(other) == name(&origin));
        let at = known.unwrap_or_else(|| {
            self.parts.push((origin, Vec::new()));
            self.parts.len() - 1
        });
        if at == 0 {
            return self.add(Chunk::Text(text));
        }
        self.parts[at].1.push(text);
        String::new()
    }

    /// The end of the first part, and all others.
    fn end_parts(&self, stream: &dyn Stream, summary: &Summary, rules: &RuleSet) -> String {
        let Some(parts) = stream.parts() else {
            return String::new();
        };
        let is_alone = self.parts.len() < 2;
        let first = self.parts.first().and_then(|(origin, _)| origin.as_deref());
        let mut text = parts.close(first, is_alone, summary, rules);
        for (origin, files) in self.parts.iter().skip(1) {
            text += parts.between();
            text += parts.open();
            text += &files.join(stream.between());
            text += &parts.close(origin.as_deref(), is_alone, summary, rules);
        }
        text
    }

    /// What was held of the pieces until the last was there.
    pub fn rest(&mut self) -> String {
        let held = self.held.take();
        held.map_or_else(String::new, |held| held.text(&self.render_options))
    }

    /// What comes after all pieces.
    pub fn end(&self, summary: &Summary, rules: &RuleSet) -> String {
        match self.format.telling {
            Delivery::Streamed(stream) => {
                let parts = self.end_parts(stream, summary, rules);
                parts + &stream.end(summary, &self.render_options, rules)
            }
            Delivery::Gathered(gather) => {
                gather.document(&self.kept, summary, &self.render_options, rules)
            }
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
