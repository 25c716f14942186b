//! A whole run: walk, check in parallel, report in the order of paths, write if asked.
//!
//! Joins the layers below; contains no logic of YAML, images or arguments.

mod baselines;
mod candidate;
mod changed;
mod domains;
mod file_output;
mod groups;
mod ignores;
mod list;
mod merged;
mod origins;
mod outermost;
mod owners;
mod phases;
mod pipeline;
mod project_files;
mod relevant;
mod report_writer;
mod reported;
mod roles;
mod session;
mod settings;
mod texts;
mod unfinished;
mod verify;
mod workspace;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::civil::Date;

use crate::edit::Applicability;
use crate::file_type::{self, FileType};
use crate::finding::Severity;
use crate::report::{Format, PathBase, RenderOptions, Summary};
use crate::suppress::insert::Note;
use crate::walk::{self, Want};
use crate::write::Gate;

pub use baselines::{Baselines, RunBaseline};
pub use changed::ChangedScope;
pub use list::{ImageList, Listed, files, images, listed};
pub use merged::merged;
pub use owners::find as owners_of;
pub use phases::check;
pub use relevant::matters;
pub use session::{Change, Judged, Session, session, session_of_nothing};
pub use settings::{Area, Rules, Settings, Source};
pub use verify::Registries;
pub use verify::ask;
pub use workspace::with_charts;

/// The use of fixes in a run: ignored, shown or applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Check,
    Diff,
    Write,
}

/// The settings of a run.
pub struct Options<'o> {
    pub walk: walk::Options,
    /// Whether files that form a chart or a kustomization with a root are checked and written too.
    pub related: bool,
    /// Report only what changed and what the changes can affect. `None` reports everything.
    pub only: Option<ChangedScope>,
    /// Also read files of unknown types, as text.
    pub all_text: bool,
    /// The file name of standard input, if it is a root.
    pub stdin_name: Option<PathBuf>,
    pub mode: Mode,
    pub unsafe_fixes: bool,
    /// The minimum severity of findings that leads to [`RunOutcome::FindingsLeft`]; `None` if no finding does.
    pub fail_on: Option<Severity>,
    /// The settings by file.
    pub settings: &'o Settings<'o>,
    /// The registries to query, if verdicts depend on their answers.
    pub registries: Option<&'o dyn Registries>,
    /// The format on standard output.
    pub format: &'static Format,
    /// Add ignore comments with this note for remaining findings, instead of fixes.
    pub ignores: Option<Note>,
    /// Further reports and their files.
    pub outputs: Vec<(&'static Format, PathBuf)>,
    /// The shard of the repositories that the run takes, such as `2/8`, if any.
    pub shard: Option<String>,
    /// The base of paths in reports.
    pub base: PathBase,
    /// The current date for rules and ignore comments.
    pub as_of: Date,
    pub render_options: RenderOptions,
    /// Set to true when nobody reads the output any more. A run that does not write stops then.
    pub unread: Arc<AtomicBool>,
    pub quiet: bool,
    /// Whether to show progress on standard error if the run takes long.
    pub watched: bool,
    pub verbose: bool,
    pub statistics: bool,
    /// Delays termination signals while something must not be interrupted.
    pub gate: Arc<Gate>,
}

/// The outcome of a run, from which the exit code follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    Clean,
    FindingsLeft,
    Failed,
}

impl Options<'_> {
    fn limit(&self) -> Applicability {
        Applicability::limit(self.unsafe_fixes)
    }

    /// The applicability that a fix needs to be applied; `None` if no fixes are applied.
    fn fix(&self) -> Option<Applicability> {
        (self.mode != Mode::Check && self.ignores.is_none()).then(|| self.limit())
    }

    /// Whether remaining findings make the run fail. Findings of severity info never do.
    fn fails_on(&self, summary: &Summary) -> bool {
        match self.fail_on {
            Some(Severity::Error) => summary.errors > 0,
            Some(_) => summary.errors + summary.warnings > 0,
            None => false,
        }
    }

    /// The outcome of a run with these counts.
    fn outcome(&self, summary: &Summary) -> RunOutcome {
        match () {
            () if summary.failures > 0 => RunOutcome::Failed,
            () if self.fails_on(summary) => RunOutcome::FindingsLeft,
            () => RunOutcome::Clean,
        }
    }

    fn is_piped(&self) -> bool {
        // It is not combined with paths.
        matches!(&*self.walk.roots, [root] if root == Path::new("-"))
    }

    /// The name of standard input and the type that it is read as.
    fn standard_input(&self) -> (PathBuf, &'static FileType) {
        match &self.stdin_name {
            Some(name) => (
                name.clone(),
                self.kind_of(name, true).unwrap_or(&file_type::TEXT),
            ),
            None => (PathBuf::from("<stdin>"), file_type::standard_input()),
        }
    }

    /// Whether the output is the fixed text of standard input.
    fn pipes_text(&self) -> bool {
        self.is_piped() && self.mode == Mode::Write
    }

    /// Whether a table of counts replaces the findings. Reports for programs contain the counts anyway.
    fn counts_only(&self) -> bool {
        self.statistics && !self.quiet && self.mode != Mode::Diff && !self.format.is_document
    }

    /// The type that a file is read as; `None` if it is not read.
    fn kind_of(&self, path: &Path, named: bool) -> Option<&'static FileType> {
        match self.want(path, named) {
            Want::Read(file_type) => Some(file_type),
            Want::Excluded | Want::Ours | Want::Nothing => None,
        }
    }

    fn want(&self, path: &Path, named: bool) -> Want<&'static FileType> {
        let all_text = self.all_text || named;
        if self.is_own(path) {
            return Want::Ours;
        }
        let file_type = match file_type::classify(path) {
            Some(known) if all_text => Some(known.with_all_text()),
            // A file given by the user is read whatever its name: most of these are YAML without an extension.
            known => known.or_else(|| all_text.then_some(&file_type::TEXT)),
        };
        let Some(area) = file_type.and_then(|_| self.settings.of(path)) else {
            return match relevant::is_setting(path) {
                true => Want::Ours,
                false => Want::Nothing,
            };
        };
        let can_be_excluded = !named || self.walk.force_exclude;
        match can_be_excluded && area.config.excludes(path, false) {
            true => Want::Excluded,
            false => file_type.into(),
        }
    }
}

/// Whether the settings of all roots are broken. If so, reports them.
fn is_broken(options: &Options<'_>, err: &mut dyn Write) -> io::Result<bool> {
    let roots = match options.is_piped() {
        true => vec![options.standard_input().0],
        false => options.walk.roots.clone(),
    };
    let broken = options.settings.read_those_of(&roots);
    let mut messages = broken.iter().flatten();
    messages.try_for_each(|why| complain_of_settings(err, why))?;
    Ok(broken.is_some())
}

/// Reports broken settings. The message is safe to print and may have several lines.
fn complain_of_settings(err: &mut dyn Write, why: &str) -> io::Result<()> {
    writeln!(err, "regfix: {}", why.trim())
}
