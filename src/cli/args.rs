//! The arguments and their help texts. This module does not interpret them.

mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use jiff::civil::Date;

use super::cluster::Cluster;
use super::exporter::Exporter;
use super::hook::Hook;
#[cfg(feature = "lsp")]
use super::lsp::Lsp;
use super::merge::Merge;
use super::mirror::{Hosts, Mirror};
use super::online::{Registries, Tags, Verify, VerifyFixes};
use super::shard::{self, Shard};
use super::shell::ShellName;
use crate::report::FORMATS;

pub(super) use values::{ColorChoice, FailOn, Level, PolicyAction, TableFormat};
use values::{about_engines, about_formats, day, engines, glob, jobs};
pub(super) use values::{formats, output};

/// Find and fix references to legacy container registries.
///
/// Finds references to images and charts from registries that are frozen, renamed, moved or gone, in Kubernetes
/// manifests, Helm charts and values, and Kustomize trees. Reports each with its location, and rewrites it in place
/// without changing another byte.
#[derive(Debug, Parser)]
#[command(
    name = "regfix",
    version,
    disable_version_flag = true,
    args_conflicts_with_subcommands = true,
    max_term_width = 90,
    after_help = "Exit codes: 0 no findings left, 1 findings left, 2 the run is incomplete or the arguments are wrong.\n\
                  Check with `regfix`, preview with `regfix --diff`, fix with `regfix --write`."
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
    #[command(flatten)]
    pub registries: Registries,
    /// Print the version; with `--verbose`, also the date and the size of the catalogue
    #[arg(long, short = 'V')]
    pub version: bool,
}

impl Arguments {
    /// Applies everything that `--hook` implies.
    pub fn of_hook(mut self) -> Self {
        if let Some(hook) = self.action.hook {
            self.action.write = hook == Hook::Fix;
            self.scope.related = true;
            self.scope.force_exclude = true;
        }
        self
    }
}

/// Which files, and by which rules.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Files and rules")]
pub struct Scope {
    /// Files and folders; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Whether no path was typed, and the command has paths.
    #[arg(skip)]
    pub names_no_path: bool,
    /// Rules to use: ids, `bitnami-*` or `all`
    #[arg(long, value_name = "RULE", value_delimiter = ',', global = true)]
    pub select: Vec<String>,
    /// Rules to leave out
    #[arg(long, value_name = "RULE", value_delimiter = ',', global = true)]
    pub ignore: Vec<String>,
    /// Files and folders to leave out, as in .gitignore
    #[arg(long, value_name = "GLOB", value_parser = glob, global = true)]
    pub exclude: Vec<String>,
    /// Leave out excluded files even if they are named as PATH
    #[arg(long, global = true)]
    pub force_exclude: bool,
    /// Leave out hidden files and folders, such as .github and .gitlab-ci.yml
    #[arg(long, global = true)]
    pub no_hidden: bool,
    /// Also check and fix the rest of the chart or kustomization tree that each named file belongs to
    #[arg(long, global = true)]
    pub related: bool,
    /// Also check the repositories of a list: a file with one path per line; `-` is standard input
    #[arg(long, value_name = "LIST")]
    pub repositories: Option<PathBuf>,
    /// Read a bare or partial clone at a revision, without a working tree; can be given several times
    ///
    /// Its files, its configuration and its baseline are those of the commit; nothing is fetched, and nothing is written.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["since", "staged", "related"])]
    pub git_dir: Vec<PathBuf>,
    /// The revision that `--git-dir` reads [default: HEAD]; with `--repositories`, read each of the list at REV in the same way
    #[arg(long, value_name = "REV", conflicts_with_all = ["since", "staged", "related"])]
    pub rev: Option<String>,
    /// Take only a part of the repositories, like `2/8`; `auto` asks the environment of a CI job
    ///
    /// Repositories are those that are named, listed or found below the named folders; the path of each decides. With
    /// JOB_COMPLETION_INDEX, which does not come with a total, write `auto/8`. See docs/across-repositories.md.
    #[arg(long, value_name = "I/N", value_parser = shard::parse, conflicts_with = "write_baseline")]
    pub shard: Option<Shard>,
    /// Report only files changed since REV, plus the charts and kustomizations they belong to
    ///
    /// Compares the working tree with the merge base of REV and HEAD; untracked files are included. If the
    /// configuration changed, everything is checked.
    #[arg(long, value_name = "REV", conflicts_with_all = ["staged", "files", "write_baseline"])]
    pub since: Option<String>,
    /// Report only staged files, plus the charts and kustomizations they belong to
    ///
    /// Reads and fixes the files in the working tree; the index is not changed.
    #[arg(long, conflicts_with_all = ["files", "write_baseline"])]
    pub staged: bool,
    /// Search every text file: shell, Markdown, Dockerfiles, ...
    ///
    /// Fixes in files that are not YAML, JSON or templates need review.
    #[arg(long, global = true)]
    pub all_text: bool,
    /// File name to assume for standard input; it decides the file type
    #[arg(long, value_name = "NAME", global = true)]
    pub stdin_filename: Option<PathBuf>,
    /// Configuration to use for all files, instead of the nearest .regfix.yaml of each
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// Use the configuration that the repository had at a revision, as the base of a pull request
    ///
    /// Read from this clone; nothing is fetched. If there was none, none is used.
    #[arg(
        long,
        value_name = "REV",
        global = true,
        conflicts_with_all = ["config", "no_config"]
    )]
    pub config_from: Option<String>,
    /// Use no configuration
    #[arg(long, global = true)]
    pub no_config: bool,
    /// Catalogue of rules to use instead of the built-in one, and of those that configurations pin
    ///
    /// A newer one can be used without a newer regfix; see docs/configuration.md.
    #[arg(long, value_name = "FILE", global = true)]
    pub catalogue: Option<PathBuf>,
    /// Also report findings that are in the baseline
    #[arg(long)]
    pub no_baseline: bool,
    /// Judge as of this date: severities and `until=` comments depend on it [default: today, UTC]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, global = true)]
    pub as_of: Option<Date>,
    /// Number of threads [default: number of CPU cores, 4 times that with `--write`]
    #[arg(long, short, value_name = "N", value_parser = jobs, global = true, allow_negative_numbers = true)]
    pub jobs: Option<usize>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Actions")]
