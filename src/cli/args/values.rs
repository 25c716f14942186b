//! The values of arguments: their types, parsers and help texts.

use std::path::{MAIN_SEPARATOR, PathBuf};

use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use jiff::civil::Date;

use crate::config::Globs;
use crate::policy::{ENGINES, Engine};
use crate::report::{self, FORMATS, Format, PLACEHOLDER};
use crate::rules::Severity;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyAction {
    /// Admit it, and warn the user who creates it
    Warn,
    /// Admit it, and record it
    Audit,
    /// Refuse it
    Deny,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Error,
    Warning,
    Never,
}

impl FailOn {
    /// Returns the least severity of findings that affect the exit code. `None` if no finding does.
    pub fn least(self, exit_zero: bool) -> Option<Severity> {
        match self {
            _ if exit_zero => None,
            Self::Never => None,
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Info,
    Warning,
    Error,
}

impl Level {
    pub fn severity(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Warning => Severity::Warning,
            Self::Error => Severity::Error,
        }
    }
}

pub(super) fn engines() -> PossibleValuesParser {
    PossibleValuesParser::new(ENGINES.iter().map(|engine| engine.name))
}

pub(super) fn about_engines() -> String {
    let mut text = "The engine that takes the policy:\n".to_owned();
    for Engine { name, about, .. } in &ENGINES {
        text += &format!("\n{name:<14}  {about}");
    }
    text
}

pub(in crate::cli) fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMATS.iter().map(|format| format.name))
}

pub(super) fn about_formats() -> String {
    let mut text = "Format of the report:\n".to_owned();
    for Format { name, about, .. } in FORMATS {
        text += &format!("\n{name:<8}  {about}");
    }
    text
}

pub(in crate::cli) fn output(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text
        .split_once('=')
        .ok_or("write it as FORMAT=FILE, like `sarif=regfix.sarif`")?;
    if report::format(name).is_none() {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        return Err(format!(
            "there is no format `{name}`: use one of {}",
            names.join(", ")
        ));
    }
    match file {
        "" => Err(format!("write the name of a file after `{name}=`")),
        "-" => Err(format!("for standard output there is `--format {name}`")),
        file if in_folder(file) => Err(format!(
            "write `{PLACEHOLDER}` only once, and only in the name of the file, like `{name}=reports/{PLACEHOLDER}.md`"
        )),
        file => Ok((name.to_owned(), PathBuf::from(file))),
    }
}

/// Whether the placeholder for the repository is in the name of a folder, or occurs more than once.
fn in_folder(file: &str) -> bool {
    let name = file
        .rsplit(['/', MAIN_SEPARATOR])
        .next()
        .unwrap_or_default();
    let is_in = |text: &str| text.matches(PLACEHOLDER).count();
    is_in(file) > is_in(name) || is_in(name) > 1
}

pub(super) fn glob(text: &str) -> Result<String, String> {
    match Globs::new([text]) {
        Ok(_) => Ok(text.to_owned()),
        Err((_, why)) => Err(format!(
            "{why}; write it as in .gitignore, and `\\[` for a bracket"
        )),
    }
}

pub(super) fn jobs(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "write a number of threads, 1 or more".to_owned())
}

pub(super) fn day(text: &str) -> Result<Date, String> {
    let date = text
        .parse()
        .ok()
        .filter(|_| text.len() == "2027-01-31".len());
    date.ok_or_else(|| "write a date like 2027-01-31".to_owned())
}
