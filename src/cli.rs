//! The door: arguments in, exit code out. What the arguments mean is decided here, how it is done is not.

mod args;
mod catalogue;
mod changed;
mod cluster;
mod completions;
mod config_error;
mod explain;
mod exporter;
mod hook;
#[cfg(feature = "lsp")]
mod lsp;
mod merge;
mod mirror;
mod mistakes;
mod online;
mod policy;
mod revision;
mod settings;
mod shard;
mod shell;
mod show_settings;
mod signals;
mod standard_stream;
mod text;
#[cfg(feature = "watch")]
mod watch;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use clap::FromArgMatches;
use clap::parser::ValueSource;
use jiff::civil::Date;

use crate::config;
use crate::edit::Applicability;
use crate::printable::{self, complain};
use crate::report::{self, Format, PathBase, RenderOptions};
use crate::rules::{Edition, RuleSet};
use crate::run::{self, Baselines, ImageList, Mode, Options, RunOutcome, Settings};
use crate::suppress::insert::Note;
use crate::walk::{self, Overlay};
use crate::write;

pub use args::Arguments;
use args::{ColorChoice, Command, TableFormat};
use settings::Typed;
use shard::Paths;
use standard_stream::Lasting;

/// Why the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing is left to do.
    Done,
    FindingsLeft,
    /// The job could not be done, or was not understood.
    Failed,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::FindingsLeft => 1,
            Self::Failed => 2,
        }
    }
}

impl From<RunOutcome> for Exit {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Clean => Self::Done,
            RunOutcome::FindingsLeft => Self::FindingsLeft,
            RunOutcome::Failed => Self::Failed,
        }
    }
}

/// Runs the tool with the process's own arguments and streams.
pub fn main() -> Exit {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let command = shell::command(typed.first().map(OsString::as_os_str));
    let is_hook = hook::is_first(&typed);
    let typed = hook::sorted(typed, &command);
    let parsed = command.try_get_matches_from(typed).and_then(|matches| {
        let mut arguments = Arguments::from_arg_matches(&matches)?;
        arguments.scope.names_no_path = arguments.command.is_none()
            && matches.value_source("paths") == Some(ValueSource::DefaultValue);
        Ok(arguments)
    });
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            if let Some(message) = mistakes::of_refused(&error) {
                let _ = complain(&mut io::stderr(), message);
                return Exit::Failed;
            }
            // Nowhere is left to report it if this fails.
            let _ = print(&error);
            return if error.use_stderr() {
                Exit::Failed
            } else {
                Exit::Done
            };
        }
    };
    #[cfg(feature = "lsp")]
    if let Some(Command::Lsp(asked)) = arguments.command.clone() {
        return lsp::serve(arguments, &asked);
    }
    let stdout = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut out = Lasting::new(stdout);
    // Not locked: a progress bar is drawn from whatever thread has something to tell.
    let mut err = Lasting::new(io::stderr());
    if arguments.action.hook.is_some() && !is_hook {
        let _ = complain(&mut err, "--hook must be the first argument");
        return Exit::Failed;
    }
    let arguments = arguments.of_hook();
    let unread = out.is_over();
    let result = run_or_watch(&arguments, &unread, &mut out, &mut err);
    match result.map(|exit| (exit, out.close())) {
        Ok((exit, None)) => exit,
        Ok((_, Some(error))) | Err(error) => {
            let _ = complain(&mut err, format!("standard output: {error}"));
            Exit::Failed
        }
    }
}

/// Runs once or, where that is asked for, on every change.
fn run_or_watch(
    arguments: &Arguments,
    unread: &Arc<AtomicBool>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let run =
        |out: &mut dyn Write, err: &mut dyn Write| run(arguments, Arc::clone(unread), out, err);
    #[cfg(feature = "watch")]
    if arguments.action.watch {
        return watch(arguments, out, err, run);
    }
    run(out, err)
}

#[cfg(feature = "watch")]
fn watch(
    arguments: &Arguments,
    out: &mut dyn Write,
    err: &mut dyn Write,
    run: impl Fn(&mut dyn Write, &mut dyn Write) -> io::Result<Exit>,
) -> io::Result<Exit> {
    let roots = match roots(arguments) {
        Ok(paths) => paths.roots,
        Err(message) => return refuse(&message, err),
    };
    if roots.iter().any(|root| root == Path::new("-")) {
        let message = "--watch works with files only, not with standard input";
        complain(err, message)?;
        return Ok(Exit::Failed);
    }
    watch::watch(&roots, arguments.scope.all_text, out, err, run)
}

