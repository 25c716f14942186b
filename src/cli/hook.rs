//! The arguments of a hook: those of its entry, those of the user's settings, and file names that the repository chooses.
//! This module decides which of them are options before they are parsed.
//!
//! Programs that run hooks, like pre-commit, append file names to the user's arguments without a separator. A file
//! may be called `--output=concise=.bashrc`, and a file called `--` makes a separator useless. But all these files
//! exist. So a hook takes an argument that exists as a file, whatever it looks like, and only the rest as options.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{ArgAction, Command, ValueEnum};

use super::args::Arguments;
use crate::config;
use crate::walk;

/// What a hook does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Hook {
    /// Write safe fixes
    Fix,
    /// Report, and write nothing
    Check,
}

const FLAG: &str = "--hook=";

/// Whether the first argument marks a hook. At any other position it could be the name of a file.
pub(super) fn is_first(arguments: &[OsString]) -> bool {
    let is_flag = |argument: &OsString| argument.as_encoded_bytes().starts_with(FLAG.as_bytes());
    arguments.get(1).is_some_and(is_flag)
}

/// Moves the files among the arguments of a hook behind a `--`.
pub(super) fn sorted(arguments: Vec<OsString>, command: &Command) -> Vec<OsString> {
    if !is_first(&arguments) {
        return arguments;
    }
    let mut arguments = arguments.into_iter();
    let mut options: Vec<OsString> = arguments.by_ref().take(2).collect();
    let mut files = Vec::new();
    while let Some(argument) = arguments.next() {
        if argument == "--" && !is_there(&argument) {
            files.extend(arguments.by_ref());
        } else if !argument.as_encoded_bytes().starts_with(b"-") || is_there(&argument) {
            files.push(argument);
        } else {
            let has_value = takes_next(&argument, command);
            options.push(argument);
            options.extend(has_value.then(|| arguments.next()).flatten());
        }
    }
    options.push("--".into());
    options.extend(files.into_iter().map(named));
    options
}

fn is_there(name: &OsStr) -> bool {
    Path::new(name).symlink_metadata().is_ok()
}

/// A bare `-` would mean standard input.
fn named(file: OsString) -> OsString {
    match file == "-" {
        true => "./-".into(),
        false => file,
    }
}

/// Whether the value of an option is the next argument.
fn takes_next(argument: &OsStr, command: &Command) -> bool {
    let Some(text) = argument.to_str() else {
        return false;
    };
    let takes = |found: Option<&clap::Arg>| {
        found.is_some_and(|found| matches!(found.get_action(), ArgAction::Set | ArgAction::Append))
    };
    if let Some(long) = text.strip_prefix("--") {
        return takes(
            command
                .get_arguments()
                .find(|arg| arg.get_long() == Some(long)),
        );
    }
    // In a group of short options, the first one that has a value takes all that follows.
    let mut letters = text.chars().skip(1);
    while let Some(letter) = letters.next() {
        let mut arguments = command.get_arguments();
        if takes(arguments.find(|arg| arg.get_short() == Some(letter))) {
            return letters.next().is_none();
        }
    }
    false
}

/// Returns an error message if a hook would write a report outside of the working tree.
pub(super) fn stray_output(arguments: &Arguments) -> Option<String> {
    arguments.action.hook?;
    let here = walk::working_directory();
    let top = config::repository(&here).unwrap_or(&here);
    let top = walk::real(top)?;
    let outputs = &arguments.output.output;
    outputs.iter().find_map(|(_, path)| strays(path, &top))
}

/// Returns an error message if a report would be outside of the working tree.
fn strays(path: &Path, top: &Path) -> Option<String> {
    let refuse = |why: &str| {
        let (path, top) = (path.display(), top.display());
        Some(format!(
            "--output: {path} {why}; a hook writes reports below {top} alone"
        ))
    };
    let there = match path.symlink_metadata() {
        // The report would be written through the link.
        Ok(_) => path.canonicalize().ok(),
        Err(_) => {
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok();
            folder.map(|folder| folder.join(path.file_name().unwrap_or_default()))
        }
    };
    match there {
        Some(real) if real.starts_with(top) => None,
        Some(_) => refuse("lies outside"),
        None => refuse("is in a folder that is missing, or a link to nowhere"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Arguments;

    fn sort(arguments: &[&str]) -> Vec<String> {
        let arguments = arguments.iter().map(OsString::from).collect();
        let sorted = sorted(arguments, &Arguments::command());
        let texts = sorted.into_iter().map(|text| text.into_string().unwrap());
        texts.collect()
    }

    #[test]
    fn options_come_before_files() {
        for (given, expected) in [
            (
                "regfix --hook=fix a.yaml b.yaml",
                "regfix --hook=fix -- a.yaml b.yaml",
            ),
            (
                "regfix --hook=fix --unsafe-fixes --select k8s-gcr-io Cargo.toml",
                "regfix --hook=fix --unsafe-fixes --select k8s-gcr-io -- Cargo.toml",
            ),
            // An existing path that is the value of an option stays with the option.
            (
                "regfix --hook=check --config Cargo.toml -vj 2 a --exclude=x",
                "regfix --hook=check --config Cargo.toml -vj 2 --exclude=x -- a",
            ),
            (
                "regfix --hook=check -j2 -v -- --write -",
                "regfix --hook=check -j2 -v -- --write ./-",
            ),
            // Not a hook: nothing changes.
            (
                "regfix --write --hook=fix --select a",
                "regfix --write --hook=fix --select a",
            ),
        ] {
            let given: Vec<&str> = given.split(' ').collect();
            assert_eq!(sort(&given).join(" "), expected);
        }
    }
}
