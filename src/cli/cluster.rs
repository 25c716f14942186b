//! `regfix cluster`: the images that run in a cluster, and where they come from.

mod messages;
mod repo;
mod server;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::online::{Registries, VerifyFixes};
use super::run_options::format;
use super::{Exit, refuse, signals};
use crate::cluster::report::{self, Report, Summary};
use crate::cluster::{self, Collected, Collector, Inventory, Judge, Query, Row};
use crate::edit::Applicability;
use crate::open;
use crate::printable::{self, complain};
use crate::report::{FORMATS, Format, PLACEHOLDER};
use crate::rules::RuleSet;
use crate::run::{self, Options};
use crate::write::Draft;

#[derive(Debug, Clone, Args)]
pub struct Cluster {
    /// Read a saved dump instead of a cluster, `-` is standard input; can be given several times
    ///
    /// What `kubectl get -o json` or `-o yaml` printed: lists, or objects one after the other.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["context", "kubeconfig", "namespace", "all_namespaces", "selector", "chunk_size", "resources", "service_account"]
    )]
    pub from: Vec<PathBuf>,
    /// The context of the kubeconfig [default: the current one]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig [default: that of kubectl]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Ask the API server of the cluster that regfix runs in, with the token of a service account in this folder
    ///
    /// Without kubectl. It is what regfix does in a pod that has no kubectl; the folder is then that of the pod's own service account.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["context", "kubeconfig"])]
    pub service_account: Option<PathBuf>,
    /// The namespace [default: that of the context]
    #[arg(long, short, value_name = "NAME", conflicts_with = "all_namespaces")]
    pub namespace: Option<String>,
    /// All namespaces
    #[arg(long, short = 'A')]
    pub all_namespaces: bool,
    /// Only objects with these labels: `app=web,tier!=test`
    #[arg(long, short = 'l', value_name = "LABELS")]
    pub selector: Option<String>,
    /// How many objects the API server returns at once; 0 is all
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub chunk_size: u32,
    /// Also read these custom resources: `widgets.example.com`
    ///
    /// Custom resources whose definitions have fields for images are read anyway, if the definitions can be read.
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',', value_parser = resource)]
    pub resources: Vec<String>,
    /// Ask the registries whether they have what the fixes put in place; `both`: also whether it is the same image
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "new"
    )]
    pub verify: Option<VerifyFixes>,
    /// Also read the files below this folder, and match them with what runs; can be given several times
    ///
    /// Says where each image is named, how sure that is, and what is in git only, in the cluster only, or in both.
    #[arg(long, value_name = "DIR", value_parser = folder, conflicts_with = "patch")]
    pub repo: Vec<PathBuf>,
    /// Print `kubectl patch` commands instead, for objects that no tool would put back; comments say what to change for the rest
    ///
    /// A patch is refused if the object has changed since regfix read it.
    #[arg(long, conflicts_with_all = ["format", "all"])]
    pub patch: bool,
    /// With `--patch`: also apply fixes that need review
    #[arg(long, requires = "patch")]
    pub unsafe_fixes: bool,
    /// List all images, legacy or not
    #[arg(long)]
    pub all: bool,
    /// Format of the report
    #[arg(long, value_name = "FORMAT", default_value = FORMATS[0].name, value_parser = super::args::formats())]
    pub format: String,
    /// Also write a report to a file; can be given several times
    ///
    /// The file appears as a whole when the run ends.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output, conflicts_with = "patch")]
    pub output: Vec<(String, PathBuf)>,
    /// The exit code is 0 even if there are findings, and 2 only if something could not be read
    #[arg(long)]
    pub exit_zero: bool,
    #[command(flatten)]
    pub registries: Registries,
}

/// Parses `--output` without the placeholder for repositories, which a cluster does not have.
fn output(text: &str) -> Result<(String, PathBuf), String> {
    match text.contains(PLACEHOLDER) {
        true => Err(format!("`{PLACEHOLDER}` is for files of repositories")),
        false => super::args::output(text),
    }
}

/// Parses `--repo`, which cannot be standard input.
fn folder(text: &str) -> Result<PathBuf, String> {
    match text {
        "-" => Err("name a folder".to_owned()),
        text => Ok(PathBuf::from(text)),
    }
}

fn resource(text: &str) -> Result<String, String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    match !text.is_empty() && !text.starts_with('-') && text.bytes().all(known) {
        true => Ok(text.to_owned()),
        false => Err("write a resource like `widgets.example.com`".to_owned()),
    }
}

pub(super) fn run(
    arguments: &Cluster,
    options: Options<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let area = match options.settings.of_folder(Path::new("")) {
        Ok(area) => area,
        Err(message) => return refuse(&message, err),
    };
    let drafts = match drafts(arguments, &options) {
        Ok(drafts) => drafts,
        Err(why) => return refuse(&why, err),
    };
    let rules = &area.rules.set;
    let judge = Judge::new(rules, &area.rules.prefilter);
    let (mut collected, failures) = match arguments.from.is_empty() {
        true => live(arguments, &judge),
        false => saved(&arguments.from, &judge),
    };
    for failure in &failures {
        complain(err, failure)?;
    }
    if collected.objects.is_empty() {
        if !failures.is_empty() {
            return Ok(Exit::Failed);
        }
        if !collected.has_answers && !collected.not_read.is_empty() {
            complain(err, messages::nothing_read(&collected.not_read))?;
            return Ok(Exit::Failed);
        }
        if arguments.from.is_empty() && !options.quiet {
            complain(err, messages::no_objects(&query(arguments)))?;
        }
    }
    if let (Some(registries), Some(asked)) = (options.registries, rules.answers()) {
        run::ask(registries, asked, options.quiet, err, || {
            judge.again(&mut collected.objects)
        })?;
    }
    let is_whole = failures.is_empty();
    let outlets = Outlets { out, drafts };
    let exit = show(arguments, collected, is_whole, rules, options, outlets, err)?;
    Ok(match exit {
        _ if !is_whole => Exit::Failed,
        Exit::FindingsLeft if arguments.exit_zero => Exit::Done,
        exit => exit,
    })
}

