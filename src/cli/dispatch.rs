//! Chooses the command and prepares what it needs: settings, registries and files.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::civil::Date;

use super::args::{Arguments, Command, TableFormat};
use super::roots::{base, named, roots};
use super::run_options::{Surroundings, adds_ignores, color, note, render_options};
use super::settings::{self, Typed};
use super::shard::Paths;
use super::{
    Exit, catalogue, changed, cluster, completions, explain, exporter, hook, merge, mirror,
    mistakes, of_cluster, online, policy, refuse, revision, set_threads, shell, show_settings,
    signals, today,
};
use crate::printable::complain;
use crate::report::{PathBase, RenderOptions};
use crate::rules::{Edition, RuleSet};
use crate::run::{self, Baselines, ImageList, Options, Registries, Settings};

/// Why a command stopped before it did anything.
enum Refusal {
    /// The message is ready to be shown, and may have several lines.
    Shown(String),
    /// The message must be shown as one line.
    Line(String),
    /// The message was printed already.
    Said,
    /// The output cannot be written.
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs the command. `unread` becomes true when nobody reads `out` any more.
pub(super) fn run(
    arguments: &Arguments,
    unread: Arc<AtomicBool>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    match dispatch(arguments, unread, out, err) {
        Ok(exit) => Ok(exit),
        Err(Refusal::Shown(message)) => refuse(&message, err),
        Err(Refusal::Line(message)) => {
            complain(err, message)?;
            Ok(Exit::Failed)
        }
        Err(Refusal::Said) => Ok(Exit::Failed),
        Err(Refusal::Io(error)) => Err(error),
    }
}

fn dispatch(
    arguments: &Arguments,
    unread: Arc<AtomicBool>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refusal> {
    if let Some(exit) = without_settings(arguments, out, err)? {
        return Ok(exit);
    }
    if let Some(mistake) = mistakes::of_arguments(arguments, named(arguments)) {
        return Err(Refusal::Line(mistake));
    }
    mistakes::warn(arguments, err)?;
    let call = Call::new(arguments).map_err(Refusal::Shown)?;
    if arguments.version {
        return call.version(out);
    }
    set_threads(arguments.scope.jobs, call.writes()).map_err(Refusal::Line)?;
    if let Some(
        command @ (Command::Explain { .. } | Command::Rules { .. } | Command::Policy { .. }),
    ) = &arguments.command
    {
        let settings = Settings::new(&call.typed, &[], &call.base, Baselines::Unused);
        let area = settings.of_folder(Path::new(""));
        let area = area.map_err(Refusal::Shown)?;
        return Ok(call.by_rules(command, &area.rules.set, out, err)?);
    }
    let registries = connect(arguments, err)?;
    match &arguments.command {
        Some(Command::Config { path }) => {
            let settings = Settings::new(&call.typed, &[], &call.base, Baselines::Used);
            let typed = &call.typed;
            let shown = show_settings::print(arguments, typed, &settings, path, out, err);
            Ok(shown?)
        }
        Some(Command::Exporter(exporter)) => {
            let (base, render_options) = (&call.base, call.render_options);
            let exit = exporter::export(arguments, exporter, base, render_options, out, err);
            Ok(exit?)
        }
        _ => call.on_files(registries.as_deref(), unread, out, err),
    }
}

/// Runs a command that needs no settings. `None` for all others.
fn without_settings(
    arguments: &Arguments,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Option<Exit>> {
    match &arguments.command {
        Some(Command::Completions { shell }) => completions::complete(*shell, out).map(Some),
        Some(Command::Man { page }) => shell::manual(page.as_deref(), out, err).map(Some),
        Some(Command::Tags(tags)) => online::tags(tags, out, err).map(Some),
        _ if arguments.version && !arguments.output.verbose => version(None, out).map(Some),
        _ => Ok(None),
    }
}

/// Connects to the registries if the command needs them.
fn connect(
    arguments: &Arguments,
    err: &mut dyn Write,
) -> Result<Option<Box<dyn Registries>>, Refusal> {
    let asked = match of_cluster(arguments) {
        Some(cluster) => cluster.verify.map(|_| &cluster.registries),
        None => arguments.action.verify.map(|_| &arguments.registries),
    };
    let Some(asked) = asked else {
        return Ok(None);
    };
    match online::connect(asked, err)? {
        Some(registries) => Ok(Some(Box::new(registries))),
        None => Err(Refusal::Said),
    }
}

/// The arguments, and what can be derived from them before any file is checked.
struct Call<'c> {
    arguments: &'c Arguments,
    today: Date,
    base: PathBase,
    typed: Typed<'c>,
    render_options: RenderOptions,
}

impl<'c> Call<'c> {
    /// # Errors
    /// If the working directory or a named configuration is not usable. The message is ready to be shown.
    fn new(arguments: &'c Arguments) -> Result<Self, String> {
        let color = color(arguments.output.color);
        let today = arguments.scope.as_of.unwrap_or_else(today);
        Ok(Self {
            arguments,
            today,
            base: base(arguments)?,
            typed: Typed::new(arguments, today, color)?,
            render_options: render_options(arguments, color),
        })
    }

    fn writes(&self) -> bool {
        let action = &self.arguments.action;
        action.write
            || adds_ignores(action)
            || matches!(&self.arguments.command, Some(Command::Mirror(mirror)) if mirror.write)
    }

    /// Prints the version, with the catalogue that the settings choose.
    fn version(&self, out: &mut dyn Write) -> Result<Exit, Refusal> {
        let settings = Settings::new(&self.typed, &[], &self.base, Baselines::Unused);
        match settings.of_folder(Path::new("")) {
            Ok(area) => Ok(version(Some(&area.config.edition), out)?),
            Err(message) => {
                version(Some(Edition::embedded()), out)?;
                Err(Refusal::Shown(message))
            }
        }
    }

    /// Runs the commands that need rules but no files.
    fn by_rules(
        &self,
        command: &Command,
        rules: &RuleSet,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> io::Result<Exit> {
        let render_options = self.render_options;
        match command {
            Command::Explain { what } => explain::explain(rules, what, render_options, out, err),
            Command::Rules {
                format,
                changed_since,
            } => {
                let listing = catalogue::Listing {
                    json: *format == TableFormat::Json,
                    changed_since: *changed_since,
                    today: self.today,
                };
                catalogue::list(rules, &listing, render_options, out)
            }
            Command::Policy {
                engine,
                action,
                min_severity,
                task,
            } => {
                let task = task.as_ref();
                policy::print(rules, engine, *action, *min_severity, task, out, err)
            }
            _ => Ok(Exit::Done),
        }
    }

    /// Runs the commands that read files.
    fn on_files(
        &self,
        registries: Option<&dyn Registries>,
        unread: Arc<AtomicBool>,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Exit, Refusal> {
        let arguments = self.arguments;
        let Paths { roots, apart } = roots(arguments).map_err(Refusal::Shown)?;
        let revisions = revision::open(&arguments.scope, &roots);
        let baselines = settings::baselines(arguments);
        let settings = Settings::new(&self.typed, &roots, &self.base, baselines)
            .over(Arc::clone(&revisions.overlay));
        for (root, why) in &revisions.failed {
            settings.give_up(root, why.clone());
        }
        let ignores = note(&arguments.action).map_err(Refusal::Shown)?;
        let fault = mistakes::of_outputs(arguments).or_else(|| hook::stray_output(arguments));
        if let Some(fault) = fault {
            return Err(Refusal::Line(fault));
        }
        let gate = Arc::default();
        // A run that leaves nothing on the disk can be killed at any time.
        if self.writes() || leaves_reports(arguments) {
            let watched = signals::watch(&gate);
            let refused = |error| Refusal::Line(format!("cannot handle signals: {error}"));
            watched.map_err(refused)?;
        }
        let only = match arguments.command {
            None => changed::only(arguments, &roots, &settings, err)?.map_err(Refusal::Line)?,
            Some(_) => None,
        };
        let surroundings = Surroundings {
            overlay: revisions.overlay,
            apart,
            registries,
            ignores,
            only,
            unread,
            gate,
            ..Surroundings::new(roots, &self.base, self.today, self.render_options)
        };
        let exit = match &arguments.command {
            Some(Command::Mirror(mirror)) => {
                mirror::mirror(mirror, arguments, &settings, &surroundings, out, err)
            }
            _ => {
                let options = surroundings.options(arguments, &settings);
                carry_out(arguments, &settings, options, out, err)
            }
        };
        Ok(exit?)
    }
}

/// Whether a run writes reports or a baseline to the disk.
fn leaves_reports(arguments: &Arguments) -> bool {
    let is_merged = |merge: &merge::Merge| !merge.output.is_empty();
    arguments.action.write_baseline
        || !arguments.output.output.is_empty()
        || matches!(&arguments.command, Some(Command::Merge(merge)) if is_merged(merge))
}

/// Runs the command once everything is prepared.
fn carry_out(
    arguments: &Arguments,
    settings: &Settings<'_>,
    options: Options<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let outcome = match &arguments.command {
        Some(Command::Images { format, verify, .. }) if verify.verify => {
            let json = *format == TableFormat::Json;
            return online::verify(&options, verify, json, out, err);
        }
        Some(Command::Cluster(arguments)) => return cluster::run(arguments, options, out, err),
        Some(Command::Merge(asked)) => {
            return merge::merge(asked, settings, &options, out, err);
        }
        Some(Command::Hosts(arguments)) => return mirror::hosts(&options, arguments, out, err),
        Some(Command::Images { format, unique, .. }) => {
            let list = ImageList {
                json: *format == TableFormat::Json,
                unique: *unique,
            };
            run::images(&options, list, out, err)?
        }
        _ if arguments.action.files => run::files(&options, out, err)?,
        _ => run::check(&options, out, err)?,
    };
    Ok(outcome.into())
}

/// Prints the version and, for a catalogue, its name and what it contains.
fn version(edition: Option<&Edition>, out: &mut dyn Write) -> io::Result<Exit> {
    writeln!(out, "regfix {}", env!("CARGO_PKG_VERSION"))?;
    if let Some(edition) = edition {
        let (name, count) = (edition.name(), edition.rules().len());
        writeln!(out, "catalogue of {name}: {count} rules")?;
        let facts = &edition.facts;
        let (charts, images) = (facts.charts.count(), facts.index.count());
        writeln!(out, "charts with known legacy versions: {charts}")?;
        writeln!(
            out,
            "images of registry.k8s.io in the offline index: {images}"
        )?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
