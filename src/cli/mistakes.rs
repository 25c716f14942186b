//! Messages for typical mistakes in arguments, such as options of other tools. Each says what to type instead.
//!
//! Reads arguments only. Errors in files are reported by the code that reads those files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Arguments;
use super::{revision, shell};
use crate::config;
use crate::git;
#[cfg(unix)]
use crate::open::{self, Links};
use crate::policy;
use crate::printable::{self, complain};
use crate::walk;

/// Options of other tools, with what to do here.
const OPTIONS: [(&str, &str); 19] = [
    ("-d", "`--diff` shows what `--write` would change"),
    ("-f", "write `--format FORMAT`"),
    ("-o", "write `--output FORMAT=FILE`"),
    ("-w", "`--write` applies safe fixes in place"),
    ("--fix", "`--write` applies safe fixes in place"),
    ("--in-place", "`--write` applies safe fixes in place"),
    ("--inplace", "`--write` applies safe fixes in place"),
    ("--apply", "`--write` applies safe fixes in place"),
    ("--dry-run", "`--diff` shows what `--write` would change"),
    ("--preview", "`--diff` shows what `--write` would change"),
    ("--check", "regfix checks by default: `regfix PATH`"),
    ("--json", "write `--format json`"),
    ("--sarif", "write `--format sarif`"),
    (
        "--recursive",
        "folders are always read with all that is in them",
    ),
    (
        "--hidden",
        "hidden files are read unless `--no-hidden` leaves them out",
    ),
    (
        "--baseline",
        "the baseline is found by its name, .regfix-baseline.json; `--write-baseline` makes it, `--no-baseline` leaves it out",
    ),
    ("--threads", "write `--jobs N`"),
    ("--unsafe", "write `--unsafe-fixes`"),
    (
        "--watch",
        "it needs a released binary, or a build with `--features watch`",
    ),
];

/// Commands of other tools, and their equivalents here.
const COMMANDS: [(&str, &str); 7] = [
    ("check", "regfix"),
    ("lint", "regfix"),
    ("scan", "regfix"),
    ("fix", "regfix --write"),
    ("write", "regfix --write"),
    ("format", "regfix --write"),
    ("diff", "regfix --diff"),
];

/// Words that users may mistake for commands.
const NO_COMMANDS: [(&str, &str); 2] = [
    (
        "lsp",
        "`regfix lsp` needs a released binary, or a build with `--features lsp`",
    ),
    (
        "version",
        "there is no command `version`: write `regfix --version`",
    ),
];

/// Returns a better message than clap's for arguments that clap refuses.
pub(super) fn of_refused(error: &clap::Error) -> Option<String> {
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let word = named(ContextKind::InvalidSubcommand);
    if let Some(engine) = word.and_then(policy::engine) {
        let name = engine.name;
        return Some(format!(
            "there is no command `{name}`: write `regfix policy --engine {name}`"
        ));
    }
    let argument = named(ContextKind::InvalidArg)?;
    match error.kind() {
        ErrorKind::UnknownArgument if usage(error).contains(" rules ") => {
            let name = argument.trim_end_matches('*').trim_end_matches('-');
            Some(format!(
                "`regfix rules` lists all rules, and takes no names: `regfix explain '{name}-*'` explains some of them, \
                 `regfix explain ID` one"
            ))
        }
        ErrorKind::InvalidValue
            if argument.starts_with("--format") && is_list(named(ContextKind::InvalidValue)) =>
        {
            let message = "--format takes one format; for more reports use `--output FORMAT=FILE`, which can be given several times";
            Some(message.to_owned())
        }
        ErrorKind::UnknownArgument => {
            let name = argument.split('=').next()?;
            let (_, advice) = OPTIONS.iter().find(|(option, _)| *option == name)?;
            Some(format!("there is no option `{name}`: {advice}"))
        }
        ErrorKind::ArgumentConflict if argument.starts_with("--format") => {
            let is_itself = match error.get(ContextKind::PriorArg) {
                Some(ContextValue::String(prior)) => prior == argument,
                _ => true,
            };
            is_itself.then(|| {
                "--format can be given once; for more reports use `--output FORMAT=FILE`".to_owned()
            })
        }
        _ => None,
    }
}

