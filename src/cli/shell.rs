//! What belongs to the shell: completions, the manual page, and the name under which regfix was called.
//!
//! All of it is made from the arguments that clap knows, and runs nothing.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use clap_complete_nushell::Nushell;

use super::{Arguments, Exit};
use crate::finding;
use crate::printable::complain;
use crate::report::FORMATS;
use crate::rules::Edition;

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
    let mut command = with_values();
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
    let script = String::from_utf8_lossy(&script);
    out.write_all(without_space(shell, &script).as_bytes())?;
    Ok(Exit::Done)
}

/// The command with what can be typed where a rule is asked for, or a format and a file. Parsing takes more than that, such as
/// the beginnings of ids, so that only completions have it.
fn with_values() -> clap::Command {
    let rules = Edition::embedded().rules().iter();
    let rules = rules.map(|rule| rule.id.as_str());
    let rules: Vec<&'static str> = rules.chain(finding::NOT_RULES.map(|(id, _)| id)).collect();
    let selected = rules.iter().copied().chain(["all"]);
    let selected = PossibleValuesParser::new(selected);
    let mut command = Arguments::command()
        .mut_arg("select", |arg| arg.value_parser(selected.clone()))
        .mut_arg("ignore", |arg| arg.value_parser(selected))
        .mut_subcommand("explain", |command| {
            let rules = PossibleValuesParser::new(rules);
            command.mut_arg("what", |arg| arg.value_parser(rules))
        });
    let output = |arg: clap::Arg| arg.value_parser(PossibleValuesParser::new(outputs()));
    let has_output = |command: &clap::Command| {
        let mut arguments = command.get_arguments();
        arguments.any(|arg| arg.get_id() == "output")
    };
    let names = command.get_subcommands().filter(|one| has_output(one));
    let names: Vec<String> = names.map(|one| one.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |command| command.mut_arg("output", output));
    }
    command.mut_arg("output", output)
}

/// How what `--output` takes begins.
fn outputs() -> Vec<String> {
    let formats = FORMATS.iter();
    formats.map(|format| format!("{}=", format.name)).collect()
}

/// Lets no space follow `sarif=`, in the shells that add one.
fn without_space(shell: ShellName, script: &str) -> String {
    let outputs = outputs().join(" ");
    match shell {
        ShellName::Bash => {
            let reply = format!("-W \"{outputs}\" -- \"${{cur}}\"))");
            let indent = " ".repeat(20);
            script.replace(&reply, &format!("{reply}\n{indent}compopt -o nospace"))
        }
        ShellName::Zsh => {
            let action = format!(" compadd -S \"\" {outputs}");
            script.replace(&format!("({outputs})"), &action)
        }
        ShellName::Fish | ShellName::Nushell | ShellName::PowerShell => script.to_owned(),
    }
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
    let page = String::from_utf8_lossy(&page);
    page.lines()
        .try_for_each(|line| match !line.starts_with('.') && line.contains("  ") {
            // A row of a list, with its columns: the lines around it are not to be joined with it.
            true => writeln!(out, ".br\n{line}"),
            false => writeln!(out, "{line}"),
        })?;
    Ok(Exit::Done)
}
