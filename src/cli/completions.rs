//! Shell completions: clap generates them from the arguments, and this module adds what its scripts lack in each shell.
//!
//! regfix takes paths or a command as its first word, which clap's scripts for zsh and fish do not expect.
//! `tests/tools/shells.sh` tests all this in interactive shells.

use std::io::{self, Write};

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command};
use clap_complete::Shell;
use clap_complete_nushell::Nushell;

use super::Exit;
use super::shell::{self, ShellName};
use crate::finding;
use crate::report::FORMATS;
use crate::rules::Edition;

pub(super) fn complete(shell: ShellName, out: &mut dyn Write) -> io::Result<Exit> {
    let mut command = with_values();
    let mut script = Vec::new();
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
    let script = match shell {
        ShellName::Bash => bash(&script),
        ShellName::Fish => fish(&script, &command),
        ShellName::Zsh => zsh(&script),
        ShellName::Nushell | ShellName::PowerShell => script.into_owned(),
    };
    out.write_all(script.as_bytes())?;
    Ok(Exit::Done)
}

/// Returns the command with the possible values of rules, and of formats with their files. Only completions use it, because
/// parsing accepts more, such as prefixes of ids.
fn with_values() -> Command {
    let rules = Edition::embedded().rules().iter();
    let rules = rules.map(|rule| rule.id.as_str());
    let rules: Vec<&'static str> = rules.chain(finding::NOT_RULES.map(|(id, _)| id)).collect();
    let selected = rules.iter().copied().chain(["all"]);
    let selected = PossibleValuesParser::new(selected);
    let mut command = shell::commands()
        .mut_arg("select", |arg| arg.value_parser(selected.clone()))
        .mut_arg("ignore", |arg| arg.value_parser(selected))
        .mut_subcommand("explain", |command| {
            let rules = PossibleValuesParser::new(rules);
            command.mut_arg("what", |arg| arg.value_parser(rules))
        });
    let output = |arg: Arg| arg.value_parser(PossibleValuesParser::new(outputs()));
    let has_output = |command: &Command| {
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

/// Returns what a value of `--output` can start with.
fn outputs() -> Vec<String> {
    let formats = FORMATS.iter();
    formats.map(|format| format!("{}=", format.name)).collect()
}

/// Adapts the script for bash, which splits `--output=sarif` at the `=`, and adds a space after `sarif=`.
fn bash(script: &str) -> String {
    const PREVIOUS: &str = "    prev=\"$3\"\n";
    let whole = format!(
        "{PREVIOUS}    if [[ \"${{COMP_WORDS[COMP_CWORD]}}\" == \"=\" ]]; then\n        cur=\"\"\n    \
         elif [[ \"$prev\" == \"=\" ]]; then\n        prev=\"${{COMP_WORDS[COMP_CWORD-2]}}\"\n    fi\n"
    );
    let reply = format!("-W \"{}\" -- \"${{cur}}\"))", outputs().join(" "));
    let indent = " ".repeat(20);
    let spaceless = format!("{reply}\n{indent}compopt -o nospace");
    script
        .replacen(PREVIOUS, &whole, 1)
        .replace(&reply, &spaceless)
}

/// Adapts the script for fish: clap's takes the first word as a command whatever it is, fails on an option whose value is still
/// missing, and leaves out the values of positional arguments.
fn fish(script: &str, command: &Command) -> String {
    let commands: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    let is_command = format!(
        "if set -q argv[1]; and contains -- $argv[1] {}\n",
        commands.join(" ")
    );
    let mut script = script
        .replacen("    or return\n", "    or return 0\n", 1)
        .replacen("if set -q argv[1]\n", &is_command, 1);
    for command in command.get_subcommands() {
        let arguments = command.get_positionals();
        let values = arguments.flat_map(Arg::get_possible_values);
        let values: Vec<String> = values.map(|one| one.get_name().to_owned()).collect();
        if !values.is_empty() {
            let (name, values) = (command.get_name(), values.join(" "));
            let condition = format!("__fish_regfix_using_subcommand {name}");
            script += &format!("complete -c regfix -n \"{condition}\" -f -a \"{values}\"\n");
        }
    }
    // The first word can also be a path.
    script + "complete -c regfix -n \"__fish_regfix_needs_command\" -F\n"
}

/// Adapts the script for zsh: the first word is a path or a command, and decides what follows only if it is a command. No space
/// follows `sarif=`.
fn zsh(script: &str) -> String {
    const FIRST: &str = "\":: :_regfix_commands\" \\\n";
    const LAST: &str = "\nif [ \"$funcstack[1]\" = \"_regfix\" ]; then\n";
    let outputs = outputs().join(" ");
    let action = format!(" compadd -S \"\" {outputs}");
    let script = script.replace(&format!("({outputs})"), &action);
    let (head, rest) = script.split_once(FIRST).unwrap_or((&script, ""));
    let at_paths = head.rfind("\n'::paths").map_or(head.len(), |at| at + 1);
    let options = head[..at_paths]
        .rsplit(" : \\\n")
        .next()
        .unwrap_or_default();
    // The command is the first word then. Three places refer to it.
    let rest = rest.replacen("$line[2]", "$line[1]", 3).replacen(
        "\n        esac\n    ;;\nesac\n}\n",
        "\n(*)\n_regfix_paths && ret=0\n;;\n        esac\n    ;;\nesac\n}\n",
        1,
    );
    let (rest, last) = rest.split_once(LAST).unwrap_or((&rest, ""));
    format!(
        "{}\":: :_regfix_first\" \\\n{rest}\n\
         _regfix_first() {{\n    _alternative \"commands:command:_regfix_commands\" \"files:file:_files\"\n}}\n\n\
         _regfix_paths() {{\n    _arguments \"${{_arguments_options[@]}}\" : \\\n{options}'*:path:_files'\n}}\n{LAST}{last}",
        &head[..at_paths]
    )
}
