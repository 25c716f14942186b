//! `regfix lsp`: the language server, with the settings of the editor laid over those of the command line.

use std::io;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::args::Level;
use super::online::{self, Registries};
use super::roots::base;
use super::run_options::{Surroundings, render_options};
use super::settings::{self, Typed};
use super::{Arguments, Exit, explain, set_threads, today};
use crate::lsp::{self, Asked, Host};
use crate::printable::complain;
use crate::report::RenderOptions;
use crate::rules::{Presence, RuleSet};
use crate::run::{self, Options, Settings};

/// The width of hover texts, in columns.
const WIDTH: usize = 80;

/// How the server runs.
#[derive(Debug, Clone, Args)]
pub struct Lsp {
    /// Ask the registry whether a new image exists when the pointer rests on a finding; makes connections
    #[arg(long)]
    pub verify: bool,
    /// Has no effect: the server always uses standard input and output
    #[arg(long, hide = true)]
    pub stdio: bool,
    #[command(flatten)]
    pub registries: Registries,
}

/// Serves until the editor ends the session. Standard output belongs to the protocol.
pub(super) fn serve(arguments: Arguments, asked: &Lsp) -> Exit {
    let mut err = io::stderr();
    let registries: Option<Box<dyn run::Registries + Send>> = match asked.verify {
        false => None,
        true => match online::connect(&asked.registries, &mut err) {
            Ok(Some(registries)) => Some(Box::new(registries)),
            Ok(None) | Err(_) => return Exit::Failed,
        },
    };
    let host = Typist {
        arguments,
        registries,
    };
    let started = set_threads(host.arguments.scope.jobs, false);
    let served = started.and_then(|()| {
        let served = lsp::serve(Arc::new(host));
        served.map_err(|fault| format!("the editor does not keep to the protocol: {fault}"))
    });
    match served {
        Ok(()) => Exit::Done,
        Err(message) => {
            // If this fails, there is no way left to report it.
            let _ = complain(&mut err, message);
            Exit::Failed
        }
    }
}

/// The command line, as the host of the server.
struct Typist {
    arguments: Arguments,
    registries: Option<Box<dyn run::Registries + Send>>,
}

impl Typist {
    /// Returns the arguments of a run, as if the editor's settings followed those of the server.
    fn of_run(&self, asked: &Asked) -> Result<Arguments, String> {
        let (typed, set) = (&self.arguments, &asked.settings);
        let mut scope = typed.scope.clone();
        scope.paths.clone_from(&asked.roots);
        scope.select.extend(set.select.iter().cloned());
        scope.ignore.extend(set.ignore.iter().cloned());
        scope.exclude.extend(set.exclude.iter().cloned());
        scope.all_text |= set.all_text;
        scope.no_baseline |= set.no_baseline;
        if let Some(config) = &set.config {
            scope.config = Some(
                asked
                    .roots
                    .first()
                    .map_or(config.clone(), |root| root.join(config)),
            );
            scope.no_config = false;
        }
        let mut output = typed.output.clone();
        output.quiet = false;
        if let Some(level) = &set.min_severity {
            let level = Level::from_str(level, true);
            output.min_severity = Some(
                level.map_err(|error| format!("settings of the editor: minSeverity: {error}"))?,
            );
        }
        Ok(Arguments {
            command: None,
            scope,
            action: typed.action.clone(),
            output,
            registries: typed.registries.clone(),
            version: false,
        })
    }
}

impl Host for Typist {
    fn lend(&self, asked: &Asked, act: &mut dyn FnMut(&Options<'_>)) -> Result<(), String> {
        let arguments = self.of_run(asked)?;
        let today = arguments.scope.as_of.unwrap_or_else(today);
        let base = base(&arguments)?;
        let typed = Typed::new(&arguments, today, false)?;
        let baselines = settings::baselines(&arguments);
        let settings = Settings::new(&typed, &asked.roots, &base, baselines);
        let usual = Surroundings::new(
            asked.roots.clone(),
            &base,
            today,
            render_options(&arguments, false),
        );
        let surroundings = Surroundings {
            folder: match &asked.roots[..] {
                [root] => root.clone(),
                _ => usual.folder,
            },
            overlay: Arc::clone(&asked.overlay),
            progress: false,
            ..usual
        };
        act(&surroundings.options(&arguments, &settings));
        Ok(())
    }

    fn explain(&self, rules: &RuleSet, what: &str) -> Option<String> {
        let render_options = RenderOptions {
            color: false,
            hyperlinks: false,
            terminal: false,
            width: WIDTH,
            ..render_options(&self.arguments, false)
        };
        let pages = explain::pages(rules, what, render_options).ok()?;
        Some(pages.join("\n\n"))
    }

    fn verify(&self, image: &str) -> Option<String> {
        let registries = self.registries.as_ref()?;
        let answers = registries.ask(&[image.to_owned()]);
        let said = match answers.into_iter().next()? {
            Presence::Exists { digest } => format!("exists: {digest}"),
            Presence::Missing { nearest, anonymous } => {
                let near = match nearest.is_empty() {
                    true => String::new(),
                    false => format!("; the nearest tags are {}", nearest.join(", ")),
                };
                let private = match anonymous {
                    true => ", or is private: no credentials were used",
                    false => "",
                };
                format!("does not exist{private}{near}")
            }
            Presence::Undetermined { reason } => format!("could not be checked: {reason}"),
        };
        Some(format!("{image} {said}"))
    }

    fn is_online(&self) -> bool {
        self.registries.is_some()
    }
}
