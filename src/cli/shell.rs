//! What belongs to the shell: completions, the manual page, and the name under which regfix was called.
//!
//! All of it is made from the arguments that clap knows, and runs nothing.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use clap_complete_nushell::Nushell;

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

/// What kubectl calls a plugin is the name of its file: `kubectl-regfix` is run by `kubectl regfix`.
const PLUGIN: &str = "kubectl-regfix";

/// The command as it was called: its usage says what was typed.
pub(super) fn command(program: Option<&OsStr>) -> clap::Command {
    let command = Arguments::command();
    if !is_plugin(program) {
        return command;
    }
    let examples = command.get_after_help().map(ToString::to_string);
    let examples = examples
        .unwrap_or_default()
        .replace("`regfix", "`kubectl regfix");
    command.bin_name("kubectl regfix").after_help(examples)
}

fn is_plugin(program: Option<&OsStr>) -> bool {
    let stem = program.and_then(|program| Path::new(program).file_stem());
    // On Windows it ends in `.exe`.
    stem.is_some_and(|stem| stem == PLUGIN)
}

pub(super) fn complete(shell: ShellName, out: &mut dyn Write) -> io::Result<Exit> {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    let mut generate =
        |shell: Shell| clap_complete::generate(shell, &mut command, "regfix", &mut script);
    match shell {
        ShellName::Bash => generate(Shell::Bash),
        ShellName::Fish => generate(Shell::Fish),
        ShellName::PowerShell => generate(Shell::PowerShell),
        ShellName::Zsh => generate(Shell::Zsh),
        ShellName::Nushell => {
            clap_complete::generate(Nushell, &mut command, "regfix", &mut script);
        }
    }
    out.write_all(&script)?;
    Ok(Exit::Done)
}

/// The manual page of regfix, or of one of its commands.
pub(super) fn manual(
    page: Option<&str>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let mut command = Arguments::command();
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
    out.write_all(&page)?;
    Ok(Exit::Done)
}
