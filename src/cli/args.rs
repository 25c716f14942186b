//! What was typed: the arguments, their help, and nothing of what they mean.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::FORMATS;

/// Find and fix references to dead container registries.
///
/// Looks through Kubernetes manifests, Helm charts and values, and Kustomize trees for images and charts that come
/// from registries which are frozen, renamed, moved or gone. Shows each with its place, and rewrites it there
/// without touching another byte.
#[derive(Debug, Parser)]
#[command(
    name = "regfix",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 90,
    after_help = "Exit codes: 0 nothing left to do, 1 findings left, 2 the job could not be done.\n\
                  Start with `regfix`, preview with `regfix --diff`, fix with `regfix --write`."
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub action: Action,
    #[command(flatten)]
    pub output: Output,
}

/// Which files, and by which rules.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What to look at")]
pub struct Scope {
    /// Files and folders; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Rules to use: ids, `bitnami-*` or `all`
    #[arg(long, value_name = "RULE", value_delimiter = ',', global = true)]
    pub select: Vec<String>,
    /// Rules to leave out
    #[arg(long, value_name = "RULE", value_delimiter = ',', global = true)]
    pub ignore: Vec<String>,
    /// Files and folders to leave out, as in .gitignore
    #[arg(long, value_name = "GLOB", global = true)]
    pub exclude: Vec<String>,
    /// Leave out what is excluded even where it is named as PATH
    #[arg(long, global = true)]
    pub force_exclude: bool,
    /// Check and write the whole chart or kustomization tree of each file named as PATH
    #[arg(long, global = true)]
    pub related: bool,
    /// Read every text file token by token: shell, Markdown, Terraform, ...
    ///
    /// Fixes in files that are not YAML, JSON or templates are unsafe.
    #[arg(long, global = true)]
    pub all_text: bool,
    /// Name of standard input: decides how it is read
    #[arg(long, value_name = "NAME", global = true)]
    pub stdin_filename: Option<PathBuf>,
    /// Configuration to use instead of the nearest .regfix.yaml
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// Use no configuration
    #[arg(long, global = true)]
    pub no_config: bool,
    /// Threads; as many as there are cores if not given
    #[arg(
        long,
        short,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        global = true
    )]
    pub jobs: usize,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What to do")]
pub struct Action {
    /// Show what `--write` would change, as a diff that `git apply` takes
    #[arg(long, conflicts_with = "write")]
    pub diff: bool,
    /// Fix files in place; of standard input, print the fixed text
    #[arg(long)]
    pub write: bool,
    /// Apply fixes that ask for a review, too
    #[arg(long)]
    pub unsafe_fixes: bool,
    /// List the files that would be scanned, and as what
    #[arg(long, conflicts_with_all = ["diff", "write"])]
    pub files: bool,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How to tell")]
pub struct Output {
    /// How findings are shown
    #[arg(long, value_name = "FORMAT", default_value = FORMATS[0].name(), value_parser = formats())]
    pub format: String,
    /// Count findings by rule
    #[arg(long)]
    pub statistics: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN", global = true)]
    pub color: ColorChoice,
    /// Say nothing; the exit code tells
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// List what could not be analysed, and why
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Tell all about a rule: what, why, since when, how safe, who says so
    Explain {
        /// A rule's id, as `regfix rules` lists them
        rule: String,
    },
    /// List the rules
    Rules {
        #[arg(long, value_enum, default_value_t = TableFormat::Text)]
        format: TableFormat,
    },
    /// List every image that the files name, legacy or not
    Images {
        /// Files and folders; `-` is standard input
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
        #[arg(long, value_enum, default_value_t = TableFormat::Text)]
        format: TableFormat,
        /// Each image once, with its count
        #[arg(long)]
        unique: bool,
    },
}

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

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMATS.iter().map(|format| format.name()))
}
