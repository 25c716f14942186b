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

/// What a run does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Check,
    Diff,
    Write,
}

/// Everything that a run needs to be reported.
pub struct Options<'o> {
    pub walk: walk::Options,
    /// What makes one chart or kustomization with a root is checked and written too.
    pub related: bool,
    /// Report what changed, and what that can affect. `None` reports everything.
    pub only: Option<ChangedScope>,
    /// Read files of no known kind, too, as text.
    pub all_text: bool,
    /// What standard input is called, where it is a root.
    pub stdin_name: Option<PathBuf>,
    pub mode: Mode,
    pub unsafe_fixes: bool,
    /// The least severity of findings that make the outcome [`RunOutcome::FindingsLeft`]; `None` for no severity at all.
    pub fail_on: Option<Severity>,
    /// What holds for which file.
    pub settings: &'o Settings<'o>,
    /// Who is asked about images, where the rules rest on answers.
    pub registries: Option<&'o dyn Registries>,
    /// On standard output.
    pub format: &'static Format,
    /// Put ignore comments where findings are left, in place of fixes. They say this.
    pub ignores: Option<Note>,
    /// Further reports, and the files that they go to.
    pub outputs: Vec<(&'static Format, PathBuf)>,
    /// Which part of the repositories it takes, such as `2/8`, if it takes a part.
    pub shard: Option<String>,
    /// Where the paths in reports start.
    pub base: PathBase,
    /// Today, as far as dates in rules and ignore comments are concerned.
    pub as_of: Date,
    pub render_options: RenderOptions,
    /// Becomes true when no one reads the output any more. A run that only looks ends then.
    pub unread: Arc<AtomicBool>,
    pub quiet: bool,
    /// Show on standard error how far the run is, if it takes long.
    pub watched: bool,
    pub verbose: bool,
    pub statistics: bool,
    /// Where signals that ask the process to end wait for what may not be interrupted.
    pub gate: Arc<Gate>,
}

/// The outcome of a run: all that the exit code needs.
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

    /// How far a fix must be trusted to be applied, if any is.
    fn fix(&self) -> Option<Applicability> {
        (self.mode != Mode::Check && self.ignores.is_none()).then(|| self.limit())
    }

    /// Whether the findings that are left count.
    fn fails_on(&self, summary: &Summary) -> bool {
        match self.fail_on {
            Some(Severity::Error) => summary.errors > 0,
            Some(_) => summary.errors + summary.warnings > 0,
            None => false,
        }
    }

    /// What a run comes to with these counts.
    fn outcome(&self, summary: &Summary) -> RunOutcome {
        match () {
            () if summary.failures > 0 => RunOutcome::Failed,
            () if self.fails_on(summary) => RunOutcome::FindingsLeft,
            () => RunOutcome::Clean,
        }
    }

    fn is_piped(&self) -> bool {
        self.walk.roots.iter().any(|root| root == Path::new("-"))
    }

    /// What standard input is called, and how it is read.
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

    /// Whether a table of counts takes the place of the findings. A report for programs has the counts anyway.
    fn counts_only(&self) -> bool {
        self.statistics && !self.quiet && self.mode != Mode::Diff && !self.format.is_document
    }

    /// The kind by which a file is read, if it is.
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
            // A file that is named is read whatever it is called: most such files are YAML without an extension.
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

/// Whether the settings of all roots are broken, which is reported then.
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

/// The message is ready to be shown, and may have several lines.
fn complain_of_settings(err: &mut dyn Write, why: &str) -> io::Result<()> {
    writeln!(err, "regfix: {}", why.trim())
}
