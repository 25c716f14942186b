//! `regfix merge`: joins the results of several runs into one report.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{self, FailOn};
use super::{Exit, refuse};
use crate::printable::{self, complain};
use crate::report::FORMATS;
use crate::report::results::{self, Results};
use crate::run::{self, Options, Settings};
use crate::walk;

#[derive(Debug, Clone, Args)]
pub struct Merge {
    /// Reports that `--output jsonl=FILE` or `json=FILE` wrote
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Format of the report
    #[arg(long, value_name = "FORMAT", default_value = FORMATS[0].name, value_parser = args::formats())]
    pub format: String,
    /// Also write the report to a file; can be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = args::output)]
    pub output: Vec<(String, PathBuf)>,
    /// The least severity of a finding that makes the exit code 1
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Warning)]
    pub fail_on: FailOn,
    /// The exit code is 0 even if findings are left, and 2 only if the results are incomplete
    #[arg(long, conflicts_with = "fail_on")]
    pub exit_zero: bool,
}

pub(super) fn merge(
    merge: &Merge,
    settings: &Settings<'_>,
    options: &Options<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let mut results = Vec::new();
    let mut seen = HashSet::new();
    for path in merge.files.iter().filter(|path| seen.insert(*path)) {
        match read(path) {
            Ok(one) => results.push(one),
            Err(message) => complain(&mut *err, message)?,
        }
    }
    if results.len() < seen.len() {
        let unread = seen.len() - results.len();
        let message = match unread {
            1 => "nothing was merged, because one file cannot be used: repair it, or leave it out"
                .to_owned(),
            number => format!(
                "nothing was merged, because {number} files cannot be used: repair them, or leave them out"
            ),
        };
        complain(err, message)?;
        return Ok(Exit::Failed);
    }
    let area = match settings.of_folder(Path::new("")) {
        Ok(area) => area,
        Err(message) => return refuse(&message, err),
    };
    let joined = results::join(results);
    let outcome = run::merged(options, joined, &area.rules.set, out, err)?;
    Ok(outcome.into())
}

/// Reads one report. An error message contains its location.
fn read(path: &Path) -> Result<Results, String> {
    let name = printable::path(path);
    let (text, _) = walk::read(path).map_err(|error| match walk::is_there(path) {
        true => error.to_string(),
        false => format!("{name}: no such file"),
    })?;
    let results = results::read(&name, &text);
    results.map_err(|error| {
        let message = printable::line(&error.message);
        format!("{name}:{}:{}: {message}", error.line, error.column)
    })
}