/// Prints help, or what is wrong with the arguments. They may be names of files that a stranger gave.
fn print(error: &clap::Error) -> io::Result<()> {
    let text = error.render().to_string();
    match printable::lines(&text) {
        Cow::Owned(text) if error.use_stderr() => io::stderr().write_all(text.as_bytes()),
        _ => error.print(),
    }
}

/// `unread` says whether nobody reads `out` any more.
fn run(
    arguments: &Arguments,
    unread: Arc<AtomicBool>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    if let Some(exit) = without_settings(arguments, out, err)? {
        return Ok(exit);
    }
    if let Some(mistake) = mistakes::of_arguments(arguments, named(arguments)) {
        complain(err, mistake)?;
        return Ok(Exit::Failed);
    }
    mistakes::warn(arguments, err)?;
    let color = color(arguments.output.color);
    let today = arguments.scope.as_of.unwrap_or_else(today);
    let base = match base(arguments) {
        Ok(base) => base,
        Err(message) => return refuse(&message, err),
    };
    let typed = match Typed::new(arguments, today, color) {
        Ok(typed) => typed,
        Err(message) => return refuse(&message, err),
    };
    if arguments.version {
        let settings = Settings::new(&typed, &[], &base, Baselines::Unused);
        return match settings.of_folder(Path::new("")) {
            Ok(area) => version(Some(&area.config.edition), out),
            Err(message) => {
                version(Some(Edition::embedded()), out)?;
                refuse(&message, err)
            }
        };
    }
    let writes = (arguments.action.write || adds_ignores(&arguments.action))
        || matches!(&arguments.command, Some(Command::Mirror(mirror)) if mirror.write);
    if let Err(message) = set_threads(arguments.scope.jobs, writes) {
        complain(err, message)?;
        return Ok(Exit::Failed);
    }
    let render_options = render_options(arguments, color);
    if let Some(
        command @ (Command::Explain { .. } | Command::Rules { .. } | Command::Policy { .. }),
    ) = &arguments.command
    {
        let settings = Settings::new(&typed, &[], &base, Baselines::Unused);
        return match settings.of_folder(Path::new("")) {
            Ok(area) => by_rules(command, &area.rules.set, today, render_options, out, err),
            Err(message) => refuse(&message, err),
        };
    }
    let asked = match of_cluster(arguments) {
        Some(cluster) => cluster.verify.map(|_| &cluster.registries),
        None => arguments.action.verify.map(|_| &arguments.registries),
    };
    let registries = match asked {
        Some(asked) => match online::connect(asked, err)? {
            Some(registries) => Some(registries),
            None => return Ok(Exit::Failed),
        },
        None => None,
    };
    if let Some(Command::Config { path }) = &arguments.command {
        let settings = Settings::new(&typed, &[], &base, Baselines::Used);
        return show_settings::print(arguments, &typed, &settings, path, out, err);
    }
    if let Some(Command::Exporter(exporter)) = &arguments.command {
        return exporter::export(arguments, exporter, &base, render_options, out, err);
    }
    let Paths { roots, apart } = match roots(arguments) {
        Ok(paths) => paths,
        Err(message) => return refuse(&message, err),
    };
    let revisions = revision::open(&arguments.scope, &roots);
    let settings = Settings::new(&typed, &roots, &base, settings::baselines(arguments))
        .over(Arc::clone(&revisions.overlay));
    for (root, why) in &revisions.failed {
        settings.give_up(root, why.clone());
    }
    let mut options = options(arguments, roots, &settings, render_options);
    options.walk.overlay = revisions.overlay;
    options.walk.apart = apart;
    options.registries = registries
        .as_ref()
        .map(|registries| registries as &dyn run::Registries);
    options.ignores = match note(&arguments.action) {
        Ok(note) => note,
        Err(message) => return refuse(&message, err),
    };
    options.base = base.clone();
    options.as_of = today;
    options.unread = unread;
    if let Some(fault) = odd_outputs(arguments).or_else(|| stray_outputs(arguments)) {
        complain(err, fault)?;
        return Ok(Exit::Failed);
    }
    // A run that leaves nothing on the disk may be ended at any time.
    let leaves_something = writes || leaves_reports(arguments, &options);
    if leaves_something && let Err(error) = signals::watch(&options.gate) {
        complain(err, format!("cannot handle signals: {error}"))?;
        return Ok(Exit::Failed);
    }
    if arguments.command.is_none() {
        options.only = match changed::only(arguments, &options.walk.roots, &settings, err)? {
            Ok(only) => only,
            Err(message) => {
                complain(err, message)?;
                return Ok(Exit::Failed);
            }
        };
    }
    carry_out(arguments, &settings, options, out, err)
}

