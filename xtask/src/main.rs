//! `cargo xtask`: tasks for people who change regfix.

mod catalogue;
mod charts;
mod git;
mod index;
mod new_rule;
mod regenerate;
mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An error message for people.
type Fault = String;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks for people who change regfix")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write everything that is made from something else: schemas, tables, pages, reports of fixtures
    Regenerate,
    /// Add a row to the catalogue, for you to fill in
    NewRule(new_rule::Arguments),
    /// Check that rules hold together, match their examples, and are described
    VerifyRules(verify::Arguments),
    /// Write the whole catalogue to one file, for `regfix --catalogue` and for configurations that pin one
    Catalogue {
        /// Where to; usually regfix.catalogue.yaml
        file: PathBuf,
    },
    /// Bring the list of images of registry.k8s.io up to date from a clone of kubernetes/k8s.io
    Index(index::Arguments),
    /// Bring the versions of charts up to date from clones of chart repositories
    Charts(charts::Arguments),
}

fn main() -> ExitCode {
    let Arguments { task } = Arguments::parse();
    let done = match task {
        Task::Regenerate => regenerate::run(),
        Task::NewRule(arguments) => new_rule::run(&root(), &arguments),
        Task::VerifyRules(arguments) => verify::run(&root(), &arguments),
        Task::Catalogue { file } => catalogue::run(&root(), &file),
        Task::Index(arguments) => index::run(&root(), &arguments),
        Task::Charts(arguments) => charts::run(&root(), &arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("cargo xtask: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the root folder of the project.
fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

fn read(path: &Path) -> Result<String, Fault> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), Fault> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