/// Returns the usage of the command that the error is about.
fn usage(error: &clap::Error) -> String {
    match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    }
}

fn is_list(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.contains(','))
}

/// Returns a message if arguments make no sense together. `roots` are the files and folders that they name.
pub(super) fn of_arguments(arguments: &Arguments, roots: &[PathBuf]) -> Option<String> {
    let piped = roots.iter().any(|root| root == Path::new("-"));
    if piped && roots.len() > 1 {
        return Some("`-` (standard input) cannot be combined with paths".to_owned());
    }
    if let Some(name) = arguments.scope.stdin_filename.as_ref().filter(|_| !piped) {
        let name = printable::path(name);
        return Some(format!(
            "--stdin-filename names standard input, which is not read without `-`: \
             write `regfix --stdin-filename {name} -`"
        ));
    }
    if let Some(fault) = revision::fault(arguments) {
        return Some(fault);
    }
    let bare = roots.iter().find(|root| is_bare(root));
    if let Some(bare) = bare.filter(|_| !revision::is_asked(&arguments.scope)) {
        let bare = printable::path(bare);
        return Some(format!(
            "{bare}: a bare repository, which has no files on the disk: write `regfix --git-dir {bare}`"
        ));
    }
    let output = &arguments.output;
    if output.quiet && output.verbose && output.output.is_empty() {
        let message = "--verbose has nothing to print with --quiet: leave out one of them, or write a report with --output";
        return Some(message.to_owned());
    }
    if arguments.command.is_some() {
        return None;
    }
    let (first, rest) = arguments.scope.paths.split_first()?;
    if walk::is_there(first) {
        return None;
    }
    if let Some((_, message)) = NO_COMMANDS
        .iter()
        .find(|(word, _)| first == Path::new(word))
    {
        return Some((*message).to_owned());
    }
    let commands = shell::commands();
    if let Some(command) = first
        .to_str()
        .filter(|name| commands.find_subcommand(name).is_some())
    {
        return Some(format!(
            "a command comes before its options: write `regfix {command} [OPTIONS]`"
        ));
    }
    let (word, same) = COMMANDS.iter().find(|(word, _)| first == Path::new(word))?;
    let rest: Vec<String> = rest.iter().map(|path| printable::path(path)).collect();
    let rest = match rest.is_empty() {
        true => ".".to_owned(),
        false => rest.join(" "),
    };
    Some(format!(
        "there is no command `{word}`, and no file or folder of that name: write `{same} {rest}`"
    ))
}

/// Returns a message if reports or the baseline cannot go where the arguments say.
pub(super) fn of_outputs(arguments: &Arguments) -> Option<String> {
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

/// Whether a path is a bare repository. Inside of another repository, anybody could have committed such a folder.
fn is_bare(root: &Path) -> bool {
    let full = std::path::absolute(root);
    full.is_ok_and(|full| config::repository(&full).is_none()) && git::is_bare(root)
}

/// Warns about arguments that have no effect. The run goes on.
///
/// # Errors
/// If `err` cannot be written.
pub(super) fn warn(arguments: &Arguments, err: &mut dyn Write) -> io::Result<()> {
    let (scope, action) = (&arguments.scope, &arguments.action);
    let is_check = arguments.command.is_none() && !action.write && !action.diff;
    if arguments.output.quiet {
        return Ok(());
    }
    if is_check && action.unsafe_fixes {
        complain(
            &mut *err,
            "--unsafe-fixes has no effect without --write or --diff",
        )?;
    }
    if scope.names_no_path && is_fed() {
        complain(
            err,
            "standard input was not read, the working directory is: write `-` to read standard input",
        )?;
    }
    Ok(())
}

/// Whether standard input is a pipe.
#[cfg(unix)]
fn is_fed() -> bool {
    use std::os::unix::fs::FileTypeExt;
    let input = open::metadata(Path::new("/dev/stdin"), Links::Follow);
    input.is_some_and(|input| input.file_type().is_fifo())
}

/// A pipe cannot be recognised here without unsafe code.
#[cfg(not(unix))]
fn is_fed() -> bool {
    false
}
