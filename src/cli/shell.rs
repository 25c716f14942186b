//! Shell integration: the manual page, and the name under which regfix was called.
//!
//! Everything is generated from the arguments that clap knows. Nothing is run.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use clap::{Arg, ArgAction, CommandFactory, ValueEnum};

use super::{Arguments, Exit};
use crate::printable::complain;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShellName {
    Bash,
    Fish,
    Nushell,
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
    Zsh,
}

/// The file name of the kubectl plugin: `kubectl regfix` runs `kubectl-regfix`.
const PLUGIN: &str = "kubectl-regfix";

/// Options about files.
const ABOUT_FILES: [&str; 7] = [
    "exclude",
    "force_exclude",
    "no_hidden",
    "related",
    "all_text",
    "stdin_filename",
    "jobs",
];

/// Options about rules and settings.
const ABOUT_RULES: [&str; 7] = [
    "select",
    "ignore",
    "config",
    "config_from",
    "no_config",
    "catalogue",
    "as_of",
];

/// Returns all commands and options. The help of a command leaves out options that have no effect on it.
pub(super) fn commands() -> clap::Command {
    let all = Arguments::command();
    let hidden = |of: &[&str]| -> Vec<Arg> {
        let options = all.get_arguments();
        let options = options.filter(|option| of.contains(&option.get_id().as_str()));
        options.map(|option| option.clone().hide(true)).collect()
    };
    let (of_files, of_rules) = (hidden(&ABOUT_FILES), hidden(&ABOUT_RULES));
    all.clone()
        .mut_subcommands(|command| match command.get_name() {
            "explain" | "rules" | "policy" | "merge" => command.args(&of_files),
            "tags" | "completions" | "man" => command.args(&of_files).args(&of_rules),
            _ => command,
        })
}

/// Returns the command with usage texts that match how it was called.
pub(super) fn command(program: Option<&OsStr>) -> clap::Command {
    let command = commands().mut_args(repeatable);
    if !is_plugin(program) {
        return command;
    }
    let examples = command.get_after_help().map(ToString::to_string);
    let examples = examples
        .unwrap_or_default()
        .replace("`regfix", "`kubectl regfix");
    command.bin_name("kubectl regfix").after_help(examples)
}

/// Allows a flag to be given twice, as in a hook's `args` and by hand.
fn repeatable(argument: Arg) -> Arg {
    match argument.get_action() {
        ArgAction::SetTrue => {
            let own = argument.get_id().clone();
            argument.overrides_with(own)
        }
        _ => argument,
    }
}

fn is_plugin(program: Option<&OsStr>) -> bool {
    let stem = program.and_then(|program| Path::new(program).file_stem());
    // On Windows the name ends in `.exe`.
    stem.is_some_and(|stem| stem == PLUGIN)
}

/// Prints the manual page of regfix, or of one of its commands.
pub(super) fn manual(
    page: Option<&str>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let mut command = commands();
    command.build();
    let command = match page {
        None => command,
        Some(name) => {
            let found = command
                .get_subcommands()
                .find(|command| command.get_name() == name);
            let Some(found) = found else {
                let names = command.get_subcommands().map(clap::Command::get_name);
                let names: Vec<&str> = names.filter(|name| *name != "help").collect();
                let names = names.join(", ");
                let why = format!("there is no command {name}; the commands are {names}");
                complain(err, why)?;
                return Ok(Exit::Failed);
            };
            found.clone()
        }
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .source(concat!("regfix ", env!("CARGO_PKG_VERSION")))
        .render(&mut page)?;
    let page = String::from_utf8_lossy(&page);
    page.lines()
        .try_for_each(|line| match !line.starts_with('.') && line.contains("  ") {
            // A row of a table, which must not be joined with the lines around it.
            true => writeln!(out, ".br\n{line}"),
            false => writeln!(out, "{line}"),
        })?;
    Ok(Exit::Done)
}
