//! The options of a run and of its reports, made from the arguments.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::civil::Date;

use super::args::{Action, Arguments, ColorChoice, Command};
use crate::edit::Applicability;
use crate::finding::Severity;
use crate::report::{self, Format, PathBase, RenderOptions};
use crate::run::{ChangedScope, Mode, Options, Registries, Settings};
use crate::suppress::insert::Note;
use crate::walk::{self, Overlay};
use crate::write::{self, Gate};

/// The input of a run besides the arguments.
pub(super) struct Surroundings<'s> {
    /// The base of the paths in reports.
    pub base: &'s PathBase,
    pub today: Date,
    pub render_options: RenderOptions,
    pub roots: Vec<PathBuf>,
    /// The folder that the globs of `--exclude` are relative to.
    pub folder: PathBuf,
    /// Read instead of the disk.
    pub overlay: Arc<Overlay>,
    /// Folders below the roots that are left to other runs.
    pub apart: Vec<PathBuf>,
    pub registries: Option<&'s dyn Registries>,
    pub ignores: Option<Note>,
    /// The changes, if only what changed is checked.
    pub only: Option<ChangedScope>,
    /// Whether the progress of the run may be drawn.
    pub progress: bool,
    /// Whether nobody reads standard output any more.
    pub unread: Arc<AtomicBool>,
    pub gate: Arc<Gate>,
}

impl<'s> Surroundings<'s> {
    /// A run that reads the disk and asks no registries.
    pub(super) fn new(
        roots: Vec<PathBuf>,
        base: &'s PathBase,
        today: Date,
        render_options: RenderOptions,
    ) -> Self {
        Self {
            base,
            today,
            render_options,
            roots,
            folder: PathBuf::from("."),
            overlay: Arc::default(),
            apart: Vec::new(),
            registries: None,
            ignores: None,
            only: None,
            progress: true,
            unread: Arc::default(),
            gate: Arc::default(),
        }
    }

    pub(super) fn options<'o>(
        &'o self,
        arguments: &Arguments,
        settings: &'o Settings<'o>,
    ) -> Options<'o> {
        let (scope, action) = (&arguments.scope, &arguments.action);
        let reports = Reports::of(arguments);
        let (mode, unsafe_fixes) = match &arguments.command {
            Some(Command::Mirror(mirror)) if mirror.write => (Mode::Write, mirror.unsafe_fixes),
            _ if action.write || adds_ignores(action) => (Mode::Write, action.unsafe_fixes),
            _ if action.diff => (Mode::Diff, action.unsafe_fixes),
            _ => (Mode::Check, action.unsafe_fixes),
        };
        Options {
            walk: walk::Options {
                roots: self.roots.clone(),
                exclude: scope.exclude.clone(),
                base: self.folder.clone(),
                force_exclude: scope.force_exclude,
                hidden: !scope.no_hidden,
                list_left_out: arguments.output.verbose,
                // 0 means the threads of the pool, which are as many as requested.
                threads: 0,
                marker: Some(write::JOURNAL_FOLDER),
                apart: self.apart.clone(),
                skips_repositories: false,
                overlay: Arc::clone(&self.overlay),
            },
            related: scope.related,
            only: self.only.clone(),
            all_text: scope.all_text,
            stdin_name: scope.stdin_filename.clone(),
            mode,
            unsafe_fixes,
            fail_on: reports.fail_on,
            settings,
            registries: self.registries,
            ignores: self.ignores.clone(),
            format: reports.format,
            outputs: reports.outputs,
            shard: scope.shard.map(|shard| shard.to_string()),
            base: self.base.clone(),
            as_of: self.today,
            unread: Arc::clone(&self.unread),
            render_options: self.render_options,
            quiet: arguments.output.quiet,
            watched: self.progress && is_watched(arguments, reports.format),
            verbose: arguments.output.verbose,
            statistics: arguments.output.statistics,
            gate: Arc::clone(&self.gate),
        }
    }
}

/// The reports, and which findings affect the exit code. `merge` has its own options for that.
struct Reports {
    format: &'static Format,
    outputs: Vec<(&'static Format, PathBuf)>,
    fail_on: Option<Severity>,
}

impl Reports {
    fn of(arguments: &Arguments) -> Self {
        let output = &arguments.output;
        let (shown, outputs, fail_on, exit_zero) = match &arguments.command {
            Some(Command::Merge(merge)) => {
                (&merge.format, &merge.output, merge.fail_on, merge.exit_zero)
            }
            _ => (
                &output.format,
                &output.output,
                output.fail_on,
                output.exit_zero,
            ),
        };
        let outputs = outputs.iter();
        Self {
            format: format(shown),
            outputs: outputs
                .map(|(name, path)| (format(name), path.clone()))
                .collect(),
            fail_on: fail_on.least(exit_zero),
        }
    }
}

/// The parser of the arguments accepts no other names.
pub(super) fn format(name: &str) -> &'static Format {
    report::format(name).unwrap_or(report::FORMATS[0])
}

pub(super) fn render_options(arguments: &Arguments, color: bool) -> RenderOptions {
    RenderOptions {
        terminal: io::stdout().is_terminal(),
        color,
        hyperlinks: color
            && io::stdout().is_terminal()
            && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout),
        width: width(),
        limit: Applicability::limit(arguments.action.unsafe_fixes),
        write: arguments.action.write,
        verbose: arguments.output.verbose,
    }
}

/// Whether somebody watches standard error without another sign of progress. pre-commit and CI may provide a terminal, but show
/// nothing before the end.
fn is_watched(arguments: &Arguments, format: &Format) -> bool {
    let shows_nothing = ["PRE_COMMIT", "CI"].iter().any(|name| is_set(name)) || is_dumb();
    // Nothing can be drawn between the parts of a document, whose lines may continue.
    let in_the_way = format.is_document && io::stdout().is_terminal();
    io::stderr().is_terminal() && !arguments.output.quiet && !shows_nothing && !in_the_way
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether to use colour: only if a person looks, unless requested. For `NO_COLOR` see <https://no-color.org>.
pub(super) fn color(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb(),
    }
}

pub(super) fn width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0).clamp(40, 120))
}

/// Whether ignore comments are written, not only shown.
pub(super) fn adds_ignores(action: &Action) -> bool {
    action.add_ignores.is_some() && !action.diff
}

/// Returns the content of the ignore comments to add, if any.
pub(super) fn note(action: &Action) -> Result<Option<Note>, String> {
    let Some(reason) = &action.add_ignores else {
        return Ok(None);
    };
    let note = Note::new(reason, action.until);
    note.map(Some)
        .map_err(|why| format!("--add-ignores: {why}"))
}