pub struct Action {
    /// For hooks, as the first argument: an argument that names an existing file is that file, and never an option
    ///
    /// Checks, or fixes, what the files that are named are part of (`--related`), leaves out what is excluded
    /// (`--force-exclude`), and writes no report outside of the working tree.
    #[arg(long, value_name = "WHAT", require_equals = true, conflicts_with_all = ["diff", "write", "write_baseline", "files"])]
    pub hook: Option<Hook>,
    /// Show what `--write` would change, as a diff for `git apply`
    #[arg(long, conflicts_with = "write")]
    pub diff: bool,
    /// Apply safe fixes in place; for standard input, print the fixed text
    #[arg(long)]
    pub write: bool,
    /// With `--write` or `--diff`: also apply fixes that need review
    #[arg(long)]
    pub unsafe_fixes: bool,
    /// Ask the registries whether they have what fixes put in place; `both`: also whether it is the same image
    ///
    /// What a registry does not have is not put in place. With `both`, a fix whose old and new image have the same digest is safe, and
    /// one where they differ needs review. Makes connections; see docs/registries.md.
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "new",
        conflicts_with = "files"
    )]
    pub verify: Option<VerifyFixes>,
    /// Add the digest that was verified beside the tag, as a fix that needs review
    #[arg(long, requires = "verify")]
    pub pin: bool,
    /// Record current findings in .regfix-baseline.json, so that later runs report only new ones
    #[arg(long, conflicts_with_all = ["diff", "no_baseline"])]
    pub write_baseline: bool,
    /// Add an ignore comment with REASON at each finding; findings where no comment can be are added to the baseline
    ///
    /// The comments are in the style of each file, and nothing else changes. With `--diff`, they are only shown.
    #[arg(
        long,
        value_name = "REASON",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with_all = ["write", "unsafe_fixes", "write_baseline", "no_baseline", "files", "hook"]
    )]
    pub add_ignores: Option<String>,
    /// With `--add-ignores`: the last day on which the comments apply
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, requires = "add_ignores")]
    pub until: Option<Date>,
    /// Run again whenever a file changes, on a cleared screen, until Ctrl-C
    #[cfg(feature = "watch")]
    #[arg(
        long,
        conflicts_with_all = ["hook", "write", "write_baseline", "add_ignores", "files", "output"]
    )]
    pub watch: bool,
    /// List the files that would be checked, and their types
    #[arg(long, conflicts_with_all = ["diff", "write", "write_baseline", "output", "format", "statistics"])]
    pub files: bool,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Format of the report
    #[arg(long, value_name = "FORMAT", default_value = FORMATS[0].name, value_parser = formats(), long_help = about_formats())]
    pub format: String,
    /// Also write a report to a file; can be given several times
    ///
    /// With `--diff`, the report lists what there is to fix. The file appears as a whole when the run ends. With
    /// `{repository}` in its name there is a file for each repository.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output)]
    pub output: Vec<(String, PathBuf)>,
    /// The least severity of a finding that makes the exit code 1
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Warning)]
    pub fail_on: FailOn,
    /// The exit code is 0 even if findings are left, and 2 only if the run is incomplete
    #[arg(long, conflicts_with = "fail_on")]
    pub exit_zero: bool,
    /// Leave out findings that are less severe; they are neither reported nor fixed
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub min_severity: Option<Level>,
    /// Print a table of rules, severities and fixes instead of the findings
    #[arg(long)]
    pub statistics: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN", global = true)]
    pub color: ColorChoice,
    /// Print nothing on standard output; use the exit code
    #[arg(long, short, global = true, overrides_with = "quiet")]
    pub quiet: bool,
    /// Also list what could not be analysed, and why; show every finding even if there are many
    #[arg(long, short, global = true, overrides_with = "verbose")]
    pub verbose: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Explain a rule, an image or a chart: what moved, why, since when, how safe the fix is, and the sources
    Explain {
        /// A rule id, `bitnami-*`, an image, a URL, or a chart as NAME@VERSION; can be given several times
        #[arg(required = true)]
        what: Vec<String>,
    },
    /// List the rules
    Rules {
        #[arg(long, value_enum, default_value_t = TableFormat::Text)]
        format: TableFormat,
        /// Only rules that were added or changed after this day, or became more severe
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
        changed_since: Option<Date>,
    },
    /// Show which settings apply to a path, and where they come from
    Config {
        /// A file or folder
        #[arg(value_name = "PATH", default_value = ".")]
        path: PathBuf,
    },
    /// List every image that the files name, legacy or not
    Images {
        /// Files and folders; `-` is standard input
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
        #[arg(long, value_enum, default_value_t = TableFormat::Text)]
        format: TableFormat,
        /// List each image once, with its count
        #[arg(long)]
        unique: bool,
        #[command(flatten)]
        verify: Verify,
    },
    /// List the tags of an image, sorted by version
    ///
    /// Exit code 0: the tags are listed. 1: the registry has no such repository. 2: it could not be determined.
    Tags(Tags),
    /// Print what other tools need to copy the images to a mirror, or to pull from it
    ///
    /// Copies nothing itself. Exit code 0: all images are included. 1: some are left out, and standard error says why.
    Mirror(Mirror),
    /// Write metrics for Prometheus: which images exist, which are gone, and which registries do not answer
    ///
    /// Asks each registry once and ends, or serves the metrics over HTTP with `--listen`. Exit code 0: the metrics are written, or a
    /// signal ended the server. 2: something failed. See docs/registries.md.
    Exporter(Exporter),
    /// List the hosts that pulls need, before and after the images have moved
    Hosts(Hosts),
    /// List legacy images in a cluster: one row per workload and container, and what put it there
    ///
    /// Reads with `kubectl get`, and changes nothing. Finished Jobs, suspended CronJobs, workloads without pods and custom
    /// resources are included. See docs/cluster.md.
    Cluster(Cluster),
    /// Serve an editor, by the Language Server Protocol on standard input and output
    ///
    /// Shows findings while you type, and offers their fixes. Writes no file itself. See docs/editors.md.
    #[cfg(feature = "lsp")]
    Lsp(Lsp),
    /// Print an admission policy that warns about legacy images in a cluster, denies them or replaces them
    ///
    /// The rules that `--select`, `--ignore` and the configuration choose become one policy, on standard output. It checks only
    /// images that an object did not have before, and no objects that a controller creates. See docs/policies.md.
    Policy {
        #[arg(long, value_parser = engines(), default_value = "vap", long_help = about_engines(), global = true)]
        engine: String,
        /// What happens to an object with a legacy image; policies that replace images ignore this
        #[arg(long, value_enum, default_value_t = PolicyAction::Warn)]
        action: PolicyAction,
        /// Only rules that are at least this severe
        #[arg(long, value_enum, default_value_t = Level::Warning, global = true)]
        min_severity: Level,
        #[command(subcommand)]
        task: Option<Task>,
    },
    /// Join the results of several runs, such as the shards of one, into one report of any format
    ///
    /// What is in several results counts once. Missing shards and results of different versions of regfix are reported, and the
    /// exit code is then 2. Of runs as of several days, the latest is reported, and `html` draws how the numbers changed.
    Merge(Merge),
    /// Print a shell completion script
    ///
    /// For bash: `source <(regfix completions bash)`. For other shells see docs/shell.md.
    Completions { shell: ShellName },
    /// Print the manual page
    Man {
        /// Print the page of this command
        #[arg(value_name = "COMMAND")]
        page: Option<String>,
    },
}

/// What else can be done with a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Try the policy with the examples of its rules, without a cluster: by gator for `gatekeeper`, by the kyverno command for the others
    ///
    /// Each image is tried in a Pod, a CronJob and another kind of object. Exit code 0: the policy refuses or replaces what the rules
    /// are about, and nothing else. 1: there are differences. 2: the program is not on the PATH, or failed.
    Test,
}
