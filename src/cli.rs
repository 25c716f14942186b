//! The entry point of the command line, from arguments to the exit code. It decides what the arguments mean; the modules
//! below do the work.

mod args;
mod catalogue;
mod changed;
mod cluster;
mod completions;
mod config_error;
mod dispatch;
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
mod roots;
mod run_options;
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
use std::io::{self, Write};
#[cfg(feature = "watch")]
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use clap::FromArgMatches;
use clap::parser::ValueSource;
use jiff::civil::Date;

use crate::printable::{self, complain};
use crate::run::RunOutcome;

pub use args::Arguments;
use args::Command;
use dispatch::run;
use standard_stream::Lasting;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing is left to do.
    Done,
    FindingsLeft,
    /// The run is incomplete, or the arguments are wrong.
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
            // If this fails, there is no way left to report it.
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
    // Not locked: a progress bar is drawn from any thread.
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

/// Runs once or, if requested, on every change.
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
    let roots = match roots::roots(arguments) {
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

/// Prints help, or an error about arguments, which may contain file names from a stranger.
fn print(error: &clap::Error) -> io::Result<()> {
    let text = error.render().to_string();
    match printable::lines(&text) {
        Cow::Owned(text) if error.use_stderr() => io::stderr().write_all(text.as_bytes()),
        _ => error.print(),
    }
}

/// Returns the arguments of `regfix cluster`, if that is the command.
fn of_cluster(arguments: &Arguments) -> Option<&cluster::Cluster> {
    match &arguments.command {
        Some(Command::Cluster(cluster)) => Some(cluster),
        _ => None,
    }
}

/// Prints why nothing is done. The message is ready to be shown, and may have several lines.
fn refuse(message: &str, err: &mut dyn Write) -> io::Result<Exit> {
    writeln!(err, "regfix: {}", message.trim())?;
    Ok(Exit::Failed)
}

/// Returns today's date in UTC, so that runs at the same moment agree in all time zones.
fn today() -> Date {
    jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date()
}

/// Starts the requested number of threads, or one per core; four per core if the run writes, because a thread that writes
/// mostly waits for the disk. Only the first call in a process has an effect.
fn set_threads(jobs: Option<usize>, writes: bool) -> Result<(), String> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    STARTED.get_or_init(|| start_threads(jobs, writes)).clone()
}

fn start_threads(jobs: Option<usize>, writes: bool) -> Result<(), String> {
    let threads = match std::thread::available_parallelism() {
        Ok(cores) if jobs.is_none() && writes => cores.get() * 4,
        // 0 means one per core.
        _ => jobs.unwrap_or_default(),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global()
        .map_err(|error| format!("cannot start the threads: {error}"))
}