/// Creates the files of `--output` first, so that those that cannot be written are reported before anything is read.
fn drafts(
    arguments: &Cluster,
    options: &Options<'_>,
) -> Result<Vec<(&'static Format, Draft)>, String> {
    if !arguments.output.is_empty() {
        signals::watch(&options.gate).map_err(|error| format!("cannot handle signals: {error}"))?;
    }
    let files = arguments.output.iter();
    let drafts = files.map(|(name, path)| {
        let draft = Draft::create(path, &options.gate).map_err(|error| error.to_string())?;
        Ok((format(name), draft))
    });
    drafts.collect()
}

/// The destinations of reports.
struct Outlets<'o> {
    out: &'o mut dyn Write,
    drafts: Vec<(&'static Format, Draft)>,
}

/// Prints the report and writes it to files.
fn show(
    arguments: &Cluster,
    collected: Collected,
    is_whole: bool,
    rules: &RuleSet,
    options: Options<'_>,
    outlets: Outlets<'_>,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let Collected {
        objects, not_read, ..
    } = collected;
    let (render_options, quiet) = (options.render_options, options.quiet);
    let count = objects.len();
    let inventory = Inventory::new(objects, rules.facts().charts);
    let mut rows = inventory.rows();
    let summary = Summary {
        is_partial: !is_whole || !not_read.is_empty(),
        ..Summary::new(&rows, count, inventory.counts().len())
    };
    if !arguments.all {
        rows.retain(|row: &Row| row.judged.is_some());
    }
    let (mut git_only, mut failed) = (Vec::new(), false);
    if !arguments.repo.is_empty() {
        let (sites, incomplete) = repo::sites(&options, err)?;
        git_only = cluster::join(&mut rows, &sites, &inventory);
        failed = incomplete;
    }
    let report = Report {
        rows: &rows,
        summary,
        not_read: &not_read,
        git_only: &git_only,
    };
    let Outlets { out, drafts } = outlets;
    if !quiet {
        let limit = Applicability::limit(arguments.unsafe_fixes);
        let text = match arguments.patch {
            true => cluster::script(&rows, limit, &query(arguments)),
            false => report::render(&report, format(&arguments.format), &render_options, rules),
        };
        out.write_all(text.as_bytes())?;
    }
    out.flush()?;
    for (format, mut draft) in drafts {
        let text = report::render(&report, format, &render_options.plain(), rules);
        if let Err(error) = draft.push(&text).and_then(|()| draft.finish()) {
            complain(err, error)?;
            failed = true;
        }
    }
    let counts = git_only.iter().any(|one| one.site.counts) || summary.has_findings();
    Ok(match counts {
        _ if failed => Exit::Failed,
        true => Exit::FindingsLeft,
        false => Exit::Done,
    })
}

/// Reads the objects of a cluster. Also returns messages about failures.
fn live(arguments: &Cluster, judge: &Judge<'_>) -> (Collected, Vec<String>) {
    let server = match server::server(arguments.service_account.as_deref(), query(arguments)) {
        Ok(server) => server,
        Err(why) => return (Collected::default(), vec![why]),
    };
    let mut collected = cluster::collect(&*server, judge, &arguments.resources);
    if !arguments.all_namespaces {
        collected.keep_to_namespace();
    }
    let failures = messages::failures(&collected);
    (collected, failures)
}

fn query(arguments: &Cluster) -> Query {
    Query {
        context: arguments.context.clone(),
        kubeconfig: arguments.kubeconfig.clone(),
        namespace: arguments.namespace.clone(),
        all_namespaces: arguments.all_namespaces,
        selector: arguments.selector.clone(),
        chunk_size: arguments.chunk_size,
    }
}

/// Reads the objects of dumps. Also returns messages about failures.
fn saved(paths: &[PathBuf], judge: &Judge<'_>) -> (Collected, Vec<String>) {
    let mut collector = Collector::new(judge);
    let mut failures = Vec::new();
    for path in paths {
        let is_input = path == Path::new("-");
        let name = match is_input {
            true => "<stdin>".to_owned(),
            false => printable::path(path),
        };
        let source: io::Result<Box<dyn Read>> = match is_input {
            true => Ok(Box::new(io::stdin().lock())),
            false => open::named(path).map(|file| Box::new(file) as Box<dyn Read>),
        };
        let read = source
            .map_err(|error| format!("cannot be read: {error}"))
            .and_then(|source| {
                cluster::read(source, &mut |value| collector.add(value))
                    .map_err(|error| error.to_string())
            });
        match read {
            Ok(unread) if unread.empty => {
                failures.push(format!("{name}: holds no object and no list"))
            }
            Ok(unread) => failures.extend(lacking(&name, unread)),
            Err(why) => failures.push(format!("{name}: {why}")),
        }
    }
    let collected = Collected {
        objects: collector.finish(),
        ..Collected::default()
    };
    (collected, failures)
}

fn lacking(name: &str, unread: cluster::Unread) -> Vec<String> {
    let mut lacking = Vec::new();
    if unread.pages > 0 {
        lacking.push(format!(
            "{name}: holds the first page of a list only (`metadata.continue`): save it with `kubectl get -o json`, which gets all"
        ));
    }
    if unread.nameless > 0 {
        let count = unread.nameless;
        lacking.push(format!(
            "{name}: {count} items do not say what kind they are: not checked"
        ));
    }
    lacking
}