/// What needs no settings, if it is that.
fn without_settings(
    arguments: &Arguments,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Option<Exit>> {
    match &arguments.command {
        Some(Command::Completions { shell }) => completions::complete(*shell, out).map(Some),
        Some(Command::Man { page }) => shell::manual(page.as_deref(), out, err).map(Some),
        Some(Command::Tags(tags)) => online::tags(tags, out, err).map(Some),
        _ if arguments.version && !arguments.output.verbose => version(None, out).map(Some),
        _ => Ok(None),
    }
}

/// Whether a run leaves reports or a baseline on the disk.
fn leaves_reports(arguments: &Arguments, options: &run::Options<'_>) -> bool {
    let is_merged = |merge: &merge::Merge| !merge.output.is_empty();
    arguments.action.write_baseline
        || !options.outputs.is_empty()
        || matches!(&arguments.command, Some(Command::Merge(merge)) if is_merged(merge))
}

/// Does what was asked for, with everything that a run needs.
fn carry_out(
    arguments: &Arguments,
    settings: &Settings<'_>,
    options: run::Options<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let outcome = match &arguments.command {
        Some(Command::Images { format, verify, .. }) if verify.verify => {
            let json = *format == TableFormat::Json;
            return online::verify(&options, verify, json, out, err);
        }
        Some(Command::Cluster(arguments)) => return cluster::run(arguments, options, out, err),
        Some(Command::Merge(asked)) => {
            return merge::merge(arguments, asked, settings, options, out, err);
        }
        Some(Command::Mirror(arguments)) => return mirror::mirror(options, arguments, out, err),
        Some(Command::Hosts(arguments)) => return mirror::hosts(&options, arguments, out, err),
        Some(Command::Images { format, unique, .. }) => {
            let list = ImageList {
                json: *format == TableFormat::Json,
                unique: *unique,
            };
            run::images(&options, list, out, err)?
        }
        _ if arguments.action.files => run::files(&options, out, err)?,
        _ => run::check(&options, out, err)?,
    };
    Ok(outcome.into())
}

/// What `regfix cluster` is asked for, if it is.
fn of_cluster(arguments: &Arguments) -> Option<&cluster::Cluster> {
    match &arguments.command {
        Some(Command::Cluster(cluster)) => Some(cluster),
        _ => None,
    }
}

/// The commands that need rules, and look at no file.
fn by_rules(
    command: &Command,
    rules: &RuleSet,
    today: Date,
    render_options: RenderOptions,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    match command {
        Command::Explain { what } => explain::explain(rules, what, render_options, out, err),
        Command::Rules {
            format,
            changed_since,
        } => {
            let listing = catalogue::Listing {
                json: *format == TableFormat::Json,
                changed_since: *changed_since,
                today,
            };
            catalogue::list(rules, &listing, render_options, out)
        }
        Command::Policy {
            engine,
            action,
            min_severity,
            task,
        } => {
            let task = task.as_ref();
            policy::print(rules, engine, *action, *min_severity, task, out, err)
        }
        _ => Ok(Exit::Done),
    }
}

/// Whether ignore comments are written, and not only shown.
fn adds_ignores(action: &args::Action) -> bool {
    action.add_ignores.is_some() && !action.diff
}

/// What ignore comments say, if any are to be added.
fn note(action: &args::Action) -> Result<Option<Note>, String> {
    let Some(reason) = &action.add_ignores else {
        return Ok(None);
    };
    let note = Note::new(reason, action.until);
    note.map(Some)
        .map_err(|why| format!("--add-ignores: {why}"))
}

/// Says why nothing is done. The message is ready to be shown, and may have several lines.
fn refuse(message: &str, err: &mut dyn Write) -> io::Result<Exit> {
    writeln!(err, "regfix: {}", message.trim())?;
    Ok(Exit::Failed)
}

/// The version, and of a catalogue what it knows and since when.
fn version(edition: Option<&Edition>, out: &mut dyn Write) -> io::Result<Exit> {
    writeln!(out, "regfix {}", env!("CARGO_PKG_VERSION"))?;
    if let Some(edition) = edition {
        let (name, count) = (edition.name(), edition.rules().len());
        writeln!(out, "catalogue of {name}: {count} rules")?;
        let facts = &edition.facts;
        let (charts, images) = (facts.charts.count(), facts.index.count());
        writeln!(out, "charts with known legacy versions: {charts}")?;
        writeln!(
            out,
            "images of registry.k8s.io in the offline index: {images}"
        )?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What is wrong with where reports and the baseline are to go, if anything is.
fn odd_outputs(arguments: &Arguments) -> Option<String> {
    let outputs = &arguments.output.output;
    let twice = outputs.iter().enumerate().find(|(index, (_, path))| {
        let before = &outputs[..*index];
        before.iter().any(|(_, other)| other == path)
    });
    if let Some((_, (_, path))) = twice {
        return Some(format!(
            "--output: two reports have the same file {}: give each its own file",
            printable::path(path)
        ));
    }
    let piped = arguments
        .scope
        .paths
        .iter()
        .any(|root| root == Path::new("-"));
    let action = &arguments.action;
    let of_files = [
        (action.write_baseline, "--write-baseline"),
        (action.add_ignores.is_some(), "--add-ignores"),
    ];
    let of_files = of_files.iter().find(|(is_asked, _)| piped && *is_asked);
    of_files.map(|(_, option)| format!("{option} works with files only, not with standard input"))
}

/// What is wrong with where a hook is to write reports, if anything is.
fn stray_outputs(arguments: &Arguments) -> Option<String> {
    arguments.action.hook?;
    let here = walk::working_directory();
    let top = config::repository(&here).unwrap_or(&here);
    let top = walk::real(top)?;
    let outputs = &arguments.output.output;
    outputs
        .iter()
        .find_map(|(_, path)| hook::strays(path, &top))
}

/// Today, by the clock of the world rather than of this place: two runs at the same moment judge alike.
fn today() -> Date {
    jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date()
}

/// Where the paths in reports start.
fn base(arguments: &Arguments) -> Result<PathBase, String> {
    let here = std::env::current_dir();
    let here = here.map_err(|error| format!("cannot read the working directory: {error}"))?;
    let repository = config::repository(&here);
    let owners = run::owners_of(repository.unwrap_or(&here), &Overlay::default());
    let base = PathBase::new(&here, repository).owned(owners);
    let named = arguments.scope.paths.iter();
    let named = named.filter(|root| root.is_absolute());
    Ok(named.fold(base, |base, root| match root.canonicalize() {
        Ok(real) if real != *root => base.linked(root, real),
        _ => base,
    }))
}

/// As many threads as were asked for, or as there are cores. A thread that writes waits for the disk most of its time.
/// They start with the first run of the process.
fn set_threads(jobs: Option<usize>, writes: bool) -> Result<(), String> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    STARTED.get_or_init(|| start_threads(jobs, writes)).clone()
}

fn start_threads(jobs: Option<usize>, writes: bool) -> Result<(), String> {
    let threads = match std::thread::available_parallelism() {
        Ok(cores) if jobs.is_none() && writes => cores.get() * 4,
        // 0 is one for each core.
        _ => jobs.unwrap_or_default(),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global()
        .map_err(|error| format!("cannot start the threads: {error}"))
}

/// The files and folders that were named.
fn named(arguments: &Arguments) -> &[PathBuf] {
    match &arguments.command {
        Some(Command::Images { paths, .. }) => paths,
        Some(Command::Mirror(mirror)) => &mirror.paths,
        Some(Command::Hosts(hosts)) => &hosts.paths,
        Some(Command::Cluster(cluster)) => &cluster.repo,
        Some(Command::Exporter(exporter)) => &exporter.paths,
        _ => &arguments.scope.paths,
    }
}

/// The same, those of a list included.
fn roots(arguments: &Arguments) -> Result<Paths, String> {
    let paths = match &arguments.command {
        None => shard::paths(&arguments.scope)?,
        Some(_) => Paths {
            roots: named(arguments).to_vec(),
            ..Paths::default()
        },
    };
    let is_full = is_full(&paths.roots);
    Ok(Paths {
        roots: spelled(arguments, paths.roots),
        apart: in_one_spelling(paths.apart, is_full),
    })
}

/// Roots in one spelling, with all that belongs to them where that is asked for.
fn spelled(arguments: &Arguments, roots: Vec<PathBuf>) -> Vec<PathBuf> {
    let is_full = is_full(&roots);
    let roots = in_one_spelling(roots, is_full);
    match arguments.scope.related {
        true => run::with_charts(&roots),
        false => roots,
    }
}

/// Whether paths of a run are spelled in full.
fn is_full(roots: &[PathBuf]) -> bool {
    let is_piped = roots.iter().any(|root| root == Path::new("-"));
    !is_piped && roots.iter().any(|root| root.is_absolute())
}

/// Equal paths are the same file only if they are spelled in one way.
fn in_one_spelling(paths: Vec<PathBuf>, is_full: bool) -> Vec<PathBuf> {
    let full = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    match is_full {
        true => paths.iter().map(full).collect(),
        false => paths,
    }
}

fn options<'o>(
    arguments: &'o Arguments,
    roots: Vec<PathBuf>,
    settings: &'o Settings<'o>,
    render_options: RenderOptions,
) -> Options<'o> {
    let scope = &arguments.scope;
    let shown = format(&arguments.output.format);
    Options {
        walk: walk::Options {
            roots,
            exclude: scope.exclude.clone(),
            base: PathBuf::from("."),
            force_exclude: scope.force_exclude,
            hidden: !scope.no_hidden,
            list_left_out: arguments.output.verbose,
            // Those of the pool, of which there are as many as were asked for.
            threads: 0,
            marker: Some(write::JOURNAL_FOLDER),
            apart: Vec::new(),
            overlay: Arc::default(),
        },
        related: scope.related,
        only: None,
        all_text: scope.all_text,
        stdin_name: scope.stdin_filename.clone(),
        mode: match &arguments.action {
            action if action.write || adds_ignores(action) => Mode::Write,
            action if action.diff => Mode::Diff,
            _ => Mode::Check,
        },
        unsafe_fixes: arguments.action.unsafe_fixes,
        fail_on: arguments.output.fail_on.least(arguments.output.exit_zero),
        settings,
        registries: None,
        ignores: None,
        format: shown,
        outputs: outputs(&arguments.output.output),
        shard: scope.shard.map(|shard| shard.to_string()),
        base: PathBase::default(),
        as_of: Date::MIN,
        unread: Arc::default(),
        render_options,
        quiet: arguments.output.quiet,
        watched: is_watched(arguments, shown),
        verbose: arguments.output.verbose,
        statistics: arguments.output.statistics,
        gate: Arc::default(),
    }
}

/// Further reports, and the files that they go to.
fn outputs(named: &[(String, PathBuf)]) -> Vec<(&'static Format, PathBuf)> {
    let outputs = named.iter();
    outputs
        .map(|(name, path)| (format(name), path.clone()))
        .collect()
}

/// Arguments hold no other names.
fn format(name: &str) -> &'static Format {
    report::format(name).unwrap_or(report::FORMATS[0])
}

fn render_options(arguments: &Arguments, color: bool) -> RenderOptions {
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

/// Whether somebody looks at standard error who has no other sign that regfix is at work. pre-commit and CI may well give
/// it a terminal, but show nothing before it ends.
fn is_watched(arguments: &Arguments, format: &Format) -> bool {
    let shows_nothing = ["PRE_COMMIT", "CI"].iter().any(|name| is_set(name)) || is_dumb();
    // A document has lines that go on: nothing can be drawn between its parts.
    let in_the_way = format.is_document && io::stdout().is_terminal();
    io::stderr().is_terminal() && !arguments.output.quiet && !shows_nothing && !in_the_way
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Colour only where a person looks, unless asked for; `NO_COLOR` is <https://no-color.org>.
fn color(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb(),
    }
}

fn width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0).clamp(40, 120))
}
